"""Exact limits of Poisson counts and of proportions, and Wilson's."""

from __future__ import annotations

import numpy as np
from scipy.special import betaincinv, gammaincinv

from .intervals import normal_quantile


def poisson_limits(count: np.ndarray, conf_level: float) -> tuple[np.ndarray, np.ndarray]:
    """Garwood's limits of the mean of a Poisson count; the lower one is 0 where nothing happened."""
    tail = (1 - conf_level) / 2
    low = np.where(count > 0, gammaincinv(np.maximum(count, 1), tail), 0.0)
    return low, gammaincinv(count + 1, 1 - tail)


def binomial_limits(count: np.ndarray, n: np.ndarray, conf_level: float) -> tuple[np.ndarray, np.ndarray]:
    """Clopper and Pearson's limits of a proportion."""
    tail = (1 - conf_level) / 2
    low = np.where(count > 0, betaincinv(np.maximum(count, 1), n - count + 1, tail), 0.0)
    high = np.where(count < n, betaincinv(count + 1, np.maximum(n - count, 1), 1 - tail), 1.0)
    return low, high


def wilson_limits(count: np.ndarray, n: np.ndarray, conf_level: float) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's limits of a proportion: those shares that a score test does not reject."""
    z = normal_quantile(conf_level)
    centre = (count + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * np.sqrt(count * (n - count) / n + z**2 / 4)
    return np.where(count > 0, centre - half, 0.0), np.where(count < n, centre + half, 1.0)
