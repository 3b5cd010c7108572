"""Rows (entry, time] of a table: read with all their columns, and written again in pieces."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .columns import Column, as_frame, read_table
from .errors import DataError, counted, warn
from .numerics.ties import FLOAT32_TOLERANCE, TOLERANCE, round_ties
from .outcomes import Survival, read_duration, read_survival

if TYPE_CHECKING:
    from .options import Missing

ENTRY = "entry"
MICROSECONDS_PER_DAY = 86_400_000_000
MOST_ROWS = 0.9  # a few pieces may have been left out, for missing values or an event in between


@dataclass(frozen=True, slots=True, eq=False)
class FollowUp:
    """Rows of follow-up: every column of the data, and the intervals (start, stop] with their events.

    `frame` and `y` hold the same rows; `entry`, `time` and `event` name the columns that `write` makes, of
    the types in `dtypes`.
    """

    frame: pl.DataFrame
    y: Survival
    start: np.ndarray
    entry: str
    time: str
    event: str
    dtypes: dict[str, pl.DataType]

    def rounded_with(self, values: np.ndarray) -> tuple[FollowUp, np.ndarray]:
        """These rows, and further times of 0 or more, with near-ties among all of them made one time."""
        single = any(dtype == pl.Float32 for dtype in self.dtypes.values())
        both, start = round_ties(
            np.concatenate([self.y.time, values]), self.start, FLOAT32_TOLERANCE if single else TOLERANCE
        )
        assert start is not None
        n = len(self.y)
        return replace(self, y=replace(self.y, time=both[:n]), start=start), both[n:]

    def write(
        self, row: np.ndarray, start: np.ndarray, stop: np.ndarray, event: np.ndarray, *, whole: bool
    ) -> pl.DataFrame:
        """Pieces of these rows as a table; where `whole`, whole numbers stay what they were."""
        known = self.frame.columns
        frame = self.frame[row].with_columns(
            as_given(self.dtypes["entry"], self.entry, start, whole=whole),
            as_given(self.dtypes["time"], self.time, stop, whole=whole),
            pl.Series(self.event, event),
        )
        names = [name for name in frame.columns if name in known or name != self.entry]
        if self.entry not in known:
            names.insert(names.index(self.time), self.entry)
        return frame.select(names)


def read_follow_up(
    data: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any,
    entry: Column | None,
    id: Column | None,
    missing: Missing,
) -> FollowUp:
    """Read rows that will be cut into pieces; a piece needs a start, so follow-up of 0 is refused."""
    frame = as_frame(data)
    frame = frame.collect() if isinstance(frame, pl.LazyFrame) else frame
    y = read_survival(
        frame,
        time=time,
        event=event,
        event_value=event_value,
        entry=entry,
        id=id,
        join=False,
        missing=missing,
    )
    given = {"time": time, **({} if entry is None else {"entry": entry})}
    refuse_overwriting(frame, given, y.names, "in_pieces")
    _refuse_clashes(frame, entry, y)
    dtypes = {
        role: frame.lazy().select(column).collect_schema().dtypes()[0] for role, column in given.items()
    }
    if y.n_dropped:
        warn(
            f"left out {counted(y.n_dropped, 'row')} with a missing value",
            argument="missing",
            expected="a value in every row of the columns used",
            remedy="hem.cohort.missingness(data) to see where they are",
        )
    return FollowUp(
        frame=frame if y.row is None else frame[y.row],
        y=y,
        start=np.zeros(len(y)) if y.entry is None else y.entry,
        entry=y.names.get("entry", ENTRY),
        time=y.names["time"],
        event=y.names["event"],
        dtypes={"entry": dtypes["time"], **dtypes},
    )


def _refuse_clashes(frame: pl.DataFrame, entry: Column | None, y: Survival) -> None:
    """Refuse a column that the starts would overwrite, an event that is a time, and follow-up of 0."""
    if entry is None and ENTRY in frame.columns:
        raise DataError(
            "is in the data, and is the name of the column of starts that is made without entry=...",
            argument="entry",
            column=ENTRY,
            expected="entry='entry' where it holds the start of each row, or data without it",
            remedy="entry='entry'",
        )
    for role in ("time", "entry"):
        if y.names.get(role) == y.names["event"]:
            raise DataError(
                f"is the name of {role}, too, which would be lost",
                argument="event",
                column=y.names["event"],
                expected="time, entry and event under different names",
                remedy="event=(...).alias('event_happened')",
            )
    if y.entry is None and not y.time.all():
        raise DataError(
            f"has {counted(int((y.time == 0).sum()), 'follow-up')} of 0, and (0, 0] is not an interval",
            argument="time",
            column=y.names["time"],
            rows=y.positions(y.time == 0),
            expected="times above 0: a row is the interval (start, stop]",
            remedy=f"data.filter(pl.col({y.names['time']!r}) > 0), or half a day for those who left on day 0",
        )


def refuse_new_name(follow_up: FollowUp, name: Any, argument: str) -> None:
    """Refuse the name of a new column that is no name, or that is taken."""
    taken = {*follow_up.frame.columns, follow_up.entry, follow_up.time, follow_up.event}
    is_name = isinstance(name, str) and bool(name)
    if is_name and name not in taken:
        return
    raise DataError(
        "is the name of a column that is there already" if is_name else f"{name!r} is not a name",
        argument=argument,
        column=name if is_name else None,
        expected="a new name for the column that is made",
        remedy=f"another name, or data.drop({name!r}) first" if is_name else "a text such as 'period'",
    )


def refuse_overwriting(
    frame: pl.DataFrame, given: dict[str, Column], names: dict[str, str], suffix: str
) -> None:
    """Refuse computed times whose only name is that of the column they were computed from."""
    for role, column in given.items():
        name = names[role]
        if isinstance(column, str) or column.meta.is_column() or name not in frame.columns:
            continue
        if column.meta.undo_aliases().meta.eq(column):
            raise DataError(
                "would be overwritten by times that were computed from it, perhaps in another unit",
                argument=role,
                column=name,
                expected="computed times with a name of their own",
                remedy=f"{role}=(...).alias('{role}_{suffix}')",
            )
    if len({names[role] for role in given}) < len(given):
        raise DataError(
            "is the name of the times, too, which would be lost",
            argument="entry",
            column=names["entry"],
            expected="entry and time under different names",
            remedy=f"entry=(...).alias('entry_{suffix}')",
        )


def read_date_of(frame: pl.DataFrame, column: Column, y: Survival) -> tuple[str, np.ndarray]:
    """The name of an exposure, and when it happened in each row on the scale of `y`; NaN for never."""
    table = read_table(frame, {"exposure": column}, nullable=("exposure",))
    if table.series("exposure").dtype == pl.Null:
        return table.name("exposure"), np.full(frame.height, np.nan)
    values, unit = read_duration(table, "exposure")
    if unit != y.time_unit:
        raise DataError(
            f"and time={y.names['time']!r} are not both durations",
            argument="exposure",
            column=table.name("exposure"),
            expected="the exposure on the same scale as time",
            remedy=f"exposure=pl.col({table.name('exposure')!r}).dt.total_days() and the same for time",
        )
    return table.name("exposure"), values


def type_of(frame: pl.DataFrame, column: Column) -> pl.DataType:
    """The type of a column or of the values of an expression."""
    return frame.lazy().select(column).collect_schema().dtypes()[0]


def as_given(dtype: pl.DataType, name: str, values: np.ndarray, *, whole: bool) -> pl.Series:
    """Times as a column of the type they came in: durations, whole numbers where `whole`, or float64."""
    if isinstance(dtype, pl.Duration):
        microseconds = np.round(values * MICROSECONDS_PER_DAY).astype(np.int64)
        return pl.Series(name, microseconds).cast(pl.Duration("us")).cast(dtype)
    series = pl.Series(name, values)
    return series.round().cast(dtype) if whole and dtype.is_integer() else series


def warn_of_forgotten_entry(frame: pl.DataFrame | pl.LazyFrame, y: Survival) -> None:
    """Warn where the data have the starts that are written here, and an analysis was not given them."""
    dtype = frame.collect_schema().get(ENTRY)
    if "entry" in y.names or dtype is None or not dtype.is_numeric():
        return
    start = frame.lazy().select(pl.col(ENTRY).cast(pl.Float64).fill_null(0.0)).collect()[ENTRY].to_numpy()
    start = start if y.row is None else start[y.row]
    if (start > 0).any() and (start < y.time).all() and _follow_others(start, y):
        warn(
            f"is in the data and was not given, though {counted(int((start > 0).sum()), 'row')} begin there "
            "where the row before ends without an event: all are taken as at risk from 0",
            argument="entry",
            column=ENTRY,
            expected="entry='entry' where a row is the interval (entry, time]",
            remedy="entry='entry', or data.drop('entry') if all were at risk from 0",
        )


def _follow_others(start: np.ndarray, y: Survival) -> bool:
    """Whether nearly every row that starts after 0 goes on where the row before it ended without an event."""
    time, begin = round_ties(y.time, start, TOLERANCE)
    assert begin is not None
    goes_on = np.append(False, (begin[1:] == time[:-1]) & ~y.event[:-1])
    return bool((goes_on & (begin > 0)).sum() >= MOST_ROWS * (begin > 0).sum())
