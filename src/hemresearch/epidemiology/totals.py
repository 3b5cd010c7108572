"""Events and the person-time they were seen in, added up in each group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import Groups, group_rows, read_table
from ..errors import DataError, counted, listed
from ..events import read_counts
from ..formats import significant
from ..outcomes import read_duration, refuse_times
from ..times import DAYS_PER_YEAR

if TYPE_CHECKING:
    from ..columns import Column, Columns, Table
    from ..options import Missing


@dataclass(frozen=True, slots=True, eq=False)
class Totals:
    """Events and person-time, one of each for every group."""

    events: np.ndarray
    person_time: np.ndarray
    group: Groups
    names: dict[str, str]
    n_dropped: int
    time_unit: str | None

    def frame(self, **columns: np.ndarray) -> pl.DataFrame:
        """One row per group: its labels, its totals, and further columns; NaN becomes null."""
        counts = {"n_event": pl.Series(self.events).cast(pl.Int64), "person_time": self.person_time}
        values = pl.DataFrame({**counts, **columns}).with_columns(pl.selectors.float().fill_nan(None))
        levels = self.group.levels
        return pl.concat([levels, values], how="horizontal") if levels.width else values


def read_totals(data: Any, *, events: Column, person_time: Column, by: Columns, missing: Missing) -> Totals:
    """Read rows of counts and person-time, and add them up; each group has some person-time."""
    table = read_table(data, {"events": events, "person_time": person_time, "by": by}, missing=missing)
    count, (time, unit) = read_counts(table), read_duration(table, "person_time")
    refuse_person_time(table, count, time)
    group = group_rows(table)
    totals = Totals(
        events=np.bincount(group.code, count, len(group)),
        person_time=np.bincount(group.code, time, len(group)),
        group=group,
        names={role: names[0] for role, names in table.names.items() if names},
        n_dropped=table.n_dropped,
        time_unit=unit,
    )
    _refuse_groups_without_time(totals)
    return totals


def refuse_person_time(table: Table, count: np.ndarray, time: np.ndarray) -> None:
    """Refuse negative person-time, and events that were seen in none."""
    refuse_times(table, "person_time", time < 0, "has {} below zero", "person-time of 0 or more")
    impossible = (time == 0) & (count > 0)
    if impossible.any():
        raise DataError(
            f"is 0 in {counted(int(impossible.sum()), 'row')} with events",
            argument="person_time",
            column=table.name("person_time"),
            rows=table.positions(impossible),
            expected="person-time above 0 wherever something happened",
            remedy="the person-time of those rows in a smaller unit, where it was rounded to 0",
        )


def refuse_one_group(totals: Totals, remedy: str) -> None:
    """A comparison needs two groups."""
    if len(totals.group) > 1:
        return
    raise DataError(
        "has one group" if totals.group.names else "no column was given",
        argument="by",
        column=totals.names.get("by"),
        expected="a column that defines two or more groups",
        remedy=remedy,
    )


def in_groups(group: Groups, at_fault: np.ndarray) -> str:
    """` in 'A', 'B'`; nothing where there are no groups."""
    if not group.names:
        return ""
    labels = zip(group.labels(), at_fault, strict=True)
    return f" in {listed(repr(label) for label, is_at_fault in labels if is_at_fault)}"


def told_per(per: float, time_unit: str | None) -> str:
    """What a rate is told for: `unit of person-time`, `100 units of person-time`, `100 person-years`."""
    if time_unit is None:
        return "unit of person-time" if per == 1 else f"{significant(per)} units of person-time"
    years = round(per / DAYS_PER_YEAR, 9)
    if years < 1 or not years.is_integer():
        return f"{significant(per)} person-days" if per != 1 else "person-day"
    return "person-year" if years == 1 else f"{significant(years)} person-years"


def _refuse_groups_without_time(totals: Totals) -> None:
    empty = totals.person_time <= 0
    if empty.any():
        raise DataError(
            f"is 0 throughout{in_groups(totals.group, empty)}, where no rate exists",
            argument="person_time",
            column=totals.names["person_time"],
            expected="some person-time in every group",
            remedy="data.filter(...) to the groups with person-time",
        )
