"""Coverage of rates, ratios and 30-day incidences of the simulated log of a coagulation service."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from hemresearch.competing import cumulative_incidence
from hemresearch.data import Simulation, simulate_on_call
from hemresearch.data.simulate.on_call import EVENTS
from hemresearch.epidemiology import poisson, rate

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from held_truths import Check, held_shares, holds

LOG = {"years": 1, "per_year": 4000}
RATIOS = {"weekend": "weekend", "holiday": "holiday", "after": "intervention", "years": "a year"}


def per_day(simulation: Simulation) -> pl.DataFrame:
    """A row for each day: consultations, and the calendar as columns."""
    counted = simulation["consultations"].group_by(date=pl.col("call_date")).len("n")
    turn = 2 * np.pi * pl.col("date").dt.ordinal_day() / 365.25
    return (
        simulation["calendar"]
        .join(counted, on="date", how="left", maintain_order="left")
        .with_row_index("day")
        .with_columns(
            pl.col("n").fill_null(0),
            pl.col("holiday", "after").cast(pl.Float64),
            weekend=(pl.col("weekday").is_in(["Saturday", "Sunday"]) & ~pl.col("holiday")).cast(pl.Float64),
            years=pl.col("day") / 365.25,
            cosine=turn.cos(),
            sine=turn.sin(),
        )
    )


def ratios(name: str, simulation: Simulation, **options: object) -> Iterator[Check]:
    """Level change, weekend, holiday and trend by a Poisson regression of days."""
    rows = per_day(simulation)
    covariates = [*RATIOS, "cosine", "sine"]
    fit = poisson(rows, covariates, events="n", **options)
    for row in fit.to_frame().filter(pl.col("term").is_in(list(RATIOS))).iter_rows(named=True):
        truth = float(np.log(simulation.true("rate ratio", RATIOS[row["term"]])))
        yield f"Simulated consultations, {name}", f"log ratio, {RATIOS[row['term']]}", holds(row, truth)


def consultations(seed: int) -> Iterator[Check]:
    """Rates of an hour and of a weekday, ratios, and incidences at 30 days."""
    simulation = simulate_on_call(**LOG, seed=seed)
    log, days = simulation["consultations"], simulation["calendar"]
    for group, calls, hours in (
        ("hour 03", log.filter(hour=3), len(days)),
        ("hour 10", log.filter(hour=10), len(days)),
        ("Sunday", log.filter(weekday="Sunday"), 24 * len(days.filter(weekday="Sunday"))),
    ):
        row = rate(
            pl.DataFrame({"n": [len(calls)], "hours": [hours]}), events="n", person_time="hours"
        ).to_frame()
        held = holds(row.row(0, named=True), simulation.true("consultations per hour", group))
        yield "Simulated consultations, exact rate", f"per hour, {group}", held
    yield from ratios("Poisson regression", simulation)
    follow_up = (pl.col("last_seen") - pl.col("index_date")).dt.total_days()
    # Who called on the last day was not followed.
    patients = simulation["patients"].with_columns(days=follow_up).filter(pl.col("days") > 0)
    at = cumulative_incidence(patients, time="days", event="event", censored="none").at([30])
    for row in at.iter_rows(named=True):
        truth = simulation.true(f"30-day incidence of {row['cause']}")
        yield "Simulated consultations, cumulative incidence", f"{row['cause']} at 30 days", holds(row, truth)
    assert set(at["cause"]) == set(EVENTS)


def uneven_days(seed: int) -> Iterator[Check]:
    """The ratios where days vary by more than chance."""
    yield from ratios(
        "Poisson regression, robust, uneven days",
        simulate_on_call(years=2, per_year=4000, day_variance=0.1, seed=seed),
        family="robust",
        correction="HC3",  # holidays are few, and each weighs much
    )


def coverage(replications: int, seed: int) -> Iterator[dict[str, object]]:
    """One row per rate, ratio or incidence, of twice the replications as there are many rows."""
    yield from held_shares(consultations, 2 * replications, seed)
    yield from held_shares(uneven_days, 2 * replications, seed)
