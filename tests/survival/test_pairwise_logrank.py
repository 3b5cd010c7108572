"""Log-rank tests of every pair: R's numbers and truths about the method."""

from __future__ import annotations

import polars as pl
import pytest
from cohorts import cohorts, replicated
from hypothesis import given, settings
from reference_cases import assert_close
from refusals import assert_refused, assert_warns

from hemresearch.survival import logrank, pairwise_logrank

ADJUSTED = {"holm": "p_holm", "bh": "p_bh", "bonferroni": "p_bonferroni", "none": "p"}
THREE = pl.DataFrame(
    {"time": [3, 4, 5, 6, 7, 8, 1, 2], "event": [1, 1, 0, 1, 1, 0, 0, 0], "arm": [*"aaabbbcc"]}
)
ROLES = {"time": "time", "event": "event", "by": "arm"}


def compare(case, **options):
    roles = {name: case.role(name) for name in ("time", "event", "entry", "strata")}
    return pairwise_logrank(case.data, by=case.role("group"), **roles, **options)


@pytest.mark.parametrize("case_id", ["lr_bmt_group", "lr_bmt_strata", "lr_bmtcrr_phase"])
@pytest.mark.parametrize("adjust", ADJUSTED)
def test_matches_survdiff_of_each_pair_and_p_adjust(reference, case_id, adjust):
    case = reference("logrank", case_id)
    expected = case.values["pairwise"]
    frame = compare(case, adjust=adjust).to_frame()
    assert frame.columns == ["group_1", "group_2", "statistic", "df", "p_value", "p_adjusted"]
    assert frame["group_1"].to_list() == expected["a"]
    assert frame["group_2"].to_list() == expected["b"]
    assert_close(frame["statistic"], expected["chisq"])
    assert_close(frame["p_value"], expected["p"])
    assert_close(frame["p_adjusted"], expected[ADJUSTED[adjust]])
    assert frame["df"].to_list() == [1.0] * frame.height


@pytest.mark.parametrize(
    "kind",
    [{}, {"rho": 1}, {"test_weight": "peto-peto"}, {"test_weight": "modestly", "t_star": 300}],
    ids=str,
)
def test_a_pair_is_tested_as_if_the_others_were_not_there(dataset, kind):
    bmt = dataset("kmsurv_bmt")
    roles = {"time": "t2", "event": "d3", "by": "group", "strata": "z10"}
    frame = pairwise_logrank(bmt, **roles, **kind).to_frame()
    for row in frame.iter_rows(named=True):
        pair = bmt.filter(pl.col("group").cast(pl.String).is_in([row["group_1"], row["group_2"]]))
        alone = logrank(pair, **roles, **kind)
        assert_close(row["statistic"], alone.statistic)
        assert_close(row["p_value"], alone.p_value)


@pytest.mark.filterwarnings("ignore::hemresearch.errors.DataWarning")  # some pairs cannot be compared
@settings(max_examples=30, deadline=None)
@given(cohort=cohorts(groups=3))
def test_weight_two_is_two_patients(cohort):
    cohort = pl.concat([cohort, cohort.head(1).with_columns(event=pl.lit(True))])
    roles = {"time": "time", "event": "event", "by": "group"}
    weighted = pairwise_logrank(cohort, **roles, weights="weight").to_frame()
    repeated = pairwise_logrank(replicated(cohort), **roles).to_frame()
    assert_close(weighted["p_adjusted"], repeated["p_adjusted"])
    assert_close(weighted["statistic"], repeated["statistic"], at_zero=1e-9)


def test_agrees_with_lifelines(dataset):
    from lifelines.statistics import pairwise_logrank_test

    bmt = dataset("kmsurv_bmt")
    theirs = pairwise_logrank_test(*(bmt[name].to_numpy() for name in ("t2", "group", "d3")))
    ours = pairwise_logrank(bmt, time="t2", event="d3", by="group").to_frame()
    assert_close(ours["statistic"], list(theirs.test_statistic), rel=1e-8)


def test_the_result_tells_what_it_is(dataset):
    tests = pairwise_logrank(dataset("kmsurv_bmt"), time="t2", event="d3", by="group", adjust="bh")
    assert tests.text() == (
        "log-rank test of each pair (Benjamini-Hochberg): 1 and 2 p=0.044; 1 and 3 p=0.13; 2 and 3 p<0.001"
    )
    assert repr(tests).splitlines() == [
        "log-rank test of each pair: n=137, events=83",
        "  1 and 2: statistic 4.73, p 0.02964, adjusted 0.04447",
        "  1 and 3: statistic 2.272, p 0.1317, adjusted 0.1317",
        "  2 and 3: statistic 13.45, p 0.0002456, adjusted 0.0007368",
        "p-values: Benjamini-Hochberg; hypergeometric variance",
    ]
    row = tests.summary().row(0, named=True)
    assert (row["n_pairs"], row["adjust"], row["n"], row["n_event"]) == (3, "bh", 137, 83)
    assert "1 and 3" in tests._repr_html_()
    assert tests.methods() == (
        "Pairs of groups were compared by the log-rank test (hypergeometric variance), with p-values "
        "adjusted for their number (Benjamini-Hochberg)."
    )
    plain = pairwise_logrank(dataset("kmsurv_bmt"), time="t2", event="d3", by="group", adjust="none")
    assert plain.methods().endswith("with p-values not adjusted for their number.")


def test_many_pairs_are_counted_in_the_text_of_the_result():
    five = pl.DataFrame({"time": range(1, 11), "event": [1] * 10, "arm": [*"abcde"] * 2})
    assert "and 2 more" in repr(pairwise_logrank(five, **ROLES))


def test_a_pair_that_cannot_be_compared_is_null_and_does_not_count():
    tests = assert_warns(
        lambda: pairwise_logrank(THREE, **ROLES),
        argument="by",
        column="arm",
        says=["2 pairs", "'a' and 'c', 'b' and 'c'", "p-values are null", "data.filter"],
    )
    frame = tests.to_frame()
    assert frame["p_value"].is_null().to_list() == [False, True, True]
    assert frame["statistic"].is_null().to_list() == frame["df"].is_null().to_list() == [False, True, True]
    assert frame["p_adjusted"][0] == frame["p_value"][0]
    assert "b and c –" in tests.text()


def test_an_unknown_adjustment_is_refused():
    assert_refused(
        lambda: pairwise_logrank(THREE, **ROLES, adjust="hochberg"),
        argument="adjust",
        says=["'holm'", "'bh'"],
    )


def test_what_logrank_refuses_is_refused():
    assert_refused(lambda: pairwise_logrank(THREE.head(3), **ROLES), argument="by", column="arm")
    assert_refused(
        lambda: pairwise_logrank(THREE.with_columns(w=pl.lit(0.5)), **ROLES, weights="w"),
        argument="weights",
        column="w",
        rows=range(1, 9),
        says=["whole"],
    )
    assert_refused(lambda: pairwise_logrank(THREE, **ROLES, t_star=2), argument="t_star")
