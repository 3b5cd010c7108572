"""The infinitesimal-jackknife variance of a survival or cumulative hazard curve."""

from __future__ import annotations

import numpy as np

from .compiled import kernel
from .risk_sets import RiskSets, place


def robust_variance(
    r: RiskSets,
    time: np.ndarray,
    event: np.ndarray,
    entry: np.ndarray | None,
    weight: np.ndarray | None,
    cluster: np.ndarray | None,
    *,
    hazard: bool = False,
) -> np.ndarray:
    """Variance of log S(t) (or of the cumulative hazard) at each time of `r`, summed over clusters.

    Observation i moves log S(t) by minus the sum over event times s <= t of
    (dN_i(s) - Y_i(s) d(s)/n(s)) / (n(s) - d(s)), or / n(s) for the hazard. A cluster's influence is
    B - R A(t): A(t) sums d/(n(n-d)), R is the weight it has at risk, and B changes only when one of its
    members enters or leaves. So three running sums give the variance in one pass over the rows.
    """
    n = len(time)
    with np.errstate(divide="ignore", invalid="ignore"):
        left = r.n_risk if hazard else r.n_risk - r.n_event
        # a step to S = 0 has no finite influence on log S: the variance is undefined from there on
        reach = np.where((r.n_event > 0) & (left > 0), 1 / left, 0.0)
        drift = np.cumsum(np.where(r.n_event > 0, r.n_event / r.n_risk * reach, 0.0))
    leave = place(time, r.time)
    enter = np.full(n, -1) if entry is None else np.searchsorted(r.time, entry, side="right") - 1
    size = np.ones(n) if weight is None else weight
    owner = np.arange(n) if cluster is None else cluster
    variance = _running_sums(
        np.argsort(leave, kind="stable"), np.argsort(enter, kind="stable"), leave, enter, event, size, owner,
        int(owner.max()) + 1, drift, reach,
    )  # fmt: skip
    if not hazard:
        variance[np.maximum.accumulate((r.n_event > 0) & (left <= 0))] = np.inf
    return variance


@kernel
def _running_sums(by_leave, by_enter, leave, enter, event, size, owner, n_owner, drift, reach):  # type: ignore[no-untyped-def]
    """Sum over clusters of (B - R A)^2 at every time, A being `drift`."""
    fixed = np.zeros(n_owner)  # B of each cluster
    risk = np.zeros(n_owner)  # R of each cluster
    bb = br = rr = 0.0
    variance = np.zeros(len(drift))
    i = j = 0
    while j < len(by_enter) and enter[by_enter[j]] < 0:
        k = owner[by_enter[j]]
        rr += size[by_enter[j]] * (2 * risk[k] + size[by_enter[j]])
        risk[k] += size[by_enter[j]]
        j += 1
    for t in range(len(drift)):
        a = drift[t]
        while i < len(by_leave) and leave[by_leave[i]] == t:
            row = by_leave[i]
            k = owner[row]
            old_b, old_r = fixed[k], risk[k]
            fixed[k] += size[row] * ((reach[t] if event[row] else 0.0) - a)
            risk[k] -= size[row]
            bb += fixed[k] ** 2 - old_b**2
            br += fixed[k] * risk[k] - old_b * old_r
            rr += risk[k] ** 2 - old_r**2
            i += 1
        variance[t] = max(bb - 2 * a * br + a * a * rr, 0.0)
        while j < len(by_enter) and enter[by_enter[j]] == t:
            row = by_enter[j]
            k = owner[row]
            old_b, old_r = fixed[k], risk[k]
            fixed[k] += size[row] * a
            risk[k] += size[row]
            bb += fixed[k] ** 2 - old_b**2
            br += fixed[k] * risk[k] - old_b * old_r
            rr += risk[k] ** 2 - old_r**2
            j += 1
    return variance
