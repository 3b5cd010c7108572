"""Survival at one time: its influence function, and the comparison of several groups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .risk_sets import RiskSets, place

NO_VARIANCE = 1e-14  # of a survival: rounding error, far below that of a billion patients


def log_survival_influence(
    r: RiskSets, time: np.ndarray, event: np.ndarray, entry: np.ndarray | None, at: float
) -> np.ndarray:
    """How much each observation moves log S(at): minus the sum up to `at` of (dN_i - Y_i d/n) / (n - d).

    `r` are the risk sets of these observations; S(at) must be above 0.
    """
    early = r.time <= at
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.where(early & (r.n_event > 0), 1 / (r.n_risk - r.n_event), 0.0)
        drift = np.append(0.0, np.cumsum(np.where(r.n_event > 0, r.n_event / r.n_risk, 0.0) * reach))
    leave = place(time, r.time)
    enter = 0 if entry is None else np.searchsorted(r.time, entry, side="right")
    return drift[leave + 1] - drift[enter] - event * reach[leave]


def clustered_covariance(influences: Sequence[np.ndarray], clusters: Sequence[np.ndarray]) -> np.ndarray:
    """The covariance of several estimates whose observations share clusters."""
    n = max(int(cluster.max()) for cluster in clusters) + 1
    pairs = zip(clusters, influences, strict=True)
    total = np.array([np.bincount(cluster, influence, n) for cluster, influence in pairs])
    return total @ total.T


def equality_statistic(value: np.ndarray, covariance: np.ndarray) -> float:
    """(C x)' (C V C')^-1 (C x), C taking the differences from the first value."""
    contrast = _differences(len(value))
    difference = contrast @ value
    return float(difference @ np.linalg.solve(contrast @ covariance @ contrast.T, difference))


def is_comparable(covariance: np.ndarray) -> bool:
    """Whether the differences from the first value have a covariance of full rank."""
    contrast = _differences(len(covariance))
    rank = np.linalg.matrix_rank(contrast @ covariance @ contrast.T, tol=NO_VARIANCE)
    return bool(rank == len(covariance) - 1)


def _differences(n: int) -> np.ndarray:
    return np.hstack([-np.ones((n - 1, 1)), np.eye(n - 1)])
