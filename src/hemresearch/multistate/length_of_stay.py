"""The mean time spent in each state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..errors import DataError
from ..formats import rounded_down
from ..numerics.aalen_johansen import MoveTimes, first_shares, move_times, state_probabilities
from ..numerics.intervals import normal_quantile
from ..numerics.restricted_mean import clustered_variance
from ..numerics.stay_lengths import markov_stay_variance, stay_influence, time_ahead
from ..numerics.ties import TOLERANCE
from ..options import Missing, check_conf_level, check_number
from ..outcomes_multistate import read_multistate
from ..results import Estimates
from ..survival.curve import group_size, observed_from, warn_if_one_cluster
from .process import (
    HAZARDS,
    NAMES,
    Process,
    StateVariance,
    checked_start_time,
    checked_state_variance,
    initial_places,
    key_levels,
    of_group,
    processes,
    starting_in,
    warn_if_state_emptied,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..columns import Column, Columns
    from ..outcomes_multistate import Stays
    from .transitions import Transitions


def length_of_stay(
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
    tau: float,
    start_time: float = 0.0,
    variance: StateVariance = "ij",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Estimates:
    """Mean time in each state between `start_time` and `tau`, one row per group and state.

    The area under the curve of `occupation`, or, with `initial`, under that of `transition_probabilities`
    of those who are in that state at `start_time` (the expected length of stay). In the unit of `time`; the
    times in all states add up to tau - start_time.

    Parameters
    ----------
    rows
        One row per patient, stay and possible move, as `from_wide` and `from_rows` make them.
    transitions
        The states and moves.
    id, from_state, to_state, entry, time, event
        The columns of `rows`.
    initial
        The state at `start_time`, or several; None for the states in which patients then are.
    by, weights, cluster, missing
        As in `occupation`.
    tau
        The horizon.
    start_time
        From when on time is counted.
    variance
        "ij": the infinitesimal jackknife over patients or clusters; "greenwood" and "aalen" hold for Markov
        processes.
    conf_level
        Level of the limits, which are normal, within 0 and tau - start_time.

    Returns
    -------
    Estimates
        The `by` columns, [`from_state`], `state`, `n` (patients of the group), `estimate`, `std_error`,
        `conf_low`, `conf_high`.

    Raises
    ------
    DataError
        As `transition_probabilities`; for a tau that is not after `start_time` or lies beyond the last
        follow-up of a group in which somebody could still move.

    Warns
    -----
    DataWarning
        As `occupation`.

    References
    ----------
    Beyersmann J, Putter H. Demogr Res 2014;30:1681-1696. Klein JP, Moeschberger ML. Survival Analysis, 2nd
    ed. Springer 2003, section 4.5.

    Examples
    --------
    >>> import hemresearch as hem
    >>> model = hem.multistate.Transitions({"MGUS": ["malignancy", "death"], "malignancy": ["death"]})
    >>> rows = hem.multistate.from_wide(
    ...     hem.data.load("mgus2"), model, id="id", same_time=0.5,
    ...     times={"malignancy": "ptime", "death": "futime"},
    ...     events={"malignancy": "pstat", "death": "death"},
    ... )
    >>> hem.multistate.length_of_stay(rows, model, tau=240)
    mean time in each state to 240, n=1,384, events=1,053
      state=MGUS: 110.6 (106 to 115.2), n 1384
      state=malignancy: 2.948 (2.098 to 3.799), n 1384
      state=death: 126.5 (121.8 to 131.1), n 1384
    95% limits: normal, robust variance
    """
    check_conf_level(conf_level)
    y = read_multistate(
        rows, transitions, id=id, from_state=from_state, to_state=to_state, entry=entry, time=time,
        event=event, by=by, weights=weights, cluster=cluster, missing=missing,
    ).stays()  # fmt: skip
    kind = checked_state_variance(y, variance)
    states: list[int | None] = [None] if initial is None else [*initial_places(transitions, initial)]
    s, y = _followed_from(y, start_time, given=initial is not None)
    horizon = check_number(
        tau, argument="tau", above=s, expected="a time after start_time in the unit of the data", example=365
    )
    groups = processes(transitions, y)
    for one in groups:
        _refuse_beyond(one, states, horizon)
        warn_if_state_emptied(one)
    means = [_means(one, state, s, horizon, kind) for one in groups for state in states]
    frame = key_levels(y, _keys(transitions, states)).with_columns(
        n=np.repeat([group_size(one.stays) for one in groups], len(states) * len(transitions.states)),
        estimate=np.concatenate([mean for mean, _ in means]),
        std_error=np.concatenate([error for _, error in means]),
    )
    half = normal_quantile(conf_level) * pl.col("std_error")
    since = f"from {s:g} " if s else ""
    return Estimates(
        frame=frame.with_columns(
            pl.col("n").cast(pl.Int64),
            conf_low=(pl.col("estimate") - half).clip(lower_bound=0.0),
            conf_high=(pl.col("estimate") + half).clip(upper_bound=horizon - s),
        ),
        name=f"mean time in each state {since}to {horizon:g}",
        method=f"normal, {NAMES[kind].replace('greenwood', 'Greenwood')} variance",
        conf_level=conf_level,
        n=group_size(y),
        n_event=float(sum(one.counts.until(horizon).n_move.sum() for one in groups)),
        n_dropped=y.n_dropped,
        time_unit=y.time_unit,
    )


def _followed_from(y: Stays, start_time: float, *, given: bool) -> tuple[float, Stays]:
    """Who is followed from a time on, as in `transition_probabilities` (state given) or in `occupation`."""
    if given:
        s = checked_start_time(y, start_time)
        return s, y.take(y.time > s)
    return float(start_time), observed_from(y, start_time)


def _keys(transitions: Transitions, states: Sequence[int | None]) -> pl.DataFrame:
    names = pl.Series("state", transitions.states, dtype=transitions.state_type)
    size = len(names)
    keys = pl.DataFrame([names[np.tile(np.arange(size), len(states))]])
    places = [state for state in states if state is not None]
    return keys.insert_column(0, names[np.repeat(places, size)].alias("from_state")) if places else keys


def _means(
    process: Process, state: int | None, start: float, tau: float, variance: str
) -> tuple[np.ndarray, np.ndarray]:
    """The mean time in each state and its standard error, from one state or from where patients are."""
    size, estimated = len(process.model.states), state is None
    moves = move_times(process.counts.until(tau))
    begin = _begin(process, moves, state)
    probability, ahead = state_probabilities(moves, begin), time_ahead(moves, size, start, tau)
    if variance != "ij":
        start_covariance = process.start_covariance(moves, begin, estimated_start=estimated)
        hazards = HAZARDS[variance](moves, probability)
        squared = markov_stay_variance(moves, ahead, start_covariance, hazards)
        return begin @ ahead[0], np.sqrt(squared)
    return begin @ ahead[0], _robust_error(process, moves, ahead, probability, estimated)


def _begin(process: Process, moves: MoveTimes, state: int | None) -> np.ndarray:
    """The probability of each state at the start: that of one state, or of where patients are."""
    if state is not None:
        return starting_in(process.model, state)
    y = process.stays
    assert y.entry is not None
    return first_shares(moves, y.state, y.entry, y.time, y.weight, len(process.model.states))


def _robust_error(
    process: Process, moves: MoveTimes, ahead: np.ndarray, probability: np.ndarray, estimated_start: bool
) -> np.ndarray:
    y, owner = process.stays, process.owners()
    assert y.entry is not None
    warn_if_one_cluster(y, owner, 'variance="greenwood"')
    influence = stay_influence(
        moves, ahead, probability, y.state, y.next_state, y.entry, y.time, y.weight, owner,
        estimated_start=estimated_start,
    )  # fmt: skip
    return np.sqrt([clustered_variance(column, None) for column in influence.T])


def _refuse_beyond(process: Process, states: Sequence[int | None], tau: float) -> None:
    """Refuse a horizon after a group's last follow-up, unless all are in absorbing states by then."""
    last = float(process.counts.time[-1])
    if tau <= last * (1 + TOLERANCE):
        return
    moves, leaving = move_times(process.counts), process.model.adjacency().any(axis=1)
    ends = [state_probabilities(moves, _begin(process, moves, state))[-1] for state in states]
    if any(end[leaving].any() for end in ends):
        raise DataError(
            f"{tau:g} lies beyond the last follow-up{of_group(process.stays)} at {last:g}, after which "
            "nothing is estimated",
            argument="tau",
            expected=f"a time of at most {last:g}",
            remedy=f"tau={rounded_down(last)!r}",
        )
