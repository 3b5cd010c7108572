"""1 - Kaplan-Meier of one cause: R's numbers, and that it says what it is."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from polars.testing import assert_frame_equal
from random_causes import cohorts_with_causes
from reference_cases import assert_close
from refusals import assert_refused

from hemresearch.competing import cumulative_incidence, naive_incidence
from hemresearch.survival import kaplan_meier

ROLES = {"time": "time", "event": "event", "censored": 0}


def test_matches_survfit_and_overstates(reference):
    case = reference("incidence", "naive_mgus2")
    roles = {"time": "etime", "event": "event", "cause": 1, "by": "sex"}
    naive = naive_incidence(case.data, **roles, allow_naive=True).at(case.options["times"])
    right = cumulative_incidence(case.data, **roles).at(case.options["times"])
    for group in case.values["groups"]:
        rows = case.in_group(naive, group["label"])
        assert_close(rows["estimate"], group["estimate"], rel=1e-9)
        assert_close(rows["std_error"], group["std_err"], rel=1e-9)
        assert_close(rows["conf_low"], group["lower"], rel=1e-9)
        assert_close(rows["conf_high"], group["upper"], rel=1e-9)
    assert naive.filter(pl.col("time") == 240)["estimate"].round(3).to_list() == [0.19, 0.23]
    assert right.filter(pl.col("time") == 240)["estimate"].round(3).to_list() == [0.105, 0.096]


@settings(max_examples=30)
@given(cohorts_with_causes())
def test_it_is_the_complement_of_survival_and_not_below_the_truth(cohort):
    naive = naive_incidence(cohort, **ROLES, cause=1, by="group", allow_naive=True).to_frame()
    survival = kaplan_meier(cohort, time="time", event=pl.col("event") == 1, by="group").to_frame()
    assert_close(naive["estimate"], 1 - survival["estimate"], rel=1e-12, at_zero=1e-12)
    assert_frame_equal(naive.select("n_risk", "n_event"), survival.select("n_risk", "n_event"))
    right = cumulative_incidence(cohort, **ROLES, cause=1, by="group").to_frame()
    assert (naive["estimate"] >= right["estimate"] - 1e-12).all()


def test_it_calls_itself_naive(dataset):
    curves = naive_incidence(dataset("bmtcrr"), time="ftime", event="Status", cause=1, allow_naive=True)
    assert curves.quantity == "naive cumulative incidence"
    assert repr(curves).startswith(
        "naive 1 - Kaplan-Meier (competing events censored): naive cumulative incid"
    )
    assert curves.text(24, unit="months").startswith("24-month naive cumulative incidence of cause 1: ")
    assert "naive 1 - Kaplan-Meier (competing events censored)" in curves.methods()
    assert curves.summary()["method"].to_list() == ["naive 1 - Kaplan-Meier (competing events censored)"]
    assert curves.keys == ("cause",)


@pytest.mark.parametrize("said", [{}, {"allow_naive": False}, {"allow_naive": "yes"}])
def test_it_must_be_asked_for(dataset, said):
    refusal = assert_refused(
        lambda: naive_incidence(dataset("bmtcrr"), time="ftime", event="Status", cause=1, **said),
        argument="allow_naive",
        says=["overstates the probability"],
    )
    assert refusal.remedy.startswith("cumulative_incidence(...)")


def test_one_cause_at_a_time(dataset):
    refusal = assert_refused(
        lambda: naive_incidence(
            dataset("bmtcrr"), time="ftime", event="Status", cause=None, allow_naive=True
        ),
        argument="cause",
        says=["2 causes were asked for"],
    )
    assert refusal.remedy == "cause=1"
