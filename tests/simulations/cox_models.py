"""Coverage of hazard ratios, predicted and standardised survival of Cox models on simulated cohorts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from hemresearch.regression import cox

N, LAST, TIME = 300, 4.0, 1.0
EFFECT = {"age": 0.5, "treated": -0.7}
PATTERNS = pl.DataFrame({"age": [0.0, 1.5, -1.5], "treated": [True, False, True]})
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(40)  # the mean over a normal age


def cohort(rng: np.random.Generator) -> pl.DataFrame:
    """Patients with a normal age and a treatment that older ones get less often; unit baseline hazard."""
    age = rng.normal(size=N)
    treated = rng.random(N) < 1 / (1 + np.exp(0.8 * age))
    risk = np.exp(EFFECT["age"] * age + EFFECT["treated"] * treated)
    death, censoring = rng.exponential(1 / risk), rng.uniform(0, LAST, N)
    return pl.DataFrame(
        {
            "time": np.minimum(death, censoring),
            "event": death <= censoring,
            "age": age,
            "treated": treated,
        }
    )


def true_survival(age: np.ndarray, treated: np.ndarray) -> np.ndarray:
    """Survival at TIME of given patients."""
    return np.exp(-TIME * np.exp(EFFECT["age"] * age + EFFECT["treated"] * treated))


def standardized(treated: bool) -> float:
    """Survival at TIME if everybody were treated, or nobody."""
    return float(WEIGHTS @ true_survival(NODES, np.full(len(NODES), treated)) / WEIGHTS.sum())


def truths() -> dict[str, float]:
    """The true value of every target."""
    survival = true_survival(PATTERNS["age"].to_numpy(), PATTERNS["treated"].to_numpy())
    effects = {"log hazard ratio of age": EFFECT["age"], "log hazard ratio of treatment": EFFECT["treated"]}
    predicted = {f"survival of pattern {k + 1}": float(s) for k, s in enumerate(survival)}
    return effects | predicted | {f"everybody treated: {t}": standardized(t) for t in (False, True)}


def limits(data: pl.DataFrame, *, robust: bool) -> list[tuple[float, float]]:
    """The limits of every target."""
    fit = cox(data, "age + treated", time="time", event="event", robust=robust)
    frames = (
        fit.to_frame(),
        fit.predict(PATTERNS, times=[TIME]),
        fit.adjusted("treated").at(TIME),
    )
    return [pair for frame in frames for pair in frame.select("conf_low", "conf_high").rows()]


def coverage(replications: int, seed: int) -> Iterator[dict[str, object]]:
    """One row per variance and target: how often the interval holds the truth."""
    for name, robust in (("model-based", False), ("robust", True)):
        rng = np.random.default_rng(seed)
        true = np.array(list(truths().values()))
        held = np.zeros(len(true))
        for _ in range(replications):
            low, high = np.array(limits(cohort(rng), robust=robust), dtype=float).T
            held += (low <= true) & (true <= high)
        for target, count in zip(truths(), held, strict=True):
            study = f"Cox regression, {name}, n={N}"
            yield {"study": study, "target": target, "coverage": float(count / replications)}
