"""Spline bases that are linear in the tails: where the knots lie and what the columns are.

Two bases of the same space of functions: `restricted_cubic_basis` is Harrell's (truncated powers, its
first column is x itself, as in R's rms), `natural_spline_basis` is made of B-splines (as R's splines).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

CUBIC = 3
HEAVY_TIE = 0.05  # a lowest or highest value shared by this part of the data is cut off by a knot
SMALL_SAMPLE = 100  # below this size the outer knots are the 5th smallest and the 5th largest value
FEWEST_VALUES = 6


def harrell_knots(x: ArrayLike, n_knots: int) -> np.ndarray:
    """Knots at the percentiles that Harrell recommends, as R's `rms::rcs` places them.

    The percentiles are equally spaced between 10 and 90 (3 knots), 5 and 95 (4 to 6) or 2.5 and 97.5
    (7 and more). Below 100 values the outer knots are the 5th smallest and the 5th largest. Where
    5% or more of the values share the minimum (or the maximum) and no value between is that common, the
    outer knot on that side is the next distinct value and the others are placed beyond it.

    Parameters
    ----------
    x
        Finite values, in any order and any unit.
    n_knots
        How many knots are wanted, at least 3.

    Returns
    -------
    numpy.ndarray
        Increasing distinct knots: fewer than `n_knots` (none below six values) where the data cannot
        carry so many, which the caller refuses.

    References
    ----------
    Harrell FE. Regression Modeling Strategies, 2nd ed. Springer 2015, section 2.4.6.

    Examples
    --------
    >>> harrell_knots(range(1, 202), 4)
    array([ 11.,  71., 131., 191.])
    """
    rest = np.sort(np.asarray(x, dtype=float))
    values, count = np.unique(rest, return_counts=True)
    if len(rest) < FEWEST_VALUES:
        return np.empty(0)
    if len(values) - 2 <= n_knots:
        return values[1:-1]
    first, last = _cut_heavy_ends(values, count / len(rest))
    rest = rest[(rest > first) & (rest < last)]
    outside = [end for end in (first, last) if np.isfinite(end)]
    inner = _spread_knots(rest, n_knots - len(outside), n_knots, np.isfinite(first), np.isfinite(last))
    return np.unique(np.concatenate([inner, outside]))


def restricted_cubic_basis(x: ArrayLike, knots: ArrayLike) -> np.ndarray:
    r"""Restricted cubic spline: cubic between the knots, linear before the first and after the last.

    The first column is x. Column j + 1, for the knots t_1 < ... < t_k and j = 1 ... k - 2, is

    .. math::
        \{(x-t_j)_+^3 - (x-t_{k-1})_+^3 \frac{t_k-t_j}{t_k-t_{k-1}}
        + (x-t_k)_+^3 \frac{t_{k-1}-t_j}{t_k-t_{k-1}}\} / (t_k-t_1)^2,

    so that every column has the unit of x. Equals `Hmisc::rcspline.eval(x, knots, inclx = TRUE, norm = 2)`.

    Returns
    -------
    numpy.ndarray
        n rows, k - 1 columns.

    References
    ----------
    Harrell FE. Regression Modeling Strategies, 2nd ed. Springer 2015, equation 2.25.

    Examples
    --------
    >>> restricted_cubic_basis([0, 2, 4, 6], [1, 3, 5]).round(4)
    array([[0.    , 0.    ],
           [2.    , 0.0625],
           [4.    , 1.5625],
           [6.    , 4.5   ]])
    """
    x, t = np.asarray(x, dtype=float), np.asarray(knots, dtype=float)
    cube = np.maximum(x[:, None] - t, 0.0) ** CUBIC
    before, end = t[-2], t[-1]
    bend = cube[:, :-2] - (cube[:, [-2]] * (end - t[:-2]) - cube[:, [-1]] * (before - t[:-2])) / (
        end - before
    )
    return np.column_stack([x, bend / (end - t[0]) ** 2])


def natural_spline_basis(x: ArrayLike, inner_knots: ArrayLike, boundary: ArrayLike) -> np.ndarray:
    """Natural cubic spline from B-splines, without an intercept, as R's `splines::ns`.

    Cubic B-splines on the inner knots, projected on those combinations whose second derivative is zero
    at both boundary knots. Beyond the boundary every column continues as a straight line.

    Parameters
    ----------
    x
        Finite values, inside or outside the boundary.
    inner_knots
        Increasing knots strictly inside the boundary; may be empty.
    boundary
        The two boundary knots.

    Returns
    -------
    numpy.ndarray
        n rows, one column more than there are inner knots.

    References
    ----------
    Hastie TJ. Generalized additive models. In: Chambers JM, Hastie TJ (eds). Statistical Models in S. 1992.

    Examples
    --------
    >>> natural_spline_basis([0, 5, 10, 15], [5], [0, 10]).round(4)
    array([[ 0.    ,  0.    ],
           [ 0.5663, -0.2108],
           [ 0.3441,  0.7706],
           [-0.0752,  2.0501]])
    """
    x = np.asarray(x, dtype=float)
    low, high = (float(knot) for knot in np.asarray(boundary, dtype=float))
    knots = np.concatenate([[low] * 4, np.asarray(inner_knots, dtype=float), [high] * 4])
    pivot = np.clip(x, low, high)
    basis = b_splines(pivot, knots)[:, 1:]
    for end in (low, high):
        beyond = (pivot == end) & (x != end)
        if beyond.any():
            slope = b_splines([end], knots, derivative=1)[:, 1:]
            basis[beyond] += (x[beyond] - end)[:, None] * slope
    curvature = b_splines([low, high], knots, derivative=2)[:, 1:]
    rotation, _ = np.linalg.qr(curvature.T, mode="complete")
    return basis @ rotation[:, 2:]


def b_splines(x: ArrayLike, knots: np.ndarray, *, degree: int = CUBIC, derivative: int = 0) -> np.ndarray:
    """B-splines (or a derivative) on a full knot sequence, by the recursion of Cox and de Boor.

    The last interval includes its right end, so that the basis sums to one on the whole range.
    """
    x = np.asarray(x, dtype=float)
    if degree == 0:
        last = np.searchsorted(knots, knots[-1]) - 1
        interval = np.clip(np.searchsorted(knots, x, side="right") - 1, 0, last)
        return (interval[:, None] == np.arange(len(knots) - 1)).astype(float)
    lower = b_splines(x, knots, degree=degree - 1, derivative=max(derivative - 1, 0))
    width = knots[degree:] - knots[:-degree]
    scaled = np.divide(lower, width, out=np.zeros_like(lower), where=width > 0)
    if derivative:
        return degree * (scaled[:, :-1] - scaled[:, 1:])
    rising, falling = x[:, None] - knots[: -degree - 1], knots[degree + 1 :] - x[:, None]
    return rising * scaled[:, :-1] + falling * scaled[:, 1:]


def _cut_heavy_ends(values: np.ndarray, share: np.ndarray) -> tuple[float, float]:
    """The outer knots that heavy ties at the ends ask for; infinite where there are none."""
    first, last = -np.inf, np.inf
    if share[1:-1].max() >= HEAVY_TIE:
        return first, last
    if share[0] >= HEAVY_TIE:
        first = float(values[1])
    if share[-1] >= HEAVY_TIE:
        last = float(values[-2])
    return first, last


def _spread_knots(
    rest: np.ndarray, n_inner: int, n_knots: int, has_first: bool, has_last: bool
) -> np.ndarray:
    """The knots that are not fixed by heavy ends; only the distinct quantiles where these coincide."""
    outer = 0.1 if n_knots == 3 else 0.05 if n_knots <= 6 else 0.025
    if n_inner == 1:
        return np.array([np.median(rest)])
    knots = np.quantile(rest, np.linspace(0.5 if n_inner == 2 else outer, 1 - outer, n_inner))
    if len(np.unique(knots)) < min(n_inner, 3):
        return np.unique(knots)
    if len(rest) < SMALL_SAMPLE:
        if not has_first:
            knots[0] = rest[4]
        if not has_last:
            knots[-1] = rest[-5]
    return knots
