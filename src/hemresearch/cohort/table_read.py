"""The columns of a Table 1: what kind each is, and which cannot be described."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from ..columns import as_frame, read_table
from ..errors import DataError, counted
from ..personal_numbers import find_personal_numbers, is_personal_number
from ..text_numbers import text_numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..columns import Columns, Table
    from ..options import Missing

Kind = Literal["number", "yes or no", "category"]
TEXT = (pl.String, pl.Categorical, pl.Enum)
YES, NO = "yes", "no"
MOST_LEVELS = 50
MOST_DECIMALS = 3
FEWEST_IDS, SHARE_OF_IDS = 10, 0.9  # from ten rows on, nine distinct texts in ten are names of patients


@dataclass(frozen=True, slots=True, eq=False)
class Variable:
    """One variable: its numbers (NaN is missing), or its levels and the level of each row (-1 is missing)."""

    name: str
    kind: Kind
    values: np.ndarray
    levels: tuple[str, ...] = ()
    decimals: int = 0

    @property
    def missing(self) -> np.ndarray:
        """Which rows have no value."""
        return np.isnan(self.values) if self.kind == "number" else self.values < 0


def read_variables(
    data: Any, variables: Columns, by: Columns, categorical: Sequence[str], missing: Missing
) -> tuple[Table, list[Variable]]:
    """The table with its groups, and every variable; columns that cannot be described are refused."""
    frame = as_frame(data)
    if variables is None:
        known = frame.collect_schema().names()
        grouping = names_of(by)
        variables = [name for name in known if name not in grouping]
    table = read_table(frame, {"variables": variables, "by": by}, missing=missing, nullable=("variables",))
    columns = table.several("variables")
    _check_asked(columns, categorical)
    troubles = {s.name: t for s in columns.iter_columns() if (t := _trouble(s, s.name in categorical))}
    if troubles:
        name = next(iter(troubles))
        good = [c for c in columns.columns if c not in troubles]
        raise _refused(name, *troubles[name], good)
    read = [_read(s, s.name in categorical) for s in columns.iter_columns()]
    for variable in read:
        _check_finite(variable, table)
    return table, read


def names_of(by: Columns) -> list[str]:
    """The names that columns or expressions will have."""
    several = by if isinstance(by, list | tuple) else [] if by is None else [by]
    return [c if isinstance(c, str) else c.meta.output_name() for c in several]  # type: ignore[union-attr]


def _check_asked(columns: pl.DataFrame, categorical: Sequence[str]) -> None:
    if not columns.width:
        raise DataError(
            "no column is left to describe",
            argument="variables",
            expected="at least one column besides those of by",
            remedy="variables=['age', 'sex']",
        )
    for name in categorical:
        if name not in columns.columns:
            raise DataError(
                "is not among the variables",
                argument="categorical",
                column=name,
                expected=f"some of the {counted(columns.width, 'variable')}",
                remedy=f"categorical=[{columns.columns[0]!r}]",
            )


def _trouble(series: pl.Series, category: bool) -> tuple[str, str] | None:
    """What is wrong with a column, and what could be done instead; None if it can be described."""
    name, known = series.name, series.drop_nulls()
    if series.dtype.is_temporal():
        wanted = "dt.total_days()" if series.dtype == pl.Duration else "dt.year()"
        return f"holds {series.dtype}", f"pl.col({name!r}).{wanted}.alias({name!r})"
    if series.dtype.is_nested() or series.dtype in (pl.Object, pl.Binary):
        return f"holds {series.dtype}", "variables without it"
    numbers = text_numbers(series) if series.dtype == pl.String and not category else None
    if numbers is not None and not any(map(find_personal_numbers, known.unique())):
        return numbers.found, numbers.remedy
    if series.dtype in TEXT or (category and series.dtype.is_numeric()):
        return _too_many_levels(known)
    return _looks_like_ids(known) if series.dtype.is_integer() else None


def _too_many_levels(known: pl.Series) -> tuple[str, str] | None:
    distinct = known.n_unique()
    if distinct >= max(FEWEST_IDS, SHARE_OF_IDS * known.len()):
        return f"looks like an identifier: {distinct} distinct values in {known.len()} rows", ""
    if distinct > MOST_LEVELS:
        return f"has {distinct} levels", ""
    texts = known.cast(pl.String).unique().to_list()
    return ("holds personal numbers", "") if any(map(find_personal_numbers, texts)) else None


def _looks_like_ids(known: pl.Series) -> tuple[str, str] | None:
    """Whole numbers without a gap, each once; or personal numbers."""
    if known.len() < FEWEST_IDS or known.n_unique() < SHARE_OF_IDS * known.len():
        return None
    low, high = int(known.min()), int(known.max())  # type: ignore[arg-type]
    if high - low == known.len() - 1:
        return f"looks like an identifier: the numbers {low} to {high}, each once", ""
    if any(map(is_personal_number, known.head(MOST_LEVELS).to_list())):
        return "holds personal numbers", ""
    return None


def _refused(name: str, found: str, remedy: str, good: list[str]) -> DataError:
    return DataError(
        found,
        argument="variables",
        column=name,
        expected=f"numbers, yes or no, or at most {MOST_LEVELS} categories",
        remedy=remedy or (f"variables={good!r}" if good else "variables=... without it"),
    )


def _read(series: pl.Series, category: bool) -> Variable:
    if series.dtype in TEXT or series.dtype == pl.Null:
        return _category(series)
    series = series.fill_nan(None) if series.dtype.is_float() else series
    if series.dtype == pl.Boolean or (not category and _zero_or_one(series)):
        codes = series.cast(pl.Int8).fill_null(-1).to_numpy()
        return Variable(series.name, "yes or no", codes, (NO, YES))
    if category:
        return _category(series)
    values = series.cast(pl.Float64).fill_null(np.nan).to_numpy()
    known = values[np.isfinite(values)]
    decimals = next((d for d in range(MOST_DECIMALS) if has_decimals(known, d)), MOST_DECIMALS)
    return Variable(series.name, "number", values, decimals=decimals)


def has_decimals(values: np.ndarray, decimals: int) -> bool:
    """Whether no value has more decimals than these."""
    return bool(np.allclose(values, np.round(values, decimals), rtol=1e-12, atol=1e-12))


def _zero_or_one(series: pl.Series) -> bool:
    """Whether only 0 and 1 occur; also as floats, which pandas makes of 0/1 with a missing value."""
    known = series.drop_nulls()
    return bool(known.len() and ((known == 0) | (known == 1)).all())


def _category(series: pl.Series) -> Variable:
    """Levels in the order of an Enum, else sorted."""
    if isinstance(series.dtype, pl.Enum):
        levels = series.dtype.categories.to_list()
        texts = series.cast(pl.String)
    else:
        plain = series.cast(pl.String) if series.dtype in (*TEXT, pl.Null) else series
        levels = [_level(v) for v in plain.drop_nulls().unique().sort().to_list()]
        texts = pl.Series([None if v is None else _level(v) for v in plain.to_list()], dtype=pl.String)
    codes = texts.cast(pl.Enum(levels)).to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
    return Variable(series.name, "category", codes, tuple(levels))


def _level(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _check_finite(variable: Variable, table: Table) -> None:
    if variable.kind != "number":
        return
    infinite = np.isinf(variable.values)
    if infinite.any():
        raise DataError(
            f"has {counted(int(infinite.sum()), 'infinite value')}",
            argument="variables",
            column=variable.name,
            rows=table.positions(infinite),
            expected="finite numbers",
            remedy=f"data.with_columns(pl.col({variable.name!r}).replace([float('inf')], None))",
        )
