"""Hothorn and Lausen's p-value step by step as R's maxstat computes it, which is not always their bound."""

from __future__ import annotations

import numpy as np


def maxstat_hl(b: float, scores: np.ndarray, sizes: np.ndarray) -> float:
    """`pmaxstat`: a sum of 0 is dropped, equal statistics do not count, and every size is taken off."""
    n, total = len(scores), int(scores.sum())
    counts = np.zeros((n + 1, total + 1))
    counts[0, 0] = 1
    for score in scores:
        moved = np.zeros_like(counts)
        moved[1:, score:] = counts[:-1, : total + 1 - score]
        counts += moved
    m = np.arange(1, n)
    expected = m / n * total
    variance = m * (n - m) / (n**2 * (n - 1)) * (n * float((scores.astype(float) ** 2).sum()) - total**2)
    chance = (counts / counts.sum(axis=1, keepdims=True))[1:n, 1:]
    statistic = np.abs(np.arange(1, total + 1) - expected[:, None]) / np.sqrt(variance)[:, None]
    statistic[chance == 0] = 0
    chance[statistic <= b] = 0
    each = chance.sum(axis=1)
    for i in range(sizes.min() - 1, n - 2):
        there = np.flatnonzero(chance[i])
        low, high = there[there + 1 < expected[i]], there[there + 1 > expected[i]]
        raised = low + scores.max()
        if (raised < total).all():
            each[i + 1] -= chance[i, low[statistic[i + 1, raised] > b]].sum()
        each[i + 1] -= chance[i, high[statistic[i + 1, high] > b]].sum()
    return float(min(each[sizes - 1].sum(), 1.0))
