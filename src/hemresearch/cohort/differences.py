"""Standardized mean differences of numbers and of categories."""

from __future__ import annotations

import numpy as np

EMPTY_DIRECTION = 1e-10  # a direction with less than this share of the largest variance has none


def difference_of_means(mean: np.ndarray, sd: np.ndarray) -> float:
    """|m1 - m2| / sqrt((s1^2 + s2^2) / 2); infinite where different constants are compared."""
    apart, spread = abs(mean[0] - mean[1]), np.sqrt((sd[0] ** 2 + sd[1] ** 2) / 2)
    if np.isnan(apart) or np.isnan(spread):
        return np.nan
    if spread == 0:
        return 0.0 if apart == 0 else np.inf
    return float(apart / spread)


def difference_of_shares(first: np.ndarray, second: np.ndarray) -> float:
    """Mahalanobis distance of two vectors of shares, with the mean of their multinomial covariances.

    One level is left out, it does not matter which; with two levels this is
    |p1 - p2| / sqrt((p1(1 - p1) + p2(1 - p2)) / 2). Infinite where the groups differ in a direction in which
    neither varies (no level in common). `first` and `second` are counts.
    """
    if not first.sum() or not second.sum():
        return np.nan
    there = first + second > 0
    shares = [counts[there] / counts.sum() for counts in (first, second)]
    p, q = (share[1:] for share in shares)
    if not p.size:
        return 0.0
    covariance = sum(np.diag(x) - np.outer(x, x) for x in (p, q)) / 2
    variance, direction = np.linalg.eigh(covariance)
    apart = direction.T @ (p - q)
    varies = variance > EMPTY_DIRECTION * max(variance.max(), EMPTY_DIRECTION)
    if (np.abs(apart[~varies]) > EMPTY_DIRECTION).any():
        return np.inf
    return float(np.sqrt(np.sum(apart[varies] ** 2 / variance[varies])))
