"""Coverage of the limits of predicted probabilities and times in states, on simulated illness-death data."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from illness_death import EFFECTS, ILLNESS_DEATH, RATES, illness_death

from hemresearch.multistate import transition_cox

PATIENTS, TIME = 400, 2.0
MARKERS = (-1.0, 0.0, 1.0)
STUDY = f"Cox regression of moves, {PATIENTS} patients"


def truth(x: float) -> dict[str, float]:
    """P(ill) and P(dead) at TIME of who is well at 0, and the mean time ill until then."""
    a, b, c = (rate * np.exp(effect * x) for rate, effect in zip(RATES, EFFECTS, strict=True))
    well = np.exp(-(a + b) * TIME)
    scale = a / (a + b - c)
    ill = scale * (np.exp(-c * TIME) - well)
    stay = scale * ((1 - np.exp(-c * TIME)) / c - (1 - well) / (a + b))
    return {"P(ill)": ill, "P(dead)": 1 - well - ill, "time ill": stay}


def coverage(replications: int, seed: int) -> Iterator[dict[str, object]]:
    """One row per marker and quantity: how often its interval holds the truth."""
    rng = np.random.default_rng(seed)
    new = pl.DataFrame({"x": MARKERS})
    held = {(x, what): 0 for x in MARKERS for what in truth(x)}
    for _ in range(replications):
        fit = transition_cox(illness_death(rng, PATIENTS), ILLNESS_DEATH, "x")
        at = fit.predict(new, from_state="well", times=[TIME]).at(TIME)
        stay = fit.length_of_stay(new, tau=TIME, from_state="well").to_frame()
        for x in MARKERS:
            for what, true in truth(x).items():
                state = "ill" if "ill" in what else "dead"
                row = (stay if what == "time ill" else at).row(
                    by_predicate=(pl.col("x") == x) & (pl.col("state") == state), named=True
                )
                held[x, what] += row["conf_low"] <= true <= row["conf_high"]
    for (x, what), count in held.items():
        yield {"study": STUDY, "target": f"{what} at x={x:g}", "coverage": float(count / replications)}
