"""Where a falling step function crosses a level."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.numerics.steps import first_at_or_below

TIME = np.array([1.0, 2.0, 3.0, 4.0])


@pytest.mark.parametrize(
    ("curve", "crossing"),
    [
        ([0.9, 0.6, 0.4, 0.1], 3),  # passes the level
        ([0.9, 0.5, 0.5, 0.1], 3),  # lies on it from 2 to 4: the middle
        ([0.9, 0.5 + 1e-12, 0.5, 0.1], 3),  # the same up to rounding
        ([0.9, 0.5, 0.5, 0.5], 3),  # lies on it from 2 to the end of follow-up: the middle
        ([0.9, 0.8, 0.7, 0.6], None),  # never reaches it
        ([0.9, 0.6, np.nan, np.nan], None),  # undefined from 3 on
    ],
)
def test_the_first_time_at_or_below_a_level(curve, crossing):
    assert first_at_or_below(TIME, np.array(curve), 0.5) == crossing
