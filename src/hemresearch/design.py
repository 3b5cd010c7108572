"""Design matrices: a right-hand-side formula or a list of columns as numbers, ready for new data.

The outcome is never part of a formula. A formula is read by the closed language of `formula.py`; a list
of columns skips it. What is settled on the data of the fit (levels, knots) is kept in the `Design`
and used again, unchanged, when the design is applied to other rows. `build_design` has the language.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import polars as pl

from .coding import Encoder, Levels, Part, Source, Spline, fit_factor, full_rank, multiply, multiply_names
from .columns import Column, Table, as_frame
from .errors import FormulaError, counted, listed
from .formats import significant
from .formula import Factor, Term, column_factor, parse_formula
from .options import nearest, suggestion

if TYPE_CHECKING:
    from collections.abc import Sequence

Covariates: TypeAlias = "str | pl.Expr | Sequence[str | pl.Expr]"
__all__ = ["Design", "build_design", "covariate_columns", "read_design"]

INTERCEPT = "intercept"
SHOWN_TERMS = 8
BLOCK = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """What was asked for: the columns or expressions to read, and the terms to make of them."""

    items: tuple[Column, ...]
    terms: tuple[Term, ...]

    @property
    def names(self) -> list[str]:
        """The names of the columns once expressions are evaluated."""
        return [item if isinstance(item, str) else item.meta.output_name() for item in self.items]

    @property
    def roots(self) -> list[str]:
        """The columns of the user's data that are needed."""
        roots = [[item] if isinstance(item, str) else item.meta.root_names() for item in self.items]
        return list(dict.fromkeys(name for names in roots for name in names))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Design:
    """A design matrix and all that is needed to make the same columns from other rows.

    Attributes
    ----------
    matrix
        One row per row of the data, one column per name in `columns`; float64, C order.
    columns
        Names of the columns: `age`, `sex[M]`, `age:sex[M]`, `rcs(wbc, df=3)[1]`.
    terms
        The columns of each term of the formula, as a slice; all levels or spline columns are one term.
    reference
        The reference level of each categorical column.
    knots
        The knots of each spline term; those of `ns` begin and end with its boundary knots.
    unused_levels
        Levels of an Enum that occur in no row, per column. They have no column in the design.
    intercept
        Whether the first column is an intercept.
    """

    matrix: np.ndarray
    columns: tuple[str, ...]
    terms: dict[str, slice]
    reference: dict[str, str]
    knots: dict[str, tuple[float, ...]]
    unused_levels: dict[str, tuple[str, ...]]
    intercept: bool
    request: Request
    parts: tuple[tuple[Part, ...], ...]

    def apply(self, new_data: Any, *, argument: str = "new_data") -> np.ndarray:
        """The same columns for other rows, with the levels and knots of the fit.

        Raises
        ------
        FormulaError
            For a missing column, a missing or infinite value, a level that the fit has not seen, or a
            column of another kind than in the fit.

        Examples
        --------
        >>> import polars as pl
        >>> fitted = build_design(pl.DataFrame({"age": [61, 74, 58], "sex": ["F", "M", "M"]}), "age + sex")
        >>> fitted.apply(pl.DataFrame({"sex": ["M"], "age": [70]}))
        array([[70.,  1.]])
        """
        frame = as_frame(new_data)
        known = frame.collect_schema().names()
        for name in self.request.roots:
            expected = f"the columns of the fit: {listed(self.request.roots)}"
            _check_known(name, known, argument, expected, fitted=True)
        kept = frame.select(self.request.roots) if self.request.roots else frame
        kept = kept.collect() if isinstance(kept, pl.LazyFrame) else kept
        return self.apply_evaluated(_evaluate(kept, self.request, argument), argument=argument)

    def apply_evaluated(self, values: pl.DataFrame, *, argument: str = "new_data") -> np.ndarray:
        """The same columns for rows that hold the values of expressions under their names."""
        source = Source(values, argument, fitting=False)
        source.check(self.request.names)
        return _fill(self.parts, source, len(self.columns), self.intercept)

    def acts(self, term: str) -> np.ndarray | None:
        """The rows in which a term has an effect; None where it has one in all."""
        return None

    def bends(self) -> dict[str, np.ndarray]:
        """For each spline term, the contrasts of its coefficients that are zero for a straight line."""
        labels = list(self.terms)[int(self.intercept) :]
        alone = {
            label: products[0][0][0]
            for label, products in zip(labels, self.parts, strict=True)
            if len(products) == 1 and len(products[0]) == 1
        }
        return {label: encoder.bends() for label, encoder in alone.items() if isinstance(encoder, Spline)}

    def filler(self) -> dict[str, Any]:
        """A valid value of every column that is read, for those whose value makes no difference."""
        values: dict[str, Any] = {}
        for encoder in (e for products in self.parts for part in products for e, _ in part):
            usual = encoder.knots[0] if isinstance(encoder, Spline) else 1.0
            for column in encoder.factor.columns:
                values.setdefault(column, usual)
            if isinstance(encoder, Levels):
                first = encoder.values[0]
                values[encoder.column] = bool(first) if encoder.kind == "boolean" else first
        return values

    def __repr__(self) -> str:
        n, p = self.matrix.shape
        size = f"{counted(n, 'row')}, {counted(p, 'column')}, {counted(len(self.terms), 'term')}"
        told: set[str] = set()
        lines = [self._describe(term, told) for term in list(self.terms)[:SHOWN_TERMS]]
        left = len(self.terms) - SHOWN_TERMS
        more = [f"  and {counted(left, 'more term')}"] if left > 0 else []
        return "\n".join([f"Design: {size}", *lines, *more])

    def _describe(self, term: str, told: set[str]) -> str:
        """One line on a term: its columns, and knots and references not told before."""
        where = self.terms[term]
        facts = [counted(where.stop - where.start, "column")]
        factors = dict(zip(list(self.terms)[int(self.intercept) :], self.request.terms, strict=True))
        for factor in factors.get(term, ()):
            if factor.label in self.knots and factor.label not in told:
                knots = " ".join(significant(knot) for knot in self.knots[factor.label])
                facts.append(f"knots {knots}" if len(factors[term]) == 1 else f"{factor.label} knots {knots}")
            if factor.stem in self.reference and factor.label not in told:
                facts.append(f"reference {self.reference[factor.stem]}")
            told.add(factor.label)
        return f"  {term}: {', '.join(facts)}"


def build_design(
    frame: pl.DataFrame,
    covariates: Covariates,
    *,
    argument: str = "covariates",
    intercept: bool = False,
    rows: np.ndarray | None = None,
    evaluated: bool = False,
) -> Design:
    """The design matrix of a formula or a list of columns.

    A formula holds columns joined by `+`, interactions `a:b`, `a*b` (= a + b + a:b) and `(a + b + c)**2`,
    the functions log, log2, log10, sqrt and exp, arithmetic inside `I()`, and three codings:

    - `C(x, ref="B")`: x as categories; the reference level is the first unless chosen.
    - `rcs(x, df)` or `rcs(x, knots=[...])`: restricted cubic spline, df = knots - 1, as R's rms.
    - `ns(x, df)` or `ns(x, knots=[...], boundary=[low, high])`: natural spline with df - 1 inner knots, as
      R's splines.

    Names with spaces stand in backticks. Text and Categorical columns are coded with their levels sorted,
    an Enum in its own order, a Boolean as true against false. A list of columns gives the same
    matrix as the formula that adds them up, for any names; an expression in it carries `.alias(...)`.
    Interactions are coded to full rank, for hierarchical models as R does it.

    Parameters
    ----------
    frame
        Complete rows: missing values are settled before knots are placed.
    covariates
        The formula, or the list.
    argument
        What the user calls it, for messages.
    intercept
        Put a column of ones first. Without it the model has its own (a baseline hazard); the coding
        is the same.
    rows
        Positions of the frame's rows in the user's data, for messages.
    evaluated
        Whether `frame` already holds the values of the expressions in a list, under their names, as
        `Table.several` gives them.

    Raises
    ------
    FormulaError
        For an outcome (`~`) or a syntax error, an unknown column or function, a type that cannot be coded,
        missing or infinite values, a single level, an unknown reference level, or knots that coincide.

    References
    ----------
    Harrell FE. Regression Modeling Strategies, 2nd ed. Springer 2015, section 2.4.

    Examples
    --------
    >>> import polars as pl
    >>> patients = pl.DataFrame({"age": [61, 74, 58, 66], "sex": ["F", "M", "M", "F"]})
    >>> design = build_design(patients, "age * sex")
    >>> design.columns
    ('age', 'sex[M]', 'age:sex[M]')
    >>> design
    Design: 4 rows, 3 columns, 3 terms
      age: 1 column
      sex: 1 column, reference F
      age:sex: 1 column
    """
    known = [*frame.columns, *_roots(covariates)] if evaluated else frame.columns
    request = read_request(covariates, known, argument)
    if frame.height == 0:
        raise FormulaError(
            "there are no rows",
            argument="data",
            expected="at least one row",
            remedy="data.height, and the filters before it",
        )
    values = frame if evaluated else _evaluate(frame, request, argument)
    source = Source(values, argument, rows)
    source.check(request.names)
    factors = dict.fromkeys(factor for term in request.terms for factor in term)
    encoders = {factor: fit_factor(factor, source) for factor in factors}
    parts = tuple(tuple(term) for term in full_rank(request.terms, encoders))
    columns, terms = _name_columns(request, parts, intercept, argument)
    return Design(
        matrix=_fill(parts, source, len(columns), intercept),
        columns=columns,
        terms=terms,
        **_settled(encoders, parts),
        intercept=intercept,
        request=request,
        parts=parts,
    )


def covariate_columns(
    covariates: Covariates, frame: pl.DataFrame | pl.LazyFrame, *, argument: str = "covariates"
) -> list[Column]:
    """The columns (and named expressions) that a design reads, for the role of `read_table`.

    Raises
    ------
    FormulaError
        For a formula or a list that does not describe a design of these columns.

    Examples
    --------
    >>> import polars as pl
    >>> frame = pl.DataFrame({"age": [61], "sex": ["F"], "wbc": [4.2]})
    >>> covariate_columns("rcs(wbc, df=3) + age:wbc", frame)
    ['wbc', 'age']
    """
    request = read_request(covariates, frame.collect_schema().names(), argument)
    if isinstance(frame, pl.DataFrame):
        _evaluate(frame.head(1000), request, argument)
    return list(request.items)


def read_design(
    table: Table,
    covariates: Covariates,
    *,
    role: str = "covariates",
    argument: str = "covariates",
    intercept: bool = False,
) -> Design:
    """The design of the columns that `read_table` took in under a role, complete rows only."""
    frame = table.several(role) if role in table else table.frame
    return build_design(
        frame, covariates, argument=argument, intercept=intercept, rows=table.row, evaluated=True
    )


def read_request(covariates: Any, known: Sequence[str], argument: str) -> Request:
    """A formula or a list of columns as items and terms."""
    if isinstance(covariates, str):
        terms = parse_formula(covariates, known, argument=argument)
        names = dict.fromkeys(name for term in terms for factor in term for name in factor.columns)
        return Request(tuple(names), terms)
    given = [covariates] if isinstance(covariates, pl.Expr) else covariates
    if not isinstance(given, list | tuple):
        raise FormulaError(
            f"a {type(covariates).__name__} was given",
            argument=argument,
            expected="a formula, or a list of columns",
            remedy=f'{argument}="age + sex" or {argument}=["age", "sex"]',
        )
    for item in given:
        _check_item(item, known, argument, given)
    request = Request(tuple(given), ())
    for name in request.names:
        if request.names.count(name) > 1:
            raise FormulaError(
                "is given twice",
                argument=argument,
                column=name,
                expected="each column once",
                remedy=f"{argument}={list(dict.fromkeys(request.names))!r}",
            )
    return Request(request.items, tuple((column_factor(name),) for name in request.names))


def _roots(covariates: Covariates) -> list[str]:
    """The columns that the expressions of a list were made from."""
    given = [covariates] if isinstance(covariates, str | pl.Expr) else covariates
    return [name for item in given if isinstance(item, pl.Expr) for name in item.meta.root_names()]


def _check_item(item: Any, known: Sequence[str], argument: str, given: Sequence[Any]) -> None:
    """Refuse what is not one column of the data or one named expression."""
    if isinstance(item, str):
        expected = "columns of the data (terms such as a:b go into a formula)"
        _check_known(item, known, argument, expected, given=given)
        return
    if not isinstance(item, pl.Expr):
        raise FormulaError(
            f"the list holds a {type(item).__name__}",
            argument=argument,
            expected="names of columns, or expressions with .alias(...)",
            remedy=f'{argument}=["age", "sex"]',
        )
    several = item.meta.has_multiple_outputs()
    unnamed = several or (item.meta.undo_aliases().meta.eq(item) and not item.meta.is_column())
    if unnamed:
        raise FormulaError(
            f"the list holds an expression {'for several columns' if several else 'without a name'}",
            argument=argument,
            expected="expressions for one column each, named by .alias(...)",
            remedy=f"{argument}=[{'data.columns' if several else '(...).alias(' + repr('name') + ')'}]",
        )
    for name in item.meta.root_names():
        _check_known(name, known, argument, "columns of the data")


def _check_known(
    name: str,
    known: Sequence[str],
    argument: str,
    expected: str,
    *,
    fitted: bool = False,
    given: Sequence[Any] = (),
) -> None:
    if name in known:
        return
    near = nearest(name, known, 1)
    plain = all(isinstance(item, str) for item in given)
    whole = [near[0] if item == name else item for item in given] if near and plain else near
    renamed = f"{argument}.rename({{{near[0]!r}: {name!r}}})" if near else ""
    raise FormulaError(
        "is not in the data",
        argument=argument,
        column=name,
        expected=f"{expected}; {suggestion(name, known)}",
        remedy=(renamed if fitted else f"{argument}={whole!r}" if plain else f"{near[0]!r} in the list")
        if near
        else "data.columns, for the names",
    )


def _evaluate(frame: pl.DataFrame, request: Request, argument: str) -> pl.DataFrame:
    """The columns of the request; an expression must give each row its value whatever the others hold."""
    if all(isinstance(item, str) for item in request.items):
        return frame.select(request.names) if request.items else frame
    try:
        values = frame.with_columns(request.items).select(request.names)
        odd = frame.gather_every(2, 1).with_columns(request.items).select(request.names)
    except pl.exceptions.PolarsError as trouble:
        raise FormulaError(
            f"an expression could not be evaluated ({type(trouble).__name__})",
            argument=argument,
            expected="expressions that give one value per row",
            remedy="data.select(...) with the expressions, to see which one fails",
        ) from trouble
    for name in request.names:
        if not _same(values[name].gather_every(2, 1), odd[name]):
            raise FormulaError(
                "is an expression whose value in one row depends on other rows",
                argument=argument,
                column=name,
                expected="an expression that would mean the same in new data",
                remedy=f"data.with_columns((...).alias({name!r})), and {name!r} in the list",
            )
    return values


def _same(one: pl.Series, other: pl.Series) -> bool:
    """Whether two columns hold the same values, up to the rounding of another order of operations."""
    if not one.dtype.is_float():
        return one.equals(other, null_equal=True)
    return bool(np.allclose(one.to_numpy(), other.to_numpy(), rtol=1e-9, atol=0, equal_nan=True))


def _name_columns(
    request: Request, parts: tuple[tuple[Part, ...], ...], intercept: bool, argument: str
) -> tuple[tuple[str, ...], dict[str, slice]]:
    columns, labels = [INTERCEPT] if intercept else [], list[str]()
    terms = {INTERCEPT: slice(0, 1)} if intercept else {}
    for term, products in zip(request.terms, parts, strict=True):
        start = len(columns)
        for product in products:
            columns += multiply_names([encoder.names(full) for encoder, full in product])
        labels.append(":".join(factor.label for factor in term))
        terms[labels[-1]] = slice(start, len(columns))
    twice = [name for names in (columns, labels) for name in names if names.count(name) > 1]
    if twice:
        raise FormulaError(
            f"the design would have {twice[0]!r} twice",
            argument=argument,
            expected="each term once, under one reference level",
            remedy="one of the terms alone" if twice[0] != INTERCEPT else "data.rename({'intercept': 'x'})",
        )
    return tuple(columns), terms


def _settled(encoders: dict[Factor, Encoder], parts: tuple[tuple[Part, ...], ...]) -> dict[str, Any]:
    """References, knots and unused levels, as the design keeps them."""
    levels = [encoder for encoder in encoders.values() if isinstance(encoder, Levels)]
    reduced = {id(e) for products in parts for product in products for e, full in product if not full}
    return {
        "reference": {e.column: e.labels[0] for e in levels if id(e) in reduced},
        "knots": {e.factor.label: e.knots for e in encoders.values() if isinstance(e, Spline)},
        "unused_levels": {e.column: e.unused for e in levels if e.unused},
    }


def _fill(parts: tuple[tuple[Part, ...], ...], source: Source, n_columns: int, intercept: bool) -> np.ndarray:
    blocks: dict[tuple[int, bool], np.ndarray] = {}
    columns: list[np.ndarray] = [np.ones((source.frame.height, 1))] if intercept else []
    for product in (product for products in parts for product in products):
        for encoder, full in product:
            if (id(encoder), full) not in blocks:
                blocks[id(encoder), full] = encoder.block(source, full)
        columns.append(multiply([blocks[id(encoder), full] for encoder, full in product]))
    matrix = np.empty((source.frame.height, n_columns))
    for begin in range(0, len(matrix), BLOCK):  # a part that stays in the processor's cache at a time
        part, at = slice(begin, begin + BLOCK), 0
        for block in columns:
            matrix[part, at : at + block.shape[1]] = block[part]
            at += block.shape[1]
    return matrix


def __dir__() -> list[str]:
    return sorted(__all__)
