"""Observed counts against expected ones: tests of one, and of several that share a ratio."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import gammainc, gammaincc, gammaln

from .rate_comparison import ROUNDING, first_that


def exact_test(observed: int, expected: float) -> float:
    """The exact two-sided p-value: of all counts that are no more probable than the one observed."""
    bound = _log_poisson(observed, expected) + math.log1p(ROUNDING)
    mode = math.floor(expected)
    if observed in (mode, expected):
        return 1.0
    if observed > expected:
        other = first_that(lambda k: _log_poisson(k, expected) > bound, 0, mode)
        return min(1.0, _at_most(other - 1, expected) + _at_least(observed, expected))
    end = 2 * mode + 2
    while _log_poisson(end, expected) > bound:
        end *= 2
    other = first_that(lambda k: _log_poisson(k, expected) <= bound, mode, end)
    return min(1.0, _at_most(observed, expected) + _at_least(other, expected))


def midp_test(observed: int, expected: float) -> float:
    """Twice the smaller tail, the observed count counted half."""
    half = math.exp(_log_poisson(observed, expected)) / 2
    tails = _at_most(observed - 1, expected) + half, _at_least(observed + 1, expected) + half
    return min(1.0, 2 * min(tails))


def chi_squared(observed: np.ndarray, expected: np.ndarray, *, continuity: bool) -> np.ndarray:
    """Squared distance over the expected count, shortened by a half at most where a correction is asked."""
    off = np.abs(observed - expected)
    return np.asarray((off - np.minimum(off, 0.5) * continuity) ** 2 / expected)


def heterogeneity(observed: np.ndarray, expected: np.ndarray) -> float:
    """Chi-squared of a ratio of observed to expected that is the same in all groups."""
    common = expected * observed.sum() / expected.sum()
    return float(((observed - common) ** 2 / common).sum())


def trend(observed: np.ndarray, expected: np.ndarray, scores: np.ndarray) -> float:
    """Standardised z of a ratio that rises with the scores of the groups; its square is on 1 df."""
    total = observed.sum()
    common = expected * total / expected.sum()
    spread = (scores**2 * common).sum() - (scores * common).sum() ** 2 / total
    return float((scores * (observed - common)).sum() / math.sqrt(spread))


def _log_poisson(count: int, mean: float) -> float:
    return float(count * math.log(mean) - mean - gammaln(count + 1))


def _at_most(count: int, mean: float) -> float:
    return float(gammaincc(count + 1, mean)) if count >= 0 else 0.0


def _at_least(count: int, mean: float) -> float:
    return float(gammainc(count, mean)) if count > 0 else 1.0
