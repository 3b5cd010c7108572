"""Profile-likelihood limits, against a search on a grid."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.numerics.newton import Maximum, maximize
from hemresearch.numerics.profile import profile_limit

DROP = 0.5 * 1.959963984540054**2


def counts(at):
    """Two Poisson means: 12 events in 10 years, and 30 in 20 with the ratio exp(at[1])."""
    first, second = 10 * np.exp(at[0]), 20 * np.exp(at[0] + at[1])
    value = 12 * at[0] - first + 30 * (at[0] + at[1]) - second
    score = np.array([42 - first - second, 30 - second])
    return float(value), score, np.array([[first + second, second], [second, second]])


def test_limits_of_a_rate_ratio_are_where_the_profile_has_fallen():
    top = maximize(counts, np.zeros(2))
    low, high = (profile_limit(counts, top, 1, DROP, upper=upper) for upper in (False, True))

    def profile(ratio):  # given the ratio, the first rate is all events by all expected years
        a = np.log(42 / (10 + 20 * np.exp(ratio)))
        return counts(np.array([a, ratio]))[0]

    grid = np.linspace(low - 1e-6, high + 1e-6, 2001)
    inside = np.array([profile(r) for r in grid]) >= top.value - DROP
    assert not inside[[0, -1]].any()
    assert inside[1:-1].all()
    assert profile(low) == pytest.approx(top.value - DROP, rel=1e-10)
    assert profile(high) == pytest.approx(top.value - DROP, rel=1e-10)


def test_a_normal_likelihood_has_wald_limits():
    def likelihood(at):
        return -float((at[0] - 3) ** 2) / 8, -(at - 3) / 4, np.array([[0.25]])

    top = maximize(likelihood, np.zeros(1))
    limits = [profile_limit(likelihood, top, 0, DROP, upper=upper) for upper in (False, True)]
    np.testing.assert_allclose(limits, 3 + 2 * 1.959963984540054 * np.array([-1, 1]), rtol=1e-9)


def test_a_limit_that_is_never_reached_is_infinite():
    def rising(at):  # towards 0, the value at infinity
        fall = np.exp(-at[0])
        return -float(fall), np.array([fall]), np.array([[fall]])

    at = np.array([30.0])
    top = Maximum(at, *rising(at), 0, 0.0, True)
    assert profile_limit(rising, top, 0, DROP, upper=True) == np.inf
    assert profile_limit(rising, top, 0, DROP, upper=False) == pytest.approx(-np.log(DROP), abs=1e-8)
