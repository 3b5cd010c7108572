"""Increments of the additive hazards model, against least squares anew."""

from __future__ import annotations

import numpy as np
import pytest
from additive_samples import least_squares, sample

from hemresearch.numerics.additive_hazards import increments, standardised


@pytest.mark.parametrize("late", [False, True])
def test_increments_are_those_of_least_squares(late):
    X, time, event, entry, weight = sample(late=late)
    r = increments(X, time, event, entry if late else None, weight)
    Z = np.column_stack([np.ones(len(X)), X])
    n_full = 0
    for k, (t, at, inverse, step) in enumerate(least_squares(X, time, event, entry, weight)):
        assert r.time[k] == t
        np.testing.assert_allclose(r.n_risk[k], weight[at].sum(), rtol=1e-12)
        np.testing.assert_allclose(r.n_event[k], weight[event & (time == t)].sum(), rtol=1e-12)
        assert r.full_rank[k] == (inverse is not None)
        if inverse is None:
            assert not r.step[k].any()
            continue
        n_full += 1
        np.testing.assert_allclose(r.inverse[k], inverse, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(r.step[k], step, rtol=1e-9, atol=1e-12)
        each = Z[event & (time == t)] @ inverse
        spread = (each * weight[event & (time == t), None]).T @ each
        np.testing.assert_allclose(r.spread[k], spread, rtol=1e-9, atol=1e-12)
    assert n_full > 10


def test_an_outlier_that_leaves_early_takes_no_digits_along():
    # Without it the covariate's spread is a billionth of what it was at first.
    X, time, event, _, weight = sample(n=25, p=2, late=False)
    X[0], time[0], event[0] = [1e9, -1e9], 1.0, True
    z, _, scale = standardised(X, weight)
    r = increments(z, time, event, None, weight)
    fresh = increments(X[1:], time[1:], event[1:], None, weight[1:])
    at = np.searchsorted(r.time, fresh.time)
    late = r.time[at] > 1
    expected = fresh.step[late, 1:] * scale
    assert fresh.full_rank[late].sum() > 5
    np.testing.assert_allclose(r.step[at][late, 1:], expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())


def test_an_outlier_that_enters_and_leaves_is_summed_away():
    X, time, event, _, weight = sample(n=25, p=2, late=False)
    rows = np.array([[1e5, -1e5], [2e5, 1e5]])
    both = np.concatenate([X, rows])
    times, events = np.append(time, [12.0, 14.0]), np.append(event, [False, False])
    entries = np.append(np.zeros(25), [9.0, 10.0])
    r = increments(both, times, events, entries, np.append(weight, [1.0, 1.0]))
    plain = increments(X, time, event, None, weight)
    outside = (plain.time <= 9) & plain.full_rank
    np.testing.assert_allclose(r.step[outside], plain.step[outside], rtol=1e-10, atol=1e-13)


def test_standardised_covariates_keep_their_digits_beside_an_offset():
    X = np.array([[1.0], [2.0], [4.0]])
    weight = np.array([1.0, 1.0, 2.0])
    z, centre, scale = standardised(X + 2.0**30, weight)
    expected, middle, same = standardised(X, weight)
    np.testing.assert_array_equal(z, expected)
    assert centre[0] - 2.0**30 == middle[0] == 2.75
    assert scale[0] == same[0]
    np.testing.assert_allclose([weight @ z[:, 0], weight @ z[:, 0] ** 2], [0.0, 4.0], atol=1e-14)
    constant, at, unit = standardised(np.full((3, 1), 0.1), weight)
    assert (constant.any(), at[0], unit[0]) == (False, 0.1, 1.0)


@pytest.mark.parametrize("weight", [[0.1, 0.2, 0.7, 0.3, 0.3, 0.1], [1, 2, 7, 1e20, 1e20, 1e20]])
def test_a_risk_set_that_empties_between_entries_leaves_nothing_behind(weight):
    time = np.array([1.0, 2.0, 3.0, 11.0, 12.0, 13.0])
    entry = np.array([0.0, 0.0, 0.0, 10.0, 10.0, 10.0])
    w = np.array(weight, dtype=float)
    r = increments(np.arange(6.0)[:, None] ** 2, time, time > 0, entry, w)
    at_risk = [w[:3].sum(), w[1:3].sum(), w[2], w[3:].sum(), w[4:].sum(), w[5]]
    np.testing.assert_allclose(r.n_risk, at_risk, rtol=1e-13)
    np.testing.assert_array_equal(r.full_rank, [True, True, False, True, True, False])


def test_rows_at_risk_at_no_event_count_for_nothing():
    X, time, event, entry, weight = sample()
    between = np.concatenate([X, [[50.0, -50.0]]])
    more = increments(
        between, np.append(time, 3.9), np.append(event, False), np.append(entry, 3.1), np.append(weight, 9.0)
    )
    plain = increments(X, time, event, entry, weight)
    np.testing.assert_allclose(more.step, plain.step, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(more.n_risk, plain.n_risk, rtol=1e-13)
