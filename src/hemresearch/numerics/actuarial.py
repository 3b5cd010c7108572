"""The actuarial life table of a cohort, with the survival of the population of Ederer II beside it."""

from __future__ import annotations

import numpy as np

from .interval_sums import IntervalPieces
from .interval_survival import IntervalSurvival
from .population_hazard import PopulationRates

NEAR = 1.5e-8  # years: so near to a birthday or a new year it has come


def hazard_of_cell(
    rates: PopulationRates, group: np.ndarray, age: np.ndarray, year: np.ndarray, first_year: int
) -> np.ndarray:
    """The hazard per day at an age and a calendar year with their decimals, as registries compute it."""
    hazard = rates.hazard
    i = np.clip(np.floor(age + NEAR).astype(int) - rates.first_age, 0, hazard.shape[1] - 1)
    j = np.clip(np.floor(year + NEAR).astype(int) - first_year, 0, hazard.shape[2] - 1)
    return np.asarray(hazard[group, i, j])


def survival_of_cell(
    p: IntervalPieces,
    rates: PopulationRates,
    group: np.ndarray,
    age: np.ndarray,
    year: np.ndarray,
    bounds: np.ndarray,
    first_year: int,
) -> np.ndarray:
    """The survival of the population over each interval, added up over those who are alive at its start.

    The hazard is that of the completed age and of the calendar year at the start of the interval; `age` and
    `year` are in years (of `days_per_year`), the bounds in days.
    """
    row, place = p.row[p.whole], p.place[p.whole]
    passed = bounds[place] / rates.days_per_year
    hazard = hazard_of_cell(rates, group[row], age[row] + passed, year[row] + passed, first_year)
    survival = np.exp(-hazard * np.diff(bounds)[place])
    return np.bincount(place, survival, len(bounds) - 1).astype(float)


def actuarial(deaths: np.ndarray, effective: np.ndarray, expected: np.ndarray) -> IntervalSurvival:
    """The products of the observed and of the expected survival of each interval, and their ratio.

    The variance is Greenwood's, of the observed survival.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        observed, population = np.cumprod(1 - deaths / effective), np.cumprod(expected)
        root = np.sqrt(np.cumsum(deaths / (effective * (effective - deaths))))
        ratio = observed / population
        return IntervalSurvival(observed, population, ratio, ratio * root)
