"""Events by their number: strata of the first, the second, ... event, and effects of their own in each."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import polars as pl

from ..columns import Groups
from ..design import Design
from ..errors import DataError
from .rows import Recurrent

NUMBER = "event_number"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class NumberedDesign(Design):
    """A design whose columns have an effect of their own on each event: `rx (event 1)`, `rx (event 2)`."""

    base: Design

    def apply(self, new_data: Any, *, argument: str = "new_data") -> np.ndarray:
        """Refused: the columns depend on the number of the event."""
        raise DataError(
            "the effects differ between the first, the second and later events, so a row of covariates alone "
            "has no linear predictor",
            argument=argument,
            expected="a contrast of named coefficients, or a fit with effects in common",
            remedy="contrast(fit, weights={...}), or common=True in the fit",
        )

    def bends(self) -> dict[str, np.ndarray]:
        """None: the parts of a spline are told apart by event."""
        return {}


def up_to(y: Recurrent, max_events: int | None) -> tuple[int, np.ndarray]:
    """How many events are looked at, and the number of the event that each row is at risk of."""
    number = y.event_numbers()
    most = int(number[y.event].max(initial=1))
    if max_events is None:
        return most, number
    whole = isinstance(max_events, int | np.integer) and not isinstance(max_events, bool)
    if whole and max_events >= 1:
        return min(int(max_events), most), number
    raise DataError(
        f"{max_events!r} was given",
        argument="max_events",
        expected="a whole number of 1 or more: the last event that is looked at",
        remedy=f"max_events={most}",
    )


def stratified_by_number(y: Recurrent, number: np.ndarray) -> Recurrent:
    """The rows with a baseline for each number of the event, within the strata that they have."""
    if NUMBER in y.stratum.names:
        raise DataError(
            "is the name of the strata that are made of the numbers of events",
            argument="strata",
            column=NUMBER,
            expected="strata besides the number of the event",
            remedy=f"strata=None, or pl.col({NUMBER!r}).alias('another_name')",
        )
    top = int(number.max()) + 1
    joint, code = np.unique(y.stratum.code * top + number, return_inverse=True)
    numbers = pl.DataFrame({NUMBER: joint % top})
    levels = y.stratum.levels[joint // top] if y.stratum.levels.width else None
    both = numbers if levels is None else pl.concat([levels, numbers], how="horizontal")
    return replace(y, stratum=Groups(both, code))


def by_number(design: Design, number: np.ndarray) -> NumberedDesign:
    """Columns for each number of the event, those of a term beside each other."""
    present = np.unique(number)
    blocks, names, terms = [], list[str](), dict[str, slice]()
    for term, at in design.terms.items():
        begin = len(names)
        for k in present:
            blocks.append(design.matrix[:, at] * (number == k)[:, None])
            names += [f"{column} (event {k})" for column in design.columns[at]]
        terms[term] = slice(begin, len(names))
    shared = {f.name: getattr(design, f.name) for f in fields(Design)}
    matrix = np.concatenate(blocks, axis=1) if blocks else design.matrix
    return NumberedDesign(**shared | {"matrix": matrix, "columns": tuple(names), "terms": terms}, base=design)
