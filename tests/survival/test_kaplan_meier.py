"""The Kaplan-Meier estimator: R's numbers, numbers worked by hand, and truths about the method."""

from __future__ import annotations

import polars as pl
import pytest
from cohorts import cohorts, replicated, split_at
from hypothesis import given, settings
from polars.testing import assert_frame_equal
from reference_cases import assert_close, reference_cases
from refusals import assert_refused, assert_warns

import hemresearch as hem
from hemresearch.survival import kaplan_meier, nelson_aalen

ESTIMATORS = {(1, 1): "kaplan-meier", (2, 1): "breslow", (2, 2): "fleming-harrington"}
VALUES = {
    "n_risk": "n_risk",
    "n_event": "n_event_in_interval",
    "n_censor": "n_censor_in_interval",
    "estimate": "surv",
    "std_error": "std_err",
    "conf_low": "lower",
    "conf_high": "upper",
}
# By hand: at 1 one of 5 dies (0.8); at 2 one of 4 dies (0.6) and one is censored; at 4 one of 2 (0.3).
FIVE = pl.DataFrame({"time": [1, 2, 2, 4, 6], "event": [1, 1, 0, 1, 0]})


def fit(case, **changed):
    options = case.options
    roles = {name: case.role(name) for name in ("entry", "by", "weights", "cluster")}
    return kaplan_meier(
        case.data,
        time=case.role("time"),
        event=case.role("event"),
        **roles,
        robust=options.get("robust"),
        start_time=options.get("start_time"),
        estimator=ESTIMATORS[options["stype"], options["ctype"]],
        conf_type=options["conf_type"],
        conf_level=options["conf_level"],
        **changed,
    )


@pytest.mark.parametrize("case_id", reference_cases("kaplan_meier", "km_"))
def test_matches_survfit(reference, case_id):
    case = reference("kaplan_meier", case_id)
    curves = fit(case)
    at = curves.at(case.options["times"], extend=True)
    quantile = curves.quantile(case.options["quantiles"])
    for stratum in case.values["strata"]:
        rows = case.in_group(at, stratum["label"])
        for ours, theirs in VALUES.items():
            assert_close(rows[ours], stratum[theirs], rel=1e-9, where=ours)
        rows = case.in_group(quantile, stratum["label"])
        for ours, theirs in {
            "estimate": "quantiles",
            "conf_low": "quantile_lower",
            "conf_high": "quantile_upper",
        }.items():
            assert_close(rows[ours], stratum[theirs], rel=1e-9, where=f"quantile {ours}")


@pytest.mark.parametrize("case_id", reference_cases("kaplan_meier", "km_"))
def test_counts_what_survfit_counts(reference, case_id):
    case = reference("kaplan_meier", case_id)
    if case.options.get("weights"):
        return  # survfit's `records` are rows; ours are patients, that is, weights
    groups = fit(case).groups()
    for stratum in case.values["strata"]:
        row = case.in_group(groups, stratum["label"])
        assert_close(row["n"], [stratum["n"]])
        assert_close(row["n_event"], [stratum["events"]])


def test_five_patients_by_hand():
    frame = kaplan_meier(FIVE, time="time", event="event").to_frame()
    assert_close(frame["time"], [1, 2, 4, 6])
    assert_close(frame["n_risk"], [5, 4, 2, 1])
    assert_close(frame["n_event"], [1, 1, 1, 0])
    assert_close(frame["n_censor"], [0, 1, 0, 1])
    assert_close(frame["estimate"], [0.8, 0.6, 0.3, 0.3])
    # Greenwood: S sqrt(1/(5*4) + 1/(4*3) + 1/(2*1))
    assert_close(frame["std_error"][2], 0.3 * (1 / 20 + 1 / 12 + 1 / 2) ** 0.5)


def test_median_is_the_middle_of_a_flat_stretch_at_one_half():
    flat = pl.DataFrame({"time": [1, 2, 3, 4], "event": [1, 1, 1, 0]})
    assert kaplan_meier(flat, time="time", event="event").quantile(0.5)["estimate"][0] == 2.5


def test_limits_are_one_before_the_first_event_and_null_at_zero():
    frame = kaplan_meier(
        pl.DataFrame({"time": [1, 2, 3], "event": [0, 1, 1]}), time="time", event="event"
    ).to_frame()
    assert frame["conf_low"].to_list()[0] == frame["conf_high"].to_list()[0] == 1
    assert frame.row(-1, named=True)["estimate"] == 0
    assert frame.row(-1, named=True)["conf_low"] is None
    assert frame.row(-1, named=True)["std_error"] is None


@settings(max_examples=60, deadline=None)
@given(cohorts())
def test_weight_two_is_two_patients(cohort):
    weighted = kaplan_meier(cohort, time="time", event="event", by="group", weights="weight")
    repeated = kaplan_meier(replicated(cohort), time="time", event="event", by="group")
    assert_frame_equal(weighted.to_frame(), repeated.to_frame(), rel_tol=1e-12)
    assert_frame_equal(weighted.groups(), repeated.groups())


@settings(max_examples=40, deadline=None)
@given(cohorts())
def test_entry_at_zero_is_no_entry(cohort):
    cohort = cohort.with_columns(entry=pl.lit(0.0))
    with_entry = kaplan_meier(cohort, time="time", event="event", by="group", entry="entry")
    assert_frame_equal(
        with_entry.to_frame(), kaplan_meier(cohort, time="time", event="event", by="group").to_frame()
    )


@settings(max_examples=40, deadline=None)
@given(cohorts())
def test_the_order_of_rows_does_not_matter(cohort):
    one = kaplan_meier(cohort, time="time", event="event", by="group")
    other = kaplan_meier(cohort.reverse(), time="time", event="event", by="group")
    assert_frame_equal(one.to_frame(), other.to_frame())


@settings(max_examples=40, deadline=None)
@given(cohorts())
def test_the_unit_of_time_only_changes_the_times(cohort):
    scaled = cohort.with_columns(time=pl.col("time") / 30.4375)
    one = kaplan_meier(cohort, time="time", event="event").to_frame()
    other = kaplan_meier(scaled, time="time", event="event").to_frame()
    assert_frame_equal(one.drop("time"), other.drop("time"))
    assert_close(other["time"], (one["time"] / 30.4375).to_list())


@pytest.mark.filterwarnings("ignore::hemresearch.errors.DataWarning")  # small risk sets may empty
@settings(max_examples=60, deadline=None)
@given(cohorts(entry=True))
def test_splitting_follow_up_changes_nothing(cohort):
    arguments = {"time": "time", "event": "event", "entry": "entry", "id": "patient", "by": "group"}
    whole = kaplan_meier(cohort, **arguments)
    split = kaplan_meier(split_at(split_at(cohort, 5.0), 2.5), **arguments)
    assert_frame_equal(whole.to_frame(), split.to_frame())
    assert_frame_equal(whole.groups(), split.groups())


@settings(max_examples=40, deadline=None)
@given(cohorts())
def test_a_cluster_of_one_has_the_variance_of_greenwood(cohort):
    greenwood = kaplan_meier(cohort, time="time", event="event").to_frame()
    clustered = kaplan_meier(cohort, time="time", event="event", cluster="patient").to_frame()
    assert_frame_equal(greenwood, clustered, rel_tol=1e-9, abs_tol=1e-12)


def test_robust_is_the_default_where_replication_cannot_be_assumed(dataset):
    lung = dataset("lung").with_columns(w=pl.col("age") / 60, pair=pl.int_range(pl.len()) // 2)
    arguments = {"time": "time", "event": pl.col("status") == 2}
    assert kaplan_meier(lung, **arguments).variance == "greenwood"
    assert kaplan_meier(lung, **arguments, weights=pl.lit(2)).variance == "greenwood"
    assert kaplan_meier(lung, **arguments, weights="w").variance == "robust"
    assert kaplan_meier(lung, **arguments, cluster="pair").variance == "robust"
    assert kaplan_meier(lung, **arguments, weights="w", robust=False).variance == "greenwood"
    repeated = pl.DataFrame({"id": [1, 1, 2], "start": [0, 3, 0], "stop": [3, 5, 4], "event": [1, 1, 0]})
    rows = {"time": "stop", "entry": "start", "event": "event"}
    assert kaplan_meier(repeated, **rows).variance == "greenwood"
    assert kaplan_meier(repeated, **rows, id="id").variance == "robust"


def test_limits_of_the_hazard_and_of_the_survival_it_implies_agree(dataset):
    lung = dataset("lung")
    arguments = {"time": "time", "event": pl.col("status") == 2, "by": "sex"}
    for conf_type in ("plain", "log", "log-log", "logit", "arcsin"):
        hazard = nelson_aalen(lung, **arguments, conf_type=conf_type).to_frame()
        survival = kaplan_meier(lung, **arguments, conf_type=conf_type, estimator="breslow").to_frame()
        inside = survival.select((pl.col("conf_low") > 0) & (pl.col("conf_high") < 1)).to_series()
        assert inside.sum() > 50
        assert_close(
            (-hazard["conf_high"]).exp().filter(inside), survival["conf_low"].filter(inside), rel=1e-9
        )


def test_one_curve_per_combination_of_several_columns():
    cohort = pl.DataFrame(
        {"time": [1, 2, 3, 4], "event": [1, 1, 0, 1], "a": ["x", "x", "y", "y"], "b": [2, 1, 1, 1]}
    )
    curves = kaplan_meier(cohort, time="time", event="event", by=["a", "b"])
    assert curves.groups().select("a", "b").rows() == [("x", 1), ("x", 2), ("y", 1)]


def test_a_death_on_day_zero_counts_from_day_zero(reference):
    case = reference("hard_cases", "sh02")
    at = kaplan_meier(case.data, time="time", event="event").at([0, 1, 3])
    assert_close(at["estimate"], [0.8, 0.6, 0.3])


def test_an_emptied_risk_set_is_named():
    cohort = pl.DataFrame({"entry": [0, 0, 5, 5, 5], "time": [2, 3, 7, 8, 9], "event": [1, 1, 1, 0, 1]})
    curves = assert_warns(
        lambda: kaplan_meier(cohort, time="time", event="event", entry="entry"),
        argument="entry",
        column="entry",
        rows=[2],
        says=["time 3", "empty risk set", "start_time=7"],
    )
    assert_close(curves.at([2, 3, 7])["estimate"], [0.5, 0.0, 0.0])
    later = kaplan_meier(cohort, time="time", event="event", entry="entry", start_time=7)
    assert_close(later.at([7, 9])["estimate"], [2 / 3, 0.0])


def test_a_start_time_after_all_follow_up_is_refused():
    assert_refused(
        lambda: kaplan_meier(FIVE, time="time", event="event", start_time=7),
        argument="start_time",
        says=["after the last follow-up, at 6", "start_time=6 or earlier"],
    )
    fine = FIVE.with_columns(time=pl.col("time") * 98.10267 / 6)
    refusal = assert_refused(
        lambda: kaplan_meier(fine, time="time", event="event", start_time=300),
        argument="start_time",
        says=["at 98.1027"],
    )
    assert refusal.remedy == "start_time=98.1 or earlier"
    assert kaplan_meier(fine, time="time", event="event", start_time=98.1).groups()["n"].to_list() == [1]
    two = FIVE.with_columns(arm=pl.Series(list("ABABA")))
    assert_refused(
        lambda: kaplan_meier(two, time="time", event="event", by="arm", start_time=5),
        argument="start_time",
        says=["of group B, at 4", "start_time=4"],
    )


def test_a_single_cluster_is_warned_of():
    curves = assert_warns(
        lambda: kaplan_meier(FIVE.with_columns(c=1), time="time", event="event", cluster="c"),
        argument="cluster",
        column="c",
        rows=[1, 2, 3, 4, 5],
        says=["single cluster", "robust=False"],
    )
    assert curves.to_frame()["std_error"].to_list() == [0, 0, 0, 0]


def test_fractional_weights_with_delayed_entry_leave_no_remainder_at_zero():
    cohort = pl.DataFrame(
        {"e": [0.0, 0, 2, 2], "t": [1.0, 1, 3, 4], "d": [1, 1, 1, 0], "w": [2.6, 0.2, 2.2, 0.6]}
    )
    curves = assert_warns(
        lambda: kaplan_meier(cohort, time="t", entry="e", event="d", weights="w"),
        argument="entry",
        column="e",
        rows=[1, 2],
    )
    assert curves.to_frame()["estimate"].to_list() == [0, 0, 0]
    assert curves.at(50)["estimate"].to_list() == [0]


def test_unknown_options_are_refused_with_the_choices():
    assert_refused(
        lambda: kaplan_meier(FIVE, time="time", event="event", conf_type="loglog"),
        argument="conf_type",
        says=["'log-log'", "conf_type='log-log'"],
    )
    assert_refused(
        lambda: kaplan_meier(FIVE, time="time", event="event", estimator="km"),
        argument="estimator",
        says=["kaplan-meier"],
    )
    assert_refused(
        lambda: kaplan_meier(FIVE, time="time", event="event", conf_level=95), argument="conf_level"
    )


def test_fleming_harrington_refuses_weights_that_are_not_whole():
    assert_refused(
        lambda: kaplan_meier(
            FIVE.with_columns(w=pl.lit(0.5)),
            time="time",
            event="event",
            weights="w",
            estimator="fleming-harrington",
        ),
        argument="weights",
        column="w",
        rows=[1, 2, 3, 4, 5],
        says=["whole"],
    )


def test_the_package_gives_the_number_in_its_own_docstring():
    trial = hem.data.load("myeloid")
    curves = hem.survival.kaplan_meier(trial, time="futime", event="death", by="trt")
    assert curves.groups()["n"].to_list() == [317, 329]


def test_patients_who_move_between_groups_are_counted_once():
    rows = pl.DataFrame(
        {
            "id": ["a", "a", "b", "c"],
            "start": [0, 3, 0, 0],
            "time": [3, 9, 7, 5],
            "event": [0, 1, 1, 0],
            "exposed": [False, True, False, False],
        }
    )
    curves = kaplan_meier(rows, time="time", event="event", entry="start", id="id", by="exposed")
    assert curves.summary().select("n", "n_event", "n_censor").row(0) == (3, 2, 1)
    assert curves.groups()["n"].to_list() == [3, 1]
    assert "n=3, events=2" in repr(curves)
    assert kaplan_meier(rows, time="time", event="event", by="exposed").patients is None


def test_a_label_does_not_run_into_the_number_after_it():
    data = hem.data.load("veteran").with_columns(
        score=pl.when(pl.col("karno") < 60).then(pl.lit("Below 60")).otherwise(pl.lit("60 or more"))
    )
    curves = kaplan_meier(data, time="time", event="status", by="score")
    assert curves.text(unit="days").startswith("Median survival, 60 or more: 112 days (95% CI ")
    assert "; Below 60: 20.5 days (95% CI " in curves.text(unit="days")
    assert curves.text(at=30).startswith("Survival at 30, 60 or more: 89.4% (")
    assert curves.text(at=30, unit="days").startswith("30-day survival, 60 or more: 89.4% (")
    named = kaplan_meier(hem.data.load("myeloid"), time="futime", event="death", by="trt")
    assert named.text().startswith("Median survival: A 707 (")


def test_other_events_taken_as_censored_are_warned_of_and_named():
    data = pl.DataFrame({"t": [1.0, 2, 3, 4], "e": [1, 2, 0, 1]})
    curve = assert_warns(
        lambda: kaplan_meier(data, time="t", event="e", event_value=1), argument="event", column="e",
        says=["2 values beside", "cumulative_incidence"],
    )  # fmt: skip
    assert curve.method == "Kaplan-Meier (naive: other values of e censored)"
    both = kaplan_meier(data, time="t", event="e", event_value=[1, 2])
    assert both.method == "Kaplan-Meier"


@pytest.mark.parametrize("shift", [1e-12, -1e-12])
def test_times_of_the_data_are_those_times_in_any_last_digit(shift):
    curve = kaplan_meier(FIVE, time="time", event="event")
    at = float(FIVE.filter(pl.col("event").cast(bool))["time"].sort()[0])
    assert curve.at(at * (1 + shift)).drop("time").equals(curve.at(at).drop("time"))
    started = [kaplan_meier(FIVE, time="time", event="event", start_time=s) for s in (at, at * (1 + shift))]
    assert started[0].to_frame().equals(started[1].to_frame())
