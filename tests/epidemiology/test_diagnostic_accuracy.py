"""Accuracy of tests, and prevalence from an imperfect one: R's numbers, by hand, refusals and warnings."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from reference_cases import assert_close, reference_cases
from refusals import assert_refused, assert_warns

from hemresearch.epidemiology import diagnostic_accuracy, proportion, true_prevalence, two_by_two

LIMITS = ["estimate", "conf_low", "conf_high"]
ROLES = {"test": "test", "disease": "disease", "weights": "n"}
SHARES = {
    "sensitivity": "se", "specificity": "sp", "positive predictive value": "pv.pos",
    "negative predictive value": "pv.neg", "accuracy": "diag.ac", "prevalence": "tp",
}  # fmt: skip
RATIOS = {
    "positive likelihood ratio": "lr.pos",
    "negative likelihood ratio": "lr.neg",
    "diagnostic odds ratio": "diag.or",
}


def cells(tp: float, fp: float, fn: float, tn: float) -> pl.DataFrame:
    return pl.DataFrame({"test": [1, 1, 0, 0], "disease": [1, 0, 1, 0], "n": [tp, fp, fn, tn]})


def found(data: pl.DataFrame, term: str, **options) -> list[float]:
    frame = diagnostic_accuracy(data, **ROLES, **options).to_frame()
    return list(frame.filter(pl.col("term") == term).select(LIMITS).row(0))


@pytest.mark.parametrize("case_id", ["diag_82_18_9_291", "diag_15_2_5_60"])
def test_matches_epir(reference, case_id):
    case = reference("epidemiology", case_id)
    data = cells(*(case.options[k] for k in ("tp", "fp", "fn", "tn")))
    for term, name in SHARES.items():
        assert_close(found(data, term, conf_type="clopper-pearson"), list_of(case, name, term), rel=1e-9)
    for term, name in RATIOS.items():
        assert_close(found(data, term), case.values[name], rel=1e-9)
    # epiR adds up the limits of sensitivity and specificity; Newcombe's are those of a difference
    assert_close(found(data, "Youden's index")[0], case.values["youden"][0])


def list_of(case, name: str, term: str) -> list[float]:
    """epiR calls `tp` the true prevalence of the patients."""
    return case.values["tp" if term == "prevalence" else name]


def test_an_empty_cell_matches_epir(reference):
    case = reference("epidemiology", "diag_40_0_0_50")
    data = cells(40, 0, 0, 50)
    for term, name in SHARES.items():
        assert_close(
            found(data, term, conf_type="clopper-pearson", ratio_limits="score"),
            list_of(case, name, term),
            rel=1e-9,
        )
    wald = assert_warns(
        lambda: diagnostic_accuracy(data, **ROLES), argument="ratio_limits", says=["empty"]
    ).to_frame()
    rows = {row["term"]: row for row in wald.iter_rows(named=True)}
    assert math.isinf(rows["positive likelihood ratio"]["estimate"])
    assert rows["negative likelihood ratio"]["estimate"] == 0
    assert rows["negative likelihood ratio"]["conf_high"] is None
    estimate, low, high = found(data, "positive likelihood ratio", ratio_limits="score")
    assert estimate == high == math.inf
    assert low > 10


def test_every_case_is_named():
    assert len(reference_cases("epidemiology", "diag_")) == 3


def test_shares_are_proportions_of_the_right_patients():
    data = cells(82, 18, 9, 291)
    frame = diagnostic_accuracy(data, **ROLES).to_frame()
    sick = proportion(pl.DataFrame({"x": [82], "n": [91]}), events="x", n="n").to_frame()
    assert_close(frame.select(LIMITS).row(0), sick.select(LIMITS).row(0))
    assert frame.select("n", "n_event").rows()[:4] == [(91, 82), (309, 291), (100, 82), (300, 291)]
    assert frame.height == 10
    odds = two_by_two(data, exposure="disease", event="test", weights="n", odds_ratio="wald").to_frame()
    assert_close(frame.select(LIMITS).row(8), odds.select(LIMITS).row(2))


def test_turning_the_test_round_exchanges_sensitivity_and_what_is_missed():
    data = cells(82, 18, 9, 291)
    turned = data.with_columns(test=1 - pl.col("test"))
    assert_close(found(turned, "sensitivity")[0], 1 - found(data, "sensitivity")[0])
    assert_close(found(turned, "positive likelihood ratio"), found(data, "negative likelihood ratio"))


def test_words_groups_and_rows():
    data = cells(82, 18, 9, 291)
    words = data.with_columns(test=pl.when(pl.col("test") == 1).then(pl.lit("pos")).otherwise(pl.lit("neg")))
    expected = diagnostic_accuracy(data, **ROLES).to_frame()
    assert_frame_equal(diagnostic_accuracy(words, **ROLES, test_positive="pos").to_frame(), expected)
    rows = data.select(pl.col("test", "disease").repeat_by("n")).explode("test", "disease")
    assert_frame_equal(
        diagnostic_accuracy(rows.to_pandas(), test="test", disease="disease").to_frame(), expected
    )
    two = pl.concat([data.with_columns(site=pl.lit("A")), cells(15, 2, 5, 60).with_columns(site=pl.lit("B"))])
    by_site = diagnostic_accuracy(two, **ROLES, by="site")
    assert_frame_equal(by_site.to_frame().filter(pl.col("site") == "A").drop("site"), expected)
    assert by_site.to_frame()["site"].to_list() == ["A"] * 10 + ["B"] * 10
    assert "Wilson" in by_site.methods()


def test_a_test_that_is_never_positive_has_no_predictive_value():
    one = pl.DataFrame({"test": [False, False], "disease": [True, False], "n": [3, 5]})
    frame = assert_warns(lambda: diagnostic_accuracy(one, **ROLES), argument="ratio_limits").to_frame()
    row = frame.row(2, named=True)
    assert (row["n"], row["estimate"], row["conf_low"]) == (0, None, None)


def test_refusals():
    data = cells(82, 18, 9, 291)
    assert_refused(lambda: diagnostic_accuracy(data, **ROLES, conf_type="exact"), argument="conf_type")
    assert_refused(lambda: diagnostic_accuracy(data, **ROLES, ratio_limits="x"), argument="ratio_limits")
    graded = data.with_columns(test=pl.Series([0, 1, 2, 3]))
    assert_refused(
        lambda: diagnostic_accuracy(graded, **ROLES), argument="test", column="test", says=["not two values"]
    )
    words = data.with_columns(test=pl.Series(["p", "p", "n", "n"]))
    assert_refused(
        lambda: diagnostic_accuracy(words, **ROLES),
        argument="test",
        column="test",
        says=["test_positive='p'"],
    )
    assert_refused(
        lambda: diagnostic_accuracy(words, **ROLES, test_positive="q"),
        argument="test_positive",
        column="test",
    )
    sick = data.filter(pl.col("disease") == 1)
    assert_refused(lambda: diagnostic_accuracy(sick, **ROLES), argument="disease", column="disease")
    half = data.with_columns(n=pl.col("n") * 1.25)
    assert_refused(
        lambda: diagnostic_accuracy(half, **ROLES), argument="weights", column="n", rows=[1, 2, 3, 4]
    )


SURVEY = pl.DataFrame({"positive": [True, False], "n": [57, 755]})
OF_TEST = {"test": "positive", "weights": "n", "sensitivity": 0.92, "specificity": 0.97}


@pytest.mark.parametrize(("conf_type", "name"), [("wilson", "wilson"), ("clopper-pearson", "cp")])
def test_prevalence_matches_epir(reference, conf_type, name):
    values = reference("epidemiology", "prevalence_rogan_gladen").values[name]
    frame = true_prevalence(SURVEY, **OF_TEST, conf_type=conf_type).to_frame()
    for row, kind in zip(frame.select(LIMITS).rows(), ("ap", "tp"), strict=True):
        assert_close(row, [values[kind][k][0] for k in ("est", "lower", "upper")], rel=1e-9)


def test_a_perfect_test_gives_the_share_of_positives():
    options = OF_TEST | {"sensitivity": 1, "specificity": 1}
    frame = true_prevalence(SURVEY, **options).to_frame()
    assert_close(frame.select(LIMITS).row(0), frame.select(LIMITS).row(1))
    assert frame["n_event"].to_list() == [57, 57]


def test_the_prevalence_that_made_the_positives_comes_back():
    share = 0.3 * 0.8 + 0.7 * 0.1
    data = pl.DataFrame({"positive": [1, 0], "n": [round(1e6 * share), round(1e6 * (1 - share))]})
    frame = true_prevalence(data, test="positive", weights="n", sensitivity=0.8, specificity=0.9).to_frame()
    assert_close(frame["estimate"][1], 0.3)


def test_refusals_and_warning_of_prevalence():
    for name, wrong in (("sensitivity", 1.2), ("specificity", -0.1), ("sensitivity", "0.9")):
        assert_refused(lambda n=name, w=wrong: true_prevalence(SURVEY, **OF_TEST | {n: w}), argument=name)
    assert_refused(
        lambda: true_prevalence(SURVEY, **OF_TEST | {"sensitivity": 0.03}),
        argument="sensitivity",
        says=["tells nothing"],
    )
    empty = pl.concat(
        [SURVEY.with_columns(site=pl.lit("A")), SURVEY.with_columns(n=pl.lit(0, pl.Int64), site=pl.lit("B"))]
    )
    assert_refused(lambda: true_prevalence(empty, **OF_TEST, by="site"), argument="weights", says=["in 'B'"])
    rare = pl.DataFrame({"positive": [1, 0], "n": [5, 995]})
    frame = assert_warns(
        lambda: true_prevalence(rare, **OF_TEST), argument="sensitivity", says=["false positives"]
    ).to_frame()
    assert frame["estimate"][1] == 0
    assert np.all(frame["conf_low"].to_numpy() >= 0)


def test_every_number_of_the_sentence_has_its_name():
    """The name of the result holds "accuracy", too, but is not beside it."""
    sentence = diagnostic_accuracy(cells(82, 18, 9, 291), **ROLES).text()
    assert "; accuracy 0.93 (95% CI" in sentence
