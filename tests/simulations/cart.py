"""Coverage of survival, incidences and shares of the simulated CAR T-cell cohort."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from hemresearch.competing import cumulative_incidence
from hemresearch.data import Simulation, simulate_cart
from hemresearch.epidemiology import proportion
from hemresearch.survival import kaplan_meier

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from held_truths import Check, held_shares, holds

N = 300
MONTH = 30.4375


def days(start: str, stop: str) -> pl.Expr:
    return (pl.col(stop) - pl.col(start)).dt.total_days()


def cohort(simulation: Simulation) -> pl.DataFrame:
    """Days from apheresis and from infusion, and what happened first after infusion."""
    return simulation["patients"].with_columns(
        died=pl.col("death_date").is_not_null(),
        infused=pl.col("infusion_date").is_not_null(),
        from_apheresis=days("apheresis_date", "last_seen"),
        from_infusion=days("infusion_date", "last_seen"),
        first=pl.coalesce(days("infusion_date", "progression_date"), days("infusion_date", "last_seen")),
        event=pl.when(pl.col("progression_date").is_not_null())
        .then(pl.lit("progression"))
        .when(pl.col("death_date").is_not_null())
        .then(pl.lit("death without progression"))
        .otherwise(pl.lit("censored")),
    )


def recovery(simulation: Simulation, infused: pl.DataFrame) -> pl.DataFrame:
    """Days to the first of three days with neutrophils of at least 0.5, or to death or the end before it."""
    enough = pl.col("anc") >= 0.5
    three = enough & enough.shift(-1).over("patient_id") & enough.shift(-2).over("patient_id")
    first = simulation["counts"].filter(three).group_by("patient_id").agg(recovered=pl.col("day").min())
    return infused.join(first, on="patient_id", how="left").with_columns(
        days=pl.coalesce("recovered", pl.min_horizontal("from_infusion", pl.lit(90))),
        outcome=pl.when(pl.col("recovered").is_not_null())
        .then(pl.lit("recovery"))
        .when(pl.col("died") & (pl.col("from_infusion") <= 90))
        .then(pl.lit("death"))
        .otherwise(pl.lit("censored")),
    )


def outcomes(seed: int) -> Iterator[Check]:
    """Every kind of true value."""
    simulation = simulate_cart(N, seed=seed)
    everybody = cohort(simulation)
    infused = everybody.filter("infused")
    survival = f"Simulated CAR T cells, Kaplan-Meier, n={N}"
    for who, rows, time in (
        ("overall survival from apheresis", everybody, "from_apheresis"),
        ("overall survival of the infused, from apheresis", infused, "from_apheresis"),
        ("overall survival of the infused, from infusion", infused, "from_infusion"),
    ):
        target = f"{who} at 12 months"
        row = kaplan_meier(rows, time=time, event="died").at([12 * MONTH]).row(0, named=True)
        yield survival, target, holds(row, simulation.true(target))
    incidence = f"Simulated CAR T cells, cumulative incidence, n={N}"
    for row in (
        cumulative_incidence(infused, time="first", event="event").at([12 * MONTH]).iter_rows(named=True)
    ):
        target = f"incidence of {row['cause']} at 12 months"
        yield incidence, target, holds(row, simulation.true(target))
    recovered = recovery(simulation, infused)
    none = {"censored": None} if "censored" not in recovered["outcome"] else {}
    row = (
        cumulative_incidence(recovered, time="days", event="outcome", cause="recovery", **none)
        .at([28])
        .row(0, named=True)
    )
    target = "incidence of neutrophil recovery at day 28"
    yield incidence, target, holds(row, simulation.true(target))
    shares = f"Simulated CAR T cells, proportion, n={N}"
    answered = infused.with_columns(complete=(pl.col("response_day_90") == "CR").fill_null(False))
    for rows, column, target in (
        (everybody, "infused", "share infused"),
        (answered, "complete", "share in CR at day 90"),
    ):
        row = proportion(rows, event=column).to_frame().row(0, named=True)
        yield shares, target, holds(row, simulation.true(target))


def coverage(replications: int, seed: int) -> Iterator[dict[str, object]]:
    """One row per probability, of twice the replications as there are many rows."""
    return held_shares(outcomes, 2 * replications, seed)
