"""Likelihood-ratio tests of nested models: R's anova, by hand, and what is not nested."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from cox_cases import fitted
from reference_cases import assert_close
from refusals import assert_refused
from scipy.stats import chi2

import hemresearch as hem
from hemresearch.regression import compare, conditional_logistic, cox, firth_cox, parametric

ROLES = {"time": "t", "event": "e"}


def cohort(seed=1, n=120):
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "t": rng.integers(1, 40, n).astype(float),
            "e": rng.random(n) < 0.7,
            "x": rng.normal(size=n),
            "z": rng.integers(0, 2, n),
            "g": rng.choice(list("abc"), n),
            "centre": rng.integers(0, 2, n),
            "w": rng.integers(1, 3, n),
            "half": rng.choice([0.5, 1.5], n),
        }
    )


DATA = cohort()


def test_its_table_has_words_for_headers():
    made = hem.report.table(compare(model("x"), model("x + z")))
    assert made.header == ("Model", "Log-likelihood", "df", "AIC")


def model(covariates, data=DATA, **options):
    return cox(data, covariates, **ROLES, **options)


@pytest.mark.parametrize(
    "case_id", ["cox_bmt_efron", "cox_bmt_breslow", "cox_bmt_exact", "cox_lung_strata", "cox_heart_startstop",
                "cox_pbc_offset"],
)  # fmt: skip
def test_against_no_covariates_is_the_overall_test(reference, case_id):
    case = reference("cox", case_id)
    o, fit = case.options, fitted(case)
    rows = case.data if fit.y.row is None else case.data[fit.y.row]
    null = cox(
        rows, [], time=case.role("time"), event=case.role("event"), entry=case.role("entry"),
        strata=o.get("strata"), offset=case.role("offset"), ties=o["ties"],
    )  # fmt: skip
    fit = replace(fit, n_dropped=0)
    test = compare(null, fit)
    assert_close(test.statistic, case.values["lr_test"], rel=1e-8)
    assert_close(test.df, case.values["df"])
    assert_close(test.p_value, chi2.sf(case.values["lr_test"], case.values["df"]), rel=1e-7)
    assert_close([null.log_likelihood, fit.log_likelihood], case.values["loglik"], rel=1e-10)


def test_anova_of_r(dataset):
    """anova() of coxph(Surv(time, status == 2) ~ age), + sex, + ph.ecog + ph.karno."""
    lung = dataset("lung").drop_nulls(["ph.karno", "ph.ecog"])
    roles = {"time": "time", "event": "status", "event_value": 2}
    fits = [cox(lung, f, **roles) for f in ("age", "age + sex", "age + sex + `ph.ecog` + `ph.karno`")]
    first, second = compare(fits[0], fits[1]), compare(fits[1], fits[2])
    assert_close([first.statistic, first.df], [9.24577343261444, 1], rel=1e-9)
    assert_close([second.statistic, second.df], [17.681477210305, 2], rel=1e-9)


def test_the_statistic_is_what_the_definition_says_in_either_order():
    small, large = model("x"), model("x + g")
    test = compare(small, large)
    gain = 2 * (large.log_likelihood - small.log_likelihood)
    assert_close([test.statistic, test.df, test.p_value], [gain, 2, chi2.sf(gain, 2)], rel=1e-12)
    assert compare(large, small).statistic == test.statistic
    frame = test.to_frame()
    assert frame["model"].to_list() == ["smaller", "larger"]
    assert_close(frame["aic"], [small.aic, large.aic])
    assert_close(frame["df"], [1, 3])
    assert test.n == 120
    assert "Cox regression (Efron ties)" in repr(test)


def test_coding_does_not_matter():
    line, curve = model("x"), model("rcs(x, df=2)")
    assert compare(line, curve).df == 1
    assert compare(line, model("ns(x, df=3)")).df == 2  # a straight line is within the natural spline
    assert_close(compare(model("g"), model("C(g, ref='b') * x")).df, 3)
    shifted = DATA.with_columns(x=2 * pl.col("x") + 5)
    larger = model("x + z")
    assert_close(compare(model("x", shifted), larger).statistic, compare(line, larger).statistic, rel=1e-8)


def test_slim_fits_are_told_by_their_columns():
    small, large = model("x").slim(), model("x + z").slim()
    assert_close(compare(small, large).statistic, compare(model("x"), model("x + z")).statistic)
    assert_refused(lambda: compare(model("g").slim(), large), argument="b", says=["both models are as large"])
    assert_refused(
        lambda: compare(model("z").slim(), model("x + g").slim()), argument="b", says=["neither model"]
    )


def test_nothing_gained_is_zero():
    constant = model("x")
    more = replace(model("x + z"), log_likelihood=constant.log_likelihood - 1e-13)
    assert compare(constant, more).statistic == 0.0
    assert_close(compare(constant, more).p_value, 1.0)


def test_weights_are_patients():
    repeated = DATA.select(pl.all().repeat_by("w")).explode(pl.all())
    weighted = compare(model("x", weights="w", ties="breslow"), model("x + z", weights="w", ties="breslow"))
    rows = compare(model("x", repeated, ties="breslow"), model("x + z", repeated, ties="breslow"))
    assert_close(weighted.statistic, rows.statistic, rel=1e-9)


def test_under_the_null_hypothesis_p_values_are_uniform():
    p = []
    for seed in range(100):
        data = cohort(seed, n=80)
        p.append(compare(model("x", data), model("x + z", data)).p_value)
    below = np.mean(np.array(p) < 0.5)
    assert 0.35 < below < 0.65
    assert np.mean(np.array(p) < 0.1) < 0.22


def test_effects_that_change_with_time_are_compared_by_what_changes():
    plain = model("x + z")
    step, steps = model("x + z", time_varying={"x": [20]}), model("x + z", time_varying={"x": [10, 20]})
    log, other = model("x + z", time_varying={"x": "log"}), model("x + z", time_varying={"x": [12]})
    both = model("x + z", time_varying={"x": "log", "z": [10]})
    for small, large, df in ((plain, step, 1), (plain, both, 2), (step, steps, 1), (log, both, 1)):
        test = compare(small, large)
        assert test.df == df
        assert test.statistic >= 0
    assert_close(compare(model("x"), step).df, 2)
    for small, large in ((other, steps), (log, steps), (step, both), (step, model("x * z + g"))):
        assert_refused(
            lambda s=small, b=large: compare(s, b), argument="b", says=["neither model is the other"]
        )


def test_other_models():
    small, large = (parametric(DATA, f, **ROLES, distribution="weibull") for f in ("x", "x + z"))
    gain = 2 * (large.log_likelihood - small.log_likelihood)
    assert_close(compare(small, large).statistic, gain)
    exponential = parametric(DATA, "x + z", **ROLES, distribution="exponential")
    assert_refused(lambda: compare(exponential, large), argument="b", says=["of different kinds: "])


def test_conditional_logistic(dataset):
    infert = dataset("infert")
    fits = [
        conditional_logistic(infert, f, case="case", strata="stratum")
        for f in ("spontaneous", "spontaneous + induced")
    ]
    assert compare(*fits).df == 1
    assert compare(*fits).statistic > 10


def test_refusals():
    small, large = model("x"), model("x + z")

    def refused(a, b, *says, argument="b"):
        assert_refused(lambda: compare(a, b), argument=argument, says=says)

    refused(small, model("x"), "both models are as large")
    refused(model("z"), model("x + g"), "neither model is the other with fewer terms")
    refused(model("x:z"), model("x + g"), "neither")
    assert_refused(lambda: compare(small, "x + z"), argument="fit", says=["a str was given"])
    refused(small, model("x + z", ties="breslow"), "of different kinds: Cox regression (Efron ties) and Cox")
    refused(small, model("x + z", DATA[:100]), "different numbers of patients (120 and 100)")
    fewer = DATA.with_columns(e=pl.col("e") & (pl.col("t") > 5))
    refused(small, model("x + z", fewer), "different numbers of events")
    holes = pl.concat([DATA, DATA[:3].with_columns(z=None)])
    refused(small, model("x + z", holes, missing="drop"), "different rows left out (0 and 3)")
    refused(small, model("x + z", strata="centre"), "different strata")
    refused(model("x", strata="g"), model("x + z", strata="centre"), "different strata")
    refused(small, model("x + z", DATA.with_columns(t=pl.col("t").reverse())), "without covariates")
    refused(small, model("x + z", weights="w"), "without covariates")
    refused(model("x", offset="z"), large, "without covariates", "the same rows, outcomes")
    refused(small, model("x + z", ridge=1.0), "is penalised", argument="fit")
    refused(small, firth_cox(DATA, "x + z", **ROLES), "is penalised", argument="fit")
    refused(small, model("x + z", robust=True), "has a robust variance", argument="fit")
    refused(model("x", weights="half"), model("x + z", weights="half"), "robust", argument="fit")
    refused(small, replace(large, log_likelihood=float("nan")), "not chi-squared", argument="fit")


def test_models_are_compared_and_not_groups():
    data, roles = hem.data.load("veteran"), {"time": "time", "event": "status"}
    test = compare(*(hem.regression.cox(data, terms, **roles) for terms in ("age", "age + karno")))
    assert test.methods() == (
        "Nested models were compared by the likelihood-ratio test (chi-squared, Cox regression (Efron ties))."
    )
