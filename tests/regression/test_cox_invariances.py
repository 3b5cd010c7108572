"""What does not matter to a Cox model: units, order, cuts in follow-up, the rule for ties without ties."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from cox_cohorts import EVERYTHING, ROLES, TERMS, assert_same_fit, cohort
from polars.testing import assert_frame_equal
from reference_cases import assert_close

from hemresearch.regression import cox, ph_test, split_episodes
from hemresearch.survival import logrank

TIES = pytest.mark.parametrize("ties", ["efron", "breslow"])
SEEDS = pytest.mark.parametrize("seed", [1, 2, 3])


@SEEDS
def test_a_weight_of_two_is_two_patients_with_breslow_s_ties(seed):
    # Efron's rule takes tied events in turn and R's weighted form of it counts rows, not patients
    data = cohort(seed)
    weighted = cox(data, TERMS, **EVERYTHING, weights="weight", ties="breslow")
    repeated = data.select(pl.all().repeat_by("weight")).explode(pl.all())
    again = cox(repeated, TERMS, **EVERYTHING, ties="breslow")
    assert_same_fit(weighted, again)
    assert_close(weighted.tests()["statistic"], again.tests()["statistic"], rel=1e-8)
    ours, theirs = (fit.baseline().at([3, 8]) for fit in (weighted, again))
    assert_close(ours["estimate"], theirs["estimate"], rel=1e-8)
    assert_close(ours["std_error"], theirs["std_error"], rel=1e-6)
    assert weighted.variance == "model-based"


@SEEDS
@TIES
def test_weights_of_one_and_rows_of_weight_zero_change_nothing(seed, ties):
    data = cohort(seed)
    plain = cox(data, TERMS, **EVERYTHING, ties=ties)
    nobody = data.with_columns(one=pl.lit(1), event=pl.lit(True), age=pl.lit(1e6))
    more = pl.concat([nobody.with_columns(one=pl.lit(0)).head(5), data.with_columns(one=pl.lit(1))])
    again = cox(more, TERMS, **EVERYTHING, ties=ties, weights="one")
    assert_same_fit(plain, again)
    assert again.residuals()["row"][0] == 6


@SEEDS
@TIES
def test_cutting_follow_up_changes_nothing(seed, ties):
    data = cohort(seed)
    episodes = split_episodes(data, time="time", event="event", entry="entry", cut=[2, 5, 9])
    plain = cox(data, TERMS, **EVERYTHING, ties=ties)
    cut = cox(episodes, TERMS, **EVERYTHING, ties=ties, id="patient")
    assert_same_fit(plain, cut)
    assert (plain.n, plain.n_event) == (cut.n, cut.n_event)
    robust = [
        cox(rows, TERMS, **EVERYTHING, ties=ties, id="patient", robust=True) for rows in (data, episodes)
    ]
    assert_same_fit(*robust)
    concordance = [fit.concordance() for fit in (plain, cut)]
    assert_frame_equal(*(c.to_frame().drop("tied_xy") for c in concordance), rel_tol=1e-8)
    assert concordance[0].n == concordance[1].n == 80
    whole, parts = (fit.residuals() for fit in (plain, cut))
    summed = parts.with_columns(patient=episodes["patient"]).group_by("patient").agg(pl.col("residual").sum())
    expected = whole.with_columns(patient=data["patient"]).select("patient", "residual")
    assert_frame_equal(summed.sort("patient"), expected.sort("patient"), rel_tol=1e-7, abs_tol=1e-9)


@SEEDS
@pytest.mark.parametrize("ties", ["efron", "breslow", "exact"])
def test_the_order_of_rows_does_not_matter(seed, ties):
    data = cohort(seed).with_row_index("position")
    mixed = data.sample(fraction=1, shuffle=True, seed=seed)
    one, other = (cox(rows, TERMS, **EVERYTHING, ties=ties) for rows in (data, mixed))
    assert_same_fit(one, other)
    if ties != "exact":
        ours = one.residuals("dfbeta").drop("row")
        theirs = other.residuals("dfbeta").drop("row").with_columns(position=mixed["position"])
        assert_frame_equal(ours, theirs.sort("position").drop("position"), rel_tol=1e-6, abs_tol=1e-9)


@SEEDS
@TIES
def test_the_likelihood_adds_up_over_strata(seed, ties):
    data = cohort(seed)
    roles = {k: v for k, v in EVERYTHING.items() if k != "strata"}
    stratified = cox(data, TERMS, **EVERYTHING, ties=ties)
    alone = [cox(part, "age", **roles, ties=ties) for part in data.partition_by("stratum")]
    assert_close(stratified.log_likelihood_null, sum(fit.log_likelihood_null for fit in alone), rel=1e-10)
    # with an effect of its own for each stratum, the fits are those of the strata alone
    own = data.with_columns((pl.col("age") * (pl.col("stratum") == s)).alias(f"age_{s}") for s in ("x", "y"))
    both = cox(own, "age_x + age_y", **EVERYTHING, ties=ties)
    by_name = {part["stratum"][0]: fit for part, fit in zip(data.partition_by("stratum"), alone, strict=True)}
    assert_close(both.coef, [by_name["x"].coef[0], by_name["y"].coef[0]], rel=1e-7)


def test_a_constant_in_the_offset_moves_the_baseline_alone():
    data = cohort(4)
    plain = cox(data, TERMS, **EVERYTHING)
    moved = cox(data.with_columns(risk=pl.col("risk") + 7), TERMS, **EVERYTHING)
    assert_same_fit(plain, moved)
    one, other = (fit.baseline().at([5, 10])["estimate"] for fit in (plain, moved))
    assert_close(one * np.exp(-7), other, rel=1e-8)


def test_an_offset_takes_the_place_of_an_effect():
    data = cohort(5)
    plain = cox(data, "age + marked", **ROLES)
    half = cox(data.with_columns(half=0.01 * pl.col("age")), "age + marked", **ROLES, offset="half")
    assert_close(half.coef, plain.coef - np.array([0.01, 0.0]), rel=1e-7)
    assert_close(half.log_likelihood, plain.log_likelihood, rel=1e-11)


@pytest.mark.parametrize("scale", [1e-9, 1e-3, 1e3, 1e9])
def test_units_of_covariates_change_coefficients_alone(scale):
    data = cohort(6)
    plain = cox(data, TERMS, **EVERYTHING)
    other = cox(data.with_columns(pl.col("age") * scale), TERMS, **EVERYTHING)
    assert_close(other.coef[0] * scale, plain.coef[0], rel=1e-9)
    assert_close(other.std_error[0] * scale, plain.std_error[0], rel=1e-9)
    assert_close(other.coef[1:], plain.coef[1:], rel=1e-9)
    for ours, theirs in zip(other.tests()["statistic"], plain.tests()["statistic"], strict=True):
        assert_close(ours, theirs, rel=1e-8)
    assert_close(ph_test(other).to_frame()["statistic"], ph_test(plain).to_frame()["statistic"], rel=1e-8)


@pytest.mark.parametrize("shift", [-1e6, 1e6])
def test_a_large_constant_in_a_covariate_changes_nothing(shift):
    data = cohort(6)
    plain = cox(data, TERMS, **EVERYTHING)
    other = cox(data.with_columns(pl.col("age") + shift), TERMS, **EVERYTHING)
    assert_close(other.coef, plain.coef, rel=1e-8)  # the shift itself rounds ages to 1e-10
    assert_close(other.tests()["statistic"], plain.tests()["statistic"], rel=1e-8)
    assert_close(other.residuals("score")["age"], plain.residuals("score")["age"], rel=1e-5, at_zero=1e-6)


@SEEDS
def test_without_ties_the_rules_agree(seed):
    data = cohort(seed, 40, ties=False)
    fits = [cox(data, TERMS, **EVERYTHING, ties=ties) for ties in ("efron", "breslow", "exact")]
    assert_same_fit(fits[0], fits[1])
    assert_same_fit(fits[0], fits[2])


@SEEDS
def test_the_score_test_of_two_groups_is_the_logrank_test(seed):
    # with ties the hypergeometric variance is that of the exact partial likelihood
    untied, tied = cohort(seed, ties=False), cohort(seed)
    for data, ties in ((untied, "breslow"), (untied, "efron"), (tied, "exact")):
        for strata in (None, "stratum"):
            score = cox(data, "marked", **ROLES, ties=ties, strata=strata).tests().row(2)
            test = logrank(data, **ROLES, by="marked", strata=strata)
            assert score[0] == "score"
            assert_close([score[1], score[3]], [test.statistic, test.p_value], rel=1e-8)


@SEEDS
def test_a_cluster_for_each_row_is_a_robust_variance(seed):
    data = cohort(seed)
    robust = cox(data, TERMS, **EVERYTHING, robust=True)
    clustered = cox(data, TERMS, **EVERYTHING, cluster="patient")
    assert_same_fit(robust, clustered)
    assert robust.variance == clustered.variance == "robust"
    dfbeta = robust.residuals("dfbeta").drop("row").to_numpy()
    assert_close(robust.cov, dfbeta.T @ dfbeta, rel=1e-8)
    assert_close(robust.cov_model, cox(data, TERMS, **EVERYTHING).cov, rel=1e-8)
    assert cox(data, TERMS, **EVERYTHING, cluster="patient", robust=False).variance == "model-based"


def test_dfbeta_tells_what_leaving_a_patient_out_does():
    data = cohort(7, 150)
    fit = cox(data, "age + marked", **ROLES)
    dfbeta = fit.residuals("dfbeta")["age"].to_numpy()
    left_out = []
    for k in range(20):
        rest = data.filter(pl.col("patient") != k)
        left_out.append(fit.coef[0] - cox(rest, "age + marked", **ROLES).coef[0])
    assert np.corrcoef(dfbeta[:20], left_out)[0, 1] > 0.99


def test_a_ridge_of_almost_nothing_is_no_ridge_and_a_large_one_pulls_to_zero():
    data = cohort(8)
    plain = cox(data, TERMS, **EVERYTHING)
    loose, tight = (cox(data, TERMS, **EVERYTHING, ridge=theta) for theta in (1e-9, 1e9))
    assert_close(loose.coef, plain.coef, rel=1e-6)
    assert_close(loose.df, 4.0, rel=1e-6)
    assert np.abs(tight.coef).max() < 1e-6
    assert tight.df < 1e-4
    assert "ridge penalty 1e+09" in tight.method
    assert "score" not in tight.tests()["test"].to_list()
