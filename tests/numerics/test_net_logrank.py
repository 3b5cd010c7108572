"""The sums and scores of the test of net survival, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.numerics.net_logrank import WeightedSums, scores, weighted_sums
from hemresearch.numerics.population_hazard import PopulationRates

STARTS = np.array([0, 365, 730], dtype=np.int64)
RATES = PopulationRates(np.full((1, 3, 3), 0.001), 40, STARTS, 365.25)


def test_sums_of_two():
    people = np.zeros(2, dtype=np.int64), np.full(2, 15000.0), np.full(2, 10.0)
    where = np.array([0.0, 1.0]), np.array([2.0, 3.0]), np.array([True, False]), np.array([1.0, 2.0, 3.0])
    sums = weighted_sums(RATES, people, *where)
    one = np.exp(0.001 * np.arange(4))
    assert sums.n_risk == pytest.approx([one[1], 2 * one[2], one[3]], rel=1e-12)
    assert sums.expected == pytest.approx(0.001 * sums.n_risk, rel=1e-12)
    assert sums.deaths == pytest.approx([0, one[2], 0], rel=1e-12)
    assert sums.squares == pytest.approx([0, one[2] ** 2, 0], rel=1e-12)


def test_scores_and_their_covariance():
    # the share of the first group is 1/4, then 1/2, then nobody is at risk
    first = WeightedSums(*map(np.array, ([1.0, 1, 0], [0.1, 0.2, 0], [1.0, 0, 0], [1.5, 0, 0])))
    other = WeightedSums(*map(np.array, ([3.0, 1, 0], [0.3, 0.2, 0], [0, 1.0, 0], [0, 2.0, 0])))
    score, covariance = scores([first, other])
    z = 0.9 - 0.25 * (0.9 - 0.3) + (-0.2) - 0.5 * (-0.2 + 0.8)
    v = 1.5 * 0.75**2 + 2 * 0.5**2
    assert score == pytest.approx([z, -z], rel=1e-12)
    assert covariance == pytest.approx(np.array([[v, -v], [-v, v]]), rel=1e-12)
