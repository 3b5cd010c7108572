"""The elastic net of Cox's model along a path of penalties, as glmnet documents it.

For each lambda the minimum over b of

    -loglik(b) / n + lambda (alpha sum |b_j| + (1 - alpha) / 2 sum b_j^2)

with Breslow's partial likelihood and covariates scaled to a population standard deviation of 1. At the
minimum, with g_j = score_j / n - lambda (1 - alpha) b_j, |g_j| <= lambda alpha where b_j is 0 and
g_j = lambda alpha sign(b_j) elsewhere (Karush, Kuhn and Tucker). Each lambda starts from the one before. The
covariates that the sequential strong rule lets through are solved for by Newton steps, each a quadratic with
the penalty minimised by coordinate descent; then all are looked at, and those that violate are let in.

References: Simon N, Friedman J, Hastie T, Tibshirani R. J Stat Softw 2011;39(5):1-13. Tibshirani R et al.
J R Stat Soc B 2012;74:245-266 (strong rules). Lee JD, Sun Y, Saunders MA. SIAM J Optim 2014;24:1420-1443
(proximal Newton).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .compiled import kernel
from .cox_partial import PartialLikelihood

KKT = 1e-9  # largest violation at the end, on the scale of the gradient of a scaled covariate
NEWTON_STEPS, SWEEPS, HALVINGS = 100, 10_000, 40
SMALLEST_ALPHA = 1e-3  # of the largest lambda, which a ridge has none of (as glmnet)


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """Coefficients of the scaled covariates (one row per lambda), and the violation of each."""

    lambdas: np.ndarray
    coef: np.ndarray
    violation: np.ndarray


def largest_lambda(likelihood: PartialLikelihood, alpha: float) -> float:
    """The smallest lambda at which every coefficient is 0."""
    score = likelihood.value_and_score(np.zeros(likelihood.rows.x.shape[1]))[1]
    return float(np.abs(score).max(initial=0.0)) / len(likelihood.rows.x) / max(alpha, SMALLEST_ALPHA)


def lambda_path(largest: float, n: int, p: int, n_lambdas: int) -> np.ndarray:
    """From the largest down to 1 % of it, or to 0.01 % where there are more rows than covariates."""
    ratio = 1e-4 if n > p else 1e-2
    return largest * ratio ** np.linspace(0, 1, n_lambdas)


def penalized_path(likelihood: PartialLikelihood, lambdas: np.ndarray, alpha: float) -> Path:
    """The minimum at each lambda, which are in falling order."""
    x = likelihood.rows.x
    if alpha == 0 and x.shape[1] > x.shape[0]:
        return _rotated_ridge(likelihood, lambdas)
    coef, violation = np.zeros((len(lambdas), x.shape[1])), np.zeros(len(lambdas))
    at, before = np.zeros(x.shape[1]), largest_lambda(likelihood, alpha)
    for k, penalty in enumerate(lambdas):
        at = _minimum(likelihood, at, penalty, min(before, 2 * penalty), alpha)
        coef[k], before = at, penalty
        violation[k] = kkt_violation(likelihood, at, penalty, alpha).max(initial=0.0)
    return Path(lambdas, coef, violation)


def kkt_violation(
    likelihood: PartialLikelihood, coef: np.ndarray, penalty: float, alpha: float
) -> np.ndarray:
    """How far each coefficient is from the conditions of the minimum."""
    score = likelihood.value_and_score(coef)[1] / len(likelihood.rows.x)
    return _violation(score, coef, penalty, alpha)


def _violation(score: np.ndarray, coef: np.ndarray, penalty: float, alpha: float) -> np.ndarray:
    g = score - penalty * (1 - alpha) * coef
    return np.where(
        coef == 0, np.maximum(np.abs(g) - penalty * alpha, 0.0), np.abs(g - penalty * alpha * np.sign(coef))
    )


def _minimum(
    likelihood: PartialLikelihood, start: np.ndarray, penalty: float, before: float, alpha: float
) -> np.ndarray:
    n, coef = len(likelihood.rows.x), start.copy()
    score = likelihood.value_and_score(coef)[1] / n
    inside = (coef != 0) | (np.abs(score) >= alpha * (2 * penalty - before))
    while True:
        coef[inside] = _inside(_restricted(likelihood, inside), coef[inside], penalty, alpha)
        score = likelihood.value_and_score(coef)[1] / n
        outside = ~inside & (_violation(score, coef, penalty, alpha) > KKT)
        if not outside.any():
            return coef
        inside |= outside


def _restricted(likelihood: PartialLikelihood, inside: np.ndarray) -> PartialLikelihood:
    """The likelihood of some of the covariates, the others having no effect."""
    rows = likelihood.rows
    some = replace(rows, x=np.ascontiguousarray(rows.x[:, inside]), event_total=rows.event_total[inside])
    return replace(likelihood, rows=some)


def _inside(likelihood: PartialLikelihood, coef: np.ndarray, penalty: float, alpha: float) -> np.ndarray:
    """Newton steps on the covariates let in."""
    n = len(likelihood.rows.x)

    def loss(b: np.ndarray, value: float) -> float:
        return -value / n + penalty * float(alpha * np.abs(b).sum() + (1 - alpha) / 2 * (b @ b))

    value, score, information = likelihood(coef)
    for _ in range(NEWTON_STEPS):
        if _violation(score / n, coef, penalty, alpha).max(initial=0.0) <= KKT:
            break
        best = coordinate_descent(
            information / n, score / n, coef, penalty * alpha, penalty * (1 - alpha), KKT / 10
        )
        step, now = best - coef, loss(coef, value)
        for halving in range(HALVINGS):
            new = coef + step * 0.5**halving
            value, score, information = likelihood(new)
            if loss(new, value) <= now + 1e-14 * abs(now):
                break
        coef = new
    return coef


@kernel
def coordinate_descent(h, g, start, l1, l2, enough):  # type: ignore[no-untyped-def]
    """The minimum over b of -g'(b - start) + (b - start)' h (b - start) / 2 + l1 |b| + l2 b'b / 2."""
    b, left = start.copy(), g.copy()  # left = g - h (b - start), kept up to date
    for _ in range(SWEEPS):
        largest = 0.0
        for j in range(len(b)):
            curvature = h[j, j] + l2
            if curvature <= 0.0:
                continue
            towards = left[j] + h[j, j] * b[j]
            size = abs(towards) - l1
            new = np.sign(towards) * size / curvature if size > 0.0 else 0.0
            moved = new - b[j]
            if moved != 0.0:
                largest = max(largest, abs(moved) * curvature)
                b[j] = new
                for k in range(len(b)):
                    left[k] -= h[k, j] * moved
        if largest <= enough:
            break
    return b


def _rotated_ridge(likelihood: PartialLikelihood, lambdas: np.ndarray) -> Path:
    """A ridge of more covariates than rows, which is one in the coordinates of the rows' space."""
    rows = likelihood.rows
    u, d, vt = np.linalg.svd(rows.x, full_matrices=False)
    small = replace(rows, x=np.ascontiguousarray(u * d), event_total=vt @ rows.event_total)
    path = penalized_path(replace(likelihood, rows=replace(small, x=small.x[:, : len(d)])), lambdas, 0.0)
    return Path(lambdas, path.coef @ vt, path.violation)
