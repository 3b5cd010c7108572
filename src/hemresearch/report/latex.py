"""A table as LaTeX, with the rules of the booktabs package."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .tables import Table

ESCAPED = {
    "\\": r"\textbackslash{}",
    **{c: "\\" + c for c in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "[": "{[}",
    "]": "{]}",
    "–": "--",
    "—": "---",
    "−": "$-$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "×": r"$\times$",
    "±": r"$\pm$",
    "χ": r"$\chi$",
    "²": r"$^2$",
    "∞": r"$\infty$",
    "·": r"$\cdot$",
    "†": r"\dag{}",
    "‡": r"\ddag{}",
    "\u00a0": "~",
    "\n": " ",
}
LETTER = {"left": "l", "center": "c", "right": "r"}


def escape(text: str) -> str:
    r"""Text that LaTeX sets as it is written: `5% <b>` becomes `5\% $<$b$>$`."""
    return "".join(ESCAPED.get(character, character) for character in text)


def latex(table: Table) -> str:
    """A `table` environment: caption above, booktabs rules, notes below."""
    columns = "".join(LETTER[a] for a in table.align)
    lines = [r"\begin{table}[htbp]", r"\centering"]
    if table.title:
        lines.append(rf"\caption{{{escape(table.title)}}}")
    lines += [rf"\begin{{tabular}}{{@{{}}{columns}@{{}}}}", r"\toprule", *_spanners(table)]
    lines += [_row(table.header), r"\midrule"]
    lines += [_body_row(kind, row) for kind, row in zip(table.kinds, table.body, strict=True)]
    lines += [r"\bottomrule", r"\end{tabular}"]
    lines += [rf"\par\smallskip{{\footnotesize {escape(note)}\par}}" for note in table.footnotes]
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def _row(cells: tuple[str, ...]) -> str:
    return " & ".join(escape(cell) for cell in cells) + r" \\"


def _body_row(kind: str, row: tuple[str, ...]) -> str:
    if kind == "plain":
        return _row(row)
    first = rf"\textbf{{{escape(row[0])}}}" if kind == "heading" else rf"\hspace{{1em}}{escape(row[0])}"
    return " & ".join([first, *(escape(cell) for cell in row[1:])]) + r" \\"


def _spanners(table: Table) -> list[str]:
    if not table.spanners:
        return []
    cells, rules, j = [], [], 0
    for label, first, last in sorted(table.spanners, key=lambda s: s[1]):
        cells += [""] * (first - j) + [rf"\multicolumn{{{last - first + 1}}}{{c}}{{{escape(label)}}}"]
        rules.append(rf"\cmidrule(lr){{{first + 1}-{last + 1}}}")
        j = last + 1
    cells += [""] * (len(table.header) - j)
    return [" & ".join(cells) + r" \\", " ".join(rules)]
