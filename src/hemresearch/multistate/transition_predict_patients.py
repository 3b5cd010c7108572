"""New patients as a Cox regression of all moves has them: their hazards, and what is asked about them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import polars as pl

from ..errors import DataError, listed
from ..numerics.multistate_prediction import Jumps
from ..numerics.ties import as_known
from ..options import check_number, suggestion
from ..regression.cox_predict import curve_names, model_of, new_rows, paths_of, places_in
from .transition_cox_design import labelled
from .transition_cox_fit import BASELINE

if TYPE_CHECKING:
    from ..outcomes_multistate import MultiState
    from ..regression.cox_predict import Model
    from .transition_cox_design import TransitionDesign
    from .transition_cox_fit import TransitionCoxFit


@dataclass(frozen=True, slots=True)
class Question:
    """Who is asked about: when the patient is in which state, and how paths are simulated."""

    start: float
    from_state: str | None
    stayed: float
    n_simulated: int
    seed: int | None


@dataclass(frozen=True, slots=True)
class Path:
    """The columns that make several rows of new data one patient's path."""

    id: Any = None
    entry: Any = None
    time: Any = None

    @property
    def given(self) -> bool:
        """Whether any of them was named."""
        return not (self.id is None and self.entry is None and self.time is None)


@dataclass(frozen=True, slots=True, eq=False)
class Patient:
    """The hazards of one patient: along pieces (start, stop], for each move its covariates and risk.

    `x` are standardised covariates (pieces x moves x columns), `risk` exp(x'b); `code` is the stratum of each
    move.
    """

    start: np.ndarray
    stop: np.ndarray
    x: np.ndarray
    risk: np.ndarray
    code: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Predictor:
    """A fit ready to predict, and the new patients with the labels that tell them apart."""

    fit: TransitionCoxFit
    model: Model
    rows: MultiState
    patients: tuple[Patient, ...]
    labels: pl.DataFrame
    origin: np.ndarray
    target: np.ndarray

    @property
    def states(self) -> tuple[str, ...]:
        """The names of the states."""
        return self.fit.transitions.states

    @property
    def last(self) -> float:
        """The end of follow-up."""
        return float(self.rows.time.max())

    def jumps(self, patient: Patient, start: float) -> Jumps:
        """The jumps of a patient's hazards after `start`, in order of time."""
        values, vectors = np.linalg.eigh(self.model.cov)
        root = vectors * np.sqrt(np.maximum(values, 0.0)) if len(values) else np.zeros((0, 1))
        parts = [self._of_move(patient, k, root) for k in range(len(self.origin))]
        time, move, hazard, own, slope = (
            np.concatenate([part[i] for part in parts]) for i in range(len(parts[0]))
        )
        before = [slope[(move == k) & (time <= start)].sum(axis=0) for k in range(len(self.origin))]
        source = patient.code[move]
        order = np.lexsort((move, source, time))
        order = order[time[order] > start]
        grid = np.unique(time[order])
        return Jumps(
            time=grid,
            begin=np.append(np.searchsorted(time[order], grid), len(order)),
            move=move[order],
            hazard=hazard[order],
            own=own[order],
            source=source[order],
            slope=np.ascontiguousarray(slope[order]),
            level=np.ascontiguousarray(before),
            origin=self.origin,
            target=self.target,
            n_states=len(self.states),
        )

    def _of_move(self, patient: Patient, k: int, root: np.ndarray) -> tuple[np.ndarray, ...]:
        """Time, move, hazard, own error and slope of the jumps of one move."""
        base = self.model.bases[patient.code[k]]
        piece = np.minimum(np.searchsorted(patient.stop, base.time, side="left"), len(patient.stop) - 1)
        risk = np.where(base.time > patient.start[0], patient.risk[piece, k], 0.0)
        grown, square = np.diff(base.hazard), np.diff(base.variance)
        mean = np.diff(base.weighted_mean, axis=0)
        slope = risk[:, None] * (patient.x[piece, k] * grown[:, None] - mean)
        move = np.full(len(base.time), k)
        return base.time, move, risk * grown, risk * np.sqrt(square), slope @ root


def predictor(fit: TransitionCoxFit, new_data: Any, by: Any, path: Path, what: str) -> Predictor:
    """The fit's baselines, and the new patients as it has them."""
    model = model_of(fit, what)
    design = cast("TransitionDesign", fit.design)
    frame = _new_rows(fit, new_data)
    if not path.given:
        _refuse_changing(fit, design)
    pieces = paths_of(frame, path.id, path.entry, path.time)
    first = frame[[int(rows[0]) for rows, _, _ in pieces]]
    names = curve_names(frame, first, by, {*design.base.request.roots, *fit.strata}, path.id)
    base = design.base.apply(frame) if design.base.columns else np.zeros((frame.height, 0))
    moves = fit.transitions.moves
    stratum = _strata(model, fit, frame)
    place = {state: i for i, state in enumerate(fit.transitions.states)}
    patients = []
    for rows, start, stop in pieces:
        every = np.tile(np.arange(len(moves)), len(rows))
        matrix = design.of_moves(np.repeat(base[rows], len(moves), axis=0), every)
        x, eta = model.standardized(matrix)
        shape = (len(rows), len(moves))
        patients.append(
            Patient(start, stop, x.reshape(*shape, -1), np.exp(eta).reshape(shape), stratum[rows[0]])
        )
    return Predictor(
        fit=fit,
        model=model,
        rows=cast("MultiState", fit.rows),
        patients=tuple(patients),
        labels=first.select(names),
        origin=np.array([place[a] for a, _ in moves]),
        target=np.array([place[b] for _, b in moves]),
    )


def _new_rows(fit: TransitionCoxFit, new_data: Any) -> pl.DataFrame:
    """The rows to predict for; a single one without columns where the fit needs none."""
    if new_data is None:
        needed = [*cast("TransitionDesign", fit.design).base.request.roots, *fit.strata]
        if not needed:
            return pl.DataFrame({"all": [0]})
        raise DataError(
            "no patients were given",
            argument="new_data",
            expected=f"a table with {listed(needed)}",
            remedy=f"new_data=pl.DataFrame({{{needed[0]!r}: [...]}})",
        )
    return new_rows(new_data, "patient")


def _strata(model: Model, fit: TransitionCoxFit, frame: pl.DataFrame) -> np.ndarray:
    """The stratum of each row and move."""
    absent = [name for name in fit.strata if name not in frame.columns]
    names = [labelled(move) for move in fit.transitions.moves]
    baseline = {r.move: r.reference for r in cast("TransitionDesign", fit.design).ratios}
    moves = pl.DataFrame({BASELINE: [names[baseline.get(k, k)] for k in range(len(names))]})
    every = frame.drop(BASELINE, strict=False).join(moves, how="cross", maintain_order="left")
    code = None if absent else places_in(model.y.stratum, every)
    if code is None or code.null_count():
        unknown = np.flatnonzero(code.is_null().to_numpy()) // len(names) if code is not None else ()
        raise DataError(
            "is not in the new data, and the fit has baseline hazards for each of its levels"
            if absent
            else "holds a stratum in which the fit has seen nobody at risk of some move",
            argument="new_data",
            column=[*absent, *fit.strata][0],
            rows=np.unique(unknown),
            expected=f"strata of the fit by {listed(fit.strata)}, with patients in every state",
            remedy="fit.y.stratum.levels, for the strata of the fit",
        )
    return code.to_numpy().astype(np.intp).reshape(frame.height, len(names))


def _refuse_changing(fit: TransitionCoxFit, design: TransitionDesign) -> None:
    """Refuse to take covariates for constant that changed along the stays of the fit."""
    rows = cast("MultiState", fit.rows)
    assert rows.patient is not None
    for term, at in design.base.terms.items():
        acts = np.zeros(len(rows), dtype=bool)
        for block in (b for b in design.blocks if b.term == term):
            acts |= design.acts(block.name)
        values = design.base.matrix[acts, at]
        _, first, patient = np.unique(rows.patient[acts], return_index=True, return_inverse=True)
        if (values != values[first][patient]).any():
            reset = fit.clock == "reset"
            raise DataError(
                f"{term!r} changes along the stays of a patient in the data of the fit, and what it will be "
                "is not said",
                argument="new_data",
                expected="covariates that stay as they are"
                + ("" if reset else ", or rows (entry, time] of a path"),
                remedy="a fit with the covariate as it was at the origin"
                if reset
                else "fit.predict(new_data, id='path', entry='start', time='stop')",
            )


def checked_question(p: Predictor, question: Question) -> Question:
    """The question, its start as the data have it; a start after all follow-up and odd options refused."""
    what = "a time of 0 or more, before the last follow-up"
    check_number(question.start, argument="start", at_least=0, below=p.last, expected=what, example=0)
    check_number(
        question.stayed, argument="stayed", at_least=0, expected="a duration of 0 or more", example=0
    )
    if p.fit.clock == "forward" and question.stayed:
        raise DataError(
            "was given, and with the clock forward it does not matter how long a patient has been in a state",
            argument="stayed",
            expected="0 with the clock forward",
            remedy="transition_cox(..., clock='reset')",
        )
    return replace(question, start=float(as_known(np.asarray(question.start), np.unique(p.rows.time))))


def from_states(p: Predictor, from_state: str | None) -> list[int]:
    """The states that the patients are in at the start."""
    leaving = sorted(set(p.origin.tolist()))
    if from_state is None:
        return leaving
    names = [p.states[s] for s in leaving]
    if from_state in names:
        return [p.states.index(from_state)]
    raise DataError(
        f"{from_state!r} is an absorbing state"
        if from_state in p.states
        else f"{from_state!r} is no state of the transitions",
        argument="from_state",
        expected=f"a state that can be left; {suggestion(str(from_state), names)}",
        remedy=f"from_state={names[0]!r}",
    )
