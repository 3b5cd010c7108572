"""The cells of a Table 1: numbers as text, in the order of a journal's table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from .. import formats

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .table_one import TableOne

Statistic = Literal["median", "range", "mean"]
RowKind = Literal["plain", "heading", "indented"]
FIRST_YEAR, LAST_YEAR = 1800, 2100
YEAR = re.compile("year|yr", re.IGNORECASE)
THOUSANDS = re.compile(r"(?<=\d),(?=\d{3})")
MISSING_ROW = "Missing"
DASH = "–"
SHARES_NOTE = "Percentages are of those with a known value."
SMD_NOTE = "SMD: standardized mean difference"


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown of a number: one value, and one or two in brackets."""

    name: str
    label: str
    columns: tuple[str, ...]

    def join(self, values: list[str]) -> str:
        """The values in brackets: `53–70`, or one alone."""
        return DASH.join(values)


STATISTICS: dict[str, Shown] = {
    "median": Shown("median", f"median (Q1{DASH}Q3)", ("median", "q1", "q3")),
    "range": Shown("median", "median (range)", ("median", "min", "max")),
    "mean": Shown("mean", "mean (SD)", ("mean", "sd")),
}


@dataclass(frozen=True, slots=True)
class Cells:
    """A table as text: one label per column, rows of cells, and what kind of row each is.

    `kinds` has "plain", "heading" or "indented" per row; `spanners` are labels over several columns:
    (label, first column, last column), counted from 0.
    """

    header: tuple[str, ...]
    body: tuple[tuple[str, ...], ...]
    kinds: tuple[RowKind, ...]
    footnotes: tuple[str, ...] = ()
    spanners: tuple[tuple[str, int, int], ...] = ()


def cells(one: TableOne) -> Cells:
    """All cells of a Table 1."""
    labels, groups = one.labels, one.groups_frame.rows()
    compared = len(groups) > 2
    header = ["", *(f"{labels.get(g, g)} (n={formats.count(n)})" for g, n in groups)]
    rows: list[tuple[RowKind, tuple[str, ...]]] = []
    for name in one.kinds:
        rows += _variable_rows(one, name, compared)
    by = ", ".join(labels.get(name, name) for name in one.by)
    return Cells(
        (*header, "SMD") if compared else tuple(header),
        tuple(row for _, row in rows),
        tuple(kind for kind, _ in rows),
        _footnotes(one, compared),
        ((by, 2, len(groups)),) if one.by else (),
    )


def html(table: Cells) -> str:
    """The cells as a plain HTML table with horizontal rules."""
    rule, thin = "1.5px solid", "0.75px solid"
    head = "".join(_cell("th", h, f"{_align(j)}; border-bottom: {thin}") for j, h in enumerate(table.header))
    rows = (
        "".join(_cell("td", text, _align(j, kind)) for j, text in enumerate(row))
        for kind, row in zip(table.kinds, table.body, strict=True)
    )
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    notes = "".join(f"<div>{escape(note)}</div>" for note in table.footnotes)
    return (
        f"<table style='border-collapse: collapse; border-top: {rule}; border-bottom: {rule}'>"
        f"<thead>{_spanner_row(table)}<tr>{head}</tr></thead><tbody>{body}</tbody></table>{notes}"
    )


def _spanner_row(table: Cells) -> str:
    parts, at = "", 0
    for label, first, last in table.spanners:
        parts += "<td></td>" * (first - at)
        parts += f"<th colspan='{last - first + 1}' style='text-align: center'>{escape(label)}</th>"
        at = last + 1
    return f"<tr>{parts}{'<td></td>' * (len(table.header) - at)}</tr>" if parts else ""


def _cell(kind: str, text: str, style: str) -> str:
    return f"<{kind} style='{style}'>{escape(text)}</{kind}>"


def _align(column: int, kind: str = "plain") -> str:
    indent = "; padding-left: 1.5em" if kind == "indented" and not column else ""
    return f"text-align: {'center' if column else 'left'}{indent}"


def _variable_rows(one: TableOne, name: str, compared: bool) -> list[tuple[RowKind, tuple[str, ...]]]:
    """The rows of one variable: its values (a heading over its levels), then those without one."""
    frame, kind, label = one.frame.filter(pl.col("variable") == name), one.kinds[name], _label(one, name)
    levels = frame["level"].unique(maintain_order=True).to_list()
    by_level = {level: frame.filter(pl.col("level").eq_missing(level)).rows(named=True) for level in levels}
    width = one.groups_frame.height
    smd = (formats.number(frame["smd"][0]),) if compared else ()
    blank = ("",) if compared else ()
    rows: list[tuple[RowKind, tuple[str, ...]]] = []
    if kind == "number":
        shown = STATISTICS[one.statistics[name]]
        numbers = [_number(row, shown, one.decimals[name]) for row in by_level[None]]
        if _are_years(by_level[None], one.decimals[name], (name, one.labels.get(name, ""))):
            numbers = [THOUSANDS.sub("", cell) for cell in numbers]
        rows = [("plain", (label, *numbers, *smd))]
    elif kind == "yes or no":
        rows = [("plain", (label, *map(_share, by_level["yes"]), *smd))]
    else:
        rows = [("heading", (label, *("",) * width, *smd))]
        named = {level: one.labels.get(level, level) for level in levels if level is not None}
        rows += [("indented", (text, *map(_share, by_level[level]), *blank)) for level, text in named.items()]
    missing = [row["n_missing"] for row in by_level[levels[0]]]
    if any(missing):
        rows.append(("indented", (MISSING_ROW, *map(formats.count, missing), *blank)))
    return rows


def _label(one: TableOne, name: str) -> str:
    text = one.labels.get(name, name)
    return f"{text}, {STATISTICS[one.statistics[name]].label if name in one.statistics else 'n (%)'}"


def _are_years(rows: list[dict[str, Any]], decimals: int, names: tuple[str, ...]) -> bool:
    """Whether whole numbers from 1800 to 2100 are called years, and so are years of the calendar."""
    ends = [row[c] for row in rows for c in ("min", "max") if row[c] is not None]
    called = any(YEAR.search(name) for name in names)
    return called and not decimals and bool(ends) and all(FIRST_YEAR <= v <= LAST_YEAR for v in ends)


def _number(row: Mapping[str, Any], shown: Shown, decimals: int) -> str:
    first, second, *third = (row[column] for column in shown.columns)
    if third:
        return formats.minus(formats.interval(first, second, third[0], decimals))
    if first is None:
        return formats.MISSING
    return formats.minus(f"{formats.number(first, decimals)} ({formats.number(second, decimals)})")


def _share(row: Mapping[str, Any]) -> str:
    if row["share"] is None:
        return formats.count(row["n"])
    return f"{formats.count(row['n'])} ({formats.percent(row['share'], sign='')})"


def _footnotes(one: TableOne, compared: bool) -> tuple[str, ...]:
    notes = []
    if any(kind != "number" for kind in one.kinds.values()):
        notes.append(SHARES_NOTE)
    if compared:
        several = one.groups_frame.height > 3
        notes.append(SMD_NOTE + (", the largest of any two groups." if several else "."))
    if one.n_dropped:
        notes.append(f"{formats.count(one.n_dropped)} without {', '.join(one.by)} left out.")
    return tuple(notes)
