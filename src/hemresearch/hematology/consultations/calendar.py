"""Hours on call in a declared period, with their parts of the calendar, and the consultations in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from ...columns import as_frame, as_list, read_table
from ...epidemiology.interrupted_time_series import HARMONICS, season_terms
from ...errors import DataError, counted
from ...options import Missing, check_choice
from ...times import DAYS_PER_YEAR

if TYPE_CHECKING:
    from ...columns import Column, Columns, Table

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
SEASONS = ("winter", "spring", "summer", "autumn")  # December to February is winter
PARTS = ("hour", "shift", "weekday", "month", "season", "year", "date", "holiday")
Shifts = Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True, eq=False)
class OnCall:
    """The hours of a period, and its consultations, both with their parts of the calendar.

    `hours` and `stamps` have the columns of the calendar that apply; `stamps` has the user's own columns too.
    """

    hours: pl.DataFrame
    stamps: pl.DataFrame
    columns: tuple[str, ...]
    n_dropped: int


def calendar(
    first_day: date,
    last_day: date,
    *,
    holidays: Sequence[date] | None = None,
    harmonics: int = 2,
    origin: date | None = None,
) -> pl.DataFrame:
    """Days with their weekday, month, season and whatever else a model of daily numbers asks for.

    Parameters
    ----------
    first_day, last_day
        Both included.
    holidays
        Dates that count as holidays; none is guessed. Without them there is no such column.
    harmonics
        Pairs of sine and cosine of the calendar year.
    origin
        The day from which `trend` counts; default the first day. For days to predict, the first day of the
        data of the model.

    Returns
    -------
    polars.DataFrame
        `date`, `weekday`, `month`, `season` (winter is December to February), `year`, `holiday` if they were
        given, `trend` (years), `sin_1`, `cos_1`, ...

    Raises
    ------
    DataError
        Days that are no dates, or in the wrong order; holidays that are no dates.

    Examples
    --------
    >>> from datetime import date
    >>> days = calendar(date(2024, 12, 23), date(2024, 12, 27), holidays=[date(2024, 12, 25)])
    >>> days.select("weekday", "season", "holiday").rows()[2]
    ('Wednesday', 'winter', True)
    """
    check_period(first_day, last_day)
    check_choice(harmonics, HARMONICS, argument="harmonics")
    days = pl.date_range(first_day, last_day, "1d", eager=True).alias("date")
    parts = days.to_frame().with_columns(_parts(pl.col("date"), check_holidays(holidays), timed=False))
    since = (pl.col("date") - (first_day if origin is None else origin)).dt.total_days() / DAYS_PER_YEAR
    return parts.with_columns(since.alias("trend"), *season_terms(days, harmonics))


def read_on_call(
    data: Any,
    *,
    time: Column,
    by: Columns,
    first_day: Any,
    last_day: Any,
    holidays: Any,
    shifts: Shifts | None,
    on_call: pl.Expr | None,
    missing: Missing,
) -> tuple[OnCall, list[str]]:
    """The hours and the consultations; and the names in `by`: parts of the calendar or columns."""
    check_period(first_day, last_day)
    frame, days = as_frame(data), check_holidays(holidays)
    check_shifts(shifts)
    known = frame.collect_schema().names()
    asked = as_list(by)
    own = [c for c in asked if not (isinstance(c, str) and c in PARTS)]
    of_calendar = [c for c in asked if isinstance(c, str) and c in PARTS]
    for column in own:
        if isinstance(column, str):
            check_choice(column, [*PARTS, *known], argument="by")
    _refuse_undeclared(of_calendar, days, shifts)
    _refuse_named_as_parts(own)
    there: list[Column] = [c for c in of_calendar if c in known]
    table = read_table(frame, {"time": time, "by": own, "calendar": there}, missing=missing)
    stamps = _read_stamps(table, asked, first_day, last_day)
    parts = _parts(pl.col("stamp"), days, shifts)
    zone = getattr(stamps.dtype, "time_zone", None)
    hours = _hours(first_day, last_day, zone).to_frame().with_columns(parts)
    mine = stamps.to_frame().with_columns(parts)
    _refuse_other_parts(table, mine)
    if on_call is not None:
        hours = _while_on_call(hours, mine, on_call, table)
    called = table.several("by") if own else pl.DataFrame()
    mine = mine.hstack(called) if own else mine
    names = [c if isinstance(c, str) else c.meta.output_name() for c in asked]
    return OnCall(hours, mine, tuple(called.columns), table.n_dropped), names


def check_period(first_day: Any, last_day: Any) -> None:
    """Two dates in their order."""
    for name, day in (("first_day", first_day), ("last_day", last_day)):
        if not isinstance(day, date) or isinstance(day, datetime):
            raise DataError(
                f"a {type(day).__name__} was given",
                argument=name,
                expected="a date: the first and the last day of the period are declared, so that days "
                "without a consultation count",
                remedy=f"{name}=datetime.date(2024, 1, 1)",
            )
    if last_day < first_day:
        raise DataError(
            "is before first_day",
            argument="last_day",
            expected="the last day of the period, which is included",
            remedy="first_day and last_day the other way round",
        )


def check_holidays(holidays: Any) -> list[date] | None:
    """Dates, or None where nobody told which days are holidays."""
    if holidays is None:
        return None
    days = list(holidays)
    if all(isinstance(day, date) and not isinstance(day, datetime) for day in days):
        return days
    raise DataError(
        "something other than dates was given",
        argument="holidays",
        expected="the dates of the holidays in the period",
        remedy="holidays=[datetime.date(2024, 12, 25)]",
    )


def check_shifts(shifts: Any) -> None:
    """Shifts from one full hour to another that take in every hour of the day once."""
    if shifts is None:
        return
    hours = [h for start, end in shifts.values() for h in _hours_of(start, end)]
    if sorted(hours) != list(range(24)):
        raise DataError(
            "take in some hour of the day twice or not at all",
            argument="shifts",
            expected="hours from and to that take in each of the 24 once",
            remedy='shifts={"day": (8, 16), "evening": (16, 22), "night": (22, 8)}',
        )


def _hours_of(start: int, end: int) -> list[int]:
    return [(start + i) % 24 for i in range((end - start) % 24 or 24)]


def _refuse_other_parts(table: Table, stamps: pl.DataFrame) -> None:
    """A column with the name of a part of the calendar holds that part, or it is unclear which is meant."""
    for part in table.names["calendar"]:
        theirs, ours = (s.cast(pl.String) for s in (table.several("calendar")[part], stamps[part]))
        differs = (theirs != ours).to_numpy()
        if differs.any():
            raise DataError(
                f"is a column of the data that differs from the {part} of the stamp in "
                f"{counted(int(differs.sum()), 'row')}",
                argument="by",
                column=part,
                rows=table.positions(differs),
                expected=f"the {part} of the calendar, or a column of another name",
                remedy=f"by=pl.col({part!r}).alias('my_{part}') for the column, else data.drop({part!r})",
            )


def _refuse_undeclared(parts: list[str], holidays: Any, shifts: Any) -> None:
    needed = {"holiday": ("holidays", holidays), "shift": ("shifts", shifts)}
    for part, (argument, given) in needed.items():
        if part in parts and given is None:
            raise DataError(
                f"was not given, and by asks for the {part}",
                argument=argument,
                expected="the dates of the holidays" if part == "holiday" else "shifts with their hours",
                remedy="holidays=[datetime.date(2024, 12, 25)]"
                if part == "holiday"
                else 'shifts={"day": (8, 20), "night": (20, 8)}',
            )


def _refuse_named_as_parts(own: list[Column]) -> None:
    for column in own:
        if isinstance(column, pl.Expr) and (name := column.meta.output_name()) in PARTS:
            raise DataError(
                "has the name of a part of the calendar",
                argument="by",
                column=name,
                expected="another name",
                remedy=f"by=(...).alias('my_{name}')",
            )


def _read_stamps(table: Table, asked: list[Any], first_day: date, last_day: date) -> pl.Series:
    """The time stamps, all in the declared period."""
    stamps, name = table.series("time"), table.name("time")
    hourly = [part for part in ("hour", "shift") if part in [c for c in asked if isinstance(c, str)]]
    if stamps.dtype == pl.Date and not hourly:
        stamps = stamps.cast(pl.Datetime("us"))
    if not isinstance(stamps.dtype, pl.Datetime):
        raise DataError(
            f"holds {stamps.dtype}" + (f", which has no {hourly[0]}" if hourly else ""),
            argument="time",
            column=name,
            expected="Datetime stamps",
            remedy=f"time=pl.col({name!r}).str.to_datetime()",
        )
    outside = ((stamps.dt.date() < first_day) | (stamps.dt.date() > last_day)).to_numpy()
    if outside.any():
        raise DataError(
            f"has {counted(int(outside.sum()), 'consultation')} outside of the declared period",
            argument="time",
            column=name,
            rows=table.positions(outside),
            expected=f"stamps from {first_day} to {last_day}",
            remedy=f"data.filter(pl.col({name!r}).dt.date().is_between(first_day, last_day))",
        )
    return stamps.alias("stamp")


def _hours(first_day: date, last_day: date, zone: str | None) -> pl.Series:
    """The beginning of every hour of the period; of a time zone with daylight saving, a day of 23 or 25."""
    around = 0 if zone is None else 1
    start, end = (first_day - timedelta(days=around), last_day + timedelta(days=1 + around))
    moments = pl.datetime_range(
        start, end, "15m" if zone else "1h", closed="left", time_zone="UTC" if zone else None, eager=True
    ).alias("stamp")
    if zone is None:
        return moments
    local = moments.dt.convert_time_zone(zone)  # a day may begin at 1 where the clocks change at midnight
    return local.filter((local.dt.minute() == 0) & local.dt.date().is_between(first_day, last_day))


def _parts(
    when: pl.Expr, holidays: list[date] | None, shifts: Shifts | None = None, *, timed: bool = True
) -> list[pl.Expr]:
    """The parts of the calendar, by the clock on the wall; days have no hour."""
    month = when.dt.month()
    names = {i + 1: name for i, name in enumerate(WEEKDAYS)}
    parts = [
        when.dt.weekday().replace_strict(names, return_dtype=pl.Enum(WEEKDAYS)).alias("weekday"),
        month.replace_strict(
            {i + 1: name for i, name in enumerate(MONTHS)}, return_dtype=pl.Enum(MONTHS)
        ).alias("month"),
        (month % 12 // 3)
        .replace_strict(dict(enumerate(SEASONS)), return_dtype=pl.Enum(SEASONS))
        .alias("season"),
        when.dt.year().alias("year"),
        when.dt.date().alias("date"),
    ]
    if timed:
        parts.append(when.dt.hour().alias("hour"))
    if holidays is not None:
        parts.append(when.dt.date().is_in(holidays).alias("holiday"))
    if shifts is not None:
        shift = {h: name for name, (start, end) in shifts.items() for h in _hours_of(start, end)}
        kind = pl.Enum(list(shifts))
        parts.append(when.dt.hour().replace_strict(shift, return_dtype=kind).alias("shift"))
    return parts


def _while_on_call(hours: pl.DataFrame, stamps: pl.DataFrame, on_call: pl.Expr, table: Table) -> pl.DataFrame:
    """The hours on call; a consultation at any other time is refused."""
    kept = hours.filter(on_call)
    if kept.is_empty():
        raise DataError(
            "is true in no hour of the period",
            argument="on_call",
            expected="an expression of parts of the calendar that is true while on call",
            remedy="on_call=pl.col('hour').is_between(8, 15)",
        )
    outside = ~stamps.select(on_call.alias("on call")).to_series().to_numpy()
    if outside.any():
        raise DataError(
            f"has {counted(int(outside.sum()), 'consultation')} outside of the hours on call",
            argument="time",
            column=table.name("time"),
            rows=table.positions(outside),
            expected="consultations while on call",
            remedy="an on_call= that takes in these hours, or data.filter(...)",
        )
    return kept
