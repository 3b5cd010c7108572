"""Smooth curves through clouds of points: Cleveland's lowess, and natural splines with standard errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .compiled import kernel
from .splines import natural_spline_basis

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

NEAR, FAR = 0.001, 0.999  # shares of a radius within which a weight is 1, and beyond which it is 0


def lowess(
    x: ArrayLike, y: ArrayLike, *, span: float = 2 / 3, iterations: int = 3, delta: float | None = None
) -> np.ndarray:
    """A robust local-linear smooth of `y` at each value of `x`, as R's `stats::lowess` computes it.

    Each fitted value is a weighted least-squares line (tricube weights) through the nearest share `span` of
    the points; points with large residuals then lose weight, `iterations` times. Values nearer than `delta`
    to the last fitted one (by default 1 % of the range) are interpolated.

    Returns
    -------
    numpy.ndarray
        One value for each of `x`, in the order given; ties in `x` share theirs.

    References
    ----------
    Cleveland WS. J Am Stat Assoc 1979;74:829-836.

    Examples
    --------
    >>> lowess([1, 2, 3, 4, 5, 6, 7], [2, 4, 5, 4, 9, 8, 9]).round(4)
    array([2.1164, 3.7145, 4.6942, 6.0745, 6.9256, 8.3064, 8.9054])
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if len(x) < 2:
        return y.copy()
    order = np.argsort(x, kind="stable")
    points, values = x[order], y[order]
    near = 0.01 * (points[-1] - points[0]) if delta is None else float(delta)
    n_local = max(2, min(len(x), int(span * len(x) + 1e-7)))
    smooth = np.empty(len(x))
    smooth[order] = _robust_smooth(points, values, n_local, iterations, near)
    return smooth


def spline_trend(
    x: np.ndarray, y: np.ndarray, at: np.ndarray, *, df: int, variance: float
) -> tuple[np.ndarray, np.ndarray]:
    """A natural cubic spline with `df` coefficients through (x, y) by least squares, and its standard error.

    The values of `y` have the known `variance`. The df - 2 inner knots lie at quantiles of `at` and `x`
    together, the boundary knots at their range, as `plot.cox.zph` of R's survival has it.

    Returns
    -------
    tuple
        The fit and its standard error at `at`; NaN where `x` has too few values to carry the spline.
    """
    both = np.concatenate([at, x])
    inner = np.quantile(both, np.linspace(0, 1, df)[1:-1])
    if len(np.unique(x)) < df or (np.diff(inner) <= 0).any():
        return np.full(len(at), np.nan), np.full(len(at), np.nan)
    basis = natural_spline_basis(both, inner, (both.min(), both.max()))
    columns = np.column_stack([np.ones(len(both)), basis])
    q, r = np.linalg.qr(columns[len(at) :])
    spread = np.linalg.solve(r.T, columns[: len(at)].T)
    return spread.T @ (q.T @ y), np.sqrt(variance * (spread**2).sum(axis=0))


@kernel
def _robust_smooth(x: np.ndarray, y: np.ndarray, n_local: int, iterations: int, delta: float) -> np.ndarray:
    """The smooth of sorted points, refitted with robustness weights."""
    robust = np.ones(len(x))
    smooth = _local_smooth(x, y, n_local, delta, robust)
    for _ in range(iterations):
        away = np.abs(y - smooth)
        radius = 6.0 * np.median(away)
        if radius < 1e-7 * away.mean():
            break
        for i in range(len(x)):
            if away[i] <= NEAR * radius:
                robust[i] = 1.0
            elif away[i] <= FAR * radius:
                robust[i] = (1.0 - (away[i] / radius) ** 2) ** 2
            else:
                robust[i] = 0.0
        smooth = _local_smooth(x, y, n_local, delta, robust)
    return smooth


@kernel
def _local_smooth(x: np.ndarray, y: np.ndarray, n_local: int, delta: float, robust: np.ndarray) -> np.ndarray:
    """Local lines at points at least `delta` apart, and straight lines between these."""
    n = len(x)
    smooth = np.empty(n)
    first, last, i = 0, -1, 0
    while last < n - 1:
        while first + n_local < n and x[i] - x[first] > x[first + n_local] - x[i]:
            first += 1
        smooth[i] = _local_line(x, y, i, first, first + n_local - 1, robust)
        for j in range(last + 1, i):
            share = (x[j] - x[last]) / (x[i] - x[last])
            smooth[j] = share * smooth[i] + (1.0 - share) * smooth[last]
        last = i
        after = last + 1
        while after < n and x[after] <= x[i] + delta:
            if x[after] == x[i]:
                smooth[after] = smooth[i]
                last = after
            after += 1
        i = max(last + 1, after - 1)
    return smooth


@kernel
def _local_line(x: np.ndarray, y: np.ndarray, at: int, first: int, last: int, robust: np.ndarray) -> float:
    """The weighted line through x[first] to x[last] and their ties, at x[at]; y[at] if all weigh 0."""
    centre = x[at]
    radius = max(centre - x[first], x[last] - centre)
    total, mean, end = 0.0, 0.0, first
    while end < len(x) and (abs(x[end] - centre) <= FAR * radius or x[end] <= centre):
        weight = robust[end] * _tricube(abs(x[end] - centre), radius)
        total += weight
        mean += weight * x[end]
        end += 1
    if total <= 0.0:
        return y[at]
    mean /= total
    spread, level, slope = 0.0, 0.0, 0.0
    for j in range(first, end):
        weight = robust[j] * _tricube(abs(x[j] - centre), radius) / total
        spread += weight * (x[j] - mean) ** 2
        level += weight * y[j]
        slope += weight * (x[j] - mean) * y[j]
    if radius > 0.0 and np.sqrt(spread) > 0.001 * (x[-1] - x[0]):
        level += (centre - mean) * slope / spread
    return level


@kernel
def _tricube(distance: float, radius: float) -> float:
    """The weight of a point at a distance."""
    if distance <= NEAR * radius:
        return 1.0
    return (1.0 - (distance / radius) ** 3) ** 3 if distance <= FAR * radius else 0.0
