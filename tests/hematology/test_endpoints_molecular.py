"""Molecular response and treatment-free remission from a table of values: by hand, by a loop, refusals."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from refusals import assert_refused, assert_warns

from hemresearch.hematology import endpoints

DAY = date(2020, 1, 1)


def on(*days: int | None) -> pl.Series:
    return pl.Series([None if day is None else DAY + timedelta(days=day) for day in days], dtype=pl.Date)


def long(*rows: tuple[str, int, float]) -> pl.DataFrame:
    ids, days, values = zip(*rows, strict=True)
    return pl.DataFrame({"id": ids, "day": on(*days), "percent": [float(v) for v in values]})


PATIENTS = pl.DataFrame(
    {
        "id": ["a", "b", "c", "d", "e", "f"],
        "tki": on(0, 0, 0, 0, 0, 0),
        "blast": on(None, None, None, 80, None, None),
        "switch": on(None, 90, None, None, None, None),
        "died": on(None, None, 60, None, None, None),
    }
)
VALUES = long(
    ("a", -10, 0.05), ("a", 0, 0.05), ("a", 30, 12.0), ("a", 90, 0.1), ("a", 180, 0.0032), ("b", 30, 0.11),
    ("b", 120, 0.01), ("c", 30, 40), ("d", 90, 0.02), ("e", 400, 0.10001), ("z", 10, 0.0), ("a", 270, 0.01),
)  # fmt: skip
MR = {
    "id": "id", "start": "tki", "date": "day", "value": "percent", "level": "MMR", "evaluable": None,
    "progression": "blast", "switch": "switch", "death": "died", "unit": "days", "prefix": "x",
}  # fmt: skip


def response(data=PATIENTS, values=VALUES, **options) -> pl.DataFrame:
    return endpoints.molecular_response(data, values, **MR | options).select(pl.col("^x_.*$"))


@pytest.mark.filterwarnings("ignore:.*a time of 0")
def test_first_response_by_hand():
    assert response().rows() == [
        (90, "MMR"), (90, "switch"), (60, "death"), (80, "progression"), (400, "censored"), (0, "censored"),
    ]  # fmt: skip
    assert response()["x_event"].dtype == pl.Enum(["censored", "MMR", "progression", "switch", "death"])
    alone = response(progression=None, switch=None)
    assert alone.rows()[:4] == [(90, "MMR"), (120, "MMR"), (60, "death"), (90, "MMR")]


@pytest.mark.filterwarnings("ignore:.*a time of 0")
@pytest.mark.parametrize(("level", "day"), [("MMR", 90), ("MR4", 180), ("MR4.5", 180)])
def test_each_level_is_at_most_its_limit_and_not_rounded(level, day):
    assert response(level=level).row(0) == (day, level)
    above = VALUES.with_columns(pl.when(percent=0.0032).then(0.0033).otherwise("percent").alias("percent"))
    assert (response(values=above, level=level).row(0) == (day, level)) == (level != "MR4.5")
    assert response(level=level).row(4) == (400, "censored")


@pytest.mark.filterwarnings("ignore:.*a time of 0")
@pytest.mark.parametrize("level", ["MMR", "MR4", "MR4.5"])
def test_single_precision_does_not_move_a_value_off_a_limit(level):
    single = VALUES.with_columns(pl.col("percent").cast(pl.Float32))
    assert_frame_equal(response(values=single, level=level), response(level=level))
    single = AFTER.with_columns(pl.col("percent").cast(pl.Float32))
    assert_frame_equal(remission(STOPPED.head(4), single), remission(STOPPED.head(4)))


@pytest.mark.filterwarnings("ignore:.*a time of 0")
def test_a_sample_that_cannot_show_the_level_is_left_out():
    copies = VALUES.with_columns(good=pl.col("day") != DAY + timedelta(days=90))
    assert response(values=copies, evaluable="good").row(0) == (180, "MMR")
    assert response(values=copies, evaluable=~pl.col("good")).row(0) == (90, "MMR")
    assert response(values=copies.with_columns(pl.col("good").cast(pl.Int8)), evaluable="good").row(0) == (
        180,
        "MMR",
    )
    assert_refused(
        lambda: response(values=copies.with_columns(good=2), evaluable="good"),
        argument="evaluable", column="good", says=["true/false or 1/0"],
    )  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*a time of 0")
def test_rows_in_any_order_ids_of_any_kind_and_tables_of_any_kind():
    expected = response()
    assert_frame_equal(response(values=VALUES.sample(fraction=1, shuffle=True, seed=1)), expected)
    assert_frame_equal(response(values=VALUES.with_columns(pl.col("id").cast(pl.Categorical))), expected)
    lazy = endpoints.molecular_response(PATIENTS.lazy(), VALUES.lazy(), **MR)
    assert isinstance(lazy, pl.LazyFrame)
    assert_frame_equal(lazy.collect().select(pl.col("^x_.*$")), expected)
    assert_frame_equal(response(PATIENTS.to_pandas(), VALUES.to_pandas()), expected)
    moments = VALUES.with_columns(pl.col("day").cast(pl.Datetime).dt.offset_by("13h"))
    assert_frame_equal(response(values=moments), expected)
    number = dict(zip("abcdefz", range(1, 8), strict=True))
    as_numbers = [
        frame.with_columns(pl.col("id").replace_strict(number, return_dtype=dtype))
        for frame, dtype in ((PATIENTS, pl.Int32), (VALUES, pl.UInt64))
    ]
    assert_frame_equal(response(*as_numbers), expected)


@pytest.mark.filterwarnings("ignore:.*a time of 0")
def test_no_values_at_all_leave_everybody_without_a_response():
    assert response(values=VALUES.clear())["x_event"].to_list() == [
        "censored", "switch", "death", "progression", "censored", "censored",
    ]  # fmt: skip
    untyped = pl.DataFrame({"id": [], "day": [], "percent": []})
    assert_frame_equal(response(values=untyped), response(values=VALUES.clear()))


def test_somebody_without_values_has_a_time_of_zero_and_it_is_said():
    assert_warns(response, argument="start", column="tki", rows=[6], says=["a time of 0"])


def test_a_response_on_the_day_of_a_switch_counts_and_is_said():
    same = PATIENTS.head(2).with_columns(switch=on(90, 90))
    found = assert_warns(
        lambda: response(same),
        argument="value",
        column="MMR",
        rows=[1],
        says=["is on the day of 'switch'", "count as 'MMR'", "values.filter(...)"],
    )
    assert found.row(0) == (90, "MMR")


@pytest.mark.filterwarnings("ignore:.*a time of 0")
def test_equals_a_loop_over_patients():
    rng = np.random.default_rng(11)
    n, m = 60, 500
    data = pl.DataFrame({"id": range(n), "tki": on(*rng.integers(0, 50, n).tolist()), "died": None})
    values = pl.DataFrame(
        {
            "id": rng.integers(0, n + 5, m),
            "day": on(*rng.integers(0, 900, m).tolist()),
            "percent": 10 ** rng.uniform(-3, 2, m),
        }
    )
    found = response(data, values, progression=None, switch=None)
    for patient, (days, event) in zip(data.rows(named=True), found.rows(), strict=True):
        own = [(r[1], r[2]) for r in values.rows() if r[0] == patient["id"] and r[1] > patient["tki"]]
        good = [day for day, value in own if value <= 0.1]
        end = min(good) if good else max((day for day, _ in own), default=patient["tki"])
        assert (days, event) == ((end - patient["tki"]).days, "MMR" if good else "censored")


# --- treatment-free remission ----------------------------------------------------------------------------

STOPPED = pl.DataFrame(
    {
        "id": ["a", "b", "c", "d", "e"],
        "stop": on(0, 0, 0, 0, None),
        "again": on(100, 50, None, None, None),
        "died": on(None, None, None, 200, None),
    }
)
AFTER = long(
    ("a", -5, 0.2), ("a", 0, 0.2), ("a", 60, 0.1), ("a", 90, 0.1001), ("b", 30, 0.0), ("b", 60, 3.0),
    ("c", 365, 0.1), ("d", 180, 0.0), ("e", 10, 9.0),
)  # fmt: skip
TFR = {
    "id": "id", "stop": "stop", "date": "day", "value": "percent", "evaluable": None, "restart": "again",
    "death": "died", "unit": "days", "prefix": "x",
}  # fmt: skip


def remission(data=STOPPED, values=AFTER, **options) -> pl.DataFrame:
    return endpoints.treatment_free_remission(data, values, **TFR | options).select(pl.col("^x_.*$"))


def test_treatment_free_remission_by_hand_and_those_who_never_stopped_are_counted():
    found = assert_warns(
        remission, argument="stop", column="stop", rows=[5], says=["has no date in 1 row: no stop"]
    )
    assert found.rows() == [
        (90, True, "loss of MMR"), (50, True, "restart"), (365, False, "censored"), (200, True, "death"),
        (None, None, None),
    ]  # fmt: skip


def test_a_lazy_table_stays_lazy_in_remission_too():
    lazy = endpoints.treatment_free_remission(STOPPED.head(4).lazy(), AFTER, **TFR)
    assert lazy.collect()["x_days"].to_list() == [90, 50, 365, 200]


# --- what is refused -------------------------------------------------------------------------------------


def test_a_patient_has_one_row_and_an_id():
    twice = PATIENTS.with_columns(id=pl.Series(["a", "b", "a", "d", "e", "f"]))
    refused = assert_refused(lambda: response(twice), argument="id", column="id", rows=[1, 3])
    assert "'a'" not in str(refused)
    none = PATIENTS.with_columns(id=pl.Series(["a", None, "c", "d", "e", "f"]))
    assert_refused(lambda: response(none), argument="id", column="id", rows=[2], says=["in data"])


def test_ids_that_cannot_be_joined_are_refused():
    other = VALUES.with_columns(id=pl.int_range(pl.len()))
    assert_refused(
        lambda: response(values=other),
        argument="id", column="id", says=["text in data and whole numbers in values"],
    )  # fmt: skip
    nobody = VALUES.with_columns(id=pl.lit("nobody"))
    refused = assert_refused(
        lambda: response(values=nobody), argument="id", column="id", says=["nothing in common"]
    )
    assert "nobody" not in str(refused)


@pytest.mark.parametrize("column", ["id", "day", "percent"])
def test_missing_values_are_refused_with_their_rows(column):
    argument = {"id": "id", "day": "date", "percent": "value"}[column]
    gap = VALUES.with_columns(pl.when(pl.int_range(pl.len()) != 4).then(column).alias(column))
    assert_refused(
        lambda: response(values=gap),
        argument=argument,
        column=column,
        rows=[5],
        says=["missing value in values"],
    )


def test_nan_is_missing_and_a_negative_value_is_refused():
    nan = VALUES.with_columns(percent=pl.when(pl.col("percent") > 30).then(float("nan")).otherwise("percent"))
    assert_refused(lambda: response(values=nan), argument="value", column="percent", rows=[8])
    negative = VALUES.with_columns(pl.col("percent") * -1)
    assert_refused(
        lambda: response(values=negative.head(3)), argument="value", column="percent", rows=[1, 2, 3],
        says=["is below 0 in 3 rows"],
    )  # fmt: skip


def test_values_are_numbers_and_their_dates_dates():
    text = VALUES.with_columns(pl.col("percent").cast(pl.String))
    assert_refused(lambda: response(values=text), argument="value", column="percent")
    day = VALUES.with_columns(pl.col("day").cast(pl.String))
    assert_refused(lambda: response(values=day), argument="date", column="day", says=[".str.to_date()"])
    assert_refused(lambda: response(date=None), argument="date", says=["0 columns of values were given"])
    assert_refused(lambda: response(id=None), argument="id", says=["0 columns of data were given"])


def test_values_after_the_death_or_the_cut_off_are_refused():
    late = pl.concat([VALUES, long(("c", 61, 0.1))])
    assert_refused(
        lambda: response(values=late),
        argument="date",
        column="day",
        rows=[3],
        says=["after the death of 1 patient"],
    )
    assert_refused(
        lambda: response(as_of=DAY + timedelta(days=300)), argument="date", column="day", rows=[10],
        says=["in 1 row of values", "nothing after 2020-10-27"],
    )  # fmt: skip
    with pytest.warns(UserWarning, match="a time of 0"):
        assert response(as_of=datetime(2021, 12, 31)).height == 6


def test_a_level_that_is_none_is_refused():
    assert_refused(lambda: response(level="MR3"), argument="level", says=["'MMR', 'MR4', 'MR4.5'"])


def test_dates_of_the_patients_are_checked_as_everywhere():
    assert_refused(
        lambda: response(PATIENTS.with_columns(blast=on(None, None, 61, None, None, None))),
        argument="progression", column="blast", rows=[3],
    )  # fmt: skip
    assert_refused(
        lambda: response(PATIENTS.with_columns(tki=on(None, 0, 0, 0, 0, 0))),
        argument="start",
        column="tki",
        rows=[1],
    )
