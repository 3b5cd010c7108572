"""Risks with a log link against scipy's distribution; leverages against a hat matrix written out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from hemresearch.numerics.counts import fit_poisson, fit_standardised, leverage
from hemresearch.numerics.log_binomial import binomial_deviance, fit_log_binomial

RNG = np.random.default_rng(1)
N = 50
X = np.column_stack([np.ones(N), RNG.normal(size=N) * 3 + 8])
PERSONS = RNG.integers(1, 9, N).astype(float)
COUNT = RNG.binomial(PERSONS.astype(int), np.exp(-1.6 + 0.05 * (X[:, 1] - 8))).astype(float)


def log_likelihood(coef: np.ndarray) -> float:
    return stats.binom.logpmf(COUNT, PERSONS, np.exp(X @ coef)).sum()


def test_the_estimate_is_a_maximum_of_the_likelihood_of_the_distribution():
    fit, back = fit_standardised(fit_log_binomial, X, COUNT, PERSONS)
    coef = back @ fit.coef
    assert fit.found.converged
    assert fit.log_likelihood == pytest.approx(log_likelihood(coef), rel=1e-12)
    assert np.abs(fit.score.sum(axis=0)).max() < 1e-8
    for step in (*(1e-3 * np.eye(2)), *(-1e-3 * np.eye(2))):
        assert log_likelihood(coef + step) < fit.log_likelihood
    saturated = stats.binom.logpmf(COUNT, PERSONS, COUNT / PERSONS).sum()
    deviance = binomial_deviance(COUNT, fit.mean, PERSONS)
    assert deviance == pytest.approx(2 * (saturated - fit.log_likelihood), rel=1e-10)


def test_the_information_is_expected():
    """The mean of the squared score at the estimate, over all counts that could have been."""
    fit = fit_log_binomial(X[:, :1], COUNT, PERSONS)
    risk = np.exp(fit.coef[0])
    spread = PERSONS * risk * (1 - risk) / (1 - risk) ** 2
    assert fit.information[0, 0] == pytest.approx(spread.sum(), rel=1e-12)


def test_a_risk_that_reaches_one_has_not_converged():
    x = np.linspace(-1, 1, 30)
    fit = fit_log_binomial(np.column_stack([np.ones(30), x]), (x > 0).astype(float), np.ones(30))
    assert not fit.found.converged


def test_standardising_changes_nothing_but_the_units():
    centred = np.column_stack([X[:, 0], X[:, 1] - X[:, 1].mean()])
    plain = fit_poisson(centred, COUNT, np.log(PERSONS))
    fit, back = fit_standardised(fit_poisson, X, COUNT, np.log(PERSONS))
    coef = back @ fit.coef
    assert coef[1] == pytest.approx(plain.coef[1], rel=1e-10)
    assert coef[0] + coef[1] * X[:, 1].mean() == pytest.approx(plain.coef[0], rel=1e-10)


def test_leverages_are_the_diagonal_of_the_hat_matrix():
    fit = fit_poisson(X - [0, 8], COUNT, np.log(PERSONS))
    root = np.sqrt(fit.mean)[:, None] * (X - [0, 8])
    hat = root @ np.linalg.solve(root.T @ root, root.T)
    drawn = leverage(fit, X - [0, 8], fit.mean)
    np.testing.assert_allclose(drawn, np.diag(hat), rtol=1e-10)
    assert drawn.sum() == pytest.approx(2)
