"""Outcomes of multi-state processes: who is in which state when, and which move ended the stay.

The layout has one row per patient, stay and possible move: `from_state`, `to_state`, `entry`, `time` and
`event`, true in the row of the move that happened at `time`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import polars as pl

from .columns import Column, Columns, Table, read_table
from .errors import DataError, counted, listed
from .events import printable, read_event
from .options import Missing, nearest
from .outcomes import Rows, Survival, in_order, observations, one_patient_at_a_time

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWN_STATES = 8
LAYOUT = "one row per patient, stay and possible move, as hem.multistate.from_wide makes them"


class Model(Protocol):
    """States, and the moves between them in the order of their numbers: what `Transitions` has."""

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the states."""
        ...

    @property
    def moves(self) -> tuple[tuple[str, str], ...]:
        """(from, to) of each move."""
        ...


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Stays(Survival):
    """Stays (entry, time] of patients in states, one row each.

    `state` is the place of the state in `states`, `next_state` that of the state entered at `time`, -1 where
    observation ends or goes on in another group; `event` is whether there is one.
    """

    state: np.ndarray
    next_state: np.ndarray
    states: tuple[str, ...]

    def take(self: Rows, keep: np.ndarray) -> Rows:
        """The stays of a mask or an index."""
        assert isinstance(self, Stays)
        part = Survival.take(self, keep)
        return replace(part, state=self.state[keep], next_state=self.next_state[keep])


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class MultiState(Survival):
    """Stays of patients in states, one row for each move that could end the stay.

    `from_state` and `to_state` are places in `states`; `transition` is the number of the row's move, from 1,
    in `moves`; `event` whether it happened. Rows of one `stay` share patient, state and (entry, time]; stays
    are numbered by patient and time.
    """

    from_state: np.ndarray
    to_state: np.ndarray
    transition: np.ndarray
    stay: np.ndarray
    states: tuple[str, ...]
    moves: tuple[tuple[str, str], ...]

    def take(self: Rows, keep: np.ndarray) -> Rows:
        """The rows of a mask or an index."""
        assert isinstance(self, MultiState)
        part = Survival.take(self, keep)
        names = ("from_state", "to_state", "transition")
        return replace(
            part, **{name: getattr(self, name)[keep] for name in names}, stay=_dense(self.stay[keep])
        )

    def stays(self) -> Stays:
        """One row per stay; those that only split the follow-up in a state are joined."""
        one = self._one_row_per_stay()
        return one_patient_at_a_time(one, join=True)

    def _one_row_per_stay(self) -> Stays:
        n = int(self.stay.max()) + 1
        first = np.empty(n, dtype=np.intp)
        first[self.stay[::-1]] = np.arange(len(self) - 1, -1, -1)
        following = np.full(n, -1)
        following[self.stay[self.event]] = self.to_state[self.event]
        part = Survival.take(self, first)
        shared = {f.name: getattr(part, f.name) for f in fields(Survival)}
        shared |= {"event": following >= 0, "covariates": pl.DataFrame()}
        return Stays(**shared, state=self.from_state[first], next_state=following, states=self.states)


def read_multistate(
    data: Any,
    transitions: Model,
    *,
    id: Column = "id",
    from_state: Column = "from_state",
    to_state: Column = "to_state",
    entry: Column = "entry",
    time: Column = "time",
    event: Column = "event",
    by: Columns = None,
    strata: Columns = None,
    covariates: Sequence[Column] | None = None,
    offset: Column | None = None,
    weights: Column | None = None,
    cluster: Column | None = None,
    missing: Missing = "raise",
) -> MultiState:
    """Read rows of stays and possible moves, and check that each patient's stays follow the model."""
    roles: dict[str, Columns] = {
        "time": time, "event": event, "entry": entry, "id": id, "from_state": from_state,
        "to_state": to_state, "by": by, "strata": strata, "covariates": covariates, "offset": offset,
        "weights": weights, "cluster": cluster,
    }  # fmt: skip
    table = read_table(data, roles, missing=missing)
    rows = observations(table, read_event(table, may_declare=False))
    start, stop = (read_states(table, role, transitions.states) for role in ("from_state", "to_state"))
    number = _numbers(table, transitions, start, stop)
    assert rows.patient is not None
    assert rows.entry is not None
    order = in_order(rows.patient, rows.entry, rows.time, number)
    shared = {f.name: getattr(rows, f.name) for f in fields(Survival)}
    y = MultiState(
        **shared, from_state=start, to_state=stop, transition=number, stay=_stays(rows, start, order),
        states=transitions.states, moves=transitions.moves,
    )  # fmt: skip
    _check_stays(y, order)
    _check_paths(y._one_row_per_stay())
    return y.weighted()


def read_states(table: Table, role: str, states: tuple[str, ...]) -> np.ndarray:
    """The place of each row's state among the states."""
    levels, number = _levels(table.series(role))
    code = np.array([states.index(s) if s in states else -1 for s in levels], dtype=np.int64)[number]
    if (code >= 0).all():
        return code
    series = table.series(role).cast(pl.String)
    unknown = series.filter(pl.Series(code < 0)).unique().sort().to_list()
    shown = printable(unknown) if len(unknown) <= SHOWN_STATES else []
    near = nearest(shown[0], states, 1) if shown else []
    found = listed(map(repr, shown)) if shown else counted(len(unknown), "value")
    raise DataError(
        f"holds {found}, which the transitions do not have",
        argument=role,
        column=table.name(role),
        rows=table.positions(code < 0),
        expected=f"one of the states {listed(map(repr, states), SHOWN_STATES)}",
        remedy=f"pl.col({table.name(role)!r}).replace({shown[0]!r}, {near[0]!r})"
        if near
        else "Transitions(...) with all states of the data",
    )


def _levels(series: pl.Series) -> tuple[list[str], np.ndarray]:
    """The texts of a column, and the place of each row's text among them."""
    if isinstance(series.dtype, pl.Enum):
        return series.dtype.categories.to_list(), series.to_physical().to_numpy()
    text = series.cast(pl.String)
    levels = text.unique().sort()
    return levels.to_list(), text.cast(pl.Enum(levels)).to_physical().to_numpy()


def _numbers(table: Table, model: Model, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """The number of each row's move, which has to be one of the model."""
    place = {state: i for i, state in enumerate(model.states)}
    matrix = np.zeros((len(model.states), len(model.states)), dtype=np.int64)
    for number, (one, other) in enumerate(model.moves, start=1):
        matrix[place[one], place[other]] = number
    number = matrix[start, stop]
    unknown = number == 0
    if not unknown.any():
        return number
    row = int(np.flatnonzero(unknown)[0])
    one, other = model.states[start[row]], model.states[stop[row]]
    absorbing = not matrix[start[row]].any()
    raise DataError(
        f"leads to {other!r} from {one!r}, "
        + ("an absorbing state, which nobody leaves" if absorbing else "which is no move of the transitions")
        + f" ({counted(int(unknown.sum()), 'such row')})",
        argument="to_state",
        column=table.name("to_state"),
        rows=table.positions(unknown),
        expected="rows of moves that the transitions have",
        remedy=f"Transitions({{..., {one!r}: [..., {other!r}]}}) if it is possible, else data.filter(...)",
    )


def _stays(y: Survival, state: np.ndarray, order: np.ndarray) -> np.ndarray:
    """The number of each row's stay."""
    assert y.patient is not None
    assert y.entry is not None
    begins = np.zeros(len(y), dtype=bool)
    begins[0] = True
    for key in (y.patient, y.entry, y.time, state):
        begins[1:] |= np.diff(key[order]) != 0
    stay = np.empty(len(y), dtype=np.intp)
    stay[order] = np.cumsum(begins) - 1
    return stay


def _dense(number: np.ndarray) -> np.ndarray:
    """Numbers of which some may be gone, again without gaps."""
    return (np.cumsum(np.bincount(number) > 0) - 1)[number] if len(number) else number


def _check_stays(y: MultiState, order: np.ndarray) -> None:
    """The rows of a stay: every possible move once, at most one of which happened, alike in all else."""
    n_moves = np.bincount([y.states.index(one) for one, _ in y.moves], minlength=len(y.states))
    size = np.bincount(y.stay)
    last, following = order[:-1], order[1:]
    same = y.stay[last] == y.stay[following]
    twice = np.zeros(len(y), dtype=bool)
    twice[following[same & (y.transition[last] == y.transition[following])]] = True
    _refuse(y, twice, "to_state", "has {} of a move that the same stay has already", LAYOUT)
    lacking = size[y.stay] < n_moves[y.from_state]
    _refuse(y, lacking, "to_state", "lacks a possible move from the state of {}", LAYOUT)
    events = np.bincount(y.stay[y.event], minlength=len(size))
    several = (events[y.stay] > 1) & y.event
    _refuse(y, several, "event", "has {} where several moves end the same stay", "one move at most per stay")
    for role, values in (("by", y.group.code), ("weights", y.weight), ("cluster", y.cluster)):
        if values is not None:
            differs = np.zeros(len(y), dtype=bool)
            differs[following[same & (values[last] != values[following])]] = True
            _refuse(y, differs, role, "differs from the row before in {} of one stay", "one value per stay")


def _check_paths(stays: Stays) -> None:
    """The stays of a patient: one at a time, each in the state that the one before led to."""
    one_patient_at_a_time(stays, join=False)
    this, following = np.arange(len(stays) - 1), np.arange(1, len(stays))
    assert stays.patient is not None
    reached = np.where(stays.event, stays.next_state, stays.state)
    jumps = np.zeros(len(stays), dtype=bool)
    same = stays.patient[this] == stays.patient[following]
    jumps[following[same & (reached[this] != stays.state[following])]] = True
    _refuse(
        stays, jumps, "from_state", "is not the state that the patient's stay before led to in {}",
        "stays that follow each other by the moves that happened",
    )  # fmt: skip


def _refuse(y: Survival, at_fault: np.ndarray, role: str, found: str, expected: str) -> None:
    if not at_fault.any():
        return
    raise DataError(
        found.format(counted(int(at_fault.sum()), "row")),
        argument=role,
        column=y.names[role],
        rows=y.positions(at_fault),
        expected=expected,
        remedy="hem.multistate.from_wide(...) or from_rows(...), which make such rows",
    )
