"""Newton's method with step halving: the one iteration behind every likelihood."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Likelihood = Callable[[np.ndarray], tuple[float, np.ndarray, np.ndarray]]

STEPS = 60
HALVINGS = 40
# Newton's decrement, the squared length of the next step in standard errors, below which the step is taken
# and nothing more: what is then left of it is of the order of its square.
DECREMENT = 1e-14
SMALL = 1e-8  # or a step this small beside the largest parameter, for parameters of the order of one
NEGLIGIBLE = 1e-12  # loss of likelihood, relative to its size, that is rounding error


@dataclass(frozen=True, slots=True, eq=False)
class Maximum:
    """Where a likelihood is largest: parameters, value, score, information, and how it was reached.

    `decrement` is Newton's at the end; `converged` is false where the steps ran out or no step improved.
    """

    parameters: np.ndarray
    value: float
    score: np.ndarray
    information: np.ndarray
    iterations: int
    decrement: float
    converged: bool


def maximize(
    evaluate: Callable[[np.ndarray], tuple[float, np.ndarray, Any]],
    start: np.ndarray,
    *,
    steps: int = STEPS,
    solve: Callable[[Any, np.ndarray], np.ndarray] | None = None,
) -> Maximum:
    """Maximise a log-likelihood from a start value.

    `evaluate` gives its value, score and (observed or expected) information, the negative second
    derivative. A step that loses likelihood or leaves the domain (a value that is not finite) is halved.
    Information that is no matrix comes with its own `solve`, which gives the step for a score.
    """
    at = np.asarray(start, dtype=float)
    value, score, information = evaluate(at)
    for iteration in range(1, steps + 1):
        step = (solve or ascent)(information, score)
        decrement = float(step @ score)
        small = np.abs(step).max(initial=0.0) <= SMALL * (1 + np.abs(at).max(initial=0.0))
        if decrement <= DECREMENT or small:
            top = value + 0.5 * decrement  # what the step gains
            return Maximum(at + step, top, score, information, iteration, decrement, True)
        found = _improved(evaluate, at, step, value)
        if found is None:
            flat = decrement < 1e-6  # rounding error in the likelihood hides what is left to gain
            return Maximum(at, value, score, information, iteration, decrement, flat)
        at, (value, score, information) = found
    return Maximum(at, value, score, information, steps, decrement, False)


def ascent(information: np.ndarray, score: np.ndarray) -> np.ndarray:
    """The step I^-1 U; where the information is not positive definite, with its spectrum made so.

    The matrix is scaled to a unit diagonal first, so that units of the parameters do not matter.
    """
    if not len(score):
        return score
    scale = 1 / np.sqrt(np.where(np.diag(information) > 0, np.diag(information), 1.0))
    scaled = information * np.outer(scale, scale)
    values, vectors = np.linalg.eigh(scaled)
    sizes = np.maximum(np.abs(values), 1e-12 * max(np.abs(values).max(), 1e-288))
    return scale * (vectors @ ((vectors.T @ (scale * score)) / sizes))


def _improved(
    evaluate: Callable[[np.ndarray], tuple[float, np.ndarray, Any]],
    at: np.ndarray,
    step: np.ndarray,
    value: float,
) -> tuple[np.ndarray, tuple[float, np.ndarray, Any]] | None:
    """The first of the step, its half, its quarter, ... that loses no likelihood."""
    for halving in range(HALVINGS):
        new = at + step * 0.5**halving
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            found = evaluate(new)
        enough = found[0] >= value - NEGLIGIBLE * (1 + abs(value))
        matrix = found[2] if isinstance(found[2], np.ndarray) else found[1]
        if enough and np.isfinite(found[1]).all() and np.isfinite(matrix).all():
            return new, found
    return None
