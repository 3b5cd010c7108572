"""Directly standardised rates and their limits.

`d` events in the person-time `y` of each group [group, stratum]; `w` are the weights of the strata, of sum 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import gammainccinv, gammaincinv

from .exact_limits import poisson_limits
from .intervals import normal_quantile

Limits = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class StandardizedRate:
    """The rate, its variance, the events, and what one event counts in each stratum [group, stratum]."""

    rate: np.ndarray
    variance: np.ndarray
    events: np.ndarray
    per_event: np.ndarray


def standardized_rate(d: np.ndarray, y: np.ndarray, w: np.ndarray) -> StandardizedRate:
    """The mean of the rates of the strata, weighted by the standard population."""
    per_event = w / y
    return StandardizedRate(
        (per_event * d).sum(axis=1), (per_event**2 * d).sum(axis=1), d.sum(axis=1), per_event
    )


def fay_feuer_limits(s: StandardizedRate, conf_level: float) -> Limits:
    """Of a gamma distribution; the upper one as if one more event had come where it counts most."""
    most = s.per_event.max(axis=1)
    return _gamma_low(s, conf_level), _gamma_high(s.rate + most, s.variance + most**2, conf_level)


def tiwari_limits(s: StandardizedRate, conf_level: float) -> Limits:
    """The same, as if one more event were spread evenly over the strata."""
    mean, square = s.per_event.mean(axis=1), (s.per_event**2).mean(axis=1)
    return _gamma_low(s, conf_level), _gamma_high(s.rate + mean, s.variance + square, conf_level)


def dobson_limits(s: StandardizedRate, conf_level: float) -> Limits:
    """Exact limits of the number of events, moved to the scale of the rate; NaN without events."""
    low, high = poisson_limits(s.events, conf_level)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.sqrt(s.variance / s.events)
    return s.rate + scale * (low - s.events), s.rate + scale * (high - s.events)


def normal_limits(s: StandardizedRate, conf_level: float) -> Limits:
    """Normal limits, of which the lower one may be negative."""
    half = normal_quantile(conf_level) * np.sqrt(s.variance)
    return s.rate - half, s.rate + half


def log_limits(s: StandardizedRate, conf_level: float) -> Limits:
    """Normal limits of the logarithm; NaN without events."""
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.exp(normal_quantile(conf_level) * np.sqrt(s.variance) / s.rate)
        return s.rate / factor, s.rate * factor


LIMITS: dict[str, Callable[[StandardizedRate, float], Limits]] = {
    "fay-feuer": fay_feuer_limits,
    "tiwari": tiwari_limits,
    "dobson": dobson_limits,
    "normal": normal_limits,
    "log": log_limits,
}


def _gamma_low(s: StandardizedRate, conf_level: float) -> np.ndarray:
    """Of the gamma distribution with the mean and the variance of the rate; 0 without events."""
    some = s.events > 0
    rate, variance = np.where(some, s.rate, 1.0), np.where(some, s.variance, 1.0)
    quantile = gammaincinv(rate**2 / variance, (1 - conf_level) / 2)
    return np.where(some, variance / rate * quantile, 0.0)


def _gamma_high(rate: np.ndarray, variance: np.ndarray, conf_level: float) -> np.ndarray:
    return np.asarray(variance / rate * gammainccinv(rate**2 / variance, (1 - conf_level) / 2))
