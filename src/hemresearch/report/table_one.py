"""Table 1: its cells as a publication table, and what to hide in it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..errors import DataError
from .counts import Layout, without_lone
from .suppression import Cell
from .tables import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..cohort import TableOne
    from .sources import Source

NUMBERS = ("mean", "sd", "median", "q1", "q3", "min", "max")
HIDDEN = "*"


def written(one: TableOne, source: Source) -> Table:
    """The cells that a Table 1 writes itself, with a mark where something is hidden."""
    cells = one.cells()
    body = _marked(one, cells.body, source.masks) if source.masks else cells.body
    return Table(
        cells.header,
        body,
        title=source.title,
        footnotes=(*cells.footnotes, *source.footnotes),
        kinds=cells.kinds,
        spanners=cells.spanners,
        id=source.id or "",
        source=source,
    )


def _marked(
    one: TableOne, body: tuple[tuple[str, ...], ...], masks: Mapping[str, np.ndarray]
) -> tuple[tuple[str, ...], ...]:
    """A mark in every cell that reads otherwise once the hidden numbers are others."""
    others = [
        pl.when(pl.Series(mask)).then(_another(one.frame[name])).otherwise(pl.col(name)).alias(name)
        for name, mask in masks.items()
    ]
    changed = replace(one, frame=one.frame.with_columns(others)).cells().body
    return tuple(
        tuple(HIDDEN if text != other else text for text, other in zip(row, new, strict=True))
        for row, new in zip(body, changed, strict=True)
    )


def _another(numbers: pl.Series) -> pl.Series:
    """Other numbers than these; an infinite difference becomes a finite one."""
    finite = numbers.replace([float("inf")], [0.0]) if numbers.dtype.is_float() else numbers
    return finite + 1


def table_one_masks(
    one: TableOne, hidden_in: Callable[[Layout], list[tuple[int, str]]], threshold: float
) -> dict[str, np.ndarray]:
    """Which rows of a Table 1 are hidden in which column.

    The totals of the groups stand in its header, so that they are known; those of "Overall" may be hidden.
    """
    _check_groups(one, threshold)
    frame = one.to_frame().with_row_index("_row")
    masks = {
        name: np.zeros(frame.height, dtype=bool) for name in ("n", "n_missing", "share", *NUMBERS, "smd")
    }
    for part in frame.partition_by("variable", maintain_order=True):
        for row, name in hidden_in(_layout(part, one.groups()["group"][0])):
            masks[name][row] = True
        _hide_with(masks, part, threshold, one.groups()["group"][0])
    return masks


def _layout(part: pl.DataFrame, overall: str) -> Layout:
    """One variable: its levels and the missing as rows, the groups as columns, "Overall" their total."""
    counted = part.select(
        pl.col("_row"), "group", line=pl.col("level").fill_null(""), count="n", name=pl.lit("n")
    )
    missing = part.unique("group", keep="first", maintain_order=True)
    if part["n_missing"].max():
        lost = missing.select(
            pl.col("_row"), "group", line=pl.lit("\0missing"), count="n_missing", name=pl.lit("n_missing")
        )
        counted = pl.concat([counted, lost])
    lines: dict[tuple[str, str], int] = {}
    cells, places = [], []
    for row, group, line, count, name in counted.iter_rows():
        tail = lines.setdefault(("row", line), len(lines) + 1)
        head = lines.setdefault(("column", group), len(lines) + 1)
        if group == overall:
            tail, head = head, tail
        cells.append(Cell(tail, head, float(count), is_total=group == overall))
        places.append((row, name))
    return Layout(without_lone(cells), tuple(places))


def _hide_with(masks: dict[str, np.ndarray], part: pl.DataFrame, threshold: float, overall: str) -> None:
    """Hide what the hidden counts of a variable, or the numbers of few patients, could be read from.

    What is known of all groups together gives that of one away once the others are known, so that it is
    hidden with the numbers of any group; so is the difference, which is made of them.
    """
    rows, groups = part["_row"].to_numpy(), part["group"].to_numpy()
    for group in np.unique(groups):
        of_group = rows[groups == group]
        if masks["n_missing"][of_group].any():
            masks["n_missing"][of_group] = masks["share"][of_group] = True
    masks["share"][rows] |= masks["n"][rows]
    number = part["mean"].is_not_null().to_numpy()
    few = ((part["n"] > 0) & (part["n"] < threshold)).to_numpy() & number
    withheld = few | ((groups == overall) & few.any())
    for name in NUMBERS:
        masks[name][rows] = withheld & part[name].is_not_null().to_numpy()
    categories = part["share"].is_not_null().any()
    masks["smd"][rows] = bool(few.any() or (categories and masks["n"][rows].any()))


def _check_groups(one: TableOne, threshold: float) -> None:
    small = one.groups().filter(pl.col("n") < threshold)
    if small.height:
        raise DataError(
            f"{small.height} of the groups of the table have fewer than {threshold:g} patients in the header",
            argument="threshold",
            expected="at least as many patients as the threshold in every group",
            remedy="larger groups in table_one(..., by=...)",
        )


def check_no_options(options: dict[str, Any], argument_of: str, what: str = "a Table 1") -> None:
    """A Table 1 (or `what` else has a table of its own) decides its counts: options for them are refused."""
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise DataError(
            f"{', '.join(given)} given for {what}, which knows its own",
            argument=given[0],
            expected="no such option",
            remedy=argument_of,
        )
