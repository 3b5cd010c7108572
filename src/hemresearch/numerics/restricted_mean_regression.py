"""Regression of the restricted event-free time, weighted by the inverse probability of censoring."""

from __future__ import annotations

import numpy as np

from ..errors import ConvergenceError
from .product_limit import product_limit
from .risk_sets import RiskSets, place, risk_sets

STEPS = 100
PRECISION = 1e-13
DEPENDENT = 1e-9  # what is left of a column of length 1 that the others explain


def dependent_column(X: np.ndarray) -> int | None:
    """The first column that is a linear combination of those before it, or None."""
    if X.shape[0] < X.shape[1]:
        return X.shape[1] - 1
    length = np.linalg.norm(X, axis=0)
    left = np.abs(np.diag(np.linalg.qr(X / np.where(length > 0, length, 1.0), mode="r")))
    found = np.flatnonzero(left < DEPENDENT)
    return int(found[0]) if len(found) else None


def censoring_weights(time: np.ndarray, known: np.ndarray, case: np.ndarray) -> tuple[np.ndarray, RiskSets]:
    """1/G(t) where the restricted time is known and 0 elsewhere; and the risk sets of being censored.

    G is the Kaplan-Meier curve of the censoring just after t, at which those with the event at t are
    still at risk.
    """
    r = risk_sets(time, ~known, None, case)
    free, _ = product_limit(r)
    return known / np.where(known, free[place(time, r.time)], 1.0), r


def weighted_means(
    X: np.ndarray, outcome: np.ndarray, weight: np.ndarray, *, log_link: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients b that solve sum w x (y - mu) = 0, and mu = x'b or exp(x'b).

    Raises
    ------
    ConvergenceError
        If Newton's steps do not settle on the log scale, as when an outcome is 0 throughout a group.
    """
    used = weight > 0
    root = np.sqrt(weight[used])[:, None]
    if not log_link:
        coef = np.linalg.lstsq(root * X[used], root[:, 0] * outcome[used], rcond=None)[0]
        return coef, X @ coef
    # the working response of iteratively reweighted least squares: linear predictor + (y - mu) / mu
    X_used, y = X[used], outcome[used]
    linear = np.log(0.5 * (y + np.average(y, weights=weight[used])))
    coef = np.zeros(X.shape[1])
    for _ in range(STEPS):
        mu = np.exp(linear)
        scale = root[:, 0] * np.sqrt(mu)
        new = np.linalg.lstsq(scale[:, None] * X_used, scale * (linear + (y - mu) / mu), rcond=None)[0]
        linear = X_used @ new
        settled = np.abs(new - coef).max() <= PRECISION * (1 + np.abs(new).max())
        coef = new
        if settled and np.isfinite(coef).all():
            return coef, np.exp(X @ coef)
        if not np.abs(linear).max() < 700:
            break
    raise ConvergenceError("no finite coefficients solve its equations")


def influence_on_score(
    score: np.ndarray, r: RiskSets, time: np.ndarray, known: np.ndarray, case: np.ndarray
) -> np.ndarray:
    """Each row's influence on the score of its group, the estimation of G included.

    With R(s) the scores of all whose time is at least s: kappa_i = score_i + the integral of
    R(s)/n(s) dM_i(s), M_i being the row's martingale of the censoring.
    """
    at = place(time, r.time)
    leaving = np.stack([np.bincount(at, case * column, len(r.time)) for column in score.T], axis=1)
    mean_later = np.cumsum(leaving[::-1], axis=0)[::-1] / r.n_risk[:, None]
    drift = np.cumsum(mean_later * (r.n_event / r.n_risk)[:, None], axis=0)
    return score + np.where(known, 0.0, 1.0)[:, None] * mean_later[at] - drift[at]


def sandwich(
    X: np.ndarray,
    slope: np.ndarray,
    kappa: np.ndarray,
    case: np.ndarray,
    cluster: np.ndarray | None,
    *,
    robust: bool,
) -> np.ndarray:
    """A^-1 B A^-1 with A = sum w slope x x' and B from the rows' (or clusters') influences.

    A weight is so many patients; when `robust` it is the weight of one.
    """
    root = np.linalg.inv(np.linalg.qr(X * np.sqrt(case * slope)[:, None], mode="r"))
    bread = root @ root.T
    if robust:
        part = kappa * case[:, None]
        if cluster is not None:
            part = np.stack([np.bincount(cluster, column) for column in part.T], axis=1)
        middle = part.T @ part
    else:
        middle = kappa.T @ (kappa * case[:, None])
    return bread @ middle @ bread
