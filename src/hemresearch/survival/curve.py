"""From checked observations to curves: what every one-sample estimator of this family shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from ..errors import DataError, warn
from ..formats import rounded_down
from ..numerics.intervals import hazard_limits, probability_limits
from ..numerics.risk_sets import RiskSets, risk_sets
from ..numerics.robust_curve import robust_variance
from ..numerics.ties import as_known
from ..options import ConfType, check_choice, check_conf_level, check_number
from ..outcomes import Rows, Survival
from ..results import Curves, curves_frame


@dataclass(frozen=True, slots=True)
class CurveEstimator:
    """A kernel from risk sets to an estimate and its standard error, and what these are called.

    `influence` gives the jump and the drift of the robust variance (see `robust_variance`).
    """

    method: str
    quantity: str
    kernel: Callable[[RiskSets], tuple[np.ndarray, np.ndarray]]
    variance: str
    influence: Callable[[RiskSets], tuple[np.ndarray, np.ndarray]]


def estimate_curves(
    y: Survival,
    estimator: CurveEstimator,
    *,
    robust: bool | None,
    start_time: float | None,
    conf_level: float,
    conf_type: str,
) -> Curves:
    """One curve per group of `y`: risk sets, estimate, standard error and limits."""
    check_conf_level(conf_level)
    check_choice(conf_type, ConfType, argument="conf_type")
    y = y if start_time is None else observed_from(y, start_time)
    is_robust = y.uses_robust_variance(robust)
    groups = list(split_groups(y))
    parts = [_one_curve(one, estimator, is_robust, conf_type, conf_level) for one in groups]
    frame, starts = curves_frame(y.group.levels, parts)
    return Curves(
        frame=frame,
        groups_frame=counts_frame(
            y.group.levels,
            n=[group_size(one) for one in groups],
            n_event=[part["n_event"].sum() for part in parts],
            n_censor=[part["n_censor"].sum() for part in parts],
        ),
        starts=starts,
        quantity=estimator.quantity,
        by=y.group.names,
        time=y.names["time"],
        event=y.names["event"],
        conf_level=conf_level,
        conf_type=conf_type,
        variance="robust" if is_robust else estimator.variance,
        method=estimator.method,
        n_dropped=y.n_dropped,
        time_unit=y.time_unit,
        start_time=start_time or 0.0,
        entry=y.names.get("entry"),
        patients=patients_once(y),
    )


def split_groups(y: Rows) -> list[Rows]:
    """The observations of each group, in the order of the groups."""
    if len(y.group) == 1:
        return [y]
    order = np.argsort(_small(y.group.code), kind="stable")
    ends = np.cumsum(np.bincount(y.group.code, minlength=len(y.group)))
    return [y.take(rows) for rows in np.split(order, ends[:-1])]


def _one_curve(
    y: Survival, estimator: CurveEstimator, is_robust: bool, conf_type: str, conf_level: float
) -> dict[str, np.ndarray]:
    r = risk_sets(y.time, y.event, y.entry, y.weight)
    warn_if_emptied(y, r)
    estimate, std_error = estimator.kernel(r)
    is_hazard = estimator.quantity == "cumulative hazard"
    if is_robust:
        std_error = _robust_error(y, r, estimator, 1.0 if is_hazard else estimate)
    # between events nothing changes: limits are computed where something does, and held
    steps = r.n_event > 0
    steps[0] = True
    held = np.cumsum(steps) - 1
    limits = hazard_limits if is_hazard else probability_limits
    low, high = (v[held] for v in limits(estimate[steps], std_error[steps], conf_type, conf_level))
    return {
        "time": r.time,
        "n_risk": r.n_risk,
        "n_event": r.n_event,
        "n_censor": r.n_censor,
        "estimate": estimate,
        "std_error": std_error,
        "conf_low": low,
        "conf_high": high,
    }


def _robust_error(
    y: Survival, r: RiskSets, estimator: CurveEstimator, scale: np.ndarray | float
) -> np.ndarray:
    """The root of the infinitesimal-jackknife variance, on the scale of the estimate."""
    cluster = y.patient if y.cluster is None else y.cluster
    warn_if_one_cluster(y, cluster, "robust=False")
    jump, drift = estimator.influence(r)
    ended = np.maximum.accumulate(~np.isfinite(drift) | ~np.isfinite(jump))
    finite = np.where(ended, 0.0, jump), np.where(ended, 0.0, drift)
    variance = robust_variance(r, finite, y.time, y.event, y.entry, y.weight, cluster)
    with np.errstate(invalid="ignore"):
        return np.sqrt(np.where(ended, np.inf, variance)) * scale


def observed_from(y: Rows, start_time: float) -> Rows:
    """Those still under observation at `start_time`, as R's `start.time`."""
    check_number(start_time, argument="start_time", at_least=0, expected="a time of 0 or more", example=60)
    start_time = float(as_known(np.asarray(start_time), np.unique(y.time)))
    kept = y.time >= start_time
    last = [float(y.time[y.group.code == g].max()) for g in range(len(y.group))]
    if min(last) < start_time:
        of = f" of group {y.group.labels()[int(np.argmin(last))]}" if y.group.names else ""
        raise DataError(
            f"{start_time:g} is after the last follow-up{of}, at {min(last):g}, so nobody is left",
            argument="start_time",
            expected="a time before the last follow-up of every group",
            remedy=f"start_time={rounded_down(min(last)):g} or earlier",
        )
    return y.take(kept)


def warn_if_one_cluster(y: Survival, cluster: np.ndarray | None, remedy: str) -> None:
    """Say so when all rows of a group are one cluster, so that its variance is given as 0."""
    if cluster is None or (cluster != cluster[0]).any() or not y.event.any() or len(y) == 1:
        return
    role = "id" if y.cluster is None else "cluster"
    warn(
        "holds a single cluster in a group, whose variance cannot be estimated and is given as 0",
        argument=role,
        column=y.names[role],
        rows=y.positions(np.ones(len(y), dtype=bool)),
        expected="several clusters in every group",
        remedy=remedy,
    )


def counts_frame(levels: pl.DataFrame, **counts: list[float]) -> pl.DataFrame:
    """One row per curve: its labels and its counts, whole where they are all."""
    frame = pl.DataFrame(counts, schema=dict.fromkeys(counts, pl.Float64))
    whole = [c for c in frame.columns if (frame[c] == frame[c].round()).all()]
    frame = frame.with_columns(pl.col(whole).cast(pl.Int64))
    return pl.concat([levels, frame], how="horizontal") if levels.width else frame


def patients_once(y: Survival) -> pl.DataFrame | None:
    """All patients counted once, where some have rows in several groups; else None."""
    if y.patient is None or not y.group.names:
        return None
    n, in_groups = group_size(y), sum(group_size(one) for one in split_groups(y))
    if n == in_groups:
        return None
    n_event = len(np.unique(y.patient[y.event]))
    return pl.DataFrame({"n": [int(n)], "n_event": [int(y.event.sum())], "n_censor": [int(n) - n_event]})


def group_size(y: Survival) -> float:
    """How many patients: distinct ids, else the sum of weights, else rows."""
    if y.patient is not None:
        return float(np.count_nonzero(np.bincount(y.patient)))
    return float(len(y) if y.weight is None else y.weight.sum())


def warn_if_emptied(y: Survival, r: RiskSets, *, start: str = "kaplan_meier(..., start_time={})") -> None:
    """Say so when survival falls to 0 only because few had entered yet; `start` is how to begin later."""
    if y.entry is None:
        return
    emptied = np.flatnonzero((r.n_event > 0) & (r.n_event >= r.n_risk * (1 - 1e-12)))
    if len(emptied) and emptied[0] < len(r.time) - 1:
        t, later = r.time[emptied[0]], r.time[emptied[0] + 1]
        warn(
            f"leaves so few at risk early that at time {t:g} all {r.n_risk[emptied[0]]:g} of them had the "
            "event: survival is 0 from there on although others are seen later (an empty risk set)",
            argument="entry",
            column=y.names["entry"],
            rows=y.positions((y.time == t) & y.event),
            expected="risk sets that do not empty before the last entry",
            remedy=f"{start.format(format(later, 'g'))} for the curve of those seen from then on",
        )


def _small(code: np.ndarray) -> np.ndarray:
    """Codes as the narrowest integers, which numpy sorts by radix."""
    return code.astype(np.min_scalar_type(int(code.max(initial=0))))
