"""Times that differ by less than rounding error are the same time."""

from __future__ import annotations

import numpy as np

TOLERANCE = 1.5e-8  # about the square root of the float64 epsilon, as R's timefix
FLOAT32_TOLERANCE = 1e-6

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
    if np.array_equal(apart, distinct):
        return time, entry
    first = ordered[np.concatenate([[True], apart])]

    def rounded(values: Times) -> Times:
        return first[np.searchsorted(first, values, side="right") - 1]

    return rounded(time), None if entry is None else rounded(entry)
