"""Stays of patients as long rows: one for each move that could have ended the stay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import Table
from ..errors import DataError
from ..outcomes_multistate import read_states

if TYPE_CHECKING:
    from .transitions import Transitions

MADE = ("from_state", "to_state", "transition", "entry", "time", "event")


@dataclass(frozen=True, slots=True, eq=False)
class StayTable:
    """Stays in order: their row of `table`, state, (entry, time] and the state entered (-1: none)."""

    row: np.ndarray
    state: np.ndarray
    entry: np.ndarray
    time: np.ndarray
    next_state: np.ndarray


def long_rows(table: Table, model: Transitions, stays: StayTable, *, whole: bool) -> pl.DataFrame:
    """The long rows of stays, with the identifier and the columns of the `keep` role of their row."""
    refuse_taken_names(table)
    start = np.array([model.states.index(one) for one, _ in model.moves])
    stop = np.array([model.states.index(to) for _, to in model.moves])
    n_moves = np.bincount(start, minlength=len(model.states))
    first = np.cumsum(n_moves) - n_moves
    copies = n_moves[stays.state]
    stay = np.repeat(np.arange(len(copies)), copies)
    begin = np.cumsum(copies) - copies
    move = first[stays.state][stay] + np.arange(len(stay)) - begin[stay]
    states = pl.Series(model.states, dtype=model.state_type)
    number = pl.Int64 if whole else pl.Float64
    made = {
        "from_state": states.gather(start[move]),
        "to_state": states.gather(stop[move]),
        "transition": pl.Series(move + 1),
        "entry": pl.Series(stays.entry[stay]).cast(number),
        "time": pl.Series(stays.time[stay]).cast(number),
        "event": pl.Series(stays.next_state[stay] == stop[move]),
    }
    row = stays.row[stay]
    kept = table.several("keep")[row] if "keep" in table else pl.DataFrame()
    return pl.DataFrame([table.series("id").gather(row).alias(table.name("id"))]).with_columns(
        *(series.alias(name) for name, series in made.items()), *kept.get_columns()
    )


def refuse_taken_names(table: Table) -> None:
    """Refuse an identifier or kept column with the name of a column that is made."""
    names = [("id", table.name("id"))] + [("keep", name) for name in table.names.get("keep", ())]
    for argument, name in names:
        if name in MADE or (argument == "keep" and name == table.name("id")):
            raise DataError(
                "is the name of a column that is made",
                argument=argument,
                column=name,
                expected=f"another name than id, {', '.join(MADE)}",
                remedy=f"{argument}=pl.col({name!r}).alias('{name}_given')",
            )


def initial_role(model: Transitions, initial: Any) -> Any:
    """The column of the states in which patients begin, None where `initial` is a state or not given."""
    return None if isinstance(initial, str) and initial in model.states else initial


def initial_states(table: Table, model: Transitions, initial: Any) -> np.ndarray:
    """The state in which each row's patient begins: of a column, the one given, or the only initial one."""
    if "initial" in table:
        return read_states(table, "initial", model.states)
    if initial is None and len(model.initial) != 1:
        raise DataError(
            f"the transitions have {len(model.initial)} states that nobody moves into",
            argument="initial",
            expected="the state in which all begin, or a column of the states in which they begin",
            remedy=f"initial={model.states[0]!r}",
        )
    state = model.initial[0] if initial is None else initial
    return np.full(table.frame.height, model.states.index(state))
