"""A publication table: cells of text, written once and shown everywhere from the same cells."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Literal

from ..errors import DataError
from ..options import check_choice

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from .sources import Source

Kind = Literal["plain", "heading", "indented"]
Align = Literal["left", "center", "right"]


@dataclass(frozen=True, slots=True)
class Table:
    """Header, body and footnotes of a publication table, all of it text.

    `hem.report.table` makes one from a result or a tidy frame; made by hand, the cells are the caller's.

    Attributes
    ----------
    header
        One label per column.
    body
        Rows of cells, as many as the header has labels.
    title, footnotes
        Above and below the table.
    kinds
        One per row: "plain", "heading" (bold, for the rows below it) or "indented".
    spanners
        Labels over several columns: `(label, first column, last column)`, counted from 0, both included.
    align
        One per column: "left", "center" or "right". By default the first is left, the others are centred.
    id
        Names the table in HTML; made from the cells if it is not given, so that it stays the same.

    Raises
    ------
    DataError
        If a row has more or fewer cells than the header, or kinds, align or spanners do not fit.

    Examples
    --------
    >>> import hemresearch as hem
    >>> hem.report.Table(("", "A (n=20)", "B (n=22)"), (("Remission", "12 (60.0%)", "9 (40.9%)"),))
    ────────────────────────────────
                A (n=20)    B (n=22)
    ────────────────────────────────
    Remission  12 (60.0%)  9 (40.9%)
    ────────────────────────────────
    """

    header: tuple[str, ...]
    body: tuple[tuple[str, ...], ...]
    title: str | None = None
    footnotes: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ()
    spanners: tuple[tuple[str, int, int], ...] = ()
    align: tuple[Align, ...] = ()
    id: str = ""
    source: Source | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        fix = object.__setattr__
        fix(self, "header", tuple(self.header))
        fix(self, "body", tuple(tuple(row) for row in self.body))
        fix(self, "kinds", tuple(self.kinds) or ("plain",) * len(self.body))
        fix(self, "align", tuple(self.align) or ("left", *("center",) * (len(self.header) - 1)))
        fix(self, "footnotes", tuple(self.footnotes))
        _check(self)
        fix(self, "id", self.id or _fixed_id(self))

    def to_frame(self) -> pl.DataFrame:
        """The body as a frame of text, rows as shown; labels that repeat get a number."""
        import polars as pl

        seen: dict[str, int] = {}
        columns = {}
        for j, label in enumerate(self.header):
            seen[label] = seen.get(label, 0) + 1
            name = label if seen[label] == 1 else f"{label} {seen[label]}"
            columns[name] = [row[j] for row in self.body]
        return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))

    def to_html(self) -> str:
        """HTML by great-tables, the same text every time."""
        from .html import html

        return html(self)

    def to_latex(self) -> str:
        """A LaTeX `table` environment with rules of the booktabs package."""
        from .latex import latex

        return latex(self)

    def to_word(self, path: str | Path) -> Path:
        """Write a Word document that holds this table."""
        from .word import to_word

        return to_word(path, self)

    def to_excel(self, path: str | Path) -> Path:
        """Write an Excel workbook that holds this table on one sheet, as text."""
        from .excel import to_excel

        return to_excel(path, Table=self)

    def __repr__(self) -> str:
        from .text import text

        return text(self)

    def _repr_html_(self) -> str | None:
        from .html import html_if_possible

        return html_if_possible(self)


def _check(table: Table) -> None:
    width = len(table.header)
    uneven = [i for i, row in enumerate(table.body) if len(row) != width]
    if not width or uneven:
        raise DataError(
            f"has a header of {width} and rows of another length",
            argument="body",
            rows=uneven,
            expected="as many cells in every row as the header has labels",
            remedy='Table(("", "n"), (("Arm A", "12"),))',
        )
    for name, given, wanted in (("kinds", table.kinds, len(table.body)), ("align", table.align, width)):
        if len(given) != wanted:
            raise DataError(
                f"has {len(given)} entries",
                argument=name,
                expected=f"{wanted}, one per {'row' if name == 'kinds' else 'column'}",
                remedy=f"leaving {name} out",
            )
    for kind in table.kinds:
        check_choice(kind, Kind, argument="kinds")
    for side in table.align:
        check_choice(side, Align, argument="align")
    _check_spanners(table)


def _check_spanners(table: Table) -> None:
    taken: set[int] = set()
    for label, first, last in table.spanners:
        covered = set(range(first, last + 1))
        if not covered or not covered <= set(range(len(table.header))) or covered & taken:
            raise DataError(
                f"{label!r} covers columns {first} to {last} of {len(table.header)}",
                argument="spanners",
                expected="first and last column, counted from 0, without overlap",
                remedy="spanners=(('Univariable', 1, 2),)",
            )
        taken |= covered


def _fixed_id(table: Table) -> str:
    content = repr((table.header, table.body, table.title, table.footnotes, table.kinds, table.spanners))
    return "table-" + sha256(content.encode()).hexdigest()[:10]
