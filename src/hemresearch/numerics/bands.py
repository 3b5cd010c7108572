"""Critical values of simultaneous bands: how far a Brownian bridge strays on part of its way.

Printed tables are not used; the two probabilities below are exact up to rounding.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.linalg import eigh
from scipy.optimize import brentq
from scipy.special import eval_gegenbauer, kolmogi, ndtri, wofz

SMALLEST_EXPONENT = 37.0  # exp(-37) is below rounding error
MOST_TERMS = 20_000
N_BASIS, N_NODES = 32, 100  # even polynomials, and points of Gauss-Legendre quadrature
WIDEST = 12.0  # standard deviations; no level that can be written needs more


def hall_wellner_probability(k: float, low: float, high: float) -> float:
    """P(|B(u)| <= k for all u in [low, high]), B a Brownian bridge on [0, 1].

    The bridge is a Brownian motion that ends at 0. Between `low` and `high` it is killed at -k and k, which
    the eigenfunctions cos(w x), w = n pi / 2k, n odd, of the heat equation on (-k, k) describe:

        sqrt(2 pi) / k * sum over odd n of exp(-w^2 (high - low) / 2) C(low) C(1 - high),

    C(v) being the integral of cos(w x) over (-k, k) with the density of N(0, v). On [0, 1] it is
    Kolmogorov's distribution (Hall and Wellner 1980; Chung 1986 for low = 0).
    """
    exponent = np.pi**2 * max(high - low, 1e-12) / (8 * k * k)
    n_max = min(MOST_TERMS, np.sqrt(SMALLEST_EXPONENT / exponent) + 10)
    frequency = np.arange(1, n_max, 2) * np.pi / (2 * k)
    decay = np.exp(-(frequency**2) * (high - low) / 2)
    ends = _kept_cosine(k, low, frequency) * _kept_cosine(k, 1 - high, frequency)
    return float(np.sqrt(2 * np.pi) / k * np.sum(decay * ends))


def equal_precision_probability(c: float, duration: float) -> float:
    """P(|X(s)| <= c for 0 <= s <= duration), X a stationary Ornstein-Uhlenbeck process, cov exp(-|s|).

    B(u) / sqrt(u (1 - u)) is that process in the time log(u / (1 - u)) / 2. The probability is the sum of
    h^2 exp(-rate * duration) over the eigenfunctions of -f'' + (x^2 / 4 - 1/2) f on (-c, c), zero at both
    ends; h is their integral against the square root of the normal density. They are found among
    1 - x^2 / c^2 times even polynomials in x / c.
    """
    shape, slope, node, weight = _basis()
    x = c * node
    operator = (slope.T * (weight / c**2)) @ slope + (shape.T * (weight * (x * x / 4 - 0.5))) @ shape
    overlap = shape.T @ (weight * np.sqrt(c) * np.exp(-x * x / 4) / (2 * np.pi) ** 0.25)
    rate, vector = eigh(operator)
    return float(np.sum(np.exp(-rate * duration) * (overlap @ vector) ** 2))


def hall_wellner_quantile(conf_level: float, low: float, high: float) -> float:
    """The k within which a Brownian bridge stays on [low, high] with probability `conf_level`."""
    widest = 0.5 if low <= 0.5 <= high else (low if low > 0.5 else high)
    least = float(ndtri(0.5 + conf_level / 2)) * np.sqrt(widest * (1 - widest))  # that at a single u
    if high - low < 1e-12:
        return least
    most = 1.001 * float(kolmogi(1 - conf_level))  # that on all of [0, 1]
    return brentq(lambda k: hall_wellner_probability(k, low, high) - conf_level, 0.999 * least, most)


def equal_precision_quantile(conf_level: float, low: float, high: float) -> float:
    """The c within which B(u) / sqrt(u (1 - u)) stays on [low, high] with probability `conf_level`."""
    least = float(ndtri(0.5 + conf_level / 2))
    duration = 0.5 * float(np.log(high / low) + np.log1p(-low) - np.log1p(-high))
    if duration < 1e-12:
        return least
    return float(
        brentq(lambda c: equal_precision_probability(c, duration) - conf_level, 0.999 * least, WIDEST)
    )


def _kept_cosine(k: float, variance: float, frequency: np.ndarray) -> np.ndarray:
    """The integral of cos(w x) over (-k, k) with the density of N(0, variance), by the Faddeeva function."""
    if variance <= 0:
        return np.ones_like(frequency)
    z = (k + 1j * frequency * variance) / np.sqrt(2 * variance)
    lost = np.exp(-k * k / (2 * variance)) * (np.exp(-1j * k * frequency) * wofz(1j * z)).real
    return np.exp(-(frequency**2) * variance / 2) - lost


@cache
def _basis() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Functions (1 - s^2) C_2j(s), orthonormal on (-1, 1), and their derivatives where they are integrated.

    C_n are the Gegenbauer polynomials of order 5/2, for which the weight is (1 - s^2)^2.
    """
    node, weight = np.polynomial.legendre.leggauss(N_NODES)
    degree, s = 2 * np.arange(N_BASIS), node[:, None]
    value = eval_gegenbauer(degree, 2.5, s)
    derivative = 5 * eval_gegenbauer(degree - 1, 3.5, s) * (degree > 0)
    shape, slope = (1 - s**2) * value, (1 - s**2) * derivative - 2 * s * value
    size = np.sqrt(weight @ shape**2)
    return shape / size, slope / size, node, weight
