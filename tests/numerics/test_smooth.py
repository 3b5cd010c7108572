"""Lowess and spline trends against R, by hand and by what they must do."""

from __future__ import annotations

import numpy as np
import pytest
from reference_cases import assert_close, reference_cases

from hemresearch.numerics.smooth import lowess, spline_trend

LOWESS = [name for name in reference_cases("smooth") if not name.startswith("cox_")]


@pytest.mark.parametrize("case_id", LOWESS)
def test_lowess_matches_r(reference, case_id):
    case = reference("smooth", case_id)
    o = case.options
    x, y = (case.data.select(case.expr(o[name]).cast(float)).to_series().to_numpy() for name in "xy")
    ours = lowess(x, y, span=o["f"], iterations=o["iterations"], delta=o.get("delta"))
    values, first = np.unique(x, return_index=True)
    assert_close(values, case.values["x"])
    assert_close(ours[first], case.values["smooth"], rel=1e-8)


def test_by_hand():
    # x = 1, 2, 3 with all points near: at 2 both neighbours lie at the radius and have no weight.
    assert_close(lowess([1.0, 2.0, 3.0], [0.0, 3.0, 0.0], span=1.0, iterations=0)[1], 3.0)
    # At 1 the radius is 2: weights 1, (1 - 1/8)^3 and 0, a line through the first two points.
    assert_close(lowess([1.0, 2.0, 3.0], [0.0, 3.0, 0.0], span=1.0, iterations=0)[0], 0.0, at_zero=1e-12)


def test_a_line_stays_a_line_and_the_order_of_points_does_not_matter():
    rng = np.random.default_rng(1)
    x = rng.normal(size=60)
    assert_close(lowess(x, 3 * x - 1), 3 * x - 1, rel=1e-8)
    y, order = rng.normal(size=60), rng.permutation(60)
    assert_close(lowess(x[order], y[order]), lowess(x, y)[order])


def test_an_outlier_does_not_pull():
    x = np.arange(30.0)
    y = np.where(x == 15, 100.0, x)
    assert_close(lowess(x, y)[[0, 29]], [0.0, 29.0], rel=1e-3, at_zero=1e-2)


def test_few_points():
    assert_close(lowess([2.0], [5.0]), [5.0])
    assert_close(lowess([2.0, 2.0], [4.0, 6.0]), [5.0, 5.0])
    assert len(lowess([], [])) == 0


def test_spline_trend_of_a_line_is_the_line():
    x, at = np.linspace(0, 1, 30), np.array([0.0, 0.5, 1.0])
    estimate, std_error = spline_trend(x, 2 * x + 1, at, df=4, variance=1.0)
    assert_close(estimate, [1.0, 2.0, 3.0], rel=1e-10)
    assert_close(spline_trend(x, x, at, df=4, variance=4.0)[1], 2 * std_error)


def test_the_variances_of_a_spline_trend_add_up_to_its_coefficients():
    x = np.linspace(0, 1, 25) ** 2
    _, std_error = spline_trend(x, x, x, df=4, variance=1.0)
    assert_close((std_error**2).sum(), 4.0, rel=1e-10)  # the trace of the hat matrix


def test_too_few_values_carry_no_spline():
    x = np.array([0.0, 0.0, 1.0, 1.0, 2.0])
    estimate, std_error = spline_trend(x, x, np.linspace(0, 2, 5), df=4, variance=1.0)
    assert np.isnan(estimate).all()
    assert np.isnan(std_error).all()
