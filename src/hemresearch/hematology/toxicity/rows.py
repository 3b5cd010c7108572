"""Rows of a long table of patients and days: laboratory values, grades."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ...columns import Groups, Table, as_frame, group_rows, read_table
from ...errors import DataError, counted
from ...outcomes import read_finite
from ...times import check_dates, whole_days

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ...columns import Column
    from ...options import Missing

WHOLE_DAYS = "whole days since time zero"
WORST = 5


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Long rows: the patient and the day of each, and of each patient the days that were asked for.

    `limits` holds, by role, one day for each patient, NaN where there is none.
    """

    table: Table
    patient: Groups
    day: np.ndarray
    limits: dict[str, np.ndarray]

    def one_each(self, **columns: np.ndarray | pl.Series) -> pl.DataFrame:
        """A table of patients with columns behind the id."""
        refuse_taken({"id": self.table.name("id")}, columns)
        return self.patient.levels.with_columns(pl.Series(k, v) for k, v in columns.items())


def read_rows(
    data: Any,
    roles: Mapping[str, Column],
    *,
    id: Column,
    day: Column | None,
    date: Column | None,
    start: Column | None,
    missing: Missing,
    limits: Mapping[str, Column | None] | None = None,
) -> Rows:
    """Read rows with their day, given as a number or as a date and that of time zero."""
    _check_one_form(day, date, start)
    timing = {"day": day} if date is None else {"date": date, "start": start}
    asked = {role: column for role, column in (limits or {}).items() if column is not None}
    whole = as_frame(data).lazy().collect()
    table = read_single(whole, {"id": id, **roles, **timing, **asked}, missing, nullable=tuple(asked))
    patient = _patients(whole, table, id, missing)
    if date is not None:
        _one_for_patient(table, "start", patient, calendar_days(table, "start"))
    days = {
        role: _one_for_patient(table, role, patient, _since_start(table, role, date is not None))
        for role in asked
    }
    given = _since_start(table, "day" if date is None else "date", date is not None)
    return Rows(table, patient, given.astype(np.int64), days)


def _patients(data: pl.DataFrame, table: Table, id: Column, missing: Missing) -> Groups:
    """The patient of each row, also those all of whose rows were left out: unknown is not absent."""
    if table.row is None:
        return group_rows(table, "id")
    everybody = read_table(data, {"id": id}, missing=missing)
    patient = group_rows(everybody, "id")
    kept = table.row if everybody.row is None else np.searchsorted(everybody.row, table.row)
    return Groups(patient.levels, patient.code[kept])


def read_single(
    data: Any, roles: Mapping[str, Column | None], missing: Missing, nullable: tuple[str, ...] = ()
) -> Table:
    """The columns of roles that hold one column each."""
    for role, given in roles.items():
        if given is None or isinstance(given, list | tuple):
            raise DataError(
                "no column was given" if given is None else f"{len(given)} columns were given",
                argument=role,
                expected="one column",
                remedy=f"{role}='the name of the column'",
            )
    return read_table(data, dict(roles), missing=missing, nullable=nullable)


def read_grades(series: pl.Series, *, argument: str, name: str) -> pl.Series:
    """Grades 0 to 5 as whole numbers; missing ones stay missing."""
    numeric = series.dtype.is_numeric()
    values = series.cast(pl.Float64).fill_nan(None) if numeric else pl.Series([None] * len(series))
    wrong = ~(values.is_between(0, WORST) & (values == values.floor())) if numeric else series.is_not_null()
    wrong = wrong.fill_null(False)
    if wrong.any():
        raise DataError(
            f"has {counted(int(wrong.sum()), 'value')} that are no grade"
            if numeric
            else f"holds {series.dtype} and no grades",
            argument=argument,
            column=name,
            rows=wrong.arg_true() if numeric else (),
            expected=f"grades 0 to {WORST} as whole numbers, with 0 for none",
            remedy=f"pl.col({name!r}).replace_strict({{'I': 1, 'II': 2, 'III': 3, 'IV': 4}}) for Roman ones",
        )
    return values.cast(pl.Int8)


def given_back(result: pl.DataFrame, data: Any) -> Any:
    """The result, lazy where the data were."""
    return result.lazy() if isinstance(as_frame(data), pl.LazyFrame) else result


def nulled(values: np.ndarray, where: np.ndarray) -> pl.Series:
    """Values as a column, null at the places of a mask."""
    return pl.DataFrame({"v": values}).select(pl.when(pl.Series(~where)).then(pl.col("v"))).to_series()


def calendar_days(table: Table, role: str) -> np.ndarray:
    """Calendar days as numbers."""
    series, name = table.series(role), table.name(role)
    check_dates(series, role, name, f"{role}=pl.col({name!r}).str.to_date()")
    return whole_days(series).cast(pl.Int32).cast(pl.Float64).to_numpy()


def refuse_taken(names: Mapping[str, str], new: Iterable[str]) -> None:
    """Refuse columns of the data, by role, that have the name of one of the result."""
    for role, name in names.items():
        if name in set(new):
            raise DataError(
                "has the name of a column of the result",
                argument=role,
                column=name,
                expected="another name",
                remedy=f"{role}=pl.col({name!r}).alias('another name')",
            )


def check_window(window: Any) -> tuple[int, int]:
    """The first and the last of the days that count."""
    whole = isinstance(window, tuple | list) and len(window) == 2 and all(type(d) is int for d in window)
    if not whole or window[0] > window[1]:
        raise DataError(
            f"{window!r} was given",
            argument="window",
            expected="the first and the last day that count, as whole numbers",
            remedy="window=(0, 30)",
        )
    return window[0], window[1]


def _check_one_form(day: Any, date: Any, start: Any) -> None:
    if (day is None) == (date is None) or (date is None) != (start is None):
        raise DataError(
            "the day was not given in one form",
            argument="day",
            expected="day (whole days since time zero), or date together with start (the date of time zero)",
            remedy="day='day', or date='sampled', start='infusion'",
        )


def _since_start(table: Table, role: str, dates: bool) -> np.ndarray:
    """The days of a role since time zero, NaN where missing."""
    if dates:
        days: np.ndarray = calendar_days(table, role) - calendar_days(table, "start")
        return days
    if table.series(role).dtype == pl.Null:  # nobody has one
        return np.full(table.frame.height, np.nan)
    values = read_finite(table, role, WHOLE_DAYS)
    assert values is not None
    part = np.isfinite(values) & (values != np.floor(values))
    if part.any():
        raise DataError(
            f"has {counted(int(part.sum()), 'value')} that are no whole days",
            argument=role,
            column=table.name(role),
            rows=table.positions(part),
            expected=WHOLE_DAYS,
            remedy=f"{role}=pl.col({table.name(role)!r}).floor() for the day within which it falls",
        )
    return values


def _one_for_patient(table: Table, role: str, patient: Groups, values: np.ndarray) -> np.ndarray:
    """The one day of each patient in a role; refused where rows of a patient disagree."""
    one = np.full(len(patient), np.nan)
    one[patient.code] = values
    differ = (one[patient.code] != values) & ~(np.isnan(one[patient.code]) & np.isnan(values))
    if differ.any():
        raise DataError(
            "differs between rows of one patient",
            argument=role,
            column=table.name(role),
            rows=table.positions(differ),
            expected="the same in all rows of a patient",
            remedy=f"pl.col({table.name(role)!r}).min().over({table.name('id')!r}) for the earliest one",
        )
    return one
