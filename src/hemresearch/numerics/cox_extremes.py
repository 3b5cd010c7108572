"""Directions in which the partial likelihood does not bend: no information, or a maximum at infinity.

Along a direction v the likelihood never falls if in every risk set the events have the largest x'v (it then
grows without end unless x'v is the same for all of them, when it does not change at all). With the exact
likelihood of tied events that is said of the others: no other at risk has a larger x'v than an event.

Those directions are a cone, (x_i - x_j)'v >= 0 for each event i and each j at risk with it. The score at zero
is a sum of these differences with positive weights: a direction of the cone along which the score is
positive is one in which the likelihood grows, and there is none where it is zero throughout the cone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .compiled import kernel
from .cox_rows import CoxRows

LIKE_ZERO = 1e-7  # differences of x'v this small beside its range are none
SMALL_PARTS = (0.0, 1e-6, 1e-4, 1e-2)  # components of a direction, beside its largest, that may be noise
FLAT = 1e-6  # information in a direction, beside that in the others, below which it is looked at
ROUNDS = 60  # of constraints found to be violated, until a direction keeps them all


@dataclass(frozen=True, slots=True, eq=False)
class Extremes:
    """Per event time at which there are others: x'v of events and of others, smallest and largest.

    `event` and `other` are the rows with the smallest of the events and the largest of the others.
    """

    least: np.ndarray
    most: np.ndarray
    low: np.ndarray
    high: np.ndarray
    event: np.ndarray
    other: np.ndarray


def flat_directions(rows: CoxRows, information: np.ndarray) -> list[np.ndarray]:
    """Directions with hardly any information; each column alone first, then combinations."""
    p = len(information)
    diagonal = np.diag(information)
    top = max(float(diagonal.max(initial=0.0)), FLAT * float(rows.event_weight.sum()))
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


def without_information(rows: CoxRows, direction: np.ndarray, *, exact: bool = False) -> np.ndarray | None:
    """The direction, without its negligible parts, if x'v is constant in every risk set; else None."""
    for candidate in _simpler(direction):
        z = extremes(rows, candidate, exact=exact)
        spread = np.maximum(z.most, z.high) - np.minimum(z.least, z.low)
        if (spread <= LIKE_ZERO * _range(candidate)).all():
            return candidate
    return None


def is_monotone(rows: CoxRows, direction: np.ndarray, *, exact: bool = False) -> bool:
    """Whether in every risk set the events have the largest x'v, and in some not all have it."""
    z = extremes(rows, direction, exact=exact)
    near = LIKE_ZERO * _range(direction)
    return bool((z.least >= z.high - near).all() and (z.most - z.low > near).any())


def monotone_direction(rows: CoxRows, score: np.ndarray, *, exact: bool = False) -> np.ndarray | None:
    """A direction in which the likelihood grows without end, given its score at zero; None if there is none.

    A linear programme: the largest score within the cone (and a box), where the few constraints that
    matter are found by looking at what the last direction violates.
    """
    from scipy.optimize import linprog

    planes = np.empty((0, len(score)))
    for _ in range(ROUNDS):
        none = np.zeros(len(planes))
        solved = linprog(-score, A_ub=planes, b_ub=none, bounds=[(-1, 1)] * len(score))
        if not solved.success or -solved.fun <= LIKE_ZERO * np.abs(score).sum():
            return None
        for candidate in _simpler(solved.x):
            if is_monotone(rows, candidate, exact=exact):
                return candidate
        z = extremes(rows, solved.x, exact=exact)
        violated = z.least < z.high - LIKE_ZERO * _range(solved.x)
        if not violated.any():
            return None
        more = rows.x[z.event[violated]] - rows.x[z.other[violated]]
        planes = np.unique(np.concatenate([planes, -more]), axis=0)
    return None


def extremes(rows: CoxRows, direction: np.ndarray, *, exact: bool = False) -> Extremes:
    """Smallest and largest x'v per event time; others are all at risk, or (exact) all without the event."""
    z = rows.x @ direction
    order = np.argsort(z, kind="stable")
    enter = first_slots(rows) if rows.enter is None else rows.enter
    last = rows.leave - rows.event if exact else rows.leave
    n_slots = len(rows.n_event)
    lowest = first_to_cover(order, enter, last, n_slots)
    highest = first_to_cover(order[::-1], enter, last, n_slots)
    events = order[rows.event[order]]
    least, most = np.full(n_slots, -1), np.full(n_slots, -1)
    most[rows.leave[events]] = events  # of several, the last one stays
    least[rows.leave[events[::-1]]] = events[::-1]
    at = np.flatnonzero((rows.n_event > 0) & (highest >= 0))
    return Extremes(z[least[at]], z[most[at]], z[lowest[at]], z[highest[at]], least[at], highest[at])


@kernel
def first_to_cover(order, enter, leave, n_slots):  # type: ignore[no-untyped-def]
    """For each slot, the first row in the order that is at risk for it; -1 where there is none.

    Each slot is settled once; `unsettled` leads from a slot to the next that is still open.
    """
    found = np.full(n_slots, -1)
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
            found[root] = row
            unsettled[root] = root + 1
            slot = root + 1
    return found


def first_slots(rows: CoxRows) -> np.ndarray:
    """The empty slot that each row's stratum begins with."""
    first = np.flatnonzero(rows.begins)
    return first[np.searchsorted(first, rows.leave, side="right") - 1]


def _range(direction: np.ndarray) -> float:
    """The size of x'v, for standardised x: no more than this can be rounding error."""
    return float(np.abs(direction).sum())


def _simpler(direction: np.ndarray) -> list[np.ndarray]:
    """The direction with more and more of its small components set to zero."""
    size = np.abs(direction)
    return [np.where(size > part * size.max(), direction, 0.0) for part in SMALL_PARTS]
