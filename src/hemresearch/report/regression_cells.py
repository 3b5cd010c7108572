"""The rows of several models put side by side, as cells of a table, and what to hide in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .. import formats
from ..regression.effects import called
from .table_one import HIDDEN
from .tables import Align, Kind, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .sources import Source

COUNTS = {"n": "N", "n_event": "Events"}
RATIO = ("estimate", "conf_low", "conf_high")
TREND = "p for trend"
Key = tuple[str, str]  # variable, and the name of its row in it


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """The rows of one model (or of several in one column), and the headers of its columns.

    `group` is the name over the columns of all models that share it.
    """

    name: str
    frame: pl.DataFrame
    header: str
    p_header: str
    note: str
    reference: float
    interaction: bool = False
    totals: frozenset[tuple[float, float]] = frozenset()
    ratio: str = ""
    group: str = ""

    def rows(self) -> dict[Key, dict[str, Any]]:
        """Each row by its variable and name, with its position in `frame`."""
        indexed = self.frame.with_row_index("_row").iter_rows(named=True)
        return {(row["variable"], row["name"]): row for row in indexed}

    def tests_factors(self) -> bool:
        """Whether some factor has a p of its own beside those of its levels."""
        several = self.frame.filter(pl.col("level").is_not_null()).group_by("variable").len()
        return not self.interaction and bool((several["len"] > 2).any())


@dataclass(frozen=True, slots=True, eq=False)
class Models:
    """All models of a table."""

    blocks: tuple[Block, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    decimals: int = 2

    def frame(self) -> pl.DataFrame:
        """The rows of all models, one below the other."""
        return pl.concat([b.frame.with_columns(model=pl.lit(i)) for i, b in enumerate(self.blocks)])

    def keys(self) -> dict[str, list[str]]:
        """The rows of each variable in the order in which they come, whichever model has them."""
        found: dict[str, list[str]] = {}
        for block in self.blocks:
            for variable, name in block.rows():
                names = found.setdefault(variable, [])
                if name not in names:
                    names.append(name)
        return found

    def groups(self) -> list[tuple[int, ...]]:
        """The positions of the models that stand under one name, group by group."""
        found: dict[Any, list[int]] = {}
        for i, block in enumerate(self.blocks):
            found.setdefault(block.group or i, []).append(i)
        return [tuple(members) for members in found.values()]

    def same(self, members: Iterable[int], names: Sequence[str]) -> list[str]:
        """Counts that some models share as a whole and in every row: patients, and then perhaps events."""
        blocks = [self.blocks[i] for i in members]
        return list(takewhile(lambda name: _all_the_same(blocks, name), names))

    def counted(self) -> list[str]:
        """The counts that some row has."""
        frame = self.frame()
        return [name for name in COUNTS if frame[name].null_count() < frame.height]


def _all_the_same(blocks: Sequence[Block], name: str) -> bool:
    """Whether a count is the same in all these models, as a whole and in every row."""
    at = list(COUNTS).index(name)
    if len({total[at] for block in blocks for total in block.totals}) > 1:
        return False
    seen: dict[Key, float] = {}
    return all(
        row[name] is None or seen.setdefault(key, row[name]) == row[name]
        for block in blocks
        for key, row in block.rows().items()
    )


@dataclass(frozen=True, slots=True)
class _Column:
    """What stands in a column: a count, the ratio or the p, of which models."""

    what: str
    header: str
    blocks: tuple[int, ...]


def written(models: Models, source: Source) -> Table:
    """Headers, rows and spanners of the table; hidden numbers are marks."""
    writer = _Writer(models, source)
    header, align, spanners = writer.header()
    body: list[tuple[str, ...]] = []
    kinds: list[Kind] = []
    for variable, names in models.keys().items():
        for kind, cells in writer.variable(variable, names):
            kinds.append(kind)
            body.append(cells)
    return Table(
        header,
        tuple(body),
        title=source.title,
        footnotes=source.footnotes,
        kinds=tuple(kinds),
        spanners=spanners,
        align=align,
        id=source.id or "",
        source=source,
    )


class _Writer:
    """Writes the cells of one table."""

    def __init__(self, models: Models, source: Source) -> None:
        self.models, self.source = models, source
        self.rows = [block.rows() for block in models.blocks]
        heights = [block.frame.height for block in models.blocks]
        self.start = np.cumsum([0, *heights])[:-1]
        self.shared = models.same(range(len(models.blocks)), models.counted())
        self.columns = self.arranged()

    def arranged(self) -> list[_Column]:
        """The columns: a count once for all models that share it, then the ratio and the p of each."""
        blocks = self.models.blocks
        found = [_Column(c, COUNTS[c], tuple(range(len(blocks)))) for c in self.shared]
        rest = [c for c in self.models.counted() if c not in self.shared]
        for members in self.models.groups():
            together = self.models.same(members, rest)
            found += [_Column(c, COUNTS[c], members) for c in together]
            for i in members:
                found += [_Column(c, COUNTS[c], (i,)) for c in rest if c not in together]
                found += [_Column("ratio", blocks[i].header, (i,)), _Column("p", blocks[i].p_header, (i,))]
        return found

    def header(self) -> tuple[tuple[str, ...], tuple[Align, ...], tuple[tuple[str, int, int], ...]]:
        """The labels of the columns, their alignment, and the names of the models over them."""
        align: list[Align] = ["center" if c.what == "ratio" else "right" for c in self.columns]
        spanners = []
        for members in self.models.groups():
            name = self.models.blocks[members[0]].group
            under = [j for j, c in enumerate(self.columns[len(self.shared) :], 1) if c.blocks[0] in members]
            if name:
                spanners.append((name, len(self.shared) + under[0], len(self.shared) + under[-1]))
        return ("", *(c.header for c in self.columns)), ("left", *align), tuple(spanners)

    def variable(self, variable: str, names: list[str]) -> list[tuple[Kind, tuple[str, ...]]]:
        """The rows of one variable: one, or a heading and its levels."""
        first = next(rows[variable, names[0]] for rows in self.rows if (variable, names[0]) in rows)
        if first["level"] is None and len(names) == 1:
            return [("plain", self.row(self.label(variable), variable, names[0], alone=True))]
        several = len(names) > 2
        found: list[tuple[Kind, tuple[str, ...]]] = [("heading", self.heading(variable, several))]
        found += [("indented", self.row(self.level(variable, n), variable, n)) for n in names]
        trends = [self.tested(rows, variable, "p_trend") for rows in self.rows]
        if any(trends):
            found.append(("indented", self.spread(TREND, trends)))
        return found

    def heading(self, variable: str, several: bool) -> tuple[str, ...]:
        """The name of a factor, and the p of all its levels where there are more than two."""
        tests = [
            self.tested(rows, variable, "p_term") if several or block.interaction else ""
            for rows, block in zip(self.rows, self.models.blocks, strict=True)
        ]
        return self.spread(self.label(variable), tests)

    def spread(self, label: str, tests: list[str]) -> tuple[str, ...]:
        """A row with nothing but a p for each model."""
        return (label, *(tests[c.blocks[0]] if c.what == "p" else "" for c in self.columns))

    def row(self, label: str, variable: str, name: str, *, alone: bool = False) -> tuple[str, ...]:
        """One row: counts, ratio and p of each model."""
        return (label, *(self.cell(c, (variable, name), alone) for c in self.columns))

    def cell(self, column: _Column, key: Key, alone: bool) -> str:
        """What a row has in a column."""
        block = column.blocks[0]
        if column.what == "ratio":
            return self.ratio(block, self.rows[block].get(key))
        if column.what == "p":
            return self.p(block, self.rows[block].get(key), alone)
        texts = [self.count(i, self.rows[i].get(key), column.what) for i in column.blocks]
        return HIDDEN if HIDDEN in texts else next((text for text in texts if text), "")

    def count(self, block: int, row: dict[str, Any] | None, name: str) -> str:
        """A count of one model."""
        if row is None or row[name] is None:
            return ""
        return HIDDEN if self.hidden(block, row, name) else formats.count(row[name])

    def ratio(self, block: int, row: dict[str, Any] | None) -> str:
        """The estimate with its limits, or that it is the reference."""
        if row is None:
            return self.source.missing
        if row["reference"]:
            return f"{self.models.blocks[block].reference:g} (reference)"
        if self.hidden(block, row, *RATIO):
            return HIDDEN
        estimate, low, high = (row[name] for name in RATIO)
        return formats.minus(formats.ratio(estimate, low, high, self.models.decimals))

    def p(self, block: int, row: dict[str, Any] | None, alone: bool) -> str:
        """The p of a coefficient; of the whole term where that has no single one."""
        if row is None or row["reference"]:
            return ""
        name = "p_term" if alone and row["p_value"] is None else "p_value"
        if row[name] is None:
            return ""
        return HIDDEN if self.hidden(block, row, name) else formats.p_value(row[name], prefix=False)

    def tested(self, rows: dict[Key, dict[str, Any]], variable: str, name: str) -> str:
        """A p of a whole variable."""
        value = next((row[name] for (v, _), row in rows.items() if v == variable), None)
        return "" if value is None else formats.p_value(value, prefix=False)

    def hidden(self, block: int, row: dict[str, Any], *names: str) -> bool:
        """Whether one of these numbers is hidden."""
        at, masks = self.start[block] + row["_row"], self.source.masks
        return any(name in masks and bool(masks[name][at]) for name in names)

    def label(self, variable: str) -> str:
        """What a variable is called, by its own name or that of its covariate."""
        of = (row["covariate"] for rows in self.rows for (v, _), row in rows.items() if v == variable)
        return called(variable, next(of, None), self.models.labels)

    def level(self, variable: str, name: str) -> str:
        """What a level is called, by itself or as the name of its coefficient."""
        labels = self.models.labels
        columns = [rows[variable, name]["column"] for rows in self.rows if (variable, name) in rows]
        return next((labels[column] for column in columns if column in labels), labels.get(name, name))


def model_masks(
    models: Models, masks_of: Callable[[pl.DataFrame, tuple[str, ...]], dict[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """Which rows of all models are hidden in which column.

    The levels of a factor add up to the patients and events of the model, which are known; so do those with
    and without the event to the patients of a level.
    """
    names = (*COUNTS, *RATIO, "p_value")
    masks: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for block in models.blocks:
        hidden = {name: np.zeros(block.frame.height, dtype=bool) for name in names}
        counts = [c for c in COUNTS if block.frame[c].null_count() < block.frame.height]
        there = block.frame.select(pl.all_horizontal(pl.col(counts).is_not_null())).to_series().to_numpy()
        if counts and there.any():
            part = block.frame.filter(pl.Series(there)).select("variable", *counts, *RATIO, "p_value")
            if len(counts) == 2 and (part["n"] >= part["n_event"]).all():
                part = part.with_columns(n_censor=pl.col("n") - pl.col("n_event"))
            used = tuple(c for c in (*counts, "n_censor") if c in part.columns)
            for name, mask in masks_of(part, used).items():
                if name in hidden:
                    hidden[name][there] = mask
        for name in names:
            masks[name].append(hidden[name])
    return {name: np.concatenate(parts) for name, parts in masks.items()}
