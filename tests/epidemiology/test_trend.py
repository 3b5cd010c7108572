"""Annual percent changes and joinpoints: R's lm, an exhaustive search in R, truths and refusals."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from reference_cases import assert_close, inline_table, load_reference
from refusals import assert_refused

from hemresearch.epidemiology import JoinpointTrend, annual_percent_change, joinpoint, poisson

COUNTS = {"year": "year", "events": "deaths", "person_time": "mean_population"}
RATES = {"year": "year", "rate": "rate"}
CHANGE = ["estimate", "conf_low", "conf_high"]
MISSING_YEAR = {
    "joinpoint": 2006,
    "estimate": [3.74683213504, -2.88444145433],
    "conf_low": [2.99176726815, -3.33071545483],
}


def mortality() -> pl.DataFrame:
    """Swedish men of 60-64 years."""
    data = inline_table(load_reference("rate_models", "joinpoints_plain").options["data"])
    return data.with_columns(
        pl.col("year").cast(pl.Float64), rate=pl.col("deaths") / pl.col("mean_population")
    )


def bent(seed: int, bend: float = -0.06, n: int = 24, spread: float = 0.01) -> pl.DataFrame:
    """Rates with one joinpoint, in 2010."""
    year = np.arange(2000.0, 2000 + n)
    log = -5 + 0.02 * (year - 2000) + bend * np.maximum(year - 2010, 0)
    noise = np.random.default_rng(seed).normal(0, spread, n)
    return pl.DataFrame({"year": year, "rate": np.exp(log + noise)})


def test_matches_lm_and_glm_on_standardised_mortality(reference):
    case = reference("epidemiology", "aapc_sweden_esp2013")
    data = pl.DataFrame({"year": range(2000, 2020), "rate": case.values["asr"]})
    found = annual_percent_change(data, **RATES).to_frame()
    assert_close(found["estimate"][0], case.values["apc"], rel=1e-9)
    assert_close(found.select("conf_low", "conf_high").row(0), case.values["ci"], rel=1e-9)
    grouped = (
        case.data.filter(pl.col("year").is_between(2000, 2019))
        .group_by("year", g=(pl.col("age") // 5).clip(0, 17))
        .agg(pl.col("deaths", "mean_population").sum())
    )
    adjusted = poisson(grouped, "C(g) + year", events="deaths", person_time="mean_population")
    assert_close(adjusted.coef[-1], case.values["poisson_year"], rel=1e-6)
    assert_close(adjusted.std_error[-1], case.values["se"], rel=1e-5)


@pytest.mark.parametrize("n_joinpoints", [0, 1, 2, 3])
@pytest.mark.parametrize("case_id", ["joinpoints_plain", "joinpoints_weighted"])
def test_matches_an_exhaustive_search_with_lm(case_id, n_joinpoints):
    expected = load_reference("rate_models", case_id).values[n_joinpoints]
    roles = COUNTS if case_id == "joinpoints_weighted" else RATES
    fit = joinpoint(mortality(), **roles, n_joinpoints=n_joinpoints)
    assert_close(fit.joinpoints()["estimate"], expected["joinpoints"])
    found = fit.to_frame()
    for ours, theirs in (("estimate", "apc"), ("conf_low", "low"), ("conf_high", "high"), ("p_value", "p")):
        assert_close(found[ours], expected[theirs], rel=1e-7)
    chosen = fit.selection().row(n_joinpoints, named=True)
    assert_close([chosen["squares"], chosen["bic"]], [expected["sse"], expected["bic"]], rel=1e-9)
    assert_close(fit.average().to_frame().select(CHANGE).row(0), expected["aapc"], rel=1e-8)
    assert_close(fit.fitted()["estimate"], expected["fitted"], rel=1e-9)
    near = [list(row) for row in fit.joinpoints().select("conf_low", "conf_high").iter_rows()]
    assert_close(near, expected["near"])


def test_one_segment_is_the_annual_percent_change():
    data = mortality().with_columns(se=pl.col("rate") / pl.col("deaths").sqrt())
    for roles in (COUNTS, RATES, {**RATES, "std_error": "se"}):
        line = annual_percent_change(data, **roles).to_frame()
        fit = joinpoint(data, **roles, n_joinpoints=0)
        for frame in (fit.to_frame(), fit.average().to_frame()):
            assert_close(frame.select(CHANGE).row(0), line.select(CHANGE).row(0), rel=1e-10)
    # the standard errors are those of counts
    assert_close(
        annual_percent_change(data, **RATES, std_error="se").to_frame().row(0),
        annual_percent_change(data, **COUNTS).to_frame().row(0), rel=1e-9,
    )  # fmt: skip


def test_an_exact_change_is_found():
    year = np.arange(1990.0, 2010)
    exact = pl.DataFrame({"year": year, "rate": 0.01 * 1.03 ** (year - 1990)})
    assert_close(annual_percent_change(exact, **RATES).to_frame()["estimate"], [3.0], rel=1e-9)
    fit = joinpoint(bent(1, spread=1e-5), **RATES, n_joinpoints=1)
    assert fit.joinpoints().row(0) == (2010.0, 2010.0, 2010.0)
    changes = 100 * np.expm1([0.02, -0.04])
    assert_close(fit.to_frame()["estimate"], changes, rel=1e-3)
    assert_close(fit.average(2005, 2015).to_frame()["estimate"], [100 * np.expm1(-0.01)], rel=1e-2)


@pytest.mark.parametrize("selection", ["bic", "permutation"])
@pytest.mark.parametrize("bend", [0.0, -0.05])
def test_rates_without_scatter_have_no_joinpoint_of_rounding(selection, bend):
    year = np.arange(1990, 2020)
    rate = 5 * np.exp(0.03 * (year - 1990) + bend * np.maximum(year - 2005, 0))
    data = pl.DataFrame({"year": year, "rate": rate})
    trend = joinpoint(data, year="year", rate="rate", selection=selection, n_permutations=199)
    assert trend.joinpoints().rows() == ([(2005, 2005, 2005)] if bend else [])


def test_a_year_that_is_missing_is_a_longer_step():
    # R: lm on every pair of joinpoints, with 2 years of their own before, behind and between
    year = [y for y in range(2000, 2016) if y != 2007]
    rate = [5.0, 5.2, 5.2, 5.5, 5.6, 5.8, 6.1, 6.0, 5.7, 5.6, 5.3, 5.2, 5.0, 4.9, 4.6]
    data = pl.DataFrame({"year": year, "rate": rate})
    frame = joinpoint(data, year="year", rate="rate", n_joinpoints=1).to_frame()
    assert frame["start"].to_list() == [2000, MISSING_YEAR["joinpoint"]]
    assert_close(frame["estimate"], MISSING_YEAR["estimate"], rel=1e-8)
    assert_close(frame["conf_low"], MISSING_YEAR["conf_low"], rel=1e-8)


def test_the_selections_find_a_bend_and_no_bend():
    for selection in ("bic", "permutation"):
        options = {"max_joinpoints": 2, "selection": selection, "n_permutations": 199}
        assert joinpoint(bent(2), **RATES, **options).joinpoints()["estimate"].to_list() == [2010.0]
        assert joinpoint(bent(3, bend=0.0), **RATES, **options).joinpoints().is_empty()
    fit = joinpoint(bent(2), **RATES, max_joinpoints=2, selection="permutation", n_permutations=199)
    tests = fit.selection()
    assert tests.select("fewer", "more").rows() == [(0, 2), (1, 2)]
    assert tests["level"].to_list() == [0.025, 0.05]
    assert tests["p_value"][0] == pytest.approx(1 / 200)
    again = joinpoint(bent(2), **RATES, max_joinpoints=2, selection="permutation", n_permutations=199)
    assert again.selection().equals(tests)
    other = joinpoint(
        bent(3, 0.0), **RATES, max_joinpoints=1, selection="permutation", n_permutations=199, seed=7
    )
    assert other.selection()["p_value"][0] > 0.05


def test_order_years_and_units_change_nothing():
    data = mortality()
    fit = joinpoint(data, **RATES, max_joinpoints=2)
    other = data.sample(fraction=1, shuffle=True, seed=1).with_columns(
        pl.col("rate") * 1000, pl.col("year") - 1900
    )
    for form in (other, other.lazy(), other.to_pandas()):
        again = joinpoint(form, **RATES, max_joinpoints=2)
        assert_close(again.to_frame()["estimate"], fit.to_frame()["estimate"], rel=1e-8)
        assert_close(again.joinpoints()["estimate"] + 1900, fit.joinpoints()["estimate"])
    groups = pl.concat(
        [data.with_columns(g=pl.lit("a")), bent(4).with_columns(g=pl.lit("b"))], how="diagonal"
    )
    apart = annual_percent_change(groups.sample(fraction=1, shuffle=True, seed=2), **RATES, by="g").to_frame()
    assert apart["g"].to_list() == ["a", "b"]
    alone = [annual_percent_change(part, **RATES).to_frame()["estimate"][0] for part in (data, bent(4))]
    assert_close(apart["estimate"], alone, rel=1e-10)
    spoilt = data.with_columns(rate=pl.when(pl.col("year") == 1990).then(None).otherwise("rate"))
    kept = joinpoint(spoilt, **RATES, n_joinpoints=1, missing="drop")
    assert (kept.n_dropped, kept.fitted().height) == (1, 51)
    assert "1 rows with missing values left out" in repr(kept)


def test_years_before_after_and_between():
    fit = joinpoint(mortality(), **RATES, n_joinpoints=3, ends=8, between=9)
    at = fit.joinpoints()["estimate"].to_numpy()
    assert at[0] >= 1969 + 8
    assert at[-1] <= 2020 - 8
    assert (np.diff(at) >= 10).all()


def test_the_default_number_depends_on_the_years():
    for n, most in ((6, 0), (7, 1), (12, 2), (17, 3), (26, 4), (27, 5)):
        fit = joinpoint(bent(5, n=n), **RATES)
        assert fit.selection()["n_joinpoints"].max() == most
    assert joinpoint(bent(5, n=7), **RATES, ends=3).selection()["n_joinpoints"].max() == 1
    assert joinpoint(bent(5, n=7), **RATES, ends=4).selection()["n_joinpoints"].max() == 0


def test_what_a_trend_says():
    fit = joinpoint(mortality(), **COUNTS, n_joinpoints=1)
    assert isinstance(fit, JoinpointTrend)
    assert repr(fit).startswith("trend over 52 years, 1 joinpoint of given number")
    assert fit.text().startswith("annual percent change: 1969–1981 -0.2 (95% CI")
    assert "weighted log-linear joinpoint regression, with joinpoints of given number" in fit.methods()
    plain = joinpoint(mortality(), **RATES, max_joinpoints=1)
    assert "from log-linear joinpoint regression, with joinpoints chosen by BIC" in plain.methods()
    assert fit.summary()["n_joinpoints"][0] == 1
    assert fit.average(1990, 2000).method == "t distribution, joinpoints as found"
    assert fit.average(1970, 2000).method == "normal, joinpoints as found"
    inside = fit.average(1990, 2000).to_frame().select(CHANGE).row(0)
    assert_close(inside, fit.to_frame().select(CHANGE).row(1), rel=1e-10)
    line = annual_percent_change(mortality(), **COUNTS)
    assert line.text().startswith("annual percent change: -1.97 (95% CI -2.08 to")
    assert line.method == "log-linear, weighted, t distribution"
    assert annual_percent_change(mortality(), **RATES).method == "log-linear, t distribution"


@pytest.mark.parametrize("function", [annual_percent_change, joinpoint])
def test_refusals_of_rows(function):
    data = mortality().with_columns(se=0.001)
    for wrong in (
        {"year": "year"}, {**RATES, "events": "deaths"}, {"year": "year", "events": "deaths"},
        {**COUNTS, "std_error": "se"}, {**COUNTS, "rate": "rate"},
    ):  # fmt: skip
        assert_refused(lambda w=wrong: function(data, **w), argument="rate")
    low = data.with_columns(
        pl.when(pl.col("year") == 1970).then(0).otherwise(pl.col("rate", "se", "deaths")).name.keep()
    )
    for roles, role, column in (
        (RATES, "rate", "rate"), ({"year": "year", "rate": "se"}, "rate", "se"), (COUNTS, "events", "deaths"),
    ):  # fmt: skip
        assert_refused(lambda r=roles: function(low, **r), argument=role, column=column, rows=(2,))
    free = data.with_columns(se=low["se"])
    assert_refused(
        lambda: function(free, **RATES, std_error="se"), argument="std_error", column="se", rows=(2,)
    )
    twice = pl.concat([data, data[:1]])
    assert_refused(
        lambda: function(twice, **RATES),
        argument="year",
        column="year",
        rows=(53,),
        says=["was there before"],
    )
    assert_refused(
        lambda: function(data[:2], **RATES), argument="year", column="year", says=["fewer than three years"]
    )
    assert_refused(lambda: function(data, **RATES, conf_level=95), argument="conf_level")


def test_refusals_of_groups_and_options():
    data = mortality()
    groups = data.with_columns(
        g=pl.when(pl.col("year") < 1971).then(pl.lit("early")).otherwise(pl.lit("late"))
    )
    assert_refused(
        lambda: annual_percent_change(groups, **RATES, by="g"),
        argument="year",
        column="year",
        says=["'early'"],
    )
    assert_refused(lambda: joinpoint(data, **RATES, selection="aic"), argument="selection")
    assert_refused(lambda: joinpoint(data, **RATES, alpha=1.5), argument="alpha")
    assert_refused(
        lambda: joinpoint(bent(1), **RATES, selection="permutation", max_joinpoints=2, n_permutations=38),
        argument="n_permutations", says=["39 or more", "level 0.025"],
    )  # fmt: skip
    for name in ("n_permutations", "ends", "between", "max_joinpoints", "n_joinpoints"):
        for wrong in (-1, 1.5):
            assert_refused(lambda n=name, w=wrong: joinpoint(data, **RATES, **{n: w}), argument=name)
    assert_refused(
        lambda: joinpoint(data[:10], **RATES, n_joinpoints=3), argument="n_joinpoints",
        says=["3 joinpoints were asked of 10 years", "no more than 2"],
    )  # fmt: skip
    assert_refused(lambda: joinpoint(data[:10], **RATES, max_joinpoints=3), argument="max_joinpoints")
    fit = joinpoint(data, **RATES, n_joinpoints=1)
    for period in ((1990, 1990), (1960, 1990), (1990, 2030)):
        assert_refused(
            lambda p=period: fit.average(*p), argument="start", says=["a period within 1969 to 2020"]
        )
    assert_refused(lambda: fit.average("1990"), argument="start")
