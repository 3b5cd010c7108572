"""The log-rank family: R's numbers, numbers worked by hand, and truths about the method."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from cohorts import cohorts, replicated, split_at
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from reference_cases import assert_close, assert_mentions, reference_cases
from refusals import assert_refused, assert_warns

from hemresearch.survival import logrank

WEIGHTED = {
    "logrank": {},
    "gehan_breslow": {"test_weight": "gehan"},
    "tarone_ware": {"test_weight": "tarone-ware"},
    "peto_peto": {"test_weight": "peto-peto"},
    "modified_peto": {"test_weight": "modified-peto"},
}
KINDS = [*WEIGHTED.values(), {"rho": 1.0}, {"rho": 0.5, "gamma": 0.5}, {"gamma": 1.0}]
KINDS.append({"test_weight": "modestly", "t_star": 5.0})
CASES = reference_cases("logrank", "lr_")

# By hand, event times 1, 2, 3:   n   n_A  d   E_A = d n_A/n   V = d (n_A/n)(n_B/n)(n - d)/(n - 1)
#                             1   6    3   1   1/2             1/4
#                             2   5    2   1   2/5             6/25
#                             3   4    1   1   1/4             3/16
SIX = pl.DataFrame({"time": [1, 2, 3, 4, 5, 6], "event": [1, 1, 1, 0, 0, 0], "arm": [*"AAABBB"]})
ROLES = {"time": "time", "event": "event", "by": "group"}
SIX_ROLES = {"time": "time", "event": "event", "by": "arm"}
THREE = pl.DataFrame(
    {"time": [3, 4, 5, 6, 7, 8, 1, 2], "event": [1, 1, 0, 1, 1, 0, 0, 0], "arm": [*"aaabbbcc"]}
)


def compare(case, **options):
    roles = {name: case.role(name) for name in ("time", "event", "entry", "strata")}
    return logrank(case.data, by=case.role("group"), **roles, **options)


def assert_same_test(test, expected):
    assert_close(test.statistic, expected["chisq"], where="chisq")
    assert_close(test.p_value, expected["p"], where="p")
    assert_close(test.df, expected["df"], where="df")
    assert_close(test.covariance, expected["var"], where="var", at_zero=1e-9)


def comparable(cohort: pl.DataFrame) -> pl.DataFrame:
    """With more patients of each group, so that the groups can be compared under every weight."""
    columns = {
        "patient": [1000, 1001, 1002, 1003, 1004],
        "time": [0.5, 13.0, 12.5, 14.0, 15.0],
        "event": [True, False, True, False, False],
        "weight": [1, 1, 1, 1, 1],
        "group": ["g0", "g0", "g1", "g1", "g2"],
        "entry": [0.0] * 5,
    }
    more = pl.DataFrame(columns).filter(pl.col("group").is_in(cohort["group"].to_list()))
    return pl.concat([cohort, more.select(cohort.columns).cast(dict(cohort.schema))])


def assert_same(one, other, rel=1e-9):
    assert_close(one.statistic, other.statistic, rel=rel, at_zero=1e-9)
    assert_close(one.df, other.df)
    assert_frame_equal(one.to_frame(), other.to_frame(), rel_tol=rel, abs_tol=1e-9)


@pytest.mark.parametrize("case_id", CASES)
@pytest.mark.parametrize("kind", WEIGHTED)
def test_matches_the_weighted_tests(reference, case_id, kind):
    case = reference("logrank", case_id)
    expected = case.values["weighted"][kind]
    test = compare(case, **WEIGHTED[kind])
    assert_same_test(test, expected)
    assert_close(test.to_frame()["observed"], expected["observed"])
    assert_close(test.to_frame()["expected"], expected["expected"])
    assert_close(test.score, expected["score"], at_zero=1e-9)
    if expected.get("z_two_group") is not None:
        assert_close(-test.z, expected["z_two_group"])  # R's is of the first group, ours of the second
    assert test.to_frame()["group"].to_list() == case.values["groups"]
    assert test.to_frame()["n"].to_list() == case.values["n"]


@pytest.mark.parametrize("case_id", CASES)
def test_matches_the_fleming_harrington_family(reference, case_id):
    case = reference("logrank", case_id)
    for expected in case.values["fleming_harrington"]:
        test = compare(case, rho=expected["rho"], gamma=expected["gamma"])
        assert_same_test(test, expected)
        assert_close(test.score, expected["score"], at_zero=1e-9)


@pytest.mark.parametrize("case_id", CASES)
@pytest.mark.parametrize("rho", [0, 1])
def test_matches_survdiff(reference, case_id, rho):
    case = reference("logrank", case_id)
    if case.options.get("entry"):
        assert f"survdiff_rho{rho}" not in case.values  # survdiff knows no delayed entry
        return
    expected = case.values[f"survdiff_rho{rho}"]
    test = compare(case, rho=rho)
    assert_same_test(test, expected)
    # survdiff's observed and expected carry the weight of rho; so does our score, their difference
    difference = np.subtract(expected["observed"], expected["expected"])
    np.testing.assert_allclose(test.score, difference, rtol=1e-9, atol=1e-9)
    if rho == 0:
        assert_close(test.to_frame()["expected"], expected["expected"])


@pytest.mark.parametrize("case_id", ["lr_bmt_group", "lr_bmt_strata", "lr_bmtcrr_phase"])
def test_matches_the_test_for_trend(reference, case_id):
    case = reference("logrank", case_id)
    expected = case.values["trend"]
    test = compare(case, scores=expected["scores"])
    assert_close(test.z, expected["z"])
    assert_close(test.statistic, expected["chisq"])
    assert_close(test.p_value, expected["p"])
    assert test.df == 1
    assert test.name == "log-rank test for trend"


@pytest.mark.parametrize("case_id", reference_cases("logrank", "maxcombo_"))
def test_matches_the_modestly_weighted_test_of_nphrct(reference, case_id):
    case = reference("logrank", case_id)
    expected = case.values["modestly_weighted"]
    test = compare(case, test_weight="modestly", t_star=case.options["tstar"])
    assert_close(test.score[1], expected["u"])
    assert_close(test.covariance[1, 1], expected["v_u"])
    assert_close(test.z, expected["z"])


def test_survival_at_t_star_itself_is_that_just_before():
    # nphRCT takes the last time before t*, so an event at t* does not lower S(t*-): with S(t-) = 1, 5/6, 4/6
    # at the times 1, 2, 3 the weights are 1, 6/5 and, from t* = 2 on, 6/5
    test = logrank(SIX, **SIX_ROLES, test_weight="modestly", t_star=2)
    assert_close(test.score[0], 1 * 1 / 2 + 6 / 5 * 3 / 5 + 6 / 5 * 3 / 4)
    later = logrank(SIX, **SIX_ROLES, test_weight="modestly", t_star=2.5)
    assert_close(later.score[0], 1 * 1 / 2 + 6 / 5 * 3 / 5 + 6 / 4 * 3 / 4)


def test_six_patients_by_hand(reference):
    test = logrank(SIX, **SIX_ROLES)
    expected, variance = 1 / 2 + 2 / 5 + 1 / 4, 1 / 4 + 6 / 25 + 3 / 16
    assert test.to_frame()["observed"].to_list() == [3, 0]
    assert_close(test.to_frame()["expected"], [expected, 3 - expected])
    assert_close(test.covariance, [[variance, -variance], [-variance, variance]])
    assert_close(test.statistic, (3 - expected) ** 2 / variance)
    assert test.z < 0  # the second group has fewer events than expected
    case = reference("hard_cases", "sh12")  # a group without events
    assert_close(test.statistic, case.values["values"]["chisq"])
    assert_close(test.df, case.values["values"]["df"])


def test_ties_and_weights_by_hand():
    # at 2: n = 4 (A 2), d = 2, both in A: E = 1, V = 2 (1/2)(1/2)(2/3) = 1/3; at 3 the two left are both in B
    tied = pl.DataFrame({"time": [2, 2, 3, 4], "event": [1, 1, 1, 0], "arm": [*"AABB"]})
    test = logrank(tied, **SIX_ROLES)
    assert_close(test.to_frame()["expected"], [1, 2])
    assert_close(test.statistic, 3)
    # Gehan's weight is n: 4 at time 2 and 2 at time 3, where nothing can differ
    gehan = logrank(tied, **SIX_ROLES, test_weight="gehan")
    assert_close(gehan.score, [4, -4])
    assert_close(gehan.statistic, 3)


def test_delayed_entry_and_strata_by_hand():
    # stratum x: at 2 B (who enters at 2) is not yet at risk, so A is alone; at 3 one of A and B: E 1/2, V 1/4
    # stratum y: at 1 one of A and B: E 1/2, V 1/4
    cohort = pl.DataFrame(
        {
            "entry": [0, 0, 2, 0, 0],
            "time": [2, 3, 4, 1, 5],
            "event": [1, 1, 0, 1, 0],
            "arm": [*"AABAB"],
            "site": [*"xxxyy"],
        }
    )
    test = logrank(cohort, **SIX_ROLES, entry="entry", strata="site")
    assert_close(test.to_frame()["expected"], [1 + 1 / 2 + 1 / 2, 1])
    assert_close(test.covariance[0, 0], 1 / 2)
    assert_close(test.statistic, 2)
    assert "stratified by site" in test.method


@pytest.mark.parametrize("kind", KINDS, ids=str)
@settings(max_examples=20, deadline=None)
@given(cohort=cohorts())
def test_weight_two_is_two_patients(kind, cohort):
    cohort = comparable(cohort)
    weighted = logrank(cohort, **ROLES, weights="weight", **kind)
    assert_same(weighted, logrank(replicated(cohort), **ROLES, **kind))


@settings(max_examples=30, deadline=None)
@given(cohort=cohorts(groups=3), kind=st.sampled_from(KINDS))
def test_entry_at_zero_is_none_and_the_order_of_rows_does_not_matter(cohort, kind):
    cohort = comparable(cohort).with_columns(entry=pl.lit(0.0))
    one = logrank(cohort, **ROLES, **kind)
    assert_same(one, logrank(cohort, **ROLES, entry="entry", **kind))
    assert_same(one, logrank(cohort.reverse(), **ROLES, **kind))
    assert_same(one, logrank(cohort.lazy(), **ROLES, **kind))


@settings(max_examples=30, deadline=None)
@given(cohort=cohorts(groups=3), kind=st.sampled_from(KINDS))
def test_the_unit_of_time_does_not_matter(cohort, kind):
    cohort = comparable(cohort)
    scaled = cohort.with_columns(time=pl.col("time") / 30.4375)
    in_unit = {**kind, "t_star": 5.0 / 30.4375} if "t_star" in kind else kind
    one, other = logrank(cohort, **ROLES, **kind), logrank(scaled, **ROLES, **in_unit)
    assert_close(one.statistic, other.statistic, at_zero=1e-9)
    assert_frame_equal(one.to_frame(), other.to_frame(), abs_tol=1e-9)


@pytest.mark.filterwarnings("ignore::hemresearch.errors.DataWarning")  # small risk sets may empty
@settings(max_examples=40, deadline=None)
@given(cohort=cohorts(entry=True), kind=st.sampled_from(KINDS[:-1]))
def test_splitting_follow_up_changes_nothing(cohort, kind):
    cohort = comparable(cohort)
    roles = {**ROLES, "entry": "entry", "id": "patient"}
    whole = logrank(cohort, **roles, **kind)
    split = logrank(split_at(split_at(cohort, 5.0), 2.5), **roles, **kind)
    assert_same(whole, split)
    assert whole.n == split.n == cohort.height


@settings(max_examples=30, deadline=None)
@given(cohort=cohorts(groups=3), kind=st.sampled_from(KINDS))
def test_the_names_of_the_groups_do_not_matter(cohort, kind):
    cohort = comparable(cohort)
    renamed = cohort.with_columns(pl.col("group").replace({"g0": "z", "g1": "y", "g2": "x"}))
    one, other = logrank(cohort, **ROLES, **kind), logrank(renamed, **ROLES, **kind)
    assert_close(one.statistic, other.statistic, at_zero=1e-9)
    np.testing.assert_allclose(one.score, other.score[::-1], atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(cohort=cohorts(groups=2), kind=st.sampled_from(KINDS))
def test_strata_sum_their_scores_and_covariances(cohort, kind):
    here, there = comparable(cohort), comparable(cohort.reverse().with_columns(pl.col("time") / 2 + 0.5))
    both = pl.concat([here.with_columns(site=pl.lit("x")), there.with_columns(site=pl.lit("y"))])
    parts = [logrank(part, **ROLES, **kind) for part in (here, there)]
    test = logrank(both, **ROLES, strata="site", **kind)
    np.testing.assert_allclose(test.score, sum(p.score for p in parts), atol=1e-9)
    np.testing.assert_allclose(test.covariance, sum(p.covariance for p in parts), atol=1e-9)
    assert_same(logrank(here, **ROLES, **kind), logrank(here, **ROLES, strata=pl.lit(1).alias("one"), **kind))


@settings(max_examples=20, deadline=None)
@given(cohort=cohorts(groups=2))
def test_a_trend_over_two_groups_is_their_comparison(cohort):
    cohort = comparable(cohort)
    one, trend = logrank(cohort, **ROLES), logrank(cohort, **ROLES, scores=[3, 10])
    assert_close(trend.statistic, one.statistic, at_zero=1e-9)
    assert_close(trend.z, one.z, at_zero=1e-9)


def test_agrees_with_lifelines(dataset):
    from lifelines.statistics import multivariate_logrank_test

    bmt = dataset("kmsurv_bmt")
    columns = [bmt[name].to_numpy() for name in ("t2", "group", "d3")]
    kinds = {None: {}, "wilcoxon": {"test_weight": "gehan"}, "tarone-ware": {"test_weight": "tarone-ware"}}
    kinds["peto"] = {"test_weight": "peto-peto"}
    for weightings, kind in kinds.items():
        theirs = multivariate_logrank_test(*columns, weightings=weightings)
        ours = logrank(bmt, time="t2", event="d3", by="group", **kind)
        assert_close(ours.statistic, theirs.test_statistic, rel=1e-8)
        assert_close(ours.p_value, theirs.p_value, rel=1e-8)


def test_near_ties_are_ties(dataset):
    bmt = dataset("kmsurv_bmt")
    years = bmt.with_columns(pl.col("t2") / 365.25 + pl.Series([0.0, 1e-12] * 68 + [0.0]))
    one = logrank(bmt, time="t2", event="d3", by="group")
    assert_close(logrank(years, time="t2", event="d3", by="group").statistic, one.statistic)


def test_matched_pairs_are_strata_of_two():
    # only a pair whose first exit is an event tells something: McNemar's test, (3 - 1)^2 / (3 + 1)
    pairs = pl.DataFrame(
        {
            "pair": [1, 1, 2, 2, 3, 3, 4, 4, 5, 5],
            "arm": [*"ABABABABAB"],
            "time": [1, 2, 1, 3, 2, 5, 4, 2, 3, 4],
            "event": [1, 0, 1, 1, 1, 1, 0, 1, 0, 1],
        }
    )
    assert_close(logrank(pairs, **SIX_ROLES, strata="pair").statistic, 4 / 4)


def test_a_patient_may_change_the_group():
    rows = pl.DataFrame(
        {
            "id": [1, 1, 2, 3, 4],
            "entry": [0, 3, 0, 0, 0],
            "time": [3, 6, 4, 5, 7],
            "event": [0, 1, 1, 1, 0],
            "group": ["before", "after", "before", "after", "before"],
        }
    )
    test = logrank(rows, **ROLES, entry="entry", id="id")
    assert test.to_frame()["n"].to_list() == [2, 3]
    assert test.n == 4
    # at 4: two of four are "before" (2 and 4); at 5: one of three; at 6: one of two
    assert_close(test.to_frame()["expected"][1], 2 / 4 + 1 / 3 + 1 / 2)


def test_groups_of_several_columns_are_their_combinations():
    cohort = SIX.with_columns(sex=pl.Series([*"FFMFMM"]), id=pl.int_range(6))
    test = logrank(cohort, time="time", event="event", by=["arm", "sex"])
    assert test.to_frame()["group"].to_list() == [
        "arm=A, sex=F", "arm=A, sex=M", "arm=B, sex=F", "arm=B, sex=M",
    ]  # fmt: skip
    assert test.df == 3


def test_the_result_tells_what_it_is():
    test = logrank(SIX, **SIX_ROLES)
    assert test.text() == "log-rank test: chi-squared 5.05 on 1 df, p=0.025"
    assert repr(test).splitlines() == [
        "log-rank test: statistic 5.052, df 1, p 0.0246",
        "  A: n 3, observed 3, expected 1.15",
        "  B: n 3, observed 0, expected 1.85",
        "hypergeometric variance",
    ]
    assert "log-rank test" in test._repr_html_()
    assert test.summary().row(0) == ("log-rank test", test.statistic, 1.0, test.p_value, 6, 0,
                                     "hypergeometric variance")  # fmt: skip
    assert logrank(SIX, **SIX_ROLES, rho=1).name == "Fleming-Harrington test (rho=1, gamma=0)"
    assert logrank(SIX, **SIX_ROLES, test_weight="peto-peto").name == "Peto-Peto test"
    three = logrank(SIX.with_columns(arm=pl.Series([*"ABCABC"])), **SIX_ROLES)
    assert three.z is None


def test_rows_with_missing_values_are_left_out_on_request(reference):
    case = reference("hard_cases", "sh11")
    roles = {"time": "time", "event": "event", "by": "g"}
    refusal = assert_refused(
        lambda: logrank(case.data, **roles), argument="by", column="g", rows=[3], says=["missing", "drop"]
    )
    assert_mentions(str(refusal), case.values)
    test = logrank(case.data, **roles, missing="drop")
    assert test.to_frame()["group"].to_list() == ["a", "b"]
    assert (test.n, test.n_dropped) == (5, 1)
    assert "1 rows with missing values left out" in repr(test)


def test_a_group_that_was_never_at_risk_with_others_is_left_out_and_named():
    # R: survdiff(Surv(t, e) ~ g)$chisq = 2.46938775510204 on 1 df, expected 0.9, 3.1, 0
    test = assert_warns(
        lambda: logrank(THREE, **SIX_ROLES),
        argument="by",
        column="arm",
        rows=[7, 8],
        says=["'c'", "1 instead of 2 degrees of freedom", "data.filter"],
    )
    assert_close(test.statistic, 2.46938775510204)
    assert_close(test.to_frame()["expected"], [0.9, 3.1, 0])
    assert test.df == 1


def test_groups_compared_in_separate_strata_lose_a_degree_of_freedom():
    apart = pl.concat([SIX, SIX.with_columns(arm=pl.Series([*"CCCDDD"]))]).with_columns(
        site=pl.Series([1] * 6 + [2] * 6)
    )
    test = assert_warns(
        lambda: logrank(apart, **SIX_ROLES, strata="site"),
        argument="by",
        column="arm",
        rows=range(7, 13),
        says=["'C', 'D'", "2 instead of 3"],
    )
    assert_close(test.statistic, 2 * logrank(SIX, **SIX_ROLES).statistic)


def test_an_emptied_risk_set_that_silences_the_weights_is_named():
    cohort = pl.DataFrame(
        {
            "entry": [0, 0, 5, 5, 5, 5],
            "time": [2, 3, 7, 8, 9, 9],
            "event": [1, 1, 1, 1, 0, 0],
            "arm": [*"ABABAB"],
        }
    )
    assert_warns(
        lambda: logrank(cohort, **SIX_ROLES, entry="entry", rho=1),
        argument="entry",
        column="entry",
        rows=[2],
        says=["time 3", "2 later event(s)", "data.filter(pl.col('time') > 3)", "rho=0", "do not empty"],
    )
    logrank(cohort, **SIX_ROLES, entry="entry")  # weights of 1 count every event
    assert_refused(
        lambda: logrank(cohort, **SIX_ROLES, entry="entry", test_weight="modestly", t_star=8),
        argument="t_star",
        says=["infinite", "survival is above 0", "t_star=4"],
    )


def test_one_group_is_refused():
    assert_refused(
        lambda: logrank(SIX.filter(pl.col("arm") == "A"), **SIX_ROLES),
        argument="by",
        column="arm",
        says=["one group only", "at least two groups", "kaplan_meier"],
    )
    assert_refused(lambda: logrank(SIX, time="time", event="event", by=None), argument="by")


def test_no_events_are_refused():
    assert_refused(
        lambda: logrank(SIX.with_columns(event=pl.lit(0)), **SIX_ROLES),
        argument="event",
        column="event",
        says=["no events", "at least one event", "event_value"],
    )


@pytest.mark.parametrize("scores", [None, [1, 2]])
def test_groups_that_cannot_be_compared_at_all_are_refused(scores):
    apart = pl.DataFrame({"time": [1, 2, 3, 4], "event": [1, 1, 1, 1], "arm": [*"AABB"], "site": [*"xxyy"]})
    assert_refused(
        lambda: logrank(apart, **SIX_ROLES, strata="site", scores=scores),
        argument="by",
        column="arm",
        says=["no two groups at risk together", "strata=None"],
    )


def test_scores_that_do_not_separate_the_linked_groups_are_refused():
    apart = pl.concat([SIX, SIX.with_columns(arm=pl.Series([*"CCCDDD"]))]).with_columns(
        site=pl.Series([1] * 6 + [2] * 6)
    )
    with pytest.warns(match="degrees of freedom"):
        assert_refused(
            lambda: logrank(apart, **SIX_ROLES, strata="site", scores=[1, 1, 2, 2]),
            argument="by",
            column="arm",
        )


def test_weights_that_are_not_whole_are_refused():
    assert_refused(
        lambda: logrank(
            SIX.with_columns(w=pl.Series([1.0, 2.0, 0.5, 1.0, 1.5, 1.0])), **SIX_ROLES, weights="w"
        ),
        argument="weights",
        column="w",
        rows=[3, 5],
        says=["2 values that are not whole", "2 is two patients", "fixed_time_test"],
    )


@pytest.mark.parametrize(
    ("scores", "says"),
    [
        ([1, 2, 3], "3 scores given for 2 groups"),
        ([2, 2], "all equal"),
        ([1, float("nan")], "not finite"),
        ("linear", "1 score given for 2 groups"),
    ],
)
def test_scores_must_be_one_per_group(scores, says):
    assert_refused(
        lambda: logrank(SIX, **SIX_ROLES, scores=scores),
        argument="scores",
        says=[says, "in the order A, B", "scores=[1, 2]"],
    )


def test_one_kind_of_weight_at_a_time():
    assert_refused(
        lambda: logrank(SIX, **SIX_ROLES, rho=1, test_weight="gehan"),
        argument="test_weight",
        says=["'gehan'", "rho=1, gamma=0", "one kind of weight", "test_weight=None, rho=1, gamma=0"],
    )
    assert_refused(
        lambda: logrank(SIX, **SIX_ROLES, test_weight="wilcoxon"), argument="test_weight", says=["'gehan'"]
    )
    assert_refused(lambda: logrank(SIX, **SIX_ROLES, rho=-1), argument="rho", says=["0 or more", "rho=1.0"])
    assert_refused(lambda: logrank(SIX, **SIX_ROLES, gamma="late"), argument="gamma", says=["gamma=1.0"])


def test_t_star_belongs_to_the_modestly_weighted_test():
    for kind in ({}, {"test_weight": "gehan"}):
        assert_refused(
            lambda kind=kind: logrank(SIX, **SIX_ROLES, t_star=3, **kind),
            argument="t_star",
            says=["without the test", 'test_weight="modestly"'],
        )
    assert_refused(
        lambda: logrank(SIX, **SIX_ROLES, test_weight="modestly"),
        argument="t_star",
        says=["None was given", "t_star=12.0"],
    )
