"""How many were missed by all of several lists."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, product
from typing import Any, NamedTuple

import numpy as np
from scipy.special import gammaln

from .intervals import normal_quantile
from .newton import maximize

Pair = tuple[int, int]


class Population(NamedTuple):
    """The size of the population, its standard error, and (of a log-linear model) deviance, df and AIC."""

    size: float
    std_error: float
    deviance: float
    df: float
    aic: float


def lincoln_petersen(n: float, n_other: float, both: float) -> Population:
    """From two independent lists; infinite where nobody is on both."""
    if both == 0:
        return Population(np.inf, np.nan, np.nan, np.nan, np.nan)
    variance = n * n_other * (n - both) * (n_other - both) / both**3
    return Population(n * n_other / both, float(np.sqrt(variance)), np.nan, np.nan, np.nan)


def chapman(n: float, n_other: float, both: float) -> Population:
    """The same with less bias, and finite also without anybody on both."""
    size = (n + 1) * (n_other + 1) / (both + 1) - 1
    variance = (n + 1) * (n_other + 1) * (n - both) * (n_other - both) / ((both + 1) ** 2 * (both + 2))
    return Population(size, float(np.sqrt(variance)), np.nan, np.nan, np.nan)


def histories(n_lists: int) -> np.ndarray:
    """Which lists a person may be on: one row for each combination but that of none."""
    return np.array([h for h in product((1, 0), repeat=n_lists) if any(h)], dtype=float)


def interaction_sets(n_lists: int) -> list[tuple[Pair, ...]]:
    """Every set of pairs of lists, the empty one first."""
    pairs = list(combinations(range(n_lists), 2))
    return [chosen for size in range(len(pairs) + 1) for chosen in combinations(pairs, size)]


def log_linear(count: np.ndarray, on_list: np.ndarray, pairs: tuple[Pair, ...]) -> Population | None:
    """The population under a log-linear model of the counts; None where it has no finite maximum.

    Those on no list are expected to be exp(intercept); the variance adds their own to that of the estimate.
    """
    products = [on_list[:, i] * on_list[:, j] for i, j in pairs]
    x = np.column_stack([np.ones(len(count)), on_list, *products])
    if x.shape[1] > len(count) or any(not (count @ part) > 0 for part in x.T):
        return None  # more parameters than counts; or a pair of lists without anybody on both

    def likelihood(beta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        mean = np.exp(x @ beta)
        value = float(count @ (x @ beta) - mean.sum())
        return value, x.T @ (count - mean), (x.T * mean) @ x

    start = np.zeros(x.shape[1])
    start[0] = np.log(max(count.mean(), 0.5))
    found = maximize(likelihood, start)
    if not found.converged or np.abs(found.parameters).max() > 15 + np.log(count.sum()):
        return None
    mean = np.exp(x @ found.parameters)
    missed = float(np.exp(found.parameters[0]))
    variance = missed + missed**2 * np.linalg.inv((x.T * mean) @ x)[0, 0]
    log_likelihood = float(count @ np.log(mean) - mean.sum() - gammaln(count + 1).sum())
    some = count > 0
    deviance = 2 * (float(count[some] @ np.log(count[some] / mean[some])) - float((count - mean).sum()))
    return Population(
        float(count.sum()) + missed,
        float(np.sqrt(variance)),
        max(deviance, 0.0),
        float(len(count) - x.shape[1]),
        2 * x.shape[1] - 2 * log_likelihood,
    )


def log_limits(p: Population, seen: float, conf_level: float) -> tuple[float, float]:
    """Chao's limits: the number missed is log-normal, so that no limit is below the number seen."""
    missed = p.size - seen
    if not np.isfinite(p.std_error) or missed <= 0:
        return (np.nan, np.nan) if not np.isfinite(p.std_error) else (seen, seen)
    factor = np.exp(normal_quantile(conf_level) * np.sqrt(np.log1p((p.std_error / missed) ** 2)))
    return float(seen + missed / factor), float(seen + missed * factor)


def exact_limits(n: float, n_other: float, both: float, conf_level: float) -> tuple[float, float]:
    """Sizes at which so few, or so many, on both of two independent lists are no rarer than the level allows.

    Given both lists, those on both are hypergeometric, and the fewer the larger the population.
    """
    tail, seen = (1 - conf_level) / 2, n + n_other - both

    def up_to_both(size: float) -> float:
        return float(_hypergeometric(np.arange(max(0.0, n + n_other - size), both + 1), n, n_other, size))

    def from_both(size: float) -> float:
        return float(_hypergeometric(np.arange(both, min(n, n_other) + 1), n, n_other, size))

    low = _first(lambda size: up_to_both(size) >= tail, seen)
    high = np.inf if both == 0 else _first(lambda size: from_both(size) < tail, seen) - 1
    return low, max(high, seen)


def _hypergeometric(both: np.ndarray, n: float, n_other: float, size: float) -> float:
    """The probability of these numbers on both lists."""
    among = _log_choose(n, both) + _log_choose(size - n, n_other - both)
    return float(np.exp(among - _log_choose(size, n_other)).sum())


def _log_choose(n: Any, k: Any) -> Any:
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)


def _first(holds: Callable[[float], bool], start: float) -> float:
    """The first whole number from `start` on of which something holds that then stays so."""
    if holds(start):
        return start
    step = 1.0
    while not holds(start + step):
        step *= 2
    below, at = start + step // 2, start + step
    while at - below > 1:
        middle = (below + at) // 2
        below, at = (below, middle) if holds(middle) else (middle, at)
    return at


def normal_limits(p: Population, seen: float, conf_level: float) -> tuple[float, float]:
    """Normal limits, of which the lower one may be below the number seen."""
    half = normal_quantile(conf_level) * p.std_error
    return p.size - half, p.size + half
