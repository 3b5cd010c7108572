"""Baseline and predicted incidence of a Fine-Gray fit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import polars as pl

from ..errors import DataError
from ..numerics.fine_gray_incidence import Baseline, Influence, baselines
from ..numerics.fine_gray_varying import varying_hazard
from ..numerics.intervals import hazard_limits, probability_limits
from ..numerics.risk_sets import risk_sets
from ..options import ConfType, check_choice, check_conf_level, check_times
from ..regression.cox_predict import (
    baseline_row,
    curve_names,
    linear_predictions,
    new_rows,
    strata_of,
    with_strata,
)
from ..regression.time_varying import TimeVaryingDesign
from ..results import Curves, curves_frame
from .fine_gray_fit import FineGrayFit, FineGrayQuantity
from .fine_gray_solution import Risk, Subdistribution, influence

if TYPE_CHECKING:
    from ..design import Design
    from ..outcomes import Survival

BLOCK = 64  # times of a prediction whose influence is held at once, for every row of the fit


@dataclass(frozen=True, eq=False)
class Model:
    """A fit ready to predict."""

    fit: FineGrayFit
    risk: Risk
    base: Design
    model: Subdistribution

    @property
    def y(self) -> Survival:
        """The observations, the cause being the event."""
        return self.risk.y

    @property
    def coef(self) -> np.ndarray:
        """The coefficients of standardised covariates."""
        return self.fit.coef / self.model.scale

    @cached_property
    def influence(self) -> Influence:
        """The influence of the rows on the coefficients."""
        cov_model = self.fit.cov_model / np.outer(self.model.scale, self.model.scale)
        return influence(self.risk, self.model, self.coef, cov_model, self.fit.ties)

    @cached_property
    def baselines(self) -> list[Baseline]:
        """The baseline of every stratum."""
        return baselines(self.model.likelihood, self.coef, self.model.censored, self.influence)

    def hazards(
        self, matrix: np.ndarray, stratum: np.ndarray, times: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Cumulative subdistribution hazards of rows and their standard errors: rows x times."""
        rows = self.model.rows
        x = (matrix - rows.mean) * rows.scale
        offset = 0.0 if self.y.offset is None else float(self.y.offset.mean())
        found = np.zeros((2, len(x), len(times)))
        if isinstance(self.fit.design, TimeVaryingDesign):
            for k, code in enumerate(stratum):
                for first in range(0, len(times), BLOCK):
                    part = slice(first, first + BLOCK)
                    found[:, k, part] = varying_hazard(
                        self.model.likelihood, self.coef, self.model.censored, self.influence, x[k], offset,
                        int(code), times[part],
                    )  # fmt: skip
            return found[0], found[1]
        cov = self.fit.cov / np.outer(self.model.scale, self.model.scale)
        for code in np.unique(stratum):
            at = stratum == code
            found[:, at] = self.baselines[code].hazards(x[at], x[at] @ self.coef - offset, times, cov)
        return found[0], found[1]


def model_of(fit: FineGrayFit, what: str) -> Model:
    """A fit and what its predictions need."""
    design = fit.require_design(what)
    base = design.base if isinstance(design, TimeVaryingDesign) else design
    return Model(fit, fit.at_risk(what), base, fit.model(what))


def predict(
    fit: FineGrayFit,
    new_data: Any,
    times: Any,
    kind: FineGrayQuantity,
    conf_level: float | None,
    conf_type: str,
) -> pl.DataFrame:
    """A tidy frame of predictions."""
    check_choice(kind, FineGrayQuantity, argument="kind")
    level = fit.conf_level if conf_level is None else check_conf_level(conf_level)
    if kind != "cumulative incidence":
        return linear_predictions(fit, new_data, kind, level)
    check_choice(conf_type, ConfType, argument="conf_type")
    if times is None:
        raise DataError(
            "no times were given for a cumulative incidence",
            argument="times",
            expected="times at which to predict",
            remedy="times=[12, 60], or fit.curves(new_data) for whole curves",
        )
    wanted = check_times(times)
    model = model_of(fit, "a prediction")
    matrix, stratum = model.base.apply(new_data), strata_of(cast("Any", model), new_data)
    hazard, error = (table.ravel() for table in model.hazards(matrix, stratum, wanted))
    last = np.array([model.y.time[model.y.stratum.code == c].max() for c in range(len(model.y.stratum))])
    rows = {"row": np.repeat(np.arange(len(matrix)) + 1, len(wanted)), "time": np.tile(wanted, len(matrix))}
    followed = rows["time"] <= np.repeat(last[stratum], len(wanted))  # later, nothing is known
    shown = {
        name: np.where(followed, values, np.nan)
        for name, values in _incidence(hazard, error, level, conf_type).items()
    }
    return pl.DataFrame(rows | shown).with_columns(pl.col(pl.Float64).fill_nan(None))


def _incidence(hazard: np.ndarray, error: np.ndarray, level: float, conf_type: str) -> dict[str, np.ndarray]:
    """1 - exp(-H), with the limits of a probability."""
    estimate, std_error = -np.expm1(-hazard), np.exp(-hazard) * error
    low, high = probability_limits(estimate, std_error, conf_type, level)
    return {"estimate": estimate, "std_error": std_error, "conf_low": low, "conf_high": high}


def predicted_curves(
    fit: FineGrayFit, new_data: Any, by: Any, conf_level: float | None, conf_type: str
) -> Curves:
    """Curves of new rows."""
    level = fit.conf_level if conf_level is None else check_conf_level(conf_level)
    check_choice(conf_type, ConfType, argument="conf_type")
    model = model_of(fit, "a predicted curve")
    frame = with_strata(cast("Any", model), new_rows(new_data))
    names = curve_names(frame, frame, by, {*model.base.request.roots, *model.y.stratum.names})
    matrix, stratum = model.base.apply(frame), strata_of(cast("Any", model), frame)
    counts = {code: _counts(model.risk, code) for code in np.unique(stratum).tolist()}
    parts = []
    for k, code in enumerate(stratum.tolist()):
        hazard, error = model.hazards(matrix[k : k + 1], stratum[k : k + 1], counts[code]["time"])
        parts.append(counts[code] | _incidence(hazard[0], error[0], level, conf_type))
    causes = pl.DataFrame({"cause": [fit.cause] * frame.height})
    levels = pl.concat([frame.select(names), causes], how="horizontal") if names else causes
    return _curves(model, levels, tuple(names), parts, "cumulative incidence", level, conf_type)


def baseline(fit: FineGrayFit, at: Any) -> Curves:
    """The cumulative subdistribution hazard of each stratum at given covariates."""
    model = model_of(fit, "the baseline")
    row = baseline_row(model.base, at)
    strata, parts = model.y.stratum, []
    for code in range(len(strata)):
        counts = _counts(model.risk, code)
        hazard, error = model.hazards(row, np.array([code]), counts["time"])
        low, high = hazard_limits(hazard[0], error[0], "log-log", fit.conf_level)
        shown = {"estimate": hazard[0], "std_error": error[0], "conf_low": low, "conf_high": high}
        parts.append(counts | shown)
    quantity = "cumulative hazard of the subdistribution"
    return _curves(model, strata.levels, tuple(strata.names), parts, quantity, fit.conf_level, "log-log")


def _counts(risk: Risk, code: int) -> dict[str, np.ndarray]:
    """Who is at risk of any event in a stratum; those with another event are neither events nor censored."""
    y = risk.y.take(risk.y.stratum.code == code)
    other = risk.competing[risk.y.stratum.code == code]
    r = risk_sets(y.time, y.event | other, None, y.weight)
    n_event = risk_sets(y.time, y.event, None, y.weight).n_event
    return {"time": r.time, "n_risk": r.n_risk, "n_event": n_event, "n_censor": r.n_censor}


def _curves(
    model: Model, levels: pl.DataFrame, by: tuple[str, ...], parts: list[dict[str, np.ndarray]],
    quantity: str, conf_level: float, conf_type: str,
) -> Curves:  # fmt: skip
    """Predicted curves as a result, with the counts of the data they were estimated from."""
    frame, starts = curves_frame(levels, parts)
    fit, y = model.fit, model.y
    counts = pl.DataFrame(
        {
            "n": [float(part["n_risk"][0]) for part in parts],
            "n_event": [float(part["n_event"].sum()) for part in parts],
            "n_censor": [float(part["n_censor"].sum()) for part in parts],
        }
    )
    n_censor = fit.n - fit.n_event - fit.n_competing
    return Curves(
        frame=frame,
        groups_frame=pl.concat([levels, counts], how="horizontal") if levels.width else counts,
        starts=starts,
        quantity=quantity,
        by=by,
        time=y.names["time"],
        event=y.names["event"],
        conf_level=conf_level,
        conf_type=conf_type,
        variance=fit.variance,
        method=f"prediction from a {fit.name} ({fit.method})",
        n_dropped=fit.n_dropped,
        time_unit=fit.time_unit,
        patients=pl.DataFrame({"n": [fit.n], "n_event": [fit.n_event], "n_censor": [n_censor]}),
        predicted=True,
    )
