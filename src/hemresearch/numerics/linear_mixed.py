"""Straight lines of many owners: a mean line, and owners whose own lines vary about it.

    y = b0 + b1 t + u0 + u1 t + e,

(u0, u1) normal between owners with any covariance, e normal and independent. Fitted by restricted maximum
likelihood (REML): with V = sigma^2 (I + Z L L' Z'), Z the columns (1, t) of an owner, the criterion is that
of lme4, in which only L, lower triangular, is left to be found. All sums are over owners and of size 2.

References: Laird NM, Ware JH. Biometrics 1982;38:963-974. Bates D, Maechler M, Bolker B, Walker S. J Stat
Softw 2015;67(1):1-48.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

FLAT = 1e-6
Sums = tuple[np.ndarray, np.ndarray, float, int]


@dataclass(frozen=True, slots=True, eq=False)
class MixedLine:
    """The mean line (intercept, slope) with its covariance, and the variance components.

    `between` is the covariance matrix of the owners' lines, `within` the variance about them, `deviance` the
    REML criterion, -2 log L.
    """

    coef: np.ndarray
    cov: np.ndarray
    between: np.ndarray
    within: float
    deviance: float
    converged: bool


def mixed_line(y: np.ndarray, t: np.ndarray, owner: np.ndarray) -> MixedLine:
    """Fit the lines; owners are numbered from 0."""
    centre, scale = t.mean(), t.std() or 1.0
    spread = y.std() or 1.0  # so that the search takes steps of the same size in any unit
    sums = _sums((y - y.mean()) / spread, (t - centre) / scale, owner)
    # per value, so that a slope of the criterion is as small in many values as in few
    found = minimize(
        lambda theta: _criterion(theta, sums)[0] / len(y), np.array([1.0, 0.0, 0.3]), method="BFGS",
        jac="3-point", options={"gtol": 1e-8, "maxiter": 500},
    )  # fmt: skip
    deviance, coef, inverse, within = _criterion(found.x, sums)
    # back to the units of the data: b0 + b1 t = y0 + spread (c0 + c1 (t - centre) / scale)
    back = spread * np.array([[1.0, -centre / scale], [0.0, 1 / scale]])
    root = np.array([[found.x[0], 0.0], [found.x[1], found.x[2]]])
    small = np.abs(found.jac).max() < FLAT  # what is left of the slope where rounding ended the search
    return MixedLine(
        coef=back @ coef + np.array([y.mean(), 0.0]),
        cov=within * back @ inverse @ back.T,
        between=within * back @ root @ root.T @ back.T,
        within=float(within * spread**2),
        deviance=float(deviance + 2 * (len(y) - 2) * np.log(spread) + 2 * np.log(scale)),
        converged=bool(found.success or small),
    )


def _sums(y: np.ndarray, t: np.ndarray, owner: np.ndarray) -> Sums:
    """Z'Z and Z'y of each owner, and the sum of squares of all."""
    z = np.stack([np.ones_like(t), t], axis=1)
    n = int(owner.max()) + 1

    def summed(values: np.ndarray) -> np.ndarray:
        return np.bincount(owner, values, n)

    squares = np.array([[summed(z[:, i] * z[:, j]) for j in range(2)] for i in range(2)])
    products = np.array([summed(z[:, i] * y) for i in range(2)])
    return squares.transpose(2, 0, 1), products.T, float(y @ y), len(y)


def _criterion(theta: np.ndarray, sums: Sums) -> tuple[float, np.ndarray, np.ndarray, float]:
    """-2 log restricted likelihood, the mean line, the inverse of X' V^-1 X and sigma^2, given L."""
    squares, products, total, n = sums
    root = np.array([[theta[0], 0.0], [theta[1], theta[2]]])
    inner = np.eye(2) + root.T @ squares @ root  # I + L' Z'Z L of each owner
    determinant = inner[:, 0, 0] * inner[:, 1, 1] - inner[:, 0, 1] ** 2
    turned = np.array([[0.0, 1.0], [-1.0, 0.0]])
    weight = root @ (turned.T @ inner @ turned / determinant[:, None, None]) @ root.T  # L inner^-1 L'
    lifted = squares @ weight
    xvx = (squares - lifted @ squares).sum(axis=0)
    xvy = (products - (lifted @ products[:, :, None])[:, :, 0]).sum(axis=0)
    yvy = total - float((products[:, None, :] @ weight @ products[:, :, None]).sum())
    inverse = np.linalg.inv(xvx)
    coef = inverse @ xvy
    within = (yvy - coef @ xvy) / (n - 2)
    determinants = np.log(determinant).sum() + np.log(np.linalg.det(xvx))
    return float(determinants + (n - 2) * (1 + np.log(2 * np.pi * within))), coef, inverse, within
