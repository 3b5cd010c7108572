"""The items of a score: what each input, or several together, adds to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from .steps import Step, first_that_holds


class Values(dict[str, pl.Expr]):
    """The inputs of a score, and then its components, as expressions: `x.age_years`.

    A component of the name of its input takes the input's place: the rule for the score sees points.
    """

    component_names: tuple[str, ...] = ()

    def __getattr__(self, name: str) -> pl.Expr:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


@dataclass(frozen=True, slots=True)
class Cut:
    """A threshold that a rule holds within itself: of which input, and where."""

    input: str
    cut: float
    side: str


@dataclass(frozen=True, slots=True)
class Item:
    """One component of a score.

    Attributes
    ----------
    name
        Of the component.
    inputs
        The inputs it is made of.
    points
        From the inputs to the points, or to another value that the rule for the group uses.
    cuts
        Its thresholds.
    words
        For the documentation: what gives which points.
    whole
        Whether the points are whole numbers.
    adds
        Whether it is added to the score.
    """

    name: str
    inputs: tuple[str, ...]
    points: Callable[[Values], pl.Expr]
    cuts: tuple[Cut, ...]
    words: str
    whole: bool
    adds: bool = True


def steps(name: str, *thresholds: Step) -> Item:
    """Points of a number by thresholds: those of the first that holds, else 0."""
    cuts = tuple(Cut(name, t.cut, t.side) for t in thresholds)
    words = ", ".join(f"{t.side} {t.cut:g}: {t.value:g}" for t in thresholds)
    whole = all(float(t.value).is_integer() for t in thresholds)
    return Item(
        name,
        (name,),
        lambda x: first_that_holds(x[name], thresholds, pl.lit(0)),
        cuts,
        words,
        whole,
    )


def flag(name: str, points: float = 1) -> Item:
    """Points if yes."""
    return _yes_or_no(name, points, 0, f"yes: {points:g}")


def absent(name: str, points: float = 1) -> Item:
    """Points if no."""
    return _yes_or_no(name, 0, points, f"no: {points:g}")


def _yes_or_no(name: str, if_yes: float, if_no: float, words: str) -> Item:
    whole = float(if_yes + if_no).is_integer()
    return Item(name, (name,), lambda x: _points_if(x[name], if_yes, if_no), (), words, whole)


def _points_if(holds: pl.Expr, if_yes: float, if_no: float = 0) -> pl.Expr:
    return pl.when(holds.is_not_null()).then(pl.when(holds).then(pl.lit(if_yes)).otherwise(pl.lit(if_no)))


def levels(name: str, points: Mapping[str, float]) -> Item:
    """Points of a category, by its word."""
    words = ", ".join(f"{word}: {p:g}" for word, p in points.items())
    whole = all(float(p).is_integer() for p in points.values())
    return Item(name, (name,), lambda x: of_words(x[name], points), (), words, whole)


def sum_of(name: str, points: Mapping[str, float]) -> Item:
    """The points of each word of a list, each word counted once."""
    words = ", ".join(f"{word}: {p:g}" for word, p in points.items())
    whole = all(float(p).is_integer() for p in points.values())

    def total(x: Values) -> pl.Expr:
        return sum_of_words(x[name], points)

    return Item(name, (name,), total, (), words, whole)


def formula(
    name: str,
    inputs: tuple[str, ...],
    points: Callable[[Values], pl.Expr],
    words: str,
    *,
    cuts: Mapping[str, Step | tuple[Step, ...]] | None = None,
    whole: bool = False,
    adds: bool = True,
) -> Item:
    """Any other component; the thresholds it holds are stated, because nobody can read them out of it."""
    stated = tuple(
        Cut(of, step.cut, step.side)
        for of, at in (cuts or {}).items()
        for step in (at if isinstance(at, tuple) else (at,))
    )
    return Item(name, inputs, points, stated, words, whole, adds)


def as_given(name: str, words: str = "as given") -> Item:
    """Points that are an input themselves."""
    return formula(name, (name,), lambda x: x[name], words, whole=True)


def condition(
    name: str,
    inputs: tuple[str, ...],
    holds: Callable[[Values], pl.Expr],
    words: str,
    *,
    points: float = 1,
    cuts: Mapping[str, Step | tuple[Step, ...]] | None = None,
) -> Item:
    """Points where something holds that takes more than one threshold or more than one input to tell."""
    whole = float(points).is_integer()
    return formula(
        name, inputs, lambda x: _points_if(holds(x), points), f"{words}: {points:g}", cuts=cuts, whole=whole
    )


def criterion(
    name: str,
    inputs: tuple[str, ...],
    holds: Callable[[Values], pl.Expr],
    words: str,
    *,
    cuts: Mapping[str, Step | tuple[Step, ...]] | None = None,
) -> Item:
    """Something true or false, or a stage, that adds no points: the rule for the group asks for it."""
    return formula(name, inputs, holds, words, cuts=cuts, adds=False)


def where_known(x: Values, inputs: tuple[str, ...], value: pl.Expr) -> pl.Expr:
    """The value where none of the inputs is missing: `choose` takes a missing one for a rule that fails."""
    return pl.when(pl.all_horizontal([x[name].is_not_null() for name in inputs])).then(value)


def of_words(x: pl.Expr, values: Mapping[str, Any]) -> pl.Expr:
    """The value of each word. A word that is not known stops the query: nothing is dropped in silence."""
    if all(isinstance(v, int | float) for v in values.values()):
        numbers = {w: float(v) for w, v in values.items()}
        return x.cast(pl.String).replace_strict(numbers, return_dtype=pl.Float64)
    return x.cast(pl.String).replace_strict(dict(values), return_dtype=pl.String)


def sum_of_words(x: pl.Expr, points: Mapping[str, float]) -> pl.Expr:
    """The points of the words of a list, each word once. To look for each word is the fastest way."""
    found = [p * has(x, word).cast(pl.Float64) for word, p in points.items() if p != 0]
    return pl.sum_horizontal(found, ignore_nulls=False)


def has(x: pl.Expr, *words: str) -> pl.Expr:
    """Whether a list holds any of the words."""
    return pl.any_horizontal([x.list.contains(pl.lit(word)) for word in words])


def choose(*rules: tuple[pl.Expr, Any], otherwise: Any) -> pl.Expr:
    """The value of the first rule that holds. Rules are asked where nothing is missing."""
    result = pl.lit(otherwise)
    for holds, value in reversed(rules):
        result = pl.when(holds).then(pl.lit(value)).otherwise(result)
    return result
