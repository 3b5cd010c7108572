"""From dates to time: durations in one stated unit, ages, and calendar time.

A unit is always stated, never guessed. A week is 7 days, a month 30.4375 days (365.25 / 12), a year 365.25
days: the mean lengths over a leap-year cycle, so that durations in any two units are proportional.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from .columns import Column, Table, read_table
from .errors import DataError, counted, listed
from .options import TimeUnit, check_choice

if TYPE_CHECKING:
    from collections.abc import Iterable

DAYS_PER_WEEK = 7.0
DAYS_PER_MONTH = 30.4375
DAYS_PER_YEAR = 365.25
DAYS_PER_UNIT: dict[TimeUnit, float] = {
    "days": 1.0,
    "weeks": DAYS_PER_WEEK,
    "months": DAYS_PER_MONTH,
    "years": DAYS_PER_YEAR,
}
MICROSECONDS_PER_DAY = 86_400_000_000
A_MILLISECOND = 1e-3 / 86_400  # in days: how much earlier than midnight still counts as that midnight

KeepMissing = Literal["raise", "keep"]
__all__ = [
    "DAYS_PER_MONTH", "DAYS_PER_UNIT", "DAYS_PER_WEEK", "DAYS_PER_YEAR", "age", "calendar_year", "durations",
    "from_calendar_year",
]  # fmt: skip
TEXTS = (pl.String, pl.Categorical, pl.Enum)


def durations(
    data: Any, *, start: Column, stop: Column, unit: TimeUnit = "days", missing: KeepMissing = "raise"
) -> pl.Series:
    """Time from one date to another, one value per row, in one unit.

    Between two dates the days are whole; a Datetime counts with its time of day, also against a Date (which
    is its midnight). With time zones it is the time that passed. The same day gives 0.

    Parameters
    ----------
    data
        Any table; other columns are not looked at.
    start, stop
        Date or Datetime columns (or expressions, such as `pl.col("diagnosis").str.to_date()`).
    unit
        Of the result: a week is 7 days, a month 30.4375, a year 365.25.
    missing
        `"raise"` refuses a missing date; `"keep"` gives a null in its row, for an analysis function to
        settle by its own `missing`. Rows are never dropped here.

    Returns
    -------
    polars.Series
        Float64, named after the unit, as long as the data.

    Raises
    ------
    DataError
        For an unknown column, text or numbers instead of dates, a missing date, a `stop` before its
        `start`, and a column with a time zone beside one without.

    Examples
    --------
    >>> from datetime import date
    >>> visits = pl.DataFrame({"diagnosis": [date(2020, 1, 10)], "last_seen": [date(2021, 1, 10)]})
    >>> durations(visits, start="diagnosis", stop="last_seen", unit="months").round(4).to_list()
    [12.0246]
    >>> visits.with_columns(durations(visits, start="diagnosis", stop="last_seen"))["days"].to_list()
    [366.0]
    """
    check_choice(unit, TimeUnit, argument="unit")
    days = _days_between(data, {"start": start, "stop": stop}, missing)
    return (days / DAYS_PER_UNIT[unit]).rename(unit)


def age(
    data: Any,
    *,
    birth: Column,
    date: Column,
    unit: TimeUnit = "years",
    completed: bool = False,
    missing: KeepMissing = "raise",
) -> pl.Series:
    """Age on a date: exact and fractional, or in birthdays.

    The exact age is the time since birth in units of 365.25 days (or 30.4375, 7, 1). The completed age
    counts birthdays, as people do; someone born on 29 February has it on 1 March in common years.

    Parameters
    ----------
    data
        Any table.
    birth, date
        Names of Date or Datetime columns: of birth, and the day on which the age is wanted. As a time
        scale for a model, ask once at entry and once at exit.
    unit
        Of the exact age; a completed age is in years.
    completed
        Count birthdays instead.
    missing
        `"raise"` refuses a missing date; `"keep"` gives a null in its row.

    Returns
    -------
    polars.Series
        Named `age`: Float64, or Int64 where completed.

    Raises
    ------
    DataError
        As `durations`, with `birth` after `date` refused; and for `completed=True` in another unit than
        years.

    Examples
    --------
    >>> from datetime import date
    >>> one = pl.DataFrame({"born": [date(1960, 2, 29)], "diagnosis": [date(2021, 2, 28)]})
    >>> age(one, birth="born", date="diagnosis").round(4).to_list()
    [60.9993]
    >>> age(one, birth="born", date="diagnosis", completed=True).to_list()
    [60]
    """
    check_choice(unit, TimeUnit, argument="unit")
    roles: dict[str, Column] = {"birth": birth, "date": date}
    days = _days_between(data, roles, missing)
    if not completed:
        return (days / DAYS_PER_UNIT[unit]).rename("age")
    if unit != "years":
        raise DataError(
            f"{unit!r} was given with completed=True",
            argument="unit",
            expected="years, which birthdays complete",
            remedy=f"unit='years', or completed=False for the exact age in {unit}",
        )
    table = read_dates(data, roles)
    born, day = (table.series(role).dt.date() for role in roles)
    return _birthdays(born, day).rename("age")


def calendar_year(dates: pl.Series | Iterable[Any]) -> pl.Series:
    """Calendar time as a decimal year: 1 January is the whole number, each year has its own length.

    A date counts as its midnight: 2 July 2023 is 2023 + 182/365, in the leap year 2024 it is 2024 + 183/366.

    Parameters
    ----------
    dates
        A Date or Datetime column, or dates in any other sequence; nulls stay null.

    Returns
    -------
    polars.Series
        Float64, under the name of the column.

    Raises
    ------
    DataError
        For anything but dates.

    Examples
    --------
    >>> from datetime import date
    >>> calendar_year([date(2023, 7, 2), date(2024, 7, 2)]).round(6).to_list()
    [2023.49863, 2024.5]
    """
    series = _as_series(dates)
    check_dates(series, "dates", series.name, "pl.Series(dates).str.to_date()")
    year = pl.col("moment").dt.year()
    first, following = pl.datetime(year, 1, 1), pl.datetime(year + 1, 1, 1)
    passed = (pl.col("moment") - first).dt.total_microseconds() / (following - first).dt.total_microseconds()
    return (
        _wall_clock(series).alias("moment").to_frame().select(year + passed).to_series().rename(series.name)
    )


def from_calendar_year(years: pl.Series | Iterable[float]) -> pl.Series:
    """The date in which a decimal year falls: the inverse of `calendar_year` for dates.

    Parameters
    ----------
    years
        Decimal years, 1 to 9999; null and NaN both give null.

    Returns
    -------
    polars.Series
        Date, under the name of the column.

    Raises
    ------
    DataError
        For anything but numbers in that range.

    Examples
    --------
    >>> from_calendar_year([2024.0, 2024.5]).to_list()
    [datetime.date(2024, 1, 1), datetime.date(2024, 7, 2)]
    """
    series = _as_series(years)
    if not (series.dtype.is_numeric() or series.dtype == pl.Null):
        raise DataError(
            f"holds {series.dtype}",
            argument="years",
            column=series.name or None,
            expected="decimal years such as 2021.5",
            remedy="hem.times.calendar_year(dates), which makes them from dates",
        )
    values = series.cast(pl.Float64).fill_nan(None)
    outside = ~values.is_between(1, 10_000, closed="left").fill_null(True)
    if outside.any():
        raise DataError(
            f"holds {counted(int(outside.sum()), 'value')} that no calendar year has",
            argument="years",
            column=series.name or None,
            rows=outside.arg_true(),
            expected="decimal years from 1 to 9999, such as 2021.5",
            remedy="hem.times.calendar_year(dates), which makes them from dates",
        )
    year = pl.col("value").floor().cast(pl.Int32)
    first, following = pl.date(year, 1, 1), pl.date(year + 1, 1, 1)
    days = (pl.col("value") - year) * (following - first).dt.total_days() + A_MILLISECOND
    date = first + pl.duration(days=days.floor().cast(pl.Int64))
    return values.alias("value").to_frame().select(date).to_series().rename(series.name)


def _days_between(data: Any, roles: dict[str, Column], missing: KeepMissing) -> pl.Series:
    """Days from the first role to the second, as Float64; reversed dates are refused."""
    check_choice(missing, KeepMissing, argument="missing")
    table = read_dates(data, roles)
    if missing == "raise":
        _refuse_missing(table)
    (first, start), (last, stop) = ((role, table.series(role)) for role in roles)
    _refuse_mixed_zones(table, first, last)
    days = (_instant(stop) - _instant(start)).dt.total_microseconds() / MICROSECONDS_PER_DAY
    reversed_rows = (days < 0).fill_null(False)
    if reversed_rows.any():
        early, late = table.name(first), table.name(last)
        raise DataError(
            f"is before {early!r} in {counted(int(reversed_rows.sum()), 'row')}, a negative time",
            argument=last,
            column=late,
            rows=reversed_rows.arg_true(),
            expected=f"{late!r} on or after {early!r} in every row",
            remedy=f"{first}={late!r} and {last}={early!r}, which are perhaps the other way round"
            if 2 * int(reversed_rows.sum()) > len(days.drop_nulls())
            else f"data.filter(pl.col({late!r}) >= pl.col({early!r})), once the dates are looked at",
        )
    return days


def read_dates(data: Any, roles: dict[str, Column]) -> Table:
    """The columns of the roles, dates all of them; missing values are left in."""
    table = read_table(data, dict(roles), nullable=tuple(roles))
    for role, names in table.names.items():
        if len(names) != 1:
            raise DataError(
                f"{counted(len(names), 'column')} were given",
                argument=role,
                expected="one column of dates",
                remedy=f"{role}={names[0]!r}" if names else f"{role}='the column of dates'",
            )
        name = names[0]
        check_dates(table.series(role), role, name, f"{role}=pl.col({name!r}).str.to_date()")
    nothing = [key for key, dtype in table.frame.schema.items() if dtype == pl.Null]
    return replace(table, frame=table.frame.with_columns(pl.col(nothing).cast(pl.Date)))


def whole_days(series: pl.Series) -> pl.Series:
    """The calendar day of each date or time; with a time zone the day there, not the one in UTC."""
    return series.cast(pl.Date) if series.dtype == pl.Null else series.dt.date()


def check_dates(series: pl.Series, argument: str, name: str, as_date: str) -> None:
    """Refuse a column that does not hold dates, with the way to make them."""
    if series.dtype in (pl.Date, pl.Datetime, pl.Null):
        return
    text = series.dtype in TEXTS
    digits = as_date.replace(".str", ".cast(pl.String).str").replace("()", "('%Y%m%d')")
    raise DataError(
        f"holds {'text' if text else series.dtype} and no dates",
        argument=argument,
        column=name or None,
        expected="a Date or Datetime column",
        remedy=as_date if text else f"{digits} for dates written as 20200131",
    )


def _refuse_missing(table: Table) -> None:
    absent = {role: table.series(role).is_null() for role in table.names}
    found = {role: mask for role, mask in absent.items() if mask.any()}
    if not found:
        return
    first = next(iter(found))
    counts = [f"{table.name(r)!r} {counted(int(m.sum()), 'missing date')}" for r, m in found.items()]
    raise DataError(
        f"has missing dates ({listed(counts)})",
        argument=first,
        column=table.name(first),
        rows=pl.DataFrame(found).select(pl.any_horizontal(pl.all())).to_series().arg_true(),
        expected="a date in every row",
        remedy='missing="keep" to get a null in those rows',
    )


def _refuse_mixed_zones(table: Table, first: str, last: str) -> None:
    zones = {role: getattr(table.series(role).dtype, "time_zone", None) for role in (first, last)}
    with_zone = [role for role, zone in zones.items() if zone]
    if len(with_zone) != 1:
        return
    role, other = with_zone[0], first if with_zone[0] == last else last
    name = table.name(role)
    raise DataError(
        f"has the time zone {zones[role]}, and {table.name(other)!r} has none",
        argument=role,
        column=name,
        expected="both columns with a time zone, or none",
        remedy=f"{role}=pl.col({name!r}).dt.replace_time_zone(None) for local time",
    )


def _instant(series: pl.Series) -> pl.Series:
    """Datetimes that can be subtracted: microseconds, in UTC where there is a time zone."""
    if getattr(series.dtype, "time_zone", None):
        series = series.dt.convert_time_zone("UTC")
    return _wall_clock(series)


def _wall_clock(series: pl.Series) -> pl.Series:
    """Date and time of day as the clock showed it, without a time zone, in microseconds."""
    if getattr(series.dtype, "time_zone", None):
        series = series.dt.replace_time_zone(None)
    return series.cast(pl.Datetime("us"))


def _birthdays(born: pl.Series, day: pl.Series) -> pl.Series:
    """How many birthdays lie between two dates, the day of birth not counted."""
    month_and_day = {
        name: 100 * pl.col(name).dt.month().cast(pl.Int32) + pl.col(name).dt.day() for name in ("born", "day")
    }
    to_come = month_and_day["day"] < month_and_day["born"]
    years = pl.col("day").dt.year().cast(pl.Int64) - pl.col("born").dt.year() - to_come.cast(pl.Int64)
    return pl.DataFrame({"born": born, "day": day}).select(years).to_series()


def _as_series(values: Any) -> pl.Series:
    return values if isinstance(values, pl.Series) else pl.Series(list(values))


def __dir__() -> list[str]:
    return sorted(__all__)
