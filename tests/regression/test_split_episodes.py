"""Follow-up in episodes: R's survSplit, pieces by hand, and what stays the same."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from cohorts import cohorts
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from reference_cases import assert_close, reference_cases
from refusals import assert_refused, assert_warns

from hemresearch.outcomes import read_survival
from hemresearch.regression import cox, split_episodes
from hemresearch.survival import kaplan_meier

TWO = pl.DataFrame({"id": ["p1", "p2"], "months": [5, 9], "dead": [1, 0], "arm": ["A", "B"]})
ROLES = {"time": "months", "event": "dead"}


@pytest.mark.parametrize("case_id", reference_cases("episodes", "split_"))
def test_matches_survsplit(reference, case_id):
    case = reference("episodes", case_id)
    data = case.data.with_row_index("row", offset=1)
    pieces = split_episodes(
        data,
        time=case.role("time"),
        event=case.expr(case.options["event"]).alias("happened"),
        entry=case.role("entry"),
        cut=case.options["cut"],
    )
    start, stop = case.options.get("entry", "entry"), case.options["time"]
    assert pieces.height == case.values["n"]
    by_episode = pieces.group_by("episode").agg(
        pl.len().alias("n"),
        person_time=(pl.col(stop) - pl.col(start)).sum(),
        events=pl.col("happened").sum(),
    )
    assert_close(by_episode.sort("episode").to_dict(as_series=False), case.values["by_episode"])
    if "rows" in case.values:
        rows = pieces.select(
            "row",
            *(pl.col(name).cast(pl.String) for name in case.options["keep"]),
            entry=start,
            time=stop,
            event="happened",
            episode="episode",
        )
        assert_close(rows.to_dict(as_series=False), case.values["rows"])


def test_an_effect_that_differs_after_the_first_year_is_that_of_coxph(reference):
    case = reference("episodes", "effect_myeloid_by_period")
    pieces = split_episodes(case.data, time="futime", event="death", id="id", cut=case.options["cut"])
    late = pieces.with_columns(late=(pl.col("trt") == "B") & (pl.col("episode") == 2))
    fit = cox(late, ["trt", "late"], time="futime", event="death", entry="entry", id="id")
    expected = case.values["cox"]["efron"]
    assert_close(fit.coef, expected["coef"], rel=1e-6)
    assert_close(np.sqrt(np.diag(fit.cov)), expected["se"], rel=1e-6)
    assert_close(fit.log_likelihood, expected["loglik"][1], rel=1e-9)


def test_two_patients_by_hand():
    pieces = split_episodes(TWO, **ROLES, cut=[3, 5])
    assert pieces.columns == ["id", "entry", "months", "dead", "arm", "episode"]
    assert pieces.rows() == [
        ("p1", 0, 3, False, "A", 1),
        ("p1", 3, 5, True, "A", 2),
        ("p2", 0, 3, False, "B", 1),
        ("p2", 3, 5, False, "B", 2),
        ("p2", 5, 9, False, "B", 3),
    ]


@settings(max_examples=30)
@given(cohorts(entry=True), st.lists(st.integers(0, 14), min_size=1, max_size=5))
def test_pieces_of_a_patient_joined_are_the_patient(cohort, cut):
    roles = {"time": "time", "event": "event", "entry": "entry", "id": "patient"}
    whole = read_survival(cohort, **roles)
    joined = read_survival(split_episodes(cohort, **roles, cut=cut), **roles)
    assert joined.entry.tolist() == whole.entry.tolist()
    assert joined.time.tolist() == whole.time.tolist()
    assert joined.event.tolist() == whole.event.tolist()


@settings(max_examples=20)
@given(cohorts(), st.lists(st.integers(0, 14), min_size=1, max_size=5))
def test_a_curve_of_the_pieces_is_the_curve(cohort, cut):
    roles = {"time": "time", "event": "event"}
    pieces = split_episodes(cohort, **roles, cut=cut)
    curve = kaplan_meier(pieces, **roles, entry="entry", id="patient", by="group")
    assert_frame_equal(curve.to_frame(), kaplan_meier(cohort, **roles, by="group").to_frame())


@settings(max_examples=20)
@given(cohorts(entry=True))
def test_two_cuts_at_once_are_one_after_the_other(cohort):
    roles = {"time": "time", "event": "event", "entry": "entry"}
    once = split_episodes(cohort, **roles, cut=[3, 7])
    first = split_episodes(cohort, **roles, cut=7, episode="late")
    twice = split_episodes(first, **roles, cut=3, episode="early")
    twice = twice.with_columns(episode=pl.col("early") + pl.col("late") - 1).drop("early", "late")
    assert_frame_equal(once, twice)


def test_types_stay_what_they_were():
    whole = split_episodes(TWO, **ROLES, cut=3).schema
    assert (whole["months"], whole["entry"], whole["dead"]) == (pl.Int64, pl.Int64, pl.Boolean)
    halves = split_episodes(TWO, **ROLES, cut=3.5)
    assert halves["months"].to_list() == [3.5, 5, 3.5, 9]
    durations = TWO.with_columns(pl.duration(days="months").alias("months"))
    pieces = split_episodes(durations, **ROLES, cut=2.5)
    assert pieces["months"].dtype == durations["months"].dtype
    assert pieces["months"].to_list()[:2] == [timedelta(days=2.5), timedelta(days=5)]
    assert pieces["entry"].to_list()[:2] == [timedelta(0), timedelta(days=2.5)]


def test_whatever_means_the_event_it_comes_back_true_or_false():
    text = TWO.with_columns(dead=pl.Series(["died", "alive"]))
    pieces = split_episodes(text, **ROLES, event_value="died", cut=3)
    assert pieces["dead"].to_list() == [False, True, False, False]
    computed = split_episodes(text, time="months", event=(pl.col("dead") == "died").alias("os"), cut=3)
    assert computed["os"].to_list() == [False, True, False, False]
    assert computed["dead"].to_list() == ["died", "died", "alive", "alive"]


def test_a_lazy_table_and_computed_times_with_names():
    pieces = split_episodes(
        TWO.lazy(), time=(pl.col("months") * 30).alias("days"), event="dead", cut=[90, 1000]
    )
    assert pieces.columns == ["id", "months", "dead", "arm", "entry", "days", "episode"]
    assert pieces["days"].to_list() == [90, 150, 90, 270]


@pytest.mark.parametrize("dtype", [pl.Float64, pl.Float32])
def test_a_cut_that_differs_by_rounding_error_is_the_time(dtype):
    data = pl.DataFrame({"t": [0.1 + 0.2, 0.7], "e": [1, 1]}).with_columns(pl.col("t").cast(dtype))
    assert split_episodes(data, time="t", event="e", cut=0.3)["episode"].to_list() == [1, 1, 2]
    apart = split_episodes(data, time="t", event="e", cut=0.29999)
    assert apart["episode"].to_list() == [1, 2, 1, 2]


def test_rows_left_out_are_counted_in_a_warning():
    data = TWO.with_columns(dead=pl.Series([1, None]))
    pieces = assert_warns(
        lambda: split_episodes(data, **ROLES, cut=3, missing="drop"),
        argument="missing",
        says=["left out 1 row with a missing value"],
    )
    assert pieces["id"].to_list() == ["p1", "p1"]
    assert_refused(lambda: split_episodes(data, **ROLES, cut=3), argument="event", column="dead", rows=[2])


@pytest.mark.parametrize("cut", [-1, np.nan, np.inf, [], "3", None])
def test_cuts_are_finite_times(cut):
    assert_refused(lambda: split_episodes(TWO, **ROLES, cut=cut), argument="cut")


def test_a_column_is_not_overwritten():
    with_entry = TWO.with_columns(entry=pl.lit(1))
    refusal = assert_refused(
        lambda: split_episodes(with_entry, **ROLES, cut=3), argument="entry", column="entry"
    )
    assert refusal.remedy == "entry='entry'"
    assert split_episodes(with_entry, **ROLES, entry="entry", cut=3)["entry"].to_list() == [1, 3, 1, 3]
    for name in ("arm", "entry", "months"):
        assert_refused(
            lambda name=name: split_episodes(TWO, **ROLES, cut=3, episode=name),
            argument="episode",
            column=name,
            says=["there already", f"data.drop({name!r})"],
        )
    for name in ("", None, ["a"]):
        assert_refused(
            lambda name=name: split_episodes(TWO, **ROLES, cut=3, episode=name), argument="episode"
        )


def test_computed_times_need_a_name_of_their_own():
    refusal = assert_refused(
        lambda: split_episodes(TWO, time=pl.col("months") * 30, event="dead", cut=3),
        argument="time",
        column="months",
        says=["would be overwritten"],
    )
    assert refusal.remedy == "time=(...).alias('time_in_pieces')"
    assert_refused(
        lambda: split_episodes(
            TWO, time="months", entry=(pl.col("months") * 0).alias("months"), event="dead", cut=3
        ),
        argument="entry",
        column="months",
        says=["name of the times, too"],
    )
    assert_refused(
        lambda: split_episodes(TWO, time="months", event=pl.col("months") > 6, cut=3),
        argument="event",
        column="months",
        says=["name of time, too"],
    )


def test_follow_up_of_zero_is_no_interval():
    data = TWO.with_columns(months=pl.Series([5, 0]))
    assert_refused(
        lambda: split_episodes(data, **ROLES, cut=3),
        argument="time",
        column="months",
        rows=[2],
        says=["1 follow-up of 0"],
    )


def test_rows_of_one_patient_may_not_overlap():
    rows = pl.DataFrame({"id": [71, 71], "start": [0, 4], "stop": [5, 8], "event": [0, 1]})
    refusal = assert_refused(
        lambda: split_episodes(rows, time="stop", event="event", entry="start", id="id", cut=3),
        argument="id",
        column="id",
        rows=[1, 2],
    )
    assert "71" not in str(refusal)


def test_pieces_of_a_patient_are_not_joined_again():
    rows = pl.DataFrame({"id": [1, 1], "start": [0, 4], "stop": [4, 8], "event": [0, 1], "dose": [1, 2]})
    roles = {"time": "stop", "event": "event", "entry": "start", "id": "id"}
    assert split_episodes(rows, **roles, cut=6)["dose"].to_list() == [1, 2, 2]
    assert len(read_survival(rows, **roles)) == 1
    assert len(read_survival(rows, **roles, join=False)) == 2
