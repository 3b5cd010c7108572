"""Measures of true risks, and tests between two models that are equally good, in simulated cohorts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from hemresearch import prediction

N, HORIZON, LAST = 500, 1.0, 3.0
EFFECTS = {"first": 0.7, "second": 0.7}
RATE, OTHER = 0.6, 0.3  # of the event and of what competes with it, per year, at the mean of the markers
CERTAIN = 1 - 1e-9
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(80)


def risk_of(eta: np.ndarray, other: float) -> np.ndarray:
    """The risk of the event by the horizon with constant rates; at most CERTAIN, for a logit of it."""
    rate = RATE * np.exp(eta)
    return np.minimum(rate / (rate + other) * -np.expm1(-(rate + other) * HORIZON), CERTAIN)


def cohort(rng: np.random.Generator, other: float) -> pl.DataFrame:
    """Two normal markers of equal effect, their true risk, and what each alone ranks; uniform censoring."""
    first, second = rng.normal(size=(2, N))
    eta = EFFECTS["first"] * first + EFFECTS["second"] * second
    happened = rng.exponential(1 / (RATE * np.exp(eta)))
    competing = rng.exponential(1 / other, N) if other else np.full(N, np.inf)
    end = rng.uniform(0, LAST, N)
    time = np.minimum(np.minimum(happened, competing), end)
    event = np.where(time == end, "censored", np.where(time == happened, "event", "other"))
    alone = {name: risk_of(EFFECTS[name] * x, other) for name, x in (("first", first), ("second", second))}
    return pl.DataFrame({"time": time, "event": event, "risk": risk_of(eta, other), **alone})


def truths(other: float) -> dict[str, float]:
    """The true value of every target, integrated over the linear predictor of the true risk."""
    sd, weights = np.hypot(*EFFECTS.values()), WEIGHTS / WEIGHTS.sum()
    risk = risk_of(sd * NODES, other)
    case, control = weights * risk, weights * (1 - risk)
    above = np.tril(np.ones((len(risk), len(risk))), -1) + 0.5 * np.eye(len(risk))
    return {
        "AUC": float(case @ above @ control / (case.sum() * control.sum())),
        "Brier score": float(weights @ (risk * (1 - risk))),
        "calibration slope": 1.0,
    }


def roles(other: float) -> dict[str, object]:
    """Who has the event, and what the horizon is."""
    event = {"cause": "event"} if other else {"event_value": "event"}
    return {"time": "time", "event": "event", "times": HORIZON, **event}


def limits(data: pl.DataFrame, other: float) -> list[tuple[float, float]]:
    """The limits of every target."""
    given = roles(other)
    slope = prediction.calibration(data, risks="risk", smooth=None, **given).to_frame()
    frames = (
        prediction.auc(data, scores="risk", **given).to_frame(),
        prediction.brier_score(data, risks="risk", **given).to_frame().filter(pl.col("model") == "risk"),
        slope.filter(pl.col("term") == "slope"),
    )
    return [frame.select("conf_low", "conf_high").row(0) for frame in frames]


def coverage(replications: int, seed: int) -> Iterator[dict[str, object]]:
    """One row per outcome and target: how often the interval holds the truth."""
    for name, other in (("survival", 0.0), ("competing risks", OTHER)):
        rng, true = np.random.default_rng(seed), truths(other)
        held = np.zeros(len(true))
        for _ in range(replications):
            low, high = np.array(limits(cohort(rng, other), other)).T
            held += (low <= list(true.values())) & (list(true.values()) <= high)
        for target, share in zip(true, held / replications, strict=True):
            yield {"study": f"Predictions, {name}, n={N}", "target": target, "coverage": share}


def rejections(replications: int, seed: int) -> Iterator[dict[str, object]]:
    """How often p <= 0.05 for two markers that are equally good."""
    for name, other in (("survival", 0.0), ("competing risks", OTHER)):
        rng, given = np.random.default_rng(seed), roles(other)
        ranked = {role: value for role, value in given.items() if role != "times"}
        rejected = np.zeros(3)
        for _ in range(replications):
            data, two = cohort(rng, other), list(EFFECTS)
            tests = (
                prediction.auc_difference(data, scores=two, **given),
                prediction.brier_difference(data, risks=two, reference="first", **given),
                prediction.concordance_difference(data, scores=two, **ranked),
            )
            found = [test.to_frame().filter(pl.col("model") == "second")["p_value"][0] for test in tests]
            rejected += np.array(found) <= 0.05
        for target, share in zip(("AUC", "Brier score", "concordance"), rejected / replications, strict=True):
            yield {
                "study": f"Differences of predictions, {name}, n={N}",
                "target": f"size: {target}",
                "rejected": share,
            }
