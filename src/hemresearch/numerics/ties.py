"""Times that differ by less than rounding error are the same time."""

from __future__ import annotations

import numpy as np

TOLERANCE = 1.5e-8  # about the square root of the float64 epsilon, as R's timefix
FLOAT32_TOLERANCE = 1e-6
LOW_BITS = 2**18 - 1

Times = np.ndarray


def round_ties(
    time: Times, entry: Times | None = None, tolerance: float = TOLERANCE
) -> tuple[Times, Times | None]:
    """Times (and entries) with near-ties set to the smallest time of their run.

    Two neighbouring distinct times are one when their distance, relative to the mean of the distinct
    times, is at most `tolerance` (the relative test of R's `survival::aeqSurv`; its absolute test would
    merge times in a tiny unit and is left out).
    """
    if (time == np.floor(time)).all() and (entry is None or (entry == np.floor(entry)).all()):
        return time, entry  # whole numbers are at least 1 apart
    ordered = np.sort(time if entry is None else np.concatenate([time, entry]))
    gap = np.diff(ordered)
    distinct = gap > 0
    scale = (ordered[0] + ordered[1:][distinct].sum()) / (1 + distinct.sum())
    apart = gap > tolerance * scale
    near = np.flatnonzero(distinct & ~apart)
    if not len(near):
        return time, entry
    # only the few times that follow a near-tie change: each becomes the one before it, and so on to the
    # first of its run
    old, new = ordered[near + 1], ordered[near]
    while (place := _found(old, new)).any():
        new = np.where(place, new[np.searchsorted(old, new) % len(old)], new)

    def rounded(values: Times) -> Times:
        if len(old) > LOW_BITS // 8:  # too many to be told apart by their low bits
            order = np.argsort(values)
            ordered = values[order]
            moved = _found(old, ordered)
            ordered[moved] = new[np.searchsorted(old, ordered[moved])]
            result = np.empty_like(values)
            result[order] = ordered
            return result
        result = values.copy()
        # the low bits of a time tell most of the others apart from the few that move, cheaply
        candidate = np.zeros(LOW_BITS + 1, dtype=bool)
        candidate[_low_bits(old)] = True
        rows = np.flatnonzero(candidate[_low_bits(values)])
        rows = rows[_found(old, values[rows])]
        result[rows] = new[np.searchsorted(old, values[rows])]
        return result

    return rounded(time), None if entry is None else rounded(entry)


def as_known(asked: Times, known: Times) -> Times:
    """The times asked for, each set to the known (ordered) time from which only rounding tells it apart.

    A time in months asked for as 100 / 30.4375 need not have the last bit of that of the data.
    """
    after = np.minimum(np.searchsorted(known, asked), len(known) - 1)
    before = np.maximum(after - 1, 0)
    below = np.abs(known[before] - asked) < np.abs(known[after] - asked)
    nearest = np.where(below, known[before], known[after])
    return np.where(np.abs(nearest - asked) < TOLERANCE * np.abs(asked), nearest, asked)


def _found(ordered: Times, values: Times) -> np.ndarray:
    """Which of the values are among the ordered ones."""
    return ordered[np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)] == values


def _low_bits(values: Times) -> np.ndarray:
    return np.ascontiguousarray(values).view(np.uint64) & np.uint64(LOW_BITS)
