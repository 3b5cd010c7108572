"""Windows of time: those of each owner united, and what is left of them outside other windows.

A window is (start, stop] in whole numbers (days), its owner a whole number from 0 up.
"""

from __future__ import annotations

import numpy as np

from .compiled import kernel

Windows = tuple[np.ndarray, np.ndarray, np.ndarray]


def remaining(windows: Windows, holes: Windows) -> Windows:
    """Owner, start and stop of what the united windows of each owner hold outside the owner's holes.

    Windows that touch are one.
    Both are given as owner, start and stop; the result is in the order of owner and time.
    """
    owner = np.concatenate([windows[0], windows[0], holes[0], holes[0]])
    at = np.concatenate([windows[1], windows[2], holes[1], holes[2]])
    n, m = len(windows[0]), len(holes[0])
    inside = np.repeat([1, -1, 0, 0], [n, n, m, m])
    hidden = np.repeat([0, 0, 1, -1], [n, n, m, m])
    order = np.lexsort((at, owner))
    owner, at = owner[order], at[order]
    # windows and holes of an owner all end, so that no sum is carried to the next owner
    is_open = (np.cumsum(inside[order]) > 0) & (np.cumsum(hidden[order]) == 0)
    piece = np.flatnonzero(is_open[:-1] & (at[1:] > at[:-1]) & (owner[1:] == owner[:-1]))
    return _joined(owner[piece], at[piece], at[piece + 1])


def _joined(owner: np.ndarray, start: np.ndarray, stop: np.ndarray) -> Windows:
    """Pieces in order, those that touch made one."""
    goes_on = (owner[1:] == owner[:-1]) & (start[1:] == stop[:-1])
    first, last = np.append(True, ~goes_on), np.append(~goes_on, True)
    return (owner, start, stop) if not len(owner) else (owner[first], start[first], stop[last])


def overlapping(owner: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """Which windows begin before an earlier one of the same owner has ended."""
    order = np.lexsort((stop, start, owner))
    shift, _ = _apart(owner, (start, stop))
    begin, end = (start + shift)[order], (stop + shift)[order]
    found = np.zeros(len(owner), dtype=bool)
    found[order[1:]] = begin[1:] < np.maximum.accumulate(end)[:-1]
    return found


def place_in(windows: Windows, owner: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The window of the same owner that holds each moment, start < at <= stop; -1 where none does.

    Windows of an owner may touch, but not overlap.
    """
    if not len(windows[0]):
        return np.full(len(at), -1)
    shift, shift_at = _apart(windows[0], windows[1:], owner, at)
    order = np.argsort(windows[1] + shift)
    place = np.searchsorted((windows[1] + shift)[order], at + shift_at) - 1
    found = order[np.maximum(place, 0)]
    held = (place >= 0) & (windows[0][found] == owner) & (at <= windows[2][found])
    return np.where(held, found, -1)


def _apart(
    owner: np.ndarray,
    times: tuple[np.ndarray, ...],
    other: np.ndarray | None = None,
    at: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """How far to move the times of each owner so that those of two owners never meet."""
    known = np.concatenate([*times, times[0][:0] if at is None else at])
    span = np.ptp(known) + 1 if len(known) else 1
    return owner * span, (owner if other is None else other) * span


@kernel
def latest_before(owner: np.ndarray, at: np.ndarray, none: int) -> np.ndarray:
    """The largest of the moments in earlier rows of the same owner, `none` without one; owners in order."""
    latest = np.empty(len(at), dtype=np.int64)
    so_far, current = none, -1
    for k in range(len(at)):
        if owner[k] != current:
            so_far, current = none, owner[k]
        latest[k] = so_far
        so_far = max(so_far, at[k])
    return latest
