"""Repeated measurements of a marker, some of them below what the assay can detect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..columns import Column, Columns, Groups, Table, as_frame, group_rows, read_number, read_table
from ..errors import DataError, counted
from ..options import Missing, check_number
from ..outcomes import read_duration

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True, eq=False)
class Marker:
    """Measurements of patients, in the order of the data.

    `value` is the measurement or, where `below`, the limit of detection under which it lies. `limit` is NaN
    where there was none.
    """

    patient: Groups
    time: np.ndarray
    value: np.ndarray
    below: np.ndarray
    limit: np.ndarray
    group: Groups
    table: Table
    time_unit: str | None

    def order(self) -> np.ndarray:
        """The rows by patient and time."""
        return np.lexsort((self.time, self.patient.code))

    def ids(self) -> pl.Series:
        """One id for each patient."""
        return self.patient.levels.to_series()


def read_marker(
    data: Any,
    *,
    id: Column,
    time: Column,
    value: Column,
    limit: Column | float | None,
    by: Columns = None,
    missing: Missing = "raise",
    positive: bool = True,
) -> Marker:
    """Read a long table; a value of 0 has to have a limit if values have to be `positive`."""
    a_column = limit if limit is not None and not _is_number(limit) else None
    roles: dict[str, Any] = {"id": id, "time": time, "value": value, "limit": a_column, "by": by}
    table = read_table(as_frame(data), roles, missing=missing, nullable=("limit",))
    if "id" not in table:
        raise DataError(
            "None was given",
            argument="id",
            expected="the column that identifies the patients",
            remedy="id='patient'",
        )
    values = _checked(table, "value", lowest=0.0)
    limits = _limits(table, limit, len(values))
    below = values < np.nan_to_num(limits, nan=-np.inf)
    _refuse_zero(table, values, below, positive)
    times, unit = read_duration(table, "time")
    marker = Marker(
        group_rows(table, "id"), times, np.where(below, limits, values), below, limits, group_rows(table),
        table, unit,
    )  # fmt: skip
    _refuse_twice(marker)
    _refuse_several_groups(marker)
    return marker


def refuse_taken(m: Marker, taken: tuple[str, ...]) -> None:
    """Refuse columns of patients or groups with names that columns of the result have."""
    for role, names in (("id", (m.table.name("id"),)), ("by", m.group.names)):
        for name in names:
            if name in taken or (role == "by" and name == "id"):
                raise DataError(
                    "has the name of a column of the result",
                    argument=role,
                    column=name,
                    expected="another name",
                    remedy=f"{role}=pl.col({name!r}).alias('{role}_1')",
                )


def _is_number(limit: Any) -> bool:
    return hasattr(limit, "__float__") and not isinstance(limit, str)


def _limits(table: Table, limit: Any, n: int) -> np.ndarray:
    if limit is None:
        return np.full(n, np.nan)
    if "limit" in table:
        return _checked(table, "limit", lowest=0.0, above=True)
    what = "a limit of detection above 0, or the column that holds it"
    return np.full(n, check_number(limit, argument="limit", above=0.0, expected=what, example=0.001))


def _checked(table: Table, role: str, *, lowest: float, above: bool = False) -> np.ndarray:
    what = f"numbers {'above' if above else 'of at least'} {lowest:g}"
    numbers = read_number(table, role, what=what, example=f"{role}='a numeric column'")
    bad = np.isinf(numbers) | (numbers < lowest) | (above & (numbers == lowest))
    if bad.any():
        raise DataError(
            f"has {counted(int(bad.sum()), 'value')} that are infinite or too small",
            argument=role,
            column=table.name(role),
            rows=table.positions(bad),
            expected=what,
            remedy="data.filter(...) to look at the rows",
        )
    return numbers


def _refuse_zero(table: Table, values: np.ndarray, below: np.ndarray, positive: bool) -> None:
    zero = (values == 0) & ~below & positive
    if zero.any():
        raise DataError(
            f"is 0 in {counted(int(zero.sum()), 'row')} without a limit of detection",
            argument="limit",
            column=table.name("value"),
            rows=table.positions(zero),
            expected="the limit under which a value of 0 lies: it has no logarithm",
            remedy="limit=0.001 (or the column of the sensitivity of each sample)",
        )


def _refuse_twice(m: Marker) -> None:
    order = m.order()
    same = (np.diff(m.patient.code[order]) == 0) & (np.diff(m.time[order]) == 0)
    if same.any():
        twice = np.zeros(len(order), dtype=bool)
        twice[order[1:][same]] = twice[order[:-1][same]] = True
        raise DataError(
            f"is the same in {counted(int(twice.sum()), 'row')} of a patient",
            argument="time",
            column=m.table.name("time"),
            rows=m.table.positions(twice),
            expected="one measurement of a patient at a time",
            remedy="data.group_by(id, time).agg(...) with the rule for repeated samples",
        )


def _refuse_several_groups(m: Marker) -> None:
    first = np.full(len(m.patient), -1)
    first[m.patient.code[::-1]] = m.group.code[::-1]
    other = m.group.code != first[m.patient.code]
    if other.any():
        raise DataError(
            f"differs between rows of a patient in {counted(int(other.sum()), 'row')}",
            argument="by",
            column=m.group.names[0],
            rows=m.table.positions(other),
            expected="one group for each patient",
            remedy=f"pl.col({m.group.names[0]!r}).first().over({m.table.name('id')!r})",
        )
