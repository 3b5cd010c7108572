"""Interrupted time series: R's numbers, by hand, truths, refusals and warnings."""

from __future__ import annotations

import warnings
from datetime import date, datetime

import numpy as np
import polars as pl
import pytest
from reference_cases import assert_close, reference_cases
from refusals import assert_refused, assert_warns

from hemresearch.epidemiology import interrupted_time_series, poisson
from hemresearch.errors import ConvergenceError
from hemresearch.numerics.serial import autocorrelation, default_lags, long_run_products

pytestmark = pytest.mark.filterwarnings("ignore:variance. 'newey-west' was taken")  # few periods


def of_case(case, **options):
    o = case.options
    data = pl.DataFrame({"month": o["month"], "y": o["y"], "size": o["size"]}).cast({"size": pl.Float64})
    given = {
        "time": "month", "events": "y", "person_time": "size", "intervention": 37, "family": o["family"],
        "change": o["change"], "harmonics": o["harmonics"], "lags": o.get("lags"), "season_length": 12,
    }  # fmt: skip
    return interrupted_time_series(data.sample(fraction=1.0, shuffle=True, seed=1), **(given | options))


@pytest.mark.parametrize("case_id", reference_cases("time_series", "its_"))
def test_matches_r(reference, case_id):
    case = reference("time_series", case_id)
    series = of_case(case)
    fit, values = series.fit, case.values
    assert_close(fit.coef.tolist(), values["coef"], rel=1e-6)
    assert_close(fit.cov.tolist(), values["vcov"]["data"], rel=1e-5)
    assert_close(series.autocorrelation, values["autocorrelation"], rel=1e-6)
    frame = series.fitted()
    after = np.array(case.options["month"]) >= 37
    assert frame["counterfactual"].null_count() == 36
    expected = np.array(values["counterfactual"])[after]
    assert_close(frame["counterfactual"].drop_nulls().to_list(), expected.tolist(), rel=1e-6)
    half = fit._quantile(0.95) * np.array(values["counterfactual_se"])[after]
    assert_close(
        frame["counterfactual_high"].drop_nulls().to_list(), (expected * np.exp(half)).tolist(), rel=1e-6
    )
    total = series.impact().to_frame().row(0, named=True)
    assert_close(total["estimate"], values["total"], rel=1e-6)
    assert_close(total["conf_high"], values["total"] + fit._quantile(0.95) * values["total_se"], rel=1e-5)


@pytest.mark.parametrize("case_id", reference_cases("time_series", "its_"))
def test_model_based_variance_matches_r(reference, case_id):
    case = reference("time_series", case_id)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = of_case(case, variance="model-based", lags=None).fit
    assert_close(fit.std_error.tolist(), case.values["model_se"], rel=1e-5)


def test_long_run_products_by_hand():
    score = np.array([[1.0], [2.0], [-1.0], [3.0]])
    # 1 + 4 + 1 + 9 and twice 1/2 of 2 - 2 - 3
    assert long_run_products(score, 1)[0, 0] == 15 - 3
    assert long_run_products(score, 0)[0, 0] == 15
    assert default_lags(100) == 4
    assert default_lags(60) == 3
    assert autocorrelation(np.array([1.0, -1.0, 1.0, -1.0])) == -0.75
    assert autocorrelation(np.zeros(3)) == 0.0


def months(counts, **columns) -> pl.DataFrame:
    first = date(2021, 1, 1)
    when = pl.date_range(
        first, first.replace(year=2021 + len(counts) // 12), "1mo", closed="left", eager=True
    )
    return pl.DataFrame({"month": when, "y": counts, **columns})


def test_a_jump_without_noise_is_found():
    t = np.arange(24)
    counts = np.round(1e7 * np.exp(0.01 * t - 0.3 * (t >= 12))).astype(int)
    frame = pl.DataFrame({"t": t, "y": counts})
    series = interrupted_time_series(frame, time="t", events="y", intervention=12)
    ratios = series.to_frame(exponentiate=True)["estimate"].to_list()
    assert ratios == pytest.approx([np.exp(0.01), np.exp(-0.3), 1.0], abs=1e-5)
    assert series.effect([0, 5]).to_frame()["estimate"].to_list() == pytest.approx(
        [np.exp(-0.3)] * 2, abs=1e-5
    )
    assert series.impact().to_frame()["estimate"][1] == pytest.approx(np.exp(-0.3), abs=1e-5)


COUNTS = [50, 54, 47, 58, 55, 52, 60, 57, 55, 61, 58, 63, 45, 41, 47, 44, 42, 48, 43, 40, 45, 44, 41, 43]


def test_dates_have_trends_by_the_year():
    data = months(COUNTS)
    series = interrupted_time_series(
        data, time="month", events="y", intervention=date(2022, 1, 1), harmonics=1
    )
    assert series.trend_unit == "year"
    assert series.fit.columns == ("intercept", "trend", "level", "slope", "sin_1", "cos_1")
    assert series.frame["trend"][0] == pytest.approx(-365 / 365.25)
    assert series.frame["sin_1"][0] == 0
    stamped = data.with_columns(pl.col("month").cast(pl.Datetime("ms", "Europe/Stockholm")))
    same = interrupted_time_series(
        stamped, time="month", events="y", intervention=datetime(2022, 1, 1), harmonics=1
    )
    assert same.fit.coef == pytest.approx(series.fit.coef, abs=0.02)
    assert "1 harmonic of the season" in series.methods()
    assert series.durbin_watson == pytest.approx(2 - 2 * series.autocorrelation)
    assert series.summary()["intervention"][0] == "2022-01-01"
    assert "autocorrelation" in repr(series)


def test_the_model_is_the_regression_of_its_terms():
    data = months(COUNTS, hours=[700.0 + i for i in range(24)], holidays=[i % 5 for i in range(24)])
    series = interrupted_time_series(
        data, time="month", events="y", person_time="hours", covariates=["holidays"], change="level",
        intervention=date(2022, 1, 1), family="poisson", variance="newey-west", lags=2,
    )  # fmt: skip
    fit = poisson(series.frame, ["trend", "level", "holidays"], events="n_event", person_time="person_time")
    assert series.fit.coef == pytest.approx(fit.coef)
    assert series.text().startswith("level: rate ratio ")
    assert "slope" not in series.methods()
    per = series.fitted(per=1000)
    assert per["observed"][0] == pytest.approx(50 / 700 * 1000)


def test_missing_rows_are_dropped_when_asked():
    data = months([None, *COUNTS[1:]])
    series = interrupted_time_series(
        data, time="month", events="y", intervention=date(2022, 1, 1), missing="drop"
    )
    assert series.fit.n_dropped == 1


def test_refusals():
    data = months(COUNTS, trend=range(24)).with_columns(text=pl.lit("a"), number=pl.int_range(24))
    base = {"time": "month", "events": "y", "intervention": date(2022, 1, 1)}

    def series(**options):
        return lambda: interrupted_time_series(data, **(base | options))

    assert_refused(series(family="normal"), argument="family")
    assert_refused(series(change="slope"), argument="change")
    assert_refused(series(variance="robust"), argument="variance")
    assert_refused(series(harmonics=5), argument="harmonics")
    assert_refused(series(time="text"), argument="time", column="text")
    assert_refused(series(intervention=12), argument="intervention")
    assert_refused(series(time="number"), argument="intervention")
    assert_refused(series(time="number", intervention=True), argument="intervention")
    assert_refused(series(intervention=date(2021, 3, 1)), argument="intervention", says=["2 periods before"])
    assert_refused(series(time="number", intervention=12, harmonics=1), argument="season_length")
    assert_refused(
        series(time="number", intervention=12, harmonics=1, season_length=0), argument="season_length"
    )
    assert_refused(series(lags=24), argument="lags")
    assert_refused(series(lags=2.5), argument="lags")
    assert_refused(series(lags=2, variance="model-based"), argument="lags")
    assert_refused(series(covariates="trend"), argument="covariates", column="trend")
    twice = pl.concat([data, data[:1]])
    assert_refused(
        lambda: interrupted_time_series(twice, **base), argument="time", column="month", rows=[1, 25]
    )
    assert_refused(lambda: series()().effect([-1]), argument="at")
    none = data.with_columns(y=pl.when(pl.col("number") < 12).then("y").otherwise(0))
    with pytest.raises(ConvergenceError):
        interrupted_time_series(none, **base)


def test_warnings():
    data = months(COUNTS)
    base = {"time": "month", "events": "y", "intervention": date(2022, 1, 1)}
    gap = months([*COUNTS] * 5).filter(pl.col("month") != date(2021, 6, 1))
    assert_warns(lambda: interrupted_time_series(gap, **base), argument="time", column="month")
    assert_warns(lambda: interrupted_time_series(data, **base), argument="variance", says=["24 periods"])
    answer = assert_warns(
        lambda: interrupted_time_series(data, **base, variance="model-based"), argument="variance",
        says=["too wide"],
    )  # fmt: skip
    assert answer.fit.variance == "quasi-likelihood"
