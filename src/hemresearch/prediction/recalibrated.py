"""How risks would have to be shifted and stretched to agree with what was observed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ..competing.fine_gray import fine_gray
from ..competing.pseudo_values import pseudo_values as competing_pseudo_values
from ..errors import warn
from ..numerics.gee import LINKS, independence_equations
from ..numerics.logistic import fit_logistic
from ..regression.cox import cox
from ..survival.pseudo_values import pseudo_values

if TYPE_CHECKING:
    from ..fits import Fit
    from .calibration_curve import Predicted

Estimate = tuple[float, float]  # with its standard error
UNKNOWN = (float("nan"), float("nan"))


def intercept_and_slope(p: Predicted, by: str) -> dict[str, Estimate]:
    """The intercept of a model with the prediction as offset, and the slope of one with it as covariate."""
    happened = _outcome(p)
    intercept = _fitted(p, happened, np.ones((len(happened), 1)), p.eta)
    if np.ptp(p.risk) == 0:
        slope = UNKNOWN
    elif by == "hazards" and p.kind != "binary":
        slope = _of_hazards(p)
    else:
        slope = _fitted(p, happened, np.column_stack([np.ones(len(happened)), p.eta]), None)
    if np.isnan(slope[0]):
        _warn_of_no_slope(p)
    return {"intercept": intercept, "slope": slope}


def _outcome(p: Predicted) -> np.ndarray:
    """1 or 0 for the event by the horizon; its pseudo-value where some are censored before."""
    if p.kind == "binary":
        return (p.cause == 1).astype(float)
    rows = pl.DataFrame({"time": p.time, "event": p.cause})
    if p.kind == "competing":
        found = competing_pseudo_values(rows, time="time", event="event", cause=1, censored=0, times=[p.t])
        return found["pseudo_value"].to_numpy()
    return 1 - pseudo_values(rows, time="time", event="event", times=[p.t])["pseudo_value"].to_numpy()


def _fitted(p: Predicted, happened: np.ndarray, x: np.ndarray, offset: np.ndarray | None) -> Estimate:
    """The last coefficient of the model of the outcome."""
    if p.kind == "binary":
        fit = fit_logistic(x, happened, offset)
        coef, cov, solved = fit.coef, fit.cov, fit.solved
    else:
        found = independence_equations(x, happened, np.arange(len(happened)), LINKS["cloglog"], offset)
        coef, cov, solved = found.coef, found.cov, found.solved
    return (float(coef[-1]), float(np.sqrt(cov[-1, -1]))) if solved else UNKNOWN


def _of_hazards(p: Predicted) -> Estimate:
    """The slope of a Cox model, or of Fine and Gray's, over all of the follow-up."""
    rows = pl.DataFrame({"time": p.time, "event": p.cause, "eta": p.eta})
    fit: Fit
    if p.kind == "competing":
        fit = fine_gray(rows, ["eta"], time="time", event="event", cause=1, censored=0)
    else:
        fit = cox(rows, ["eta"], time="time", event="event")
    return float(fit.coef[0]), float(fit.std_error[0])


def _warn_of_no_slope(p: Predicted) -> None:
    warn(
        f"of {p.model!r} have no finite slope"
        + (
            ": they are the same for all"
            if np.ptp(p.risk) == 0
            else ": they part those with the event from the others"
        ),
        argument="risks",
        expected="risks that differ, and patients with and without the event among the high and the low ones",
        remedy="observed/expected and the groups alone",
    )
