"""Straight lines of many owners where some values are only known to lie below a limit.

    y = b0 + b1 t + u0 + u1 t + e,        u = L v, v standard normal of two parts, e normal with variance s^2.

Of a value below the limit c only that is known: y < c. With the values measured the likelihood of an owner is

    integral of  product of phi((y - x'b - z'L v) / s) / s * product of Phi((c - x'b - z'L v) / s) * phi(v),

whose logarithm is concave in v. It is integrated by Gauss and Hermite's rule about its mode, scaled by the
curvature there (adaptive quadrature), and maximised over b, L and s.

References: Hughes JP. Biometrics 1999;55:625-629. Pinheiro JC, Bates DM. J Comput Graph Stat 1995;4:12-35.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_ndtr

from .linear_mixed import FLAT, MixedLine, mixed_line

NODES = 7
STEPS, SETTLED = 50, 1e-12
SMALLEST = 1e-4  # of the spread of values: start of a part that does not differ
LOG_2PI = float(np.log(2 * np.pi))


def censored_line(y: np.ndarray, below: np.ndarray, t: np.ndarray, owner: np.ndarray) -> MixedLine:
    """The line of maximum likelihood; where `below`, y is the limit. Owners are numbered from 0.

    `between`, `within` and `deviance` are those of maximum likelihood, not of REML, and `cov` is the part of
    the line in the inverse of the whole curvature.
    """
    centre, scale, spread = t.mean(), t.std() or 1.0, y.std() or 1.0
    data = (y - y.mean()) / spread, below, (t - centre) / scale, owner
    found = minimize(
        lambda theta: -log_likelihood(theta, *data) / len(y), _start(*data), method="BFGS", jac="3-point",
        options={"gtol": 1e-7, "maxiter": 300},
    )  # fmt: skip
    theta = found.x
    inverse = np.linalg.inv(_curvature(theta, data))[:2, :2]
    back = spread * np.array([[1.0, -centre / scale], [0.0, 1 / scale]])
    root = _root(theta)
    return MixedLine(
        coef=back @ theta[:2] + np.array([y.mean(), 0.0]),
        cov=back @ inverse @ back.T,
        between=back @ root @ root.T @ back.T,
        within=float(np.exp(2 * theta[5]) * spread**2),
        deviance=float(-2 * log_likelihood(theta, *data) + 2 * (~below).sum() * np.log(spread)),
        converged=bool(found.success or np.abs(found.jac).max() < FLAT),
    )


def log_likelihood(
    theta: np.ndarray, y: np.ndarray, below: np.ndarray, t: np.ndarray, owner: np.ndarray
) -> float:
    """Of (b0, b1, L00, L10, L11, log s)."""
    s = np.exp(theta[5])
    lifted = np.stack([np.ones_like(t), t], axis=1) @ _root(theta) / s  # z'L / s
    distance = (y - theta[0] - theta[1] * t) / s
    n = int(owner.max()) + 1
    v, root = _mode(distance, lifted, below, owner, n)
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    total = np.full(n, -np.inf)
    for a, wa in zip(nodes, weights, strict=True):
        for b, wb in zip(nodes, weights, strict=True):
            at = v + (root @ np.array([a, b]))
            value = _log_joint(distance, lifted, below, owner, at)
            total = np.logaddexp(total, value + np.log(wa * wb) + (a * a + b * b) / 2)
    determinant = np.log(np.abs(np.linalg.det(root)))
    measured = (~below).sum()
    return float((total + determinant).sum() - measured * (theta[5] + LOG_2PI / 2) - n * LOG_2PI)


def _log_joint(
    distance: np.ndarray, lifted: np.ndarray, below: np.ndarray, owner: np.ndarray, v: np.ndarray,
    prior: float = 1.0,
) -> np.ndarray:  # fmt: skip
    """Logarithm of what is integrated, of each owner, without its constants; without a prior it is flat."""
    left = distance - (lifted * v[owner]).sum(axis=1)
    each = np.where(below, log_ndtr(left), -left * left / 2)
    return np.bincount(owner, each, len(v)) - prior * (v * v).sum(axis=1) / 2


def _mode(
    distance: np.ndarray, lifted: np.ndarray, below: np.ndarray, owner: np.ndarray, n: int
) -> tuple[np.ndarray, np.ndarray]:
    """Where the integrand of each owner is largest, and a root of the inverse of its curvature there."""
    v = np.zeros((n, 2))
    best = _log_joint(distance, lifted, below, owner, v)
    for _ in range(STEPS):
        slope, information = _slopes(distance, lifted, below, owner, v)
        step = np.linalg.solve(information, slope[:, :, None])[:, :, 0]
        v, best = _advance(distance, lifted, below, owner, v, step, best, prior=1.0)
        if (slope * step).sum(axis=1).max() < SETTLED:
            break
    information = _slopes(distance, lifted, below, owner, v)[1]
    return v, np.linalg.inv(np.linalg.cholesky(information)).transpose(0, 2, 1)


def _slopes(
    distance: np.ndarray, lifted: np.ndarray, below: np.ndarray, owner: np.ndarray, v: np.ndarray,
    prior: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """First derivatives and minus the second ones of `_log_joint`."""
    left = distance - (lifted * v[owner]).sum(axis=1)
    hazard, bend = inverse_mills(left)
    slope = _sums(np.where(below, -hazard, left)[:, None] * lifted, owner, len(v)) - prior * v
    second = _products(lifted, lifted, np.where(below, bend, 1.0), owner, len(v))
    return slope, second + prior * np.eye(2)


def inverse_mills(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """phi(x) / Phi(x), and minus its derivative, which lies between 0 and 1."""
    hazard = np.exp(-x * x / 2 - LOG_2PI / 2 - log_ndtr(x))
    return hazard, np.clip(hazard * (x + hazard), 0.0, 1.0)


def each_line(
    y: np.ndarray, below: np.ndarray, t: np.ndarray, owner: np.ndarray, deviation: float
) -> tuple[np.ndarray, np.ndarray]:
    """Level at 0 and slope of every owner alone, with one known deviation, and their covariances.

    Owners are numbered from 0 and need two measured values at different times, which make the maximum unique:
    the others have NaN.
    """
    n = int(owner.max()) + 1
    x, distance = np.stack([np.ones_like(t), t], axis=1) / deviation, y / deviation
    determined = _spread(t, owner, ~below, n) > 0
    lines, covariance = np.full((n, 2), np.nan), np.full((n, 2, 2), np.nan)
    if determined.any():
        used = determined[owner]
        part = distance[used], x[used], below[used], (np.cumsum(determined) - 1)[owner[used]]
        lines[determined], covariance[determined] = _maxima(*part, int(determined.sum()))
    return lines, covariance


def _spread(t: np.ndarray, owner: np.ndarray, seen: np.ndarray, n: int) -> np.ndarray:
    """The range of times at which something was measured, 0 without."""
    low, high = np.full(n, np.inf), np.full(n, -np.inf)
    np.minimum.at(low, owner[seen], t[seen])
    np.maximum.at(high, owner[seen], t[seen])
    return np.where(np.isfinite(low), high - np.where(np.isfinite(low), low, 0.0), 0.0)


def _maxima(
    distance: np.ndarray, x: np.ndarray, below: np.ndarray, owner: np.ndarray, n: int
) -> tuple[np.ndarray, np.ndarray]:
    """Newton's method for all owners at once, from the lines through what was measured."""
    seen = ~below
    b = np.linalg.solve(
        _products(x[seen], x[seen], np.ones(int(seen.sum())), owner[seen], n),
        _sums(x[seen] * distance[seen, None], owner[seen], n)[:, :, None],
    )[:, :, 0]
    best = _log_joint(distance, x, below, owner, b, prior=0.0)
    for _ in range(STEPS):
        slope, information = _slopes(distance, x, below, owner, b, prior=0.0)
        step = np.linalg.solve(information, slope[:, :, None])[:, :, 0]
        b, best = _advance(distance, x, below, owner, b, step, best, prior=0.0)
        if (slope * step).sum(axis=1).max() < SETTLED:
            break
    return b, np.linalg.inv(_slopes(distance, x, below, owner, b, prior=0.0)[1])


def _advance(
    distance: np.ndarray, lifted: np.ndarray, below: np.ndarray, owner: np.ndarray, v: np.ndarray,
    step: np.ndarray, best: np.ndarray, prior: float,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Each owner's step, halved until its value does not fall."""
    size = np.ones(len(v))
    there = best
    for _ in range(STEPS):
        there = _log_joint(distance, lifted, below, owner, v + size[:, None] * step, prior)
        worse = there < best - 1e-9 * (1 + np.abs(best))
        if not worse.any():
            break
        size[worse] /= 2
    return v + size[:, None] * step, there


def _sums(values: np.ndarray, owner: np.ndarray, n: int) -> np.ndarray:
    return np.stack([np.bincount(owner, values[:, i], n) for i in range(values.shape[1])], axis=1)


def _products(a: np.ndarray, b: np.ndarray, weight: np.ndarray, owner: np.ndarray, n: int) -> np.ndarray:
    """Of each owner, the weighted products of two columns with two."""
    parts = [[np.bincount(owner, weight * a[:, i] * b[:, j], n) for j in range(2)] for i in range(2)]
    return np.array(parts).transpose(2, 0, 1)


def _root(theta: np.ndarray) -> np.ndarray:
    return np.array([[theta[2], 0.0], [theta[3], theta[4]]])


def _start(y: np.ndarray, below: np.ndarray, t: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """The line with limits taken as values."""
    line = mixed_line(y, t, owner)
    between = line.between + SMALLEST * np.eye(2)
    root = np.linalg.cholesky(between)
    return np.array([*line.coef, root[0, 0], root[1, 0], root[1, 1], np.log(line.within + 1e-6) / 2])


def _curvature(theta: np.ndarray, data: tuple[np.ndarray, ...]) -> np.ndarray:
    """Minus the second derivatives of the log-likelihood, by differences."""
    k = len(theta)
    h = 1e-3 * np.eye(k)
    half = np.zeros((k, k))

    def at(shift: np.ndarray) -> float:
        return log_likelihood(theta + shift, *data)

    middle = at(np.zeros(k))
    for i in range(k):
        half[i, i] = (at(h[i]) - 2 * middle + at(-h[i])) / 1e-6
        for j in range(i):
            cross = at(h[i] + h[j]) - at(h[i] - h[j]) - at(h[j] - h[i]) + at(-h[i] - h[j])
            half[i, j] = half[j, i] = cross / 4e-6
    return -half
