"""Coefficients, covariance and likelihoods of a Cox model, on the scale of its covariates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..design import Design
from ..errors import ConvergenceError, DataError, counted, warn
from ..model_design import refuse_dependent
from ..numerics.cox_estimate import CoxEstimate, cox_estimate, score_residuals
from ..numerics.cox_exact import exact_partial_likelihood
from ..numerics.cox_maximum import maximize_partial
from ..numerics.cox_partial import PartialLikelihood
from ..numerics.cox_rows import CoxRows, cox_rows
from ..numerics.newton import Likelihood, maximize
from ..outcomes import Survival
from .degenerate import examine, variance_without_end

FEW_CLUSTERS = 10  # Cameron and Miller (2015) call even less than 20 to 50 few, at which coverage suffers


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """What the maximisation gave; `cov_model` is the inverse information whatever `cov` is."""

    coef: np.ndarray
    cov: np.ndarray
    cov_model: np.ndarray
    log_likelihood: float
    log_likelihood_null: float
    df: float


def solve(
    y: Survival,
    design: Design,
    *,
    ties: str,
    ridge: float | None,
    robust: bool,
    ratio: str = "hazard ratio",
) -> Solution:
    """Maximise, look for directions without a maximum, and form the variance."""
    rows = rows_of(y, design.matrix)
    if ridge is None:
        refuse_dependent(rows.x, design.columns)
    if not len(design.columns):
        value = unpenalized(rows, y, ties)(np.zeros(0))[0]
        return Solution(np.zeros(0), np.zeros((0, 0)), np.zeros((0, 0)), value, value, 0.0)
    penalty = None if ridge is None else ridge * rows.scale**2
    likelihood = unpenalized(rows, y, ties)
    if ties == "exact":
        found = maximize(likelihood, np.zeros(len(design.columns)))
    else:
        found = maximize_partial(rows, efron=ties == "efron", penalty=penalty)
    information = found.information
    if ridge is None:
        information = examine(rows, likelihood, found, design.columns, ratio, exact=ties == "exact")
    elif not found.converged:
        raise ConvergenceError(f"the penalised likelihood had no maximum after {found.iterations} steps")
    inverse = np.linalg.inv(information)
    to_units = np.outer(rows.scale, rows.scale)
    at = found.parameters
    value = found.value if penalty is None else found.value + 0.5 * float(penalty @ at**2)
    df = float(len(at)) if penalty is None else float(len(at) - np.trace(inverse * penalty))
    coef, cov_model = at * rows.scale, inverse * to_units
    cov = cov_model
    if robust:
        cov = robust_covariance(y, rows, coef, cov_model, efron=ties == "efron")
        cov = cov + variance_without_end(found.information, information) * to_units
    null = likelihood.null_value() if isinstance(likelihood, PartialLikelihood) else likelihood(0 * at)[0]
    return Solution(coef, cov, cov_model, value, null, df)


def rows_of(y: Survival, matrix: np.ndarray) -> CoxRows:
    """The rows of checked observations in the order of the likelihood."""
    return cox_rows(
        matrix,
        y.time,
        y.event,
        entry=y.entry,
        stratum=y.stratum.code if len(y.stratum) > 1 else None,
        weight=y.weight,
        offset=y.offset,
    )


def robust_covariance(
    y: Survival, rows: CoxRows, coef: np.ndarray, cov_model: np.ndarray, *, efron: bool
) -> np.ndarray:
    """Lin and Wei's variance: the sum over clusters of their squared influence on the coefficients."""
    influence = score_by_cluster(y, cox_estimate(rows, coef, efron=efron)) @ cov_model
    check_clusters(y, *influence.shape)
    return influence.T @ influence


def score_by_cluster(y: Survival, e: CoxEstimate) -> np.ndarray:
    """Weighted score residuals, in the units of the covariates, summed over clusters (or patients)."""
    score = score_residuals(e) / e.rows.scale
    if e.rows.weight is not None:
        score = score * e.rows.weight[:, None]
    cluster = y.patient if y.cluster is None else y.cluster
    if cluster is None:
        return score
    owner = cluster[e.rows.order]
    return np.stack([np.bincount(owner, column) for column in score.T], axis=1)


def check_clusters(y: Survival, n_clusters: int, n_columns: int, without: str = "robust=False") -> None:
    """Refuse a variance between clusters of which there is one, and warn where it must be singular.

    `without` is the argument that gives a variance without clusters.
    """
    role = "id" if y.cluster is None else "cluster"
    if n_clusters == 1:
        raise DataError(
            "is the same in every row, and a robust variance is one between clusters",
            argument=role,
            column=y.names.get(role),
            expected="many clusters (30 or more by common advice)",
            remedy=without,
        )
    if n_clusters <= n_columns:
        warn(
            f"has {n_clusters} clusters for {counted(n_columns, 'coefficient')}: their robust variance is "
            "singular, so that there is no joint test, and standard errors are too small",
            argument=role,
            column=y.names.get(role),
            expected="many more clusters than coefficients (30 or more by common advice)",
            remedy=f"{without}, or fewer terms",
        )
    elif n_clusters < FEW_CLUSTERS and role in y.names:
        warn(
            f"has {n_clusters} clusters, and a robust variance of so few is too small: limits are too narrow "
            "and p-values too low",
            argument=role,
            column=y.names[role],
            expected="many clusters (30 or more by common advice)",
            remedy=f"{without}, or strata={y.names[role]!r} for a baseline hazard of each",
        )


def unpenalized(rows: CoxRows, y: Survival, ties: str) -> Likelihood:
    """The likelihood without a penalty, of covariates as `rows` scales them."""
    if ties != "exact":
        return PartialLikelihood(rows, ties == "efron")
    stratum = y.stratum.code[rows.order] if len(y.stratum) > 1 else None
    entry = None if y.entry is None else y.entry[rows.order]
    return exact_partial_likelihood(rows.x, y.time[rows.order], rows.event, entry, stratum, rows.offset)
