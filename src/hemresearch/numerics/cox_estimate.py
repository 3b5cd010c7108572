"""A Cox model at its estimates: hazards, residuals and the tests that follow from them.

The notation is that of `cox_partial`. The baseline hazard here is that of a row with x = 0 in standardised
covariates, that is, at their means.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .cox_partial import PartialLikelihood, RiskSums, Turns
from .cox_rows import CoxRows


@dataclass(frozen=True, slots=True, eq=False)
class CoxEstimate:
    """The likelihood, its coefficients for standardised covariates, and the sums over risk sets there."""

    likelihood: PartialLikelihood
    coef: np.ndarray
    eta: np.ndarray
    sums: RiskSums
    turns: Turns

    @property
    def rows(self) -> CoxRows:
        """The sorted rows."""
        return self.likelihood.rows


def cox_estimate(rows: CoxRows, coef: np.ndarray, *, efron: bool) -> CoxEstimate:
    """The sums at coefficients of the covariates as the caller measures them."""
    likelihood = PartialLikelihood(rows, efron)
    scaled = coef / rows.scale
    eta = likelihood.linear_predictor(scaled)
    sums = likelihood.sums(eta)
    return CoxEstimate(likelihood, scaled, eta, sums, likelihood.turns(sums))


def expected_events(e: CoxEstimate) -> np.ndarray:
    """exp(x'b) times the hazard each sorted row lived through; tied events take part of their own time's."""
    rows = e.rows
    lived = rows.over_life(rows.running(e.turns.hazard))
    if e.likelihood.has_ties:
        lived = lived - np.where(rows.event, e.turns.hazard_f[rows.leave], 0.0)
    return np.exp(e.eta) * lived


def mean_covariates(e: CoxEstimate) -> np.ndarray:
    """Per slot, the mean of the standardised covariates over its risk set and turns (0 without events)."""
    total = e.likelihood.means(e.sums, e.turns)
    weight = np.where(e.rows.n_event > 0, e.rows.event_weight, 1.0)
    return total / weight[:, None]


def schoenfeld_residuals(e: CoxEstimate) -> np.ndarray:
    """X - mean over the risk set, one row per event in the sorted order, standardised covariates."""
    rows = e.rows
    return rows.x[rows.event] - mean_covariates(e)[rows.leave[rows.event]]


def score_residuals(e: CoxEstimate) -> np.ndarray:
    """Each sorted row's part of the score (unweighted), for standardised covariates.

    The integral of (x - mean(t)) dM(t), M being the row's martingale.
    """
    rows = e.rows
    hazard, mean = e.likelihood.lived_through(e.sums, e.turns)
    part = hazard[:, None] * rows.x - mean
    part *= -np.exp(e.eta)[:, None]
    part[rows.event] += rows.x[rows.event] - mean_covariates(e)[rows.leave[rows.event]]
    return part


def time_score(e: CoxEstimate, factor: np.ndarray) -> np.ndarray:
    """The score of effects that change with factor(t): the sum of factor times Schoenfeld residuals."""
    rows = e.rows
    weight = np.ones(int(rows.event.sum())) if rows.weight is None else rows.weight[rows.event]
    own = (factor[rows.leave[rows.event]] * weight) @ rows.x[rows.event]
    return own - e.likelihood.over_turns(e.sums.risk, factor)[1]


def time_information(e: CoxEstimate, factor: np.ndarray) -> np.ndarray:
    """The sum over event times of factor(t) times the information they give."""
    return e.likelihood.over_turns(e.sums.risk, factor)[2]
