"""Step functions: where they cross a level."""

from __future__ import annotations

import numpy as np

TOLERANCE = 1.5e-8  # a curve that differs from a level by less is at the level, as in R's quantile.survfit


def first_at_or_below(time: np.ndarray, curve: np.ndarray, level: float) -> float | None:
    """When a falling curve first reaches a level; the middle of the flat stretch that equals it."""
    with np.errstate(invalid="ignore"):
        reached = np.flatnonzero(curve <= level + TOLERANCE)
        below = np.flatnonzero(curve < level - TOLERANCE)
    if not len(reached):
        return None
    first = reached[0]
    if curve[first] < level - TOLERANCE:
        return float(time[first])
    flat_until = below[0] if len(below) else len(time) - 1  # as R's quantile, also where follow-up ends
    return float((time[first] + time[flat_until]) / 2)
