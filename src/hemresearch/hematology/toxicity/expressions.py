"""Columns as expressions, and comparisons with a limit that rounding cannot turn round."""

from __future__ import annotations

from typing import Any, TypeAlias

import polars as pl

from ...errors import DataError

# Above the rounding of a unit's factor and of Float32, far below the last digit that a laboratory gives.
SAME = 2e-7

Number: TypeAlias = "str | pl.Expr | float"


def number(given: Any, *, argument: str) -> pl.Expr:
    """A column, an expression or one number as decimal numbers; NaN is missing."""
    if isinstance(given, int | float) and not isinstance(given, bool):
        return pl.lit(float(given))
    return column(given, argument=argument).cast(pl.Float64).fill_nan(None)


def column(given: Any, *, argument: str) -> pl.Expr:
    """A column by its name, or an expression as it is."""
    if isinstance(given, str):
        return pl.col(given)
    if isinstance(given, pl.Expr):
        return given
    raise DataError(
        f"a {type(given).__name__} was given",
        argument=argument,
        expected="the name of a column or a polars expression",
        remedy=f"{argument}='the name of the column'",
    )


def above(value: Any, limit: Any) -> Any:
    """Whether numbers (0 or more) are above a limit, and not the limit itself."""
    return value > limit * (1 + SAME)


def below(value: Any, limit: Any) -> Any:
    """Whether numbers (0 or more) are below a limit, and not the limit itself."""
    return value < limit * (1 - SAME)


def choose(cases: list[tuple[pl.Expr, int | None]], otherwise: int) -> pl.Expr:
    """The grade of the first case that holds; a case that is null does not hold."""
    graded = pl.lit(otherwise, dtype=pl.Int8)
    for case, grade in reversed(cases):
        graded = pl.when(case).then(pl.lit(grade, dtype=pl.Int8)).otherwise(graded)
    return graded
