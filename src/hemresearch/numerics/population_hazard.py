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
    """The completed years of an age in days; k years are complete at k * days per year, as that is rounded."""
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
def cumulative_at(
    rates: PopulationRates, group: int, age: float, day: float, times: np.ndarray, n: int, out: np.ndarray
) -> None:
    """One person's cumulative hazard from 0 to each of the first `n` ascending times, written into `out`.

    The follow-up is walked from border to border of its cells, so the integral is exact.
    """
    length, start, hazard = rates.days_per_year, rates.year_start, rates.hazard
    last_age, last_year = hazard.shape[1] - 1, hazard.shape[2] - 1
    a = age_cell(age, length) - rates.first_age
    y = year_cell(rates, day)
    # the next birthday, and the next 1 January, of the table, in days of follow-up; none beyond its edges
    birthday = (a + 1 + rates.first_age) * length - age if a < last_age else np.inf
    new_year = start[y + 1] - day if y < last_year else np.inf
    now = total = 0.0
    for j in range(n):
        while True:
            rate = hazard[group, max(a, 0) if a < last_age else last_age, max(y, 0)]
            until = min(birthday, new_year, times[j])
            if until > now:
                total += rate * (until - now)
                now = until
            if until >= times[j]:
                break
            if birthday <= until:
                a += 1
                birthday = (a + 1 + rates.first_age) * length - age if a < last_age else np.inf
            if new_year <= until:
                y += 1
                new_year = start[y + 1] - day if y < last_year else np.inf
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
def expected_sums(
    rates: PopulationRates,
    group: np.ndarray,
    age: np.ndarray,
    day: np.ndarray,
    until: np.ndarray,
    times: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Sums over those with `until` >= t, for each interval that ends in one of the ascending `times`.

    How many they are, their hazards within the interval, and their expected survival at its start and at its
    end.
    """
    m = len(times)
    n_risk, hazard, before, after = np.zeros(m), np.zeros(m), np.zeros(m), np.zeros(m)
    cumulative = np.empty(m)
    for i in range(len(until)):
        n = np.searchsorted(times, until[i], side="right")
        cumulative_at(rates, group[i], age[i], day[i], times, n, cumulative)
        previous, survival = 0.0, 1.0
        for j in range(n):
            n_risk[j] += 1
            hazard[j] += cumulative[j] - previous
            before[j] += survival
            previous, survival = cumulative[j], np.exp(-cumulative[j])
            after[j] += survival
    return n_risk, hazard, before, after
