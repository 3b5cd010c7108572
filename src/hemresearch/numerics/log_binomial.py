"""Risks with a log link: binomial counts whose logarithmic risks are linear in the covariates.

Wacholder S. Am J Epidemiol 1986;123:174-184.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import gammaln, xlog1py, xlogy

from .counts import CountFit
from .newton import maximize

EDGE = 1e-6  # a fitted risk this near 1 lies at the edge, where the likelihood has no maximum of its own


def fit_log_binomial(x: np.ndarray, count: np.ndarray, n: np.ndarray) -> CountFit:
    """Maximum likelihood for counts out of `n` with the risk exp(x'b), which stays below 1.

    The likelihood is concave in b, so that a maximum inside is the only one; where it grows up to a risk of
    1, the fit has not converged. The first column of `x` is of ones, the others are centred. `information`
    is the expected one.
    """

    def evaluate(coef: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        log = x @ coef
        if not (log < 0).all():
            nowhere = np.full((len(coef), len(coef)), np.nan)
            return -np.inf, nowhere[0], nowhere
        survived, risk = -np.expm1(log), np.exp(log)
        value = float((count * log + xlog1py(n - count, -risk)).sum())
        bend = (n - count) * risk / survived**2
        return value, x.T @ ((count - n * risk) / survived), (x.T * bend) @ x

    start = np.zeros(x.shape[1])
    start[0] = np.log(count.sum() / n.sum())
    found = maximize(evaluate, start)
    log = x @ found.parameters
    risk, survived = np.exp(log), -np.expm1(np.minimum(log, np.log1p(-EDGE)))
    found = replace(found, converged=found.converged and bool((risk < 1 - EDGE).all()))
    ways = gammaln(n + 1) - gammaln(count + 1) - gammaln(n - count + 1)
    value = float((count * log + (n - count) * np.log(survived) + ways).sum())
    score = x * ((count - n * risk) / survived)[:, None]
    information = (x.T * (n * risk / survived)) @ x
    return CountFit(found.parameters, 0.0, 0.0, value, information, score, n * risk, found)


def binomial_deviance(count: np.ndarray, mean: np.ndarray, n: np.ndarray) -> float:
    """Twice the log-likelihood that a risk of its own for each row would add."""
    left = n - count
    return float(2 * (xlogy(count, count / mean) + xlogy(left, left / (n - mean))).sum())
