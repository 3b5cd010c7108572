"""Queues with several servers, and quantiles of counts.

Arrivals are Poisson, service times exponential, and nobody gives up: Erlang AK. Elektroteknikeren
1917;13:5-13.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import gammaln, xlogy

MORE = 12.0  # standard deviations, beyond which no quantile is


def erlang_waiting(load: float, staff: int) -> float:
    """The probability that all are busy, so that one waits; 1 where the load is as much as they can do.

    From the probability of a loss (Erlang B), by its recursion on the number of staff.
    """
    if staff <= load:
        return 1.0
    lost = 1.0
    for k in range(1, staff + 1):
        lost = load * lost / (k + load * lost)
    return lost / (1 - load / staff * (1 - lost))


def fewest_staff(load: float, waiting: float) -> int:
    """The fewest staff with whom the probability of waiting is at most this."""
    staff = math.floor(load) + 1
    while erlang_waiting(load, staff) > waiting:
        staff += 1
    return staff


def count_quantile(share: float, mean: float, alpha: float = 0.0) -> int:
    """The smallest count whose distribution (negative binomial, Poisson where alpha is 0) reaches a share."""
    top = math.ceil(mean + MORE * math.sqrt(mean * (1 + alpha * mean)) + MORE * (1 + alpha * mean))
    k = np.arange(top + 1.0)
    log = -mean + xlogy(k, mean) if alpha == 0 else _log_negative_binomial(k, mean, alpha)
    below = np.cumsum(np.exp(log - gammaln(k + 1)))
    return int(np.searchsorted(below, share * (1 - 1e-12)))


def _log_negative_binomial(k: np.ndarray, mean: float, alpha: float) -> np.ndarray:
    """The log probability of each count, without the factorial."""
    size = 1 / alpha
    ways = gammaln(k + size) - gammaln(size)
    return np.asarray(ways - size * np.log1p(alpha * mean) + xlogy(k, alpha * mean / (1 + alpha * mean)))


def in_progress(start: np.ndarray, length: float, at: np.ndarray) -> np.ndarray:
    """How many that started at sorted times, each for a length, go on at each moment."""
    begun = np.searchsorted(start, at, side="right")
    return np.asarray(begun - np.searchsorted(start + length, at, side="right"))
