"""Hazards, probabilities of states and times in them for new patients, from a Cox regression of all moves."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import polars as pl

from ..errors import DataError, warn
from ..numerics.cox_hazard import predicted_hazard
from ..numerics.intervals import hazard_limits, normal_quantile, probability_limits
from ..numerics.multistate_prediction import (
    Jumps,
    mstate_probabilities,
    state_probabilities,
    state_times,
)
from ..numerics.ties import as_known
from ..options import ConfType, check_choice, check_conf_level, check_number, check_times
from ..regression.cox_predict import EVER, curves_of
from ..results import Curves, Estimates, curves_frame
from .transition_predict_patients import Path, Predictor, checked_question, from_states, predictor

if TYPE_CHECKING:
    from ..outcomes_multistate import MultiState, Stays
    from .transition_cox_fit import TransitionCoxFit
    from .transition_predict_patients import Patient, Question

Variance = Literal["delta", "aalen", "greenwood"]
CERTAIN = 1 + 1e-9  # a hazard of leaving at one time that is more than this is more than a probability
NEGLIGIBLE = 0.01  # a probability of being in a state, when it does not matter how that is left
QUANTITY = "transition probability"


def hazard_curves(
    fit: TransitionCoxFit, new_data: Any, by: Any, conf_level: float | None, conf_type: str
) -> Curves:
    """The cumulative hazards of all moves."""
    level = fit.conf_level if conf_level is None else check_conf_level(conf_level)
    check_choice(conf_type, ConfType, argument="conf_type")
    p = predictor(fit, new_data, by, Path(), "a predicted hazard")
    y, parts, labels = p.model.y, [], []
    for i, patient in enumerate(p.patients):
        for k in range(len(p.origin)):
            own = y.take(cast("MultiState", y).transition == k + 1)
            base = p.model.bases[patient.code[k]]
            start = np.zeros(len(own)) if own.entry is None else own.entry
            times = np.union1d(base.time, own.time)
            hazard, error = predicted_hazard(
                base, patient.x[:, k], np.log(patient.risk[:, k]), *EVER, times, p.model.cov
            )
            low, high = hazard_limits(hazard, error, conf_type, level)
            counts = _counts(start, own.time, own.event, ~own.event, own.weight, times)
            ends = {"estimate": hazard, "std_error": error, "conf_low": low, "conf_high": high}
            parts.append({"time": times, **counts, **ends})
            labels.append((i, k))
    moves = [k for _, k in labels]
    levels = _labelled(p, [i for i, _ in labels], from_state=p.origin[moves], to_state=p.target[moves])
    curves = curves_of(p.model, levels, parts, "cumulative hazard", level, conf_type, "prediction from a")
    return replace(curves, by=tuple(p.labels.columns), method=f"prediction from a {fit.name} ({fit.method})")


def probability_curves(
    fit: TransitionCoxFit,
    new_data: Any,
    question: Question,
    times: Any,
    by: Any,
    path: Path,
    variance: Variance,
    conf_level: float | None,
    conf_type: str,
) -> Curves:
    """Probabilities of the states, from each state asked about."""
    level = fit.conf_level if conf_level is None else check_conf_level(conf_level)
    check_choice(conf_type, ConfType, argument="conf_type")
    check_choice(variance, Variance, argument="variance")
    p = predictor(fit, new_data, by, path, "a prediction")
    question = checked_question(p, question)
    states = from_states(p, question.from_state)
    if fit.clock == "reset":
        from .clock_reset import simulated_curves

        return simulated_curves(p, question, states, times, path, variance, level)
    stays = p.rows.stays()
    parts, sure = [], list[float]()
    for patient in p.patients:
        _check_path(patient, question.start)
        every = p.jumps(patient, question.start)
        end = min(p.last, float(patient.stop[-1]))
        wanted = wanted_times(times, question.start, end, every.time)
        jumps = every.until(wanted[-1])
        grid = np.concatenate([[question.start], jumps.time])
        for state in states:
            found = _probabilities(jumps.capped(), state, variance)
            sure += _certain(jumps, found[0])
            at = np.searchsorted(grid, wanted, side="right") - 1
            parts += [
                _part(stays, s, wanted, found[0][at, s], found[1][at, s], level, conf_type)
                for s in range(len(p.states))
            ]
    _warn_certain(sure)
    how = "" if variance == "delta" else f", {variance} variance of mstate"
    method = f"{fit.method}{how}"
    return Curves(**probabilities_of(p, states, parts, question, level, conf_type, method, fit.variance))


def _check_path(patient: Patient, start: float) -> None:
    """Refuse a path of covariates that does not hold the start."""
    begin, end = float(patient.start[0]), float(patient.stop[-1])
    if not begin <= start < end:
        raise DataError(
            f"and time make up a path from {begin:g} to {end:g}, and start={start:g} is not on it",
            argument="entry",
            expected="covariates that are known from `start` on",
            remedy=f"start={begin:g}",
        )


def _probabilities(jumps: Jumps, state: int, variance: Variance) -> tuple[np.ndarray, np.ndarray]:
    if variance == "delta":
        return state_probabilities(jumps, state)
    return mstate_probabilities(jumps, state, after=variance == "aalen")


def _certain(jumps: Jumps, probability: np.ndarray) -> list[float]:
    """When the hazard of a state in which the patient may well be first exceeded 1."""
    reached = (jumps.leaving() > CERTAIN) & (probability[:-1] > NEGLIGIBLE)
    return jumps.time[reached.any(axis=1)][:1].tolist()


def _warn_certain(times: list[float]) -> None:
    if times:
        warn(
            f"the hazard of leaving a state jumps by more than 1 at time {min(times):g}, where few are at "
            "risk and the patient's hazard is high: there it is taken as certain that the state is left",
            argument="new_data",
            expected="patients like those of the fit, at times at which many were at risk",
            remedy=f"times=[...] (or tau) before {min(times):g}",
        )


def _part(
    stays: Stays,
    state: int,
    times: np.ndarray,
    probability: np.ndarray,
    variance: np.ndarray,
    level: float,
    conf_type: str,
) -> dict[str, np.ndarray]:
    """The columns of one curve: counts of the data in its state, and the probability with its limits."""
    error = np.sqrt(np.maximum(variance, 0.0))
    low, high = probability_limits(probability, error, conf_type, level)
    ends = {"estimate": probability, "std_error": error, "conf_low": low, "conf_high": high}
    return {"time": times, **state_counts(stays, state, times), **ends}


def probabilities_of(
    p: Predictor,
    states: list[int],
    parts: list[dict[str, np.ndarray]],
    question: Question,
    level: float,
    conf_type: str,
    method: str,
    variance: str,
) -> dict[str, Any]:
    """The fields of curves: of the patients, the states they are in first, and those they are in later."""
    fit = p.fit
    levels = _of_states(p, states)
    frame, starts = curves_frame(levels, parts)
    counts = pl.DataFrame(
        {"n": fit.n, **{c: [float(part[c].sum()) for part in parts] for c in ("n_event", "n_censor")}}
    )
    return {
        "frame": frame,
        "groups_frame": pl.concat([levels, counts.select("n", "n_event", "n_censor")], how="horizontal"),
        "starts": starts,
        "quantity": QUANTITY,
        "by": tuple(p.labels.columns),
        "time": p.rows.names["time"],
        "event": p.rows.names["event"],
        "conf_level": level,
        "conf_type": conf_type,
        "variance": variance,
        "method": f"prediction from a {fit.name} ({method})",
        "n_dropped": fit.n_dropped,
        "time_unit": fit.time_unit,
        "start_time": question.start,
        "patients": pl.DataFrame({"n": [fit.n], "n_event": [fit.n_event], "n_censor": [_n_censored(p.rows)]}),
        "predicted": True,
    }


def _n_censored(rows: MultiState) -> int:
    """How many patients were last seen in a state that can be left."""
    return int((~rows.stays().event).sum())


def lengths_of_stay(
    fit: TransitionCoxFit, new_data: Any, question: Question, tau: float, by: Any, conf_level: float | None
) -> Estimates:
    """Mean times in the states until tau."""
    level = fit.conf_level if conf_level is None else check_conf_level(conf_level)
    p = predictor(fit, new_data, by, Path(), "a length of stay")
    question = checked_question(p, question)
    what = "a time after `start`, within the follow-up"
    tau = check_number(tau, argument="tau", above=question.start, expected=what, example=p.last)
    if tau > p.last:
        raise DataError(
            f"{tau:g} is after the last follow-up, at {p.last:g}",
            argument="tau",
            expected="a horizon up to which patients were followed",
            remedy=f"tau={p.last:g}",
        )
    states = from_states(p, question.from_state)
    if fit.clock == "reset":
        from .clock_reset import simulated_stays

        return _stay_table(p, states, simulated_stays(p, question, states, tau), question, tau, level)
    return _stay_table(p, states, _stays(p, question.start, states, tau), question, tau, level)


def _stays(p: Predictor, start: float, states: list[int], tau: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """Mean times in the states and their standard errors."""
    tables, sure = [], list[float]()
    for patient in p.patients:
        jumps = p.jumps(patient, start).until(tau)
        for state in states:
            mean, spread = state_times(jumps.capped(), state, start, tau)
            sure += _certain(jumps, state_probabilities(jumps.capped(), state)[0])
            tables.append((mean, np.sqrt(spread)))
    _warn_certain(sure)
    return tables


def _stay_table(
    p: Predictor,
    states: list[int],
    tables: list[tuple[np.ndarray, np.ndarray]],
    question: Question,
    tau: float,
    level: float,
) -> Estimates:
    fit = p.fit
    estimate, error = (np.concatenate([table[i] for table in tables]) for i in (0, 1))
    half = normal_quantile(level) * error
    numbers = {"estimate": estimate, "std_error": error}
    numbers |= {"conf_low": np.maximum(estimate - half, 0.0),
                "conf_high": np.minimum(estimate + half, tau - question.start)}  # fmt: skip
    method = f"area under the probabilities of a {fit.name} ({fit.method}), delta method"
    result: type[Estimates] = Estimates
    if fit.clock == "reset":
        from .clock_reset import SimulatedStays

        result = SimulatedStays
        numbers = {"estimate": estimate, "mc_error": error}
        method = f"the mean of {question.n_simulated:,} simulated paths of a {fit.name} ({fit.method})"
    frame = _of_states(p, states).with_columns(
        pl.Series(name, values).fill_nan(None) for name, values in numbers.items()
    )
    return result(
        frame=frame,
        name=f"mean time in state from {question.start:g} to {tau:g}",
        method=method,
        conf_level=level,
        n=fit.n,
        n_event=fit.n_event,
        n_dropped=fit.n_dropped,
        time_unit=fit.time_unit,
    )


def wanted_times(times: Any, start: float, end: float, known: np.ndarray) -> np.ndarray:
    """The times of the curves: the start, and those asked for or else those of moves until the end."""
    if times is None:
        return np.unique(np.concatenate([[start], known[known <= end], [end]]))
    ends = np.unique([start, *known[known <= end], end])
    wanted = np.unique(as_known(check_times(times), ends))
    if wanted[0] < start or wanted[-1] > end:
        raise DataError(
            f"are not all between {start:g} and {end:g}, the start and the end of what is known",
            argument="times",
            expected="times from the start until the last follow-up (or the end of the path)",
            remedy=f"times=[{end:g}]",
        )
    return np.union1d([start], wanted)


def _of_states(p: Predictor, states: list[int]) -> pl.DataFrame:
    """A row for each patient, state at the start and later state."""
    n, n_states = len(p.patients), len(p.states)
    return _labelled(
        p,
        np.repeat(np.arange(n), len(states) * n_states).tolist(),
        from_state=np.tile(np.repeat(states, n_states), n),
        state=np.tile(np.arange(n_states), n * len(states)),
    )


def _labelled(p: Predictor, patients: list[int], **states: np.ndarray) -> pl.DataFrame:
    """The labels of patients, and columns of states by their places."""
    dtype = pl.Enum(p.states)
    named = pl.DataFrame([pl.Series(k, [p.states[s] for s in v], dtype=dtype) for k, v in states.items()])
    return pl.concat([p.labels[patients], named], how="horizontal") if p.labels.width else named


def state_counts(stays: Stays, state: int, times: np.ndarray) -> dict[str, np.ndarray]:
    """In the data: who is in a state just before each time, and who came into it or was last seen in it.

    The latter since the time before.
    """
    inside, enters = stays.state == state, stays.next_state == state
    start = np.zeros(len(stays)) if stays.entry is None else stays.entry
    weight = np.ones(len(stays)) if stays.weight is None else stays.weight
    risk = _counts(
        start[inside], stays.time[inside], ~stays.event[inside], ~stays.event[inside], weight[inside], times
    )
    return risk | {"n_event": _since(stays.time[enters], weight[enters], times)}


def _counts(
    start: np.ndarray,
    stop: np.ndarray,
    event: np.ndarray,
    censored: np.ndarray,
    weight: np.ndarray | None,
    times: np.ndarray,
) -> dict[str, np.ndarray]:
    """At risk just before each time, and events and censorings since the time before."""
    w = np.ones(len(stop)) if weight is None else weight
    at_risk = _before(start, w, times) - _before(stop, w, times)
    return {
        "n_risk": at_risk,
        "n_event": _since(stop[event], w[event], times),
        "n_censor": _since(stop[censored], w[censored], times),
    }


def _before(values: np.ndarray, weight: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The weight of the values below each time."""
    order = np.argsort(values)
    total = np.concatenate([[0.0], np.cumsum(weight[order])])
    return total[np.searchsorted(values[order], times, side="left")]


def _since(values: np.ndarray, weight: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The weight of the values after the time before, up to each time."""
    order = np.argsort(values)
    total = np.concatenate([[0.0], np.cumsum(weight[order])])
    return np.diff(total[np.searchsorted(values[order], times, side="right")], prepend=0.0)
