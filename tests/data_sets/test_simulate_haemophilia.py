"""The simulated switch of prophylaxis: tables that fit together, and true values of a large sample."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.integrate import quad
from scipy.stats import gamma, nbinom, poisson

from hemresearch.data import Simulation, simulate_haemophilia_switch
from hemresearch.data.simulate.haemophilia_truth import selected_counts

MANY = 20_000
DAYS = (pl.col("stop") - pl.col("start")).dt.total_days()


def at_risk(simulation: Simulation) -> pl.DataFrame:
    """Days of each patient on each regimen, and of surgery in them."""
    switch = simulation["patients"].select("patient_id", "switch_date")
    of = pl.when(pl.col("start") < pl.col("switch_date")).then(pl.lit("before")).otherwise(pl.lit("after"))
    surgery = (
        simulation["surgeries"].join(switch, on="patient_id").select("patient_id", regimen=of, surgery=DAYS)
    )
    keys = ["patient_id", "regimen"]
    rows = simulation["regimens"].select(*keys, days=DAYS).join(surgery, on=keys, how="left")
    new = simulation["bleeds"].filter(~pl.col("continues"), pl.col("cause") != "surgical")
    counted = new.group_by(keys).agg(
        n=pl.len(), joint=pl.col("joint").sum(), spontaneous=(pl.col("cause") == "spontaneous").sum()
    )
    return (
        rows.join(counted, on=keys, how="left")
        .with_columns(pl.col("surgery", "n", "joint", "spontaneous").fill_null(0))
        .with_columns(years=(pl.col("days") - pl.col("surgery")) / 365.25)
    )


@pytest.fixture(scope="module")
def large() -> Simulation:
    return simulate_haemophilia_switch(MANY, rebleed_share=0.1, seed=2)


@pytest.mark.parametrize("bad_year", [None, 4])
def test_true_rates_are_those_of_a_large_sample(bad_year: int | None):
    simulation = simulate_haemophilia_switch(MANY, bad_year=bad_year, seed=3)
    rows = at_risk(simulation)
    for regimen in ("before", "after"):
        own = rows.filter(regimen=regimen)
        for column, kind in (
            ("n", "bleeds"),
            ("joint", "joint bleeds"),
            ("spontaneous", "spontaneous bleeds"),
        ):
            rate = own[column].sum() / own["years"].sum()
            error = (own[column] - rate * own["years"]).std() * np.sqrt(MANY) / own["years"].sum()
            assert abs(rate - simulation.true(f"annual {kind}", regimen)) < 4 * error
    year = rows.filter(pl.col("days") == 365, pl.col("surgery") == 0, pl.col("regimen") == "after")
    none = (year["n"] == 0).mean()
    truth = simulation.true("no bleed in a year", "after")
    assert abs(none - truth) < 4 * np.sqrt(truth * (1 - truth) / len(year))


def test_without_selection_the_truth_is_what_the_parameters_say():
    simulation = simulate_haemophilia_switch(
        5, spontaneous_before=3, traumatic_before=1, spontaneous_ratio=0.5, traumatic_ratio=1,
        spontaneous_joint=0.8, traumatic_joint=0.4, frailty_variance=0.5,
    )  # fmt: skip
    assert simulation.true("annual bleeds", "before") == pytest.approx(4, rel=1e-9)
    assert simulation.true("annual bleeds", "after") == pytest.approx(2.5, rel=1e-9)
    assert simulation.true("annual joint bleeds", "before") == pytest.approx(2.8, rel=1e-9)
    assert simulation.true("rate ratio") == pytest.approx(0.625, rel=1e-9)
    assert simulation.true("rate ratio of joint bleeds") == pytest.approx(1.6 / 2.8, rel=1e-9)
    assert simulation.true("no bleed in a year", "before") == pytest.approx(nbinom.pmf(0, 2, 2 / 6), rel=1e-9)
    assert simulation.true("no bleed in a year", "after") == pytest.approx(
        nbinom.pmf(0, 2, 2 / 4.5), rel=1e-9
    )
    assert simulation.true("dispersion") == 0.5


def test_rates_after_a_bad_year_are_integrals_over_the_frailty():
    """By quadrature over the gamma density, another way than the sums of the package."""
    simulation = simulate_haemophilia_switch(5, bad_year=3, surgery_share=0, frailty_variance=0.7)
    shape, expected = 1 / 0.7, 3.8 * 365 / 365.25

    def mean(function) -> float:
        density = gamma(shape, scale=0.7).pdf
        return quad(lambda z: density(z) * function(z), 0, np.inf, epsabs=1e-12)[0]

    selected = mean(lambda z: poisson.sf(2, z * expected))
    frailty = mean(lambda z: z * poisson.sf(2, z * expected)) / selected
    seen = mean(lambda z: z * expected * poisson.sf(1, z * expected)) / selected
    assert simulation.true("annual bleeds without a switch", "after") == pytest.approx(
        3.8 * frailty, rel=1e-7
    )
    assert simulation.true("annual bleeds", "before") == pytest.approx(seen / 365 * 365.25, rel=1e-7)
    none = mean(lambda z: np.exp(-1.42 * z) * poisson.sf(2, z * expected)) / selected
    assert simulation.true("no bleed in a year", "after") == pytest.approx(none, rel=1e-7)


def test_a_bad_year_makes_the_old_regimen_look_worse_than_it_is():
    simulation = simulate_haemophilia_switch(5, bad_year=5, spontaneous_ratio=1, traumatic_ratio=1)
    before, after = (simulation.true("annual bleeds", regimen) for regimen in ("before", "after"))
    assert simulation.true("annual bleeds without selection", "before") < after < before
    assert simulation.true("rate ratio") < 1
    assert simulation.true("rate ratio of the regimens") == 1


def test_numbers_of_bleeds_before_the_switch_are_negative_binomial():
    p = {"frailty_variance": 0.8, "spontaneous_before": 2.0, "traumatic_before": 1.0, "bad_year": 2}
    number, probability, total = selected_counts(p, 365.25)
    assert number[0] == 2
    assert probability[:5] == pytest.approx(nbinom.pmf(number[:5], 1.25, 1.25 / 4.25), rel=1e-10)
    assert total == pytest.approx(nbinom.sf(1, 1.25, 1.25 / 4.25), rel=1e-10)


def test_regimens_follow_each_other_and_hold_their_bleeds_and_surgery(large: Simulation):
    wide = large["regimens"].pivot("regimen", index="patient_id", values=["start", "stop"])
    patients = large["patients"].join(wide, on="patient_id")
    assert (patients["stop_before"] == patients["switch_date"]).all()
    assert (patients["start_after"] == patients["switch_date"]).all()
    assert (patients["stop_after"] == patients["last_seen"]).all()
    bleeds = large["bleeds"].join(large["regimens"], on=["patient_id", "regimen"])
    assert ((bleeds["bleed_date"] > bleeds["start"]) & (bleeds["bleed_date"] <= bleeds["stop"])).all()
    surgery = large["surgeries"].join(wide, on="patient_id")
    within = (pl.col("start") >= pl.col("start_before")) & (pl.col("stop") <= pl.col("stop_before"))
    later = (pl.col("start") >= pl.col("start_after")) & (pl.col("stop") <= pl.col("stop_after"))
    assert surgery.select((within | later).all()).item()


def test_surgical_bleeds_and_no_others_are_in_windows_of_surgery(large: Simulation):
    inside = large["bleeds"].join_where(
        large["surgeries"].rename({"patient_id": "who"}),
        pl.col("patient_id") == pl.col("who"),
        pl.col("bleed_date") > pl.col("start"),
        pl.col("bleed_date") <= pl.col("stop"),
    )
    inside = inside.filter(~pl.col("continues"))
    assert set(inside["cause"]) == {"surgical"}
    surgical = large["bleeds"].filter(pl.col("cause") == "surgical", ~pl.col("continues"))
    assert len(inside) == len(surgical)


def test_bleeds_are_new_by_the_72_hour_rule_but_for_those_reported_again(large: Simulation):
    rows = large["bleeds"].sort("patient_id", "site", "bleed_at")
    last = pl.col("last_treated_at").cum_max().shift(1).over("patient_id", "site")
    soon = rows.select((pl.col("bleed_at") - last <= pl.duration(hours=72)).fill_null(False)).to_series()
    assert (soon == rows["continues"]).all()
    assert 0.08 < rows["continues"].mean() < 0.1


def test_bleeds_have_treatments_and_these_come_after(large: Simulation):
    treated = large["treatments"].join(large["bleeds"], on="bleed_id", suffix="_bleed")
    assert treated["bleed_id"].n_unique() == len(large["bleeds"])
    assert (treated["treated_at"] >= treated["bleed_at"]).all()
    assert (treated["treated_at"] <= treated["last_treated_at"]).all()
    assert (treated["site"] == treated["site_bleed"]).all()


def test_some_have_been_followed_for_a_short_time(large: Simulation):
    days = large["regimens"].filter(regimen="after").select(DAYS).to_series()
    short = days < 365
    assert abs(short.mean() - 0.1) < 0.01
    assert days.filter(short).min() == 7
    assert days.filter(short).max() == 60


def test_activity_is_higher_after_the_switch_and_lower_in_those_who_bleed():
    simulation = simulate_haemophilia_switch(800, activity=True, seed=8)
    rows = simulation["activity"]
    median = rows.group_by("regimen").agg(pl.col("activity_iu_dl").median())
    assert dict(median.rows())["after"] > 2 * dict(median.rows())["before"]
    bleeds = simulation["bleeds"].group_by("patient_id").len("bleeds")
    own = rows.group_by("patient_id").agg(pl.col("activity_iu_dl").mean()).join(bleeds, on="patient_id")
    assert own.select(pl.corr("activity_iu_dl", "bleeds", method="spearman")).item() < -0.1
