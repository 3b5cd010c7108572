"""Time from cytopenia to recovery, with what competes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .rows import check_window, given_back
from .series import check_gaps, daily, read_series

if TYPE_CHECKING:
    from ...columns import Column
    from ...options import Missing
    from .blood_units import BloodUnit

CENSORED, RECOVERY, PROGRESSION, DEATH = "censored", "recovery", "progression", "death"


def cytopenia_recovery(
    data: Any,
    *,
    id: Column,
    value: Column,
    day: Column | None = None,
    date: Column | None = None,
    start: Column | None = None,
    progression: Column | None = None,
    death: Column | None = None,
    until: Column | None = None,
    unit: BloodUnit,
    threshold: float,
    window: tuple[int, int] = (0, 100),
    joined_gap: int = 3,
    longest_gap: int = 7,
    missing: Missing = "raise",
) -> Any:
    """Time from the first low day to recovery of a blood count, for `competing.cumulative_incidence`.

    Of those who fall to or below the threshold within the window, one row each. Time zero is the first low
    day. Recovery is the first day after it that begins `joined_gap` days in a row above the threshold.
    Progression and death before it compete, if their days are given. Patients are followed while their count
    is known, gaps of up to `longest_gap` days filled as in `cytopenia_duration`: one whose measurements end
    earlier is censored there, even if the death is known, since a recovery between would not be.

    Parameters
    ----------
    id, value, day, date, start, unit, threshold, missing
        As in `cytopenia_duration`.
    progression, death
        Days since time zero (or dates, with `date`) of what competes; null for none. The same in all rows of
        a patient. Progression counts before death on the same day.
    until
        The last day (or date) of follow-up.
    window
        The first and the last day that count; who has no event by then is censored.
    joined_gap, longest_gap
        As in `cytopenia_duration`.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        The id, `onset` (day of the first low value), `recovery_days` (since then) and `recovery_event`, an
        Enum of `"censored"`, `"recovery"`, `"progression"` and `"death"` (of these the ones that can be).
        Lazy if the data were.

    Raises
    ------
    DataError
        As `cytopenia_duration`.

    Examples
    --------
    >>> import polars as pl
    >>> counts = pl.DataFrame(
    ...     {
    ...         "patient": ["A"] * 4 + ["B"] * 3 + ["C"] * 3,
    ...         "day": [0, 5, 12, 16, 0, 6, 12, 0, 7, 14],
    ...         "neutrophils": [2.0, 0.2, 0.7, 1.8, 1.5, 0.1, 0.1, 2.5, 0.4, 0.3],
    ...         "death": [None] * 4 + [15] * 3 + [None] * 3,
    ...     }
    ... )
    >>> cytopenia_recovery(
    ...     counts,
    ...     id="patient",
    ...     value="neutrophils",
    ...     day="day",
    ...     death="death",
    ...     unit="10^9/L",
    ...     threshold=0.5,
    ... ).rows()
    [('A', 5, 5, 'recovery'), ('B', 5, 10, 'death'), ('C', 7, 7, 'censored')]
    """
    level, joined, longest = check_gaps(threshold, joined_gap, longest_gap)
    days = check_window(window)
    competing = {"progression": progression, "death": death}
    series = read_series(
        data, id=id, value=value, day=day, date=date, start=start, unit=unit, missing=missing,
        limits={**competing, "until": until},
    )  # fmt: skip
    end = series.ends(days, "until", *competing)
    d = daily(series.lowest(days, end), end, level, joined_gap=joined, longest_gap=longest)
    labels = [CENSORED, RECOVERY, *(role for role, given in competing.items() if given is not None)]
    limits = {role: series.rows.limits[role] - days[0] for role in labels[2:]}
    at_end = [(d.last_known == end) & (end == when) for when in limits.values()]
    event = np.select([d.recovery >= 0, *at_end], labels[1:], CENSORED)
    time = np.where(d.recovery >= 0, d.recovery, d.last_known) - d.onset
    result = series.rows.one_each(
        onset=d.onset + days[0], recovery_days=time, recovery_event=pl.Series(event, dtype=pl.Enum(labels))
    )
    return given_back(result.filter(pl.Series(d.onset >= 0)), data)
