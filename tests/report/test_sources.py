"""What a result knows about its own table."""

from __future__ import annotations

import dataclasses

import polars as pl
from refusals import assert_refused

import hemresearch as hem
from hemresearch.report import table

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
