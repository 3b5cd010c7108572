"""The log-rank test of one feature after the other, its values taken as groups."""

from __future__ import annotations

import numpy as np

from .compiled import kernel, threaded
from .cox_rows import CoxRows
from .logrank import linked_sets, quadratic_form
from .screening import AT_ONCE, risk_sets

MISSING = -1


def codes_of(values: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """The values of each row of an array numbered in their order, NaN as MISSING, and how many differ.

    A row of more than `most` has the number most + 1, and no meaningful codes.
    """
    codes, n_group = np.empty(values.shape, np.int16), np.empty(len(values), np.int64)
    for j in range(0, len(values), AT_ONCE):
        part = slice(j, j + AT_ONCE)
        codes[part], n_group[part] = numbered(np.ascontiguousarray(values[part]), most)
    return codes, n_group


@threaded
def numbered(values, most):  # type: ignore[no-untyped-def]
    """The same of a part that the processor's cache holds."""
    m, n = values.shape
    codes, n_group = np.full((m, n), MISSING, np.int16), np.zeros(m, np.int64)
    level, rank = np.empty(most), np.empty(most, np.int16)
    for j in range(m):
        k = 0
        for i in range(n):
            value = values[j, i]
            if np.isnan(value):
                continue
            a = 0
            while a < k and level[a] != value:
                a += 1
            if a == k:
                k += 1
                if k > most:
                    break
                level[a] = value
            codes[j, i] = a
        n_group[j] = k
        if k <= most:
            for a in range(k):
                rank[a] = (level[:k] < level[a]).sum()
            for i in range(n):
                if codes[j, i] != MISSING:
                    codes[j, i] = rank[codes[j, i]]
    return codes, n_group


def screen_logrank(
    codes: np.ndarray, n_group: np.ndarray, rows: CoxRows
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rows and events used, chi-squared and degrees of freedom of each row of codes (in the caller's order).

    MISSING ones are left out. Without two groups that are at risk together there are no degrees of freedom,
    and the statistic is NaN.
    """
    sets = risk_sets(rows.event, rows.leave, rows.slot_stratum, False)
    most = max(2, int(n_group.max(initial=2)))
    n, n_event, score, covariance = each_score(codes, most, rows.order, rows.event, sets)
    statistic, df = np.full(len(codes), np.nan), np.zeros(len(codes))
    two = np.flatnonzero((n_group == 2) & (covariance[:, 0, 1] != 0))
    statistic[two], df[two] = score[two, 1] ** 2 / covariance[two, 1, 1], 1.0
    for j in np.flatnonzero(n_group > 2):
        k = n_group[j]
        own = covariance[j, :k, :k]
        linked = linked_sets(own)
        df[j] = (linked != np.arange(k)).sum()
        if df[j] > 0:
            statistic[j] = quadratic_form(score[j, :k], own, linked)
    return n, n_event, statistic, df


@threaded
def each_score(codes, most, order, event, sets):  # type: ignore[no-untyped-def]
    """Rows and events used, and `scores` of the unweighted test, of each row of codes below `most`."""
    m = len(codes)
    n, n_event = np.zeros(m, np.int64), np.zeros(m, np.int64)
    score, covariance = np.zeros((m, most)), np.zeros((m, most, most))
    own = np.empty(len(order), np.int64)
    _, begin, stop, _, last, _ = sets
    at_risk, happened = np.zeros(most), np.zeros(most)
    for j in range(m):
        for i in range(len(order)):
            own[i] = codes[j, order[i]]
        for g in range(len(begin)):
            if last[g]:
                at_risk[:] = 0.0
            happened[:] = 0.0
            for i in range(begin[g], stop[g]):
                if own[i] != MISSING:
                    n[j] += 1
                    at_risk[own[i]] += 1.0
                    happened[own[i]] += event[i]
            d = happened.sum()
            if d > 0:
                n_event[j] += np.int64(d)
                add_scores(at_risk, happened, d, score[j], covariance[j])
        for a in range(most):
            covariance[j, a, a] = -covariance[j, a].sum()
    return n, n_event, score, covariance


@kernel
def add_scores(at_risk, happened, d, score, covariance):  # type: ignore[no-untyped-def]
    """Add the score of one time and its covariance off the diagonal, in place."""
    n = at_risk.sum()
    spread = d * (n - d) / max(n - 1, 1.0) / n**2
    for a in range(len(score)):
        score[a] += happened[a] - d * at_risk[a] / n
        for b in range(len(score)):
            if a != b:
                covariance[a, b] -= spread * at_risk[a] * at_risk[b]
