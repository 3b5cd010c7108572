"""The time lived up to a horizon, in closed form where the hazard never changes."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.numerics.expected_time import expected_times
from hemresearch.numerics.population_hazard import PopulationRates

STARTS = np.array([0, 365, 730], dtype=np.int64)


@pytest.mark.parametrize("rate", [0.0, 0.001])
def test_a_constant_hazard(rate):
    rates = PopulationRates(np.full((1, 3, 3), rate), 40, STARTS, 365.25)
    found = expected_times(rates, np.array([0]), np.array([15000.0]), np.array([10.0]), 800.0)
    wanted = 800 if rate == 0 else (1 - np.exp(-0.8)) / 0.001
    assert found[0] == pytest.approx(wanted, rel=1e-12)


def test_a_hazard_that_changes_at_new_year():
    hazard = np.zeros((1, 1, 3)) + np.array([0.001, 0.002, 0.002])
    rates = PopulationRates(hazard, 40, STARTS, 365.25)
    found = expected_times(rates, np.array([0]), np.array([15000.0]), np.array([265.0]), 150.0)
    wanted = (1 - np.exp(-0.1)) / 0.001 + np.exp(-0.1) * (1 - np.exp(-0.1)) / 0.002
    assert found[0] == pytest.approx(wanted, rel=1e-12)
