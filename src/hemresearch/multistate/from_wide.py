"""From one row per patient, with a time for each state, to one row per stay and possible move."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from ..numerics.state_paths import follow_paths
from ..options import Missing, TimeUnit, check_choice, check_number
from .long_rows import StayTable, long_rows
from .wide import OffPath, read_wide

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from ..columns import Column
    from .transitions import Transitions

SameTime = Literal["raise", "last"]


def from_wide(
    data: Any,
    transitions: Transitions,
    *,
    id: Column,
    times: Mapping[str, Column],
    events: Mapping[str, Column] | None = None,
    end: Column | None = None,
    entry: Column | None = None,
    initial: Any = None,
    keep: Sequence[Column] = (),
    start: Column | None = None,
    unit: TimeUnit | None = None,
    same_time: float | SameTime = "raise",
    off_path: OffPath = "raise",
    missing: Missing = "raise",
) -> pl.DataFrame:
    """One row per patient, stay and possible move, from a time for each state.

    Everybody begins in the initial state and moves to whichever of the states that can follow is reached
    first, and so on. A stay that no move ends is censored at `end`; without it at the earliest time up to
    which a state that could have followed was known not to be reached, as in `msprep` of R's mstate.

    Parameters
    ----------
    data
        Any table, one row per patient.
    transitions
        States and moves.
    id
        Patient.
    times
        For each state but the initial one, the column of the time at which it was reached; where it was
        not, the time until which that is known, or null.
    events
        For these states, whether they were reached at their time (Boolean or 0/1). A state without such a
        column was reached where its time is not null, and then `end` is needed.
    end
        Last follow-up.
    entry
        Delayed entry: the time from which a patient is observed, in the initial state.
    initial
        The state in which all begin, or a column of the states in which they begin; by default the only
        state that nobody moves into.
    keep
        Columns that go along, such as covariates.
    start, unit
        With calendar dates in `times`, `end` and `entry`: the column of the date of time zero, and the unit
        in which time is counted from it ("days" unless said).
    same_time
        What to do with a patient who reaches two states of a path at the same time, which would be a stay of
        length 0. "raise"; "last": the stay is left out, by a direct move to the later state; or a number:
        the later state is reached by so much later (0.5 for half a day where `unit` is days, 0.016 where it
        is months). mstate drops such a stay, and with
        it the move that ended it.
    off_path
        What to do with a state that was reached though no move leads to it from where the patient was, such
        as death after an absorbing relapse: "raise", or "ignore" (as mstate does).
    missing
        As in `kaplan_meier`, for the columns of `id`, `events`, `end`, `entry`, `initial` and `start`.

    Returns
    -------
    polars.DataFrame
        The column of `id` (name it, `id="patient"`, wherever these rows go, if it is not `id`), `from_state`, `to_state` (Enums), `transition` (its number), `entry`, `time`,
        `event` (whether this move happened at `time`) and the columns of `keep`; by patient as in `data`,
        stay and move. A final stay of length 0, after a move on the last day of follow-up, has no row.

    Raises
    ------
    DataError
        For negative times, a patient in several rows, a state without a column, a state reached after the
        last follow-up or after an absorbing state, two states reached at the same time, one that no move
        leads to, a state reached at an unknown time, and a patient without last follow-up or with a
        follow-up of 0.

    References
    ----------
    de Wreede LC, Fiocco M, Putter H. J Stat Softw 2011;38(7):1-30.

    Examples
    --------
    >>> import hemresearch as hem
    >>> model = hem.multistate.Transitions({"MGUS": ["malignancy", "death"], "malignancy": ["death"]})
    >>> rows = hem.multistate.from_wide(
    ...     hem.data.load("mgus2"), model, id="id", same_time=0.5, keep=["age"],
    ...     times={"malignancy": "ptime", "death": "futime"},
    ...     events={"malignancy": "pstat", "death": "death"},
    ... )
    >>> rows.filter(id=56).select("from_state", "to_state", "entry", "time", "event", "age").rows()
    [('MGUS', 'malignancy', 0.0, 29.0, True, 78), ('MGUS', 'death', 0.0, 29.0, False, 78), ('malignancy', 'death', 29.0, 44.0, True, 78)]
    """  # noqa: E501
    check_choice(off_path, OffPath, argument="off_path")
    offset = _offset(same_time)
    wide = read_wide(
        data, transitions, id=id, times=times, events=events, end=end, entry=entry, initial=initial,
        keep=keep, start=start, unit=unit, missing=missing,
    )  # fmt: skip
    paths = follow_paths(
        transitions.adjacency(), wide.begins_in, wide.entry, wide.reached, wide.known_until,
        offset=offset, skip=same_time == "last",
    )  # fmt: skip
    wide.check(paths, same_time, off_path)
    stays = StayTable(paths.row, paths.state, paths.entry, paths.time, paths.next_state)
    whole = wide.whole and (offset is None or offset.is_integer())
    return long_rows(wide.table, transitions, stays, whole=whole)


def _offset(same_time: float | str) -> float | None:
    if isinstance(same_time, str):
        check_choice(same_time, SameTime, argument="same_time")
        return None
    return check_number(
        same_time, argument="same_time", above=0, expected='a time above 0, "last" or "raise"', example=0.5
    )
