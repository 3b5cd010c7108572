"""Tables of an exposure and an event: from the counts of a reference case, and at random."""

from __future__ import annotations

import numpy as np
import polars as pl
from reference_cases import Reference

ROLES = {"exposure": "exposed", "event": "event", "weights": "n"}


def counted_table(a: float, b: float, c: float, d: float) -> pl.DataFrame:
    """One row per cell: exposed with and without the event, unexposed with and without it."""
    cells = {"exposed": [True, True, False, False], "event": [True, False, True, False], "n": [a, b, c, d]}
    return pl.DataFrame(cells)


def case_table(case: Reference) -> pl.DataFrame:
    """The table in the options of a case."""
    return counted_table(*(case.options[cell] for cell in "abcd"))


def random_patients(seed: int, n: int = 400) -> pl.DataFrame:
    """Patients with a stratum, an exposure that depends on it, and an event that depends on both."""
    rng = np.random.default_rng(seed)
    stratum = rng.integers(3, size=n)
    exposed = rng.random(n) < 0.3 + 0.15 * stratum
    event = rng.random(n) < 0.1 + 0.1 * stratum + 0.15 * exposed
    return pl.DataFrame(
        {"exposed": exposed, "event": event, "age": stratum, "years": rng.exponential(3, n) + 0.1}
    )
