"""Crude probabilities of death from a disease and from other causes (Cronin and Feuer)."""

from __future__ import annotations

import numpy as np


def crude_probabilities(
    n_risk: np.ndarray, n_event: np.ndarray, expected: np.ndarray
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Probability and its variance, from the excess hazard and from that of the population.

    With the steps d/n of the observed hazard, e/n of the population's and their difference, each probability
    F is the sum of S(t-) times the steps of its hazard, S being observed survival. The population's hazard is
    known, so that only deaths vary: one at s changes the disease's F(t) by S(s) - (F(t) - F(s)), and that of
    other causes by -(F(t) - F(s)).
    """
    observed, population = _ratio(n_event, n_risk), _ratio(expected, n_risk)
    survival = np.cumprod(1 - observed)
    before = np.concatenate([[1.0], survival[:-1]])
    variance = _ratio(n_event, n_risk**2)
    disease, other = np.cumsum(before * (observed - population)), np.cumsum(before * population)
    return (
        (disease, _variance(disease, survival + disease, variance)),
        (other, _variance(other, other, variance)),
    )


def _variance(probability: np.ndarray, level: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """The sum over s <= t of v(s) (level(s) - F(t))^2, by running sums that serve all t at once.

    Means and squares are taken about the last level, so that no two large sums are subtracted.
    """
    level, probability = level - probability[-1], probability - probability[-1]
    total, first, second = (np.cumsum(variance * level**p) for p in (0, 1, 2))
    return np.maximum(second - 2 * probability * first + probability**2 * total, 0.0)


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """A ratio, 0 where nobody is at risk."""
    return np.divide(numerator, denominator, out=np.zeros(len(numerator)), where=denominator > 0)
