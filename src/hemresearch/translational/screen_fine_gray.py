"""Fine and Gray's model of each feature."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from scipy.special import erfc

from ..columns import Groups
from ..competing.fine_gray_solution import Risk, solve, subdistribution
from ..design import covariate_columns
from ..errors import ConvergenceError, DataError, DataWarning, counted, warn
from ..model_design import model_design, refuse_collinear
from ..numerics.screening_fine_gray import screen_fine_gray as side_by_side
from ..outcomes_competing import read_competing
from .features import read_features
from .screen_result import Size

if TYPE_CHECKING:
    from ..design import Covariates, Design

COLUMN = "the feature"
FEW = 50  # events


def screen_fine_gray(
    frame: pl.DataFrame,
    features: Any,
    matrix: Any,
    covariates: Covariates | None,
    roles: dict[str, Any],
    cause: Any,
    ties: str,
) -> tuple[pl.DataFrame, Size]:
    """One row per feature; the censoring distribution is that of the rows in which the feature is known."""
    wanted = None if covariates is None else covariate_columns(covariates, frame)
    y = read_competing(frame, covariates=wanted, **roles)
    own = y.of_cause(y.one_number(cause))
    used = (*y.names.values(), *y.stratum.names, *y.covariates.columns)
    chosen = read_features(frame, features, matrix, outcome=used).rows(y.row)
    values = chosen.values()
    chosen.check_missing(roles["missing"], values)
    design = model_design(own, covariates)
    refuse_collinear(design.matrix, design.columns)
    risk = Risk(own, y.event & ~own.event, y.group)
    size = Size(len(own), int(own.event.sum()), y.n_dropped)
    _warn_of_few(size, own.names["event"])
    estimate, error = _side_by_side(risk, design, values, ties)
    n, n_event = np.full(len(values), len(own)), np.full(len(values), int(own.event.sum()))
    status = np.full(len(values), "ok", dtype=object)
    for j in np.flatnonzero(np.isnan(error)):
        n[j], n_event[j], estimate[j], error[j], status[j] = _one(risk, design, values[j], ties)
    statistic = (estimate / error) ** 2
    frame = pl.DataFrame(
        {
            "feature": chosen.names,
            "n": n,
            "n_event": n_event,
            "estimate": estimate,
            "std_error": error,
            "statistic": statistic,
            "df": np.where(np.isnan(statistic), np.nan, 1.0),
            "p_value": erfc(np.sqrt(statistic / 2)),  # chi-squared with one degree of freedom
            "status": status.tolist(),
        }
    )
    return frame, size


def _warn_of_few(size: Size, event: str) -> None:
    if size.n_event < FEW:
        warn(
            f"has the cause in {counted(size.n_event, 'row')}, so few that robust Wald tests find too much",
            argument="event",
            column=event,
            expected=f"{FEW} events or more",
            remedy="hem.competing.gray_test for a group, or method='cox' for the cause-specific hazard",
        )


def _side_by_side(risk: Risk, design: Design, values: np.ndarray, ties: str) -> tuple[np.ndarray, np.ndarray]:
    """Estimates and standard errors where the model has the feature alone; NaN where it takes more care."""
    if len(design.columns) or len(risk.y.stratum) > 1:
        nothing = np.full(len(values), np.nan)
        return nothing, nothing.copy()
    model = subdistribution(risk, design, ties)
    return side_by_side(values, model.likelihood, model.censored)


def _one(risk: Risk, design: Design, values: np.ndarray, ties: str) -> tuple[int, int, float, float, str]:
    known = ~np.isnan(values)
    y = risk.y if known.all() else risk.y.take(known)
    n, n_event = len(y), int(y.event.sum())
    if n_event == 0 or np.ptp(values[known]) == 0:
        return n, n_event, np.nan, np.nan, "no events" if n_event == 0 else "no information"
    groups = Groups(risk.groups.levels, risk.groups.code[known])
    model = replace(
        design,
        matrix=np.column_stack([values[known], design.matrix[known]]),
        columns=(COLUMN, *design.columns),
    )
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", DataWarning)
        try:
            found = solve(Risk(y, risk.competing[known], groups), model, ties)
        except DataError:
            return n, n_event, np.nan, np.nan, "no information"
        except ConvergenceError:
            return n, n_event, np.nan, np.nan, "no maximum"
    if any(issubclass(one.category, DataWarning) for one in told):
        return n, n_event, float(np.sign(found.coef[0]) * np.inf), np.nan, "infinite"
    return n, n_event, float(found.coef[0]), float(np.sqrt(found.cov[0, 0])), "ok"
