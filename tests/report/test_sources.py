"""What a result knows about its own table."""

from __future__ import annotations

import dataclasses

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
