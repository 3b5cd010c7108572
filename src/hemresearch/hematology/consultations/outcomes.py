"""What happened to patients within some days of a consultation, as competing events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ...columns import as_frame, read_table
from ...errors import DataError, counted, listed, warn
from ...events import CENSORED as CENSORED_WORDS
from ...numerics.index_windows import begins_window
from ...options import check_number
from ...times import check_dates

if TYPE_CHECKING:
    from ...columns import Column, Table

CENSORED = "censored"
HALF_A_DAY = 0.5  # of a death on the day of the consultation
ROW = "row of the consultation"


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """What was asked for, checked."""

    outcomes: tuple[str, ...]
    death: str
    days: float
    prefix: str

    @property
    def labels(self) -> pl.Enum:
        """Censored, and the outcomes in the order that counts on one day."""
        return pl.Enum([CENSORED, *self.outcomes])


def outcomes_after(
    data: Any,
    events: Any,
    *,
    time: Column,
    id: Column,
    event_time: Column,
    event: Column,
    outcomes: Sequence[str],
    death: str = "death",
    last_day: Column | date,
    days: float = 30,
    prefix: str = "outcome",
) -> Any:
    """The first of several events within some days of a consultation: one row per patient and window.

    Time starts on the day of the consultation. The first on a patient begins a window of `days`;
    consultations within it belong to it and are left out, and the next one after it begins another. The event
    is the first of `outcomes` in the window; others do not count. Who has none is censored at the end of the
    window, or on the last day that is known, if that is earlier.

    Something that happened on the day of the consultation was in general its reason, and does not count: only
    events after that day do. A death on that day counts, at half a day.

    Parameters
    ----------
    data
        One row per consultation.
    events
        One row per event: the patient (under the same name as in `data`), its date and what it was. Events
        that are not among the outcomes may be there.
    time, id
        The time stamp of the consultation, and the patient.
    event_time, event
        Columns of `events`: the date, and the label.
    outcomes
        Labels of the competing events, `["VTE", "major bleeding", "death"]`; of several on one day the one
        that stands first here counts.
    death
        The label of death, after which nothing happens. It competes, so that it is one of the outcomes.
    last_day
        The last day on which events are known: a date, such as that of the extraction from a register, or a
        column of `data`.
    days
        Length of a window.
    prefix
        Beginning of the new names.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        The rows of the consultations that begin a window, with `outcome_days` and `outcome_event` (an Enum of
        "censored" and the outcomes), for `hem.competing.cumulative_incidence`, with `cluster=` the patient.

    Raises
    ------
    DataError
        Outcomes that never occur or without death; columns that are no dates; missing values; a consultation
        or an event after the patient's death; a last day before the consultation; events of nobody in `data`;
        names that are taken.

    Warns
    -----
    DataWarning
        Consultations within a window, which are left out; patients with several windows, which are not
        independent; events on the day of the consultation.

    Examples
    --------
    >>> from datetime import date
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> calls = pl.DataFrame(
    ...     {"patient": ["a", "b", "c"], "day": [date(2024, 1, 1), date(2024, 1, 5), date(2024, 2, 1)]}
    ... )
    >>> events = pl.DataFrame(
    ...     {
    ...         "patient": ["a", "b"],
    ...         "day": [date(2024, 1, 11), date(2024, 1, 9)],
    ...         "what": ["VTE", "death"],
    ...     }
    ... )
    >>> cohort = hem.hematology.consultations.outcomes_after(
    ...     calls, events, time="day", id="patient", event_time="day", event="what",
    ...     outcomes=["VTE", "death"], last_day=date(2024, 6, 30),
    ... )
    >>> cohort.select("patient", "outcome_days", "outcome_event").rows()
    [('a', 10.0, 'VTE'), ('b', 4.0, 'death'), ('c', 30.0, 'censored')]
    """
    asked = _request(outcomes, death, days, prefix)
    frame = as_frame(data)
    lazy = isinstance(frame, pl.LazyFrame)
    whole = frame.collect() if isinstance(frame, pl.LazyFrame) else frame
    _refuse_taken(asked, whole.columns)
    calls = _read_calls(whole, time, id, last_day)
    happened = _read_events(events, calls, event_time, event, asked)
    _refuse_after_death(calls, happened, asked)
    index = calls.frame.filter(_begins(calls, asked.days))
    first = _first_events(index, happened, asked)
    result = whole[index[ROW].to_numpy()].hstack(first)
    return result.lazy() if lazy else result


@dataclass(frozen=True, slots=True, eq=False)
class Calls:
    """Consultations by patient and day (`id`, `day`, `last`, row of the data), and the user's names."""

    frame: pl.DataFrame
    id: str
    time: str


def _request(outcomes: Any, death: Any, days: Any, prefix: Any) -> Request:
    labels = tuple(outcomes) if isinstance(outcomes, list | tuple) else (outcomes,)
    if not labels or not all(isinstance(label, str) for label in labels) or death not in labels:
        raise DataError(
            f"{listed(map(repr, labels))} were given" + ("" if death in labels else f", without {death!r}"),
            argument="outcomes",
            expected="labels of events, that of death among them, since nothing happens after it",
            remedy="outcomes=['VTE', 'major bleeding', 'death']",
        )
    if len(set(labels)) < len(labels) or CENSORED_WORDS & {label.casefold() for label in labels}:
        raise DataError(
            f"{listed(map(repr, labels))} were given",
            argument="outcomes",
            expected="each event once, and none that means censored",
            remedy="outcomes=['VTE', 'major bleeding', 'death']",
        )
    length = check_number(days, argument="days", above=0, expected="days above 0", example=30)
    if not isinstance(prefix, str) or not prefix:
        raise DataError(
            f"{prefix!r} is not the beginning of a name",
            argument="prefix",
            expected="text that the names of the new columns begin with",
            remedy="prefix='outcome'",
        )
    return Request(labels, death, length, prefix)


def _refuse_taken(asked: Request, known: list[str]) -> None:
    for name in (f"{asked.prefix}_days", f"{asked.prefix}_event"):
        if name in known:
            raise DataError(
                "is in the data already",
                argument="prefix",
                column=name,
                expected="names that are not taken",
                remedy=f"prefix='{asked.prefix}_2'",
            )


def _read_calls(whole: pl.DataFrame, time: Column, id: Column, last_day: Any) -> Calls:
    """Consultations sorted by patient and day."""
    is_day = isinstance(last_day, date)
    table = read_table(whole, {"time": time, "id": id, "date": None if is_day else last_day})
    end = pl.lit(_day_of(last_day)).alias("last") if is_day else _days(table, "date").alias("last")
    frame = pl.DataFrame({"id": table.series("id"), "day": _days(table, "time")}).with_columns(end)
    frame = frame.with_row_index(ROW)
    late = (frame["last"] < frame["day"]).to_numpy()
    if late.any():
        raise DataError(
            f"is before the consultation in {counted(int(late.sum()), 'row')}",
            argument="last_day",
            column=None if is_day else table.name("date"),
            rows=np.flatnonzero(late),
            expected="the last day on which events are known, on or after the consultation",
            remedy="data.filter(...) to consultations that were followed",
        )
    return Calls(frame.sort("id", "day", ROW), table.name("id"), table.name("time"))


def _day_of(moment: date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _days(table: Table, role: str) -> pl.Series:
    name = table.name(role)
    argument = "last_day" if role == "date" else role
    check_dates(table.series(role), argument, name, f"{argument}=pl.col({name!r}).str.to_date()")
    return table.series(role).dt.date()


def _read_events(
    events: Any, calls: Calls, event_time: Column, event: Column, asked: Request
) -> pl.DataFrame:
    """`id`, `on`, and `what` of the events that are outcomes."""
    table = read_table(events, {"id": calls.id, "time": event_time, "event": event})
    frame = pl.DataFrame(
        {
            "id": table.series("id"),
            "on": _event_days(table),
            "what": table.series("event").cast(pl.String),
        }
    )
    _refuse_never(frame, table, asked)
    if (
        frame["id"].dtype != calls.frame["id"].dtype
        or not frame["id"].is_in(calls.frame["id"].implode()).any()
    ):
        raise DataError(
            "names nobody who is in the data",
            argument="id",
            column=calls.id,
            expected="the same patients under the same name, and of one type, in both tables",
            remedy=f"events.with_columns(pl.col({calls.id!r}).cast(data.schema[{calls.id!r}]))",
        )
    chosen = frame.filter(pl.col("what").is_in(asked.outcomes))
    return chosen.with_columns(pl.col("what").cast(asked.labels))


def _event_days(table: Table) -> pl.Series:
    name = table.name("time")
    check_dates(table.series("time"), "event_time", name, f"event_time=pl.col({name!r}).str.to_date()")
    return table.series("time").dt.date()


def _refuse_never(frame: pl.DataFrame, table: Table, asked: Request) -> None:
    found = set(frame["what"].unique())
    never = [label for label in asked.outcomes if label not in found]
    if never:
        raise DataError(
            f"never holds {listed(map(repr, never))}",
            argument="outcomes",
            column=table.name("event"),
            expected="labels of the events; there are " + listed(sorted(map(repr, found)), 8),
            remedy=f"outcomes={[label for label in asked.outcomes if label in found]!r}",
        )


def _refuse_after_death(calls: Calls, happened: pl.DataFrame, asked: Request) -> None:
    """Nobody is discussed, and nothing happens, after a death."""
    died = happened.filter(pl.col("what") == asked.death).group_by("id").agg(pl.min("on").alias("died"))
    late = calls.frame.join(died, on="id", maintain_order="left").filter(pl.col("day") > pl.col("died"))
    if late.height:
        raise DataError(
            f"is after the patient's death in {counted(late.height, 'row')}",
            argument="time",
            column=calls.time,
            rows=late[ROW].sort(),
            expected="consultations on the living",
            remedy="data.filter(...) once the rows have been looked at",
        )
    after = happened.join(died, on="id").filter(pl.col("on") > pl.col("died")).height
    if after:
        raise DataError(
            f"has {counted(after, 'outcome')} after the patient's death",
            argument="events",
            expected="nothing to happen after a death, which comes once",
            remedy="events.filter(...) once the rows have been looked at",
        )


def _begins(calls: Calls, days: float) -> pl.Series:
    """The consultations that begin a window; those that belong to one are told."""
    owner = calls.frame["id"].rle_id().to_numpy().astype(np.int64)
    day = calls.frame["day"].cast(pl.Int32).cast(pl.Float64).to_numpy()
    begins = begins_window(owner, day, days)
    within, patients = int((~begins).sum()), len(np.unique(owner))
    several = int((np.bincount(owner, begins) > 1).sum())
    if within or several:
        words = [f"{counted(within, 'consultation')} within {days:g} days of another are left out"] * (
            within > 0
        )
        words += [f"{several} of {counted(patients, 'patient')} have several windows"] * (several > 0)
        warn(
            "; ".join(words),
            argument="id",
            column=calls.id,
            expected="one consultation per patient, whose outcomes are independent",
            remedy=f"cluster={calls.id!r} in the analysis, or the first window of each patient",
        )
    return pl.Series(begins)


def _first_events(index: pl.DataFrame, happened: pl.DataFrame, asked: Request) -> pl.DataFrame:
    """Days and label of what comes first in each window."""
    fatal = pl.col("what") == asked.death
    passed = (pl.col("on") - pl.col("day")).dt.total_days().cast(pl.Float64).alias("passed")
    pairs = index.join(happened, on="id").with_columns(passed).filter(pl.col("on") <= pl.col("last"))
    _warn_of_same_day(pairs.filter((pl.col("passed") == 0) & ~fatal), index)
    counts = (pl.col("passed") > 0) | ((pl.col("passed") == 0) & fatal)
    first = (
        pairs.filter(counts & (pl.col("passed") <= asked.days))
        .sort("passed", "what")
        .group_by(ROW, maintain_order=True)
        .agg(pl.first("passed", "what"))
    )
    known = (pl.col("last") - pl.col("day")).dt.total_days().cast(pl.Float64)
    end = pl.min_horizontal(known, pl.lit(asked.days))
    both = index.join(first, on=ROW, how="left", maintain_order="left")
    time = pl.coalesce(pl.col("passed").clip(HALF_A_DAY), end)
    label = pl.col("what").fill_null(CENSORED)
    return both.select(time.alias(f"{asked.prefix}_days"), label.alias(f"{asked.prefix}_event"))


def _warn_of_same_day(same: pl.DataFrame, index: pl.DataFrame) -> None:
    if same.height:
        warn(
            f"has {counted(same.height, 'outcome')} on the day of the consultation, which do not count",
            argument="events",
            rows=same[ROW].unique().sort(),
            expected="events after that day; those on it were in general its reason",
            remedy="a look at the rows of the data named here",
        )
