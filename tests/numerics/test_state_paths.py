"""Paths through states, from the times at which they were reached."""

from __future__ import annotations

import numpy as np

from hemresearch.numerics.state_paths import Paths, follow_paths

NEVER = np.inf
# 0 leads to 1, 2 and 3, 1 to 2 and 3, 2 to 3
LEADS = np.triu(np.ones((4, 4), dtype=bool), 1)


def follow(reached: list[list[float]], end: float = 10.0, **options: object) -> Paths:
    times = np.array([[NEVER, *row] for row in reached])
    n = len(times)
    settings = {"offset": None, "skip": False} | options
    return follow_paths(LEADS, np.zeros(n, dtype=int), np.zeros(n), times, np.full((n, 4), end), **settings)  # type: ignore[arg-type]


def test_everybody_moves_to_what_comes_first():
    paths = follow([[2, 5, 7], [NEVER, 4, NEVER], [NEVER] * 3, [6, 3, NEVER]])
    assert paths.row.tolist() == [0, 0, 0, 1, 1, 2, 3, 3]
    assert paths.state.tolist() == [0, 1, 2, 0, 2, 0, 0, 2]
    assert paths.time.tolist() == [2, 5, 7, 4, 10, 10, 3, 10]
    assert paths.next_state.tolist() == [1, 2, 3, 2, -1, -1, 2, -1]
    assert not paths.tied.any()
    assert paths.visited[3].tolist() == [True, False, True, False]


def test_ties_are_marked_and_resolved_as_asked():
    assert follow([[2, 2, 9], [2, 5, 5], [2, 5, 9]]).tied.tolist() == [True, True, False]
    skipped = follow([[2, 2, 9]], skip=True)
    assert skipped.state.tolist() == [0, 2]
    assert skipped.next_state.tolist() == [2, 3]
    later = follow([[2, 2, 9]], offset=0.5)
    assert later.entry.tolist() == [0, 2, 2.5]
    assert later.time.tolist() == [2, 2.5, 9]
    assert not skipped.broken.any()


def test_what_was_not_looked_for_long_enough():
    known = np.array([[NEVER, 3, NEVER, NEVER]])
    paths = follow_paths(
        LEADS, np.zeros(1, dtype=int), np.zeros(1), np.array([[NEVER, NEVER, NEVER, 8]]), known,
        offset=None, skip=False,
    )  # fmt: skip
    assert paths.late.tolist() == [True]
    nothing = follow_paths(
        LEADS, np.zeros(1, dtype=int), np.zeros(1), np.full((1, 4), NEVER), np.full((1, 4), NEVER),
        offset=None, skip=False,
    )  # fmt: skip
    assert nothing.unseen.tolist() == [True]
