"""Residuals of a Cox fit, as tidy frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from ..numerics.cox_estimate import CoxEstimate, expected_events, schoenfeld_residuals, score_residuals
from ..options import check_choice

if TYPE_CHECKING:
    from ..fits import Fit
    from ..outcomes import Survival
    from .cox_fit import CoxFit

Residual = Literal[
    "martingale", "deviance", "cox-snell", "score", "dfbeta", "dfbetas", "schoenfeld", "scaled schoenfeld"
]


def residuals(fit: CoxFit, kind: Residual) -> pl.DataFrame:
    """Residuals of a fit.

    - "martingale": event - expected events, per row, with what it is made of (`event`, `expected`).
    - "deviance": its signed root, nearly symmetric.
    - "cox-snell": the expected events; a censored unit-exponential sample if the model is right.
    - "score": each row's part of the score, a column per coefficient (unweighted, as R's).
    - "dfbeta", "dfbetas": how much a row moves each coefficient (approximately; times its weight), in its own
      units or in standard errors.
    - "schoenfeld": covariates of each event minus their mean over the risk set, with the event's `time` (and
      stratum), in order of stratum and time.
    - "scaled schoenfeld": those times the covariance and the number of events, plus the coefficient: their
      trend over time is that of the log hazard ratio.

    Frames carry `row`, the 1-based position in the user's data. Unweighted unless said.

    References
    ----------
    Therneau TM, Grambsch PM, Fleming TR. Biometrika 1990;77:147-160. Schoenfeld D. Biometrika
    1982;69:239-241. Grambsch PM, Therneau TM. Biometrika 1994;81:515-526.
    """
    check_choice(kind, Residual, argument="kind")
    e = fit.estimate(f"{kind} residuals")
    y = fit.observations("residuals")
    if kind in ("martingale", "deviance", "cox-snell"):
        return _of_rows(e, y, kind)
    if kind in ("schoenfeld", "scaled schoenfeld"):
        return _of_events(fit, e, y, scaled=kind == "scaled schoenfeld")
    values = score_residuals(e) / e.rows.scale
    if kind != "score":
        values = values @ fit.cov_model
        if e.rows.weight is not None:
            values = values * e.rows.weight[:, None]
    if kind == "dfbetas":
        values = values / np.sqrt(np.diag(fit.cov_model))
    return beside(positions(y), e.rows.unsorted(values), fit)


def _of_rows(e: CoxEstimate, y: Survival, kind: str) -> pl.DataFrame:
    expected = e.rows.unsorted(expected_events(e))
    martingale = y.event - expected
    value = {"martingale": martingale, "cox-snell": expected}.get(kind)
    if value is None:
        with np.errstate(divide="ignore", invalid="ignore"):
            pull = np.where(y.event, np.log(np.where(y.event, expected, 1.0)), 0.0)
        value = np.sign(martingale) * np.sqrt(np.maximum(-2 * (martingale + pull), 0.0))
    return positions(y).with_columns(
        residual=pl.Series(value), event=pl.Series(y.event), expected=pl.Series(expected)
    )


def _of_events(fit: CoxFit, e: CoxEstimate, y: Survival, *, scaled: bool) -> pl.DataFrame:
    values = schoenfeld_residuals(e) / e.rows.scale
    if scaled:
        values = values @ fit.cov_model * fit.n_event + fit.coef
    at = e.rows.order[e.rows.event]
    frame = positions(y)[at].with_columns(time=pl.Series(y.time[at]))
    if len(y.stratum) > 1:
        frame = frame.with_columns(stratum=pl.Series(np.array(y.stratum.labels())[y.stratum.code[at]]))
    return beside(frame, values, fit)


def beside(frame: pl.DataFrame, values: np.ndarray, fit: Fit) -> pl.DataFrame:
    """The frame with a column for each coefficient; one with the name of a column of the frame says so."""
    names = [f"{c} (covariate)" if c in frame.columns else c for c in fit.columns]
    return pl.concat([frame, pl.DataFrame(values, schema=names)], how="horizontal")


def positions(y: Survival) -> pl.DataFrame:
    """The 1-based position of each row in the user's data."""
    row = np.arange(len(y)) if y.row is None else y.row
    return pl.DataFrame({"row": row.astype(np.int64) + 1})
