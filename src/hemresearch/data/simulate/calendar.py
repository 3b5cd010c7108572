"""The days of a period with weekday and the public holidays of Sweden."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def days_of_period(first: date, end: date) -> pl.DataFrame:
    """A row for each day from the first to the one before the end: `date, weekday, holiday, day_of_year`."""
    holidays = [day for year in range(first.year, end.year + 1) for day in public_holidays(year)]
    days = pl.date_range(first, end, "1d", closed="left", eager=True).alias("date")
    return days.to_frame().with_columns(
        weekday=pl.col("date").dt.weekday().replace_strict(range(1, 8), WEEKDAYS, return_dtype=pl.String),
        holiday=pl.col("date").is_in(holidays),
        day_of_year=pl.col("date").dt.ordinal_day().cast(pl.Int64),
    )


def public_holidays(year: int) -> list[date]:
    """Public holidays of Sweden since 2005, and the eves of Midsummer, Christmas and New Year."""
    easter = easter_sunday(year)
    fixed = [(1, 1), (1, 6), (5, 1), (6, 6), (12, 24), (12, 25), (12, 26), (12, 31)]
    midsummer = _saturday_from(date(year, 6, 20))
    return [
        *(date(year, month, day) for month, day in fixed),
        *(easter + timedelta(days=days) for days in (-2, 0, 1, 39, 49)),
        midsummer - timedelta(days=1),
        midsummer,
        _saturday_from(date(year, 10, 31)),
    ]


def easter_sunday(year: int) -> date:
    """Easter Sunday of the Gregorian calendar, by the rule of Meeus, Jones and Butcher."""
    century, of_century = divmod(year, 100)
    golden = year % 19
    skipped = (century - (century + 8) // 25 + 1) // 3
    moon = (19 * golden + century - century // 4 - skipped + 15) % 30
    week = (32 + 2 * (century % 4) + 2 * (of_century // 4) - moon - of_century % 4) % 7
    late = (golden + 11 * moon + 22 * week) // 451
    month, day = divmod(moon + week - 7 * late + 114, 31)
    return date(year, month, day + 1)


def _saturday_from(day: date) -> date:
    return day + timedelta(days=(5 - day.weekday()) % 7)
