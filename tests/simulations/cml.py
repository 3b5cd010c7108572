"""Coverage of molecular response and of treatment-free remission, on simulated patients with CML."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from hemresearch.competing import cumulative_incidence
from hemresearch.data import Simulation, simulate_cml_response
from hemresearch.survival import kaplan_meier

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from held_truths import Check, held_shares, holds

N = 400
PERCENT = {"MMR": 0.1, "MR4": 0.01}
MONTH = 30.4375


def days(start: str, stop: str) -> pl.Expr:
    return (pl.col(stop) - pl.col(start)).dt.total_days()


def first_response(simulation: Simulation, percent: float) -> pl.DataFrame:
    """Days to the first value on the first inhibitor, or to switch, progression or death before it."""
    on_first = pl.col("line") == 1, pl.col("phase") == "treatment"
    reached = simulation["measurements"].filter(*on_first, pl.col("is_percent") <= percent)
    other = pl.min_horizontal("switch_date", "progression_date", "death_date")
    return (
        simulation["patients"]
        .join(
            reached.group_by("patient_id").agg(response=pl.col("sample_date").min()),
            on="patient_id",
            how="left",
        )
        .with_columns(other=other)
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


def remission(simulation: Simulation) -> pl.DataFrame:
    """Days from the stop to a value above 0.1 % or death."""
    free = simulation["measurements"].filter(pl.col("phase") == "treatment-free", pl.col("is_percent") > 0.1)
    lost = free.group_by("patient_id").agg(lost=pl.col("sample_date").min())
    stopped = simulation["patients"].filter(pl.col("stop_date").is_not_null())
    return (
        stopped.join(lost, on="patient_id", how="left")
        .with_columns(first=pl.min_horizontal("lost", "last_seen"))
        .with_columns(
            days=days("stop_date", "first"),
            event=(pl.min_horizontal("lost", "death_date") == pl.col("first")).fill_null(False),
        )
        .filter(pl.col("days") > 0)
    )


def responses(seed: int) -> Iterator[Check]:
    """Incidences on the grid of visits, and remission after the stop."""
    simulation = simulate_cml_response(N, seed=seed)
    for level, percent in PERCENT.items():
        curves = cumulative_incidence(first_response(simulation, percent), time="days", event="event")
        for months in (12, 24, 60):
            for row in curves.at([months * MONTH]).iter_rows(named=True):
                what = {"response": level, "other": f"switch, progression or death before {level}"}[
                    row["cause"]
                ]
                truth = simulation.true(f"incidence of {what} at {months} months")
                yield (
                    f"Simulated CML, cumulative incidence, n={N}",
                    f"{what}, {months} months",
                    holds(row, truth),
                )
    curve = kaplan_meier(remission(simulation), time="days", event="event")
    for months in (6, 12, 24):
        row = curve.at([months * MONTH]).row(0, named=True)
        truth = simulation.true(f"treatment-free remission at {months} months")
        yield "Simulated CML, Kaplan-Meier after the stop", f"remission, {months} months", holds(row, truth)


def coverage(replications: int, seed: int) -> Iterator[dict[str, object]]:
    """One row per probability, of twice the replications as there are many rows."""
    return held_shares(responses, 2 * replications, seed)
