"""The kernels of the restricted mean and its regression, against slower ways to the same numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemresearch.errors import ConvergenceError
from hemresearch.numerics.restricted_mean import (
    area_after,
    clustered_variance,
    restricted_mean,
    restricted_mean_influence,
    restricted_mean_variance,
)
from hemresearch.numerics.restricted_mean_regression import (
    censoring_weights,
    dependent_column,
    influence_on_score,
    sandwich,
    weighted_means,
)
from hemresearch.numerics.risk_sets import risk_sets


@st.composite
def observations(draw, entry: bool = False):
    n = draw(st.integers(2, 15))
    time = np.array(draw(st.lists(st.integers(1, 9), min_size=n, max_size=n)), dtype=float)
    event = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    late = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    return time, event, np.where(late, time / 2, 0.0) if entry else None


def test_area_after_each_time_by_hand():
    # 0.8 on [1, 2), 0.6 on [2, 4), 0.3 from 4 on; to 5
    area = area_after(np.array([1.0, 2.0, 4.0, 6.0]), np.array([0.8, 0.6, 0.3, 0.3]), 5.0)
    np.testing.assert_allclose(area, [2.3, 1.5, 0.3, 0.0])


def test_where_everybody_at_risk_has_the_event_nothing_is_added_to_the_variance():
    r = risk_sets(np.array([1.0, 2.0]), np.array([True, True]))
    mean, area = restricted_mean(r, 5.0)
    assert mean == 1.5
    assert restricted_mean_variance(r, area) == pytest.approx(0.5**2 / (2 * 1))


@settings(max_examples=50, deadline=None)
@given(observations(entry=True), st.floats(0.5, 8))
def test_influence_is_the_derivative_with_respect_to_the_weight_of_a_row(rows, tau):
    time, event, entry = rows
    r = risk_sets(time, event, entry)
    _, area = restricted_mean(r, tau)
    influence = restricted_mean_influence(r, area, time, event, entry)
    for i in range(len(time)):
        step = np.zeros(len(time))
        step[i] = 1e-6
        up, down = (restricted_mean(risk_sets(time, event, entry, 1 + s), tau)[0] for s in (step, -step))
        assert influence[i] == pytest.approx((up - down) / 2e-6, abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(observations(), st.floats(0.5, 8))
def test_squared_influences_are_greenwoods_variance(rows, tau):
    time, event, _ = rows
    r = risk_sets(time, event)
    _, area = restricted_mean(r, tau)
    influence = restricted_mean_influence(r, area, time, event, None)
    assert clustered_variance(influence, None) == pytest.approx(restricted_mean_variance(r, area), abs=1e-12)
    assert clustered_variance(influence, np.zeros(len(time), dtype=int)) == pytest.approx(0.0, abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(observations())
def test_influence_on_the_score_equals_the_double_sum(rows):
    time, known, _ = rows
    score = np.stack([time, np.cos(time)], axis=1) * known[:, None]
    case = np.ones(len(time))
    _, r = censoring_weights(time, known, case)
    ours = influence_on_score(score, r, time, known, case)
    for i in range(len(time)):
        at_risk = time >= time[i]
        expected = score[i] + score[at_risk].sum(axis=0) * (not known[i]) / at_risk.sum()
        for k in np.flatnonzero((time <= time[i]) & ~known):
            later = time >= time[k]
            expected = expected - score[later].sum(axis=0) / later.sum() ** 2
        np.testing.assert_allclose(ours[i], expected, atol=1e-12)


def test_censoring_weights_by_hand():
    # censored at 2 with the event there still at risk: G is 2/3 from 2 on
    time, known = np.array([1.0, 2.0, 2.0, 3.0]), np.array([True, True, False, True])
    weight, _ = censoring_weights(time, known, np.ones(4))
    np.testing.assert_allclose(weight, [1.0, 1.5, 0.0, 1.5])


def test_weighted_means_solve_their_equations():
    rng = np.random.default_rng(2)
    X = np.column_stack([np.ones(40), rng.normal(1000, 3, 40)])
    outcome, weight = rng.exponential(5, 40), rng.uniform(0, 2, 40) * (rng.random(40) < 0.8)
    for log_link in (False, True):
        _, mu = weighted_means(X, outcome, weight, log_link=log_link)
        np.testing.assert_allclose(X.T @ (weight * (outcome - mu)), 0, atol=1e-6)


def test_a_log_link_without_a_finite_solution_is_told():
    X = np.column_stack([np.ones(4), [0.0, 0, 1, 1]])
    with pytest.raises(ConvergenceError, match="no finite coefficients"):
        weighted_means(X, np.array([1.0, 2.0, 0.0, 0.0]), np.ones(4), log_link=True)


def test_sandwich_is_bread_and_influences():
    rng = np.random.default_rng(3)
    X, kappa, slope = rng.normal(size=(12, 2)), rng.normal(size=(12, 2)), rng.uniform(1, 2, 12)
    case, cluster = np.repeat([1.0, 2.0], 6), np.arange(12) // 2
    bread = np.linalg.inv(X.T @ np.diag(case * slope) @ X)
    counted = sum(w * np.outer(k, k) for w, k in zip(case, kappa, strict=True))
    plain = sandwich(X, slope, kappa, case, cluster, robust=False)
    np.testing.assert_allclose(plain, bread @ counted @ bread)
    sums = [(case[:, None] * kappa)[cluster == c].sum(axis=0) for c in range(6)]
    meat = sum(np.outer(s, s) for s in sums)
    np.testing.assert_allclose(sandwich(X, slope, kappa, case, cluster, robust=True), bread @ meat @ bread)


def test_the_first_dependent_column_is_found():
    x = np.arange(5.0)
    assert dependent_column(np.column_stack([np.ones(5), x])) is None
    assert dependent_column(np.column_stack([np.ones(5), x, 1e6 * x + 3])) == 2
    assert dependent_column(np.column_stack([np.ones(5), np.zeros(5), x])) == 1
    assert dependent_column(np.ones((2, 3))) == 2
