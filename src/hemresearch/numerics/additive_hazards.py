"""Aalen's additive hazards: least-squares increments at the event times, and their robust covariance."""

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
# A robust variance this small beside the terms that cancel in it is rounding error, and is 0.
ROUNDING = 1e-13


@dataclass(frozen=True, slots=True, eq=False)
class Increments:
    """What each distinct event time adds, for the design (1, z) of those at risk, whose moments it holds.

    `step` is dB = (Z'WZ)^-1 Z'W dN, `spread` the sum over the events of w (dB of one event) (dB of one
    event)', `inverse` is (Z'WZ)^-1. Where that is singular (`full_rank` false) all three are 0.
    """

    time: np.ndarray
    n_risk: np.ndarray
    n_event: np.ndarray
    full_rank: np.ndarray
    step: np.ndarray
    spread: np.ndarray
    inverse: np.ndarray


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


def periods_at_risk(
    time: np.ndarray, event: np.ndarray, entry: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct event times, and each row's first and one past its last place among those it is at risk for.

    A row with an event has it at the last of them.
    """
    distinct = np.unique(time[event])
    leave = np.searchsorted(distinct, time, side="right")
    enter = np.zeros_like(leave) if entry is None else np.searchsorted(distinct, entry, side="right")
    return distinct, enter, leave


def increments(
    z: np.ndarray, time: np.ndarray, event: np.ndarray, entry: np.ndarray | None, weight: np.ndarray
) -> Increments:
    """The increments at every distinct event time, in O(n p^2 + events p^3).

    Moments of those at risk are kept about their own mean. Time runs backwards, so that without delayed
    entry rows are only ever put in and nothing can cancel.
    """
    distinct, enter, leave = periods_at_risk(time, event, entry)
    by_leave = np.argsort(-leave, kind="stable")
    by_enter = np.argsort(-enter, kind="stable") if entry is not None else np.zeros(0, dtype=np.intp)
    largest = np.abs(z).max(axis=0, initial=0.0)
    n_risk, full_rank, step, spread, inverse = _backwards(
        np.ascontiguousarray(z), weight, event, enter, leave, by_enter, by_leave, len(distinct), largest
    )
    n_event = np.bincount(leave[event] - 1, weight[event], len(distinct))
    return Increments(distinct, n_risk, n_event, full_rank, step, spread, inverse)


def robust_covariance(
    gain: np.ndarray,
    step: np.ndarray,
    z: np.ndarray,
    event: np.ndarray,
    enter: np.ndarray,
    leave: np.ndarray,
    weight: np.ndarray,
    owner: np.ndarray,
    *,
    last_only: bool = False,
) -> np.ndarray:
    """Sum over owners (rows or clusters) of D D' after each event time, or after the last alone.

    Row i moves the estimate by D_i = the sum over times s of w_i G(s) x_i (dN_i(s) - Y_i(s) x_i'dB(s)), with
    x = (1, z), `gain` G (times x rows x columns) and `step` dB. What it loses while at risk is linear in the
    products of its x, so that running sums over owners give the covariance in one pass over the rows.
    """
    n_time = len(step)
    slot = np.zeros(n_time, dtype=np.intp) if last_only else np.arange(n_time)
    happens = event & (leave <= n_time)
    until = np.minimum(leave, n_time)
    X = np.column_stack([np.ones(len(z)), z])
    return _running_sums(
        X, weight, happens, enter, until, np.argsort(enter, kind="stable"), np.argsort(until, kind="stable"),
        owner, int(owner.max()) + 1, np.ascontiguousarray(gain), step, slot,
    )  # fmt: skip


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
    if before <= 0:
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
        inverse[k, 0, 0] = 1.0 / total
        for a in range(p):
            for b in range(p):
                inverse[k, a + 1, b + 1] = A[a, b]
                inverse[k, a + 1, 0] -= A[a, b] * mean[b]
            inverse[k, 0, 0] -= inverse[k, a + 1, 0] * mean[a]
            inverse[k, 0, a + 1] = inverse[k, a + 1, 0]
        for at in range(first, i):
            row = by_leave[at]
            if not event[row] or leave[row] <= enter[row]:
                continue
            c[0] = 1.0 / total
            for a in range(p):
                c[a + 1] = 0.0
                for b in range(p):
                    c[a + 1] += A[a, b] * (z[row, b] - mean[b])
                c[0] -= c[a + 1] * mean[a]
            for a in range(p + 1):
                step[k, a] += weight[row] * c[a]
                for b in range(p + 1):
                    spread[k, a, b] += weight[row] * c[a] * c[b]
    return n_risk, full_rank, step, spread, inverse


@kernel
def _change(k, fixed, risk, moved, more_fixed, more_risk, cc, cr, rr, size):  # type: ignore[no-untyped-def]
    """Give an owner another fixed part and other rows at risk, and bring the running sums up to date."""
    m, q = moved.shape
    old_c, new_c = np.zeros(m), np.zeros(m)
    for a in range(m):
        old_c[a] = fixed[k, a] - np.dot(risk[k], moved[a])
        fixed[k, a] += more_fixed[a]
    old_r = risk[k].copy()
    risk[k] += more_risk
    new_r = risk[k]
    for a in range(m):
        new_c[a] = fixed[k, a] - np.dot(new_r, moved[a])
        for u in range(q):
            cr[a, u] += new_c[a] * new_r[u] - old_c[a] * old_r[u]
    for a in range(m):
        size[a] += abs(new_c[a] ** 2 - old_c[a] ** 2)
        for b in range(m):
            cc[a, b] += new_c[a] * new_c[b] - old_c[a] * old_c[b]
    for u in range(q):
        for v in range(q):
            rr[u, v] += new_r[u] * new_r[v] - old_r[u] * old_r[v]


@kernel
def _owners_anew(fixed, risk, moved, cc, cr, rr):  # type: ignore[no-untyped-def]
    """The running sums over all owners, from nothing."""
    cc[:, :] = 0.0
    cr[:, :] = 0.0
    rr[:, :] = 0.0
    m, q = moved.shape
    c = np.zeros(m)
    for k in range(len(fixed)):
        for a in range(m):
            c[a] = fixed[k, a] - np.dot(risk[k], moved[a])
        for a in range(m):
            for b in range(m):
                cc[a, b] += c[a] * c[b]
            for u in range(q):
                cr[a, u] += c[a] * risk[k, u]
        for u in range(q):
            if risk[k, u] != 0.0:
                for v in range(q):
                    rr[u, v] += risk[k, u] * risk[k, v]


@kernel
def _products(x, w, out):  # type: ignore[no-untyped-def]
    """The products w x_a x_b, a <= b."""
    u = 0
    for a in range(len(x)):
        for b in range(a, len(x)):
            out[u] = w * x[a] * x[b]
            u += 1


@kernel
def _running_sums(X, weight, happens, enter, leave, by_enter, by_leave, owner, n_owner, gain, step, slot):  # type: ignore[no-untyped-def]
    """Sum over owners of c c' at every time; c = fixed - moved risk, kept up to date by its changes.

    `risk` holds the products of an owner's rows at risk and `moved` what one unit of each has lost so far.
    After as many changes as there are owners the sums are taken anew, so that rounding cannot pile up.
    """
    n, p = X.shape
    m = gain.shape[1]
    q = p * (p + 1) // 2
    fixed, risk = np.zeros((n_owner, m)), np.zeros((n_owner, q))
    moved, drift, size = np.zeros((m, q)), np.zeros((m, q)), np.zeros(m)
    cc, cr, rr = np.zeros((m, m)), np.zeros((m, q)), np.zeros((q, q))
    product, more = np.zeros(q), np.zeros(m)
    out = np.zeros((slot.max() + 1, m, m))
    changes = i = j = 0
    for k in range(len(step)):
        while j < n and enter[by_enter[j]] <= k:
            row = by_enter[j]
            j += 1
            if leave[row] > enter[row]:
                _products(X[row], weight[row], product)
                for a in range(m):
                    more[a] = np.dot(product, moved[a])
                _change(owner[row], fixed, risk, moved, more, product, cc, cr, rr, size)
                changes += 1
        for a in range(m):
            u = 0
            for b in range(p):
                for c in range(b, p):
                    both = gain[k, a, b] * step[k, c] + gain[k, a, c] * step[k, b]
                    drift[a, u] = both if b < c else 0.5 * both
                    u += 1
        lost = np.dot(drift, rr)
        for a in range(m):
            for b in range(m):
                across = np.dot(lost[a], drift[b])
                turn = np.dot(drift[a], cr[b]) + np.dot(drift[b], cr[a])
                cc[a, b] += across - turn
                if a == b:
                    size[a] += across + abs(turn)
        cr -= lost
        moved += drift
        while i < n and leave[by_leave[i]] <= k + 1:
            row = by_leave[i]
            i += 1
            if leave[row] > enter[row]:
                _products(X[row], weight[row], product)
                for a in range(m):
                    more[a] = -np.dot(product, moved[a])
                    if happens[row]:
                        more[a] += weight[row] * np.dot(gain[k, a], X[row])
                _change(owner[row], fixed, risk, moved, more, -product, cc, cr, rr, size)
                changes += 1
        if changes >= n_owner:
            changes = 0
            _owners_anew(fixed, risk, moved, cc, cr, rr)
        for a in range(m):
            for b in range(m):
                known = cc[a, a] > ROUNDING * size[a] and cc[b, b] > ROUNDING * size[b]
                out[slot[k], a, b] = cc[a, b] if known else 0.0
    return out
