"""The naive incidence of an event, as if competing events were censorings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from ..errors import DataError
from ..options import ConfType, Missing
from ..outcomes_competing import read_competing
from ..results import Curves
from ..survival.curve import estimate_curves
from ..survival.kaplan_meier import ESTIMATORS

if TYPE_CHECKING:
    from ..columns import Column, Columns

METHOD = "naive 1 - Kaplan-Meier (competing events censored)"


def naive_incidence(
    data: Any,
    *,
    time: Column,
    event: Column,
    cause: Any,
    censored: Any = "default",
    entry: Column | None = None,
    id: Column | None = None,
    by: Columns = None,
    weights: Column | None = None,
    cluster: Column | None = None,
    robust: bool | None = None,
    start_time: float | None = None,
    allow_naive: bool = False,
    conf_level: float = 0.95,
    conf_type: ConfType = "log-log",
    missing: Missing = "raise",
) -> Curves:
    """1 - Kaplan-Meier of one cause with competing events as censorings, to show what it gets wrong.

    It is the probability of the event only in a world without the other causes, and only if these were
    independent of it; of what happens to patients it is too high, and the curves of all causes can add up to
    more than 1. So it is made only with `allow_naive=True`, and calls itself naive wherever it is shown.

    Parameters
    ----------
    data, time, event, censored, entry, id, by, weights, cluster, start_time, conf_level, missing
        As in `cumulative_incidence`.
    cause
        One label.
    robust
        As in `kaplan_meier`.
    allow_naive
        That the naive curve is wanted, beside the right one.
    conf_type
        Scale on which the limits of survival are symmetric, as in `kaplan_meier`.

    Returns
    -------
    Curves
        Of the quantity "naive cumulative incidence"; `n_censor` counts competing events too.

    Raises
    ------
    DataError
        Without `allow_naive=True`; for several causes; and as `cumulative_incidence` and `kaplan_meier`.

    Warns
    -----
    DataWarning
        As `kaplan_meier`.

    References
    ----------
    Gooley TA et al. Stat Med 1999;18:695-706.

    Examples
    --------
    >>> import hemresearch as hem
    >>> transplant = hem.data.load("bmtcrr")
    >>> roles = {"time": "ftime", "event": "Status", "cause": 1}
    >>> naive = hem.competing.naive_incidence(transplant, **roles, allow_naive=True)
    >>> right = hem.competing.cumulative_incidence(transplant, **roles)
    >>> [curves.at(60)["estimate"].round(3)[0] for curves in (naive, right)]
    [0.471, 0.325]
    """
    if allow_naive is not True:
        raise DataError(
            "1 - Kaplan-Meier with competing events censored overstates the probability of the event",
            argument="allow_naive",
            expected="cumulative_incidence, the probability while the other causes compete",
            remedy="cumulative_incidence(...), and allow_naive=True to show the naive curve beside it",
        )
    y = read_competing(
        data, time=time, event=event, censored=censored, entry=entry, id=id, by=by, weights=weights,
        cluster=cluster, missing=missing,
    )  # fmt: skip
    numbers = y.numbers(cause)
    if len(numbers) > 1:
        raise DataError(
            f"{len(numbers)} causes were asked for",
            argument="cause",
            expected="one cause for each naive curve",
            remedy=f"cause={y.causes[numbers[0] - 1]!r}",
        )
    survival = estimate_curves(
        y.of_cause(numbers[0]), ESTIMATORS["kaplan-meier"], robust=robust, start_time=start_time,
        conf_level=conf_level, conf_type=conf_type,
    )  # fmt: skip
    of = pl.lit(pl.Series("cause", [y.causes[numbers[0] - 1]])).first().alias("cause")
    return replace(
        survival,
        frame=survival.frame.select(
            *y.group.names, of, "time", "n_risk", "n_event", "n_censor",
            (1 - pl.col("estimate")).alias("estimate"), "std_error",
            (1 - pl.col("conf_high")).alias("conf_low"), (1 - pl.col("conf_low")).alias("conf_high"),
        ),
        groups_frame=survival.groups_frame.select(*y.group.names, of, pl.exclude(y.group.names)),
        quantity="naive cumulative incidence",
        method=METHOD,
    )  # fmt: skip
