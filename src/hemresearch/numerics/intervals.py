"""Pointwise confidence limits by a transformation of the estimate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtri

Function = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True)
class Transform:
    """A scale on which the estimate is taken to be normal: g, its derivative and its inverse."""

    forward: Function
    derivative: Function
    inverse: Function


def _from_arcsin(angle: np.ndarray) -> np.ndarray:
    return np.sin(np.clip(angle, 0.0, np.pi / 2)) ** 2


PROBABILITY: dict[str, Transform] = {
    "plain": Transform(lambda p: p, np.ones_like, lambda x: np.clip(x, 0.0, 1.0)),
    "log": Transform(np.log, lambda p: 1 / p, lambda x: np.minimum(np.exp(x), 1.0)),
    "log-log": Transform(
        lambda p: np.log(-np.log(p)), lambda p: 1 / (p * np.log(p)), lambda x: np.exp(-np.exp(x))
    ),
    "logit": Transform(lambda p: np.log(p / (1 - p)), lambda p: 1 / (p * (1 - p)), expit),
    "arcsin": Transform(lambda p: np.arcsin(np.sqrt(p)), lambda p: 0.5 / np.sqrt(p * (1 - p)), _from_arcsin),
}


def probability_limits(
    estimate: np.ndarray, std_error: np.ndarray, conf_type: str, conf_level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper limits of a probability.

    Before the first event (probability 1, standard error 0) both limits are 1, as `summary(survfit)` gives
    them on every scale; where the transformation or the standard error is not finite (survival 0) the
    limits are undefined (NaN).
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        low, high = transformed_limits(estimate, std_error, PROBABILITY[conf_type], conf_level)
        certain = (estimate >= 1) & (std_error == 0)
        ends = np.where(certain, 1.0, low), np.where(certain, 1.0, high)
    return ends[0], ends[1]


def transformed_limits(
    estimate: np.ndarray, std_error: np.ndarray, scale: Transform, conf_level: float
) -> tuple[np.ndarray, np.ndarray]:
    """g^-1(g(x) -+ z |g'(x)| se), smaller limit first."""
    z = normal_quantile(conf_level)
    centre, half = scale.forward(estimate), z * np.abs(scale.derivative(estimate)) * std_error
    one, other = scale.inverse(centre - half), scale.inverse(centre + half)
    defined = np.isfinite(centre) & np.isfinite(half)
    low, high = np.minimum(one, other), np.maximum(one, other)
    return np.where(defined, low, np.nan), np.where(defined, high, np.nan)


def hazard_limits(
    hazard: np.ndarray, std_error: np.ndarray, conf_type: str, conf_level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Limits of a cumulative hazard H, as those of the survival exp(-H) under `conf_type`.

    So "log-log" is the log scale of H and "log" its plain scale, cut at 0.
    """
    z = normal_quantile(conf_level)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if conf_type == "log":
            return np.maximum(hazard - z * std_error, 0.0), hazard + z * std_error
        if conf_type == "log-log":
            factor = np.where(hazard > 0, np.exp(z * std_error / hazard), 1.0)
            return hazard / factor, hazard * factor
        survival = np.exp(-hazard)
        low, high = probability_limits(survival, survival * std_error, conf_type, conf_level)
        return -np.log(high), -np.log(low)


def normal_quantile(conf_level: float) -> float:
    """The two-sided normal quantile of a confidence level: 1.96 for 0.95."""
    return float(ndtri(0.5 + conf_level / 2))
