"""Maximum likelihood of a logistic model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from .newton import maximize

FLAT = 1e-6  # of the information at the start, below which risks have gone to 0 or 1


@dataclass(frozen=True, slots=True, eq=False)
class LogisticFit:
    """Coefficients and covariance; `solved` is false where the likelihood has no maximum (separation)."""

    coef: np.ndarray
    cov: np.ndarray
    solved: bool


def fit_logistic(x: np.ndarray, y: np.ndarray, offset: np.ndarray | None = None) -> LogisticFit:
    """P(y = 1) = expit(x'b + offset), by maximum likelihood."""
    known = np.zeros(len(y)) if offset is None else offset

    def likelihood(b: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        eta = x @ b + known
        p = expit(eta)
        value = float(y @ eta - np.logaddexp(0.0, eta).sum())
        return value, x.T @ (y - p), (x.T * (p * (1 - p))) @ x

    start = np.zeros(x.shape[1])
    found = maximize(likelihood, start)
    information, at_start = likelihood(found.parameters)[2], likelihood(start)[2]
    kept = np.diag(np.linalg.pinv(at_start)) / np.diag(np.linalg.pinv(information))
    solved = found.converged and bool((kept > FLAT).all())
    return LogisticFit(found.parameters, np.linalg.pinv(information), solved)
