"""A score for every row of a table, with an audit of units and ranges that an expression cannot make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from ...columns import as_frame, read_table
from ...errors import DataError
from ...options import check_choice, suggestion
from .audit import audit
from .documented import SCORES
from .expression import Gaps, Units, unit_of, used, used_columns
from .listing import function_of

if TYPE_CHECKING:
    from ...columns import Column, Columns
    from .definition import Score


def compute(
    data: Any,
    score: str | Callable[..., pl.Expr],
    *,
    unit: Units = None,
    missing: Gaps = "null",
    bounds: bool = False,
    components: bool = False,
    prefix: str | None = None,
    **columns: Column | None,
) -> Any:
    """The data with a score beside them, after its inputs were looked at.

    Categories must be words of the score, numbers must be possible in the unit declared, and a column whose
    median is far from what is usual is warned about: its unit is likely another.

    Parameters
    ----------
    data
        A table; a LazyFrame stays lazy, but for the columns of the score, which are read once for the audit.
    score
        Name of a score (`catalogue()` lists them) or its function.
    unit
        The unit of each column that is not in the unit of the score: `{"hb_g_per_dl": "g/L"}`.
    missing
        `"null"`, `"lowest"` or `"highest"`, as in the function of the score.
    bounds
        Also attach what the score would be with the values that score least and most for what is missing.
    components
        Also attach the points of each item.
    prefix
        Beginning of the new names; the name of the score by default.
    **columns
        The column of each input, by the input's name. Those not named have the input's own name.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        The data with `<prefix>_score`, `<prefix>_group` and `<prefix>_n_missing`; with bounds also
        `<prefix>_lowest`, `<prefix>_highest`, `<prefix>_group_lowest` and `<prefix>_group_highest`; with
        components `<prefix>_points_<item>` of each item. What a score does not have (a grading without a
        number, a score without agreed groups) is left out.

    Raises
    ------
    DataError
        For an unknown score, an input that is not one, a column that is not there or of another type, words
        that the score does not know, numbers that are not possible, and names that are taken.

    Warns
    -----
    DataWarning
        For a column whose median is outside what is usual.

    Examples
    --------
    >>> patients = pl.DataFrame(
    ...     {"age": [65, 50], "ecog": [0, 0], "ldh": [1.2, 0.8], "wbc": [8000, 6000]}
    ... )
    >>> scored = compute(
    ...     patients,
    ...     "mipi",
    ...     age_years="age",
    ...     ldh_ratio_to_uln="ldh",
    ...     wbc_1e9_per_l="wbc",
    ...     unit={"wbc_1e9_per_l": "cells/uL"},
    ... )
    >>> scored.select(pl.col("mipi_score").round(4), "mipi_group", "mipi_n_missing").rows()
    [(6.0722, 'intermediate', 0), (5.1838, 'low', 0)]
    """
    function, definition = find(score)
    check_choice(missing, Gaps, argument="missing")
    frame = as_frame(data)
    arguments = _arguments(definition, columns, unit, missing)
    inputs = _read(frame, definition, arguments)
    audit(inputs, definition, arguments)
    new = _columns(function, definition, arguments, bounds=bounds, components=components, prefix=prefix)
    _refuse_taken(new, frame.collect_schema().names(), prefix or definition.name)
    return frame.with_columns(**new)


def find(score: Any) -> tuple[Callable[..., pl.Expr], Score]:
    """The function and the definition of a score given by name or by its function."""
    name = getattr(score, "__name__", score)
    check_choice(name, tuple(SCORES), argument="score")
    return function_of(name), SCORES[name]


def _arguments(
    score: Score, columns: Mapping[str, Column | None], unit: Units, missing: Gaps
) -> dict[str, Any]:
    names = [i.name for i in score.inputs]
    for name in columns:
        if name not in names:
            raise DataError(
                f"is not an input of {score.name}",
                argument=name,
                expected=f"inputs by their names; {suggestion(name, names)}",
                remedy=f"hem.hematology.scores.inputs({score.name!r}) to see them",
            )
    return {name: columns.get(name, name) for name in names} | {"unit": unit, "missing": missing}


def _read(frame: pl.DataFrame | pl.LazyFrame, score: Score, arguments: Mapping[str, Any]) -> pl.DataFrame:
    """The inputs as they are in the data, under the names of the score."""
    chosen = used_columns(score, arguments)
    for i in used(score, chosen):
        unit_of(score, i, arguments["unit"])
    roles: dict[str, Columns] = {name: column for name, column in chosen.items() if column is not None}
    known = frame.collect_schema().names()
    absent = [n for n, column in roles.items() if isinstance(column, str) and column == n not in known]
    if absent:
        raise DataError(
            f"no column is named for {', '.join(absent)}, and the data have none of that name",
            argument=absent[0],
            expected=f"a column for each input of {score.name}",
            remedy=f"compute(..., {score.name!r}, {absent[0]}='...')",
        )
    table = read_table(frame, roles, nullable=tuple(roles), may_be_empty=True)
    return pl.DataFrame([table.series(name).alias(name) for name in roles])


def _columns(
    function: Callable[..., pl.Expr],
    score: Score,
    arguments: Mapping[str, Any],
    *,
    bounds: bool,
    components: bool,
    prefix: str | None,
) -> dict[str, pl.Expr]:
    """The new columns by name."""
    start = prefix or score.name
    whole = function(**arguments).struct
    fields = [f for f, there in (("score", score.has_score), ("group", bool(score.groups.labels))) if there]
    new = {f"{start}_{field}": whole.field(field) for field in (*fields, "n_missing")}
    for end in ("lowest", "highest") if bounds else ():
        bound = function(**{**arguments, "missing": end}).struct
        new |= {f"{start}_{'' if f == 'score' else 'group_'}{end}": bound.field(f) for f in fields}
    if components:
        each = whole.field("components").struct
        new |= {f"{start}_points_{item.name}": each.field(item.name) for item in score.items}
    return new


def _refuse_taken(new: Mapping[str, pl.Expr], known: list[str], prefix: str) -> None:
    taken = [name for name in new if name in known]
    if taken:
        raise DataError(
            "is in the data already",
            argument="prefix",
            column=taken[0],
            expected="names that are not taken",
            remedy=f"prefix='{prefix}_2'",
        )
