"""Newton's iteration: known maxima, steps that are too long, and domains that end."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.numerics.newton import ascent, maximize


def quadratic(at):
    """Largest at (1, -2), where its value is 5."""
    centre, bend = np.array([1.0, -2.0]), np.array([[2.0, 0.5], [0.5, 1.0]])
    score = -bend @ (at - centre)
    return 5 + 0.5 * float(score @ (at - centre)), score, bend


def test_a_quadratic_takes_one_step():
    top = maximize(quadratic, np.zeros(2))
    assert top.converged
    np.testing.assert_allclose(top.parameters, [1, -2], rtol=1e-12)
    assert top.value == pytest.approx(5)
    assert top.iterations == 2


def test_poisson_counts_have_their_mean():
    counts = np.array([3.0, 0.0, 2.0, 7.0])

    def likelihood(at):
        mean = np.exp(at[0])
        score = np.array([counts.sum() - 4 * mean])
        return float(counts.sum() * at[0] - 4 * mean), score, np.array([[4 * mean]])

    for start in (0.0, -8.0, 8.0):  # from -8 the first step would overflow
        top = maximize(likelihood, np.array([start]))
        assert top.converged
        np.testing.assert_allclose(top.parameters, [np.log(3)], rtol=1e-10)


def test_a_step_out_of_the_domain_is_halved():
    def likelihood(at):
        if at[0] <= 0:
            return -np.inf, np.array([np.nan]), np.array([[np.nan]])
        return float(np.log(at[0]) - at[0]), np.array([1 / at[0] - 1]), np.array([[1 / at[0] ** 2]])

    top = maximize(likelihood, np.array([30.0]))  # the first step would lead to -840
    np.testing.assert_allclose(top.parameters, [1.0], rtol=1e-8)


def test_a_step_to_an_information_that_is_not_finite_is_halved():
    def likelihood(at):
        value, score, information = quadratic(at)
        return value, score, information * (np.nan if abs(at[0]) > 0.9 else 1.0)

    top = maximize(likelihood, np.zeros(2))
    assert not top.converged
    assert np.isfinite(top.information).all()
    assert top.value > quadratic(np.zeros(2))[0]


def test_a_likelihood_that_only_grows_is_told_apart():
    top = maximize(lambda at: (float(at[0]), np.ones(1), np.full((1, 1), 1e-3)), np.zeros(1), steps=5)
    assert not top.converged
    assert top.iterations == 5
    assert top.decrement > 1


def test_rounding_error_does_not_keep_it_from_ending():
    def noisy(at):
        value, score, information = quadratic(at)
        return value + 1e9, score + 1e-9 * np.sin(1e9 * at), information

    assert maximize(noisy, np.array([3.0, 3.0])).converged


def test_no_parameters_are_a_maximum():
    top = maximize(lambda at: (7.0, np.empty(0), np.empty((0, 0))), np.empty(0))
    assert top.converged
    assert top.value == 7


def test_the_ascent_solves_where_it_can_and_climbs_elsewhere():
    information, score = np.array([[4.0, 1.0], [1.0, 3.0]]), np.array([1.0, 2.0])
    np.testing.assert_allclose(ascent(information, score), np.linalg.solve(information, score))
    units = np.array([1e6, 1e-6])  # units do not matter
    scaled = ascent(information * np.outer(units, units), score * units)
    np.testing.assert_allclose(scaled * units, np.linalg.solve(information, score), rtol=1e-9)
    for information in (-np.eye(2), np.array([[1.0, 2.0], [2.0, 1.0]]), np.zeros((2, 2))):
        assert ascent(information, score) @ score > 0
