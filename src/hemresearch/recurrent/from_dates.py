"""Rows of follow-up from a list of dated events and a table of patients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..errors import DataError, counted, warn
from ..options import TimeUnit, check_choice
from ..times import DAYS_PER_UNIT
from .dated_events import NO_DATE, Dated, Outside, Windows, owners, read_dated, refuse_overlaps

if TYPE_CHECKING:
    from ..columns import Column

NEW = ("entry", "time", "event", "terminal")


def from_dates(
    events: Any,
    patients: Any,
    *,
    id: Column,
    event_date: Column,
    start: Column,
    end: Column,
    death: Column | None = None,
    unit: TimeUnit,
    outside: Outside = "raise",
) -> Any:
    """Rows (entry, time] from a list of dated events and a table of patients, one row per interval.

    Time is counted from each patient's first `start`. A row ends at an event, at the end of follow-up or at
    the death; the columns are named by the roles that they have in `mean_cumulative`, `andersen_gill`,
    `prentice_williams_peterson` and `event_rate`.

    Parameters
    ----------
    events
        One row per event, of those that count: filter it to joint bleeds for joint bleeds. It may be empty.
    patients
        One row per patient; or one per window of follow-up, as `hematology.bleeding.exposure_windows` gives
        them, that do not overlap. In between nobody was observed, and an analysis warns of the gaps.
    id
        The column of the patient in both tables.
    event_date
        Date of the event, in `events`.
    start, end
        First and last date of the window, in `patients`. Days after the start until the end are observed: an
        event on the day of the start is outside. A Datetime counts as its day.
    death
        Date of death, in `patients`; null for the living. It ends the follow-up, whose `end` may then be null
        or later. A death after `end` is not observed.
    unit
        Of the time: `"days"`, `"weeks"`, `"months"` (30.4375 days) or `"years"` (365.25 days).
    outside
        Events in no window of their patient: "raise" says how many and why; "drop" leaves them out with a
        warning that says the same.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        All columns of `patients` (lazy if they were), then `entry`, `time`, `event`, and with `death`
        `terminal`; in the order of `patients` and of time.

    Raises
    ------
    DataError
        For columns without dates, missing dates, windows without a day or that overlap, a death before the
        start, events outside, identifiers of two types, and names that are taken.

    Warns
    -----
    DataWarning
        Several events of a patient on one day, which count as one; with `outside="drop"` events that were
        left out.

    Examples
    --------
    >>> from datetime import date
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> patients = pl.DataFrame(
    ...     {
    ...         "id": [1, 2],
    ...         "start": [date(2020, 1, 1)] * 2,
    ...         "last_seen": [date(2020, 12, 31)] * 2,
    ...         "died": [date(2020, 5, 1), None],
    ...     }
    ... )
    >>> bleeds = pl.DataFrame({"id": [1, 1], "date": [date(2020, 2, 1), date(2020, 5, 1)]})
    >>> rows = hem.recurrent.from_dates(
    ...     bleeds, patients, id="id", event_date="date", start="start", end="last_seen", death="died",
    ...     unit="days",
    ... )
    >>> rows.select("id", "entry", "time", "event", "terminal").rows()
    [(1, 0.0, 31.0, True, False), (1, 31.0, 121.0, True, True), (2, 0.0, 365.0, False, False)]
    >>> mean = hem.recurrent.mean_cumulative(
    ...     rows, time="time", event="event", entry="entry", id="id", terminal="terminal"
    ... )
    >>> mean.at(365)["estimate"].to_list()
    [1.0]
    """
    check_choice(unit, TimeUnit, argument="unit")
    check_choice(outside, Outside, argument="outside")
    dates: dict[str, Column] = {"start": start, "end": end} | ({} if death is None else {"death": death})
    follow_up = read_dated(patients, id, dates)
    happened = read_dated(events, id, {"event_date": event_date}, may_be_empty=True)
    _refuse_taken(follow_up.frame.columns)
    happened.refuse_no_date("event_date", f"events.drop_nulls({happened.names['event_date']!r})")
    stop = _stops(follow_up)
    owner, owner_of_event = owners(follow_up, happened)
    refuse_overlaps(follow_up, owner, "start", stop, "one row per patient, or windows one after the other")
    windows = Windows(owner, follow_up.day["start"], stop)
    place, day = windows.hold(happened, owner_of_event, outside), happened.day["event_date"]
    place, day = place[place >= 0], day[place >= 0]
    _warn_of_one_day(place, day, happened.names["event_date"])
    rows = _rows(windows, place, day, DAYS_PER_UNIT[unit])
    new = [rows["entry"], rows["time"], rows["event"]]
    if death is not None:
        died = follow_up.day["death"] == stop
        new.append((rows["last"] & pl.Series(died)[rows["window"]]).alias("terminal"))
    result = follow_up.frame[rows["window"]].hstack(new)
    return result.lazy() if isinstance(patients, pl.LazyFrame) else result


def _refuse_taken(known: list[str]) -> None:
    for name in NEW:
        if name in known:
            raise DataError(
                "is the name of a column that is made here",
                argument="patients",
                column=name,
                expected=f"patients without columns {', '.join(NEW)}",
                remedy=f"patients.rename({{{name!r}: '{name}_before'}})",
            )


def _stops(follow_up: Dated) -> np.ndarray:
    """The day on which each window ends: its end or the death, whichever is first."""
    follow_up.refuse_no_date("start", "patients.filter(...) to those whose follow-up has started")
    begin, stop = follow_up.day["start"], follow_up.day["end"].copy()
    if "death" in follow_up.day:
        death = follow_up.day["death"]
        follow_up.refuse(
            "death", (death != NO_DATE) & (death <= begin), "is not after the start in {}",
            "a death after the start of follow-up, or null", "patients.filter(...) to look at the dates",
        )  # fmt: skip
        earlier = (death != NO_DATE) & ((stop == NO_DATE) | (death < stop))
        stop[earlier] = death[earlier]
    follow_up.refuse(
        "end", stop == NO_DATE, "has no date in {} without a death", "a date where follow-up ended",
        f"end=pl.col({follow_up.names['end']!r}).fill_null(date(2024, 12, 31)), the end of the study",
    )  # fmt: skip
    follow_up.refuse(
        "end", stop <= begin, "is not after the start in {}", "follow-up of at least a day",
        "patients.filter(...) to those followed beyond the day of the start",
    )  # fmt: skip
    return stop


def _warn_of_one_day(place: np.ndarray, day: np.ndarray, column: str) -> None:
    n = len(day) - pl.DataFrame({"place": place, "day": day}).unique().height
    if n:
        warn(
            f"holds {counted(n, 'event')} on the day of another one of the same patient: they count as one",
            argument="event_date",
            column=column,
            expected="one event a day, as rows (entry, time] can tell",
            remedy="event_rate(..., events=..., person_time=...) on numbers of events to count each",
        )


def _rows(windows: Windows, place: np.ndarray, day: np.ndarray, days_per_unit: float) -> pl.DataFrame:
    """The rows of all windows: window, entry, time, whether an event ends it, and whether it is the last."""
    n = len(windows.stop)
    ends = pl.DataFrame(
        {
            "window": np.concatenate([place, np.arange(n)]).astype(np.int64),
            "day": np.concatenate([day, windows.stop]),
            "event": np.repeat([True, False], [len(day), n]),
        }
    )
    first = np.full(int(windows.owner.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, windows.owner, windows.start)
    origin = pl.Series(first[windows.owner])
    rows = ends.group_by("window", "day").agg(pl.col("event").any()).sort("window", "day")
    rows = rows.with_columns(
        before=pl.col("day").shift(1).over("window"), last=pl.col("day") == pl.col("day").max().over("window")
    )
    begin = rows["before"].fill_null(pl.Series(windows.start)[rows["window"]])
    return rows.with_columns(
        entry=(begin - origin[rows["window"]]) / days_per_unit,
        time=(rows["day"] - origin[rows["window"]]) / days_per_unit,
    )
