"""An audit of the data before they are analysed: what cannot be right, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import polars.selectors as cs

from ..columns import Table, as_frame, read_table
from ..errors import SHOWN_ROWS, DataError, counted, listed
from ..events import read_event
from ..options import check_choice
from ..results import Result
from . import audit_checks as checks
from .audit_checks import Problem, Severity
from .missingness import counted_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..columns import Column, Columns

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
SHOWN_PROBLEMS = 8
EARLIEST = date(1900, 1, 1)
ROLES = ("id", "dates", "last_contact", "start", "stop", "time", "times", "event", "limits", "columns")
FRAME: dict[str, Any] = {
    "severity": pl.String,
    "check": pl.String,
    "column": pl.String,
    "n": pl.Int64,
    "rows": pl.List(pl.Int64),
}


@dataclass(frozen=True, slots=True, eq=False)
class Audit(Result):
    """What an audit found.

    Attributes
    ----------
    problems
        All that was found, errors first, each with its check, columns, severity and all its rows (1-based).
    n, n_columns
        Rows and columns of the data.
    """

    problems: tuple[Problem, ...]
    n: int
    n_columns: int

    @property
    def ok(self) -> bool:
        """Whether there is no error; warnings and notes are to be looked at."""
        return not self._of("error")

    def to_frame(self) -> pl.DataFrame:
        """One row per problem, errors first: `severity, check, column, n, rows`.

        `n` counts the rows at fault, `rows` lists the first five of them, counted from 1.
        """
        rows = [
            (p.severity, p.check, ", ".join(p.columns) or None, p.n, list(p.rows[:SHOWN_ROWS]))
            for p in self.problems
        ]
        return pl.DataFrame(rows, schema=FRAME, orient="row")

    def summary(self) -> pl.DataFrame:
        """One row: rows, columns, and how many errors, warnings and notes."""
        numbers = {f"n_{severity}s": [len(self._of(severity))] for severity in SEVERITIES}
        return pl.DataFrame({"n": [self.n], "n_columns": [self.n_columns], **numbers})

    def raise_if_any(self, severity: Severity = "error") -> None:
        """Refuse data with problems of this severity or a worse one.

        Raises
        ------
        DataError
            With the first problem, its columns and rows, and how many others there are.
        """
        check_choice(severity, Severity, argument="severity")
        bad = [p for p in self.problems if SEVERITIES.index(p.severity) <= SEVERITIES.index(severity)]
        if not bad:
            return
        first, others = bad[0], len(bad) - 1
        raise DataError(
            _name(first) + (f"; and {counted(others, 'other problem')}" if others else ""),
            argument="data",
            column=first.columns[0] if len(first.columns) == 1 else None,
            rows=[row - 1 for row in first.rows],
            expected=f"an audit without {severity}s" + (" or worse" if severity != "error" else ""),
            remedy="audit(...).to_frame() to see all of them, and a correction at the source",
        )

    def text(self) -> str:
        """A sentence: how many rows and columns, and everything that was found."""
        head = f"{counted_rows(self.n)} and {counted(self.n_columns, 'column')} were checked: "
        parts = [_phrase(p, rows=False) for p in self.problems]
        return head + ("; ".join(parts) if parts else "nothing was found") + "."

    def __repr__(self) -> str:
        totals = [counted(len(self._of(s)), s) for s in SEVERITIES if self._of(s)]
        head = f"Audit of {counted_rows(self.n)}, {counted(self.n_columns, 'column')}"
        head += f": {', '.join(totals) or 'nothing found'}"
        lines = [f"  {p.severity}: {_phrase(p)}" for p in self.problems[:SHOWN_PROBLEMS]]
        left = len(self.problems) - SHOWN_PROBLEMS
        return "\n".join([head, *lines, *([f"  and {left} more"] if left > 0 else [])])

    def _of(self, severity: Severity) -> list[Problem]:
        return [p for p in self.problems if p.severity == severity]


def audit(
    data: Any,
    *,
    id: Column | None = None,
    dates: Columns = None,
    last_contact: Column | None = None,
    start: Column | None = None,
    stop: Column | None = None,
    time: Column | None = None,
    times: Columns = None,
    event: Column | None = None,
    event_value: Any = None,
    cutoff: date | str | None = None,
    earliest: date | str = EARLIEST,
    limits: Mapping[str, tuple[float | None, float | None]] | None = None,
) -> Audit:
    """List what cannot be right in a table: columns, counts and row positions, never a value.

    Always checked: dates in the future (after `cutoff` if it is given) and before `earliest` in all date
    columns, equal rows, infinite numbers, Swedish personal numbers in text and numbers, numbers stored as
    text, missing values, and empty and constant columns. The other checks need to know what the columns are.

    Parameters
    ----------
    data
        Any table: polars (eager or lazy), pandas, pyarrow, DuckDB.
    id
        Patient: once each, unless `start` and `stop` make the rows intervals of a patient.
    dates
        Date columns in the order in which they happen: `["birth", "diagnosis", "transplant"]`. A missing
        date is passed over.
    last_contact
        The date after which no other date of `dates` may be, nor any other date column.
    start, stop
        Intervals (start, stop], dates or numbers: backward, without length, or overlapping within a patient.
    time
        Follow-up: negative, or zero.
    times
        Times of other events, such as relapse, that cannot be after the end of follow-up `time`.
    event
        Event indicator: values other than 0/1 and true/false.
    event_value
        The value (or values) of `event` that counts as the event, for any other coding; it has to occur.
    cutoff
        The last day of data collection. Without it dates are compared with the day on which this runs.
    earliest
        The first plausible date.
    limits
        Smallest and largest plausible value per column, None for no limit: `{"age": (0, 120)}`.

    Returns
    -------
    Audit
        `.ok`, `.to_frame()`, `.problems` and `.raise_if_any()`. Errors cannot be right, warnings should be
        looked at, notes are good to know.

    Raises
    ------
    DataError
        An unknown column, dates or numbers of another type, `start` without `stop`, or limits that are none.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> visits = pl.DataFrame(
    ...     {"patient": [1, 2, 2], "age": [61, 45, 450], "months": [12, 0, -3], "relapse": [14, 0, None]}
    ... )
    >>> found = hem.cohort.audit(
    ...     visits, id="patient", time="months", times="relapse", limits={"age": (0, 120)}
    ... )
    >>> found
    Audit of 3 rows, 4 columns: 4 errors, 1 warning, 1 note
      error: id in several rows (patient), 2 rows: 2, 3
      error: negative time (months), 1 row: 3
      error: after the last contact (relapse, months), 1 row: 1
      error: outside the limits (age), 1 row: 3
      warning: no follow-up (months), 1 row: 2
      note: missing (relapse), 1 row: 3
    >>> found.ok
    False
    """
    frame = as_frame(data)
    frame = frame.collect() if isinstance(frame, pl.LazyFrame) else frame
    frame = frame.with_columns(cs.float().fill_nan(None))
    given = (id, dates, last_contact, start, stop, time, times, event, list(limits or {}), frame.columns)
    table = read_table(frame, dict(zip(ROLES, given, strict=True)), nullable=ROLES)
    if event_value is not None and event is None:
        raise DataError(
            "was given without event",
            argument="event_value",
            expected="the column that holds the value, too",
            remedy="event='column'",
        )
    if event_value is not None:
        read_event(read_table(frame, {"event": event}, nullable=("event",)), event_value)
    _check_roles(table)
    last_day, first_day = _day(cutoff, "cutoff"), _day(earliest, "earliest")
    _check_limits(limits or {})
    problems = [
        *_of_roles(table, coded=event_value is not None),
        *_of_dates(frame, table, last_day, first_day or EARLIEST),
        *checks.outside(frame, limits or {}),
        *checks.infinite(frame),
        *checks.personal_numbers(frame),
        *checks.numbers_as_text(frame, skip=table.names["id"]),
        *checks.same_rows(frame),
        *_of_missing(frame, table),
        *checks.constants(frame),
    ]
    in_order = sorted(problems, key=lambda p: SEVERITIES.index(p.severity))
    return Audit(tuple(in_order), frame.height, frame.width)


def _of_roles(table: Table, *, coded: bool) -> Iterator[Problem]:
    several = "start" in table
    patient = _column(table, "id") if "id" in table else None
    if patient is not None:
        yield from checks.ids(patient, several)
    if several:
        yield from checks.intervals(patient, _column(table, "start"), _column(table, "stop"))
    if "time" in table or "times" in table:
        yield from checks.times(pl.concat([table.several("time"), table.several("times")], how="horizontal"))
    if "time" in table:
        yield from checks.no_follow_up(_column(table, "time"))
        yield from checks.after_last_contact(table.several("times"), _column(table, "time"))
    if "event" in table and not coded:
        yield from checks.events(_column(table, "event"))


def _of_dates(frame: pl.DataFrame, table: Table, cutoff: date | None, earliest: date) -> Iterator[Problem]:
    """The checks of dates: those that were named, and all other date columns."""
    named = table.several("dates")
    if "last_contact" in table:
        named = named.with_columns(_column(table, "last_contact"))
    others = [c for c, t in frame.schema.items() if t in (pl.Date, pl.Datetime) and c not in named.columns]
    every = pl.concat([named, frame.select(others)], how="horizontal")
    last = table.name("last_contact") if "last_contact" in table else None
    yield from checks.dates_in_order(table.several("dates"), last)
    if last is not None:
        yield from checks.after_last_contact(every, every[last])
    yield from checks.dates_after(every, cutoff)
    yield from checks.dates_before(every, earliest)


def _of_missing(frame: pl.DataFrame, table: Table) -> Iterator[Problem]:
    needed = [n for role in ("last_contact", "start", "stop", "time", "event") for n in table.names[role]]
    return checks.missing_values(frame, needed, skip=table.names["id"])


def _column(table: Table, role: str) -> pl.Series:
    """The column of a role under the user's name."""
    return table.several(role).to_series()


def _check_roles(table: Table) -> None:
    for one, other in (("start", "stop"), ("stop", "start")):
        if one in table and other not in table:
            raise DataError(
                f"was given without {other}",
                argument=one,
                column=table.name(one),
                expected="both ends of the intervals",
                remedy=f"{other}='column'",
            )
    for role in ("dates", "last_contact"):
        for series in table.several(role).iter_columns():
            if series.dtype not in (pl.Date, pl.Datetime):
                way = "str.to_date()" if series.dtype == pl.String else "cast(pl.Date)"
                raise _wrong_type(role, series, "dates", f"pl.col({series.name!r}).{way}")
    for role in ("time", "times", "limits"):
        for series in table.several(role).iter_columns():
            if not series.dtype.is_numeric():
                way = "dt.total_days()" if series.dtype == pl.Duration else "cast(pl.Float64)"
                raise _wrong_type(role, series, "numbers", f"pl.col({series.name!r}).{way}")
    if "start" in table:
        _check_ends(_column(table, "start"), _column(table, "stop"))


def _check_ends(start: pl.Series, stop: pl.Series) -> None:
    both_numbers = start.dtype.is_numeric() and stop.dtype.is_numeric()
    if not both_numbers and not (start.dtype.is_temporal() and start.dtype == stop.dtype):
        raise _wrong_type("stop", stop, f"{start.dtype}, as start", f"pl.col({stop.name!r}).cast(...)")


def _wrong_type(argument: str, series: pl.Series, expected: str, example: str) -> DataError:
    return DataError(
        f"holds {series.dtype}", argument=argument, column=series.name, expected=expected,
        remedy=f"data.with_columns({example})",
    )  # fmt: skip


def _check_limits(limits: Mapping[str, Any]) -> None:
    for name, pair in limits.items():
        ends = list(pair) if isinstance(pair, Sequence) and not isinstance(pair, str) else []
        numbers = [v for v in ends if v is not None]
        good = len(ends) == 2 and all(isinstance(v, int | float) and not np.isnan(v) for v in numbers)
        if not good or numbers != sorted(numbers):
            raise DataError(
                f"{pair!r} was given",
                argument="limits",
                column=name,
                expected="the smallest and the largest plausible value",
                remedy=f"limits={{{name!r}: (0, 120)}}",
            )


def _day(value: Any, argument: str) -> date | None:
    """A date, given as one or as text such as 2024-12-31."""
    if isinstance(value, datetime):
        return value.date()
    if value is None and argument == "cutoff":
        return None
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise DataError(
            f"{value!r} was given", argument=argument, expected="a date", remedy=f"{argument}='2024-12-31'"
        ) from None


def _phrase(problem: Problem, rows: bool = True) -> str:
    """`dates out of order (birth, diagnosis), 2 rows: 3, 17`."""
    at = f": {listed(problem.rows)}" if rows and problem.rows else ""
    return f"{_name(problem)}, {counted_rows(problem.n)}{at}"


def _name(problem: Problem) -> str:
    return problem.check + (f" ({', '.join(problem.columns)})" if problem.columns else "")
