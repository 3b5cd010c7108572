"""Score limits of differences and ratios of risks, and the exact distribution of a table."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from hemresearch.numerics import exact_odds_ratio as exact
from hemresearch.numerics import two_by_two as kernel
from hemresearch.numerics.intervals import normal_quantile

COUNTS = (
    (12, 3, 30, 0, 10, 640),
    (100, 10, 150, 20, 10, 3840),
    (5, 9, 55, 4, 2, 410),
    (100, 11, 355, 20, 9, 4310),
)
TABLES = tuple(
    np.array(part, dtype=float)
    for part in COUNTS
)  # fmt: skip
SCORES = (kernel.difference_score, kernel.risk_ratio_score, kernel.odds_ratio_score)


@pytest.mark.parametrize("level", [0.8, 0.95, 0.999])
def test_the_score_at_a_limit_is_the_critical_value(level):
    z = normal_quantile(level)
    _, low, high = kernel.score_difference(*TABLES, level, corrected=False)
    assert_allclose(kernel.difference_score(*TABLES, low), z, rtol=1e-8)
    assert_allclose(kernel.difference_score(*TABLES, high), -z, rtol=1e-8)
    for kind, score in (("risk", kernel.risk_ratio_score), ("odds", kernel.odds_ratio_score)):
        estimate, low, high = kernel.score_ratio(*TABLES, level, kind=kind, corrected=False)
        assert_allclose(score(*TABLES, low)[low > 0], z, rtol=1e-8)
        finite = np.isfinite(high)
        assert_allclose(score(*TABLES, np.where(finite, high, 1.0))[finite], -z, rtol=1e-8)
        assert ((low <= estimate) & (estimate <= high)).all()


def test_without_a_difference_the_three_scores_are_pearsons():
    null = (0.0, 1.0, 1.0)
    for score, value in zip(SCORES, null, strict=True):
        at = score(*TABLES, np.full(6, value))
        assert_allclose(at**2, kernel.chi_squared(*TABLES, continuity=False), rtol=1e-10)


def test_limits_turn_with_the_table():
    """Exchanging exposed and unexposed turns differences negative and ratios into their inverse."""
    x, n, x_0, n_0 = TABLES
    turned = (x_0, n_0, x, n)
    for level in (0.9, 0.99):
        _, low, _ = kernel.score_difference(*TABLES, level, corrected=True)
        _, _, high_t = kernel.score_difference(*turned, level, corrected=True)
        assert_allclose(low, -high_t, atol=1e-12)
        for kind in ("risk", "odds"):
            _, low, _ = kernel.score_ratio(*TABLES, level, kind=kind, corrected=True)
            _, _, high_t = kernel.score_ratio(*turned, level, kind=kind, corrected=True)
            with np.errstate(divide="ignore"):
                assert_allclose(low, 1 / high_t, rtol=1e-9)


def test_empty_cells_and_margins():
    zero = [np.array([v], dtype=float) for v in (0, 10, 0, 12)]
    estimate, low, high = kernel.score_ratio(*zero, 0.95, kind="risk", corrected=False)
    assert np.isnan(estimate[0])
    assert (low[0], high[0]) == (0, math.inf)
    full = [np.array([v], dtype=float) for v in (10, 10, 12, 12)]
    assert np.isnan(kernel.score_ratio(*full, 0.95, kind="odds", corrected=False)[0][0])
    none = [np.array([v], dtype=float) for v in (4, 10, 0, 12)]
    estimate, low, high = kernel.score_ratio(*none, 0.95, kind="risk", corrected=False)
    assert math.isinf(estimate[0])
    assert math.isinf(high[0])
    assert low[0] > 1
    assert np.isnan(kernel.wald_odds_ratio(*none, 0.95)[1][0])
    delta = kernel.score_difference(*zero, 0.95, corrected=False)
    assert_allclose(delta[1], -delta[2] * 1.0, atol=0.05)


def test_expected_exposed_has_the_odds_ratio():
    n, n_0, events = (np.array(v, dtype=float) for v in ((10, 158, 30), (11, 139, 30), (12, 34, 45)))
    for ratio in (1e-6, 0.3, 1.0, 1.0 + 1e-12, 2.5, 1e6):
        e = kernel.expected_exposed(n, n_0, events, np.full(3, ratio))
        assert_allclose(e * (n_0 - events + e) / ((n - e) * (events - e)), ratio, rtol=1e-6)
    assert_allclose(kernel.expected_exposed(n, n_0, events, np.ones(3)), n * events / (n + n_0))


def one_table(a: int, b: int, c: int, d: int) -> exact.ExposedEvents:
    return exact.exposed_events(*(np.array([float(v)]) for v in (a, a + b, c, c + d)))


def test_the_tea_tasting_lady():
    d = one_table(3, 1, 1, 3)
    assert_allclose(d.probability(0.0), np.array([1, 16, 36, 16, 1]) / 70)
    assert_allclose(exact.fisher_test(d), 34 / 70)
    assert_allclose(exact.midp_test(d), 2 * (8 + 1) / 70)
    low, high = exact.odds_ratio_limits(d, 0.95, 1.0)
    assert_allclose(d.at_least(math.log(low), 1.0), 0.025)
    assert_allclose(d.at_most(math.log(high), 1.0), 0.025)
    assert_allclose(d.count @ d.probability(math.log(exact.maximum_likelihood(d))), 3)
    assert exact.median_unbiased(d) > 1


def test_ends_of_the_distribution():
    d = one_table(4, 0, 0, 4)
    assert math.isinf(exact.maximum_likelihood(d))
    assert math.isinf(exact.odds_ratio_limits(d, 0.95, 1.0)[1])
    d = one_table(0, 4, 4, 0)
    assert exact.maximum_likelihood(d) == 0
    assert exact.odds_ratio_limits(d, 0.95, 0.5)[0] == 0
    alone = one_table(0, 4, 0, 5)
    assert math.isnan(exact.maximum_likelihood(alone))
    assert math.isnan(exact.median_unbiased(alone))
    assert exact.odds_ratio_limits(alone, 0.95, 1.0) == (0, math.inf)


def test_two_tables_are_a_convolution():
    x, n, x_0, n_0 = (np.array(v, dtype=float) for v in ((3, 5), (6, 9), (1, 2), (7, 8)))
    both = exact.exposed_events(x, n, x_0, n_0)
    parts = [exact.exposed_events(x[i : i + 1], n[i : i + 1], x_0[i : i + 1], n_0[i : i + 1]) for i in (0, 1)]
    for b in (-1.0, 0.0, 2.0):
        assert_allclose(both.probability(b), np.convolve(*(p.probability(b) for p in parts)), rtol=1e-10)
    near = exact.exposed_events(x, n, x_0, n_0, near=1.5)
    assert_allclose(near.probability(0.7), both.probability(0.7), rtol=1e-9)
