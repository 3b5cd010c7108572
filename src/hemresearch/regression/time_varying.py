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
from ..numerics.ties import round_ties
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
        return [f"{column} {span}" for span in self.spans() for column in columns]

    def spans(self) -> list[str]:
        """The periods between steps: `(0,90]`, `(90,∞)`."""
        edges = ["0", *(significant(c, 6) for c in self.cuts), "∞"]
        return [f"({a},{b}]" if b != "∞" else f"({a},∞)" for a, b in pairwise(edges)]

    def block(self, x: np.ndarray, start: np.ndarray, stop: np.ndarray, matters: np.ndarray) -> np.ndarray:
        """The columns of episodes (start, stop]; of a function, 0 where no event `matters` at the end."""
        if self.function is not None:
            g = np.zeros(len(stop))
            g[matters] = self._values(stop[matters])
            return x * g[:, None]
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
        return _expanded(self.base, self.effects, self.cuts, x, start, stop)[0]

    def holds(self, smaller: Design) -> bool:
        """Whether every effect that changes in a smaller model changes in this one, at least as freely."""
        wider = {effect.term: effect for effect in self.effects}
        narrower = smaller.effects if isinstance(smaller, TimeVaryingDesign) else ()
        return all(
            (found := wider.get(effect.term)) is not None
            and found.function is effect.function
            and np.isin(effect.cuts, found.cuts).all()
            for effect in narrower
        )

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
) -> tuple[Survival, Design]:
    """Rows cut where an effect changes, with the columns that change."""
    effects = _effects(design, time_varying)
    if not y.event.any():
        return y, design  # the fit refuses what has no events
    y, effects, cuts = _changes(y, effects)
    _refuse_too_many(y, cuts)
    begin = np.full(len(y), -1.0) if y.entry is None else y.entry  # at risk of an event at 0, too
    row, start, stop, is_last, _ = split_intervals(begin, y.time, cuts)
    patient = np.arange(len(y)) if y.patient is None else y.patient
    pieces = replace(y.take(row), entry=start, time=stop, event=y.event[row] & is_last, patient=patient[row])
    return pieces, _changing_design(design, effects, cuts, design.matrix[row], start, stop)


def at_own_ends(
    y: Survival, design: Design, time_varying: Mapping[str, Spec]
) -> tuple[Survival, TimeVaryingDesign]:
    """Rows that are not cut, with the columns as they are at the end of each; `episodes` has all others."""
    y, effects, cuts = _changes(y, _effects(design, time_varying))
    begin = np.nextafter(y.time, -np.inf)
    return y, _changing_design(design, effects, cuts, design.matrix, begin, y.time)


def _effects(design: Design, time_varying: Any) -> tuple[Effect, ...]:
    if not isinstance(time_varying, Mapping):
        raise DataError(
            f"a {type(time_varying).__name__} was given",
            argument="time_varying",
            expected="a dictionary from terms to how their effects change",
            remedy=f"time_varying={{{next(iter(design.terms), 'age')!r}: 'log'}}",
        )
    return tuple(_effect(design, term, spec) for term, spec in time_varying.items())


def _changes(y: Survival, effects: tuple[Effect, ...]) -> tuple[Survival, tuple[Effect, ...], np.ndarray]:
    """The effects and the times at which they change, rounded together with those of the rows."""
    y, effects = _rounded_together(y, effects)
    for effect in effects:
        _refuse_empty_periods(y, effect)
    cuts = np.unique(np.concatenate([e.cuts for e in effects]))
    if any(effect.function is not None for effect in effects):
        cuts = np.union1d(cuts, np.unique(y.time[y.event]))
    return y, effects, cuts


def _changing_design(
    design: Design,
    effects: tuple[Effect, ...],
    cuts: np.ndarray,
    x: np.ndarray,
    start: np.ndarray,
    stop: np.ndarray,
) -> TimeVaryingDesign:
    """The design of episodes (start, stop] with covariates x."""
    matrix, columns, terms = _expanded(design, effects, cuts, x, start, stop)
    return TimeVaryingDesign(
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


def _rounded_together(y: Survival, effects: tuple[Effect, ...]) -> tuple[Survival, tuple[Effect, ...]]:
    """Times and steps, where those that differ by rounding error only are one time."""
    n = len(y)
    times, entry = round_ties(np.concatenate([y.time, *(e.cuts for e in effects)]), y.entry)
    ends = np.cumsum([len(e.cuts) for e in effects])
    steps = np.split(times[n:], ends[:-1])
    rounded = tuple(replace(e, cuts=np.unique(cuts)) for e, cuts in zip(effects, steps, strict=True))
    return replace(y, time=times[:n], entry=entry), rounded


def _refuse_empty_periods(y: Survival, effect: Effect) -> None:
    """Refuse steps between which nothing happens: there is no effect to estimate."""
    period = np.searchsorted(effect.cuts, y.time[y.event], side="left")
    empty = np.flatnonzero(np.bincount(period, minlength=len(effect.cuts) + 1) == 0)
    if not (len(effect.cuts) and len(empty)):
        return
    fewer = np.delete(effect.cuts, min(int(empty[0]), len(effect.cuts) - 1)).tolist()
    raise DataError(
        f"no event happens in {effect.spans()[empty[0]]}, so the effect of {effect.term} there is unknown",
        argument="time_varying",
        expected="events in every period",
        remedy=f"time_varying={{{effect.term!r}: {fewer}}}" if fewer else "time_varying=None",
    )


def _expanded(
    base: Design,
    effects: tuple[Effect, ...],
    cuts: np.ndarray,
    x: np.ndarray,
    start: np.ndarray,
    stop: np.ndarray,
) -> tuple[np.ndarray, tuple[str, ...], dict[str, slice]]:
    """Columns, names and terms: steps stand in the place of their term, x * g(t) comes after it."""
    matters = cuts[np.minimum(np.searchsorted(cuts, stop), len(cuts) - 1)] == stop
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
            add(name, effect.block(x[:, at], start, stop, matters), effect.names(columns))
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
