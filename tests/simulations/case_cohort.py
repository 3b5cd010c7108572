"""Coverage of the limits of hazard ratios from case-cohort samples, on simulated cohorts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from hemresearch.regression import case_cohort

COHORT, SUBCOHORT = 1500, 250
TRUTH = {"marker": 0.5, "treated": -0.7}
LABELS = {
    "prentice": "Case-cohort, Prentice",
    "self-prentice": "Case-cohort, Self-Prentice",
    "lin-ying": "Case-cohort, Lin-Ying",
}


def sample(rng: np.random.Generator) -> pl.DataFrame:
    """The cases and the subcohort of one cohort, about 10 % of which have the event in ten years."""
    marker, treated = rng.normal(size=COHORT), rng.integers(0, 2, COHORT)
    risk = np.exp(TRUTH["marker"] * marker + TRUTH["treated"] * treated)
    event, end = rng.exponential(100 / risk * 0.9), rng.uniform(5, 15, COHORT)
    cohort = pl.DataFrame(
        {
            "time": np.minimum(event, end),
            "event": event <= end,
            "marker": marker,
            "treated": treated,
            "drawn": rng.permutation(COHORT) < SUBCOHORT,
        }
    )
    return cohort.filter(pl.col("drawn") | pl.col("event"))


def coverage(replications: int, seed: int) -> Iterator[dict[str, object]]:
    """One row per method and covariate: how often the interval holds the log hazard ratio of the cohort."""
    for method, label in LABELS.items():
        rng = np.random.default_rng(seed)
        held = np.zeros(len(TRUTH))
        for _ in range(replications):
            fit = case_cohort(
                sample(rng), list(TRUTH), time="time", event="event", subcohort="drawn", cohort_size=COHORT,
                method=method,
            )  # fmt: skip
            frame = fit.to_frame()
            true = np.array(list(TRUTH.values()))
            held += (frame["conf_low"].to_numpy() <= true) & (true <= frame["conf_high"].to_numpy())
        for name, count in zip(TRUTH, held, strict=True):
            study = f"{label}, {SUBCOHORT} of {COHORT}"
            yield {"study": study, "target": f"log HR of {name}", "coverage": float(count / replications)}
