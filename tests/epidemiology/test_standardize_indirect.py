"""Observed over expected events: R's numbers, by hand, truths, refusals and warnings."""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from reference_cases import assert_close, reference_cases
from refusals import assert_refused, assert_warns

import hemresearch as hem
from hemresearch.epidemiology import (
    TimeScale,
    person_time,
    standardize_indirect,
    standardized_ratio_test,
)
from hemresearch.times import calendar_year

LIMITS = ["conf_low", "conf_high"]
ROLES = {"events": "d", "expected": "e"}
FROM_RATES = {"events": "deaths", "person_time": "mean_population", "strata": "band"}
PLANTS = pl.DataFrame({"plant": ["A", "A", "B", "C"], "d": [2, 2, 9, 21], "e": [1.6, 2.5, 6.6, 9.8]})


def row(observed: float, expected: float, **options) -> dict:
    data = pl.DataFrame({"d": [observed], "e": [expected]})
    return standardize_indirect(data, **ROLES, **options).to_frame().row(0, named=True)


@pytest.mark.parametrize("case_id", [c for c in reference_cases("epidemiology", "sir_") if "popepi" not in c])
def test_matches_r(reference, case_id):
    values = reference("epidemiology", case_id).values
    observed, expected = values["observed"], values["expected"]
    for conf_type in ("exact", "byar", "log"):
        if values[conf_type] is not None:
            found = row(observed, expected, conf_type=conf_type)
            assert_close([found[n] for n in LIMITS], values[conf_type], rel=1e-9)
            assert_close(found["estimate"], values["sir"])
    assert_close(row(observed, expected)["p_value"], values["p_exact"], rel=1e-9)
    for test, name in (("score", "chisq"), ("continuity", "chisq_cc")):
        assert_close(row(observed, expected, test=test)["statistic"], values[name], rel=1e-9)


def swedish_men(data: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Deaths of 2020, and the rates of 1969, in 18 bands of age."""
    men = data.filter(pl.col("sex") == 1).with_columns(band=pl.min_horizontal(pl.col("age") // 5, 17))
    rate = pl.col("deaths").sum() / pl.col("mean_population").sum()
    before = men.filter(pl.col("year") == 1969).group_by("band").agg(rate=rate)
    return men.filter(pl.col("year") == 2020), before


def test_rates_of_another_year(reference):
    case = reference("epidemiology", "indirect_sweden2020_from_1969rates_men")
    men, before = swedish_men(case.data)
    found = standardize_indirect(men, **FROM_RATES, rates=before).to_frame().row(0, named=True)
    assert_close(
        [found["observed"], found["expected"], found["estimate"]],
        [case.values[k] for k in ("observed", "expected", "sir")],
    )
    assert_close([found[n] for n in LIMITS], case.values["exact"], rel=1e-9)
    assert found["p_value"] < 1e-300  # R's is the smallest number but four
    for form in (before.lazy(), before.to_pandas(), before.sample(fraction=1, shuffle=True, seed=1)):
        assert_close(
            standardize_indirect(men, **FROM_RATES, rates=form).to_frame()["expected"][0], found["expected"]
        )


def test_a_population_at_its_own_rates_has_a_ratio_of_one(dataset):
    _, before = swedish_men(dataset("swe_population_deaths"))
    men = dataset("swe_population_deaths").filter((pl.col("sex") == 1) & (pl.col("year") == 1969))
    men = men.with_columns(band=pl.min_horizontal(pl.col("age") // 5, 17))
    assert_close(standardize_indirect(men, **FROM_RATES, rates=before).to_frame()["estimate"][0], 1)


@pytest.mark.parametrize("case_id", reference_cases("tables", "sir_"))
def test_groups_match_r(reference, case_id):
    case = reference("tables", case_id)
    data = pl.DataFrame(
        {
            "k": range(len(case.options["observed"])),
            "d": case.options["observed"],
            "e": case.options["expected"],
        }
    )
    spread = standardized_ratio_test(data, **ROLES, by="k")
    assert_close(spread.statistic, case.values["heterogeneity"], rel=1e-10)
    assert spread.df == data.height - 1
    trend = standardized_ratio_test(data, **ROLES, by="k", scores=case.options["scores"])
    assert_close(trend.statistic, case.values["trend"], rel=1e-9)
    assert trend.df == 1
    assert trend.name == "test for trend of observed over expected"
    assert_close(trend.to_frame()["estimate"], data["d"] / data["e"])


def test_rows_are_added_up():
    found = standardize_indirect(PLANTS, **ROLES, by="plant")
    frame = found.to_frame()
    assert frame["observed"].to_list() == [4, 9, 21]
    assert_close(frame["expected"], [4.1, 6.6, 9.8])
    assert frame.columns == ["plant", "observed", "expected", "estimate", "statistic", "p_value", *LIMITS]
    assert_frame_equal(standardize_indirect(PLANTS.lazy(), **ROLES, by="plant").to_frame(), frame)
    assert found.n_event == 34
    assert "plant=A: 0.9756" in repr(found)
    wide = standardize_indirect(PLANTS, **ROLES, by="plant", conf_type="midp", test="midp").to_frame()
    assert (wide["conf_high"] < frame["conf_high"]).all()
    assert (wide["conf_low"] > frame["conf_low"]).all()


def test_person_time_and_rates_may_change_their_unit(dataset):
    men, before = swedish_men(dataset("swe_population_deaths"))
    months = men.with_columns(pl.col("mean_population") * 12)
    per_month = before.with_columns(pl.col("rate") / 12)
    ours, theirs = (
        standardize_indirect(d, **FROM_RATES, rates=r).to_frame()
        for d, r in ((men, before), (months, per_month))
    )
    assert_frame_equal(ours, theirs)


def test_refusals_of_the_forms():
    data = PLANTS.with_columns(y=pl.lit(10.0))
    rates = pl.DataFrame({"plant": ["A", "B", "C"], "rate": [0.1, 0.2, 0.3]})
    for given in (
        {},
        {"expected": "e", "rates": rates},
        {"person_time": "y", "rates": rates},
        {"strata": "plant", "rates": rates},
        {"person_time": "y", "strata": "plant"},
    ):
        assert_refused(
            lambda given=given: standardize_indirect(data, events="d", **given), argument="expected"
        )
    options = {"events": "d", "person_time": "y", "strata": "plant"}
    for wrong, says in (
        (rates.rename({"rate": "r"}), "lacks 'rate'"),
        (rates.drop("plant"), "lacks 'plant'"),
        (pl.concat([rates, rates.head(1)]), "2 rows of the same strata"),
        (rates.with_columns(rate=-1.0), "3 rates that are missing"),
        (rates.with_columns(rate=pl.lit(None, pl.Float64)), "3 rates that are missing"),
        (rates.with_columns(rate=pl.lit(0.0)), "nothing is expected"),
    ):
        assert_refused(
            lambda wrong=wrong: standardize_indirect(data, **options, rates=wrong),
            argument="rates",
            says=[says],
        )
    assert_refused(
        lambda: standardize_indirect(data, **options, rates=rates.head(2)),
        argument="strata",
        column="plant",
        rows=[4],
    )
    negative = data.with_columns(y=-pl.col("y"))
    assert_refused(
        lambda: standardize_indirect(negative, **options, rates=rates),
        argument="person_time",
        column="y",
        rows=[1, 2, 3, 4],
    )


def test_refusals_of_data_and_arguments():
    for wrong in (-0.1, math.inf):
        bad = PLANTS.with_columns(e=pl.when(pl.col("plant") == "B").then(wrong).otherwise("e"))
        assert_refused(
            lambda bad=bad: standardize_indirect(bad, **ROLES), argument="expected", column="e", rows=[3]
        )
    none = PLANTS.with_columns(e=pl.when(pl.col("plant") == "B").then(0.0).otherwise("e"))
    assert_refused(
        lambda: standardize_indirect(none, **ROLES, by="plant"),
        argument="expected",
        column="e",
        says=["in 'B'"],
    )
    assert_refused(lambda: standardize_indirect(PLANTS, **ROLES, conf_type="normal"), argument="conf_type")
    assert_refused(lambda: standardize_indirect(PLANTS, **ROLES, test="x"), argument="test")
    text = PLANTS.with_columns(e=pl.lit("1"))
    assert_refused(lambda: standardize_indirect(text, **ROLES), argument="expected", column="e")
    one = PLANTS.with_columns(plant=pl.lit("A"))
    assert_refused(lambda: standardized_ratio_test(one, **ROLES, by="plant"), argument="by", column="plant")
    nothing = PLANTS.with_columns(d=0)
    assert_refused(
        lambda: standardized_ratio_test(nothing, **ROLES, by="plant"), argument="events", column="d"
    )
    for scores in ([1, 2], [1, 1, 1], [1, 2, math.nan], ["a", "b", "c"], 3, [[1, 2, 3]]):
        assert_refused(
            lambda s=scores: standardized_ratio_test(PLANTS, **ROLES, by="plant", scores=s), argument="scores"
        )


def test_warning_without_events():
    quiet = PLANTS.with_columns(d=pl.when(pl.col("plant") == "B").then(0).otherwise("d"))
    found = assert_warns(
        lambda: standardize_indirect(quiet, **ROLES, by="plant", conf_type="log"),
        argument="conf_type",
        says=["in 'B'"],
    ).to_frame()
    assert found.select("estimate", *LIMITS).row(1) == (0, None, None)
    exact = standardize_indirect(quiet, **ROLES, by="plant").to_frame()
    assert_close(exact["conf_high"][1], -np.log(0.025) / 6.6)


def test_person_time_by_band_and_a_life_table_match_popepi(reference, dataset):
    """Follow-up is tabulated by age and year, and meets the rates of the population there."""
    case = reference("epidemiology", "sir_popepi_sire_mortality")
    # popEpi counts in decimal calendar years, of which those of leap years are longer
    dates = ("bi_date", "dg_date", "ex_date")
    data = case.data.with_columns(calendar_year(case.data[name]).alias(name) for name in dates)
    cells = person_time(
        data,
        time="ex_date",
        entry="dg_date",
        event=pl.col("status") > 0,
        by="sex",
        scales={
            "age": TimeScale(range(102), since="bi_date"),
            "year": TimeScale(range(1993, 2014)),
            "since": TimeScale([0, 20], since="dg_date"),
        },
    )
    rates = dataset("popmort_fi").rename({"hazard_year": "rate"})
    roles = {"events": "n_event", "person_time": "person_time", "strata": ["sex", "age", "year"]}
    row = standardize_indirect(cells, **roles, rates=rates).to_frame().row(0, named=True)
    stored = {name: values[0] for name, values in case.values.items()}  # with four decimals
    assert row["observed"] == stored["observed"]
    assert abs(row["expected"] - stored["expected"]) < 6e-5
    assert abs(row["estimate"] - stored["sir"]) < 6e-5


def test_ratios_are_a_forest_plot():
    plants = pl.DataFrame({"plant": ["A", "B"], "deaths": [4, 21], "expected": [4.1, 9.8]})
    ratios = standardize_indirect(plants, events="deaths", expected="expected", by="plant")
    said = hem.plots.fingerprint(ratios.plot())
    assert "forest of 2 estimates (observed over expected)" in said
    assert "B: 2.143 (" in said
    table = hem.report.table(ratios)
    assert table.header == ("plant", "Observed", "Expected", "Observed over expected (95% CI)", "p")
    plt.close("all")
