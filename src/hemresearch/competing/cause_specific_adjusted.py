"""Standardised absolute risks of cause-specific Cox models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..numerics.absolute_risk_mean import MeanRisk, advance, mean_influence, mean_risk
from ..numerics.intervals import probability_limits
from ..numerics.risk_sets import RiskSets, risk_sets
from ..regression.cox_adjusted import event_grid, levels_of, refuse_episodes
from .cause_specific_predict import Models, check_options, counts_of, curves_of_risks, models_of

if TYPE_CHECKING:
    from ..results import Curves
    from .cause_specific_fit import CauseSpecificFit


def adjusted_risks(
    fit: CauseSpecificFit, by: str, cause: Any, conf_level: float | None, conf_type: str
) -> Curves:
    """The mean over the rows of the fit of the absolute risks predicted for each level of `by`."""
    level = check_options(fit, "matrix-exponential", conf_level, conf_type)
    models = models_of(fit)
    kept = np.array(models.y.numbers(cause)) - 1
    refuse_episodes(models.each[0])
    using = [m for m in models.each if by in m.base.request.names]
    values, series = levels_of((using or models.each)[0], by)
    y = models.y
    r = event_grid(risk_sets(y.time, y.event, y.entry, y.weight))
    parts = []
    for value in values:
        mean, variance = _standardized(models, by, value, series, r)
        for k in kept:
            error = np.sqrt(variance[k])
            low, high = probability_limits(mean[k], error, conf_type, level)
            shown = {"estimate": mean[k], "std_error": error, "conf_low": low, "conf_high": high}
            parts.append(counts_of(y, int(k) + 1, r) | shown)
    levels = pl.Series(by, values, dtype=series.dtype).to_frame()
    return curves_of_risks(models, levels, kept, parts, level, conf_type, "standardisation")


def _standardized(
    models: Models, by: str, value: Any, series: pl.Series, r: RiskSets
) -> tuple[np.ndarray, np.ndarray]:
    """Mean risks with everybody at one level, and their variances: causes x times."""
    y = models.y
    x, risk = models.covariates_at(y.covariates, by, value, series.dtype)
    stratum = y.stratum.code
    if by in y.stratum.names:
        stratum = np.full(len(y), series.to_list().index(value))
    share = np.ones(len(y)) if y.weight is None else y.weight
    total = share.sum()
    share = share / total
    parts = {}
    for code in np.unique(stratum):
        rows = stratum == code
        parts[int(code)] = mean_risk(models.baselines[code], x[rows], risk[rows], share[rows])
    places = {code: part.b.places(r.time) for code, part in parts.items()}
    mean = _summed([_after(part.mean, places[code]) for code, part in parts.items()])
    slope = _summed([_after(part.slope, places[code], axis=1) for code, part in parts.items()])
    if models.is_robust:
        return mean, _robust(models, parts, places, (mean, slope), stratum, risk, share)
    square = _summed([_after(part.square, places[code]) for code, part in parts.items()])
    variance = np.maximum(square - mean**2, 0.0) / total
    variance += np.einsum("ktp,pq,ktq->kt", slope, models.cov, slope)
    for code, part in parts.items():
        own = np.array([part.own_variance(k) for k in range(len(mean))])
        variance += _after(own, places[code])
    return mean, variance


def _robust(
    models: Models,
    parts: dict[int, MeanRisk],
    places: dict[int, np.ndarray],
    found: tuple[np.ndarray, np.ndarray],
    stratum: np.ndarray,
    risk: np.ndarray,
    share: np.ndarray,
) -> np.ndarray:
    """The sums over owners of the squared influence of their rows, causes x times."""
    mean, slope = found
    variance = np.empty_like(mean)
    state = {code: (stratum == code, np.ones(int((stratum == code).sum()))) for code in parts}
    incidence = np.zeros((len(stratum), len(mean)))
    for t in range(mean.shape[1]):
        for code, (rows, survival) in state.items():
            before = int(places[code][t - 1]) if t else 0
            own = incidence[rows]
            advance(parts[code].b.hazard, risk[rows], before, int(places[code][t]), survival, own)
            incidence[rows] = own
        upto = {code: int(place[t]) for code, place in places.items()}
        for k in range(len(mean)):
            moved = share * (incidence[:, k] - mean[k, t])
            moved += mean_influence(parts, models.rows, k, upto, slope[k, t])
            by_owner = np.bincount(models.rows.owner, moved)
            variance[k, t] = by_owner @ by_owner
    return variance


def _after(values: np.ndarray, place: np.ndarray, axis: int = -1) -> np.ndarray:
    """Values after the steps of event times, read at places: 0 before the first."""
    shape = list(values.shape)
    shape[axis] = 1
    return np.take(np.concatenate([np.zeros(shape), values], axis=axis), place, axis=axis)


def _summed(arrays: list[np.ndarray]) -> np.ndarray:
    """The sum over strata."""
    total: np.ndarray = np.sum(arrays, axis=0)
    return total
