"""Excel and CSV: numbers stay numbers, and no text becomes a formula."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from ..errors import DataError
from .extras import needs
from .sources import sheet_frame
from .tables import Table

if TYPE_CHECKING:
    import xlsxwriter

# A spreadsheet reads a cell that starts with one of these as a formula.
FORMULA_START = r"^[=+\-@\t\r]"
# Text is written as text, whatever it looks like.
AS_TEXT = {
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
    "nan_inf_to_errors": True,
}
A4 = 9  # as Excel numbers paper sizes
NO_DATE = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)
FORBIDDEN = re.compile(r"[\[\]:*?/\\]|^'|'$")


def to_excel(path: str | Path, **sheets: Any) -> Path:
    """Write a workbook with one sheet per named table, frame or result.

    Frames and results are written as they are, numbers as numbers; ratios of regressions and contrasts under
    their name (`hazard_ratio`), their logarithms under `coefficient`. A `Table` is written as it is shown, as
    text with rules, title and footnotes. Text is never read as a formula or a link. The same content gives
    the same file, byte for byte.

    Parameters
    ----------
    path
        Where to write; ends in `.xlsx`.
    **sheets
        The sheets, by name. Names with spaces: `to_excel(path, **{"Table 1": first})`.

    Returns
    -------
    pathlib.Path
        Where it was written.

    Raises
    ------
    DataError
        If there is no sheet, or a name is not one that Excel accepts.
    ModuleNotFoundError
        If xlsxwriter is not installed.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import hemresearch as hem
    >>> curves = hem.survival.kaplan_meier(hem.data.load("myeloid"), time="futime", event="death", by="trt")
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> hem.report.to_excel(folder / "os.xlsx", medians=hem.report.table(curves), curves=curves).name
    'os.xlsx'
    """
    target = target_path(path, ".xlsx")
    _check_names(list(sheets))
    needs("xlsxwriter", "an Excel workbook")
    import xlsxwriter

    with xlsxwriter.Workbook(str(target), dict(AS_TEXT)) as book:
        book.set_properties({"created": NO_DATE, "author": "hemresearch"})
        for name, item in sheets.items():
            if isinstance(item, Table):
                _write_table(book, name, item)
            else:
                _write_frame(book, name, sheet_frame(item))
    return target


def to_csv(path: str | Path, item: Any) -> Path:
    """Write a table, frame or result as CSV that no spreadsheet reads as formulas.

    Text, headers too, that starts with `=`, `+`, `-`, `@`, a tab or a carriage return gets an apostrophe in
    front; numbers are left alone. UTF-8 with a byte order mark, so that Excel shows åäö.

    Parameters
    ----------
    path
        Where to write; ends in `.csv`.
    item
        A `Table` (as shown), a result or a frame, as `to_excel` writes them.

    Returns
    -------
    pathlib.Path
        Where it was written.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import polars as pl
    >>> import hemresearch as hem
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "codes.csv"
    >>> hem.report.to_csv(path, pl.DataFrame({"code": ["=1+1", "C92.0"], "n": [-1, 2]})).name
    'codes.csv'
    >>> path.read_text(encoding="utf-8-sig").split()
    ['code,n', "'=1+1,-1", 'C92.0,2']
    """
    target = target_path(path, ".csv")
    frame = item.to_frame() if isinstance(item, Table) else sheet_frame(item)
    text = [c for c, dtype in frame.schema.items() if dtype in (pl.String, pl.Categorical, pl.Enum)]
    safe = frame.with_columns(pl.col(c).cast(pl.String).str.replace(FORMULA_START, "'$0") for c in text)
    safe.rename({c: defused(c) for c in frame.columns}).write_csv(target, include_bom=True)
    return target


def defused(text: str) -> str:
    """Text that a spreadsheet will not read as a formula."""
    return re.sub(FORMULA_START, r"'\g<0>", text)


def target_path(path: str | Path, suffix: str) -> Path:
    """The path to write to, its folder made; refused if its ending says another format."""
    if not (isinstance(path, str) or hasattr(path, "__fspath__")):
        raise DataError(
            f"a {type(path).__name__} was given",
            argument="path",
            expected="where to write first, and what to write after it",
            remedy=f"path='results{suffix}'",
        )
    target = Path(path)
    if target.suffix.lower() != suffix:
        raise DataError(
            f"{target.name!r} was given",
            argument="path",
            expected=f"a name that ends in {suffix}",
            remedy=f"path={target.with_suffix(suffix).name!r}",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def _check_names(names: list[str]) -> None:
    for name in names:
        if not 0 < len(name) <= 31 or FORBIDDEN.search(name):
            raise DataError(
                f"{name!r} cannot be the name of a sheet",
                argument="sheets",
                expected="1 to 31 characters without [ ] : * ? / \\",
                remedy='**{"Table 1": table}',
            )
    if not names or len({name.casefold() for name in names}) < len(names):
        raise DataError(
            "no sheet, or two sheets whose names differ only in case, were given",
            argument="sheets",
            expected="sheets by name",
            remedy="to_excel(path, medians=table)",
        )


def _write_frame(book: xlsxwriter.Workbook, name: str, frame: pl.DataFrame) -> None:
    """Numbers as numbers with all their digits, a frozen bold header, columns as wide as they need."""
    numbers = {dtype for dtype in frame.schema.values() if dtype.is_numeric()}
    frame.write_excel(
        book,
        worksheet=name,
        autofit=True,
        autofilter=False,
        freeze_panes=(1, 0),
        header_format={"bold": True, "bottom": 1},
        dtype_formats=dict.fromkeys(numbers, "General"),
        table_style="Table Style Light 1",
    )


def _write_table(book: xlsxwriter.Workbook, name: str, table: Table) -> None:
    """The table as it is shown: rules above and below header and body."""
    sheet = book.add_worksheet(name)
    font = {"font_name": "Arial", "font_size": 10}
    row = 0
    if table.title:
        sheet.write_string(row, 0, table.title, book.add_format({**font, "bold": True}))
        row += 1
    row = _write_spanners(book, sheet, table, row, font)
    edge = {"bottom": 1} if table.spanners else {"top": 2, "bottom": 1}
    for j, label in enumerate(table.header):
        look = {**font, **edge, "bold": True, "align": table.align[j]}
        sheet.write_string(row, j, label, book.add_format(look))
    for i, (kind, cells) in enumerate(zip(table.kinds, table.body, strict=True)):
        last = {"bottom": 2} if i == len(table.body) - 1 else {}
        for j, cell in enumerate(cells):
            look = {**font, **last, "align": table.align[j]}
            look |= {"bold": True} if kind == "heading" and j == 0 else {}
            look |= {"indent": 1} if kind == "indented" and j == 0 else {}
            sheet.write_string(row + 1 + i, j, cell, book.add_format(look))
    row += 1 + len(table.body)
    for k, note in enumerate(table.footnotes):
        sheet.write_string(row + k, 0, note, book.add_format({**font, "font_size": 9}))
    sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
    sheet.hide_gridlines(2)
    sheet.set_paper(A4)
    sheet.fit_to_pages(1, 0)
    for j in range(len(table.header)):
        sheet.set_column(j, j, _width(table, j))


def _write_spanners(
    book: xlsxwriter.Workbook, sheet: Any, table: Table, row: int, font: dict[str, Any]
) -> int:
    if not table.spanners:
        return row
    for j in range(len(table.header)):
        sheet.write_blank(row, j, None, book.add_format({**font, "top": 2}))
    look = book.add_format({**font, "top": 2, "bottom": 1, "bold": True, "align": "center"})
    for label, first, last in table.spanners:
        if first < last:
            sheet.merge_range(row, first, row, last, "", look)
        sheet.write_string(row, first, label, look)
    return row + 1


def _width(table: Table, column: int) -> float:
    cells = [row[column] for kind, row in zip(table.kinds, table.body, strict=True) if kind != "heading"]
    return 2.0 + 1.05 * max(len(text) for text in [table.header[column], *cells])
