"""Rows in the order in which the partial likelihood visits them, and the event times they are at risk for.

Event times are numbered as slots: within each stratum an empty slot comes first, then its distinct event
times in order. A row is at risk for the slots `enter < slot <= leave`, so that the sum of any quantity over
the event times a row lives through is `total[leave] - total[enter]`, where `total` runs up within a stratum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .compiled import kernel

ORIGIN = 1000  # rows whose mean lies amid the values
RADIX = 2**16  # whole numbers below this are sorted in one pass


@dataclass(frozen=True, slots=True, eq=False)
class CoxRows:
    """Sorted rows with centred and scaled covariates.

    `order` are the positions of the rows in the caller's arrays; x = (covariates - mean) * scale.
    `by_enter` sorts the rows by `enter` and is None without delayed entry. Per slot: its time, stratum,
    whether it is the empty first one, the number of events and the sum of their weights. `event_total`
    is the weighted sum of x over events.
    """

    order: np.ndarray
    x: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    event: np.ndarray
    weight: np.ndarray | None
    offset: np.ndarray | None
    leave: np.ndarray
    enter: np.ndarray | None
    by_enter: np.ndarray | None
    slot_time: np.ndarray
    slot_stratum: np.ndarray
    begins: np.ndarray
    n_event: np.ndarray
    event_weight: np.ndarray
    event_total: np.ndarray

    def __len__(self) -> int:
        return len(self.order)

    def over_life(self, total: np.ndarray) -> np.ndarray:
        """What running totals of the slots add up to over each row's time at risk."""
        return total[self.leave] if self.enter is None else total[self.leave] - total[self.enter]

    def unsorted(self, values: np.ndarray) -> np.ndarray:
        """Values of the sorted rows in the caller's order."""
        result = np.empty_like(values)
        result[self.order] = values
        return result

    def running(self, values: np.ndarray) -> np.ndarray:
        """Running totals of slot values within each stratum."""
        return running_total(np.ascontiguousarray(values.reshape(len(values), -1)), self.begins).reshape(
            values.shape
        )


def cox_rows(
    covariates: np.ndarray,
    time: np.ndarray,
    event: np.ndarray,
    *,
    entry: np.ndarray | None = None,
    stratum: np.ndarray | None = None,
    weight: np.ndarray | None = None,
    offset: np.ndarray | None = None,
) -> CoxRows:
    """Sort the rows by stratum and time, number the event times and standardise the covariates.

    Offsets are centred, so that only their differences matter, as in the likelihood.
    """
    order = sort_rows(time, stratum)
    mean, scale = centre_and_scale(covariates)
    sorted_time, sorted_event = time[order], event[order]
    sorted_stratum = np.empty(0, dtype=np.int64) if stratum is None else stratum[order].astype(np.int64)
    w = None if weight is None else weight[order]
    one = np.empty(0) if w is None else w
    x = np.take(covariates, order, axis=0, mode="clip")
    total = standardize(x, mean, scale, sorted_event, one)
    slot_time, slot_stratum, leave, n_event, event_weight = number_slots(
        sorted_time, sorted_event, sorted_stratum, one
    )
    enter = None if entry is None else entry_slots(entry[order], sorted_stratum, slot_time, slot_stratum)
    return CoxRows(
        order=order,
        x=x,
        mean=mean,
        scale=scale,
        event=sorted_event,
        weight=w,
        offset=None if offset is None else (offset - offset.mean())[order],
        leave=leave,
        enter=enter,
        by_enter=None if enter is None else np.argsort(enter, kind="stable"),
        slot_time=slot_time,
        slot_stratum=slot_stratum,
        begins=np.diff(slot_stratum, prepend=-1) != 0,
        n_event=n_event,
        event_weight=event_weight,
        event_total=total,
    )


def sort_rows(time: np.ndarray, stratum: np.ndarray | None) -> np.ndarray:
    """Positions of the rows by stratum, then time."""
    if time.max(initial=0) < RADIX and (time == (small := time.astype(np.uint16))).all():
        order = np.argsort(small, kind="stable")
    else:
        order = np.argsort(time)  # faster than a stable sort, whose order of ties is put back after it
        order_ties(order, time[order])
    if stratum is None:
        return order
    code = stratum[order]
    return order[np.argsort(code.astype(np.uint16) if code.max() < RADIX else code, kind="stable")]


def centre_and_scale(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means, and the inverse root mean squares of what is left (1 for a constant column).

    In one pass, about a point amid the values, so that a large mean takes no digits from the squares.
    """
    origin = x[:ORIGIN].mean(axis=0) if len(x) else np.zeros(x.shape[1])
    first, second = moments_about(x, origin)
    mean, size = origin + first, np.sqrt(np.maximum(second - first**2, 0.0))
    return mean, 1 / np.where(size > 1e-12 * np.abs(mean), size, 1.0)


@kernel
def order_ties(order, time):  # type: ignore[no-untyped-def]
    """Put the positions of equal (sorted) times in order, in place."""
    begin = 0
    for i in range(1, len(time) + 1):
        if i == len(time) or time[i] != time[begin]:
            if i - begin > 1:
                order[begin:i].sort()
            begin = i


@kernel
def moments_about(x, origin):  # type: ignore[no-untyped-def]
    """Column means of deviations from an origin, and of their squares."""
    first, second = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            away = x[i, j] - origin[j]
            first[j] += away
            second[j] += away * away
    return first / max(x.shape[0], 1), second / max(x.shape[0], 1)


@kernel
def standardize(x, mean, scale, event, weight):  # type: ignore[no-untyped-def]
    """Make x (x - mean) * scale, in place; its sum over events, weighted unless `weight` is empty."""
    total = np.zeros(x.shape[1])
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            x[i, j] = (x[i, j] - mean[j]) * scale[j]
        if event[i]:
            w = weight[i] if len(weight) else 1.0
            for j in range(x.shape[1]):
                total[j] += w * x[i, j]
    return total


@kernel
def number_slots(time, event, stratum, weight):  # type: ignore[no-untyped-def]
    """Time and stratum of each slot, the last slot each sorted row lives to see, events and their weights.

    `stratum` and `weight` are empty where there is one stratum, and where every weight is 1.
    """
    n = len(time)
    n_strata = 1 if len(stratum) == 0 else stratum[n - 1] + 1
    slot_time = np.empty(n + n_strata)
    slot_stratum = np.zeros(n + n_strata, dtype=np.int64)
    n_event = np.zeros(n + n_strata, dtype=np.int64)
    event_weight = np.zeros(n + n_strata)
    leave = np.empty(n, dtype=np.int64)
    slot, i = -1, 0
    while i < n:
        own = stratum[i] if len(stratum) else 0
        if i == 0 or (len(stratum) and own != stratum[i - 1]):
            slot += 1
            slot_time[slot], slot_stratum[slot] = -np.inf, own
        end, d, total = i, 0, 0.0
        while end < n and time[end] == time[i] and (len(stratum) == 0 or stratum[end] == own):
            if event[end]:
                d += 1
                total += weight[end] if len(weight) else 1.0
            end += 1
        if d > 0:
            slot += 1
            slot_time[slot], slot_stratum[slot] = time[i], own
            n_event[slot], event_weight[slot] = d, total
        leave[i:end] = slot
        i = end
    m = slot + 1
    return slot_time[:m].copy(), slot_stratum[:m].copy(), leave, n_event[:m].copy(), event_weight[:m].copy()


def entry_slots(
    entry: np.ndarray, stratum: np.ndarray, slot_time: np.ndarray, slot_stratum: np.ndarray
) -> np.ndarray:
    """The last slot of its stratum at or before each row's entry."""
    if not len(stratum):
        return np.searchsorted(slot_time, entry, side="right") - 1
    enter = np.empty(len(entry), dtype=np.int64)
    ends = np.flatnonzero(np.diff(stratum, append=-1) != 0) + 1
    begin = 0
    for end in ends:
        first, last = np.searchsorted(slot_stratum, (stratum[begin], stratum[begin] + 1))
        enter[begin:end] = first - 1 + np.searchsorted(slot_time[first:last], entry[begin:end], side="right")
        begin = int(end)
    return enter


@kernel
def running_total(values, begins):  # type: ignore[no-untyped-def]
    """Cumulative sums down the rows, anew at each beginning."""
    total = values.copy()
    for m in range(1, total.shape[0]):
        if not begins[m]:
            for j in range(total.shape[1]):
                total[m, j] += total[m - 1, j]
    return total
