"""Outcomes: times, entries, events, weights and patients as checked arrays."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from refusals import assert_refused

from hemresearch.outcomes import read_survival
from hemresearch.outcomes_competing import read_competing

COHORT = pl.DataFrame(
    {
        "id": [101, 102, 103, 104],
        "t": [5.0, 3.0, 8.0, 1.0],
        "e": [1, 0, 1, 1],
        "start": [0.0, 1.0, 2.0, 0.5],
        "w": [1.0, 2.0, 0.0, 1.5],
    }
)


def read(data=COHORT, **changed):
    return read_survival(data, **{"time": "t", "event": "e", **changed})


def test_a_row_is_the_interval_from_entry_to_time():
    y = read(entry="start")
    assert y.entry.tolist() == [0, 1, 2, 0.5]
    assert y.time.tolist() == [5, 3, 8, 1]
    assert y.event.tolist() == [True, False, True, True]


@pytest.mark.parametrize(("role", "column"), [("time", "t"), ("entry", "start")])
def test_negative_times_are_refused(role, column):
    data = COHORT.with_columns(pl.Series(column, [-1.0, 2.0, -0.5, 1.0]))
    assert_refused(
        lambda: read(data, **{role: column}),
        argument=role,
        column=column,
        rows=[1, 3],
        says=["2 values below zero", "non-negative"],
    )


@pytest.mark.parametrize(("role", "column"), [("time", "t"), ("entry", "start")])
def test_infinite_times_are_refused(role, column):
    data = COHORT.with_columns(pl.Series(column, [1.0, np.inf, 2.0, 1.0]))
    assert_refused(
        lambda: read(data, **{role: column}),
        argument=role,
        column=column,
        rows=[2],
        says=["infinite", "finite"],
    )


def test_entry_at_or_after_exit_is_refused():
    data = COHORT.with_columns(start=pl.Series([0.0, 3.0, 9.0, 0.0]))
    assert_refused(
        lambda: read(data, entry="start"),
        argument="entry",
        column="start",
        rows=[2, 3],
        says=["at or after the exit 't'", "(entry, time]"],
    )


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical])
def test_text_for_times_is_refused_with_the_cast(dtype):
    data = COHORT.with_columns(pl.col("t").cast(pl.String).cast(dtype))
    assert_refused(
        lambda: read(data),
        argument="time",
        column="t",
        says=["text", "numeric", "pl.col('t').cast(pl.Float64)"],
    )


def test_truth_values_for_times_are_refused():
    assert_refused(
        lambda: read(COHORT.with_columns(t=pl.lit(True))), argument="time", column="t", says=["Boolean"]
    )


@pytest.mark.parametrize(
    "value", [dt.date(2020, 1, 1), dt.datetime(2020, 1, 1, 12), dt.time(12)], ids=["date", "datetime", "time"]
)
def test_calendar_dates_as_times_are_refused(value):
    assert_refused(
        lambda: read(COHORT.with_columns(t=pl.lit(value))),
        argument="time",
        column="t",
        says=["calendar dates", "hem.times.durations("],
    )


def test_a_duration_and_a_number_do_not_mix():
    data = COHORT.with_columns(t=pl.duration(days=pl.col("t").cast(pl.Int64)))
    assert_refused(
        lambda: read(data, entry="start"), argument="entry", column="start", says=["same kind and unit"]
    )
    both = data.with_columns(start=pl.duration(hours=pl.col("start").cast(pl.Int64)))
    assert read(both, entry="start").time_unit == "days"
    assert read(both, entry="start").entry.tolist() == [0, 1 / 24, 2 / 24, 0]


@pytest.mark.parametrize("time", [[0.1 + 0.2, 0.3, 1.0, 1.0], [3.3, 1.1 * 3, 4.0, 5.0]])
def test_times_closer_than_rounding_error_are_one_time(time):
    y = read(COHORT.with_columns(t=pl.Series(time)))
    assert len(np.unique(y.time)) == len(set(np.round(time, 9)))


def test_tiny_units_of_time_are_not_merged():
    y = read(COHORT.with_columns(pl.col("t") * 1e-12))
    assert len(np.unique(y.time)) == 4


def test_single_precision_times_have_a_wider_rounding_error():
    near = COHORT.with_columns(t=pl.Series([1.0, 1.0000004, 2.0, 3.0]))
    assert len(np.unique(read(near).time)) == 4
    assert len(np.unique(read(near.with_columns(pl.col("t").cast(pl.Float32))).time)) == 3


def test_an_entry_within_rounding_error_of_a_time_is_that_time():
    data = COHORT.with_columns(t=pl.Series([0.3, 0.5, 0.6, 0.9]), start=pl.Series([0.0, 0.1 + 0.2, 0.3, 0.3]))
    y = read(data, entry="start")
    assert y.entry[1] == y.time[0]


@pytest.mark.parametrize("weight", [[1.0, -1.0, 2.0, 1.0], [1.0, np.inf, 2.0, 1.0]])
def test_weights_that_are_negative_or_infinite_are_refused(weight):
    data = COHORT.with_columns(w=pl.Series(weight))
    assert_refused(
        lambda: read(data, weights="w"), argument="weights", column="w", rows=[2], says=["zero or more"]
    )


def test_weights_that_are_all_zero_are_refused():
    assert_refused(
        lambda: read(weights=pl.lit(0.0)), argument="weights", column="literal", says=["zero throughout"]
    )


def test_text_for_weights_is_refused():
    assert_refused(
        lambda: read(weights=pl.col("id").cast(pl.String)),
        argument="weights",
        column="id",
        says=["text", "numeric case weights"],
    )


def test_a_weight_of_zero_is_nobody():
    y = read(weights="w", missing="raise")
    assert len(y) == 3
    assert y.positions(np.ones(3, dtype=bool)).tolist() == [0, 1, 3]


def test_robust_is_yes_no_or_nothing():
    assert read(weights="w").uses_robust_variance(None)
    assert_refused(lambda: read().uses_robust_variance("no"), argument="robust", says=["True", "False"])


def test_a_group_of_nobody_is_no_group():
    y = read(weights="w", by="id", strata="id")
    assert y.group.levels["id"].to_list() == [101, 102, 104]
    assert y.group.code.tolist() == y.stratum.code.tolist() == [0, 1, 2]


def test_rows_of_one_patient_that_overlap_are_refused_without_the_identifier():
    rows = pl.DataFrame(
        {"id": [77, 77, 88, 99], "start": [0.0, 3, 0, 0], "t": [5.0, 8, 4, 6], "e": [0, 1, 1, 0]}
    )
    refusal = assert_refused(
        lambda: read(rows, entry="start", id="id"),
        argument="id",
        column="id",
        rows=[1, 2],
        says=["overlap in time (1 pair)", "follow each other"],
    )
    assert "77" not in str(refusal)


def test_several_rows_of_a_patient_without_entry_overlap():
    rows = pl.DataFrame({"id": ["a", "a"], "t": [5.0, 8], "e": [0, 1]})
    says = ["entry=... with the time at which each row begins", "in the place of id"]
    assert_refused(lambda: read(rows, id="id"), argument="id", column="id", rows=[1, 2], says=says)


def test_rows_that_split_the_follow_up_of_a_patient_are_joined():
    rows = pl.DataFrame(
        {
            "id": [2, 1, 1, 1],
            "start": [0.0, 0, 4, 6],
            "t": [3.0, 4, 6, 9],
            "e": [1, 0, 0, 1],
            "g": list("aaab"),
        }
    )
    y = read(rows, entry="start", id="id")
    assert (y.entry.tolist(), y.time.tolist(), y.event.tolist()) == ([0, 0], [9, 3], [True, True])
    apart = read(rows, entry="start", id="id", by="g")
    assert sorted(apart.time.tolist()) == [3, 6, 9]
    gap = read(rows.with_columns(start=pl.Series([0.0, 0, 5, 6])), entry="start", id="id")
    assert sorted(gap.time.tolist()) == [3, 4, 9]


@pytest.mark.parametrize(
    "dtype", [pl.String, pl.Categorical, pl.Enum(["alive", "censored", "nrm", "relapse"])]
)
def test_several_causes_are_labels_and_one_of_them_means_censored(dtype):
    data = COHORT.with_columns(e=pl.Series(["relapse", "censored", "nrm", "relapse"]).cast(dtype))
    y = read_competing(data, time="t", event="e")
    assert y.causes == ("nrm", "relapse")
    assert y.cause.tolist() == [2, 0, 1, 2]


def test_zero_is_censored_among_integers():
    y = read_competing(COHORT.with_columns(e=pl.Series([2, 0, 1, 2])), time="t", event="e")
    assert (y.causes, y.cause.tolist()) == ((1, 2), [2, 0, 1, 2])
    assert read_competing(COHORT.with_columns(e=pl.Series([2.0, 0, 1, 2])), time="t", event="e").causes == (
        1,
        2,
    )
    nobody = COHORT.with_columns(e=pl.Series([2, 1, 1, 2]))
    assert read_competing(nobody, time="t", event="e", censored=None).causes == (1, 2)


def test_a_censoring_label_that_never_occurs_is_refused_unless_nobody_was_censored():
    data = COHORT.with_columns(e=pl.Series(["relapse", "Censored", "nrm", "relapse"]))
    assert_refused(
        lambda: read_competing(data, time="t", event="e"),
        argument="censored",
        column="e",
        says=["'censored'", "near: Censored", "censored='Censored'"],
    )
    assert read_competing(data, time="t", event="e", censored="Censored").causes == ("nrm", "relapse")
    nobody = data.with_columns(pl.col("e").replace("Censored", "death"))
    assert read_competing(nobody, time="t", event="e", censored=None).causes == ("death", "nrm", "relapse")
    far = COHORT.with_columns(e=pl.Series(["relapse", "alive", "nrm", "relapse"]))
    assert_refused(
        lambda: read_competing(far, time="t", event="e"),
        argument="censored",
        column="e",
        says=["censored='alive'"],
    )


def test_one_event_is_not_several():
    assert_refused(
        lambda: read_competing(COHORT.with_columns(e=pl.lit(True)), time="t", event="e"),
        argument="event",
        column="e",
        says=["Boolean", "labels for all events"],
    )


def test_an_offset_beyond_numbers_is_refused():
    data = COHORT.with_columns(o=pl.Series([0.0, 50, 150, 250]))
    refusal = assert_refused(
        lambda: read_survival(data.with_columns(e=pl.lit(True)), time="t", event="e", offset="o"),
        argument="offset",
        column="o",
        says=["more than 200"],
    )
    assert refusal.remedy.startswith("pl.col('o').log()")
