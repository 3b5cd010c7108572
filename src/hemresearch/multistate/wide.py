"""One row per patient with a time for each state: read, and checked against the paths they give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from ..columns import Table, read_table
from ..errors import DataError, counted, listed
from ..events import read_event
from ..numerics.ties import TOLERANCE, round_ties
from ..options import Missing, TimeUnit, check_choice, nearest
from ..outcomes import read_duration
from ..times import DAYS_PER_UNIT, MICROSECONDS_PER_DAY
from .long_rows import initial_role, initial_states

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..columns import Column
    from ..numerics.state_paths import Paths
    from .transitions import Transitions

OffPath = Literal["raise", "ignore"]
DATES = (pl.Date, pl.Datetime)
LOOKED_AT = "data.filter(...) once the rows have been looked at"


@dataclass(frozen=True, slots=True, eq=False)
class Wide:
    """Patients with their times: `reached` and `known_until` have a column for each state.

    A state that was not reached has the time infinity; `known_until` is infinite where it says nothing.
    `column` holds the user's name of each state's times.
    """

    table: Table
    model: Transitions
    begins_in: np.ndarray
    entry: np.ndarray
    reached: np.ndarray
    known_until: np.ndarray
    column: dict[str, str]
    whole: bool
    unit: TimeUnit | None

    def check_window(self, end: np.ndarray | None) -> None:
        """Refuse states reached before a patient was observed or after the last follow-up."""
        known = np.isfinite(self.reached)
        late = np.zeros_like(known) if end is None else known & (self.reached > end[:, None])
        for at_fault, argument, what in (
            (known & (self.reached < self.entry[:, None]), "entry", "was reached before the entry of {}"),
            (late, "end", "was reached after the last follow-up of {}"),
        ):
            for place in np.flatnonzero(at_fault.any(axis=0)):
                rows, state = at_fault[:, place], self.model.states[int(place)]
                _refuse_rows(
                    self.table, rows, argument, self.table.name(argument), f"{state!r} {what}",
                    "states reached between entry and last follow-up",
                )  # fmt: skip

    def check(self, paths: Paths, same_time: Any, off_path: OffPath) -> None:
        """Refuse what the paths could not be, in the order in which a user would look for it."""
        tied = paths.tied if same_time == "raise" else paths.broken
        self._refuse(
            tied, "same_time", "two states of a path were reached at the same time by {}"
            + (", and no move leads past the first" if same_time == "last" else ""),
            "a stay of some length in every state",
            f"same_time={self._half()} between them"
            + (", or 'last' to leave out the stay between them" if same_time == "raise" else ""),
        )  # fmt: skip
        if off_path == "raise":
            missed = np.isfinite(self.reached) & ~paths.visited
            after = missed & (self.reached > self._absorbed_at(paths)[:, None])
            self._refuse_states(after, "reached after an absorbing state, which nobody leaves, in {}")
            self._refuse_states(missed, "reached when no move led there in {}")
        follow_up = "end='the column of the last follow-up'"
        self._refuse(
            paths.late, "times", "a move came after the time until which another one is known not to have "
            "come in {}", "times until which all states that can follow are known", follow_up,
        )  # fmt: skip
        self._refuse(paths.unseen, "end", "there is no last follow-up of {}", "it for all who can still move",
                     follow_up)  # fmt: skip
        unseen = np.ones(len(self.entry), dtype=bool)
        unseen[paths.row] = False
        self._refuse(unseen, "times", "the follow-up is 0 in {}", "a move or an end after entry", LOOKED_AT)

    def _half(self) -> str:
        """Half a day where times come from dates, else half of what the times are counted in."""
        if self.unit is None:
            return "0.5 for half a unit"
        return f"{0.5 / DAYS_PER_UNIT[self.unit]:.4g} for half a day"

    def _absorbed_at(self, paths: Paths) -> np.ndarray:
        absorbing = [self.model.states.index(s) for s in self.model.absorbing]
        absorbed = np.where(paths.visited, self.reached, np.inf)[:, absorbing]
        return np.asarray(absorbed.min(axis=1, initial=np.inf))

    def _refuse_states(self, at_fault: np.ndarray, found: str) -> None:
        for place in np.flatnonzero(at_fault.any(axis=0)):
            state = self.model.states[int(place)]
            _refuse_rows(
                self.table, at_fault[:, place], "times", self.column[state], f"has {state!r} {found}",
                "states in an order that the transitions allow",
                "off_path='ignore' to leave such states out, or a Transitions(...) with the move",
            )  # fmt: skip

    def _refuse(self, at_fault: np.ndarray, argument: str, found: str, expected: str, remedy: str) -> None:
        if at_fault.any():
            raise DataError(
                found.format(counted(int(at_fault.sum()), "patient")),
                argument=argument,
                rows=self.table.positions(at_fault),
                expected=expected,
                remedy=remedy,
            )


def read_wide(
    data: Any,
    model: Transitions,
    *,
    id: Column,
    times: Mapping[str, Column],
    events: Mapping[str, Column] | None,
    end: Column | None,
    entry: Column | None,
    initial: Any,
    keep: Sequence[Column],
    start: Column | None,
    unit: TimeUnit | None,
    missing: Missing,
) -> Wide:
    """Read one row per patient: when each state was reached, and until when it is known not to be."""
    events = {} if events is None else events
    _check_states(model, times, events, end, initial)
    roles: dict[str, Any] = {
        "id": id, "times": list(times.values()), "events": list(events.values()), "end": end,
        "entry": entry, "initial": initial_role(model, initial), "keep": list(keep), "start": start,
    }  # fmt: skip
    table = read_table(data, roles, missing=missing, nullable=("times", "keep"))
    _refuse_repeated(table)
    clock = _Clock(table, unit)
    n, size = table.frame.height, len(model.states)
    reached, known_until = np.full((n, size), np.inf), np.full((n, size), np.inf)
    for i, state in enumerate(times):
        at, column = clock.read("times", i)
        happened = ~np.isnan(at)
        if state in events:
            place = list(events).index(state)
            happened = read_event(single_column(table, "events", place), role="events", may_declare=False)
            _refuse_rows(
                table, happened & np.isnan(at), "times", column, "was reached at an unknown time in {}",
                "the time of every state that was reached",
            )  # fmt: skip
            known_until[:, model.states.index(state)] = np.where(happened | np.isnan(at), np.inf, at)
        reached[:, model.states.index(state)] = np.where(happened, at, np.inf)
    entered = clock.read("entry", 0)[0] if entry is not None else np.zeros(n)
    last = clock.read("end", 0)[0] if end is not None else None
    reached, known_until, entered, last = rounded_together(reached, known_until, entered, last)
    if last is not None:
        known_until = np.repeat(last[:, None], size, axis=1)
    wide = Wide(
        table=table, model=model, begins_in=initial_states(table, model, initial), entry=entered,
        reached=reached, known_until=known_until, whole=clock.whole,
        unit=None if clock.zero is None else clock.unit,
        column={state: table.names["times"][i] for i, state in enumerate(times)},
    )  # fmt: skip
    wide.check_window(last)
    return wide


class _Clock:
    """Times of the table as numbers: as they are, or counted from the dates of time zero."""

    def __init__(self, table: Table, unit: TimeUnit | None) -> None:
        self.table, self.whole, self.unit = table, True, unit or "days"
        check_choice(self.unit, TimeUnit, argument="unit")
        self.zero = None
        if "start" in table:
            self.zero = self._date(table, "start")
        elif unit is not None:
            raise DataError(
                f"{unit!r} was given without start=",
                argument="unit",
                expected="the unit of calendar dates, counted from those of start=",
                remedy="unit=None for times that are numbers",
            )

    def read(self, role: str, place: int) -> tuple[np.ndarray, str]:
        """The times of one column, none of them negative, missing as NaN; and the column's name."""
        one = single_column(self.table, role, place)
        series, name = one.series(role), one.name(role)
        if self.zero is not None:
            days = (self._date(one, role) - self.zero).dt.total_microseconds() / MICROSECONDS_PER_DAY
            values = (days / DAYS_PER_UNIT[self.unit]).cast(pl.Float64).to_numpy()
        elif series.dtype in DATES:
            raise DataError(
                f"holds calendar dates ({series.dtype})",
                argument=role,
                column=name,
                expected="times, or dates with the date from which they are counted",
                remedy="start='the column of the date of time zero', unit='days'",
            )
        else:
            values = read_duration(one, role)[0] if series.dtype != pl.Null else np.full(len(series), np.nan)
        self.whole &= series.dtype.is_integer()
        _refuse_rows(one, values < 0, role, name, "is before time zero in {}", "times of 0 or more")
        return values, name

    def _date(self, table: Table, role: str) -> pl.Series:
        series, name = table.series(role), table.name(role)
        zone = getattr(series.dtype, "time_zone", None)
        if (series.dtype in DATES and not zone) or series.dtype == pl.Null:
            return series.cast(pl.Datetime("us"))
        how = "start=None for times that are numbers"
        if series.dtype == pl.String or zone:
            how = f"pl.col({name!r})" + (".dt.replace_time_zone(None)" if zone else ".str.to_date()")
        raise DataError(
            f"has the time zone {zone}" if zone else f"holds {series.dtype} and no dates",
            argument=role,
            column=name,
            expected="dates without a time zone, as in all columns of times when start= is given",
            remedy=how,
        )


def _check_states(
    model: Transitions, times: Mapping[str, Column], events: Mapping[str, Column], end: Any, initial: Any
) -> None:
    """Every state that can be entered has a column; a state without an event column needs an end."""
    for argument, known, given in (("times", model.states, times), ("events", tuple(times), events)):
        for state in given:
            if state not in known:
                near = nearest(str(state), known, 1) or list(known)
                raise DataError(
                    f"{state!r} is not "
                    + ("a state of the transitions" if argument == "times" else "in times"),
                    argument=argument,
                    expected=f"columns of the states {listed(map(repr, known), 8)}",
                    remedy=f"{argument}={{{near[0]!r}: ...}}",
                )
    entered = [s for s in model.states if s in {to for _, to in model.moves} and s not in times]
    lacking = [s for s in entered if s != initial]
    if lacking:
        raise DataError(
            f"{listed(map(repr, lacking))} can be entered and has no column",
            argument="times",
            expected="a column of times for every state that a move leads to",
            remedy=f"times={{..., {lacking[0]!r}: 'column'}}, or transitions without the state",
        )
    unsaid = [s for s in times if s not in events]
    if unsaid and end is None:
        raise DataError(
            f"{listed(map(repr, unsaid))} has no column of events, and no last follow-up is given",
            argument="end",
            expected="the last follow-up where a null time says that a state was not reached",
            remedy=f"end='the column of the last follow-up', or events={{{unsaid[0]!r}: ...}}",
        )


def _refuse_repeated(table: Table) -> None:
    repeated = table.series("id").is_duplicated().to_numpy()
    _refuse_rows(
        table, repeated, "id", table.name("id"), "has one patient in several rows ({})",
        "one row per patient", "from_rows(...) for follow-up in several rows",
    )  # fmt: skip


def _refuse_rows(
    table: Table, at_fault: np.ndarray, argument: str, column: str, found: str, expected: str,
    remedy: str = LOOKED_AT,
) -> None:  # fmt: skip
    if at_fault.any():
        raise DataError(
            found.format(counted(int(at_fault.sum()), "row")),
            argument=argument,
            column=column,
            rows=table.positions(at_fault),
            expected=expected,
            remedy=remedy,
        )


def single_column(table: Table, role: str, place: int) -> Table:
    """A table of one of the columns of a role."""
    frame = table.frame.select(pl.col(f"{role}.{place}").alias(f"{role}.0"))
    return Table(frame, {role: (table.names[role][place],)}, table.row, table.n_dropped)


def rounded_together(*parts: np.ndarray | None) -> list[Any]:
    """The same arrays, with finite times that differ by rounding error made one time."""
    given = [part for part in parts if part is not None]
    flat = np.concatenate([part.ravel() for part in given])
    finite = np.isfinite(flat)
    flat[finite] = round_ties(flat[finite], None, TOLERANCE)[0]
    ends = np.cumsum([part.size for part in given])
    pieces = iter(
        piece.reshape(part.shape) for piece, part in zip(np.split(flat, ends[:-1]), given, strict=True)
    )
    return [None if part is None else next(pieces) for part in parts]
