"""How often the bootstrap limits of Turnbull's estimator hold, on simulated patients seen at visits.

Exponential survival (rate 1). "Scheduled": visits every 0.25 until 2, each missed with probability 0.2, and
the last one attended by chance. "Irregular": four visits at any time before 2, where no theory promises the
level; it is recorded to show what the bootstrap does there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import polars as pl

from hemresearch.survival import turnbull

N, SAMPLES = 100, 200
TIMES = {0.5: float(np.exp(-0.5)), 1.0: float(np.exp(-1.0))}


def seen_at(event: np.ndarray, visits: np.ndarray) -> pl.DataFrame:
    """The last visit before and the first at or after each event; NaN visits did not take place."""
    left = np.where(visits < event[:, None], visits, -np.inf).max(axis=1)
    right = np.where(visits >= event[:, None], visits, np.inf).min(axis=1)
    return pl.DataFrame({"left": left, "right": right}).filter(
        pl.col("left").is_finite() | pl.col("right").is_finite()
    )


def scheduled(rng: np.random.Generator) -> pl.DataFrame:
    """Visits at 0.25, 0.5, ..., 2; some are missed, and patients leave at any of them from the fourth on."""
    visits = np.tile(np.arange(0.25, 2.01, 0.25), (N, 1))
    last = rng.integers(3, visits.shape[1], N)
    missed = (rng.random(visits.shape) < 0.2) | (np.arange(visits.shape[1]) > last[:, None])
    return seen_at(rng.exponential(1, N), np.where(missed, np.nan, visits))


def irregular(rng: np.random.Generator) -> pl.DataFrame:
    """Four visits at any time between 0 and 2."""
    return seen_at(rng.exponential(1, N), rng.uniform(0, 2, (N, 4)))


STUDIES: dict[str, Callable[[np.random.Generator], pl.DataFrame]] = {
    "Turnbull, scheduled visits, bootstrap": scheduled,
    "Turnbull, irregular visits, bootstrap": irregular,
}


def coverage(replications: int, seed: int) -> Iterator[dict[str, object]]:
    """One row per kind of visits and target."""
    for name, sample in STUDIES.items():
        rng = np.random.default_rng(seed)
        held = np.zeros(len(TIMES) + 1)
        for _ in range(replications):
            curves = turnbull(
                sample(rng), left="left", right="right", bootstrap=SAMPLES, seed=int(rng.integers(2**31))
            )
            limits = curves.at(list(TIMES)).select("conf_low", "conf_high").rows()
            low, high = curves.quantile(0.5).select("conf_low", "conf_high").row(0)
            held += [a <= s <= b for (a, b), s in zip(limits, TIMES.values(), strict=True)] + [
                (low or 0.0) <= np.log(2) <= (np.inf if high is None else high)
            ]
        for target, count in zip([f"S({t:g})" for t in TIMES] + ["median"], held, strict=True):
            yield {"study": name, "target": target, "coverage": count / replications}
