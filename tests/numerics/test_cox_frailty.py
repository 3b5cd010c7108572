"""The penalised likelihood of frailty models: its derivatives, block by block, and how they are inverted."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.numerics.cox_frailty import (
    FrailtyLikelihood,
    gamma_penalty,
    gaussian_penalty,
    sums_by_group,
)
from hemresearch.numerics.cox_partial import PartialLikelihood
from hemresearch.numerics.cox_rows import cox_rows

CASES = [(penalty, efron, entry) for penalty in (gamma_penalty, gaussian_penalty) for efron in (False, True)
         for entry in (False, True)]  # fmt: skip


def likelihood(seed, penalty=gamma_penalty, efron=True, entry=True, n=30, q=5, **options):
    rng = np.random.default_rng(seed)
    time = rng.integers(2, 9, n).astype(float)
    rows = cox_rows(
        rng.normal(size=(n, 2)),
        time,
        rng.random(n) < 0.7,
        entry=np.minimum(rng.integers(0, 6, n), time - 1).astype(float) if entry else None,
        stratum=rng.integers(0, 2, n),
        offset=rng.normal(size=n),
    )
    group = np.append(np.arange(q), rng.integers(0, q, n - q))[rows.order]
    return FrailtyLikelihood(PartialLikelihood(rows, efron), group, q, penalty, 0.6, **options)


def parameters(seed, q=5):
    return np.random.default_rng(100 + seed).normal(size=2 + q) * 0.5


def whole(information):
    return np.block([[information.bb, information.wb.T], [information.wb, information.ww]])


@pytest.mark.parametrize(("penalty", "efron", "entry"), CASES)
def test_score_and_information_are_the_derivatives(penalty, efron, entry):
    like, at, step = likelihood(1, penalty, efron, entry), parameters(1), 1e-5
    _, score, information = like(at)
    shifts = step * np.eye(len(at))
    numerical = [(like(at + h)[0] - like(at - h)[0]) / (2 * step) for h in shifts]
    np.testing.assert_allclose(score, numerical, rtol=1e-7, atol=1e-7)
    slopes = [(like(at - h)[1] - like(at + h)[1]) / (2 * step) for h in shifts]
    np.testing.assert_allclose(whole(information), slopes, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("penalty", "efron", "entry"), CASES)
def test_blocks_are_inverted_as_the_whole_matrix_is(penalty, efron, entry):
    like, at = likelihood(2, penalty, efron, entry), parameters(2)
    _, score, information = like(at)
    inverse = np.linalg.inv(whole(information))
    np.testing.assert_allclose(information.solve(score), inverse @ score, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(np.linalg.inv(information.schur), inverse[:2, :2], rtol=1e-9)
    np.testing.assert_allclose(information.effect_variance, np.diag(inverse)[2:], rtol=1e-9)
    np.testing.assert_allclose(information.log_determinant, np.linalg.slogdet(information.ww)[1], rtol=1e-12)
    np.testing.assert_allclose(information.ww_diagonal, np.diag(information.ww), rtol=1e-11)


def test_beyond_the_limit_the_groups_are_unrelated():
    at = parameters(3)
    information = likelihood(3, dense_limit=4)(at)[2]
    unrelated = whole(information)
    unrelated[2:, 2:] = np.diag(np.diag(unrelated)[2:])
    np.testing.assert_allclose(information.effect_variance, np.diag(np.linalg.inv(unrelated))[2:], rtol=1e-10)
    np.testing.assert_allclose(information.log_determinant, np.log(np.diag(information.ww)).sum(), rtol=1e-12)
    # steps and the variance of the coefficients do not change
    exact = likelihood(3)(at)[2]
    np.testing.assert_allclose(information.schur, exact.schur, rtol=1e-12)


def test_without_covariates():
    like = likelihood(4)
    rows = cox_rows(np.empty((30, 0)), like.partial.rows.leave.astype(float), like.partial.rows.event)
    bare = FrailtyLikelihood(PartialLikelihood(rows, True), like.group[rows.order], 5, gaussian_penalty, 0.6)
    _, score, information = bare(np.full(5, 0.1))
    np.testing.assert_allclose(information.solve(score), np.linalg.solve(information.ww, score), rtol=1e-9)


def test_two_groups_by_hand():
    # One event in group 0 with one row of each group at risk: l = w0 - log(e^w0 + e^w1)
    rows = cox_rows(np.empty((2, 0)), np.array([1.0, 2.0]), np.array([True, False]))
    like = FrailtyLikelihood(PartialLikelihood(rows, True), np.array([0, 1]), 2, gaussian_penalty, 2.0)
    w = np.array([np.log(3), 0.0])
    value, score, information = like(w)
    assert value == pytest.approx(np.log(3 / 4) - np.log(3) ** 2 / 4, rel=1e-14)
    np.testing.assert_allclose(score, [1 / 4 - np.log(3) / 2, -1 / 4], rtol=1e-13)
    np.testing.assert_allclose(information.ww, [[3 / 16 + 0.5, -3 / 16], [-3 / 16, 3 / 16 + 0.5]], rtol=1e-13)


def test_penalties_agree_where_effects_are_small():
    w = np.array([1e-4, -2e-4, 0.0])
    for ours, theirs in zip(gamma_penalty(w, 0.5), gaussian_penalty(w, 0.5), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=3e-4)


def test_an_overflow_has_no_likelihood():
    like = likelihood(5)
    with np.errstate(over="ignore"):
        assert like(np.full(7, 1e4))[0] == -np.inf


def test_sums_by_group():
    values = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]])
    assert sums_by_group(values, np.array([1, 0, 1]), 3).tolist() == [[2, 20], [5, 50], [0, 0]]
