"""Models of one covariate each, a few dozen features side by side.

The features are the columns (lanes) of a small array of sorted rows, which share the risk sets, so that each
line of the sums below is one instruction for several lanes. The formulas are those of `screening`, and those
of `fine_gray` where some rows stay at risk after a competing event. A row without a value has no risk and no
turn in its lane. A lane where Newton's method takes more care is left to them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .compiled import kernel, threaded, unordered
from .exponentials import exponentials
from .newton import DECREMENT

LANES = 32  # of 500 rows fit into the processor's cache
STEPS = 30
ENOUGH = 1e-10  # twice what the last step adds to the logarithm of the likelihood
EXACT = 1e-9  # a relative error of the information that is rounding error of its square root
RUN_OFF = 1e-4  # of the information at the start: an estimate that may be on its way to infinity
FAR = 30.0  # linear predictors beyond it take more care
TOGETHER = 12  # turns, whose sums of risks of up to 10^6 rows have a product below 10^308
BEFORE, SCORE, AT_START, TOP, COEF, INFORMATION, SCALE = range(7)  # the rows of `fit`
NOBODY = np.empty(0), np.empty(0)  # stays at risk after a competing event
MEANS, SQUARES, PRODUCTS, LOGARITHMS = range(4)  # the rows of `turns`
HAZARD, MEAN, HAZARD_F, MEAN_F, MEANS_OF_EVENTS = range(5)  # the rows of what is kept of a group


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Standardised columns of features from `first` on, room for what is found of them, and a workspace.

    `known` is 0 where a value is missing and 1 elsewhere, and has no rows where all must be there. The
    workspace: risks of rows and their bits; S0, S1, S2 of a risk set, of its events, and with those who
    had a competing event; sums over turns; the sums over competing events before each group.
    """

    first: int
    x: np.ndarray
    known: np.ndarray
    fit: np.ndarray
    work: tuple[np.ndarray, ...]


def blocks_of(
    features: np.ndarray, order: np.ndarray, *, n_group: int = 0, gaps: bool = False
) -> Iterator[Block]:
    """Features (rows of the array) a few at a time, each in the place of the one before.

    `n_group` groups of rows may have competing events before them. A constant feature has the factor 0 and is
    all 0, as is one with missing values unless there may be `gaps`.
    """
    n, width = len(order), 0
    for first in range(0, len(features), LANES):
        if min(LANES, len(features) - first) != width:
            width = min(LANES, len(features) - first)
            x, known, fit = np.empty((n, width)), np.empty((n * gaps, width)), np.empty((7, width))
            sums = np.zeros((3, 3, width)), np.empty((4, width)), np.empty((n_group, 3, width))
            work = (np.empty((n, width)), np.empty(n * width), *sums)
        load(features, first, order, x)
        standardize_lanes(x, known, fit)
        yield Block(first, x, known, fit, work)


@threaded
def load(features, first, order, x):  # type: ignore[no-untyped-def]
    """Copy as many features as x has columns, from the first on, with their rows in order."""
    for i in range(len(order)):
        row = order[i]
        for lane in range(x.shape[1]):
            x[i, lane] = features[first + lane, row]


@unordered
def standardize_lanes(x, known, fit):  # type: ignore[no-untyped-def]
    """Centre and scale each column in place; its factor, 0 for a constant and NaN, goes into `fit`.

    `known`, unless it has no rows, is filled in, and x is 0 where a value is missing.
    """
    n, lanes = x.shape
    number, mean, scale = np.zeros(lanes), np.zeros(lanes), fit[SCALE]
    number[:], scale[:] = n, 0.0
    if len(known):
        mark_known(x, known, number)
    for i in range(n):
        for lane in range(lanes):
            mean[lane] += x[i, lane]
    for lane in range(lanes):
        mean[lane] /= max(number[lane], 1.0)
    for i in range(n):
        for lane in range(lanes):
            x[i, lane] -= mean[lane]
    if len(known):
        multiply(x, known)
    for i in range(n):
        for lane in range(lanes):
            scale[lane] += x[i, lane] * x[i, lane]
    for lane in range(lanes):
        size = np.sqrt(scale[lane] / max(number[lane], 1.0))
        scale[lane] = 1 / size if size > 1e-12 * abs(mean[lane]) else 0.0
    for i in range(n):
        for lane in range(lanes):
            x[i, lane] = x[i, lane] * scale[lane] if scale[lane] > 0 else 0.0


@unordered
def mark_known(x, known, number):  # type: ignore[no-untyped-def]
    """Tell missing values from others and make them 0; how many there are of the others."""
    number[:] = 0.0
    for i in range(len(x)):
        for lane in range(x.shape[1]):
            known[i, lane] = 0.0 if np.isnan(x[i, lane]) else 1.0
            x[i, lane] = 0.0 if np.isnan(x[i, lane]) else x[i, lane]
            number[lane] += known[i, lane]


@unordered
def multiply(values, factor):  # type: ignore[no-untyped-def]
    """Multiply each value by its factor, in place."""
    for i in range(len(values)):
        for lane in range(values.shape[1]):
            values[i, lane] *= factor[i, lane]


@unordered
def newton_lanes(x, known, sets, tails, work, fit):  # type: ignore[no-untyped-def]
    """Newton's method from 0 for each column with a factor; whether it ended well.

    `fit` gets the value, score and information at 0, and value, coefficient and information at the maximum. A
    lane ends badly with a step that goes wrong or far, or an estimate that may be infinite. The last step is
    so short (ENOUGH) that the information after it follows from that before it and its change along the step
    before (to EXACT, the product of both changes), and needs no more sums.
    """
    lanes = x.shape[1]
    good, going = np.zeros(lanes, np.bool_), fit[SCALE] > 0
    total, largest = event_totals(x, sets[0]), largest_of(x)
    coef, moved, score, information = np.zeros(lanes), np.ones(lanes), np.zeros(lanes), np.zeros(lanes)
    for step in range(STEPS):
        fill_risks(x, known, coef, step == 0, work)
        sums_of_lanes(x, known, sets, tails, work, work[4][:0])
        turns = work[3]
        for lane in range(lanes):
            if not going[lane]:
                continue
            before, last = information[lane], score[lane]
            score[lane], information[lane] = total[lane] - turns[MEANS, lane], turns[SQUARES, lane]
            if step == 0:
                before, last = information[lane], np.inf
                fit[BEFORE, lane] = -turns[LOGARITHMS, lane]
                fit[SCORE, lane], fit[AT_START, lane] = score[lane], information[lane]
            # The slope of a concave function falls on the way to its top.
            going[lane] = information[lane] > 0 and abs(score[lane]) < 0.5 * abs(last)
            if not going[lane]:
                continue
            move = score[lane] / information[lane]
            decrement, change = move * score[lane], (information[lane] - before) * move / moved[lane]
            error = abs(change * (information[lane] - before)) / information[lane] ** 2
            if decrement <= DECREMENT or (step > 0 and decrement <= ENOUGH and error <= EXACT):
                going[lane] = False
                fit[TOP, lane] = coef[lane] * total[lane] - turns[LOGARITHMS, lane] + 0.5 * decrement
                fit[COEF, lane] = coef[lane] + move
                fit[INFORMATION, lane] = information[lane] + change
                good[lane] = fit[INFORMATION, lane] >= RUN_OFF * fit[AT_START, lane]
                continue
            moved[lane] = move
            going[lane] = abs(coef[lane] + move) * largest[lane] < FAR
            coef[lane] = coef[lane] + move if going[lane] else 0.0
        if not going.any():
            break
    return good


@kernel
def event_totals(x, events):  # type: ignore[no-untyped-def]
    """The sum of each column over the events."""
    total = np.zeros(x.shape[1])
    for i in events:
        for lane in range(len(total)):
            total[lane] += x[i, lane]
    return total


@kernel
def largest_of(x):  # type: ignore[no-untyped-def]
    """The largest absolute value of each column."""
    largest = np.zeros(x.shape[1])
    for i in range(len(x)):
        for lane in range(len(largest)):
            largest[lane] = max(largest[lane], abs(x[i, lane]))
    return largest


@unordered
def fill_risks(x, known, coef, at_zero, work):  # type: ignore[no-untyped-def]
    """Exp(x b) of each column, in the workspace; 0 where a value is missing."""
    risk = work[0]
    if at_zero:
        risk[:] = 1.0
    else:
        for i in range(len(x)):
            for lane in range(len(coef)):
                risk[i, lane] = coef[lane] * x[i, lane]
        exponentials(risk.ravel(), work[1])
    if len(known):
        multiply(risk, known)


@unordered
def sums_of_lanes(x, known, sets, tails, work, kept):  # type: ignore[no-untyped-def]
    """Sums over turns of means, of information and of logarithms.

    `kept`, unless empty, gets what is to be known of each group.
    """
    events, begin, stop, n_event, last, efron = sets
    stay, left = tails
    risk, _, several, turns, behind = work
    at_event, multiplied, number = len(events), 0, np.zeros(x.shape[1])
    if len(stay):
        sums_behind(x, risk, stay, begin, stop, last, behind)
    at_risk, happened, weighted = several[0], several[1], several[0]
    turns[:], kept[:] = 0.0, 0.0
    turns[PRODUCTS] = 1.0
    for g in range(len(begin)):
        if last[g]:
            at_risk[:] = 0.0
        add_rows(x, risk, begin[g], stop[g], at_risk)
        d = n_event[g]
        if d == 0:
            continue
        if len(stay):
            weighted = several[2]
            weigh(at_risk, left[g], behind[g], weighted)
        at_event -= d
        if efron and d > 1:
            happened[:] = 0.0
            for i in events[at_event : at_event + d]:
                add_rows(x, risk, i, i + 1, happened)
        if len(known):
            number[:] = 0.0
            for i in events[at_event : at_event + d]:
                number += known[i]
        for k in range(d):
            share = k / d if efron else 0.0
            if len(known):
                take_known_turn(weighted, happened, k, number, efron, turns)
            else:
                take_turn(weighted, happened, share, turns)
            if len(kept):
                keep_turn(weighted, happened, share, kept[g])
            multiplied += 1
            if multiplied == TOGETHER:
                take_logarithms(turns)
                multiplied = 0
    take_logarithms(turns)


@unordered
def add_rows(x, risk, begin, stop, sums):  # type: ignore[no-untyped-def]
    """Add r, r x and r x^2 of some rows."""
    for i in range(begin, stop):
        for lane in range(x.shape[1]):
            own = risk[i, lane] * x[i, lane]
            sums[0, lane] += risk[i, lane]
            sums[1, lane] += own
            sums[2, lane] += own * x[i, lane]


@unordered
def sums_behind(x, risk, stay, begin, stop, last, behind):  # type: ignore[no-untyped-def]
    """Per group, the sums of r / G, r x / G and r x^2 / G over those with a competing event before it.

    `stay` is 1 / G of those, and 0 of all others.
    """
    lanes = x.shape[1]
    total = np.zeros((3, lanes))
    for g in range(len(begin) - 1, -1, -1):
        behind[g] = total
        for i in range(begin[g], stop[g]):
            if stay[i] > 0:
                for lane in range(lanes):
                    share = stay[i] * risk[i, lane]
                    own = share * x[i, lane]
                    total[0, lane] += share
                    total[1, lane] += own
                    total[2, lane] += own * x[i, lane]
        if last[g]:
            total[:] = 0.0


@unordered
def weigh(at_risk, left, behind, weighted):  # type: ignore[no-untyped-def]
    """The sums over the risk set, with those behind it weighted by what is left of G."""
    for a in range(3):
        for lane in range(at_risk.shape[1]):
            weighted[a, lane] = at_risk[a, lane] + left * behind[a, lane]


@unordered
def take_turn(at_risk, happened, share, turns):  # type: ignore[no-untyped-def]
    """Add a turn's mean and information, and multiply its sum of risks on."""
    for lane in range(at_risk.shape[1]):
        s0 = at_risk[0, lane] - share * happened[0, lane]
        inverse = 1.0 / s0
        mean = (at_risk[1, lane] - share * happened[1, lane]) * inverse
        turns[MEANS, lane] += mean
        turns[SQUARES, lane] += (at_risk[2, lane] - share * happened[2, lane]) * inverse - mean * mean
        turns[PRODUCTS, lane] *= s0


@unordered
def take_known_turn(at_risk, happened, k, number, efron, turns):  # type: ignore[no-untyped-def]
    """The same for turn k in the lanes that have as many events."""
    for lane in range(len(number)):
        there = 1.0 if k < number[lane] else 0.0
        share = k / max(number[lane], 1.0) if efron else 0.0
        s0 = there * (at_risk[0, lane] - share * happened[0, lane]) + (1 - there)
        inverse = there / s0
        mean = (at_risk[1, lane] - share * happened[1, lane]) * inverse
        turns[MEANS, lane] += mean
        turns[SQUARES, lane] += (at_risk[2, lane] - share * happened[2, lane]) * inverse - mean * mean
        turns[PRODUCTS, lane] *= s0


@unordered
def keep_turn(at_risk, happened, share, kept):  # type: ignore[no-untyped-def]
    """Add the hazard of a turn, its product with the mean, `share` of both, and the mean."""
    for lane in range(at_risk.shape[1]):
        hazard = 1.0 / (at_risk[0, lane] - share * happened[0, lane])
        mean = (at_risk[1, lane] - share * happened[1, lane]) * hazard
        kept[HAZARD, lane] += hazard
        kept[MEAN, lane] += hazard * mean
        kept[HAZARD_F, lane] += share * hazard
        kept[MEAN_F, lane] += share * hazard * mean
        kept[MEANS_OF_EVENTS, lane] += mean


@kernel
def take_logarithms(turns):  # type: ignore[no-untyped-def]
    """Logarithms are taken of products, which are far fewer."""
    for lane in range(turns.shape[1]):
        turns[LOGARITHMS, lane] += np.log(turns[PRODUCTS, lane])
        turns[PRODUCTS, lane] = 1.0
