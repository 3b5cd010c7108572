"""A table as HTML, through great-tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .extras import is_installed, needs

if TYPE_CHECKING:
    import great_tables

    from .tables import Table

RULE = {"style": "solid", "width": "1.5px", "color": "#000000"}
THIN = {"style": "solid", "width": "0.75px", "color": "#000000"}
WIDE = 10  # columns from which on a table is set narrower, so that it can be read without scrolling
FONTS = ["Arial", "Helvetica", "Liberation Sans", "sans-serif"]


def html_if_possible(table: Table) -> str | None:
    """HTML where great-tables is installed, else nothing, so that a notebook shows the plain text."""
    return html(table) if is_installed("great_tables") else None


def html(table: Table) -> str:
    """The table in journal style: horizontal rules only, notes below; deterministic."""
    needs("great_tables", "an HTML table")
    import great_tables as gt
    import polars as pl

    names = [f"column_{j}" for j in range(len(table.header))]
    frame = pl.DataFrame(
        {name: [row[j] for row in table.body] for j, name in enumerate(names)},
        schema=dict.fromkeys(names, pl.String),
    )
    made = gt.GT(frame, id=table.id).cols_label(dict(zip(names, table.header, strict=True)))
    for name, side in zip(names, table.align, strict=True):
        made = made.cols_align(side, [name])
    if table.title:
        made = made.tab_header(title=table.title)
        made = made.tab_style(gt.style.text(weight="bold"), gt.loc.title())
    for number, (label, first, last) in enumerate(table.spanners):
        made = made.tab_spanner(label=label, columns=names[first : last + 1], id=f"spanner-{number}")
    for note in table.footnotes:
        made = made.tab_source_note(note)
    return _ruled(_marked(made, table, names), len(names) >= WIDE).as_raw_html()


def _marked(made: great_tables.GT, table: Table, names: list[str]) -> great_tables.GT:
    """Bold headings, and what belongs to them moved in."""
    from great_tables import loc, style

    for kind, look in (
        ("heading", style.text(weight="bold")),
        ("indented", style.css("padding-left: 1.5em;")),
    ):
        rows = [i for i, k in enumerate(table.kinds) if k == kind]
        if rows:
            made = made.tab_style(look, loc.body(columns=names[:1], rows=rows))
    return made


def _ruled(made: great_tables.GT, is_wide: bool) -> great_tables.GT:
    """Rules, fonts and the room between columns."""
    padding, size = ("4px", "12px") if is_wide else ("10px", "13px")
    edges = {
        "table_border_top": {"style": "none"},
        "table_border_bottom": {"style": "none"},
        "column_labels_border_top": RULE,
        "column_labels_border_bottom": THIN,
        "table_body_border_top": THIN,
        "table_body_border_bottom": RULE,
        "table_body_hlines": {"style": "none"},
        "heading_border_bottom": {"style": "none"},
    }
    options: dict[str, Any] = {
        f"{edge}_{part}": value for edge, parts in edges.items() for part, value in parts.items()
    }
    return made.tab_options(
        **options,
        table_font_names=FONTS,
        table_font_size=size,
        table_font_color="#000000",
        heading_align="left",
        heading_title_font_size=size,
        table_margin_left="0px",
        column_labels_font_weight="bold",
        data_row_padding="3px",
        data_row_padding_horizontal=padding,
        column_labels_padding_horizontal=padding,
        heading_padding_horizontal=padding,
        source_notes_padding_horizontal=padding,
        source_notes_font_size="12px",
    )
