"""Events by their number: strata of the first, the second, ... event, and effects of their own in each."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import polars as pl

from ..columns import Groups
from ..design import Design
from ..errors import DataError
from .rows import Recurrent

NUMBER = "event_number"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class NumberedDesign(Design):
    """A design whose terms have an effect of their own on each event: `rx (event 1)`, `rx (event 2)`.

    `number` is that of the event each row is at risk of, `of` that which each term acts on.
    """

    base: Design
    number: np.ndarray
    of: dict[str, int]

    def acts(self, term: str) -> np.ndarray:
        """The rows in which a term has an effect."""
        return self.number == self.of[term]

    def apply_evaluated(self, values: pl.DataFrame, *, argument: str = "new_data") -> np.ndarray:
        """Refused: the columns depend on the number of the event."""
        raise DataError(
            "the effects differ between the first, the second and later events, so a row of covariates alone "
            "has no linear predictor",
            argument=argument,
            expected="a contrast of named coefficients, or a fit with effects in common",
            remedy="contrast(fit, weights={...}), or common=True in the fit",
        )

    def bends(self) -> dict[str, np.ndarray]:
        """The contrasts of spline terms, for each event."""
        bends = self.base.bends()
        return {_named(term, k): bends[term] for k in np.unique(self.number) for term in bends}


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
    """The terms once for each number of the event, in which alone they have an effect."""
    columns: list[str] = []
    terms: dict[str, slice] = {}
    blocks, parts, of = [design.matrix[:, :0]], [], {}
    for term, part in zip(design.terms, design.parts, strict=True):
        at = design.terms[term]
        for k in np.unique(number):
            name = _named(term, k)
            terms[name] = slice(len(columns), len(columns) + at.stop - at.start)
            columns += [_named(column, k) for column in design.columns[at]]
            blocks.append(design.matrix[:, at] * (number == k)[:, None])
            parts.append(part)
            of[name] = int(k)
    shared = {f.name: getattr(design, f.name) for f in fields(Design)} | {
        "matrix": np.concatenate(blocks, axis=1),
        "columns": tuple(columns),
        "terms": terms,
        "parts": tuple(parts),
    }
    return NumberedDesign(**shared, base=design, number=number, of=of)


def _named(name: str, number: int) -> str:
    """A term or column with the event that it acts on."""
    return f"{name} (event {number})"
