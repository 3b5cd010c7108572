"""Conditions of eligibility: true, false, or not known; never one of these in place of another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import polars.selectors as cs

from ..columns import read_table
from ..errors import DataError, counted

if TYPE_CHECKING:
    import numpy as np

EXAMPLE = 'pl.col("age") >= 18'


def read_truth(data: pl.DataFrame, condition: Any) -> pl.Series:
    """The condition in every row: true, false or null. NaN is null before anything is compared with it."""
    if isinstance(condition, bool | list | tuple | pl.Series):
        raise DataError(
            f"a {type(condition).__name__} was given",
            argument="condition",
            expected="one expression or the name of a Boolean column",
            remedy=f"{EXAMPLE}, several joined by &",
        )
    known = data.with_columns(cs.float().fill_nan(None))
    truth = read_table(known, {"condition": condition}, nullable=("condition",)).series("condition")
    name = condition if isinstance(condition, str) else None
    if truth.dtype != pl.Boolean:
        raise DataError(
            f"gives {truth.dtype}" if name else f"the condition gives {truth.dtype}",
            argument="condition",
            column=name,
            expected="true or false in every row",
            remedy=f"pl.col({name!r}) == 1" if name else EXAMPLE,
        )
    if truth.len() != data.height:
        raise DataError(
            f"the condition gives {counted(truth.len(), 'value')} for {counted(data.height, 'row')}",
            argument="condition",
            expected="one value per row",
            remedy='an expression such as pl.col("age").max().over("id") >= 18',
        )
    return truth


def unknown_condition(
    data: pl.DataFrame, condition: Any, unknown: np.ndarray, position: np.ndarray
) -> DataError:
    """The refusal of a condition that some rows do not answer, with the column that is empty there."""
    rows = data.filter(pl.Series(unknown))
    names = [condition] if isinstance(condition, str) else condition.meta.root_names()
    empty = [n for n in dict.fromkeys(names) if _has_missing(rows[n])]
    other = f" ({', '.join(map(repr, empty[1:]))} too)" if len(empty) > 1 else ""
    return DataError(
        f"leaves the condition unknown for {counted(len(rows), 'row')}{other}"
        if empty
        else f"the condition is unknown for {counted(len(rows), 'row')}",
        argument="condition",
        column=empty[0] if empty else None,
        rows=position[unknown],
        expected="true or false in every row",
        remedy='missing="drop" to exclude these rows and count them apart, or (condition).fill_null(...)',
    )


def _has_missing(series: pl.Series) -> bool:
    return bool(series.null_count() or (series.dtype.is_float() and series.is_nan().any()))
