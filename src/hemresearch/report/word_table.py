"""One table in a Word document: horizontal rules only, a header that repeats, notes below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docx.document import Document
    from docx.table import Table as WordTable
    from docx.table import _Cell, _Row

    from .tables import Table

STYLE = "Table Text"
SIZE = 9
NOTE_SIZE = 8
THICK, THIN = 8, 4  # eighths of a point
CHARACTER_MM = 1.8  # the width of an average letter of 9 pt Arial
PADDING_MM = 6.0
MARGIN_MM = 1.9  # inside a cell, left and right
KEPT_WHOLE = 30  # rows of a table that is not broken over pages


def add_table(document: Document, table: Table, room_mm: float) -> None:
    """Title, rules, header, body and notes."""
    if table.title:
        _paragraph(document, table.title, size=SIZE + 1, bold=True, keep=True, after=3)
    header_rows = 1 + bool(table.spanners)
    word = document.add_table(header_rows + len(table.body), len(table.header))
    word.autofit = False
    _indent(word)
    _set_widths(word, table, room_mm)
    if table.spanners:
        _fill_spanners(word, table)
    for j, label in enumerate(table.header):
        _write(word.cell(header_rows - 1, j), label, table.align[j], bold=True, keep=True)
    last = len(table.body) - 1
    for i, (kind, cells) in enumerate(zip(table.kinds, table.body, strict=True)):
        whole = last < KEPT_WHOLE or kind == "heading" or i in (0, last - 1)
        keep = bool(table.footnotes) if i == last else whole
        _fill_row(word.rows[header_rows + i], kind, cells, table.align, keep)
    _rule(word, table, header_rows)
    for number, note in enumerate(table.footnotes):
        final = number == len(table.footnotes) - 1
        _paragraph(document, note, size=NOTE_SIZE, before=2, after=12 if final else 0, keep=not final)
    if not table.footnotes:
        _paragraph(document, "", size=NOTE_SIZE, after=6)


def add_style(document: Document) -> None:
    """The style of the text in cells, which can be changed in Word for all tables at once."""
    from docx.enum.style import WD_STYLE_TYPE
    from docx.shared import Pt

    style = document.styles.add_style(STYLE, WD_STYLE_TYPE.PARAGRAPH)
    style.base_style = document.styles["Normal"]
    style.font.size = Pt(SIZE)
    style.paragraph_format.space_before = style.paragraph_format.space_after = Pt(1.5)


def _fill_row(row: _Row, kind: str, cells: tuple[str, ...], align: tuple[str, ...], keep: bool) -> None:
    _whole(row)
    word_cells = row.cells
    if kind == "heading" and not any(cells[1:]):
        merged = word_cells[0].merge(word_cells[-1])
        _write(merged, cells[0], "left", bold=True, keep=keep)
        return
    for j, (cell, text) in enumerate(zip(word_cells, cells, strict=True)):
        indent = 3.0 if kind == "indented" and j == 0 else 0.0
        _write(cell, text, align[j], bold=kind == "heading" and j == 0, keep=keep, indent_mm=indent)


def _fill_spanners(word: WordTable, table: Table) -> None:
    covered = {j for _, first, last in table.spanners for j in range(first, last + 1)}
    for j in set(range(len(table.header))) - covered:
        _write(word.cell(0, j), "", "left", keep=True)
    for label, first, last in table.spanners:
        cell = word.cell(0, first)
        if first < last:
            cell = cell.merge(word.cell(0, last))
        _write(cell, label, "center", bold=True, keep=True)


def _write(
    cell: _Cell, text: str, align: str, *, bold: bool = False, keep: bool = False, indent_mm: float = 0.0
) -> None:
    from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Mm

    paragraph = cell.paragraphs[0]
    paragraph.style = STYLE
    paragraph.alignment = getattr(WD_ALIGN_PARAGRAPH, align.upper())
    form = paragraph.paragraph_format
    form.keep_with_next = keep
    form.left_indent = Mm(indent_mm)
    paragraph.add_run(text).bold = bold
    cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.BOTTOM


def _paragraph(
    document: Document,
    text: str,
    *,
    size: float,
    bold: bool = False,
    before: float = 0,
    after: float = 0,
    keep: bool = False,
) -> None:
    from docx.shared import Pt

    paragraph = document.add_paragraph()
    run = paragraph.add_run(text)
    run.bold, run.font.size = bold, Pt(size)
    form = paragraph.paragraph_format
    form.space_before, form.space_after, form.keep_with_next = Pt(before), Pt(after), keep


def _set_widths(word: WordTable, table: Table, room_mm: float) -> None:
    """Columns as wide as their text; on a page that is too narrow headers and words break, numbers last."""
    from docx.shared import Mm

    wanted, least = (
        [PADDING_MM + CHARACTER_MM * n for n in lengths] for lengths in (_lengths(table), _unbroken(table))
    )
    for column, width in zip(word.columns, _fitted(wanted, least, room_mm), strict=True):
        column.width = Mm(width)
        for cell in column.cells:
            cell.width = Mm(width)


def _fitted(wanted: list[float], least: list[float], room: float) -> list[float]:
    """As wide as wanted, else what is left beyond the least in proportion, else the least scaled down."""
    if sum(wanted) <= room:
        return wanted
    if sum(least) >= room:
        return [width * room / sum(least) for width in least]
    share = (room - sum(least)) / (sum(wanted) - sum(least))
    return [low + share * (high - low) for low, high in zip(least, wanted, strict=True)]


def _unbroken(table: Table) -> list[float]:
    """The longest part of each column that must not break: words, and whole cells of numbers."""
    plain = [row for kind, row in zip(table.kinds, table.body, strict=True) if kind != "heading"]
    found = []
    for j, (label, side) in enumerate(zip(table.header, table.align, strict=True)):
        cells = [part for row in plain for part in (row[j].split() if side == "left" else [row[j]])]
        found.append(max([1.12 * len(word) for word in label.split()] + [len(c) for c in cells], default=0.0))
    return found


def _lengths(table: Table) -> list[float]:
    """The longest text of each column; bold is wider, and a spanner needs room over its columns."""
    plain = [row for kind, row in zip(table.kinds, table.body, strict=True) if kind != "heading"]
    lengths = [
        max([1.12 * len(label), *(len(row[j]) for row in plain)]) for j, label in enumerate(table.header)
    ]
    lengths[0] += 2.0 * ("indented" in table.kinds)
    for label, first, last in table.spanners:
        short = 1.12 * len(label) - sum(lengths[first : last + 1])
        for j in range(first, last + 1):
            lengths[j] += max(0.0, short) / (last - first + 1)
    return lengths


def _indent(word: WordTable) -> None:
    """Move the table in by the margin of a cell, so that its rules begin where the text does."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    indent = OxmlElement("w:tblInd")
    indent.set(qn("w:w"), str(round(MARGIN_MM * 1440 / 25.4)))
    indent.set(qn("w:type"), "dxa")
    layout = word._tbl.tblPr.find(qn("w:tblLayout"))
    layout.addprevious(indent)


def _rule(word: WordTable, table: Table, header_rows: int) -> None:
    """Rules above and below the header and below the body; header rows repeat on every page."""
    for row in word.rows[:header_rows]:
        _repeat(row)
        _whole(row)
    for cell in word.rows[0].cells:
        _edge(cell, "top", THICK)
    for cell in word.rows[header_rows - 1].cells:
        _edge(cell, "bottom", THIN)
    for cell in word.rows[len(word.rows) - 1].cells:
        _edge(cell, "bottom", THICK)
    for _, first, _ in table.spanners:
        _edge(word.cell(0, first), "bottom", THIN)


def _edge(cell: _Cell, side: str, eighths: int) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    properties = cell._tc.get_or_add_tcPr()
    borders = properties.find(qn("w:tcBorders"))
    if borders is None:
        borders = OxmlElement("w:tcBorders")
        _insert(properties, borders)
    edge = borders.find(qn(f"w:{side}"))
    if edge is None:
        edge = OxmlElement(f"w:{side}")
        borders.insert(0, edge) if side == "top" else borders.append(edge)
    values = {"w:val": "single", "w:sz": str(eighths), "w:space": "0", "w:color": "000000"}
    for name, value in values.items():
        edge.set(qn(name), value)


def _insert(properties: Any, borders: Any) -> None:
    """Borders go after the width and the spans of a cell, where the file format wants them."""
    from docx.oxml.ns import qn

    before = [qn(f"w:{name}") for name in ("cnfStyle", "tcW", "gridSpan", "hMerge", "vMerge")]
    position = max((i + 1 for i, child in enumerate(properties) if child.tag in before), default=0)
    properties.insert(position, borders)


def _repeat(row: _Row) -> None:
    _flag(row, "tblHeader")


def _whole(row: _Row) -> None:
    _flag(row, "cantSplit")


def _flag(row: _Row, name: str) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    properties = row._tr.get_or_add_trPr()
    if properties.find(qn(f"w:{name}")) is None:
        properties.append(OxmlElement(f"w:{name}"))
