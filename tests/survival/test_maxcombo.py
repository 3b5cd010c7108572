"""MaxCombo: R's numbers, and truths about the method."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from cohorts import cohorts, replicated
from hypothesis import assume, given, settings
from reference_cases import assert_close, reference_cases
from refusals import assert_refused, assert_warns

from hemresearch.survival import logrank, maxcombo

ROLES = {"time": "time", "event": "event", "by": "arm"}
SIX = pl.DataFrame({"time": [1, 2, 3, 4, 5, 6], "event": [1, 1, 1, 0, 1, 0], "arm": [*"AABABB"]})


@pytest.fixture
def crossing(dataset):
    return {"data": dataset("kmsurv_alloauto"), "time": "time", "event": "delta", "by": "type"}


@pytest.mark.parametrize("case_id", reference_cases("logrank", "maxcombo_"))
def test_matches_the_components_of_r_and_the_integral_of_mvtnorm(reference, case_id):
    case = reference("logrank", case_id)
    expected = case.values["maxcombo"]
    test = maxcombo(
        case.data,
        time=case.role("time"),
        event=case.role("event"),
        by=case.role("group"),
        rho=case.options["rho"],
        gamma=case.options["gamma"],
    )
    assert_close(test.to_frame()["statistic"], expected["z"])
    assert_close(test.correlation, expected["corr"])
    assert_close(test.statistic, expected["max_abs_z"])
    assert abs(test.p_value - expected["p_two_sided"]) < expected["p_tol"]
    assert test.p_value == pytest.approx(expected["p_two_sided"], rel=5e-4)  # mvtnorm is the less exact one
    assert test.name == f"MaxCombo test of {case.values['treatment']} against {case.values['control']}"


def test_six_patients_by_hand():
    # times 1, 2, 3, 5: share of B 3/6, 3/5, 3/4, 1; S(t-) 1, 5/6, 4/6, 3/6; hypergeometric variance p(1 - p)
    test = maxcombo(SIX, **ROLES, rho=[0, 1], gamma=[0, 0])
    share, event = np.array([3 / 6, 3 / 5, 3 / 4, 1]), np.array([0, 0, 1, 1])
    survival, variance = np.array([1, 5 / 6, 4 / 6, 3 / 6]), share * (1 - share)
    score = [(event - share).sum(), (survival * (event - share)).sum()]
    assert_close(test.to_frame()["score"], score)
    covariance = [[variance.sum(), (survival * variance).sum()], [0, (survival**2 * variance).sum()]]
    assert_close(test.to_frame()["statistic"][1], score[1] / covariance[1][1] ** 0.5)
    assert_close(test.correlation[0, 1], covariance[0][1] / (covariance[0][0] * covariance[1][1]) ** 0.5)


def test_one_component_is_its_weighted_log_rank_test(crossing):
    for rho, gamma in ((0, 0), (0, 1), (1, 1), (0.5, 0.5)):
        one, test = maxcombo(**crossing, rho=rho, gamma=gamma), logrank(**crossing, rho=rho, gamma=gamma)
        assert_close(one.statistic**2, test.statistic)
        assert_close(one.p_value, test.p_value)
        assert_close(one.to_frame()["statistic"][0], test.z)
        assert_close(one.to_frame()["score"][0], test.score[1])
        assert_close(one.to_frame()["p_value"][0], test.p_value)


def test_a_component_given_twice_changes_nothing(crossing):
    once = maxcombo(**crossing, rho=[0, 0], gamma=[0, 1])
    twice = maxcombo(**crossing, rho=[0, 0, 0], gamma=[0, 1, 1])
    assert once.p_value == pytest.approx(twice.p_value, rel=1e-5)


def test_the_p_value_lies_between_the_smallest_and_its_bonferroni_bound(crossing):
    test = maxcombo(**crossing)
    smallest = test.to_frame()["p_value"].min()
    assert smallest < test.p_value < 4 * smallest
    assert test.p_value == maxcombo(**crossing).p_value


def test_alternatives_look_to_one_side(dataset):
    trial = {"data": dataset("myeloid"), "time": "futime", "event": "death", "by": "trt"}
    both, less, greater = (maxcombo(**trial, alternative=a) for a in ("two-sided", "less", "greater"))
    assert less.statistic == both.statistic  # arm B, the second, has the lower hazard
    assert less.p_value == pytest.approx(both.p_value / 2, rel=1e-3)
    assert greater.statistic == both.to_frame()["statistic"].max()
    assert greater.p_value > 0.95
    assert less.to_frame()["p_value"].sum() + greater.to_frame()["p_value"].sum() == pytest.approx(4)


@settings(max_examples=15, deadline=None)
@given(cohort=cohorts(smallest=8))
def test_weight_two_is_two_patients_and_groups_may_change_places(cohort):
    roles = {"time": "time", "event": "event", "by": "group", "rho": [0, 1], "gamma": [0, 0]}
    assume(len(cohort.filter(pl.col("event") & (pl.col("time") < pl.col("time").max()))) > 3)
    early = cohort.group_by("group").agg(pl.col("time").max())["time"].min()
    assume(cohort.filter(pl.col("event") & (pl.col("time") < early)).height > 0)
    weighted = maxcombo(cohort, **roles, weights="weight")
    repeated = maxcombo(replicated(cohort), **roles)
    assert_close(weighted.to_frame()["statistic"], repeated.to_frame()["statistic"], at_zero=1e-9)
    swapped = maxcombo(cohort.with_columns(pl.col("group").replace({"g0": "z"})), **roles, weights="weight")
    np.testing.assert_allclose(swapped.to_frame()["score"], -weighted.to_frame()["score"], atol=1e-9)
    assert swapped.p_value == pytest.approx(weighted.p_value, rel=1e-6)


def test_entry_and_strata_reach_the_components(dataset):
    channing = dataset("kmsurv_channing").filter(pl.col("age") > pl.col("ageentry"))
    roles = {"time": "age", "event": "death", "by": "gender", "entry": "ageentry"}
    frame = maxcombo(channing, **roles, rho=[0, 0], gamma=[0, 1]).to_frame()
    assert_close(frame["statistic"][0], logrank(channing, **roles).z)
    bmt = dataset("kmsurv_bmt").filter(pl.col("group") < 3)
    roles = {"time": "t2", "event": "d3", "by": "group", "strata": "z10"}
    test = maxcombo(bmt, **roles)
    for row in test.to_frame().iter_rows(named=True):
        assert_close(row["statistic"], logrank(bmt, **roles, rho=row["rho"], gamma=row["gamma"]).z)
    assert "stratified by z10" in test.method


def test_the_result_tells_what_it_is(crossing):
    test = maxcombo(**crossing, rho=(0, 0), gamma=(0, 1))
    assert test.text() == "MaxCombo test of 2 against 1: z 2.05, p=0.061"
    assert repr(test).splitlines()[1:] == [
        "  rho=0, gamma=0: statistic 0.6177, p 0.5368",
        "  rho=0, gamma=1: statistic 2.05, p 0.04036",
        "largest of 2 correlated statistics, two-sided",
    ]
    assert test.to_frame().columns == ["rho", "gamma", "score", "statistic", "p_value"]
    assert (test.df, test.n, test.n_dropped) == (None, 101, 0)


def test_three_groups_are_refused(dataset):
    assert_refused(
        lambda: maxcombo(dataset("kmsurv_bmt"), time="t2", event="d3", by="group"),
        argument="by",
        column="group",
        says=["3 groups (1, 2, 3)", "two groups", "data.filter", "logrank(...)"],
    )
    assert_refused(lambda: maxcombo(SIX.head(2), **ROLES), argument="by", column="arm", says=["one group"])


def test_powers_must_come_in_pairs():
    assert_refused(
        lambda: maxcombo(SIX, **ROLES, rho=[0, 1], gamma=[0]),
        argument="rho",
        says=["2 values", "gamma has 1", "one value of rho and one of gamma", "gamma=(0, 1, 0, 1)"],
    )
    assert_refused(lambda: maxcombo(SIX, **ROLES, rho=[], gamma=[]), argument="rho")
    assert_refused(lambda: maxcombo(SIX, **ROLES, rho=[-1], gamma=[0]), argument="rho", says=["0 or more"])
    assert_refused(lambda: maxcombo(SIX, **ROLES, rho=[1], gamma=["1"]), argument="gamma", says=["'1'"])
    assert_refused(lambda: maxcombo(SIX, **ROLES, alternative="lower"), argument="alternative", says=["less"])


def test_a_component_without_variance_is_refused():
    # the groups are together at the first event only, where 1 - S(t-) is 0
    short = pl.DataFrame({"time": [1, 2, 3, 4], "event": [1, 0, 1, 1], "arm": [*"ABAA"]})
    assert_refused(
        lambda: maxcombo(short, **ROLES),
        argument="gamma",
        says=["rho=0, gamma=1", "components with a variance", "rho=(0.0, 1.0), gamma=(0.0, 0.0)"],
    )
    apart = pl.DataFrame({"time": [1, 2, 3, 4], "event": [1, 1, 1, 1], "arm": [*"AABB"], "site": [*"xxyy"]})
    assert_refused(
        lambda: maxcombo(apart, **ROLES, strata="site"), argument="by", column="arm", says=["together"]
    )


def test_an_emptied_risk_set_is_named():
    cohort = pl.DataFrame(
        {
            "entry": [0, 0, 0, 4, 4, 4],
            "time": [1, 2, 2, 5, 6, 7],
            "event": [1, 1, 1, 1, 0, 0],
            "arm": [*"ABABAB"],
        }
    )
    assert_warns(
        lambda: maxcombo(cohort, **ROLES, entry="entry", rho=[0, 1], gamma=[0, 0]),
        argument="entry",
        column="entry",
        rows=[2, 3],
        says=["time 2", "1 later event(s)", "rho=0"],
    )
