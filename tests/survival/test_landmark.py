"""Landmark analysis: who is kept, what is counted, and what was known by then."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from cohorts import cohorts
from hypothesis import assume, given, settings
from polars.testing import assert_frame_equal
from reference_cases import assert_close
from refusals import assert_refused

from hemresearch.survival import kaplan_meier, landmark, logrank

ROLES = {"time": "time", "event": "event"}
# At 3: patient 1 has died and patient 2 is censored before, patient 3 dies at 3 itself; three are left.
# Response: patient 4 before, patient 5 at the landmark, patient 6 after it.
SIX = pl.DataFrame(
    {
        "patient": list("abcdef"),
        "time": [1, 2, 3, 5, 7, 9],
        "event": [1, 0, 1, 1, 0, 1],
        "response": [None, 1, 2, 2, 3, 8],
    }
)


def test_six_patients_by_hand():
    at_3 = landmark(SIX, **ROLES, exposure="response", at=3)
    assert at_3.data["patient"].to_list() == ["d", "e", "f"]
    assert at_3.data["time"].to_list() == [2, 4, 6]
    assert at_3.data["event"].to_list() == [1, 0, 1]
    assert at_3.data["response_by_landmark"].to_list() == [True, True, False]
    counts = {"landmark": 3.0, "n": 6, "n_risk": 3, "n_later": 0, "n_event": 2, "n_censor": 1}
    assert at_3.to_frame().row(0, named=True) == counts
    assert at_3.exposures().rows() == [("response", 2, 1, 0)]
    assert at_3.summary().row(0, named=True) == {**counts, "n_dropped": 0}


def test_an_event_or_a_censoring_at_the_landmark_is_before_it():
    at_2 = landmark(SIX, **ROLES, at=2)
    assert (at_2.n_event, at_2.n_censor, at_2.n_risk) == (1, 1, 4)


def test_a_landmark_at_0_leaves_out_only_what_happened_at_once():
    at_0 = landmark(SIX, **ROLES, at=0)
    assert_frame_equal(at_0.data, SIX)
    assert at_0.n_risk == 6


def test_times_a_rounding_error_after_the_landmark_are_at_it():
    data = pl.DataFrame({"time": [0.1 + 0.2, 0.5], "event": [1, 1]})
    assert landmark(data, **ROLES, at=0.3).n_event == 1


def test_the_types_of_columns_are_kept():
    at_3 = landmark(SIX, **ROLES, at=3)
    assert at_3.data.schema == SIX.schema
    assert landmark(SIX, **ROLES, at=2.5).data["time"].to_list() == [0.5, 2.5, 4.5, 6.5]
    durations = SIX.with_columns(pl.duration(days="time").alias("time"))
    days = landmark(durations, **ROLES, at=3)
    assert days.data["time"].to_list() == [timedelta(days=d) for d in (2, 4, 6)]
    assert days.time_unit == "days"
    assert "landmark of 3 days" in days.text()


def test_delayed_entry_counts_from_the_landmark_too():
    data = SIX.with_columns(entry=pl.Series([0, 0, 0, 1, 3, 4]))
    at_3 = landmark(data, **ROLES, entry="entry", at=3)
    assert at_3.data["entry"].to_list() == [0, 0, 1]
    assert (at_3.n_risk, at_3.n_later) == (2, 1)
    assert "1 under observation later" in repr(at_3)
    assert "1 more came under observation later" in at_3.text()


def test_several_exposures_each_get_a_column():
    data = SIX.with_columns(transplant=pl.Series([None, None, None, 4.0, None, 2.5]))
    at_3 = landmark(data, **ROLES, exposure=["response", "transplant"], at=3)
    assert at_3.data["transplant_by_landmark"].to_list() == [False, False, True]
    assert at_3.exposures().rows() == [("response", 2, 1, 0), ("transplant", 1, 1, 1)]


def test_an_expression_becomes_a_column_under_its_name():
    months = (pl.col("time") * 2).alias("months")
    at_6 = landmark(SIX, time=months, event=pl.col("event") == 1, at=6)
    assert at_6.data["months"].to_list() == [4.0, 8.0, 12.0]
    assert at_6.data["time"].to_list() == [5, 7, 9]
    assert at_6.time == "months"


DAYS = pl.DataFrame({"days": [100, 130, 140, 150, 300], "dead": [1, 1, 1, 0, 1]})


def test_computed_times_keep_their_fractions():
    months = (pl.col("days") / 30.4375).alias("months")
    at_4 = landmark(DAYS, time=months, event="dead", at=4)
    assert_close(at_4.data["months"], [days / 30.4375 - 4 for days in (130, 140, 150, 300)])
    assert at_4.data["days"].to_list() == [130, 140, 150, 300]
    entry = (pl.col("days") / 60).alias("entered")
    late = landmark(DAYS, time=months, entry=entry, event="dead", at=4)
    assert_close(late.data["entered"], [0.0, 0.0, 0.0, 1.0])


def test_a_name_that_was_given_is_kept_even_if_a_column_has_it():
    months = (pl.col("days") / 30.4375).alias("days")
    assert_close(landmark(DAYS, time=months, event="dead", at=9).data["days"], [300 / 30.4375 - 9])
    renamed = landmark(DAYS, time=pl.col("days").alias("since"), event="dead", at=140).data
    assert renamed.rows() == [(150, 0, 10), (300, 1, 160)]


def test_computed_durations_stay_durations():
    dates = SIX.with_columns(pl.duration(days="time").alias("time"))
    at_3 = landmark(dates, time=(pl.col("time") * 1).alias("followed"), event="event", at=3)
    assert at_3.data["followed"].to_list() == [timedelta(days=d) for d in (2, 4, 6)]


@pytest.mark.parametrize("role", ["time", "entry"])
def test_computed_times_without_a_name_do_not_overwrite_their_source(role):
    data = DAYS.with_columns(since=pl.lit(0))
    computed = {"time": pl.col("days") / 30.4375, "entry": pl.col("since") / 30.4375}[role]
    roles = {"time": "days", "event": "dead", role: computed}
    refusal = assert_refused(
        lambda: landmark(data, **roles, at=4),
        argument=role,
        column={"time": "days", "entry": "since"}[role],
        says=["would be overwritten", "another unit"],
    )
    assert refusal.expected == "computed times with a name of their own"
    assert refusal.remedy == f"{role}=(...).alias('{role}_from_landmark')"
    named = {**roles, role: computed.alias(f"{role}_from_landmark")}
    assert f"{role}_from_landmark" in landmark(data, **named, at=4).data.columns


def test_entry_and_time_of_one_name_are_refused():
    data = DAYS.with_columns(since=pl.lit(0))
    refusal = assert_refused(
        lambda: landmark(data, time="days", entry=pl.col("since").alias("days"), event="dead", at=4),
        argument="entry",
        column="days",
        says=["name of the times, too"],
    )
    assert refusal.expected == "entry and time under different names"
    assert refusal.remedy == "entry=(...).alias('entry_from_landmark')"


def test_two_exposures_of_one_name_are_refused():
    refusal = assert_refused(
        lambda: landmark(SIX, **ROLES, exposure=["response", pl.col("response") / 2], at=3),
        argument="exposure",
        column="response",
        says=["name of two exposures"],
    )
    assert refusal.expected == "every exposure under a name of its own"
    assert refusal.remedy == "exposure=[..., (...).alias('second')]"


def test_a_lazy_frame_and_a_declared_event_value_are_taken():
    coded = SIX.with_columns(status=pl.col("event").replace_strict({0: "alive", 1: "dead"})).lazy()
    at_3 = landmark(coded, time="time", event="status", event_value="dead", at=3)
    assert at_3.n_event == 2
    assert at_3.data["status"].to_list() == ["dead", "alive", "dead"]


def test_rows_with_missing_values_are_left_out_and_counted():
    missing = pl.concat([SIX, SIX.head(1).with_columns(time=pl.lit(None, dtype=pl.Int64))])
    at_3 = landmark(missing, **ROLES, exposure="response", at=3, missing="drop")
    assert (at_3.n, at_3.n_dropped, at_3.n_risk) == (6, 1, 3)
    assert "1 row with missing values left out" in repr(at_3)
    assert_refused(lambda: landmark(missing, **ROLES, at=3), argument="time", column="time", rows=[7])


def test_the_result_tells_what_it_is():
    at_3 = landmark(SIX, **ROLES, exposure="response", at=3)
    assert repr(at_3).splitlines() == [
        "Landmark at 3 (event by time), n=6",
        "  at risk: 3",
        "  left out: 2 with the event, 1 censored",
        "  response: 2 by the landmark, 1 later, 0 never",
    ]
    assert at_3.text(unit="months") == (
        "At the landmark of 3 months, 3 of 6 patients were at risk; 2 had had the event and 1 had been "
        "censored; response by then in 2 (66.7%)"
    )
    assert "<pre>Landmark at 3" in at_3._repr_html_()


def test_groups_known_at_the_landmark_can_be_compared(dataset):
    at_90 = landmark(dataset("myeloid"), time="futime", event="death", exposure="crtime", at=90)
    roles = {"time": "futime", "event": "death", "by": "crtime_by_landmark"}
    curves = kaplan_meier(at_90.data, **roles)
    assert curves.groups()["n"].to_list() == [164, 418]
    assert logrank(at_90.data, **roles).p_value < 0.001


@settings(max_examples=50, deadline=None)
@given(cohorts(entry=True))
def test_survival_from_the_landmark_is_conditional_survival(cohort):
    assume(cohort["time"].max() > 4)
    early = cohort.with_columns(pl.min_horizontal("entry", pl.lit(0.5)))
    at_4 = landmark(early, **ROLES, entry="entry", at=4)
    after = kaplan_meier(at_4.data, **ROLES, entry="entry").to_frame()
    later = kaplan_meier(early.filter(pl.col("time") > 4), **ROLES).to_frame()
    assert_close(after["estimate"], later["estimate"])
    assert_close(after["time"], later["time"] - 4)
    left_out = at_4.n_event + at_4.n_censor
    assert at_4.n == at_4.n_risk + at_4.n_later + left_out


def test_an_exposure_after_the_end_of_follow_up_is_refused():
    wrong = SIX.with_columns(response=pl.Series([None, 3, 2, 2, 8, 8]))
    refusal = assert_refused(
        lambda: landmark(wrong, **ROLES, exposure="response", at=3),
        argument="exposure",
        column="response",
        rows=[2, 5],
        says=["2 values after the end of follow-up 'time'"],
    )
    assert refusal.expected == "a time between 0 and the end of follow-up, or null for never"
    assert refusal.remedy == "data.filter(...) of those"


def test_an_exposure_before_time_zero_is_refused():
    wrong = SIX.with_columns(response=pl.Series([-1, 1, 2, 2, 3, 8]))
    refusal = assert_refused(
        lambda: landmark(wrong, **ROLES, exposure="response", at=3),
        argument="exposure",
        column="response",
        rows=[1],
        says=["before time zero"],
    )
    assert refusal.remedy == "by='response' as a group known at time zero"


def test_an_exposure_on_another_scale_than_time_is_refused():
    days = SIX.with_columns(pl.duration(days="response").alias("response"))
    refusal = assert_refused(
        lambda: landmark(days, **ROLES, exposure="response", at=3),
        argument="exposure",
        column="response",
        says=["not both durations"],
    )
    assert refusal.expected == "the exposure on the same scale as time"
    assert refusal.remedy == "exposure=pl.col('response').dt.total_days() and the same for time"


def test_a_column_that_is_already_there_is_not_overwritten():
    again = landmark(SIX, **ROLES, exposure="response", at=2).data
    refusal = assert_refused(
        lambda: landmark(again, **ROLES, exposure=pl.col("response").clip(0, 1), at=0),
        argument="exposure",
        column="response_by_landmark",
        says=["name of a column of the data"],
    )
    assert refusal.expected == "data without a column that ends in '_by_landmark'"
    assert refusal.remedy == "data.drop('response_by_landmark')"


def test_a_landmark_that_nobody_reaches_is_refused():
    refusal = assert_refused(lambda: landmark(SIX, **ROLES, at=9), argument="at", says=["nobody", "beyond 9"])
    assert refusal.expected == "a landmark before the last follow-up at 9"
    assert refusal.remedy == "at=4"
    alike = pl.DataFrame({"time": [5, 5], "event": [1, 0]})
    refusal = assert_refused(lambda: landmark(alike, **ROLES, at=5), argument="at")
    assert refusal.remedy == "at=2.5"
    assert landmark(alike, **ROLES, at=2.5).n_risk == 2
    at_once = pl.DataFrame({"time": [0, 0], "event": [1, 0]})
    refusal = assert_refused(lambda: landmark(at_once, **ROLES, at=0), argument="at")
    assert refusal.remedy.startswith("another column as time")


@pytest.mark.parametrize("at", [-1, "day 100", None, float("nan")])
def test_the_landmark_is_a_time(at):
    refusal = assert_refused(lambda: landmark(SIX, **ROLES, at=at), argument="at", says=[repr(at)])
    assert refusal.expected == "a time of 0 or more"
    assert refusal.remedy == "at=100"
