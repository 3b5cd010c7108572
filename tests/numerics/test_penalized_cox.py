"""The path of penalties: the conditions of Karush, Kuhn and Tucker at every lambda, computed anew."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.numerics.penalized_cox import (
    baseline_hazard,
    coordinate_descent,
    lambda_path,
    largest_lambda,
    penalized_path,
    quadratic_minimum,
    risk_rows,
    value_and_residuals,
)


def patients(n, p, seed, ties=False):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p)) + 0.7 * rng.normal(size=(n, 1))
    t = rng.exponential(np.exp(-x[:, : min(p, 4)].sum(axis=1) / 2))
    end = rng.exponential(1.5, n)
    time = np.minimum(t, end)
    return x - x.mean(axis=0), np.ceil(4 * time) if ties else time, t < end


def score_by_hand(x, time, event, coef):
    """The derivative of Breslow's log partial likelihood, one event after the other."""
    risk = np.exp(x @ coef)
    total = np.zeros(x.shape[1])
    for i in np.flatnonzero(event):
        at_risk = time >= time[i]
        total += x[i] - risk[at_risk] @ x[at_risk] / risk[at_risk].sum()
    return total


@pytest.mark.parametrize("alpha", [1.0, 0.5, 0.05, 0.0])
@pytest.mark.parametrize(("n", "p", "ties"), [(80, 6, True), (60, 6, False), (40, 90, False)])
def test_the_conditions_hold_at_every_lambda(n, p, ties, alpha):
    x, time, event = patients(n, p, seed=n + p, ties=ties)
    rows = risk_rows(x, time, event)
    for factor in (np.ones(p), np.r_[0.0, 2.0, np.ones(p - 2)]):
        if p > n and (factor == 0).any() and alpha < 0.5:
            continue  # takes a second
        lambdas = lambda_path(largest_lambda(rows, alpha, factor), 0.05, 8)
        path = penalized_path(rows, lambdas, alpha, factor, to_the_end=True)
        assert len(path.lambdas) == 8
        for penalty, coef in zip(lambdas, path.coef, strict=True):
            g = score_by_hand(x, time, event, coef) / n - penalty * (1 - alpha) * factor * coef
            size = penalty * alpha * factor
            assert (np.abs(g[coef == 0]) <= size[coef == 0] + 1e-7).all()
            np.testing.assert_allclose(g[coef != 0], (size * np.sign(coef))[coef != 0], atol=1e-7)
        if alpha > 0:
            penalised = path.coef[0][factor > 0]
            np.testing.assert_allclose(penalised, 0.0, atol=1e-6)  # the largest lambda: nothing enters


def test_the_path_ends_where_nothing_more_is_explained():
    x, time, event = patients(100, 3, seed=1)
    rows = risk_rows(x, time, event)
    lambdas = lambda_path(largest_lambda(rows, 1.0, np.ones(3)), 1e-6, 100)
    path = penalized_path(rows, lambdas, 1.0, np.ones(3), to_the_end=False)
    assert 5 <= len(path.lambdas) < 100
    assert (np.diff(path.deviance_ratio) >= -1e-9).all()


def test_a_separated_outcome_ends_by_the_deviance():
    x = np.arange(12.0)[:, None] - 5.5
    rows = risk_rows(x, np.arange(12.0, 0.0, -1.0), np.ones(12, dtype=bool))
    lambdas = lambda_path(largest_lambda(rows, 1.0, np.ones(1)), 1e-9, 200)
    path = penalized_path(rows, lambdas, 1.0, np.ones(1), to_the_end=False)
    assert path.deviance_ratio[-1] > 0.999
    assert np.isfinite(path.coef).all()


def test_the_value_and_the_hazard_by_hand():
    x = np.array([[0.0], [1.0], [0.0], [1.0]])
    rows = risk_rows(x, np.array([1.0, 2.0, 2.0, 3.0]), np.array([True, True, True, False]))
    linear = np.log(2.0) * rows.x[0]
    at_risk = np.array([1 + 2 + 1 + 2, 2 + 1 + 2], dtype=float)
    value, residuals = value_and_residuals(rows, linear)
    assert value == pytest.approx(np.log(2) - np.log(at_risk) @ [1, 2])
    assert residuals.sum() == pytest.approx(0.0)
    np.testing.assert_allclose(baseline_hazard(rows, linear), np.cumsum([1, 2] / at_risk))
    assert rows.saturated_value() == pytest.approx(-2 * np.log(2))


def test_the_quadratic_is_minimised_by_descent_and_by_solution():
    rng = np.random.default_rng(3)
    root = rng.normal(size=(30, 12)) + 2 * rng.normal(size=(30, 1))
    h, g = root.T @ root / 30, rng.normal(size=12)
    l1, l2, start = np.full(12, 0.3), np.full(12, 0.01), rng.normal(size=12)
    found = quadratic_minimum(h, g, start, l1, l2, 1e-12)
    slow, left = start.copy(), g.copy()
    coordinate_descent(h, left, slow, l1, l2, 20_000)
    np.testing.assert_allclose(found, slow, atol=1e-9)
    assert (found == 0).any()


def test_covariates_that_are_the_same_share_nothing_that_is_refused():
    x, time, event = patients(50, 3, seed=9)
    twice = np.column_stack([x, x[:, 0]])
    rows = risk_rows(twice, time, event)
    path = penalized_path(rows, np.array([0.05, 0.01]), 1.0, np.ones(4), to_the_end=True)
    single = penalized_path(risk_rows(x, time, event), path.lambdas, 1.0, np.ones(3), to_the_end=True)
    np.testing.assert_allclose(path.coef[:, 0] + path.coef[:, 3], single.coef[:, 0], atol=1e-6)
