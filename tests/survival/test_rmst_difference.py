"""Differences and ratios of restricted means: R, by hand, and truths about the method."""

from __future__ import annotations

import warnings

import numpy as np
import polars as pl
import pytest
from cohorts import cohorts, replicated
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from reference_cases import assert_close, load_dataset, reference_cases
from refusals import assert_refused, assert_warns
from scipy.special import ndtr

from hemresearch.errors import FormulaError
from hemresearch.survival import rmst, rmst_difference

ROLES = {"time": "time", "event": "event", "by": "arm"}
TWO_ARMS = [c for c in reference_cases("rmst", "rmst_") if c != "rmst_pseudo_bmt"]
ADJUSTED = [c for c in TWO_ARMS if c != "rmst_aml"]
SURVRM2 = ("estimate", "conf_low", "conf_high", "p_value")
# Arm a: one of 2 dies at 1, mean to 4 is 1 + 3 * 0.5 = 2.5. Arm b: one of 2 dies at 3, mean 3 + 0.5 = 3.5.
FOUR = pl.DataFrame({"time": [1, 4, 3, 4], "event": [1, 0, 1, 0], "arm": list("aabb")})


def compare(case, tau, **changed):
    roles = {name: case.role(name) for name in ("time", "event")}
    return rmst_difference(case.data, **roles, by=case.role("arm").alias("arm"), tau=tau, **changed)


def covariates(case):
    return [item if isinstance(item, str) else item.alias("male") for item in case.role("covariates")]


@pytest.mark.parametrize("case_id", TWO_ARMS)
def test_matches_survrm2(reference, case_id):
    case = reference("rmst", case_id)
    for values in case.values["by_tau"]:
        frame = compare(case, values["tau"]).to_frame()
        assert frame["term"].to_list() == ["difference", "ratio", "time lost ratio"]
        for ours, theirs in zip(frame.select(SURVRM2).rows(), values["unadjusted"]["data"], strict=True):
            assert_close(ours, theirs)


@pytest.mark.parametrize("case_id", ADJUSTED)
def test_adjusted_matches_survrm2(reference, case_id):
    case = reference("rmst", case_id)
    for values in case.values["by_tau"]:
        frame = compare(case, values["tau"], covariates=covariates(case)).to_frame()
        for ours, theirs in zip(frame.select(SURVRM2).rows(), values["adjusted"]["data"], strict=True):
            assert_close(ours, theirs)


@pytest.mark.parametrize("case_id", ADJUSTED)
def test_adjusted_models_match_survrm2(reference, case_id):
    case = reference("rmst", case_id)
    columns = {"estimate": "coef", "std_error": "se(coef)", "statistic": "z", "p_value": "p"}
    for values in case.values["by_tau"]:
        coefficients = compare(case, values["tau"], covariates=covariates(case)).coefficients
        for model, key in (("difference", "adjusted_difference_model"), ("ratio", "adjusted_ratio_model")):
            rows = coefficients.filter(pl.col("model") == model)
            theirs = pl.DataFrame(values[key]["data"], schema=values[key]["cols"], orient="row")
            for ours, name in columns.items():
                # survRM2 takes 1 - pnorm, so that its small p-values are right to 1e-16 only
                rounding = 2e-16 if ours == "p_value" else 0.0
                np.testing.assert_allclose(rows[ours], theirs[name], rtol=1e-9, atol=rounding)


@pytest.mark.parametrize("case_id", reference_cases("rmst_robust", "robust_"))
def test_clusters_that_span_the_groups_count_once(reference, case_id):
    case = reference("rmst_robust", case_id)
    roles = {name: case.role(name) for name in ("time", "event", "entry", "by", "weights", "cluster")}
    frame = rmst_difference(case.data, **roles, tau=case.options["tau"], robust=True).to_frame()
    assert_close(frame["std_error"][0], case.values["difference_robust_se"])


def test_four_patients_by_hand():
    frame = rmst_difference(FOUR, **ROLES, tau=4).to_frame()
    # variances area^2 / (n (n - d)): 1.5^2 / 2 and 0.5^2 / 2
    variance = {"a": 1.5**2 / 2, "b": 0.5**2 / 2}
    error = np.sqrt(variance["a"] + variance["b"])
    assert_close(frame["estimate"], [1.0, 3.5 / 2.5, 0.5 / 1.5])
    assert_close(frame["std_error"], [error, None, None])
    assert_close(frame["p_value"][0], 2 * ndtr(-1 / error))
    ratio_error = np.sqrt(variance["a"] / 2.5**2 + variance["b"] / 3.5**2)
    assert_close(frame["conf_low"][1], 1.4 * np.exp(-1.959963984540054 * ratio_error))
    lost_error = np.sqrt(variance["a"] / 1.5**2 + variance["b"] / 0.5**2)
    assert_close(frame["statistic"][2], np.log(1 / 3) / lost_error)
    assert frame["group"].to_list() == ["b"] * 3
    assert frame["reference"].to_list() == ["a"] * 3


def test_adjusted_by_hand_without_censoring_is_least_squares_on_the_cut_times():
    data = FOUR.with_columns(event=pl.lit(True), x=pl.Series([0.0, 1.0, 1.0, 3.0]))
    result = assert_warns(  # only two lose time before 3.5, too few for a model of the time lost
        lambda: rmst_difference(data, **ROLES, tau=3.5, covariates=["x"]),
        argument="covariates",
        says=["time lost ratio", "no finite coefficients"],
    )
    X = np.array([[1, 0, 0], [1, 0, 1], [1, 1, 1], [1, 1, 3]], dtype=float)
    y = np.array([1.0, 3.5, 3.0, 3.5])
    coef, *_ = np.linalg.lstsq(X, y, rcond=None)
    bread, score = np.linalg.inv(X.T @ X), X * (y - X @ coef)[:, None]
    difference = result.coefficients.filter(pl.col("model") == "difference")
    assert difference["term"].to_list() == ["intercept", "arm[b]", "x"]
    assert_close(difference["estimate"], coef)
    assert_close(difference["std_error"], np.sqrt(np.diag(bread @ score.T @ score @ bread)))
    assert_close(result.to_frame()["estimate"][0], coef[1])


def test_three_groups_are_each_compared_with_the_first(dataset):
    transplants = dataset("kmsurv_bmt")
    roles = {"time": "t2", "event": "d3", "tau": 730}
    frame = rmst_difference(transplants, **roles, by="group").to_frame()
    assert frame.select("group", "reference").unique(maintain_order=True).rows() == [("2", "1"), ("3", "1")]
    for group in (2, 3):
        pair = transplants.filter(pl.col("group").is_in([1, group]))
        alone = rmst_difference(pair, **roles, by="group").to_frame()
        assert_frame_equal(frame.filter(pl.col("group") == str(group)), alone)


def test_three_groups_share_one_adjusted_model(dataset):
    result = rmst_difference(
        dataset("kmsurv_bmt"), time="t2", event="d3", by="group", tau=730, covariates="z1 + z10"
    )
    assert result.coefficients["term"].to_list()[:5] == ["intercept", "group[2]", "group[3]", "z1", "z10"]
    ratios = result.coefficients.filter((pl.col("model") == "ratio") & (pl.col("term") == "group[3]"))
    natural = result.to_frame().filter((pl.col("term") == "ratio") & (pl.col("group") == "3"))
    assert_close(natural["estimate"], np.exp(ratios["estimate"].to_numpy()))
    assert_close(natural["conf_high"], np.exp(ratios["conf_high"].to_numpy()))


def test_an_enum_chooses_the_reference():
    ordered = FOUR.with_columns(pl.col("arm").cast(pl.Enum(["b", "a"])))
    frame = rmst_difference(ordered, **ROLES, tau=4).to_frame()
    assert_close(frame["estimate"], [-1.0, 2.5 / 3.5, 3.0])
    assert frame["reference"][0] == "b"


def test_several_columns_make_the_groups():
    data = pl.concat([FOUR, FOUR.with_columns(pl.col("time") + 1)])
    data = data.with_columns(sex=pl.Series(list("FMFM") * 2), event=pl.lit(True))
    frame = rmst_difference(data, time="time", event="event", by=["arm", "sex"], tau=6).to_frame()
    assert frame["reference"].unique().to_list() == ["arm=a, sex=F"]
    assert frame["group"].unique(maintain_order=True).to_list() == [
        "arm=a, sex=M", "arm=b, sex=F", "arm=b, sex=M",
    ]  # fmt: skip


def test_a_formula_and_a_list_of_columns_say_the_same(dataset):
    trial = dataset("myeloid")
    roles = {"time": "futime", "event": "death", "by": "trt", "tau": 1000}
    formula, columns = (rmst_difference(trial, **roles, covariates=c) for c in ("sex", ["sex"]))
    assert_frame_equal(formula.coefficients, columns.coefficients)
    assert formula.coefficients["term"].to_list()[:3] == ["intercept", "trt[B]", "sex[m]"]
    assert "adjusted for sex" in repr(formula)


def test_the_result_tells_what_it_is():
    result = rmst_difference(FOUR, **ROLES, tau=4)
    assert repr(result).splitlines()[0] == "restricted mean survival time to 4, n=4, events=2"
    assert repr(result).splitlines()[-1] == "95% limits: normal (ratios on the log scale), Greenwood variance"
    assert result.coefficients.is_empty()
    assert result.text().startswith("restricted mean survival time to 4, b against a: difference 1.00 (")


def test_no_covariates_are_no_adjustment():
    plain = rmst_difference(FOUR, **ROLES, tau=4).to_frame()
    assert_frame_equal(rmst_difference(FOUR, **ROLES, tau=4, covariates=[]).to_frame(), plain)


def enough(cohort: pl.DataFrame) -> pl.DataFrame:
    """A cohort in which both groups have an event at 1 and are followed to 13."""
    fixed = {"patient": [97, 98, 99, 96], "time": [1.0, 13.0, 1.0, 13.0], "event": [True, False] * 2}
    more = pl.DataFrame({**fixed, "weight": [1] * 4, "group": ["g0", "g0", "g1", "g1"]})
    return pl.concat([cohort, more.cast(cohort.schema)]).with_columns(arm="group")


def with_covariate(cohort: pl.DataFrame) -> pl.DataFrame:
    return enough(cohort).with_columns(x=(pl.col("patient") * 7 % 11).cast(pl.Float64))


@settings(max_examples=40, deadline=None)
@given(cohorts(smallest=6))
def test_an_integer_weight_is_that_many_patients(cohort):
    data = with_covariate(cohort)
    for covariates in (None, ["x"]):
        weighted = rmst_difference(data, **ROLES, weights="weight", tau=10, covariates=covariates)
        repeated = rmst_difference(replicated(data), **ROLES, tau=10, covariates=covariates)
        assert_frame_equal(weighted.to_frame(), repeated.to_frame())
        assert_frame_equal(weighted.coefficients, repeated.coefficients)


@settings(max_examples=30, deadline=None)
@given(cohorts(smallest=6))
def test_the_difference_is_that_of_the_means_and_swapping_the_groups_turns_it(cohort):
    data = enough(cohort)
    means = rmst(data, **ROLES, tau=10).to_frame()
    frame = rmst_difference(data, **ROLES, tau=10).to_frame()
    assert_close(frame["estimate"][0], means["estimate"][1] - means["estimate"][0], at_zero=1e-9)
    assert_close(frame["std_error"][0], np.hypot(*means["std_error"]))
    swapped = data.with_columns(arm=pl.col("arm").replace({"g0": "z"}))
    other = rmst_difference(swapped, **ROLES, tau=10).to_frame()
    assert_close(other["estimate"][0], -frame["estimate"][0], at_zero=1e-9)
    assert_close(other["estimate"][1:], 1 / frame["estimate"][1:])
    assert_close(other["p_value"], frame["p_value"])


@settings(max_examples=30, deadline=None)
@given(cohorts(smallest=6), st.randoms(use_true_random=False))
def test_neither_row_order_nor_the_unit_nor_a_shift_of_a_covariate_matters(cohort, random):
    data = with_covariate(cohort)
    assume(data["x"].n_unique() > 1)
    first = rmst_difference(data, **ROLES, tau=10, covariates=["x"]).to_frame()
    order = list(range(data.height))
    random.shuffle(order)
    changed = data[order].with_columns(pl.col("time") * 30, pl.col("x") * 5 + 100)
    again = rmst_difference(changed, **ROLES, tau=300, covariates=["x"]).to_frame()
    assert_close(again["estimate"][1:], first["estimate"][1:], rel=1e-8)
    assert_close(again["estimate"][0] / 30, first["estimate"][0], rel=1e-6, at_zero=1e-9)
    assert_close(again["p_value"], first["p_value"], rel=1e-6)


@settings(max_examples=20, deadline=None)
@given(cohorts(smallest=6))
def test_a_cluster_of_one_patient_each_is_the_robust_variance(cohort):
    data = with_covariate(cohort)
    for covariates in (None, ["x"]):
        clustered = rmst_difference(data, **ROLES, cluster="patient", tau=10, covariates=covariates)
        robust = rmst_difference(data, **ROLES, robust=True, tau=10, covariates=covariates)
        assert_frame_equal(clustered.to_frame(), robust.to_frame())


def test_everybody_twice_in_one_cluster_is_everybody_once(dataset):
    trial = dataset("myeloid")
    roles = {"time": "futime", "event": "death", "by": "trt", "tau": 1000, "covariates": "sex"}
    once = rmst_difference(trial, **roles).to_frame()
    twice = rmst_difference(pl.concat([trial, trial]), **roles, cluster="id").to_frame()
    assert_close(twice["std_error"][0], once["std_error"][0], rel=1e-8)
    assert_close(twice["p_value"], once["p_value"], rel=1e-7)


def test_a_group_that_loses_no_time_has_no_time_lost_ratio():
    early = FOUR.with_columns(event=pl.Series([1, 0, 0, 1]))  # the one event of b is at tau
    frame = assert_warns(
        lambda: rmst_difference(early, **ROLES, tau=4),
        argument="tau",
        says=[
            "the standard error is 0 in 'b' (no event before 4): the limits say nothing",
            "the ratio of time lost is undefined. Expected events before tau that others survive. Try follow",
        ],
    ).to_frame()
    assert_close(frame["estimate"], [1.5, 4 / 2.5, None])
    assert frame.row(2, named=True)["p_value"] is None
    more = early.with_columns(pl.col("time").replace({1: 2, 3: 4}))
    x = pl.concat([early, more]).with_columns(x=pl.Series([1.0, 2, 1, 3, 2, 3, 4, 1]))
    adjusted = assert_warns(
        lambda: rmst_difference(x, **ROLES, tau=4, covariates=["x"]),
        argument="tau",
        says=["no event before 4 in 'b', where no time is lost", "undefined", "Expected an event before tau"],
    )
    assert adjusted.to_frame()["estimate"].is_null().to_list() == [False, False, True]
    longer = pl.DataFrame({"time": [1, 2, 6, 3, 4, 6], "event": [1, 0, 0, 1, 1, 0], "arm": list("aaabbb")})
    assert_warns(
        lambda: rmst_difference(longer, **ROLES, tau=2), argument="tau", says=["in 'b'", "Try tau=6.0."]
    )
    assert rmst_difference(longer, **ROLES, tau=6.0).to_frame()["estimate"].null_count() == 0


def test_a_difference_between_two_certain_means_has_no_test():
    certain = pl.DataFrame({"time": [2, 2, 3, 4], "event": [1, 1, 0, 1], "arm": list("aabb")})
    frame = assert_warns(
        lambda: rmst_difference(certain, **ROLES, tau=4),
        argument="tau",
        says=["0 in 'a' (nobody at risk survives the events), in 'b' (no event before 4)"],
    ).to_frame()
    assert frame.row(0, named=True)["std_error"] == 0
    assert frame["p_value"].null_count() == 3


@pytest.mark.parametrize("tau", [3.5, 4])
def test_one_cluster_has_no_variance_and_no_test(tau):
    frame = assert_warns(
        lambda: rmst_difference(FOUR.with_columns(centre=1), **ROLES, cluster="centre", tau=tau),
        argument="cluster",
        column="centre",
        says=["leaves a standard error of 0 in 'a' (too few clusters), in 'b'", "Try robust=False"],
    ).to_frame()
    assert frame["p_value"].null_count() == 3


def test_pairs_alike_in_both_groups_leave_no_variance_of_the_difference():
    half = pl.DataFrame({"time": [1, 2, 3, 5], "event": [1, 0, 1, 0], "pair": [1, 2, 3, 4]})
    pairs = pl.concat([half.with_columns(arm=pl.lit(arm)) for arm in "ab"])
    frame = assert_warns(
        lambda: rmst_difference(pairs, **ROLES, cluster="pair", tau=4),
        argument="cluster",
        column="pair",
        says=["leaves a standard error of 0 in a difference", "leave some variation", "Try robust=False"],
    ).to_frame()
    assert frame["p_value"].null_count() == 3


def test_covariates_that_explain_everything_leave_no_test():
    data = FOUR.with_columns(time=pl.Series([1, 2, 2, 3]), event=1, x=pl.Series([0.0, 1.0, 0.0, 1.0]))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = rmst_difference(data, **ROLES, tau=3.5, covariates=["x"])
    said = "covariates: the covariates leave a standard error of 0 in a difference"
    assert [str(w.message).startswith(said) for w in caught] == [True]
    assert "Try covariates=None" in str(caught[0].message)
    assert result.to_frame()["p_value"][0] is None
    assert result.coefficients.filter(pl.col("model") == "difference")["p_value"].null_count() == 3


def test_weights_that_are_not_whole_are_not_cut():
    result = rmst_difference(
        FOUR.with_columns(w=pl.Series([0.5, 0.7, 0.8, 0.6])), **ROLES, weights="w", tau=4
    )
    assert_close(result.n, 2.6)
    assert "n=2.6" in repr(result)


def test_one_group_is_refused():
    refusal = assert_refused(
        lambda: rmst_difference(FOUR.head(2), **ROLES, tau=4), argument="by", column="arm", says=["one group"]
    )
    assert refusal.expected == "a column that defines two or more groups"
    assert refusal.remedy == "rmst(...) for the mean of one group"
    assert_refused(
        lambda: rmst_difference(FOUR, time="time", event="event", by=None, tau=4),
        argument="by",
        says=["no column was given"],
    )


def test_delayed_entry_goes_without_covariates_only():
    late = FOUR.with_columns(entry=pl.Series([0.0, 0.5, 0.0, 1.0]), x=pl.Series([1.0, 2.0, 1.0, 3.0]))
    assert_close(rmst_difference(late, **ROLES, entry="entry", tau=4).to_frame()["estimate"][0], 1.0)
    refusal = assert_refused(
        lambda: rmst_difference(late, **ROLES, entry="entry", tau=4, covariates=["x"]),
        argument="entry",
        column="entry",
        says=["censoring weights"],
    )
    assert refusal.expected == "no delayed entry in the adjusted comparison"
    assert refusal.remedy == "covariates=None for the unadjusted one, which allows it"


@pytest.mark.parametrize("dependent", [[1.0, 1.0, 2.0, 2.0], [5.0, 5.0, 5.0, 5.0]])
def test_a_covariate_that_follows_from_the_others_is_refused(dependent):
    data = FOUR.with_columns(x=pl.Series(dependent))
    refusal = assert_refused(
        lambda: rmst_difference(data, **ROLES, tau=4, covariates=["x"]), argument="covariates", says=["'x'"]
    )
    assert refusal.expected == "covariates that are not linear combinations of each other or of the groups"
    assert refusal.remedy == "covariates=... without that term"


def test_more_terms_than_patients_are_refused():
    wide = FOUR.with_columns(
        *(pl.Series(f"x{i}", [1.0 * i, i**2, 1, 2 * i], strict=False) for i in range(1, 5))
    )
    assert_refused(
        lambda: rmst_difference(wide, **ROLES, tau=4, covariates=[f"x{i}" for i in range(1, 5)]),
        argument="covariates",
        says=["follows from the other terms"],
    )


def test_an_outcome_in_the_formula_is_refused():
    with pytest.raises(FormulaError, match="~"):
        rmst_difference(FOUR, **ROLES, tau=4, covariates="time ~ arm")


def test_a_ratio_without_a_finite_value_is_left_out_and_said():
    # x separates those who lose time from those who lose none
    data = pl.DataFrame(
        {
            "time": [1, 2, 9, 9, 1, 3, 9, 9],
            "event": [1, 1, 0, 0, 1, 1, 0, 0],
            "arm": list("aaaabbbb"),
            "x": [1.0, 1.0, 0.0, 0.0] * 2,
        }
    )
    result = assert_warns(
        lambda: rmst_difference(data, **ROLES, tau=9, covariates=["x"]),
        argument="covariates",
        says=["time lost ratio is left out", "keeps and loses time", "fewer terms, or a later tau"],
    )
    assert result.to_frame()["estimate"].is_null().to_list() == [False, False, True]
    assert result.coefficients.filter(pl.col("model") == "time lost ratio")["estimate"].null_count() == 3


def test_tau_must_lie_within_the_follow_up_of_every_group():
    assert_refused(
        lambda: rmst_difference(FOUR, **ROLES, tau=5),
        argument="tau",
        says=["5 lies beyond the last follow-up"],
    )


def test_the_sentence_says_which_group_against_which():
    trial = load_dataset("myeloid")
    gained = rmst_difference(trial, time="futime", event="death", by="trt", tau=1460)
    assert gained.text(decimals=1) == (
        "restricted mean survival time to 1460, B against A: difference 140.1 (95% CI 50.9–229.3), p=0.002; "
        "ratio 1.17 (95% CI 1.06–1.29), p=0.002; time lost ratio 0.77 (95% CI 0.65–0.91), p=0.002"
    )
