"""Conditional survival: R's numbers, numbers worked by hand, and truths about the method."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from cohorts import cohorts, replicated, split_at
from hypothesis import assume, given, settings
from polars.testing import assert_frame_equal
from reference_cases import assert_close, reference_cases
from refusals import assert_refused, assert_warns

from hemresearch.survival import conditional_survival, kaplan_meier

ROLES = {"time": "time", "event": "event"}
# Survival 0.8 from 1 (n = 5), 0.6 from 2 (n = 4, one more censored at 2), 0.3 from 4 (n = 2).
FIVE = pl.DataFrame({"time": [1, 2, 2, 4, 6], "event": [1, 1, 0, 1, 0]})


@pytest.mark.parametrize("case_id", reference_cases("conditional"))
def test_matches_survfit_of_those_followed_beyond_the_start(reference, case_id):
    case = reference("conditional", case_id)
    options = case.options
    roles = {name: case.role(name) for name in ("time", "event", "entry", "by", "weights", "cluster")}
    chosen = {name: options[name] for name in ("given", "ahead", "robust", "conf_type")}
    frame = conditional_survival(case.data, **roles, **chosen).to_frame()
    columns = {"estimate": "surv", "std_error": "std_err", "conf_low": "lower", "conf_high": "upper"}
    for theirs in case.values["rows"]:
        at = (pl.col("given") == theirs["given"]) & (pl.col("time") == theirs["time"])
        row = case.in_group(frame.filter(at), theirs["label"])
        assert row.height == 1
        for ours, name in {**columns, "n_event": "n_event"}.items():
            assert_close(row[ours], [theirs[name]], where=f"{theirs['label']} {theirs['time']} {ours}")


def test_start_time_differs_by_the_events_at_the_start_only(reference):
    case = reference("kaplan_meier", "km_mgus2_conditional60")
    roles = {"time": "futime", "event": "death"}
    times = case.options["times"]
    ours = conditional_survival(case.data, **roles, given=60, times=times).to_frame()["estimate"]
    at_the_start = case.data.filter(pl.col("futime") == 60)["death"].sum()
    n = case.values["strata"][0]["n"]
    assert_close(ours * (1 - at_the_start / n), case.values["strata"][0]["surv"])


def test_five_patients_by_hand():
    row = conditional_survival(FIVE, **ROLES, given=1, ahead=3).to_frame().row(0, named=True)
    assert (row["given"], row["time"], row["n_risk"], row["n_event"]) == (1.0, 4.0, 4, 2)
    assert_close(row["estimate"], 0.3 / 0.8)
    # var log: 1/(4 * 3) at 2 and 1/(2 * 1) at 4
    log_error = np.sqrt(1 / 12 + 1 / 2)
    assert_close(row["std_error"], 0.375 * log_error)
    z = 1.959963984540054 * log_error / abs(np.log(0.375))
    assert_close([row["conf_low"], row["conf_high"]], [0.375 ** np.exp(z), 0.375 ** np.exp(-z)])


def test_an_event_at_the_start_has_happened():
    frame = conditional_survival(FIVE, **ROLES, given=[1, 2], times=4).to_frame()
    assert_close(frame["estimate"], [0.375, 0.5])
    assert frame["n_risk"].to_list() == [4, 2]


def test_given_0_is_survival_but_for_events_at_0():
    at_once = pl.DataFrame({"time": [0, 1, 2], "event": [1, 1, 0]})
    assert_close(conditional_survival(at_once, **ROLES, given=0, ahead=1).to_frame()["estimate"], [0.5])


def test_ahead_counts_from_each_start_and_times_from_zero():
    ahead = conditional_survival(FIVE, **ROLES, given=[0, 2], ahead=[1, 2]).to_frame()
    assert ahead.select("given", "time").rows() == [(0, 1), (0, 2), (2, 3), (2, 4)]
    times = conditional_survival(FIVE, **ROLES, given=[0, 2], times=[1, 2, 4]).to_frame()
    assert times.select("given", "time").rows() == [(0, 1), (0, 2), (0, 4), (2, 4)]
    assert times["n_event"].to_list() == [1, 2, 3, 1]


def test_beyond_the_follow_up_it_is_null():
    frame = conditional_survival(FIVE, **ROLES, given=2, times=[6, 7]).to_frame()
    assert frame["estimate"].is_null().to_list() == [False, True]
    assert frame["conf_low"].is_null().to_list() == [False, True]


def test_groups_follow_each_other():
    data = pl.concat([FIVE.with_columns(arm=pl.lit(a)) for a in "ba"])
    frame = conditional_survival(data, **ROLES, by="arm", given=[0, 2], ahead=2).to_frame()
    assert frame["arm"].to_list() == ["a", "a", "b", "b"]
    assert frame["given"].to_list() == [0.0, 2.0] * 2
    assert_frame_equal(frame[:2].drop("arm"), frame[2:].drop("arm"))


def test_who_enters_after_the_start_is_not_yet_at_risk():
    late = pl.DataFrame({"entry": [0, 0, 3], "time": [4, 6, 7], "event": [1, 0, 0]})
    row = conditional_survival(late, **ROLES, entry="entry", given=2, ahead=3).to_frame().row(0, named=True)
    assert row["n_risk"] == 2
    assert_close(row["estimate"], 2 / 3)


def test_the_result_tells_what_it_is():
    result = conditional_survival(FIVE, **ROLES, given=2, ahead=2)
    assert repr(result).splitlines() == [
        "conditional survival (event by time), n=5, events=3",
        "  given=2, time=4: 0.5 (0.005983 to 0.9104)",
        "95% limits: log-log, Greenwood variance",
    ]
    assert result.text() == "conditional survival (event by time): given=2, time=4 0.50 (95% CI 0.01–0.91)"


def long_enough(cohort: pl.DataFrame, start: float) -> None:
    assume((cohort.group_by("group").agg(pl.col("time").max())["time"] > start).all())


@settings(max_examples=50, deadline=None)
@given(cohorts())
def test_it_is_the_ratio_of_two_survivals(cohort):
    long_enough(cohort, 4)
    frame = conditional_survival(cohort, **ROLES, by="group", given=4, ahead=3).to_frame()
    curves = kaplan_meier(cohort, **ROLES, by="group")
    before, after = (curves.at(t)["estimate"].to_numpy() for t in (4, 7))
    assert_close(frame["estimate"], after / before)


@settings(max_examples=40, deadline=None)
@given(cohorts())
def test_an_integer_weight_is_that_many_patients(cohort):
    long_enough(cohort, 3)
    roles = {**ROLES, "by": "group", "given": [0, 3], "ahead": 4}
    weighted = conditional_survival(cohort, **roles, weights="weight")
    assert_frame_equal(weighted.to_frame(), conditional_survival(replicated(cohort), **roles).to_frame())


@settings(max_examples=40, deadline=None)
@given(cohorts())
def test_splitting_the_follow_up_changes_nothing(cohort):
    long_enough(cohort, 3)
    roles = {**ROLES, "by": "group", "given": 3, "times": [5, 9]}
    whole = conditional_survival(cohort, **roles)
    split = conditional_survival(split_at(cohort, 3.5), **roles, entry="entry", id="patient")
    assert_frame_equal(split.to_frame(), whole.to_frame())


@settings(max_examples=30, deadline=None)
@given(cohorts())
def test_neither_row_order_nor_the_unit_matters(cohort):
    long_enough(cohort, 3)
    first = conditional_survival(cohort, **ROLES, by="group", given=3, ahead=4).to_frame()
    months = cohort.reverse().with_columns(pl.col("time") / 12)
    again = conditional_survival(months, **ROLES, by="group", given=3 / 12, ahead=4 / 12).to_frame()
    assert_frame_equal(again.drop("given", "time"), first.drop("given", "time"))


@pytest.mark.parametrize(
    ("ends", "found"),
    [({}, "neither of ahead and times was"), ({"ahead": 1, "times": 4}, "both ahead and times were")],
)
def test_ahead_or_times_is_needed_and_not_both(ends, found):
    refusal = assert_refused(
        lambda: conditional_survival(FIVE, **ROLES, given=2, **ends),
        argument="ahead",
        says=[f"{found} given"],
    )
    assert refusal.expected == "how far ahead of `given`, or the times at which to end"
    assert refusal.remedy == "ahead=60 or times=[60, 120]"


def test_an_end_that_is_not_after_the_start_is_refused():
    refusal = assert_refused(
        lambda: conditional_survival(FIVE, **ROLES, given=[0, 4], times=[2, 4]),
        argument="times",
        says=["no time"],
    )
    assert refusal.expected == "times later than those survived so far"
    assert refusal.remedy == "times=64"
    refusal = assert_refused(
        lambda: conditional_survival(FIVE, **ROLES, given=2, ahead=[0, 1]), argument="ahead", says=["holds 0"]
    )
    assert refusal.remedy == "ahead=60"


def test_a_start_after_the_follow_up_of_a_group_is_refused():
    data = pl.concat([FIVE.with_columns(arm=pl.lit("a")), FIVE.head(3).with_columns(arm=pl.lit("b"))])
    refusal = assert_refused(
        lambda: conditional_survival(data, **ROLES, by="arm", given=3, ahead=1),
        argument="given",
        says=["nobody of group 'b' is followed beyond 3", "last follow-up is at 2"],
    )
    assert refusal.expected == "times before 2, when somebody of every group is still followed"
    assert refusal.remedy == "given=1"


@pytest.mark.parametrize(
    ("argument", "value"), [("given", -1), ("given", "later"), ("ahead", [None]), ("times", [-3])]
)
def test_times_are_times(argument, value):
    arguments = {"given": 1, **({"ahead": 1} if argument == "given" else {}), argument: value}
    assert_refused(lambda: conditional_survival(FIVE, **ROLES, **arguments), argument=argument)


@pytest.mark.parametrize(("argument", "value"), [("conf_type", "log log"), ("conf_level", 95)])
def test_unknown_limits_are_refused(argument, value):
    assert_refused(
        lambda: conditional_survival(FIVE, **ROLES, given=1, ahead=1, **{argument: value}),
        argument=argument,
        says=[repr(value)],
    )


def test_weights_that_are_not_whole_are_not_cut():
    weighted = FIVE.with_columns(w=pl.Series([0.5, 0.7, 0.8, 0.6, 0.5]))
    result = conditional_survival(weighted, **ROLES, weights="w", given=1, ahead=2)
    assert_close(result.n, 3.1)
    assert "n=3.1" in repr(result)


def test_a_group_called_given_is_refused():
    assert_refused(
        lambda: conditional_survival(FIVE.with_columns(given=1), **ROLES, by="given", given=1, ahead=1),
        argument="by",
        column="given",
        says=["name of a column of the result"],
    )


def test_an_emptied_risk_set_is_told():
    late = pl.DataFrame({"entry": [0, 5, 5], "time": [3, 7, 8], "event": [1, 1, 0]})
    assert_warns(
        lambda: conditional_survival(late, **ROLES, entry="entry", given=2, ahead=4),
        argument="entry",
        column="entry",
        rows=[1],
        says=["empty risk set"],
    )
