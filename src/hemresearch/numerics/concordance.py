"""Concordance of a score with survival: comparable pairs, counted with trees over the ranks of the score.

A pair is comparable when one of the two has the event while the other is at risk and goes on: at an event at
t that is everybody with entry < t and time > t, and whoever is censored at t. Two passes over the times see
every row in both parts: backwards as the one with the event, among those at risk; forwards as the one who
outlives events.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .compiled import kernel
from .fenwick import add, below

# A pair of an event at t is worth a power of 1/G(t-) times one of 1/n(t), with n the number at risk. R's
# S n0/n, S n0/(G n) and 1/G^2 are these, as n(t) = n0 S(t-) G(t-) if events precede censorings at their time.
TIME_WEIGHTS = {"n": (0, 0), "S": (1, 0), "S/G": (2, 0), "n/G2": (2, 0), "I": (0, 1)}
ROUNDING = 1e-13  # sums of fractional weights that cancel leave this share of all pairs, which is none


@dataclass(frozen=True, slots=True, eq=False)
class ConcordanceCounts:
    """Weighted numbers of pairs, and what each row contributes to the concordance.

    Concordant pairs have the higher score on the one with the event, `tied_x` equal scores; `tied_y` are
    pairs with their events at the same time, `tied_xy` of them those with equal scores, which `tied_y` leaves
    out. `value` is (concordant + tied_x / 2) / (concordant + discordant + tied_x), NaN without such pairs.
    `influence` is the weight of each row times the derivative of `value` by it: squared and summed, or summed
    over clusters first, it gives the infinitesimal jackknife's variance.
    """

    value: float
    influence: np.ndarray
    concordant: float
    discordant: float
    tied_x: float
    tied_y: float
    tied_xy: float


def concordance_counts(
    time: np.ndarray,
    event: np.ndarray,
    score: np.ndarray,
    *,
    entry: np.ndarray | None = None,
    stratum: np.ndarray | None = None,
    weight: np.ndarray | None = None,
    time_weight: str = "n",
    tau: float = np.inf,
) -> ConcordanceCounts:
    """Count the pairs within each stratum whose event is at or before `tau`; delayed entry wants "n".

    Numbers at risk and the censoring's Kaplan-Meier curve G are those of the stratum, and are taken as
    constants by the influence (as in R's `survival`).
    """
    size = np.ones(len(time)) if weight is None else weight
    order = _by_time(time, event, stratum)
    ends = _ends(len(time), None if stratum is None else stratum[order])
    t, happened, w = time[order], event[order], size[order]
    rank = _ranks(score, stratum)[order]
    start, by_entry = _by_entry(entry, stratum, order)
    value = np.where(happened & (t <= tau), 1.0, 0.0)
    if time_weight != "n":
        value *= _value_of_events(t, happened, w, ends, *TIME_WEIGHTS[time_weight])
    counts, change = _with_event(t, happened, rank, w, value, ends, start, by_entry)
    _outliving(change, t, happened, rank, w, value, ends, start, by_entry)
    return _summary(counts, change, order, size)


def _summary(
    counts: np.ndarray, change: np.ndarray, order: np.ndarray, size: np.ndarray
) -> ConcordanceCounts:
    """The counts of pairs with their concordance, and the influences in the order of the data."""
    pairs = counts[:3].sum()
    if pairs == 0:
        return ConcordanceCounts(np.nan, np.zeros(len(order)), *map(float, counts))
    counts = np.where(counts <= ROUNDING * pairs, 0.0, counts)
    excess = (counts[0] - counts[1]) / pairs
    sorted_influence = ((change[0] - change[1]) - excess * change.sum(axis=0)) / (2 * pairs)
    influence = np.empty(len(order))
    influence[order] = sorted_influence
    return ConcordanceCounts(float((1 + excess) / 2), size * influence, *map(float, counts))


def _by_time(time: np.ndarray, event: np.ndarray, stratum: np.ndarray | None) -> np.ndarray:
    """The order by stratum and time, events before censorings.

    The bits of a non-negative float64 order as an integer does, with the sign bit unused.
    """
    key = (time + 0.0).view(np.uint64) << np.uint64(1)  # a copy, in which -0.0 is 0.0
    key |= ~event
    return np.argsort(key) if stratum is None else np.lexsort((key, stratum))


def _ends(n: int, stratum: np.ndarray | None) -> np.ndarray:
    """Where each stratum ends among the sorted rows."""
    if stratum is None:
        return np.array([n])
    return np.append(np.flatnonzero(stratum[1:] != stratum[:-1]) + 1, n)


def _ranks(score: np.ndarray, stratum: np.ndarray | None) -> np.ndarray:
    """The rank of each score in its stratum, from 0 and without gaps."""
    if stratum is None:
        return _dense(score, np.zeros(1, np.intp), np.argsort(score))
    return _dense(score, stratum, np.lexsort((score, stratum)))


def _by_entry(
    entry: np.ndarray | None, stratum: np.ndarray | None, order: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Entries of the sorted rows, and their places by stratum and entry; empty without entries."""
    if entry is None:
        return np.empty(0), np.empty(0, np.intp)
    start = entry[order]
    return start, np.argsort(start) if stratum is None else np.lexsort((start, stratum[order]))


@kernel
def _dense(score, stratum, order):  # type: ignore[no-untyped-def]
    """Ranks from the order; `stratum` has one element where there is one stratum."""
    rank = np.zeros(len(order), np.int64)
    several = len(stratum) > 1
    for i in range(1, len(order)):
        row, before = order[i], order[i - 1]
        if several and stratum[row] != stratum[before]:
            continue
        rank[row] = rank[before] + (score[row] != score[before])
    return rank


@kernel
def _value_of_events(time, event, weight, ends, censored_power, risk_power):  # type: ignore[no-untyped-def]
    """G(t-)^-a n(t)^-b for every row: the censoring's curve and the number at risk of its stratum.

    Those with the event at t have left before a censoring at t, as R's `concordance` has it.
    """
    risk = np.empty(len(time))
    value = np.empty(len(time))
    begin = 0
    for end in ends:
        running = 0.0
        for i in range(end - 1, begin - 1, -1):
            running += weight[i]
            risk[i] = running
        uncensored = 1.0
        i = begin
        while i < end:
            first = i
            while i < end and time[i] == time[first] and event[i]:
                i += 1
            at_censoring = i
            while i < end and time[i] == time[first]:
                i += 1
            value[first:i] = uncensored**-censored_power * risk[first] ** -risk_power
            if i > at_censoring:
                uncensored *= (risk[i] if i < end else 0.0) / risk[at_censoring]
        begin = end
    return value


@kernel
def _largest_stratum(ends):  # type: ignore[no-untyped-def]
    """The number of rows of the largest stratum."""
    largest = begin = 0
    for end in ends:
        largest = max(largest, end - begin)
        begin = end
    return largest


@kernel
def _with_event(time, event, rank, weight, value, ends, entry, by_entry):  # type: ignore[no-untyped-def]
    """Backwards: each event among those at risk who go on. The five counts, and their changes by its weight.

    Rows, not only weights, at risk are counted: fractional weights that left need not cancel to 0.
    """
    counts = np.zeros(5)
    change = np.zeros((3, len(time)))
    size = _largest_stratum(ends)
    whole_tree, at, here = np.zeros(size + 1), np.zeros(size), np.zeros(size)
    begin = 0
    for end in ends:
        tree = whole_tree[: rank[begin:end].max() + 2]
        tree[:] = 0.0
        at[: len(tree) - 1] = 0.0
        total, n_risk = 0.0, 0
        last, k = end - 1, end - 1
        while last >= begin:
            i = last
            while i >= begin and time[i] == time[last] and not event[i]:
                add(tree, rank[i], weight[i])
                at[rank[i]] += weight[i]
                total += weight[i]
                i -= 1
            n_risk += last - i
            deaths = i
            if i >= begin and time[i] == time[last]:
                while len(entry) and k >= begin and entry[by_entry[k]] >= time[last]:
                    row = by_entry[k]
                    add(tree, rank[row], -weight[row])
                    at[rank[row]] -= weight[row]
                    total -= weight[row]
                    n_risk -= 1
                    k -= 1
            tied = 0.0
            while i >= begin and time[i] == time[last]:
                v, r = value[i], rank[i]
                if n_risk and v > 0:
                    lower = below(tree, r)
                    change[0, i] = v * lower
                    change[1, i] = v * (total - lower - at[r])
                    change[2, i] = v * at[r]
                    for c in range(3):
                        counts[c] += weight[i] * change[c, i]
                counts[3] += v * weight[i] * (tied - here[r])
                counts[4] += v * weight[i] * here[r]
                tied += weight[i]
                here[r] += weight[i]
                i -= 1
            for j in range(i + 1, deaths + 1):
                add(tree, rank[j], weight[j])
                at[rank[j]] += weight[j]
                total += weight[j]
                here[rank[j]] = 0.0
            n_risk += deaths - i
            last = i
        begin = end
    return counts, change


@kernel
def _outliving(change, time, event, rank, weight, value, ends, entry, by_entry):  # type: ignore[no-untyped-def]
    """Forwards: to the changes of each row, add the events that it outlives after its entry."""
    size = _largest_stratum(ends)
    whole_tree, at = np.zeros(size + 1), np.zeros(size)
    begin = 0
    for end in ends:
        tree = whole_tree[: rank[begin:end].max() + 2]
        tree[:] = 0.0
        at[: len(tree) - 1] = 0.0
        total = 0.0
        i, k = begin, begin
        while i < end:
            first = i
            while len(entry) and k < end and entry[by_entry[k]] < time[first]:
                _compare(change, by_entry[k], rank[by_entry[k]], tree, at, total, -1.0)
                k += 1
            while i < end and time[i] == time[first] and event[i]:
                _compare(change, i, rank[i], tree, at, total, 1.0)
                i += 1
            for j in range(first, i):
                if value[j] > 0:
                    add(tree, rank[j], value[j] * weight[j])
                    at[rank[j]] += value[j] * weight[j]
                    total += value[j] * weight[j]
            while i < end and time[i] == time[first]:
                _compare(change, i, rank[i], tree, at, total, 1.0)
                i += 1
        begin = end


@kernel
def _compare(change, row, rank, tree, at, total, sign):  # type: ignore[no-untyped-def]
    """Add to (or, with -1, take from) a row's changes the events in the tree."""
    if total > 0:
        lower = below(tree, rank)
        change[0, row] += sign * (total - lower - at[rank])
        change[1, row] += sign * lower
        change[2, row] += sign * at[rank]
