"""Remaining years of life under fixed mortality, against sums by hand."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.numerics.life_expectancy import life_expectancy


def test_the_last_age_is_lived_for_the_inverse_of_its_rate():
    assert life_expectancy(np.array([0.25])).tolist() == [4.0]


def test_a_year_is_lived_for_its_part():
    h = np.array([0.1, 0.2, 0.5])
    survival = np.exp(-np.cumsum(h))
    by_hand = (1 - survival[0]) / 0.1 + (survival[0] - survival[1]) / 0.2 + survival[1] / 0.5
    assert life_expectancy(h)[0] == pytest.approx(by_hand, rel=1e-14)


def test_small_rates_keep_their_digits_and_nobody_dies_of_none():
    assert life_expectancy(np.array([1e-15, 1.0]))[0] == pytest.approx(2.0, rel=1e-12)
    assert life_expectancy(np.array([0.0, 1.0]))[0] == 2.0
    assert life_expectancy(np.array([1.0, 0.0]))[0] == np.inf


def test_tables_side_by_side_are_tables_of_their_own():
    both = np.array([[0.1, 0.3], [0.2, 0.4]])
    np.testing.assert_array_equal(life_expectancy(both)[1], life_expectancy(both[1]))
