"""Increments of the additive hazards model and their robust covariance, against least squares anew."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.numerics.additive_hazards import (
    increments,
    periods_at_risk,
    robust_covariance,
    standardised,
)


def sample(n=30, p=2, seed=2, late=True):
    rng = np.random.default_rng(seed)
    time = np.ceil(rng.exponential(12, n))
    entry = np.floor(time * rng.random(n) * 0.9) * (rng.random(n) < 0.5) if late else np.zeros(n)
    return rng.normal(size=(n, p)), time, rng.random(n) < 0.7, entry, rng.integers(1, 4, n) * 0.7


def least_squares(X, time, event, entry, weight):
    """Each event time's (X'WX)^-1 and dB by plain algebra, for those whose design has full rank."""
    Z = np.column_stack([np.ones(len(X)), X])
    for t in np.unique(time[event]):
        at = (entry < t) & (time >= t)
        if np.linalg.matrix_rank(Z[at]) < Z.shape[1]:
            yield t, at, None, None
            continue
        inverse = np.linalg.inv((Z[at] * weight[at, None]).T @ Z[at])
        dying = event & (time == t)
        yield t, at, inverse, inverse @ (weight[dying] @ Z[dying])


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


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("clustered", [False, True])
def test_robust_covariance_sums_the_squared_influences(late, clustered):
    X, time, event, entry, weight = sample(late=late)
    start = entry if late else None
    keep = time > 2  # so that under delayed entry the first risk sets have full rank too
    X, time, event, weight = X[keep], time[keep], event[keep], weight[keep]
    entry, start = entry[keep], None if start is None else start[keep]
    owner = np.arange(len(X)) % 7 if clustered else np.arange(len(X))
    r = increments(X, time, event, start, weight)
    used = len(r.time) if r.full_rank.all() else int(np.argmin(r.full_rank))
    _, enter, leave = periods_at_risk(time, event, start)
    rows = (X, event, enter, leave, weight, owner)
    cov = robust_covariance(r.inverse[:used], r.step[:used], *rows)
    Z = np.column_stack([np.ones(len(X)), X])
    influence = np.zeros(Z.shape)
    for k, (t, at, inverse, step) in enumerate(least_squares(X, time, event, entry, weight)):
        if k == used:
            break
        residual = (event & (time == t)) - at * (Z @ step)
        influence += (weight * residual)[:, None] * (Z @ inverse)
        summed = np.zeros((owner.max() + 1, Z.shape[1]))
        np.add.at(summed, owner, influence)
        np.testing.assert_allclose(cov[k], summed.T @ summed, rtol=1e-8, atol=1e-12)
    assert used > 8
    last = robust_covariance(r.inverse[:used], r.step[:used], *rows, last_only=True)
    np.testing.assert_array_equal(last[0], cov[-1])


def test_one_owner_of_all_rows_has_no_variance():
    X, time, event, _, weight = sample(late=False)
    r = increments(X, time, event, None, weight)
    used = int(np.argmin(r.full_rank))
    _, enter, leave = periods_at_risk(time, event, None)
    owner = np.zeros(len(X), dtype=np.intp)
    cov = robust_covariance(r.inverse[:used], r.step[:used], X, event, enter, leave, weight, owner)
    assert not cov.any()


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


def test_a_risk_set_that_empties_between_entries_leaves_nothing_behind():
    time = np.array([1.0, 2.0, 3.0, 11.0, 12.0, 13.0])
    entry = np.array([0.0, 0.0, 0.0, 10.0, 10.0, 10.0])
    weight = np.array([0.1, 0.2, 0.7, 0.3, 0.3, 0.1])
    r = increments(np.arange(6.0)[:, None] ** 2, time, time > 0, entry, weight)
    np.testing.assert_allclose(r.n_risk, [1.0, 0.9, 0.7, 0.7, 0.4, 0.1], rtol=1e-13)
    np.testing.assert_array_equal(r.full_rank, [True, True, False, True, True, False])
