"""Time lost to each of several causes before a horizon, and its comparison between groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from ..formats import proper, rounded_down
from ..numerics.incidence import (
    event_free_before,
    incidence,
    moved_up_to,
    multinomial_variance,
    row_influence,
)
from ..numerics.intervals import normal_quantile
from ..numerics.restricted_mean import area_after
from ..numerics.risk_sets import RiskSets
from ..numerics.ties import TOLERANCE
from ..options import Missing, check_choice, check_conf_level, check_number
from ..outcomes_competing import Competing, read_competing
from ..results import Estimates
from ..survival.comparison import refuse_one_group
from ..survival.curve import group_size, split_groups
from ..survival.rmst import refuse_beyond_follow_up, whole, whole_or_float
from .cumulative_incidence import NAMES, cause_events, cause_levels, checked_variance, event_sets, owners
from .group_values import GroupValue, IncidenceContrasts, compared, warn_if_certain

if TYPE_CHECKING:
    from ..columns import Column, Columns

LostVariance = Literal["greenwood", "ij"]
ALONE = "years_lost(...) for the time lost in one group"


def years_lost(
    data: Any,
    *,
    time: Column,
    event: Column,
    cause: Any = None,
    censored: Any = "default",
    entry: Column | None = None,
    id: Column | None = None,
    by: Columns = None,
    weights: Column | None = None,
    cluster: Column | None = None,
    tau: float,
    variance: LostVariance | None = None,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Estimates:
    """Mean time lost to each cause before `tau`, one row per group and cause, in the unit of `time`.

    The area under the cumulative incidence of the cause on [0, tau]. Those of all causes and the restricted
    mean event-free time add up to tau, so that they tell where the time goes. `tau` may not exceed the last
    follow-up time of a group, unless everybody seen then had an event. Limits are normal.

    Parameters
    ----------
    data, time, event, cause, censored, entry, id, by, weights, cluster, missing
        As in `cumulative_incidence`.
    tau
        The horizon, in the unit of `time` (days if `time` holds durations).
    variance
        "greenwood" (multinomial events) or "ij" (robust: the infinitesimal jackknife over rows, patients or
        clusters); None as in `cumulative_incidence`.
    conf_level
        Level of the limits.

    Returns
    -------
    Estimates
        The `by` columns, `cause`, `n`, `n_event` (of the cause, up to tau), `estimate`, `std_error`,
        `conf_low`, `conf_high`.

    Raises
    ------
    DataError
        As `cumulative_incidence`; and for a tau that is not positive or lies beyond the last follow-up.

    Warns
    -----
    DataWarning
        As `cumulative_incidence`; and where the standard error is 0, as without such an event before tau.

    References
    ----------
    Andersen PK. Stat Med 2013;32:5278-5285.

    Examples
    --------
    >>> import hemresearch as hem
    >>> transplant = hem.data.load("bmtcrr")
    >>> hem.competing.years_lost(transplant, time="ftime", event="Status", tau=24)
    mean time lost before 24, n=177, events=127
      cause=1: 5.525 (4.24 to 6.81), n 177
      cause=2: 7.918 (6.499 to 9.337), n 177
    95% limits: normal, Greenwood variance
    """
    y, how, groups = _read(
        data, tau, variance, conf_level, time=time, event=event, censored=censored, entry=entry, id=id, by=by,
        weights=weights, cluster=cluster, missing=missing,
    )  # fmt: skip
    causes = y.numbers(cause)
    values = _values(y, groups, causes, float(tau), how)
    rows = [values[k][g] for g in range(len(groups)) for k in causes]
    error, z = np.array([v.std_error(how == "ij") for v in rows]), normal_quantile(conf_level)
    estimate = np.array([v.value for v in rows])
    numbers = pl.DataFrame(
        {
            "n": whole([v.n for v in rows]),
            "n_event": whole([v.n_event for v in rows]),
            "estimate": estimate,
            "std_error": error,
            "conf_low": estimate - z * error,
            "conf_high": estimate + z * error,
        }
    )
    return Estimates(
        frame=pl.concat([cause_levels(y, causes), numbers], how="horizontal"),
        name=f"mean time lost before {tau:g}",
        method=f"normal, {proper(NAMES[how])} variance",
        conf_level=conf_level,
        n=whole_or_float(group_size(y)),
        n_event=float(sum(v.n_event for v in rows)),
        n_dropped=y.n_dropped,
        time_unit=y.time_unit,
    )


def years_lost_difference(
    data: Any,
    *,
    time: Column,
    event: Column,
    cause: Any = None,
    censored: Any = "default",
    entry: Column | None = None,
    id: Column | None = None,
    by: Columns,
    weights: Column | None = None,
    cluster: Column | None = None,
    tau: float,
    variance: LostVariance | None = None,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> IncidenceContrasts:
    """Difference and ratio of the mean time lost to a cause before `tau` between groups.

    Two rows per comparison: "difference", the time lost by `group` minus that by `reference`, and "ratio",
    the one over the other, with limits and test on the log scale. The reference is the first group (sorted,
    or first in the order of an Enum); each other group is compared with it.

    Parameters
    ----------
    data, time, event, cause, censored, entry, id, weights, tau, variance, conf_level, missing
        As in `years_lost`.
    by
        One or several columns that define two or more groups.
    cluster
        Related rows (centre, pair), also across groups: their joint influence gives a robust variance.

    Returns
    -------
    Estimates
        `term`, `group`, `reference`, `cause`, `estimate`, `std_error` (null for ratios), `statistic` (z),
        `p_value`, `conf_low`, `conf_high`.

    Raises
    ------
    DataError
        One group only, and as `years_lost`.

    Warns
    -----
    DataWarning
        As `years_lost`; a ratio to a group that loses no time is undefined (null).

    References
    ----------
    Andersen PK. Stat Med 2013;32:5278-5285.

    Examples
    --------
    >>> import hemresearch as hem
    >>> transplant = hem.data.load("bmtcrr")
    >>> hem.competing.years_lost_difference(
    ...     transplant, time="ftime", event="Status", cause=1, by="D", tau=24
    ... )
    mean time lost before 24, n=177, events=53
      difference, group=AML, reference=ALL, cause=1: -2.532 (-5.181 to 0.1179), statistic -1.873, p 0.0611
      ratio, group=AML, reference=ALL, cause=1: 0.6388 (0.4021 to 1.015), statistic -1.897, p 0.05777
    95% limits: normal (ratios on the log scale), Greenwood variance
    """
    y, how, groups = _read(
        data, tau, variance, conf_level, time=time, event=event, censored=censored, entry=entry, id=id, by=by,
        weights=weights, cluster=cluster, missing=missing,
    )  # fmt: skip
    refuse_one_group(y, ALONE)
    causes = y.numbers(cause)
    values = _values(y, groups, causes, float(tau), how)
    frames = [compared(y, v, how == "ij", conf_level, cause=y.causes[k - 1]) for k, v in values.items()]
    return IncidenceContrasts(
        frame=pl.concat(frames),
        name=f"mean time lost before {tau:g}",
        method=f"normal (ratios on the log scale), {proper(NAMES[how])} variance",
        conf_level=conf_level,
        n=whole_or_float(group_size(y)),
        n_event=float(sum(v.n_event for of_groups in values.values() for v in of_groups)),
        n_dropped=y.n_dropped,
        time_unit=y.time_unit,
        sentence=f"mean time lost to {{cause}} before {tau:g}",
    )


def _read(
    data: Any, tau: Any, variance: LostVariance | None, conf_level: float, **roles: Any
) -> tuple[Competing, str, list[Competing]]:
    """The observations, the variance, and those of each group, once tau is known to be within follow-up."""
    check_conf_level(conf_level)
    check_number(tau, argument="tau", above=0, expected="a time above 0 in the unit of the data", example=365)
    if variance is not None:
        check_choice(variance, LostVariance, argument="variance")
    y = read_competing(data, **roles)
    groups = split_groups(y)
    refuse_beyond_follow_up(y, groups, np.array([float(tau)]), argument="tau")
    return y, checked_variance(y, variance), groups


def _values(
    y: Competing, groups: list[Competing], causes: list[int], tau: float, how: str
) -> dict[int, list[GroupValue]]:
    """The time lost to each cause in each group, with a warning where it is certain."""
    pairs = [(one, event_sets(one)) for one in groups]
    values = {k: [_value(one, r, k, tau) for one, r in pairs] for k in causes}
    last = rounded_down(min(float(one.time.max()) for one in groups))
    remedy = f"tau={last!r}" if last > tau else "follow_up(...), to report how long the groups were followed"
    named = {y.causes[k - 1]: v for k, v in values.items()}
    warn_if_certain(y, named, how == "ij", argument="tau", remedy=remedy)
    return values


def _value(y: Competing, r: RiskSets, number: int, tau: float) -> GroupValue:
    """The time lost to a cause before tau, in one group."""
    n_cause, before = cause_events(y, r, number), event_free_before(r)
    estimate = incidence(r, n_cause, before)
    area = area_after(r.time, estimate, tau)
    moved = moved_up_to(r, area, estimate, before, tau)
    influence = row_influence(r, n_cause, moved, y.time, y.cause == number, y.event, y.entry)
    return GroupValue(
        value=float(area[0]),
        closed_form=multinomial_variance(r, n_cause, moved),
        influence=influence if y.weight is None else influence * y.weight,
        cluster=owners(y),
        largest=tau,
        n=group_size(y),
        n_event=float(n_cause[r.time <= tau * (1 + TOLERANCE)].sum()),
        n_moving=float(n_cause[r.time < tau * (1 - TOLERANCE)].sum()),
    )
