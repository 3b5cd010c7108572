"""What relsurv's rs.surv (2.2-9) does in steps, to show where it differs from the formulas.

Pohar Perme: the weighted population hazard of the days since the last exit is, day after day, the mean of
sum(lambda/S)/sum(1/S) with S at the day's beginning and at its end. `rs.surv` adds each day's four sums to
those of the days before, since the last exit, so that a day's value is rather the mean over these days.

Hakulinen: expected survival is exp(-sum of sum(S dH)/sum(S)) over the intervals between exits, S being taken
at the end of each.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from hemresearch.columns import read_table
from hemresearch.lifetable import LifeTable, People, population_roles, read_people
from hemresearch.numerics.population_hazard import cumulative_at, hazards


class Hazards(NamedTuple):
    """Steps of the cumulative excess hazard at the exit times: as in relsurv, and as it should be."""

    time: np.ndarray
    relsurv: np.ndarray
    exact: np.ndarray


def pohar_perme_by_days(
    data: pl.DataFrame, life_table: LifeTable, *, time: str, event: str, date: str, age: str, age_unit: str
) -> Hazards:
    """Both integrals by days, from the sums of a loop over patients."""
    people = _people(data, life_table, date, age, age_unit)
    end, dead = data[time].to_numpy().astype(int), data[event].to_numpy() == 1
    last = int(end.max())
    sums = np.zeros((4, last + 1))  # by day: lambda/S and 1/S at its beginning, and at its end
    own = np.zeros(len(end))
    for i, n in enumerate(end):
        many = np.ones(n)
        where = (many.astype(int) * people.group[i], many * people.age[i], many * people.day[i])
        rate = hazards(life_table.rates, *where, np.arange(n, dtype=float))
        one = np.exp(np.concatenate([[0.0], np.cumsum(rate)]))
        sums[:, 1 : n + 1] += [rate * one[:-1], one[:-1], rate * one[1:], one[1:]]
        own[i] = one[-1]
    exits = np.unique(end)
    is_exit = np.isin(np.arange(last + 1), exits)
    running, exact, total = np.zeros(last + 1), np.zeros(last + 1), np.zeros(4)
    for day in range(1, last + 1):
        total = total * (not is_exit[day - 1]) + sums[:, day]
        running[day] = running[day - 1] + (total[0] / total[1] + total[2] / total[3]) / 2
        exact[day] = exact[day - 1] + np.log(sums[3, day] / sums[1, day])
    deaths = np.bincount(end, own * dead, last + 1)[exits] / sums[3, exits]
    return Hazards(exits, *(deaths - np.diff(h[exits], prepend=0.0) for h in (running, exact)))


def expected_by_hakulinen(
    data: pl.DataFrame,
    life_table: LifeTable,
    *,
    potential: str,
    times: np.ndarray,
    date: str,
    age: str,
    age_unit: str,
) -> np.ndarray:
    """Expected survival at the times, as `rs.surv` sums it."""
    people = _people(data, life_table, date, age, age_unit)
    above, below = np.zeros(len(times)), np.zeros(len(times))
    cumulative = np.zeros(len(times))
    for i, end in enumerate(data[potential].to_numpy()):
        n = int(np.searchsorted(times, end, side="right"))
        cumulative_at(life_table.rates, people.group[i], people.age[i], people.day[i], times, n, cumulative)
        survival = np.exp(-cumulative[:n])
        above[:n] += survival * np.diff(cumulative[:n], prepend=0.0)
        below[:n] += survival
    return np.exp(-np.cumsum(above / below))


def _people(data: pl.DataFrame, life_table: LifeTable, date: str, age: str, age_unit: str) -> People:
    roles = population_roles(life_table, sex="sex", date=date, birth=None, age=age)
    return read_people(read_table(data, roles), life_table, age_unit=age_unit)
