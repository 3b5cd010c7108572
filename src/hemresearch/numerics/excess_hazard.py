"""A hazard of the population plus an excess exp(x'b + g), constant within bands of follow-up.

Rows are pieces of follow-up of `time` within one band, with `event` deaths where the population has the
hazard `background`. Up to a constant the log-likelihood is

    sum( event log(background + exp(x'b + g)) - time exp(x'b + g) )

which is that of single patients (the background at the death; Esteve J et al. Stat Med 1990;9:529-538) and
that of Poisson counts in cells (background the expected deaths per time; Dickman PW et al. Stat Med
2004;23:51-64). The information is the observed one of the first, the expected one of the second.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, xlogy

from .cox_partial import cross_product
from .newton import Maximum, maximize

LEAST = 0.05  # the part of the deaths of a band that the first excess is of, at least


@dataclass(frozen=True, slots=True, eq=False)
class ExcessRows:
    """Pieces of follow-up, or cells of them; `band` is counted from 0."""

    event: np.ndarray
    time: np.ndarray
    background: np.ndarray
    band: np.ndarray
    x: np.ndarray

    def excess(self, at: np.ndarray) -> np.ndarray:
        """The excess hazard of each row, by the effects of the columns of x and the log of each band's."""
        p = self.x.shape[1]
        return np.asarray(np.exp(self.x @ at[:p] + at[p:][self.band]))


def fit_excess(rows: ExcessRows, *, counts: bool) -> Maximum:
    """The largest likelihood: effects of the columns of x, then the log excess hazard of each band.

    The value leaves out what is constant; the information is the one at the solution.
    """
    x, band = rows.x, rows.band
    bands = int(band.max()) + 1

    def evaluate(at: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            excess = rows.excess(at)
            hazard = rows.background + excess
            share = excess / hazard
            cumulative = rows.time * excess
            value = float(xlogy(rows.event, hazard).sum() - cumulative.sum())
            seen = cumulative * share if counts else cumulative - rows.event * share * (1 - share)
        left = rows.event * share - cumulative
        across = np.array([np.bincount(band, seen * column, bands) for column in x.T]).reshape(-1, bands)
        information = np.block(
            [[cross_product(x, seen), across], [across.T, np.diag(np.bincount(band, seen, bands))]]
        )
        return value, np.append(x.T @ left, np.bincount(band, left, bands)), information

    found = maximize(evaluate, _start(rows))
    value, score, information = evaluate(found.parameters)
    return Maximum(
        found.parameters, value, score, information, found.iterations, found.decrement, found.converged
    )


def poisson_constant(rows: ExcessRows) -> float:
    """What the log-likelihood of Poisson counts has beside that of `fit_excess`."""
    return float((xlogy(rows.event, rows.time) - rows.background * rows.time - gammaln(rows.event + 1)).sum())


def poisson_deviance(rows: ExcessRows, excess: np.ndarray) -> float:
    """Twice the log-likelihood that a mean of its own for each cell would add."""
    mean = rows.time * (rows.background + excess)
    return float(2 * (xlogy(rows.event, rows.event / mean) - (rows.event - mean)).sum())


def cumulative_excess(borders: np.ndarray, times: np.ndarray) -> np.ndarray:
    """How much of each band [time, band] lies before each time."""
    return np.clip(times[:, None], borders[:-1], borders[1:]) - borders[:-1]


def _start(rows: ExcessRows) -> np.ndarray:
    """No effects, and in each band the deaths beyond the expected per time."""
    observed = np.bincount(rows.band, rows.event)
    expected = np.bincount(rows.band, rows.background * rows.time)
    rate = np.maximum(observed - expected, LEAST * observed) / np.bincount(rows.band, rows.time)
    return np.append(np.zeros(rows.x.shape[1]), np.log(rate))
