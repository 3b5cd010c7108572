"""Limits by transformation, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.numerics.intervals import PROBABILITY, hazard_limits, normal_quantile, probability_limits

Z = normal_quantile(0.95)
LOGLOG = np.exp(Z * 0.1 / (0.6 * -np.log(0.6)))
LOGIT = np.exp(Z * 0.1 / 0.24)


def test_the_normal_quantile():
    assert pytest.approx(1.959963984540054) == Z


@pytest.mark.parametrize(
    ("conf_type", "low", "high"),
    [
        ("plain", 0.6 - Z * 0.1, 0.6 + Z * 0.1),
        ("log", 0.6 * np.exp(-Z * 0.1 / 0.6), 0.6 * np.exp(Z * 0.1 / 0.6)),
        ("log-log", 0.6**LOGLOG, 0.6 ** (1 / LOGLOG)),
        ("logit", 1 / (1 + LOGIT / 1.5), 1 / (1 + 1 / (1.5 * LOGIT))),
    ],
)
def test_each_scale_by_hand(conf_type, low, high):
    ends = probability_limits(np.array([0.6]), np.array([0.1]), conf_type, 0.95)
    assert ends[0][0] == pytest.approx(low)
    assert ends[1][0] == pytest.approx(high)


@pytest.mark.parametrize("conf_type", PROBABILITY)
def test_limits_stay_within_zero_and_one_and_around_the_estimate(conf_type):
    p = np.linspace(0.01, 0.99, 25)
    low, high = probability_limits(p, np.full(25, 0.3), conf_type, 0.99)
    assert ((low >= 0) & (low <= p) & (p <= high) & (high <= 1)).all()


@pytest.mark.parametrize("conf_type", PROBABILITY)
def test_certainty_has_both_limits_one_and_an_undefined_error_has_none(conf_type):
    low, high = probability_limits(np.array([1.0, 0.0]), np.array([0.0, np.nan]), conf_type, 0.95)
    assert low[0] == high[0] == 1
    assert np.isnan([low[1], high[1]]).all()


def test_hazard_limits_are_those_of_the_survival_it_implies():
    hazard, error = np.array([0.2, 1.5]), np.array([0.05, 0.4])
    for conf_type in PROBABILITY:
        low, high = hazard_limits(hazard, error, conf_type, 0.95)
        survival = np.exp(-hazard)
        below, above = probability_limits(survival, survival * error, conf_type, 0.95)
        assert np.exp(-high) == pytest.approx(below)
        assert np.exp(-low) == pytest.approx(above)


def test_no_hazard_yet_has_no_width():
    assert hazard_limits(np.array([0.0]), np.array([0.0]), "log-log", 0.95) == (0, 0)
