"""Step functions: where they cross a level."""

from __future__ import annotations

import numpy as np

from .compiled import kernel

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


@kernel
def held_between(values, at, n):  # type: ignore[no-untyped-def]
    """Values at some of n places, the first of them among these, each held until the next."""
    result = np.empty(n)
    for k in range(len(at)):
        end = at[k + 1] if k + 1 < len(at) else n
        for place in range(at[k], end):
            result[place] = values[k]
    return result
