"""The kernel of quantile differences: one-sample limits, how they are joined, and where they touch."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.numerics.quantile_difference import (
    Crossing,
    crossing,
    difference_limits,
    joint_factor,
    touching_point,
)

NEAR = Crossing(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), np.array([3.0, 1.0, -0.5, -1.5, -3.0]))
FAR = Crossing(np.array([11.0, 12.0, 13.0, 14.0, 15.0]), np.array([3.0, 1.0, -0.5, -1.5, -3.0]))


def test_distances_are_standardised_and_never_rise():
    passage = crossing(
        np.array([1.0, 2.0, 3.0, 4.0]),
        np.array([1.0, 0.8, 0.4, 0.0]),
        np.array([0.0, 0.1, 0.2, np.nan]),
        0.5,
        "plain",
    )
    np.testing.assert_allclose(passage.least, [np.inf, 3.0, -0.5, -0.5])
    log_log = crossing(np.array([1.0]), np.array([0.8]), np.array([0.1]), 0.5, "log-log").least[0]
    scale = 1 / (0.8 * abs(np.log(0.8)))
    assert log_log == pytest.approx((np.log(-np.log(0.5)) - np.log(-np.log(0.8))) / (0.1 * scale))


def test_limits_are_the_first_times_within_z():
    assert NEAR.limits(1.2) == (2.0, 4.0)
    assert NEAR.limits(3.0) == (1.0, 5.0)
    assert NEAR.limits(4.0) == (1.0, np.inf)


def test_a_quantile_beyond_the_follow_up_has_its_end_as_lower_limit():
    above = Crossing(np.array([1.0, 2.0]), np.array([5.0, 3.0]))
    assert above.limits(2.0) == (2.0, np.inf)


def test_the_factor_joins_two_lengths():
    wide = Crossing(FAR.time * 3, FAR.least)
    # at 1.96 both reach from the second to the fifth time: lengths 3 and 9
    assert joint_factor(NEAR, wide) == pytest.approx(np.sqrt(3**2 + 9**2) / 12)
    assert joint_factor(NEAR, NEAR) == pytest.approx(np.sqrt(0.5))
    assert joint_factor(NEAR, Crossing(np.array([1.0]), np.array([2.0]))) == 1.0


def test_limits_of_the_difference_and_where_they_touch():
    assert difference_limits(FAR, NEAR, 1.2) == (12.0 - 4.0, 14.0 - 2.0)
    # the intervals 1-5 and 11-15 are apart until an end is open, beyond 3
    assert touching_point(FAR, NEAR) == 3.0
    shifted = Crossing(NEAR.time + 2, NEAR.least)
    # 4-6 and 2-4 beyond 1 touch at 4
    assert touching_point(shifted, NEAR) == 1.0
    assert touching_point(NEAR, NEAR) == 0.0
