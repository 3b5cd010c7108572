"""Coverage of bleeding rates before and after a switch, on simulated patients whose true rates are known."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from hemresearch.data import Simulation, simulate_haemophilia_switch
from hemresearch.epidemiology import poisson
from hemresearch.recurrent import event_free_share, event_rate

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from held_truths import Check, held_shares, holds

N, YEAR = 300, 365.25
KINDS = {
    "bleeds": pl.len(),
    "joint bleeds": pl.col("joint").sum(),
    "spontaneous bleeds": (pl.col("cause") == "spontaneous").sum(),
}


def counts(simulation: Simulation) -> pl.DataFrame:
    """A row for each patient and regimen: days at risk and new bleeds of each kind."""
    days = (pl.col("stop") - pl.col("start")).dt.total_days()
    switch = simulation["patients"].select("patient_id", "switch_date")
    before = (
        pl.when(pl.col("start") < pl.col("switch_date")).then(pl.lit("before")).otherwise(pl.lit("after"))
    )
    surgery = (
        simulation["surgeries"]
        .join(switch, on="patient_id")
        .select("patient_id", regimen=before, surgery=days)
    )
    bleeds = simulation["bleeds"].filter(~pl.col("continues"), pl.col("cause") != "surgical")
    keys = ["patient_id", "regimen"]
    return (
        simulation["regimens"]
        .select(*keys, days=days)
        .join(surgery, on=keys, how="left")
        .join(bleeds.group_by(keys).agg(**KINDS), on=keys, how="left")
        .with_columns(pl.col("surgery", *KINDS).fill_null(0))
        .with_columns(at_risk=pl.col("days") - pl.col("surgery"), after=pl.col("regimen") == "after")
    )


def rates(seed: int) -> Iterator[Check]:
    """Rates of each regimen, their ratio within patients, and years without a bleed."""
    simulation = simulate_haemophilia_switch(N, seed=seed)
    rows = counts(simulation)
    for kind in KINDS:
        estimate = event_rate(
            rows, events=kind, person_time="at_risk", by="regimen", per=YEAR, model="negative-binomial"
        ).to_frame()
        for row in estimate.iter_rows(named=True):
            target = f"annual {kind}, {row['regimen']}"
            yield (
                f"Simulated switch, event rate, n={N}",
                target,
                holds(row, simulation.true(f"annual {kind}", row["regimen"])),
            )
    fit = poisson(rows, "after", events="bleeds", person_time="at_risk", cluster="patient_id")
    ratio = fit.to_frame().row(-1, named=True)
    yield (
        f"Simulated switch, Poisson with patients as clusters, n={N}",
        "log rate ratio",
        holds(ratio, float(np.log(simulation.true("rate ratio")))),
    )
    year = rows.filter(pl.col("at_risk") == 365)
    for row in (
        event_free_share(year, events="bleeds", person_time="at_risk", by="regimen")
        .to_frame()
        .iter_rows(named=True)
    ):
        truth = simulation.true("no bleed in a year", row["regimen"])
        yield f"Simulated switch, event-free share, n={N}", f"no bleed, {row['regimen']}", holds(row, truth)


def after_a_bad_year(seed: int) -> Iterator[Check]:
    """Rates of those who switched for many bleeds: under the old regimen they would have fallen, too."""
    study = f"Simulated switch after a bad year, robust rate, n={N}"
    simulation = simulate_haemophilia_switch(N, bad_year=5, seed=seed)
    estimate = event_rate(
        counts(simulation), events="bleeds", person_time="at_risk", by="regimen", per=YEAR, model="robust"
    ).to_frame()
    for row in estimate.iter_rows(named=True):
        yield (
            study,
            f"annual bleeds, {row['regimen']}",
            holds(row, simulation.true("annual bleeds", row["regimen"])),
        )
    unchanged = simulate_haemophilia_switch(N, bad_year=5, spontaneous_ratio=1, traumatic_ratio=1, seed=seed)
    rows = counts(unchanged).filter(regimen="after")
    row = (
        event_rate(rows, events="bleeds", person_time="at_risk", per=YEAR, model="robust")
        .to_frame()
        .row(0, named=True)
    )
    truth = unchanged.true("annual bleeds without a switch", "after")
    yield study, "annual bleeds without an effect", holds(row, truth)


def coverage(replications: int, seed: int) -> Iterator[dict[str, object]]:
    """One row per rate, ratio or share, of twice the replications as there are many rows."""
    yield from held_shares(rates, 2 * replications, seed)
    yield from held_shares(after_a_bad_year, 2 * replications, seed)
