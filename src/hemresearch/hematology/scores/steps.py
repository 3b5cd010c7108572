"""Thresholds: where a number passes from one number of points, or one group, to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

ROUNDING = 2e-7
"""Relative: a value this near a threshold is at it: units and sums round, and a Float32 does, by 6e-8."""

Side = Literal[">", ">=", "<", "<="]


@dataclass(frozen=True, slots=True)
class Step:
    """One threshold of one number: the side of it that is meant, and what that is worth.

    Attributes
    ----------
    value
        Points, or the label of a group.
    """

    side: Side
    cut: float
    value: Any = 1

    def holds(self, x: pl.Expr) -> pl.Expr:
        """Whether a number is on the side that is meant; null where it is missing."""
        near = ROUNDING * max(abs(self.cut), 1.0)
        if self.side == ">":
            return x > self.cut + near
        if self.side == ">=":
            return x >= self.cut - near
        return x < self.cut - near if self.side == "<" else x <= self.cut + near


def above(cut: float, value: Any = 1) -> Step:
    """More than the threshold, which itself is not meant."""
    return Step(">", cut, value)


def at_least(cut: float, value: Any = 1) -> Step:
    """The threshold and more."""
    return Step(">=", cut, value)


def below(cut: float, value: Any = 1) -> Step:
    """Less than the threshold, which itself is not meant."""
    return Step("<", cut, value)


def at_most(cut: float, value: Any = 1) -> Step:
    """The threshold and less."""
    return Step("<=", cut, value)


def first_that_holds(x: pl.Expr, steps: tuple[Step, ...], otherwise: pl.Expr) -> pl.Expr:
    """The value of the first step that holds, else the other; null where the number is missing."""
    result = otherwise
    for step in reversed(steps):
        result = pl.when(step.holds(x)).then(pl.lit(step.value)).otherwise(result)
    return pl.when(x.is_not_null()).then(result)
