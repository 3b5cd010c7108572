"""The log-rank family: counts at the event times, weights, scores and their hypergeometric covariance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .compiled import kernel


@dataclass(frozen=True, slots=True, eq=False)
class EventTable:
    """Who is at risk and who has the event, by group, at every event time of every stratum.

    One place per stratum and distinct time at which somebody in it has the event, strata one after the
    other; `n_risk` and `n_event` have one row per group and one column per such time.
    """

    stratum: np.ndarray
    time: np.ndarray
    n_risk: np.ndarray
    n_event: np.ndarray

    def of_groups(self, groups: list[int]) -> EventTable:
        """The table of some of the groups, as if there were no others."""
        n_event = self.n_event[groups]
        seen = n_event.any(axis=0)
        return EventTable(self.stratum[seen], self.time[seen], self.n_risk[groups][:, seen], n_event[:, seen])


def event_table(
    time: np.ndarray,
    event: np.ndarray,
    group: np.ndarray,
    n_group: int,
    *,
    stratum: np.ndarray | None = None,
    entry: np.ndarray | None = None,
    weight: np.ndarray | None = None,
) -> EventTable:
    """Count by group at the event times; an observation is at risk on (entry, time].

    An observation is at risk at the places from `enter` to before `leave` of the table, so that the number at
    risk is a running sum of those who entered less those who left. Nothing loops over patients or strata.
    """
    times = distinct(time[event])
    leave = count_up_to(times, time)
    enter = np.zeros_like(leave) if entry is None else count_up_to(times, entry)
    owner = np.zeros(len(times), dtype=np.intp)
    if stratum is not None:
        cell = stratum * len(times)
        places = distinct(cell[event] + leave[event] - 1)
        leave, enter = (count_up_to(places + 1, cell + reached) for reached in (leave, enter))
        owner, times = places // len(times), times[places % len(times)]

    def count(place: np.ndarray, who: np.ndarray | slice) -> np.ndarray:
        shape = (n_group, len(times) + 1)
        size = None if weight is None else weight[who]
        cells = np.bincount(group[who] * shape[1] + place, size, shape[0] * shape[1])
        return cells.reshape(shape)[:, :-1].astype(float)

    everyone = slice(None)
    n_risk = np.cumsum(count(enter, everyone) - count(leave, everyone), axis=1)
    return EventTable(owner, times, n_risk, count(leave[event] - 1, event))


def distinct(values: np.ndarray) -> np.ndarray:
    """The sorted distinct values; by counting for whole numbers in a short range."""
    whole = _short_whole(values)
    if whole is not None:
        return np.flatnonzero(np.bincount(whole)).astype(values.dtype)
    ordered = np.sort(values)
    return ordered[np.append(True, ordered[1:] != ordered[:-1])]


def count_up_to(times: np.ndarray, values: np.ndarray) -> np.ndarray:
    """How many of the sorted `times` are at or before each value."""
    whole = _short_whole(values)
    if whole is not None:
        return np.searchsorted(times, np.arange(whole.max(initial=0) + 1), side="right")[whole]
    order = np.argsort(values)  # a search for sorted values stays in the cache
    count = np.empty(len(values), dtype=np.intp)
    count[order] = np.searchsorted(times, values[order], side="right")
    return count


def _short_whole(values: np.ndarray) -> np.ndarray | None:
    """The values as integers, where they are whole numbers and counting up to the largest is cheap."""
    if not values.max(initial=0) <= 4 * len(values) + 1000:
        return None
    whole = values.astype(np.int64)
    return whole if (whole == values).all() else None


# ---- weights: one number per place of the table


def fleming_harrington(table: EventTable, rho: float, gamma: float) -> np.ndarray:
    """S(t-)^rho (1 - S(t-))^gamma, with S the Kaplan-Meier estimate of all groups of the stratum."""
    if rho == gamma == 0:
        return np.ones(len(table.time))
    before = survival_before(table)
    return before**rho * (1 - before) ** gamma


def modest(table: EventTable, t_star: float) -> np.ndarray:
    """1 / max(S(t-), S(t*-)): weights that rise until t* and stay there."""
    before = survival_before(table)
    late = table.time >= t_star
    first_late = late & (_begins(table) | ~np.append(False, late[:-1]))
    position = np.maximum.accumulate(np.where(first_late, np.arange(len(late)), 0))
    with np.errstate(divide="ignore"):
        return 1 / np.where(late, before[position], before)


def gehan(table: EventTable) -> np.ndarray:
    """The number at risk."""
    return table.n_risk.sum(axis=0)


def tarone_ware(table: EventTable) -> np.ndarray:
    """The square root of the number at risk."""
    return np.sqrt(gehan(table))


def peto_peto(table: EventTable) -> np.ndarray:
    """The product over event times up to and including t of 1 - d/(n + 1), within the stratum."""
    factor = 1 - table.n_event.sum(axis=0) / (gehan(table) + 1)
    return _product_before(factor, _begins(table)) * factor


def modified_peto(table: EventTable) -> np.ndarray:
    """The Peto-Peto weight times n/(n + 1)."""
    n = gehan(table)
    return peto_peto(table) * n / (n + 1)


WEIGHTS: dict[str, Callable[[EventTable], np.ndarray]] = {
    "gehan": gehan,
    "tarone-ware": tarone_ware,
    "peto-peto": peto_peto,
    "modified-peto": modified_peto,
}


def survival_before(table: EventTable) -> np.ndarray:
    """The Kaplan-Meier estimate of all groups together just before each time, within its stratum."""
    factor = 1 - table.n_event.sum(axis=0) / table.n_risk.sum(axis=0)
    return _product_before(factor, _begins(table))


def _begins(table: EventTable) -> np.ndarray:
    """Which places are the first of their stratum."""
    return np.append(True, table.stratum[1:] != table.stratum[:-1])[: len(table.stratum)]


@kernel
def _product_before(factor, begins):  # type: ignore[no-untyped-def]
    """The running product of the earlier factors, from 1 again where a stratum begins."""
    product = np.empty(len(factor))
    running = 1.0
    for i in range(len(factor)):
        if begins[i]:
            running = 1.0
        product[i] = running
        running *= factor[i]
    return product


# ---- scores


def scores(table: EventTable, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted observed less expected events by group, and their covariance.

    U_j = sum w (d_j - d n_j/n),  V_jl = sum w^2 d (n - d)/(n - 1) (n_j/n) (1[j = l] - n_l/n): given the
    margins at each time the events are a hypergeometric draw. The rows of V sum to zero, which gives its
    diagonal without a subtraction of nearly equal numbers.
    """
    share, d, spread = _shares(table)
    score = (table.n_event - d * share) @ weight
    covariance = -(share * (weight**2 * spread)) @ share.T
    np.fill_diagonal(covariance, 0.0)
    np.fill_diagonal(covariance, -covariance.sum(axis=1))
    return score, covariance


def several_scores(table: EventTable, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The score of the second of two groups under each row of weights, and their covariance."""
    share, d, spread = _shares(table)
    score = weights @ (table.n_event[1] - d * share[1])
    return score, (weights * (spread * share[0] * share[1])) @ weights.T


def expected_events(table: EventTable) -> np.ndarray:
    """Events expected in each group if all had the same hazard: the sum of d n_j/n."""
    share, d, _ = _shares(table)
    return share @ d


def linked_sets(covariance: np.ndarray) -> np.ndarray:
    """For each group the first member of the set of groups that it was compared with, directly or not.

    Two groups with a covariance were at risk together when somebody had the event. A group that never was
    (in R's `survdiff` one with no events expected) is a set of its own.
    """
    edge = (covariance != 0) | np.eye(len(covariance), dtype=bool)
    label = np.arange(len(covariance))
    while True:
        least = np.where(edge, label[None, :], len(label)).min(axis=1)
        if (least == label).all():
            return label
        label = least


def quadratic_form(score: np.ndarray, covariance: np.ndarray, linked: np.ndarray) -> float:
    """U' V^- U: within a set of linked groups V has rank size - 1, so one group of each set is left out."""
    kept = linked != np.arange(len(score))
    return float(score[kept] @ np.linalg.solve(covariance[np.ix_(kept, kept)], score[kept]))


def contrast(score: np.ndarray, covariance: np.ndarray, c: np.ndarray) -> tuple[float, float]:
    """A contrast c'U and its variance c'Vc = -1/2 sum V_jl (c_j - c_l)^2, the rows of V summing to zero."""
    return float(c @ score), float(-0.5 * (covariance * np.subtract.outer(c, c) ** 2).sum())


def _shares(table: EventTable) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each group's share of those at risk, d, and d (n - d)/(n - 1), which is 0 for a single one at risk."""
    n, d = table.n_risk.sum(axis=0), table.n_event.sum(axis=0)
    return table.n_risk / n, d, d * (n - d) / np.maximum(n - 1, 1)
