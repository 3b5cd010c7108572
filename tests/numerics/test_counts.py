"""Likelihoods of counts against scipy's distributions and derivatives; limits by their definition."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from hemresearch.numerics.counts import _of_alpha, deviance, fit_negative_binomial, fit_poisson
from hemresearch.numerics.exact_limits import binomial_limits, poisson_limits, wilson_limits

RNG = np.random.default_rng(1)
N = 60
X = np.column_stack([np.ones(N), RNG.normal(size=N)])
OFFSET = np.log(RNG.uniform(0.5, 3, N))
COUNT = RNG.poisson(np.exp(X @ [0.4, 0.5] + OFFSET) * RNG.gamma(1.25, 0.8, N)).astype(float)


def log_likelihood(coef, alpha):
    mean = np.exp(X @ coef + OFFSET)
    return stats.nbinom.logpmf(COUNT, 1 / alpha, 1 / (1 + alpha * mean)).sum()


def test_the_likelihood_is_that_of_the_distribution():
    fit = fit_negative_binomial(X, COUNT, OFFSET)
    assert fit.log_likelihood == pytest.approx(log_likelihood(fit.coef, fit.alpha), rel=1e-11)
    poisson = fit_poisson(X, COUNT, OFFSET)
    assert poisson.log_likelihood == pytest.approx(stats.poisson.logpmf(COUNT, poisson.mean).sum(), rel=1e-12)


def test_the_estimate_is_a_maximum_in_every_direction():
    fit = fit_negative_binomial(X, COUNT, OFFSET)
    for step in (1e-3, -1e-3):
        for k in range(2):
            assert log_likelihood(fit.coef + step * np.eye(2)[k], fit.alpha) < fit.log_likelihood
        assert log_likelihood(fit.coef, fit.alpha + step) < fit.log_likelihood
    assert np.abs(fit.score.sum(axis=0)).max() < 1e-8
    assert np.abs(fit_poisson(X, COUNT, OFFSET).score.sum(axis=0)).max() < 1e-8


@pytest.mark.parametrize("alpha", [1e-4, 0.3, 4.0])
def test_derivatives_by_alpha(alpha):
    mean, h = np.exp(X @ [0.4, 0.5] + OFFSET), alpha * 1e-4
    top = int(COUNT.max())
    low, here, high = (_of_alpha(COUNT, mean, a, top) for a in (alpha - h, alpha, alpha + h))
    assert here[1] == pytest.approx((high[0] - low[0]) / (2 * h), rel=1e-5, abs=1e-4)
    assert here[2] == pytest.approx((high[1] - low[1]) / (2 * h), rel=1e-5, abs=1e-4)


def test_counts_that_vary_less_than_poisson_counts_have_no_alpha():
    even = np.full(N, 2.0)
    fit = fit_negative_binomial(X[:, :1], even, np.zeros(N))
    assert (fit.alpha, fit.alpha_error) == (0.0, 0.0)
    assert fit.coef[0] == pytest.approx(np.log(2))


def test_the_deviance_is_zero_at_the_counts_themselves_and_tends_to_that_of_poisson():
    mean = COUNT + 0.5
    for alpha in (0.0, 0.7):
        assert deviance(COUNT, np.maximum(COUNT, 1e-300), alpha) == pytest.approx(0, abs=1e-9)
    assert deviance(COUNT, mean, 1e-7) == pytest.approx(deviance(COUNT, mean, 0.0), rel=1e-4)


def test_exact_limits_put_a_tail_on_each_side():
    count = np.array([0.0, 1, 7, 240])
    low, high = poisson_limits(count, 0.9)
    assert stats.poisson.sf(count[1:] - 1, low[1:]) == pytest.approx(0.05)
    assert stats.poisson.cdf(count, high) == pytest.approx(0.05)
    assert low[0] == 0
    count, n = np.array([0, 1, 5, 9, 9]), np.array([9, 9, 9, 9, 20])
    low, high = binomial_limits(count, n, 0.9)
    inner = (count > 0) & (count < n)
    assert stats.binom.sf(count[inner] - 1, n[inner], low[inner]) == pytest.approx(0.05)
    assert stats.binom.cdf(count[inner], n[inner], high[inner]) == pytest.approx(0.05)
    assert (low[0], high[3]) == (0, 1)
    assert stats.binom.cdf(0, 9, high[0]) == pytest.approx(0.05)


def test_wilson_limits_are_where_the_score_test_is_at_its_level():
    count, n, z = np.array([1, 5, 19]), np.array([10, 10, 20]), stats.norm.ppf(0.975)
    for limit in wilson_limits(count, n, 0.95):
        assert np.abs(count / n - limit) / np.sqrt(limit * (1 - limit) / n) == pytest.approx(z)
    assert wilson_limits(np.array([0]), np.array([5]), 0.95)[0] == 0
    assert wilson_limits(np.array([5]), np.array([5]), 0.95)[1] == 1
