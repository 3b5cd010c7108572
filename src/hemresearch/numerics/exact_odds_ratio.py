"""Exact inference for an odds ratio common to 2 x 2 tables, given their margins.

The number of exposed events in all tables together has a distribution that depends on the odds ratio alone:
each table's is hypergeometric, that of the sum their convolution.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, logsumexp

ROUNDING = 1e-7  # probabilities that differ by less are equal, as in R's fisher.test
HALVINGS = 100
FARTHEST = 700.0  # of log odds ratios: beyond it they are no float64


@dataclass(frozen=True, slots=True, eq=False)
class ExposedEvents:
    """The distribution of the number of exposed events: `log_weight` is that at an odds ratio of 1."""

    count: np.ndarray
    log_weight: np.ndarray
    observed: float

    def probability(self, log_ratio: float) -> np.ndarray:
        """Of each number, under a log odds ratio."""
        tilted = self.log_weight + self.count * log_ratio
        return np.asarray(np.exp(tilted - logsumexp(tilted)))

    def at_least(self, log_ratio: float, share: float) -> float:
        """Probability of more exposed events than observed, and a share of that of as many."""
        p = self.probability(log_ratio)
        return float(p[self.count > self.observed].sum() + share * p[self.count == self.observed].sum())

    def at_most(self, log_ratio: float, share: float) -> float:
        """The same of fewer."""
        p = self.probability(log_ratio)
        return float(p[self.count < self.observed].sum() + share * p[self.count == self.observed].sum())


def exposed_events(
    x: np.ndarray, n: np.ndarray, x_0: np.ndarray, n_0: np.ndarray, near: float = 0.0
) -> ExposedEvents:
    """The distribution for tables of these margins, precise around the log odds ratio `near`."""
    first, weight = 0.0, np.ones(1)
    for a, size, c, size_0 in zip(x, n, x_0, n_0, strict=True):
        events = a + c
        count = np.arange(max(0.0, events - size_0), min(size, events) + 1)
        log_weight = _log_choose(size, count) + _log_choose(size_0, events - count) + count * near
        weight = np.convolve(weight, np.exp(log_weight - logsumexp(log_weight)))
        first += count[0]
    total = first + np.arange(len(weight))
    with np.errstate(divide="ignore"):
        return ExposedEvents(total, np.log(weight) - total * near, float(np.sum(x)))


def maximum_likelihood(d: ExposedEvents) -> float:
    """The odds ratio under which the observed number is the expected one; 0 and infinity at the ends."""
    if d.observed == d.count[0] or d.observed == d.count[-1]:
        return _at_the_ends(d)
    return math.exp(_crossing(lambda b: float(d.count @ d.probability(b)) - d.observed))


def median_unbiased(d: ExposedEvents) -> float:
    """The odds ratio that leaves half the probability on either side, the observed number counted half.

    It is 0 and infinity at the ends, where that number holds all the probability.
    """
    if d.observed == d.count[0] or d.observed == d.count[-1]:
        return _at_the_ends(d)
    return math.exp(_crossing(lambda b: d.at_least(b, 0.5) - 0.5))


def odds_ratio_limits(d: ExposedEvents, conf_level: float, share: float) -> tuple[float, float]:
    """Each limit leaves half of 1 - `conf_level` beyond the observed number, and a `share` of its own.

    A share of 1 gives Fisher's exact limits, of 0.5 those of the mid-p.
    """
    tail = (1 - conf_level) / 2
    low = 0.0 if d.observed == d.count[0] else math.exp(_crossing(lambda b: d.at_least(b, share) - tail))
    high = (
        math.inf if d.observed == d.count[-1] else math.exp(_crossing(lambda b: tail - d.at_most(b, share)))
    )
    return low, high


def fisher_test(d: ExposedEvents) -> float:
    """Of all numbers that are no more probable than the observed one, under no association."""
    p = d.probability(0.0)
    return float(min(1.0, p[p <= p[d.count == d.observed][0] * (1 + ROUNDING)].sum()))


def midp_test(d: ExposedEvents) -> float:
    """Twice the smaller tail, the observed number counted half."""
    return min(1.0, 2 * min(d.at_least(0.0, 0.5), d.at_most(0.0, 0.5)))


def _at_the_ends(d: ExposedEvents) -> float:
    if len(d.count) == 1:
        return math.nan
    return 0.0 if d.observed == d.count[0] else math.inf


def _crossing(rising: Callable[[float], float]) -> float:
    """Where a rising function of the log odds ratio is 0."""
    low, high = -1.0, 1.0
    while rising(low) > 0 and low > -FARTHEST:
        low *= 2
    while rising(high) < 0 and high < FARTHEST:
        high *= 2
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (low, middle) if rising(middle) >= 0 else (middle, high)
    return (low + high) / 2


def _log_choose(n: float, k: np.ndarray) -> np.ndarray:
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))
