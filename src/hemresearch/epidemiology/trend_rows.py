"""Rates year by year, on the log scale, with their weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..columns import Groups, group_rows, read_table
from ..errors import DataError, counted
from ..events import read_counts
from ..outcomes import read_finite
from .poisson_rows import read_person_time

if TYPE_CHECKING:
    from ..columns import Column, Columns, Table
    from ..options import Missing

TWO_FORMS = "rate (and its std_error), or events and person_time"


@dataclass(frozen=True, slots=True, eq=False)
class Trend:
    """Log rates in order of year within each group; weights are inverse variances, None where unknown."""

    year: np.ndarray
    log_rate: np.ndarray
    weight: np.ndarray | None
    group: Groups
    names: dict[str, str]
    n_event: float
    n_dropped: int

    def of_group(self, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Years, log rates and weights (1 where unknown) of one group."""
        mine = self.group.code == number
        weight = np.ones(int(mine.sum())) if self.weight is None else self.weight[mine]
        return self.year[mine], self.log_rate[mine], weight


def read_trend(
    data: Any,
    *,
    year: Column,
    rate: Column | None,
    std_error: Column | None,
    events: Column | None,
    person_time: Column | None,
    by: Columns,
    missing: Missing,
) -> Trend:
    """Read one row for each year of a group, with a rate above 0."""
    _check_form(rate, std_error, events, person_time)
    roles: dict[str, Columns] = {
        "year": year, "rate": rate, "std_error": std_error, "events": events, "person_time": person_time,
        "by": by,
    }  # fmt: skip
    table = read_table(data, roles, missing=missing)
    at, group = _number(table, "year"), group_rows(table)
    level, weight = _rates(table) if "rate" in table else _from_counts(table)
    order = np.lexsort((at, group.code))
    _refuse_twice(table, at[order], group.code[order], order)
    return Trend(
        year=at[order],
        log_rate=np.log(level[order]),
        weight=None if weight is None else weight[order],
        group=Groups(group.levels, group.code[order]),
        names={role: names[0] for role, names in table.names.items() if names},
        n_event=float(read_counts(table).sum()) if "events" in table else float("nan"),
        n_dropped=table.n_dropped,
    )


def _check_form(*given: Column | None) -> None:
    """One of the two forms of rates."""
    rate, std_error, events, person_time = (column is not None for column in given)
    if (rate and not (events or person_time)) or (events and person_time and not (rate or std_error)):
        return
    raise DataError(
        "both forms were mixed" if rate else "the rates were not given",
        argument="rate",
        expected=f"one form of the data: {TWO_FORMS}",
        remedy="events='deaths', person_time='population'",
    )


def _number(table: Table, role: str) -> np.ndarray:
    values = read_finite(table, role, "finite numbers")
    assert values is not None
    return values


def _rates(table: Table) -> tuple[np.ndarray, np.ndarray | None]:
    """Rates, and the inverse variances of their logarithms."""
    rate = _above_zero(table, "rate", _number(table, "rate"))
    if "std_error" not in table:
        return rate, None
    return rate, (rate / _above_zero(table, "std_error", _number(table, "std_error"))) ** 2


def _from_counts(table: Table) -> tuple[np.ndarray, np.ndarray]:
    """Events per person-time; the variance of the logarithm is one over the events."""
    count = read_counts(table)
    time, _ = read_person_time(table, count)
    return _above_zero(table, "events", count) / time, count


def _above_zero(table: Table, role: str, values: np.ndarray) -> np.ndarray:
    bad = values <= 0
    if not bad.any():
        return values
    raise DataError(
        f"is 0 or below in {counted(int(bad.sum()), 'row')}, which has no logarithm",
        argument=role,
        column=table.name(role),
        rows=table.positions(bad),
        expected="numbers above 0",
        remedy="longer periods, or hem.epidemiology.poisson(data, 'year', ...), which takes years without "
        "events",
    )


def _refuse_twice(table: Table, year: np.ndarray, group: np.ndarray, order: np.ndarray) -> None:
    twice = np.append(False, (np.diff(year) == 0) & (np.diff(group) == 0))
    if not twice.any():
        return
    at_fault = np.zeros(len(year), dtype=bool)
    at_fault[order[twice]] = True
    raise DataError(
        f"has {counted(int(twice.sum()), 'row')} whose year was there before",
        argument="year",
        column=table.name("year"),
        rows=table.positions(at_fault),
        expected="one row for each year" + ("" if "by" in table else " (of each group of by=...)"),
        remedy="data.group_by('year').agg(pl.col('events', 'person_time').sum())",
    )
