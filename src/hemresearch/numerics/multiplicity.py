"""Several tests at once: adjusted p-values, and the p-value of the largest of correlated statistics."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import ndtr, ndtri

POINTS = 2**15
LAMBDA_ROUNDING = 1e-12
RANK_TOLERANCE = 1e-10  # a conditional variance below this is none: the statistics are linearly dependent


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's step-down p-values: the i-th smallest times n + 1 - i, never falling."""
    order = np.argsort(p, kind="stable")
    return _in_place(order, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """Benjamini and Hochberg's step-up p-values: the i-th smallest times n/i, never rising from above."""
    return np.minimum(_step_up(p), 1.0)


def bonferroni(p: np.ndarray) -> np.ndarray:
    """Each p-value times their number."""
    return np.minimum(p * len(p), 1.0)


def benjamini_yekutieli(p: np.ndarray) -> np.ndarray:
    """Benjamini and Hochberg's values times 1 + 1/2 + ... + 1/n: valid under any dependence."""
    return np.minimum(_step_up(p) * (1 / np.arange(1, len(p) + 1)).sum(), 1.0)


def storey(p: np.ndarray) -> np.ndarray:
    """Benjamini and Hochberg's values times the estimated share of true null hypotheses."""
    return null_share(p) * benjamini_hochberg(p)


def null_share(p: np.ndarray) -> float:
    """The share of true null hypotheses, #{p >= lambda}/(n (1 - lambda)): only theirs are so large.

    Lambda, of 0.05, 0.10, ..., 0.95, has the least estimated mean squared error about the 10th percentile of
    all (Storey, Taylor and Siegmund 2004, in closed form as R's qvalue with `pi0.method = "bootstrap"`).
    """
    points = np.arange(1, 20) / 20
    beyond = (p[:, None] >= points - LAMBDA_ROUNDING).sum(axis=0)
    share = beyond / (len(p) * (1 - points))
    variance = beyond / (len(p) ** 2 * (1 - points) ** 2) * (1 - beyond / len(p))
    error = variance + (share - np.quantile(share, 0.1)) ** 2
    return float(min(share[error == error.min()].min(), 1.0))


ADJUSTMENTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "holm": holm,
    "bh": benjamini_hochberg,
    "by": benjamini_yekutieli,
    "storey": storey,
    "bonferroni": bonferroni,
    "none": lambda p: p,
}


def adjusted(p: np.ndarray, method: str) -> np.ndarray:
    """Adjusted p-values as R's `p.adjust`: those that are undefined (NaN) stay so and do not count."""
    defined = ~np.isnan(p)
    result = np.full(len(p), np.nan)
    if defined.any():
        result[defined] = ADJUSTMENTS[method](p[defined])
    return result


def _step_up(p: np.ndarray) -> np.ndarray:
    """The i-th smallest times n/i, never rising from above; not cut at 1."""
    order = np.argsort(p, kind="stable")
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    result = np.empty(len(p))
    result[order] = np.minimum.accumulate(scaled[::-1])[::-1]
    return result


def _in_place(order: np.ndarray, values: np.ndarray) -> np.ndarray:
    result = np.empty(len(values))
    result[order] = np.minimum(values, 1.0)
    return result


def largest_exceeds(bound: float, correlation: np.ndarray, *, two_sided: bool = True) -> float:
    """P(max |Z_i| >= bound), or P(max Z_i >= bound), for normal Z with this correlation matrix.

    The event is split by its first member: sum over i of P(Z_i beyond the bound, none of Z_1..Z_(i-1)
    beyond it), so that each term keeps its relative precision however small it is (1 less the probability
    of no exceedance would not). Each term is an integral over a box, see `_box_probability`. The matrix may
    be singular.
    """
    if two_sided and bound <= 0:
        return 1.0
    tail, sides = (bound, np.inf), 2.0 if two_sided else 1.0
    inner = (-bound if two_sided else -np.inf, bound)
    total = 0.0
    for i in range(len(correlation)):
        rows = [i, *range(i)]
        limits = np.array([tail] + [inner] * i)
        total += sides * _box_probability(correlation[np.ix_(rows, rows)], limits)
    return min(total, 1.0)


def _box_probability(correlation: np.ndarray, limits: np.ndarray) -> float:
    """P(low_i <= Z_i <= high_i for all i): Genz's sequential integral over a fixed set of lattice points.

    Z = L x with x independent standard normals; given x_1..x_(j-1) the limits of every Z_i whose last
    coefficient is L_ij bound x_j. With a singular correlation several Z_i end in the same x_j, and their
    bounds intersect (Genz and Kwong, J Stat Comput Simul 2000;68:1-21).
    """
    factor, last = _factor(correlation)
    n_free = factor.shape[1]
    points = _lattice(n_free - 1)
    x = np.zeros((len(points), n_free))
    probability = np.ones(len(points))
    for j in range(n_free):
        low, high = np.full(len(points), -np.inf), np.full(len(points), np.inf)
        for i in np.flatnonzero(last == j):
            rest = x[:, :j] @ factor[i, :j]
            ends = np.sort((limits[i][:, None] - rest) / factor[i, j], axis=0)
            low, high = np.maximum(low, ends[0]), np.minimum(high, ends[1])
        inside, flip = _mass(low, high)
        probability *= inside
        if j < n_free - 1:
            x[:, j] = _quantile_between(low, high, inside, flip, points[:, j])
    return float(probability.mean())


def _mass(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P(low <= x <= high), computed in the lower tail where both ends are positive (`flip`)."""
    flip = low > 0
    mass = np.where(flip, ndtr(-low) - ndtr(-high), ndtr(high) - ndtr(low))
    return np.maximum(mass, 0.0), flip


def _quantile_between(
    low: np.ndarray, high: np.ndarray, mass: np.ndarray, flip: np.ndarray, u: np.ndarray
) -> np.ndarray:
    """The point below which the share u of the mass between the ends lies."""
    sign = np.where(flip, -1.0, 1.0)
    start = np.where(flip, ndtr(-high), ndtr(low))
    x = sign * ndtri(start + np.where(flip, 1 - u, u) * mass)
    return np.where(mass > 0, np.clip(x, low, high), 0.0)


def _factor(correlation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """L with L L' = correlation and as many columns as its rank, and each row's last non-zero column."""
    n = len(correlation)
    factor, last = np.zeros((n, n)), np.zeros(n, dtype=int)
    rank = 0
    for i in range(n):
        for j in range(rank):
            pivot = int(np.flatnonzero(last == j)[0])
            factor[i, j] = (correlation[i, pivot] - factor[i, :j] @ factor[pivot, :j]) / factor[pivot, j]
        left = correlation[i, i] - factor[i, :rank] @ factor[i, :rank]
        if left > RANK_TOLERANCE:
            factor[i, rank], last[i] = np.sqrt(left), rank
            rank += 1
        else:
            last[i] = int(np.flatnonzero(np.abs(factor[i]) > np.sqrt(RANK_TOLERANCE))[-1])
    return factor[:, :rank], last


def _lattice(dimensions: int) -> np.ndarray:
    """Points of a Richtmyer lattice (multiples of the roots of primes), folded so that the ends meet."""
    if dimensions == 0:
        return np.zeros((1, 0))
    candidates = range(2, 8 * dimensions + 8)
    primes = [p for p in candidates if all(p % q for q in range(2, int(p**0.5) + 1))][:dimensions]
    shifted = np.outer(np.arange(1, POINTS + 1), np.sqrt(primes)) % 1.0
    return np.abs(2 * shifted - 1)
