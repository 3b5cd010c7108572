"""The infinitesimal-jackknife variance of a survival or cumulative hazard curve."""

from __future__ import annotations

import numpy as np

from .compiled import kernel
from .risk_sets import RiskSets, place

# A sum of squares this small beside the terms that cancel in it is rounding error, and is 0.
ROUNDING = 1e-13


def robust_variance(
    r: RiskSets,
    influence: tuple[np.ndarray, np.ndarray],
    time: np.ndarray,
    event: np.ndarray,
    entry: np.ndarray | None,
    weight: np.ndarray | None,
    cluster: np.ndarray | None,
) -> np.ndarray:
    """Variance of log S(t) (or of the cumulative hazard) at each time of `r`, summed over clusters.

    `influence` holds, at each time, the jump of a row that has its event then and the drift of every row at
    risk: row i moves the curve by the sum over times s <= t of (jump(s) dN_i(s) - drift(s) Y_i(s)). A
    cluster's influence c is the weighted sum over its rows; with R the weight it has at risk, all c move by
    -R drift(t) at t, so three running sums (of c^2, cR and R^2) give the variance in one pass over the rows.
    """
    jump, drift = influence
    return influence_variance(
        r, np.where(event, jump[place(time, r.time)], 0.0), drift, time, entry, weight, cluster
    )


def influence_variance(
    r: RiskSets,
    jumped: np.ndarray,
    drift: np.ndarray,
    time: np.ndarray,
    entry: np.ndarray | None,
    weight: np.ndarray | None,
    cluster: np.ndarray | None,
) -> np.ndarray:
    """The same where each row's own jump at its end is given, `jumped`, whatever happened there."""
    n = len(time)
    leave = place(time, r.time)
    enter = np.full(n, -1) if entry is None else np.searchsorted(r.time, entry, side="right") - 1
    size = np.ones(n) if weight is None else weight
    owner = np.arange(n) if cluster is None else cluster
    return _running_sums(
        np.argsort(leave, kind="stable"), np.argsort(enter, kind="stable"), leave, enter, jumped, size, owner,
        int(owner.max()) + 1, drift,
    )  # fmt: skip


@kernel
def _running_sums(by_leave, by_enter, leave, enter, jumped, size, owner, n_owner, drift):  # type: ignore[no-untyped-def]
    """Sum over clusters of c^2 at every time; c = fixed - risk * moved, kept up to date by its changes.

    After as many changes as there are clusters the sums are taken anew, so that rounding cannot pile up;
    that doubles the work and no more.
    """
    fixed = np.zeros(n_owner)
    risk = np.zeros(n_owner)
    cc = cr = rr = moved = largest = 0.0
    changes = 0
    variance = np.zeros(len(drift))
    i = j = 0
    while j < len(by_enter) and enter[by_enter[j]] < 0:
        k = owner[by_enter[j]]
        rr += size[by_enter[j]] * (2 * risk[k] + size[by_enter[j]])
        risk[k] += size[by_enter[j]]
        j += 1
    for t in range(len(drift)):
        step = drift[t]
        moved += step
        cc += step * (step * rr - 2 * cr)
        cr -= step * rr
        while i < len(by_leave) and leave[by_leave[i]] == t:
            row = by_leave[i]
            k = owner[row]
            old_c, old_r = fixed[k] - risk[k] * moved, risk[k]
            fixed[k] += size[row] * (jumped[row] - moved)
            risk[k] -= size[row]
            new_c = fixed[k] - risk[k] * moved
            cc += (new_c - old_c) * (new_c + old_c)
            cr += new_c * risk[k] - old_c * old_r
            rr += (risk[k] - old_r) * (risk[k] + old_r)
            i += 1
            changes += 1
        if changes >= n_owner:
            changes = 0
            cc = cr = rr = 0.0
            for k in range(n_owner):
                c = fixed[k] - risk[k] * moved
                cc += c * c
                cr += c * risk[k]
                rr += risk[k] * risk[k]
        largest = max(largest, moved * moved * rr)
        variance[t] = cc if cc > ROUNDING * largest else 0.0
        while j < len(by_enter) and enter[by_enter[j]] == t:
            row = by_enter[j]
            k = owner[row]
            old_r = risk[k]
            c = fixed[k] - old_r * moved  # an entry changes what is at risk, not the influence so far
            fixed[k] += size[row] * moved
            risk[k] += size[row]
            cr += c * size[row]
            rr += (risk[k] - old_r) * (risk[k] + old_r)
            j += 1
            changes += 1
    return variance
