"""Quantiles of events, and curves without a trend, by their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.numerics.age_period_cohort import (
    detrended,
    event_median,
    event_quantiles,
    independent_columns,
    log_effects,
)

RNG = np.random.default_rng(1)
X = RNG.permutation(np.arange(12.0))
COUNT = RNG.integers(0, 5, 12).astype(float)
SHARES = np.array([0.0, 0.1, 0.25, 0.5, 0.9, 1.0])


def test_quantiles_are_those_of_the_events_one_by_one():
    for x, count in ((X, COUNT), (X, np.ones(12)), (np.ones(12), COUNT)):
        expected = np.quantile(np.repeat(x, count.astype(int)), SHARES)
        np.testing.assert_allclose(event_quantiles(x, count, SHARES), expected, rtol=1e-9, atol=1e-9)


def test_the_median_has_more_than_half_of_the_events_up_to_it():
    median = event_median(X, COUNT)
    assert COUNT[median >= X].sum() > COUNT.sum() / 2
    assert COUNT[median > X].sum() <= COUNT.sum() / 2


def test_detrended_columns_are_uncorrelated_with_a_trend_and_span_the_rest():
    at = np.arange(8.0) + 1900
    weight = RNG.uniform(1, 3, 8)
    columns, there = detrended(np.eye(8), at, weight, np.eye(8)[3], at[3])
    assert columns.shape == (8, 6)
    for trend in (np.ones(8), at - 1900):
        np.testing.assert_allclose(columns.T @ (weight * trend), 0, atol=1e-10)
    np.testing.assert_allclose(there, columns[3], atol=1e-10)
    whole = np.column_stack([np.ones(8), at - 1900, columns])
    assert np.linalg.matrix_rank(whole) == 8


def test_independent_columns_come_first():
    x = RNG.normal(size=(9, 3))
    free = independent_columns(np.column_stack([x, x[:, 0] - 2 * x[:, 1], RNG.normal(size=9)]))
    assert free.tolist() == [True, True, True, False, True]
    assert independent_columns(RNG.normal(size=(2, 3))).tolist() == [True, True, False]


def test_effects_are_combinations():
    rows = np.array([[1.0, 0.0], [1.0, 1.0]])
    log, error = log_effects(rows, np.array([2.0, 3.0]), np.array([[1.0, 0.5], [0.5, 4.0]]))
    assert log.tolist() == [2, 5]
    assert error == pytest.approx([1, np.sqrt(6)])
