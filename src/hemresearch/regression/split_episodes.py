"""Follow-up cut into episodes at given times, for effects and rates that change with time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..numerics.episodes import split_intervals
from ..options import Missing, check_times
from ..start_stop import read_follow_up, refuse_new_name

if TYPE_CHECKING:
    from ..columns import Column


def split_episodes(
    data: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    entry: Column | None = None,
    id: Column | None = None,
    cut: Any,
    episode: str = "episode",
    missing: Missing = "raise",
) -> pl.DataFrame:
    """Rows (entry, time] cut at the given times, so that each piece lies in one period.

    A row is cut at every time of `cut` strictly inside it; its pieces follow each other, and the last one
    keeps the event. A Cox model, a curve or a rate of the pieces is that of the rows, until something changes
    with the period: a rate is estimated by `episode`, and an effect that differs later has a column that is 0
    before, such as `late_age=pl.col("age") * (pl.col("episode") > 1)` beside `age`. The period itself is no
    covariate of a Cox model, since all at risk together are in the same one.

    An event at a cut falls into the period that the cut ends, since intervals are closed on the right.

    Parameters
    ----------
    data, time, event, event_value, entry
        As in `kaplan_meier`. Without `entry` all rows start at 0. A follow-up of 0 is no interval and is refused.
    id
        Patient, when several rows hold one patient's follow-up: they may not overlap. Without such a column,
        `data.with_row_index("id")` before the split keeps the pieces of a row together.
    cut
        One time or several, in the unit of `time` (days if `time` holds durations), in any order. A cut that
        differs from a time by rounding error only (1.5e-8, relative) is that time.
    episode
        Name of the column that numbers the periods: 1 up to the first cut, k + 1 after the k-th. The number
        belongs to the period: a row that enters late starts with a higher one.
    missing
        `"raise"`, or `"drop"` to leave out rows with a missing time, event, entry or id; a warning counts them.

    Returns
    -------
    polars.DataFrame
        All columns of `data`, row by row, and `episode` (Int64). `time` ends the piece; `entry` starts it (a
        new column `entry` before `time` if none was given); `event` is Boolean in any case, so that
        `event_value` is not given again. Whole numbers stay whole if the cuts are; durations stay durations.

    Raises
    ------
    DataError
        As `kaplan_meier`; for cuts that are not finite times of 0 or more, a name that is taken, and a
        follow-up of 0.

    Warns
    -----
    DataWarning
        With `missing="drop"`, if rows were left out.

    References
    ----------
    Therneau TM, Grambsch PM. Modeling Survival Data. Springer 2000, section 3.7. `survSplit` of the R package
    survival, with the same numbers of episodes.

    Examples
    --------
    >>> import hemresearch as hem
    >>> trial = hem.data.load("myeloid").select("id", "trt", "futime", "death").head(2)
    >>> hem.regression.split_episodes(trial, time="futime", event="death", cut=[90, 235, 365]).rows()
    [(1, 'B', 0, 90, False, 1), (1, 'B', 90, 235, True, 2), (2, 'A', 0, 90, False, 1), (2, 'A', 90, 235, False, 2), (2, 'A', 235, 286, True, 3)]
    """  # noqa: E501
    cuts = check_times(cut, argument="cut")
    rows = read_follow_up(
        data, time=time, event=event, event_value=event_value, entry=entry, id=id, missing=missing
    )
    refuse_new_name(rows, episode, "episode")
    rows, cuts = rows.rounded_with(cuts)
    row, start, stop, is_last, period = split_intervals(rows.start, rows.y.time, np.unique(cuts))
    pieces = rows.write(
        row, start, stop, rows.y.event[row] & is_last, whole=bool((cuts == np.floor(cuts)).all())
    )
    return pieces.with_columns(pl.Series(episode, period))
