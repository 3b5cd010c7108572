"""The cumulative incidence of one of several causes (Aalen-Johansen) and its closed-form variances.

F(t) = sum over s <= t of S(s-) d(s)/n(s), with d the events of the cause, n at risk and S the probability of
being free of all events. Where everybody at risk has an event S is 0 from then on, and F stays.
"""

from __future__ import annotations

import numpy as np

from .compiled import inlined, kernel
from .risk_sets import RiskSets, place
from .robust_curve import ROUNDING


def events_at(r: RiskSets, time: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    """How many (by weight) of some events, such as those of one cause, there are at each time of `r`."""
    if weight is None:
        counts: np.ndarray = _tally(np.sort(time), r.time)  # in order they are found several times faster
        return counts
    return np.bincount(place(time, r.time), weight, len(r.time)).astype(float)


@kernel
def _tally(ordered, distinct):  # type: ignore[no-untyped-def]
    """How many of some times in order there are at each of the distinct times, which hold them all."""
    counts = np.zeros(len(distinct))
    at = 0
    for t in ordered:
        while distinct[at] < t:
            at += 1
        counts[at] += 1
    return counts


def event_free_before(r: RiskSets) -> np.ndarray:
    """The probability of being free of all events just before each time of `r`."""
    return np.append(1.0, np.cumprod(1 - r.n_event / r.n_risk)[:-1])


def incidence(r: RiskSets, n_cause: np.ndarray, before: np.ndarray) -> np.ndarray:
    """The cumulative incidence at each time of `r`.

    `r` are the risk sets of all causes together, `n_cause` the events of one cause and `before` the
    probability of being free of all of them just before each time.
    """
    return np.minimum(np.cumsum(before * n_cause / r.n_risk), 1.0)


def incidence_variance(r: RiskSets, n_cause: np.ndarray, before: np.ndarray) -> np.ndarray:
    """The variance of F from multinomial events at each time, as of etm.

    With h_k = d_k/n of the cause and h of all causes, an event time adds S(s-)^2 h_k (1 - h_k) / n to the
    variance of F, S(s-) h_k / n to its covariance with -log S, and h / (n (1 - h)) to the variance of that.
    Where everybody is followed from the start it is also the infinitesimal jackknife's.
    """
    variance: np.ndarray = _multinomial(r.n_risk, r.n_event, n_cause, before)
    return variance


def aalen_variance(r: RiskSets, n_cause: np.ndarray, before: np.ndarray) -> np.ndarray:
    """The variance that cmprsk::cuminc gives: each cause's events on their own, as Poisson counts.

    Tied events of a cause are taken as drawn without replacement: d/n^2 (1 - (d - 1)/(n - 1)).
    """
    survival = before * (1 - r.n_event / r.n_risk)
    own, other = (before**2 * _without_replacement(d, r.n_risk) for d in (n_cause, r.n_event - n_cause))
    divisor = np.where(survival > 0, survival, np.inf)
    step = before * n_cause / r.n_risk
    variance: np.ndarray = _accumulated(step, own, own / divisor, (own + other) / divisor**2)
    return variance


def _without_replacement(d: np.ndarray, n: np.ndarray) -> np.ndarray:
    """d/n^2 (1 - (d - 1)/(n - 1)), the last factor for several events."""
    return d / n**2 * np.where(d > 1, 1 - (d - 1) / np.maximum(n - 1, 1.0), 1.0)


@kernel
def _multinomial(n_risk, n_event, n_cause, before):  # type: ignore[no-untyped-def]
    """The variance of F at each time, in one pass."""
    variance = np.empty(len(n_risk))
    total = covariance = spread = largest = 0.0
    for s in range(len(n_risk)):
        if n_event[s] > 0:
            n, left = n_risk[s], n_risk[s] - n_event[s]
            share = n_cause[s] / n
            step = before[s] * share
            own, shared = step * before[s] * (1 - share) / n, step / n
            more = n_event[s] / (n * left) if left > 0 else 0.0
            total, covariance, spread = _moved(total, covariance, spread, step, own, shared, more)
        largest = max(largest, total)
        variance[s] = total if total > ROUNDING * largest else 0.0
    return variance


@kernel
def _accumulated(step, own, shared, more):  # type: ignore[no-untyped-def]
    """The variance of F at each time, from what each time brings."""
    variance = np.empty(len(step))
    total = covariance = spread = largest = 0.0
    for s in range(len(step)):
        total, covariance, spread = _moved(total, covariance, spread, step[s], own[s], shared[s], more[s])
        largest = max(largest, total)
        variance[s] = total if total > ROUNDING * largest else 0.0
    return variance


@inlined
def _moved(total, covariance, spread, step, own, shared, more):  # type: ignore[no-untyped-def]
    """The variance of F, its covariance with log S and the variance of that, after one more time.

    F moves by `step` times what S was off before, and by its own error: a running form of the sum of
    own - 2 X shared S + X^2 more S^2 with X = (F(t) - F(s)) / S(s), which adds what each time brings and so
    does not take differences of large sums.
    """
    total += step * (2 * covariance + step * spread) + own
    return total, covariance + step * spread - shared, spread + more


def moved_at(
    r: RiskSets, estimate: np.ndarray, before: np.ndarray, at: float
) -> tuple[np.ndarray, np.ndarray]:
    """What an event at each time moves F(at) by: one of the cause, and, as well, one of any cause.

    S(s-)/n, and minus (F(at) - F(s)) / (n - d).
    """
    early = r.time <= at
    end = np.append(0.0, estimate)[early.sum()]
    return np.where(early, before / r.n_risk, 0.0), -_per_survivor(r, np.where(early, end - estimate, 0.0))


def moved_up_to(
    r: RiskSets, area: np.ndarray, estimate: np.ndarray, before: np.ndarray, tau: float
) -> tuple[np.ndarray, np.ndarray]:
    """The same for the area under F up to tau; `area` is what is left of it after each time."""
    left = np.maximum(tau - r.time, 0.0)
    return before / r.n_risk * left, -_per_survivor(r, area - estimate * left)


def _per_survivor(r: RiskSets, value: np.ndarray) -> np.ndarray:
    """Divided by those who are left, and 0 where nobody is."""
    left = r.n_risk - r.n_event
    return np.where(left > 0, value / np.where(left > 0, left, 1.0), 0.0)


def multinomial_variance(r: RiskSets, n_cause: np.ndarray, moved: tuple[np.ndarray, np.ndarray]) -> float:
    """The variance of what events move (see `moved_at`), as multinomial counts at each time."""
    own, either = moved
    share, total = n_cause / r.n_risk, r.n_event / r.n_risk
    spread = own**2 * share * (1 - share) + (2 * own * share + either * total) * either * (1 - total)
    return float(np.sum(r.n_risk * spread))


def row_influence(
    r: RiskSets,
    n_cause: np.ndarray,
    moved: tuple[np.ndarray, np.ndarray],
    time: np.ndarray,
    cause: np.ndarray,
    event: np.ndarray,
    entry: np.ndarray | None,
) -> np.ndarray:
    """The derivative with respect to the weight of each row: its own event, less those expected of it.

    `cause` is whether the row's event is of the cause, `event` whether it has one.
    """
    own, either = moved
    drift = np.append(0.0, np.cumsum((own * n_cause + either * r.n_event) / r.n_risk))
    leave = place(time, r.time)
    enter = 0 if entry is None else np.searchsorted(r.time, entry, side="right")
    return cause * own[leave] + event * either[leave] - drift[leave + 1] + drift[enter]
