"""Predictions of parametric models: standard errors by the delta method, limits, strata and edges."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from reference_cases import assert_close, load_dataset
from refusals import assert_refused
from scipy.special import ndtri

from hemresearch.errors import FormulaError
from hemresearch.numerics.distributions import DISTRIBUTIONS
from hemresearch.regression import ParametricFit, parametric

LUNG = load_dataset("lung").select("time", "age", "sex", died=pl.col("status") == 2)
NEW = pl.DataFrame({"age": [50, 70], "sex": [1, 2]})
TIMES = [30, 365, 900]
Z = ndtri(0.975)


@pytest.fixture(scope="module", params=DISTRIBUTIONS)
def fit(request) -> ParametricFit:
    return parametric(LUNG, ["age", "sex"], time="time", event="died", distribution=request.param)


def moved(fit: ParametricFit, theta: np.ndarray) -> ParametricFit:
    return replace(fit, solution=replace(fit.solution, theta=theta))


@pytest.mark.parametrize("kind", ["survival", "cumulative hazard", "hazard", "quantile"])
def test_standard_errors_follow_from_numerical_derivatives(fit, kind):
    ask = {"kind": kind, "times": TIMES, "probability": [0.2, 0.5, 0.7]}
    predicted = fit.predict(NEW, **ask)
    theta, gradient = fit.solution.theta, []
    for j, step in enumerate(1e-4 * np.sqrt(np.diag(fit.solution.cov))):
        ends = []
        for sign in (-1, 1):
            other = theta.copy()
            other[j] += sign * step
            ends.append(moved(fit, other).predict(NEW, **ask)["estimate"].to_numpy())
        gradient.append((ends[1] - ends[0]) / (2 * step))
    g = np.array(gradient)
    expected = np.sqrt(np.einsum("ji,jk,ki->i", g, fit.solution.cov, g))
    np.testing.assert_allclose(predicted["std_error"], expected, rtol=1e-6)
    assert predicted["row"].to_list() == [1, 1, 1, 2, 2, 2]


def test_survival_hazard_and_quantile_belong_together(fit):
    survival = fit.predict(NEW, times=TIMES)
    cumulative = fit.predict(NEW, times=TIMES, kind="cumulative hazard")
    assert_close(survival["estimate"], np.exp(-cumulative["estimate"].to_numpy()), rel=1e-13)
    p = [0.1, 0.6]
    quantile = fit.predict(NEW, kind="quantile", probability=p)
    for row in quantile.iter_rows(named=True):
        at = fit.predict(NEW[row["row"] - 1], times=[row["estimate"]])
        assert at["estimate"][0] == pytest.approx(1 - row["quantile"], rel=1e-10)
    step = 1e-3
    around = [fit.predict(NEW, times=[365 + s], kind="cumulative hazard")["estimate"] for s in (-step, step)]
    hazard = fit.predict(NEW, times=[365], kind="hazard")["estimate"]
    np.testing.assert_allclose(hazard, (around[1] - around[0]) / (2 * step), rtol=1e-7)


def test_limits_are_on_their_scale(fit):
    survival = fit.predict(NEW, times=TIMES, conf_level=0.9)
    s, error = survival["estimate"].to_numpy(), survival["std_error"].to_numpy()
    half = ndtri(0.95) * error / np.abs(s * np.log(s))
    assert_close(survival["conf_low"], s ** np.exp(half), rel=1e-12)
    assert_close(survival["conf_high"], s ** np.exp(-half), rel=1e-12)
    for kind in ("cumulative hazard", "hazard", "quantile"):
        frame = fit.predict(NEW, times=TIMES, kind=kind)
        factor = np.exp(Z * frame["std_error"] / frame["estimate"])
        assert_close(frame["conf_low"], frame["estimate"] / factor, rel=1e-12)
        assert_close(frame["conf_high"], frame["estimate"] * factor, rel=1e-12)
    linear = fit.predict(NEW, kind="linear predictor")
    assert_close(linear["conf_high"] - linear["estimate"], Z * linear["std_error"], rel=1e-12)
    assert linear.columns == ["row", "estimate", "std_error", "conf_low", "conf_high"]


def test_at_time_0_nobody_had_the_event(fit):
    first = fit.predict(NEW, times=0).row(0, named=True)
    assert (first["estimate"], first["std_error"], first["conf_low"], first["conf_high"]) == (1, 0, 1, 1)
    cumulative = fit.predict(NEW, times=0, kind="cumulative hazard").row(0, named=True)
    assert (cumulative["estimate"], cumulative["std_error"], cumulative["conf_high"]) == (0, 0, 0)
    hazard = fit.predict(NEW, times=0, kind="hazard")["estimate"][0]
    assert (hazard is None) == (fit.distribution != "gompertz")


def test_a_median_that_a_falling_hazard_never_reaches_is_null():
    rng = np.random.default_rng(1)
    u = rng.random(400)
    cured = u < 0.7
    time = np.where(cured, 100.0, np.log(1 - np.log(1 - np.where(cured, 0.1, (u - 0.7) / 0.3)) / 3) + 0.01)
    data = pl.DataFrame({"t": np.minimum(time, 5.0), "e": time < 5})
    fit = parametric(data, time="t", event="e", distribution="gompertz")
    assert fit.coef[1] < 0
    frame = fit.predict(data.head(1), kind="quantile", probability=[0.1, 0.5])
    assert frame["estimate"][0] > 0
    assert frame.select("estimate", "std_error", "conf_low").row(1) == (None, None, None)


def test_each_stratum_has_its_own_scale():
    model = {"time": "time", "event": "died", "distribution": "weibull"}
    both = parametric(LUNG, "C(sex)", strata="sex", **model)
    for sex in (1, 2):
        alone = parametric(LUNG.filter(pl.col("sex") == sex), **model)
        new = pl.DataFrame({"sex": [sex]})
        for kind in ("survival", "quantile", "hazard"):
            own, other = (f.predict(new, kind=kind, times=TIMES) for f in (both, alone))
            for column in ("estimate", "std_error", "conf_low"):
                assert_close(own[column], other[column], rel=1e-6)
    gompertz = parametric(LUNG, ["age"], strata="sex", time="time", event="died", distribution="gompertz")
    assert gompertz.columns == ("intercept", "age", "shape[sex=1]", "shape[sex=2]")
    assert gompertz.method == "proportional hazards, shape by sex"
    assert gompertz.predict(NEW, times=TIMES).height == 6


def test_two_columns_make_the_strata():
    data = LUNG.with_columns(old=pl.col("age") > 62)
    fit = parametric(
        data, ["age"], strata=["sex", "old"], time="time", event="died", distribution="log-normal"
    )
    assert fit.columns[2:] == tuple(f"log(scale)[sex={s}, old={o}]" for s in (1, 2) for o in (False, True))
    new = data.head(3)
    assert fit.predict(new, times=[100])["estimate"].is_between(0, 1).all()


def test_refuses_what_cannot_be_predicted():
    model = {"time": "time", "event": "died", "distribution": "weibull"}
    fit = parametric(LUNG, ["age"], strata="sex", **model)
    assert_refused(
        lambda: fit.predict(pl.DataFrame({"age": [50, 60], "sex": [1, 3]}), times=[1]),
        argument="new_data", column="sex", rows=[2], says=["has not seen"],
    )  # fmt: skip
    assert_refused(lambda: fit.predict(NEW), argument="times", says=["kind='survival' needs times"])
    assert_refused(lambda: fit.predict(NEW, times=-1), argument="times")
    assert_refused(lambda: fit.predict(NEW, kind="median"), argument="kind", says=["'hazard'"])
    for wrong in (0, 1, [0.5, 1.2], "half", True, []):
        assert_refused(
            lambda wrong=wrong: fit.predict(NEW, kind="quantile", probability=wrong),
            argument="probability", says=["between 0 and 1"],
        )  # fmt: skip
    assert_refused(lambda: fit.predict(NEW, times=[1], conf_level=95), argument="conf_level")
    assert_refused(
        lambda: fit.predict(NEW.drop("age"), times=[1]),
        argument="new_data", column="age", error=FormulaError, says=["the columns of the fit"],
    )  # fmt: skip
    assert_refused(
        lambda: fit.slim().predict(NEW, times=[1]), argument="fit", says=["a slim or converted fit"]
    )
    assert_refused(lambda: fit.slim().residuals(), argument="fit", says=["slim"])
