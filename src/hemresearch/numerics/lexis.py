"""Follow-up on several time scales: rows cut at the borders of bands, and person-time added up in bands.

A row is followed from `start` to `stop`. On scale s it has the value t - origin[row, s] at time t, and the
scale's borders are cuts[first[s]:first[s + 1]]: band b lies from border b on to before border b + 1. An event
at a border belongs to the band that ends there. Borders nearer than `tolerance` to the start, to the stop or
to each other are the same moment.
"""

from __future__ import annotations

import numpy as np

from .compiled import inlined, kernel

Splits = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
Table = tuple[np.ndarray, np.ndarray, np.ndarray]
OUTSIDE = -1


@inlined
def _enter(i, t, origin, cuts, first, passed, following):  # type: ignore[no-untyped-def]
    """How many borders of each scale lie at or before t, and when the next one follows."""
    for s in range(len(first) - 1):
        low, high = first[s], first[s + 1]
        while low < high:
            middle = (low + high) // 2
            if cuts[middle] <= t - origin[i, s]:
                low = middle + 1
            else:
                high = middle
        passed[s] = low
        following[s] = cuts[low] + origin[i, s] if low < first[s + 1] else np.inf


@inlined
def _until(stop, following, tolerance):  # type: ignore[no-untyped-def]
    """The next border of any scale, or the stop if that is not later."""
    t = np.inf
    for s in range(len(following)):
        t = min(t, following[s])
    return stop if t >= stop - tolerance else t


@inlined
def _pass_borders(i, t, origin, cuts, first, passed, following, tolerance):  # type: ignore[no-untyped-def]
    """Go on to the bands that begin at t."""
    for s in range(len(following)):
        while following[s] <= t + tolerance:
            passed[s] += 1
            following[s] = cuts[passed[s]] + origin[i, s] if passed[s] < first[s + 1] else np.inf


@kernel
def count_pieces(start, stop, origin, cuts, first, tolerance):  # type: ignore[no-untyped-def]
    """How many pieces all rows fall into."""
    passed = np.empty(len(first) - 1, np.int64)
    following = np.empty(len(first) - 1)
    total = 0
    for i in range(len(start)):
        _enter(i, start[i] + tolerance, origin, cuts, first, passed, following)
        t = _until(stop[i], following, tolerance)
        total += 1
        while t < stop[i]:
            _pass_borders(i, t, origin, cuts, first, passed, following, tolerance)
            t = _until(stop[i], following, tolerance)
            total += 1
    return total


@kernel
def split_rows(start, stop, origin, cuts, first, tolerance):  # type: ignore[no-untyped-def]
    """The pieces of every row: (row, from, to, whether it is the row's last, band on each scale).

    Pieces of a row follow each other; a band is -1 outside the borders of its scale.
    """
    scales = len(first) - 1
    total = count_pieces(start, stop, origin, cuts, first, tolerance)
    row = np.empty(total, np.int64)
    begin = np.empty(total)
    end = np.empty(total)
    last = np.zeros(total, np.bool_)
    band = np.empty((total, scales), np.int64)
    passed = np.empty(scales, np.int64)
    following = np.empty(scales)
    k = 0
    for i in range(len(start)):
        _enter(i, start[i] + tolerance, origin, cuts, first, passed, following)
        t = start[i]
        going_on = True
        while going_on:
            row[k] = i
            begin[k] = t
            t = _until(stop[i], following, tolerance)
            end[k] = t
            for s in range(scales):
                b = passed[s] - first[s] - 1
                band[k, s] = b if b < first[s + 1] - first[s] - 1 else OUTSIDE
            going_on = t < stop[i]
            last[k] = not going_on
            k += 1
            _pass_borders(i, t, origin, cuts, first, passed, following, tolerance)
    return row, begin, end, last, band


@kernel
def tabulate(start, stop, cause, group, origin, cuts, first, tolerance, n_groups, n_causes):  # type: ignore[no-untyped-def]
    """Rows, person-time and events of each cause in every cell, without making the pieces.

    Cells are numbered by group and then by the bands, the last scale running fastest; the one behind the last
    cell takes what is outside. `cause` is 0 for no event. The steps from border to border are those of
    `split_rows`, written out: the cell is moved along with the border that is passed, in one loop over the
    scales, which is more than twice as fast.
    """
    scales = len(first) - 1
    stride = np.ones(scales + 1, np.int64)
    for s in range(scales - 1, -1, -1):
        stride[s] = stride[s + 1] * (first[s + 1] - first[s] - 1)
    outside = n_groups * stride[0]
    n = np.zeros(outside + 1, np.int64)
    time = np.zeros(outside + 1)
    events = np.zeros((n_causes, outside + 1), np.int64)
    passed = np.empty(scales, np.int64)
    following = np.empty(scales)
    for i in range(len(start)):
        t = start[i]
        _enter(i, t + tolerance, origin, cuts, first, passed, following)
        until = np.inf
        cell = group[i] * stride[0]
        n_outside = 0
        for s in range(scales):
            until = min(until, following[s])
            cell += (passed[s] - first[s] - 1) * stride[s + 1]
            if passed[s] == first[s] or passed[s] == first[s + 1]:
                n_outside += 1
        while until < stop[i] - tolerance:
            here = cell if n_outside == 0 else outside
            n[here] += 1
            time[here] += until - t
            t = until
            until = np.inf
            for s in range(scales):
                while following[s] <= t + tolerance:
                    if passed[s] == first[s]:
                        n_outside -= 1
                    passed[s] += 1
                    cell += stride[s + 1]
                    following[s] = np.inf
                    if passed[s] < first[s + 1]:
                        following[s] = cuts[passed[s]] + origin[i, s]
                    else:
                        n_outside += 1
                until = min(until, following[s])
        here = cell if n_outside == 0 else outside
        n[here] += 1
        time[here] += stop[i] - t
        if cause[i] > 0:
            events[cause[i] - 1, here] += 1
    return n, time, events
