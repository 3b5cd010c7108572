"""Columns of assessments: single, numeric or yes-or-no, with what is missing left in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from ...columns import read_number, read_table
from ...errors import DataError, counted

if TYPE_CHECKING:
    from ...columns import Column, Table


def read_single(data: Any, roles: dict[str, Column | None], *, complete: tuple[str, ...] = ()) -> Table:
    """One column for each role that is given; all but `complete` may hold missing values."""
    given = {role: column for role, column in roles.items() if column is not None}
    for role, column in given.items():
        if isinstance(column, list | tuple):
            raise DataError(
                f"{counted(len(column), 'column')} were given",
                argument=role,
                expected="one column",
                remedy=f"{role}='the column'",
            )
    return read_table(data, dict(given), nullable=tuple(role for role in given if role not in complete))


def read_quantity(table: Table, role: str, *, unit: str, most: float, example: str) -> pl.Series:
    """A quantity from 0 to `most`, beyond which it must be of another unit; null where it is not known."""
    series = table.series(role)
    if series.dtype == pl.Null:
        return series.cast(pl.Float64)
    read_number(table, role, what=f"numbers in {unit}", example=example)
    value = series.cast(series.dtype if series.dtype.is_float() else pl.Float64).fill_nan(None)
    wrong = ((value < 0) | (value > most)).fill_null(False)
    if wrong.any():
        raise DataError(
            f"has {counted(int(wrong.sum()), 'value')} below 0 or above {most:g}",
            argument=role,
            column=table.name(role),
            rows=wrong.arg_true(),
            expected=f"numbers in {unit}",
            remedy=example,
        )
    return value


def read_flag(table: Table, role: str) -> pl.Series:
    """True/false or 1/0 as Boolean; null where it is not known."""
    series = table.series(role)
    two = series.dtype.is_numeric() and series.drop_nulls().cast(pl.Float64).is_in([0.0, 1.0]).all()
    if series.dtype in (pl.Boolean, pl.Null) or two:
        return series.cast(pl.Boolean)
    raise DataError(
        f"holds {series.dtype} that is not true/false or 1/0",
        argument=role,
        column=table.name(role),
        expected="yes or no in each row, true/false or 1/0",
        remedy=f"{role}=pl.col({table.name(role)!r}) == 'the value that means yes'",
    )


def hand_back(data: pl.DataFrame | pl.LazyFrame, column: pl.Series, name: Any) -> Any:
    """The data with one more column, whose name is free; lazy if they were."""
    whole = data.lazy().collect()
    if not isinstance(name, str) or not name or name in whole.columns:
        raise DataError(
            "is in the data already" if isinstance(name, str) and name else f"{name!r} is not a name",
            argument="name",
            column=name if isinstance(name, str) and name else None,
            expected="a name that is not taken",
            remedy="name='response_2'",
        )
    result = whole.with_columns(column.alias(name))
    return result.lazy() if isinstance(data, pl.LazyFrame) else result
