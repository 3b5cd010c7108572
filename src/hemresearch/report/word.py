"""A Word document with real tables, figures and sentences."""

from __future__ import annotations

import io
import os
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DataError
from .excel import target_path
from .extras import needs
from .figures import DPI, FOLDER_VARIABLE, SavedFigure
from .paragraph import Paragraph, sentence
from .tables import Table
from .word_table import add_style, add_table

if TYPE_CHECKING:
    from docx.document import Document
    from matplotlib.figure import Figure

NO_DATE = datetime(2000, 1, 1, tzinfo=UTC)
ZIP_DATE = (1980, 1, 1, 0, 0, 0)
FONT = "Arial"
A4_MM = (210, 297)
MARGIN_MM = 20
PICTURES = (".png", ".jpg", ".jpeg")


def to_word(path: str | Path, *items: Any, landscape: bool = False) -> Path:
    """Write a Word document of tables, figures and sentences, in the order given.

    Tables are Word tables in journal style: horizontal rules only, the header repeated on every page, rows
    not broken over pages, notes below. The same content gives the same file, byte for byte.

    Parameters
    ----------
    path
        Where to write; ends in `.docx`.
    *items
        A `Table`, or a result or frame that becomes one; text or what `paragraph` and `methods` give, which
        gets a capital and a full stop where it has none ("# " and "## " in front make headings); a figure (a
        matplotlib Figure or Axes, what `save_figure` gave back, or the path of a PNG or JPEG file); a figure
        with a caption as `(figure, "Figure 1. ...")`.
    landscape
        Whether the pages lie on their side, for wide tables.

    Returns
    -------
    pathlib.Path
        Where it was written.

    Raises
    ------
    DataError
        If the name does not end in `.docx`, there is nothing to write, a picture is not there, or an item is
        none of these.
    ModuleNotFoundError
        If python-docx is not installed.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import hemresearch as hem
    >>> curves = hem.survival.kaplan_meier(hem.data.load("myeloid"), time="futime", event="death", by="trt")
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "results.docx"
    >>> hem.report.to_word(path, "# Survival", curves.text(), hem.report.table(curves)).name
    'results.docx'
    """
    target = target_path(path, ".docx")
    if not items:
        raise DataError(
            "nothing to write was given",
            argument="items",
            expected="tables, figures or text",
            remedy="to_word(path, table)",
        )
    needs("docx", "a Word document")
    document = _new_document(landscape)
    for item in items:
        _add(document, item)
    target.write_bytes(_without_dates(document))
    return target


def _add(document: Document, item: Any) -> None:
    caption = None
    if isinstance(item, tuple) and len(item) == 2 and isinstance(item[1], str):
        item, caption = item
    picture = _picture(item)
    if picture is not None:
        _add_picture(document, picture, caption)
    elif caption is not None:
        raise _not_an_item(item, "a caption for something other than a figure")
    elif isinstance(item, str | Paragraph):
        _add_text(document, str(item))
    elif isinstance(item, Table):
        add_table(document, item, text_width_mm(document))
    elif isinstance(item, int | float | bool | None | list | tuple | dict):
        raise _not_an_item(item, f"a {type(item).__name__}")
    else:
        from .compose import table

        add_table(document, table(item), text_width_mm(document))


def _not_an_item(item: Any, found: str) -> DataError:
    return DataError(
        f"{found} was given",
        argument="items",
        expected="a table, result, frame, text, figure or (figure, caption)",
        remedy="to_word(path, hem.report.table(result), (figure, 'Figure 1. Survival'))",
    )


def _picture(item: Any) -> Path | Figure | None:
    """The file or the matplotlib figure that an item is, if it is one."""
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..plots.figure import root_figure

    if isinstance(item, SavedFigure):
        return Path(os.environ.get(FOLDER_VARIABLE) or item.folder) / f"{item.name}.png"
    if isinstance(item, str):
        return Path(item) if item.lower().endswith(PICTURES) and "\n" not in item else None
    if isinstance(item, Axes):
        return root_figure(item)
    return item if isinstance(item, Path | Figure) else None


def _add_text(document: Document, text: str) -> None:
    marks = {"# ": 1, "## ": 2}
    for mark, level in marks.items():
        if text.startswith(mark):
            document.add_heading(text.removeprefix(mark), level)
            return
    for paragraph in text.split("\n\n"):
        if paragraph.strip():
            document.add_paragraph(sentence(" ".join(paragraph.split("\n"))))


def _add_picture(document: Document, picture: Path | Figure, caption: str | None) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Mm

    if isinstance(picture, Path):
        if picture.suffix.lower() not in PICTURES or not picture.is_file():
            raise DataError(
                f"there is no picture {picture.name!r}",
                argument="items",
                expected="a PNG or JPEG file",
                remedy="hem.report.save_figure(...) first, or the Figure itself",
            )
        shape = document.add_picture(str(picture))
    else:
        shape = document.add_picture(_drawn(picture))
    width = min(text_width_mm(document), shape.width.mm)
    shape.width, shape.height = Mm(width), Mm(width * shape.height / shape.width)
    paragraph = document.paragraphs[-1]
    paragraph.alignment = WD_ALIGN_PARAGRAPH.LEFT
    if caption:
        paragraph.paragraph_format.keep_with_next = True
        document.add_paragraph(caption, style="Caption")


def _drawn(figure: Figure) -> io.BytesIO:
    from matplotlib import rc_context

    from ..plots.figure import settle

    settle(figure)
    content = io.BytesIO()
    with rc_context({"savefig.bbox": "standard", "savefig.facecolor": "white"}):
        figure.savefig(content, format="png", dpi=DPI, metadata={"Software": None})
    content.seek(0)
    return content


def text_width_mm(document: Document) -> float:
    """The width between the margins."""
    section = document.sections[-1]
    sides = (section.page_width, section.left_margin, section.right_margin)
    page, left, right = (0.0 if side is None else side.mm for side in sides)
    return page - left - right


def _new_document(landscape: bool) -> Document:
    """An A4 page with one sans-serif face, and properties that name no person and no date."""
    import docx
    from docx.enum.section import WD_ORIENT
    from docx.shared import Mm

    document = docx.Document()
    section = document.sections[0]
    width, height = reversed(A4_MM) if landscape else A4_MM
    section.orientation = WD_ORIENT.LANDSCAPE if landscape else WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = Mm(width), Mm(height)
    for side in ("left_margin", "right_margin", "top_margin", "bottom_margin"):
        setattr(section, side, Mm(MARGIN_MM))
    _set_styles(document)
    add_style(document)
    properties = document.core_properties
    properties.author = properties.last_modified_by = "hemresearch"
    properties.title = properties.comments = properties.keywords = ""
    properties.created = properties.modified = NO_DATE
    properties.revision = 1
    return document


def _set_styles(document: Document) -> None:
    from docx.oxml.ns import qn
    from docx.shared import Pt, RGBColor

    sizes = {"Normal": 10, "Caption": 9, "Heading 1": 14, "Heading 2": 12}
    for name, size in sizes.items():
        style = document.styles[name]
        style.font.name, style.font.size = FONT, Pt(size)
        style.font.color.rgb = RGBColor(0, 0, 0)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for script in ("w:ascii", "w:hAnsi", "w:eastAsia", "w:cs"):
            fonts.set(qn(script), FONT)
        for theme in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
            fonts.attrib.pop(qn(theme), None)
    document.styles["Caption"].font.bold = False
    document.styles["Normal"].paragraph_format.space_after = Pt(6)


def _without_dates(document: Document) -> bytes:
    """The document's archive with every member dated the same."""
    first, second = io.BytesIO(), io.BytesIO()
    document.save(first)
    with zipfile.ZipFile(first) as read, zipfile.ZipFile(second, "w", zipfile.ZIP_DEFLATED) as write:
        for member in read.infolist():
            info = zipfile.ZipInfo(member.filename, ZIP_DATE)
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            write.writestr(info, read.read(member))
    return second.getvalue()
