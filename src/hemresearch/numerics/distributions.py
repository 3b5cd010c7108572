"""Distributions of survival times: log density, log survival and their derivatives in local parameters.

A row's local parameters are its linear predictor, then what the distribution has besides: log(scale) and,
for some, a shape. Five of the six have log T = eta + scale * W, with W standard; a standard distribution is
two functions of w (and of a shape), and a new one is one entry of `DISTRIBUTIONS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, log_ndtr, ndtri

from . import generalised_gamma
from .generalised_gamma import HALF_LOG_2PI, divided_exponential

# Value, gradient (one row per parameter) and Hessian, for each observation.
Terms = tuple[np.ndarray, np.ndarray, np.ndarray]
Standard = Callable[[np.ndarray, np.ndarray], Terms]
Local = Callable[[np.ndarray, np.ndarray], Terms]
Quantile = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution of survival times.

    `ancillary` names the local parameters after the linear predictor. `log_density` and `log_survival` take
    times and local parameters (one row per parameter); `quantile` gives the time by which a proportion has
    had the event. `in_log_time` is true where the linear predictor is a location of log T, else it is a log
    hazard. `proportional` is true where effects are also (or only) ratios of hazards.
    """

    title: str
    ancillary: tuple[str, ...]
    log_density: Local
    log_survival: Local
    quantile: Quantile
    in_log_time: bool = True
    proportional: bool = False


def _of_w(function: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Standard:
    """A function of w alone, as one of w and a shape that there is not."""

    def standard(w: np.ndarray, shape: np.ndarray) -> Terms:
        value, first, second = function(w)
        return value, first[None], second[None, None]

    return standard


def _extreme_density(w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    hazard = np.exp(w)
    return w - hazard, 1 - hazard, -hazard


def _extreme_survival(w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    hazard = np.exp(w)
    return -hazard, -hazard, -hazard


def _normal_density(w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return -w * w / 2 - HALF_LOG_2PI, -w, -np.ones_like(w)


def _normal_survival(w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    value = log_ndtr(-w)
    hazard = np.exp(-w * w / 2 - HALF_LOG_2PI - value)
    return value, -hazard, -hazard * (hazard - w)


def _logistic_density(w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    below, above = expit(w), expit(-w)
    return w - 2 * np.logaddexp(0.0, w), above - below, -2 * below * above


def _logistic_survival(w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    below = expit(w)
    return -np.logaddexp(0.0, w), -below, -below * expit(-w)


def _gamma_density(w: np.ndarray, shape: np.ndarray) -> Terms:
    return generalised_gamma.log_density(w, shape[0])


def _gamma_survival(w: np.ndarray, shape: np.ndarray) -> Terms:
    return generalised_gamma.log_survival(w, shape[0])


def _placed(standard: Standard, *, density: bool) -> Local:
    """A standard function as one of time, eta, log(scale) and shape; a density gets the Jacobian of T."""

    def evaluate(time: np.ndarray, local: np.ndarray) -> Terms:
        scale = np.exp(local[1]) if len(local) > 1 else np.ones_like(local[0])
        log_time = np.log(time)
        w = (log_time - local[0]) / scale
        value, first, second = standard(w, local[2:])
        move = np.stack([-1 / scale, -w])[: len(local)]  # dw by eta and by log(scale)
        gradient = np.concatenate([first[0] * move, first[1:]])
        hessian = np.zeros((len(local), len(local), len(w)))
        m = len(move)
        hessian[:m, :m] = second[0, 0] * move[:, None] * move[None, :]
        if m > 1:
            hessian[0, 1] += first[0] / scale
            hessian[1, 0] = hessian[0, 1]
            hessian[1, 1] += first[0] * w
        if len(local) > m:
            hessian[:m, m:] = move[:, None] * second[0, 1:]
            hessian[m:, :m] = hessian[:m, m:].swapaxes(0, 1)
            hessian[m:, m:] = second[1:, 1:]
        if density:
            value = value - np.log(scale) - log_time
            gradient[1:2] -= 1.0
        return value, gradient, hessian

    return evaluate


def _standard_quantile(function: Quantile) -> Quantile:
    """The quantile of w, as a time."""

    def evaluate(p: np.ndarray, local: np.ndarray) -> np.ndarray:
        scale = np.exp(local[1]) if len(local) > 1 else 1.0
        return np.exp(local[0] + scale * function(p, local[2:]))

    return evaluate


def _log_location(
    title: str,
    ancillary: tuple[str, ...],
    density: Standard,
    survival: Standard,
    quantile: Quantile,
    *,
    proportional: bool = False,
) -> Distribution:
    """A distribution of log T = eta + scale * W."""
    return Distribution(
        title,
        ancillary,
        _placed(density, density=True),
        _placed(survival, density=False),
        _standard_quantile(quantile),
        proportional=proportional,
    )


def _gompertz_hazard(time: np.ndarray, local: np.ndarray) -> Terms:
    """The cumulative hazard exp(eta) (e^(at) - 1)/a with its derivatives in eta and a."""
    rate, u = np.exp(local[0]), local[1] * time
    value, first, second = (
        rate * time ** (m + 1) * divided_exponential(u, 1, m) for m in range(3)
    )  # by a: none, one, two times
    return value, np.stack([value, first]), np.array([[value, first], [first, second]])


def _gompertz_survival(time: np.ndarray, local: np.ndarray) -> Terms:
    value, gradient, hessian = _gompertz_hazard(time, local)
    return -value, -gradient, -hessian


def _gompertz_density(time: np.ndarray, local: np.ndarray) -> Terms:
    value, gradient, hessian = _gompertz_hazard(time, local)
    return local[0] + local[1] * time - value, np.stack([np.ones_like(time), time]) - gradient, -hessian


def _gompertz_quantile(p: np.ndarray, local: np.ndarray) -> np.ndarray:
    """Infinite where a falling hazard leaves more than 1 - p without the event for ever."""
    reduced = -np.log1p(-p) * np.exp(-local[0])  # (e^(at) - 1)/a
    u = local[1] * reduced
    with np.errstate(divide="ignore", invalid="ignore"):
        slowed = np.where(np.abs(u) < 1e-300, 1.0, np.log1p(u) / u)
    return np.where(u > -1, reduced * slowed, np.inf)


def _extreme_quantile(p: np.ndarray, shape: np.ndarray) -> np.ndarray:
    return np.log(-np.log1p(-p))


EXTREME = _of_w(_extreme_density), _of_w(_extreme_survival), _extreme_quantile
DISTRIBUTIONS: dict[str, Distribution] = {
    "exponential": _log_location("exponential", (), *EXTREME, proportional=True),
    "weibull": _log_location("Weibull", ("log(scale)",), *EXTREME, proportional=True),
    "log-normal": _log_location(
        "log-normal", ("log(scale)",), _of_w(_normal_density), _of_w(_normal_survival),
        lambda p, shape: ndtri(p),
    ),
    "log-logistic": _log_location(
        "log-logistic", ("log(scale)",), _of_w(_logistic_density), _of_w(_logistic_survival),
        lambda p, shape: np.log(p) - np.log1p(-p),
    ),
    "generalised-gamma": _log_location(
        "generalised gamma", ("log(scale)", "shape"), _gamma_density, _gamma_survival,
        lambda p, shape: generalised_gamma.quantile(p, shape[0]),
    ),
    "gompertz": Distribution(
        "Gompertz", ("shape",), _gompertz_density, _gompertz_survival, _gompertz_quantile,
        in_log_time=False, proportional=True,
    ),
}  # fmt: skip
