"""Simulated CML: the score and its groups, dates that fit together, true values of a large sample."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

from hemresearch.competing import cumulative_incidence
from hemresearch.data import Simulation, simulate_cml_response
from hemresearch.data.simulate.cml import elts
from hemresearch.data.simulate.cml_truth import RELAPSE_VISITS, _without_response
from hemresearch.survival import kaplan_meier

MONTH = 30.4375
OTHERS = ("switch_date", "progression_date", "death_date")


@pytest.fixture(scope="module")
def large() -> Simulation:
    return simulate_cml_response(15_000, seed=2)


def days(start: str, stop: str) -> pl.Expr:
    return (pl.col(stop) - pl.col(start)).dt.total_days()


def first_response(simulation: Simulation, percent: float) -> pl.DataFrame:
    on_first = pl.col("line") == 1, pl.col("phase") == "treatment"
    reached = simulation["measurements"].filter(*on_first, pl.col("is_percent") <= percent)
    response = reached.group_by("patient_id").agg(response=pl.col("sample_date").min())
    return (
        simulation["patients"]
        .join(response, on="patient_id", how="left")
        .with_columns(other=pl.min_horizontal(*OTHERS))
        .with_columns(first=pl.min_horizontal("response", "other", "last_seen"))
        .with_columns(
            days=days("tki_start", "first"),
            event=pl.when(pl.col("response") == pl.col("first"))
            .then(pl.lit("response"))
            .when(pl.col("other") == pl.col("first"))
            .then(pl.lit("other"))
            .otherwise(pl.lit("censored")),
        )
    )


@pytest.mark.parametrize(
    ("facts", "score"),
    [((50, 0, 0, 300), 1.0618), ((60, 10, 3, 400), 2.1195), ((72, 15, 6, 1600), 2.8113)],
)
def test_the_score_is_that_of_worked_examples(facts: tuple[float, ...], score: float):
    assert round(float(elts(*(np.array(fact) for fact in facts))), 4) == score


def test_groups_are_those_of_the_score_of_the_recorded_facts(large: Simulation):
    patients = large["patients"]
    facts = (patients[name].to_numpy() for name in ("age", "spleen_cm", "blasts_percent", "platelets"))
    score = elts(*facts)
    assert np.abs(score - patients["elts"].to_numpy()).max() <= 5.1e-5
    group = np.where(score <= 1.5680, "low", np.where(score <= 2.2185, "intermediate", "high"))
    assert (group == patients["elts_group"].to_numpy()).all()
    shares = dict(patients["elts_group"].value_counts(normalize=True).rows())
    assert shares == pytest.approx({"low": 0.61, "intermediate": 0.27, "high": 0.12}, abs=0.015)


@pytest.mark.parametrize(("level", "percent"), [("MMR", 0.1), ("MR4", 0.01)])
@pytest.mark.parametrize("by", [None, "elts_group"])
def test_true_incidences_are_those_of_a_large_sample(
    large: Simulation, level: str, percent: float, by: str | None
):
    curves = cumulative_incidence(first_response(large, percent), time="days", event="event", by=by)
    what = {"response": level, "other": f"switch, progression or death before {level}"}
    for months in (12, 24, 60):
        for row in curves.at([months * MONTH]).iter_rows(named=True):
            quantity = f"incidence of {what[row['cause']]} at {months} months"
            truth = large.true(quantity, row.get("elts_group") or "all")
            assert abs(row["estimate"] - truth) < 4 * row["std_error"] + 1e-3, (quantity, row)


def test_true_remission_is_that_of_a_large_sample(large: Simulation):
    lost = large["measurements"].filter(pl.col("phase") == "treatment-free", pl.col("is_percent") > 0.1)
    stopped = (
        large["patients"]
        .filter(pl.col("stop_date").is_not_null())
        .join(lost.group_by("patient_id").agg(lost=pl.col("sample_date").min()), on="patient_id", how="left")
        .with_columns(first=pl.min_horizontal("lost", "last_seen"))
        .with_columns(
            days=days("stop_date", "first"),
            event=(pl.min_horizontal("lost", "death_date") == pl.col("first")).fill_null(False),
        )
        .filter(pl.col("days") > 0)
    )
    curve = kaplan_meier(stopped, time="days", event="event")
    for months in (6, 12, 24):
        row = curve.at([months * MONTH]).row(0, named=True)
        truth = large.true(f"treatment-free remission at {months} months")
        assert abs(row["estimate"] - truth) < 4 * row["std_error"]


def test_incidence_at_two_visits_by_another_quadrature():
    """Visits of the low-risk group at months 2.99 and 5.98, by Gauss-Hermite nodes of the falls."""
    p = simulate_cml_response(5).parameters
    node, weight = np.polynomial.hermite_e.hermegauss(180)
    quick, slow = p["quick_fall"] + p["quick_spread"] * node, p["slow_fall"] + p["slow_spread"] * node
    level, none = np.log10(0.1005), np.ones((180, 180))
    for months in (91 / MONTH, 182 / MONTH):
        fall = np.add.outer(quick * (1 - np.exp(-months / 3)), slow * (1 - np.exp(-months / 30)))
        none *= 1 - 0.97 * norm.cdf((level - 1.7 + fall) / p["measurement_error"])
    names = ("quick_fall", "slow_fall", "quick_spread", "slow_spread", "measurement_error", "not_evaluable")
    found = _without_response(level, *(p[name] for name in names))
    assert found[1] == pytest.approx(weight @ none @ weight / weight.sum() ** 2, abs=1e-8)


def test_remission_by_hand():
    """At 6 months the last visit was on day 180; death has its hazard to day 182."""
    simulation = simulate_cml_response(5, relapse_share=0.5, relapse_rate=0.2, death=0.001)
    relapsed = 0.5 * (1 - np.exp(-0.2 * 180 / 30.4375))
    expected = (1 - relapsed) * np.exp(-0.001 * 182 / 30.4375)
    assert simulation.true("treatment-free remission at 6 months") == pytest.approx(expected, rel=1e-12)


def test_dates_follow_each_other(large: Simulation):
    patients = large["patients"]
    for column in (*OTHERS, "stop_date", "restart_date"):
        seen = patients.filter(pl.col(column).is_not_null())
        assert (seen[column] > seen["tki_start"]).all()
        assert (seen[column] <= seen["last_seen"]).all(), column
    dead = patients.filter(pl.col("death_date").is_not_null())
    assert (dead["death_date"] == dead["last_seen"]).all()
    stopped = patients.filter(pl.col("stop_date").is_not_null())
    assert stopped["switch_date"].null_count() == stopped["progression_date"].null_count() == len(stopped)
    assert patients.filter(pl.col("restart_date") <= pl.col("stop_date")).is_empty()
    assert patients.filter(pl.col("switch_date") >= pl.col("progression_date")).is_empty()


def test_samples_are_taken_on_the_grid_and_while_followed(large: Simulation):
    rows = large["measurements"].join(large["patients"], on="patient_id")
    assert (rows["sample_date"] <= rows["last_seen"]).all()
    treated = rows.filter(phase="treatment").select(days("tki_start", "sample_date")).to_series()
    assert (treated % 91 == 0).all()
    free = rows.filter(phase="treatment-free").select(days("stop_date", "sample_date")).to_series()
    assert set(free) <= {int(day) for day in RELAPSE_VISITS}
    end = rows.filter(phase="treatment", line=1)
    assert end.filter(pl.col("sample_date") > pl.min_horizontal("switch_date", "progression_date")).is_empty()


def test_values_are_as_a_laboratory_reports_them(large: Simulation):
    rows = large["measurements"]
    missing = rows.filter(pl.col("is_percent").is_null())
    assert missing["abl1_copies"].max() < 10_000 <= rows.drop_nulls("is_percent")["abl1_copies"].min()
    assert not missing["detected"].any()
    assert (
        rows.drop_nulls("is_percent")["detected"] == (rows.drop_nulls("is_percent")["is_percent"] > 0)
    ).all()
    start = rows.filter(months=0.0)["is_percent"]
    assert start.median() == pytest.approx(50, rel=0.05)


def test_those_who_stop_are_in_deep_response_and_relapse_above_a_tenth(large: Simulation):
    rows = large["measurements"].join(large["patients"].drop_nulls("stop_date"), on="patient_id")
    before = rows.filter(phase="treatment").sort("patient_id", "sample_date").group_by("patient_id").tail(8)
    assert (before["is_percent"].drop_nulls() <= 0.01).all()
    free = rows.filter(phase="treatment-free").drop_nulls("is_percent")
    lost = free.filter(pl.col("is_percent") > 0.1)
    assert lost["patient_id"].is_unique().all()
    last = free.group_by("patient_id").agg(pl.col("sample_date").max().alias("last"))
    assert lost.join(last, on="patient_id").select((pl.col("sample_date") == pl.col("last")).all()).item()
    restarted = lost.drop_nulls("restart_date")
    assert (restarted.select(days("sample_date", "restart_date")).to_series() == 14).all()
