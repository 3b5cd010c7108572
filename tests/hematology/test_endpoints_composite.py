"""A composite of any events: equal to the endpoints that have a function, and what it refuses."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from refusals import assert_refused, assert_warns

from hemresearch.hematology import endpoints

DAY = date(2020, 1, 1)


def on(*days: int | None) -> pl.Series:
    return pl.Series([None if day is None else DAY + timedelta(days=day) for day in days], dtype=pl.Date)


PATIENTS = pl.DataFrame(
    {
        "start": on(0, 0, 0, 0),
        "relapse": on(100, None, None, 50),
        "richter": on(None, None, 30, 40),
        "death": on(200, 150, None, None),
        "seen": on(None, None, 300, 400),
    }
)


def composite(data=PATIENTS, **options) -> pl.DataFrame:
    given = {
        "start": "start", "events": {"relapse": "relapse", "transformation": "richter"},
        "competing": {"death": "death"}, "last_seen": "seen", "unit": "days", "prefix": "x", **options,
    }  # fmt: skip
    return endpoints.composite(data, **given).select(pl.col("^x_.*$"))


def test_four_patients_by_hand():
    assert composite().rows() == [
        (100, "relapse"), (150, "death"), (30, "transformation"), (40, "transformation"),
    ]  # fmt: skip
    assert composite().schema["x_event"] == pl.Enum(["censored", "relapse", "transformation", "death"])
    every = composite(events={"relapse": "relapse", "death": "death"}, competing=None)
    assert every.rows() == [
        (100, True, "relapse"), (150, True, "death"), (300, False, "censored"), (50, True, "relapse"),
    ]  # fmt: skip


def test_one_event_and_nothing_that_competes_needs_no_name_of_the_first():
    found = composite(events={"death": "death"}, competing=None)
    assert found.columns == ["x_days", "x_event"]
    assert found.rows() == [(200, True), (150, True), (300, False), (400, False)]


def test_a_month_is_30_4375_days():
    assert composite(unit="months")["x_months"][0] * 30.4375 == pytest.approx(100)


def random_patients(n: int = 300) -> pl.DataFrame:
    rng = np.random.default_rng(7)
    days = {name: rng.integers(1, 400, n) for name in ("relapse", "gvhd", "death", "seen")}
    there = {name: rng.random(n) < 0.5 for name in ("relapse", "gvhd", "death")}
    dead = np.where(there["death"], days["death"], 400)
    columns = {
        name: on(
            *[int(d) if t and d <= e else None for d, t, e in zip(days[name], there[name], dead, strict=True)]
        )
        for name in there
    }
    return pl.DataFrame({"start": on(*[0] * n), **columns, "seen": on(*[400] * n)}).with_columns(
        seen=pl.min_horizontal("seen", "death")
    )


@pytest.mark.filterwarnings("ignore::hemresearch.errors.DataWarning")
def test_equals_the_endpoints_that_have_a_function():
    data = random_patients()
    pair = endpoints.relapse_and_nrm(
        data,
        transplant="start",
        relapse="relapse",
        death="death",
        last_assessment="seen",
        unit="days",
        prefix="x",
    )
    same = composite(data, events={"relapse": "relapse"}, competing={"death": "death"})
    assert same["x_days"].equals(pair["x_days"])
    label = pair["x_event"].cast(pl.String).replace("death without relapse", "death")
    assert same["x_event"].cast(pl.String).equals(label)
    free = endpoints.relapse_free_survival(
        data, start="start", relapse="relapse", death="death", last_assessment="seen", unit="days", prefix="x"
    ).select(pl.col("^x_.*$"))
    assert_frame_equal(composite(data, events={"relapse": "relapse", "death": "death"}, competing=None), free)


@pytest.mark.filterwarnings("ignore::hemresearch.errors.DataWarning")
def test_the_first_date_is_the_time_and_one_that_competes_is_never_the_event():
    data = random_patients()
    found = composite(data, events={"gvhd": "gvhd"}, competing={"relapse": "relapse", "death": "death"})
    for row, (days, event) in zip(data.rows(named=True), found.rows(), strict=True):
        dates = {k: row[k] for k in ("gvhd", "relapse", "death") if row[k] is not None}
        first = min(dates.values(), default=None)
        assert days == ((first or row["seen"]) - DAY).days
        assert event == next((k for k, d in dates.items() if d == first), "censored")


def test_a_lazy_table_stays_lazy_and_dates_can_be_expressions():
    lazy = endpoints.composite(
        PATIENTS.lazy(), start="start", events={"death": pl.col("death").dt.offset_by("1d")}, competing=None,
        last_seen="seen", unit="days", prefix="x",
    )  # fmt: skip
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.collect()["x_days"].to_list() == [201, 151, 300, 400]


def test_nothing_is_after_the_final_event():
    late = PATIENTS.with_columns(relapse=on(250, None, None, 50))
    assert_refused(
        lambda: composite(late),
        argument="events['relapse']",
        column="relapse",
        rows=[1],
        says=["is after 'death'"],
    )
    other = {"relapse": "relapse", "CLL death": "death"}
    assert_warns(
        lambda: composite(late.with_columns(seen=on(220, 200, 300, 400)), events=other, competing=None),
        argument="events['relapse']",
        column="relapse",
        rows=[1],
        says=["last_seen=pl.max_horizontal('seen', 'relapse')"],
    )
    assert_refused(
        lambda: composite(late, events=other, competing=None, final="CLL death"),
        argument="events['relapse']",
        column="relapse",
        rows=[1],
    )
    assert_refused(lambda: composite(final="dead"), argument="final", says=["'death'"])


def test_events_of_one_label_elsewhere_count_in_the_order_given():
    data = PATIENTS.with_columns(relapse=on(150, 150, None, 40), death=on(200, 150, None, None))
    with pytest.warns(UserWarning, match=r"count as 'relapse'"):
        assert composite(data)["x_event"].to_list() == ["relapse", "relapse", "transformation", "relapse"]


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"events": {}}, "events"),
        ({"events": None}, "events"),
        ({"events": ["relapse"]}, "events"),
        ({"competing": {}}, "competing"),
        ({"competing": {"relapse": "death"}}, "events"),
        ({"competing": {"censored": "death"}}, "competing"),
        ({"events": {"": "relapse"}}, "events"),
        ({"events": {1: "relapse"}}, "events"),
    ],
)
def test_events_are_a_dictionary_of_labels(options, argument):
    assert_refused(lambda: composite(**options), argument=argument)


@pytest.mark.parametrize(
    ("data", "argument", "column", "row"),
    [
        (PATIENTS.with_columns(start=on(0, None, 0, 0)), "start", "start", 2),
        (PATIENTS.with_columns(richter=on(None, None, -1, 40)), "events['transformation']", "richter", 3),
        (PATIENTS.with_columns(death=on(200, -2, None, None)), "competing['death']", "death", 2),
        (
            PATIENTS.with_columns(richter=on(None, None, None, 40), seen=on(*[None] * 4)),
            "last_seen",
            "seen",
            3,
        ),
    ],
)
def test_dates_that_cannot_be_are_refused(data, argument, column, row):
    assert_refused(lambda: composite(data), argument=argument, column=column, rows=[row])


def test_dates_after_the_cut_off_are_refused():
    assert_refused(
        lambda: composite(as_of=DAY + timedelta(days=300)), argument="last_seen", column="seen", rows=[4]
    )


def test_a_death_after_the_last_contact_is_the_end_and_gives_a_warning():
    data = PATIENTS.with_columns(seen=on(10, 10, 300, 400))
    found = assert_warns(
        lambda: composite(data), argument="competing['death']", column="death", rows=[1, 2],
        says=["is after 'seen' in 2 rows", "last_seen=pl.max_horizontal('seen', 'death')"],
    )  # fmt: skip
    assert found.rows() == composite().rows()


def test_contact_after_death_and_a_time_of_zero_give_a_warning():
    contact = PATIENTS.with_columns(seen=on(201, None, 300, 400))
    assert_warns(
        lambda: composite(contact), argument="last_seen", column="seen", rows=[1], says=["is after 'death'"]
    )
    none = PATIENTS.with_columns(richter=on(None, None, 0, 40))
    assert_warns(lambda: composite(none), argument="start", column="start", rows=[3], says=["a time of 0"])
