"""The interval-censored likelihood: innermost intervals by hand, and its maximum proved and found anew."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from hemresearch.numerics.product_limit import product_limit
from hemresearch.numerics.risk_sets import risk_sets
from hemresearch.numerics.turnbull import (
    BEFORE,
    TOLERANCE,
    MassFunction,
    innermost_runs,
    meeting_places,
    npmle,
    precise_sums,
    starting_masses,
)


@st.composite
def intervals(draw: st.DrawFn, largest: int = 15) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Left and right ends among few times, so that they tie, some exact or without end; and weights."""
    n = draw(st.integers(1, largest))
    left = np.array(draw(st.lists(st.integers(0, 8), min_size=n, max_size=n)), dtype=float)
    length = np.array(draw(st.lists(st.sampled_from([0, 1, 2, 5, np.inf]), min_size=n, max_size=n)))
    weight = np.array(draw(st.lists(st.integers(1, 4), min_size=n, max_size=n)), dtype=float)
    return np.where((left == 0) & (length > 2), BEFORE, left), left + length, weight


def covers(runs, left, right) -> np.ndarray:
    """Which innermost intervals lie within which observations, by comparing their ends alone."""
    within = (runs.left >= np.maximum(left, 0)[:, None]) & (runs.right <= right[:, None])
    point = (runs.left == runs.right) & (left[:, None] == runs.left) & (left < right)[:, None]
    return within & ~point  # (3, 5] does not hold the point 3


def test_innermost_intervals_by_hand():
    # (0, 2], (1, 3], (3, inf): a left end followed by a right end in 1( 2] and 3( inf] only.
    runs = innermost_runs(np.array([0.0, 1.0, 3.0]), np.array([2.0, 3.0, np.inf]))
    assert runs.left.tolist() == [1, 3]
    assert runs.right.tolist() == [2, np.inf]
    assert runs.first.tolist() == [0, 1]
    assert runs.last.tolist() == [0, 1]
    assert runs.weight.tolist() == [2, 1]


def test_half_open_intervals_that_touch_do_not_overlap():
    runs = innermost_runs(np.array([1.0, 2.0, 2.0]), np.array([2.0, 3.0, 2.0]))
    assert runs.left.tolist() == [2, 2]  # the point 2, in (1, 2] too; then (2, 3]
    assert runs.right.tolist() == [2, 3]
    assert runs.first.tolist() == [0, 1]
    assert runs.weight.tolist() == [2, 1]


def test_left_censored_times_may_be_zero_and_those_after_zero_not():
    runs = innermost_runs(np.array([0.0, BEFORE]), np.array([0.0, 3.0]))
    assert (runs.left.tolist(), runs.right.tolist()) == ([0], [0])
    runs = innermost_runs(np.array([0.0, 0.0]), np.array([0.0, 3.0]))
    assert (runs.left.tolist(), runs.right.tolist()) == ([0, 0], [0, 3])


@given(intervals())
def test_each_observation_covers_one_run_of_innermost_intervals(data):
    left, right, weight = data
    runs = innermost_runs(left, right, weight)
    assert (runs.left <= runs.right).all()
    assert (runs.right[:-1] <= runs.left[1:]).all()
    covered = covers(runs, left, right)
    place = np.arange(len(runs.left))
    for row in covered:
        assert row.any()
        assert (np.diff(np.flatnonzero(row)) == 1).all()
    in_runs = (runs.first[:, None] <= place) & (place <= runs.last[:, None])
    counted = {tuple(row): w for row, w in zip(in_runs.tolist(), runs.weight, strict=True)}
    expected: dict[tuple[bool, ...], float] = {}
    for row, w in zip(covered.tolist(), weight, strict=True):
        expected[tuple(row)] = expected.get(tuple(row), 0.0) + w
    assert counted == expected


@given(intervals())
@settings(deadline=None)
def test_the_kuhn_tucker_conditions_hold_when_worked_out_with_matrices(data):
    left, right, weight = data
    runs = innermost_runs(left, right, weight)
    fitted = npmle(runs)
    matrix = covers(runs, left, right).astype(float)
    slope = matrix.T @ (weight / (matrix @ fitted.mass))
    assert fitted.gap <= TOLERANCE
    assert fitted.mass.sum() == pytest.approx(1, rel=1e-9)
    assert (fitted.mass >= 0).all()
    assert (slope <= weight.sum() * (1 + 1e-9)).all()
    assert slope[fitted.mass > 0] == pytest.approx(weight.sum(), rel=1e-9)
    assert fitted.log_likelihood == pytest.approx(weight @ np.log(matrix @ fitted.mass), rel=1e-12)


@pytest.mark.parametrize("seed", range(12))
def test_a_general_optimiser_finds_no_better_masses_and_the_same_ones(seed):
    rng = np.random.default_rng(seed)
    left = rng.integers(0, 8, 14).astype(float)
    right = np.where(rng.random(14) < 0.2, np.inf, left + rng.integers(0, 5, 14))
    runs = innermost_runs(left, right)
    matrix = covers(runs, left, right).astype(float)
    m = matrix.shape[1]
    found = minimize(
        lambda p: -np.log(matrix @ p).sum(),
        np.full(m, 1 / m),
        jac=lambda p: -matrix.T @ (1 / (matrix @ p)),
        bounds=[(1e-12, 1)] * m,
        constraints={"type": "eq", "fun": lambda p: p.sum() - 1},
        options={"ftol": 1e-14, "maxiter": 1000},
        method="SLSQP",
    )
    fitted = npmle(runs)
    assert fitted.log_likelihood >= -found.fun - 1e-9
    assert fitted.mass == pytest.approx(found.x, abs=2e-5)


@pytest.mark.parametrize("seed", range(5))
def test_many_steps_of_em_from_anywhere_come_to_the_same_masses(seed):
    rng = np.random.default_rng(seed)
    left = rng.integers(0, 6, 30).astype(float)
    runs = innermost_runs(left, left + rng.integers(1, 4, 30))
    place = np.arange(len(runs.left))
    matrix = ((runs.first[:, None] <= place) & (place <= runs.last[:, None])).astype(float)
    mass = rng.dirichlet(np.ones(len(place)))
    for _ in range(20_000):
        mass = mass * (matrix.T @ (runs.weight / (matrix @ mass))) / runs.weight.sum()
    assert npmle(runs).mass == pytest.approx(mass, abs=1e-4)


@given(intervals())
def test_exact_and_right_censored_times_give_the_product_limit_at_once(data):
    left, right, weight = data
    time, event = left + 1, np.isfinite(right)
    runs = innermost_runs(time, np.where(event, time, np.inf), weight)
    expected = risk_sets(time, event, None, weight)
    survival, _ = product_limit(expected)
    estimate, _ = MassFunction.of(time, np.where(event, time, np.inf), weight)
    _, high = estimate.survival_bounds(expected.time)
    assert high == pytest.approx(survival, abs=1e-12)
    assert npmle(runs).mass == pytest.approx(starting_masses(runs), abs=1e-12)


def test_the_fewest_places_meet_every_run():
    first, last = np.array([0, 0, 1, 3, 4]), np.array([0, 2, 3, 4, 5])
    assert meeting_places(first, last, 6).tolist() == [0, 3, 5]


def test_sums_of_tiny_masses_beside_large_ones_keep_their_digits():
    values = np.array([0.7, 1e-17, 3e-17, 0.3, 2e-20])
    first, last = np.array([1, 1, 4, 0]), np.array([1, 2, 4, 4])
    assert precise_sums(values, first, last) == pytest.approx([1e-17, 4e-17, 2e-20, 1.0], rel=1e-15)


@pytest.mark.parametrize("seed", range(20))
def test_weights_of_very_different_size_are_no_obstacle(seed):
    rng = np.random.default_rng(seed)
    n = 25
    left = rng.integers(0, 15, n).astype(float)
    right = np.where(rng.random(n) < 0.2, np.inf, left + rng.integers(0, 6, n))
    assert npmle(innermost_runs(left, right, 10.0 ** rng.integers(-3, 4, n))).gap <= TOLERANCE


def test_many_patients_with_visits_at_any_time_converge_too():
    rng = np.random.default_rng(4)
    event, visits = rng.weibull(1.3, 4000), rng.uniform(0, 2, (4000, 3))
    left = np.where(visits < event[:, None], visits, 0.0).max(axis=1)
    right = np.where(visits >= event[:, None], visits, np.inf).min(axis=1)
    fitted = npmle(innermost_runs(left, right))
    assert fitted.gap <= TOLERANCE
    assert (fitted.mass > 0).sum() < 80


def test_bounds_of_survival_and_of_its_quantiles_by_hand():
    # 0.5 somewhere in (1, 2], 0.25 at 3, 0.25 after 4.
    one = MassFunction(np.array([1.0, 3.0, 4.0]), np.array([2.0, 3.0, np.inf]), np.array([0.5, 0.25, 0.25]))
    low, high = one.survival_bounds(np.array([0.0, 1.0, 1.5, 2.0, 2.9, 3.0, 4.0, 5.0]))
    assert low.tolist() == [1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0]
    assert high.tolist() == [1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.25]
    low, high = one.quantile_bounds(np.array([0.9, 0.5, 0.4, 0.1]), 1.5e-8)
    assert low.tolist() == [1, 2, 3, 4]  # at 0.5 survival is flat from 2 to 3
    assert high.tolist() == [2, 3, 3, np.inf]
