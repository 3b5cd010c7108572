"""Survival compared at one time: R's numbers, numbers worked by hand, and truths about the method."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from cohorts import cohorts, replicated, split_at
from hypothesis import assume, given, settings
from polars.testing import assert_frame_equal
from reference_cases import assert_close
from refusals import assert_refused, assert_warns

from hemresearch.numerics.fixed_time import log_survival_influence
from hemresearch.numerics.risk_sets import risk_sets
from hemresearch.survival import fixed_time_test, kaplan_meier, logrank

SCALES = {"plain": "linear", "log": "log", "log-log": "cloglog", "arcsin": "arcsin", "logit": "logit"}
ROLES = {"time": "time", "event": "event", "by": "arm"}
# By hand at 3. A: at 1 one of 4 dies (3/4); B: at 2 one of 4, at 3 one of 3 (1/2). Greenwood's S^2 times the
# sum of d/(n(n - d)): A 9/16 * 1/12 = 3/64; B 1/4 * (1/12 + 1/6) = 1/16.
EIGHT = pl.DataFrame(
    {"time": [1, 4, 5, 6, 2, 3, 4, 5], "event": [1, 0, 0, 1, 1, 1, 0, 1], "arm": [*"AAAABBBB"]}
)


def comparable(cohort: pl.DataFrame) -> pl.DataFrame:
    """With more patients of each group, so that every survival at 6 is known and between 0 and 1."""
    more = cohort.head(4).with_columns(
        patient=pl.lit(1000) + pl.int_range(4),
        time=pl.Series([0.5, 20.0, 0.5, 20.0]),
        event=pl.Series([True, False, True, False]),
        group=pl.Series(["g0", "g0", "g1", "g1"]),
    )
    assume(cohort.height >= 4)
    if "entry" in cohort.columns:
        more = more.with_columns(entry=pl.lit(0.0))
    return pl.concat([cohort, more])


@pytest.mark.parametrize("conf_type", SCALES)
def test_matches_r_on_five_scales(reference, conf_type):
    case = reference("kaplan_meier", "fixedtime_alloauto")
    test = fixed_time_test(
        case.data,
        time=case.role("time"),
        event=case.role("event"),
        by=case.role("by"),
        at=case.options["t0"],
        conf_type=conf_type,
    )
    expected = case.values
    assert_close(test.statistic, expected[SCALES[conf_type]]["chisq"])
    assert_close(test.p_value, expected[SCALES[conf_type]]["p"])
    assert_close(test.to_frame()["estimate"], expected["surv"])
    assert_close(test.to_frame()["std_error"], expected["std_err"])
    assert_close(test.differences["estimate"], [-expected["diff"]])  # ours is the second less the first
    assert_close(test.differences["std_error"], [expected["diff_se"]])


def test_eight_patients_by_hand():
    test = fixed_time_test(EIGHT, **ROLES, at=3, conf_type="plain")
    assert_close(test.to_frame()["estimate"], [3 / 4, 1 / 2])
    assert_close(test.to_frame()["std_error"], [math.sqrt(3 / 64), 1 / 4])
    assert test.to_frame()["n"].to_list() == [4, 4]
    assert_close(test.to_frame()["n_risk"], [3, 3])
    assert_close(test.to_frame()["n_event"], [1, 2])
    assert_close(test.statistic, (1 / 4) ** 2 / (3 / 64 + 1 / 16))
    row = test.differences.row(0, named=True)
    assert row["term"] == "B - A"
    half = 1.959963984540054 * math.sqrt(3 / 64 + 1 / 16)
    assert_close([row["estimate"], row["conf_low"], row["conf_high"]], [-1 / 4, -1 / 4 - half, -1 / 4 + half])


def test_limits_of_the_groups_are_those_of_their_curves(dataset):
    bmt = dataset("kmsurv_bmt")
    roles = {"time": "t2", "event": "d3", "by": "group", "conf_level": 0.9, "conf_type": "logit"}
    test = fixed_time_test(bmt, **roles, at=365)
    curves = kaplan_meier(bmt, **roles).at(365)
    for name in ("n_risk", "n_event", "estimate", "std_error", "conf_low", "conf_high"):
        assert_close(test.to_frame()[name], curves[name].to_list())


def test_three_groups_are_compared_on_two_degrees_of_freedom(dataset):
    bmt = dataset("kmsurv_bmt")
    test = fixed_time_test(bmt, time="t2", event="d3", by="group", at=365, conf_type="plain")
    frame = test.to_frame()
    weight = 1 / frame["std_error"] ** 2  # for independent groups: squared distances from the weighted mean
    mean = (weight * frame["estimate"]).sum() / weight.sum()
    assert_close(test.statistic, (weight * (frame["estimate"] - mean) ** 2).sum())
    assert test.df == 2
    assert test.differences["term"].to_list() == ["2 - 1", "3 - 1"]


def test_agrees_with_lifelines(dataset):
    from lifelines import KaplanMeierFitter
    from lifelines.statistics import survival_difference_at_fixed_point_in_time_test

    data = dataset("kmsurv_alloauto")
    fits = [
        KaplanMeierFitter().fit(*(part[c].to_numpy() for c in ("time", "delta")))
        for part in (data.filter(pl.col("type") == g) for g in (1, 2))
    ]
    theirs = survival_difference_at_fixed_point_in_time_test(24, *fits)
    ours = fixed_time_test(data, time="time", event="delta", by="type", at=24)
    assert_close(ours.statistic, theirs.test_statistic, rel=1e-8)
    assert_close(ours.p_value, theirs.p_value, rel=1e-8)


@settings(max_examples=30, deadline=None)
@given(cohort=cohorts(smallest=4, groups=3))
def test_weight_two_is_two_patients(cohort):
    cohort = comparable(cohort).filter(pl.col("group") != "g2")
    roles = {"time": "time", "event": "event", "by": "group", "at": 6}
    weighted = fixed_time_test(cohort, **roles, weights="weight")
    repeated = fixed_time_test(replicated(cohort), **roles)
    assert_close(weighted.statistic, repeated.statistic, at_zero=1e-9)
    assert_frame_equal(weighted.to_frame(), repeated.to_frame(), rel_tol=1e-9)
    assert_frame_equal(weighted.differences, repeated.differences, rel_tol=1e-9)


@settings(max_examples=30, deadline=None)
@given(cohort=cohorts(smallest=4))
def test_order_unit_and_an_entry_at_zero_do_not_matter(cohort):
    cohort = comparable(cohort).with_columns(entry=pl.lit(0.0))
    roles = {"time": "time", "event": "event", "by": "group"}
    one = fixed_time_test(cohort, **roles, at=6)
    for other in (
        fixed_time_test(cohort.reverse(), **roles, at=6),
        fixed_time_test(cohort, **roles, entry="entry", at=6),
        fixed_time_test(cohort.with_columns(pl.col("time") * 0.25), **roles, at=1.5),
    ):
        assert_close(other.statistic, one.statistic, at_zero=1e-9)
        assert_frame_equal(other.to_frame(), one.to_frame())


@pytest.mark.filterwarnings("ignore::hemresearch.errors.DataWarning")  # small risk sets may empty
@settings(max_examples=30, deadline=None)
@given(cohort=cohorts(smallest=4, entry=True))
def test_splitting_follow_up_changes_nothing(cohort):
    cohort = comparable(cohort)
    roles = {"time": "time", "event": "event", "by": "group", "entry": "entry", "id": "patient", "at": 6}
    for robust in (None, True):
        whole = fixed_time_test(cohort, **roles, robust=robust)
        split = fixed_time_test(split_at(split_at(cohort, 5.0), 2.5), **roles, robust=robust)
        assert_close(whole.statistic, split.statistic, at_zero=1e-9)
        assert_frame_equal(whole.to_frame(), split.to_frame())


@settings(max_examples=30, deadline=None)
@given(cohort=cohorts(smallest=4, entry=True))
def test_a_robust_variance_is_that_of_the_curves(cohort):
    cohort = comparable(cohort.with_columns(entry=pl.col("entry") * 0.1))
    w = pl.col("weight") / 2
    roles = {"time": "time", "event": "event", "by": "group", "entry": "entry", "weights": w}
    independent = fixed_time_test(cohort, **roles, at=6)
    clustered = fixed_time_test(cohort, **roles, at=6, cluster="patient")
    assert "robust variance" in independent.method
    assert_close(clustered.statistic, independent.statistic, at_zero=1e-9)
    assert_frame_equal(clustered.differences, independent.differences)


def test_clusters_across_groups_lend_their_covariance():
    # every patient twice, once in each group, at nearly the same time
    rng = np.random.default_rng(1)
    first = pl.DataFrame(
        {"pair": range(40), "time": rng.exponential(5, 40), "event": rng.random(40) < 0.7, "arm": ["A"] * 40}
    )
    second = first.with_columns(arm=pl.lit("B"), time=pl.col("time") + rng.normal(0, 0.5, 40))
    pairs = pl.concat([first, second]).with_columns(pl.col("time").clip(0.5))
    roles = {**ROLES, "at": 3, "conf_type": "plain"}
    matched, unmatched = fixed_time_test(pairs, **roles, cluster="pair"), fixed_time_test(pairs, **roles)
    assert_close(matched.to_frame()["estimate"], unmatched.to_frame()["estimate"].to_list())
    assert matched.differences["std_error"][0] < 0.6 * unmatched.differences["std_error"][0]


def test_the_influence_is_the_derivative_of_log_survival():
    rng = np.random.default_rng(7)
    time, event, entry = (
        rng.integers(3, 12, 30).astype(float),
        rng.random(30) < 0.5,
        rng.integers(0, 3, 30) * 1.0,
    )
    influence = log_survival_influence(risk_sets(time, event, entry), time, event, entry, 7.0)

    def log_survival(weight):
        r = risk_sets(time, event, entry, weight)
        early = r.time <= 7
        return np.log1p(-r.n_event[early] / r.n_risk[early]).sum()

    step = 1e-6
    numeric = [
        (log_survival(1 + step * (np.arange(30) == i)) - log_survival(1 - step * (np.arange(30) == i)))
        / (2 * step)
        for i in range(30)
    ]
    np.testing.assert_allclose(influence, numeric, atol=1e-8)


def test_the_result_tells_what_it_is():
    test = fixed_time_test(EIGHT, **ROLES, at=3, conf_type="plain")
    assert test.text() == (
        "survival at 3: A 75.0% (95% CI 32.6–100.0); B 50.0% (95% CI 1.0–99.0); "
        "difference (B - A) -25.0 percentage points (95% CI -89.8 to 39.8); p=0.45"
    )
    assert repr(test).splitlines() == [
        "survival at 3: statistic 0.5714, df 1, p 0.4497",
        "  A: 0.75 (0.3257 to 1), n 4",
        "  B: 0.5 (0.01001 to 0.99), n 4",
        "  B - A: -0.25 (-0.8982 to 0.3982)",
        "plain scale, Greenwood variance, 95% limits",
    ]
    assert (test.at, test.n, test.conf_type, test.conf_level) == (3, 8, "plain", 0.95)
    lasting = EIGHT.with_columns(pl.duration(days="time").alias("time"))
    assert fixed_time_test(lasting, **ROLES, at=3).text().startswith("survival at 3 days: A 75.0%")


def test_a_time_after_the_last_follow_up_of_a_group_is_refused():
    assert_refused(
        lambda: fixed_time_test(EIGHT, **ROLES, at=5.5),
        argument="at",
        says=["at: 5.5 is after the last follow-up of B (5)", "every group was followed", "Try at=4.0."],
    )
    assert fixed_time_test(EIGHT, **ROLES, at=4.0).df == 1  # at 5 nobody of B is left
    assert_refused(
        lambda: fixed_time_test(EIGHT, **ROLES, at=7), argument="at", says=["of A, B (the earliest at 5)"]
    )


def test_a_time_that_works_is_offered_with_all_its_digits():
    thirds = EIGHT.with_columns(pl.col("time") / 3e4)
    for at in (1e-6, 5.5 / 3e4):
        refusal = assert_refused(lambda at=at: fixed_time_test(thirds, **ROLES, at=at), argument="at")
        assert fixed_time_test(thirds, **ROLES, at=float(refusal.remedy.removeprefix("at="))).df == 1


def test_where_no_time_works_the_curves_can_be_compared():
    apart = pl.DataFrame({"time": [1, 2, 3, 4], "event": [1, 1, 0, 1], "arm": list("aabb")})
    refusal = assert_refused(lambda: fixed_time_test(apart, **ROLES, at=3), argument="at", says=["of a (2)"])
    assert refusal.remedy == "logrank(...) to compare the whole curves"
    assert logrank(apart, **ROLES).df == 1


def test_weights_that_are_not_whole_are_not_cut():
    test = fixed_time_test(EIGHT.with_columns(w=pl.lit(0.7)), **ROLES, weights="w", at=3)
    assert_close(test.n, 5.6)


def test_survival_of_one_or_zero_is_refused_with_a_time_that_works():
    refusal = assert_refused(
        lambda: fixed_time_test(EIGHT, **ROLES, at=1.5),
        argument="at",
        says=["0 or 1 in B", "no variance", "between 0 and 1 in every group", "at=2.0"],
    )
    assert fixed_time_test(EIGHT, **ROLES, at=float(refusal.remedy.removeprefix("at="))).df == 1
    assert_refused(lambda: fixed_time_test(EIGHT, **ROLES, at=5), argument="at", says=["in B", "at=4.0"])
    never = EIGHT.with_columns(event=pl.when(pl.col("arm") == "A").then(0).otherwise("event"))
    assert_refused(
        lambda: fixed_time_test(never, **ROLES, at=3),
        argument="at",
        says=["in A", "logrank(...)"],
    )
    nobody = EIGHT.with_columns(event=pl.lit(0))
    refusal = assert_refused(lambda: fixed_time_test(nobody, **ROLES, at=3), argument="at")
    assert refusal.remedy == "follow_up(...), to report how long they were followed instead"


def test_one_time_is_asked_for():
    for at in ([1, 2], None, 0, -1, math.inf):
        assert_refused(
            lambda at=at: fixed_time_test(EIGHT, **ROLES, at=at),
            argument="at",
            says=["one time in the unit of the data", "at=24.0"],
        )


def test_one_group_is_refused():
    assert_refused(
        lambda: fixed_time_test(EIGHT.head(4), **ROLES, at=3),
        argument="by",
        column="arm",
        says=["one group only", "at least two groups"],
    )


def test_too_few_clusters_are_refused():
    third = EIGHT.tail(4).with_columns(arm=pl.lit("C"))
    centres = pl.concat([EIGHT, third]).with_columns(centre=pl.Series([1, 2, 2, 1] * 3))
    assert_refused(
        lambda: fixed_time_test(centres, **ROLES, at=3, cluster="centre"),
        argument="cluster",
        column="centre",
        says=["too few clusters", "more clusters than groups", "robust=False"],
    )


def test_unknown_scales_and_levels_are_refused():
    assert_refused(
        lambda: fixed_time_test(EIGHT, **ROLES, at=3, conf_type="cloglog"),
        argument="conf_type",
        says=["log-log"],
    )
    assert_refused(lambda: fixed_time_test(EIGHT, **ROLES, at=3, conf_level=95), argument="conf_level")


def test_an_emptied_risk_set_is_named_before_it_is_refused():
    cohort = EIGHT.with_columns(entry=pl.Series([0, 2, 2, 2, 0, 0, 0, 0]))

    def compare():
        assert_refused(lambda: fixed_time_test(cohort, **ROLES, entry="entry", at=3), argument="at")

    assert_warns(compare, argument="entry", column="entry", rows=[1], says=["time 1"])


def test_the_methods_sentence_names_the_time_and_the_scale():
    data = pl.DataFrame({"t": [1, 2, 3, 4, 5, 6], "e": [1, 0, 1, 1, 0, 0], "g": list("ABABAB")})
    test = fixed_time_test(data, time="t", event="e", by="g", at=4.5)
    assert test.methods().startswith("Survival at 4.5 was compared between groups (log-log scale")
