"""Directions in which the partial likelihood does not bend: no information, or a maximum at infinity.

Along a direction v the likelihood never falls if in every risk set the events have the largest x'v (it then
grows without end unless x'v is the same for all of them, when it does not change at all).
"""

from __future__ import annotations

import numpy as np

from .compiled import kernel
from .cox_rows import CoxRows

LIKE_ZERO = 1e-7  # differences of x'v this small beside its range are none
SMALL_PARTS = (0.0, 1e-6, 1e-4, 1e-2)  # components of a direction, beside its largest, that may be noise
FLAT = 1e-6  # information in a direction, beside that in the others, below which it is looked at


def flat_directions(rows: CoxRows, information: np.ndarray) -> list[np.ndarray]:
    """Directions with hardly any information; each column alone first, then combinations."""
    p = len(information)
    diagonal = np.diag(information)
    top = max(float(diagonal.max(initial=0.0)), 1e-300)
    directions = [np.eye(p)[j] for j in np.flatnonzero(diagonal <= FLAT * top)]
    live = np.flatnonzero(diagonal > FLAT * top)
    if len(live):
        size = 1 / np.sqrt(diagonal[live])
        values, vectors = np.linalg.eigh(information[np.ix_(live, live)] * np.outer(size, size))
        for vector in vectors.T[values < FLAT]:
            direction = np.zeros(p)
            direction[live] = size * vector
            directions.append(direction / np.abs(direction).max())
    return directions


def without_information(rows: CoxRows, direction: np.ndarray) -> np.ndarray | None:
    """The direction, without its negligible parts, if x'v is constant in every risk set; else None."""
    for candidate in _simpler(direction):
        low, high, _ = extremes(rows, candidate)
        if (high - low <= LIKE_ZERO * _range(rows, candidate)).all():
            return candidate
    return None


def monotone_direction(rows: CoxRows, direction: np.ndarray) -> np.ndarray | None:
    """The direction (or its opposite) if the likelihood grows along it without end; else None."""
    for candidate in _simpler(direction):
        for sign in (1.0, -1.0):
            if is_monotone(rows, sign * candidate):
                return sign * candidate
    return None


def is_monotone(rows: CoxRows, direction: np.ndarray) -> bool:
    """Whether in every risk set the events have the largest x'v, and in some not all have it."""
    low, high, least = extremes(rows, direction)
    near = LIKE_ZERO * _range(rows, direction)
    return bool((least >= high - near).all() and (high - low > near).any())


def extremes(rows: CoxRows, direction: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per event time: the smallest and largest x'v at risk, and the smallest among the events."""
    z = rows.x @ direction
    order = np.argsort(z, kind="stable")
    enter = first_slots(rows) if rows.enter is None else rows.enter
    happens = rows.n_event > 0
    low = first_to_cover(order, z, enter, rows.leave, len(happens))
    high = first_to_cover(order[::-1], z, enter, rows.leave, len(happens))
    least = np.full(len(happens), np.inf)
    np.minimum.at(least, rows.leave[rows.event], z[rows.event])
    return low[happens], high[happens], least[happens]


@kernel
def first_to_cover(order, z, enter, leave, n_slots):  # type: ignore[no-untyped-def]
    """For each slot, z of the first row in the order that is at risk for it.

    Each slot is settled once; `unsettled` leads from a slot to the next that is still open.
    """
    value = np.full(n_slots, np.nan)
    unsettled = np.arange(n_slots + 1)
    for row in order:
        slot = enter[row] + 1
        while True:
            root = slot
            while unsettled[root] != root:
                root = unsettled[root]
            while unsettled[slot] != root:
                unsettled[slot], slot = root, unsettled[slot]
            if root > leave[row]:
                break
            value[root] = z[row]
            unsettled[root] = root + 1
            slot = root + 1
    return value


def first_slots(rows: CoxRows) -> np.ndarray:
    """The empty slot that each row's stratum begins with."""
    first = np.flatnonzero(rows.begins)
    return first[np.searchsorted(first, rows.leave, side="right") - 1]


def _range(rows: CoxRows, direction: np.ndarray) -> float:
    """The size of x'v, for standardised x: no more than this can be rounding error."""
    return float(np.abs(direction).sum())


def _simpler(direction: np.ndarray) -> list[np.ndarray]:
    """The direction with more and more of its small components set to zero."""
    size = np.abs(direction)
    return [np.where(size > part * size.max(), direction, 0.0) for part in SMALL_PARTS]
