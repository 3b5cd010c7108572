"""A table as plain text: what a terminal shows and what a re-executed notebook is compared by."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .tables import Table

GAP = "  "
INDENT = "  "
WIDEST = 100


def text(table: Table) -> str:
    """The table with aligned columns between three rules, title above and footnotes below."""
    body = [
        [INDENT + row[0] if kind == "indented" else row[0], *row[1:]]
        for kind, row in zip(table.kinds, table.body, strict=True)
    ]
    widths = _widths(table, body)
    rule = "─" * (sum(widths) + len(GAP) * (len(widths) - 1))
    wrap = max(len(rule), min(WIDEST, 60))
    lines = [*(textwrap.wrap(table.title, wrap) if table.title else []), rule]
    if table.spanners:
        lines += _spanner_lines(table, widths)
    lines += [_line(table.header, widths, table.align), rule]
    lines += [_line(row, widths, table.align) for row in body]
    lines.append(rule)
    for note in table.footnotes:
        lines += textwrap.wrap(note, wrap)
    return "\n".join(line.rstrip() for line in lines)


def _widths(table: Table, body: list[list[str]]) -> list[int]:
    """Wide enough for every cell; a heading may run over the columns beside it."""
    cells = [row for kind, row in zip(table.kinds, body, strict=True) if kind != "heading"]
    widths = [max(len(row[j]) for row in [list(table.header), *cells]) for j in range(len(table.header))]
    for label, first, last in table.spanners:
        room = sum(widths[first : last + 1]) + len(GAP) * (last - first)
        widths[last] += max(0, len(label) - room)
    headings = [len(row[0]) for kind, row in zip(table.kinds, body, strict=True) if kind == "heading"]
    room = sum(widths) + len(GAP) * (len(widths) - 1)
    widths[0] += max(0, max(headings, default=0) - room)
    return widths


def _line(cells: tuple[str, ...] | list[str], widths: list[int], align: tuple[str, ...]) -> str:
    if not any(cells[1:]):
        return cells[0]
    placed = {"left": str.ljust, "center": str.center, "right": str.rjust}
    return GAP.join(placed[a](c, w) for c, w, a in zip(cells, widths, align, strict=True))


def _spanner_lines(table: Table, widths: list[int]) -> list[str]:
    labels, rules = [" "] * (sum(widths) + len(GAP) * (len(widths) - 1)), []
    rules = labels.copy()
    starts = [sum(widths[:j]) + len(GAP) * j for j in range(len(widths))]
    for label, first, last in table.spanners:
        begin, end = starts[first], starts[last] + widths[last]
        labels[begin:end] = label.center(end - begin)
        rules[begin:end] = "─" * (end - begin)
    return ["".join(labels), "".join(rules)]
