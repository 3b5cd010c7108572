"""Intervals in pieces: by hand, and against the definition for random intervals."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.numerics.episodes import split_at, split_intervals


def test_pieces_by_hand():
    entry, time = np.array([0.0, 5, 2]), np.array([10.0, 8, 3])
    row, start, stop, is_last, period = split_intervals(entry, time, np.array([3.0, 6, 8, 20]))
    assert row.tolist() == [0, 0, 0, 0, 1, 1, 2]
    assert start.tolist() == [0, 3, 6, 8, 5, 6, 2]
    assert stop.tolist() == [3, 6, 8, 10, 6, 8, 3]
    assert is_last.tolist() == [False, False, False, True, False, True, True]
    assert period.tolist() == [1, 2, 3, 4, 2, 3, 1]


@pytest.mark.parametrize("cuts", [[], [0.0], [10.0], [11.0, 12.0]])
def test_nothing_is_cut_outside_an_interval(cuts):
    row, start, stop, is_last, period = split_intervals(None, np.array([10.0]), np.array(cuts))
    assert (row.tolist(), start.tolist(), stop.tolist(), is_last.tolist()) == ([0], [0], [10], [True])
    assert period.tolist() == [2 if cuts == [0.0] else 1]


@pytest.mark.parametrize("seed", range(5))
def test_pieces_fill_each_interval_and_lie_in_one_period(seed):
    rng = np.random.default_rng(seed)
    entry = rng.integers(0, 8, 40).astype(float)
    time = entry + rng.integers(1, 9, 40)
    cuts = np.unique(rng.integers(0, 18, seed * 3)).astype(float)
    row, start, stop, is_last, period = split_intervals(entry, time, cuts)
    assert (start < stop).all()
    assert not ((start[:, None] < cuts) & (cuts < stop[:, None])).any()
    first = np.append(True, row[1:] != row[:-1])
    np.testing.assert_array_equal(start[first], entry)
    np.testing.assert_array_equal(stop[is_last], time)
    np.testing.assert_array_equal(row[is_last], np.arange(40))
    np.testing.assert_array_equal(start[~first], stop[~is_last])
    np.testing.assert_array_equal(period, 1 + (cuts <= start[:, None]).sum(axis=1))


def test_each_interval_at_a_time_of_its_own():
    entry, time = np.zeros(6), np.array([4.0, 4, 4, 4, 4, 9])
    cut = np.array([1.0, np.nan, 4, -np.inf, np.inf, 6])
    row, start, stop = split_at(entry, time, cut)
    assert row.tolist() == [0, 0, 1, 2, 3, 4, 5, 5]
    assert start.tolist() == [0, 1, 0, 0, 0, 0, 0, 6]
    assert stop.tolist() == [1, 4, 4, 4, 4, 4, 6, 9]
