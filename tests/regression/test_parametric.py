"""Parametric survival models against R, by hand, against likelihoods written anew, and by what must hold."""

from __future__ import annotations

import warnings
from typing import Any

import lifelines
import numpy as np
import polars as pl
import pytest
from reference_cases import assert_close, load_dataset, load_reference, reference_cases
from scipy import stats
from scipy.optimize import minimize
from scipy.special import log_ndtr

import hemresearch as hem
from hemresearch.numerics.distributions import DISTRIBUTIONS
from hemresearch.numerics.parametric import likelihood
from hemresearch.regression import ParametricFit, parametric

NAMES = {"lognormal": "log-normal", "loglogistic": "log-logistic"}
ALL = tuple(DISTRIBUTIONS)
LUNG = (
    load_dataset("lung")
    .drop_nulls("ph.ecog")
    .select("time", "age", "sex", ecog="ph.ecog", died=pl.col("status") == 2)
)


def fit_case(case: Any, **options: Any) -> ParametricFit:
    """The model of a reference case."""
    o = case.options
    outcome = (
        {"time": case.role("time"), "event": case.role("event")}
        if "time" in o
        else {"left": case.role("lower"), "right": case.role("upper")}
    )
    return parametric(
        case.data,
        " + ".join(term.replace("factor(", "C(") for term in o["terms"]),
        distribution=NAMES.get(o["distribution"], o["distribution"]),
        strata=case.role("strata"),
        weights=case.role("weights"),
        cluster=case.role("cluster"),
        robust="cluster" in o,
        **outcome,
        **options,
    )


@pytest.mark.parametrize("case_id", reference_cases("aft", "aft_"))
def test_matches_survreg(case_id):
    case = load_reference("aft", case_id)
    fit, values = fit_case(case), case.values
    n = len(values["coef"])
    assert_close(fit.coef[:n], list(values["coef"].values()), rel=1e-6)
    if fit.family.ancillary:
        scale = values["scale"]
        wanted = list(scale.values()) if isinstance(scale, dict) else [scale]
        assert_close(np.exp(fit.coef[n:]), wanted, rel=1e-6)
    assert_close(fit.std_error, list(values["se"].values()), rel=1e-6)
    assert_close(fit.cov, values["var"], rel=1e-6, at_zero=1e-9)
    assert_close([fit.log_likelihood_null, fit.log_likelihood], values["loglik"], rel=1e-9)
    assert_close(fit.aic, values["aic"], rel=1e-9)
    tests = fit.tests().row(0, named=True)
    assert_close(tests["statistic"], values["lr_chisq"], rel=1e-6)
    if "naive_se" in values:
        assert_close(np.sqrt(np.diag(fit.cov_model)), list(values["naive_se"].values()), rel=1e-6)


@pytest.mark.parametrize("case_id", reference_cases("aft", "aft_bmt", "aft_bcdeter_weibull"))
def test_quantiles_and_predictors_match_survreg(case_id):
    case = load_reference("aft", case_id)
    fit, values = fit_case(case), case.values
    new = pl.DataFrame(case.options["predict_at"])
    quantiles = fit.predict(new, kind="quantile", probability=case.options["quantile_p"])
    shape = (new.height, -1)
    assert_close(
        quantiles["estimate"].to_numpy().reshape(shape), values["predicted_quantiles"]["quantile"], 1e-6
    )
    assert_close(quantiles["std_error"].to_numpy().reshape(shape), values["predicted_quantiles"]["se"], 1e-6)
    predictors = fit.predict(new, kind="linear predictor")
    assert_close(predictors["estimate"], values["predicted_lp"]["lp"], rel=1e-6)
    assert_close(predictors["std_error"], values["predicted_lp"]["se"], rel=1e-6)


RESIDUALS = [
    (case_id, kind)
    for case_id in reference_cases("aft", "aft_")
    for kind in ("response", "deviance", "working", "dfbeta")
    if f"residual_{kind}" in load_reference("aft", case_id).values
]


@pytest.mark.parametrize(("case_id", "kind"), RESIDUALS)
def test_residuals_match_survreg(case_id, kind):
    case = load_reference("aft", case_id)
    fit = fit_case(case)
    values = case.values[f"residual_{kind}"]
    own = fit.residuals(kind).drop("row").to_numpy()
    if "bcdeter" in case_id:
        own = as_r_has_it(fit, kind, own)
    assert_close(own[:6], values["first"], rel=1e-6)
    assert_close((own**2).sum(axis=0), values["colsumsq"], rel=1e-6)


def as_r_has_it(fit: ParametricFit, kind: str, own: np.ndarray) -> np.ndarray:
    """R's residuals of interval-censored rows, which are not what they are meant to be.

    residuals.survreg (survival 3.5-3) has the derivative by log(scale) of an interval with the wrong sign, so
    that its scores (and dfbeta) do not add up to 0 at the maximum. For extreme values,
    survreg.distributions$extreme$deviance takes exp(-exp(width)) for exp(-width) in the largest likelihood
    of an interval, and leaves out the scale in where this is reached.
    """
    rows = fit.sample.rows
    interval = rows.kind == 3
    sigma = np.exp(fit.coef[-1])
    predictor = fit.design.matrix @ fit.coef[:-1]
    if kind == "dfbeta":
        scores = own @ np.linalg.inv(fit.cov_model)
        np.testing.assert_allclose(scores.sum(axis=0), 0, atol=1e-8)
        scores[interval, -1] *= -1
        return scores @ fit.cov_model
    if fit.distribution == "weibull" and kind in ("deviance", "response"):
        width = np.log(rows.high[interval] / rows.low[interval]) / sigma
        ratio = width / np.expm1(width)
        own = own.copy()
        if kind == "response":
            own[interval, 0] = rows.low[interval] / ratio - np.exp(predictor[interval])
        else:
            largest = -ratio + np.log(-np.expm1(-width))
            theirs = -ratio + np.log(-np.expm1(-np.exp(width)))
            squared = own[interval, 0] ** 2 + 2 * (theirs - largest)
            own[interval, 0] = np.sign(own[interval, 0]) * np.sqrt(squared)
    return own


@pytest.mark.parametrize("case_id", reference_cases("flexsurv"))
def test_matches_flexsurv(case_id):
    """Where flexsurv's optimiser stops, its likelihood is flat, and one Newton step leads to ours."""
    case = load_reference("flexsurv", case_id)
    o, values = case.options, case.values
    fit = parametric(case.data, o["terms"], time=o["time"], event="censrec", distribution=o["distribution"])
    theirs = from_flexsurv(values, fit)
    assert_close(fit.log_likelihood, values["loglik"], rel=1e-12)
    assert_close(fit.aic, values["aic"], rel=1e-12)
    assert (np.abs(fit.coef - theirs) < 2e-5 * fit.std_error).all()
    assert_close(fit.std_error, from_flexsurv(values | {"coef_t": values["se_t"]}, fit, sign=1), rel=1e-4)
    rows, n = fit.sample.rows, len(fit.sample.y)
    designs = (fit.design.matrix, *[np.ones((n, 1))] * len(fit.family.ancillary))
    value, score, information = likelihood(fit.family, rows, designs, np.zeros(n))(theirs)
    assert value <= fit.log_likelihood + 1e-10
    np.testing.assert_allclose(theirs + np.linalg.solve(information, score), fit.coef, rtol=1e-7)
    new = pl.DataFrame({"group": ["Good", "Medium", "Poor"]})
    for kind, name in (("survival", "survival"), ("hazard", "hazard"), ("cumulative hazard", "cumhaz")):
        estimate = fit.predict(new, times=o["times"], kind=kind)["estimate"].to_numpy().reshape(3, -1)
        wanted = [values["predictions"][name][f"group={g}"] for g in new["group"]]
        assert_close(estimate, wanted, rel=2e-5)  # the first hazards are 1e-5, and Q is 2e-6 off


def from_flexsurv(values: dict[str, Any], fit: ParametricFit, sign: int = -1) -> np.ndarray:
    """Coefficients of flexsurv under our names: its log-logistic shape is 1/scale."""
    by_name = dict(zip(values["names"], values["coef_t"], strict=True))
    location = {"gompertz": "rate", "log-logistic": "scale"}.get(fit.distribution, "mu")
    names = [location, "groupMedium", "groupPoor"]
    ancillary = {"generalised-gamma": ["sigma", "Q"]}.get(fit.distribution, ["shape"])
    found = np.array([by_name[name] for name in names + ancillary])
    if fit.distribution == "log-logistic":
        found[-1] *= sign
    return found


# Likelihoods written anew, row by row, and maximised by a general optimiser.


def log_survival(name: str, t: np.ndarray, eta: np.ndarray, a: np.ndarray) -> np.ndarray:
    if name == "gompertz":
        return -np.exp(eta) * (np.exp(a[0] * t) - 1) / a[0]
    w = (np.log(t) - eta) / (np.exp(a[0]) if len(a) else 1.0)
    if name in ("exponential", "weibull"):
        return -np.exp(w)
    if name == "log-logistic":
        return -np.log(1 + np.exp(w))
    if name == "log-normal":
        return log_ndtr(-w)
    scale = np.exp(eta) * (a[1] ** -2.0) ** (-np.exp(a[0]) / a[1])
    return stats.gengamma.logsf(t, a[1] ** -2.0, a[1] / np.exp(a[0]), scale=scale)


def log_density(name: str, t: np.ndarray, eta: np.ndarray, a: np.ndarray) -> np.ndarray:
    if name == "gompertz":
        return eta + a[0] * t + log_survival(name, t, eta, a)
    sigma = np.exp(a[0]) if len(a) else 1.0
    if name in ("exponential", "weibull"):
        return stats.weibull_min.logpdf(t, 1 / sigma, scale=np.exp(eta))
    if name == "log-logistic":
        return stats.fisk.logpdf(t, 1 / sigma, scale=np.exp(eta))
    if name == "log-normal":
        return stats.lognorm.logpdf(t, sigma, scale=np.exp(eta))
    scale = np.exp(eta) * (a[1] ** -2.0) ** (-sigma / a[1])
    return stats.gengamma.logpdf(t, a[1] ** -2.0, a[1] / sigma, scale=scale)


def late_entry() -> pl.DataFrame:
    entry = np.where(np.arange(LUNG.height) % 3 == 0, np.minimum(60.0, LUNG["time"].to_numpy() - 1), 0.0)
    return LUNG.with_columns(
        entry=pl.Series(entry), age=pl.col("age") / 10, years=pl.col("time") / 365.25
    ).with_columns(entry=pl.col("entry") / 365.25)


@pytest.mark.parametrize("name", ALL)
def test_is_the_maximum_of_a_likelihood_written_anew(name):
    data = late_entry()
    fit = parametric(data, ["age", "ecog"], time="years", event="died", entry="entry", distribution=name)
    x = np.column_stack([np.ones(data.height), data["age"], data["ecog"]])
    t, event, entry = (data[c].to_numpy() for c in ("years", "died", "entry"))
    late = entry > 0

    def loss(theta: np.ndarray) -> float:
        eta, a = x @ theta[:3], theta[3:]
        dead = log_density(name, t[event], eta[event], a).sum()
        alive = log_survival(name, t[~event], eta[~event], a).sum()
        return -(dead + alive - log_survival(name, entry[late], eta[late], a).sum())

    assert -loss(fit.coef) == pytest.approx(fit.log_likelihood, abs=1e-9)
    found = minimize(
        lambda z: loss(fit.coef + z * fit.std_error), np.full(len(fit.coef), 0.1), method="BFGS",
        jac="3-point", options={"gtol": 1e-7},
    )  # fmt: skip
    assert -found.fun <= fit.log_likelihood + 1e-10
    assert (np.abs(found.x) < 1e-6).all()
    steps = 1e-3 * fit.std_error
    moved = [[loss(fit.coef + s * steps * np.eye(len(steps))[j]) for s in (-1, 1)] for j in range(len(steps))]
    bent = (np.sum(moved, axis=1) - 2 * loss(fit.coef)) / steps**2
    np.testing.assert_allclose(np.diag(np.linalg.inv(fit.cov)), bent, rtol=1e-3)


# By hand.


def test_an_exponential_rate_is_events_over_person_time():
    data = pl.DataFrame(
        {"t": [4.0, 7.0, 10.0, 3.0, 8.0], "e": [1, 0, 1, 1, 0], "in": [0.0, 2.0, 5.0, 0.0, 1.0],
         "arm": ["A", "A", "A", "B", "B"]}
    )  # fmt: skip
    fit = parametric(data, time="t", event="e", entry="in", distribution="exponential")
    rate = 3 / (4 + 5 + 5 + 3 + 7)
    assert_close(fit.coef, [-np.log(rate)], rel=1e-12)
    assert_close(fit.std_error, [1 / np.sqrt(3)], rel=1e-10)
    assert_close(fit.log_likelihood, 3 * np.log(rate) - 3, rel=1e-12)
    arms = parametric(
        data, ["arm"], time="t", event="e", entry="in", distribution="exponential", scale="hazard"
    )
    assert arms.columns == ("intercept", "arm[B]")
    assert_close(arms.coef, [np.log(2 / 14), np.log((1 / 10) / (2 / 14))], rel=1e-12)
    assert_close(arms.std_error, [np.sqrt(1 / 2), np.sqrt(1 / 2 + 1)], rel=1e-10)
    assert_close(arms.log_likelihood_null, fit.log_likelihood, rel=1e-12)


def test_uncensored_log_normal_times_have_the_mean_and_spread_of_their_logarithms():
    t = np.array([1.0, 2.0, 5.0, 9.0, 20.0])
    data = pl.DataFrame({"t": t, "e": [1] * 5})
    fit = parametric(data, time="t", event="e", distribution="log-normal")
    assert_close(fit.coef, [np.log(t).mean(), np.log(np.log(t).std())], rel=1e-10)
    assert_close(fit.std_error, [np.log(t).std() / np.sqrt(5), 1 / np.sqrt(10)], rel=1e-10)


def test_two_groups_with_scales_of_their_own_are_two_fits_when_their_means_differ_too():
    model = {"time": "time", "event": "died", "distribution": "weibull"}
    both = parametric(LUNG, "C(sex)", strata="sex", **model)
    assert both.columns == ("intercept", "sex[2]", "log(scale)[sex=1]", "log(scale)[sex=2]")
    assert both.method == "accelerated failure time, scale by sex"
    alone = [parametric(LUNG.filter(pl.col("sex") == s), **model) for s in (1, 2)]
    assert_close(both.coef[0], alone[0].coef[0], rel=1e-9)
    assert_close(both.coef[0] + both.coef[1], alone[1].coef[0], rel=1e-9)
    assert_close(both.coef[2:], [f.coef[1] for f in alone], rel=1e-8)
    assert_close(both.log_likelihood, sum(f.log_likelihood for f in alone), rel=1e-12)


def test_current_status_of_an_exponential_time():
    # 6 of 10 had the event by time 2: the rate is -log(0.4)/2
    data = pl.DataFrame({"l": [None] * 6 + [2.0] * 4, "r": [2.0] * 6 + [None] * 4})
    fit = parametric(data, left="l", right="r", distribution="exponential", scale="hazard")
    assert_close(np.exp(fit.coef), [-np.log(0.4) / 2], rel=1e-10)
    assert (fit.n, fit.n_event) == (10, 6)


# Special cases of each other.


def test_the_exponential_is_the_weibull_with_scale_1_and_gompertz_without_slope():
    model = {"time": "time", "event": "died"}
    fit = parametric(LUNG, ["age"], distribution="exponential", **model)
    hazard = parametric(LUNG, ["age"], distribution="exponential", scale="hazard", **model)
    assert_close(hazard.coef, -fit.coef, rel=1e-14)
    assert_close(hazard.cov, fit.cov, rel=1e-14)
    for name, theta in (("weibull", [*fit.coef, 0.0]), ("gompertz", [*hazard.coef, 0.0])):
        n = LUNG.height
        x = np.column_stack([np.ones(n), LUNG["age"]])
        value = likelihood(DISTRIBUTIONS[name], fit.sample.rows, (x, np.ones((n, 1))), np.zeros(n))
        assert value(np.array(theta))[0] == pytest.approx(fit.log_likelihood, rel=1e-13)


def test_the_generalised_gamma_holds_the_weibull_and_the_log_normal():
    n, x = LUNG.height, np.column_stack([np.ones(LUNG.height), LUNG["age"]])
    wide = parametric(LUNG, ["age"], time="time", event="died", distribution="generalised-gamma")
    assert wide.columns == ("intercept", "age", "log(scale)", "shape")
    one = np.ones((n, 1))
    value = likelihood(DISTRIBUTIONS["generalised-gamma"], wide.sample.rows, (x, one, one), np.zeros(n))
    for name, shape in (("log-normal", 0.0), ("weibull", 1.0)):
        fit = parametric(LUNG, ["age"], time="time", event="died", distribution=name)
        assert value(np.append(fit.coef, shape))[0] == pytest.approx(fit.log_likelihood, rel=1e-12)
        assert fit.log_likelihood < wide.log_likelihood


@pytest.mark.parametrize("truth", [-0.8, 0.0, 1.0, 2.0])
def test_the_generalised_gamma_finds_its_shape(truth):
    rng = np.random.default_rng(5)
    n = 3000
    x = rng.normal(size=n)
    w = rng.normal(size=n) if truth == 0 else np.log(rng.gamma(truth**-2, size=n) * truth**2) / truth
    t = np.exp(1 + 0.5 * x + 0.7 * w)
    stop = rng.exponential(10, n)
    data = pl.DataFrame({"x": x, "t": np.minimum(t, stop), "e": t <= stop})
    fit = parametric(data, ["x"], time="t", event="e", distribution="generalised-gamma")
    expected = np.array([1, 0.5, np.log(0.7), truth])
    assert (np.abs(fit.coef - expected) < 3.5 * fit.std_error).all()


def test_weibull_hazard_ratios_follow_from_time_ratios():
    model = {"time": "time", "event": "died", "distribution": "weibull"}
    aft = parametric(LUNG, ["age", "sex"], **model)
    ph = parametric(LUNG, ["age", "sex"], scale="hazard", **model)
    assert ph.columns == ("intercept", "age", "sex", "log(shape)")
    assert (ph.ratio, ph.method) == ("hazard ratio", "proportional hazards")
    sigma = np.exp(aft.coef[-1])
    assert_close(ph.coef, [*(-aft.coef[:3] / sigma), -aft.coef[-1]], rel=1e-12)
    assert ph.log_likelihood == aft.log_likelihood

    def transformed(theta: np.ndarray) -> np.ndarray:
        return np.append(-theta[:3] / np.exp(theta[3]), -theta[3])

    step = 1e-6
    columns = [
        (transformed(aft.coef + step * e) - transformed(aft.coef - step * e)) / (2 * step) for e in np.eye(4)
    ]
    jacobian = np.array(columns).T
    np.testing.assert_allclose(ph.cov, jacobian @ aft.cov @ jacobian.T, rtol=1e-7, atol=1e-12)
    dfbeta = ph.residuals("dfbeta").drop("row").to_numpy()
    np.testing.assert_allclose(dfbeta.sum(axis=0), 0, atol=1e-8)
    new = LUNG.head(3)
    assert_close(
        ph.predict(new, times=[100])["estimate"], aft.predict(new, times=[100])["estimate"], rel=1e-14
    )
    predictor = ph.predict(new, kind="linear predictor")["estimate"]
    assert_close(predictor, ph.coef[0] + new.select("age", "sex").to_numpy() @ ph.coef[1:3], rel=1e-12)


# What must hold for every distribution.


@pytest.fixture(scope="module")
def usual() -> dict[str, ParametricFit]:
    """A fit of each distribution, made once."""
    return {
        name: parametric(LUNG, ["age", "sex"], time="time", event="died", distribution=name) for name in ALL
    }


@pytest.mark.parametrize("name", ALL)
def test_units_of_covariates_and_of_time_do_not_matter(name, usual):
    moved = LUNG.with_columns(
        age=pl.col("age") * 1e-9 + 1e6 * 1e-9, sex=pl.col("sex") * 1e9 + 1e6, time=pl.col("time") * 1e5
    )
    fit = parametric(moved, ["age", "sex"], time="time", event="died", distribution=name)
    per_unit = np.array([1e-9, 1e9])
    assert_close(fit.coef[1:3] * per_unit, usual[name].coef[1:3], rel=1e-6)
    assert_close(fit.std_error[1:3] * per_unit, usual[name].std_error[1:3], rel=1e-6)
    jacobian = LUNG["died"].sum() * np.log(1e5)
    assert_close(fit.log_likelihood, usual[name].log_likelihood - jacobian, rel=1e-9)


@pytest.mark.parametrize("name", ALL)
def test_the_order_of_rows_does_not_matter_and_a_weight_is_so_many_patients(name):
    rng = np.random.default_rng(3)
    data = LUNG.head(80).with_columns(w=pl.Series(rng.integers(0, 3, 80)), id=pl.int_range(80))
    model = {"time": "time", "event": "died", "distribution": name}
    weighted = parametric(data, ["age"], weights="w", **model)
    assert weighted.variance == "model-based"
    repeated = data.select(pl.all().repeat_by("w").explode()).sample(fraction=1, shuffle=True, seed=1)
    plain = parametric(repeated, ["age"], **model)
    assert_close(weighted.coef, plain.coef, rel=1e-6)
    assert_close(weighted.cov, plain.cov, rel=1e-6)
    assert_close(weighted.log_likelihood, plain.log_likelihood, rel=1e-10)
    robust = parametric(data, ["age"], weights="w", robust=True, **model)
    clustered = parametric(repeated, ["age"], cluster="id", **model)
    assert robust.variance == clustered.variance == "robust"
    assert_close(robust.cov, clustered.cov, rel=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_follow_up_cut_in_two_is_the_same_follow_up(name, usual):
    data = LUNG.with_row_index("id").with_columns(entry=pl.lit(0.0))
    late = data.filter(pl.col("time") > 200).with_columns(entry=pl.lit(200.0))
    early = data.with_columns(
        died=pl.col("died") & (pl.col("time") <= 200), time=pl.col("time").clip(upper_bound=200)
    )
    cut = parametric(
        pl.concat([early, late]),
        ["age", "sex"],
        time="time",
        event="died",
        entry="entry",
        id="id",
        distribution=name,
    )
    assert_close(cut.coef, usual[name].coef, rel=1e-6)
    assert_close(cut.cov, usual[name].cov, rel=1e-6, at_zero=1e-9)
    assert (cut.n, cut.n_event) == (usual[name].n, usual[name].n_event)
    assert_close(cut.log_likelihood, usual[name].log_likelihood, rel=1e-10)
    half = parametric(
        pl.concat([early, late]), ["age", "sex"], time="time", event="died", entry="entry", id="id",
        distribution=name, robust=True,
    )  # fmt: skip
    whole = parametric(LUNG, ["age", "sex"], time="time", event="died", distribution=name, robust=True)
    assert_close(half.cov, whole.cov, rel=1e-6, at_zero=1e-9)


@pytest.mark.parametrize("name", ALL)
def test_an_offset_takes_its_part_of_the_predictor(name, usual):
    part = 0.01 * (LUNG["age"] - 60)
    data = LUNG.with_columns(off=part + 5)
    fit = parametric(data, ["age", "sex"], time="time", event="died", distribution=name, offset="off")
    moved = usual[name].coef.copy()
    moved[0] -= 5 - 0.6
    moved[1] -= 0.01
    assert_close(fit.coef, moved, rel=1e-6)
    assert_close(fit.log_likelihood, usual[name].log_likelihood, rel=1e-10)
    new = data.head(4)
    for kind in ("survival", "quantile"):
        own, other = (f.predict(new, kind=kind, times=[100]) for f in (fit, usual[name]))
        assert_close(own["estimate"], other["estimate"], rel=1e-6)


def test_an_offset_in_all_of_the_effect_leaves_the_effect_0():
    fit = parametric(LUNG, ["age"], time="time", event="died", distribution="weibull")
    data = LUNG.with_columns(off=pl.col("age") * fit.coef[1])
    rest = parametric(data, ["age"], time="time", event="died", distribution="weibull", offset="off")
    assert abs(rest.coef[1]) < 1e-9
    assert rest.tests()["statistic"][0] < 1e-9


@pytest.mark.parametrize("name", ALL)
def test_exact_and_right_censored_intervals_are_times_and_events(name, usual):
    data = LUNG.with_columns(right=pl.when(pl.col("died")).then("time"))
    fit = parametric(data, ["age", "sex"], left="time", right="right", distribution=name)
    assert_close(fit.coef, usual[name].coef, rel=1e-9)
    assert_close(fit.log_likelihood, usual[name].log_likelihood, rel=1e-12)
    assert (fit.n, fit.n_event) == (usual[name].n, usual[name].n_event)


@pytest.mark.parametrize("name", ALL)
def test_the_robust_variance_is_made_of_the_dfbetas(name):
    fit = parametric(LUNG, ["age", "sex"], time="time", event="died", distribution=name, robust=True)
    dfbeta = fit.residuals("dfbeta").drop("row").to_numpy()
    np.testing.assert_allclose(dfbeta.T @ dfbeta, fit.cov, rtol=1e-7, atol=1e-14)
    assert fit.variance == "robust"


def test_dfbeta_is_about_what_leaving_a_row_out_does():
    model = {"time": "time", "event": "died", "distribution": "weibull"}
    fit = parametric(LUNG, ["age"], **model)
    rows = LUNG.with_row_index("i")
    for i in (0, 50, 120):
        without = parametric(rows.filter(pl.col("i") != i), ["age"], **model)
        moved = fit.coef - without.coef
        dfbeta = np.array(fit.residuals("dfbeta").row(i)[1:])
        np.testing.assert_allclose(dfbeta, moved, rtol=0.1, atol=2e-4 * np.abs(fit.coef).max())


@pytest.mark.parametrize("name", ["exponential", "weibull", "gompertz"])
def test_martingale_residuals_of_a_proportional_model_add_up_to_0(name, usual):
    fit = usual[name]
    martingale = fit.residuals("martingale")["residual"].to_numpy()
    assert martingale.sum() == pytest.approx(0, abs=1e-8)
    snell = fit.residuals("cox-snell")["residual"].to_numpy()
    np.testing.assert_allclose(LUNG["died"].to_numpy() - snell, martingale, rtol=1e-12)
    survival = [
        fit.predict(LUNG[i], times=[LUNG["time"][i]], kind="cumulative hazard")["estimate"][0] for i in (0, 7)
    ]
    assert_close(snell[[0, 7]], survival, rel=1e-12)


@pytest.mark.parametrize("name", ALL)
def test_a_censored_row_lacks_its_cumulative_hazard_of_likelihood(name, usual):
    fit, died = usual[name], LUNG["died"].to_numpy()
    deviance = fit.residuals("deviance")["residual"].to_numpy()
    snell = fit.residuals("cox-snell")["residual"].to_numpy()
    np.testing.assert_allclose(deviance[~died] ** 2, 2 * snell[~died], rtol=1e-10)
    side = -1 if fit.ratio == "hazard ratio" else 1  # a long life speaks for a lower hazard
    assert (side * deviance[~died] > 0).all()
    assert len(set(np.sign(deviance[died]))) == 2


def test_cox_snell_residuals_with_delayed_entry_count_from_entry():
    data = late_entry()
    fit = parametric(data, time="years", event="died", entry="entry", distribution="exponential")
    expected = (data["years"] - data["entry"]) * np.exp(-fit.coef[0])
    assert_close(fit.residuals("cox-snell")["residual"], expected, rel=1e-12)


def test_residuals_name_the_rows_of_the_data():
    data = LUNG.with_columns(age=pl.when(pl.int_range(pl.len()) == 1).then(None).otherwise("age"))
    fit = parametric(data, ["age"], time="time", event="died", distribution="weibull", missing="drop")
    assert fit.n_dropped == 1
    residuals = fit.residuals("deviance")
    assert residuals["row"].to_list()[:3] == [1, 3, 4]
    assert residuals.columns == ["row", "residual"]
    assert fit.residuals("dfbeta").columns == ["row", *fit.columns]


# Peers.

AFT = {
    "weibull": lifelines.WeibullAFTFitter,
    "log-normal": lifelines.LogNormalAFTFitter,
    "log-logistic": lifelines.LogLogisticAFTFitter,
}


@pytest.mark.parametrize("name", AFT)
@pytest.mark.parametrize("outcome", ["right", "entry", "interval"])
def test_agrees_with_lifelines(name, outcome):
    data = late_entry().with_columns(high=pl.when("died").then(pl.col("years") * 1.2))
    frame = data.select("years", "died", "age", "sex").to_pandas().astype(float)
    peer = AFT[name](penalizer=0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if outcome == "interval":
            frame = frame.drop(columns="died").assign(
                high=data["high"].fill_null(np.inf).to_numpy(), died=0.0
            )
            peer.fit_interval_censoring(frame.drop(columns="died"), "years", "high")
            fit = parametric(data, ["age", "sex"], left="years", right="high", distribution=name)
        elif outcome == "entry":
            frame["entry"] = data["entry"].to_numpy()
            peer.fit(frame, "years", "died", entry_col="entry")
            fit = parametric(
                data, ["age", "sex"], time="years", event="died", entry="entry", distribution=name
            )
        else:
            peer.fit(frame, "years", "died")
            fit = parametric(data, ["age", "sex"], time="years", event="died", distribution=name)
    first = {"weibull": "lambda_", "log-normal": "mu_", "log-logistic": "alpha_"}[name]
    theirs = peer.params_[first]
    apart = fit.coef[:3] - theirs[["Intercept", "age", "sex"]].to_numpy()
    assert (np.abs(apart) < 0.01 * fit.std_error[:3]).all()  # lifelines stops early
    assert peer.log_likelihood_ - 1e-9 <= fit.log_likelihood < peer.log_likelihood_ + 1e-4
    np.testing.assert_allclose(
        fit.std_error[:3], peer.standard_errors_[first][["Intercept", "age", "sex"]], rtol=2e-3
    )


def test_agrees_with_lifelines_on_the_generalised_gamma():
    peer = lifelines.GeneralizedGammaFitter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer.fit(LUNG["time"].to_numpy().astype(float), LUNG["died"].to_numpy())
    fit = parametric(LUNG, time="time", event="died", distribution="generalised-gamma")
    assert_close(fit.coef, [peer.mu_, peer.ln_sigma_, peer.lambda_], rel=1e-3)
    assert fit.log_likelihood >= peer.log_likelihood_ - 1e-9
    assert fit.log_likelihood == pytest.approx(peer.log_likelihood_, abs=1e-4)


# The result.


def test_the_result_tells_what_was_fitted(usual):
    fit = usual["weibull"]
    assert isinstance(fit, hem.results.Fit)
    assert list(fit.terms) == ["age", "sex"]
    assert repr(fit).splitlines() == [
        "Weibull regression: n=227, events=164",
        *repr(fit).splitlines()[1:5],
        f"log-likelihood {fit.log_likelihood:.6g} (null {fit.log_likelihood_null:.6g}); "
        "accelerated failure time, model-based variance, 95% limits",
    ]
    natural = fit.to_frame(exponentiate=True)
    assert natural["term"].to_list() == ["age", "sex"]
    assert_close(natural["estimate"], np.exp(fit.coef[1:3]), rel=1e-14)
    assert fit.text("sex").startswith("time ratio of sex ")
    assert fit.methods() == (
        "Time ratios were estimated by Weibull regression (accelerated failure time) on age, sex, with 95% "
        "confidence limits from the model-based variance."
    )
    tests = fit.tests()
    assert tests["test"].to_list() == ["likelihood ratio", "Wald"]
    assert tests["df"].to_list() == [2, 2]
    assert_close(tests["statistic"][0], 2 * (fit.log_likelihood - fit.log_likelihood_null), rel=1e-12)
    assert_close(fit.bic, -2 * fit.log_likelihood + 4 * np.log(227), rel=1e-14)  # as BIC(survreg(...))


def test_without_covariates_there_are_no_effects():
    for nothing in (None, []):
        fit = parametric(LUNG, nothing, time="time", event="died", distribution="weibull")
        assert fit.columns == ("intercept", "log(scale)")
        assert fit.terms == {}
        assert fit.log_likelihood == fit.log_likelihood_null
        assert fit.tests()["df"].to_list() == [0, 0]
        assert fit.predict(LUNG.head(2), times=[100]).height == 2


def test_a_slim_fit_keeps_its_numbers(usual):
    slim = usual["gompertz"].slim()
    assert slim.sample is None
    assert slim.to_frame().equals(usual["gompertz"].to_frame())


def test_a_lazy_frame_and_expressions_are_data_too(usual):
    fit = parametric(
        LUNG.lazy(),
        [pl.col("age"), pl.col("sex")],
        time=pl.col("time") * 1.0,
        event=pl.col("died"),
        distribution="weibull",
    )
    assert_close(fit.coef, usual["weibull"].coef, rel=1e-12)
    single = parametric(LUNG, pl.col("age"), time="time", event="died", distribution="weibull")
    assert list(single.terms) == ["age"]
