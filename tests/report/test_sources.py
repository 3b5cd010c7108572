"""What a result knows about its own table."""

from __future__ import annotations

import dataclasses
import datetime as dt

import polars as pl
import pytest
from many_curves import STATES, incidence_curves, mean_curves, state_curves, transplanted
from refusals import assert_refused

import hemresearch as hem
from hemresearch.report import table
from hemresearch.results import HypothesisTest

ALONE = pl.DataFrame({"months": [2, 4, 6], "died": [True, True, False]})


def test_the_unit_of_time_is_in_the_headers():
    curves = hem.survival.kaplan_meier(ALONE, time="months", event="died")
    in_months = dataclasses.replace(curves, time_unit="months")
    assert table(in_months).header[-1] == "Median, months (95% CI)"
    assert table(in_months, times=[2, 4]).header[0] == "Time (months)"


def test_one_curve_has_no_column_of_groups():
    curves = hem.survival.kaplan_meier(ALONE, time="months", event="died")
    assert table(curves).header[0] == "N"
    assert table(curves, times=[2, 4]).kinds == ("plain", "plain")


def test_several_grouping_columns_keep_the_second_beside_the_times():
    two = pl.concat([ALONE.with_columns(arm=pl.lit(a), sex=pl.lit(s)) for a in "AB" for s in "FM"])
    curves = hem.survival.kaplan_meier(two, time="months", event="died", by=["arm", "sex"])
    made = table(curves, times=[2, 4])
    assert made.header[:2] == ("sex", "Time")
    assert [row[0] for row in made.body if row[1] == ""] == ["A", "B"]


def test_times_are_for_curves_only():
    assert_refused(lambda: table(ALONE, times=[12]), argument="times", says=["table(curves, times="])


def test_a_log_rank_test_shows_observed_and_expected_of_each_group():
    trial = hem.data.load("myeloid")
    made = table(hem.survival.logrank(trial, time="futime", event="death", by="trt"))
    assert made.header == ("Group", "N", "Observed", "Expected")
    assert made.body == (("A", "317", "171", "143.49"), ("B", "329", "149", "176.51"))
    assert made.footnotes == ("Log-rank test: chi-squared 9.59 on 1 df, p=0.002.",)


def test_a_test_with_limits_names_their_level():
    transplant = hem.data.load("kmsurv_alloauto")
    test = hem.survival.fixed_time_test(
        transplant, time="time", event="delta", by="type", at=24, conf_level=0.9
    )
    made = table(test, percent=True)
    assert made.header[-1] == "Estimate, % (90% CI)"
    assert made.footnotes[0].startswith("Survival at 24: ")


def test_predicted_curves_count_nobody():
    fit = hem.regression.cox(hem.data.load("veteran"), "karno + trt", time="time", event="status")
    standardised = fit.adjusted("trt")
    assert hem.report.table(standardised).header == ("trt", "Median (95% CI)")
    at_times = hem.report.table(standardised, times=[90, 180])
    assert at_times.header == ("Time", "Survival, % (95% CI)")
    assert not at_times.footnotes
    assert "n=137, events=128" in repr(standardised).splitlines()[0]
    assert repr(standardised).splitlines()[1].startswith("  trt=1: median ")


@pytest.fixture(scope="module")
def incidence():
    return incidence_curves(transplanted(), time="months", event="Status", by="disease")


def test_causes_at_one_time_stand_with_their_patients_and_events(incidence):
    made = table(incidence, times=24)
    assert made.header == ("disease", "Cause", "N", "Events", "Cumulative incidence at 24, % (95% CI)")
    at = incidence.at(24).filter(disease="ALL", cause="relapse")
    assert made.body[0][:4] == ("ALL", "relapse", "73", f"{at['n_event'][0]:g}")
    assert made.body[0][4].startswith(f"{100 * at['estimate'][0]:.1f} (")


def test_causes_without_times_are_told_at_the_last_time_of_all(incidence):
    last = incidence.to_frame().group_by("disease").agg(pl.col("time").max())["time"].min()
    made = table(incidence)
    assert made.header[-1] == f"Cumulative incidence at {last:.4g}, % (95% CI)"
    assert all("(" in row[-1] for row in made.body)


def test_causes_at_several_times_are_headings_over_the_groups(incidence):
    made = table(incidence, times=[12, 24])
    assert [row[0] for row in made.body if row[1] == ""] == ["relapse", "death in remission"]
    assert made.header[:3] == ("disease", "Time", "At risk")
    one = table(incidence_of_relapse(), times=[12, 24])
    assert [row[0] for row in one.body if row[1] == ""] == ["ALL", "AML"]


def incidence_of_relapse():
    return incidence_curves(transplanted(), time="months", event="Status", by="disease", causes=("relapse",))


def test_causes_that_are_numbers_can_be_named():
    numbered = incidence_curves(transplanted(), time="months", event="Status", causes=(1, 2))
    assert [row[0] for row in table(numbered, times=24, labels={"1": "Relapse"}).body] == ["Relapse", "2"]


def test_states_and_mean_numbers_have_tables():
    states = table(state_curves(), times=[12, 24])
    assert [row[0] for row in states.body if row[1] == ""] == list(STATES)
    means = table(mean_curves(), times=[180, 360])
    assert means.header[-1] == "Mean number of events (95% CI)"
    predicted = table(dataclasses.replace(state_curves(), predicted=True), times=24)
    assert predicted.header == ("State", "State occupation at 24, % (95% CI)")


def test_tests_are_told_below_the_table(incidence):
    gray = HypothesisTest(name="Gray's test of relapse", statistic=4.7, df=1, p_value=0.03)
    said = "Gray's test of relapse: chi-squared 4.70 on 1 df, p=0.030."
    assert table(incidence, times=24, p=gray).footnotes == (said,)
    assert table(incidence, times=24, p=[gray, gray], footnote="Own.").footnotes == (said, said, "Own.")
    named = table(incidence, times=24, p={"relapse": gray}, labels={"relapse": "Relapse"})
    assert named.footnotes == ("Relapse: Gray's test: chi-squared 4.70 on 1 df, p=0.030.",)
    assert_refused(lambda: table(incidence, p=0.03), argument="p", says=["float", "gray_test"])


COUNTS = pl.DataFrame({"arm": ["A", "B"], "n": [12, 20], "time": [36525.0, 18262.5]})
OF_RATES = {"events": "n", "person_time": pl.duration(days=pl.col("time")).alias("seen"), "by": "arm"}


def test_rates_tell_their_unit_in_the_headers():
    made = table(hem.epidemiology.rate(COUNTS, **OF_RATES, per=365250))
    assert made.header == ("arm", "Events", "Person-days", "Per 1000 person-years (95% CI)")
    unknown = table(hem.epidemiology.rate(COUNTS, events="n", person_time="time", by="arm"))
    assert unknown.header[2:] == ("Person-time", "Per unit of person-time (95% CI)")
    difference = table(hem.epidemiology.rate_difference(COUNTS, **OF_RATES, per=36525))
    assert difference.header[-1] == "p"
    assert "Rate difference (95% CI)" in difference.header


def test_bleeding_rates_and_time_in_range_tell_their_unit():
    bleeding = hem.hematology.bleeding
    season = pl.DataFrame({"bleeds": [3, 0, 8, 2], "days": [365.25, 730.5, 365.25, 365.25]})
    rates = bleeding.bleeding_rate(season, events={"all": "bleeds"}, person_time="days", unit="days")
    assert table(rates).header[3::2] == ("Person-years", "Per patient-year (95% CI)")
    inr = pl.DataFrame(
        {"id": [1, 1, 2, 2], "date": [dt.date(2024, 1, d) for d in (1, 9, 1, 9)], "inr": [1.5, 2.5, 3, 2.5]}
    )
    shares = bleeding.pooled_time_in_range(inr, id="id", date="date", inr="inr")
    assert table(shares).header == ("INR", "N", "Person-days", "Time, % (95% CI)")
    assert table(shares).body[1][3].startswith("75.0 (")
    assert "in range 75.0% (95% CI" in shares.text()


@pytest.fixture
def calls():
    """From Monday to Sunday a call at every full hour of the day from 8 to 15."""
    stamps = [dt.datetime(2024, 3, 4 + day, hour) for day in range(7) for hour in range(8, 16)]
    return pl.DataFrame({"at": stamps})


PERIOD = {"time": "at", "first_day": dt.date(2024, 3, 4), "last_day": dt.date(2024, 3, 10)}


def test_consultations_tell_their_unit_and_staff_what_to_plan_by(calls):
    service = hem.hematology.consultations
    made = table(service.volume(calls, per="day", **PERIOD))
    assert made.header == ("Events", "Hours", "Per day (95% CI)")
    assert made.body[0][2].startswith("8.00 (")
    staff = service.staffing(calls, by="weekday", minutes_per_consultation=15, **PERIOD)
    planned = table(staff)
    assert planned.header == (
        "weekday", "Hours", "Per hour", "In a busy hour", "At once, at most", "Staff, busy hour",
        "Staff, few wait",
    )  # fmt: skip
    assert planned.body[0] == ("Monday", "24", "0.33", "1", "1", "1", "1")
    assert "negative binomial" in planned.footnotes[0]
    assert table(staff.select("weekday", "staff_queue")).header == ("weekday", "Staff, few wait")


def test_charts_along_dates_have_tables(calls):
    weeks = pl.concat([calls.with_columns(pl.col("at").dt.offset_by(f"{w}w")) for w in range(2)])
    two = PERIOD | {"last_day": dt.date(2024, 3, 17)}
    days = hem.hematology.consultations.period_counts(weeks, **two).with_columns(
        consultations=pl.Series([8, 9, 7, 8, 6, 8, 8, 9, 7, 8, 6, 8, 8, 30])
    )
    count = {"events": "consultations", "person_time": "hours", "time": "date"}
    chart = hem.epidemiology.control_chart(days, kind="u", baseline=dt.date(2024, 3, 16), **count)
    made = table(chart)
    assert made.header == (
        "Period", "Person-time", "Events", "Rate", "Lower control limit", "Upper control limit", "z",
        "In the baseline", "Signal",
    )  # fmt: skip
    assert made.body[-1][0] == "2024-03-17"
    assert made.body[-1][-1].startswith("beyond limits")
    cusum = hem.epidemiology.cusum(days.head(13), ratio=2, target=8 / 24, **count)
    assert table(cusum).header[0::4] == ("Period", "Cumulative sum")


def test_a_flow_has_a_table_with_words():
    flow = hem.cohort.Flow(ALONE, "Registered").keep(pl.col("died"), reason="Alive")
    made = table(flow)
    assert made.header[2:6] == ("Reason", "Before", "Excluded", "Of these not known")
    assert made.body[0][2:5] == ("Alive", "3", "1")


def test_measures_of_prediction_and_screens_have_headers_of_their_own():
    mgus = hem.data.load("mgus2").drop_nulls("hgb")
    roles = {"time": "futime", "event": "death"}
    fit = hem.regression.cox(mgus.head(700), "age + hgb", **roles)
    others = hem.prediction.predicted_risks(fit, mgus.tail(600), times=[60], name="cox")
    others = others.with_columns(halved=pl.col("cox_60") / 2)
    given = {**roles, "times": 60, "risks": ["cox_60", "halved"]}
    compared = table(hem.prediction.compare_models(others, **given))
    assert compared.header[2:5] == ("AUC (95% CI)", "Brier score", "IPA")
    assert table(hem.prediction.brier_difference(others, **given)).header[3] == "Difference (95% CI)"
    used = table(hem.prediction.decision_curve(others, thresholds=[0.2], **given))
    assert "Net benefit (95% CI)" in used.header
    agreed = dict(row[2:] for row in table(hem.prediction.calibration(others, **given)).body if row[2:])
    assert "(" in agreed["slope"]
    assert len(agreed["ICI"]) == len("0.089")
    screened = hem.translational.screen(mgus, ["age", "hgb"], **roles)
    assert table(screened).header == ("Feature", "N", "Events", "HR (95% CI)", "p", "q")
    tested = hem.translational.screen(mgus, ["sex"], **roles, method="logrank")
    assert table(tested).header == ("Feature", "N", "Events", "Statistic", "p", "q")
    cut = hem.translational.cutpoint(mgus, score="hgb", **roles)
    assert table(cut).header[3:] == ("HR (95% CI)", "p, corrected", "p, uncorrected")
    assert len(table(cut).body) == 1
    built = hem.translational.signature(mgus, ["age", "hgb"], **roles, n_features=1)
    assert table(built).header[-3:] == ("Mean", "SD", "Selected, %")
    points = table(hem.prediction.points_score(fit, mgus.head(700), times=[60]))
    assert {len(row[-1].partition(".")[2]) for row in points.body} == {1}
    whole = table(hem.prediction.points_score(fit, mgus.head(700), times=[60], one_point=0.5))
    assert {row[-1].isdigit() for row in whole.body} == {True}
