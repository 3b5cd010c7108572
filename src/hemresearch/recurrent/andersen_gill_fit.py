"""The result of a regression of the rate of recurrent events."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from ..errors import DataError
from ..numerics.cox_hazard import predicted_hazard
from ..numerics.cox_influence import RowInfluence, row_influence
from ..options import check_choice, check_conf_level, check_times
from ..regression.cox_adjusted import event_grid, owners
from ..regression.cox_fit import CoxFit
from ..regression.cox_predict import (
    EVER,
    Model,
    baseline_row,
    curve_names,
    curves_of,
    linear_predictions,
    model_of,
    new_rows,
    strata_of,
    stratum_risk_sets,
    with_strata,
)
from .mean_cumulative import MeanLimits, mean_limits

if TYPE_CHECKING:
    from ..results import Curves

RateQuantity = Literal["mean number of events", "linear predictor", "risk"]
MEAN = "mean number of events"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, repr=False)
class AndersenGillFit(CoxFit):
    """A fitted model of the rate of recurrent events: log rate ratios, and mean numbers of events.

    The integral of the rate is a mean number, whatever the dependence between the events of a patient. It
    says nothing of the probability of having none, so that there are no survival curves. In a robust fit
    the variance of means is robust throughout, baseline included: the sum over patients (clusters) of the
    square of what their rows move the mean by.

    With Breslow's ties and no covariates the mean is that of `mean_cumulative`; Efron's rule, which takes
    tied events one after the other, has a larger one where many are tied.
    """

    def baseline(self, at: Any = "zero") -> Curves:
        """The mean number of events at given covariates, one curve per stratum.

        Parameters
        ----------
        at
            "zero" (all covariates and the offset zero), "means" (every column of the design at its mean), or
            a table with one row of covariates.
        """
        model = model_of(self, "the baseline")
        n = len(model.bases)
        matrix = np.repeat(baseline_row(model.base, at), n, axis=0)
        return _curves(model, model.y.stratum.levels, matrix, np.arange(n), self.conf_level, "log")

    def predict(  # type: ignore[override]
        self,
        new_data: Any,
        *,
        times: Any = None,
        kind: RateQuantity = "mean number of events",
        conf_level: float | None = None,
        conf_type: MeanLimits = "log",
    ) -> pl.DataFrame:
        """Predictions for new rows: `row` (from 1), [`time`], estimate, std_error, conf_low, conf_high.

        Parameters
        ----------
        new_data
            The covariates, and the strata where the fit has some. An offset is taken as 0.
        times
            The times of a mean number; after the last follow-up (of the stratum) it is null.
        kind
            "mean number of events", "linear predictor" (x'b, uncentred) or "risk" (exp(x'b)).
        conf_level, conf_type
            Level of the limits (that of the fit unless given), and the scale of those of a mean number.
        """
        check_choice(kind, RateQuantity, argument="kind")
        level = self.conf_level if conf_level is None else check_conf_level(conf_level)
        if kind != MEAN:
            return linear_predictions(self, new_data, kind, level)
        check_choice(conf_type, MeanLimits, argument="conf_type")
        if times is None:
            raise DataError(
                "no times were given for a mean number of events",
                argument="times",
                expected="times at which to predict",
                remedy="times=[12, 60], or fit.curves(new_data) for whole curves",
            )
        wanted, model = check_times(times), model_of(self, "a prediction")
        matrix, stratum = model.base.apply(new_data), strata_of(model, new_data)
        parts, influence = [], _influence(model)
        for k, code in enumerate(stratum.tolist()):
            followed = wanted <= model.y.time[model.y.stratum.code == code].max()
            shown = _shown(model, influence, matrix[k : k + 1], code, wanted, conf_type, level)
            rows = {"row": np.full(len(wanted), k + 1), "time": wanted}
            parts.append(pl.DataFrame(rows | {c: np.where(followed, v, np.nan) for c, v in shown.items()}))
        return pl.concat(parts).with_columns(pl.col(pl.Float64).fill_nan(None))

    def curves(  # type: ignore[override]
        self,
        new_data: Any,
        *,
        by: Any = None,
        conf_level: float | None = None,
        conf_type: MeanLimits = "log",
    ) -> Curves:
        """Predicted mean numbers of events of new rows as curves; at most 400 event times are shown.

        Parameters
        ----------
        new_data
            One row per curve: the covariates, the strata of the fit, and columns to name the curves by.
        by
            The column or columns that name the curves; by default those of `new_data` that differ.
        conf_level, conf_type
            Level and scale of the limits.
        """
        level = self.conf_level if conf_level is None else check_conf_level(conf_level)
        check_choice(conf_type, MeanLimits, argument="conf_type")
        model = model_of(self, "a predicted curve")
        frame = with_strata(model, new_rows(new_data))
        names = curve_names(frame, frame, by, {*model.base.request.roots, *model.y.stratum.names})
        matrix, stratum = model.base.apply(frame), strata_of(model, frame)
        levels = frame.select(names) if names else pl.DataFrame()
        return _curves(model, levels, matrix, stratum, level, conf_type)

    def adjusted(self, by: str, *, conf_level: float | None = None, conf_type: str = "log-log") -> Curves:
        """Refused: there is no survival to standardise."""
        raise DataError(
            "the rate of recurrent events implies no survival that could be standardised",
            argument="fit",
            expected="mean numbers of events at chosen covariates, or of groups as they are",
            remedy=f"fit.curves(new_data), or mean_cumulative(..., by={by!r})",
        )


def with_means(fit: CoxFit, **changed: Any) -> AndersenGillFit:
    """A Cox fit as one of a rate."""
    shared = {f.name: getattr(fit, f.name) for f in fields(CoxFit)}
    return AndersenGillFit(**shared | changed)


def _curves(
    model: Model, levels: pl.DataFrame, matrix: np.ndarray, stratum: np.ndarray, level: float, conf_type: str
) -> Curves:
    parts, rows = [], _influence(model)
    for k, code in enumerate(stratum.tolist()):
        r = event_grid(stratum_risk_sets(model.y, code))
        counts = {"time": r.time, "n_risk": r.n_risk, "n_event": r.n_event, "n_censor": r.n_censor}
        parts.append(counts | _shown(model, rows, matrix[k : k + 1], code, r.time, conf_type, level))
    made = curves_of(model, levels, parts, MEAN, level, conf_type, "prediction from a")
    return replace(made, method=f"prediction from an {model.fit.name} ({model.fit.method})")


def _influence(model: Model) -> RowInfluence | None:
    """What the rows do to baselines and coefficients, where the variance is robust."""
    fit, y = model.fit, model.y
    if fit.variance != "robust":
        return None
    cov_model = fit.cov_model / np.outer(model.scale, model.scale)
    return row_influence(fit.estimate("a mean number of events"), y.time, y.stratum.code, cov_model)


def _shown(
    model: Model, rows: RowInfluence | None, row: np.ndarray, code: int, times: np.ndarray, conf_type: str,
    level: float,
) -> dict[str, np.ndarray]:  # fmt: skip
    """The mean of one row of covariates at the times, with its limits."""
    path = model.path(row, *EVER)
    mean, error = predicted_hazard(model.bases[code], *path, times, model.cov)
    if rows is not None:
        error = float(np.exp(path[1][0])) * _robust_errors(model, rows, path[0][0], code, times)
    low, high = mean_limits(mean, error, conf_type, level)
    return {"estimate": mean, "std_error": error, "conf_low": low, "conf_high": high}


def _robust_errors(
    model: Model, rows: RowInfluence, x: np.ndarray, code: int, times: np.ndarray
) -> np.ndarray:
    """The root of the sum over owners of squared influence on A(t) exp(x'b) / exp(x'b): dA + (x A - B)'db."""
    hazard, _, weighted_mean = model.bases[code].at(times)
    square = np.array([base.at(times)[1] for base in model.bases])
    here, owner = model.y.stratum.code == code, owners(model.y)
    variance = np.empty(len(times))
    for k, t in enumerate(times):
        moved = np.where(here, rows.on_baseline(t, square[:, k]), 0.0)
        moved += rows.coef @ (x * hazard[k] - weighted_mean[k])
        by_owner = np.bincount(owner, moved)
        variance[k] = by_owner @ by_owner
    return np.sqrt(variance)
