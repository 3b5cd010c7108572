"""Time on regimens, counts of bleeds, and their rates: by hand, by what must hold, and what is refused."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from reference_cases import assert_close
from refusals import assert_refused, assert_warns

import hemresearch as hem
from hemresearch.hematology.bleeding import (
    bleed_counts,
    bleed_free_share,
    bleeding_rate,
    exposure,
    exposure_windows,
    patient_bleeding_rate,
)
from hemresearch.recurrent import event_free_share, event_rate, from_dates

DAY = date(2020, 1, 1)
ROLES = {"id": "id", "start": "from", "stop": "to", "by": "regimen"}


def on(*days: int | None) -> list[date | None]:
    return [None if day is None else DAY + timedelta(days=day) for day in days]


REGIMENS = pl.DataFrame(
    {
        "id": ["a", "a", "b", "c"],
        "regimen": ["old", "new", "old", "new"],
        "from": on(0, 100, 0, 50),
        "to": on(100, 300, 200, 90),
    }
)
SURGERY = pl.DataFrame({"id": ["a", "a", "b", "z"], "from": on(90, 105, 150, 0), "to": on(110, 120, 160, 9)})


def days_of(windows: pl.DataFrame) -> list[tuple]:
    """Windows with their dates as days."""
    since = [((pl.col(name) - DAY).dt.total_days()).alias(name) for name in ("start", "stop")]
    return windows.with_columns(since).rows()


def test_windows_by_hand():
    windows = exposure_windows(REGIMENS, **ROLES, excluded=SURGERY)
    assert days_of(windows) == [
        ("a", "old", 0, 90, 90), ("a", "new", 120, 300, 180), ("b", "old", 0, 150, 150),
        ("b", "old", 160, 200, 40), ("c", "new", 50, 90, 40),
    ]  # fmt: skip
    totals = exposure(REGIMENS, **ROLES, excluded=SURGERY, unit="weeks")
    assert totals.columns == ["id", "regimen", "days_on_regimen", "days_excluded", "person_time"]
    assert totals.drop("id", "regimen").rows() == [
        (100, 10, 90 / 7), (200, 20, 180 / 7), (200, 10, 190 / 7), (40, 0, 40 / 7)
    ]  # fmt: skip
    assert_close(windows["days"].sum(), totals["person_time"].sum() * 7, rel=1e-12)


def test_without_regimens_or_exclusions_and_lazy():
    whole = exposure_windows(REGIMENS, id="id", start="from", stop="to")
    assert days_of(whole) == [("a", 0, 300, 300), ("b", 0, 200, 200), ("c", 50, 90, 40)]
    lazy = exposure_windows(REGIMENS.lazy(), **ROLES, excluded=SURGERY.lazy())
    assert isinstance(lazy, pl.LazyFrame)
    assert_frame_equal(lazy.collect(), exposure_windows(REGIMENS, **ROLES, excluded=SURGERY))
    assert isinstance(exposure(REGIMENS.lazy(), **ROLES, unit="days"), pl.LazyFrame)
    other = SURGERY.rename({"from": "first", "to": "last"})
    named = exposure_windows(REGIMENS, **ROLES, excluded=other, excluded_start="first", excluded_stop="last")
    assert_frame_equal(named, lazy.collect())
    assert_frame_equal(
        exposure_windows(REGIMENS, **ROLES, excluded=SURGERY.clear()), exposure_windows(REGIMENS, **ROLES)
    )


def test_rows_of_one_regimen_are_united():
    twice = pl.concat([REGIMENS, REGIMENS.head(1).with_columns(pl.lit(on(10)[0]).alias("from"))])
    windows = assert_warns(
        lambda: exposure_windows(twice, **ROLES), argument="start", column="from", rows=(5,),
        says=("days in both count once",),
    )  # fmt: skip
    assert_frame_equal(windows, exposure_windows(REGIMENS, **ROLES))


def test_patients_without_time_are_told_of():
    everything = pl.DataFrame({"id": ["c"], "from": on(0), "to": on(400)})
    windows = assert_warns(
        lambda: exposure_windows(REGIMENS, **ROLES, excluded=everything), argument="excluded",
        says=("1 patient",),
    )  # fmt: skip
    assert "c" not in windows["id"]
    totals = assert_warns(
        lambda: exposure(REGIMENS, **ROLES, excluded=everything, unit="days"), argument="excluded"
    )
    assert totals.filter(pl.col("id") == "c")["person_time"].to_list() == [0]


def test_a_window_from_a_day_to_the_same_leaves_nothing_out():
    """Surgery of one day, entered with one date as start and stop, stayed in without a word."""
    one_day = SURGERY.head(1).with_columns(to="from")
    windows = assert_warns(
        lambda: exposure_windows(REGIMENS, **ROLES, excluded=one_day), argument="excluded_stop", column="to",
        rows=[1], says=("no day",),
    )  # fmt: skip
    assert_frame_equal(windows, exposure_windows(REGIMENS, **ROLES))


def test_exposure_refusals():
    def refused(data=REGIMENS, excluded=None, roles=ROLES, **parts):
        assert_refused(lambda: exposure_windows(data, **roles, excluded=excluded), **parts)

    refused(
        REGIMENS.with_columns(pl.lit(None).alias("from")), argument="start", column="from", rows=(1, 2, 3, 4)
    )
    refused(REGIMENS.with_columns(to=pl.lit(None)), argument="stop", column="to", rows=(1, 2, 3, 4))
    refused(REGIMENS.with_columns(to="from"), argument="stop", column="to", rows=(1, 2, 3, 4))
    refused(REGIMENS.with_columns(pl.lit(on(0)[0]).alias("from")), argument="start", column="from", rows=(2,))
    refused(REGIMENS.rename({"regimen": "days"}), roles=ROLES | {"by": "days"}, argument="by", column="days")
    late = SURGERY.with_columns(to=pl.lit(on(5)[0]))
    refused(excluded=late, argument="excluded_stop", column="to", rows=(1, 2, 3))
    refused(
        excluded=SURGERY.with_columns(to=pl.lit(None)),
        argument="excluded_stop",
        column="to",
        rows=(1, 2, 3, 4),
    )
    refused(excluded=SURGERY.with_columns(id=pl.lit(1)), argument="id", column="id")
    assert_refused(lambda: exposure(REGIMENS, **ROLES, unit="hours"), argument="unit")


WINDOWS = exposure_windows(REGIMENS, **ROLES, excluded=SURGERY)
BLEEDS = pl.DataFrame(
    {
        "id": ["a", "a", "a", "b", "b"],
        "date": on(90, 200, 300, 10, 200),
        "site": ["knee", "knee", "muscle", "ankle", "muscle"],
        "spontaneous": [True, False, True, True, False],
    }
)
KINDS = {"joint": pl.col("site") != "muscle", "spontaneous": "spontaneous"}
COUNTING = {"id": "id", "date": "date", "by": "regimen", "kinds": KINDS}


def test_counts_by_hand():
    counts = bleed_counts(BLEEDS, WINDOWS, **COUNTING)
    assert counts.columns == ["id", "regimen", "days", "bleeds", "joint", "spontaneous"]
    assert counts.rows() == [
        ("a", "old", 90, 1, 1, 1), ("a", "new", 180, 2, 1, 1), ("b", "old", 190, 2, 1, 1),
        ("c", "new", 40, 0, 0, 0),
    ]  # fmt: skip
    together = bleed_counts(BLEEDS, WINDOWS.lazy(), id="id", date="date")
    assert isinstance(together, pl.LazyFrame)
    assert together.collect().rows() == [("a", 270, 3), ("b", 190, 2), ("c", 40, 0)]
    none = bleed_counts(BLEEDS.clear(), WINDOWS, **COUNTING)
    assert none["bleeds"].sum() == none["joint"].sum() == 0
    timed = BLEEDS.with_columns(pl.col("date").cast(pl.Datetime) + timedelta(hours=23))
    assert timed["date"][0] == datetime(2020, 3, 31, 23)
    assert_frame_equal(bleed_counts(timed, WINDOWS, **COUNTING), counts)


def test_bleeds_outside_windows():
    more = pl.concat([BLEEDS, BLEEDS.head(1).with_columns(date=pl.lit(on(100)[0]))])
    assert_refused(
        lambda: bleed_counts(more, WINDOWS, **COUNTING), argument="date", column="date", rows=(6,),
        says=("1 between two windows",),
    )  # fmt: skip
    kept = assert_warns(
        lambda: bleed_counts(more, WINDOWS, **COUNTING, outside="drop"), argument="outside", column="date",
        rows=(6,),
    )  # fmt: skip
    assert_frame_equal(kept, bleed_counts(BLEEDS, WINDOWS, **COUNTING))


def test_counts_refusals():
    def refused(bleeds=BLEEDS, windows=WINDOWS, options=COUNTING, **parts):
        assert_refused(lambda: bleed_counts(bleeds, windows, **options), **parts)

    refused(BLEEDS.with_columns(date=pl.lit(None)), argument="date", column="date", rows=(1, 2, 3, 4, 5))
    refused(windows=WINDOWS.with_columns(stop=pl.lit(None)), argument="stop", column="stop", rows=range(1, 6))
    refused(windows=WINDOWS.with_columns(stop="start"), argument="stop", column="stop", rows=range(1, 6))
    refused(windows=pl.concat([WINDOWS, WINDOWS.head(1)]), argument="start", column="start", rows=(6,))
    refused(options=COUNTING | {"kinds": {"days": "spontaneous"}}, argument="kinds", column="days")
    refused(options=COUNTING | {"kinds": {"joint": "site"}}, argument="kinds", column="site")
    refused(
        windows=WINDOWS.rename({"regimen": "bleeds"}), options=COUNTING | {"by": "bleeds"}, argument="by",
        column="bleeds",
    )  # fmt: skip
    refused(options=COUNTING | {"outside": "keep"}, argument="outside")


EVENTS = {"all": "bleeds", "joint": "joint"}


def season(seed: int = 1, n: int = 60) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    days = rng.integers(100, 800, n)
    bleeds = rng.poisson(rng.gamma(1, 5, n) * days / 365.25)
    return pl.DataFrame(
        {"id": np.arange(n), "arm": np.where(np.arange(n) % 2, "x", "y"), "days": days, "bleeds": bleeds,
         "joint": rng.binomial(bleeds, 0.6)}
    )  # fmt: skip


@pytest.mark.parametrize("model", ["negative-binomial", "robust", "poisson"])
def test_rates_are_those_of_event_rate_by_kind(model):
    data = season()
    rates = bleeding_rate(data, events=EVENTS, person_time="days", unit="days", by="arm", model=model)
    assert rates.frame.columns[:3] == ["kind", "arm", "n"]
    for kind, column in EVENTS.items():
        one = event_rate(
            data, events=column, person_time="days", by="arm", model=model, per=365.25
        ).to_frame()
        ours = rates.to_frame().filter(pl.col("kind") == kind)
        for name in ("estimate", "std_error", "conf_low", "conf_high"):
            assert_close(ours[name], one[name], rel=1e-6)
        assert_close(ours["person_time"] * 365.25, one["person_time"], rel=1e-12)
    assert rates.n_event == data["bleeds"].sum()


def test_units_and_durations_of_time_agree():
    data = season()
    by_days = bleeding_rate(data, events=EVENTS, person_time="days", unit="days").to_frame()
    years = pl.col("days") / 365.25
    for time, unit in (
        (years, "years"),
        (years * 12, "months"),
        (pl.duration(days="days").alias("d"), "days"),
    ):
        same = bleeding_rate(data.lazy(), events=EVENTS, person_time=time, unit=unit).to_frame()
        assert_close(same["estimate"], by_days["estimate"], rel=1e-6)
    share = bleed_free_share(data.lazy(), events={"all": "bleeds"}, person_time=pl.lit(1.0)).to_frame()
    assert_close(
        share["estimate"],
        event_free_share(data, events="bleeds", person_time=pl.lit(1.0)).frame["estimate"],
        rel=1e-12,
    )


def test_the_mean_of_individual_rates_is_not_the_rate():
    """3 bleeds in 10 days are 110 a year, and hardly change the rate of a group."""
    data = pl.DataFrame({"bleeds": [3, 10, 10], "days": [10.0, 3652.5, 3652.5]})
    rate = bleeding_rate(data, events={"all": "bleeds"}, person_time="days", unit="days", model="robust")
    assert_close(rate.frame["estimate"], [23 / (7315 / 365.25)], rel=1e-12)
    own = assert_warns(
        lambda: patient_bleeding_rate(data, events="bleeds", person_time="days", unit="days"),
        argument="least", column="days", rows=(1,), says=("less than 90 days",),
    )  # fmt: skip
    assert_close(own["abr"], [109.575, 1, 1], rel=1e-12)


def test_the_rate_of_a_patient():
    data = pl.DataFrame({"bleeds": [3, None, 1], "days": [182.625, 100, None]})
    made = patient_bleeding_rate(
        data.lazy(), events="bleeds", person_time="days", unit="days", name="ajbr", least=0
    )
    assert isinstance(made, pl.LazyFrame)
    assert made.collect()["ajbr"].to_list() == [6, None, None]

    def refused(data=data, **parts):
        options = {"events": "bleeds", "person_time": "days", "unit": "days"} | parts.pop("options", {})
        assert_refused(lambda: patient_bleeding_rate(data, **options), **parts)

    refused(
        pl.DataFrame({"bleeds": [1, 2], "days": [0, 5]}), argument="person_time", column="days", rows=(1,)
    )
    refused(options={"name": "days"}, argument="name", column="days")
    refused(options={"name": 3}, argument="name")
    refused(options={"least": -1}, argument="least")


def test_rate_refusals():
    def refused(options, **parts):
        roles = {"events": EVENTS, "person_time": "days", "unit": "days"} | options
        assert_refused(lambda: bleeding_rate(season(), **roles), **parts)

    refused({"events": {}}, argument="events", says=("no kind",))
    refused({"events": "bleeds"}, argument="events", says=("a str",))
    refused({"by": pl.col("arm").alias("kind")}, argument="by", column="kind")
    refused({"unit": "hours"}, argument="unit")
    refused({"person_time": "dayz"}, argument="person_time", column="dayz")
    refused({"person_time": "arm"}, argument="person_time", column="arm")


def test_a_share_warns_of_unequal_time():
    assert_warns(
        lambda: bleed_free_share(season(), events={"all": "bleeds"}, person_time="days"),
        argument="person_time", column="days",
    )  # fmt: skip


def test_windows_make_rows_for_curves_and_rates():
    """Windows, rows of follow-up and counts tell of the same bleeds and the same time."""
    data, rng = season(5, 30), np.random.default_rng(6)
    regimens = data.select(
        "id", regimen="arm", **{"from": pl.lit(DAY), "to": pl.lit(DAY) + pl.duration(days="days")}
    )
    bleeds = pl.DataFrame({"id": rng.integers(0, 30, 300), "day": rng.integers(1, 100, 300)}).unique()
    bleeds = bleeds.select("id", date=pl.lit(DAY) + pl.duration(days="day"))
    windows = exposure_windows(regimens, **ROLES)
    counts = bleed_counts(bleeds, windows, id="id", date="date", by="regimen")
    rows = from_dates(bleeds, windows, id="id", event_date="date", start="start", end="stop", unit="years")
    one = event_rate(rows, time="time", event="event", entry="entry", id="id", by="regimen").to_frame()
    other = bleeding_rate(
        counts, events={"all": "bleeds"}, person_time="days", unit="days", by="regimen"
    ).to_frame()
    assert_close(one["estimate"], other["estimate"], rel=1e-6)
    assert_close(one["n_event"], other["n_event"], rel=1e-12)
    assert hem.hematology.bleeding.bleeding_rate is bleeding_rate


def test_rates_are_told_by_kind_and_regimen():
    season = pl.DataFrame(
        {"bleeds": [3, 1], "joint": [2, 1], "years": 1.0, "regimen": ["old", "new"], "year": [1, 2]}
    )
    roles = {"events": {"all": "bleeds", "joint": "joint"}, "person_time": "years", "unit": "years"}
    told = bleeding_rate(season, **roles, by=["regimen", "year"], model="poisson").text(decimals=1)
    assert told.startswith(
        "bleeding rate per patient-year: all, new, year=2 1.0 (95% CI 0.0–5.6); all, old, "
    )
    assert "; joint, old, year=1 2.0 (95% CI 0.2–7.2)" in told
