"""Adjusted p-values as R's p.adjust, and the probability of the largest of correlated statistics."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import ndtr
from scipy.stats import norm

from hemresearch.numerics.multiplicity import adjusted, largest_exceeds

# R: p.adjust(c(.01, .04, .03, NA, .02, .5), method)
P = np.array([0.01, 0.04, 0.03, np.nan, 0.02, 0.5])
R = {
    "holm": [0.05, 0.09, 0.09, np.nan, 0.08, 0.5],
    "bh": [0.05, 0.05, 0.05, np.nan, 0.05, 0.5],
    "bonferroni": [0.05, 0.2, 0.15, np.nan, 0.1, 1.0],
    "none": P,
}


@pytest.mark.parametrize("method", R)
def test_adjusted_p_values_are_those_of_p_adjust(method):
    np.testing.assert_allclose(adjusted(P, method), R[method], rtol=1e-12)


@pytest.mark.parametrize("method", R)
def test_no_p_values_are_adjusted_to_none(method):
    assert adjusted(np.full(2, np.nan), method).tolist() == pytest.approx([np.nan] * 2, nan_ok=True)
    assert len(adjusted(np.empty(0), method)) == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_adjustment_keeps_the_order_and_holm_lies_between(values):
    p = np.array(values)
    order = np.argsort(p)
    for method in R:
        q = adjusted(p, method)
        assert (np.diff(q[order]) >= 0).all()
        assert ((p <= q + 1e-15) & (q <= 1)).all()
    assert (adjusted(p, "bh") <= adjusted(p, "holm") + 1e-15).all()
    assert (adjusted(p, "holm") <= adjusted(p, "bonferroni") + 1e-15).all()


@pytest.mark.parametrize("bound", [0.5, 2.0, 4.0, 9.0])
def test_independent_statistics_multiply(bound):
    one_sided, two_sided = norm.sf(bound), 2 * norm.sf(bound)
    for n in (1, 2, 5):
        expected = -np.expm1(n * np.log1p(-two_sided))
        assert largest_exceeds(bound, np.eye(n)) == pytest.approx(expected, rel=1e-10)
        expected = -np.expm1(n * np.log1p(-one_sided))
        assert largest_exceeds(bound, np.eye(n), two_sided=False) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("r", [0.2, 0.7, 0.95])
@pytest.mark.parametrize("bound", [1.0, 2.5, 6.0])
def test_equal_correlations_agree_with_a_single_integral(r, bound):
    # Z_i = sqrt(r) W + sqrt(1 - r) E_i: given W the Z_i are independent
    def exceeds(w):
        low, high = ((b - np.sqrt(r) * w) / np.sqrt(1 - r) for b in (-bound, bound))
        miss = ndtr(low) + ndtr(-high)
        return miss * (4 - 6 * miss + 4 * miss**2 - miss**3) * norm.pdf(w)  # 1 - (1 - miss)^4

    expected = quad(exceeds, -12, 12, epsabs=0, epsrel=1e-8, limit=500, points=[-bound, bound])[0]
    correlation = np.full((4, 4), r) + (1 - r) * np.eye(4)
    assert largest_exceeds(bound, correlation) == pytest.approx(expected, rel=2e-4)


def test_dependent_statistics_count_once():
    same, opposite = np.ones((3, 3)), np.array([[1.0, -1.0], [-1.0, 1.0]])
    assert largest_exceeds(2, same) == pytest.approx(2 * norm.sf(2), rel=1e-12)
    assert largest_exceeds(2, opposite) == pytest.approx(2 * norm.sf(2), rel=1e-12)
    assert largest_exceeds(2, opposite, two_sided=False) == pytest.approx(2 * norm.sf(2), rel=1e-12)


def test_a_singular_matrix_is_no_trouble():
    # Z_3 = (Z_1 + Z_2) / sqrt(2), so given Z_1 = x all are within the bound when Z_2 lies in one interval
    root = np.sqrt(0.5)
    factor = np.array([[1, 0], [0, 1], [root, root]])
    for bound in (1.0, 2.0, 3.0):

        def inside(x, bound=bound):
            low, high = max(-bound, -bound / root - x), min(bound, bound / root - x)
            return norm.pdf(x) * (ndtr(high) - ndtr(low))

        kinks = [(1 - 1 / root) * bound, (1 / root - 1) * bound]
        expected = 1 - quad(inside, -bound, bound, points=kinks, epsabs=1e-13)[0]
        assert largest_exceeds(bound, factor @ factor.T) == pytest.approx(expected, rel=1e-4)


def test_a_bound_below_zero_is_always_exceeded_by_one_of_two_sides():
    assert largest_exceeds(0.0, np.eye(2)) == 1
    expected = 1 - norm.cdf(-1) ** 2
    assert largest_exceeds(-1.0, np.eye(2), two_sided=False) == pytest.approx(expected, rel=1e-10)
