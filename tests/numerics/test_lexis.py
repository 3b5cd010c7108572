"""Follow-up on time scales: pieces by hand, and the table that adds them up."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.numerics.lexis import count_pieces, split_rows, tabulate

# On the first scale the second row is 2 older; the second scale is cut at 0, 3 and infinity.
START, STOP = np.array([0.0, 1.0]), np.array([4.0, 4.0])
ORIGIN = np.array([[0.0, 0.0], [-2.0, 0.0]])
CUTS, FIRST = np.array([0.0, 2.0, 5.0, 0.0, 3.0, np.inf]), np.array([0, 3, 6])
TOLERANCE = 1e-9


def test_pieces_by_hand():
    row, start, stop, last, band = split_rows(START, STOP, ORIGIN, CUTS, FIRST, TOLERANCE)
    assert row.tolist() == [0, 0, 0, 1, 1]
    assert start.tolist() == [0, 2, 3, 1, 3]
    assert stop.tolist() == [2, 3, 4, 3, 4]
    assert last.tolist() == [False, False, True, False, True]
    assert band.tolist() == [[0, 0], [1, 0], [1, 1], [1, 0], [-1, 1]]  # at 3 the second row is 5
    assert count_pieces(START, STOP, ORIGIN, CUTS, FIRST, TOLERANCE) == 5


def test_cells_by_hand():
    cause, group = np.array([1, 2]), np.array([0, 1])
    n, time, events = tabulate(START, STOP, cause, group, ORIGIN, CUTS, FIRST, TOLERANCE, 2, 2)
    assert n.tolist() == [1, 0, 1, 1, 0, 0, 1, 0, 1]
    assert time.tolist() == [2, 0, 1, 1, 0, 0, 2, 0, 1]
    assert events.tolist() == [[0, 0, 0, 1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 1]]


def test_without_scales_there_is_one_cell_for_each_group():
    none = np.empty((2, 0)), np.empty(0), np.array([0])
    n, time, events = tabulate(START, STOP, np.array([0, 1]), np.array([0, 0]), *none, TOLERANCE, 1, 1)
    assert (n.tolist(), time.tolist(), events.tolist()) == ([2, 0], [7, 0], [[1, 0]])


def test_borders_nearer_than_the_tolerance_are_one_moment():
    origin, first = np.zeros((1, 2)), np.array([0, 3, 6])
    cuts = np.array([0.0, 1.0, 9.0, 0.0, 1 + 1e-12, 9.0])
    start, stop = np.array([1e-12]), np.array([1.5])
    _, begin, end, _, band = split_rows(start, stop, origin, cuts, first, TOLERANCE)
    assert begin.tolist() == [1e-12, 1.0]
    assert end.tolist() == [1.0, 1.5]
    assert band.tolist() == [[0, 0], [1, 1]]
    assert count_pieces(np.array([0.0]), np.array([1 + 1e-11]), origin, cuts, first, TOLERANCE) == 1


@pytest.mark.parametrize("seed", range(5))
def test_the_table_adds_up_the_pieces(seed):
    rng = np.random.default_rng(seed)
    start = rng.integers(0, 10, 20).astype(float)
    stop, origin = start + rng.integers(0, 8, 20), rng.integers(-4, 3, (20, 2)).astype(float)
    cause, group = rng.integers(0, 2, 20), rng.integers(0, 3, 20)
    n, time, events = tabulate(start, stop, cause, group, origin, CUTS, FIRST, TOLERANCE, 3, 1)
    row, begin, end, last, band = split_rows(start, stop, origin, CUTS, FIRST, TOLERANCE)
    cell = np.where((band < 0).any(axis=1), 12, group[row] * 4 + band[:, 0] * 2 + band[:, 1])
    assert np.bincount(cell, minlength=13).tolist() == n.tolist()
    assert np.bincount(cell, end - begin, 13).tolist() == time.tolist()
    assert np.bincount(cell, last & (cause[row] > 0), 13).tolist() == events[0].tolist()
