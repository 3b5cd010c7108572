"""Coverage of absolute risks from cause-specific hazards, and of effects on them by pseudo-values."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from hemresearch.competing import cause_specific, pseudo_regression

N, TIME = 500, 1.0
RELAPSE, DEATH = {"age": 0.5, "treated": -0.7}, {"age": 0.3, "treated": 0.4}
BASE = {"relapse": 0.6, "death": 0.3}
PATTERNS = pl.DataFrame({"age": [0.0, 1.5, -1.0], "treated": [True, False, True]})


def hazards(age: np.ndarray, treated: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The constant hazards of the causes."""
    relapse, death = (
        BASE[cause] * np.exp(effect["age"] * age + effect["treated"] * treated)
        for cause, effect in (("relapse", RELAPSE), ("death", DEATH))
    )
    return relapse, death


def cohort(rng: np.random.Generator) -> pl.DataFrame:
    """Patients with a normal age and a treatment at random, of whom about a third are censored."""
    age, treated = rng.normal(size=N), rng.random(N) < 0.5
    relapse, death = hazards(age, treated)
    event, end = rng.exponential(1 / (relapse + death)), rng.uniform(0.2, 4, N)
    first = np.where(rng.random(N) < relapse / (relapse + death), "relapse", "death")
    return pl.DataFrame(
        {
            "time": np.minimum(event, end),
            "event": np.where(event <= end, first, "censored"),
            "age": age,
            "treated": treated,
        }
    )


def risk_of_relapse(age: np.ndarray, treated: np.ndarray) -> np.ndarray:
    """The probability of relapse by TIME."""
    relapse, death = hazards(age, treated)
    return relapse / (relapse + death) * -np.expm1(-TIME * (relapse + death))


def truths() -> dict[str, float]:
    """The true value of every target."""
    risks = risk_of_relapse(PATTERNS["age"].to_numpy(), PATTERNS["treated"].to_numpy())
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    with_, without = (weights @ risk_of_relapse(nodes, np.full(40, t)) / weights.sum() for t in (1.0, 0.0))
    return {f"relapse of pattern {k + 1}": float(r) for k, r in enumerate(risks)} | {
        "difference by pseudo-values": float(with_ - without)
    }


def limits(data: pl.DataFrame, *, robust: bool) -> list[tuple[float, float]]:
    """The limits of every target."""
    roles = {"time": "time", "event": "event"}
    fit = cause_specific(data, "age + treated", **roles, robust=robust)
    risks = fit.predict(PATTERNS, times=TIME, cause="relapse")
    effect = pseudo_regression(data, "treated", **roles, cause="relapse", times=TIME).to_frame()[1:]
    return [pair for frame in (risks, effect) for pair in frame.select("conf_low", "conf_high").rows()]


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
            if robust and target.startswith("difference"):
                continue  # which knows one variance
            study = f"Cause-specific hazards, {name}, n={N}"
            yield {"study": study, "target": target, "coverage": float(count / replications)}
