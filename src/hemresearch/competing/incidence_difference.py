"""Differences and ratios of cumulative incidence between groups at chosen times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..formats import proper
from ..numerics.incidence import event_free_before, incidence, moved_at, row_influence
from ..numerics.risk_sets import RiskSets
from ..options import Missing, check_conf_level, check_times
from ..outcomes_competing import Competing, read_competing
from ..survival.comparison import refuse_one_group
from ..survival.curve import group_size, observed_from, split_groups
from ..survival.rmst import refuse_beyond_follow_up, whole_or_float
from .cumulative_incidence import (
    CLOSED_FORMS,
    NAMES,
    IncidenceVariance,
    cause_events,
    checked_variance,
    event_sets,
    owners,
)
from .group_values import GroupValue, IncidenceContrasts, compared, warn_if_certain

if TYPE_CHECKING:
    from ..columns import Column, Columns

ALONE = "cumulative_incidence(...) for the incidence in one group"


def incidence_difference(
    data: Any,
    *,
    time: Column,
    event: Column,
    cause: Any,
    censored: Any = "default",
    entry: Column | None = None,
    id: Column | None = None,
    by: Columns,
    weights: Column | None = None,
    cluster: Column | None = None,
    start_time: float | None = None,
    at: Any,
    variance: IncidenceVariance | None = None,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> IncidenceContrasts:
    """Difference and ratio of the cumulative incidence of a cause between groups, at times chosen in advance.

    Two rows per comparison and time: "difference", F(t) of `group` minus that of `reference`, and "ratio",
    the one over the other. The reference is the first group (sorted, or first in the order of an Enum); each
    other group is compared with it. Limits and tests are normal, of the ratio on the log scale. A comparison
    of the whole curves is `gray_test`; of hazards, `cause_specific`.

    Parameters
    ----------
    data, time, event, censored, entry, id, weights, start_time, variance, missing
        As in `cumulative_incidence`.
    cause
        One label or several; None for all.
    by
        One or several columns that define two or more groups.
    cluster
        Related rows (centre, pair), also across groups: their joint influence gives a robust variance.
    at
        One or several times; not after the last follow-up of a group, unless all had an event by then.
    conf_level
        Level of the limits.

    Returns
    -------
    Estimates
        `term`, `group`, `reference`, `cause`, `time`, `estimate`, `std_error` (null for ratios), `statistic`
        (z), `p_value`, `conf_low`, `conf_high`.

    Raises
    ------
    DataError
        One group only, times after the last follow-up of a group, and as `cumulative_incidence`.

    Warns
    -----
    DataWarning
        If the standard error of a group is 0, as where it has no such event yet: then limits leave its
        uncertainty out, and ratios to it are undefined (null). And as `cumulative_incidence`.

    References
    ----------
    Zhang MJ, Fine J. Stat Med 2008;27:4361-4376. Klein JP, Logan B, Harhoff M, Andersen PK. Stat Med
    2007;26:4505-4519.

    Examples
    --------
    >>> import hemresearch as hem
    >>> transplant = hem.data.load("bmtcrr")
    >>> difference = hem.competing.incidence_difference(
    ...     transplant, time="ftime", event="Status", cause=1, by="D", at=24
    ... )
    >>> difference.to_frame()["estimate"].round(3).to_list()
    [-0.146, 0.623]
    >>> difference.text().partition(": ")[2].partition(";")[0]
    'difference -14.6 percentage points (95% CI -28.6 to -0.6), p=0.040'
    """
    check_conf_level(conf_level)
    wanted = check_times(at, argument="at")
    y = read_competing(
        data, time=time, event=event, censored=censored, entry=entry, id=id, by=by, weights=weights,
        cluster=cluster, missing=missing,
    )  # fmt: skip
    refuse_one_group(y, ALONE)
    how, causes = checked_variance(y, variance), y.numbers(cause)
    y = y if start_time is None else observed_from(y, start_time)
    groups = split_groups(y)
    refuse_beyond_follow_up(y, groups, wanted, argument="at")
    pairs = [(one, event_sets(one)) for one in groups]
    frames, robust, n_event = [], how == "ij", 0.0
    for t in wanted:
        values = {y.causes[k - 1]: [_value(one, r, k, t, how) for one, r in pairs] for k in causes}
        warn_if_certain(y, values, robust, argument="at", remedy="a later time, or gray_test(...)")
        frames += [compared(y, v, robust, conf_level, cause=c, time=t) for c, v in values.items()]
        n_event = max(n_event, float(sum(v.n_event for of_groups in values.values() for v in of_groups)))
    possible = pl.col("conf_low", "conf_high").clip(-1, 1)  # of a difference of probabilities
    begin = f" from {start_time:g}" if start_time else ""
    return IncidenceContrasts(
        frame=pl.concat(frames).with_columns(
            pl.when(pl.col("term") == "difference").then(possible).otherwise(pl.col("conf_low", "conf_high"))
        ),
        name=f"cumulative incidence{begin}",
        method=f"normal (ratios on the log scale), {proper(NAMES[how])} variance",
        conf_level=conf_level,
        n=whole_or_float(group_size(y)),
        n_event=n_event,
        n_dropped=y.n_dropped,
        time_unit=y.time_unit,
        sentence=f"cumulative incidence{begin} of {{cause}} at {{time:g}}",
    )


def _value(y: Competing, r: RiskSets, number: int, at: float, variance: str) -> GroupValue:
    """The incidence of a cause at one time, in one group."""
    n_cause, before = cause_events(y, r, number), event_free_before(r)
    estimate = incidence(r, n_cause, before)
    last = int(np.searchsorted(r.time, at, side="right"))
    closed = CLOSED_FORMS.get(variance, CLOSED_FORMS["greenwood"])(r, n_cause, before)
    moved = moved_at(r, estimate, before, at)
    influence = row_influence(r, n_cause, moved, y.time, y.cause == number, y.event, y.entry)
    n_event = float(n_cause[:last].sum())
    return GroupValue(
        value=float(np.append(0.0, estimate)[last]),
        closed_form=float(np.append(0.0, closed)[last]),
        influence=influence if y.weight is None else influence * y.weight,
        cluster=owners(y),
        largest=1.0,
        n=group_size(y),
        n_event=n_event,
        n_moving=n_event,
    )
