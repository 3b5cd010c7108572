"""Small samples for the additive hazards kernels, and the same estimates by plain algebra."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


def sample(n: int = 30, p: int = 2, seed: int = 2, late: bool = True) -> tuple[np.ndarray, ...]:
    """Covariates, time, event, entry and weight of some rows."""
    rng = np.random.default_rng(seed)
    time = np.ceil(rng.exponential(12, n))
    entry = np.floor(time * rng.random(n) * 0.9) * (rng.random(n) < 0.5) if late else np.zeros(n)
    return rng.normal(size=(n, p)), time, rng.random(n) < 0.7, entry, rng.integers(1, 4, n) * 0.7


def least_squares(
    X: np.ndarray, time: np.ndarray, event: np.ndarray, entry: np.ndarray, weight: np.ndarray
) -> Iterator[tuple[float, np.ndarray, np.ndarray | None, np.ndarray | None]]:
    """Each event time's (X'WX)^-1 and dB by plain algebra, for those whose design has full rank."""
    Z = np.column_stack([np.ones(len(X)), X])
    for t in np.unique(time[event]):
        at = (entry < t) & (time >= t)
        if np.linalg.matrix_rank(Z[at]) < Z.shape[1]:
            yield t, at, None, None
            continue
        inverse = np.linalg.inv((Z[at] * weight[at, None]).T @ Z[at])
        dying = event & (time == t)
        yield t, at, inverse, inverse @ (weight[dying] @ Z[dying])
