"""Size and power of the test of the Markov property, on simulated illness-death processes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from hemresearch.multistate import Transitions, from_wide, markov_test

PATIENTS, REPETITIONS = 200, 399
MODEL = Transitions({"healthy": ["ill", "dead"], "ill": ["dead"]})
ILL, DEAD, DEAD_WHEN_ILL = 0.30, 0.10, 0.25  # hazards per year


def patients(rng: np.random.Generator, markov: bool) -> pl.DataFrame:
    """Illness and death within 3 to 15 years.

    Without the Markov property the hazard of death falls with time since the illness began: Weibull with
    shape 0.5 and scale 2 years.
    """
    n = PATIENTS
    ill, dead = rng.exponential(1 / ILL, n), rng.exponential(1 / DEAD, n)
    after = rng.exponential(1 / DEAD_WHEN_ILL, n) if markov else 2 * rng.weibull(0.5, n) + 1e-4
    dead = np.where(ill < dead, ill + after, dead)
    end = rng.uniform(3, 15, n)
    return pl.DataFrame(
        {
            "id": np.arange(n),
            "ill_at": np.minimum(np.minimum(ill, dead), end),
            "ill": ill < np.minimum(dead, end),
            "dead_at": np.minimum(dead, end),
            "dead": dead < end,
        }
    )


def rejections(replications: int, seed: int) -> Iterator[dict[str, object]]:
    """How often p <= 0.05, for a Markov process (size) and another (power)."""
    for markov, target in ((True, "size: constant hazards"), (False, "power: hazard falls after illness")):
        rng = np.random.default_rng(seed)
        rejected = 0
        for _ in range(replications):
            rows = from_wide(
                patients(rng, markov), MODEL, id="id", times={"ill": "ill_at", "dead": "dead_at"},
                events={"ill": "ill", "dead": "dead"},
            )  # fmt: skip
            test = markov_test(rows, MODEL, move=("ill", "dead"), n_bootstrap=REPETITIONS)
            rejected += test.p_value <= 0.05
        yield {"study": f"Markov test, n={PATIENTS}", "target": target, "rejected": rejected / replications}
