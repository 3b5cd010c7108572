"""From columns to the score: one expression of a struct."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from ...errors import DataError
from ...options import check_choice, suggestion
from ..units import QUANTITIES, factor
from .items import Values

if TYPE_CHECKING:
    from ...columns import Column
    from .definition import Score
    from .inputs import Input
    from .items import Item

Gaps = Literal["null", "lowest", "highest"]
Units = Mapping[str, str] | None


def struct_of(score: Score, arguments: Mapping[str, Any]) -> pl.Expr:
    """The score of each row as a struct.

    Parameters
    ----------
    arguments
        Of the score's function: a column for each input, `unit` and `missing`.

    Returns
    -------
    polars.Expr
        A struct under the score's name: `score`, `group`, `components` (a struct), `n_missing`.
    """
    gaps = check_choice(arguments["missing"], Gaps, argument="missing")
    columns = used_columns(score, arguments)
    units = {i.name: unit_of(score, i, arguments["unit"]) for i in score.inputs}
    given = [i.name for i in used(score, columns)]
    row = pl.struct(read_input(i, columns[i.name], units[i.name]).alias(i.name) for i in used(score, columns))
    # stage by stage, each on the fields of the one before, so that nothing is computed twice
    row = _with_fields(
        row,
        {i.name: _filled(i, given, score, gaps) for i in score.inputs}
        | {"n_missing": _n_missing(score, given)},
    )
    x = Values({i.name: pl.field(i.name) for i in score.inputs})
    row = _with_fields(row, {item.name: _points(item, x) for item in score.items})
    x = Values(x | {item.name: pl.field(item.name) for item in score.items})
    x.component_names = tuple(item.name for item in score.items if item.adds)
    complete = pl.field("n_missing") == 0 if gaps == "null" else pl.lit(True)
    row = _with_fields(row, {"score": pl.when(complete).then(_total(score, x))})
    x["score"] = pl.field("score")
    group = pl.when(complete).then(score.groups.of(x)).cast(pl.Enum(score.groups.labels))
    row = _with_fields(row, {"group": group})
    components = pl.struct(pl.field(item.name) for item in score.items).alias("components")
    result = pl.struct(pl.field("score"), pl.field("group"), components, pl.field("n_missing"))
    return _with_fields(row, {"result": result}).struct.field("result").alias(score.name)


def _with_fields(row: pl.Expr, fields: Mapping[str, pl.Expr]) -> pl.Expr:
    return row.struct.with_fields(value.alias(name) for name, value in fields.items())


def _total(score: Score, x: Values) -> pl.Expr:
    """The sum of the components, or what the score makes of them."""
    adding = [x[name] for name in x.component_names]
    total = score.total(x) if score.total is not None else pl.sum_horizontal(adding, ignore_nulls=False)
    return total.cast(pl.Int16 if score.whole else pl.Float64)


def used_columns(score: Score, arguments: Mapping[str, Any]) -> dict[str, Column | None]:
    """The column of each input; only an input that another can stand for may be without one."""
    columns = {i.name: arguments[i.name] for i in score.inputs}
    for name, column in columns.items():
        other = next((set(pair) - {name} for pair in score.either if name in pair), set())
        if column is None and all(columns[o] is None for o in other):
            raise DataError(
                "None was given",
                argument=name,
                expected="the name of a column" + (f", here or in {other.pop()}=" if other else ""),
                remedy=f"{name}={name!r}",
            )
    return columns


def used(score: Score, columns: Mapping[str, Column | None]) -> list[Input]:
    """The inputs that have a column."""
    return [i for i in score.inputs if columns[i.name] is not None]


def unit_of(score: Score, of: Input, units: Units) -> str | None:
    """The unit a column is declared to be in; None where it has none."""
    for name in units or {}:
        known = [i.name for i in score.inputs if i.quantity is not None and i.quantity.measured is not None]
        if name not in known:
            raise DataError(
                f"{name!r} is not an input of {score.name} with a choice of units",
                argument="unit",
                expected=f"an input with units; {suggestion(name, known)}"
                if known
                else "no unit: this score has none to choose",
                remedy=f"unit={{{known[0]!r}: ...}}" if known else "leave unit= out",
            )
    if of.quantity is None:
        return None
    return (units or {}).get(of.name, of.quantity.unit)


def read_input(of: Input, column: Column | None, unit: str | None) -> pl.Expr:
    """The values of an input in the unit of the score; NaN is missing."""
    x = pl.col(column) if isinstance(column, str) else column
    assert x is not None, "only inputs with a column are read"
    if of.kind == "yes or no":
        return yes_or_no(x)
    if of.kind == "list":
        return _known_words(x, of)
    if of.kind == "numbers":
        return _all_numbers(x, of)
    if of.kind == "category":
        return x
    return x.cast(pl.Float64).fill_nan(None) * multiplier(of, unit)


def yes_or_no(x: pl.Expr) -> pl.Expr:
    """True, false or missing; NaN, which as a truth value would be a yes, is missing."""
    return x.cast(pl.Float64).fill_nan(None).cast(pl.Boolean)


def _known_words(x: pl.Expr, of: Input) -> pl.Expr:
    """A list of words of the score: an unknown one stops the query, a null within makes the list missing."""
    words = x.cast(pl.List(pl.Enum(of.levels))).cast(pl.List(pl.String))
    return pl.when(~words.list.contains(pl.lit(None, dtype=pl.String))).then(words)


def _all_numbers(x: pl.Expr, of: Input) -> pl.Expr:
    """A list of as many numbers as the score takes; without one of them it is missing."""
    numbers = x.cast(pl.List(pl.Float64))
    return pl.when(numbers.list.drop_nulls().list.len() == len(of.best)).then(numbers)


def multiplier(of: Input, unit: str | None) -> float:
    """From the declared unit to that of the score."""
    quantity = of.quantity
    assert quantity is not None, "numbers have a quantity"
    if unit is None or unit == quantity.unit:
        return 1.0
    units = QUANTITIES[quantity.measured or ""]
    check_choice(unit, tuple(units), argument=f"unit[{of.name!r}]")
    return factor(quantity.measured or "", unit=unit, to=quantity.unit)


def _n_missing(score: Score, given: list[str]) -> pl.Expr:
    """How many inputs are missing; of two that can stand for each other, only if both are."""
    alone = [pl.field(name).is_null() for name in given if name not in score.optional]
    pairs = [_all_missing(pair, given) for pair in score.either]
    return pl.sum_horizontal([m.cast(pl.Int16) for m in alone + pairs])


def _all_missing(names: tuple[str, ...], given: list[str]) -> pl.Expr:
    return pl.all_horizontal([pl.field(name).is_null() for name in names if name in given])


def _filled(of: Input, given: list[str], score: Score, gaps: Gaps) -> pl.Expr:
    """With the value of least or of most risk for what is missing, if bounds are asked for."""
    if of.name not in given:
        return pl.lit(None, dtype=pl.Float64)
    if gaps == "null":
        return pl.field(of.name)
    # an input that another one stands for is not missing
    missing = _all_missing(next((pair for pair in score.either if of.name in pair), (of.name,)), given)
    extreme = _literal(of, of.best if gaps == "lowest" else of.worst)
    return pl.when(missing).then(extreme).otherwise(pl.field(of.name))


def _literal(of: Input, value: Any) -> pl.Expr:
    kinds: dict[str, pl.DataType] = {"list": pl.List(pl.String), "numbers": pl.List(pl.Float64)}
    return pl.lit(value, dtype=kinds.get(of.kind))


def _points(item: Item, x: Values) -> pl.Expr:
    """Whole points are shown as such, and a component that is a word stays one."""
    points = item.points(x)
    return points.cast(pl.Int16) if item.whole and item.adds else points
