"""Control limits around a target, and how much more units differ than by chance."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr, bdtrik, pdtr, pdtrik

Limits = tuple[np.ndarray, np.ndarray]
WINSORIZED = 0.1  # of the units at either end count as the one at this quantile


@dataclass(frozen=True, slots=True)
class Distribution:
    """Counts of units of a size: their quantiles, and a scale on which their variance is 1 / (4 size).

    A quarter of an event is added, so that counts have the target for their mean on that scale, and a small
    unit without events is not far from it.
    """

    distribution: Callable[[np.ndarray, np.ndarray, float], np.ndarray]
    quantile: Callable[[float, np.ndarray, float], np.ndarray]
    centre: Callable[[float], float]
    forward: Callable[[np.ndarray, np.ndarray], np.ndarray]
    inverse: Callable[[np.ndarray, np.ndarray], np.ndarray]
    most: float  # of events per size


def _arcsine(count: np.ndarray, size: np.ndarray) -> np.ndarray:
    return np.asarray(np.arcsin(np.sqrt((count + 0.25) / (size + 0.5))))


def _from_arcsine(x: np.ndarray, size: np.ndarray) -> np.ndarray:
    share = np.sin(np.clip(x, 0.0, np.pi / 2)) ** 2
    return np.clip((share * (size + 0.5) - 0.25) / size, 0.0, 1.0)


def _root(count: np.ndarray, size: np.ndarray) -> np.ndarray:
    return np.asarray(np.sqrt((count + 0.25) / size))


def _from_root(x: np.ndarray, size: np.ndarray) -> np.ndarray:
    return np.maximum(np.maximum(x, 0.0) ** 2 - 0.25 / size, 0.0)


BINOMIAL = Distribution(
    lambda count, size, target: bdtr(count, size.astype(np.int64), target),
    lambda share, size, target: bdtrik(share, size, target),
    lambda target: math.asin(math.sqrt(target)),
    _arcsine,
    _from_arcsine,
    1.0,
)
POISSON = Distribution(
    lambda count, size, target: pdtr(count, size * target),
    lambda share, size, target: pdtrik(share, size * target),
    math.sqrt,
    _root,
    _from_root,
    np.inf,
)


def exact_limits(d: Distribution, size: np.ndarray, target: float, tail: float) -> Limits:
    """Spiegelhalter's exact limits: quantiles of the count, interpolated, over the size.

    Counts below the lower limit have no more than `tail`; those above the upper one have more than it, since
    the quantile itself is beyond what is interpolated from it.
    """
    low, high = (_at_quantile(d, size, target, share) for share in (tail, 1 - tail))
    return np.maximum(low, 0.0) / size, np.maximum(high, 0.0) / size


def strict_limits(d: Distribution, size: np.ndarray, target: float, tail: float) -> Limits:
    """The same with one event more in the upper limit: no more than `tail` lies beyond either."""
    low, high = (_at_quantile(d, size, target, share) for share in (tail, 1 - tail))
    return np.maximum(low, 0.0) / size, np.minimum((high + 1) / size, d.most)


def spread_limits(
    d: Distribution, size: np.ndarray, target: float, z: float, *, factor: float, between: float
) -> Limits:
    """Normal limits on the scale of equal variance, where units differ by more than chance.

    The variance of a unit is `factor` times that of chance, and what differs `between` units comes on top.
    """
    half = z * np.sqrt(factor / (4 * size) + between)
    return d.inverse(d.centre(target) - half, size), d.inverse(d.centre(target) + half, size)


def dispersion(d: Distribution, count: np.ndarray, size: np.ndarray, target: float) -> tuple[float, float]:
    """Mean squared z after winsorising, and the variance between units that explains its excess.

    Winsorising leaves 0.68 of the variance of many normal z, so that units must differ by half as much again
    before anything is found; with less they count as differing by chance (1 and 0).
    """
    z = (d.forward(count, size) - d.centre(target)) * 2 * np.sqrt(size)
    low, high = np.quantile(z, [WINSORIZED, 1 - WINSORIZED])
    n, factor = len(z), float((np.clip(z, low, high) ** 2).mean())
    if n * factor <= n - 1:
        return 1.0, 0.0
    weight = 4 * size
    between = (n * factor - (n - 1)) / (weight.sum() - (weight**2).sum() / weight.sum())
    return max(factor, 1.0), float(between)


def _at_quantile(d: Distribution, size: np.ndarray, target: float, share: float) -> np.ndarray:
    """The smallest count whose distribution reaches a share, less the part of it that goes beyond."""
    count = np.maximum(np.ceil(d.quantile(share, size, target) - 1e-9), 0.0)
    reached = d.distribution(count, size, target)
    before = np.where(count > 0, d.distribution(np.maximum(count - 1, 0), size, target), 0.0)
    return np.asarray(count - (reached - share) / (reached - before))
