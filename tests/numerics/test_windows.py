"""Windows of time: by hand, and against days counted one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hemresearch.numerics.windows import overlapping, place_in, remaining

NONE = (np.array([], dtype=int), np.array([], dtype=int), np.array([], dtype=int))


def arrays(rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return tuple(np.array(column, dtype=int) for column in zip(*rows, strict=True)) if rows else NONE  # type: ignore[return-value]


def rows(windows) -> list[tuple[int, int, int]]:
    return list(zip(*(column.tolist() for column in windows), strict=True))


def days(windows) -> set[tuple[int, int]]:
    return {(o, day) for o, start, stop in windows for day in range(start + 1, stop + 1)}


WINDOWS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 20), st.integers(1, 8)).map(
        lambda w: (w[0], w[1], w[1] + w[2])
    ),
    max_size=8,
)


def test_windows_with_holes_by_hand():
    left = remaining(
        arrays([(1, 0, 10), (1, 8, 20), (1, 20, 30), (2, 5, 9)]), arrays([(1, 4, 6), (1, 5, 7), (2, 0, 50)])
    )
    assert rows(left) == [(1, 0, 4), (1, 7, 30)]
    assert rows(remaining(arrays([(1, 0, 3)]), NONE)) == [(1, 0, 3)]
    assert rows(remaining(NONE, arrays([(1, 0, 3)]))) == []


@settings(max_examples=150, deadline=None)
@given(WINDOWS, WINDOWS)
def test_what_remains_is_every_day_of_a_window_outside_holes(windows, holes):
    left = rows(remaining(arrays(windows), arrays(holes)))
    assert days(left) == days(windows) - days(holes)
    assert sum(stop - start for _, start, stop in left) == len(days(left))  # no day twice
    assert left == sorted(left)


@settings(max_examples=150, deadline=None)
@given(WINDOWS)
def test_overlaps_are_found_where_a_day_is_held_twice(windows):
    twice = sum(stop - start for _, start, stop in windows) > len(days(windows))
    assert overlapping(*arrays(windows)).any() == twice


@settings(max_examples=150, deadline=None)
@given(WINDOWS, st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30)), max_size=10))
def test_a_moment_is_placed_in_the_window_that_holds_its_day(windows, moments):
    own = remaining(arrays(windows), NONE)
    owner, at = (np.array([m[i] for m in moments], dtype=int) for i in (0, 1))
    place = place_in(own, owner, at)
    assert [p >= 0 for p in place] == [m in days(windows) for m in moments]
    for (who, when), p in zip(moments, place.tolist(), strict=True):
        if p >= 0:
            assert own[0][p] == who
            assert own[1][p] < when <= own[2][p]
