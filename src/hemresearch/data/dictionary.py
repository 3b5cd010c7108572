"""What a data set holds, in words: for the screen, for a table and for the folder's README."""

from __future__ import annotations

import html
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from .store import Store

WIDTH = 100


@dataclass(frozen=True)
class Column:
    """One column: what it means, in which unit, and what its codes stand for."""

    name: str
    meaning: str
    unit: str | None
    codes: tuple[tuple[str, str], ...]
    levels: tuple[str, ...]

    @classmethod
    def from_entry(cls, name: str, facts: dict[str, Any]) -> Column:
        """The column that an entry of the catalogue holds."""
        codes, levels = facts.get("codes", {}), facts.get("levels", ())
        return cls(name, facts["meaning"], facts["unit"], tuple(codes.items()), tuple(levels))

    @property
    def values(self) -> str:
        """`0 = censored, 1 = relapse`; the levels in order where they explain themselves."""
        codes = dict(self.codes)
        named = [f"{code} = {codes[code]}" for code in self.levels or codes if code in codes]
        return ", ".join(named or self.levels)


@dataclass(frozen=True)
class Description:
    """A data set's title, size, people, source and licence, and its columns."""

    name: str
    title: str
    rows: int
    simulated: bool
    population: str
    study: str
    package: str
    licence: str
    columns: tuple[Column, ...]

    @classmethod
    def from_entry(cls, name: str, entry: dict[str, Any]) -> Description:
        """The description that an entry of the catalogue holds."""
        columns = tuple(Column.from_entry(key, facts) for key, facts in entry["columns"].items())
        kept = ("title", "rows", "simulated", "population", "study", "package", "licence")
        return cls(name=name, columns=columns, **{key: entry[key] for key in kept})

    def to_frame(self) -> pl.DataFrame:
        """One row for each column: `column, meaning, unit, values`; null where there is nothing to say."""
        import polars as pl

        rows = [(c.name, c.meaning, c.unit, c.values or None) for c in self.columns]
        schema = dict.fromkeys(["column", "meaning", "unit", "values"], pl.String)
        return pl.DataFrame(rows, schema=schema, orient="row")

    def summary(self) -> pl.DataFrame:
        """One row: `name, title, rows, columns, simulated, study, package, licence`."""
        import polars as pl

        return pl.DataFrame(
            {
                "name": self.name,
                "title": self.title,
                "rows": self.rows,
                "columns": len(self.columns),
                "simulated": self.simulated,
                "study": self.study,
                "package": self.package,
                "licence": self.licence,
            }
        )

    def text(self) -> str:
        """A sentence for the box at the top of a study: who, real or simulated, and from where."""
        return f"{self._kind()}: {self.population} Source: {self.study}; distributed with {self.package}."

    def to_markdown(self) -> str:
        """A section of a README: the facts as a list and the columns as a table."""
        table = [f"| {' | '.join(cells)} |" for cells in _markdown_rows(self.columns)]
        return "\n".join(
            [
                f"## {self.name}",
                "",
                f"**{self.title}.** {self.rows} rows, {len(self.columns)} columns. {self._kind()}.",
                "",
                self.population,
                "",
                f"- Original study: {self.study}",
                f"- Distributed with: {self.package}",
                f"- Licence: {self.licence}",
                "",
                "| column | meaning | unit | values |",
                "|---|---|---|---|",
                *table,
                "",
            ]
        )

    def __repr__(self) -> str:
        names = ", ".join(f"{c.name} ({c.unit})" if c.unit else c.name for c in self.columns)
        shown = textwrap.shorten(names, 2 * WIDTH, placeholder=" ...")
        lines = [
            f"{self.name}: {self.title}",
            f"{self.rows} rows, {len(self.columns)} columns: {shown}",
            f"{self._kind()}: {self.population}",
            f"Study: {self.study}",
            f"Distributed with {self.package}, {self.licence}",
        ]
        return "\n".join(textwrap.fill(line, WIDTH, subsequent_indent="  ") for line in lines)

    def _repr_html_(self) -> str:
        facts = [self.population, f"Study: {self.study}", f"Distributed with {self.package}, {self.licence}"]
        above = "<br>".join(html.escape(fact) for fact in facts)
        size = f"{self.rows} rows, {len(self.columns)} columns. {self._kind()}."
        rows = "".join(_html_row("td", [c.name, c.meaning, c.unit or "", c.values]) for c in self.columns)
        head = _html_row("th", ["column", "meaning", "unit", "values"])
        title = f"<b>{html.escape(self.name)}: {html.escape(self.title)}</b>"
        return (
            f"<div><p>{title}<br>{html.escape(size)}</p><p>{above}</p>"
            f"<table><thead>{head}</thead><tbody>{rows}</tbody></table></div>"
        )

    def _kind(self) -> str:
        return "Simulated data" if self.simulated else "Real data"


README = """\
# {title}

{introduction}

Every file is Parquet. Column names and codes are those of the source; a factor is an Enum with the
source's order of levels; missing is null. `catalogue.json` holds what stands below and the SHA-256 of
each file, which is checked whenever a file is read; this page is written from it, and a test compares them.
The licence is that under which the package named distributes the data; the code of this project has its own.

"""


def readme(store: Store, *, title: str, introduction: str) -> str:
    """The README of a folder of data sets, written from its catalogue."""
    sections = [store.describe(name).to_markdown() for name in store.names]
    return README.format(title=title, introduction=introduction) + "\n".join(sections)


def _markdown_rows(columns: tuple[Column, ...]) -> list[list[str]]:
    rows = [[f"`{c.name}`", c.meaning, c.unit or "", c.values] for c in columns]
    return [[cell.replace("|", "\\|") for cell in row] for row in rows]


def _html_row(tag: str, cells: list[str]) -> str:
    return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"
