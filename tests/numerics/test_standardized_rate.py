"""Standardised rates: one stratum, rescaling, and how their limits relate."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from hemresearch.numerics.exact_limits import poisson_limits
from hemresearch.numerics.standardized_rate import LIMITS, standardized_rate

D = np.array([[3.0, 10, 25], [0, 4, 1]])
Y = np.array([[1000.0, 800, 500], [200, 900, 40]])
W = np.array([0.5, 0.3, 0.2])


def test_the_rate_by_hand():
    s = standardized_rate(D, Y, W)
    assert_allclose(s.rate[0], 0.5 * 3 / 1000 + 0.3 * 10 / 800 + 0.2 * 25 / 500)
    assert_allclose(s.variance[1], 0.3**2 * 4 / 900**2 + 0.2**2 / 40**2)
    assert_allclose(s.events, [38, 5])


@pytest.mark.parametrize("name", ["fay-feuer", "tiwari", "dobson"])
def test_one_stratum_has_the_exact_limits_of_its_rate(name):
    s = standardized_rate(D[:, :1] + 1, Y[:, :1], np.ones(1))
    low, high = LIMITS[name](s, 0.9)
    exact = poisson_limits(D[:, 0] + 1, 0.9)
    assert_allclose(low, exact[0] / Y[:, 0])
    assert_allclose(high, exact[1] / Y[:, 0])


@pytest.mark.parametrize("name", list(LIMITS))
def test_limits_follow_the_unit_of_time_and_enclose_the_rate(name):
    s, months = standardized_rate(D, Y, W), standardized_rate(D, Y * 12, W)
    low, high = LIMITS[name](s, 0.95)
    assert_allclose(np.array(LIMITS[name](months, 0.95)) * 12, [low, high])
    assert ((low < s.rate) & (s.rate < high)).all()
    narrow = LIMITS[name](s, 0.5)
    assert ((narrow[0] > low) & (narrow[1] < high)).all()


def test_tiwari_is_not_wider_than_fay_and_feuer():
    s = standardized_rate(D, Y, W)
    assert (LIMITS["tiwari"](s, 0.95)[1] <= LIMITS["fay-feuer"](s, 0.95)[1]).all()


def test_without_events():
    s = standardized_rate(D * 0, Y, W)
    most = (W / Y).max(axis=1)
    low, high = LIMITS["fay-feuer"](s, 0.95)
    assert_allclose(low, 0)
    assert_allclose(high, most * -np.log(0.025))
    for name in ("dobson", "log"):
        assert np.isnan(LIMITS[name](s, 0.95)).all()
