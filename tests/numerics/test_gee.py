"""Estimating equations with independent working covariance: their links, solution and variance."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.numerics.gee import LINKS, independence_equations


@pytest.mark.parametrize("link", LINKS.values(), ids=list(LINKS))
def test_links_are_inverses_with_their_derivatives(link):
    eta = np.array([-3.0, -0.5, 0.4])
    np.testing.assert_allclose(link.forward(link.inverse(eta)), eta, rtol=1e-12)
    step = 1e-5
    slope = (link.inverse(eta + step) - link.inverse(eta - step)) / (2 * step)
    bend = (link.slope(eta + step) - link.slope(eta - step)) / (2 * step)
    np.testing.assert_allclose(link.slope(eta), slope, rtol=1e-8)
    np.testing.assert_allclose(link.bend(eta), bend, rtol=1e-7, atol=1e-10)


def problem(seed=1, n=60):
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(n), rng.normal(50, 10, n), rng.random(n) < 0.5])
    return x, rng.uniform(-0.2, 1.1, n), rng.integers(0, 20, n)


@pytest.mark.parametrize("name", LINKS)
def test_the_solution_has_no_score_and_the_sandwich_of_it(name):
    (x, y, owner), link = problem(), LINKS[name]
    found = independence_equations(x, y, owner, link)
    assert found.solved
    eta = x @ found.coef
    slope = link.slope(eta)
    parts = x * (slope * (y - link.inverse(eta)))[:, None]
    np.testing.assert_allclose(parts.sum(axis=0) / np.abs(parts).sum(axis=0), 0, atol=1e-7)
    bread = np.linalg.inv(x.T @ (x * (slope**2)[:, None]))
    summed = np.array([parts[owner == g].sum(axis=0) for g in np.unique(owner)])
    np.testing.assert_allclose(found.cov, bread @ summed.T @ summed @ bread, rtol=1e-6)


def test_an_intercept_alone_is_the_mean():
    _, y, owner = problem(2)
    for link in LINKS.values():
        found = independence_equations(np.ones((60, 1)), y, owner, link)
        np.testing.assert_allclose(link.inverse(found.coef), [y.mean()], rtol=1e-9)


@pytest.mark.parametrize("name", ["log", "logit", "cloglog", "log-log"])
def test_means_at_the_end_of_their_range_have_no_solution(name):
    x, y, owner = problem(3)
    empty = np.where(x[:, 2] == 1, 0.0 if name != "log-log" else 1.0, y)
    assert not independence_equations(x[:, [0, 2]], empty, owner, LINKS[name]).solved
    assert not independence_equations(x, 0 * y, owner, LINKS[name]).solved
    nothing = independence_equations(x, 0 * y, owner, LINKS["identity"])
    assert nothing.solved
    np.testing.assert_array_equal(nothing.coef, 0)
