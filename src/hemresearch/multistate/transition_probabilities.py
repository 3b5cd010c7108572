"""The probability of being in each state later, given the state at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from ..errors import warn
from ..options import ConfType, Missing, check_choice, check_conf_level
from ..outcomes_multistate import read_multistate
from ..results import Curves, curves_frame
from .process import (
    METHOD,
    NAMES,
    Process,
    StateVariance,
    all_counts,
    checked_start_time,
    checked_state_variance,
    curve_counts,
    initial_places,
    key_levels,
    of_group,
    probabilities_from,
    processes,
    starting_in,
    state_parts,
    warn_if_state_emptied,
    with_facts,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..columns import Column, Columns
    from ..outcomes_multistate import Stays
    from .transitions import Transitions

ProbabilityMethod = Literal["markov", "landmark"]
METHODS = {"markov": METHOD, "landmark": f"landmark {METHOD}"}
QUANTITY = "transition probability"


def transition_probabilities(
    rows: Any,
    transitions: Transitions,
    *,
    id: Column = "id",
    from_state: Column = "from_state",
    to_state: Column = "to_state",
    entry: Column = "entry",
    time: Column = "time",
    event: Column = "event",
    initial: str | Sequence[str] | None = None,
    by: Columns = None,
    weights: Column | None = None,
    cluster: Column | None = None,
    start_time: float = 0.0,
    method: ProbabilityMethod = "markov",
    variance: StateVariance = "aalen",
    conf_level: float = 0.95,
    conf_type: ConfType = "log-log",
    missing: Missing = "raise",
) -> Curves:
    """Probability of being in each state at t, for those who are in a given state at `start_time`.

    P_hj(s, t) is the element of prod over times u in (s, t] of (I + dA(u)), where dA_hj(u) is the number of
    moves from h to j at u over the number in h just before u (Aalen-Johansen). By the "markov" method all
    patients count in dA, however they came to their state: the past does not matter then. By the "landmark"
    method only those count who are in h at s, so that it may.

    Parameters
    ----------
    rows
        One row per patient, stay and possible move, as `from_wide` and `from_rows` make them.
    transitions
        The states and moves.
    id, from_state, to_state, entry, time, event
        The columns of `rows`.
    initial
        The state at `start_time`, or several; None for every state that can be left.
    by
        One or several columns; separate curves for each combination that occurs.
    weights
        Case weights: weight 2 is two patients.
    cluster
        Groups of related patients for `variance="ij"`.
    start_time
        The time s at which the state is known; what happens at s itself has happened.
    method
        "markov", or "landmark" (Putter and Spitoni) where the course may depend on the past.
    variance
        "aalen" or "greenwood" (for Markov processes, as R's mstate), or "ij": the infinitesimal jackknife
        over patients or clusters, which holds without that.
    conf_level, conf_type, missing
        As in `occupation`.

    Returns
    -------
    Curves
        With the columns `from_state` and `state`, and a first row at `start_time`. `n_risk` counts who is in
        the state, of all (or of those in `from_state` at the landmark). Times are from the same zero as in
        the data.

    Raises
    ------
    DataError
        As `occupation`; for an unknown state, a start at or after the last follow-up, and a landmark at
        which nobody is in the state.

    Warns
    -----
    DataWarning
        As `occupation`; for a state in which nobody is seen after `start_time`: by the "markov" method, as in
        R's mstate, its curves stay where they begin.

    References
    ----------
    Aalen OO, Johansen S. Scand J Stat 1978;5:141-150. Putter H, Spitoni C. Stat Methods Med Res
    2018;27:2081-2092. de Wreede LC, Fiocco M, Putter H. Comput Methods Programs Biomed 2010;99:261-274.

    Examples
    --------
    >>> import polars as pl
    >>> import hemresearch as hem
    >>> model = hem.multistate.Transitions({"MGUS": ["malignancy", "death"], "malignancy": ["death"]})
    >>> rows = hem.multistate.from_wide(
    ...     hem.data.load("mgus2"), model, id="id", same_time=0.5,
    ...     times={"malignancy": "ptime", "death": "futime"},
    ...     events={"malignancy": "pstat", "death": "death"},
    ... )
    >>> after = hem.multistate.transition_probabilities(rows, model, initial="malignancy", start_time=60)
    >>> after.at(120).select("from_state", "state", pl.col("estimate").round(3)).rows()
    [('malignancy', 'MGUS', 0.0), ('malignancy', 'malignancy', 0.086), ('malignancy', 'death', 0.914)]
    """
    y = read_multistate(
        rows, transitions, id=id, from_state=from_state, to_state=to_state, entry=entry, time=time,
        event=event, by=by, weights=weights, cluster=cluster, missing=missing,
    ).stays()  # fmt: skip
    curves = probabilities_between(
        y, transitions, initial=initial, start_time=start_time, method=method, variance=variance,
        conf_level=conf_level, conf_type=conf_type,
    )  # fmt: skip
    for one in processes(transitions, y):
        _warn_if_unseen(one, initial_places(transitions, initial), curves.start_time)
    return curves


def probabilities_between(
    y: Stays,
    transitions: Transitions,
    *,
    initial: str | Sequence[str] | None,
    start_time: float,
    method: ProbabilityMethod,
    variance: StateVariance,
    conf_level: float,
    conf_type: ConfType,
) -> Curves:
    """The same of stays that were read."""
    check_conf_level(conf_level)
    check_choice(conf_type, ConfType, argument="conf_type")
    check_choice(method, ProbabilityMethod, argument="method")
    s, kind = checked_start_time(y, start_time), checked_state_variance(y, variance)
    states = initial_places(transitions, initial)
    groups = processes(transitions, y)
    begun = [_begun(one, state, s, method) for one in groups for state in states]
    parts = []
    for process, state in zip(begun, states * len(groups), strict=True):
        row = starting_in(transitions, state)
        estimated = probabilities_from(process, row, kind, estimated_start=False)
        parts += state_parts(process, *estimated, s, conf_type, conf_level)
    names = pl.Series(transitions.states, dtype=transitions.state_type)
    size = len(names)
    keys = pl.DataFrame(
        {"from_state": names[np.repeat(states, size)], "state": names[np.tile(range(size), len(states))]}
    )
    levels = key_levels(y, keys)
    frame, starts = curves_frame(levels, parts)
    return Curves(
        **with_facts(
            y, conf_level=conf_level, conf_type=conf_type, variance=NAMES[kind], method=METHODS[method]
        ),
        frame=frame,
        groups_frame=curve_counts(levels, begun, parts),
        starts=starts,
        quantity=QUANTITY,
        start_time=s,
        patients=all_counts([one.from_time(s) for one in groups], y.take(y.time > s)),
    )


def _begun(process: Process, state: int, start_time: float, method: str) -> Process:
    """What estimates the course of those who are in a state at a time."""
    if method == "landmark":
        return process.of_those_in(state, start_time)
    after = process.from_time(start_time)
    warn_if_state_emptied(after)
    return after


def _warn_if_unseen(process: Process, states: list[int], start_time: float) -> None:
    """Say so where nothing is known of those in a state, whose curves then stay where they begin."""
    later = process.stays.state[process.stays.time > start_time]
    for state in (one for one in states if one not in later):
        if (name := process.model.states[state]) not in process.model.absorbing:
            warn(
                f"nobody{of_group(process.stays)} is seen in {name!r} after {start_time:g}: nothing is known "
                "of what follows, and its curves stay where they begin",
                argument="initial",
                expected="states in which somebody is seen after start_time",
                remedy="initial=[...] with the other states, or an earlier start_time",
            )
