"""Aalen's additive hazards: least-squares increments at the event times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .compiled import kernel

# Of a covariate's variance among those at risk, what the others leave unexplained (1 - R squared).
SINGULAR = 1e-10
# A spread this small beside the covariate's largest distance from its mean is none.
CONSTANT = 1e-13
# Sums that lost this much of their size, or a pivot this small, after rows were taken out are taken anew.
CANCELLED = 1e-4
NEARLY_SINGULAR = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Increments:
    """What each distinct event time adds, for the design (1, z) of those at risk, whose moments it holds.

    `step` is dB = (Z'WZ)^-1 Z'W dN, `spread` the sum over the events of w (dB of one event) (dB of one
    event)', `inverse` is (Z'WZ)^-1. Where that is singular (`full_rank` false) all three are 0. Row i is at
    risk at the times with places enter[i] <= k < leave[i], and has its event, if any, at the last of them.
    """

    time: np.ndarray
    n_risk: np.ndarray
    n_event: np.ndarray
    full_rank: np.ndarray
    step: np.ndarray
    spread: np.ndarray
    inverse: np.ndarray
    enter: np.ndarray
    leave: np.ndarray


def standardised(X: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Covariates with mean 0 and variance 1, (X - centre) / scale; centre; scale (1 where X is constant)."""
    first = X[:1]  # differences of like numbers are exact, which sums of numbers with an offset are not
    shift = np.average(X - first, axis=0, weights=weight)
    z = (X - first) - shift
    largest = np.abs(z).max(axis=0)
    largest = np.where(largest > 0, largest, 1.0)
    z /= largest
    spread = np.sqrt(np.average(z**2, axis=0, weights=weight))
    spread = np.where(spread > 0, spread, 1.0)
    return z / spread, first[0] + shift, largest * spread


def increments(
    z: np.ndarray, time: np.ndarray, event: np.ndarray, entry: np.ndarray | None, weight: np.ndarray
) -> Increments:
    """The increments at every distinct event time, in O(n p^2 + events p^3).

    Moments of those at risk are kept about their own mean. Time runs backwards, so that without delayed
    entry rows are only ever put in and nothing can cancel.
    """
    distinct = np.unique(time[event])
    leave = np.searchsorted(distinct, time, side="right")
    enter = np.zeros_like(leave) if entry is None else np.searchsorted(distinct, entry, side="right")
    by_leave = np.argsort(-leave, kind="stable")
    by_enter = np.argsort(-enter, kind="stable") if entry is not None else np.zeros(0, dtype=np.intp)
    largest = np.abs(z).max(axis=0, initial=0.0)
    n_risk, full_rank, step, spread, inverse = _backwards(
        np.ascontiguousarray(z), weight, event, enter, leave, by_enter, by_leave, len(distinct), largest
    )
    n_event = np.bincount(leave[event] - 1, weight[event], len(distinct))
    return Increments(distinct, n_risk, n_event, full_rank, step, spread, inverse, enter, leave)


@kernel
def _add(z, w, total, mean, M):  # type: ignore[no-untyped-def]
    """Put one row into the total weight, the mean and the cross-products about it."""
    p = len(mean)
    after = total + w
    d = z - mean
    for a in range(p):
        mean[a] += d[a] * (w / after)
        for b in range(p):
            M[a, b] += (w * (total / after)) * (d[a] * d[b])
    return after


@kernel
def _remove(z, w, total, mean, M):  # type: ignore[no-untyped-def]
    """Take one row out of them."""
    p = len(mean)
    before = total - w
    if before <= 0:  # those left weigh less than the rounding of those who go: they are summed anew
        mean[:] = 0.0
        M[:, :] = 0.0
        return 0.0
    d = z - mean
    for a in range(p):
        mean[a] -= d[a] * (w / before)
        for b in range(p):
            M[a, b] -= (w * (total / before)) * (d[a] * d[b])
    return before


@kernel
def _sum_anew(z, weight, active, n_active, mean, M):  # type: ignore[no-untyped-def]
    """The same sums over the rows at risk, from nothing."""
    mean[:] = 0.0
    M[:, :] = 0.0
    total = 0.0
    for i in range(n_active):
        total = _add(z[active[i]], weight[active[i]], total, mean, M)
    return total


@kernel
def _invert(M, total, largest, A):  # type: ignore[no-untyped-def]
    """M^-1 into A by Cholesky's factors of its correlations; returns the smallest pivot, 1 - R squared."""
    p = len(largest)
    for a in range(p):
        if not M[a, a] > total * (CONSTANT * largest[a]) ** 2:
            return 0.0
    root = np.sqrt(np.diag(M))
    L = np.zeros((p, p))
    smallest = 1.0
    for a in range(p):
        for b in range(a + 1):
            s = M[a, b] / root[a] / root[b]
            for c in range(b):
                s -= L[a, c] * L[b, c]
            if a > b:
                L[a, b] = s / L[b, b]
            else:
                smallest = min(smallest, s)
                if s <= SINGULAR:
                    return smallest
                L[a, a] = np.sqrt(s)
    K = np.zeros((p, p))  # L^-1
    for b in range(p):
        K[b, b] = 1.0 / L[b, b]
        for a in range(b + 1, p):
            s = 0.0
            for c in range(b, a):
                s -= L[a, c] * K[c, b]
            K[a, b] = s / L[a, a]
    for a in range(p):
        for b in range(p):
            s = 0.0
            for c in range(max(a, b), p):
                s += K[c, a] * K[c, b]
            A[a, b] = s / root[a] / root[b]
    return smallest


@kernel
def _whole_inverse(A, mean, total, out):  # type: ignore[no-untyped-def]
    """(Z'WZ)^-1 for Z = (1, z), from that of the cross-products about the mean."""
    p = len(mean)
    out[0, 0] = 1.0 / total
    for a in range(p):
        for b in range(p):
            out[a + 1, b + 1] = A[a, b]
            out[a + 1, 0] -= A[a, b] * mean[b]
        out[0, 0] -= out[a + 1, 0] * mean[a]
        out[0, a + 1] = out[a + 1, 0]


@kernel
def _add_event(z, w, A, mean, total, c, step, spread):  # type: ignore[no-untyped-def]
    """Add the increment c of one event to its time."""
    p = len(mean)
    c[0] = 1.0 / total
    for a in range(p):
        c[a + 1] = 0.0
        for b in range(p):
            c[a + 1] += A[a, b] * (z[b] - mean[b])
        c[0] -= c[a + 1] * mean[a]
    for a in range(p + 1):
        step[a] += w * c[a]
        for b in range(p + 1):
            spread[a, b] += w * c[a] * c[b]


@kernel
def _backwards(z, weight, event, enter, leave, by_enter, by_leave, n_time, largest):  # type: ignore[no-untyped-def]
    """Those at risk, rank, step, spread and inverse at each event time, from the last to the first."""
    n, p = z.shape
    n_risk = np.zeros(n_time)
    full_rank = np.zeros(n_time, dtype=np.bool_)
    step = np.zeros((n_time, p + 1))
    spread = np.zeros((n_time, p + 1, p + 1))
    inverse = np.zeros((n_time, p + 1, p + 1))
    active = np.zeros(n, dtype=np.int64)
    where = np.zeros(n, dtype=np.int64)
    mean, M, A = np.zeros(p), np.zeros((p, p)), np.zeros((p, p))
    most = np.zeros(p)
    c = np.zeros(p + 1)
    total = most_total = 0.0
    n_active = i = j = removed = 0
    for k in range(n_time - 1, -1, -1):
        first = i
        while i < n and leave[by_leave[i]] > k:
            row = by_leave[i]
            i += 1
            if leave[row] <= enter[row]:
                continue
            total = _add(z[row], weight[row], total, mean, M)
            active[n_active] = row
            where[row] = n_active
            n_active += 1
        while j < len(by_enter) and enter[by_enter[j]] > k:
            row = by_enter[j]
            j += 1
            if leave[row] <= enter[row]:
                continue
            total = _remove(z[row], weight[row], total, mean, M)
            n_active -= 1
            active[where[row]] = active[n_active]
            where[active[n_active]] = where[row]
            removed += 1
        most_total = max(most_total, total)
        threatened = removed >= max(n_active, 1) or (removed > 0 and total < CANCELLED * most_total)
        for a in range(p):
            most[a] = max(most[a], M[a, a])
            threatened = threatened or (removed > 0 and M[a, a] < CANCELLED * most[a])
        if threatened:
            total = _sum_anew(z, weight, active, n_active, mean, M)
            removed, most_total = 0, total
            most[:] = np.diag(M)
        pivot = _invert(M, total, largest, A)
        if removed > 0 and pivot < NEARLY_SINGULAR:
            total = _sum_anew(z, weight, active, n_active, mean, M)
            removed, most_total = 0, total
            most[:] = np.diag(M)
            pivot = _invert(M, total, largest, A)
        n_risk[k] = total
        full_rank[k] = pivot > SINGULAR
        if not full_rank[k]:
            continue
        _whole_inverse(A, mean, total, inverse[k])
        for at in range(first, i):
            row = by_leave[at]
            if event[row] and leave[row] > enter[row]:
                _add_event(z[row], weight[row], A, mean, total, c, step[k], spread[k])
    return n_risk, full_rank, step, spread, inverse
