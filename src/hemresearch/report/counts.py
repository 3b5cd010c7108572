"""Frames of counts as tables with totals: which counts share a line, and which totals are known."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ..errors import DataError
from ..options import nearest, suggestion
from .suppression import KNOWN_TO_NOBODY, Cell, Network

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

AT_RISK = ("n_risk", "n_event", "n_censor")
BLOCKS = ("time", "variable", "cause", "state", "from_state")
ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Layout:
    """One table of counts: its cells and where each stands in the frame (row, column)."""

    cells: tuple[Cell, ...]
    places: tuple[tuple[int, str], ...]

    def network(self, threshold: float, mask_zeros: bool) -> Network:
        """What is small, and what may be hidden with it."""
        lowest = 0.0 if mask_zeros else ROUNDING
        small = frozenset(i for i, c in enumerate(self.cells) if lowest <= c.value < threshold)
        free = frozenset(i for i, c in enumerate(self.cells) if c.value >= threshold and not c.stays)
        return Network(self.cells, small, free, 0.0 if mask_zeros else 1.0, threshold)


def layout(
    frame: pl.DataFrame,
    counts: tuple[str, ...],
    *,
    rows: str | None,
    columns: str | None,
    by: tuple[str, ...] | None,
    total: str | None,
    margins: bool | str,
) -> list[Layout]:
    """The tables that a frame of counts holds, one per block of `by`."""
    _check(frame, counts, [*(by or ()), rows, columns, total])
    if by is None:
        by = tuple(c for c in BLOCKS if c in frame.columns and c not in (rows, columns))
    if len(counts) == 1:
        return _long(frame, counts[0], rows, columns, by, margins)
    if rows is None and columns is None:
        return _wide(frame, counts, by, total, margins)
    raise DataError(
        f"{len(counts)} columns of counts were given together with rows or columns",
        argument="counts",
        expected="one column of counts in a two-way table in long form",
        remedy=f"counts={counts[0]!r}",
    )


def _check(frame: pl.DataFrame, counts: tuple[str, ...], others: Sequence[str | None]) -> None:
    for name in [*counts, *(o for o in others if o is not None)]:
        if name not in frame.columns:
            raise DataError(
                f"there is no column {name!r}",
                argument="counts" if name in counts else "rows, columns, by or total",
                expected=f"columns of the frame; {suggestion(name, frame.columns)}",
                remedy=f"{(nearest(name, frame.columns) or frame.columns)[0]!r} in its place",
            )
    if not counts:
        raise DataError(
            "no column of counts was found",
            argument="counts",
            expected="the name of a column that holds counts",
            remedy="counts='n'",
        )
    for name in counts:
        _check_counts(frame[name], name)


def _check_counts(column: pl.Series, name: str) -> None:
    if not column.dtype.is_numeric():
        raise DataError(
            f"is {column.dtype}", argument="counts", column=name, expected="numbers", remedy="counts='n'"
        )
    values = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
    bad = np.flatnonzero(~(values >= 0) | np.isinf(values))
    if len(bad):
        raise DataError(
            "holds negative or missing counts",
            argument="counts",
            column=name,
            rows=bad,
            expected="counts of 0 or more",
            remedy=f"data.filter(pl.col({name!r}) >= 0)",
        )


class _Lines:
    """Node numbers of lines by name, made when first asked for."""

    def __init__(self) -> None:
        self.number: dict[Hashable, int] = {}

    def __call__(self, *name: Hashable) -> int:
        return self.number.setdefault(name, len(self.number) + 1)


def _long(
    frame: pl.DataFrame,
    count: str,
    rows: str | None,
    columns: str | None,
    by: tuple[str, ...],
    margins: bool | str,
) -> list[Layout]:
    axes = [axis for axis in (rows, columns) if axis is not None]
    if not axes and isinstance(margins, str):
        axes = [_labelled_column(frame, margins)]
    tables = _blocks(frame, by)
    value = frame[count].cast(pl.Float64).to_numpy()
    labels = _keys(frame, tuple(axes))
    _check_unique(frame, (*by, *axes), count) if axes else None
    if isinstance(margins, str):
        for where in tables.values():
            _check_sums(where, labels, value, margins, count)
    return [_long_table(where, labels, value, count, margins) for where in tables.values()]


def _long_table(
    where: list[int], labels: list[tuple[object, ...]], value: np.ndarray, count: str, margins: bool | str
) -> Layout:
    """Rows and columns as lines; a list of counts is a single row whose columns nobody adds up."""
    line, cells = _Lines(), []
    label = margins if isinstance(margins, str) else object()
    for i in where:
        two_way = len(labels[i]) == 2
        row, column = labels[i] if two_way else ("", labels[i][0] if labels[i] else i)
        tail = line("row", row) if margins else KNOWN_TO_NOBODY
        head = line("column", column) if margins and two_way else KNOWN_TO_NOBODY
        if (row == label) != (column == label):  # the total of a line runs against its cells
            tail, head = head, tail
        cells.append(Cell(tail, head, float(value[i]), is_total=label in (row, column)))
    return Layout(without_lone(cells), tuple((i, count) for i in where))


def _wide(
    frame: pl.DataFrame, counts: tuple[str, ...], by: tuple[str, ...], total: str | None, margins: bool | str
) -> list[Layout]:
    """Rows of the frame as rows of the table, columns of counts as its columns."""
    if isinstance(margins, str):
        raise DataError(
            f"{margins!r} was given with several columns of counts",
            argument="margins",
            expected="True or False, or one column of counts in long form",
            remedy="margins=True",
        )
    values = frame.select(pl.col(counts).cast(pl.Float64)).to_numpy()
    total = total or _total_column(values, counts)
    at_times = "time" in frame.columns and set(AT_RISK) <= set(counts)
    known_rows = total is not None or (margins and at_times)
    # Those at risk at one time are also those at risk, with an event or censored at the next.
    stays = AT_RISK[0] if at_times and total is None and not _adds_to_constant(frame, values) else None
    line, tables = _Lines(), []
    for key, where in _blocks(frame, by).items():
        cells, places = [], [(i, name) for i in where for name in counts]
        for i, name in places:
            tail = line("row", i) if known_rows else KNOWN_TO_NOBODY
            head = line("column", key, name) if margins else KNOWN_TO_NOBODY
            ends = (head, tail) if name == total else (tail, head)
            value = float(values[i, counts.index(name)])
            cells.append(Cell(*ends, value, is_total=name == total, stays=name == stays))
        tables.append(Layout(without_lone(cells), tuple(places)))
    return tables


def without_lone(cells: list[Cell]) -> tuple[Cell, ...]:
    """A line of one cell has no total besides that cell."""
    ends = Counter(end for cell in cells for end in (cell.tail, cell.head))
    lone = {line: KNOWN_TO_NOBODY for line, n in ends.items() if n == 1}
    return tuple(
        replace(cell, tail=lone.get(cell.tail, cell.tail), head=lone.get(cell.head, cell.head))
        for cell in cells
    )


def _total_column(values: np.ndarray, counts: tuple[str, ...]) -> str | None:
    """The column that is the sum of all the others, in every row."""
    if len(counts) < 3:
        return None
    for j, name in enumerate(counts):
        if np.allclose(values[:, j], np.delete(values, j, axis=1).sum(axis=1), rtol=0, atol=ROUNDING):
            return name
    return None


def _adds_to_constant(frame: pl.DataFrame, values: np.ndarray) -> bool:
    """Whether every group's counts add up to one number at all times, as in a risk table."""
    labels = tuple(c for c, dtype in frame.schema.items() if c != "time" and not dtype.is_numeric())
    keys = _keys(frame, labels)
    return len(set(zip(keys, values.sum(axis=1).round(6), strict=True))) == len(set(keys))


def _labelled_column(frame: pl.DataFrame, label: str) -> str:
    for name, dtype in frame.schema.items():
        if not dtype.is_numeric() and label in frame[name].cast(pl.String).to_list():
            return name
    raise _no_total(label)


def _check_sums(
    where: list[int], labels: list[tuple[object, ...]], value: np.ndarray, margins: str, count: str
) -> None:
    """Totals must be the sums that they claim to be, else what they give away cannot be known."""
    found = False
    for axis in range(len(labels[0])):
        for i in (i for i in where if labels[i][axis] == margins):
            found = True
            others = [
                k for k in where
                if labels[k][axis] != margins and all(
                    a == b for j, (a, b) in enumerate(zip(labels[i], labels[k], strict=True)) if j != axis
                )
            ]  # fmt: skip
            if abs(value[others].sum() - value[i]) > ROUNDING:
                raise DataError(
                    "holds a total that is not the sum of its counts",
                    argument="margins",
                    column=count,
                    rows=[i],
                    expected="totals that add up",
                    remedy="margins=True with the totals left out of the frame",
                )
    if not found:
        raise _no_total(margins)


def _no_total(label: str) -> DataError:
    return DataError(
        f"no row is labelled {label!r}",
        argument="margins",
        expected="the label of the totals that are in the frame, in every table",
        remedy="margins=True if the totals are not in the frame",
    )


def _check_unique(frame: pl.DataFrame, keys: tuple[str, ...], count: str) -> None:
    again = np.flatnonzero(~frame.select(keys).is_unique().to_numpy())
    if len(again):
        raise DataError(
            "has several counts for one cell",
            argument="rows",
            column=count,
            rows=again,
            expected=f"one row for each combination of {', '.join(keys)}",
            remedy=f"data.group_by({list(keys)!r}, maintain_order=True).agg(pl.col({count!r}).sum())",
        )


def _blocks(frame: pl.DataFrame, by: tuple[str, ...]) -> dict[tuple[object, ...], list[int]]:
    """The rows of each table."""
    blocks: dict[tuple[object, ...], list[int]] = {}
    for i, key in enumerate(_keys(frame, by)):
        blocks.setdefault(key, []).append(i)
    return blocks


def _keys(frame: pl.DataFrame, names: tuple[str, ...]) -> list[tuple[object, ...]]:
    return frame.select(names).rows() if names else [()] * frame.height
