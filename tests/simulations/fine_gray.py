"""Coverage of subdistribution hazard ratios and predicted incidence in simulated cohorts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from hemresearch.competing import fine_gray

N, LAST, TIME, SHARE = 300, 3.0, 1.0, 0.5
EFFECT = {"age": 0.5, "treated": -0.5}
PATTERNS = pl.DataFrame({"age": [0.0, 1.0, -1.0], "treated": [True, False, False]})


def cohort(rng: np.random.Generator) -> pl.DataFrame:
    """Patients whose incidence of relapse is 1 - (1 - SHARE (1 - exp(-t)))^risk, as Fine and Gray simulate.

    Others die at a rate that falls with age; censoring is uniform, about a quarter.
    """
    age, treated = rng.normal(size=N), rng.random(N) < 0.5
    risk = np.exp(EFFECT["age"] * age + EFFECT["treated"] * treated)
    ever = 1 - (1 - SHARE) ** risk
    relapses, level = rng.random(N) < ever, rng.random(N) * ever
    relapse = -np.log(1 - (1 - (1 - level) ** (1 / risk)) / SHARE)
    time = np.where(relapses, relapse, rng.exponential(np.exp(-0.3 * age)))
    censoring = rng.uniform(0, LAST, N)
    event = np.where(censoring < time, "censored", np.where(relapses, "relapse", "death"))
    return pl.DataFrame({"time": np.minimum(time, censoring), "event": event, "age": age, "treated": treated})


def truths() -> dict[str, float]:
    """The true value of every target."""
    eta = PATTERNS["age"].to_numpy() * EFFECT["age"] + PATTERNS["treated"].to_numpy() * EFFECT["treated"]
    incidence = 1 - (1 - SHARE * (1 - np.exp(-TIME))) ** np.exp(eta)
    effects = {f"log SHR of {name}": value for name, value in EFFECT.items()}
    return effects | {f"incidence of pattern {k + 1}": float(f) for k, f in enumerate(incidence)}


def limits(data: pl.DataFrame, ties: str) -> list[tuple[float, float]]:
    """The limits of every target."""
    fit = fine_gray(data, "age + treated", time="time", event="event", cause="relapse", ties=ties)
    frames = fit.to_frame(), fit.predict(PATTERNS, times=[TIME])
    return [pair for frame in frames for pair in frame.select("conf_low", "conf_high").rows()]


def coverage(replications: int, seed: int) -> Iterator[dict[str, object]]:
    """One row per rule for ties and target: how often the interval holds the truth."""
    for ties in ("breslow", "efron"):
        rng = np.random.default_rng(seed)
        true = np.array(list(truths().values()))
        held = np.zeros(len(true))
        for _ in range(replications):
            low, high = np.array(limits(cohort(rng), ties), dtype=float).T
            held += (low <= true) & (true <= high)
        for target, count in zip(truths(), held, strict=True):
            study = f"Fine-Gray regression, {ties}, n={N}"
            yield {"study": study, "target": target, "coverage": float(count / replications)}
