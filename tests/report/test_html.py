"""Tables as HTML."""

from __future__ import annotations

import re

from hemresearch.report import Table, html

SPANNED = Table(
    ("", "HR", "p", "HR", "p"),
    (("Sex", "", "", "", ""), ("male", "1.1", "0.2", "1.2", "0.3")),
    title="Table 1 <draft>",
    footnotes=("p<0.05 & *starred*",),
    kinds=("heading", "indented"),
    spanners=(("Univariable", 1, 2), ("Multivariable", 3, 4)),
    id="cox",
)


def body(text: str) -> str:
    return text[text.index("<table") :]


def test_the_same_table_gives_the_same_text():
    assert SPANNED.to_html() == SPANNED.to_html()
    assert SPANNED._repr_html_() == SPANNED.to_html()


def test_the_id_is_the_one_given_and_no_random_one():
    assert SPANNED.to_html().startswith('<div id="cox"')


def test_what_looks_like_markup_is_shown_as_it_is_written():
    table = Table(("a<b", "n"), (("<script>alert(1)</script>", "<0.001"),), footnotes=("x <b>", "**bold**"))
    text = body(table.to_html())
    assert "<script>" not in text
    assert "<b>" not in text
    assert "&lt;0.001" in text
    assert "a&lt;b" in text
    assert "**bold**" in text
    assert "Table 1 &lt;draft&gt;" in SPANNED.to_html()


def test_headings_are_bold_and_rows_below_them_moved_in():
    cells = dict(re.findall(r'<td style="([^"]*)"[^>]*>([^<]*)</td>', body(SPANNED.to_html())))
    assert "bold" in next(style for style, text in cells.items() if text == "Sex")
    assert "padding-left" in next(style for style, text in cells.items() if text == "male")


def test_spanners_span():
    text = body(SPANNED.to_html())
    assert text.count('colspan="2"') == 2
    assert text.index("Univariable") < text.index("Multivariable")


def test_without_great_tables_a_notebook_shows_plain_text(monkeypatch):
    monkeypatch.setattr(html, "is_installed", lambda package: False)
    assert SPANNED._repr_html_() is None


def test_wide_tables_are_set_narrower():
    wide = Table(tuple(f"c{j}" for j in range(12)), (("1",) * 12,)).to_html()
    assert re.search(r"\.gt_row \{[^}]*padding-left: 4px", wide)
    assert "font-size: 12px" in wide
    assert re.search(r"\.gt_row \{[^}]*padding-left: 10px", SPANNED.to_html())
