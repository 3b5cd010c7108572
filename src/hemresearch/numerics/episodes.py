"""Intervals (entry, time] cut into pieces that follow each other."""

from __future__ import annotations

import numpy as np

from .compiled import kernel

Pieces = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def split_intervals(entry: np.ndarray | None, time: np.ndarray, cuts: np.ndarray) -> Pieces:
    """Cut every interval at each cut strictly inside it: (row, start, stop, is_last, period) of the pieces.

    `cuts` are sorted and distinct, times rounded to common ties with them; without `entry` intervals begin
    at 0. Pieces of a row follow each other, rows keep their order. `period` is 1 before the first cut, and
    k + 1 from the k-th cut on, wherever the interval began. The cuts may be all distinct event times.
    """
    begin = np.zeros(len(time)) if entry is None else entry
    first = np.searchsorted(cuts, begin, side="right")
    n_inside = np.searchsorted(cuts, time, side="left") - first
    return _pieces(begin, time, cuts, first, n_inside)


def split_at(
    entry: np.ndarray, time: np.ndarray, cut: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut every interval at its own time, where that lies strictly inside: (row, start, stop) of the pieces.

    A `cut` that is NaN or infinite cuts nothing.
    """
    inside = (entry < cut) & (cut < time)
    row = np.repeat(np.arange(len(time)), 1 + inside)
    start, stop = entry[row], time[row]
    second = np.flatnonzero(inside) + np.cumsum(inside)[inside]
    start[second] = stop[second - 1] = cut[inside]
    return row, start, stop


@kernel
def _pieces(entry, time, cuts, first, n_inside):  # type: ignore[no-untyped-def]
    """The pieces of each row; `n_inside` cuts, of which the `first` is given by its place, lie inside."""
    total = len(time) + n_inside.sum()
    row = np.empty(total, np.int64)
    period = np.empty(total, np.int64)
    start = np.empty(total)
    stop = np.empty(total)
    is_last = np.zeros(total, np.bool_)
    k = 0
    for i in range(len(time)):
        begin = entry[i]
        for j in range(first[i], first[i] + n_inside[i] + 1):
            row[k] = i
            period[k] = j + 1
            start[k] = begin
            if j < first[i] + n_inside[i]:
                begin = cuts[j]
                stop[k] = begin
            else:
                stop[k] = time[i]
                is_last[k] = True
            k += 1
    return row, start, stop, is_last, period
