"""Directly standardised rates: R's numbers, by hand, truths, refusals and warnings."""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from reference_cases import assert_close, reference_cases
from refusals import assert_refused, assert_warns
from scipy.special import ndtr

import hemresearch as hem
from hemresearch.epidemiology import (
    rate,
    standard_population,
    standardize_direct,
    standardized_rate_ratio,
)
from hemresearch.personal_numbers import check_digit

LIMITS = ["conf_low", "conf_high"]
NAMES = {"world": "world", "europe": "europe 1976", "nordic": "nordic 2000", "esp2013": "europe 2013"}
SWEDEN = {"events": "deaths", "person_time": "mean_population"}
TESTIS = {"events": "D", "person_time": "Y"}
ROLES = {"events": "d", "person_time": "y"}
SMALL = pl.DataFrame(
    {"age": [0, 40, 70], "d": [1, 6, 30], "y": [1000.0, 900.0, 500.0], "sex": ["F", "F", "F"]}
)
OWN = {0: 5, 40: 3, 70: 2}


def standard(case) -> str:
    """Our name of the standard in the name of a case, whose weights must be ours too."""
    name = next(ours for theirs, ours in NAMES.items() if f"_{theirs}" in case.id)
    assert standard_population(name)["weight"].to_list() == case.options["weights"]
    return name


@pytest.mark.parametrize("case_id", reference_cases("epidemiology", "direct_testis", "direct_sweden"))
def test_matches_r(reference, case_id):
    case = reference("epidemiology", case_id)
    if "testis" in case_id:
        decade = int(case_id[-4:])
        data, roles = case.data.filter(pl.col("P") // 10 * 10 == decade), TESTIS | {"age": "A"}
    else:
        year = int(next(part for part in case_id.split("_") if part.isdigit()))
        data, roles = case.data.filter(pl.col("year") == year), SWEDEN | {"age": "age"}
    assert_close(
        rate(data, **{k: roles[k] for k in ("events", "person_time")}).to_frame()["estimate"][0],
        case.values["crude"],
    )
    for conf_type, name in (
        ("fay-feuer", "fay_feuer_ci"),
        ("fay-feuer", "epitools_ci"),
        ("tiwari", "tiwari_ci"),
        ("dobson", "dobson_ci"),
        ("normal", "normal_ci"),
        ("log", "log_ci"),
    ):
        row = (
            standardize_direct(data, **roles, standard=standard(case), conf_type=conf_type)
            .to_frame()
            .row(0, named=True)
        )
        assert_close([row["estimate"], row["std_error"]], [case.values["asr"], case.values["se"]], rel=1e-10)
        assert_close([row[n] for n in LIMITS], case.values[name], rel=1e-9)
        assert_close(
            [row["n_event"], row["person_time"]], [case.values["total_events"], case.values["total_py"]]
        )


def test_matches_the_ratio_of_r(reference):
    case = reference("epidemiology", "direct_ratio_sweden_2020_1969")
    data = case.data.filter(pl.col("year").is_in([1969, 2020]))
    row = standardized_rate_ratio(data, **SWEDEN, age="age", by="year").to_frame().row(0, named=True)
    assert (row["group"], row["reference"]) == ("2020", "1969")
    assert_close(
        [row["estimate"], *(row[n] for n in LIMITS)], [case.values["srr"], *case.values["ci"]], rel=1e-10
    )
    turned = standardized_rate_ratio(data, **SWEDEN, age="age", by="year", reference=2020).to_frame()
    assert_close(turned["estimate"][0], 1 / case.values["srr"])


def test_matches_popepi(reference):
    case = reference("epidemiology", "popepi_rate_adjusted_sire_like")
    data = case.data.with_columns(decade=pl.col("P") // 10 * 10)
    level = 1 - 2 * float(ndtr(-1.96))  # popEpi rounds the normal quantile
    found = standardize_direct(
        data, **TESTIS, age="A", by="decade", standard="nordic 2000", conf_type="log", conf_level=level
    ).to_frame()
    assert found["decade"].to_list() == case.values["dec"]
    names = {
        "estimate": "rate.adj",
        "std_error": "SE.rate.adj",
        "conf_low": "rate.adj.lo",
        "conf_high": "rate.adj.hi",
    }
    for ours, theirs in names.items():
        assert_close(found[ours], case.values[theirs], rel=1e-9)


def test_by_hand():
    row = standardize_direct(SMALL, **ROLES, age="age", standard=OWN, per=1000).to_frame().row(0, named=True)
    assert_close(row["estimate"], 0.5 * 1 + 0.3 * 6 / 0.9 + 0.2 * 30 / 0.5)
    assert_close(row["std_error"], math.sqrt(0.5**2 * 1 + 0.3**2 * 6 / 0.9**2 + 0.2**2 * 30 / 0.5**2))
    assert list(row) == ["n_event", "person_time", "estimate", "std_error", *LIMITS]


def test_strata_of_a_table_are_the_same():
    table = pl.DataFrame({"age": [70, 0, 40], "weight": [20.0, 50.0, 30.0], "note": ["x", "y", "z"]})
    by_age = standardize_direct(SMALL, **ROLES, age="age", standard=OWN).to_frame()
    for form in (table, table.lazy(), table.to_pandas()):
        assert_frame_equal(standardize_direct(SMALL, **ROLES, strata="age", standard=form).to_frame(), by_age)
    two = pl.DataFrame({"age": [0, 40, 70], "sex": ["F"] * 3, "weight": [5, 3, 2]})
    assert_frame_equal(
        standardize_direct(SMALL, **ROLES, strata=["age", "sex"], standard=two).to_frame(), by_age
    )
    more = pl.concat(
        [table, pl.DataFrame({"age": [90], "weight": [0.0], "note": ["w"]})], how="vertical_relaxed"
    )
    assert_frame_equal(standardize_direct(SMALL, **ROLES, strata="age", standard=more).to_frame(), by_age)


def test_the_ages_of_the_standard_give_the_crude_rate():
    shares = {0: 1000, 40: 900, 70: 500}
    ours = standardize_direct(SMALL, **ROLES, age="age", standard=shares).to_frame()
    assert_close(ours["estimate"], rate(SMALL, **ROLES).to_frame()["estimate"])


def test_ages_are_put_into_bands(dataset):
    year = dataset("swe_population_deaths").filter(pl.col("year") == 2000)
    bands = year.group_by(pl.col("age") // 5 * 5).agg(pl.col("deaths", "mean_population").sum())
    for name in NAMES.values():
        options = SWEDEN | {"age": "age", "standard": name}
        assert_frame_equal(
            standardize_direct(year, **options).to_frame(), standardize_direct(bands, **options).to_frame()
        )


def test_a_span_of_ages_is_a_standard_of_its_own(dataset):
    year = dataset("swe_population_deaths").filter(pl.col("year") == 2000)
    world = standard_population("world")
    for ages in ((35, 65), (65, math.inf), (0, 75)):
        span = standardize_direct(year, **SWEDEN, age="age", standard="world", ages=ages)
        inside = (pl.col("age") >= ages[0]) & (pl.col("age") < ages[1])
        own = dict(world.filter(inside).iter_rows())
        expected = standardize_direct(year.filter(inside), **SWEDEN, age="age", standard=own)
        assert_frame_equal(span.to_frame(), expected.to_frame())
    assert standardize_direct(year, **SWEDEN, age="age", standard="world", ages=(35, 65)).name.endswith(
        "(world standard, ages 35 to 65)"
    )


def test_groups_and_rows_do_not_matter(dataset):
    data = dataset("swe_population_deaths").filter(pl.col("year").is_in([1980, 2010]))
    options = SWEDEN | {"age": "age", "standard": "europe 2013"}
    whole = standardize_direct(data, **options, by=["sex", "year"]).to_frame()
    assert whole.height == 4
    for sex, year in ((1, 2010), (2, 1980)):
        here = (pl.col("sex") == sex) & (pl.col("year") == year)
        assert_frame_equal(
            standardize_direct(data.filter(here), **options).to_frame(),
            whole.filter(here).drop("sex", "year"),
        )
    shuffled = data.sample(fraction=1, shuffle=True, seed=3).lazy()
    assert_frame_equal(standardize_direct(shuffled, **options, by=["sex", "year"]).to_frame(), whole)
    assert (
        standardize_direct(data, **options, per=100_000).name
        == "standardised rate per 100000 units of person-time (europe 2013 standard)"
    )


def test_standards_have_a_hundred_thousand_persons():
    for name in NAMES.values():
        population = standard_population(name)
        assert population["weight"].sum() == 100_000
        assert population["age"].to_list() == list(range(0, 90, 5))
    assert_refused(lambda: standard_population("europe 2012"), argument="name", says=["'europe 2013'"])


def test_refusals_of_the_standard():
    def call(data=SMALL, **options):
        return lambda: standardize_direct(data, **ROLES, **options)

    assert_refused(call(), argument="age", says=["neither age nor strata"])
    assert_refused(call(age="age", strata="sex"), argument="age", says=["together with strata"])
    assert_refused(call(strata="sex", ages=(0, 5)), argument="ages", says=["without age"])
    assert_refused(call(age="age", standard="europe"), argument="standard", says=["'europe 1976'"])
    assert_refused(call(age="age", standard=[1, 2]), argument="standard", says=["a list was given"])
    assert_refused(call(age="age", standard={}), argument="standard")
    for wrong in ({0: -1, 40: 2}, {0: math.nan, 40: 1}, {0: 0, 40: 0}):
        assert_refused(call(age="age", standard=wrong), argument="standard", says=["negative"])
    for ages in ((3, 65), (65, 35), (0, 5, 10)):
        assert_refused(call(age="age", ages=ages), argument="ages", says=["borders"])
    assert_refused(call(age="age", standard={40: 1, 70: 2}), argument="age", column="age", rows=[1])
    assert_refused(
        call(age="age"),
        argument="age",
        column="age",
        says=["no person-time in 15 of the 18 strata", "(5, 10, 15, 20, 25 and 10 more)"],
    )
    by_two = pl.concat([SMALL, SMALL.head(2).with_columns(sex=pl.lit("M"))])
    assert_refused(
        call(by_two, age="age", standard=OWN, by="sex"), argument="age", column="age", says=["(70) in 'M'"]
    )
    for wrong in (-1.0, math.inf):
        bad = SMALL.with_columns(age=pl.when(pl.col("age") == 40).then(wrong).otherwise("age"))
        assert_refused(call(bad, age="age", standard=OWN), argument="age", column="age", rows=[2])


def test_refusals_of_a_table_of_weights():
    table = pl.DataFrame({"age": [0, 40, 70], "weight": [5, 3, 2]})

    def call(standard):
        return lambda: standardize_direct(SMALL, **ROLES, strata="age", standard=standard)

    for by_age in ("world", OWN):
        assert_refused(call(by_age), argument="standard", says=["is by age"])
    assert_refused(call(table.rename({"weight": "w"})), argument="standard", says=["lacks 'weight'"])
    assert_refused(
        call(pl.concat([table, table.head(1)])), argument="standard", says=["2 rows of the same strata"]
    )
    assert_refused(call(table.head(2)), argument="strata", column="age", rows=[3])
    assert_refused(call(table.with_columns(weight=pl.lit(None, pl.Int64))), argument="standard")
    more = pl.concat([table, pl.DataFrame({"age": [80], "weight": [1]})], how="vertical_relaxed")
    assert_refused(call(more), argument="strata", column="age", says=["(80)"])


def test_refusals_of_arguments_and_data():
    options = ROLES | {"age": "age", "standard": OWN}
    assert_refused(lambda: standardize_direct(SMALL, **options, conf_type="exact"), argument="conf_type")
    assert_refused(lambda: standardize_direct(SMALL, **options, per=0), argument="per")
    assert_refused(lambda: standardized_rate_ratio(SMALL, **options, by="sex"), argument="by", column="sex")
    both = pl.concat([SMALL, SMALL.with_columns(sex=pl.lit("M"))])
    assert_refused(
        lambda: standardized_rate_ratio(both, **options, by="sex", reference="X"),
        argument="reference",
        column="sex",
    )
    assert_refused(
        lambda: standardize_direct(SMALL.with_columns(d=0.5), **options),
        argument="events",
        column="d",
        rows=[1, 2, 3],
    )
    holes = SMALL.with_columns(y=pl.when(pl.col("age") == 0).then(None).otherwise("y"))
    assert_refused(lambda: standardize_direct(holes, **options), argument="person_time", column="y", rows=[1])


def test_warnings_without_events():
    both = pl.concat([SMALL, SMALL.with_columns(sex=pl.lit("M"), d=pl.lit(0, pl.Int64))])
    options = ROLES | {"age": "age", "standard": OWN, "by": "sex"}
    for conf_type in ("dobson", "normal", "log"):
        found = assert_warns(
            lambda c=conf_type: standardize_direct(both, **options, conf_type=c),
            argument="conf_type",
            says=["in 'M'"],
        ).to_frame()
        assert found["estimate"][1] == 0
        assert found["conf_low"][1] == (0 if conf_type == "normal" else None)
    exact = standardize_direct(both, **options).to_frame()
    assert_close(exact["conf_high"][1], 0.5 / 1000 * -np.log(0.025))
    ratio = assert_warns(lambda: standardized_rate_ratio(both, **options), argument="conf_type").to_frame()
    assert ratio.select("estimate", "p_value", *LIMITS).row(0) == (0, None, None, None)


def test_personal_numbers_are_no_strata_to_be_named():
    """The strata that a group lacks are named: none may be a person."""
    number = "890101-980" + check_digit("890101980")
    data = SMALL.with_columns(person=pl.Series([number, "b", "c"]))
    own = pl.DataFrame({"person": [number, "b", "c"], "weight": [1, 1, 1]})
    refusal = assert_refused(
        lambda: standardize_direct(data.tail(2), **ROLES, strata="person", standard=own),
        argument="strata",
        column="person",
        says=["personal numbers"],
    )
    assert number not in str(refusal)


def test_ratios_are_a_forest_plot():
    deaths = hem.data.load("swe_population_deaths").filter(pl.col("year").is_in([1969, 2020]))
    roles = {"events": "deaths", "person_time": "mean_population", "age": "age", "by": "year"}
    said = hem.plots.fingerprint(standardized_rate_ratio(deaths, **roles).plot())
    assert "forest of 1 estimates (standardised rate ratio)" in said
    assert "2020 vs 1969: 0.548 (0.5427 to 0.5534)" in said
    plt.close("all")
