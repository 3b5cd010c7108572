"""Who is at risk, and what happens, at each distinct time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ROUNDING = 1e-13


@dataclass(frozen=True, slots=True, eq=False)
class RiskSets:
    """Counts at each distinct observed time, in order.

    An observation is at risk on (entry, time], so `n_risk` at t counts entry < t <= time; an event
    precedes a censoring at the same time. With weights the counts are sums of weights.
    """

    time: np.ndarray
    n_risk: np.ndarray
    n_event: np.ndarray
    n_censor: np.ndarray


def risk_sets(
    time: np.ndarray,
    event: np.ndarray,
    entry: np.ndarray | None = None,
    weight: np.ndarray | None = None,
) -> RiskSets:
    """Risk sets of one group, in O(n) for short-ranged whole times and O(n log n) otherwise."""
    distinct, n_event, n_left = _count(time, event, weight)
    n_risk = np.cumsum(n_left[::-1])[::-1]
    if entry is not None:
        n_risk = n_risk - weight_from(entry, weight, distinct)
        # sums of fractional weights cancel only to rounding: who leaves last must not leave a remainder
        n_risk = np.where(n_risk - n_left <= ROUNDING * n_left.sum(), n_left, n_risk)
    return RiskSets(distinct, n_risk, n_event, n_left - n_event)


def place(time: np.ndarray, distinct: np.ndarray) -> np.ndarray:
    """The position of each time among the distinct times, which must contain it."""
    return np.searchsorted(distinct, time)


def _count(
    time: np.ndarray, event: np.ndarray, weight: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct times, the events at each, and all who leave at each."""
    top = time.max()
    if top <= 4 * len(time) + 1000 and (time == (whole := time.astype(np.int64))).all():
        n_left = np.bincount(whole, weights=weight)
        n_event = np.bincount(whole[event], None if weight is None else weight[event], len(n_left))
        seen = np.flatnonzero(np.bincount(whole))
        return seen.astype(float), n_event[seen].astype(float), n_left[seen].astype(float)
    if weight is None:
        return _count_by_sorting(time, event)
    distinct, position = np.unique(time, return_inverse=True)
    n_event = np.bincount(position, weight * event, len(distinct))
    return distinct, n_event, np.bincount(position, weight, len(distinct))


def _count_by_sorting(time: np.ndarray, event: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same, sorting values instead of positions, which is several times faster.

    The bits of a non-negative float64 order as an integer does, with the sign bit unused: shifted by
    one they leave room for the event.
    """
    key = (time + 0.0).view(np.uint64)  # a copy, in which -0.0 is 0.0
    key <<= np.uint64(1)
    key |= event
    key.sort()
    happened = (key & np.uint64(1)).astype(float)
    key >>= np.uint64(1)
    ordered = key.view(np.float64)
    first = np.ones(len(key), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    start = np.flatnonzero(first)
    n_left = np.diff(start, append=len(key)).astype(float)
    return ordered[start], np.add.reduceat(happened, start), n_left


def weight_from(values: np.ndarray, weight: np.ndarray | None, at: np.ndarray) -> np.ndarray:
    """The weight of those whose value (time or entry) is at or after each time."""
    if weight is None:
        return len(values) - np.searchsorted(np.sort(values), at, side="left").astype(float)
    order = np.argsort(values)
    before = np.concatenate([[0.0], np.cumsum(weight[order])])
    return before[-1] - before[np.searchsorted(values[order], at, side="left")]
