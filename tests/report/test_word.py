"""Word documents, read back with python-docx."""

from __future__ import annotations

import zipfile
from pathlib import Path

import docx
import matplotlib as mpl
import polars as pl
import pytest
from docx.oxml.ns import qn
from refusals import assert_refused

import hemresearch as hem
from hemresearch.report import Table, paragraph, save_figure, to_word
from hemresearch.report.word_table import CHARACTER_MM

REGRESSION = Table(
    ("Characteristic", "HR (95% CI)", "p", "HR (95% CI)", "p"),
    (
        ("Risk group of the disease", "", "", "", ""),
        ("Low", "1 (reference)", "", "1 (reference)", ""),
        ("High", "2.91 (2.10–4.03)", "<0.001", "2.78 (2.00–3.87)", "<0.001"),
    ),
    title="Table 1. Cox regression",
    footnotes=("CI, confidence interval.", "Efron's method."),
    kinds=("heading", "indented", "indented"),
    spanners=(("Univariable", 1, 2), ("Multivariable", 3, 4)),
)


@pytest.fixture
def figure():
    mpl.use("agg")
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(3.0, 2.0))
    drawn.add_subplot().plot([0, 1], [1, 0])
    return drawn


def read(path: Path):
    return docx.Document(str(path))


def borders(cell) -> set[str]:
    found = cell._tc.tcPr.find(qn("w:tcBorders"))
    return set() if found is None else {edge.tag.split("}")[1] for edge in found}


def test_the_cells_are_a_real_table_with_title_and_notes(tmp_path):
    document = read(to_word(tmp_path / "t.docx", REGRESSION))
    (table,) = document.tables
    rows = [[cell.text for cell in row.cells] for row in table.rows]
    assert rows[0] == ["", "Univariable", "Univariable", "Multivariable", "Multivariable"]
    assert rows[1] == list(REGRESSION.header)
    assert set(rows[2]) == {"Risk group of the disease"}  # merged over the columns
    assert rows[4] == list(REGRESSION.body[2])
    assert [p.text for p in document.paragraphs] == [REGRESSION.title, *REGRESSION.footnotes]


def test_there_are_horizontal_rules_only_and_only_three(tmp_path):
    table = read(to_word(tmp_path / "t.docx", REGRESSION)).tables[0]
    assert borders(table.cell(0, 0)) == {"top"}
    assert borders(table.cell(0, 1)) == {"top", "bottom"}
    assert borders(table.cell(1, 2)) == {"bottom"}
    assert borders(table.cell(3, 0)) == set()
    assert borders(table.cell(4, 4)) == {"bottom"}
    assert table.style.name in ("Normal Table", "Table Normal")


def test_header_rows_repeat_and_no_row_is_broken(tmp_path):
    table = read(to_word(tmp_path / "t.docx", REGRESSION)).tables[0]
    flags = [{e.tag.split("}")[1] for e in row._tr.trPr} for row in table.rows]
    assert ["tblHeader" in f for f in flags] == [True, True, False, False, False]
    assert all("cantSplit" in f for f in flags)


def test_a_short_table_stays_on_one_page_with_its_notes(tmp_path):
    table = read(to_word(tmp_path / "t.docx", REGRESSION)).tables[0]
    assert all(cell.paragraphs[0].paragraph_format.keep_with_next for row in table.rows for cell in row.cells)


def test_a_long_table_may_be_broken_between_rows(tmp_path):
    long = Table(("a", "b"), tuple((str(i), "x") for i in range(60)))
    table = read(to_word(tmp_path / "t.docx", long)).tables[0]
    assert not table.cell(30, 0).paragraphs[0].paragraph_format.keep_with_next
    assert table.cell(0, 0).paragraphs[0].paragraph_format.keep_with_next


def test_columns_fit_between_the_margins(tmp_path):
    wide = Table(tuple("abcdefgh"), (tuple("long text in a cell" for _ in range(8)),))
    for landscape, room in ((False, 170), (True, 257)):
        table = read(to_word(tmp_path / "t.docx", wide, landscape=landscape)).tables[0]
        assert sum(column.width.mm for column in table.columns) <= room + 0.5


def test_headings_are_bold_and_rows_below_them_moved_in(tmp_path):
    table = read(to_word(tmp_path / "t.docx", REGRESSION)).tables[0]
    assert table.cell(2, 0).paragraphs[0].runs[0].bold
    assert table.cell(3, 0).paragraphs[0].paragraph_format.left_indent.mm == pytest.approx(3, abs=0.1)
    assert not table.cell(3, 0).paragraphs[0].runs[0].bold


def test_text_results_frames_and_headings_come_in_order(tmp_path):
    trial = pl.DataFrame({"t": [1, 2, 3], "e": [1, 0, 1]})
    curves = hem.survival.kaplan_meier(trial, time="t", event="e")
    path = to_word(
        tmp_path / "t.docx",
        "# Results",
        "## Survival",
        "One.\n\nTwo.",
        paragraph("Three"),
        curves,
        curves.at([1, 2]),
    )
    document = read(path)
    assert [(p.text, p.style.name) for p in document.paragraphs[:5]] == [
        ("Results", "Heading 1"), ("Survival", "Heading 2"), ("One.", "Normal"), ("Two.", "Normal"),
        ("Three.", "Normal"),
    ]  # fmt: skip
    assert [t.cell(0, 0).text for t in document.tables] == ["N", "Time"]


def test_text_becomes_sentences(tmp_path):
    """What `.text()` gives starts small and ends without a stop, as part of a sentence."""
    texts = ["hazard ratio of age 1.02 (95% CI 1.00–1.04), p=0.067", "Is it so?", "first\nline\n\n\n\nsecond"]
    document = read(to_word(tmp_path / "t.docx", *texts))
    assert [p.text for p in document.paragraphs] == [
        "Hazard ratio of age 1.02 (95% CI 1.00–1.04), p=0.067.", "Is it so?", "First line.", "Second.",
    ]  # fmt: skip


def test_figures_have_captions_and_their_own_width(tmp_path, figure):
    saved = save_figure(figure, "small", folder=tmp_path / "figures")
    png = Path(saved.files[1]) if Path(saved.files[1]).is_absolute() else tmp_path / "figures" / "small.png"
    path = to_word(tmp_path / "t.docx", (figure, "Figure 1. A line."), png, str(png), figure.axes[0])
    document = read(path)
    assert [round(shape.width.mm) for shape in document.inline_shapes] == [76, 76, 76, 76]
    captions = [p.text for p in document.paragraphs if p.style.name == "Caption"]
    assert captions == ["Figure 1. A line."]


def test_a_saved_figure_is_found_where_it_was_saved(tmp_path, figure, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HEMRESEARCH_FIGURES", raising=False)
    saved = save_figure(figure, "small")
    assert len(read(to_word("t.docx", (saved, "Figure 1."))).inline_shapes) == 1


def test_a_wide_figure_is_made_to_fit(tmp_path, figure):
    figure.set_size_inches(12, 3)
    shape = read(to_word(tmp_path / "t.docx", figure)).inline_shapes[0]
    assert shape.width.mm == pytest.approx(170, abs=0.5)
    assert shape.height.mm == pytest.approx(170 / 4, abs=0.5)


def test_the_same_content_gives_the_same_bytes(tmp_path, figure):
    items = ("# Results", REGRESSION, (figure, "Figure 1."))
    first = to_word(tmp_path / "a.docx", *items).read_bytes()
    assert to_word(tmp_path / "b.docx", *items).read_bytes() == first


def test_the_file_names_no_person_and_no_date(tmp_path):
    path = to_word(tmp_path / "t.docx", REGRESSION)
    properties = read(path).core_properties
    assert properties.author == properties.last_modified_by == "hemresearch"
    assert properties.created.year == properties.modified.year == 2000
    assert {info.date_time for info in zipfile.ZipFile(path).infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_table_writes_itself_and_makes_the_folder(tmp_path):
    path = REGRESSION.to_word(tmp_path / "new" / "t.docx")
    assert len(read(path).tables) == 1


def test_another_ending_is_refused(tmp_path):
    assert_refused(lambda: to_word(tmp_path / "t.doc", REGRESSION), argument="path", says=["t.docx"])


def test_nothing_to_write_is_refused(tmp_path):
    assert_refused(lambda: to_word(tmp_path / "t.docx"), argument="items", says=["to_word(path, table)"])


@pytest.mark.parametrize("item", [42, None, ["x"], (REGRESSION, "caption"), {"a": 1}])
def test_what_cannot_be_written_is_refused(tmp_path, item):
    assert_refused(lambda: to_word(tmp_path / "t.docx", item), argument="items", says=["(figure, 'Figure 1."])


@pytest.mark.parametrize("name", ["missing.png", "notes.txt"])
def test_a_picture_that_is_not_there_or_none_is_refused(tmp_path, name):
    (tmp_path / "notes.txt").write_text("x")
    path = tmp_path / name
    assert_refused(lambda: to_word(tmp_path / "t.docx", path), argument="items", says=[name, "save_figure"])
    assert not (tmp_path / "t.docx").exists()


def test_a_narrow_page_breaks_headers_before_numbers(tmp_path):
    header = ("Time since diagnosis in years", "Excess deaths per thousand person-years", "SMR (95% CI)", "p")
    body = (("0 to <1", "244.1", "33.25 (29.66–37.15)", "<0.001"),) * 2
    wide = Table((*header, *header[1:]), tuple((*row, *row[1:]) for row in body))
    hem.report.to_word(tmp_path / "wide.docx", wide)
    found = docx.Document(str(tmp_path / "wide.docx")).tables[0]
    width = [column.width.mm for column in found.columns]
    needed = [CHARACTER_MM * len(cell) for cell in wide.body[0]]
    assert all(has >= needs for has, needs in zip(width[1:], needed[1:], strict=True))
    assert width[1] < CHARACTER_MM * len(header[1])  # which breaks
