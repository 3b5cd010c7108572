"""Gray's test: scores of groups in the hazard of the subdistribution of one cause, and their covariance.

In group r, with Y_r at risk, S_r(t-) the Kaplan-Meier estimate of no event at all and F_r(t-) the cumulative
incidence, R_r = Y_r (1 - F_r) / S_r is the size of the risk set of the subdistribution: those who had another
event stay in it, as far as they would not have been censored. Under equal incidence F of the cause, d of the
events of a time are expected to be d R_r / sum R in group r; with the weight W = (1 - F(t-))^rho

    U_r = sum over times of W (d_r - d R_r / sum R).

The covariance is that of Gray's section 2, in which F and the S_r are replaced by their estimates, F by the
sum of d / sum of (Y_r / S_r); tied events count as the finite-population factors of R's cmprsk have it.

Reference: Gray RJ. Ann Stat 1988;16:1141-1154.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .compiled import inlined, kernel
from .logrank import EventTable, event_table


@dataclass(frozen=True, slots=True, eq=False)
class GrayScores:
    """Per group: events of the cause, those expected, the weighted difference; and its covariance."""

    observed: np.ndarray
    expected: np.ndarray
    score: np.ndarray
    covariance: np.ndarray


def cause_table(
    time: np.ndarray,
    of_cause: np.ndarray,
    other: np.ndarray,
    group: np.ndarray,
    n_group: int,
    *,
    stratum: np.ndarray | None = None,
    weight: np.ndarray | None = None,
) -> EventTable:
    """Counts at the times of any event; row 2 r of those in group r without the cause, 2 r + 1 with it."""
    return event_table(
        time, of_cause | other, 2 * group + of_cause, 2 * n_group, stratum=stratum, weight=weight
    )


def gray_scores(table: EventTable, rho: float) -> GrayScores:
    """The scores of a `cause_table`, added up over its strata, each with incidences of its own."""
    n_risk = table.n_risk[0::2] + table.n_risk[1::2]
    begins = np.append(True, table.stratum[1:] != table.stratum[:-1])[: len(table.stratum)]
    parts = stratified_scores(n_risk, table.n_event[1::2], table.n_event[0::2], begins, rho)
    expected, score, covariance = parts
    return GrayScores(table.n_event[1::2].sum(axis=1), expected, score, covariance)


@kernel
def stratified_scores(n_risk, n_cause, n_other, begins, rho):  # type: ignore[no-untyped-def]
    """Expected events, scores and their covariance, summed over the strata that begin at some times."""
    n_group, n_time = n_risk.shape
    expected, score = np.zeros(n_group), np.zeros(n_group)
    covariance = np.zeros((n_group, n_group))
    first = 0
    for m in range(1, n_time + 1):
        if m == n_time or begins[m]:
            _add_stratum(
                n_risk[:, first:m], n_cause[:, first:m], n_other[:, first:m], rho, expected, score, covariance
            )
            first = m
    return expected, score, covariance


@kernel
def _add_stratum(n_risk, n_cause, n_other, rho, expected, score, covariance):  # type: ignore[no-untyped-def]
    """Add the expected events, scores and covariance of one stratum.

    As in cmprsk: `free` is S_r(t-), `incidence` F_r(t-), `pooled` F(t-); `drift` is c_jr, `own` a_jr, and
    `second` and `cross` (v3 and v2 there) are the parts of the covariance that wait for the last drift.
    """
    n = n_risk.shape[0]
    free, incidence = np.ones(n), np.zeros(n)
    drift, cross, second = np.zeros((n, n)), np.zeros((n, n)), np.zeros(n)
    own = np.zeros((n, n))
    pooled = 0.0
    for m in range(n_risk.shape[1]):
        size, at_risk, d, groups = 0.0, 0.0, 0.0, 0
        for r in range(n):
            d += n_cause[r, m]
            if n_risk[r, m] > 0:
                groups += 1
                size += n_risk[r, m] / free[r]
                at_risk += n_risk[r, m] * (1 - incidence[r]) / free[r]
        if groups < 2:  # a group alone is compared with nobody, and none comes back
            expected += n_cause[:, m]
            continue
        # F(t-) can add up to more than 1 where groups with many events are followed for a shorter time
        weight = max(1 - pooled, 0.0) ** rho
        after = pooled + d / size
        own[:] = 0.0
        for r in range(n):
            if n_risk[r, m] <= 0:
                continue
            share = n_risk[r, m] / free[r]
            for k in range(n):
                if n_risk[k, m] > 0:
                    own[r, k] = weight * share * ((1.0 if k == r else 0.0) - n_risk[k, m] / (free[k] * size))
                    if weight > 0:
                        drift[r, k] += own[r, k] * d / (size * (1 - pooled))
            hoped = d * n_risk[r, m] * (1 - incidence[r]) / (free[r] * at_risk)
            expected[r] += hoped
            score[r] += weight * (n_cause[r, m] - hoped)
        for k in range(n):
            if n_risk[k, m] <= 0:
                continue
            later = free[k] * (n_risk[k, m] - n_cause[k, m] - n_other[k, m]) / n_risk[k, m]
            incidence[k] += free[k] * n_cause[k, m] / n_risk[k, m]
            if d > 0:
                t4 = 1 - (1 - after) / later if later > 0 else 1.0
                t5 = 1 - (d - 1) / (size * free[k] - 1) if d > 1 else 1.0
                t3 = t5 * free[k] * d / (size * n_risk[k, m])
                second[k] += t4 * t4 * t3
                for i in range(n):
                    t1 = own[i, k] - t4 * drift[i, k]
                    cross[i, k] += t1 * t4 * t3
                    for j in range(n):
                        covariance[i, j] += t1 * (own[j, k] - t4 * drift[j, k]) * t3
            e = n_other[k, m]
            if e > 0 and later > 0:
                t4 = (1 - after) / later
                t5 = 1 - (e - 1) / (n_risk[k, m] - 1) if e > 1 else 1.0
                t3 = t5 * free[k] ** 2 * e / n_risk[k, m] ** 2
                second[k] += t4 * t4 * t3
                for i in range(n):
                    cross[i, k] -= t4 * t4 * drift[i, k] * t3
                    for j in range(n):
                        covariance[i, j] += t4 * t4 * drift[i, k] * drift[j, k] * t3
            free[k] = later
        pooled = after
    _add_drift(covariance, drift, cross, second)


@inlined
def _add_drift(covariance, drift, cross, second):  # type: ignore[no-untyped-def]
    """Add the parts of the covariance that waited for the last drift."""
    n = len(drift)
    for i in range(n):
        for j in range(n):
            for k in range(n):
                covariance[i, j] += drift[i, k] * drift[j, k] * second[k]
                covariance[i, j] += drift[i, k] * cross[j, k] + drift[j, k] * cross[i, k]
