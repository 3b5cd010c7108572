"""The probability of being in each state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from ..numerics.aalen_johansen import first_shares, move_times
from ..options import ConfType, Missing, check_choice, check_conf_level
from ..outcomes_multistate import read_multistate
from ..results import Curves, curves_frame
from ..survival.curve import observed_from
from .process import (
    METHOD,
    NAMES,
    Process,
    StateVariance,
    all_counts,
    checked_state_variance,
    curve_counts,
    key_levels,
    probabilities_from,
    processes,
    state_parts,
    warn_if_state_emptied,
    with_facts,
)

if TYPE_CHECKING:
    import numpy as np

    from ..columns import Column, Columns
    from .transitions import Transitions

QUANTITY = "state occupation"


def occupation(
    rows: Any,
    transitions: Transitions,
    *,
    id: Column = "id",
    from_state: Column = "from_state",
    to_state: Column = "to_state",
    entry: Column = "entry",
    time: Column = "time",
    event: Column = "event",
    by: Columns = None,
    weights: Column | None = None,
    cluster: Column | None = None,
    start_time: float | None = None,
    variance: StateVariance = "ij",
    conf_level: float = 0.95,
    conf_type: ConfType = "log-log",
    missing: Missing = "raise",
) -> Curves:
    """Probability of being in each state at each time, one curve per group and state.

    p(t) = p(0) prod over times s <= t of (I + dA(s)), where dA_hj(s) is the number of moves from h to j at s
    over the number in h just before s, and p(0) the share of each state among those under observation just
    before the first move (Aalen-Johansen). The probabilities of all states add up to 1. The estimate holds
    for processes with memory, too, if censoring does not depend on the past (Datta and Satten); so does the
    default standard error.

    Parameters
    ----------
    rows
        One row per patient, stay and possible move, as `from_wide` and `from_rows` make them.
    transitions
        The states and moves.
    id, from_state, to_state, entry, time, event
        The columns of `rows`.
    by
        One or several columns; separate curves for each combination that occurs.
    weights
        Case weights: weight 2 is two patients.
    cluster
        Groups of related patients (centre, pair) for `variance="ij"`.
    start_time
        Begin at this time, with those still observed then in the states in which they are.
    variance
        "ij": the infinitesimal jackknife over patients (or clusters), as R's `survfit`, to which it adds the
        variance of p(0); "greenwood" and "aalen" hold for Markov processes, as R's mstate has them.
    conf_level
        Level of the pointwise limits.
    conf_type
        Scale on which the limits of the probability are symmetric; undefined (null) at 0 except on the plain
        scale.
    missing
        "raise" names what is missing; "drop" leaves those rows out and counts them.

    Returns
    -------
    Curves
        With a `state` column, and a first row at the start. `n_risk` counts who is in the state, `n_event`
        who moves into it and `n_censor` whose observation ends in it. `.at(times)`, `.text(365)`, `.plot()`;
        `hem.plots.draw_stacked` stacks the states.

    Raises
    ------
    DataError
        For rows that are not those of stays and moves, a state or move that the transitions do not have,
        stays of one patient that overlap or do not follow each other, a start after the last follow-up, and
        fractional weights with a variance that counts patients.

    Warns
    -----
    DataWarning
        If all in a state have left it before others enter late in that state, or if a group of a clustered
        analysis has a single cluster.

    References
    ----------
    Aalen OO, Johansen S. Scand J Stat 1978;5:141-150. Datta S, Satten GA. Stat Probab Lett 2001;55:403-411.
    Andersen PK, Borgan O, Gill RD, Keiding N. Statistical Models Based on Counting Processes. Springer 1993.

    Examples
    --------
    >>> import hemresearch as hem
    >>> model = hem.multistate.Transitions({"MGUS": ["malignancy", "death"], "malignancy": ["death"]})
    >>> rows = hem.multistate.from_wide(
    ...     hem.data.load("mgus2"), model, id="id", same_time=0.5, keep=["sex"],
    ...     times={"malignancy": "ptime", "death": "futime"},
    ...     events={"malignancy": "pstat", "death": "death"},
    ... )
    >>> states = hem.multistate.occupation(rows, model, by="sex")
    >>> states.at(120).filter(sex="F").select("state", "estimate", "std_error")
    shape: (3, 3)
    ┌────────────┬──────────┬───────────┐
    │ state      ┆ estimate ┆ std_error │
    │ ---        ┆ ---      ┆ ---       │
    │ enum       ┆ f64      ┆ f64       │
    ╞════════════╪══════════╪═══════════╡
    │ MGUS       ┆ 0.445624 ┆ 0.020804  │
    │ malignancy ┆ 0.016993 ┆ 0.005611  │
    │ death      ┆ 0.537383 ┆ 0.020804  │
    └────────────┴──────────┴───────────┘
    """
    check_conf_level(conf_level)
    check_choice(conf_type, ConfType, argument="conf_type")
    y = read_multistate(
        rows, transitions, id=id, from_state=from_state, to_state=to_state, entry=entry, time=time,
        event=event, by=by, weights=weights, cluster=cluster, missing=missing,
    ).stays()  # fmt: skip
    y = y if start_time is None else observed_from(y, start_time)
    kind, start = checked_state_variance(y, variance), float(start_time or 0.0)
    groups = processes(transitions, y)
    parts = [part for one in groups for part in _occupied(one, kind, start, conf_type, conf_level)]
    levels = key_levels(
        y, pl.DataFrame({"state": pl.Series(transitions.states, dtype=transitions.state_type)})
    )
    frame, starts = curves_frame(levels, parts)
    return Curves(
        **with_facts(y, conf_level=conf_level, conf_type=conf_type, variance=NAMES[kind], method=METHOD),
        frame=frame,
        groups_frame=curve_counts(levels, groups, parts),
        starts=starts,
        quantity=QUANTITY,
        start_time=start,
        patients=all_counts(groups, y),
    )


def _occupied(
    process: Process, variance: str, start: float, conf_type: str, conf_level: float
) -> list[dict[str, np.ndarray]]:
    warn_if_state_emptied(process)
    y = process.stays
    assert y.entry is not None
    shares = first_shares(
        move_times(process.counts), y.state, y.entry, y.time, y.weight, len(process.model.states)
    )
    estimated = probabilities_from(process, shares, variance, estimated_start=True)
    return state_parts(process, *estimated, start, conf_type, conf_level)
