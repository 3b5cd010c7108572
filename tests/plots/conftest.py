"""Curves to draw, and figures that are closed again."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import pytest

import hemresearch as hem


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    plt.switch_backend("agg")
    yield
    plt.close("all")


@pytest.fixture(scope="session")
def trial() -> pl.DataFrame:
    return hem.data.load("myeloid")


@pytest.fixture(scope="session")
def survival(trial):
    """Two arms, 646 patients, days."""
    return hem.survival.kaplan_meier(trial, time="futime", event="death", by="trt")


@pytest.fixture(scope="session")
def hazard(trial):
    return hem.survival.nelson_aalen(trial, time="futime", event="death", by="trt")


@pytest.fixture(scope="session")
def causes() -> pl.DataFrame:
    """A tidy frame of cumulative incidences: two groups, two causes, worked by hand for ten patients each."""
    rows = []
    for arm, shift in (("A", 0.0), ("B", 1.0)):
        for cause, n_event, estimate in (
            ("relapse", [1, 0, 2, 0], [0.1, 0.1, 0.35, 0.35]),
            ("death in remission", [0, 1, 0, 1], [0.0, 0.1, 0.1, 0.25]),
        ):
            for i, time in enumerate([2.0, 5.0, 9.0, 14.0]):
                rows.append(
                    {
                        "arm": arm, "cause": cause, "time": time + shift, "n_risk": [10, 9, 7, 4][i],
                        "n_event": n_event[i], "n_censor": [0, 1, 1, 3][i], "estimate": estimate[i],
                    }
                )  # fmt: skip
    return pl.DataFrame(rows)


@pytest.fixture(scope="session")
def made():
    """`made(n, groups)`: a cohort with these group names; events "mixed", "none" or "all"."""

    def cohort(n: int, groups: list[str], scale: float = 500.0, events: str = "mixed") -> pl.DataFrame:
        rng = np.random.default_rng(20261123)
        event = {"mixed": rng.integers(0, 2, n), "none": np.zeros(n, int), "all": np.ones(n, int)}[events]
        time = rng.exponential(scale, n) + scale / 100
        return pl.DataFrame({"t": time, "e": event, "g": [groups[i % len(groups)] for i in range(n)]})

    return cohort
