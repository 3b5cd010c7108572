"""Follow-up and delayed entry in a stated unit, for what is counted in days of a life table."""

from __future__ import annotations

import numpy as np

from ..columns import Table
from ..errors import DataError
from ..options import TimeUnit, check_choice
from ..outcomes import read_duration, refuse_times


def read_follow_up(table: Table, time_unit: TimeUnit | None) -> tuple[np.ndarray | None, TimeUnit]:
    """Follow-up (None where no `time` was named) and its unit, which is stated or comes with durations."""
    if time_unit is not None:
        check_choice(time_unit, TimeUnit, argument="time_unit")
    follow_up, own = read_duration(table, "time") if "time" in table else (None, None)
    if own is not None and time_unit not in (None, own):
        raise DataError(
            f"{time_unit!r} was given, but {table.name('time')!r} holds durations, which are read as days",
            argument="time_unit",
            expected="'days', or no unit",
            remedy="time_unit='days'",
        )
    unit = own or time_unit
    if unit is None:
        raise DataError(
            "no unit was given",
            argument="time_unit",
            expected="the unit of the times: it is never guessed",
            remedy="time_unit='days' (or 'weeks', 'months', 'years')",
        )
    if follow_up is not None:
        refuse_times(table, "time", follow_up < 0, "has {} below zero (negative times)", "times of 0 or more")
    return follow_up, unit  # type: ignore[return-value]


def read_entry(table: Table, end: np.ndarray) -> np.ndarray:
    """When each one comes under observation, 0 without delayed entry; in the unit of the time."""
    if "entry" not in table:
        return np.zeros(len(end))
    begin, _ = read_duration(table, "entry")
    refuse_times(table, "entry", begin < 0, "has {} below zero (negative times)", "times of 0 or more")
    refuse_times(table, "entry", begin >= end, "has {} at or after the time", "entry before time")
    return begin
