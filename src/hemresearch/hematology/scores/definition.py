"""A score: its inputs, its items, its groups, and where it comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import polars as pl

from .items import Cut, Item, Values
from .steps import Step, first_that_holds

if TYPE_CHECKING:
    from .inputs import Input

Evidence = Literal["V", "1"]
SCORE = "score"


@dataclass(frozen=True, slots=True)
class Bands:
    """Groups by the score itself: the first, and the threshold at which each further one begins."""

    first: str
    steps: tuple[Step, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Least risk first, unless the score runs the other way."""
        return (self.first, *(str(step.value) for step in self.steps))

    def of(self, x: Values) -> pl.Expr:
        """The group of each score."""
        return first_that_holds(x.score, self.steps[::-1], pl.lit(self.first))


@dataclass(frozen=True, slots=True)
class Rule:
    """Groups by another rule than bands of the score: from inputs and components to one of the labels."""

    labels: tuple[str, ...]
    of: Callable[[Values], pl.Expr]
    words: str
    cuts: tuple[Cut, ...] = ()


@dataclass(frozen=True, slots=True)
class Ungrouped:
    """No grouping is agreed on."""

    labels: tuple[str, ...] = ()

    def of(self, x: Values) -> pl.Expr:
        """Nobody has a group."""
        return pl.lit(None, dtype=pl.String)


def bands(first: str, *steps: Step) -> Bands:
    """Groups by the score: the first one, then where each further one begins."""
    return Bands(first, steps)


@dataclass(frozen=True, slots=True)
class Score:
    """A risk score or a grading, as its paper defines it.

    Attributes
    ----------
    name
        Of the function.
    title
        In words.
    citation, version, population
        The paper, which edition of the score this is, and for whom it was made.
    evidence
        `"V"`: read in at least two agreeing sources. `"1"`: in one only.
    inputs
        In the order of the function's arguments.
    items
        Its components.
    groups
        From the score, or by a rule, to a group.
    total
        How the score is made of the components if not as their sum; `no_score` for a grading without one.
    total_is_whole
        Whether such a total of whole points is a whole number.
    either
        Pairs of inputs of which one is enough.
    outcome
        What the paper saw in the groups, if it was verified.
    notes
        What a user has to know: disputed thresholds, tools that compute it otherwise.
    """

    name: str
    title: str
    citation: str
    version: str
    population: str
    evidence: Evidence
    inputs: tuple[Input, ...]
    items: tuple[Item, ...]
    groups: Bands | Rule | Ungrouped
    total: Callable[[Values], pl.Expr] | None = None
    total_is_whole: bool = False
    either: tuple[tuple[str, str], ...] = ()
    outcome: str | None = None
    notes: str | None = None

    @property
    def thresholds(self) -> list[Cut]:
        """All thresholds: of inputs, and of the score where it is cut into groups."""
        own = [cut for item in self.items for cut in item.cuts]
        if isinstance(self.groups, Bands):
            own += [Cut(SCORE, step.cut, step.side) for step in self.groups.steps]
        return own + list(self.groups.cuts if isinstance(self.groups, Rule) else ())

    @property
    def whole(self) -> bool:
        """Whether the score is a whole number of points."""
        return (self.total is None or self.total_is_whole) and all(i.whole for i in self.items if i.adds)

    @property
    def has_score(self) -> bool:
        """Whether there is a number, and not only a group."""
        return self.total is not no_score

    @property
    def optional(self) -> set[str]:
        """The inputs that a user may do without."""
        return {name for pair in self.either for name in pair}


def no_score(x: Values) -> pl.Expr:
    """For a grading that has groups and no number."""
    return pl.lit(None, dtype=pl.Float64)


def highest(x: Values) -> pl.Expr:
    """For a grading by its worst item; an item's value is a grade."""
    return pl.max_horizontal([x[name] for name in x.component_names])
