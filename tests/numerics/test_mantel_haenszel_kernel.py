"""Mantel-Haenszel estimates: by hand, matched pairs, and what strata that say nothing do."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from hemresearch.numerics import mantel_haenszel as kernel

COUNTS = tuple(np.array(v, dtype=float) for v in ((12, 8), (100, 40), (5, 9), (100, 60)))
RATES = tuple(np.array(v) for v in ((12.0, 8.0), (100.5, 40.0), (5.0, 9.0), (120.0, 60.25)))


def test_one_stratum_is_the_crude_table():
    x, n, x_0, n_0 = (part[:1] for part in COUNTS)
    assert_allclose(kernel.odds_ratio(x, n, x_0, n_0).estimate, 12 * 95 / (88 * 5))
    assert_allclose(kernel.odds_ratio(x, n, x_0, n_0).variance, 1 / 12 + 1 / 88 + 1 / 5 + 1 / 95)
    assert_allclose(kernel.risk_ratio(x, n, x_0, n_0), (2.4, 1 / 12 - 1 / 100 + 1 / 5 - 1 / 100))
    assert_allclose(
        kernel.risk_difference_greenland(x, n, x_0, n_0), (0.07, (0.12 * 0.88 + 0.05 * 0.95) / 100)
    )
    assert_allclose(kernel.risk_difference_sato(x, n, x_0, n_0).estimate, 0.07)
    d, y, d_0, y_0 = (part[:1] for part in RATES)
    assert_allclose(kernel.rate_ratio(d, y, d_0, y_0), (12 / 100.5 / (5 / 120), 1 / 12 + 1 / 5))
    assert_allclose(kernel.rate_difference(d, y, d_0, y_0).variance, 12 / 100.5**2 + 5 / 120**2)


def test_matched_pairs_give_mcnemar():
    """20 pairs in which the exposed alone had the event, 8 the unexposed alone, 30 and 42 both or none."""
    x = np.repeat([1.0, 0, 1, 0], [20, 8, 30, 42])
    x_0 = np.repeat([0.0, 1, 1, 0], [20, 8, 30, 42])
    one = np.ones(100)
    assert_allclose(kernel.odds_ratio(x, one, x_0, one), (20 / 8, 1 / 20 + 1 / 8))
    assert_allclose(kernel.count_test(x, one, x_0, one, continuity=False), (20 - 8) ** 2 / 28)
    assert_allclose(kernel.count_test(x, one, x_0, one, continuity=True), (20 - 8 - 1) ** 2 / 28)
    assert_allclose(kernel.risk_difference_sato(x, one, x_0, one).estimate, 0.12)


def test_tests_by_hand():
    x, n, x_0, n_0 = COUNTS
    expected = n * (x + x_0) / (n + n_0)
    variance = n * n_0 * (x + x_0) * (n + n_0 - x - x_0) / ((n + n_0) ** 2 * (n + n_0 - 1))
    assert_allclose(kernel.count_test(*COUNTS, continuity=False), (x - expected).sum() ** 2 / variance.sum())
    nobody = tuple(np.array([v], dtype=float) for v in (0, 5, 0, 6))
    assert np.isnan(kernel.count_test(*nobody, continuity=False))
    balanced = tuple(np.array([v], dtype=float) for v in (5, 10, 5, 10))
    assert kernel.count_test(*balanced, continuity=True) == 0
    assert np.isnan(kernel.rate_test(*(np.array([v]) for v in (0.0, 5, 0, 6)), continuity=False))


@pytest.mark.parametrize("tarone", [True, False])
def test_equal_odds_ratios_have_no_spread(tarone):
    x, n, x_0, n_0 = (np.repeat(part[:1], 3) * np.array([1, 2, 5]) for part in COUNTS)
    spread = kernel.breslow_day(x, n, x_0, n_0, tarone=tarone)
    assert_allclose(spread.statistic, 0, atol=1e-18)
    assert spread.df == 2


def test_strata_that_say_nothing_are_left_out():
    more = tuple(np.append(part, v) for part, v in zip(COUNTS, (0.0, 7.0, 0.0, 9.0), strict=True))
    for tarone in (True, False):
        assert kernel.breslow_day(*more, tarone=tarone) == kernel.breslow_day(*COUNTS, tarone=tarone)
    rates = tuple(np.append(part, v) for part, v in zip(RATES, (0.0, 7.0, 0.0, 9.0), strict=True))
    assert_allclose(kernel.rate_heterogeneity(*rates), kernel.rate_heterogeneity(*RATES))
    value, variance = np.array([1.0, 2.0, np.inf]), np.array([0.5, 0.5, np.inf])
    assert kernel.inverse_variance(value, variance) == (1.0, 1)
    assert kernel.inverse_variance(value, variance, centre=1.0) == (2.0, 1)
    assert kernel.inverse_variance(value[2:], variance[2:]) == (0.0, -1)


def test_rate_heterogeneity_is_the_score_of_the_shares():
    d, y, d_0, y_0 = RATES
    ratio = kernel.rate_ratio(*RATES).estimate
    share = ratio * y / (ratio * y + y_0)
    expected = ((d - (d + d_0) * share) ** 2 / ((d + d_0) * share * (1 - share))).sum()
    assert_allclose(kernel.rate_heterogeneity(*RATES).statistic, expected)
