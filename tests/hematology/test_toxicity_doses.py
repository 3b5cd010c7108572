"""Dose intensity: by hand, by what must hold, and what is refused."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from refusals import assert_refused, assert_warns

from hemresearch.hematology.toxicity import relative_dose_intensity

ROLES = {"id": "id", "drug": "drug", "dose": "dose", "planned_dose": "planned", "cycle_days": 21}
# three cycles of three weeks, the second two weeks late; its second drug halved, then left out
CYCLES = pl.DataFrame(
    {
        "id": [1] * 6,
        "drug": ["C", "C", "C", "H", "H", "H"],
        "day": [0, 35, 56, 0, 35, 56],
        "dose": [750.0, 750, 750, 50, 25, 0],
        "planned": [750.0, 750, 750, 50, 50, 50],
    }
)


def test_by_hand():
    found = relative_dose_intensity(CYCLES, **ROLES, day="day")
    c, h = found.rows(named=True)
    assert (c["cycles"], c["days"], c["planned_days"], c["delay_days"]) == (3, 77, 63, 14)
    assert c["dose_intensity"] == pytest.approx(2250 / 11)  # 11 weeks instead of 9
    assert c["planned_dose_intensity"] == pytest.approx(250)
    assert c["relative_dose"] == 1
    assert c["relative_dose_intensity"] == pytest.approx(9 / 11)
    assert h["relative_dose"] == 0.5
    assert h["relative_dose_intensity"] == pytest.approx(0.5 * 9 / 11)
    assert c["average_rdi"] == h["average_rdi"] == pytest.approx(0.75 * 9 / 11)


def test_a_treatment_stopped_early_is_judged_by_the_rows_of_the_plan():
    early = CYCLES.filter(pl.col("drug") == "C").with_columns(day=pl.Series([0, 21, 42]))
    two = relative_dose_intensity(early.head(2), **ROLES, day="day")
    assert two["relative_dose_intensity"].to_list() == [1]
    stopped = early.with_columns(dose=pl.Series([750.0, 750, 0]))
    assert relative_dose_intensity(stopped, **ROLES, day="day")["relative_dose_intensity"][
        0
    ] == pytest.approx(2 / 3)


def test_the_last_cycle_lasts_as_long_as_it_was_planned():
    uneven = CYCLES.head(2).with_columns(days=pl.Series([35, 14]))
    found = relative_dose_intensity(uneven.reverse(), **{**ROLES, "cycle_days": "days"}, day="day")
    assert found.select("days", "planned_days").row(0) == (49, 49)


def test_dates_are_days_and_lazy_stays_lazy():
    dated = CYCLES.with_columns(first=pl.lit(date(2024, 2, 1)) + pl.duration(days="day")).lazy()
    found = relative_dose_intensity(dated, **ROLES, date="first")
    assert isinstance(found, pl.LazyFrame)
    assert_frame_equal(found.collect(), relative_dose_intensity(CYCLES, **ROLES, day="day"))


def test_the_unit_of_the_dose_does_not_matter_to_the_ratio_and_the_plan_gives_one():
    rng = np.random.default_rng(2)
    data = pl.DataFrame(
        {
            "id": np.repeat(np.arange(20), 8),
            "drug": np.tile(np.repeat(["C", "H"], 4), 20),
            "day": np.cumsum(rng.integers(14, 30, 160)),
            "dose": rng.uniform(0, 100, 160),
            "planned": rng.uniform(50, 100, 160),
        }
    )
    one = relative_dose_intensity(data, **ROLES, day="day")
    scaled = data.with_columns(pl.col("dose", "planned") * 7, pl.col("day") + 100)
    two = relative_dose_intensity(scaled, **ROLES, day="day")
    assert np.allclose(one["relative_dose_intensity"], two["relative_dose_intensity"])
    assert np.allclose(
        one["relative_dose_intensity"], one["relative_dose"] * one["planned_days"] / one["days"]
    )
    on_time = data.with_columns(dose="planned", day=21 * (pl.int_range(pl.len()) % 4))
    assert np.allclose(relative_dose_intensity(on_time, **ROLES, day="day")["average_rdi"], 1)


def test_a_dose_in_no_row_is_asked_about():
    found = assert_warns(
        lambda: relative_dose_intensity(CYCLES.head(5), **ROLES, day="day"),
        argument="drug", column="drug", says=["1 patient"],
    )  # fmt: skip
    assert found["cycles"].to_list() == [3, 2]


def test_rows_without_a_dose_are_named_or_left_out():
    data = CYCLES.head(3).with_columns(dose=pl.Series([750.0, None, 750]))
    call = {**ROLES, "day": "day"}
    assert_refused(lambda: relative_dose_intensity(data, **call), argument="dose", column="dose", rows=[2])
    assert relative_dose_intensity(data, **call, missing="drop")["cycles"].to_list() == [2]


WRONG = CYCLES.with_columns(
    below=pl.Series([750.0, -1, 0, 0, 0, 0]), zero=pl.Series([0, 21, 21, 21, 21, 21]),
    text=pl.Series(["x"] * 6), first=pl.lit(date(2024, 1, 1)) + timedelta(1),
)  # fmt: skip


@pytest.mark.parametrize(
    ("options", "argument", "column", "rows"),
    [
        ({}, "day", None, ()),
        ({"day": "day", "date": "first"}, "day", None, ()),
        ({"date": "text"}, "date", "text", ()),
        ({"date": "first"}, "drug", "drug", [1, 2, 3, 4, 5, 6]),
        ({"day": "day", "dose": "below"}, "dose", "below", [2]),
        ({"day": "day", "planned_dose": "zero"}, "planned_dose", "zero", [1]),
        ({"day": "day", "cycle_days": "zero"}, "cycle_days", "zero", [1]),
        ({"day": "day", "cycle_days": 0}, "cycle_days", None, ()),
        ({"day": "day", "drug": ["drug", "text"]}, "drug", None, ()),
        ({"day": "day", "id": pl.col("id").alias("days")}, "id", "days", ()),
    ],
)
def test_what_is_no_course_of_treatment_is_refused(options, argument, column, rows):
    given = {**ROLES, **options}
    assert_refused(
        lambda: relative_dose_intensity(WRONG, **given), argument=argument, column=column, rows=rows
    )
