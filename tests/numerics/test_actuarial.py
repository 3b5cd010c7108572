"""The counts of the actuarial table and the expected survival of its intervals, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.numerics.actuarial import actuarial, expected_of_intervals, interval_counts
from hemresearch.numerics.population_hazard import PopulationRates


def test_who_is_counted_where():
    end = np.array([0.0, 5, 10, 10, 15, 20, 25])
    event = np.array([True, False, True, False, False, True, False])
    alive, deaths, withdrawn = interval_counts(end, event, np.array([0.0, 10, 20]))
    assert alive.tolist() == [7, 3]
    assert deaths.tolist() == [2, 1]
    # follow-up that ends at the end of an interval is not withdrawn in it
    assert withdrawn.tolist() == [1, 1]


def test_expected_survival_is_that_of_the_cell_at_the_start():
    hazard = np.arange(1, 10).reshape(1, 3, 3) / 1e4
    rates = PopulationRates(hazard, 40, np.array([0, 365, 730], dtype=np.int64), 365.0)
    group, age, year = np.zeros(2, dtype=np.int64), np.array([40.5, 55.0]), np.array([1970.9, 1971.2])
    found = expected_of_intervals(
        rates, group, age, year, np.array([400.0, 300]), np.array([0.0, 365, 730, 900]), 1970
    )
    first = np.exp(-365 * np.array([hazard[0, 0, 0], hazard[0, 2, 1]])).mean()
    assert found[:2] == pytest.approx([first, np.exp(-365 * hazard[0, 1, 1])], rel=1e-12)
    assert np.isnan(found[2])


def test_survival_is_multiplied_and_divided():
    table = actuarial(np.array([10.0, 6]), np.array([2.0, 1]), np.array([2.0, 0]), np.array([0.9, 0.8]), 0.95)
    assert table["interval_observed"] == pytest.approx([1 - 2 / 9, 5 / 6])
    assert table["estimate"][1] == pytest.approx(7 / 9 * 5 / 6 / 0.72)
    root = np.sqrt(2 / (9 * 7) + 1 / (6 * 5))
    assert table["std_error"][1] == pytest.approx(table["estimate"][1] * root)
    assert (table["conf_low"] < table["estimate"]).all()
    assert (table["conf_high"] > table["estimate"]).all()
