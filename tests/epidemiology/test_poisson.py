"""Regression of counts: R's glm, glm.nb and sandwich, truths, refusals and warnings."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest
from reference_cases import assert_close, inline_table, load_reference
from refusals import assert_refused, assert_warns

from hemresearch.epidemiology import poisson, rate, rate_ratio
from hemresearch.epidemiology.poisson_fit import PoissonFit
from hemresearch.errors import ConvergenceError, FormulaError
from hemresearch.numerics.counts import deviance
from hemresearch.regression import compare, contrast, effect_table

THORO = {"events": "dead", "person_time": "y"}
GROUPS = "C(ageg) + C(contrast) + C(sex)"
COEF, ERROR = 1e-6, 1e-5  # the contract of glm references


def thoro() -> pl.DataFrame:
    return load_reference("epidemiology", "glm_nb_thoro").data


def lalonde() -> pl.DataFrame:
    data = load_reference("epidemiology", "logbin_lalonde").data
    return data.with_columns(z=pl.col("re78") == 0)


def diet() -> pl.DataFrame:
    """The diet study as Epi has it: `hi` is low energy, and five heights are missing."""
    data = load_reference("epidemiology", "poisson_robust_diet").data
    return data.with_columns(hi=pl.col("energy.grp").cast(pl.String) == ">2750 KCals").drop_nulls("height")


def random_counts(seed: int, n: int = 300) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    x, g, years = rng.normal(size=n), rng.choice(["a", "b", "c"], n), rng.uniform(0.5, 4, n)
    d = rng.poisson(years * np.exp(-0.5 + 0.4 * x + 0.3 * (g == "b")) * rng.gamma(2, 0.5, n))
    return pl.DataFrame({"x": x, "g": g, "years": years, "d": d})


ROLES = {"events": "d", "person_time": "years"}


def assert_is(fit: PoissonFit, values: dict, error: str = "se") -> None:
    assert_close(fit.coef, values["coef"], rel=COEF)
    assert_close(fit.std_error, values[error], rel=ERROR)


def assert_cov(fit: PoissonFit, values: dict) -> None:
    largest = np.abs(values["vcov"]).max()
    np.testing.assert_allclose(fit.cov, values["vcov"], rtol=1e-5, atol=1e-7 * largest)


def stopped_early(fit: PoissonFit) -> np.ndarray:
    """The standard errors of R's glm: with the weights before the step that ended it."""
    x, count, offset = fit.design.matrix, fit.counts.count, fit.counts.log_exposure
    mean, before, settled = count + 0.1, np.inf, False
    while not settled:
        working = np.log(mean) - offset + (count - mean) / mean
        information = (x.T * mean) @ x
        mean = np.exp(x @ np.linalg.solve(information, (x.T * mean) @ working) + offset)
        away = deviance(count, mean, 0.0)
        settled, before = abs(away - before) / (away + 0.1) < 1e-8, away
    return np.sqrt(np.diag(np.linalg.inv(information)))


@pytest.mark.parametrize(
    ("case_id", "family"), [("glm_poisson_thoro", "poisson"), ("glm_quasipoisson_thoro", "quasi")]
)
def test_matches_glm(case_id, family):
    v = load_reference("epidemiology", case_id).values
    fit = poisson(thoro(), GROUPS, **THORO, family=family)
    assert_is(fit, v)
    assert_cov(fit, v)
    assert_close([fit.deviance, fit.pearson], [v["deviance"], v["pearson_chisq"]], rel=1e-8)
    assert fit.df_residual == v["df_residual"]
    if family == "quasi":
        # R's has residuals of the step before its last
        assert_close(fit.dispersion, v["dispersion"], rel=COEF)
        assert np.isnan(fit.log_likelihood)
    else:
        assert_close([fit.log_likelihood, fit.aic], [v["loglik"], v["aic"]], rel=1e-9)
        null = fit.deviance + 2 * (fit.log_likelihood - fit.log_likelihood_null)
        assert_close(null, v["null_deviance"], rel=1e-9)


def test_matches_glm_nb(reference):
    v = reference("epidemiology", "glm_nb_thoro").values
    fit = poisson(thoro(), GROUPS, **THORO, family="negative-binomial")
    # glm.nb alternates between theta and the coefficients and stops at 1e-8 of the deviance
    assert_is(fit, v)
    assert_cov(fit, v)
    assert_close([1 / fit.alpha, fit.alpha_std_error / fit.alpha**2], [v["theta"], v["se_theta"]], rel=1e-4)
    assert_close([fit.log_likelihood, fit.aic], [v["loglik"], v["aic"]], rel=1e-8)
    assert_close([fit.deviance, fit.pearson], [v["deviance"], v["pearson_chisq"]], rel=1e-5)


@pytest.mark.parametrize("correction", ["HC0", "HC1", "HC3"])
@pytest.mark.parametrize("case_id", ["poisson_robust_diet", "modified_poisson_lalonde_re78zero"])
def test_matches_sandwich(case_id, correction):
    v = load_reference("epidemiology", case_id).values
    if case_id == "poisson_robust_diet":
        data, terms, roles = diet(), ["hi", "height"], {"events": "chd", "person_time": "y"}
    else:
        data, terms, roles = lalonde(), ["treat", "age", "educ", "married"], {"events": "z"}
    fit = poisson(data, terms, **roles, family="robust", correction=correction)
    assert_is(fit, v, f"se_{correction}")
    plain = poisson(data, terms, **roles)
    assert_close(plain.coef, v["coef"], rel=COEF)
    # R's variance has the weights of the step before its last: 2e-5 away where it stopped early (diet)
    assert_close(stopped_early(plain), v["se"], rel=1e-8)
    strict = load_reference("rate_models", f"strict_{case_id}").values
    assert_close(plain.coef, strict["coef"], rel=1e-9)
    assert_close(plain.std_error, strict["se"], rel=1e-9)
    assert_close([fit.log_likelihood, fit.deviance], [v["loglik"], v["deviance"]], rel=1e-8)
    assert_close(fit.pearson, v["pearson_chisq"], rel=1e-6)
    assert fit.ratio == ("risk ratio" if "person_time" not in roles else "rate ratio")


def test_matches_glm_binomial_with_a_log_link(reference):
    v = reference("epidemiology", "logbin_lalonde").values
    fit = poisson(lalonde(), ["treat", "married"], events="z", family="log-binomial")
    assert_is(fit, v)
    assert_cov(fit, v)
    assert_close(
        [fit.deviance, fit.log_likelihood, fit.aic], [v["deviance"], v["loglik"], v["aic"]], rel=1e-8
    )
    assert_close(fit.pearson, v["pearson_chisq"], rel=1e-6)
    assert fit.ratio == "risk ratio"


def test_matches_glm_with_many_levels(reference):
    case = reference("epidemiology", "poisson_trend_lungdk")
    fit = poisson(case.data, "C(A5) + C(P5)", events="D", person_time="Y")
    names = [re.sub(r"factor\((\w+)\)(\d+)", r"\1[\2]", n) for n in case.values["names"][1:]]
    assert list(fit.columns) == ["intercept", *names]
    assert_is(fit, case.values)
    assert_cov(fit, case.values)
    assert_close(
        [fit.deviance, fit.log_likelihood], [case.values[k] for k in ("deviance", "loglik")], rel=1e-8
    )


def test_matches_clustered_sandwiches(reference):
    """sandwich::vcovCL of HC0 and HC1, and quasi-Poisson's t and F tests."""
    case = reference("rate_models", "clustered_counts")
    v, data = case.values, inline_table(case.options["data"])
    for correction in ("HC0", "HC1"):
        fit = poisson(data, "x + g", **ROLES, cluster="centre", correction=correction)
        assert_close(fit.coef, v["coef"], rel=COEF)
        assert_close(fit.std_error, v[f"se_{correction}"], rel=ERROR)
    quasi = poisson(data, "x + g", **ROLES, family="quasi")
    assert_close(quasi.to_frame()["p_value"], v["quasi_p"], rel=1e-5)
    assert_close(quasi.to_frame()["conf_low"], v["quasi_low"], rel=1e-6)
    assert_close(quasi.term_tests()["p_value"], v["quasi_f_p"], rel=1e-5)
    nb = poisson(data, "x + g", **ROLES, family="negative-binomial", cluster="centre")
    assert_close(nb.coef, v["nb_coef"], rel=COEF)
    assert_close(nb.std_error, v["nb_se_HC0"], rel=ERROR)
    grouped = poisson(data, "x + g", events="k", person_time="m", family="log-binomial")
    assert_close(grouped.coef, v["logbin_coef"], rel=COEF)
    assert_close(grouped.std_error, v["logbin_se"], rel=ERROR)
    assert_close(grouped.log_likelihood, v["logbin_loglik"], rel=1e-9)


def test_groups_are_their_rates():
    data = random_counts(1)
    rates = rate(data, **ROLES, by="g").to_frame()
    fit = poisson(data, "g", **ROLES)
    assert_close(np.exp(fit.coef[0]), rates["estimate"][0], rel=1e-9)
    crude = rate_ratio(data, **ROLES, by="g", conf_type="log").to_frame()
    ours = fit.to_frame(exponentiate=True)
    for column in ("estimate", "conf_low", "conf_high", "p_value"):
        assert_close(ours[column], crude[column], rel=1e-7)
    predicted = fit.predict(pl.DataFrame({"g": ["a", "b", "c"]}), per=100)
    assert_close(predicted["estimate"], 100 * rates["estimate"], rel=1e-9)


def test_totals_of_a_table_are_its_persons():
    """Rows with the same covariates may be added up, of a Poisson and of a log-binomial model."""
    data = random_counts(2).with_columns(z=pl.col("d").clip(0, 1), n=1)
    added = data.group_by("g").agg(pl.col("d", "years", "z", "n").sum())
    assert_close(poisson(added, "g", **ROLES).cov, poisson(data, "g", **ROLES).cov, rel=1e-7)
    of_persons = poisson(data, "g", events="z", family="log-binomial")
    of_totals = poisson(added, "g", events="z", person_time="n", family="log-binomial")
    assert_close(of_totals.coef, of_persons.coef, rel=1e-8)
    assert_close(of_totals.cov, of_persons.cov, rel=1e-7)
    assert of_totals.n == of_persons.n == 300
    assert of_totals.person_time is None


def test_modified_poisson_and_log_binomial_agree_on_saturated_risks():
    data = random_counts(3).with_columns(z=pl.col("d") > 0)
    one = poisson(data, "g", events="z", family="robust")
    other = poisson(data, "g", events="z", family="log-binomial")
    assert_close(one.coef, other.coef, rel=1e-7)
    assert_close(one.std_error, other.std_error, rel=1e-7)


def test_a_cluster_of_each_row_is_robust():
    data = random_counts(4).with_row_index("row")
    for correction in ("HC0", "HC1"):
        alone = poisson(data, "x", **ROLES, family="robust", correction=correction)
        clusters = poisson(data, "x", **ROLES, cluster="row", correction=correction)
        assert_close(clusters.cov, alone.cov, rel=1e-10)


def test_person_time_is_an_offset_and_units_change_the_intercept_alone():
    data = random_counts(5).with_columns(log=pl.col("years").log(), days=pl.col("years") * 365.25)
    fit = poisson(data, "x + g", **ROLES)
    by_offset = poisson(data, "x + g", events="d", offset="log")
    assert_close(by_offset.coef, fit.coef, rel=1e-9)
    assert (by_offset.ratio, by_offset.method) == ("ratio of means", "log link, offset log")
    days = poisson(data, "x + g", events="d", person_time="days")
    assert_close(days.coef[1:], fit.coef[1:], rel=1e-8)
    assert_close(days.coef[0], fit.coef[0] - np.log(365.25), rel=1e-8)
    both = poisson(data, "x + g", **ROLES, offset="log")
    assert both.method == "log link, offset log person-time + log"
    for form in (data.to_pandas(), data.lazy(), data.with_columns(pl.col("years", "x").cast(pl.Float32))):
        assert_close(poisson(form, "x + g", **ROLES).coef, fit.coef, rel=1e-5)
    spoilt = data.with_columns(x=pl.when(pl.col("x") > 1.5).then(None).otherwise("x"))
    kept = poisson(spoilt, "x + g", **ROLES, missing="drop")
    assert kept.n_dropped == (data["x"] > 1.5).sum()
    assert_close(kept.coef, poisson(data.filter(pl.col("x") <= 1.5), "x + g", **ROLES).coef, rel=1e-9)


def test_expected_events_make_ratios_of_standardised_ratios():
    data = pl.DataFrame({"g": ["a", "b"], "d": [30, 45], "expected": [20.0, 15.0]})
    fit = poisson(data, "g", events="d", person_time="expected")
    assert_close(np.exp(fit.coef), [1.5, 2.0], rel=1e-9)


def test_what_a_fit_says():
    data = random_counts(6)
    fit, quasi = poisson(data, "x + g", **ROLES), poisson(data, "x + g", **ROLES, family="quasi")
    assert fit.text("x").startswith("rate ratio of x 1.")
    assert fit.tests()["test"].to_list() == ["likelihood ratio", "Wald"]
    assert quasi.tests()["test"].to_list() == ["Wald"]
    assert_close(quasi.tests()["statistic"], fit.tests()["statistic"][1:] / fit.dispersion, rel=1e-8)
    assert (quasi.tests()["p_value"] > fit.tests()["p_value"][1]).all()
    good = fit.goodness_of_fit()
    assert_close(good["statistic"], [fit.deviance, fit.pearson])
    assert good["df"].to_list() == [296.0, 296.0]
    assert (good["p_value"] < 0.01).all()
    assert "quasi-Poisson regression with a log link, offset log person-time" in quasi.methods()
    foot = "log link, offset log person-time, quasi-likelihood variance, 95% limits"
    assert repr(quasi).splitlines()[-1] == foot  # there is no likelihood to tell
    assert repr(fit).splitlines()[-1].startswith("log-likelihood -")
    assert f"(dispersion {quasi.dispersion:.4g})" in quasi.methods()
    nb = poisson(data, "x + g", **ROLES, family="negative-binomial")
    assert f"(alpha {nb.alpha:.4g})" in nb.methods()
    assert nb.summary()["alpha"][0] == nb.alpha
    assert_close(nb.bic, -2 * nb.log_likelihood + 5 * np.log(300))
    assert_close(contrast(fit, {"g": "b"}, {"g": "a"}).estimate, [fit.coef[2]])
    smaller = poisson(data, "x", **ROLES)
    assert_close(compare(smaller, fit).statistic, 2 * (fit.log_likelihood - smaller.log_likelihood), rel=1e-7)
    levels = effect_table(fit).filter(pl.col("variable") == "g")
    assert levels["n_event"].sum() == fit.n_event
    assert fit.slim().to_frame().equals(fit.to_frame())
    assert poisson(data, [], **ROLES).tests()["df"].to_list() == [0.0, 0.0]
    assert_refused(lambda: fit.slim().predict(data), argument="fit")
    assert_refused(lambda: fit.predict(data, per=0), argument="per")
    risks = poisson(data.with_columns(z=pl.col("d") > 0), "g", events="z", family="log-binomial")
    assert_refused(lambda: risks.predict(data, per=100), argument="per", says=["a risk is per person"])


def test_refusals_of_rows():
    data = random_counts(7, 40)
    two = data.with_columns(
        years=pl.Series([0.0, 0.0, *data["years"][2:]]), d=pl.Series([0, 0, *data["d"][2:]])
    )
    assert_refused(
        lambda: poisson(two, "x", **ROLES), argument="person_time", column="years", rows=(1, 2),
        says=["in which nothing could be seen"],
    )  # fmt: skip
    happened = two.with_columns(d=pl.Series([1, 0, *data["d"][2:]]))
    assert_refused(lambda: poisson(happened, "x", **ROLES), argument="person_time", column="years", rows=(1,))
    assert_refused(
        lambda: poisson(data.with_columns(d=0), "x", **ROLES), argument="events", column="d",
        says=["no events in 40 rows"],
    )  # fmt: skip
    assert_refused(
        lambda: poisson(data.with_columns(d=pl.col("d") + 0.5), "x", **ROLES), argument="events", column="d",
        rows=range(1, 41),
    )  # fmt: skip
    assert_refused(
        lambda: poisson(data.with_columns(n=2, d=3), "x", events="d", person_time="n", family="log-binomial"),
        argument="person_time", column="n", rows=range(1, 41), says=["fewer than the events"],
    )  # fmt: skip
    assert_refused(
        lambda: poisson(data.with_columns(d=2), "x", events="d", family="log-binomial"),
        argument="events", column="d", rows=range(1, 41), says=["above 1, the persons of a row"],
    )  # fmt: skip
    assert_refused(
        lambda: poisson(data.with_columns(d=1), "x", events="d", family="log-binomial"),
        argument="events", column="d", says=["happened to everybody"],
    )  # fmt: skip
    twice = data.with_columns(again=2 * pl.col("x"))
    assert_refused(
        lambda: poisson(twice, "x + again", **ROLES), argument="covariates", says=["linear combination"]
    )
    with pytest.raises(FormulaError, match="the outcome itself"):
        poisson(data, "d", **ROLES)


def test_refusals_of_variances():
    data = random_counts(8, 40).with_columns(centre=pl.col("g"), one=1)
    assert_refused(lambda: poisson(data, "x", **ROLES, family="gamma"), argument="family")
    assert_refused(lambda: poisson(data, "x", **ROLES, correction="HC2"), argument="correction")
    assert_refused(lambda: poisson(data, "x", **ROLES, correction="HC1"), argument="correction")
    assert_refused(
        lambda: poisson(data, "x", **ROLES, correction="HC3", cluster="centre"), argument="correction",
        says=["there are clusters"],
    )  # fmt: skip
    assert_refused(lambda: poisson(data, "x", **ROLES, family="quasi", cluster="centre"), argument="cluster")
    assert_refused(
        lambda: poisson(data, "x", **ROLES, cluster="one"), argument="cluster", column="one",
        says=["a single cluster"],
    )  # fmt: skip
    assert_refused(
        lambda: poisson(
            data.with_columns(z=pl.col("d") > 0, o=0.1), "x", events="z", offset="o", family="log-binomial"
        ),
        argument="offset", column="o",
    )  # fmt: skip
    full = pl.DataFrame({"g": ["a", "b"], "d": [3, 4], "years": [1.0, 2.0]})
    assert_refused(
        lambda: poisson(full, "g", **ROLES, family="quasi"), argument="covariates",
        says=["2 coefficients, and 2 rows"],
    )  # fmt: skip
    lonely = data.with_columns(g=pl.Series(["alone", *["others"] * 39]), d=pl.col("d") + 1)
    assert_refused(
        lambda: poisson(lonely, "g", **ROLES, family="robust", correction="HC3"), argument="covariates",
        rows=(1,), says=["depends on 1 row alone"],
    )  # fmt: skip


def test_no_maximum_is_named():
    data = random_counts(9).with_columns(d=pl.when(pl.col("g") == "b").then(0).otherwise("d"))
    with pytest.raises(ConvergenceError, match=r"'g\[b\]' is not determined.*coarser groups"):
        poisson(data, "g", **ROLES)
    # the risk rises with x up to 1, where the likelihood is cut off
    x = np.linspace(0, 1, 40)
    rising = pl.DataFrame({"x": x, "z": (x > 0.5).astype(int)})
    with pytest.raises(ConvergenceError, match=r"'x' is not determined.*family='robust'"):
        poisson(rising, "x", events="z", family="log-binomial")


def test_warnings():
    even = pl.DataFrame({"d": [2, 2, 1, 2, 3, 2] * 3, "years": 1.0, "x": [0, 1, 0, 1, 1, 0] * 3})
    fit = assert_warns(
        lambda: poisson(even, "x", **ROLES, family="negative-binomial"),
        argument="family",
        says=["alpha is 0"],
    )
    assert_close(fit.cov, poisson(even, "x", **ROLES).cov)
    data = random_counts(10, 60)
    assert_warns(
        lambda: poisson(data, "x", **ROLES, cluster="g"), argument="cluster", column="g",
        says=["3 clusters for 2 coefficients"],
    )  # fmt: skip
    few = pl.DataFrame(
        {"d": [1, 1, 0, 0, 0, 0], "years": 1.0, "x": [0.3, 0.5, 0, 1, 0.2, 0.6], "w": [5, 4, 0, 9, 9, 0]}
    )
    assert_warns(
        lambda: poisson(few, "x + w", **ROLES), argument="covariates", says=["3 coefficients were asked of 2"]
    )
