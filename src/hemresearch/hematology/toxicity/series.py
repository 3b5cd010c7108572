"""Blood counts of patients day by day, from a long table of measurements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import DataError, counted
from ...numerics.daily_series import (
    fill_short_gaps,
    first_day,
    first_recovery,
    join_short_gaps,
    last_day,
    lowest_by_day,
)
from ...options import check_choice, check_number
from ...outcomes import read_finite
from .blood_units import TO_BASE, BloodUnit, in_base
from .expressions import above
from .rows import Rows, read_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...columns import Column
    from ...options import Missing


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Measurements in long rows, values in 10^9/L or g/L."""

    rows: Rows
    value: np.ndarray

    def lowest(self, window: tuple[int, int], last: np.ndarray) -> np.ndarray:
        """The lowest value of each patient (row) on each day of the window (column), up to their `last`."""
        day = self.rows.day - window[0]
        used = (day >= 0) & (day <= last[self.rows.patient.code])
        return lowest_by_day(
            self.rows.patient.code[used], day[used], self.value[used], len(self.rows.patient), width(window)
        )

    def ends(self, window: tuple[int, int], *roles: str) -> np.ndarray:
        """The last day of each patient that counts, as a column of the window; below 0 if before it."""
        known = [self.rows.limits[role] for role in roles if role in self.rows.limits]
        end = np.fmin.reduce([np.full(len(self.rows.patient), float(window[1])), *known])
        last: np.ndarray = np.maximum(end - window[0], -1).astype(np.int64)
        return last


@dataclass(frozen=True, slots=True, eq=False)
class Daily:
    """Days at or below a threshold, gaps filled: a row for each patient, a column for each day."""

    measured: np.ndarray
    known: np.ndarray
    low: np.ndarray
    joined: np.ndarray
    recovery: np.ndarray

    @property
    def onset(self) -> np.ndarray:
        """The first day at or below the threshold, -1 without one."""
        return first_day(self.low)

    @property
    def last_known(self) -> np.ndarray:
        """The last day with a value, -1 without one."""
        return last_day(self.known)


def read_series(
    data: Any,
    *,
    id: Column,
    value: Column,
    day: Column | None,
    date: Column | None,
    start: Column | None,
    unit: BloodUnit,
    missing: Missing,
    limits: Mapping[str, Column | None],
) -> Series:
    """Read measurements; values below 0 are refused."""
    check_choice(unit, BloodUnit, argument="unit")
    rows = read_rows(
        data, {"value": value}, id=id, day=day, date=date, start=start, missing=missing, limits=limits
    )
    values = read_finite(rows.table, "value", f"measurements in {unit}")
    assert values is not None
    negative = values < 0
    if negative.any():
        raise DataError(
            f"has {counted(int(negative.sum()), 'value')} below zero",
            argument="value",
            column=rows.table.name("value"),
            rows=rows.table.positions(negative),
            expected=f"measurements in {unit}, 0 or more",
            remedy=f"data.filter(pl.col({rows.table.name('value')!r}) >= 0), once the rows are looked at",
        )
    return Series(rows, in_base(values, TO_BASE[unit]))


def daily(
    values: np.ndarray, last: np.ndarray, threshold: float, *, joined_gap: int, longest_gap: int
) -> Daily:
    """Which days are at or below the threshold, with the rules for gaps and for recovery."""
    filled = fill_short_gaps(values, last, longest_gap)
    known = ~np.isnan(filled)
    high = above(filled, threshold)  # not so where unknown
    low = known & ~high
    recovery = first_recovery(high, first_day(low), joined_gap)
    return Daily(~np.isnan(values), known, low, join_short_gaps(low, joined_gap), recovery)


def check_gaps(threshold: Any, joined_gap: Any, longest_gap: Any) -> tuple[float, int, int]:
    """The threshold, the days of a recovery, and the longest gap that is filled."""
    level = check_number(
        threshold, argument="threshold", at_least=0, expected="a level in 10^9/L (or g/L)", example=0.5
    )
    return level, _days(joined_gap, "joined_gap", 1), _days(longest_gap, "longest_gap", 0)


def width(window: tuple[int, int]) -> int:
    """How many days a window has."""
    return window[1] - window[0] + 1


def _days(given: Any, argument: str, least: int) -> int:
    if type(given) is int and given >= least:
        return given
    raise DataError(
        f"{given!r} was given",
        argument=argument,
        expected=f"a whole number of days, {least} or more",
        remedy=f"{argument}={3 if least else 7}",
    )
