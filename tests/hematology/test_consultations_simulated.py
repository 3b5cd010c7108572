"""A simulated log of consultations, whose true rates, ratios and incidences are found again."""

from __future__ import annotations

import warnings
from datetime import date

import polars as pl
import pytest

import hemresearch as hem
from hemresearch.data.simulate import simulate_on_call

YEARS = 3
START = date(2022, 1, 1)


@pytest.fixture(scope="module")
def log():
    return simulate_on_call(YEARS, start=START, per_year=8000, repeat_share=0.15, seed=4)


@pytest.fixture(scope="module")
def period(log):
    days = log.tables["calendar"]["date"]
    return {"time": "called_at", "first_day": days[0], "last_day": days[-1]}


def truth(log, quantity: str) -> dict[str, float]:
    frame = log.truth.filter(quantity=quantity)
    return dict(frame.select("group", "value").iter_rows())


@pytest.mark.parametrize(("part", "groups"), [("hour", 24), ("weekday", 7)])
def test_hourly_rates(log, period, part, groups):
    found = hem.hematology.consultations.volume(
        log.tables["consultations"], by=part, conf_level=0.999, **period
    )
    true = truth(log, "consultations per hour")
    frame = found.to_frame()
    assert frame.height == groups
    for name, low, high in frame.select(part, "conf_low", "conf_high").iter_rows():
        assert low < true[f"hour {name:02}" if part == "hour" else str(name)] < high


def test_ratios_of_the_calendar(log, period):
    # a holiday on a weekend has the rate of a holiday, once
    workdays = log.tables["calendar"].filter(~pl.col("weekday").is_in(["Saturday", "Sunday"]))
    held = workdays.filter("holiday")["date"].to_list()
    fit = hem.hematology.consultations.volume_model(
        log.tables["consultations"], terms=["weekday", "holiday", "season", "trend"], harmonics=1,
        holidays=held, family="quasi", conf_level=0.999, **period,
    )  # fmt: skip
    ratios = fit.to_frame(exponentiate=True)
    true = truth(log, "rate ratio")
    wanted = {"weekday[Saturday]": true["weekend"], "weekday[Sunday]": true["weekend"]}
    wanted |= {c: true["holiday"] for c in fit.columns if c.startswith("holiday")}
    assert len(wanted) == 3
    for term, value in wanted.items():
        row = ratios.row(by_predicate=pl.col("term") == term, named=True)
        assert row["conf_low"] < value < row["conf_high"], term


def test_the_level_at_the_intervention(log, period):
    counts = hem.hematology.consultations.period_counts(
        log.tables["consultations"],
        holidays=log.tables["calendar"].filter("holiday")["date"].to_list(),
        **period,
    ).with_columns(off=pl.col("weekday").is_in(["Saturday", "Sunday"]) | pl.col("holiday"))
    day = log.tables["calendar"].filter("after")["date"][0]
    series = hem.epidemiology.interrupted_time_series(
        counts, time="date", events="consultations", person_time="hours", intervention=day, change="level",
        harmonics=1, covariates="off", conf_level=0.999,
    )  # fmt: skip
    rows = series.to_frame(exponentiate=True)
    true = truth(log, "rate ratio")
    for term, value in (("level", true["intervention"]), ("trend", true["a year"])):
        row = rows.row(by_predicate=pl.col("term") == term, named=True)
        assert row["conf_low"] < value < row["conf_high"], term


def test_incidences_within_thirty_days(log, period):
    first = log.tables["consultations"].filter(~pl.col("repeat"))
    events = log.tables["patients"].filter(pl.col("event") != "none")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cohort = hem.hematology.consultations.outcomes_after(
            first, events, time="called_at", id="patient_id", event_time="event_date", event="event",
            outcomes=["vte", "major bleeding", "death"], last_day=period["last_day"],
        )  # fmt: skip
    found = hem.competing.cumulative_incidence(
        cohort, time="outcome_days", event="outcome_event", conf_level=0.999
    ).at([30])
    for row in found.iter_rows(named=True):
        value = truth(log, f"30-day incidence of {row['cause']}")["all"]
        assert row["conf_low"] < value < row["conf_high"], row["cause"]
