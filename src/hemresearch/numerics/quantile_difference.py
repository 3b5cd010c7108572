"""Limits of the difference of two survival quantiles, from the limits of each."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from .intervals import PROBABILITY, normal_quantile

SPREAD_LEVEL = 0.95  # the level of the limits whose lengths say how the two groups' errors compare


@dataclass(frozen=True, slots=True, eq=False)
class Crossing:
    """How a survival curve passes a level: `least[j]` is the smallest standardised distance up to time j.

    The distance is (survival - level) / standard error, on the scale of the limits. It is infinite
    before the first event, and stays as it was where survival is 0 and has no standard error.
    """

    time: np.ndarray
    least: np.ndarray

    def limits(self, z: float) -> tuple[float, float]:
        """The first times at which the lower and the upper limit of survival, at +-z, reach the level.

        The quantile lies after the last time if the lower limit is never below the level; then that is
        the lower limit. The upper one is infinite if the upper limit of survival stays above.
        """
        low, high = np.searchsorted(-self.least, [-z, z])
        last = len(self.time) - 1
        return float(self.time[min(low, last)]), float(self.time[high]) if high <= last else np.inf


def crossing(
    time: np.ndarray, survival: np.ndarray, std_error: np.ndarray, level: float, conf_type: str
) -> Crossing:
    """The passage of a curve, given just after each time, with the limits that `conf_type` gives."""
    scale = PROBABILITY[conf_type]
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.abs(scale.forward(survival) - scale.forward(np.array(level)))
        z = np.sign(survival - level) * distance / (np.abs(scale.derivative(survival)) * std_error)
    inside = (survival > 0) & (survival < 1)
    return Crossing(time, np.minimum.accumulate(np.where(inside, z, np.inf)))


def joint_factor(one: Crossing, other: Crossing) -> float:
    """By how much the separate limits may be narrower than the joint level asks.

    Limits at +-f z of both differ by z sqrt(s1^2 + s0^2) when f = sqrt(s1^2 + s0^2) / (s1 + s0), s being the
    lengths of the separate intervals; 1 where a length is unknown.
    """
    z = normal_quantile(SPREAD_LEVEL)
    (low, high), (other_low, other_high) = one.limits(z), other.limits(z)
    total = (high - low) + (other_high - other_low)
    both = np.hypot(high - low, other_high - other_low)
    return float(both / total) if np.isfinite(total) and total > 0 else 1.0


def difference_limits(one: Crossing, other: Crossing, z: float) -> tuple[float, float]:
    """Limits of the first quantile minus the other."""
    (low, high), (other_low, other_high) = one.limits(z), other.limits(z)
    return low - other_high, high - other_low


def touching_point(one: Crossing, other: Crossing) -> float:
    """The smallest z beyond which the two separate intervals touch, so that 0 is among the differences."""

    def touch(z: float) -> bool:
        low, high = difference_limits(one, other, float(np.nextafter(z, np.inf)))
        return low <= 0 <= high

    steps = np.abs(np.concatenate([[0.0], one.least, other.least]))
    candidates = np.unique(steps[np.isfinite(steps)])
    return float(candidates[min(bisect_left(candidates, True, key=touch), len(candidates) - 1)])
