"""Prentice's generalised gamma: log density and log survival in standardised log time, smooth in the shape.

With w = (log t - mu)/sigma and k = 1/q^2, exp(qw) k is a gamma variable of shape k (q > 0: Weibull at 1), or
its mirror image (q < 0); at q = 0 w is normal. Every expression here is regular there.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.polynomial.polynomial import polyder, polyval
from scipy.special import (
    digamma,
    factorial,
    gammainc,
    gammaincc,
    gammaincinv,
    gammaln,
    ndtr,
    ndtri,
    polygamma,
)

Function = Callable[[np.ndarray], np.ndarray]

HALF_LOG_2PI = 0.5 * np.log(2 * np.pi)
SERIES = 22  # terms of (e^u - 1)/u and its like for |u| < 1
SMALL_SHAPE = 0.05  # below it the survival function is Temme's uniform expansion around the normal one
# Central differences of eighth order, for the first and the second derivative at steps of 1.
FIRST = np.array([1 / 280, -4 / 105, 1 / 5, -4 / 5, 0, 4 / 5, -1 / 5, 4 / 105, -1 / 280])
SECOND = np.array([-1 / 560, 8 / 315, -1 / 5, 8 / 5, -205 / 72, 8 / 5, -1 / 5, 8 / 315, -1 / 560])
STEP = 0.04
# Stirling's remainder of log Gamma(k) in powers of q: q^2/12 - q^6/360 + ...
BERNOULLI = (
    1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400,
)  # fmt: skip
STIRLING = np.insert(np.zeros(23), [2 + 3 * i for i in range(8)], BERNOULLI)

CLOSED: dict[tuple[int, int], Function] = {
    (1, 0): lambda u: np.expm1(u) / u,
    (1, 1): lambda u: (np.exp(u) * (u - 1) + 1) / u**2,
    (1, 2): lambda u: (np.exp(u) * (u * u - 2 * u + 2) - 2) / u**3,
    (2, 0): lambda u: (np.expm1(u) - u) / u**2,
    (2, 1): lambda u: (np.exp(u) * (u - 2) + u + 2) / u**3,
    (2, 2): lambda u: (np.exp(u) * (u * u - 4 * u + 6) - 2 * u - 6) / u**4,
}

# The same as power series, for |u| < 1.
NEAR_ZERO = {(order, m): polyder(1 / factorial(np.arange(SERIES) + order), m) for order, m in CLOSED}


def divided_exponential(u: np.ndarray, order: int, derivative: int = 0) -> np.ndarray:
    """A derivative of the sum over n of u^n / (n + order)!, which is (e^u - 1)/u at order 1."""
    small = np.abs(u) < 1
    near = polyval(np.where(small, u, 0.0), NEAR_ZERO[order, derivative])
    return np.where(small, near, CLOSED[order, derivative](np.where(small, 1.0, u)))


def log_density(w: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log density of w, its gradient and Hessian in (w, q)."""
    u = q * w
    value, first, second = _stirling(q)
    squared = w * w
    gradient = np.stack(
        [-w * divided_exponential(u, 1), -(w**3) * divided_exponential(u, 2, 1) - first],
    )
    cross = -squared * divided_exponential(u, 1, 1)
    curved = -squared * squared * divided_exponential(u, 2, 2) - second
    hessian = np.stack([np.stack([-np.exp(u), cross]), np.stack([cross, curved])])
    return -squared * divided_exponential(u, 2) - HALF_LOG_2PI - value, gradient, hessian


def log_survival(w: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log survival of w, its gradient and Hessian in (w, q).

    Derivatives in q alone have no closed form; they are differences of eighth order, with shorter steps
    where w is far out.
    """
    density, along, _ = log_density(w, q)
    step = STEP / np.maximum(np.abs(w), 1.0)
    around = log_survival_value(w, q + np.arange(-4, 5)[:, None] * step)
    value = around[4]
    in_shape, curved = FIRST @ around / step, SECOND @ around / step**2
    hazard = np.exp(density - value)
    cross = -hazard * (along[1] - in_shape)
    gradient = np.stack([-hazard, in_shape])
    return value, gradient, np.array([[-hazard * (along[0] + hazard), cross], [cross, curved]])


def log_survival_value(w: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Log survival alone: of the smaller of survival and distribution function, each without cancellation."""
    w, q = np.broadcast_arrays(w, q)
    tail = np.empty(w.shape)
    near = np.abs(q) < SMALL_SHAPE
    tail[near] = _near_normal(w[near], q[near])
    tail[~near] = _incomplete_gamma(w[~near], q[~near])
    with np.errstate(divide="ignore"):
        return np.where(w > 0, np.log(tail), np.log1p(-np.where(w > 0, 0.0, tail)))


def quantile(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """The w that a proportion p lies below, by Newton's method on the log survival."""
    p, q = np.broadcast_arrays(np.asarray(p, dtype=float), q)
    far = np.abs(q) >= 1e-4
    k = np.where(far, q, 1.0) ** -2.0
    x = gammaincinv(k, np.where(q > 0, p, 1 - p))
    with np.errstate(divide="ignore"):
        w = np.where(far & (x > 0), np.log(x / k) / np.where(far, q, 1.0), ndtri(p))
    for _ in range(4):
        survival = log_survival_value(w, q)
        hazard = np.exp(log_density(w, q)[0] - survival)
        step = (survival - np.log1p(-p)) / hazard
        w = w + np.where(np.isfinite(step), np.clip(step, -1.0, 1.0), 0.0)
    return w


def _incomplete_gamma(w: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Survival at w > 0, else the distribution function."""
    k = q**-2.0
    with np.errstate(over="ignore"):
        x = k * np.exp(q * w)
    tail = np.empty(w.shape)
    above = q * w > 0
    tail[above] = gammaincc(k[above], x[above])
    tail[~above] = gammainc(k[~above], x[~above])
    return np.where(w == 0, np.where(q > 0, tail, gammaincc(k, x)), tail)


def _near_normal(w: np.ndarray, q: np.ndarray) -> np.ndarray:
    """The same near q = 0: the normal tail and a correction in powers of q^2."""
    v = w * np.sqrt(2 * divided_exponential(q * w, 2))
    terms = [polyval(q * v, series) * q ** (2 * k) for k, series in enumerate(TEMME)]
    correction = q * np.exp(-v * v / 2 - HALF_LOG_2PI) * np.sum(terms, axis=0)
    return np.where(w > 0, ndtr(-v) + correction, ndtr(v) - correction)


def _stirling(q: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log Gamma(k) less its leading terms, at k = 1/q^2, with two derivatives in q."""
    shape, which = np.unique(q, return_inverse=True)
    small = np.abs(shape) < 0.25
    k = np.where(small, 16.0, np.where(small, 1.0, shape) ** -2.0)
    value = gammaln(k) - (k - 0.5) * np.log(k) + k - HALF_LOG_2PI
    slope = digamma(k) - np.log(k) + 0.5 / k
    bend = polygamma(1, k) - 1 / k - 0.5 / k**2
    safe = np.where(small, 1.0, shape)
    closed = value, -2 * slope / safe**3, 4 * bend / safe**6 + 6 * slope / safe**4
    near = (polyval(np.where(small, shape, 0.0), polyder(STIRLING, m)) for m in range(3))
    first, second, third = (np.where(small, a, b)[which] for a, b in zip(near, closed, strict=True))
    return first, second, third


def _temme(n_terms: int = 8, length: int = 24) -> tuple[np.ndarray, ...]:
    """The power series c_0, c_1, ... of Temme's expansion of the incomplete gamma function."""
    size = length + 2 * n_terms + 2
    alpha = np.zeros(size + 1)
    alpha[1] = 1.0
    for n in range(2, size + 1):
        inner = sum(k * alpha[k] * alpha[n - k + 1] for k in range(2, n))
        alpha[n] = (alpha[n - 1] - inner) / (n + 1)
    first = np.array([-1 / 3] + [(n + 2) * alpha[n + 2] for n in range(1, size - 1)])
    gammas = _reciprocal_gamma_coefficients(n_terms)
    series, last = [first], first
    for k in range(1, n_terms):
        powers = np.arange(2, len(last))
        last = (-1) ** k * gammas[k] * first[: len(powers)] + powers * last[2:]
        series.append(last)
    return tuple(c[:length] for c in series)


def _reciprocal_gamma_coefficients(n: int) -> np.ndarray:
    """Coefficients g of Gamma*(a) ~ sum g_k a^-k with alternating signs, from Stirling's series."""
    log_series = np.zeros(n)
    odd = log_series[1::2]
    odd[:] = BERNOULLI[: len(odd)]
    g = np.zeros(n)
    g[0] = 1.0
    for m in range(1, n):
        g[m] = sum(j * log_series[j] * g[m - j] for j in range(1, m + 1)) / m
    return g


TEMME = _temme()
