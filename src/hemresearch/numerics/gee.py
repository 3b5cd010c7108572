"""Estimating equations of a mean with independent working covariance, and their sandwich variance.

With mu = g^-1(x'b) for each value y, several values belonging to an owner (a patient, a cluster),

    sum over values of mu'(x'b) x (y - mu) = 0,

which is where the sum of squares is least. Its variance is D^-1 M D^-1, D being the sum of mu'^2 x x' and M
the sum over owners of the squares of their parts of the equation.

References: Liang KY, Zeger SL. Biometrika 1986;73:13-22. Andersen PK, Klein JP, Rosthoj S. Biometrika
2003;90:15-27 (of pseudo-values).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from .newton import maximize

Function = Callable[[np.ndarray], np.ndarray]
FLAT = 1e-9  # of the information at the start, below which means have gone to an end of their range


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """A link: g, its inverse mu, and the first and second derivative of that by the linear predictor.

    `range` are the least (beside the largest value) and the largest mean to start from.
    """

    forward: Function
    inverse: Function
    slope: Function
    bend: Function
    range: tuple[float, float] = (0.01, 0.99)


def _complementary(eta: np.ndarray) -> np.ndarray:
    return -np.expm1(-np.exp(eta))


def _gompertz(eta: np.ndarray) -> np.ndarray:
    """The slope of 1 - exp(-exp(eta))."""
    return np.exp(eta - np.exp(eta))


def _gompertz_bend(eta: np.ndarray) -> np.ndarray:
    return _gompertz(eta) * (1 - np.exp(eta))


LINKS: dict[str, Link] = {
    "identity": Link(lambda m: m, lambda x: x, np.ones_like, np.zeros_like, (-1.0, np.inf)),
    "log": Link(np.log, np.exp, np.exp, np.exp, (0.01, np.inf)),
    "logit": Link(
        lambda m: np.log(m / (1 - m)),
        expit,
        lambda x: expit(x) * expit(-x),
        lambda x: expit(x) * expit(-x) * (1 - 2 * expit(x)),
    ),
    "cloglog": Link(lambda m: np.log(-np.log1p(-m)), _complementary, _gompertz, _gompertz_bend),
    "log-log": Link(
        lambda m: np.log(-np.log(m)),
        lambda x: np.exp(-np.exp(x)),
        lambda x: -_gompertz(x),
        lambda x: -_gompertz_bend(x),
    ),
}


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """Coefficients and their sandwich covariance; `solved` is false where no finite coefficients are."""

    coef: np.ndarray
    cov: np.ndarray
    solved: bool


def independence_equations(
    x: np.ndarray, y: np.ndarray, owner: np.ndarray, link: Link, offset: np.ndarray | None = None
) -> Solution:
    """Solve the equations for the columns of x, of which the first is constant 1.

    An `offset`, a linear predictor that is near already, is added to x'b.
    """
    scale = np.append(1.0, 1 / x[:, 1:].std(axis=0))
    mean = np.append(0.0, x[:, 1:].mean(axis=0))
    z = (x - mean) * scale
    unit = np.ptp(y) or 1.0  # of the squares, so that the iteration knows a small one
    known = 0.0 if offset is None else offset

    def least_squares(b: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        eta = z @ b + known
        left, slope = (y - link.inverse(eta)) / unit, link.slope(eta) / unit
        curved = slope**2 - left * link.bend(eta) / unit
        return -0.5 * float(left @ left), z.T @ (slope * left), z.T @ (z * curved[:, None])

    start = _start(y, z.shape[1], link) if offset is None else np.zeros(z.shape[1])
    found = maximize(least_squares, start)
    eta = z @ found.parameters + known
    slope = link.slope(eta)
    information = z.T @ (z * (slope**2)[:, None])
    bread = np.linalg.pinv(information)
    parts = z * (slope * (y - link.inverse(eta)))[:, None]
    summed = np.stack([np.bincount(owner, part) for part in parts.T], axis=1)
    units = np.diag(scale)
    units[0] -= mean * scale
    cov = units @ bread @ (summed.T @ summed) @ bread @ units.T
    at_start = np.linalg.eigvalsh(z.T @ (z * (link.slope(z @ start + known) ** 2)[:, None]))[0]
    finite = np.linalg.eigvalsh(information)[0] > FLAT * at_start
    return Solution(units @ found.parameters, cov, bool(found.converged and finite))


def _start(y: np.ndarray, n_columns: int, link: Link) -> np.ndarray:
    """The intercept of the mean alone, kept within the range of the link."""
    start = np.zeros(n_columns)
    low, high = link.range
    start[0] = link.forward(np.clip(y.mean(keepdims=True), low * (np.abs(y).max() or 1.0), high))[0]
    return start
