"""From rows of follow-up that end with the state entered, to one row per stay and possible move."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import Table, read_table
from ..errors import DataError, counted
from ..events import read_causes
from ..options import Missing
from ..outcomes import Survival, observations
from ..outcomes_multistate import read_states
from .long_rows import StayTable, initial_role, initial_states, long_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..columns import Column
    from .transitions import Transitions


def from_rows(
    data: Any,
    transitions: Transitions,
    *,
    id: Column,
    time: Column,
    event: Column,
    censored: Any = "default",
    entry: Column | None = None,
    initial: Any = None,
    keep: Sequence[Column] = (),
    missing: Missing = "raise",
) -> pl.DataFrame:
    """One row per patient, stay and possible move, from rows (entry, time] that end with the state entered.

    The layout of `survfit` for multi-state data in R: a patient begins in the initial state, and each later
    row is in the state that the rows before it led to. A row that ends without a move, at the beginning of
    the patient's next one, only splits the stay, so that covariates can change during it.

    Parameters
    ----------
    data
        Any table; rows in any order.
    transitions
        States and moves.
    id
        Patient.
    time, entry
        End and beginning of each row; without `entry` all begin at 0, and a patient has one row.
    event
        The state entered at `time`, or the label for none.
    censored
        That label: by default "censored". None says that every row ends with a move.
    initial
        The state in which all begin, or a column of the states in which they begin (their first row counts);
        by default the only state that nobody moves into.
    keep
        Columns that go along, such as covariates.
    missing
        As in `kaplan_meier`.

    Returns
    -------
    polars.DataFrame
        The column of `id`, `from_state`, `to_state` (Enums), `transition` (its number), `entry`, `time`,
        `event` (whether this move happened at `time`) and the columns of `keep`; by patient, time and move.

    Raises
    ------
    DataError
        For an event that is no state, a move that the transitions do not have, rows of one patient that
        overlap or follow an absorbing state, a row of length 0, and missing values.

    Examples
    --------
    >>> import polars as pl
    >>> import hemresearch as hem
    >>> model = hem.multistate.Transitions({"ill": ["well", "dead"], "well": ["ill", "dead"]})
    >>> visits = pl.DataFrame(
    ...     {"id": [1, 1, 2], "from": [0, 3, 0], "to": [3, 8, 5], "then": ["well", "censored", "dead"]}
    ... )
    >>> rows = hem.multistate.from_rows(
    ...     visits, model, id="id", entry="from", time="to", event="then", initial="ill"
    ... )
    >>> rows.filter(id=1).select("from_state", "to_state", "entry", "time", "event").rows()
    [('ill', 'well', 0, 3, True), ('ill', 'dead', 0, 3, False), ('well', 'ill', 3, 8, False), ('well', 'dead', 3, 8, False)]
    """  # noqa: E501
    roles: dict[str, Any] = {
        "id": id, "time": time, "event": event, "entry": entry, "initial": initial_role(transitions, initial),
        "keep": list(keep),
    }  # fmt: skip
    table = read_table(data, roles, missing=missing, nullable=("keep",))
    reached = _reached(table, transitions, censored)
    y = observations(table, reached >= 0)
    order, first = _by_patient(y)
    state = _states(initial_states(table, transitions, initial)[order], reached[order], first)
    start = np.zeros(len(y)) if y.entry is None else y.entry
    stays = StayTable(order, state, start[order], y.time[order], reached[order])
    _check(y, transitions, stays, first)
    whole = all(table.series(role).dtype.is_integer() for role in ("time", "entry") if role in table)
    return long_rows(table, transitions, stays, whole=whole)


def _reached(table: Table, model: Transitions, censored: Any) -> np.ndarray:
    """The place of the state entered at the end of each row, -1 for none."""
    causes, code = read_causes(table, censored)
    if not causes:
        return np.full(len(code), -1)
    labels = pl.Series([str(cause) for cause in causes]).gather(np.maximum(code, 1) - 1)
    named = Table(labels.to_frame("event.0"), table.names, table.row, 0)
    return np.where(code > 0, read_states(named, "event", model.states), -1)


def _by_patient(y: Survival) -> tuple[np.ndarray, np.ndarray]:
    """The rows by patient and time, and which of them is the first of its patient."""
    assert y.patient is not None
    order = np.lexsort((y.time, y.patient))
    first = np.ones(len(y), dtype=bool)
    first[1:] = np.diff(y.patient[order]) != 0
    return order, first


def _states(begins_in: np.ndarray, reached: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The state during each row: what the last move before it led to, else that of the first row."""
    said = np.where(first, begins_in, np.append(-1, reached[:-1]))
    last = np.maximum.accumulate(np.where(said >= 0, np.arange(len(said)), 0))
    return said[last]


def _check(y: Survival, model: Transitions, stays: StayTable, first: np.ndarray) -> None:
    absorbing = np.isin(stays.state, [model.states.index(s) for s in model.absorbing])
    moved = stays.next_state >= 0
    unknown = moved & ~absorbing & ~model.adjacency()[stays.state, stays.next_state]
    overlap = ~first & (stays.entry < np.append(0.0, stays.time[:-1]))
    empty = stays.entry >= stays.time
    pair = " → ".join(
        repr(model.states[code[np.flatnonzero(unknown)[0]]]) for code in (stays.state, stays.next_state)
    ) if unknown.any() else ""  # fmt: skip
    for at_fault, role, found, expected, remedy in (
        (empty, "time", "ends {} at its beginning", "times above 0: a row is (entry, time]", "entry=..."),
        (overlap, "id", "has {} of one patient that overlap others", "rows that follow each other",
         "entry='the column of the beginning of each row'"),
        (absorbing, "event", "has {} of patients who are in an absorbing state", "no row after it",
         "Transitions(...) in which the state can be left"),
        (unknown, "event", f"has {{}} with a move that the transitions do not have, such as {pair}",
         "moves that the transitions have", "Transitions({...}) with the move, or initial='state'"),
    ):  # fmt: skip
        if at_fault.any():
            raise DataError(
                found.format(counted(int(at_fault.sum()), "row")),
                argument=role,
                column=y.names[role],
                rows=np.sort(y.positions(np.isin(np.arange(len(y)), stays.row[at_fault]))),
                expected=expected,
                remedy=remedy,
            )
