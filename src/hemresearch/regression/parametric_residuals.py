"""Residuals of a parametric survival model, as tidy frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from ..errors import DataError
from ..numerics.parametric import (
    EXACT,
    INTERVAL,
    LEFT,
    contributions,
    local_parameters,
    row_scores,
    saturated,
)
from ..options import check_choice
from .parametric_solution import ancillary_designs

if TYPE_CHECKING:
    from .parametric_fit import ParametricFit
    from .parametric_sample import Sample

Residual = Literal["response", "deviance", "working", "dfbeta", "martingale", "cox-snell"]


def residuals(fit: ParametricFit, kind: Residual) -> pl.DataFrame:
    """Residuals of a fit, in columns `row` (the 1-based position in the user's data) and `residual`.

    - "response": the time minus exp(x'b). Of an interval, the time that would suit the model best; of a
      censored time, the time of censoring.
    - "deviance": the signed root of twice what the row's log-likelihood lacks of its largest possible value.
      Its sign is that of the working residual.
    - "working": the Newton step of the row's own linear predictor: above 0 for a longer life than expected
      or, under Gompertz, for a higher hazard.
    - "dfbeta": how much a row moves each coefficient (approximately, unweighted), a column per coefficient.
    - "cox-snell": the cumulative hazard H(t) - H(entry); a censored unit-exponential sample if the model is
      right.
    - "martingale": event minus Cox-Snell residual.

    The first four are those of R's survreg but for interval-censored rows, where R's dfbeta takes the
    derivative by log(scale) with the wrong sign, and R's deviance and response residuals of Weibull times do
    not reach the maximum of the likelihood of an interval.

    References
    ----------
    Escobar LA, Meeker WQ. Biometrics 1992;48:507-528. Therneau TM. The survival package (R), survreg.
    """
    check_choice(kind, Residual, argument="kind")
    sample = fit.observations(f"{kind} residuals")
    _check_kind(fit, sample, kind)
    designs, local = _at_the_fit(fit, sample)
    with np.errstate(all="ignore"):
        if kind == "dfbeta":
            scores = row_scores(fit.family, sample.rows, designs, sample.offset, fit.solution.theta)
            values = scores @ fit.solution.cov_model @ fit.to_reported().T
            return pl.concat(
                [sample.positions(), pl.DataFrame(values, schema=list(fit.columns))], how="horizontal"
            )
        value = _single(fit, sample, local, kind)
    return sample.positions().with_columns(residual=pl.Series(value))


def _at_the_fit(fit: ParametricFit, sample: Sample) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    matrix = fit.require_design("residuals").matrix
    designs = (matrix, *ancillary_designs(fit.family, sample.stratum.code, len(sample.stratum)))
    return designs, local_parameters(fit.solution.theta, designs, sample.offset)


def _single(fit: ParametricFit, sample: Sample, local: np.ndarray, kind: str) -> np.ndarray:
    """Residuals that are one number for each row."""
    d, rows = fit.family, sample.rows
    if kind in ("martingale", "cox-snell"):
        hazard = -d.log_survival(rows.low, local)[0]
        if rows.entry is not None:
            late = rows.entry > 0
            hazard[late] += d.log_survival(rows.entry[late], local[:, late])[0]
        return (rows.kind == EXACT) - hazard if kind == "martingale" else hazard
    best, value = saturated(d, rows, local)
    if kind == "response":
        return np.exp(best) - np.exp(local[0])
    own, gradient, hessian = contributions(d, rows, local)
    working = -gradient[0] / hessian[0, 0]
    if kind == "working":
        return working
    return np.sign(working) * np.sqrt(np.maximum(2 * (value - own), 0.0))


def _check_kind(fit: ParametricFit, sample: Sample, kind: str) -> None:
    """Refuse residuals that these observations, or this distribution, do not have."""
    bounded = bool(((sample.rows.kind == LEFT) | (sample.rows.kind == INTERVAL)).any())
    late = sample.rows.entry is not None
    lacking = {
        "left- or interval-censored times have": bounded and kind in ("martingale", "cox-snell"),
        "times with delayed entry have": late and kind in ("deviance", "response"),
        "a Gompertz model, which has no scale of time, has": not fit.family.in_log_time
        and kind == "response",
    }
    for what in (what for what, lacks in lacking.items() if lacks):
        raise DataError(
            f"{what} no {kind} residuals",
            argument="kind",
            expected="a kind that these observations have",
            remedy="kind='deviance'" if bounded else "kind='martingale'",
        )
