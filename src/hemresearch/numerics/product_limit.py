"""The product-limit and Nelson-Aalen estimators with their variances."""

from __future__ import annotations

import numpy as np

from .risk_sets import RiskSets


def product_limit(r: RiskSets) -> tuple[np.ndarray, np.ndarray]:
    """Survival just after each time, and Greenwood's variance of its logarithm.

    S(t) = prod (1 - d/n);  var log S(t) = sum d / (n (n - d)), infinite once S is 0.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        hazard = np.where(r.n_event > 0, r.n_event / r.n_risk, 0.0)
        jump = np.where(r.n_event > 0, r.n_event / (r.n_risk * (r.n_risk - r.n_event)), 0.0)
    return np.cumprod(1 - np.minimum(hazard, 1.0)), np.cumsum(np.where(hazard >= 1, np.inf, jump))


def product_limit_influence(r: RiskSets) -> tuple[np.ndarray, np.ndarray]:
    """Jump 1/(n-d) and drift d/(n(n-d)) of log S (with the sign changed); infinite from S = 0 on."""
    left = r.n_risk - r.n_event
    with np.errstate(divide="ignore", invalid="ignore"):
        jump = np.where(r.n_event > 0, 1 / left, 0.0)
        return jump, np.where(r.n_event > 0, r.n_event / r.n_risk * jump, 0.0)


def nelson_aalen_influence(r: RiskSets) -> tuple[np.ndarray, np.ndarray]:
    """Jump 1/n and drift d/n^2 of the cumulative hazard."""
    with np.errstate(divide="ignore", invalid="ignore"):
        jump = np.where(r.n_event > 0, 1 / r.n_risk, 0.0)
    return jump, r.n_event * jump**2


def fleming_harrington_influence(r: RiskSets) -> tuple[np.ndarray, np.ndarray]:
    """Drift sum_j 1/(n-j)^2 over the events taken in turn, and jump n/d times that."""
    drift = np.diff(fleming_harrington_hazard(r)[1], prepend=0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(r.n_event > 0, r.n_risk / r.n_event * drift, 0.0), drift


def nelson_aalen_hazard(r: RiskSets) -> tuple[np.ndarray, np.ndarray]:
    """Cumulative hazard sum d/n, and its (Poisson) variance sum d/n^2."""
    with np.errstate(divide="ignore", invalid="ignore"):
        hazard = np.where(r.n_event > 0, r.n_event / r.n_risk, 0.0)
        jump = np.where(r.n_event > 0, hazard / r.n_risk, 0.0)
    return np.cumsum(hazard), np.cumsum(jump)


def fleming_harrington_hazard(r: RiskSets) -> tuple[np.ndarray, np.ndarray]:
    """Cumulative hazard with tied events taken one after the other, and its variance.

    d events at once add 1/n + 1/(n-1) + ... + 1/(n-d+1), as if they came in turn (Fleming and
    Harrington 1984); with weights each of the d unweighted events would need its own, so counts must be
    whole numbers.
    """
    count = r.n_event.astype(np.int64)
    owner = np.repeat(np.arange(len(count)), count)
    nth = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    still = r.n_risk[owner] - nth
    # without any event numpy counts in whole numbers
    hazard, variance = (np.bincount(owner, 1 / still**k, len(count)).astype(float) for k in (1, 2))
    return np.cumsum(hazard), np.cumsum(variance)
