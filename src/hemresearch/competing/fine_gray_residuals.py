"""Residuals of a Fine-Gray fit, as tidy frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ..numerics.fine_gray_influence import censoring_parts, schoenfeld, score_parts
from ..options import check_choice
from ..regression.cox_residuals import beside, positions
from .fine_gray_fit import FineGrayFit, FineGrayResidual

if TYPE_CHECKING:
    from .fine_gray_solution import Subdistribution


def residuals(fit: FineGrayFit, kind: FineGrayResidual) -> pl.DataFrame:
    """Residuals of a fit; see `FineGrayFit.residuals`. Unweighted, but for dfbeta."""
    check_choice(kind, FineGrayResidual, argument="kind")
    what = f"{kind} residuals"
    model, y = fit.model(what), fit.observations(what)
    coef = fit.coef / model.scale
    if kind in ("schoenfeld", "scaled schoenfeld"):
        values = schoenfeld_residuals(model, coef)
        if kind == "scaled schoenfeld":
            values = values @ fit.cov_model * fit.n_event + fit.coef
        at = model.rows.order[model.rows.event]
        frame = positions(y)[at].with_columns(time=pl.Series(y.time[at]))
        if len(y.stratum) > 1:
            labels = np.array(y.stratum.labels())
            frame = frame.with_columns(stratum=pl.Series(labels[y.stratum.code[at]]))
        return beside(frame, values, fit)
    part = score_parts(model.likelihood, coef)
    if fit.ties == "breslow":
        part += censoring_parts(model.likelihood, coef, model.censored)
    values = model.rows.unsorted(part) / model.scale
    if kind == "dfbeta":
        values = values @ fit.cov_model
        if y.weight is not None:
            values = values * y.weight[:, None]
    return beside(positions(y), values, fit)


def schoenfeld_residuals(model: Subdistribution, coef: np.ndarray) -> np.ndarray:
    """Covariates of each event minus their mean over the risk set, in the units of the coefficients."""
    parts = [schoenfeld(piece) @ piece.loads for piece in model.likelihood.pieces(coef)]
    return np.concatenate(parts) / model.scale
