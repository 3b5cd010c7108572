"""Fitted lifelines regressions as our fits: every regression fitter, and what is refused."""

from __future__ import annotations

import inspect
import warnings
from functools import cache

import lifelines
import numpy as np
import pandas as pd
import polars as pl
import pytest
from lifelines.fitters import ParametricRegressionFitter, RegressionFitter
from reference_cases import assert_close, load_dataset
from refusals import assert_refused

import hemresearch as hem
from hemresearch.regression import contrast, cox, from_lifelines, parametric

LUNG = (
    load_dataset("lung")
    .drop_nulls("ph.ecog")
    .select((pl.col("time") / 365.25).alias("time"), "age", "sex", ecog="ph.ecog", died=pl.col("status") == 2)
)
TABLE = LUNG.to_pandas().astype(float)
START_STOP = TABLE.assign(start=0.0, id=np.arange(len(TABLE)))
REGRESSIONS = {
    name: cls
    for name, cls in vars(lifelines).items()
    if inspect.isclass(cls) and issubclass(cls, RegressionFitter) and name != "AalenAdditiveFitter"
}
AFT = ("WeibullAFTFitter", "LogNormalAFTFitter", "LogLogisticAFTFitter")
CRC = {"beta_": "age + C(ecog)", "gamma0_": "1", "gamma1_": "1", "gamma2_": "1"}
MAKERS = {
    "CRCSplineFitter": lambda cls: cls(n_baseline_knots=3),
    "PiecewiseExponentialRegressionFitter": lambda cls: cls([0.5, 1.0]),
    "GeneralizedGammaRegressionFitter": lambda cls: cls(penalizer=0.01),
}


def quietly(fit):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lifelines' fits may converge badly
        return fit()


@cache
def usual(name: str):
    """A fit without options, made once."""
    fitter = MAKERS.get(name, lambda cls: cls())(REGRESSIONS[name])
    if name == "CoxTimeVaryingFitter":
        columns = {"id_col": "id", "event_col": "died", "start_col": "start", "stop_col": "time"}
        return quietly(lambda: fitter.fit(START_STOP, **columns))
    options = {"regressors": CRC} if name == "CRCSplineFitter" else {}
    return quietly(lambda: fitter.fit(TABLE, "time", "died", **options))


@pytest.mark.parametrize("name", REGRESSIONS)
def test_every_regression_fitter_converts(name):
    fitter = usual(name)
    fit = from_lifelines(fitter)
    assert isinstance(fit, hem.results.Fit)
    assert_close(fit.coef, fitter.params_.to_numpy(), rel=1e-15)
    assert_close(fit.std_error, fitter.standard_errors_.to_numpy(), rel=1e-12)
    frame = fit.to_frame()
    assert_close(frame["conf_low"], fitter.confidence_intervals_.iloc[:, 0].to_numpy(), rel=1e-9)
    assert_close(frame["conf_high"], fitter.confidence_intervals_.iloc[:, 1].to_numpy(), rel=1e-9)
    assert_close(frame["p_value"], fitter.summary["p"].to_numpy(), rel=1e-7)
    assert (fit.n, fit.n_event, fit.conf_level) == (227, 164, 0.95)
    assert fit.log_likelihood == fitter.log_likelihood_
    test = quietly(fitter.log_likelihood_ratio_test)
    assert_close(2 * (fit.log_likelihood - fit.log_likelihood_null), test.test_statistic, rel=1e-9)
    assert f"lifelines {name}" in repr(fit)
    assert len(set(fit.columns)) == len(fit.columns)
    assert fit.summary().height == 1
    assert fit.text()
    assert fit.variance == "model-based"
    if fit.ratio:
        natural = fit.to_frame(exponentiate=True)
        effects = [column for column in fit.columns if column in natural["term"].to_list()]
        assert natural["term"].to_list() == effects
        assert fit.term_tests()["p_value"].is_between(0, 1).all()


def test_a_converted_cox_model_is_ours():
    fit = from_lifelines(usual("CoxPHFitter"))
    ours = cox(LUNG, ["age", "sex", "ecog"], time="time", event="died")
    assert fit.columns == ours.columns
    assert fit.terms == ours.terms
    assert_close(fit.coef, ours.coef, rel=1e-5)
    assert_close(fit.cov, ours.cov, rel=1e-4)
    assert_close(fit.log_likelihood_null, ours.log_likelihood_null, rel=1e-10)
    assert_close(fit.aic, ours.aic, rel=1e-9)
    assert_close(fit.aic, usual("CoxPHFitter").AIC_partial_, rel=1e-12)
    assert fit.method == "lifelines CoxPHFitter, Efron ties"
    assert fit.ratio == "hazard ratio"
    varying = from_lifelines(usual("CoxTimeVaryingFitter"))
    assert_close(varying.coef, fit.coef, rel=1e-5)
    assert varying.columns == fit.columns


@pytest.mark.parametrize(
    ("name", "distribution"), list(zip(AFT, ("weibull", "log-normal", "log-logistic"), strict=True))
)
def test_converted_accelerated_failure_times_are_ours(name, distribution):
    fit = from_lifelines(usual(name))
    ours = parametric(LUNG, ["age", "sex", "ecog"], time="time", event="died", distribution=distribution)
    assert (fit.name, fit.ratio) == (ours.name, ours.ratio)
    assert sorted(fit.terms) == sorted(ours.terms)
    for term in ours.terms:
        apart = fit.coef[fit.place(term)] - ours.coef[ours.place(term)]
        assert abs(apart) < 0.01 * ours.std_error[ours.place(term)]
    assert fit.log_likelihood == pytest.approx(ours.log_likelihood, abs=1e-3)
    assert_close(fit.aic, usual(name).AIC_, rel=1e-12)
    second = {"WeibullAFTFitter": "rho_", "LogNormalAFTFitter": "sigma_", "LogLogisticAFTFitter": "beta_"}
    assert sorted(fit.columns) == sorted((*ours.columns[:4], f"{second[name]}[Intercept]"))


def test_terms_of_a_formula_stay_together():
    fitter = quietly(lambda: lifelines.WeibullAFTFitter().fit(TABLE, "time", "died", formula="age + C(ecog)"))
    fit = from_lifelines(fitter)
    assert list(fit.terms) == ["age", "C(ecog)"]
    assert fit.columns[fit.terms["C(ecog)"]] == tuple(f"ecog[{k}.0]" for k in (1, 2, 3))
    assert fit.term_tests()["df"].to_list() == [1, 3]
    assert "all levels together" in fit.text("C(ecog)")
    ours = parametric(
        LUNG.cast({"ecog": pl.Int64}), "age + C(ecog)", time="time", event="died", distribution="weibull"
    )
    assert_close(fit.term_tests()["statistic"], ours.term_tests()["statistic"], rel=1e-2)


WITH_STAGE = LUNG.with_columns(stage=pl.when(pl.col("ecog") > 1).then(pl.lit("II+")).otherwise(
    pl.when(pl.col("ecog") == 1).then(pl.lit("I")).otherwise(pl.lit("0"))), male=pl.when(pl.col("sex") == 1)
    .then(pl.lit("M")).otherwise(pl.lit("F")))  # fmt: skip


@pytest.mark.parametrize("robust", [False, True])
@pytest.mark.parametrize("formula", ["male + stage", "male + C(stage)", "male + C(stage, Treatment('0'))"])
def test_levels_have_our_names_and_stand_in_our_rows(formula, robust):
    table = WITH_STAGE.select("time", "died", "male", "stage").to_pandas()
    fitter = quietly(
        lambda: lifelines.CoxPHFitter().fit(table, "time", "died", formula=formula, robust=robust)
    )
    fit = from_lifelines(fitter)
    ours = cox(WITH_STAGE, "male + stage", time="time", event="died")
    assert fit.columns == ours.columns
    made = hem.report.regression_table({"Ours": ours, "Theirs": fit})
    assert [row[0] for row in made.body] == ["male", "F", "M", "stage", "0", "I", "II+"]
    assert (
        made.body[2][3]
        == ours.text("male", decimals=2).split("[M] ")[1].split(")")[0].replace("95% CI ", "") + ")"
    )
    assert all(row[5] for row in made.body if row[0] in ("M", "I", "II+"))
    assert [row[4] for row in made.body][3] != ""
    assert made.footnotes[-1].endswith("levels against a reference that it does not hold.")
    alone = hem.report.table(fit)
    assert [row[0] for row in alone.body] == ["male", "M", "stage", "I", "II+"]
    assert all(row[0] for row in alone.body)


def test_interactions_have_our_names():
    table = WITH_STAGE.select("time", "died", "male", "age").to_pandas()
    fit = from_lifelines(
        quietly(lambda: lifelines.CoxPHFitter().fit(table, "time", "died", formula="male*age"))
    )
    assert set(fit.columns) == {"male[M]", "age", "male[M]:age"}


def test_strata_penalties_and_levels_are_told():
    fitter = lifelines.CoxPHFitter(alpha=0.1, penalizer=0.1)
    fit = from_lifelines(quietly(lambda: fitter.fit(TABLE, "time", "died", strata=["sex", "ecog"])))
    assert fit.columns == ("age",)
    assert fit.method == "lifelines CoxPHFitter, Efron ties, strata sex, ecog, penalizer 0.1"
    assert fit.conf_level == pytest.approx(0.9)
    assert fit.methods().startswith("Hazard ratios were estimated by Cox regression (lifelines CoxPHFitter")
    each = lifelines.CoxPHFitter(penalizer=np.array([0.1, 0.0, 0.2]))
    fit = from_lifelines(quietly(lambda: each.fit(TABLE, "time", "died")))
    assert fit.method.endswith("penalizer of each")
    single = from_lifelines(quietly(lambda: lifelines.CoxPHFitter().fit(TABLE, "time", "died", strata="sex")))
    assert "strata sex" in single.method


@pytest.mark.parametrize("options", [{"robust": True}, {"cluster_col": "ecog"}])
def test_a_robust_variance_keeps_its_standard_errors_and_claims_no_more(options):
    fitter = quietly(lambda: lifelines.CoxPHFitter().fit(TABLE, "time", "died", **options))
    fit = from_lifelines(fitter)
    assert fit.variance == "robust"
    assert_close(fit.std_error, fitter.standard_errors_.to_numpy(), rel=1e-14)
    assert np.isnan(fit.cov[0, 1])
    assert fit.term_tests()["p_value"].null_count() == 0
    formula = quietly(
        lambda: lifelines.CoxPHFitter().fit(TABLE, "time", "died", robust=True, formula="age + C(ecog)")
    )
    assert len(from_lifelines(formula).terms) == 4


@pytest.mark.parametrize(
    ("method", "options", "detail"),
    [
        ("spline", {"n_baseline_knots": 3}, "spline baseline"),
        ("piecewise", {"breakpoints": [0.5, 1.0]}, "piecewise constant baseline"),
    ],
)
@pytest.mark.parametrize("strata", [None, "sex"])
def test_parametric_baselines_of_a_cox_model(method, options, detail, strata):
    fitter = lifelines.CoxPHFitter(baseline_estimation_method=method, **options)
    fit = from_lifelines(quietly(lambda: fitter.fit(TABLE, "time", "died", strata=strata)))
    assert fit.ratio == "hazard ratio"
    assert fit.method.startswith(f"lifelines CoxPHFitter, {detail}")
    assert list(fit.terms) == [name for name in ("age", "sex", "ecog") if name != strata]
    assert len(fit.columns) > len(fit.terms)
    assert fit.to_frame(exponentiate=True).height == len(fit.terms)


def test_covariates_of_a_second_parameter_leave_no_time_ratio():
    fitter = lifelines.WeibullAFTFitter()
    fit = from_lifelines(quietly(lambda: fitter.fit(TABLE, "time", "died", ancillary="age")))
    assert fit.ratio == "scale ratio"
    assert "rho_[age]" in fit.columns
    assert "age" in fit.columns
    assert sorted(fit.terms) == ["age", "ecog", "sex"]
    hazards = from_lifelines(usual("PiecewiseExponentialRegressionFitter"))
    assert (hazards.ratio, hazards.terms) == ("", {})
    assert hazards.columns[:2] == ("lambda_0_[age]", "lambda_0_[sex]")


def test_a_model_of_the_users_own_converts_too():
    class Exponential(ParametricRegressionFitter):
        _fitted_parameter_names = ("rate_",)

        def _cumulative_hazard(self, params, times, Xs):
            from autograd import numpy as anp

            return times * anp.exp(anp.dot(Xs["rate_"], params["rate_"]))

    fitter = quietly(lambda: Exponential().fit(TABLE, "time", "died", regressors={"rate_": "ecog + sex + 1"}))
    fit = from_lifelines(fitter)
    assert (fit.method, fit.ratio) == ("lifelines Exponential", "")
    assert fit.columns == ("rate_[Intercept]", "rate_[ecog]", "rate_[sex]")
    model = {"time": "time", "event": "died", "distribution": "exponential", "scale": "hazard"}
    ours = parametric(LUNG, ["ecog", "sex"], **model)
    assert_close(fit.coef, ours.coef, rel=1e-2)
    assert_close(fit.log_likelihood, ours.log_likelihood, rel=1e-6)
    assert_close(fit.log_likelihood_null, ours.log_likelihood_null, rel=1e-6)


def test_a_model_without_effects_that_lifelines_cannot_fit_is_unknown():
    class Stubborn(lifelines.WeibullAFTFitter):
        def log_likelihood_ratio_test(self):
            raise lifelines.exceptions.ConvergenceError("no")

    fit = from_lifelines(quietly(lambda: Stubborn().fit(TABLE, "time", "died")))
    assert np.isnan(fit.log_likelihood_null)
    assert fit.ratio == "time ratio"


def test_events_of_interval_and_left_censored_times_are_those_that_happened():
    bounds = TABLE[["age", "sex"]].assign(
        low=TABLE["time"], high=np.where(TABLE["died"] == 1, TABLE["time"] * 1.2, np.inf)
    )
    fitter = lifelines.WeibullAFTFitter()
    fit = from_lifelines(quietly(lambda: fitter.fit_interval_censoring(bounds, "low", "high")))
    assert (fit.n, fit.n_event) == (227, 164)
    left = lifelines.WeibullAFTFitter()
    fit = from_lifelines(quietly(lambda: left.fit_left_censoring(TABLE, "time", "died")))
    assert (fit.n, fit.n_event) == (227, 227)


def test_patients_of_start_stop_rows_are_counted_once():
    halves = pd.concat(
        [
            START_STOP.assign(time=START_STOP["time"] / 2, died=0.0),
            START_STOP.assign(start=START_STOP["time"] / 2),
        ]
    )
    fitter = lifelines.CoxTimeVaryingFitter()
    columns = {"id_col": "id", "event_col": "died", "start_col": "start", "stop_col": "time"}
    fit = from_lifelines(quietly(lambda: fitter.fit(halves, **columns)))
    assert (fit.n, fit.n_event) == (227, 164)
    assert_close(fit.coef, from_lifelines(usual("CoxTimeVaryingFitter")).coef, rel=1e-8)


def test_says_nothing_where_lifelines_would_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in REGRESSIONS:
            from_lifelines(usual(name))


def test_a_converted_fit_has_no_design():
    fit = from_lifelines(usual("CoxPHFitter"))
    assert_refused(fit.nonlinearity, argument="fit", says=["a slim or converted fit"])


def test_refuses_what_is_not_a_fitted_regression():
    assert_refused(
        lambda: from_lifelines(LUNG), argument="fitter",
        says=["a DataFrame was given", "a fitted regression of lifelines", "fitter.fit("],
    )  # fmt: skip
    assert_refused(
        lambda: from_lifelines(lifelines.CoxPHFitter), argument="fitter",
        says=["a CoxPHFitter (a class, not fitted)"],
    )  # fmt: skip
    assert_refused(
        lambda: from_lifelines(lifelines.KaplanMeierFitter()), argument="fitter",
        says=["a KaplanMeierFitter was given", "hem.survival.from_lifelines(fitter)"],
    )  # fmt: skip
    for cls in (lifelines.CoxPHFitter, lifelines.CoxTimeVaryingFitter, lifelines.WeibullAFTFitter):
        assert_refused(
            lambda cls=cls: from_lifelines(cls()), argument="fitter",
            says=[f"the {cls.__name__} has not been fitted", "fitter.fit("],
        )  # fmt: skip


def test_additive_hazards_become_cumulative_coefficients():
    fitter = lifelines.AalenAdditiveFitter(coef_penalizer=1.0, alpha=0.1)
    quietly(lambda: fitter.fit(TABLE, "time", "died"))
    converted = from_lifelines(fitter)
    frame = converted.to_frame()
    assert frame["term"].unique(maintain_order=True).to_list()[-1] == "intercept"
    for name in fitter.cumulative_hazards_.columns:
        own = frame.filter(pl.col("term") == ("intercept" if name == "Intercept" else name))
        assert own["time"].to_list() == fitter.cumulative_hazards_.index.to_list()
        assert own["estimate"].to_list() == fitter.cumulative_hazards_[name].to_list()
        limits = fitter.confidence_intervals_
        low, high = (limits.xs(kind)[name].to_numpy() for kind in limits.index.levels[0])
        assert np.allclose(own["conf_low"], np.minimum(low, high))
        assert np.allclose(own["conf_high"], np.maximum(low, high))
    assert converted.conf_level == 0.9
    assert converted.n == len(TABLE)
    assert_refused(
        lambda: from_lifelines(lifelines.AalenAdditiveFitter()), argument="fitter", says=["not been fitted"]
    )


def test_what_a_converted_fit_does_not_have_is_refused_with_who_has_it():
    fit = from_lifelines(usual("CoxPHFitter"))
    for call, what in (
        (lambda: fit.predict(LUNG, times=[12]), "predictions"),
        (lambda: fit.curves(LUNG), "predicted curves"),
        (lambda: fit.adjusted("sex"), "standardised curves"),
    ):
        refusal = assert_refused(call, argument="fit", says=[f"no {what} of Cox regression (lifelines"])
        assert "fitter.predict_survival_function(rows)" in refusal.remedy
    refusal = assert_refused(lambda: contrast(fit, {"age": 70}, {"age": 60}), argument="fit")
    assert refusal.remedy == "hem.regression.cox(...) on the data"
    own = parametric(LUNG, ["age", "sex"], time="time", event="died", distribution="weibull")
    refusal = assert_refused(
        lambda: own.curves(LUNG), argument="fit", says=["no predicted curves of Weibull"]
    )
    assert refusal.remedy.startswith("fit.predict(new_data, times=")
    refusal = assert_refused(lambda: own.adjusted("sex"), argument="fit")
    assert refusal.remedy == "hem.regression.cox(...), which has them"
