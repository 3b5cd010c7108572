"""Factors of a formula as columns of numbers: settled on the data of a fit, the same for any data after.

A `Source` holds columns that are complete and finite. An encoder (`Number`, `Spline`, `Levels`) is made
from a factor and a source, and then turns any source into its block of columns.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import numpy as np
import polars as pl

from .errors import FormulaError, counted, listed
from .formula import Factor, Term, evaluate
from .numerics.splines import harrell_knots, natural_spline_basis, restricted_cubic_basis
from .options import nearest, suggestion
from .personal_numbers import holds_personal_numbers
from .text_numbers import as_number, text_numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

MANY_LEVELS = 50  # more levels than this, in fewer than two rows each, are no categories
TEXTS = (pl.String, pl.Categorical, pl.Enum)

FUNCTIONS: dict[type | str, Callable[..., Any]] = {
    "log": np.log, "log2": np.log2, "log10": np.log10, "sqrt": np.sqrt, "exp": np.exp, "I": np.positive,
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide,
    ast.Pow: np.power, ast.UAdd: np.positive, ast.USub: np.negative,
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Columns to be coded, with what a refusal of them has to say.

    `rows` are the positions of the frame's rows in the user's data (None: all, in order).
    """

    frame: pl.DataFrame
    argument: str
    rows: np.ndarray | None = None
    fitting: bool = True

    def refuse(
        self, found: str, column: str, *, expected: str, remedy: str, at_fault: Any = None
    ) -> NoReturn:
        """Refuse a column, naming the rows where `at_fault` is true."""
        rows = () if at_fault is None else np.flatnonzero(at_fault)
        raise FormulaError(
            found,
            argument=self.argument,
            column=column,
            rows=rows if self.rows is None or at_fault is None else self.rows[rows],
            expected=expected,
            remedy=remedy,
        )

    def kind(self, column: str) -> str:
        """`number`, `boolean` or `text`; other types are refused."""
        dtype = self.frame.schema[column]
        if dtype.is_numeric():
            return "number"
        if dtype == pl.Boolean or dtype in TEXTS:
            return "boolean" if dtype == pl.Boolean else "text"
        dated = f"hem.times.age(data, birth=..., date={column!r}) or pl.col({column!r}).dt.year()"
        lasting = f"pl.col({column!r}).dt.total_days()"
        self.refuse(
            f"holds {dtype}",
            column,
            expected="numbers, true/false or categories",
            remedy=lasting
            if dtype == pl.Duration
            else dated
            if dtype.is_temporal()
            else f"pl.col({column!r}).cast(pl.String) or .cast(pl.Float64)",
        )

    def numbers(self, column: str) -> np.ndarray:
        """A numeric or Boolean column as float64."""
        if self.kind(column) == "text":
            self.refuse(
                "holds text where a number is needed",
                column,
                expected="numbers" if self.fitting else "numbers, as in the data of the fit",
                remedy=f"data.with_columns({as_number(self.frame[column], column)})",
            )
        return self.frame[column].cast(pl.Float64).to_numpy()

    def check(self, columns: Iterable[str]) -> None:
        """Refuse missing and infinite values, and types that cannot be coded."""
        for name in columns:
            series = self.frame[name]
            if series.dtype.is_float() and not series.null_count() and series.is_finite().all():
                continue
            if series.dtype == pl.Null or series.null_count() or _any_nan(series):
                absent = series.is_null().to_numpy()
                if series.dtype.is_float():
                    absent = absent | series.is_nan().fill_null(False).to_numpy()
                self.refuse(
                    f"has {counted(int(absent.sum()), 'missing value')} (null or NaN)",
                    name,
                    at_fault=absent,
                    expected="a value in every row",
                    remedy='missing="drop"' if self.fitting else f"new_data.drop_nulls({name!r})",
                )
            self.kind(name)
            if series.dtype.is_float() and series.is_infinite().any():
                self.refuse(
                    f"has {counted(int(series.is_infinite().sum()), 'infinite value')}",
                    name,
                    at_fault=series.is_infinite().to_numpy(),
                    expected="finite numbers",
                    remedy=f"data.filter(pl.col({name!r}).is_finite())",
                )


@dataclass(frozen=True, slots=True, eq=False)
class Number:
    """One numeric column, or arithmetic of some."""

    factor: Factor

    def names(self, full: bool) -> list[str]:
        """The name of the column."""
        return [self.factor.stem]

    def block(self, source: Source, full: bool) -> np.ndarray:
        """The column."""
        if self.factor.kind == "column" and source.kind(self.factor.label) == "boolean":
            source.refuse(
                "holds true/false, and numbers in the data of the fit",
                self.factor.label,
                expected="numbers",
                remedy=f"new_data.with_columns(pl.col({self.factor.label!r}).cast(pl.Float64))",
            )
        return arithmetic(self.factor, source)[:, None]


@dataclass(frozen=True, slots=True, eq=False)
class Spline:
    """A spline of a numeric column, its knots settled."""

    factor: Factor
    knots: tuple[float, ...]

    def names(self, full: bool) -> list[str]:
        """The names of the columns, numbered from 1."""
        return [f"{self.factor.stem}[{j + 1}]" for j in range(len(self.knots) - 1)]

    def block(self, source: Source, full: bool) -> np.ndarray:
        """The basis at the source's values."""
        return self.basis(arithmetic(self.factor, source))

    def basis(self, x: np.ndarray) -> np.ndarray:
        """The spline's columns at given values."""
        if self.factor.kind == "rcs":
            return restricted_cubic_basis(x, self.knots)
        return natural_spline_basis(x, self.knots[1:-1], (self.knots[0], self.knots[-1]))

    def bends(self) -> np.ndarray:
        """Contrasts of the coefficients that are all zero where the spline is a straight line."""
        low, high = self.knots[0], self.knots[-1]
        x = np.linspace(low, high, 20 * len(self.knots))
        basis = self.basis(x)
        size = np.linalg.norm(basis, axis=0)
        line = np.linalg.lstsq((basis - self.basis(x[:1])) / size, (x - low) / (high - low), rcond=None)[0]
        q, _ = np.linalg.qr(np.column_stack([line / size, np.eye(len(line))]))
        return q[:, 1 : len(line)].T


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """A categorical column: its levels, the reference first.

    `values` are what the data hold (text, or numbers; a Boolean is 0 and 1), `labels` their names.
    """

    factor: Factor
    kind: str
    values: tuple[Any, ...]
    labels: tuple[str, ...]
    unused: tuple[str, ...] = ()

    @property
    def column(self) -> str:
        """The column that holds the levels."""
        return self.factor.columns[0]

    def names(self, full: bool) -> list[str]:
        """One name per level; the reference only when all are written."""
        return [f"{self.factor.stem}[{label}]" for label in self.labels[0 if full else 1 :]]

    def block(self, source: Source, full: bool) -> np.ndarray:
        """An indicator of each of those levels."""
        first = 0 if full else 1
        return (self.codes(source)[:, None] == np.arange(first, len(self.values))).astype(float)

    def codes(self, source: Source) -> np.ndarray:
        """The position of each row's level; a level that the fit has not seen is refused."""
        if source.kind(self.column) != self.kind:
            source.refuse(
                f"holds {source.frame.schema[self.column]}, and {self.kind} in the data of the fit",
                self.column,
                expected=f"its levels {listed(self.labels)}",
                remedy=f"new_data.with_columns(pl.col({self.column!r}).cast({_DTYPES[self.kind]}))",
            )
        codes = self._codes(source)
        if (codes < 0).any():
            unseen = source.frame[self.column].cast(pl.String).filter(pl.Series(codes < 0)).unique().sort()
            shown = (
                counted(len(unseen), "personal number") if holds_personal_numbers(unseen) else listed(unseen)
            )
            source.refuse(
                f"holds levels that the fit has not seen ({shown})",
                self.column,
                at_fault=codes < 0,
                expected=f"its levels {listed(self.labels)}",
                remedy=f"new_data.filter(pl.col({self.column!r}).is_in({list(self.labels)[:5]}))"
                if source.argument == "new_data"
                else f"{source.argument}={{{self.column!r}: {self._nearest(unseen)!r}}}",
            )
        return codes

    def _nearest(self, unseen: pl.Series) -> Any:
        """The level that was perhaps meant."""
        near = nearest(unseen[0], self.labels, 1)
        at = self.labels.index(near[0]) if near else 0
        return bool(self.values[at]) if self.kind == "boolean" else self.values[at]

    def _codes(self, source: Source) -> np.ndarray:
        if self.kind == "text":
            text = source.frame[self.column].cast(pl.String)
            codes = text.cast(pl.Enum(self.values), strict=False).to_physical()
            return codes.cast(pl.Int64).fill_null(-1).to_numpy()
        values = source.numbers(self.column)
        order = np.argsort(self.values)
        ordered = np.array(self.values)[order]
        place = np.clip(np.searchsorted(ordered, values), 0, len(ordered) - 1)
        return np.where(ordered[place] == values, order[place], -1)


_DTYPES = {"text": "pl.String", "boolean": "pl.Boolean", "number": "pl.Float64"}
Encoder: TypeAlias = "Number | Spline | Levels"
Part: TypeAlias = tuple[tuple[Encoder, bool], ...]


def arithmetic(factor: Factor, source: Source) -> np.ndarray:
    """The values of a factor's arithmetic; a logarithm of zero and the like are refused with their rows."""
    with np.errstate(all="ignore"):
        values = evaluate(factor.body, source.numbers, FUNCTIONS)
    odd = ~np.isfinite(values)
    if odd.any():
        name, inner = factor.columns[0], factor.body.args[0] if isinstance(factor.body, ast.Call) else None
        of_column = isinstance(inner, ast.Name) and factor.kind == "number"
        source.refuse(
            f"gives no finite number in {factor.label}",
            name,
            at_fault=odd,
            expected="values for which it is defined, such as numbers above 0 for a logarithm",
            remedy=f"data.filter(pl.col({name!r}) > 0), or log({name} + 1)"
            if of_column
            else f"data[{np.flatnonzero(odd)[:5].tolist()}] to look at those rows",
        )
    return values


def fit_factor(factor: Factor, source: Source) -> Encoder:
    """Settle what a factor needs from the data: its levels, or its knots."""
    if factor.kind in ("rcs", "ns"):
        return Spline(factor, _place_knots(factor, source))
    if factor.kind == "C" or (factor.kind == "column" and source.kind(factor.columns[0]) != "number"):
        return _fit_levels(factor, source)
    return Number(factor)


def full_rank(terms: Sequence[Term], encoders: dict[Factor, Encoder]) -> list[list[Part]]:
    """For each term the products of its factors to write out, so that no column follows from others.

    A factor with levels is written with all of them where the model does not yet hold what is left of
    the term without it, and without its reference where it does (the rule of R's model.matrix for
    hierarchical models). The intercept, or a baseline hazard, is always there.
    """
    covered: dict[frozenset[Factor], set[frozenset[Factor]]] = {frozenset(): {frozenset()}}
    planned = []
    for term in terms:
        coded = [factor for factor in term if isinstance(encoders[factor], Levels)]
        there = covered.setdefault(frozenset(term).difference(coded), set())
        subsets = [frozenset(s) for size in range(len(coded) + 1) for s in combinations(coded, size)]
        parts = _merge([dict.fromkeys(s, False) for s in subsets if s not in there])
        there.update(subsets)
        planned.append(
            [
                tuple((encoders[f], part.get(f, False)) for f in term if f in part or f not in coded)
                for part in parts
            ]
        )
    return planned


def multiply(blocks: Sequence[np.ndarray]) -> np.ndarray:
    """All products of a column from each block, the first block's columns varying fastest."""
    product = blocks[0]
    for block in blocks[1:]:
        product = (block[:, :, None] * product[:, None, :]).reshape(len(product), -1)
    return product


def multiply_names(names: Sequence[Sequence[str]]) -> list[str]:
    """The names of those products: `age:sex[M]`."""
    product = list(names[0])
    for more in names[1:]:
        product = [f"{first}:{second}" for second in more for first in product]
    return product


def _merge(parts: list[dict[Factor, bool]]) -> list[dict[Factor, bool]]:
    """Join `a` and `a:b` (b without its reference) into `a:b` with all levels of b, as far as it goes."""
    for short in parts:
        for long in parts:
            added = [factor for factor in long if factor not in short]
            same = all(long.get(factor) == full for factor, full in short.items())
            if len(added) == 1 and len(long) == len(short) + 1 and same and not long[added[0]]:
                rest = [part for part in parts if part is not short]
                return _merge([part | {added[0]: True} if part is long else part for part in rest])
    return parts


def _any_nan(series: pl.Series) -> bool:
    return series.dtype.is_float() and bool(series.is_nan().any())


def _fit_levels(factor: Factor, source: Source) -> Levels:
    column = factor.columns[0]
    series, kind = source.frame[column], source.kind(column)
    unused: list[str] = []
    values: list[Any]
    if isinstance(series.dtype, pl.Enum):
        present = set(series.cast(pl.String).unique())
        values = [level for level in series.dtype.categories if level in present]
        unused = [level for level in series.dtype.categories if level not in present]
    elif kind == "text":
        values = series.cast(pl.String).unique().sort().to_list()
    else:
        values = np.unique(source.numbers(column)).tolist()
    labels = [_label(value, kind) for value in values]
    _refuse_identifiers(factor, source, labels, unused)
    _check_levels(factor, source, labels)
    first = _reference(factor, source, labels)
    order = [first, *(i for i in range(len(values)) if i != first)]
    return Levels(
        factor, kind, tuple(values[i] for i in order), tuple(labels[i] for i in order), tuple(unused)
    )


def _label(value: Any, kind: str) -> str:
    if kind == "boolean":
        return str(bool(value))
    if kind == "number":
        return str(int(value)) if float(value).is_integer() else repr(value)
    return str(value)


def _refuse_identifiers(factor: Factor, source: Source, labels: list[str], unused: list[str]) -> None:
    """Refuse patients and measurements as levels, whose names are those of coefficients."""
    column, n = factor.columns[0], source.frame.height
    personal = holds_personal_numbers([*labels, *unused])
    implicit = factor.kind == "column" and source.frame.schema[column] == pl.String and not personal
    numbers = text_numbers(source.frame[column]) if implicit else None
    if numbers is not None:
        source.refuse(
            numbers.found,
            column,
            at_fault=numbers.stray.to_numpy(),
            expected="a numeric column, or C() around a code that is a category",
            remedy=numbers.remedy,
        )
    if len(labels) > MANY_LEVELS and 2 * len(labels) > n:
        source.refuse(
            f"has {len(labels)} levels in {counted(n, 'row')}, as an identifier or a measurement has",
            column,
            expected="a category with several rows in each level",
            remedy=f"{source.argument}=... without {column!r}; id= and cluster= take identifiers",
        )
    if personal:
        source.refuse(
            "holds personal numbers, and the names of levels are shown",
            column,
            expected="categories of patients",
            remedy=f"{source.argument}=... without {column!r}",
        )


def _check_levels(factor: Factor, source: Source, labels: list[str]) -> None:
    column = factor.columns[0]
    if len(labels) < 2:
        source.refuse(
            f"has the one level {listed(labels)}",
            column,
            expected="at least two levels with rows, or the column left out",
            remedy=f"data[{column!r}].value_counts() to see them",
        )


def _reference(factor: Factor, source: Source, labels: list[str]) -> int:
    wanted = factor.option("ref")
    if wanted is None:
        return 0
    label = _label(wanted, "number") if isinstance(wanted, float) else str(wanted)
    if label in labels:
        return labels.index(label)
    column = factor.columns[0]
    source.refuse(
        f"has no level {label!r} that could be the reference",
        column,
        expected=f"one of its levels {listed(labels)}; {suggestion(label, labels)}",
        remedy=f'C({column}, ref="{labels[0]}")',
    )


def _place_knots(factor: Factor, source: Source) -> tuple[float, ...]:
    """The knots of a spline; of `ns` with the boundary knots as the first and the last."""
    x, given, df = arithmetic(factor, source), factor.option("knots"), factor.option("df")
    least = 2 if factor.kind == "rcs" else 1
    if given is None and df < least:
        source.refuse(
            f"is given df={df} in {factor.kind}()",
            factor.columns[0],
            expected=f"df={least} or more (df=1 would be the column itself)"
            if least == 2
            else "df=1 or more, of which df=1 is a straight line",
            remedy=f"{factor.kind}({factor.columns[0]}, df=3)",
        )
    distinct = len(np.unique(x))
    knots, wanted = _knots(factor, x, df)
    if not _carried(knots, max(wanted, least + 1), distinct):
        fewer = range(min(df or 4, 7) - 1, least - 1, -1)
        good = [d for d in fewer if _carried(*_knots(factor, x, d), distinct) and not given]
        source.refuse(
            f"has {counted(distinct, 'distinct value')}, which do not carry the {wanted} knots "
            f"of {factor.label}",
            factor.columns[0],
            expected="knots that increase strictly, in a column with at least as many distinct values",
            remedy=f"{factor.kind}({factor.columns[0]}, df={good[0]})"
            if good
            else f"{factor.columns[0]} without a spline, or other knots",
        )
    return tuple(float(knot) for knot in knots)


def _knots(factor: Factor, x: np.ndarray, df: int) -> tuple[np.ndarray, int]:
    """The knots that the data give for `df` (or that were given), and how many there ought to be."""
    given = factor.option("knots")
    if factor.kind == "rcs":
        return (np.sort(given), len(given)) if given else (harrell_knots(x, df + 1), df + 1)
    low, high = sorted(factor.option("boundary") or (x.min(), x.max()))
    inside = x[(x >= low) & (x <= high)]
    inner = given or (np.quantile(inside, np.linspace(0, 1, df + 1)[1:-1]) if inside.size else ())
    return np.array([low, *np.sort(inner), high]), (len(given) if given else df - 1) + 2


def _carried(knots: np.ndarray, wanted: int, distinct: int) -> bool:
    """Whether there are as many increasing knots as wanted, and values enough for their columns."""
    return distinct >= wanted <= len(knots) and bool((np.diff(knots) > 0).all())
