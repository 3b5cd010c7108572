"""Rate ratios from counts: R's negative binomial and Poisson models, truths, refusals and warnings."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from recurrent_rows import ROLES, recurrent_rows
from reference_cases import assert_close, load_reference, reference_cases
from refusals import assert_refused, assert_warns

from hemresearch.errors import ConvergenceError, FormulaError
from hemresearch.recurrent import andersen_gill, event_rate, rate_regression
from hemresearch.recurrent.rate_fit import RateFit
from hemresearch.regression import compare, contrast, effect_table

TOTALS = {"events": "bleeds", "person_time": "years"}
PREFIXES = {"treat": "treat[{}]", "inherit": "inherit[{}]"}


def our_name(name: str) -> str:
    """R's `(Intercept)`, `treatrIFN-g`, `laterTRUE` as we have them."""
    if name == "(Intercept)":
        return "intercept"
    for factor, shape in PREFIXES.items():
        if name.startswith(factor):
            return shape.format(name.removeprefix(factor))
    return name.replace("TRUE", "[True]")


def in_order(fit: RateFit, values: dict[str, float]) -> list[float]:
    ours = {our_name(name): value for name, value in values.items()}
    return [ours[column] for column in fit.columns]


def fitted(case, **options):
    o = case.options
    data = case.data.with_columns(years=case.expr(o["exposure"]))
    return rate_regression(
        data, " + ".join(o["terms"]), events=o["count"], person_time="years", id=o["id"], **options
    )


def test_matches_glm_nb(reference):
    case = reference("recurrent", "nb_cgd")
    fit, v = fitted(case), case.values
    assert_close(fit.coef, in_order(fit, v["coef"]), rel=1e-6)
    assert_close(fit.std_error, in_order(fit, v["se"]), rel=1e-6)
    assert_close([1 / fit.alpha, fit.alpha_std_error / fit.alpha**2], [v["theta"], v["theta_se"]], rel=1e-4)
    assert_close(fit.alpha, v["alpha"], rel=1e-4)
    assert_close([fit.log_likelihood, fit.deviance], [v["loglik"], v["deviance"]], rel=1e-6)
    assert [fit.n, fit.n_event] == [v["n"], v["total_events"]]
    assert_close(fit.person_time, v["total_exposure"], rel=1e-9)


def test_matches_glm_poisson(reference):
    case = reference("recurrent", "pois_cgd")
    v = case.values
    robust, plain = fitted(case, model="poisson"), fitted(case, model="poisson", robust=False)
    assert_close(robust.coef, in_order(robust, v["coef"]), rel=1e-6)
    assert_close(robust.std_error, in_order(robust, v["se_hc0"]), rel=1e-6)
    assert_close(plain.std_error, in_order(plain, v["se"]), rel=1e-6)
    assert_close([plain.log_likelihood, plain.deviance], [v["loglik"], v["deviance"]], rel=1e-6)
    assert_close(plain.pearson / (plain.n_rows - 2), v["dispersion"], rel=1e-6)


@pytest.mark.parametrize(
    "case_id", reference_cases("recurrent_more", "rate_cgd_covariates", "rate_cgd_within")
)
def test_matches_sandwiches_written_out(case_id):
    case = load_reference("recurrent_more", case_id)
    v = case.values
    fit, robust = (fitted(case, robust=is_robust) for is_robust in (False, True))
    assert fit.n_rows == v["n_rows"]
    assert_close(fit.coef, in_order(fit, v["coef"]), rel=1e-6)
    assert_close(fit.std_error, in_order(fit, v["se"]), rel=1e-6)
    assert_close(robust.std_error, in_order(fit, v["robust_se"]), rel=1e-6)
    assert_close([1 / fit.alpha, fit.alpha_std_error / fit.alpha**2], [v["theta"], v["theta_se"]], rel=1e-4)
    assert_close([fit.log_likelihood, fit.deviance], [v["loglik"], v["deviance"]], rel=1e-6)
    assert_close(fit.pearson, v["pearson"], rel=1e-5)
    poisson, naive = fitted(case, model="poisson"), fitted(case, model="poisson", robust=False)
    assert_close(poisson.coef, in_order(fit, v["poisson_coef"]), rel=1e-6)
    assert_close(poisson.std_error, in_order(fit, v["poisson_robust_se"]), rel=1e-6)
    assert_close(naive.std_error, in_order(fit, v["poisson_se"]), rel=1e-6)
    assert_close(
        [poisson.log_likelihood, poisson.deviance], [v["poisson_loglik"], v["poisson_deviance"]], rel=1e-6
    )


def test_robust_is_the_default_where_a_patient_has_several_rows():
    assert fitted(load_reference("recurrent_more", "rate_cgd_covariates")).variance == "model-based"
    assert fitted(load_reference("recurrent_more", "rate_cgd_within")).variance == "robust"
    assert (
        fitted(load_reference("recurrent_more", "rate_cgd_covariates"), model="poisson").variance == "robust"
    )


def test_two_groups_are_the_ratio_of_their_rates():
    data = recurrent_rows(np.random.default_rng(1), 100, effect=-0.5)
    rates = event_rate(data, **ROLES, by="arm", model="robust").to_frame()
    fit = rate_regression(data, "arm", **ROLES, model="poisson")
    assert_close(
        np.exp(fit.coef), [rates["estimate"][0], rates["estimate"][1] / rates["estimate"][0]], rel=1e-9
    )
    relative = (rates["std_error"] / rates["estimate"]).to_numpy()
    assert_close(fit.std_error, [relative[0], np.hypot(*relative)], rel=1e-8)
    predicted = fit.predict(pl.DataFrame({"arm": ["A", "B"]}), per=10)
    assert_close(predicted["estimate"], 10 * rates["estimate"], rel=1e-9)
    assert_close(predicted["conf_low"], 10 * rates["conf_low"], rel=1e-8)
    assert_close(predicted["std_error"], 10 * rates["std_error"], rel=1e-8)


def test_patients_compared_with_themselves():
    """Equal time before and after: the ratio of totals, with a variance that knows the pairs."""
    rng = np.random.default_rng(2)
    frailty = rng.gamma(1, 1, 60)
    before, after = rng.poisson(6 * frailty), rng.poisson(3 * frailty)
    data = pl.DataFrame(
        {
            "id": np.tile(np.arange(60), 2),
            "bleeds": np.concatenate([before, after]),
            "years": 1.0,
            "period": ["1 run-in"] * 60 + ["2 post"] * 60,
        }
    )
    fit = rate_regression(data, "period", **TOTALS, id="id", model="poisson")
    assert_close(fit.coef[1], np.log(after.sum() / before.sum()), rel=1e-9)
    apart = after / after.sum() - before / before.sum()
    assert_close(fit.std_error[1], np.sqrt((apart**2).sum()), rel=1e-9)
    unpaired = rate_regression(data, "period", **TOTALS, model="poisson")
    assert unpaired.std_error[1] > 2 * fit.std_error[1]
    assert fit.n == 60


@pytest.mark.parametrize("model", ["negative-binomial", "poisson"])
def test_order_units_and_pieces_change_nothing_but_the_intercept(model):
    data = recurrent_rows(np.random.default_rng(3), 90, effect=-0.4)
    age = np.random.default_rng(4).normal(50, 10, 90)
    data = data.with_columns(age=pl.Series(age[data["id"].to_numpy()]), centre=pl.col("id") % 12)
    fit = rate_regression(data, "arm + age", **ROLES, model=model)
    other = data.sample(fraction=1, shuffle=True, seed=1).with_columns(
        pl.col("start", "stop") * 365.25, (pl.col("age") + 1000) / 7
    )
    for form in (other, other.lazy(), other.to_pandas()):
        again = rate_regression(form, "arm + age", **ROLES, model=model)
        assert_close(again.coef[1:], fit.coef[1:] * [1, 7], rel=1e-6)
        assert_close(again.std_error[1:], fit.std_error[1:] * [1, 7], rel=1e-6)
        assert_close(again.alpha, fit.alpha, rel=1e-6, at_zero=0)
    centred = rate_regression(data, "arm + age", **ROLES, model=model, cluster="centre")
    assert centred.variance == "robust"
    assert_close(centred.coef, fit.coef, rel=1e-9)


def test_is_near_the_andersen_gill_model_where_the_rate_is_constant():
    data = recurrent_rows(np.random.default_rng(5), 400, effect=-0.6, death=0.0)
    counts = rate_regression(data, "arm", **ROLES, model="poisson")
    times = andersen_gill(data, "arm", **ROLES)
    assert abs(counts.coef[1] - times.coef[0]) < 0.05
    assert counts.std_error[1] == pytest.approx(times.std_error[0], rel=0.05)


def test_what_a_fit_says():
    data = recurrent_rows(np.random.default_rng(6), 150, effect=-0.5)
    fit = rate_regression(data, "arm", **ROLES)
    assert fit.text("arm").startswith("rate ratio of arm[B] 0.")
    assert f"alpha {fit.alpha:.4g}, with 95%" in fit.methods()
    assert "regression on arm with the logarithm" in fit.methods()
    poisson = rate_regression(data, "arm", **ROLES, model="poisson")
    assert "alpha" not in poisson.methods()
    assert poisson.methods().endswith("the robust variance, clustered by id (150 clusters).")
    assert "clusters" not in poisson.slim().methods()
    by_pair = rate_regression(data.with_columns(pair=pl.col("id") // 2), "arm", **ROLES, cluster="pair")
    assert f"clustered by pair ({by_pair.counts.cluster.max() + 1} clusters)" in by_pair.methods()
    holes = data.with_columns(arm=pl.when(pl.int_range(pl.len()) == 0).then(None).otherwise("arm"))
    dropped = rate_regression(holes, "arm", **ROLES, missing="drop").methods()
    assert dropped.endswith("; 1 row with missing values was left out.")
    assert fit.to_frame(exponentiate=True)["term"].to_list() == ["arm[B]"]
    assert fit.to_frame()["term"].to_list() == ["intercept", "arm[B]"]
    assert fit.tests()["df"].to_list() == [1.0, 1.0]
    assert fit.summary()["alpha"][0] == fit.alpha
    assert_close(fit.bic, -2 * fit.log_likelihood + 3 * np.log(150))
    assert_close(contrast(fit, {"arm": "B"}, {"arm": "A"}).estimate, [fit.coef[1]])
    smaller = rate_regression(data, [], **ROLES)
    assert_close(smaller.log_likelihood, fit.log_likelihood_null, rel=1e-9)
    assert_close(compare(smaller, fit).statistic, 2 * (fit.log_likelihood - smaller.log_likelihood), rel=1e-6)
    levels = effect_table(fit)
    assert (levels["n"].sum(), levels["n_event"].sum()) == (150, fit.n_event)
    assert effect_table(fit.slim())["n"].null_count() == levels.height - 1
    assert fit.slim().to_frame().equals(fit.to_frame())
    assert_refused(lambda: fit.slim().predict(data), argument="fit")
    assert_refused(lambda: fit.predict(data, per=0), argument="per")


def test_refusals():
    data = recurrent_rows(np.random.default_rng(7), 60)
    quiet = data.with_columns(event=pl.lit(False))
    assert_refused(
        lambda: rate_regression(quiet, "arm", **ROLES), argument="event", column="event", says=["no events"]
    )
    totals = pl.DataFrame({"bleeds": [0, 0], "years": [1.0, 2.0], "x": [0, 1]})
    assert_refused(lambda: rate_regression(totals, "x", **TOTALS), argument="events", column="bleeds")
    assert_refused(lambda: rate_regression(data, "arm", **ROLES, model="zip"), argument="model")
    assert_refused(lambda: rate_regression(data, "arm", **ROLES, robust="yes"), argument="robust")
    twice = data.with_columns(again=pl.col("arm"))
    assert_refused(
        lambda: rate_regression(twice, "arm + again", **ROLES),
        argument="covariates",
        says=["linear combination"],
    )
    assert_refused(
        lambda: rate_regression(data.with_columns(one=1), "arm", **ROLES, cluster="one"),
        argument="cluster", column="one",
    )  # fmt: skip
    with pytest.raises(FormulaError):
        rate_regression(data, "nothing", **ROLES)


@pytest.mark.parametrize("model", ["negative-binomial", "poisson"])
def test_a_level_without_events_has_no_maximum_and_is_named(model):
    data = recurrent_rows(np.random.default_rng(8), 80).with_columns(
        event=pl.col("event") & (pl.col("arm") == "A")
    )
    with pytest.raises(ConvergenceError, match=r"'arm\[B\]' is not determined.*event_rate"):
        rate_regression(data, "arm", **ROLES, model=model)


def test_warnings():
    even = pl.DataFrame({"bleeds": [2, 2, 1, 2, 3, 2] * 3, "years": 1.0, "x": [0, 1, 0, 1, 1, 0] * 3})
    fit = assert_warns(lambda: rate_regression(even, "x", **TOTALS), argument="model", says=["alpha is 0"])
    plain = rate_regression(even, "x", **TOTALS, model="poisson", robust=False)
    assert_close(fit.coef, plain.coef)
    assert_close(fit.cov, plain.cov)
    assert_warns(
        lambda: rate_regression(
            even, "x", **TOTALS, cluster=pl.col("bleeds") + 3 * pl.col("x"), model="poisson"
        ),
        argument="cluster", column="bleeds", says=["4 clusters for 2 coefficients"],
    )  # fmt: skip
    few = pl.DataFrame(
        {
            "bleeds": [1, 1, 0, 0, 0, 0],
            "years": 1.0,
            "x": [0.3, 0.5, 0, 1, 0.2, 0.6],
            "z": [0.5, 0.4, 0, 1, 1, 0],
        },
        strict=False,
    )
    assert_warns(
        lambda: rate_regression(few, "x + z", **TOTALS, model="poisson", robust=False), argument="covariates",
        says=["3 coefficients were asked of 2 events"],
    )  # fmt: skip
