"""A table with several rows per patient beside the table of patients, joined by `id`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from ...columns import Table, read_number, read_table
from ...errors import DataError, counted
from ...times import TEXTS, check_dates, read_dates, whole_days
from .dates import latest_day

if TYPE_CHECKING:
    import datetime as dt

    from ...columns import Column

ROW = "patient row"


def read_patients(
    data: pl.DataFrame, *, id: Column, dates: dict[str, Column], complete: tuple[str, ...] = ()
) -> tuple[pl.DataFrame, Table]:
    """The row, the id and the dates of each role of each patient, who has one row. And what was read.

    Dates in `complete` may not be missing.
    """
    table = read_table(data, {"id": id, **dates}, nullable=("id", *dates))
    _refuse_missing(table, "data", ("id", *complete))
    twice = table.series("id").is_duplicated()
    if twice.any():
        raise DataError(
            f"is not unique: {counted(int(twice.sum()), 'row')} share theirs with another",
            argument="id",
            column=table.name("id"),
            rows=twice.arg_true(),
            expected="one row per patient in data",
            remedy=f"data.unique({table.name('id')!r}, keep='first'), once the rows are looked at",
        )
    read = read_dates(data, dates)
    frame = pl.DataFrame({"id": table.series("id"), **{r: read.series(r).dt.date() for r in dates}})
    return frame.with_row_index(ROW), table


def read_rows(
    rows: Any,
    *,
    argument: str,
    id: Column,
    date: Column,
    date_role: str = "date",
    as_of: dt.date | None = None,
    **others: Column,
) -> tuple[pl.DataFrame, Table]:
    """The id, the day and other columns of each row; nothing may be missing. And what was read, for names."""
    roles = {"id": id, date_role: date, **others}
    table = read_table(rows, dict(roles), nullable=tuple(roles), may_be_empty=True)
    _refuse_missing(table, argument, tuple(roles))
    name = table.name(date_role)
    check_dates(table.series(date_role), date_role, name, f"{date_role}=pl.col({name!r}).str.to_date()")
    days = whole_days(table.series(date_role))
    cut_off, words = latest_day(as_of)
    late = days > cut_off
    if late.any():
        raise DataError(
            f"is after {words} in {counted(int(late.sum()), 'row')} of {argument}",
            argument=date_role,
            column=name,
            rows=late.arg_true(),
            expected=f"nothing after {cut_off}",
            remedy=f"{argument}.filter(pl.col({name!r}) <= cut_off)",
        )
    frame = pl.DataFrame({"id": table.series("id"), "date": days})
    return frame.with_columns(table.series(role).alias(role) for role in others), table


def _refuse_missing(table: Table, argument: str, roles: tuple[str, ...]) -> None:
    for role in roles:
        names = table.names[role]
        if len(names) != 1:
            raise DataError(
                f"{counted(len(names), 'column')} of {argument} were given",
                argument=role,
                expected="one column",
                remedy=f"{role}='the name of the column'",
            )
        name, series = names[0], table.series(role)
        missing = series.is_null() | (series.is_nan() if series.dtype.is_float() else False)
        if missing.any():
            raise DataError(
                f"has {counted(int(missing.sum()), 'missing value')} in {argument}",
                argument=role,
                column=name,
                rows=missing.arg_true(),
                expected="a value in every row",
                remedy=f"{argument}.drop_nulls({name!r}), once the rows are looked at",
            )


def of_patients(patients: pl.DataFrame, rows: pl.DataFrame, *, argument: str, id: str) -> pl.DataFrame:
    """The rows of the patients, with the patients' columns; rows of other people are left out."""
    if not rows.height:
        rows = rows.with_columns(pl.col("id").cast(patients["id"].dtype, strict=False))
    kinds = [_kind(frame["id"].dtype) for frame in (patients, rows)]
    if kinds[0] != kinds[1]:
        raise DataError(
            f"holds {kinds[0]} in data and {kinds[1]} in {argument}",
            argument="id",
            column=id,
            expected="the same kind of identifier in both tables",
            remedy=f"id=pl.col({id!r}).cast(pl.String)",
        )
    joined = _comparable(rows, patients).join(_comparable(patients, rows), on="id", how="inner")
    if rows.height and not joined.height:
        raise DataError(
            f"of data and of {argument} have nothing in common",
            argument="id",
            column=id,
            expected=f"at least one patient with rows in {argument}",
            remedy=f"data.join({argument}, on={id!r}, how='semi') to compare the two",
        )
    return joined


def per_patient(patients: pl.DataFrame, rows: pl.DataFrame, *found: pl.Expr) -> pl.DataFrame:
    """One row per patient in the order of the data: what the expressions give, null without rows."""
    summary = rows.group_by(ROW).agg(*found)
    return patients.select(ROW).join(summary, on=ROW, how="left", maintain_order="left").drop(ROW)


def read_values(table: Table, *, example: str, lowest: float | None = None) -> pl.Series:
    """A numeric column; values below the lowest that there can be are refused."""
    series = table.series("value")  # single precision stays so: 0.1 in it is above 0.1 in double
    if series.len():
        read_number(table, "value", what="a number in every row", example=example)
    numbers = series if series.dtype.is_float() else series.cast(pl.Float64)
    below = numbers < lowest if lowest is not None else numbers.is_null()
    if below.any():
        raise DataError(
            f"is below {lowest:g} in {counted(int(below.sum()), 'row')}",
            argument="value",
            column=table.name("value"),
            rows=below.arg_true(),
            expected=f"values of at least {lowest:g}",
            remedy=f"values.filter(pl.col({table.name('value')!r}) >= {lowest:g}), once they are looked at",
        )
    return numbers


def _comparable(frame: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """The frame with an id that can be compared with another of its kind."""
    dtype = frame["id"].dtype
    if dtype == other["id"].dtype:
        return frame
    common = {"text": pl.String, "whole numbers": pl.Int64}.get(_kind(dtype), dtype)
    # a whole number too large for it has no equal in the other table, whose type is another
    return frame.with_columns(pl.col("id").cast(common, strict=False))


def _kind(dtype: Any) -> str:
    if dtype in TEXTS:
        return "text"
    return "whole numbers" if dtype.is_integer() else str(dtype)
