"""Days of a series: gaps filled, runs and recoveries, each beside a plain loop."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from hemresearch.numerics.daily_series import (
    fill_short_gaps,
    first_day,
    first_recovery,
    join_short_gaps,
    last_day,
    lowest_by_day,
    run_lengths,
)

RNG = np.random.default_rng(6)
DAYS = 17
INSIDE = np.vstack(
    [RNG.random((60, DAYS)) < share for share in (0.1, 0.5, 0.9)] + [np.zeros((1, DAYS), bool)]
)


def stretches(row: np.ndarray) -> list[tuple[bool, int, int]]:
    """The runs of a row: what they are, where they begin, how long they are."""
    cuts = [0, *(np.flatnonzero(row[1:] != row[:-1]) + 1), len(row)]
    return [(bool(row[a]), a, b - a) for a, b in pairwise(cuts)]


def test_the_lowest_value_of_a_day_counts():
    found = lowest_by_day(np.array([0, 0, 1]), np.array([1, 1, 0]), np.array([3.0, 2.0, 5.0]), 2, 2)
    assert np.array_equal(found, [[np.nan, 2.0], [5.0, np.nan]], equal_nan=True)


def test_runs_are_counted_day_by_day():
    for row, found in zip(INSIDE, run_lengths(INSIDE), strict=True):
        expected = np.zeros(DAYS, int)
        for inside, begin, n in stretches(row):
            expected[begin : begin + n] = np.arange(1, n + 1) if inside else 0
        assert found.tolist() == expected.tolist()


@pytest.mark.parametrize("shorter_than", [1, 2, 3, 6])
def test_only_gaps_between_runs_are_joined(shorter_than):
    for row, found in zip(INSIDE, join_short_gaps(INSIDE, shorter_than), strict=True):
        expected = row.copy()
        for inside, begin, n in stretches(row)[1:-1]:
            if not inside and n < shorter_than:
                expected[begin : begin + n] = True
        assert found.tolist() == expected.tolist()


def test_first_and_last_days():
    for row, first, last in zip(INSIDE, first_day(INSIDE), last_day(INSIDE), strict=True):
        days = np.flatnonzero(row)
        assert (first, last) == ((days[0], days[-1]) if len(days) else (-1, -1))


@pytest.mark.parametrize("lasting", [1, 3])
def test_a_recovery_is_the_first_day_of_so_many(lasting):
    onset = RNG.integers(-1, DAYS, len(INSIDE))
    for row, start, found in zip(INSIDE, onset, first_recovery(INSIDE, onset, lasting), strict=True):
        begins = [
            t for t in range(start + 1, DAYS - lasting + 1) if start >= 0 and row[t : t + lasting].all()
        ]
        assert found == (begins[0] if begins else -1)


@pytest.mark.parametrize("longest", [0, 2, 5])
def test_gaps_are_interpolated_or_left(longest):
    values = np.where(INSIDE, RNG.random(INSIDE.shape), np.nan)
    last = RNG.integers(0, DAYS, len(values))
    values[np.arange(DAYS) > last[:, None]] = np.nan
    for row, end, found in zip(values, last, fill_short_gaps(values, last, longest), strict=True):
        days = np.flatnonzero(~np.isnan(row))
        expected = row.copy()
        for missing, begin, n in stretches(np.isnan(row[: end + 1])):
            if missing and n <= longest and len(days):
                gap = np.arange(begin, begin + n)
                expected[gap] = np.interp(gap, days, row[days])
        assert np.allclose(found, expected, equal_nan=True)
