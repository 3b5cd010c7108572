"""The hazard of a population along each one's follow-up: constant within a year of age and a calendar year.

Somebody aged `age` days on day `day` (days since 1 January 1970) is, after `time` days, in the cell of the
age floor((age + time) / days per year) and of the calendar year of that day. Ages and years outside the table
have the hazard of its nearest edge; whether that is wanted is settled before.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .compiled import kernel

MEAN_YEAR = 365.2425


class PopulationRates(NamedTuple):
    """Hazards per day by group, year of age and calendar year.

    `hazard` is [group, age, year], `first_age` the age of its first row, `year_start` the day of 1 January of
    each of its years (consecutive), `days_per_year` the length of a year of age.
    """

    hazard: np.ndarray
    first_age: int
    year_start: np.ndarray
    days_per_year: float


@kernel
def year_cell(rates: PopulationRates, day: float) -> int:
    """The calendar year of a day, counted from the table's first; -1 before it, the last one after it."""
    start = rates.year_start
    last = len(start) - 1
    if day < start[0]:
        return -1
    y = min(int((day - start[0]) / MEAN_YEAR), last)
    while y < last and day >= start[y + 1]:
        y += 1
    while y > 0 and day < start[y]:
        y -= 1
    return y


@kernel
def age_cell(age: float, days_per_year: float) -> int:
    """The completed years of an age in days; k are complete at k * days per year, as that is rounded."""
    a = int(np.floor(age / days_per_year))
    if (a + 1) * days_per_year <= age:
        return a + 1
    return a - 1 if a * days_per_year > age else a


@kernel
def hazard_on(rates: PopulationRates, group: int, age: float, day: float, time: float) -> float:
    """The hazard per day of one person at a time of the follow-up."""
    a = age_cell(age + time, rates.days_per_year) - rates.first_age
    a = min(max(a, 0), rates.hazard.shape[1] - 1)
    return rates.hazard[group, a, max(year_cell(rates, day + time), 0)]


@kernel
def pieces(
    rates: PopulationRates,
    group: int,
    age: float,
    day: float,
    end: float,
    until: np.ndarray,
    rate: np.ndarray,
) -> int:
    """The cells through which one person's follow-up runs, from 0 until `end` or beyond.

    Writes the time at which each is left and its hazard per day; returns how many there are, at most the ages
    and years of the table together. The last age is left never, nor are the edges of the calendar.
    """
    length, start, hazard = rates.days_per_year, rates.year_start, rates.hazard
    last_age, last_year = hazard.shape[1] - 1, hazard.shape[2] - 1
    a = min(age_cell(age, length) - rates.first_age, last_age)
    y = year_cell(rates, day)
    n, now = 0, -1.0
    while now < end:
        birthday = (a + 1 + rates.first_age) * length - age if a < last_age else np.inf
        new_year = start[y + 1] - day if y < last_year else np.inf
        now = min(birthday, new_year)
        if now > 0:
            until[n], rate[n] = now, hazard[group, max(a, 0), max(y, 0)]
            n += 1
        if birthday <= now:
            a = min(a + 1, last_age)
        if new_year <= now:
            y = min(y + 1, last_year)
    return n


@kernel
def most_pieces(rates: PopulationRates) -> int:
    """Room for the pieces of anybody, also of those who are years younger than the table."""
    return rates.hazard.shape[1] + rates.hazard.shape[2] + rates.first_age + 2


@kernel
def cumulative_at(
    rates: PopulationRates, group: int, age: float, day: float, times: np.ndarray, n: int, out: np.ndarray
) -> None:
    """One person's cumulative hazard from 0 to each of the first `n` ascending times, written into `out`.

    The follow-up is walked from border to border of its cells, so the integral is exact.
    """
    until, rate = np.empty(most_pieces(rates)), np.empty(most_pieces(rates))
    if n > 0:
        pieces(rates, group, age, day, times[n - 1], until, rate)
    k, now, total = 0, 0.0, 0.0
    for j in range(n):
        while until[k] < times[j]:
            total += rate[k] * (until[k] - now)
            now = until[k]
            k += 1
        total += rate[k] * (times[j] - now)
        now = times[j]
        out[j] = total


@kernel
def cumulative_hazard(
    rates: PopulationRates,
    group: np.ndarray,
    age: np.ndarray,
    day: np.ndarray,
    begin: np.ndarray,
    end: np.ndarray,
) -> np.ndarray:
    """Each one's cumulative hazard between two times of the follow-up, in days after `day`."""
    result, pair, both = np.empty(len(end)), np.empty(2), np.empty(2)
    for i in range(len(end)):
        both[0], both[1] = begin[i], end[i]
        cumulative_at(rates, group[i], age[i], day[i], both, 2, pair)
        result[i] = pair[1] - pair[0]
    return result


@kernel
def hazards(
    rates: PopulationRates, group: np.ndarray, age: np.ndarray, day: np.ndarray, time: np.ndarray
) -> np.ndarray:
    """Each one's hazard per day at a time of the follow-up."""
    result = np.empty(len(time))
    for i in range(len(time)):
        result[i] = hazard_on(rates, group[i], age[i], day[i], time[i])
    return result


@kernel
def hazard_sums(
    rates: PopulationRates,
    group: np.ndarray,
    age: np.ndarray,
    day: np.ndarray,
    end: np.ndarray,
    times: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Of those with `end` >= t, for each interval that ends in one of the ascending `times`.

    How many they are, and the sum of their hazards integrated over the interval. Each one adds a constant
    between two borders, so that the work is in cells and not in days.
    """
    m = len(times)
    leaving, constant, partly = np.zeros(m + 1), np.zeros(m + 1), np.zeros(m)
    until, rate = np.empty(most_pieces(rates)), np.empty(most_pieces(rates))
    for i in range(len(end)):
        n = np.searchsorted(times, end[i], side="right")
        leaving[n] += 1
        if n == 0:
            continue
        pieces(rates, group[i], age[i], day[i], times[n - 1], until, rate)
        k, j, now = 0, 0, 0.0
        while j < n:
            # the first time that is not before the border, or the last one of this person
            stop = min(np.searchsorted(times[j:n], until[k]) + j, n - 1)
            border = min(until[k], times[stop])
            if stop == j:
                partly[j] += rate[k] * (border - now)
            else:
                partly[j] += rate[k] * (times[j] - now)
                constant[j + 1] += rate[k]
                constant[stop] -= rate[k]
                partly[stop] += rate[k] * (border - times[stop - 1])
            now, j, k = border, stop + (border >= times[stop]), k + (border >= until[k])
    widths = times.copy()
    widths[1:] -= times[:-1]
    n_risk = len(end) - np.cumsum(leaving)[:m]
    return n_risk, partly + np.cumsum(constant)[:m] * widths


@kernel
def survival_sums(
    rates: PopulationRates,
    group: np.ndarray,
    age: np.ndarray,
    day: np.ndarray,
    end: np.ndarray,
    times: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of those with `end` >= t, for each interval that ends in one of the ascending `times`.

    How many they are, and the sums of their expected survival at its start and at its end.
    """
    m = len(times)
    n_risk, before, after = np.zeros(m), np.zeros(m), np.zeros(m)
    cumulative = np.empty(m)
    for i in range(len(end)):
        n = np.searchsorted(times, end[i], side="right")
        cumulative_at(rates, group[i], age[i], day[i], times, n, cumulative)
        survival = 1.0
        for j in range(n):
            n_risk[j] += 1
            before[j] += survival
            survival = np.exp(-cumulative[j])
            after[j] += survival
    return n_risk, before, after
