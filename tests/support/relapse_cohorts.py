"""Simulated cohorts in which death competes with relapse, and their cause-specific models."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from hemresearch.competing import CauseSpecificFit, cause_specific

ROLES = {"time": "time", "event": "event"}


def cohort(seed: int = 1, n: int = 150, *, ties: bool = False) -> pl.DataFrame:
    """Relapse by age, death of the old, a site and whole weights."""
    rng = np.random.default_rng(seed)
    age, old = rng.normal(0, 1, n), rng.random(n) < 0.4
    relapse = rng.exponential(10 * np.exp(-0.5 * age))
    death = rng.exponential(14 * np.exp(-0.8 * old))
    end = rng.uniform(2, 20, n)
    time = np.minimum(np.minimum(relapse, death), end)
    what = np.where(time == relapse, "relapse", np.where(time == death, "death", "censored"))
    return pl.DataFrame(
        {
            "patient": np.arange(n),
            "time": np.ceil(time) if ties else time,
            "event": what,
            "age": age,
            "old": old,
            "site": rng.choice(["a", "b", "c"], n),
            "weight": rng.integers(1, 4, n),
        }
    )


def fit(data: Any, covariates: Any = "age + old", **options: Any) -> CauseSpecificFit:
    """The cause-specific models of a cohort."""
    return cause_specific(data, covariates, **ROLES, **options)
