"""Two Poisson counts compared: given their sum, one of them is binomial."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.special import betainc, betaincc, gammaln, ndtr

from .count_limits import BINOMIAL, Limits, binomial_midp
from .intervals import normal_quantile

ROUNDING = 1e-7  # probabilities that differ by less are equal, as in R's binom.test


def ratio_limits(
    count: np.ndarray,
    time: np.ndarray,
    count_0: np.ndarray,
    time_0: np.ndarray,
    method: str,
    conf_level: float,
) -> Limits:
    """Limits of the ratio of two rates, from those of the share of events that are in the first group.

    NaN where nothing happened in either group; infinite above where nothing happened in the second.
    """
    total = count + count_0
    low, high = BINOMIAL[method](count, np.maximum(total, 1), conf_level)
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = [np.where(total > 0, share / (1 - share) * time_0 / time, np.nan) for share in (low, high)]
    return ends[0], ends[1]


def log_ratio_limits(
    count: np.ndarray, time: np.ndarray, count_0: np.ndarray, time_0: np.ndarray, conf_level: float
) -> Limits:
    """Normal limits of the logarithm of the ratio; NaN unless something happened in both groups."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = count / time / (count_0 / time_0)
        factor = np.exp(normal_quantile(conf_level) * np.sqrt(1 / count + 1 / count_0))
        known = np.where((count > 0) & (count_0 > 0), ratio, np.nan)
        return known / factor, known * factor


def binomial_test(count: int, n: int, share: float) -> float:
    """The exact two-sided p-value: of all counts that are no more probable than the one seen."""
    if n == 0:
        return 1.0
    bound = _log_binomial(count, n, share) + math.log1p(ROUNDING)
    mode = min(math.floor((n + 1) * share), n)
    if count == mode:
        return 1.0
    if count < mode:
        other = first_that(lambda k: _log_binomial(k, n, share) <= bound, mode, n + 1)
        return min(1.0, _at_most(count, n, share) + _at_least(other, n, share))
    other = first_that(lambda k: _log_binomial(k, n, share) > bound, 0, mode)
    return min(1.0, _at_most(other - 1, n, share) + _at_least(count, n, share))


def midp_test(count: int, n: int, share: float) -> float:
    """Twice the smaller tail, the count seen counted half."""
    if n == 0:
        return 1.0
    more, fewer = ((count, share), (n - count, 1 - share))
    tails = [binomial_midp(np.asarray(k), np.asarray(n), np.asarray(p)) for k, p in (more, fewer)]
    return min(1.0, 2 * float(min(tails)))


def score_test(count: int, n: int, share: float) -> float:
    """Normal p-value with the variance under equal rates."""
    if n == 0:
        return 1.0
    return float(2 * ndtr(-abs(count - n * share) / math.sqrt(n * share * (1 - share))))


def _log_binomial(count: int, n: int, share: float) -> float:
    if count > n:
        return -math.inf
    ways = gammaln(n + 1) - gammaln(count + 1) - gammaln(n - count + 1)
    return float(ways + count * math.log(share) + (n - count) * math.log1p(-share))


def _at_most(count: int, n: int, share: float) -> float:
    if count < 0:
        return 0.0
    return 1.0 if count >= n else float(betaincc(count + 1, n - count, share))


def _at_least(count: int, n: int, share: float) -> float:
    if count <= 0:
        return 1.0
    return 0.0 if count > n else float(betainc(count, n - count + 1, share))


def first_that(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The first number from `low` on at which a condition holds that stays true; `high` if none before."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
