"""Spells of a joint that bleeds often, against every day looked at one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hemresearch.numerics.target_joints import NEVER, spells

BLEEDS, WINDOW, MOST, CLEAR = 3, 60, 2, 120


def by_days(days: list[int], end: int) -> list[tuple[int, int | None]]:
    """When the spells of one joint began and ended, day after day."""
    found: list[tuple[int, int | None]] = []
    inside = 0  # the day on which the present spell began
    for day in range(end + 1):
        today = days.count(day)
        if inside and day >= inside + CLEAR:
            # clear, counting from the day of the spell's first bleed or of a later one
            anchors = [a for a in [inside, *days] if inside <= a and a + CLEAR == day]
            if any(sum(a < d <= day for d in days) <= MOST for a in anchors):
                found[-1], inside = (found[-1][0], day), 0
                continue
        if today and not inside and sum(day - WINDOW < d <= day for d in days) >= BLEEDS:
            inside = day
            found.append((day, None))
    return found


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(1, 600), min_size=1, max_size=25, unique=True), st.integers(0, 300))
def test_spells_are_those_of_every_day(days, beyond):
    days = sorted(days)
    end = days[-1] + beyond
    day = np.array(days, dtype=np.int64)
    before = np.append(np.full(BLEEDS - 1, -NEVER // 2), day)[: len(day)]
    after = np.append(day, np.full(MOST + 1, NEVER))[MOST + 1 :]
    clear = np.where((day + CLEAR <= end) & (after > day + CLEAR), day + CLEAR, NEVER)
    first, ended = spells(np.zeros(len(day), dtype=np.int64), day - before < WINDOW, day, clear)
    found = [(int(day[k]), None if e == NEVER else int(e)) for k, e in zip(first, ended, strict=True)]
    assert found == by_days(days, end)


def test_joints_are_apart():
    nothing = np.full(4, NEVER)
    first, ended = spells(np.array([0, 0, 1, 1]), np.array([False, True, False, True]), np.arange(4), nothing)
    assert first.tolist() == [1, 3]
    assert (ended == NEVER).all()
