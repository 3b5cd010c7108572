"""The log-rank type test of net survival (Graffeo and others): excess deaths weighted by 1/S by day."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .compiled import kernel
from .population_hazard import PopulationRates, cumulative_at


class WeightedSums(NamedTuple):
    """Sums over those at risk (begin < t <= end) at each time of a grid, S being population survival at it.

    `n_risk` is the sum of 1/S and `expected` that of 1/S times the hazard since the previous time; `deaths`
    and `squares` are the sums of 1/S and of its square over those who die.
    """

    n_risk: np.ndarray
    expected: np.ndarray
    deaths: np.ndarray
    squares: np.ndarray


def weighted_sums(
    rates: PopulationRates,
    people: tuple[np.ndarray, np.ndarray, np.ndarray],
    begin: np.ndarray,
    end: np.ndarray,
    event: np.ndarray,
    times: np.ndarray,
) -> WeightedSums:
    """The sums at ascending times above 0, among which are every `begin` above 0 and every `end`."""
    n_risk, expected, own = _sums(rates, *people, begin, end, times)
    place = np.searchsorted(times, end[event])
    deaths, squares = (np.bincount(place, own[event] ** p, len(times)) for p in (1, 2))
    return WeightedSums(n_risk, expected, deaths, squares)


@kernel
def _sums(
    rates: PopulationRates,
    group: np.ndarray,
    age: np.ndarray,
    day: np.ndarray,
    begin: np.ndarray,
    end: np.ndarray,
    times: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The sums of those at risk, and 1/S of each one at the end of follow-up."""
    n_risk, expected, own = np.zeros(len(times)), np.zeros(len(times)), np.zeros(len(end))
    cumulative = np.empty(len(times))
    for i in range(len(end)):
        first = np.searchsorted(times, begin[i], side="right")
        n = np.searchsorted(times, end[i], side="right")
        cumulative_at(rates, group[i], age[i], day[i], times, n, cumulative)
        for j in range(first, n):
            own[i] = np.exp(cumulative[j])
            n_risk[j] += own[i]
            expected[j] += own[i] * (cumulative[j] - (cumulative[j - 1] if j > 0 else 0.0))
    return n_risk, expected, own


def scores(groups: list[WeightedSums]) -> tuple[np.ndarray, np.ndarray]:
    """Excess deaths less those that are a group's share of all, and their covariance; one stratum.

    Z_h = sum(dE_h - Y_h/Y dE) with dE_h the weighted excess deaths; its covariance is
    sum over l of (1[h = l] - Y_h/Y) (1[j = l] - Y_j/Y) dN_l/S^2.
    """
    n_risk, expected, deaths, squares = (np.array(sums) for sums in zip(*groups, strict=True))
    total = n_risk.sum(axis=0)
    share = np.divide(n_risk, total, out=np.zeros_like(n_risk), where=total > 0)
    excess = deaths - expected
    score = (excess - share * excess.sum(axis=0)).sum(axis=1)
    cross = share @ squares.T
    covariance = np.diag(squares.sum(axis=1)) - cross - cross.T + (share * squares.sum(axis=0)) @ share.T
    return score, covariance
