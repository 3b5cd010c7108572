"""Sums over those at risk of a function of each one's cumulative population hazard, and net survival by them.

With S_i(t) one's own population survival, the estimator of Pohar Perme needs sums of 1/S_i. Since
d(1/S_i) = lambda_i/S_i dt, the weighted population hazard of an interval within which nobody enters or leaves

    integral of  sum(Y_i lambda_i/S_i) / sum(Y_i/S_i) dt  =  log(sum(Y_i/S_i(end)) / sum(Y_i/S_i(begin)))

has a closed form, without the error of steps.

The hazard is that of each whole day of follow-up: a birthday counts from the day of follow-up that begins at
or after it, as relsurv has it (ages are exact to the day, birthdays by a year of 365.24 days are not).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .compiled import kernel
from .population_hazard import PopulationRates, most_pieces, pieces

ROUNDING = 1e-7  # days, by which a birthday that falls on a whole day may be late


class RiskSums(NamedTuple):
    """Sums over those at risk, (begin, end], at the ascending times of a grid that begins with 0.

    `before` is the sum at the previous time and `after` that at the time itself, over those at risk between
    the two (`before` at 0: as `after`). `own` is each one's value, without weight, when follow-up ends.
    """

    before: np.ndarray
    after: np.ndarray
    own: np.ndarray


@kernel
def stretches(
    rates: PopulationRates,
    group: int,
    age: float,
    day: float,
    end: float,
    until: np.ndarray,
    rate: np.ndarray,
) -> None:
    """The pieces of one person's follow-up, their borders at whole days."""
    n = pieces(rates, group, age, day, end, until, rate)
    for k in range(n):
        until[k] = np.ceil(until[k] - ROUNDING)


@kernel
def _walk(
    rates: PopulationRates,
    group: np.ndarray,
    age: np.ndarray,
    day: np.ndarray,
    begin: np.ndarray,
    end: np.ndarray,
    times: np.ndarray,
    weight: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Sums of w/S, one addition for each person and time of the grid.

    At each time over those who are and stay at risk (begin < t < end), who come (begin = t) and who leave
    (end = t); apart, so that no small sum is the difference of large ones. Last, each one's 1/S at the end.
    """
    stay, come, leave = np.zeros(len(times)), np.zeros(len(times)), np.zeros(len(times))
    own = np.ones(len(end))
    until, rate = np.empty(most_pieces(rates)), np.empty(most_pieces(rates))
    for i in range(len(end)):
        j, last = np.searchsorted(times, begin[i]), np.searchsorted(times, end[i])
        x, w, now, k = 1.0, weight[i], 0.0, 0
        if last == 0:  # nobody is at risk for a time, but all are at time 0
            leave[0] += w
            continue
        stretches(rates, group[i], age[i], day[i], end[i], until, rate)
        while until[k] < begin[i]:
            x *= np.exp(rate[k] * (until[k] - now))
            now = until[k]
            k += 1
        x *= np.exp(rate[k] * (begin[i] - now))
        now = begin[i]
        come[j] += w * x
        j += 1
        step, factor = -1.0, 1.0
        while j < last:
            if times[j] > until[k]:
                x *= np.exp(rate[k] * (until[k] - now))
                now, step = until[k], -1.0
                k += 1
                continue
            if times[j] - now != step:
                step = times[j] - now
                factor = np.exp(rate[k] * step)
            x *= factor
            now = times[j]
            stay[j] += w * x
            j += 1
        while now < end[i]:
            border = min(until[k], end[i])
            x *= np.exp(rate[k] * (border - now))
            now = border
            k += 1
        leave[last] += w * x
        own[i] = x
    return stay, come, leave, own


def risk_sums(
    rates: PopulationRates,
    people: tuple[np.ndarray, np.ndarray, np.ndarray],
    begin: np.ndarray,
    end: np.ndarray,
    times: np.ndarray,
    weight: np.ndarray,
) -> RiskSums:
    """Sums of w/S_i; `people` are the group, age and day of each.

    The times hold 0 and every `begin` and `end`. At time 0 all who begin there are at risk.
    """
    stay, come, leave, own = _walk(rates, *people, begin, end, times, weight)
    before = np.concatenate([[0.0], (stay + come)[:-1]])
    after = stay + leave
    before[0] = after[0] = come[0] + leave[0]
    return RiskSums(before, after, own)


@kernel
def expected_deaths(
    rates: PopulationRates,
    group: np.ndarray,
    age: np.ndarray,
    day: np.ndarray,
    begin: np.ndarray,
    end: np.ndarray,
    times: np.ndarray,
    weight: np.ndarray,
) -> np.ndarray:
    """The sum over those at risk of w times the hazard within each interval of the grid (0 at time 0)."""
    result = np.zeros(len(times))
    until, rate = np.empty(most_pieces(rates)), np.empty(most_pieces(rates))
    for i in range(len(end)):
        j, last = np.searchsorted(times, begin[i]) + 1, np.searchsorted(times, end[i])
        now, k = begin[i], 0
        if last == 0:
            continue
        stretches(rates, group[i], age[i], day[i], end[i], until, rate)
        while until[k] < begin[i]:
            k += 1
        while j <= last:
            border = min(times[j], until[k])
            result[j] += weight[i] * rate[k] * (border - now)
            now = border
            if border == times[j]:
                j += 1
            else:
                k += 1
    return result


def excess_hazard(
    sums: RiskSums, place: np.ndarray, event: np.ndarray, weight: np.ndarray, square: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Steps of the cumulative excess hazard of Pohar Perme at each time, and of its variance.

    dN_w/Y_w less the integral of the weighted population hazard since the previous time; the variance is
    sum(dN/S^2) / Y_w^2. `place` is where on the grid each one leaves, `square` the weight in the variance.
    """
    m = len(sums.after)
    deaths = np.bincount(place[event], (weight * sums.own)[event], m)
    squares = np.bincount(place[event], (square * sums.own**2)[event], m)
    with np.errstate(divide="ignore", invalid="ignore"):
        population = np.where(sums.after > 0, np.log(sums.after / sums.before), 0.0)
        return at_risk(deaths, sums.after) - population, at_risk(squares, sums.after**2)


def at_risk(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """A ratio, 0 where nobody is at risk."""
    return np.divide(numerator, denominator, out=np.zeros(len(numerator)), where=denominator > 0)
