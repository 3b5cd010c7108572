"""Time in range along straight lines: by hand, and against points along the line."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_cases import assert_close

from hemresearch.numerics.time_in_range import ratio_of_sums, shares_in_range

VALUE = st.integers(10, 50).map(lambda x: x / 10)


def shares(*values: float) -> list[float]:
    return [float(part[0]) for part in shares_in_range(*(np.array([v]) for v in values))]


def test_by_hand():
    assert_close(shares(1.5, 3.5, 2, 3), [0.25, 0.5, 0.25], rel=1e-12)
    assert shares(2, 2, 2, 3) == [0, 1, 0]  # bounds belong to the range
    assert shares(3, 3, 2, 3) == [0, 1, 0]
    assert shares(1.9, 1.9, 2, 3) == [1, 0, 0]
    assert shares(3.1, 3.1, 2, 3) == [0, 0, 1]
    assert_close(
        ratio_of_sums(np.array([1.0, 3.0]), np.array([2.0, 4.0])), [2 / 3, np.sqrt(2 / 9) / 6], rel=1e-12
    )


@settings(max_examples=200, deadline=None)
@given(VALUE, VALUE)
def test_shares_are_those_of_points_along_the_line(first, last):
    below, within, above = shares(first, last, 2, 3)
    points = np.linspace(first, last, 20_001)
    assert abs(below - (points < 2).mean()) < 2e-4
    assert abs(above - (points > 3).mean()) < 2e-4
    assert_close(below + within + above, 1.0, rel=1e-12)
    assert_close(shares(last, first, 2, 3), [below, within, above], rel=1e-9)
