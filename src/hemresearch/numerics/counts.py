"""Counts of events in known exposures: Poisson and negative binomial likelihoods with a log link.

A row with mean mu = exp(x'b + offset) has the variance mu (Poisson) or mu + alpha mu^2 (negative binomial, a
Poisson count whose rate has a gamma factor of mean 1 and variance alpha). Lawless JF. Can J Stat
1987;15:209-225.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, xlogy

from .cox_rows import centre_and_scale
from .newton import Maximum, maximize

NONE = 1e-6  # an alpha below which the counts are Poisson to every digit that matters


@dataclass(frozen=True, slots=True, eq=False)
class CountFit:
    """The maximum of a likelihood of counts.

    `information` is the expected one of the coefficients, at `alpha`, of which they are uncorrelated;
    `alpha_error` is from the observed information of alpha, 0 where alpha is. `score` are the rows' parts of
    the score.
    """

    coef: np.ndarray
    alpha: float
    alpha_error: float
    log_likelihood: float
    information: np.ndarray
    score: np.ndarray
    mean: np.ndarray
    found: Maximum


def fit_standardised(
    kernel: Callable[..., CountFit], x: np.ndarray, count: np.ndarray, exposure: np.ndarray
) -> tuple[CountFit, np.ndarray]:
    """The fit with centred and scaled covariates, and the matrix from its coefficients to those of x.

    The first column of `x` is of ones; `exposure` is what the kernel takes besides: an offset, or totals.
    """
    mean, scale = centre_and_scale(x)
    mean[0], scale[0] = 0.0, 1.0
    back = np.diag(scale)
    back[0, 1:] = -(mean * scale)[1:]
    return kernel((x - mean) * scale, count, exposure), back


def leverage(fit: CountFit, x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """How much each row draws its own fitted value: the diagonal of the weighted hat matrix."""
    return np.asarray(weight * np.einsum("ij,jk,ik->i", x, np.linalg.inv(fit.information), x))


def fit_poisson(x: np.ndarray, count: np.ndarray, offset: np.ndarray) -> CountFit:
    """Maximum likelihood for Poisson counts; the first column of `x` is of ones, the others are centred."""

    def evaluate(coef: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        mean = np.exp(x @ coef + offset)
        value = float((xlogy(count, mean) - mean - gammaln(count + 1)).sum())
        return value, x.T @ (count - mean), (x.T * mean) @ x

    start = np.zeros(x.shape[1])
    start[0] = np.log(count.sum() / np.exp(offset).sum())
    found = maximize(evaluate, start)
    mean = np.exp(x @ found.parameters + offset)
    value, _, information = evaluate(found.parameters)
    score = x * (count - mean)[:, None]
    return CountFit(found.parameters, 0.0, 0.0, value, information, score, mean, found)


def fit_negative_binomial(x: np.ndarray, count: np.ndarray, offset: np.ndarray) -> CountFit:
    """Maximum likelihood for negative binomial counts, alpha included.

    The Poisson fit itself where counts vary no more than that: alpha is then 0, at the edge of its range.
    """
    poisson = fit_poisson(x, count, offset)
    excess = (count - poisson.mean) ** 2 - count
    moment = excess.sum() / (poisson.mean**2).sum()
    if not poisson.found.converged or moment < NONE:
        return poisson
    top = int(count.max())

    def evaluate(at: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        coef, alpha = at[:-1], np.exp(at[-1])
        mean = np.exp(x @ coef + offset)
        value, first, second = _of_alpha(count, mean, alpha, top)
        score = np.append(x.T @ ((count - mean) / (1 + alpha * mean)), alpha * first)
        weight = mean * (1 + alpha * count) / (1 + alpha * mean) ** 2
        across = x.T @ ((count - mean) * mean / (1 + alpha * mean) ** 2) * alpha
        information = np.block(
            [[(x.T * weight) @ x, across[:, None]], [across, -(alpha**2) * second - alpha * first]]
        )
        return value, score, information

    found = maximize(evaluate, np.append(poisson.coef, np.log(max(moment, 1e-3))))
    coef, alpha = found.parameters[:-1], float(np.exp(found.parameters[-1]))
    mean = np.exp(x @ coef + offset)
    value, _, second = _of_alpha(count, mean, alpha, top)
    weight = mean / (1 + alpha * mean)
    score = x * ((count - mean) / (1 + alpha * mean))[:, None]
    return CountFit(coef, alpha, float(1 / np.sqrt(-second)), value, (x.T * weight) @ x, score, mean, found)


def deviance(count: np.ndarray, mean: np.ndarray, alpha: float) -> float:
    """Twice the log-likelihood that a mean of its own for each row would add, alpha staying what it is."""
    gain = xlogy(count, count / mean)
    if alpha == 0:
        return float(2 * (gain - (count - mean)).sum())
    return float(2 * (gain - (count + 1 / alpha) * np.log((1 + alpha * count) / (1 + alpha * mean))).sum())


def _of_alpha(count: np.ndarray, mean: np.ndarray, alpha: float, top: int) -> tuple[float, float, float]:
    """The log-likelihood, and its first and second derivative by alpha.

    Gamma(y + 1/alpha) / Gamma(1/alpha) is alpha^-y times the product of 1 + alpha j over j < y, whose
    logarithm and derivatives are sums that are made once up to the largest count.
    """
    j = np.arange(top)
    steps = np.log1p(alpha * j), j / (1 + alpha * j), -((j / (1 + alpha * j)) ** 2)
    sums = [np.append(0.0, np.cumsum(step))[count.astype(np.intp)] for step in steps]
    log, share = np.log1p(alpha * mean), mean / (1 + alpha * mean)
    value = sums[0] + xlogy(count, mean) - (count + 1 / alpha) * log - gammaln(count + 1)
    first = sums[1] + log / alpha**2 - (count + 1 / alpha) * share
    second = sums[2] - 2 * log / alpha**3 + 2 * share / alpha**2 + (count + 1 / alpha) * share**2
    return float(value.sum()), float(first.sum()), float(second.sum())
