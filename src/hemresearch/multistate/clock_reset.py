"""Probabilities of states by simulation, where hazards go by the time since entry into a state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .. import formats
from ..errors import DataError
from ..numerics.clock_reset import Paths, StateExit, simulate_paths, state_exit
from ..results import Curves, Estimates
from .transition_predict import probabilities_of, state_counts, wanted_times

if TYPE_CHECKING:
    from .transition_predict import Variance
    from .transition_predict_patients import Path, Patient, Predictor, Question

N_TIMES = 101
MC_ERROR = (pl.col("estimate") * (1 - pl.col("estimate"))).sqrt()


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedCurves(Curves):
    """Shares of simulated paths, with their Monte-Carlo standard error in the column `mc_error`.

    How far the estimated hazards are from the true ones is not known: `std_error` and the limits are null.
    """

    n_simulated: int = 0

    def at(self, times: Any, *, extend: bool = False) -> pl.DataFrame:
        """The shares at given times, as of any curves, and their Monte-Carlo standard errors."""
        found = Curves.at(self, times, extend=extend)
        return found.with_columns(mc_error=MC_ERROR / self.n_simulated**0.5)

    def text(self, at: float | None = None, *, label: str | None = None, unit: str | None = None) -> str:
        """A sentence of the shares at a time, as of any curves, without limits."""
        told = Curves.text(self, at, label=label, unit=unit)
        return told.replace(f" ({formats.level(self.conf_level)} CI {formats.MISSING})", "")

    def methods(self) -> str:
        """A sentence for the methods section: the simulation and its error."""
        return (
            f"{self.quantity[:1].upper()}{self.quantity[1:]} ({self.event} by {self.time}) was estimated by "
            f"{self.method}; no limits are given."
        )

    def __repr__(self) -> str:
        lines = Curves.__repr__(self).splitlines()
        return "\n".join([*lines[:-1], "no limits: the error of the estimated hazards is not known"])

    def _repr_line(self, row: dict[str, Any]) -> str:
        label = ", ".join(f"{k}={row[k]}" for k in self.keys)
        return f"  {label}: at {formats.significant(row['time'])}: {formats.significant(row['estimate'])}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SimulatedStays(Estimates):
    """Mean times of simulated paths in states, with their Monte-Carlo standard error in place of limits."""

    def text(self, *, decimals: int = 2) -> str:
        """A sentence with every mean time."""
        rows = self.frame.iter_rows(named=True)
        parts = [self._label(row) + formats.number(row["estimate"], decimals) for row in rows]
        return f"{self.name}: {'; '.join(parts)}"

    def methods(self) -> str:
        """A sentence for the methods section: the simulation and its error."""
        worst = formats.significant(float(self.frame["mc_error"].to_numpy().max()))
        return (
            f"{self.name[:1].upper()}{self.name[1:]} was estimated by {self.method}, Monte-Carlo standard "
            f"error up to {worst}; the error of the estimated hazards is not known, and no limits are given."
        )

    def __repr__(self) -> str:
        lines = Estimates.__repr__(self).splitlines()
        return "\n".join(
            [*lines[:-1], f"no limits: the error of the estimated hazards is not known; {self.method}"]
        )


def simulated_curves(
    p: Predictor,
    question: Question,
    states: list[int],
    times: Any,
    path: Path,
    variance: Variance,
    level: float,
) -> SimulatedCurves:
    """The share of simulated paths in each state."""
    _check_options(path, variance)
    wanted = wanted_times(times, question.start, p.last, np.linspace(question.start, p.last, N_TIMES))
    stays = p.rows.stays()
    parts = []
    for patient in p.patients:
        for state in states:
            share = _simulated(p, patient, state, question, wanted).share
            unknown = np.full(len(wanted), np.nan)
            parts += [
                {
                    "time": wanted,
                    **state_counts(stays, s, wanted),
                    "estimate": share[:, s],
                    "std_error": unknown,
                    "conf_low": unknown,
                    "conf_high": unknown,
                }
                for s in range(len(p.states))
            ]
    n = question.n_simulated
    worst = max(float(np.sqrt(part["estimate"] * (1 - part["estimate"]) / n).max()) for part in parts)
    method = f"{p.fit.method}; {n:,} simulated paths, Monte-Carlo standard error up to {worst:.2g}"
    shared = probabilities_of(p, states, parts, question, level, "none", method, "unknown")
    shared["frame"] = shared["frame"].with_columns(mc_error=MC_ERROR / n**0.5)
    return SimulatedCurves(**shared, n_simulated=n)


def simulated_stays(
    p: Predictor, question: Question, states: list[int], tau: float
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Mean times in the states, and their Monte-Carlo standard errors."""
    found = [
        _simulated(p, patient, state, question, np.array([tau])) for patient in p.patients for state in states
    ]
    return [(paths.stay, np.sqrt(paths.stay_variance / question.n_simulated)) for paths in found]


def _check_options(path: Path, variance: Variance) -> None:
    """What a simulation does not have."""
    if path.given:
        raise DataError(
            "was given with the clock reset, where covariates of simulated paths stay as they are",
            argument="id",
            expected="one row per patient",
            remedy="transition_cox(..., clock='forward') for a path of covariates",
        )
    if variance != "delta":
        raise DataError(
            f"{variance!r} was given with the clock reset, whose probabilities are simulated",
            argument="variance",
            expected="no choice of the variance",
            remedy="transition_cox(..., clock='forward')",
        )


def _simulated(p: Predictor, patient: Patient, state: int, question: Question, times: np.ndarray) -> Paths:
    """The paths of one patient."""
    exits = _exits(p, patient)
    n = _checked_number(question.n_simulated)
    own = exits[state]
    if own is not None and question.stayed and _survival(own, question.stayed) <= 0:
        raise DataError(
            f"is {question.stayed:g}, and by the fit nobody stays in {p.states[state]!r} for so long",
            argument="stayed",
            expected="a duration that can be survived in the state",
            remedy="stayed=0",
        )
    rng = np.random.default_rng(question.seed)
    return simulate_paths(exits, state, question.start, question.stayed, times, n, rng)


def _survival(leaving: StateExit, duration: float) -> float:
    place = int(np.searchsorted(leaving.duration, duration, side="right"))
    return float(np.append(1.0, leaving.survival)[place])


def _exits(p: Predictor, patient: Patient) -> list[StateExit | None]:
    """How each state is left; None for those that are not."""
    exits: list[StateExit | None] = []
    for s in range(len(p.states)):
        moves = np.flatnonzero(p.origin == s)
        bases = [p.model.bases[patient.code[k]] for k in moves]
        if not sum(len(base.time) for base in bases):
            exits.append(None)
            continue
        times = [base.time for base in bases]
        jumps = [patient.risk[0, k] * np.diff(base.hazard) for k, base in zip(moves, bases, strict=True)]
        exits.append(state_exit(times, jumps, p.target[moves]))
    return exits


def _checked_number(n: Any) -> int:
    if isinstance(n, int | np.integer) and not isinstance(n, bool) and n >= 100:
        return int(n)
    raise DataError(
        f"{n!r} was given",
        argument="n_simulated",
        expected="a whole number of paths, 100 or more",
        remedy="n_simulated=10_000",
    )
