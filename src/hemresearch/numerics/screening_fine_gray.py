"""Fine and Gray's model of one feature after the other, a few dozen of them side by side.

The weights of those who had a competing event are the same for all features, so that the model differs from
Cox's in the sums over risk sets alone (`screening_lanes`). The variance is that of `fine_gray_influence`: a
row's own part of the score,

    sum over its events of x - mean  less  the integral of w (x - mean) exp(x b) dH over its time at risk,

and what it says of censoring. There is one stratum, and one distribution of censoring.
"""

from __future__ import annotations

import numpy as np

from .compiled import unordered
from .fine_gray import SubdistributionLikelihood
from .fine_gray_influence import CensoredRows
from .screening import risk_sets
from .screening_lanes import (
    COEF,
    HAZARD,
    HAZARD_F,
    MEAN,
    MEAN_F,
    MEANS_OF_EVENTS,
    SCALE,
    SQUARES,
    blocks_of,
    fill_risks,
    newton_lanes,
    sums_of_lanes,
)


def screen_fine_gray(
    features: np.ndarray, likelihood: SubdistributionLikelihood, censored: CensoredRows
) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and robust standard errors of features (rows, in the caller's order).

    NaN where it takes more care: missing values, constants, and estimates that may be infinite. With Efron's
    ties the weights are taken as known, as `fine_gray` does.
    """
    rows = likelihood.rows
    sets = risk_sets(rows.event, rows.leave, rows.slot_stratum, likelihood.efron)
    slots = rows.leave[sets[1]]
    stay = np.zeros(len(rows))
    stay[likelihood.tails.row] = likelihood.tails.inverse
    tails = stay, likelihood.tails.left[0, slots]
    facts = _censorings(censored, rows.slot_time[slots], counts=not likelihood.efron)
    coef, error = np.full(len(features), np.nan), np.full(len(features), np.nan)
    for block in blocks_of(features, rows.order, n_group=len(slots)):
        good = newton_lanes(block.x, block.known, sets, tails, block.work, block.fit)
        found = np.where(good, block.fit[COEF], 0.0)
        fill_risks(block.x, block.known, found, False, block.work)
        kept = np.zeros((len(slots), 5, len(good)))
        sums_of_lanes(block.x, block.known, sets, tails, block.work, kept)
        risk, information, scale = block.work[0], block.work[3][SQUARES], block.fit[SCALE]
        square = squared_influence(block.x, risk, rows.event, sets, tails, facts, kept)
        own = block.first + np.flatnonzero(good)
        coef[own] = (found * scale)[good]
        error[own] = (np.sqrt(square[good]) / information[good]) * scale[good]
    return coef, error


def _censorings(
    rows: CensoredRows, slot_time: np.ndarray, *, counts: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Times of censoring, none unless that `counts`, in the order of rows and of slots (last first).

    Per time: rows that ended before it, slots from it on, the number censored and that at risk for it; per
    row: times up to its end, and whether it was censored then.
    """
    c = rows.groups[0]
    time = c.time if counts else c.time[:0]
    return (
        np.searchsorted(rows.time, time, side="left"),
        np.searchsorted(-slot_time, -time, side="right"),
        c.size[: len(time)].astype(float),
        c.n_risk[: len(time)].astype(float),
        np.searchsorted(time, rows.time, side="right"),
        rows.censored & counts,
    )


@unordered
def squared_influence(x, risk, event, sets, tails, facts, kept):  # type: ignore[no-untyped-def]
    """The sum over rows of their squared parts of the score, for each column."""
    part, total = np.empty(x.shape), np.zeros(x.shape[1])
    own_parts(x, risk, event, sets, kept, part)
    tail_parts(x, risk, sets, tails, kept, part)
    censoring_parts(x, risk, tails, facts, kept, part)
    for i in range(len(part)):
        for lane in range(len(total)):
            total[lane] += part[i, lane] ** 2
    return total


@unordered
def own_parts(x, risk, event, sets, kept, part):  # type: ignore[no-untyped-def]
    """What each row adds to the score until it ends; tied events leave in turn."""
    _, begin, stop, n_event, _, _ = sets
    hazard, mean = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    for g in range(len(begin) - 1, -1, -1):
        for lane in range(len(mean)):
            hazard[lane] += kept[g, HAZARD, lane]
            mean[lane] += kept[g, MEAN, lane]
        for i in range(begin[g], stop[g]):
            for lane in range(len(mean)):
                part[i, lane] = risk[i, lane] * (mean[lane] - x[i, lane] * hazard[lane])
            if event[i]:
                for lane in range(len(mean)):
                    left = x[i, lane] * kept[g, HAZARD_F, lane] - kept[g, MEAN_F, lane]
                    away = x[i, lane] - kept[g, MEANS_OF_EVENTS, lane] / n_event[g]
                    part[i, lane] += away + risk[i, lane] * left


@unordered
def tail_parts(x, risk, sets, tails, kept, part):  # type: ignore[no-untyped-def]
    """Add what each row adds to the score after a competing event."""
    _, begin, stop, _, _, _ = sets
    stay, left = tails
    hazard, mean = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    for g in range(len(begin)):
        for i in range(begin[g], stop[g]):
            if stay[i] > 0:
                for lane in range(len(mean)):
                    lived = mean[lane] - x[i, lane] * hazard[lane]
                    part[i, lane] += stay[i] * risk[i, lane] * lived
        for lane in range(len(mean)):
            hazard[lane] += left[g] * kept[g, HAZARD, lane]
            mean[lane] += left[g] * kept[g, MEAN, lane]


@unordered
def censoring_parts(x, risk, tails, facts, kept, part):  # type: ignore[no-untyped-def]
    """Add what each row says of censoring, and so of the weights."""
    early, late, size, n_risk, seen, censored = facts
    n_time, lanes = len(early), x.shape[1]
    jump, drift = np.zeros((n_time, lanes)), np.zeros((n_time + 1, lanes))
    scores_behind(x, risk, tails, early, late, kept, jump)
    for c in range(n_time):
        for lane in range(lanes):
            jump[c, lane] /= n_risk[c]
            drift[c + 1, lane] = drift[c, lane] + jump[c, lane] * size[c] / n_risk[c]
    for i in range(len(x)):
        k = seen[i]
        for lane in range(lanes):
            part[i, lane] -= drift[k, lane]
        if censored[i]:
            for lane in range(lanes):
                part[i, lane] += jump[k - 1, lane]


@unordered
def scores_behind(x, risk, tails, early, late, kept, q):  # type: ignore[no-untyped-def]
    """Per time of censoring, what those with a competing event before it add to the score from then on."""
    stay, left = tails
    n_time, lanes = q.shape
    after, hazard, mean = np.zeros((n_time, lanes)), np.zeros(lanes), np.zeros(lanes)
    g = 0
    for c in range(n_time - 1, -1, -1):
        while g < late[c]:
            for lane in range(lanes):
                hazard[lane] += left[g] * kept[g, HAZARD, lane]
                mean[lane] += left[g] * kept[g, MEAN, lane]
            g += 1
        after[c], q[c] = mean, hazard
    number, total, i = np.zeros(lanes), np.zeros(lanes), 0
    for c in range(n_time):
        while i < early[c]:
            if stay[i] > 0:
                for lane in range(lanes):
                    share = stay[i] * risk[i, lane]
                    number[lane] += share
                    total[lane] += share * x[i, lane]
            i += 1
        for lane in range(lanes):
            q[c, lane] = total[lane] * q[c, lane] - number[lane] * after[c, lane]
