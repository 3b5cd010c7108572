"""The infinitesimal-jackknife variance of a cumulative incidence curve."""

from __future__ import annotations

import numpy as np

from .compiled import inlined, kernel
from .risk_sets import RiskSets, place
from .robust_curve import ROUNDING


def robust_incidence_variance(
    r: RiskSets,
    n_cause: np.ndarray,
    before: np.ndarray,
    time: np.ndarray,
    cause: np.ndarray,
    entry: np.ndarray | None,
    weight: np.ndarray | None,
    cluster: np.ndarray | None,
) -> np.ndarray:
    """Variance of F(t) at each time of `r`, summed over clusters.

    `cause` is 0 for a row that is censored, 1 for an event of the cause, 2 for any other. With F moving by f
    at s, a cluster with weight R at risk, whose rows move F by c and log S by l, has afterwards

        c + f l + S(s-)/n (its own events of the cause - R h_k)  and  l - (its own events - R h) / (n - d).

    Between its own events all clusters move alike, c = c0 + l0 F + R D and l = l0 + R H with running F, D and
    H (`now`): six running sums (of c^2, cl, l^2, cR, lR and R^2) give the variance in one pass over the rows.
    """
    n = len(time)
    leave = place(time, r.time)
    enter = np.full(n, -1) if entry is None else np.searchsorted(r.time, entry, side="right") - 1
    size = np.ones(n) if weight is None else weight
    owner = np.arange(n) if cluster is None else cluster
    left = r.n_risk - r.n_event
    ended = (left <= ROUNDING * r.n_risk) | (before <= 0)
    reach = np.where((r.n_event > 0) & ~ended, 1 / np.where(ended, 1.0, left), 0.0)
    return _running_sums(
        np.argsort(leave, kind="stable"), np.argsort(enter, kind="stable"), leave, enter, cause, size, owner,
        int(owner.max()) + 1, before / r.n_risk, reach, n_cause / r.n_risk, r.n_event / r.n_risk, before,
    )  # fmt: skip


@kernel
def _running_sums(  # type: ignore[no-untyped-def]
    by_leave, by_enter, leave, enter, cause, size, owner, n_owner, own, reach, share, total, before
):
    """Sum over clusters of c^2 at every time; a cluster is kept as c0, l0 and R.

    After as many changes as there are clusters the sums are taken anew, so that rounding cannot pile up.
    """
    clusters, sums, now = np.zeros((n_owner, 3)), np.zeros(6), np.zeros(3)
    variance = np.zeros(len(own))
    largest, i, j, changes = 0.0, 0, 0, 0
    while j < len(by_enter) and enter[by_enter[j]] < 0:
        _change(clusters[owner[by_enter[j]]], sums, now, 0.0, 0.0, size[by_enter[j]])
        j += 1
    for t in range(len(own)):
        _move(sums, now, before[t] * share[t], own[t] * share[t], reach[t] * total[t])
        while i < len(by_leave) and leave[by_leave[i]] == t:
            row = by_leave[i]
            w = size[row]
            c = w * own[t] if cause[row] == 1 else 0.0
            _change(clusters[owner[row]], sums, now, c, -w * reach[t] if cause[row] > 0 else 0.0, -w)
            i += 1
            changes += 1
        if changes >= n_owner:
            changes = 0
            _take_anew(clusters, sums, now)
        largest = max(largest, now[1] * now[1] * sums[5])
        variance[t] = sums[0] if sums[0] > ROUNDING * largest else 0.0
        while j < len(by_enter) and enter[by_enter[j]] == t:
            # an entry changes what is at risk, not the influence so far
            _change(clusters[owner[by_enter[j]]], sums, now, 0.0, 0.0, size[by_enter[j]])
            j += 1
            changes += 1
    return variance


@inlined
def _move(sums, now, f, a, b):  # type: ignore[no-untyped-def]
    """All clusters: c += f l - a R, then l += b R; the sums are of c^2, cl, l^2, cR, lR and R^2."""
    cl, ll, cr, lr, rr = sums[1], sums[2], sums[3], sums[4], sums[5]
    sums[0] += f * f * ll + a * a * rr + 2 * (f * cl - a * cr - f * a * lr)
    sums[1] += f * ll - a * lr + b * (cr + f * lr - a * rr)
    sums[2] += b * (2 * lr + b * rr)
    sums[3] += f * lr - a * rr
    sums[4] += b * rr
    now[1] += f * now[2] - a
    now[0] += f
    now[2] += b


@inlined
def _change(one, sums, now, more_c, more_l, more_r):  # type: ignore[no-untyped-def]
    """One cluster: its c, l and R by what its own rows bring."""
    old_r = one[2]
    old_c, old_l = one[0] + one[1] * now[0] + old_r * now[1], one[1] + old_r * now[2]
    c, l, r = old_c + more_c, old_l + more_l, old_r + more_r  # noqa: E741
    one[2] = r
    one[1] = l - r * now[2]
    one[0] = c - one[1] * now[0] - r * now[1]
    sums[0] += more_c * (c + old_c)
    sums[1] += c * l - old_c * old_l
    sums[2] += more_l * (l + old_l)
    sums[3] += c * r - old_c * old_r
    sums[4] += l * r - old_l * old_r
    sums[5] += more_r * (r + old_r)


@inlined
def _take_anew(clusters, sums, now):  # type: ignore[no-untyped-def]
    """The sums from the clusters as they are now."""
    sums[:] = 0.0
    for k in range(len(clusters)):
        r = clusters[k, 2]
        c, l = clusters[k, 0] + clusters[k, 1] * now[0] + r * now[1], clusters[k, 1] + r * now[2]  # noqa: E741
        sums[0] += c * c
        sums[1] += c * l
        sums[2] += l * l
        sums[3] += c * r
        sums[4] += l * r
        sums[5] += r * r
