"""Pseudo-values: what each patient contributes to a survival curve or a restricted mean.

The leave-one-out curve follows in closed form. Without patient i, who leaves at t_i, the risk sets up to
t_i are one smaller and those after it are the same, so its curve is a product over n - 1 up to t_i,
and runs parallel to the full curve from there on. After its last time it stays where it is.
"""

from __future__ import annotations

import numpy as np

from .product_limit import product_limit
from .restricted_mean import area_after, restricted_mean, restricted_mean_influence
from .risk_sets import RiskSets, place


def survival_pseudo_values(
    r: RiskSets, time: np.ndarray, event: np.ndarray, wanted: np.ndarray
) -> np.ndarray:
    """Pseudo-values n S(t) - (n - 1) S_-i(t): one row per patient, one column per wanted time."""
    n, at = len(time), place(time, r.time)[:, None]
    survival, _ = product_limit(r)
    smaller, past = _without_one(r, time, event)
    upto = np.searchsorted(r.time, wanted, side="right")[None, :]
    full = np.append(1.0, survival)[upto]
    with np.errstate(divide="ignore", invalid="ignore"):
        parallel = np.where(survival[at] > 0, full / survival[at], 1.0)
    without = np.where(upto <= at, np.append(1.0, smaller)[upto], past[:, None] * parallel)
    return n * full - (n - 1) * without


def restricted_mean_pseudo_values(r: RiskSets, time: np.ndarray, event: np.ndarray, tau: float) -> np.ndarray:
    """Pseudo-values: n times the restricted mean, minus n - 1 times that without the patient."""
    n, at = len(time), place(time, r.time)
    mean, area = restricted_mean(r, tau)
    survival, _ = product_limit(r)
    smaller, past = _without_one(r, time, event)
    before = min(float(r.time[0]), tau) + _area_before(r.time, smaller, tau)[at]
    with np.errstate(divide="ignore", invalid="ignore"):
        after = np.where(survival[at] > 0, area[at] / survival[at], np.maximum(tau - time, 0.0))
    return n * mean - (n - 1) * (before + past * after)


def survival_influence_values(
    r: RiskSets, time: np.ndarray, event: np.ndarray, wanted: np.ndarray
) -> np.ndarray:
    """S(t) + n dS(t)/dw_i, the infinitesimal version; one row per patient, one column per time."""
    survival, _ = product_limit(r)
    left = r.n_risk - r.n_event
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.where((r.n_event > 0) & (left > 0), 1 / left, 0.0)
        drift = np.append(0.0, np.cumsum(np.where(r.n_event > 0, r.n_event / r.n_risk * reach, 0.0)))
    at = place(time, r.time)[:, None]
    upto = np.searchsorted(r.time, wanted, side="right")[None, :]
    full = np.append(1.0, survival)[upto]
    moved = drift[np.minimum(at + 1, upto)] - np.where(event[:, None] & (at < upto), reach[at], 0.0)
    return full * (1 + len(time) * moved)


def restricted_mean_influence_values(
    r: RiskSets, time: np.ndarray, event: np.ndarray, tau: float
) -> np.ndarray:
    """The restricted mean + n times its derivative with respect to the patient's weight."""
    mean, area = restricted_mean(r, tau)
    return mean + len(time) * restricted_mean_influence(r, area, time, event, None)


def _without_one(r: RiskSets, time: np.ndarray, event: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The product over risk sets of n - 1, at each time; and each patient's leave-one-out curve at t_i."""
    others = np.maximum(r.n_risk - 1, 1.0)  # the last patient leaves nobody, and no event, behind
    smaller = np.cumprod(1 - r.n_event / others)
    at = place(time, r.time)
    return smaller, np.append(1.0, smaller)[at] * (1 - (r.n_event[at] - event) / others[at])


def _area_before(time: np.ndarray, survival: np.ndarray, tau: float) -> np.ndarray:
    """The area under a step function between its first time and each of its times, cut at tau."""
    total = area_after(time, survival, tau)
    return total[0] - total
