"""Time lost to competing causes: R, by hand, and truths about the method."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from cohorts import replicated
from hypothesis import given, settings
from polars.testing import assert_frame_equal
from random_causes import cohorts_with_causes
from reference_cases import assert_close, reference_cases
from refusals import assert_refused, assert_warns

from hemresearch.competing import cumulative_incidence, years_lost, years_lost_difference
from hemresearch.survival import rmst

ROLES = {"time": "time", "event": "event"}
CERTAIN = pytest.mark.filterwarnings("ignore::hemresearch.errors.DataWarning")
# Before 10: relapse at 2 and 6, death at 4, one followed to 10.
FOUR = pl.DataFrame({"time": [2, 6, 4, 10], "event": ["relapse", "relapse", "death", "censored"]})
WITH_TAU = [
    c for c in reference_cases("competing_risks", "aj_") if c in ("aj_mgus2", "aj_bmtcrr", "aj_ebmt2_6causes")
]


def horizon(cohort):
    """A tau within the follow-up of every group."""
    return float(cohort.group_by("group").agg(pl.col("time").max())["time"].min()) * 0.8


@pytest.mark.parametrize("variance", ["greenwood", "ij"])
@pytest.mark.parametrize("case_id", WITH_TAU)
def test_matches_survfit(reference, case_id, variance):
    case = reference("competing_risks", case_id)
    result = years_lost(
        case.data, time=case.role("time"), event=case.role("status"), by=case.role("group"),
        tau=case.options["tau"], variance=variance,
    ).to_frame()  # fmt: skip
    for stratum in case.values["strata"]:
        for cause in stratum["causes"]:
            row = case.in_group(result, stratum["label"]).filter(pl.col("cause") == cause["cause"])
            assert_close(row["estimate"], [cause["years_lost"]], rel=1e-9)
            assert_close(row["std_error"], [cause["years_lost_se"]], rel=1e-9)


@pytest.mark.parametrize("case_id", reference_cases("incidence", "robust_"))
def test_robust_errors_and_differences_match_survfit(reference, case_id):
    case = reference("incidence", case_id)
    roles = {name: case.role(name) for name in ("time", "entry", "weights", "cluster", "by")}
    options = {**roles, "event": case.role("status"), "tau": case.options["tau"], "variance": "ij"}
    result = years_lost(case.data, **options).to_frame()
    for group in case.values["groups"]:
        for cause in group["causes"]:
            row = case.in_group(result, group["label"]).filter(pl.col("cause") == cause["cause"])
            assert_close(row["estimate"], [cause["years_lost"]], rel=1e-9)
            assert_close(row["std_error"], [cause["years_lost_se"]], rel=1e-9)
    for one in case.values.get("differences", []):
        rows = years_lost_difference(case.data, **options, cause=one["cause"]).to_frame()
        assert_close(rows["std_error"][0], one["years_lost_std_err"], rel=1e-9)


def test_by_hand():
    relapse, death = years_lost(FOUR, **ROLES, cause=["relapse", "death"], tau=8).to_frame().rows(named=True)
    # nobody is censored before 8: the mean of (8 - T)+ over the four
    assert_close([relapse["estimate"], death["estimate"]], [(6 + 2) / 4, 4 / 4])
    for row, lost in ((relapse, [6, 2, 0, 0]), (death, [0, 0, 4, 0])):
        assert_close(row["std_error"], np.std(lost) / 2)
        assert_close(row["conf_high"] - row["estimate"], 1.959963984540054 * row["std_error"])
    assert (relapse["n"], relapse["n_event"], death["n_event"]) == (4, 2, 1)


def test_a_difference_by_hand():
    arms = pl.concat(
        [FOUR.with_columns(arm=pl.lit("a")), FOUR.with_columns(arm=pl.lit("b"), time=pl.col("time") + 1)]
    )
    rows = years_lost_difference(arms, **ROLES, by="arm", cause="relapse", tau=8).to_frame()
    assert_close(rows["estimate"], [(5 + 1) / 4 - 2, 1.5 / 2])
    assert_close(rows["std_error"][0], np.hypot(np.std([6, 2, 0, 0]), np.std([5, 1, 0, 0])) / 2)
    assert rows.columns[:4] == ["term", "group", "reference", "cause"]


@CERTAIN
@settings(max_examples=40)
@given(cohorts_with_causes())
def test_the_time_lost_to_all_causes_is_what_survival_lacks(cohort):
    tau = horizon(cohort)
    lost = years_lost(cohort, **ROLES, by="group", tau=tau).to_frame()
    free = rmst(cohort.with_columns(pl.col("event") > 0), **ROLES, by="group", tau=tau).to_frame()
    total = lost.group_by("group", maintain_order=True).agg(pl.col("estimate").sum())["estimate"]
    assert_close(total, tau - free["estimate"], rel=1e-9, at_zero=1e-12)


@CERTAIN
@settings(max_examples=30)
@given(cohorts_with_causes())
def test_it_is_the_area_under_the_curve_and_its_errors_agree(cohort):
    tau = horizon(cohort)
    curve = cumulative_incidence(cohort, **ROLES, cause=1)
    grid = np.unique(np.append(np.minimum(np.append(0.0, cohort["time"]), tau), tau))
    area = np.sum(curve.at(grid[:-1])["estimate"].to_numpy() * np.diff(grid))
    plain, robust = (
        years_lost(cohort, **ROLES, cause=1, tau=tau, variance=v).to_frame() for v in ("greenwood", "ij")
    )
    assert_close(plain["estimate"], [area], rel=1e-9, at_zero=1e-12)
    assert_close(robust["std_error"], plain["std_error"], rel=1e-7, at_zero=1e-7)


@CERTAIN
@settings(max_examples=30)
@given(cohorts_with_causes())
def test_an_integer_weight_is_that_many_patients(cohort):
    roles = {**ROLES, "by": "group", "tau": horizon(cohort)}
    weighted = years_lost(cohort, **roles, weights="weight").to_frame()
    assert_frame_equal(weighted, years_lost(replicated(cohort), **roles).to_frame(), abs_tol=1e-9)


def test_texts():
    result = years_lost(FOUR, **ROLES, tau=8)
    assert repr(result).splitlines()[0] == "mean time lost before 8, n=4, events=3"
    assert "95% limits: normal, Greenwood variance" in repr(result)
    arms = pl.concat([FOUR.with_columns(arm=pl.lit(a)) for a in "ab"])
    told = years_lost_difference(arms, **ROLES, by="arm", cause="relapse", tau=8).text()
    assert told.startswith(
        "mean time lost to relapse before 8, b against a: difference 0.00 (95% CI -3.39 to 3.39), p>0.99"
    )


def test_a_cause_that_costs_no_time_is_told():
    result = assert_warns(
        lambda: years_lost(FOUR, **ROLES, tau=3),
        argument="tau",
        says=["of death (no such event yet)", "Try tau=10.0"],
    ).to_frame()
    assert_close(result["estimate"], [0, 0.25])
    assert_warns(
        lambda: years_lost(FOUR.filter(pl.col("event") != "death"), **ROLES, cause="relapse", tau=2),
        argument="tau",
        says=["of relapse (no such event yet)"],
    )
    late = FOUR.with_columns(time=pl.Series([10, 10, 4, 10]))
    assert_warns(
        lambda: years_lost(late, **ROLES, cause="relapse", tau=10),
        argument="tau",
        says=["Try follow_up(...)"],
    )


@pytest.mark.parametrize("tau", [0, -1, float("inf"), "year", None])
def test_tau_is_a_time_above_0(tau):
    assert_refused(lambda: years_lost(FOUR, **ROLES, tau=tau), argument="tau", says=[repr(tau)])


def test_what_is_refused():
    assert_refused(lambda: years_lost(FOUR, **ROLES, tau=12), argument="tau", says=["12 lies beyond"])
    assert_refused(lambda: years_lost(FOUR, **ROLES, tau=8, variance="cuminc"), argument="variance")
    assert_refused(lambda: years_lost(FOUR, **ROLES, tau=8, conf_level=0), argument="conf_level")
    one = FOUR.with_columns(arm=pl.lit("a"))
    assert_refused(lambda: years_lost_difference(one, **ROLES, by="arm", tau=8), argument="by", column="arm")
