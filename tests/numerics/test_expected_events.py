"""Expected events of pieces of follow-up: each is the hazard between its two ends."""

from __future__ import annotations

import numpy as np

from hemresearch.numerics.expected_events import expected_in_pieces
from hemresearch.numerics.population_hazard import PopulationRates, cumulative_hazard

RATES = PopulationRates(
    np.arange(1.0, 1 + 2 * 4 * 3).reshape(2, 4, 3) / 1000, 0, np.array([0.0, 365.0, 730.0]), 365.25
)


def test_each_piece_has_the_hazard_between_its_ends():
    group, age, day = np.array([0, 1]), np.array([100.0, 700.0]), np.array([300.0, 20.0])
    row = np.array([0, 0, 0, 1])
    begin, end = np.array([5.0, 10.0, 400.0, 0.0]), np.array([10.0, 400.0, 600.0, 800.0])
    own = expected_in_pieces(RATES, group, age, day, row, begin, end)
    each = cumulative_hazard(RATES, group[row], age[row], day[row], begin, end)
    np.testing.assert_allclose(own, each, rtol=1e-12)
    assert own[0] == 5 * RATES.hazard[0, 0, 0]


def test_without_pieces():
    nobody, none = np.empty(0, np.int64), np.empty(0)
    assert len(expected_in_pieces(RATES, nobody, none, none, nobody, none, none)) == 0
