"""Control limits of counts and shares along time, over-dispersion by moving ranges, and run rules."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .funnel import BINOMIAL, POISSON

Limits = tuple[np.ndarray, np.ndarray]
RANGE_OF_TWO = 2 / math.sqrt(math.pi)  # mean range of two standard normal values, d2 = 1.128
ROUNDING = 1e-9  # of a count that is a quantile itself


def standard_errors(centre: float, size: np.ndarray, *, shares: bool) -> np.ndarray:
    """Of a share of `size` trials, or of a rate of events in `size` units."""
    return np.sqrt(centre * (1 - centre if shares else 1.0) / size)


def sigma_limits(centre: float, error: np.ndarray, sigma: float, *, shares: bool) -> Limits:
    """So many standard errors from the centre, cut at 0 and, of shares, at 1."""
    high = centre + sigma * error
    return np.maximum(centre - sigma * error, 0.0), np.minimum(high, 1.0) if shares else high


def probability_limits(centre: float, size: np.ndarray, tail: float, *, shares: bool) -> Limits:
    """Quantiles of the count over the size: a count beyond one has a probability of at most `tail`."""
    d = BINOMIAL if shares else POISSON

    def quantile(share: float) -> np.ndarray:
        count = np.maximum(np.ceil(d.quantile(share, size, centre) - ROUNDING), 0.0)
        return count / size

    return quantile(tail), quantile(1 - tail)


def moving_range_sigma(z: np.ndarray) -> float:
    """Laney's sigma of the standardised values: their mean moving range over that of chance."""
    return float(np.abs(np.diff(z)).mean() / RANGE_OF_TWO)


def runs(at: np.ndarray, length: int) -> np.ndarray:
    """Where the last `length` values were all true."""
    return some_of(at, length, length)


def some_of(at: np.ndarray, some: int, length: int) -> np.ndarray:
    """Where at least `some` of the last `length` values were true."""
    total = np.append(0, np.cumsum(at))
    found = np.zeros(len(at), dtype=bool)
    found[length - 1 :] = total[length:] - total[:-length] >= some
    return found


def _beyond(z: np.ndarray, distance: float, some: int, length: int) -> np.ndarray:
    """Some of the last values further than a distance from the centre, on one side, the last one included."""
    sides = [side * z > distance for side in (1, -1)]
    return np.logical_or.reduce([some_of(far, some, length) & far for far in sides])


def _trend(z: np.ndarray, length: int) -> np.ndarray:
    """As many values in a row that all rise, or all fall."""
    steps = np.append(0.0, np.diff(z))
    return runs(steps > 0, length - 1) | runs(steps < 0, length - 1)


def _alternates(z: np.ndarray, length: int) -> np.ndarray:
    """As many values in a row that go up and down by turns."""
    step = np.sign(np.append(0.0, np.diff(z)))
    turns = np.append(False, step[1:] * step[:-1] < 0)
    return runs(turns, length - 2)


# Rules of standardised values: of Western Electric (WE) and Nelson (N). `beyond limits` is the chart's own.
RULES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "2 of 3": lambda z: _beyond(z, 2.0, 2, 3),  # WE 2, N 5
    "4 of 5": lambda z: _beyond(z, 1.0, 4, 5),  # WE 3, N 6
    "8 on one side": lambda z: _beyond(z, 0.0, 8, 8),  # WE 4
    "9 on one side": lambda z: _beyond(z, 0.0, 9, 9),  # N 2
    "6 in a trend": lambda z: _trend(z, 6),  # N 3
    "14 alternating": lambda z: _alternates(z, 14),  # N 4
    "15 near the centre": lambda z: runs(np.abs(z) < 1, 15),  # N 7
    "8 far from the centre": lambda z: runs(np.abs(z) > 1, 8),  # N 8
}
