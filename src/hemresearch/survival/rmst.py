"""The restricted mean survival time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from ..errors import DataError
from ..numerics.intervals import normal_quantile
from ..numerics.restricted_mean import (
    clustered_variance,
    restricted_mean,
    restricted_mean_influence,
    restricted_mean_variance,
)
from ..numerics.risk_sets import risk_sets
from ..numerics.ties import TOLERANCE
from ..options import Missing, check_choice, check_conf_level, check_number
from ..outcomes import Survival, read_survival
from ..results import Estimates
from .curve import group_size, split_groups, warn_if_emptied

if TYPE_CHECKING:
    from ..columns import Column, Columns

MeanQuantity = Literal["survived", "lost"]


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
        As `kaplan_meier`, if an early risk set is emptied under delayed entry.

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
        n=int(sum(mean.n for mean in means)),
        n_event=float(sum(mean.n_event for mean in means)),
        n_dropped=y.n_dropped,
        time_unit=y.time_unit,
    )


@dataclass(frozen=True, slots=True, eq=False)
class RestrictedMean:
    """The restricted mean of one group, with both variances and what they are made of.

    `influence` is each row's, times its weight; rows of one `cluster` belong together.
    """

    value: float
    greenwood: float
    influence: np.ndarray
    cluster: np.ndarray | None
    n: float
    n_event: float

    def variance(self, robust: bool) -> float:
        """Greenwood's, or the infinitesimal jackknife's."""
        return clustered_variance(self.influence, self.cluster) if robust else self.greenwood


def restricted_means(y: Survival, tau: float) -> list[RestrictedMean]:
    """The restricted mean of every group."""
    check_number(tau, argument="tau", above=0, expected="a time above 0 in the unit of the data", example=365)
    groups = split_groups(y)
    refuse_beyond_follow_up(y, groups, np.array([tau]), argument="tau")
    return [_one_mean(one, float(tau)) for one in groups]


def _one_mean(y: Survival, tau: float) -> RestrictedMean:
    r = risk_sets(y.time, y.event, y.entry, y.weight)
    warn_if_emptied(y, r)
    value, area = restricted_mean(r, tau)
    influence = restricted_mean_influence(r, area, y.time, y.event, y.entry)
    return RestrictedMean(
        value=value,
        greenwood=restricted_mean_variance(r, area),
        influence=influence if y.weight is None else influence * y.weight,
        cluster=y.patient if y.cluster is None else y.cluster,
        n=group_size(y),
        n_event=float(r.n_event[r.time <= tau].sum()),
    )


def refuse_beyond_follow_up(y: Survival, groups: list[Survival], times: np.ndarray, *, argument: str) -> None:
    """Refuse times after a group's last follow-up, unless everybody seen then had the event."""
    last = [float(one.time.max()) for one in groups]
    open_ended = [not one.event[one.time == end].all() for one, end in zip(groups, last, strict=True)]
    horizon = float(times.max())
    short = [g for g, end in enumerate(last) if open_ended[g] and horizon > end * (1 + TOLERANCE)]
    if not short:
        return
    first = min(short, key=lambda g: last[g])
    group = f" of group {y.group.labels()[first]!r}" if y.group.names else ""
    allowed = [float(t) for t in times if t <= last[first]] or [last[first]]
    raise DataError(
        f"{horizon:g} lies beyond the last follow-up{group} at {last[first]:g}, after which the curve is not "
        "estimated",
        argument=argument,
        expected=f"a time of at most {last[first]:g}, the earliest end of follow-up among the groups",
        remedy=f"{argument}={last[first] if argument == 'tau' else allowed!r}",
    )


def variance_name(robust: bool) -> str:
    """What the variance is called in a result."""
    return "robust" if robust else "Greenwood"


def whole(counts: list[float]) -> pl.Series:
    """Counts as integers, unless weights made them fractions."""
    values = pl.Series(counts, dtype=pl.Float64)
    return values.cast(pl.Int64) if (values == values.round()).all() else values
