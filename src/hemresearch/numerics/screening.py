"""Cox's model for one feature after the other, each with the same few covariates: thousands in one pass.

The rows are sorted once, and several threads may each take a part of the features. For each feature those
with a value are packed together and its column is standardised; Newton's method then runs over the
covariates (the feature first), from the maximum of the model without it. Per event time, with r = exp(x'b)
and sums over those at risk, S0 = sum r, S1 = sum r x, S2 = sum r x x', and E0, E1, E2 the same over the d
events, Efron's turns k = 0 ... d - 1 have f = k / d and

    log likelihood  sum over events of x'b - sum over turns of log(S0 - f E0)
    score           sum over events of x   - sum over turns of m,    m = (S1 - f E1) / (S0 - f E0)
    information     sum over turns of (S2 - f E2) / (S0 - f E0) - m m'

as in `cox_partial`, which is made for many rows and where the cost of a call would be that of a whole model
here. Breslow has f = 0.

Reference: Efron B. J Am Stat Assoc 1977;72:557-565.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .compiled import inlined, kernel, threaded, unordered
from .cox_rows import CoxRows
from .exponentials import LARGEST, exponentials
from .newton import DECREMENT, NEGLIGIBLE
from .screening_lanes import AT_START, NOBODY, RUN_OFF, blocks_of, newton_lanes

STEPS, HALVINGS = 60, 40
RESULTS = 8
AT_ONCE = 512  # features that are copied: fewer than the processor's cache holds
NOTHING = 1e-10  # of the information before the others explain it: rounding error

ESTIMATED, CONSTANT, SEPARATED, NO_EVENTS, NOT_CONVERGED = range(5)


@dataclass(frozen=True, slots=True, eq=False)
class Screened:
    """Per feature: rows and events used, log hazard ratio, its standard error, three chi-squared, status."""

    n: np.ndarray
    n_event: np.ndarray
    coef: np.ndarray
    std_error: np.ndarray
    wald: np.ndarray
    likelihood_ratio: np.ndarray
    score: np.ndarray
    status: np.ndarray


def screen_cox(features: np.ndarray, rows: CoxRows, *, efron: bool) -> Screened:
    """A Cox model of each feature (a row of `features`, in the caller's order) with the covariates of `rows`.

    NaN is missing: those rows are left out of that feature's model. An infinite estimate (a feature that
    orders the events) has the status SEPARATED, no Wald test, and a likelihood ratio as near to its
    limit as linear predictors below 300 come.
    """
    values = np.asarray(features, dtype=float)
    alone = rows.x.shape[1] == 0
    found = (
        _side_by_side(values, rows, efron, gaps=False) if alone else np.full((len(values), RESULTS), np.nan)
    )
    facts = np.ascontiguousarray(rows.x.T), rows.event, rows.leave, rows.slot_stratum, efron
    left = np.flatnonzero(found[:, 7] != ESTIMATED)
    for part in (left[j : j + AT_ONCE] for j in range(0, len(left), AT_ONCE)):
        if alone:
            found[part] = _side_by_side(values[part], rows, efron, gaps=True)
        rest = part[found[part, 7] != ESTIMATED]
        found[rest] = each_feature(np.take(values[rest], rows.order, axis=1), *facts)
    return Screened(*found.T)


def _side_by_side(features: np.ndarray, rows: CoxRows, efron: bool, *, gaps: bool) -> np.ndarray:
    """Results of features without covariates, a row each; NaN for those that take more care.

    Those with missing values are among them unless there may be `gaps`.
    """
    found = np.full((len(features), RESULTS), np.nan)
    sets = risk_sets(rows.event, rows.leave, rows.slot_stratum, efron)
    for block in blocks_of(features, rows.order, gaps=gaps):
        good = newton_lanes(block.x, block.known, sets, NOBODY, block.work, block.fit)
        size = np.full((2, len(good)), [[len(rows)], [len(sets[0])]])
        if gaps:
            size[0], size[1] = block.known.sum(axis=0), block.known[sets[0]].sum(axis=0)
        good &= block.fit[AT_START] > NOTHING * size[1]
        found[block.first + np.flatnonzero(good)] = _results(size[:, good], *block.fit[:, good])
    return found


def _results(
    size: np.ndarray,
    before: np.ndarray,
    score: np.ndarray,
    at_start: np.ndarray,
    top: np.ndarray,
    coef: np.ndarray,
    information: np.ndarray,
    scale: np.ndarray,
) -> np.ndarray:
    """What was found of standardised features, one row each; `size` are rows and events."""
    estimated = coef * scale, scale / np.sqrt(information)
    tests = coef**2 * information, np.maximum(2 * (top - before), 0.0), score**2 / at_start
    return np.column_stack([*size, *estimated, *tests, np.full(len(coef), ESTIMATED)])


@threaded
def each_feature(features, others, event, leave, slot_stratum, efron):  # type: ignore[no-untyped-def]
    """One row of results per row of `features`, whose columns are sorted as the rows of `others`."""
    m, n = features.shape
    q = others.shape[0]
    found = np.full((m, RESULTS), np.nan)
    x = np.empty((1 + q, n))
    before, n_before = (np.zeros(q), 0.0, True), -1
    sets = risk_sets(event, leave, slot_stratum, efron)
    for j in range(m):
        values = features[j]
        k = n - np.isnan(values).sum()
        if k < n or n_before < n:  # what goes before the feature is the same for all without missing values
            kept = np.flatnonzero(~np.isnan(values))
            for a in range(q):
                x[1 + a, :k] = others[a][kept]
            values = values[kept]
            sets = risk_sets(event[kept], leave[kept], slot_stratum, efron)
            before, n_before = without_feature(x[1:, :k], sets), k
        x[0, :k] = values
        found[j, 0], found[j, 1] = k, len(sets[0])
        scale = standardize(x[0], k) if len(sets[0]) else 0.0
        if scale == 0.0:
            found[j, 7] = CONSTANT if len(sets[0]) else NO_EVENTS
        elif not before[2]:
            found[j, 7] = NOT_CONVERGED
        else:
            one_feature(x[:, :k], sets, before, scale, found[j])
    return found


@kernel
def risk_sets(event, leave, slot_stratum, efron):  # type: ignore[no-untyped-def]
    """Sorted rows by the last slot they live to see, from the last such group to the first.

    The positions of the events; per group its first row, the row behind its last, the number of events, and
    whether a stratum ends with it; and Efron's rule or not.
    """
    n = len(leave)
    begin, stop, n_event = np.empty(n, np.int64), np.empty(n, np.int64), np.zeros(n, np.int64)
    last = np.zeros(n, np.bool_)
    g, stratum, i = 0, -1, n
    while i > 0:
        stop[g], slot = i, leave[i - 1]
        while i > 0 and leave[i - 1] == slot:
            i -= 1
            n_event[g] += event[i]
        begin[g], last[g] = i, slot_stratum[slot] != stratum
        stratum = slot_stratum[slot]
        g += 1
    return np.flatnonzero(event), begin[:g], stop[:g], n_event[:g], last[:g], efron


@kernel
def without_feature(x, sets):  # type: ignore[no-untyped-def]
    """Coefficients of the other covariates alone, the value, and whether it is a maximum."""
    none = np.zeros(len(x))
    if len(sets[0]) == 0:
        return none, 0.0, True
    total = event_total(x, sets[0])
    first = partial_likelihood(x, total, none, sets)
    at, value, _, converged = newton(x, total, none, first, sets)
    return at, value, converged


@kernel
def one_feature(x, sets, before, scale, found):  # type: ignore[no-untyped-def]
    """Fill in a feature's estimate and tests, from the maximum of the model without it."""
    start = np.zeros(len(x))
    start[1:] = before[0]
    total = event_total(x, sets[0])
    first = partial_likelihood(x, total, start, sets)
    _, score, information = first
    left = conditional_information(information)
    if left <= NOTHING * information[0, 0] or information[0, 0] <= NOTHING * found[1]:
        found[7] = CONSTANT
        return
    found[6] = score[0] ** 2 / left
    at, top, information, converged = newton(x, total, start, first, sets)
    found[5] = max(2 * (top - before[1]), 0.0)
    least, left = RUN_OFF * left, conditional_information(information)
    direction = ordered(x[0], sets) if left < least or not converged else 0
    if direction != 0:
        found[2], found[7] = direction * np.inf, SEPARATED
        return
    if not converged or left <= NOTHING * least:
        found[5], found[7] = np.nan, NOT_CONVERGED
        return
    found[2], found[3] = at[0] * scale, scale / np.sqrt(left)
    found[4] = at[0] ** 2 * left
    found[7] = ESTIMATED


@kernel
def newton(x, total, start, first, sets):  # type: ignore[no-untyped-def]
    """Coefficients, value and information at the maximum, and whether it was reached.

    `first` are value, score and information at the start.
    """
    at = start.copy()
    value, score, information = first
    for _ in range(STEPS):
        step = solved(information, score)
        decrement = 0.0
        for a in range(len(step)):
            decrement += step[a] * score[a]
        if decrement <= DECREMENT:
            return at + step, value + 0.5 * decrement, information, True
        improved = False
        for halving in range(HALVINGS):
            new = at + step * 0.5**halving
            found, new_score, new_information = partial_likelihood(x, total, new, sets)
            if found >= value - NEGLIGIBLE * (1 + abs(value)):
                improved = True
                break
        if not improved:
            return at, value, information, False
        at, value, score, information = new, found, new_score, new_information
    return at, value, information, False


@kernel
def event_total(x, events):  # type: ignore[no-untyped-def]
    """The sum of each covariate over the events."""
    total = np.zeros(len(x))
    for a in range(len(x)):
        for i in events:
            total[a] += x[a, i]
    return total


@kernel
def partial_likelihood(x, total, coef, sets):  # type: ignore[no-untyped-def]
    """Value, score and information of covariates x rows; an overflow has the value minus infinity."""
    p, n = x.shape
    value, score, information = 0.0, total.copy(), np.zeros((p, p))
    risk = np.zeros(n)
    for a in range(p):
        value += coef[a] * total[a]
        for i in range(n):
            risk[i] += coef[a] * x[a, i]
    if not max(risk.max(), -risk.min()) < LARGEST:
        return -np.inf, score, information
    if np.any(coef != 0):
        exponentials(risk, np.empty(n))
    else:
        risk[:] = 1.0
    log = sums_of_several(x, risk, sets, score, information)
    return value - log, score, information


@kernel
def sums_of_several(x, risk, sets, score, information):  # type: ignore[no-untyped-def]
    """The sum of logarithms; takes the means from the score and adds up the information, in place."""
    events, begin, stop, n_event, last, efron = sets
    p, at_event = len(x), len(events) - 1
    s0, s1, s2 = 0.0, np.zeros(p), np.zeros((p, p))
    event1, event2, mean = np.zeros(p), np.zeros((p, p)), np.zeros(p)
    log = 0.0
    for g in range(len(begin)):
        if last[g]:
            s0, s1[:], s2[:] = 0.0, 0.0, 0.0
        for i in range(begin[g], stop[g]):
            s0 += risk[i]
            add_products(x, i, risk[i], s1, s2)
        event0, event1[:], event2[:] = 0.0, 0.0, 0.0
        for _ in range(n_event[g]):
            i = events[at_event]
            event0 += risk[i]
            add_products(x, i, risk[i], event1, event2)
            at_event -= 1
        for k in range(n_event[g]):
            f = k / n_event[g] if efron else 0.0
            left = s0 - f * event0
            log += np.log(left)
            for a in range(p):
                mean[a] = (s1[a] - f * event1[a]) / left
                score[a] -= mean[a]
                for b in range(a + 1):
                    information[a, b] += (s2[a, b] - f * event2[a, b]) / left - mean[a] * mean[b]
    for a in range(p):
        for b in range(a):
            information[b, a] = information[a, b]
    return log


@inlined
def add_products(x, i, r, first, second):  # type: ignore[no-untyped-def]
    """Add r x and the lower half of r x x' of row i, in place."""
    for a in range(len(x)):
        own = r * x[a, i]
        first[a] += own
        for b in range(a + 1):
            second[a, b] += own * x[b, i]


@unordered
def standardize(values, k):  # type: ignore[no-untyped-def]
    """Centre and scale the first k values in place; the factor that did it, 0 for a constant."""
    total, square, low, high = 0.0, 0.0, values[0], values[0]
    for i in range(k):
        total += values[i]
        low, high = min(low, values[i]), max(high, values[i])
    mean = total / k
    for i in range(k):
        values[i] -= mean
        square += values[i] ** 2
    size = np.sqrt(square / k)
    if size <= 1e-12 * max(abs(low), abs(high)):
        return 0.0
    factor = 1 / size
    for i in range(k):
        values[i] *= factor
    return factor


@kernel
def solved(matrix, right):  # type: ignore[no-untyped-def]
    """The solution of a small positive definite system; nothing in directions without information."""
    p = len(right)
    lower, solution = np.zeros((p, p)), right.copy()
    for a in range(p):
        for b in range(a + 1):
            rest = matrix[a, b]
            for c in range(b):
                rest -= lower[a, c] * lower[b, c]
            if a != b:
                lower[a, b] = rest / lower[b, b] if lower[b, b] > 0 else 0.0
            elif rest > 1e-14 * matrix[a, a]:
                lower[a, a] = np.sqrt(rest)
    for a in range(p):
        for c in range(a):
            solution[a] -= lower[a, c] * solution[c]
        solution[a] = solution[a] / lower[a, a] if lower[a, a] > 0 else 0.0
    for a in range(p - 1, -1, -1):
        for c in range(a + 1, p):
            solution[a] -= lower[c, a] * solution[c]
        solution[a] = solution[a] / lower[a, a] if lower[a, a] > 0 else 0.0
    return solution


@kernel
def conditional_information(information):  # type: ignore[no-untyped-def]
    """The information on the first coefficient with the others estimated: I_11 - I_12 I_22^-1 I_21."""
    if len(information) == 1:
        return information[0, 0]
    column = information[1:, 0].copy()
    explained = solved(information[1:, 1:], column)
    left = information[0, 0]
    for a in range(len(column)):
        left -= column[a] * explained[a]
    return left


@kernel
def ordered(values, sets):  # type: ignore[no-untyped-def]
    """1 where the events have the largest value of every risk set, -1 the smallest, 0 neither."""
    events, begin, stop, n_event, last, _ = sets
    low, high, at_event = np.inf, -np.inf, len(events) - 1
    rises, falls = True, True
    for g in range(len(begin)):
        if last[g]:
            low, high = np.inf, -np.inf
        for i in range(begin[g], stop[g]):
            low, high = min(low, values[i]), max(high, values[i])
        for _ in range(n_event[g]):
            rises = rises and values[events[at_event]] == high
            falls = falls and values[events[at_event]] == low
            at_event -= 1
    return 1 if rises else -1 if falls else 0
