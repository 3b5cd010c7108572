"""Profile-likelihood limits of one parameter."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from .newton import Likelihood, Maximum, maximize

FURTHEST = 40.0  # standardised coefficients beyond this are infinite for every purpose


def profile_limit(likelihood: Likelihood, top: Maximum, j: int, drop: float, *, upper: bool) -> float:
    """Where the likelihood, maximised over the other parameters, is `drop` below its maximum.

    Infinite where it never falls that far.
    """
    sign = 1.0 if upper else -1.0
    error = 1 / np.sqrt(max(top.information[j, j], 1e-300))
    others = np.delete(np.arange(len(top.parameters)), j)
    state = top.parameters.copy()

    def excess(value: float) -> float:
        state[j] = value
        state[:] = maximum_within(likelihood, state, others)
        return top.value - drop - likelihood(state)[0]

    inside = float(top.parameters[j])
    step = sign * min(np.sqrt(2 * drop) * error, FURTHEST)
    for _ in range(60):
        outside = inside + step
        if abs(outside) > FURTHEST:
            return float(sign * np.inf)
        if excess(outside) > 0:
            return float(brentq(excess, inside, outside, xtol=1e-11, rtol=1e-12))
        inside, step = outside, 1.5 * step
    return float(sign * np.inf)


def maximum_within(likelihood: Likelihood, start: np.ndarray, free: np.ndarray) -> np.ndarray:
    """The parameters at the maximum over some of them (`free`, positions), the others staying at `start`."""
    state = start.copy()
    if len(free):
        state[free] = maximize(_fixed(likelihood, start.copy(), free), start[free]).parameters
    return state


def _fixed(likelihood: Likelihood, state: np.ndarray, others: np.ndarray) -> Likelihood:
    """The likelihood of the other parameters, that one held where it is."""

    def evaluate(free: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        state[others] = free
        value, score, information = likelihood(state)
        return value, score[others], information[np.ix_(others, others)]

    return evaluate
