"""Effects of age, period and cohort: knots where the events are, and effects without a linear trend.

Holford TR. Biometrics 1983;39:311-324. Carstensen B. Stat Med 2007;26:3018-3045.
"""

from __future__ import annotations

import numpy as np

NO_RANK = 1e-9  # a singular value, beside the largest, of a direction that a trend has taken away


def event_quantiles(x: np.ndarray, count: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Quantiles of the values of events, `count` of them at each x, interpolated as R's type 7."""
    order = np.argsort(x, kind="stable")
    values, until = x[order], np.cumsum(count[order])
    at = (until[-1] - 1) * shares
    below = np.floor(at + 1e-9)
    low, high = (
        values[np.searchsorted(until, np.minimum(rank, until[-1] - 1), side="right")]
        for rank in (below, below + 1)
    )
    return np.asarray(low + np.maximum(at - below, 0.0) * (high - low))


def event_median(x: np.ndarray, count: np.ndarray) -> float:
    """The first value with more than half of the events at or below it."""
    order = np.argsort(x, kind="stable")
    share = np.cumsum(count[order]) / count.sum()
    return float(x[order][np.argmax(share > 0.5)])


def detrended(
    basis: np.ndarray, at: np.ndarray, weight: np.ndarray, reference: np.ndarray, reference_at: float
) -> tuple[np.ndarray, np.ndarray]:
    """A basis of the same curves less their weighted linear trend: at the points, and at a reference.

    `basis` has a row for each point, `reference` is its row at another. The trend is that of a regression on
    1 and `at` with the weights of the points; the columns that come back are orthonormal.
    """
    centre = float(weight @ at / weight.sum())
    trend = np.column_stack([np.ones(len(at)), at - centre])
    root = np.sqrt(weight)[:, None]
    slope, *_ = np.linalg.lstsq(root * trend, root * basis, rcond=None)
    left = basis - trend @ slope
    _, size, turned = np.linalg.svd(left, full_matrices=False)
    kept = size > NO_RANK * max(float(np.abs(basis).max()), float(size[0]))
    turn = turned[kept].T / size[kept]
    return left @ turn, (reference - np.array([1.0, reference_at - centre]) @ slope) @ turn


def independent_columns(x: np.ndarray) -> np.ndarray:
    """Which columns are no linear combination of those before them."""
    left = np.abs(np.diag(np.linalg.qr(x / np.linalg.norm(x, axis=0), mode="r")))
    free = np.zeros(x.shape[1], dtype=bool)
    free[: len(left)] = left > NO_RANK
    return free


def log_effects(rows: np.ndarray, coef: np.ndarray, cov: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Linear combinations of coefficients, one for each row, and their standard errors."""
    spread = np.einsum("ij,jk,ik->i", rows, cov, rows)
    return rows @ coef, np.sqrt(np.maximum(spread, 0.0))
