"""The infinitesimal-jackknife variance of a cumulative incidence curve."""

from __future__ import annotations

import numpy as np

from .compiled import kernel
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
    H, so that six running sums (of c^2, cl, l^2, cR, lR and R^2) give the variance in one pass over the rows.
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
    """Sum over clusters of c^2 at every time; clusters are kept as c0, l0 and R.

    After as many changes as there are clusters the sums are taken anew, so that rounding cannot pile up.
    """
    c0, l0, risk = np.zeros(n_owner), np.zeros(n_owner), np.zeros(n_owner)
    cc = cl = ll = cr = lr = rr = 0.0
    F = D = H = largest = 0.0
    changes = 0
    variance = np.zeros(len(own))
    i = j = 0
    while j < len(by_enter) and enter[by_enter[j]] < 0:
        k = owner[by_enter[j]]
        rr += size[by_enter[j]] * (2 * risk[k] + size[by_enter[j]])
        risk[k] += size[by_enter[j]]
        j += 1
    for t in range(len(own)):
        f, a, b = before[t] * share[t], own[t] * share[t], reach[t] * total[t]
        # all clusters: c += f l - a R, then l += b R
        cc += f * f * ll + a * a * rr + 2 * (f * cl - a * cr - f * a * lr)
        cl += f * ll - a * lr + b * (cr + f * lr - a * rr)
        cr += f * lr - a * rr
        ll += b * (2 * lr + b * rr)
        lr += b * rr
        F, D, H = F + f, D + f * H - a, H + b
        while i < len(by_leave) and leave[by_leave[i]] == t:
            row = by_leave[i]
            k = owner[row]
            w, old_r = size[row], risk[k]
            old_c, old_l = c0[k] + l0[k] * F + old_r * D, l0[k] + old_r * H
            new_c = old_c + (w * own[t] if cause[row] == 1 else 0.0)
            new_l = old_l - (w * reach[t] if cause[row] > 0 else 0.0)
            new_r = old_r - w
            risk[k], l0[k] = new_r, new_l - new_r * H
            c0[k] = new_c - l0[k] * F - new_r * D
            cc += (new_c - old_c) * (new_c + old_c)
            cl += new_c * new_l - old_c * old_l
            ll += (new_l - old_l) * (new_l + old_l)
            cr += new_c * new_r - old_c * old_r
            lr += new_l * new_r - old_l * old_r
            rr += (new_r - old_r) * (new_r + old_r)
            i += 1
            changes += 1
        if changes >= n_owner:
            changes = 0
            cc = cl = ll = cr = lr = rr = 0.0
            for k in range(n_owner):
                c, l, n_k = c0[k] + l0[k] * F + risk[k] * D, l0[k] + risk[k] * H, risk[k]  # noqa: E741
                cc += c * c
                cl += c * l
                ll += l * l
                cr += c * n_k
                lr += l * n_k
                rr += n_k * n_k
        largest = max(largest, D * D * rr)
        variance[t] = cc if cc > ROUNDING * largest else 0.0
        while j < len(by_enter) and enter[by_enter[j]] == t:
            row = by_enter[j]
            k = owner[row]
            w, old_r = size[row], risk[k]
            c, l = c0[k] + l0[k] * F + old_r * D, l0[k] + old_r * H  # noqa: E741
            risk[k] += w  # an entry changes what is at risk, not the influence so far
            l0[k] -= w * H
            c0[k] = c - l0[k] * F - risk[k] * D
            cr += c * w
            lr += l * w
            rr += (risk[k] - old_r) * (risk[k] + old_r)
            j += 1
            changes += 1
    return variance
