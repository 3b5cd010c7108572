"""The simulated CAR T-cell cohort: dates and grades that fit together, true values of a large sample."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.integrate import quad
from scipy.linalg import expm

from hemresearch.competing import cumulative_incidence
from hemresearch.data import Simulation, simulate_cart
from hemresearch.data.simulate.cart_truth import _alive, _alive_not_infused, _infused_on
from hemresearch.survival import kaplan_meier

N = 15_000
MONTH = 30.4375


@pytest.fixture(scope="module")
def large() -> Simulation:
    return simulate_cart(N, seed=2)


def days(start: str, stop: str) -> pl.Expr:
    return (pl.col(stop) - pl.col(start)).dt.total_days()


@pytest.fixture(scope="module")
def infused(large: Simulation) -> pl.DataFrame:
    since = pl.coalesce("progression_date", "last_seen")
    return (
        large["patients"]
        .filter(pl.col("infusion_date").is_not_null())
        .with_columns(
            died=pl.col("death_date").is_not_null(),
            from_infusion=days("infusion_date", "last_seen"),
            first=(since - pl.col("infusion_date")).dt.total_days(),
            event=pl.when(pl.col("progression_date").is_not_null())
            .then(pl.lit("progression"))
            .when(pl.col("death_date").is_not_null())
            .then(pl.lit("death without progression"))
            .otherwise(pl.lit("censored")),
        )
    )


def close(row: dict[str, float], truth: float) -> bool:
    return abs(row["estimate"] - truth) < 4 * row["std_error"]


def test_true_survival_is_that_of_a_large_sample(large: Simulation, infused: pl.DataFrame):
    everybody = large["patients"].with_columns(died=pl.col("death_date").is_not_null())
    for who, rows, start in (
        ("overall survival from apheresis", everybody, "apheresis_date"),
        ("overall survival of the infused, from apheresis", infused, "apheresis_date"),
        ("overall survival of the infused, from infusion", infused, "infusion_date"),
    ):
        curve = kaplan_meier(rows.with_columns(days=days(start, "last_seen")), time="days", event="died")
        for months in (6, 12, 24):
            row = curve.at([int(months * MONTH)]).row(0, named=True)
            assert close(row, large.true(f"{who} at {months} months")), who


def test_true_incidences_are_those_of_a_large_sample(large: Simulation, infused: pl.DataFrame):
    curves = cumulative_incidence(infused, time="first", event="event")
    for months in (3, 12, 24):
        for row in curves.at([int(months * MONTH)]).iter_rows(named=True):
            assert close(row, large.true(f"incidence of {row['cause']} at {months} months")), row


def test_true_recovery_is_that_of_a_large_sample(large: Simulation, infused: pl.DataFrame):
    enough = pl.col("anc") >= 0.5
    three = enough & enough.shift(-1).over("patient_id") & enough.shift(-2).over("patient_id")
    first = large["counts"].filter(three).group_by("patient_id").agg(recovered=pl.col("day").min())
    rows = infused.join(first, on="patient_id", how="left").with_columns(
        days=pl.coalesce("recovered", pl.min_horizontal("from_infusion", pl.lit(90))),
        outcome=pl.when(pl.col("recovered").is_not_null())
        .then(pl.lit("recovery"))
        .when(pl.col("died") & (pl.col("from_infusion") <= 90))
        .then(pl.lit("death"))
        .otherwise(pl.lit("censored")),
    )
    none = None if "censored" not in rows["outcome"] else "censored"
    curves = cumulative_incidence(rows, time="days", event="outcome", censored=none, cause="recovery")
    for row in curves.at([28, 60]).iter_rows(named=True):
        assert close(row, large.true(f"incidence of neutrophil recovery at day {row['time']:.0f}"))


def test_true_shares_are_those_of_a_large_sample(large: Simulation, infused: pl.DataFrame):
    shares = {"share infused": (len(infused), N)}
    for day in (28, 90):
        response = infused[f"response_day_{day}"]
        shares[f"share in CR at day {day}"] = (response == "CR").sum(), len(infused)
        shares[f"share in CR or PR at day {day}"] = response.is_in(["CR", "PR"]).sum(), len(infused)
    for name in ("crs", "icans"):
        severe = (infused[f"{name}_grade"] >= 3).sum()
        shares[f"probability of {name.upper()} grade 3 or 4"] = severe, len(infused)
    for quantity, (count, of) in shares.items():
        truth = large.true(quantity)
        assert abs(count / of - truth) < 4 * np.sqrt(truth * (1 - truth) / of), quantity


def test_survival_from_infusion_is_that_of_matrix_exponentials():
    """Four states (durable, other, progressed, dead) with the hazards of two periods."""
    p = simulate_cart(5).parameters

    def generator(without: float) -> np.ndarray:
        hazards = {(0, 2): p["progression_durable"], (1, 2): p["progression_other"], (0, 3): without,
                   (1, 3): without, (2, 3): p["death_after_progression"]}  # fmt: skip
        q = np.zeros((4, 4))
        for (start, stop), hazard in hazards.items():
            q[start, stop] += hazard
            q[start, start] -= hazard
        return q

    start = np.array([p["durable_share"], 1 - p["durable_share"], 0, 0])
    for day in (30, 90, 365):
        early = expm(generator(p["nonrelapse_early"]) * min(day, 90))
        late = expm(generator(p["nonrelapse_late"]) * max(day - 90, 0))
        assert _alive(p, day) == pytest.approx(1 - (start @ early @ late)[3], rel=1e-10)


def test_survival_of_those_not_infused_is_that_of_quadrature():
    """Given the day v on which a product would be ready: an integral over the day of the progression."""
    p = simulate_cart(5).parameters
    before, ends, later = p["death_before"], p["progression_before"], p["death_not_infused"]
    for day in (10, 30, 182):
        expected = 0.0
        for v, chance in enumerate(_infused_on(p)):
            ready = chance / (1 - p["manufacture_failure"]) * np.exp((before + ends) * v)
            progressed = quad(
                lambda s, day=day: ends * np.exp(-(before + ends) * s - later * (day - s)), 0, min(v, day)
            )[0]
            later_infused = (1 - p["manufacture_failure"]) * np.exp(-(before + ends) * v)
            failed = p["manufacture_failure"] * np.exp(-(before + ends) * v - later * (day - v))
            waiting = np.exp(-(before + ends) * day) - later_infused
            expected += ready * (progressed + (waiting if day <= v else failed))
        assert _alive_not_infused(p, day) == pytest.approx(expected, rel=1e-8)


def test_the_infused_look_better_from_apheresis_than_they_were(large: Simulation):
    """They cannot have died before the infusion."""
    for months in (6, 12, 24):
        at = f"at {months} months"
        infused = large.true(f"overall survival of the infused, from apheresis {at}")
        assert infused > large.true(f"overall survival of the infused, from infusion {at}")
        assert infused > large.true(f"overall survival from apheresis {at}")


def test_dates_follow_each_other(large: Simulation, infused: pl.DataFrame):
    patients = large["patients"]
    assert (infused["infusion_date"] > infused["apheresis_date"]).all()
    progressed = infused.drop_nulls("progression_date")
    assert (progressed["progression_date"] > progressed["infusion_date"]).all()
    assert (progressed["progression_date"] <= progressed["last_seen"]).all()
    dead = patients.drop_nulls("death_date")
    assert (dead["death_date"] == dead["last_seen"]).all()
    assert infused["not_infused_reason"].null_count() == len(infused)
    not_infused = patients.filter(pl.col("infusion_date").is_null())
    assert not_infused["not_infused_reason"].null_count() == 0
    assert not_infused["progression_date"].null_count() == len(not_infused)
    assert not_infused["crs_grade"].null_count() == len(not_infused)
    assert set(not_infused.filter(not_infused_reason="death")["death_date"].is_null()) == {False}


def test_responses_are_of_those_alive_and_progression_is_pd(infused: pl.DataFrame):
    for day in (28, 90):
        response = infused[f"response_day_{day}"]
        alive = ~(infused["died"] & (infused["from_infusion"] <= day))
        assert (response.is_not_null() == alive).all()
        progressed = infused.select(
            (days("infusion_date", "progression_date") <= day).fill_null(False)
        ).to_series()
        assert ((response == "PD") == progressed).fill_null(True).all()


def test_grades_of_a_day_are_those_of_its_signs(large: Simulation):
    rows = large["toxicity"]
    by_pressure = pl.when("hypotension").then(2).otherwise(1)
    pressure = (
        pl.when(pl.col("vasopressors") > 1)
        .then(4)
        .when(pl.col("vasopressors") == 1)
        .then(3)
        .otherwise(by_pressure)
    )
    lungs = pl.col("oxygen").replace_strict(
        {"none": 1, "low-flow": 2, "high-flow": 3, "positive pressure": 4}
    )
    fever = pl.col("temperature_c") >= 38
    crs = pl.when(fever).then(pl.max_horizontal(pressure, lungs)).otherwise(0)
    ice = pl.col("ice_score")
    unarousable = pl.col("consciousness") == "unarousable"
    icans = (
        pl.when(unarousable)
        .then(4)
        .when(ice <= 2)
        .then(3)
        .when(ice <= 6)
        .then(2)
        .when(ice <= 9)
        .then(1)
        .otherwise(0)
    )
    graded = rows.with_columns(crs=crs, icans=icans)
    assert (graded["crs"] == graded["crs_grade"]).all()
    assert (graded["icans"] == graded["icans_grade"]).all()
    assert rows["day"].is_between(0, 28).all()


def test_the_worst_day_has_the_grade_of_the_patient(large: Simulation, infused: pl.DataFrame):
    alive = infused.filter(pl.col("from_infusion") > 28)
    worst = (
        large["toxicity"]
        .group_by("patient_id")
        .agg(pl.col("crs_grade", "icans_grade").max().name.suffix("_day"))
    )
    rows = alive.join(worst, on="patient_id", how="left")
    for name in ("crs_grade", "icans_grade"):
        assert (rows[f"{name}_day"].fill_null(0) == rows[name]).all()


def test_counts_are_daily_while_alive_and_fall_before_they_recover(large: Simulation, infused: pl.DataFrame):
    counts = large["counts"]
    per_patient = counts.group_by("patient_id").agg(
        pl.len(), last=pl.col("day").max(), low=pl.col("anc").min()
    )
    rows = infused.join(per_patient, on="patient_id")
    assert len(rows) == len(infused)
    assert (rows["len"] == rows["last"] + 1).all()
    until = np.minimum((rows["from_infusion"] - rows["died"].cast(pl.Int64)).to_numpy(), 90)
    assert (rows["last"].to_numpy() == until).all()
    assert (rows.filter(pl.col("last") >= 3)["low"] < 0.5).all()
    assert (counts["platelets"] > 0).all()
    assert (counts["anc"] >= 0).all()


def test_a_small_reserve_shows_before_and_makes_neutropenia_longer(large: Simulation, infused: pl.DataFrame):
    low = (
        large["counts"]
        .filter(pl.col("anc") <= 0.5, pl.col("day") <= 30)
        .group_by("patient_id")
        .len("days_low")
    )
    rows = infused.join(low, on="patient_id")
    labs = ("anc_before", "hb_before", "platelets_before", "crp_before", "ferritin_before")
    found = rows.select(pl.corr(name, "days_low", method="spearman") for name in labs).row(0)
    assert all(r < -0.15 for r in found[:3])
    assert all(r > 0.15 for r in found[3:])
    not_infused = large["patients"].filter(pl.col("infusion_date").is_null())
    assert all(not_infused[name].null_count() == len(not_infused) for name in labs)
    assert all(infused[name].null_count() == 0 for name in labs)


def test_a_product_may_take_longer_than_the_time_looked_at():
    slow = simulate_cart(8_000, turnaround=165.0, follow_up=(400, 800), seed=3)
    patients = slow["patients"].with_columns(
        days=days("apheresis_date", "last_seen"), died=pl.col("death_date").is_not_null()
    )
    row = kaplan_meier(patients, time="days", event="died").at([182]).row(0, named=True)
    assert close(row, slow.true("overall survival from apheresis at 6 months"))
    infused = patients["infusion_date"].is_not_null().mean()
    assert infused == pytest.approx(slow.true("share infused"), abs=0.02)
