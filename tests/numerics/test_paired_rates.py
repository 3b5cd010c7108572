"""Rates of the same patients in two periods: R's models, by hand, and what must hold."""

from __future__ import annotations

import numpy as np
import pytest
from reference_cases import assert_close, load_reference

from hemresearch.numerics.paired_rates import population_difference, population_ratio, within_ratio


def pairs(seed: int, n: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    time = rng.uniform(0.5, 2, (n, 2))
    return rng.poisson(4 * rng.gamma(1, 1, (n, 1)) * time).astype(float), time


def test_matches_models_with_sandwich_variances():
    """A Poisson model with an effect of each patient (of those who bled), GEE, a linear rate model."""
    case = load_reference("bleeding", "switch")
    d, v = case.options["data"], case.values
    count, time = (np.array(d[name], dtype=float).reshape(-1, 2) for name in ("bleeds", "years"))
    assert_close(within_ratio(count, time), [v["within"], v["within_se"]], rel=1e-6)
    assert_close(population_ratio(count, time), [v["population"], v["population_se"]], rel=1e-6)
    assert_close(population_difference(count, time), [v["difference"], v["difference_se"]], rel=1e-6)


def test_two_patients_by_hand():
    """Equal times: the ratio of sums, 3 / 6; each patient moves it by y1 - n / 3, over the information."""
    count, time = np.array([[4.0, 1.0], [2.0, 2.0]]), np.ones((2, 2))
    log_ratio, error = within_ratio(count, time)
    assert_close(log_ratio, np.log(0.5), rel=1e-12)
    assert_close(error, np.sqrt((1 - 5 / 3) ** 2 + (2 - 4 / 3) ** 2) / (9 * 2 / 9), rel=1e-12)
    assert_close(population_ratio(count, time)[0], np.log(0.5), rel=1e-12)
    difference, error = population_difference(count, time)
    assert_close([difference, error], [-1.5, np.sqrt(2 * (1.5 / 2) ** 2)], rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_truths(seed):
    count, time = pairs(seed)
    for ratio in (within_ratio, population_ratio):
        log_ratio, error = ratio(count, time)
        there = ratio(count[:, ::-1], time[:, ::-1])
        assert_close([there[0], there[1]], [-log_ratio, error], rel=1e-8)  # the other way round
        assert_close(ratio(count, time * [1, 2])[0], log_ratio - np.log(2), rel=1e-8)
        twice = ratio(np.tile(count, (2, 1)), np.tile(time, (2, 1)))
        assert_close([twice[0], twice[1] * np.sqrt(2)], [log_ratio, error], rel=1e-8)
    silent = np.vstack([count, np.zeros((9, 2))]), np.vstack([time, np.full((9, 2), 5.0)])
    assert_close(within_ratio(*silent), within_ratio(count, time), rel=1e-9)  # who never bled tells nothing
    equal = np.ones_like(time)
    assert_close(within_ratio(count, equal)[0], population_ratio(count, equal)[0], rel=1e-9)
