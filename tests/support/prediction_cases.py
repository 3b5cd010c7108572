"""R's cases of prediction as tables with columns of risks, and scores by double loops to compare with."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import polars as pl
from reference_cases import Reference

from hemresearch.competing import cause_specific
from hemresearch.errors import DataWarning
from hemresearch.prediction import predicted_risks
from hemresearch.regression import cox

MODELS = {"model": "terms", "model2": "terms2"}


def with_risks(case: Reference, times: list[float]) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The data of a case with the risks of its models, and the arguments that judge them."""
    data = case.data
    competing = "event" not in case.options
    roles: dict[str, Any] = {
        "time": case.role("time"),
        "event": case.role("status" if competing else "event"),
    }
    for model, option in MODELS.items():
        formula = " + ".join(np.atleast_1d(case.options[option])).replace("factor(", "C(")
        if competing:
            fit = cause_specific(case.data, formula, **roles)
            risk = fit.predict(data, times=times, cause=1, form="product-limit")["estimate"].to_numpy()
            grid = risk.reshape(data.height, -1)
            data = data.with_columns(pl.Series(f"{model}_{t:g}", grid[:, i]) for i, t in enumerate(times))
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DataWarning)  # R's cases are apparent performance
                data = predicted_risks(cox(case.data, formula, **roles), data, times=times, name=model)
    risks = {model: [f"{model}_{t:g}" for t in times] for model in MODELS}
    return data, roles | {"risks": risks, "times": times} | ({"cause": 1} if competing else {})


def area_by_pairs(
    time: np.ndarray, cause: np.ndarray, score: np.ndarray, t: float, *, controls: str, strict: bool = False
) -> tuple[float, float]:
    """The AUC and its standard error from the matrix of pairs; cases before t only where `strict`."""
    by_then = time < t if strict else time <= t
    case = np.where(by_then & (cause == 1), inverse_weights(time, cause, t), 0.0)
    is_control = (time > t) | (by_then & (cause == 2) & (controls == "without the event"))
    control = np.where(is_control, inverse_weights(time, cause, t), 0.0)
    higher = (score[:, None] > score) + 0.5 * (score[:, None] == score)
    pairs = case.sum() * control.sum()
    area = case @ higher @ control / pairs
    part = (
        case * (higher @ control - area * control.sum()) + control * (case @ higher - area * case.sum())
    ) / pairs
    return area, error_of(part, time, cause, t)


def inverse_weights(time: np.ndarray, cause: np.ndarray, t: float) -> np.ndarray:
    """1 / G(T-) or 1 / G(t), one censoring time after the other."""
    weight = np.ones(len(time))
    for s in np.unique(time[(cause == 0) & (time <= t)]):
        here = ((time == s) & (cause == 0)).sum()
        weight[time > s] /= 1 - here / ((time > s).sum() + here)
    return np.where((time <= t) & (cause == 0), 0.0, weight)


def error_of(part: np.ndarray, time: np.ndarray, cause: np.ndarray, t: float) -> float:
    """The standard error from derivatives by log weights, the martingale of censoring added term by term."""
    n = len(time)
    influence = n * part - part.sum()
    for s in np.unique(time[cause == 0]):
        at_risk = (time >= s).sum()
        later = part[(time > s) & (s <= t)].sum()
        own = (time == s) & (cause == 0)
        influence += n / at_risk * later * (own - (time >= s) * own.sum() / at_risk)
    return float(influence.std(ddof=1) / np.sqrt(n))
