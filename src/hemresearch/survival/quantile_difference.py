"""Differences of survival quantiles, such as medians, between groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from scipy.special import ndtr

from ..errors import DataError, listed, warn
from ..formats import rounded_down
from ..numerics.intervals import normal_quantile
from ..numerics.quantile_difference import (
    Crossing,
    crossing,
    difference_limits,
    joint_factor,
    touching_point,
)
from ..options import ConfType, Missing, check_number
from ..outcomes import Survival, read_survival
from ..results import Estimates
from .curve import estimate_curves
from .kaplan_meier import ESTIMATORS
from .rmst import variance_name, whole_or_float
from .rmst_difference import refuse_one_group

if TYPE_CHECKING:
    from ..columns import Column, Columns
    from ..results import Curves


def quantile_difference(
    data: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    entry: Column | None = None,
    id: Column | None = None,
    by: Columns,
    weights: Column | None = None,
    cluster: Column | None = None,
    robust: bool | None = None,
    quantile: Any = 0.5,
    conf_level: float = 0.95,
    conf_type: ConfType = "log-log",
    missing: Missing = "raise",
) -> Estimates:
    """Difference between groups in the time by which the event has happened with a given probability.

    The quantile of `group` (its median for 0.5) minus that of `reference`, the first group (sorted, or
    first in the order of an Enum). Limits are those of Wang and Hettmansperger: with one-sample
    (Brookmeyer-Crowley) limits l and u of each group at a common critical value f z,

        l1 - u0  to  u1 - l0,   f = sqrt(s1^2 + s0^2) / (s1 + s0),

    where s is the length of a group's own 95 % interval, so that no density is estimated and the curves
    may have any shape. The p-value, of equal quantiles, belongs to the smallest z at which 0 is within.

    Parameters
    ----------
    data, time, event, event_value, entry, id, weights, robust, missing
        As in `kaplan_meier`.
    by
        One or several columns that define two or more groups.
    cluster
        As in `kaplan_meier`; each cluster within one group, as the groups are taken to be independent.
    quantile
        The probability p of having had the event, or several; 0.5 is the median.
    conf_level
        Level of the limits.
    conf_type
        Scale of the one-sample limits, as in `kaplan_meier`.

    Returns
    -------
    Estimates
        `group`, `reference`, `quantile`, `estimate`, `p_value`, `conf_low`, `conf_high`. The estimate is null
        where a group's curve does not reach 1 - p, a limit where it would lie beyond the follow-up, and all
        of them where a group has no event. The p-value is null where both limits are.

    Raises
    ------
    DataError
        As `kaplan_meier`; for fewer than two groups, a quantile outside (0, 1), or clusters that span groups.

    Warns
    -----
    DataWarning
        As `kaplan_meier`, if a risk set is emptied under delayed entry; and where neither limit exists, so
        that nothing can be said about the difference.

    Notes
    -----
    In simulations (recorded with the tests) the limits hold the true difference in 94 to 96 % of 2 000
    trials with 100 patients or more per group; with fewer they err on the wide side.

    References
    ----------
    Wang JL, Hettmansperger TP. J Am Stat Assoc 1990;85:529-536. Hettmansperger TP. Appl Stat 1984;33:45-51.
    Brookmeyer R, Crowley J. Biometrics 1982;38:29-41.

    Examples
    --------
    >>> import hemresearch as hem
    >>> trial = hem.data.load("myeloid")
    >>> hem.survival.quantile_difference(trial, time="futime", event="death", by="trt", quantile=[0.25, 0.5])
    difference of survival quantiles (death by futime), n=646, events=320
      group=B, reference=A, quantile=0.25: 125 (33 to 206), p 0.01497
      group=B, reference=A, quantile=0.5: 1576 (-144 to –), p 0.06948
    95% limits: from those of each group, log-log, Greenwood variance
    """
    wanted = _check_quantiles(quantile)
    y = read_survival(
        data, time=time, event=event, event_value=event_value, entry=entry, id=id, by=by, weights=weights,
        cluster=cluster, missing=missing,
    )  # fmt: skip
    refuse_one_group(y, "kaplan_meier(...).quantile(0.5) for one group")
    _refuse_shared_clusters(y)
    curves = estimate_curves(
        y, ESTIMATORS["kaplan-meier"], robust=robust, start_time=None, conf_level=conf_level,
        conf_type=conf_type,
    )  # fmt: skip
    labels = y.group.labels()
    reached = curves.quantile(wanted)["estimate"].to_list()
    passages = [[_passage(curves, g, p, conf_type) for p in wanted] for g in range(len(labels))]
    rows = [
        {
            "group": labels[g],
            "reference": labels[0],
            "quantile": p,
            **_compare(passages[g][q], passages[0][q], reached[g * len(wanted) + q], reached[q], conf_level),
        }
        for g in range(1, len(labels))
        for q, p in enumerate(wanted)
    ]
    _warn_if_boundless(y, rows)
    text = {"group": pl.String, "reference": pl.String}
    variance = variance_name(y.uses_robust_variance(robust))
    return Estimates(
        frame=pl.DataFrame(rows, schema={name: text.get(name, pl.Float64) for name in rows[0]}),
        name=f"difference of survival quantiles ({y.names['event']} by {y.names['time']})",
        method=f"from those of each group, {conf_type}, {variance} variance",
        conf_level=conf_level,
        n=whole_or_float(float(curves.groups_frame["n"].sum())),
        n_event=float(curves.groups_frame["n_event"].sum()),
        n_dropped=y.n_dropped,
        time_unit=y.time_unit,
    )


def _passage(curves: Curves, group: int, probability: float, conf_type: str) -> Crossing | None:
    """How a group's curve passes 1 - p; None where it has no event."""
    part = curves.frame[int(curves.starts[group]) : int(curves.starts[group + 1])]
    if not part["n_event"].sum():
        return None
    time, survival, error = (part[name].to_numpy() for name in ("time", "estimate", "std_error"))
    return crossing(time, survival, error, 1 - probability, conf_type)


def _compare(
    one: Crossing | None,
    other: Crossing | None,
    time: float | None,
    other_time: float | None,
    conf_level: float,
) -> dict[str, float | None]:
    """The difference of one group from the reference, with its limits and p-value."""
    values: dict[str, float | None] = dict.fromkeys(("estimate", "p_value", "conf_low", "conf_high"))
    if one is None or other is None:
        return values
    factor = joint_factor(one, other)
    low, high = difference_limits(one, other, factor * normal_quantile(conf_level))
    values["estimate"] = None if time is None or other_time is None else time - other_time
    if np.isfinite(low) or np.isfinite(high):
        values["p_value"] = float(2 * ndtr(-touching_point(one, other) / factor))
    values["conf_low"] = low if np.isfinite(low) else None
    values["conf_high"] = high if np.isfinite(high) else None
    return values


def _warn_if_boundless(y: Survival, rows: list[dict[str, Any]]) -> None:
    """Say where neither limit of a difference exists."""
    boundless = [row for row in rows if row["conf_low"] is None and row["conf_high"] is None]
    if not boundless:
        return
    which = [f"{row['group']!r} - {row['reference']!r} at {row['quantile']:g}" for row in boundless]
    tau = rounded_down(min(float(y.time[y.group.code == g].max()) for g in range(len(y.group))))
    warn(
        f"no limit of {listed(which)} can be given, as the limits of neither group's quantile end within the "
        "follow-up: nothing can be said about the difference, and there is no p-value",
        argument="quantile",
        expected="a group with events enough that the upper limit of its survival falls to 1 - quantile",
        remedy=f"rmst_difference(..., tau={tau!r}), which needs no quantile",
    )


def _check_quantiles(quantile: Any) -> list[float]:
    several = isinstance(quantile, list | tuple | np.ndarray) and len(quantile) > 0
    return [
        check_number(p, argument="quantile", above=0, below=1, expected="0 < quantile < 1", example=0.5)
        for p in (quantile if several else [quantile])
    ]


def _refuse_shared_clusters(y: Survival) -> None:
    """Refuse clusters with rows in several groups, whose quantiles are then not independent."""
    if y.cluster is None:
        return
    first = np.full(int(y.cluster.max()) + 1, -1)
    first[y.cluster[::-1]] = y.group.code[::-1]
    shared = np.isin(y.cluster, y.cluster[first[y.cluster] != y.group.code])
    if shared.any():
        raise DataError(
            "has clusters with rows in more than one group, so that the groups are not independent",
            argument="cluster",
            column=y.names["cluster"],
            rows=y.positions(shared),
            expected="clusters that lie within one group each",
            remedy="rmst_difference(..., cluster=...), which allows for them",
        )
