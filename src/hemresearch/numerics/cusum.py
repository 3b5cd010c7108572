"""Cumulative sums of log-likelihood ratios of counts, and how long they run to a signal.

A count x with mean m adds x log R - (R - 1) m (Poisson, rate ratio R); one of n trials with probability p
adds x log R - n log(1 - p + R p) (binomial, odds ratio R). The sum never falls below 0. Page ES. Biometrika
1954;41:100-115. Steiner SH, Cook RJ, Farewell VT, Treasure T. Biostatistics 2000;1:441-452.

The mean run length is that of a Markov chain on the range below the threshold. Brook D, Evans DA. Biometrika
1972;59:539-549.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr, pdtr

POINTS = 201  # of the range from 0 to the threshold
TAIL = 8.0  # standard deviations, beyond which counts do not happen
ROUNDING = 1e-12  # of a sum that is the threshold itself
HALVINGS = 50


@dataclass(frozen=True, slots=True, eq=False)
class Process:
    """Counts of periods whose `size` (expected count, or trials) is drawn at random from those observed.

    `share` is the probability of an event in a trial, None for Poisson counts; `ratio` the rate or odds ratio
    that the sum is for.
    """

    size: np.ndarray
    ratio: float
    share: float | None = None

    def weights(self, count: np.ndarray) -> np.ndarray:
        """What each period adds to the sum."""
        return np.asarray(count * np.log(self.ratio) - self.drift(self.size))

    def drift(self, size: np.ndarray) -> np.ndarray:
        """What a period without events takes away from a sum for an increase."""
        if self.share is None:
            return np.asarray((self.ratio - 1) * size)
        return np.asarray(size * np.log(1 - self.share + self.ratio * self.share))

    def counts(self, size: float, true_ratio: float) -> tuple[np.ndarray, np.ndarray]:
        """The counts that a period may have, and their probabilities, where the ratio is truly another."""
        if self.share is None:
            mean = size * true_ratio
            count = np.arange(np.ceil(mean + TAIL * np.sqrt(mean) + 2 * TAIL) + 1)
            return count, np.diff(pdtr(count, mean), prepend=0.0)
        count = np.arange(int(size) + 1)
        odds = true_ratio * self.share / (1 - self.share)
        below = np.append(bdtr(count[:-1], int(size), odds / (1 + odds)), 1.0)
        return count, np.diff(below, prepend=0.0)


def cumulative(weight: np.ndarray, threshold: float, *, restart: bool) -> tuple[np.ndarray, np.ndarray]:
    """The sum after each period, and where it passes the threshold; it may start again at 0 after that."""
    total, level = np.empty(len(weight)), 0.0
    for i, w in enumerate(weight):
        level = max(0.0, level + w)
        total[i] = level
        if restart and level > threshold:
            level = 0.0
    return total, total > threshold


def run_length(p: Process, threshold: float, true_ratio: float = 1.0) -> float:
    """The mean number of periods to the first signal, from a sum of 0.

    The mean from a sum s is one period more than the mean from where that period leads, which is interpolated
    between the points of a grid.
    """
    grid = np.linspace(0.0, threshold, POINTS)
    move, rows = np.zeros((POINTS, POINTS)), np.arange(POINTS)
    sizes, times = np.unique(p.size, return_counts=True)
    for size, n in zip(sizes, times / len(p.size), strict=True):
        drift = float(p.drift(size))
        for count, probability in zip(*p.counts(float(size), true_ratio), strict=True):
            reached = np.maximum(grid + count * np.log(p.ratio) - drift, 0.0)
            stays = reached <= threshold * (1 + ROUNDING)
            place = np.minimum(reached[stays] / threshold, 1.0) * (POINTS - 1)
            left = np.minimum(place.astype(np.intp), POINTS - 2)
            part = n * probability
            move[rows[stays], left] += part * (left + 1 - place)
            move[rows[stays], left + 1] += part * (place - left)
    return float(np.linalg.solve(np.eye(POINTS) - move, np.ones(POINTS))[0])


def threshold_for(p: Process, wanted: float) -> float:
    """The threshold that a process without a change passes after so many periods on average."""
    low, high = 0.0, 1.0
    while run_length(p, high) < wanted:
        low, high = high, 2 * high
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if run_length(p, middle) < wanted:
            low = middle
        else:
            high = middle
        if high - low < 1e-6 * high:
            break
    return high
