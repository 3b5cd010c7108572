"""Cox regression of all moves of a multi-state process."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from ..columns import Groups, as_frame
from ..design import covariate_columns
from ..errors import DataError, counted
from ..model_design import model_design, warn_if_crowded
from ..numerics.ties import round_ties
from ..options import Missing, check_choice, check_conf_level
from ..outcomes_multistate import MultiState, read_multistate
from ..regression.cox import TIES, refuse_no_events
from ..regression.cox_solution import solve
from .transition_cox_design import (
    labelled,
    read_blocks,
    read_ratios,
    refuse_empty_blocks,
    transition_design,
)
from .transition_cox_fit import BASELINE, Clock, TransitionCoxFit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..columns import Column, Columns
    from ..design import Covariates
    from .transition_cox_design import Move
    from .transitions import Transitions

MoveTies = Literal["breslow", "efron"]
CLOCKS = {"forward": "clock forward", "reset": "clock reset at each entry into a state"}


def transition_cox(
    rows: Any,
    transitions: Transitions,
    covariates: Covariates | None = None,
    *,
    id: Column = "id",
    from_state: Column = "from_state",
    to_state: Column = "to_state",
    entry: Column = "entry",
    time: Column = "time",
    event: Column = "event",
    strata: Columns = None,
    shared: Sequence[str] | Mapping[str, list[Any]] | None = None,
    only: Mapping[str, list[Move]] | None = None,
    proportional: list[Any] | None = None,
    clock: Clock = "forward",
    weights: Column | None = None,
    cluster: Column | None = None,
    robust: bool | None = None,
    ties: MoveTies = "breslow",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> TransitionCoxFit:
    """Hazard ratios of covariates for every move between the states of a process, in one Cox regression.

    The hazard of the move from g to h of a patient with covariates x is h_gh(t) exp(x'b_gh): each move has a
    baseline of its own, and, unless told otherwise, effects of its own. Those who are in state g are at risk
    of all moves out of g. From the fit follow a patient's hazards and probabilities of being in each state.

    Parameters
    ----------
    rows
        One row per patient, stay and possible move, as `from_wide` and `from_rows` make them. Stays may be
        cut where a covariate changes.
    transitions
        The states and the moves between them.
    covariates
        A right-hand-side formula or a list of columns (see `hem.regression.cox`); None for baselines alone.
    id, from_state, to_state, entry, time, event
        The patient, the move of the row, when its stay began and ended, and whether it ended by this move.
    strata
        Columns whose combinations have baseline hazards of their own.
    shared
        Terms that have one effect on all moves, `["age"]`; or on some, `{"age": [("ill", "dead"), ("well",
        "dead")]}` (a list of such lists for several groups). A move is (from, to) or "from → to".
    only
        The moves that a term acts on, where it does not act on all: `{"donor": [("ill", "dead")]}`. A
        covariate that exists in some states only may have any number in the rows of the others.
    proportional
        Moves whose baseline hazards are proportional to that of the first: `[("well", "dead"), ("ill",
        "dead")]` (a list of such lists for several groups). The ratios are estimated with the effects.
    clock
        "forward": the hazards depend on the time since the origin (a Markov process). "reset": on the time
        since the state was entered, at 0 for the state in which patients begin (semi-Markov).
    weights
        Case weights: weight 2 is two patients.
    cluster
        Groups of related patients: their joint influence gives a robust variance.
    robust
        None (robust with clusters and non-integer weights), True (between patients) or False. Several moves
        of a patient need no robust variance where the model holds.
    ties
        "breslow", as for probabilities between states, or "efron".
    conf_level
        Level of the limits.
    missing
        "raise" names what is missing; "drop" leaves those rows out and counts them.

    Returns
    -------
    TransitionCoxFit
        With `.to_frame()`, `.text(term, move=)`, `.hazards(new)`, `.predict(new)`, `.length_of_stay(new)` and
        `.of_move(move)`; `hem.regression.ph_test` and `compare` take it. Terms are named `age: ill → dead`,
        or `age` with one effect on all moves.

    Raises
    ------
    DataError
        Rows that are no stays of the process, terms or moves that are not there, effects on moves that never
        happen or on which the covariate is the same for all, and, with the clock reset, patients whose stay
        began before they were seen; and what `hem.regression.cox` refuses.

    Warns
    -----
    DataWarning
        As `hem.regression.cox`: monotone likelihoods, more coefficients than events, few clusters.

    References
    ----------
    Andersen PK, Keiding N. Stat Methods Med Res 2002;11:91-115. Putter H, Fiocco M, Geskus RB. Stat Med
    2007;26:2389-2430. de Wreede LC, Fiocco M, Putter H. Comput Methods Programs Biomed 2010;99:261-274.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> process = hem.multistate.Transitions({"transplant": ["recovery", "event"], "recovery": ["event"]})
    >>> rows = hem.multistate.from_wide(
    ...     hem.data.load("ebmt3"), process, id="id", keep=["age", "dissub"],
    ...     times={"recovery": "prtime", "event": "rfstime"},
    ...     events={"recovery": "prstat", "event": "rfsstat"},
    ... )
    >>> fit = hem.multistate.transition_cox(rows, process, "age + dissub", shared=["dissub"])
    >>> fit.text("dissub[CML]")
    'hazard ratio of dissub[CML] 0.87 (95% CI 0.79–0.96), p=0.008'
    >>> hem.regression.contrast(fit.of_move("recovery → event"), {"age": ">40"}, {"age": "20-40"}).text()
    'hazard ratio of age >40 against 20-40: 1.79 (95% CI 1.43–2.23), p<0.001'
    >>> patient = pl.DataFrame({"age": [">40"], "dissub": ["AML"]})
    >>> curves = fit.predict(patient, from_state="transplant")
    >>> curves.at(365).select("state", pl.col("estimate", "std_error").round(4)).rows()
    [('transplant', 0.2539, 0.0189), ('recovery', 0.3738, 0.0178), ('event', 0.3723, 0.0189)]
    """
    check_choice(ties, MoveTies, argument="ties")
    check_choice(clock, Clock, argument="clock")
    check_conf_level(conf_level)
    frame = as_frame(rows)
    read = read_multistate(
        frame, transitions, id=id, from_state=from_state, to_state=to_state, entry=entry, time=time,
        event=event, strata=strata, weights=weights, cluster=cluster, missing=missing,
        covariates=None if covariates is None else covariate_columns(covariates, frame),
    )  # fmt: skip
    assert read.patient is not None
    refuse_no_events(read, "transitions.counts(rows), which counts the moves")
    _refuse_empty_states(read, transitions)
    base = model_design(read, covariates)
    move = read.transition - 1
    ratios, baseline = read_ratios(transitions, proportional)
    design = transition_design(base, move, read_blocks(transitions, base, shared, only), ratios)
    refuse_empty_blocks(transitions, design, read.event)
    warn_if_crowded(len(design.columns), int(read.event.sum()), "covariates", remedy="shared=[...]")
    timed = read if clock == "forward" else _since_entry(read)
    y = replace(timed, stratum=_baselines(read, transitions, baseline[move]))
    is_robust = replace(y, patient=None).uses_robust_variance(robust)
    solution = solve(y, design, ties=ties, ridge=None, robust=is_robust)
    return TransitionCoxFit(
        name="Cox regression of moves between states",
        method=f"{TIES[ties]}, {CLOCKS[clock]}",
        columns=design.columns,
        terms=design.terms,
        coef=solution.coef,
        cov=solution.cov,
        cov_model=solution.cov_model,
        variance="robust" if is_robust else "model-based",
        log_likelihood=solution.log_likelihood,
        log_likelihood_null=solution.log_likelihood_null,
        n=len(np.unique(read.patient)),
        n_event=int(read.event.sum()),
        conf_level=conf_level,
        ratio="hazard ratio",
        df=solution.df,
        n_dropped=read.n_dropped,
        time_unit=read.time_unit,
        design=design,
        ties=ties,
        y=y,
        transitions=transitions,
        clock=clock,
        rows=read,
        strata=read.stratum.names,
    )


def _refuse_empty_states(y: MultiState, transitions: Transitions) -> None:
    """Refuse states that can be left and in which nobody is: nothing is known of the moves out of them."""
    occupied = {transitions.states[place] for place in np.unique(y.from_state)}
    empty = [state for state, _ in transitions.moves if state not in occupied]
    if empty:
        raise DataError(
            f"has nobody in the state {empty[0]!r}, so nothing is known of the moves out of it",
            argument="from_state",
            column=y.names["from_state"],
            expected="patients in every state that can be left",
            remedy=f"Transitions({{...}}) in which {empty[0]!r} is not left, for these data",
        )


def _baselines(y: MultiState, transitions: Transitions, first: np.ndarray) -> Groups:
    """Groups of rows that share a baseline: by its move, and the strata."""
    names = np.array([labelled(move) for move in transitions.moves])
    n_strata = len(y.stratum)
    _, at, code = np.unique(first * n_strata + y.stratum.code, return_index=True, return_inverse=True)
    levels = pl.DataFrame({BASELINE: names[first[at]]})
    if y.stratum.names:
        levels = pl.concat([levels, y.stratum.levels[y.stratum.code[at]]], how="horizontal")
    return Groups(levels, code.astype(np.intp))


def _since_entry(y: MultiState) -> MultiState:
    """The rows with times since their state was entered; that of the state patients begin in at 0."""
    assert y.entry is not None
    assert y.patient is not None
    first = np.unique(y.stay, return_index=True)[1]
    moved = np.bincount(y.stay, y.event) > 0
    patient, state, start = y.patient[first], y.from_state[first], y.entry[first]
    begins = np.append(True, (patient[1:] != patient[:-1]) | moved[:-1])
    unseen = np.append(True, patient[1:] != patient[:-1]) & (start > 0)
    entered = {y.states.index(to) for _, to in y.moves}
    unknown = unseen & np.isin(state, list(entered))
    if unknown.any():
        raise DataError(
            f"is after 0 where {counted(int(unknown.sum()), 'patient')} are seen first, in a state that they "
            "moved into before: when is not known",
            argument="entry",
            column=y.names["entry"],
            rows=y.positions(unknown[y.stay]),
            expected="stays from the entry into their state on, for hazards by the time since then",
            remedy="clock='forward', or data.filter(...) without those stays",
        )
    since = np.where(unseen, 0.0, start)[np.maximum.accumulate(np.where(begins, np.arange(len(first)), 0))]
    time, entry = round_ties(y.time - since[y.stay], y.entry - since[y.stay])
    assert entry is not None
    return replace(y, time=time, entry=entry if entry.any() else None)
