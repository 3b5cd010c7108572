"""Standardised survival curves of a Cox fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..coding import Levels
from ..errors import DataError, listed
from ..numerics.cox_hazard import survival_sums
from ..numerics.cox_influence import MeanSurvival, RowInfluence, robust_variance, row_influence
from ..numerics.intervals import probability_limits
from ..numerics.risk_sets import RiskSets, risk_sets
from ..options import ConfType, check_choice, check_conf_level
from .cox_predict import Model, curves_of, model_of

if TYPE_CHECKING:
    from ..outcomes import Survival
    from ..results import Curves
    from .cox_fit import CoxFit

SHOWN_TIMES = 400  # more event times than this are thinned: the work is rows x times


def adjusted_curves(fit: CoxFit, by: str, conf_level: float | None, conf_type: str) -> Curves:
    """The mean over the rows of the fit of the survival predicted for each level of `by`.

    S_a(t) = mean of exp(-H(t | by = a, own covariates)). Its variance has two parts: what covariates vary
    between rows, the variance of the predictions divided by n; and what the model's coefficients and baseline
    do to their mean, by the delta method. With G0 = mean of r S, G1 = mean of r x S in stratum s the second
    is sum over s of G0^2 var(A) plus q'Vq, q = sum over s of (A G1 - G0 B), in the notation of `cox_hazard`.

    Where the variance of the fit is robust, so is that of the curves: the sum over clusters (patients, rows)
    of the squared influence on S_a, which rows of weight w have through the mean, the baseline and b,

        w (S_a,i - S_a) / sum of w - G0 dA_i - q'db_i,

    dA_i and db_i being their influence on the baseline of their stratum and on the coefficients.

    References
    ----------
    Makuch RW. J Chronic Dis 1982;35:437-443. Chen P-Y, Tsiatis AA. Biometrics 2001;57:1030-1038. Reid N,
    Crépeau H. Biometrika 1985;72:1-9 (influence in Cox's model).
    """
    level = fit.conf_level if conf_level is None else check_conf_level(conf_level)
    check_choice(conf_type, ConfType, argument="conf_type")
    model = model_of(fit, "adjusted curves")
    refuse_episodes(model)
    r = event_grid(risk_sets(model.y.time, model.y.event, model.y.entry, model.y.weight))
    values, series = levels_of(model, by)
    influence = _influence(fit, model) if fit.variance == "robust" else None
    parts = []
    for value in values:
        survival, variance = _standardized(model, by, value, series, r.time, influence)
        error = np.sqrt(variance)
        low, high = probability_limits(survival, error, conf_type, level)
        counts = {"time": r.time, "n_risk": r.n_risk, "n_event": r.n_event, "n_censor": r.n_censor}
        parts.append(counts | {"estimate": survival, "std_error": error, "conf_low": low, "conf_high": high})
    levels = pl.Series(by, values, dtype=series.dtype).to_frame()
    return curves_of(model, levels, parts, "survival", level, conf_type, "standardisation with a")


def refuse_episodes(model: Model) -> None:
    """Rows that are episodes of patients have no single survival curve."""
    y = model.y
    if y.patient is not None and len(np.unique(y.patient)) < len(y):
        raise DataError(
            "has several rows of a patient, whose covariates are not those at time zero",
            argument="fit",
            expected="one row per patient",
            remedy="fit.curves(path, id=..., entry=..., time=...) for a covariate path",
        )


def levels_of(model: Model, by: str) -> tuple[list[Any], pl.Series]:
    """The levels to set everybody to: of a covariate with levels, a true/false or 0/1 one, or a stratum."""
    y = model.y
    if by in y.stratum.names and len(y.stratum.names) == 1:
        series = y.stratum.levels[by]
        return series.to_list(), series
    if by not in y.covariates.columns:
        raise DataError(
            "is neither a covariate nor the only stratum of the fit",
            argument="by",
            column=by,
            expected=f"one of {listed([*y.covariates.columns, *y.stratum.names])}",
            remedy=f"by={[*y.covariates.columns, 'arm'][0]!r}",
        )
    design = model.fit.require_design("adjusted curves")
    coded = [e for products in design.parts for part in products for e, _ in part if isinstance(e, Levels)]
    series = y.covariates[by]
    if any(e.column == by for e in coded):
        present = series.unique().sort()
        return present.to_list(), series
    values = series.unique().sort()
    if len(values) > 2:
        raise DataError(
            f"holds {len(values)} different numbers",
            argument="by",
            column=by,
            expected="a covariate with levels",
            remedy=f"C({by}) in the formula, or fit.curves(new_data) at chosen values",
        )
    return values.to_list(), series


def _influence(fit: CoxFit, model: Model) -> RowInfluence:
    """What the rows of the fit do to its baselines and coefficients."""
    cov_model = fit.cov_model / np.outer(model.scale, model.scale)
    return row_influence(fit.estimate("adjusted curves"), model.y.time, model.y.stratum.code, cov_model)


def owners(y: Survival) -> np.ndarray:
    """To whom each row's influence is counted: its cluster, its patient, or itself."""
    owner = y.patient if y.cluster is None else y.cluster
    return np.arange(len(y)) if owner is None else owner


def _standardized(
    model: Model, by: str, value: Any, series: pl.Series, times: np.ndarray, influence: RowInfluence | None
) -> tuple[np.ndarray, np.ndarray]:
    """Mean survival with everybody at one level, and its variance."""
    y = model.y
    weight = np.ones(len(y)) if y.weight is None else y.weight
    design = model.fit.require_design("adjusted curves")
    stratum = y.stratum.code
    if by in y.covariates.columns:
        matrix = design.apply_evaluated(
            y.covariates.with_columns(pl.lit(value, dtype=series.dtype).alias(by))
        )
    else:
        matrix = design.matrix
        stratum = np.full(len(y), series.to_list().index(value))
    x, eta = model.standardized(matrix)
    if y.offset is not None:
        eta = eta + y.offset
    total = weight.sum()
    s, squares, own = np.zeros(len(times)), np.zeros(len(times)), np.zeros(len(times))
    slope = np.zeros((len(times), x.shape[1]))
    hazards, variances, means = (np.array(v) for v in zip(*(b.at(times) for b in model.bases), strict=True))
    g0 = np.zeros_like(hazards)
    for code in np.unique(stratum):
        rows = stratum == code
        part = survival_sums(x[rows], eta[rows], weight[rows], hazards[code])
        g0[code], g1 = part[2] / total, part[3] / total
        s += part[0] / total
        squares += part[1] / total
        own += g0[code] ** 2 * variances[code]
        slope += hazards[code][:, None] * g1 - g0[code][:, None] * means[code]
    if influence is not None:
        average = MeanSurvival(times, np.exp(eta), stratum, s, slope, hazards, variances, g0)
        return s, robust_variance(influence, average, owners(y))
    spread = np.maximum(squares - s**2, 0.0) / total
    return s, spread + own + np.einsum("ti,ij,tj->t", slope, model.cov, slope)


def event_grid(r: RiskSets) -> RiskSets:
    """The event times (and the last time), thinned where they are many."""
    keep = np.flatnonzero(r.n_event > 0)
    if len(keep) > SHOWN_TIMES:
        keep = keep[np.unique(np.linspace(0, len(keep) - 1, SHOWN_TIMES).astype(int))]
    keep = np.union1d(keep, [len(r.time) - 1])

    def between(counts: np.ndarray) -> np.ndarray:
        return np.diff(np.append(0.0, np.cumsum(counts)[keep]))

    return RiskSets(r.time[keep], r.n_risk[keep], between(r.n_event), between(r.n_censor))
