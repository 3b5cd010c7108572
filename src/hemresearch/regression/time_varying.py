"""Effects that change with time in Cox's model: steps, or an interaction with a function of time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from ..design import Design
from ..errors import DataError, counted, listed
from ..formats import significant
from ..numerics.episodes import split_intervals
from ..options import check_times, suggestion
from ..outcomes import Survival

Spec: TypeAlias = "str | list[float] | Callable[[np.ndarray], np.ndarray]"
FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "identity": lambda t: t, "log": np.log, "sqrt": np.sqrt, "log1p": np.log1p,
}  # fmt: skip
MOST_EPISODES = 50_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Effect:
    """A term whose effect changes: in steps at `cuts`, or by a coefficient of x * g(t) beside that of x."""

    term: str
    cuts: np.ndarray
    function: Callable[[np.ndarray], np.ndarray] | None
    name: str

    def names(self, columns: tuple[str, ...]) -> list[str]:
        """The names of the columns: `karno (90,180]` for every step, or `karno:log(t)`."""
        if self.function is not None:
            return [f"{column}:{self.name}(t)" for column in columns]
        edges = ["0", *(significant(c, 6) for c in self.cuts), "∞"]
        spans = [f"({a},{b}]" if b != "∞" else f"({a},∞)" for a, b in pairwise(edges)]
        return [f"{column} {span}" for span in spans for column in columns]

    def block(self, x: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
        """The columns of episodes (start, stop]."""
        if self.function is not None:
            return x * self._values(stop)[:, None]
        period = np.searchsorted(self.cuts, start, side="right")
        return np.concatenate([x * (period == k)[:, None] for k in range(len(self.cuts) + 1)], axis=1)

    def _values(self, time: np.ndarray) -> np.ndarray:
        assert self.function is not None
        with np.errstate(all="ignore"):
            g = np.asarray(self.function(time), dtype=float)
        if g.shape != time.shape or not np.isfinite(g).all():
            raise DataError(
                f"{self.name}(t) does not give one finite number for each event time",
                argument="time_varying",
                expected="a function of an array of times that is finite at every event",
                remedy=f"time_varying={{{self.term!r}: 'log1p'}}",
            )
        return g


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TimeVaryingDesign(Design):
    """The design of episodes, some of whose columns follow from the time as well.

    `base` is the design of the covariates alone, and `cuts` are the times between which nothing changes.
    """

    base: Design
    effects: tuple[Effect, ...]
    cuts: np.ndarray

    def episodes(self, x: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
        """All columns, from those of the covariates, of episodes (start, stop]."""
        return _expanded(self.base, self.effects, x, start, stop)[0]

    def apply(self, new_data: Any, *, argument: str = "new_data") -> np.ndarray:
        """Refused: the columns depend on the time."""
        raise DataError(
            f"the effect of {listed(effect.term for effect in self.effects)} changes with time, so a row of "
            "covariates alone has no linear predictor",
            argument=argument,
            expected="a prediction along time, or a contrast of named coefficients",
            remedy="fit.predict(new_data, times=[...]), or contrast(fit, weights={...})",
        )

    def bends(self) -> dict[str, np.ndarray]:
        """The contrasts of spline terms whose effect stays the same."""
        changing = {effect.term for effect in self.effects}
        return {term: rows for term, rows in self.base.bends().items() if term not in changing}


def with_time_varying(
    y: Survival, design: Design, time_varying: Mapping[str, Spec]
) -> tuple[Survival, TimeVaryingDesign]:
    """Rows cut where an effect changes, with the columns that change."""
    effects = tuple(_effect(design, term, spec) for term, spec in time_varying.items())
    smooth = any(effect.function is not None for effect in effects)
    cuts = np.unique(np.concatenate([e.cuts for e in effects]))
    if smooth:
        cuts = np.union1d(cuts, np.unique(y.time[y.event]))
    _refuse_too_many(y, cuts)
    row, start, stop, is_last, _ = split_intervals(y.entry, y.time, cuts)
    patient = np.arange(len(y)) if y.patient is None else y.patient
    pieces = replace(y.take(row), entry=start, time=stop, event=y.event[row] & is_last, patient=patient[row])
    matrix, columns, terms = _expanded(design, effects, design.matrix[row], start, stop)
    return pieces, TimeVaryingDesign(
        matrix=matrix,
        columns=columns,
        terms=terms,
        reference=design.reference,
        knots=design.knots,
        unused_levels=design.unused_levels,
        intercept=design.intercept,
        request=design.request,
        parts=design.parts,
        base=design,
        effects=effects,
        cuts=cuts,
    )


def _effect(design: Design, term: str, spec: Spec) -> Effect:
    if term not in design.terms:
        raise DataError(
            f"{term!r} is no term of the model",
            argument="time_varying",
            expected=f"a term of the formula; {suggestion(term, design.terms)}",
            remedy=f"time_varying={{{next(iter(design.terms), 'age')!r}: 'log'}}",
        )
    none = np.empty(0)
    if callable(spec):
        return Effect(term, none, spec, "g")
    if isinstance(spec, str):
        if spec not in FUNCTIONS:
            raise DataError(
                f"{spec!r} is not a known function of time",
                argument="time_varying",
                expected=f"one of {listed(map(repr, FUNCTIONS))}, a function, or times of steps",
                remedy=f"time_varying={{{term!r}: 'log'}}",
            )
        return Effect(term, none, FUNCTIONS[spec], spec if spec != "identity" else "")
    cuts = np.unique(check_times(spec, argument="time_varying"))
    if cuts[0] <= 0:
        raise DataError(
            "the first step is at time 0, where nothing is before it",
            argument="time_varying",
            expected="times after 0 at which the effect may change",
            remedy=f"time_varying={{{term!r}: {cuts[1:].tolist() or [12]}}}",
        )
    return Effect(term, cuts, None, "")


def _expanded(
    base: Design, effects: tuple[Effect, ...], x: np.ndarray, start: np.ndarray, stop: np.ndarray
) -> tuple[np.ndarray, tuple[str, ...], dict[str, slice]]:
    """Columns, names and terms: steps stand in the place of their term, x * g(t) comes after it."""
    chosen = {effect.term: effect for effect in effects}
    blocks: list[np.ndarray] = []
    names: list[str] = []
    terms: dict[str, slice] = {}

    def add(term: str, block: np.ndarray, columns: list[str]) -> None:
        terms[term] = slice(len(names), len(names) + len(columns))
        names.extend(columns)
        blocks.append(block)

    for term, at in base.terms.items():
        effect, columns = chosen.get(term), base.columns[at]
        if effect is None or effect.function is not None:
            add(term, x[:, at], list(columns))
        if effect is not None:
            name = term if effect.function is None else f"{term}:{effect.name}(t)"
            add(name, effect.block(x[:, at], start, stop), effect.names(columns))
    return np.concatenate(blocks, axis=1), tuple(names), terms


def _refuse_too_many(y: Survival, cuts: np.ndarray) -> None:
    entered = 0 if y.entry is None else np.searchsorted(cuts, y.entry, side="right")
    n = int((np.searchsorted(cuts, y.time, side="left") - entered + 1).sum())
    if n > MOST_EPISODES:
        raise DataError(
            f"would cut {counted(len(y), 'row')} into {n:,} episodes, one for each event time",
            argument="time_varying",
            expected=f"at most {MOST_EPISODES:,} episodes",
            remedy="time_varying={...: [12, 24, 60]}, with steps instead of a function of time",
        )
