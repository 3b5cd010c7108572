"""Limits of a Poisson count and of a proportion, one entry for each method."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import betainc, betaincinv, gammainc, gammaincc

from .exact_limits import binomial_limits, poisson_limits, wilson_limits
from .intervals import normal_quantile

Limits = tuple[np.ndarray, np.ndarray]
HALVINGS = 100  # of the interval between an exact limit and the count: more than a float64 can tell apart


def byar_limits(count: np.ndarray, conf_level: float) -> Limits:
    """Byar's approximation of the exact limits: count for the lower one, count + 1 for the upper one."""
    z = normal_quantile(conf_level)
    some, more = np.maximum(count, 1), count + 1
    low = some * (1 - 1 / (9 * some) - z / (3 * np.sqrt(some))) ** 3
    high = more * (1 - 1 / (9 * more) + z / (3 * np.sqrt(more))) ** 3
    return np.where(count > 0, np.maximum(low, 0.0), 0.0), high


def log_poisson_limits(count: np.ndarray, conf_level: float) -> Limits:
    """Normal limits of the logarithm of the mean; undefined (NaN) where nothing happened."""
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.exp(normal_quantile(conf_level) / np.sqrt(count))
        none = np.where(count > 0, 1.0, np.nan)
        return none * count / factor, none * count * factor


def normal_poisson_limits(count: np.ndarray, conf_level: float) -> Limits:
    """Normal limits of the mean; the lower one may fall below 0."""
    half = normal_quantile(conf_level) * np.sqrt(count)
    return count - half, count + half


def midp_poisson_limits(count: np.ndarray, conf_level: float) -> Limits:
    """The means at which a count as extreme or more, itself counted half, has the probability of a tail."""
    tail = (1 - conf_level) / 2
    some = np.maximum(count, 1)
    lowest, highest = poisson_limits(count, conf_level)
    low = _crossing(lambda m: (gammainc(some, m) + gammainc(some + 1, m)) / 2 >= tail, lowest, count)

    def lower_tail(mean: np.ndarray) -> np.ndarray:
        fewer = np.where(count > 0, gammaincc(some, mean), 0.0)
        return (fewer + gammaincc(count + 1, mean)) / 2

    high = _crossing(lambda m: lower_tail(m) <= tail, count, highest)
    return np.where(count > 0, low, 0.0), high


def midp_binomial_limits(count: np.ndarray, n: np.ndarray, conf_level: float) -> Limits:
    """The same of the number of successes in n."""
    lowest, highest = binomial_limits(count, n, conf_level)
    tail = (1 - conf_level) / 2
    share = count / n
    low = _crossing(lambda p: binomial_midp(count, n, p) >= tail, lowest, share)
    high = _crossing(lambda p: 1 - binomial_midp(count, n, p) <= tail, share, highest)
    return np.where(count > 0, low, 0.0), np.where(count < n, high, 1.0)


def binomial_midp(count: np.ndarray, n: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Probability of more successes, and half of that of as many."""
    as_many = np.where(count > 0, betainc(np.maximum(count, 1), n - count + 1, share), 1.0)
    more = np.where(count < n, betainc(count + 1, np.maximum(n - count, 1), share), 0.0)
    return np.asarray((as_many + more) / 2)


def continuity_wilson_limits(count: np.ndarray, n: np.ndarray, conf_level: float) -> Limits:
    """Wilson's limits with the continuity correction of half a success."""
    z = normal_quantile(conf_level)

    def limit(sign: int) -> np.ndarray:
        share = (count + sign / 2) / n
        root = np.sqrt(np.maximum(share * (1 - share) / n + z**2 / (4 * n**2), 0.0))
        return np.asarray((share + z**2 / (2 * n) + sign * z * root) / (1 + z**2 / n))

    return np.where(count > 0, limit(-1), 0.0), np.where(count < n, limit(+1), 1.0)


def agresti_coull_limits(count: np.ndarray, n: np.ndarray, conf_level: float) -> Limits:
    """Normal limits after z^2 / 2 successes and as many failures were added, cut at 0 and 1."""
    z = normal_quantile(conf_level)
    size = n + z**2
    share = (count + z**2 / 2) / size
    half = z * np.sqrt(share * (1 - share) / size)
    return np.maximum(share - half, 0.0), np.minimum(share + half, 1.0)


def jeffreys_limits(count: np.ndarray, n: np.ndarray, conf_level: float) -> Limits:
    """Equal tails of the posterior under Jeffreys' prior; 0 without successes, 1 without failures."""
    tail = (1 - conf_level) / 2
    low = betaincinv(count + 0.5, n - count + 0.5, tail)
    high = betaincinv(count + 0.5, n - count + 0.5, 1 - tail)
    return np.where(count > 0, low, 0.0), np.where(count < n, high, 1.0)


def wald_limits(count: np.ndarray, n: np.ndarray, conf_level: float) -> Limits:
    """Normal limits, that may leave [0, 1] and have no width at its ends."""
    half = normal_quantile(conf_level) * np.sqrt(count * (n - count) / n**3)
    return count / n - half, count / n + half


POISSON: dict[str, Callable[[np.ndarray, float], Limits]] = {
    "exact": poisson_limits,
    "byar": byar_limits,
    "log": log_poisson_limits,
    "normal": normal_poisson_limits,
    "midp": midp_poisson_limits,
}
BINOMIAL: dict[str, Callable[[np.ndarray, np.ndarray, float], Limits]] = {
    "wilson": wilson_limits,
    "wilson-cc": continuity_wilson_limits,
    "clopper-pearson": binomial_limits,
    "agresti-coull": agresti_coull_limits,
    "jeffreys": jeffreys_limits,
    "midp": midp_binomial_limits,
    "wald": wald_limits,
}


def _crossing(reached: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Where a condition that fails at `low` and holds at `high` begins to hold."""
    low, high = np.array(low, dtype=float), np.array(high, dtype=float)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        holds = reached(middle)
        high, low = np.where(holds, middle, high), np.where(holds, low, middle)
    return (low + high) / 2
