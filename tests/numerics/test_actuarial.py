"""What registries count in intervals, and the actuarial table of it, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.numerics.actuarial import actuarial, hazard_of_cell, survival_of_cell
from hemresearch.numerics.interval_incidence import interval_incidence
from hemresearch.numerics.interval_sums import add_up, cut_at_borders
from hemresearch.numerics.interval_survival import hazard_survival, lifetable_survival
from hemresearch.numerics.population_hazard import PopulationRates

END = np.array([5.0, 10, 10, 15, 20, 25])
EVENT = np.array([False, True, False, False, True, False])
BOUNDS = np.array([0.0, 10, 20])
HAZARD = np.arange(1, 10).reshape(1, 3, 3) / 1e4
RATES = PopulationRates(HAZARD, 40, np.array([0, 365, 730], dtype=np.int64), 365.0)


def pieces(begin: np.ndarray | None = None):
    return cut_at_borders(np.zeros(6) if begin is None else begin, END, EVENT, BOUNDS)


def test_who_is_counted_where():
    sums = add_up(pieces(), np.zeros(9), 2)
    assert sums.alive.tolist() == [6, 3]
    assert sums.deaths.tolist() == [1, 1]
    # follow-up that ends at the end of an interval is not withdrawn in it
    assert sums.withdrawn.tolist() == [1, 1]
    assert sums.time.tolist() == [55, 25]
    assert sums.effective.tolist() == [5.5, 2.5]


def test_who_comes_late_is_half_there():
    sums = add_up(pieces(np.array([2.0, 0, 0, 0, 12, 0])), np.zeros(8), 2)
    assert sums.alive.tolist() == [4, 2]
    assert sums.entered.tolist() == [1, 1]
    assert sums.effective.tolist() == [4, 2]


def test_the_hazard_is_that_of_the_cell_and_the_last_one_goes_on():
    age, year = np.array([40.5, 41.999999999, 55.0]), np.array([1970.9, 1971.2, 1990.0])
    found = hazard_of_cell(RATES, np.zeros(3, dtype=np.int64), age, year, 1970)
    # so near to a birthday it has come
    assert found.tolist() == [HAZARD[0, 0, 0], HAZARD[0, 2, 1], HAZARD[0, 2, 2]]


def test_expected_survival_is_that_of_the_cell_at_the_start():
    p = cut_at_borders(
        np.zeros(2), np.array([400.0, 300]), np.array([False, False]), np.array([0.0, 365, 730])
    )
    group, age, year = np.zeros(2, dtype=np.int64), np.array([40.5, 55.0]), np.array([1970.9, 1971.2])
    found = survival_of_cell(p, RATES, group, age, year, np.array([0.0, 365, 730]), 1970)
    first = np.exp(-365 * np.array([HAZARD[0, 0, 0], HAZARD[0, 2, 1]])).sum()
    assert found == pytest.approx([first, np.exp(-365 * HAZARD[0, 1, 1])], rel=1e-12)


def test_survival_is_multiplied_and_divided():
    table = actuarial(np.array([2.0, 1]), np.array([9.0, 6]), np.array([0.9, 0.8]))
    assert table.observed == pytest.approx([7 / 9, 7 / 9 * 5 / 6])
    assert table.estimate == pytest.approx([7 / 9 / 0.9, 7 / 9 * 5 / 6 / 0.72])
    root = np.sqrt(2 / (9 * 7) + 1 / (6 * 5))
    assert table.std_error[1] == pytest.approx(table.estimate[1] * root)


def test_without_a_population_the_two_estimators_are_the_product_and_the_exponential():
    sums, width = add_up(pieces(), np.zeros(9), 2), np.diff(BOUNDS)
    product, exponential = lifetable_survival(width, sums, sums), hazard_survival(width, sums, sums)
    assert product.estimate == pytest.approx([4.5 / 5.5, 4.5 / 5.5 * 1.5 / 2.5])
    assert exponential.estimate == pytest.approx(np.exp(-np.array([10 / 55, 10 / 55 + 10 / 25])))
    assert exponential.std_error[0] == pytest.approx(np.exp(-10 / 55) * 10 / 55)


def test_incidences_of_all_causes_are_what_survival_lost():
    events, width = np.array([[2.0, 1], [1, 2]]), np.array([1.0, 1])
    for hazard, exposure in ((True, np.array([9.0, 5])), (False, np.array([10.0, 6]))):
        survival, incidence, variance = interval_incidence(
            width, exposure, events, np.eye(2), np.zeros((2, 2)), hazard=hazard
        )
        assert incidence.sum(axis=0) == pytest.approx(1 - survival)
        assert (variance > 0).all()
