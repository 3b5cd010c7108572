"""The area under a survival curve up to a horizon, its variance, and what each row moves it by."""

from __future__ import annotations

import numpy as np

from .product_limit import product_limit
from .risk_sets import RiskSets, place


def restricted_mean(r: RiskSets, tau: float) -> tuple[float, np.ndarray]:
    """The mean event-free time up to tau, and the area left under the curve after each time of `r`.

    After the last time the curve stays where it is.
    """
    survival, _ = product_limit(r)
    area = area_after(r.time, survival, tau)
    return min(float(r.time[0]), tau) + float(area[0]), area


def area_after(time: np.ndarray, survival: np.ndarray, tau: float) -> np.ndarray:
    """The area under a step function between each of its times and tau; 0 from tau on."""
    width = np.diff(np.minimum(np.append(time, np.inf), tau))
    return np.cumsum((survival * width)[::-1])[::-1]


def restricted_mean_variance(r: RiskSets, area: np.ndarray) -> float:
    """Greenwood's variance of the area: the sum over event times of area^2 d / (n (n - d)).

    Where all who are at risk have the event the curve is 0 afterwards, and so is what that time adds.
    """
    jump, left = r.n_event > 0, r.n_risk - r.n_event
    adds = jump & (left > 0)
    return float(np.sum(area[adds] ** 2 * r.n_event[adds] / (r.n_risk[adds] * left[adds])))


def restricted_mean_influence(
    r: RiskSets, area: np.ndarray, time: np.ndarray, event: np.ndarray, entry: np.ndarray | None
) -> np.ndarray:
    """The derivative of the area with respect to the weight of each row.

    Row i moves log S by -(dN_i(s) - Y_i(s) d/n) / (n - d) at each event time s, and with it the area after s.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.where((r.n_event > 0) & (r.n_risk > r.n_event), area / (r.n_risk - r.n_event), 0.0)
        drift = np.cumsum(np.where(r.n_event > 0, r.n_event / r.n_risk * reach, 0.0))
    at = place(time, r.time)
    moved = drift[at] - np.where(event, reach[at], 0.0)
    if entry is None:
        return moved
    return moved - np.append(0.0, drift)[np.searchsorted(r.time, entry, side="right")]


def clustered_variance(influence: np.ndarray, cluster: np.ndarray | None) -> float:
    """The infinitesimal jackknife's variance: squared influences, added up within clusters first."""
    total = influence if cluster is None else np.bincount(cluster, influence)
    return float(total @ total)
