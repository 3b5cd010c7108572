"""Simulated cohorts for the tests of Cox models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from reference_cases import assert_close

if TYPE_CHECKING:
    from hemresearch.fits import Fit

ROLES = {"time": "time", "event": "event"}
EVERYTHING = ROLES | {"entry": "entry", "strata": "stratum", "offset": "risk"}
TERMS = "age + marked + group"


def cohort(seed: int = 1, n: int = 80, *, ties: bool = True) -> pl.DataFrame:
    """Follow-up with delayed entry, strata, whole weights, an offset, and a number, a mark and a group."""
    rng = np.random.default_rng(seed)
    age, marked = rng.normal(60, 10, n), rng.random(n) < 0.4
    group = rng.choice(["a", "b", "c"], n)
    hazard = 0.1 * np.exp(0.03 * (age - 60) + 0.7 * marked + 0.4 * (group == "c"))
    failure, end = rng.exponential(1 / hazard), rng.uniform(2, 25, n)
    time = np.minimum(failure, end)
    time = np.ceil(time) if ties else time
    return pl.DataFrame(
        {
            "patient": np.arange(n),
            "time": time,
            "event": failure <= end,
            "entry": np.floor(time * rng.choice([0.0, 0.0, 0.3, 0.6], n)),
            "age": age,
            "marked": marked,
            "group": group,
            "stratum": rng.choice(["x", "y"], n),
            "weight": rng.integers(1, 4, n),
            "risk": rng.normal(0, 0.5, n),
        }
    )


def assert_same_fit(one: Fit, other: Fit, rel: float = 1e-8) -> None:
    """Coefficients, covariance and likelihoods of two fits are the same."""
    assert one.columns == other.columns
    assert_close(one.coef, other.coef, rel=rel, at_zero=1e-9)
    assert_close(one.cov, other.cov, rel=1e-6, at_zero=1e-12)
    assert_close(one.log_likelihood, other.log_likelihood, rel=1e-10)
    assert_close(one.log_likelihood_null, other.log_likelihood_null, rel=1e-10)
