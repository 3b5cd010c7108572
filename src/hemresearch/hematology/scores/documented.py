"""What the documentation of a score says comes from its definition, so that the two cannot differ."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from ..units import QUANTITIES
from .definition import Bands, Rule, Score

if TYPE_CHECKING:
    from .inputs import Input

F = TypeVar("F", bound=Callable[..., object])
SCORES: dict[str, Score] = {}
"""Every score there is, by name. A function that is `documented` is in it."""
NO_LABORATORY = ("age", "time", "percentage")
READ = {"V": "two agreeing sources were read [V]", "1": "one source was read [1]"}
WIDTH = 100


def documented(score: Score) -> Callable[[F], F]:
    """Put a score into the catalogue, and its definition into the docstring of its function."""

    def with_text(function: F) -> F:
        summary, _, example = inspect.cleandoc(function.__doc__ or "").partition("\nExamples\n")
        sections = [summary.rstrip(), _parameters(score), RETURNS, RAISES, _notes(score), _references(score)]
        function.__doc__ = "\n\n".join([*sections, f"Examples\n{example}"])
        SCORES[score.name] = score
        return function

    return with_text


RETURNS = """Returns
-------
polars.Expr
    A struct with `score` (null for a grading without a number), `group` (Enum; empty where no grouping is
    agreed on), `components` (a struct with the points of each item) and `n_missing`."""

RAISES = """Raises
------
DataError
    For a unit that is not known, `missing` that is not one of the three, and an input without a column.
    What the columns hold an expression cannot check: `scores.compute` does."""

MISSING = """missing
    `"null"`: no score where an input is missing. `"lowest"`, `"highest"`: a bound, with the value that scores
    least or most in its place (for a number, the end of what is possible)."""


def _parameters(score: Score) -> str:
    lines = ["Parameters", "----------"]
    for i in score.inputs:
        lines += [i.name, *_wrapped(_described(i), "    ")]
    return "\n".join([*lines, "unit", *(f"    {line}" for line in _units(score)), MISSING])


def _units(score: Score) -> list[str]:
    """How the unit of a column of this score is told, by a laboratory value where it has one."""
    of_choice = [(i.name, i.quantity) for i in score.inputs if i.quantity and i.quantity.measured]
    if not of_choice:
        return ["None to choose."]
    name, quantity = min(of_choice, key=lambda pair: pair[1].measured in NO_LABORATORY)
    units = QUANTITIES[quantity.measured or ""]
    other = max(units, key=lambda unit: (units[unit] != units[quantity.unit], unit != quantity.unit))
    return ["The unit of a column where it is not the one above, such as", f'`unit={{"{name}": "{other}"}}`.']


def _described(of: Input) -> str:
    """The meaning of an input, its unit or its words."""
    start = "Column or expression: " + of.meaning
    if of.quantity is not None:
        return f"{start}." if of.quantity.whole else f"{start} ({of.quantity.unit})."
    if of.levels:
        holds = "a list of any of" if of.kind == "list" else "one of"
        return f"{start}: {holds} {', '.join(map(repr, of.levels))}."
    if of.kind == "numbers":
        return f"{start}: a list of {len(of.best)} numbers from 0 to 3."
    return f"{start}; yes or no." if of.kind == "yes or no" else f"{start}."


def _notes(score: Score) -> str:
    points = [f"- {item.name}: {item.words}" for item in score.items]
    text = [
        f"For {score.population}. Evidence: {READ[score.evidence]}.",
        "Points:" if points else "",
        *points,
        _groups(score),
        f"Published: {score.outcome}." if score.outcome else "",
        score.notes or "",
    ]
    wrapped = [line for part in text if part for line in (_wrapped(part, "", "  " if part[0] == "-" else ""))]
    return "\n".join(["Notes", "-----", *wrapped])


def _groups(score: Score) -> str:
    if isinstance(score.groups, Bands):
        rest = [f"{step.value} ({step.side} {step.cut:g})" for step in score.groups.steps]
        return f"Groups: {', '.join([score.groups.first, *rest])}."
    return f"Groups: {score.groups.words}" if isinstance(score.groups, Rule) else "No grouping is agreed on."


def _references(score: Score) -> str:
    text = f"{score.citation}. Version: {score.version}."
    return "\n".join(["References", "----------", *_wrapped(text, "")])


def _wrapped(text: str, indent: str, hanging: str = "") -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent + hanging, break_long_words=False
    )
