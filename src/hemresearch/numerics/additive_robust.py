"""Robust covariance of the additive hazards model: the influences of rows or clusters, squared and summed."""

from __future__ import annotations

from typing import Any

import numpy as np

from .additive_hazards import Increments
from .compiled import kernel

# A robust variance this small beside the terms that cancel in it is rounding error, and is 0.
ROUNDING = 1e-13


def robust_covariance(
    r: Increments, n_time: int, z: np.ndarray, event: np.ndarray, weight: np.ndarray, owner: np.ndarray
) -> np.ndarray:
    """Sum over owners (rows or clusters) of D D' after each of the first `n_time` event times.

    Row i moves the estimate by D_i = the sum over times s of w_i G(s) x_i (dN_i(s) - Y_i(s) x_i'dB(s)), with
    x = (1, z) and G = (X'WX)^-1. What it loses while at risk is linear in the products of its x, so that
    running sums over owners give the covariance in one pass over the rows, at p^4 for each.
    """
    return _running_sums(*_arranged(r.inverse[:n_time], r, n_time, z, event, weight, owner))


def robust_influence(
    gain: np.ndarray,
    r: Increments,
    n_time: int,
    z: np.ndarray,
    event: np.ndarray,
    weight: np.ndarray,
    owner: np.ndarray,
) -> np.ndarray:
    """The same D of each owner after the last time, for any `gain` G (times x rows x columns)."""
    return _influences(*_arranged(np.ascontiguousarray(gain), r, n_time, z, event, weight, owner))


def _arranged(
    gain: np.ndarray,
    r: Increments,
    n_time: int,
    z: np.ndarray,
    event: np.ndarray,
    weight: np.ndarray,
    owner: np.ndarray,
) -> tuple[Any, ...]:
    """What the kernels read: rows and their order by entry and by exit, cut after the last time; G and dB."""
    X = np.column_stack([np.ones(len(z)), z])
    happens = event & (r.leave <= n_time)
    leave = np.minimum(r.leave, n_time)
    by_enter, by_leave = (np.argsort(at, kind="stable") for at in (r.enter, leave))
    n_owner = int(owner.max()) + 1
    return X, weight, happens, r.enter, leave, by_enter, by_leave, owner, n_owner, gain, r.step[:n_time]


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
def _losses(gain, step, out):  # type: ignore[no-untyped-def]
    """What one unit of each product of x loses at a time: G x x'dB is linear in them."""
    for a in range(len(gain)):
        u = 0
        for b in range(len(step)):
            for c in range(b, len(step)):
                both = gain[a, b] * step[c] + gain[a, c] * step[b]
                out[a, u] = both if b < c else 0.5 * both
                u += 1


@kernel
def _running_sums(X, weight, happens, enter, leave, by_enter, by_leave, owner, n_owner, gain, step):  # type: ignore[no-untyped-def]
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
    out = np.zeros((len(step), m, m))
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
        _losses(gain[k], step[k], drift)
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
                out[k, a, b] = cc[a, b] if known else 0.0
    return out


@kernel
def _influences(X, weight, happens, enter, leave, by_enter, by_leave, owner, n_owner, gain, step):  # type: ignore[no-untyped-def]
    """Each owner's influence after the last time: its events, less what its rows lost while at risk."""
    n, p = X.shape
    m = gain.shape[1]
    q = p * (p + 1) // 2
    moved, drift, product = np.zeros((m, q)), np.zeros((m, q)), np.zeros(q)
    out = np.zeros((n_owner, m))
    i = j = 0
    for k in range(len(step)):
        while j < n and enter[by_enter[j]] <= k:
            row = by_enter[j]
            j += 1
            if leave[row] > enter[row]:
                _products(X[row], weight[row], product)
                for a in range(m):
                    out[owner[row], a] += np.dot(product, moved[a])
        _losses(gain[k], step[k], drift)
        moved += drift
        while i < n and leave[by_leave[i]] <= k + 1:
            row = by_leave[i]
            i += 1
            if leave[row] > enter[row]:
                _products(X[row], weight[row], product)
                for a in range(m):
                    out[owner[row], a] -= np.dot(product, moved[a])
                    if happens[row]:
                        out[owner[row], a] += weight[row] * np.dot(gain[k, a], X[row])
    return out
