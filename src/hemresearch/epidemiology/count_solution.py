"""The maximum of a likelihood of counts in the units of the data, and its robust variance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from ..errors import ConvergenceError, DataError, counted, warn
from ..formats import significant
from ..numerics.clusters import clustered_products
from ..numerics.counts import fit_standardised

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..numerics.counts import CountFit

Correction = Literal["HC0", "HC1", "HC3"]
SINGULAR = 1e-13  # an eigenvalue of the information, scaled to a unit diagonal, that is none
RUNS_OFF = 1e3  # a standard error of a standardised coefficient, beyond which it is not estimated at all
FEW_CLUSTERS = 10
MANY = "many patients or clusters (30 or more by common advice)"


@dataclass(frozen=True, slots=True, eq=False)
class CountSolution:
    """Coefficients and their model-based covariance in the units of the data.

    `fit` is that of standardised covariates, whose coefficients `back` turns into those of the data.
    """

    fit: CountFit
    coef: np.ndarray
    cov: np.ndarray
    back: np.ndarray


def solve_counts(
    kernel: Callable[..., CountFit],
    x: np.ndarray,
    count: np.ndarray,
    exposure: np.ndarray,
    columns: tuple[str, ...],
    remedy: str,
) -> CountSolution:
    """The maximum; a likelihood without one is an error that names what runs off."""
    fit, back = fit_standardised(kernel, x, count, exposure)
    return CountSolution(fit, back @ fit.coef, back @ _inverse(fit, columns, remedy) @ back.T, back)


def _inverse(fit: CountFit, columns: tuple[str, ...], remedy: str) -> np.ndarray:
    """The covariance of standardised coefficients."""
    size = np.sqrt(np.diag(fit.information))
    scaled = fit.information / np.outer(size, size)
    if fit.found.converged and np.linalg.eigvalsh(scaled)[0] > SINGULAR:
        inverse = np.linalg.inv(scaled) / np.outer(size, size)
        if (np.diag(inverse) < RUNS_OFF**2).all():
            return np.asarray(inverse)
    far = np.abs(fit.coef)
    far[0] = far[0] if len(far) == 1 else -1.0  # the intercept follows a covariate that runs off
    worst = int(far.argmax())
    raise ConvergenceError(
        f"the likelihood had no maximum: {columns[worst]!r} is not determined (standardised estimate "
        f"{significant(float(fit.coef[worst]))}). Expected events at every level of a covariate. Try {remedy}"
    )


def robust_covariance(
    solution: CountSolution,
    owner: np.ndarray,
    *,
    role: str,
    column: str | None,
    without: str,
    factor: float = 1.0,
    scores: np.ndarray | None = None,
) -> np.ndarray:
    """Inverse information, sums of squared scores of clusters (times a factor), inverse information."""
    fit = solution.fit
    _check_clusters(len(np.unique(owner)), fit.score.shape[1], role, column, without)
    inverse = np.linalg.inv(fit.information)
    meat = clustered_products([fit.score if scores is None else scores], [owner])
    return np.asarray(factor * solution.back @ inverse @ meat @ inverse @ solution.back.T)


def _check_clusters(n_clusters: int, n_columns: int, role: str, column: str | None, without: str) -> None:
    """Refuse a single cluster, and warn of few."""
    if n_clusters == 1:
        raise DataError(
            "leaves a single cluster, and a robust variance is one between clusters",
            argument=role,
            column=column,
            expected=MANY,
            remedy=without,
        )
    if n_clusters < max(FEW_CLUSTERS, n_columns + 1):
        warn(
            f"leaves {n_clusters} clusters for {counted(n_columns, 'coefficient')}, and a robust "
            "variance of so few is too small: limits are too narrow and p-values too low",
            argument=role,
            column=column,
            expected=MANY,
            remedy=f"{without}, or fewer terms",
        )


def warn_of_no_dispersion(argument: str, remedy: str) -> None:
    """Warn of a negative binomial that is Poisson's distribution."""
    warn(
        "the counts vary no more than Poisson counts: alpha is 0, and the model is Poisson's",
        argument=argument,
        expected="rates that differ between patients beyond their covariates",
        remedy=remedy,
    )
