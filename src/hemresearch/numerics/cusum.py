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

from .compiled import kernel

POINTS = 201  # of the range from 0 to the threshold
TAIL = 8.0  # standard deviations, beyond which counts do not happen
ROUNDING = 1e-12  # of a sum that is the threshold itself
HALVINGS = 50
NEVER = 1e-18  # a probability that adds to nothing


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
    move = _moves(*_steps(p, true_ratio), threshold)
    return float(np.linalg.solve(np.eye(POINTS) - move, np.ones(POINTS))[0])


def _steps(p: Process, true_ratio: float) -> tuple[np.ndarray, np.ndarray]:
    """What a period drawn at random may add to the sum, and the probability of each step."""
    sizes, times = np.unique(p.size, return_counts=True)
    steps, probabilities = [], []
    for size, n in zip(sizes, times / len(p.size), strict=True):
        count, probability = p.counts(float(size), true_ratio)
        happens = probability > NEVER
        steps.append(count[happens] * np.log(p.ratio) - float(p.drift(size)))
        probabilities.append(n * probability[happens])
    return np.concatenate(steps), np.concatenate(probabilities)


@kernel
def _moves(step: np.ndarray, probability: np.ndarray, threshold: float) -> np.ndarray:
    """The probabilities of moving between points of the range without a signal."""
    move = np.zeros((POINTS, POINTS))
    for k in range(len(step)):
        for i in range(POINTS):
            reached = max(i * threshold / (POINTS - 1) + step[k], 0.0)
            if reached > threshold * (1 + ROUNDING):
                break  # as it does from every point above this one
            place = min(reached / threshold, 1.0) * (POINTS - 1)
            left = min(int(place), POINTS - 2)
            move[i, left] += probability[k] * (left + 1 - place)
            move[i, left + 1] += probability[k] * (place - left)
    return move


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
