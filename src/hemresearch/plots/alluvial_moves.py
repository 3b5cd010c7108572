"""Who moves between categories of one column and the next, and how high that is in an alluvial diagram."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from ..errors import DataError, counted
from .categories import Category, read_frame, read_numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

GAP = 0.022  # of the height, between categories
MOST = 12  # categories of a column


@dataclass(frozen=True, slots=True)
class Node:
    """A category at one column: how many it holds, and where it is, from the top in shares of the height."""

    column: int
    category: Category
    n: float
    top: float
    height: float

    @property
    def middle(self) -> float:
        """Halfway down."""
        return self.top + self.height / 2


@dataclass(frozen=True, slots=True)
class Flow:
    """Those who move from one node to another, with their places on both sides."""

    one: Node
    to: Node
    n: float
    from_top: float
    to_top: float
    height: float


@dataclass(frozen=True, slots=True)
class Diagram:
    """The nodes and flows of all columns, and how many patients they are."""

    columns: tuple[str, ...]
    nodes: tuple[Node, ...]
    flows: tuple[Flow, ...]
    n: float


def read_moves(data: Any, columns: list[str], weights: str | None) -> pl.DataFrame:
    """The categories of all columns as Enums, and the number of patients of each row."""
    if len(columns) < 2:
        raise DataError(
            f"{counted(len(columns), 'column')} was given" if columns else "no column was given",
            argument="columns",
            expected="two or more columns of categories",
            remedy="columns=['at 3 months', 'at 12 months']",
        )
    needed = {f"column {i}": name for i, name in enumerate(columns)}
    frame = read_frame(
        data, needed | ({"weights": weights} if weights is not None else {}), argument="columns"
    )
    frame = frame.with_columns(n=_sizes(frame, weights)).filter(pl.col("n") > 0)
    for role, name in needed.items():
        if frame[role].n_unique() > MOST:
            raise DataError(
                f"has {frame[role].n_unique()} different values",
                argument="columns",
                column=name,
                expected=f"at most {MOST} categories",
                remedy=f"pl.col({name!r}).cut([...]) for numbers",
            )
    loose = [role for role in needed if not isinstance(frame.schema[role], pl.Enum)]
    same = len({frame.schema[role] for role in loose}) == 1
    values = [frame[role] if same else frame[role].cast(pl.String) for role in loose]
    levels = pl.concat(values).drop_nulls().unique().sort() if loose else pl.Series([], dtype=pl.String)
    return frame.with_columns(pl.col(loose).cast(pl.String).cast(pl.Enum(levels.cast(pl.String))))


def _sizes(frame: pl.DataFrame, weights: str | None) -> pl.Expr:
    if weights is None:
        return pl.lit(1.0)
    size = read_numbers(frame, "weights", weights)["weights"]
    if (size < 0).any() or not (size > 0).any():
        raise DataError(
            "holds values below 0" if (size < 0).any() else "is 0 throughout",
            argument="weights",
            column=weights,
            rows=(size < 0).arg_true(),
            expected="the number of patients of each row",
            remedy="weights=None where a row is one patient",
        )
    return pl.lit(size)


def make_diagram(frame: pl.DataFrame, names: tuple[str, ...], kinds: list[list[Category]]) -> Diagram:
    """Where everything is, in shares of the height from the top."""
    total = float(frame["n"].sum())
    most = max(map(len, kinds))
    scale = 1.0 - GAP * (most - 1)  # the same in all columns, so that heights compare
    nodes = []
    for i, categories in enumerate(kinds):
        top = GAP * (most - len(categories)) / 2
        for one in categories:
            n = float(frame.filter(pl.col(f"column {i}").eq_missing(pl.lit(one.value)))["n"].sum())
            nodes.append(Node(i, one, n, top, scale * n / total))
            top += scale * n / total + GAP
    flows = [flow for i in range(len(names) - 1) for flow in _flows(frame, nodes, i, scale / total)]
    return Diagram(names, tuple(nodes), tuple(flows), total)


def _flows(frame: pl.DataFrame, nodes: Sequence[Node], i: int, per: float) -> list[Flow]:
    """The flows from one column to the next, at each side in the order of the other."""
    left, right = ([node for node in nodes if node.column == c] for c in (i, i + 1))
    moved = frame.group_by(f"column {i}", f"column {i + 1}").agg(pl.col("n").sum())
    sums = {(one, to): n for one, to, n in moved.iter_rows()}
    lower = {id(node): node.top for node in (*left, *right)}
    found = []
    for one in left:
        for to in right:
            n = sums.get((one.category.value, to.category.value), 0.0)
            if n > 0:
                found.append(Flow(one, to, n, lower[id(one)], lower[id(to)], n * per))
                lower[id(one)] += n * per
                lower[id(to)] += n * per
    return found
