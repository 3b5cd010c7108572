"""Score tests and concordance of a Cox fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..fits import wald_test
from ..numerics.cox_estimate import cox_estimate
from .cox_solution import rows_of, score_by_cluster, unpenalized

if TYPE_CHECKING:
    from ..results import Estimates
    from .cox_fit import CoxFit

ROUNDING = 1e-12  # of a linear predictor, beside the sum of the sizes of its terms


def score_tests(fit: CoxFit) -> list[tuple[str, float]]:
    """The score test at zero, U'I^-1 U, and for a robust fit U'(sum of U_i U_i')^-1 U over clusters.

    Both with the offset, which R's robust score test leaves out.
    """
    y, design = fit.observations("tests"), fit.require_design("tests")
    rows = rows_of(y, design.matrix)
    zero = np.zeros(len(fit.coef))
    _, score, information = unpenalized(rows, y, fit.ties)(zero)
    told = [("score", wald_test(score, information)[0])]
    if fit.variance == "robust":
        parts = score_by_cluster(y, cox_estimate(rows, zero, efron=fit.ties == "efron"))
        told.append(("robust score", wald_test(parts.sum(axis=0), parts.T @ parts)[0]))
    return told


def concordance_of(fit: CoxFit, time_weight: str, tau: float | None) -> Estimates:
    """The concordance of the fit's linear predictor (with its offset) with its own outcome."""
    from .concordance import concordance_of_score

    y, design = fit.observations("concordance"), fit.require_design("concordance")
    score = ranks_of_predictor(design.matrix, fit.coef, y.offset)
    return concordance_of_score(y, score, time_weight, tau, fit.conf_level)


def ranks_of_predictor(matrix: np.ndarray, coef: np.ndarray, offset: np.ndarray | None) -> np.ndarray:
    """Dense ranks of x'b + offset; values that differ by no more than the sum's rounding error are equal."""
    given = np.zeros(len(matrix)) if offset is None else offset
    value, size = matrix @ coef + given, np.abs(matrix) @ np.abs(coef) + np.abs(given)
    order = np.argsort(value, kind="stable")
    rank = np.zeros(len(value))
    rank[order[1:]] = np.cumsum(np.diff(value[order]) > ROUNDING * size.max(initial=0.0))
    return rank
