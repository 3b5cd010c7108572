"""The actuarial life table of a cohort, with the survival of the population of Ederer II beside it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from .intervals import PROBABILITY, transformed_limits
from .population_hazard import PopulationRates


def interval_counts(
    end: np.ndarray, event: np.ndarray, bounds: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Alive at the start of each interval (a, b], deaths in it, and those whose follow-up ends before b.

    Follow-up of no time at all belongs to the first interval.
    """
    place = np.maximum(np.searchsorted(bounds, end, side="left") - 1, 0)
    m = len(bounds) - 1
    left = np.bincount(place, minlength=m + 1)
    deaths = np.bincount(place[event], minlength=m + 1)
    whole = np.isin(end, bounds[1:]) & ~event
    withdrawn = left - deaths - np.bincount(place[whole], minlength=m + 1)
    alive = left.sum() - np.concatenate([[0], np.cumsum(left)[:-1]])
    return alive[:m].astype(float), deaths[:m].astype(float), withdrawn[:m].astype(float)


def expected_of_intervals(
    rates: PopulationRates,
    group: np.ndarray,
    age: np.ndarray,
    year: np.ndarray,
    end: np.ndarray,
    bounds: np.ndarray,
    first_year: int,
) -> np.ndarray:
    """The mean survival of the population over each interval, of those who are alive at its start.

    The hazard is that of the completed age and of the calendar year at the start of the interval; `age` and
    `year` are in years (of `days_per_year`), `end` and the bounds in days.
    """
    length, hazard = rates.days_per_year, rates.hazard
    result = np.full(len(bounds) - 1, np.nan)
    for k, (a, b) in enumerate(pairwise(bounds)):
        alive = (end > a) | (a == 0)
        if not alive.any():
            break
        passed = a / length
        i = np.clip(np.floor(age[alive] + passed).astype(int) - rates.first_age, 0, hazard.shape[1] - 1)
        j = np.clip(np.floor(year[alive] + passed).astype(int) - first_year, 0, hazard.shape[2] - 1)
        result[k] = np.exp(-hazard[group[alive], i, j] * (b - a)).mean()
    return result


def actuarial(
    alive: np.ndarray, deaths: np.ndarray, withdrawn: np.ndarray, expected: np.ndarray, conf_level: float
) -> dict[str, np.ndarray]:
    """Interval and cumulative survival, observed, expected and relative, as registries print them.

    Half of those withdrawn count as at risk. Greenwood's variance is that of the observed survival, whose
    log(-log) limits are divided by the expected.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        effective = alive - withdrawn / 2
        interval = 1 - deaths / effective
        observed, population = np.cumprod(interval), np.cumprod(expected)
        root = np.sqrt(np.cumsum(deaths / (effective * (effective - deaths))))
        low, high = transformed_limits(observed, observed * root, PROBABILITY["log-log"], conf_level)
        return {
            "effective": effective,
            "interval_observed": interval,
            "interval_expected": expected,
            "interval_relative": interval / expected,
            "observed": observed,
            "expected": population,
            "estimate": observed / population,
            "std_error": observed * root / population,
            "conf_low": low / population,
            "conf_high": high / population,
        }
