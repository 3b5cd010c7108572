"""The audit of what goes into a score: types, words, possible numbers, and medians of another unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ...errors import DataError, counted, listed, warn
from ..units import QUANTITIES
from .expression import multiplier, unit_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .definition import Score
    from .inputs import Input


def audit(inputs: pl.DataFrame, score: Score, arguments: Mapping[str, Any]) -> None:
    """Refuse inputs that cannot be those of the score; warn about a cohort that is hardly in this unit."""
    for of in score.inputs:
        if of.name in inputs.columns:
            unit = unit_of(score, of, arguments["unit"])
            CHECKS[of.kind](inputs[of.name], of, _name(arguments[of.name]), unit)


def _name(column: Any) -> str:
    return column if isinstance(column, str) else str(column.meta.output_name())


def _number(values: pl.Series, of: Input, column: str, unit: str | None) -> None:
    if not values.dtype.is_numeric() and values.dtype != pl.Null:
        _refuse_type(values, of, column, "numbers")
    x = values.cast(pl.Float64).fill_nan(None)
    quantity = of.quantity
    assert quantity is not None, "numbers have a quantity"
    low, high = (limit / multiplier(of, unit) for limit in sorted((of.best, of.worst)))
    wrong = (x < low) | (x > high)
    if wrong.any():
        raise DataError(
            f"holds {counted(int(wrong.sum()), 'value')} outside {low:g} to {high:g} {unit or quantity.unit}",
            argument=of.name,
            column=column,
            rows=np.flatnonzero(wrong.fill_null(value=False).to_numpy()),
            expected=f"{of.meaning} in {unit or quantity.unit}",
            remedy=_remedy(x, of, unit) or "correct the values, or make them null",
        )
    if quantity.whole:
        _refuse_fractions(x, of, column)
    _look_at_median(x, of, column, unit)


def _refuse_fractions(x: pl.Series, of: Input, column: str) -> None:
    """Half a grade has no points in any paper: it is likely a mean, or another column."""
    between = (x != x.round()).fill_null(value=False)
    if between.any():
        raise DataError(
            f"holds {counted(int(between.sum()), 'value')} between whole numbers",
            argument=of.name,
            column=column,
            rows=np.flatnonzero(between.to_numpy()),
            expected=f"{of.meaning}: whole numbers",
            remedy="correct the values, or make them null",
        )


def _look_at_median(x: pl.Series, of: Input, column: str, unit: str | None) -> None:
    quantity = of.quantity
    median = x.median()
    if quantity is None or not isinstance(median, int | float) or quantity.usual == quantity.possible:
        return
    low, high = (limit / multiplier(of, unit) for limit in quantity.usual)
    if not low <= median <= high:
        warn(
            f"has a median of {median:.4g}, where {low:g} to {high:g} {unit or quantity.unit} would be usual",
            argument=of.name,
            column=column,
            expected=f"{of.meaning} in {unit or quantity.unit}",
            remedy=_remedy(x, of, unit) or "a look at the unit of the column",
        )


def _remedy(x: pl.Series, of: Input, unit: str | None) -> str | None:
    """The declaration of the unit in which the values would be usual, if there is one."""
    quantity = of.quantity
    median = x.median()
    if quantity is None or quantity.measured is None or not isinstance(median, int | float):
        return None
    for other in QUANTITIES[quantity.measured]:
        scaled = median * multiplier(of, other)
        if other != (unit or quantity.unit) and quantity.usual[0] <= scaled <= quantity.usual[1]:
            return f"unit={{{of.name!r}: {other!r}}} if that is the unit of the column"
    return None


def _yes_or_no(values: pl.Series, of: Input, column: str, unit: str | None) -> None:
    if values.dtype in (pl.Boolean, pl.Null):
        return
    # pandas holds 1 and 0 as Float64 where one is missing
    if not values.dtype.is_numeric() or not _known(values).is_in([0.0, 1.0]).all():
        _refuse_type(values, of, column, "true and false, or 1 and 0")


def _known(values: pl.Series) -> pl.Series:
    return values.cast(pl.Float64).fill_nan(None).drop_nulls()


def _words(values: pl.Series, of: Input, column: str, unit: str | None) -> None:
    if values.dtype not in (pl.String, pl.Enum, pl.Categorical, pl.Null):
        _refuse_type(values, of, column, f"one of {listed(map(repr, of.levels), 20)}")
    _refuse_unknown(values.cast(pl.String), of, column)


def _lists(values: pl.Series, of: Input, column: str, unit: str | None) -> None:
    if not isinstance(values.dtype, pl.List) and values.dtype != pl.Null:
        _refuse_type(values, of, column, "lists of words (scores.list_of makes them from yes/no columns)")
    if isinstance(values.dtype, pl.List):
        one_each = pl.DataFrame({"row": np.arange(len(values)), "word": values}).explode("word")
        present = one_each.filter(pl.Series(values.list.len()).fill_null(0).gather(one_each["row"]) > 0)
        _refuse_unknown(present["word"].cast(pl.String), of, column, present["row"].to_numpy())


def _numbers(values: pl.Series, of: Input, column: str, unit: str | None) -> None:
    if values.dtype == pl.Null:
        return
    if not isinstance(values.dtype, pl.List) or not values.dtype.inner.is_numeric():
        _refuse_type(values, of, column, "lists of numbers")
    outside = ~pl.element().cast(pl.Float64).is_in([0.0, 1.0, 2.0, 3.0], nulls_equal=True)
    wrong = values.list.eval(outside).list.any() | (values.list.len() != len(of.best))
    wrong = wrong.fill_null(value=False)
    if wrong.any():
        raise DataError(
            f"holds {counted(int(wrong.sum()), 'list')} not of {len(of.best)} whole numbers from 0 to 3",
            argument=of.name,
            column=column,
            rows=np.flatnonzero(wrong.to_numpy()),
            expected=of.meaning,
            remedy="correct the values, or make the list null",
        )


def _refuse_unknown(values: pl.Series, of: Input, column: str, rows: np.ndarray | None = None) -> None:
    """Words that are none of the score; `rows` are those of words that come from lists."""
    replaced = f"replace({{'...': {of.levels[0]!r}}})"
    unknown = ~values.is_in(of.levels).fill_null(value=rows is None)
    if unknown.any():
        at = np.flatnonzero(unknown.to_numpy())
        raise DataError(
            f"holds {counted(int(unknown.sum()), 'word')} that the score does not know",
            argument=of.name,
            column=column,
            rows=at if rows is None else rows[at],
            expected=f"{of.meaning}: {listed(map(repr, of.levels), 30)}",
            remedy=f"pl.col({column!r}).{replaced}, or null where it is not known"
            if rows is None
            else f"pl.col({column!r}).list.eval(pl.element().{replaced})",
        )


def _refuse_type(values: pl.Series, of: Input, column: str, expected: str) -> None:
    raise DataError(
        f"holds {values.dtype}",
        argument=of.name,
        column=column,
        expected=f"{of.meaning}: {expected}",
        remedy=_conversion(values, of, column),
    )


def _conversion(values: pl.Series, of: Input, column: str) -> str:
    """How a column of text becomes what the score takes."""
    if values.dtype != pl.String or of.kind not in ("yes or no", "number"):
        return f"convert {column!r} first"
    to = "{'yes': True, 'no': False}" if of.kind == "yes or no" else "{'I': 1, 'II': 2}"
    numbers = ", or .cast(pl.Float64) of numbers" if of.kind == "number" else ""
    return f"pl.col({column!r}).replace_strict({to}) with the words of the column{numbers}"


CHECKS = {
    "number": _number,
    "yes or no": _yes_or_no,
    "category": _words,
    "list": _lists,
    "numbers": _numbers,
}
