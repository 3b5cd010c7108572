"""Tests of observed against expected counts: enumeration, and what groups share."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import gammaln

from hemresearch.numerics import poisson_mean as kernel


def probabilities(mean: float) -> np.ndarray:
    k = np.arange(500)
    return np.exp(k * np.log(mean) - mean - gammaln(k + 1))


@pytest.mark.parametrize("mean", [0.01, 0.5, 1.0, 2.7, 8.0, 40.3])
@pytest.mark.parametrize("observed", [0, 1, 2, 7, 40, 60])
def test_the_exact_test_adds_up_what_is_no_more_probable(observed, mean):
    p = probabilities(mean)
    expected = p[p <= p[observed] * (1 + 1e-7)].sum()
    assert_allclose(kernel.exact_test(observed, mean), min(1.0, expected), rtol=1e-9)


def test_midp_by_hand():
    p = probabilities(2.0)
    assert_allclose(kernel.midp_test(5, 2.0), 2 * (p[6:].sum() + p[5] / 2))
    assert_allclose(kernel.midp_test(0, 2.0), p[0])
    assert kernel.midp_test(2, 2.0) <= 1


def test_chi_squared_by_hand():
    observed, expected = np.array([5.0, 10.0]), np.array([2.1, 10.3])
    assert_allclose(kernel.chi_squared(observed, expected, continuity=False), [2.9**2 / 2.1, 0.09 / 10.3])
    assert_allclose(kernel.chi_squared(observed, expected, continuity=True), [2.4**2 / 2.1, 0])


def test_what_all_groups_share_is_taken_out():
    expected, scores = np.array([2.0, 5.0, 9.0]), np.array([1.0, 2.0, 4.0])
    assert_allclose(kernel.heterogeneity(expected * 3, expected), 0, atol=1e-20)
    assert_allclose(kernel.trend(expected * 3, expected, scores), 0, atol=1e-12)
    observed = np.array([3.0, 5.0, 14.0])
    assert_allclose(kernel.heterogeneity(observed, expected), kernel.heterogeneity(observed, expected * 7))
    z = kernel.trend(observed, expected, scores)
    assert_allclose(z, kernel.trend(observed, expected * 7, scores * 3 + 5))
    assert z**2 <= kernel.heterogeneity(observed, expected)
    two = kernel.trend(observed[:2], expected[:2], scores[:2]) ** 2
    assert_allclose(two, kernel.heterogeneity(observed[:2], expected[:2]))
