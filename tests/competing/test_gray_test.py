"""Gray's test: R's cmprsk, cases by hand, truths about it and refusals."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from cohorts import cohorts, replicated
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_cases import assert_close, load_reference, reference_cases
from refusals import assert_refused, assert_warns

from hemresearch.competing import gray_test, pairwise_gray
from hemresearch.survival import logrank

CASES = [
    (topic, name)
    for topic, beginning in (("competing_risks", "cuminc_"), ("gray", ""))
    for name in reference_cases(topic, beginning)
    if "group" in load_reference(topic, name).options
]
ROLES = {"time": "time", "event": "status", "cause": "relapse"}


def labelled(cohort: pl.DataFrame, cause: list[int]) -> pl.DataFrame:
    names = pl.Enum(["censored", "death", "relapse"])
    return cohort.with_columns(status=pl.Series([names.categories[c] for c in cause]).cast(names))


@st.composite
def competing_cohorts(draw, groups=2):
    cohort = draw(cohorts(groups=groups))
    n = cohort.height
    cause = draw(st.lists(st.integers(0, 2), min_size=n, max_size=n))
    return labelled(cohort, [2, 2, *cause[2:]])


def study(n=200, seed=1, groups=3) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return labelled(
        pl.DataFrame(
            {
                "time": np.ceil(rng.exponential(8, n)),
                "group": np.array(["a", "b", "c", "d"])[rng.integers(0, groups, n)],
                "centre": rng.integers(0, 2, n),
                "weight": rng.integers(1, 4, n),
            }
        ),
        rng.integers(0, 3, n).tolist(),
    )


@pytest.mark.parametrize(("topic", "case_id"), CASES)
def test_matches_cmprsk(reference, topic, case_id):
    case = reference(topic, case_id)
    roles = {"t": "time", "e": "status", "g": "group", "s": "strata"}
    columns = {name: case.expr(case.options[o]) for name, o in roles.items() if o in case.options}
    data = case.data.with_columns(**columns)
    for expected in case.values["gray_tests"]:
        test = gray_test(
            data, time="t", event="e", cause=int(expected["cause"]), by="g",
            strata="s" if "s" in columns else None, rho=float(case.options["rho"]), missing="drop",
        )  # fmt: skip
        assert_close(test.statistic, expected["stat"], rel=1e-9)
        assert test.df == expected["df"]
        # R's 1 - pchisq() loses digits of small p-values: to 1e-16, beside which both are the same
        assert test.p_value == pytest.approx(expected["p"], rel=1e-9, abs=1e-15)


def test_five_patients_by_hand():
    """At 1 somebody of b dies; at 2 there is a relapse in a, one of a and two of b being at risk."""
    data = pl.DataFrame({"time": [2.0, 4, 1, 3, 4], "group": list("aabbb"), "status": [2, 0, 1, 0, 0]})
    test = gray_test(data, time="time", event="status", cause=2, by="group")
    # in b, S = 2/3 after the death: 2 / (2/3) = 3 patients in the risk set of the relapse, 2 in a
    assert_close(test.to_frame()["expected"], [2 / 5, 3 / 5])
    assert_close(test.score, [3 / 5, -3 / 5])
    # own part of a: 2 (1 - 2/5) = 6/5; no events after, so drift = own / 5; S_a = 1/2 after, F = 1/5
    # a: t4 = 1 - (4/5) / (1/2), b: t4 = 1 - (4/5) / (2/3); t3 = S_r / (5 Y_r)
    own, drift = 6 / 5, 6 / 25
    t4, t3 = np.array([-3 / 5, -1 / 5]), np.array([1 / 10, 1 / 15])
    own_a = np.array([own, -own])
    drift_a = np.array([drift, -drift])
    t1 = own_a - t4 * drift_a
    # the death in b: t4 = 1 / (2/3), t3 = 1/9, and no drift before it; so that it only counts with the last
    second = t4**2 * t3 + [0, (3 / 2) ** 2 / 9]
    variance = (t1**2 * t3).sum() + (drift_a**2 * second).sum() + 2 * (drift_a * t1 * t4 * t3).sum()
    assert_close(test.covariance[0, 0], variance)
    assert_close(test.statistic, 9 / 25 / variance)


def test_without_competing_events_the_score_is_that_of_the_log_rank_test():
    data = study().with_columns(
        status=pl.col("status").replace_strict(
            {"death": 0, "relapse": 1, "censored": 0}, return_dtype=pl.Int8
        )
    )
    gray = gray_test(data, time="time", event="status", cause=1, by="group")
    plain = logrank(data, time="time", event="status", by="group")
    # the risk set of Gray is Y (1 - F) / S = Y then
    assert_close(gray.score, plain.score, rel=1e-9)
    assert_close(gray.to_frame()["expected"], plain.to_frame()["expected"], rel=1e-9)
    assert gray.statistic == pytest.approx(plain.statistic, rel=0.1)


@given(competing_cohorts())
@settings(max_examples=25)
def test_a_weight_is_that_many_patients_and_the_order_of_groups_does_not_matter(cohort):
    options = {**ROLES, "by": "group", "censored": None if "censored" not in cohort["status"] else "censored"}
    if cohort.filter(pl.col("time") > cohort["time"].min()).is_empty():
        return  # all leave at once, which leaves no variance
    weighted = gray_test(cohort, **options, weights="weight")
    plain = gray_test(replicated(cohort), **options)
    assert_close(weighted.statistic, plain.statistic, rel=1e-7)
    assert weighted.n == plain.n
    assert weighted.to_frame()["n"].to_list() == plain.to_frame()["n"].to_list()
    turned = cohort.with_columns(group=pl.col("group").replace({"g0": "z"})).reverse()
    assert_close(gray_test(turned, **options, weights="weight").statistic, weighted.statistic, rel=1e-7)


@pytest.mark.parametrize(("rho", "statistic"), [(0.0, 7.34430898604513), (0.7, 7.31648939078498)])
def test_events_of_a_group_that_is_left_alone_compare_nothing(rho, statistic):
    """As cmprsk's cuminc; the common incidence adds up to more than 1, of which no power could be taken."""
    time = [1, *[2] * 12, 3, 4, 5, 7, 8, 9, 10, 11]
    cause = [*[1] * 8, *[2] * 5, 1, 2, 2, 1, 1, 1, 1, 2]
    data = pl.DataFrame({"time": time, "cause": cause, "arm": list("A" * 13 + "B" * 8)})
    roles = {"time": "time", "event": "cause", "censored": None, "cause": 1, "by": "arm", "rho": rho}
    found = gray_test(data, **roles)
    assert_close(found.statistic, statistic, rel=1e-9)
    assert_close(pairwise_gray(data, **roles).to_frame()["statistic"][0], statistic, rel=1e-9)
    assert_close(found.to_frame()["expected"].sum(), found.to_frame()["observed"].sum(), rel=1e-12)


def test_strata_add_up_scores_and_covariances():
    data = study()
    whole = gray_test(data, **ROLES, by="group", strata="centre", rho=1.0)
    parts = [gray_test(data.filter(centre=c), **ROLES, by="group", rho=1.0) for c in (0, 1)]
    assert_close(whole.score, sum(p.score for p in parts), rel=1e-9)
    assert_close(whole.covariance, sum(p.covariance for p in parts), rel=1e-9)
    assert whole.method == "subdistribution risk sets; stratified by centre"
    assert whole.name == "Gray's test of relapse (rho=1)"
    assert_close(whole.score.sum(), 0.0, at_zero=1e-9)
    assert_close(whole.covariance.sum(axis=1), [0.0] * 3, at_zero=1e-9)


def test_it_is_as_often_significant_as_it_says_and_sees_incidence_not_hazard():
    """Equal incidence of relapse: about 5 % below 0.05. A group that only dies faster has less of it."""
    rng = np.random.default_rng(2)
    rejected, n = 0, 400
    for _ in range(n):
        data = _two_groups(rng, 1.0, 200)
        rejected += gray_test(data, time="t", event="e", cause=1, by="g").p_value < 0.05
    assert abs(rejected / n - 0.05) < 3 * np.sqrt(0.05 * 0.95 / n)
    data = _two_groups(rng, 4.0, 2000)
    assert gray_test(data, time="t", event="e", cause=1, by="g").p_value < 1e-6
    hazard = logrank(data, time="t", event="e", event_value=1, by="g")
    assert hazard.p_value > 0.001


def _two_groups(rng, death, n):
    g = rng.integers(0, 2, n)
    relapse, dying = rng.exponential(2, n), rng.exponential(4 / np.where(g, death, 1.0))
    censoring = rng.uniform(0, 6, n)
    time = np.minimum.reduce([relapse, dying, censoring])
    return pl.DataFrame({"t": time, "e": np.where(time == relapse, 1, np.where(time == dying, 2, 0)), "g": g})


def test_each_pair_is_tested_as_if_alone():
    data = study(groups=3)
    pairs = pairwise_gray(data, **ROLES, by="group", strata="centre", rho=0.5, adjust="bonferroni")
    for row in pairs.to_frame().iter_rows(named=True):
        alone = gray_test(
            data.filter(pl.col("group").is_in([row["group_1"], row["group_2"]])), **ROLES, by="group",
            strata="centre", rho=0.5,
        )  # fmt: skip
        assert_close(row["statistic"], alone.statistic, rel=1e-9)
        assert_close(row["p_value"], alone.p_value, rel=1e-9)
        assert_close(row["p_adjusted"], min(3 * alone.p_value, 1), rel=1e-9)
    assert (pairs.n, pairs.n_event) == (200, data["status"].to_list().count("relapse"))
    assert pairs.text().startswith("Gray's test of relapse (rho=0.5) of each pair (Bonferroni): a and b p")
    assert pairs.summary()["adjust"].to_list() == ["bonferroni"]
    assert pairs.methods().startswith(
        "Pairs of groups were compared by Gray's test of relapse (rho=0.5) (sub"
    )


def test_tables_of_any_kind_give_the_same():
    data = study()
    plain = gray_test(data, **ROLES, by="group")
    for other in (data.lazy(), data.to_pandas(), data.with_columns(pl.col("time").cast(pl.Float32))):
        assert_close(gray_test(other, **ROLES, by="group").statistic, plain.statistic, rel=1e-9)
    numbers = data.with_columns(status=pl.col("status").to_physical())
    assert_close(
        gray_test(numbers, time="time", event="status", cause=2, by="group").statistic, plain.statistic
    )
    unknown = data.with_columns(group=pl.when(pl.int_range(pl.len()) < 3).then(None).otherwise("group"))
    assert gray_test(unknown, **ROLES, by="group", missing="drop").n_dropped == 3
    assert plain.text().startswith("Gray's test of relapse: chi-squared")
    assert plain.methods() == "Groups were compared by Gray's test of relapse (subdistribution risk sets)."
    assert plain.cause == "relapse"


def test_refusals():
    data = study()

    def refused(data, argument, column, *says, rows=(), test=gray_test, **options):
        given = {**ROLES, "by": "group", **options}
        assert_refused(lambda: test(data, **given), argument=argument, column=column, rows=rows, says=says)

    for test in (gray_test, pairwise_gray):
        refused(data.filter(group="a"), "by", "group", "one group only", "cumulative_incidence", test=test)
        refused(data, "rho", None, "-1", test=test, rho=-1)
        refused(data, "cause", "status", "'Relapse' is not among the 2 events", test=test, cause="Relapse")
        refused(data, "cause", "status", "2 events were asked for", test=test, cause=None)
        refused(data, "weights", "half", "not whole numbers", "Gray's test", rows=range(1, 201), test=test,
                weights=(pl.col("weight") + 0.5).alias("half"))  # fmt: skip
    refused(data, "adjust", None, "'tukey'", test=pairwise_gray, adjust="tukey")
    apart = data.with_columns(
        time=pl.when(pl.col("group") == "a").then(pl.col("time")).otherwise(pl.col("time") + 500),
        status=pl.when(pl.col("group") == "a").then(pl.lit("censored")).otherwise("status"),
    )
    refused(apart.filter(pl.col("group") != "c"), "by", "group", "no two groups at risk together")


def test_groups_that_are_never_together_are_named():
    data = study()
    early = data.with_columns(
        time=pl.when(pl.col("group") == "a").then(0.5).otherwise("time"),
        status=pl.when(pl.col("group") == "a").then(pl.lit("death")).otherwise("status"),
    )
    rows = (data["group"] == "a").arg_true() + 1
    test = assert_warns(
        lambda: gray_test(early, **ROLES, by="group"), argument="by", column="group", rows=rows,
        says=["'a'", "1 instead of 2 degrees of freedom"],
    )  # fmt: skip
    rest = gray_test(early.filter(pl.col("group") != "a"), **ROLES, by="group")
    assert_close(test.statistic, rest.statistic, rel=1e-9)
    assert test.df == 1
    pairs = assert_warns(
        lambda: pairwise_gray(early, **ROLES, by="group"), argument="by", column="group",
        says=["2 pairs of groups", "'a' and 'b'", "p-values are null"],
    )  # fmt: skip
    assert pairs.to_frame()["p_value"].null_count() == 2
