"""Markers that have nothing to do with survival, and falling markers that are hidden below a limit."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from hemresearch import translational

N, PATIENTS = 200, 60
LEVEL, SLOPE, LIMIT = 1.5, -0.25, 0.1  # log10 of per cent, per month, per cent
SPREAD, CORRELATION, ERROR = (0.4, 0.08), -0.3, 0.25
MONTHS = np.arange(0.0, 13.0, 3.0)


def useless(rng: np.random.Generator) -> pl.DataFrame:
    """Two markers, and a covariate that survival does depend on; of two causes, a quarter censored."""
    covariate = rng.normal(size=N)
    death, other = rng.exponential(np.exp(-0.5 * covariate)), rng.exponential(2.0, N)
    end = rng.uniform(0, 3, N)
    time = np.minimum(np.minimum(death, other), end)
    cause = np.where(time == end, 0, np.where(time == death, 1, 2))
    return pl.DataFrame(
        {
            "time": time, "cause": cause, "event": cause > 0, "covariate": covariate,
            "marker": rng.normal(size=N), "mutation": rng.random(N) < 0.3,
        }
    )  # fmt: skip


def p_values(data: pl.DataFrame) -> dict[str, float]:
    """Every test of a marker that is useless."""
    roles = {"time": "time", "event": "event"}
    causes = {"time": "time", "event": "cause", "cause": 1}
    screens = {
        "Cox": translational.screen(data, ["marker"], **roles),
        "Cox, adjusted": translational.screen(data, ["marker"], covariates="covariate", **roles),
        "log-rank": translational.screen(data, ["mutation"], method="logrank", **roles),
        "Fine-Gray": translational.screen(data, ["marker"], method="fine-gray", **causes),
    }
    found = {f"size: screen, {name}": s.to_frame()["p_value"][0] for name, s in screens.items()}
    return found | {
        "size: cut point, corrected": translational.cutpoint(data, score="marker", **roles).p_value
    }


def falling(rng: np.random.Generator) -> pl.DataFrame:
    """Markers that fall along lines, measured every three months for a year, 0 below the limit."""
    covariance = np.outer(SPREAD, SPREAD) * [[1, CORRELATION], [CORRELATION, 1]]
    lines = rng.multivariate_normal((LEVEL, SLOPE), covariance, PATIENTS)
    logarithm = lines[:, :1] + lines[:, 1:] * MONTHS + rng.normal(0, ERROR, (PATIENTS, len(MONTHS)))
    value = np.where(10**logarithm < LIMIT, 0.0, 10**logarithm)
    return pl.DataFrame(
        {
            "id": np.repeat(np.arange(PATIENTS), len(MONTHS)),
            "month": np.tile(MONTHS, PATIENTS),
            "value": value.ravel(),
        }
    )


def rejections(replications: int, seed: int) -> Iterator[dict[str, object]]:
    """How often p <= 0.05 of markers without effect."""
    rng = np.random.default_rng(seed)
    found = pl.DataFrame([p_values(useless(rng)) for _ in range(replications)])
    for target in found.columns:
        share = (found[target] <= 0.05).mean()
        yield {"study": f"Markers without effect, n={N}", "target": target, "rejected": share}


def coverage(replications: int, seed: int) -> Iterator[dict[str, object]]:
    """How often the limits hold the level and the slope of the mean patient."""
    rng, true = np.random.default_rng(seed), np.array([10**LEVEL, SLOPE])
    held = np.zeros(2)
    for _ in range(replications):
        fall = translational.kinetics(falling(rng), id="id", time="month", value="value", limit=LIMIT)
        low, high = fall.to_frame().head(2).select("conf_low", "conf_high").to_numpy().T
        held += (low <= true) & (true <= high)
    for target, share in zip(("level at 0", "log10 change"), held / replications, strict=True):
        yield {"study": f"Kinetics below a limit, {PATIENTS} patients", "target": target, "coverage": share}
