"""Rows from dated events: by hand, against counts of days, and every refusal and warning."""

from __future__ import annotations

import warnings
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from recurrent_rows import ROLES, recurrent_rows
from reference_cases import assert_close
from refusals import assert_refused, assert_warns

from hemresearch.recurrent import event_rate, from_dates, mean_cumulative

DAY = date(2020, 1, 1)
COLUMNS = ("id", "entry", "time", "event")


def on(*days: int | None) -> list[date | None]:
    return [None if day is None else DAY + timedelta(days=day) for day in days]


PATIENTS = pl.DataFrame(
    {"id": ["a", "b", "c"], "start": on(0, 10, 0), "end": on(100, 50, None), "death": on(None, None, 40)}
)
EVENTS = pl.DataFrame({"id": ["b", "a", "a", "c"], "date": on(50, 30, 90, 20)})


def rows(events=EVENTS, patients=PATIENTS, **options):
    roles = {"id": "id", "event_date": "date", "start": "start", "end": "end", "unit": "days"}
    return from_dates(events, patients, **(roles | options))


def test_by_hand_with_a_death():
    made = rows(death="death")
    assert made.select(*COLUMNS, "terminal").rows() == [
        ("a", 0, 30, True, False), ("a", 30, 90, True, False), ("a", 90, 100, False, False),
        ("b", 0, 40, True, False), ("c", 0, 20, True, False), ("c", 20, 40, False, True),
    ]  # fmt: skip
    assert made.columns == [*PATIENTS.columns, "entry", "time", "event", "terminal"]


def test_windows_of_a_patient_count_time_from_the_first():
    windows = pl.DataFrame(
        {"id": ["a", "a"], "regimen": ["on demand", "prophylaxis"], "start": on(0, 150), "end": on(100, 250)}
    )
    events = pl.DataFrame({"id": ["a", "a"], "date": on(100, 200)})
    made = rows(events, windows)
    assert made.select("regimen", "entry", "time", "event").rows() == [
        ("on demand", 0, 100, True), ("prophylaxis", 150, 200, True), ("prophylaxis", 200, 250, False),
    ]  # fmt: skip


def test_units_lazy_frames_and_times_of_day():
    by_day = rows(patients=PATIENTS.head(2), events=EVENTS.head(3))
    years = rows(patients=PATIENTS.head(2), events=EVENTS.head(3), unit="years")
    assert_close(years["time"], by_day["time"] / 365.25, rel=1e-12)
    lazy = rows(patients=PATIENTS.head(2).lazy(), events=EVENTS.head(3).lazy())
    assert isinstance(lazy, pl.LazyFrame)
    assert_frame_equal(lazy.collect(), by_day)
    timed = EVENTS.head(3).with_columns(pl.col("date").cast(pl.Datetime) + timedelta(hours=13))
    assert timed["date"][0] == datetime(2020, 2, 20, 13)
    assert_frame_equal(rows(patients=PATIENTS.head(2), events=timed), by_day)


def test_nobody_had_an_event():
    made = rows(EVENTS.clear(), death="death")
    assert made.select(*COLUMNS).rows() == [("a", 0, 100, False), ("b", 0, 40, False), ("c", 0, 40, False)]


@pytest.mark.parametrize("seed", range(3))
def test_dates_of_known_rows_make_those_rows_again(seed):
    """Every number of events and every analysis is that of the rows the dates were made from."""
    known = recurrent_rows(np.random.default_rng(seed), 60, digits=2).with_columns(
        (pl.col("start", "stop") * 100).round()
    )
    day = pl.lit(DAY) + pl.duration(days=pl.col("stop").cast(pl.Int64))
    patients = known.group_by("id", maintain_order=True).agg(
        pl.col("arm").first(), pl.col("stop").max(), pl.col("died").any()
    )
    patients = patients.select(
        "id", "arm", start=pl.lit(DAY), end=day, death=pl.when(pl.col("died")).then(day)
    ).sample(fraction=1, shuffle=True, seed=seed)
    events = known.filter("event").select("id", date=day).sample(fraction=1, shuffle=True, seed=seed)
    made = rows(events, patients, death="death").sort("id", "time")
    again = known.sort("id", "stop").select(
        "id", "arm", entry="start", time="stop", event="event", terminal="died"
    )
    assert_frame_equal(made.select(again.columns), again)
    roles = {"time": "time", "event": "event", "entry": "entry", "id": "id"}
    assert_close(
        mean_cumulative(made, **roles, terminal="terminal").to_frame()["estimate"],
        mean_cumulative(known, **ROLES, terminal="died").to_frame()["estimate"],
        rel=1e-12,
    )
    assert_close(
        event_rate(made, **roles, by="arm").to_frame()["estimate"],
        event_rate(known, **ROLES, by="arm").to_frame()["estimate"],
        rel=1e-9,
    )


def test_events_outside_are_refused_or_counted():
    events = pl.DataFrame(
        {"id": ["a", "a", "z", "b", "c"], "date": on(0, 101, 5, 20, 41)},
        schema={"id": pl.String, "date": pl.Date},
    )
    reasons = (
        "4 rows", "1 of a patient who is not in the other table", "1 on the day of the start or before it",
        "2 after the end",
    )  # fmt: skip
    where = {"column": "date", "rows": (1, 2, 3, 5), "says": reasons}
    assert_refused(lambda: rows(events, death="death"), argument="event_date", **where)
    made = assert_warns(lambda: rows(events, death="death", outside="drop"), argument="outside", **where)
    assert made["event"].sum() == 1
    windows = pl.DataFrame({"id": ["a", "a"], "start": on(0, 150), "end": on(100, 250)})
    assert_refused(
        lambda: rows(EVENTS.head(1).with_columns(id=pl.lit("a"), date=pl.lit(on(120)[0])), windows),
        argument="event_date", column="date", rows=(1,), says=("1 between two windows",),
    )  # fmt: skip


def test_two_events_on_a_day_are_one():
    twice = pl.concat([EVENTS, EVENTS.head(1)])
    made = assert_warns(
        lambda: rows(twice, death="death"), argument="event_date", column="date", says=("1 event",)
    )
    assert_frame_equal(made, rows(death="death"))


def test_refusals():
    patient = {"argument": "end", "column": "end"}
    assert_refused(lambda: rows(), **patient, rows=(3,), says=("without a death",))
    assert_refused(lambda: rows(end="start"), argument="end", column="start", rows=(1, 2, 3))
    assert_refused(
        lambda: rows(patients=PATIENTS.with_columns(start=None)),
        argument="start",
        column="start",
        rows=(1, 2, 3),
    )
    assert_refused(
        lambda: rows(patients=PATIENTS.with_columns(death="start"), death="death"),
        argument="death", column="death", rows=(1, 2, 3),
    )  # fmt: skip
    assert_refused(
        lambda: rows(EVENTS.with_columns(date=None), death="death"),
        argument="event_date", column="date", rows=(1, 2, 3, 4),
    )  # fmt: skip
    assert_refused(
        lambda: rows(EVENTS.with_columns(pl.col("date").cast(pl.String)), death="death"),
        argument="event_date", column="date", says=("text",),
    )  # fmt: skip
    assert_refused(
        lambda: rows(patients=pl.concat([PATIENTS, PATIENTS.head(1)]), death="death"),
        argument="start", column="start", rows=(4,),
    )  # fmt: skip
    assert_refused(
        lambda: rows(EVENTS.with_columns(id=pl.lit(1)), death="death"), argument="id", column="id",
        says=("Int32", "String"),
    )  # fmt: skip
    assert_refused(
        lambda: rows(patients=PATIENTS.rename({"death": "time"})), argument="patients", column="time"
    )
    assert_refused(lambda: rows(unit="hours"), argument="unit")
    assert_refused(lambda: rows(outside="ignore"), argument="outside")
    assert_refused(lambda: rows(patients=PATIENTS.clear()), argument="data")


def test_many_events_are_placed_at_once():
    n = 20_000
    patients = pl.DataFrame({"id": np.arange(n), "start": DAY, "end": on(20_000)[0]})
    rng = np.random.default_rng(1)
    events = pl.DataFrame({"id": rng.integers(0, n, 200_000), "date": rng.integers(18_300, 38_000, 200_000)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = rows(
            events.with_columns(pl.col("date").cast(pl.Int32).cast(pl.Date)), patients, outside="drop"
        )
    assert made["event"].sum() > 150_000
