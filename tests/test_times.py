"""Durations, ages and calendar time: exact, in the unit that was asked for, and refused where unclear."""

from __future__ import annotations

import datetime as dt
from datetime import date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemresearch import times
from hemresearch.errors import DataError
from hemresearch.times import age, calendar_year, durations, from_calendar_year, whole_days

DAYS = st.dates(date(1850, 1, 1), date(2150, 12, 31))
MOMENTS = st.datetimes(datetime(1850, 1, 1), datetime(2150, 12, 31))
VISITS = pl.DataFrame(
    {
        "dx": [date(2020, 1, 10), date(2020, 5, 1), date(2020, 2, 28)],
        "seen": [date(2021, 1, 10), date(2020, 5, 1), date(2020, 3, 1)],
    }
)


def refusal(call, *parts, argument, column=None, rows=()):
    """The message of a refusal that has all its parts."""
    with pytest.raises(DataError) as caught:
        call()
    error, message = caught.value, str(caught.value)
    assert (error.argument, error.column, error.rows) == (argument, column, tuple(rows))
    for part in [f"{argument}: ", "Expected ", "Try ", *([repr(column)] if column else []), *parts]:
        assert part in message
    return message


def between(start, stop, **options):
    frame = pl.DataFrame({"start": [start], "stop": [stop]})
    return durations(frame, start="start", stop="stop", **options).item()


def age_on(birth, day, **options):
    return age(pl.DataFrame({"b": [birth], "d": [day]}), birth="b", date="d", **options).item()


# --- durations -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Stockholm", "America/New_York"])
def test_a_whole_day_is_that_of_the_time_zone(zone):
    moments = pl.Series([datetime(2024, 3, 30, 0, 10), datetime(2024, 4, 2, 23, 50), None])
    days = [date(2024, 3, 30), date(2024, 4, 2), None]
    assert whole_days(moments.dt.replace_time_zone(zone)).to_list() == days
    assert whole_days(pl.Series(days)).to_list() == days
    assert whole_days(pl.Series([None, None])).dtype == pl.Date


def test_days_between_dates_are_whole_and_the_same_day_is_zero():
    series = durations(VISITS, start="dx", stop="seen")
    assert series.to_list() == [366.0, 0.0, 2.0]
    assert (series.name, series.dtype) == ("days", pl.Float64)


@pytest.mark.parametrize(
    ("unit", "days"), [("days", 1), ("weeks", 7), ("months", 30.4375), ("years", 365.25)]
)
def test_a_unit_has_its_documented_length(unit, days):
    series = durations(VISITS, start="dx", stop="seen", unit=unit)
    assert series.name == unit
    assert series.to_list() == [366 / days, 0, 2 / days]
    assert times.DAYS_PER_UNIT[unit] == days


@given(start=DAYS, length=st.integers(0, 50_000))
def test_a_duration_counts_days_whatever_the_calendar_says(start, length):
    assert between(start, start + timedelta(days=length)) == length


@given(start=MOMENTS, length=st.timedeltas(timedelta(0), timedelta(days=9000)))
def test_datetimes_count_with_their_time_of_day(start, length):
    assert between(start, start + length) == pytest.approx(length / timedelta(days=1), rel=1e-12)


def test_a_date_and_a_datetime_may_be_mixed():
    assert between(date(2020, 1, 1), datetime(2020, 1, 3, 12)) == 2.5
    assert between(datetime(2020, 1, 1, 18), date(2020, 1, 3)) == 1.25


@pytest.mark.parametrize("precision", ["ms", "us", "ns"])
def test_every_precision_of_a_datetime_is_read(precision):
    frame = pl.DataFrame({"a": [datetime(2020, 1, 1)], "b": [datetime(2020, 1, 2, 6)]})
    frame = frame.with_columns(pl.col("b").cast(pl.Datetime(precision)))
    assert durations(frame, start="a", stop="b").item() == 1.25


def test_with_time_zones_it_is_the_time_that_passed():
    frame = pl.DataFrame({"a": [datetime(2020, 3, 28, 12)], "b": [datetime(2020, 3, 29, 12)]})
    local = frame.select(pl.all().dt.replace_time_zone("Europe/Stockholm"))
    assert durations(local, start="a", stop="b").item() == pytest.approx(23 / 24)
    mixed = local.with_columns(pl.col("b").dt.convert_time_zone("UTC"))
    assert durations(mixed, start="a", stop="b").item() == pytest.approx(23 / 24)


def test_any_table_and_expressions_are_read():
    for data in (VISITS, VISITS.lazy(), VISITS.to_pandas(), VISITS.to_arrow()):
        assert durations(data, start="dx", stop="seen").to_list() == [366.0, 0.0, 2.0]
    text = VISITS.with_columns(pl.col("dx").cast(pl.String))
    parsed = durations(text, start=pl.col("dx").str.to_date(), stop="seen")
    assert parsed.to_list() == [366.0, 0.0, 2.0]


def test_a_missing_date_is_kept_as_null_when_asked():
    data = VISITS.with_columns(seen=pl.when(pl.col("dx") != date(2020, 5, 1)).then("seen"))
    assert durations(data, start="dx", stop="seen", missing="keep").to_list() == [366.0, None, 2.0]
    empty = VISITS.with_columns(seen=pl.lit(None))
    assert durations(empty, start="dx", stop="seen", missing="keep").to_list() == [None] * 3


def test_missing_dates_are_refused_with_both_columns_counted():
    data = VISITS.with_columns(dx=pl.Series([None, date(2020, 5, 1), None]), seen=pl.Series([None] * 3))
    refusal(
        lambda: durations(data, start="dx", stop="seen"),
        "'dx' 2 missing dates, 'seen' 3 missing dates",
        "(rows 1, 2, 3)",
        "a date in every row",
        'missing="keep"',
        argument="start",
        column="dx",
        rows=[1, 2, 3],
    )


def test_missing_drop_is_refused_because_rows_are_not_dropped_here():
    refusal(
        lambda: durations(VISITS, start="dx", stop="seen", missing="drop"),
        "'raise', 'keep'",
        argument="missing",
    )


def test_a_unit_is_one_of_four():
    refusal(
        lambda: durations(VISITS, start="dx", stop="seen", unit="month"),
        "'days', 'weeks', 'months', 'years'",
        "unit='months'",
        argument="unit",
    )


def test_reversed_dates_are_refused_naming_both_columns_and_the_row():
    data = pl.DataFrame(
        {
            "id": [1, 2],
            "dx_date": [date(2020, 1, 10), date(2020, 5, 1)],
            "last_date": [date(2021, 1, 10), date(2020, 4, 1)],
        }
    )
    message = refusal(
        lambda: durations(data, start="dx_date", stop="last_date"),
        "is before 'dx_date' in 1 row, a negative time (row 2)",
        "'last_date' on or after 'dx_date'",
        "data.filter(pl.col('last_date') >= pl.col('dx_date'))",
        argument="stop",
        column="last_date",
        rows=[2],
    )
    assert "2020" not in message


def test_reversed_dates_beside_missing_ones_are_refused_too():
    data = VISITS.with_columns(seen=pl.Series([None, date(2020, 5, 1), date(2019, 1, 1)]))
    call = lambda: durations(data, start="dx", stop="seen", missing="keep")  # noqa: E731
    refusal(call, "is before 'dx'", argument="stop", column="seen", rows=[3])


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical])
def test_text_dates_are_refused_with_the_way_to_read_them(dtype):
    data = VISITS.with_columns(pl.col("dx").cast(pl.String).cast(dtype))
    refusal(
        lambda: durations(data, start="dx", stop="seen"),
        "holds text and no dates",
        "a Date or Datetime column",
        "start=pl.col('dx').str.to_date()",
        argument="start",
        column="dx",
    )


def test_numbers_are_refused_with_the_way_to_read_them():
    data = VISITS.with_columns(seen=pl.lit(20210110))
    refusal(
        lambda: durations(data, start="dx", stop="seen"),
        "holds Int32 and no dates",
        "stop=pl.col('seen').cast(pl.String).str.to_date('%Y%m%d')",
        argument="stop",
        column="seen",
    )
    parsed = durations(data, start="dx", stop=pl.col("seen").cast(pl.String).str.to_date("%Y%m%d"))
    assert parsed.to_list()[0] == 366


def test_an_unknown_column_is_refused_with_near_names():
    call = lambda: durations(VISITS, start="DX", stop="seen")  # noqa: E731
    refusal(call, "did you mean 'dx'", argument="start", column="DX")


@pytest.mark.parametrize("zoned", ["dx", "seen"])
def test_a_time_zone_beside_none_is_refused(zoned):
    aware = pl.col(zoned).cast(pl.Datetime("us")).dt.replace_time_zone("Europe/Stockholm")
    other = "seen" if zoned == "dx" else "dx"
    refusal(
        lambda: durations(VISITS.with_columns(aware), start="dx", stop="seen"),
        f"time zone Europe/Stockholm, and {other!r} has none",
        "both columns with a time zone, or none",
        f"pl.col({zoned!r}).dt.replace_time_zone(None)",
        argument="start" if zoned == "dx" else "stop",
        column=zoned,
    )


# --- age -------------------------------------------------------------------------------------------------


def completed_by_hand(birth, day):
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


@given(birth=DAYS, length=st.integers(0, 40_000))
def test_completed_age_counts_birthdays(birth, length):
    day = birth + timedelta(days=length)
    assert age_on(birth, day, completed=True) == completed_by_hand(birth, day)


@given(birth=DAYS, length=st.integers(0, 40_000))
def test_exact_age_is_the_duration_since_birth_and_near_the_completed_age(birth, length):
    day = birth + timedelta(days=length)
    exact = age_on(birth, day)
    assert exact == between(birth, day, unit="years")
    assert -0.01 < exact - age_on(birth, day, completed=True) < 1.01


@pytest.mark.parametrize(
    ("day", "years"),
    [
        (date(1961, 2, 28), 0),
        (date(1961, 3, 1), 1),
        (date(1964, 2, 28), 3),
        (date(1964, 2, 29), 4),
        (date(2000, 2, 29), 40),
        (date(1960, 2, 29), 0),
    ],
)
def test_born_on_a_leap_day_the_birthday_is_the_first_of_march_in_common_years(day, years):
    assert age_on(date(1960, 2, 29), day, completed=True) == years


def test_age_has_its_name_unit_and_type():
    data = pl.DataFrame({"b": [date(1990, 1, 1)], "d": [datetime(1990, 1, 8, 12)]})
    exact = age(data, birth="b", date="d", unit="weeks")
    assert (exact.name, exact.dtype, exact.item()) == ("age", pl.Float64, 7.5 / 7)
    whole = age(data, birth="b", date="d", completed=True)
    assert (whole.name, whole.dtype, whole.item()) == ("age", pl.Int64, 0)


def test_the_hour_of_birth_does_not_move_the_birthday():
    assert age_on(datetime(1990, 5, 1, 23), datetime(2020, 5, 1, 1), completed=True) == 30


def test_age_keeps_missing_dates_as_null_when_asked():
    data = pl.DataFrame({"b": [date(1990, 1, 1), None], "d": [date(2020, 1, 1)] * 2})
    for completed in (True, False):
        assert age(data, birth="b", date="d", missing="keep", completed=completed)[1] is None
    refusal(
        lambda: age(data, birth="b", date="d"), "'b' 1 missing date", argument="birth", column="b", rows=[2]
    )


def test_birth_after_the_date_and_completed_months_are_refused():
    data = pl.DataFrame({"b": [date(2021, 1, 1)], "d": [date(2020, 1, 1)]})
    refusal(lambda: age(data, birth="b", date="d"), "is before 'b'", argument="date", column="d", rows=[1])
    refusal(
        lambda: age(data.select(b="d", d="b"), birth="b", date="d", completed=True, unit="months"),
        "'months' was given with completed=True",
        "years",
        "completed=False",
        argument="unit",
    )


# --- calendar time ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "year"),
    [
        (date(2023, 1, 1), 2023),
        (date(2023, 12, 31), 2023 + 364 / 365),
        (date(2024, 12, 31), 2024 + 365 / 366),
        (date(2024, 7, 2), 2024.5),
        (datetime(2023, 7, 2, 12), 2023.5),
        (date(1900, 3, 1), 1900 + 59 / 365),
        (date(2000, 3, 1), 2000 + 60 / 366),
    ],
)
def test_each_year_has_its_own_length(day, year):
    assert calendar_year([day]).item() == pytest.approx(year, abs=1e-11)


@given(day=DAYS)
def test_from_a_date_to_a_decimal_year_and_back(day):
    assert from_calendar_year(calendar_year([day])).item() == day


@given(one=MOMENTS, other=MOMENTS)
def test_calendar_time_keeps_the_order_of_moments(one, other):
    first, second = calendar_year([one, other])
    assert first == pytest.approx(second) or (first < second) == (one < other)


@given(moment=MOMENTS.filter(lambda m: m.time() < dt.time(23, 59, 59)))
def test_a_moment_falls_on_its_date(moment):
    assert from_calendar_year(calendar_year([moment])).item() == moment.date()


def test_calendar_time_keeps_names_and_nulls():
    series = pl.Series("dx", [date(2020, 1, 1), None])
    years = calendar_year(series)
    assert (years.name, years.to_list()) == ("dx", [2020.0, None])
    back = from_calendar_year(pl.Series("dx", [2020.0, None, float("nan")]))
    assert (back.name, back.dtype, back.to_list()) == ("dx", pl.Date, [date(2020, 1, 1), None, None])
    assert calendar_year([None]).to_list() == from_calendar_year([None]).to_list() == [None]
    assert calendar_year([]).to_list() == from_calendar_year([]).to_list() == []


def test_calendar_time_with_a_time_zone_is_what_the_clock_shows():
    local = pl.Series([datetime(2023, 7, 2, 12)]).dt.replace_time_zone("Europe/Stockholm")
    assert calendar_year(local).item() == 2023.5


def test_calendar_time_refuses_what_is_not_a_date():
    refusal(
        lambda: calendar_year(["2020-01-01"]),
        "holds text and no dates",
        "pl.Series(dates).str.to_date()",
        argument="dates",
    )
    refusal(lambda: calendar_year(pl.Series("y", [2020])), "Int64", "%Y%m%d", argument="dates", column="y")


def test_decimal_years_are_numbers_in_the_range_of_the_calendar():
    refusal(lambda: from_calendar_year(["2020"]), "holds String", "calendar_year(dates)", argument="years")
    refusal(
        lambda: from_calendar_year(pl.Series("y", [2020.0, 0.5, 20200101, float("inf"), None])),
        "3 values that no calendar year has",
        "(rows 2, 3, 4)",
        "from 1 to 9999",
        "hem.times.calendar_year(dates)",
        argument="years",
        column="y",
        rows=[2, 3, 4],
    )


def test_dates_that_are_reversed_in_most_rows_are_perhaps_swapped():
    swapped = VISITS.rename({"dx": "seen", "seen": "dx"})
    with pytest.raises(DataError) as caught:
        durations(swapped.drop_nulls(), start="dx", stop="seen")
    assert caught.value.remedy == "start='seen' and stop='dx', which are perhaps the other way round"


@pytest.mark.parametrize("several", [["seen", "dx"], []])
def test_several_columns_or_none_for_one_date_are_refused(several):
    shown = refusal(lambda: durations(VISITS, start="dx", stop=several), argument="stop")
    assert f"{len(several)} columns were given" in shown
