"""The simulated log of a coagulation service: calendar, repeats, outcomes, true values of a large sample."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from hemresearch.competing import cumulative_incidence
from hemresearch.data import Simulation, simulate_on_call


@pytest.fixture(scope="module")
def large() -> Simulation:
    return simulate_on_call(2, per_year=40_000, seed=2)


def test_true_rates_are_those_of_a_large_log(large: Simulation):
    log, days = large["consultations"], large["calendar"]
    groups = {f"hour {h:02}": (pl.col("hour") == h, len(days)) for h in range(24)}
    for weekday in days["weekday"].unique():
        groups[weekday] = (pl.col("weekday") == weekday, 24 * len(days.filter(weekday=weekday)))
    for group, (own, hours) in groups.items():
        expected = large.true("consultations per hour", group) * hours
        assert abs(len(log.filter(own)) - expected) < 4 * np.sqrt(expected), group
    for group, after in (("before", False), ("after", True)):
        expected = large.true("consultations per year", group) * len(days.filter(after=after)) / 365.25
        assert abs(len(log.filter(after=after)) - expected) < 4 * np.sqrt(expected)


def test_true_shares_and_minutes_are_those_of_a_large_log(large: Simulation):
    log = large["consultations"]
    for quantity, column in (("share of reasons", "reason"), ("share of referrers", "referrer")):
        for group, share in log[column].value_counts(normalize=True).rows():
            assert share == pytest.approx(large.true(quantity, group), abs=0.006)
    weekend = pl.col("weekday").is_in(["Saturday", "Sunday"])
    office = ~weekend & ~pl.col("holiday") & pl.col("hour").is_between(8, 16)
    for group, rows in (("office hours", log.filter(office)), ("out of hours", log.filter(~office))):
        minutes = rows["answer_minutes"]
        assert minutes.median() == pytest.approx(large.true("answer minutes, median", group), rel=0.03)
        assert minutes.quantile(0.9) == pytest.approx(large.true("answer minutes, 90 %", group), rel=0.03)


def test_true_incidences_are_those_of_a_large_log(large: Simulation):
    days = (pl.col("last_seen") - pl.col("index_date")).dt.total_days()
    patients = large["patients"].with_columns(days=days).filter(pl.col("days") > 0)
    for by in (None, "reason"):
        curves = cumulative_incidence(patients, time="days", event="event", censored="none", by=by)
        for row in curves.at([30]).iter_rows(named=True):
            truth = large.true(f"30-day incidence of {row['cause']}", row.get("reason") or "all")
            assert abs(row["estimate"] - truth) < 4 * row["std_error"] + 1e-3


def test_incidences_by_hand():
    """Of three hazards a, b, c on 30 days: a / (a + b + c) (1 - exp(-30 (a + b + c)))."""
    simulation = simulate_on_call(1, per_year=100, vte=0.001, bleeding=0.002, death=0.003)
    vte, bleeding, death = 2.0 * 0.001, 1.0 * 0.002, 1.0 * 0.003
    total = vte + bleeding + death
    expected = vte / total * (1 - np.exp(-30 * total))
    assert simulation.true("30-day incidence of vte", "thrombosis") == pytest.approx(expected, rel=1e-12)


def test_every_day_is_in_the_calendar_and_facts_of_a_call_are_those_of_its_day(large: Simulation):
    days, log = large["calendar"], large["consultations"]
    assert days["date"].to_list()[0] == date(2022, 1, 1)
    assert len(days) == 730
    assert (days["date"].diff().drop_nulls().dt.total_days() == 1).all()
    joined = log.join(days, left_on="call_date", right_on="date", suffix="_day")
    for column in ("weekday", "holiday", "after"):
        assert (joined[column] == joined[f"{column}_day"]).all()
    assert (log["called_at"].dt.date() == log["call_date"]).all()
    assert (log["called_at"].dt.hour().cast(pl.Int64) == log["hour"]).all()
    assert log["called_at"].is_sorted()
    assert days.filter("after")["date"].min() == large.parameters["intervention"]


def test_repeats_are_of_patients_seen_before_and_alive(large: Simulation):
    log = large["consultations"].join(large["patients"], on="patient_id", suffix="_first")
    first = log.filter(~pl.col("repeat"))
    assert first["patient_id"].is_unique().all()
    assert (first["call_date"] == first["index_date"]).all()
    assert (log["reason"] == log["reason_first"]).all()
    repeats = log.filter("repeat")
    assert (repeats["call_date"] >= repeats["index_date"]).all()
    dead = repeats.filter(pl.col("event") == "death")
    assert (dead["call_date"] <= dead["event_date"]).all()
    assert log["repeat"].mean() == pytest.approx(0.25, abs=0.01)


def test_outcomes_are_within_30_days_and_the_log(large: Simulation):
    patients = large["patients"]
    days = (patients["last_seen"] - patients["index_date"]).dt.total_days()
    assert days.is_between(0, 30).all()
    assert patients["last_seen"].max() <= date(2023, 12, 31)
    happened = patients.filter(pl.col("event") != "none")
    assert (happened["event_date"] == happened["last_seen"]).all()
    assert (happened["event_date"] > happened["index_date"]).all()
    assert patients.filter(event="none")["event_date"].null_count() == len(patients.filter(event="none"))
    assert (patients.filter(reason="pregnancy")["sex"] == "female").all()


def test_days_of_a_factor_of_their_own_vary_more():
    def dispersion(variance: float) -> float:
        log = simulate_on_call(2, per_year=20_000, season=0, trend=1, level_change=1, weekend_ratio=1,
                               holiday_ratio=1, day_variance=variance, seed=4)["consultations"]  # fmt: skip
        counts = log.group_by("call_date").len()["len"]
        return float(counts.var() / counts.mean())

    assert dispersion(0.0) == pytest.approx(1, abs=0.2)
    # A Poisson number whose mean of m varies by a factor of variance v has variance m + v m^2.
    assert dispersion(0.1) == pytest.approx(1 + 0.1 * 20_000 / 365.25, rel=0.25)


def test_an_intervention_can_be_on_any_day_and_a_log_start_on_a_leap_day():
    simulation = simulate_on_call(1, start=date(2024, 2, 29), per_year=400, intervention=date(2024, 3, 5))
    days = simulation["calendar"]
    assert days.filter("after")["date"].min() == date(2024, 3, 5)
    assert days["date"].max() == date(2025, 2, 27)
