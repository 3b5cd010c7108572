"""Value, score and information of a Cox model of one covariate, in a fraction of the time of several.

Sums over those at risk are running sums over the rows from the last to the first, without a branch, read off
where the events are; what remains is done for several events at a time. The formulas are those of
`screening`.
"""

from __future__ import annotations

import math

import numpy as np

from .compiled import fused, kernel, unordered
from .newton import DECREMENT, NEGLIGIBLE

STEPS = 30
RUN_OFF = 1e-4  # of the information at the start: an estimate that may be on its way to infinity
LARGEST = 300.0  # linear predictors beyond it are taken as overflow
SMALLEST = 1e-100  # products within this of one another are taken together
LOG2_E, LOG_2_HIGH, LOG_2_LOW = 1.4426950408889634, 0.6931471803691238, 1.9082149292705877e-10
ROUNDER, ROUNDER_BITS, EXPONENT_BIAS = 1.5 * 2.0**52, 0x4338000000000000, 1023
SERIES = tuple(1 / math.factorial(k) for k in range(13, -1, -1))


@kernel
def turns_of(begin, stop, n_event, last, n):  # type: ignore[no-untyped-def]
    """The first row at risk at each event, and whether a stratum ends with a row.

    Events are in the order of their groups, those of one group in turn.
    """
    at, ends = np.empty(n_event.sum(), np.int64), np.zeros(n, np.bool_)
    turn = 0
    for g in range(len(begin)):
        ends[stop[g] - 1] = last[g]
        for _ in range(n_event[g]):
            at[turn] = begin[g]
            turn += 1
    return at, ends


@kernel
def workspace(n, n_event):  # type: ignore[no-untyped-def]
    """Arrays that every model writes anew: four of the rows and one of bits, and three of the events."""
    return np.empty((4, n)), np.empty(n), np.empty((3, n_event))


@kernel
def fit_one(x, sets, work, found):  # type: ignore[no-untyped-def]
    """Newton's method from 0: value, start's score and information, coefficient and information, in `found`.

    False where it takes more care: a step that does not rise, or an estimate that may be infinite.
    """
    risk, total = work[0][0], 0.0
    for i in sets[0]:
        total += x[i]
    largest = max(x.max(), -x.min())
    risk[:] = 1.0
    log, mean, information = sums_of_one(x, sets, work)
    coef, value, score = 0.0, -log, total - mean
    found[0], found[1], found[2] = value, score, information
    for _ in range(STEPS):
        if not information > 0.0:
            return False
        step = score / information
        decrement = step * score
        if decrement <= DECREMENT:
            found[3], found[4], found[5] = value + 0.5 * decrement, coef + step, information
            return information >= RUN_OFF * found[2]
        coef += step
        if not abs(coef) * largest < LARGEST:
            return False
        for i in range(len(x)):
            risk[i] = coef * x[i]
        exponentials(risk, work[1])
        log, mean, information = sums_of_one(x, sets, work)
        if not coef * total - log >= value - NEGLIGIBLE * (1 + abs(value)):
            return False
        value, score = coef * total - log, total - mean
    return False


@kernel
def sums_of_one(x, sets, work):  # type: ignore[no-untyped-def]
    """The sum of logarithms, of means, and the information, where risks are written into the workspace."""
    events, _, _, n_event, _, efron, (at, ends) = sets
    rows, _, turns = work
    running_sums(x, rows, ends)
    for k in range(len(at)):
        for a in range(3):
            turns[a, k] = rows[1 + a, at[k]]
    if efron and len(at) and n_event.max() > 1:
        take_turns(x, rows[0], events, n_event, turns)
    means, information = sums_of_turns(turns[0], turns[1], turns[2])
    return sum_of_logarithms(turns[0]), means, information


@fused
def running_sums(x, rows, ends):  # type: ignore[no-untyped-def]
    """Sums of r, r x and r x^2 over each row and those behind it in its stratum."""
    risk, first, second, third = rows[0], rows[1], rows[2], rows[3]
    s0, s1, s2 = 0.0, 0.0, 0.0
    for i in range(len(x) - 1, -1, -1):
        if ends[i]:
            s0, s1, s2 = 0.0, 0.0, 0.0
        own = risk[i] * x[i]
        s0, s1, s2 = s0 + risk[i], s1 + own, s2 + own * x[i]
        first[i], second[i], third[i] = s0, s1, s2


@kernel
def take_turns(x, risk, events, n_event, turns):  # type: ignore[no-untyped-def]
    """Efron's rule for tied events, in place: turn k of d takes away k / d of the sums over the events."""
    at_event, turn = len(events) - 1, 0
    for d in n_event:
        if d > 1:
            event0, event1, event2 = 0.0, 0.0, 0.0
            for i in events[at_event + 1 - d : at_event + 1]:
                own = risk[i] * x[i]
                event0, event1, event2 = event0 + risk[i], event1 + own, event2 + own * x[i]
            for k in range(1, d):
                turns[0, turn + k] -= k / d * event0
                turns[1, turn + k] -= k / d * event1
                turns[2, turn + k] -= k / d * event2
        at_event -= d
        turn += d


@unordered
def sums_of_turns(left, first, second):  # type: ignore[no-untyped-def]
    """The sums of means and of information over the turns."""
    means, information = 0.0, 0.0
    for k in range(len(left)):
        inverse = 1.0 / left[k]
        mean = first[k] * inverse
        means += mean
        information += second[k] * inverse - mean * mean
    return means, information


@kernel
def sum_of_logarithms(values):  # type: ignore[no-untyped-def]
    """Logarithms are taken of products, which are far fewer."""
    log, product = 0.0, 1.0
    for value in values:
        product *= value
        if not SMALLEST < product < 1 / SMALLEST:
            log, product = log + np.log(product), 1.0
    return log + np.log(product)


@fused
def exponentials(values, whole):  # type: ignore[no-untyped-def]
    """Make each value (within LARGEST) its exponential, several at a time, which calls of exp would not be.

    exp(v) = 2^k exp(r) with k the whole number nearest to v / log 2, so that |r| < 0.35 and 13 terms of the
    series are exact to rounding. Adding 1.5 * 2^52 rounds to whole numbers and leaves k in the last bits
    of `whole`, an array as long.
    """
    bits = whole.view(np.int64)
    for i in range(len(values)):
        whole[i] = values[i] * LOG2_E + ROUNDER
    for i in range(len(values)):
        k = whole[i] - ROUNDER
        r = (values[i] - k * LOG_2_HIGH) - k * LOG_2_LOW
        total = SERIES[0]
        for term in SERIES[1:]:
            total = total * r + term
        values[i] = total
    for i in range(len(values)):
        bits[i] = (bits[i] - ROUNDER_BITS + EXPONENT_BIAS) << 52
    for i in range(len(values)):
        values[i] *= whole[i]
