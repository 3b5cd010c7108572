"""Firth's Cox regression: R's coxphf, independent maximisation, and solutions by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from cox_cases import by_name, formula, matrix
from reference_cases import assert_close, reference_cases
from refusals import assert_refused, assert_warns
from scipy.optimize import brentq, minimize

from hemresearch.errors import ConvergenceError
from hemresearch.numerics.newton import maximize
from hemresearch.regression import FirthFit, compare, cox, firth_cox

ROLES = {"time": "t", "event": "e"}
# One event among two at risk: the penalised likelihood is b / 2 - 2 log(1 + e^b) + a constant.
TWO = pl.DataFrame({"t": [1, 2], "e": [1, 0], "x": [0, 1]})


def cohort(seed, n=24):
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "t": rng.integers(3, 12, n).astype(float),
            "e": rng.random(n) < 0.6,
            "t0": rng.integers(0, 3, n).astype(float),
            "x": rng.normal(size=n),
            "z": rng.integers(0, 2, n),
            "centre": rng.integers(0, 2, n),
            "w": rng.integers(1, 4, n),
        }
    )


@pytest.mark.parametrize("case_id", reference_cases("cox", "cox_firth"))
def test_matches_r(reference, case_id):
    case = reference("cox", case_id)
    fit = firth_cox(
        case.data, formula(case), time=case.role("time"), event=case.role("event"), missing="drop"
    )
    v, columns = case.values, fit.columns
    assert_close(fit.coef, by_name(v["coef"], columns), rel=1e-6)  # R stops at 1e-5, here it was nearer
    assert_close(fit.cov, matrix(v["var"], columns), rel=1e-6)
    assert_close([fit.log_likelihood_null, fit.log_likelihood], v["penalized_loglik"], rel=1e-9)
    ratios = fit.to_frame(exponentiate=True)
    assert_close(ratios["conf_low"], by_name(v["ci_lower_hr"], columns), rel=1e-6)
    assert_close(ratios["conf_high"], by_name(v["ci_upper_hr"], columns), rel=1e-6)
    assert_close(ratios["p_value"], by_name(v["p"], columns), rel=1e-9)
    assert_close(ratios["statistic"] ** 2, fit.term_tests()["statistic"], rel=1e-9)


def penalised(data, ties):
    """Minus the penalised likelihood, from every risk set."""
    t, e, start, centre = (data[c].to_numpy() for c in ("t", "e", "t0", "centre"))
    x = data.select("x", "z").to_numpy().astype(float)
    x = (x - x.mean(axis=0)) / x.std(axis=0, ddof=1)

    def negative(beta):
        value, information = 0.0, np.zeros((2, 2))
        for s, time in sorted(set(zip(centre[e], t[e], strict=True))):
            risk = (centre == s) & (start < time) & (t >= time)
            now = risk & (t == time) & e
            value += (x[now] @ beta).sum()
            for k in range(now.sum()):
                r = (np.exp(x @ beta) * np.where(now & (ties == "efron"), 1 - k / now.sum(), 1.0))[risk]
                about = x[risk] - r @ x[risk] / r.sum()
                value -= np.log(r.sum())
                information += (about.T * r) @ about / r.sum()
        return -value - 0.5 * np.linalg.slogdet(information)[1]

    return negative


@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_is_the_maximum_that_another_optimiser_finds(ties):
    data = cohort(5)
    fit = firth_cox(data, ["x", "z"], **ROLES, entry="t0", strata="centre", ties=ties)
    negative = penalised(data, ties)
    found = minimize(negative, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-14})
    sd = data.select(pl.col("x", "z").cast(pl.Float64).std()).to_numpy()[0]
    ours = fit.coef * sd
    assert_close(fit.log_likelihood, -found.fun, rel=1e-12)
    np.testing.assert_allclose(ours, found.x, atol=2e-7)  # all that values can tell: their square root
    step = 1e-5 * np.eye(2)  # the slope at ours is zero far beyond that
    slopes = np.array([(negative(ours + h) - negative(ours - h)) / 2e-5 for h in step])
    np.testing.assert_allclose(slopes, 0, atol=1e-8)
    # limits: the other coefficient maximised by a search in one dimension
    drop = 0.5 * 1.959963984540054**2

    def excess(b):
        profile = minimize(lambda z: negative(np.array([b, z[0]])), [ours[1]], tol=1e-12)
        return profile.fun - found.fun - drop

    high = brentq(excess, ours[0], ours[0] + 4)
    assert_close(fit.to_frame()["conf_high"][0] * sd[0], high, rel=1e-8)


def test_one_event_of_two_by_hand():
    # the score 1/2 - 2 p is zero at p = 1/4, where e^b = 1/3
    fit = firth_cox(TWO, "x", **ROLES)
    assert isinstance(fit, FirthFit)
    assert_close(fit.coef, [-np.log(3)], rel=1e-10)
    assert_close(fit.cov, [[16 / 3]], rel=1e-10)  # 1 / (p (1 - p))

    def value(b):
        return 0.5 * b - 2 * np.log1p(np.exp(b))

    gain = 2 * (value(-np.log(3)) - value(0))
    row = fit.to_frame().row(0, named=True)
    assert_close(row["statistic"], -np.sqrt(gain), rel=1e-9)
    drop = 0.5 * 1.959963984540054**2
    low, high = (
        brentq(lambda b: value(-np.log(3)) - value(b) - drop, -np.log(3), end, xtol=1e-13)
        for end in (-40, 40)
    )
    assert_close([row["conf_low"], row["conf_high"]], [low, high], rel=1e-9)
    tests = fit.tests()
    assert tests["test"].to_list() == ["penalised likelihood ratio", "Wald"]
    assert_close(tests["statistic"], [gain, np.log(3) ** 2 * 3 / 16], rel=1e-9)


def test_is_finite_where_the_partial_likelihood_has_no_maximum():
    trial = pl.DataFrame({"t": [2, 3, 5, 6, 8, 9], "e": [1, 1, 1, 0, 0, 0], "x": [0, 0, 0, 1, 1, 1]})
    assert_warns(lambda: cox(trial, "x", **ROLES), argument="covariates", says=["'x'"])
    fit = firth_cox(trial, "x", **ROLES)
    frame = fit.to_frame()
    assert -5 < frame["estimate"][0] < 0
    assert np.isfinite(frame.select("conf_low", "conf_high").to_numpy()).all()
    upside = firth_cox(trial.with_columns(x=1 - pl.col("x")), "x", **ROLES).to_frame()
    assert_close(upside["estimate"], -frame["estimate"], rel=1e-10)
    assert_close(upside["conf_low"], -frame["conf_high"], rel=1e-8)


def test_units_and_whole_weights_do_not_matter():
    data = cohort(2)
    fit = firth_cox(data, "x + z", **ROLES, weights="w", ties="breslow")
    days = firth_cox(
        data.with_columns(pl.col("x") * 365 + 2000), "x + z", **ROLES, weights="w", ties="breslow"
    )
    assert_close(days.coef * [365, 1], fit.coef, rel=1e-9)
    assert_close(days.log_likelihood, fit.log_likelihood, rel=1e-11)
    twice = firth_cox(data.select(pl.all().repeat_by("w")).explode(pl.all()), "x + z", **ROLES)
    assert_close(twice.coef, fit.coef, rel=1e-9)
    assert_close(twice.cov, fit.cov, rel=1e-9)
    assert_close(twice.log_likelihood, fit.log_likelihood, rel=1e-11)


def test_approaches_the_maximum_likelihood_with_many_events():
    data = cohort(3, n=4000)
    ours = firth_cox(data, "x + z", **ROLES, limits="wald")
    plain = cox(data, "x + z", **ROLES, ties="breslow")
    assert np.abs(ours.coef - plain.coef).max() < 0.02 * plain.std_error.min()
    assert_close(ours.to_frame()["p_value"], 2 - 2 * _phi(np.abs(ours.coef / ours.std_error)), rel=1e-6)
    assert "Wald's method" in ours.methods()


def _phi(z):
    from scipy.stats import norm

    return norm.cdf(z)


def test_profile_limits_at_another_level_and_in_a_slim_fit():
    fit = firth_cox(cohort(4), "x + z", **ROLES)
    wide = fit.to_frame(conf_level=0.99)
    assert (wide["conf_low"] < fit.to_frame()["conf_low"]).all()
    asked = fit.profile_limits(["z"], conf_level=0.99)
    assert asked["term"].to_list() == ["z"]
    assert_close(asked["conf_high"], wide["conf_high"][1:], rel=1e-9)
    slim = fit.slim()
    assert slim.to_frame().equals(fit.to_frame())
    assert_refused(
        lambda: slim.to_frame(conf_level=0.9), argument="fit", says=["profile limits needs the design"]
    )
    assert "penalised profile likelihood" in fit.methods()


def test_factors_are_tested_as_a_whole():
    rng = np.random.default_rng(6)
    data = cohort(6, n=60).with_columns(g=pl.Series(rng.choice(list("abc"), 60)))
    fit = firth_cox(data, "x + g", **ROLES)
    tests = fit.term_tests()
    assert tests["df"].to_list() == [1.0, 2.0]
    without = fit.log_likelihood - 0.5 * tests["statistic"][1]
    assert without < fit.log_likelihood
    assert_close(tests["statistic"][0], fit.to_frame()["statistic"][0] ** 2, rel=1e-9)
    assert "all levels together" in fit.text("g")


def test_serves_as_a_cox_fit():
    data = cohort(7)
    fit = firth_cox(data, "x + z", **ROLES)
    assert_close(fit.residuals("martingale")["residual"].sum(), 0.0, at_zero=1e-10)
    assert fit.predict(data[:2], times=[5.0]).height == 2
    assert_refused(lambda: compare(fit, firth_cox(data, "x", **ROLES)), argument="fit", says=["penalised"])


def test_refusals():
    data = cohort(1)
    assert_refused(lambda: firth_cox(data, "x", **ROLES, ties="exact"), argument="ties")
    assert_refused(lambda: firth_cox(data, "x", **ROLES, limits="lr"), argument="limits")
    assert_refused(lambda: firth_cox(data, [], **ROLES), argument="covariates", says=["no covariates"])
    half = data.with_columns(w=pl.col("w") / 2)
    rows = (np.flatnonzero(half["w"] != half["w"].round()) + 1).tolist()
    assert_refused(
        lambda: firth_cox(half, "x", **ROLES, weights="w"), argument="weights", column="w", rows=rows
    )
    never = data.with_columns(e=False)
    assert_refused(lambda: firth_cox(never, "x", **ROLES), argument="event", column="e")
    alone = data.with_columns(u=pl.col("centre") * 1.0)
    assert_refused(
        lambda: firth_cox(alone, "x + u", **ROLES, strata="centre"), argument="covariates", says=["'u'"]
    )


def test_more_coefficients_than_events():
    data = pl.DataFrame({"t": [1, 2, 3, 4], "e": [1, 0, 0, 0], "x": [0, 1, 0, 1], "z": [1.0, 0, 2, 5]})
    fit = assert_warns(
        lambda: firth_cox(data, "x + z", **ROLES), argument="covariates", says=["2 coefficients", "1 event"]
    )
    assert np.isfinite(fit.coef).all()


def test_a_likelihood_without_a_maximum(monkeypatch):
    monkeypatch.setattr("hemresearch.regression.firth.maximize", lambda f, start: maximize(f, start, steps=1))
    with pytest.raises(ConvergenceError, match="after 1 steps"):
        firth_cox(cohort(1), "x", **ROLES)
