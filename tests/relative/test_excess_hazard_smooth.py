"""Excess hazard regression by EM: relsurv's values and what is wrong with some, truths, and every refusal."""

from __future__ import annotations

import contextlib
import math
import sys
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import polars as pl
import pytest
from reference_cases import assert_close, load_reference
from refusals import assert_refused, assert_warns

import hemresearch as hem
from hemresearch.lifetable import LifeTable
from hemresearch.numerics.excess_smooth import RiskRows, fit_smooth_excess
from hemresearch.relative import excess_hazard

SLOVENIA = hem.data.life_table("slovenia")
FIVE_YEARS = [0, 5 * 365.241]
MODULE = sys.modules["hemresearch.relative.excess_hazard_smooth"]


def of_rdata(case: Any, **options: Any) -> Any:
    return excess_hazard(
        case.data, "sex + agegr", time="time", event="cens", time_unit="days", sex="sex", date="year",
        age="age", age_unit="years", life_table=SLOVENIA, bands=FIVE_YEARS, method="em", **options,
    )  # fmt: skip


def test_it_is_rsadd_run_to_its_end():
    # relsurv has Efron's ties; 22 of 299 times have more than one death
    case = load_reference("excess_hazard", "em_rdata_2")
    fit, values = of_rdata(case), case.values
    assert_close(fit.coef, values["coef"], rel=1e-3)
    assert_close(fit.std_error, values["se"], rel=1e-3)
    assert fit.excess_deaths == pytest.approx(values["excess_deaths"], rel=1e-3)
    at = np.searchsorted(fit.times, values["times"], side="right") - 1
    assert_close(fit.cumulative[at], values["cumulative"], rel=1e-3)
    assert_close(fit.rate[at], values["rate"], rel=1e-3)
    assert (fit.n, fit.bandwidth, fit.n_rows) == (values["n"], 2, values["n"])


def test_standard_errors_of_rsadd_have_a_sandwich_for_an_information():
    # which is none: they are below those of complete knowledge of the causes
    values = load_reference("excess_hazard", "em_rdata_2").values
    assert_close(values["se_rsadd"], values["se_sandwich_for_information"], rel=1e-4)
    assert (np.array(values["se_rsadd"]) < np.array(values["se"])).all()


def test_a_narrow_bandwidth_has_several_ends(monkeypatch):
    # At half the longest gap two deaths, of days 949 and 956, see themselves and each other alone. Efron's
    # ties lead rsadd to where the population takes both whole; so do ours, once it is made to take them.
    case = load_reference("excess_hazard", "em_rdata_0.5125")
    values = case.values

    def without_the_two(rows: RiskRows, multiple: float) -> Any:
        taken = np.isin(rows.end, [949, 956]) & rows.event
        assert taken.sum() == 2
        background = np.where(taken, 1e6, rows.background)
        return fit_smooth_excess(RiskRows(rows.begin, rows.end, rows.event, background, rows.x), multiple)

    with pytest.warns(hem.errors.DataWarning, match="settled"):
        plain = of_rdata(case, bandwidth=0.5125)
    monkeypatch.setattr(MODULE, "fit_smooth_excess", without_the_two)
    with pytest.warns(hem.errors.DataWarning, match="settled"):
        fit = of_rdata(case, bandwidth=0.5125)
    assert_close(np.exp(fit.coef), np.exp(values["coef"]), rel=1e-3)
    assert_close(fit.std_error, values["se"], rel=1e-3)
    assert fit.excess_deaths == pytest.approx(values["excess_deaths"], rel=1e-3)
    assert plain.excess_deaths > fit.excess_deaths + 0.5
    # rsadd stops where its coefficients move by less than it asks for, a tenth of a standard error away
    stopped = load_reference("relative_survival", "rsadd_rdata_EM").values
    assert np.abs(np.array(stopped["coef"]) - values["coef"]).max() > 0.01
    np.testing.assert_array_less(np.abs(fit.coef - stopped["coef"]), 0.1 * fit.std_error)


# ---- by simulation and by properties, in a country where rates never change


def flatland(rate: float) -> LifeTable:
    years = pl.DataFrame({"year": range(1980, 2031)})
    rates = pl.DataFrame({"sex": ["m", "w"], "hazard_year": [rate, rate / 2]})
    return LifeTable(
        years.join(rates, how="cross").join(pl.DataFrame({"age": range(101)}), how="cross"), name="Flatland"
    )


FLAT = flatland(0.1)
PEOPLE: dict[str, Any] = {
    "time": "years", "event": "dead", "time_unit": "years", "sex": "sex", "date": "diagnosis", "age": "age",
    "age_unit": "years", "life_table": FLAT, "method": "em",
}  # fmt: skip


def cohort(n: int, seed: int = 1) -> pl.DataFrame:
    """Excess hazard 0.1 t exp(0.7 x) beside that of Flatland."""
    rng = np.random.default_rng(seed)
    man, x = rng.random(n) < 0.5, rng.integers(0, 2, n)
    disease = np.sqrt(20 * rng.exponential(size=n) / np.exp(0.7 * x))
    other = rng.exponential(size=n) / np.where(man, 0.1, 0.05)
    end = rng.uniform(3, 6, n)
    time = np.minimum(np.minimum(disease, other), end)
    return pl.DataFrame(
        {
            "sex": np.where(man, "m", "w"), "diagnosis": [date(2000, 1, 1)] * n, "age": [40] * n, "x": x,
            "years": time, "dead": time < end, "disease": (time < end) & (disease < other),
        }
    )  # fmt: skip


def em(data: pl.DataFrame, covariates: Any = "x", **options: Any) -> Any:
    return excess_hazard(data, covariates, **{**PEOPLE, **options})


SMALL = cohort(120)


def test_it_finds_the_truth():
    data = cohort(6000)
    fit = em(data)
    assert abs(fit.coef[0] - 0.7) < 2.5 * fit.std_error[0]
    assert fit.excess_deaths == pytest.approx(data["disease"].sum(), rel=0.03)
    new = pl.DataFrame({"x": [0, 1]})
    survival = fit.predict(new, times=[1, 2.5])["estimate"]
    truth = np.exp(-0.05 * np.outer(np.exp([0, 0.7]), [1, 6.25])).ravel()
    np.testing.assert_allclose(survival, truth, atol=0.02)
    middle = fit.baseline().filter(pl.col("time").is_between(1.5, 2.5))
    assert (middle["estimate"] - 0.1 * middle["time"]).mean() == pytest.approx(0, abs=0.02)
    # the causes are not known
    known = hem.regression.cox(data, "x", time="years", event="disease", ties="breslow")
    assert known.std_error[0] < fit.std_error[0] < 1.5 * known.std_error[0]


def test_without_deaths_in_the_population_it_is_cox():
    data = SMALL.with_columns(pl.col("years").round(1).clip(0.1))
    fit = em(data, "x + sex", life_table=flatland(0.0))
    cox = hem.regression.cox(data, "x + sex", time="years", event="dead", ties="breslow")
    np.testing.assert_allclose(fit.coef, cox.coef, rtol=1e-6)
    np.testing.assert_allclose(fit.cov, cox.cov, rtol=1e-5)
    assert fit.excess_deaths == data["dead"].sum() == fit.n_event
    new = pl.DataFrame({"x": [0, 1], "sex": ["w", "m"]})
    own, theirs = (f.predict(new, times=[1, 2, 3])["estimate"] for f in (fit, cox))
    np.testing.assert_allclose(own, theirs, rtol=1e-6)


def test_the_unit_changes_the_rate_only():
    years = em(SMALL)
    days = em(SMALL.with_columns(pl.col("years") * 365.25), time_unit="days")
    np.testing.assert_allclose(days.coef, years.coef, rtol=1e-6)
    np.testing.assert_allclose(days.cumulative, years.cumulative, rtol=1e-6)
    np.testing.assert_allclose(days.rate * 365.25, years.rate, rtol=1e-6)


def test_where_a_covariate_has_its_zero_does_not_matter():
    fit, moved = em(SMALL), em(SMALL.with_columns(pl.col("x") * 3 + 10))
    np.testing.assert_allclose(moved.coef * 3, fit.coef, rtol=1e-6)
    np.testing.assert_allclose(moved.std_error * 3, fit.std_error, rtol=1e-6)
    one = [
        f.predict(pl.DataFrame({"x": [x]}), times=2)["estimate"].item() for f, x in ((fit, 1), (moved, 13))
    ]
    assert one[0] == pytest.approx(one[1])


def test_episodes_are_the_follow_up_that_they_are_of():
    # rounded, so that some die when others' second episode begins
    data = SMALL.with_columns(pl.col("years").round(1).clip(0.1))
    assert (data["dead"] & (data["years"] == 1.2)).any()
    first = data.with_columns(
        entry=pl.lit(0.0), dead=pl.col("dead") & (pl.col("years") <= 1.2),
        years=pl.min_horizontal("years", pl.lit(1.2)),
    )  # fmt: skip
    second = data.filter(pl.col("years") > 1.2).with_columns(entry=pl.lit(1.2))
    whole, both = em(data), em(pl.concat([first, second.select(first.columns)]), entry="entry")
    np.testing.assert_allclose(both.coef, whole.coef, rtol=1e-6)
    np.testing.assert_allclose(both.cov, whole.cov, rtol=1e-6)
    assert both.expected == pytest.approx(whole.expected)


def test_two_borders_are_the_follow_up_that_is_looked_at():
    cut = SMALL.with_columns(
        dead=pl.col("dead") & (pl.col("years") <= 2), years=pl.min_horizontal("years", pl.lit(2.0))
    )
    fit = em(SMALL, bands=[0, 2])
    np.testing.assert_allclose(fit.coef, em(cut).coef, rtol=1e-9)
    assert fit.borders.tolist() == [0, 2]
    assert em(SMALL).borders[1] == pytest.approx(SMALL["years"].max())
    last = em(SMALL).predict(pl.DataFrame({"x": [0]}), times=SMALL["years"].max())
    assert last["estimate"].item() > 0


def test_no_covariates_and_other_kinds_of_data():
    alone = em(SMALL, [])
    assert alone.columns == ()
    assert 0 < alone.excess_deaths < alone.n_event
    fit = em(SMALL)
    for data in (SMALL.lazy(), SMALL.to_pandas(), SMALL.with_columns(pl.col("years").cast(pl.Float32))):
        np.testing.assert_allclose(em(data).coef, fit.coef, rtol=1e-4)


def test_text():
    fit = em(SMALL)
    assert fit.text("x").startswith("excess hazard ratio of x ")
    assert fit.methods() == (
        "Excess hazard ratios were estimated by excess hazard regression (EM with a smooth baseline), the "
        "mortality of Flatland being expected and the baseline excess hazard smoothed over 2 times the "
        "longest gap between deaths, with 95% confidence limits from Louis' information."
    )
    summary = fit.summary()
    assert summary["life_table"].item() == "Flatland"
    assert math.isnan(fit.log_likelihood)
    assert "x" in str(hem.report.regression_table(fit))
    assert fit.baseline().columns == ["time", "estimate", "cumulative"]
    assert fit.slim().baseline().equals(fit.baseline())


# ---- refusals and warnings


@pytest.mark.parametrize(
    ("options", "argument", "says"),
    [
        ({"bands": [0, 1, 2]}, "bands", ["has 3 borders", "bands=[0, 2]"]),
        ({"bands": 5}, "bands", ["are no borders of bands"]),
        ({"bandwidth": 0}, "bandwidth", ["0 is no multiple"]),
        ({"bandwidth": math.inf}, "bandwidth", ["inf is no multiple"]),
        ({"bandwidth": True}, "bandwidth", ["True is no multiple"]),
        ({"bandwidth": 2, "method": "poisson", "bands": [0, 5]}, "bandwidth", ["bands have no bandwidth"]),
    ],
)
def test_arguments_that_cannot_be_used(options, argument, says):
    assert_refused(lambda: em(SMALL, **options), argument=argument, says=says)


def test_few_deaths():
    dead = SMALL.filter("dead").sort("years")
    data = SMALL.with_columns(dead=pl.col("dead") & (pl.col("years") <= dead["years"][3]))
    assert_refused(lambda: em(data), argument="event", says=["deaths at 4 times", "5 times of death"])


def test_limits_and_times_that_are_not_there():
    fit, new = em(SMALL), pl.DataFrame({"x": [1]})
    assert_refused(lambda: fit.baseline(conf_level=0.9), argument="conf_level", says=["no limits"])
    assert_refused(lambda: fit.predict(new, times=1, conf_level=0.9), argument="conf_level")
    assert_refused(lambda: fit.predict(new, times=7), argument="times", says=["times from 0 to 5.8"])
    assert_refused(lambda: fit.slim().predict(new, times=1), argument="fit")


def test_a_level_that_dies_no_more_than_the_population():
    data = SMALL.with_columns(
        arm=pl.when(pl.int_range(pl.len()) < 60).then(pl.lit("A")).otherwise(pl.lit("B"))
    )
    none = data.with_columns(dead=pl.col("dead") & (pl.col("arm") == "A"))
    with pytest.raises(hem.errors.ConvergenceError, match=r"'arm\[B\]' is not determined"):
        em(none, "arm")
    with pytest.raises(hem.errors.ConvergenceError, match="is not determined"):
        em(data, "arm", life_table=flatland(20.0))


def test_em_that_loses_the_excess_says_so():
    # it is low at first, and the deaths before each one in a long window are few of them excess ones
    data = cohort(200, seed=23)
    fit = assert_warns(
        lambda: em(data, bandwidth=8), argument="method", says=["settled where 38.2", "109 are beyond"]
    )
    assert fit.n_event - fit.expected == pytest.approx(data["disease"].sum(), rel=0.15)
    banded = excess_hazard(data, "x", **{**PEOPLE, "method": "full-likelihood"}, bands=[0, 2, 3, 6])
    assert abs(banded.coef[0] - 0.7) < 2.5 * banded.std_error[0]


def test_em_that_does_not_settle(monkeypatch):
    monkeypatch.setattr(MODULE, "fit_smooth_excess", partial(fit_smooth_excess, steps=3))
    with pytest.raises(
        hem.errors.ConvergenceError, match=r"had not settled after 3 iterations.*full-likelihood"
    ):
        em(SMALL)


def test_more_coefficients_than_deaths_are_told():
    rng = np.random.default_rng(2)
    five = SMALL.filter("dead").sort("years")["years"][4]
    data = SMALL.with_columns(dead=pl.col("dead") & (pl.col("years") <= five))
    data = data.with_columns(pl.Series(f"z{i}", rng.normal(size=120)) for i in range(6))

    def crowded() -> None:
        with contextlib.suppress(hem.errors.ConvergenceError):  # which may be, or not
            em(data, [f"z{i}" for i in range(6)], life_table=flatland(1e-4))

    assert_warns(crowded, argument="covariates", says=["6 coefficients", "5 events"])
