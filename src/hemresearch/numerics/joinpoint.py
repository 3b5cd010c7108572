"""Lines that change their slope at some of the observed points: a search over all sets of them.

Lerman PM. Appl Stat 1980;29:77-84. Kim HJ, Fay MP, Feuer EJ, Midthune DN. Stat Med 2000;19:335-351.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .compiled import kernel

EPSILON = 1e-13  # of rounding, in many sums


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """The best joinpoints of each series, as positions among the points, and what they leave.

    `near[j]` is the least sum of squares of the first series with its joinpoint j at each point, infinite
    where no set has it.
    """

    at: np.ndarray
    squares: np.ndarray
    near: np.ndarray


def segment_basis(x: np.ndarray, at: np.ndarray) -> np.ndarray:
    """1, the distance from the first point, and that beyond each joinpoint."""
    bends = np.maximum(x[:, None] - x[at], 0.0)
    return np.column_stack([np.ones(len(x)), x - x[0], bends])


def best_lines(x: np.ndarray, y: np.ndarray, weight: np.ndarray, k: int, ends: int, between: int) -> Lines:
    """The k joinpoints with the least weighted sum of squares, for each column of `y`.

    At least `ends` points lie before the first and behind the last, and `between` between two.
    """
    root = np.sqrt(weight)[:, None]
    line, _ = np.linalg.qr(root * segment_basis(x, np.zeros(0, dtype=int)))
    grid = np.arange(ends, len(x) - ends)
    hinges, series = root * np.maximum(x[:, None] - x[grid], 0.0), root * y
    hinges, series = (part - line @ (line.T @ part) for part in (hinges, series))
    left = (series**2).sum(axis=0)
    noise = EPSILON * left + EPSILON**2 * (weight @ y**2)
    near = np.full((k, len(x)), np.inf)
    if k == 0:
        return Lines(np.zeros((y.shape[1], 0), dtype=int), _above(left, noise), near)
    size = np.linalg.norm(hinges, axis=0)
    hinges = hinges / size
    gain, where, profile = search(hinges.T @ hinges, hinges.T @ series, k, between + 1)
    near[:, grid] = np.where(profile >= 0, _above(left[0] - profile, noise[0]), np.inf)
    return Lines(grid[where], _above(left - gain, noise), near)


def _above(squares: np.ndarray, noise: np.ndarray | float) -> np.ndarray:
    """Sums of squares, 0 where they are what rounding leaves of a series without any."""
    return np.where(squares > noise, squares, 0.0)


@kernel
def search(gram, cross, k, apart):  # type: ignore[no-untyped-def]
    """The largest gain b'c of each column c of `cross` over all sets of k places, by Cholesky's factor.

    Also where it is reached, and the largest gain of the first column with the j-th place at each position
    (-1 where none has it).
    """
    m, n_series = cross.shape
    best = np.full(n_series, -1.0)
    where = np.zeros((n_series, k), dtype=np.int64)
    profile = np.full((k, m), -1.0)
    factor, part = np.zeros((k, k)), np.zeros(k)
    at = np.arange(k) * apart
    running = at[k - 1] < m
    while running:
        for i in range(k):
            for j in range(i + 1):
                value = gram[at[i], at[j]]
                for h in range(j):
                    value -= factor[i, h] * factor[j, h]
                factor[i, j] = np.sqrt(max(value, 1e-300)) if i == j else value / factor[j, j]
        for b in range(n_series):
            gain = 0.0
            for i in range(k):
                value = cross[at[i], b]
                for j in range(i):
                    value -= factor[i, j] * part[j]
                part[i] = value / factor[i, i]
                gain += part[i] ** 2
            if gain > best[b]:
                best[b] = gain
                where[b] = at
            if b == 0:
                for j in range(k):
                    profile[j, at[j]] = max(profile[j, at[j]], gain)
        i = k - 1
        while i >= 0 and at[i] >= m - 1 - (k - 1 - i) * apart:
            i -= 1
        running = i >= 0
        if running:
            at[i] += 1
            for j in range(i + 1, k):
                at[j] = at[j - 1] + apart
    return best, where, profile


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """Slopes of the segments and their covariance, the fitted values, and the degrees of freedom left."""

    slope: np.ndarray
    cov: np.ndarray
    fitted: np.ndarray
    squares: float
    df: int


def fit_segments(x: np.ndarray, y: np.ndarray, weight: np.ndarray, at: np.ndarray) -> Segments:
    """Weighted least squares with joinpoints at given points, each of which costs two degrees of freedom."""
    root, basis = np.sqrt(weight), segment_basis(x, at)
    q, r = np.linalg.qr(root[:, None] * basis)
    coef = np.linalg.solve(r, q.T @ (root * y))
    fitted, df = basis @ coef, len(x) - 2 * (len(at) + 1)
    squares = float((weight * (y - fitted) ** 2).sum())
    inverse = np.linalg.solve(r, np.eye(len(coef)))
    k = len(at)
    slopes = np.column_stack([np.zeros(k + 1), np.ones(k + 1), np.tri(k + 1, k, -1)])
    cov = slopes @ inverse @ inverse.T @ slopes.T * (squares / df if df > 0 else np.nan)
    return Segments(slopes @ coef, cov, fitted, squares, df)


def permutation_p_value(
    x: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray,
    pair: tuple[int, int],
    apart: tuple[int, int],
    shuffles: np.ndarray,
) -> float:
    """Whether more joinpoints (the second of `pair`) fit better than fewer, beyond chance.

    The share, the data included, of series whose sums of squares fall by as large a factor, among series made
    by shuffling the residuals of fewer joinpoints (times the roots of the weights) by the rows of `shuffles`.
    """
    few, many = pair
    at = best_lines(x, y[:, None], weight, few, *apart).at[0]
    fitted, root = fit_segments(x, y, weight, at).fitted, np.sqrt(weight)
    shuffled = (root * (y - fitted))[shuffles].T / root[:, None]
    series = np.column_stack([y, fitted[:, None] + shuffled])
    small, large = (best_lines(x, series, weight, k, *apart).squares for k in (few, many))
    factor = small / np.maximum(large, 1e-300)
    return float((factor >= factor[0] * (1 - 1e-10)).mean())
