"""Cox models with shared frailties: R, limits of the variance, simulated groups, and what is refused."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from cox_cases import by_name, matrix
from reference_cases import assert_close, reference_cases
from refusals import assert_refused

from hemresearch.errors import ConvergenceError
from hemresearch.numerics.newton import maximize
from hemresearch.regression import compare, cox, ph_test
from hemresearch.regression.frailty import FrailtyFit

ROLES = {"time": "t", "event": "e", "frailty": "centre"}
EXACT = [case for case in reference_cases("frailty") if not case.endswith("sparse")]


def centres(seed, q=12, m=6, variance=0.6, gaussian=False):
    rng = np.random.default_rng(seed)
    centre = np.repeat(np.arange(q), m)
    w = rng.normal(size=q) * variance**0.5 if gaussian else np.log(rng.gamma(1 / variance, variance, q))
    x, z = rng.normal(size=q * m), rng.integers(0, 2, q * m)
    time = rng.exponential(1 / np.exp(0.7 * x - 0.4 * z + w[centre]))
    censored = rng.exponential(3, q * m)
    return pl.DataFrame(
        {"t": np.minimum(time, censored) + 0.01, "e": time <= censored, "x": x, "z": z, "centre": centre}
    )


def fitted(case, **options):
    o = case.options
    return cox(
        case.data, o["terms"], time=case.role("time"), event=case.role("event"), entry=case.role("entry"),
        strata=o.get("strata"), frailty=o["group"], frailty_distribution=o["distribution"],
        ties=o.get("ties", "efron"), **{"frailty_variance": o.get("frailty_variance"), **options},
    )  # fmt: skip


@pytest.mark.parametrize("case_id", EXACT)
def test_matches_r(reference, case_id):
    case = reference("frailty", case_id)
    fit, v = fitted(case), case.values
    # R searches the gamma variance by values of a flat likelihood, not by their slope, and its coefficients
    # are 1e-5 off there. Given variances, and the Gaussian one, are compared as any fit is.
    searched = case_id == "frailty_gamma_kidney"
    rel = 1e-4 if searched else 1e-6
    assert_close(fit.frailty_variance, v["theta"], rel=1e-6)
    assert_close(fit.coef, by_name(v["coef"], fit.columns), rel=rel)
    assert_close(fit.cov, matrix(v["var"], fit.columns), rel=rel)
    assert_close(fit.log_likelihood, v["loglik"], rel=1e-5 if searched else 1e-9)
    if "c_loglik" in v:
        assert_close(fit.log_likelihood_integrated, v["c_loglik"], rel=1e-9)
        assert fit.log_likelihood_integrated >= v["c_loglik"] - 1e-9
    assert_close([fit.frailty_df, fit.df], [v["df"][-1], sum(v["df"])], rel=rel)
    frailties = fit.frailties()
    np.testing.assert_allclose(frailties["estimate"], v["effects"], atol=rel)
    assert_close(frailties["std_error"] ** 2, v["effect_var"], rel=rel)
    residual = fit.residuals("martingale")["residual"]
    if "strata" not in case.options:  # R's do not add up to zero within all strata but the last; ours do
        np.testing.assert_allclose(residual[:10], v["martingale_first"], atol=rel)
    assert_close(residual.sum(), 0.0, at_zero=1e-7)


def test_residuals_add_up_to_zero_within_strata(reference):
    case = reference("frailty", "frailty_gamma_retinopathy_strata")
    residual = fitted(case).residuals("martingale").with_columns(stratum=case.data["type"])
    sums = residual.group_by("stratum").agg(pl.col("residual").sum())["residual"]
    np.testing.assert_allclose(sums, 0.0, atol=1e-8)


def test_matches_r_with_its_defaults_for_a_gamma_frailty(reference):
    # R stops early by default: coefficients, frailties and likelihoods are those of the variance it tried
    # last, 0.41216 (its `history`), and not of the one it reports, 0.40780. Its standard errors leave out
    # the groups' covariances (`sparse`).
    case = reference("cox", "cox_frailty_gamma_kidney")
    fit, tried, v = fitted(case), fitted(case, frailty_variance=0.412164713810448), case.values
    assert_close(fit.frailty_variance, v["theta"], rel=1e-3)
    assert v["c_loglik"] < fit.log_likelihood_integrated < v["c_loglik"] + 2e-4
    assert_close(tried.log_likelihood_integrated, v["c_loglik"], rel=1e-9)
    assert_close(tried.coef, by_name(v["coef"], fit.columns), rel=1e-4)
    assert_close([tried.log_likelihood_null, tried.log_likelihood], v["loglik"], rel=1e-5)
    np.testing.assert_allclose(tried.frailties()["estimate"][:10], v["frailty_first"], atol=1e-4)
    assert_close(tried.std_error, by_name(v["se"], fit.columns), rel=0.03)


def test_matches_r_with_its_defaults_for_a_gaussian_frailty(reference):
    # The same: its variance, 0.569, is that of groups taken as unrelated, which is compared as such in
    # tests/numerics. At that variance coefficients and effects are the same.
    case = reference("cox", "cox_frailty_gauss_kidney")
    fit, v = fitted(case, frailty_variance=case.values["theta"]), case.values
    assert_close(fit.coef, by_name(v["coef"], fit.columns), rel=1e-3)
    assert_close(fit.log_likelihood, v["loglik"][1], rel=1e-5)
    np.testing.assert_allclose(fit.frailties()["estimate"][:10], v["frailty_first"], atol=1e-4)


def test_matches_coxme_at_its_variance(reference):
    # coxme maximises the integrated likelihood, which restricted maximum likelihood is not
    case = reference("cox", "coxme_retinopathy")
    fit, v = fitted(case, frailty_variance=case.values["variance"]), case.values
    assert_close(fit.coef, by_name(v["coef"], fit.columns), rel=1e-5)
    assert_close(fit.std_error, by_name(v["se"], fit.columns), rel=1e-3)
    assert_close(fit.log_likelihood_null, v["loglik_null_integrated_penalized"][0], rel=1e-9)
    assert_close(fitted(case).frailty_variance, v["variance"], rel=1e-2)


@pytest.mark.parametrize(("distribution", "q"), [("gamma", 600), ("gaussian", 1100)])
def test_recovers_the_variance_of_many_groups(distribution, q):
    # more than 1000 groups are taken as unrelated in the Gaussian variance
    data = centres(5, q=q, m=15, variance=0.5, gaussian=distribution == "gaussian")
    fit = cox(data, "x + z", **ROLES, frailty_distribution=distribution)
    assert fit.frailty_variance == pytest.approx(0.5, abs=0.06)
    assert (np.abs(fit.coef - [0.7, -0.4]) < 3 * fit.std_error).all()


def test_groups_that_do_not_differ_give_the_ordinary_model():
    data = centres(2).with_columns(centre=pl.int_range(pl.len()) % 6)
    fit, plain = cox(data, "x + z", **ROLES), cox(data, "x + z", time="t", event="e")
    assert fit.frailty_variance == 0.0
    assert_close(fit.coef, plain.coef, rel=1e-12)
    assert_close(fit.cov, plain.cov, rel=1e-12)
    assert fit.frailties()["frailty"].to_list() == [1.0] * 6
    assert_close(fit.df, 2.0)
    assert fit.tests().filter(pl.col("test") == "frailty variance")["p_value"][0] == 1.0


@pytest.mark.parametrize("distribution", ["gamma", "gaussian"])
def test_a_small_variance_is_near_the_ordinary_model(distribution):
    data = centres(3)
    plain = cox(data, "x + z", time="t", event="e")
    fit = cox(data, "x + z", **ROLES, frailty_distribution=distribution, frailty_variance=1e-8)
    assert_close(fit.coef, plain.coef, rel=1e-6)
    assert_close(fit.cov, plain.cov, rel=1e-6)
    assert_close(fit.log_likelihood_integrated, plain.log_likelihood, rel=1e-7)
    assert_close(fit.df, 2.0, rel=1e-5)


def test_the_estimate_has_the_largest_integrated_likelihood():
    data = centres(4)
    fit = cox(data, "x + z", **ROLES)
    assert 0 < fit.frailty_variance < 5
    for factor in (0.9, 1.1):
        other = cox(data, "x + z", **ROLES, frailty_variance=fit.frailty_variance * factor)
        assert other.log_likelihood_integrated < fit.log_likelihood_integrated
    assert fit.log_likelihood_integrated > fit.log_likelihood_cox


def test_frailties_are_those_of_the_groups_and_name_nobody():
    data = centres(6, q=4, m=8).with_columns(centre=pl.format("secret-{}", 9 - pl.col("centre")))
    fit = cox(data, "x", **ROLES)
    frame = fit.frailties()
    assert sorted(frame["row"].to_list()) == [1, 9, 17, 25]
    assert frame["n_rows"].to_list() == [8] * 4
    events = data.group_by("centre", maintain_order=True).agg(pl.col("e").sum())["e"]
    assert frame.sort("row")["n_event"].to_list() == events.to_list()
    assert_close(frame["frailty"].mean(), 1.0, rel=1e-9)  # a gamma frailty's mean is 1
    shown = f"{fit}{frame}{fit.methods()}{fit.summary()}{fit.tests()}"
    assert "secret" not in shown
    assert "frailty of 4 groups: variance" in repr(fit)


def test_observed_less_expected_events_pull_a_gaussian_frailty():
    # where the penalised score is zero: w / variance = events - expected events of the group
    data = centres(7, gaussian=True)
    fit = cox(data, "x + z", **ROLES, frailty_distribution="gaussian")
    sums = fit.residuals("martingale")["residual"].to_frame().with_columns(c=data["centre"])
    pulled = sums.group_by("c").agg(pl.col("residual").sum()).sort("c")["residual"]
    np.testing.assert_allclose(fit.frailties()["estimate"] / fit.frailty_variance, pulled, atol=1e-7)
    assert "Gaussian (log-normal) frailty of 12 groups" in fit.methods()


def test_every_row_its_own_group_strata_offsets_and_no_covariates():
    data = centres(8).with_columns(own=pl.int_range(pl.len()), half=pl.col("z") * 0.5)
    own = cox(data, "x", time="t", event="e", frailty="own", frailty_variance=0.3)
    assert own.groups.height == data.height
    shifted = cox(data, "x", **ROLES, strata="z", offset="half")
    assert_close(shifted.coef, cox(data, "x", **ROLES, strata="z").coef, rel=1e-8)
    alone = cox(data, [], **ROLES)
    assert alone.to_frame().height == 0
    assert_close(alone.df, alone.frailty_df)


def test_tests_and_summary():
    fit = cox(centres(9), "x + z", **ROLES)
    tests = fit.tests()
    assert tests["test"].to_list() == ["likelihood ratio", "Wald", "frailty variance"]
    assert_close(tests["statistic"][0], 2 * (fit.log_likelihood - fit.log_likelihood_null))
    shared = 2 * (fit.log_likelihood_integrated - fit.log_likelihood_cox)
    assert_close(tests["statistic"][2], shared)
    row = fit.summary().row(0, named=True)
    assert (row["n_groups"], row["frailty_distribution"]) == (12, "gamma")
    given = cox(centres(9), "x + z", **ROLES, frailty_variance=0.5)
    assert given.tests()["test"].to_list() == ["likelihood ratio", "Wald"]
    assert "variance 0.5 (given)" in repr(given)
    assert "its variance fixed at 0.5" in given.methods()
    slim = fit.slim()
    assert isinstance(slim, FrailtyFit)
    assert slim.tests().equals(tests)


def test_what_a_frailty_model_does_not_have():
    fit = cox(centres(1), "x + z", **ROLES)
    row = centres(1)[:1]
    for call, what in (
        (lambda: fit.residuals("dfbeta"), "dfbeta residuals"),
        (lambda: fit.residuals("scaled schoenfeld"), "scaled schoenfeld residuals"),
        (lambda: fit.profile_limits(), "profile limits"),
        (lambda: fit.predict(row, times=[1.0]), ""),
        (lambda: ph_test(fit), "the test of proportional hazards"),
    ):
        assert_refused(call, argument="fit", says=[what, "no settled form"])
    assert_refused(lambda: compare(fit, cox(centres(1), "x", **ROLES)), argument="fit", says=["penalised"])
    assert fit.residuals("schoenfeld").height == fit.n_event
    assert fit.predict(row, kind="risk").height == 1


def test_refusals():
    data = centres(1).with_columns(w=pl.lit(2), one=pl.lit("a"))
    for argument, value in (("weights", "w"), ("cluster", "z"), ("ridge", 1.0), ("robust", True)):
        assert_refused(
            lambda argument=argument, value=value: cox(data, "x", **ROLES, **{argument: value}),
            argument=argument,
            says=["frailty="],
        )
    assert_refused(lambda: cox(data, "x", **ROLES, ties="exact"), argument="ties", says=["frailty="])
    assert_refused(lambda: cox(data, "x", **ROLES | {"frailty": "one"}), argument="frailty", column="one")
    assert_refused(lambda: cox(data, "x", **ROLES, frailty_variance=0), argument="frailty_variance")
    assert_refused(
        lambda: cox(data, "x", time="t", event="e", frailty_variance=1.0), argument="frailty_variance"
    )
    assert_refused(
        lambda: cox(data, "x", **ROLES, frailty_distribution="normal"), argument="frailty_distribution"
    )


def test_a_variance_without_end(monkeypatch):
    # two groups one after the other: a variance of 6, where less than that counts as infinite
    monkeypatch.setattr("hemresearch.numerics.frailty_variance.LARGEST", 1.0)
    time = np.arange(1.0, 41.0)
    data = pl.DataFrame({"t": time, "e": time <= 20, "centre": (time > 20).astype(int)})
    with pytest.raises(ConvergenceError, match="grows beyond"):
        cox(data, [], **ROLES)


def test_an_iteration_without_an_end(monkeypatch):
    monkeypatch.setattr(
        "hemresearch.numerics.frailty_variance.maximize",
        lambda f, start, solve: maximize(f, start, steps=1, solve=solve),
    )
    with pytest.raises(ConvergenceError, match="no maximum"):
        cox(centres(1), "x", **ROLES, frailty_variance=2.0)
