"""The restricted mean survival time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from ..errors import DataError, listed, warn
from ..formats import rounded_down
from ..numerics.intervals import normal_quantile
from ..numerics.restricted_mean import (
    clustered_variance,
    restricted_mean,
    restricted_mean_influence,
    restricted_mean_variance,
)
from ..numerics.risk_sets import RiskSets, risk_sets
from ..numerics.ties import TOLERANCE
from ..options import Missing, check_choice, check_conf_level, check_number
from ..outcomes import Survival, read_survival
from ..results import Estimates
from .curve import group_size, split_groups, warn_if_emptied

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..columns import Column, Columns

MeanQuantity = Literal["survived", "lost"]
TOO_FEW = "too few clusters"
NO_RATIO = "the ratio of time lost is undefined"
NO_ERROR = 1e-9  # a standard error below this share of tau is rounding error


def rmst(
    data: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    entry: Column | None = None,
    id: Column | None = None,
    by: Columns = None,
    weights: Column | None = None,
    cluster: Column | None = None,
    robust: bool | None = None,
    tau: float,
    quantity: MeanQuantity = "survived",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Estimates:
    """Mean event-free time up to `tau`, one row per group.

    The area under the Kaplan-Meier curve on [0, tau], in the unit of `time`; with `quantity="lost"` what is
    missing from tau, the mean time lost to the event before tau. `tau` may not exceed the last follow-up
    time of a group, where the curve is no longer estimated, unless that curve has reached 0. The
    standard error is Greenwood's, the root of the sum over event times s <= tau of
    A(s)^2 d(s) / (n(s) (n(s) - d(s))) with A(s) the area between s and tau; or the infinitesimal
    jackknife's when robust. Limits are normal.

    Parameters
    ----------
    data, time, event, event_value, entry, id, by, weights, cluster, robust, missing
        As in `kaplan_meier`.
    tau
        The horizon, in the unit of `time` (days if `time` holds durations).
    quantity
        "survived", or "lost" for tau minus it.
    conf_level
        Level of the limits.

    Returns
    -------
    Estimates
        The `by` columns, `n`, `n_event` (those up to tau), `estimate`, `std_error`, `conf_low`, `conf_high`.

    Raises
    ------
    DataError
        As `kaplan_meier`; and for a tau that is not positive or lies beyond the last follow-up.

    Warns
    -----
    DataWarning
        As `kaplan_meier`, if an early risk set is emptied under delayed entry; and where the standard error
        is 0, as without an event before tau: the interval is then a point and says nothing about uncertainty.

    References
    ----------
    Royston P, Parmar MKB. BMC Med Res Methodol 2013;13:152. Variance: Klein JP, Moeschberger ML. Survival
    Analysis, 2nd ed. Springer 2003, section 4.5.

    Examples
    --------
    >>> import hemresearch as hem
    >>> trial = hem.data.load("myeloid")
    >>> hem.survival.rmst(trial, time="futime", event="death", by="trt", tau=1800)
    restricted mean survival time to 1800, n=646, events=317
      trt=A: 990.4 (906.9 to 1074), n 317
      trt=B: 1168 (1090 to 1246), n 329
    95% limits: normal, Greenwood variance
    """
    check_choice(quantity, MeanQuantity, argument="quantity")
    check_conf_level(conf_level)
    y = read_survival(
        data, time=time, event=event, event_value=event_value, entry=entry, id=id, by=by, weights=weights,
        cluster=cluster, missing=missing,
    )  # fmt: skip
    is_robust = y.uses_robust_variance(robust)
    means = restricted_means(y, tau)
    warn_if_certain(y, means, float(tau), is_robust)
    rows = pl.DataFrame(
        {
            "n": whole([mean.n for mean in means]),
            "n_event": whole([mean.n_event for mean in means]),
            "estimate": [mean.value if quantity == "survived" else tau - mean.value for mean in means],
            "std_error": [np.sqrt(mean.variance(is_robust)) for mean in means],
        }
    ).with_columns(
        conf_low=pl.col("estimate") - normal_quantile(conf_level) * pl.col("std_error"),
        conf_high=pl.col("estimate") + normal_quantile(conf_level) * pl.col("std_error"),
    )
    return Estimates(
        frame=pl.concat([y.group.levels, rows], how="horizontal") if y.group.names else rows,
        name=f"restricted mean {'survival time' if quantity == 'survived' else 'time lost'} to {tau:g}",
        method=f"normal, {variance_name(is_robust)} variance",
        conf_level=conf_level,
        n=whole_or_float(sum(mean.n for mean in means)),
        n_event=float(sum(mean.n_event for mean in means)),
        n_dropped=y.n_dropped,
        time_unit=y.time_unit,
    )


@dataclass(frozen=True, slots=True, eq=False)
class RestrictedMean:
    """The restricted mean of one group, with both variances and what they are made of.

    `influence` is each row's, times its weight; rows of one `cluster` belong together. `n_event` counts
    the events up to tau, `n_before` those before it, the only ones that take from the mean.
    """

    value: float
    greenwood: float
    influence: np.ndarray
    cluster: np.ndarray | None
    n: float
    n_event: float
    n_before: float

    def variance(self, robust: bool) -> float:
        """Greenwood's, or the infinitesimal jackknife's."""
        return clustered_variance(self.influence, self.cluster) if robust else self.greenwood

    def why_certain(self, tau: float, robust: bool) -> str:
        """Why the standard error is 0, or nothing where it is not."""
        if np.sqrt(self.variance(robust)) > NO_ERROR * tau:
            return ""
        if not self.n_before:
            return f"no event before {tau:g}"
        return TOO_FEW if self.greenwood > 0 else "nobody at risk survives the events"


def restricted_means(y: Survival, tau: float) -> list[RestrictedMean]:
    """The restricted mean of every group."""
    check_number(tau, argument="tau", above=0, expected="a time above 0 in the unit of the data", example=365)
    groups = split_groups(y)
    refuse_beyond_follow_up(y, groups, np.array([tau]), argument="tau")
    sets = [risk_sets(one.time, one.event, one.entry, one.weight) for one in groups]
    for one, r in zip(groups, sets, strict=True):
        warn_if_emptied(one, r)
    return [restricted_mean_of(one, r, float(tau)) for one, r in zip(groups, sets, strict=True)]


def restricted_mean_of(y: Survival, r: RiskSets, tau: float) -> RestrictedMean:
    """The restricted mean of one group, from its risk sets."""
    value, area = restricted_mean(r, tau)
    n_before = float(r.n_event[r.time < tau * (1 - TOLERANCE)].sum())
    influence = restricted_mean_influence(r, area, y.time, y.event, y.entry)
    return RestrictedMean(
        value=value if n_before else tau,
        greenwood=restricted_mean_variance(r, area),
        influence=influence if y.weight is None else influence * y.weight,
        cluster=y.patient if y.cluster is None else y.cluster,
        n=group_size(y),
        n_event=float(r.n_event[r.time <= tau * (1 + TOLERANCE)].sum()),
        n_before=n_before,
    )


def warn_if_certain(
    y: Survival, means: list[RestrictedMean], tau: float, robust: bool, *, also: str = ""
) -> None:
    """Say which groups have a standard error of 0, and why."""
    why = [mean.why_certain(tau, robust) for mean in means]
    if not any(why):
        return
    if y.group.names:
        pairs = zip(y.group.labels(), why, strict=True)
        named = listed(f"in {label!r} ({reason})" for label, reason in pairs if reason)
    else:
        named = f"({why[0]})"
    says = f"0 {named}: the limits say nothing about the uncertainty there{also}"
    if TOO_FEW in why:
        owner = "id" if y.cluster is None else "cluster"
        warn(
            f"leaves a standard error of {says}",
            argument=owner,
            column=y.names[owner],
            expected="several clusters in every group",
            remedy="robust=False",
        )
        return
    warn(
        f"the standard error is {says}",
        argument="tau",
        expected="events before tau that others survive",
        remedy=informative_tau(y, tau),
    )


def informative_tau(y: Survival, tau: float) -> str:
    """A later tau before which every group has events that others survive; else what to report instead."""
    last = rounded_down(min(float(one.time.max()) for one in split_groups(y)))
    if last > tau and not any(_certain_before(one, last) for one in split_groups(y)):
        return f"tau={last!r}"
    return "follow_up(...), to report how long the groups were followed instead"


def _certain_before(y: Survival, tau: float) -> bool:
    r = risk_sets(y.time, y.event, y.entry, y.weight)
    return restricted_mean_of(y, r, tau).why_certain(tau, robust=False) != ""


def warn_of_comparison(
    y: Survival, means: list[RestrictedMean], tau: float, robust: bool, *, adjusted: bool, exact: bool
) -> None:
    """Say where a standard error is 0, and which groups lose no time, so that a ratio is undefined.

    `exact`: the standard error of some difference is 0.
    """
    without = [repr(label) for label, mean in zip(y.group.labels(), means, strict=True) if not mean.n_before]
    if not adjusted and any(mean.why_certain(tau, robust) for mean in means):
        warn_if_certain(y, means, tau, robust, also=f"; {NO_RATIO}" if without else "")
        return
    if without:
        warn(
            f"no event before {tau:g} in {listed(without)}, where no time is lost: {NO_RATIO}",
            argument="tau",
            expected="an event before tau in every group",
            remedy=informative_tau(y, tau),
        )
    if exact:
        owner = "covariates" if adjusted else "cluster" if y.cluster is not None else "id"
        warn(
            f"{'the covariates leave' if adjusted else 'leaves'} a standard error of 0 in a difference: its "
            "limits say nothing about the uncertainty, and there is no test",
            argument=owner,
            column=None if adjusted else y.names[owner],
            expected="groups, covariates and clusters that leave some variation",
            remedy="covariates=None" if adjusted else "robust=False",
        )


def refuse_beyond_follow_up(
    y: Survival, groups: Sequence[Survival], times: np.ndarray, *, argument: str
) -> None:
    """Refuse times after a group's last follow-up, unless everybody seen then had the event."""
    last = [float(one.time.max()) for one in groups]
    open_ended = [not one.event[one.time == end].all() for one, end in zip(groups, last, strict=True)]
    horizon = float(times.max())
    short = [g for g, end in enumerate(last) if open_ended[g] and horizon > end * (1 + TOLERANCE)]
    if not short:
        return
    first = min(short, key=lambda g: last[g])
    group = f" of group {y.group.labels()[first]!r}" if y.group.names else ""
    allowed = [float(t) for t in times if t <= last[first]] or [rounded_down(last[first])]
    raise DataError(
        f"{horizon:g} lies beyond the last follow-up{group} at {last[first]:g}, after which the curve is not "
        "estimated",
        argument=argument,
        expected=f"a time of at most {last[first]:g}, the earliest end of follow-up among the groups",
        remedy=f"{argument}={rounded_down(last[first]) if argument == 'tau' else allowed!r}",
    )


def variance_name(robust: bool) -> str:
    """What the variance is called in a result."""
    return "robust" if robust else "Greenwood"


def whole_or_float(count: float) -> float:
    """A count without decimals, unless weights gave it some."""
    nearest = round(count)
    return nearest if abs(count - nearest) <= 1e-9 * max(1.0, abs(count)) else float(count)


def whole(counts: list[float]) -> pl.Series:
    """Counts as integers, unless weights made them fractions."""
    values = pl.Series(counts, dtype=pl.Float64)
    return values.cast(pl.Int64) if (values == values.round()).all() else values
