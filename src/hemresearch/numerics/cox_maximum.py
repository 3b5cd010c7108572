"""The maximum of the partial likelihood, found from a good start."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .cox_partial import PartialLikelihood
from .cox_rows import CoxRows, cox_rows
from .newton import Likelihood, Maximum, ascent, maximize

MANY_ROWS = 100_000  # from here on a fit to some of the rows is a start that saves more than it costs
SAMPLED = 16  # one row in so many


@dataclass(frozen=True, slots=True, eq=False)
class Penalized:
    """A likelihood minus half of b'Pb, with P diagonal."""

    likelihood: Likelihood
    penalty: np.ndarray

    def __call__(self, coef: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Value, score and information with the penalty in them."""
        value, score, information = self.likelihood(coef)
        pull = self.penalty * coef
        return value - 0.5 * float(coef @ pull), score - pull, information + np.diag(self.penalty)


def maximize_partial(rows: CoxRows, *, efron: bool, penalty: np.ndarray | None = None) -> Maximum:
    """The maximum for standardised covariates; `penalty` is the diagonal of a ridge on them."""
    likelihood = PartialLikelihood(rows, efron)
    start = np.zeros(rows.x.shape[1])
    if len(rows) >= MANY_ROWS and rows.x.shape[1]:
        start = _start_from_some(likelihood, 0 * start if penalty is None else penalty)
    return maximize(likelihood if penalty is None else Penalized(likelihood, penalty), start)


def _start_from_some(likelihood: PartialLikelihood, penalty: np.ndarray) -> np.ndarray:
    """Nearly the maximum, by way of every 16th row; zeros where these have no maximum.

    Their information, times 16, is nearly that of all rows, so that the first step of all needs the score
    alone.
    """
    rows, none = likelihood.rows, np.zeros(likelihood.rows.x.shape[1])
    some = slice(None, None, SAMPLED)
    if not rows.event[some].any():
        return none
    sample = cox_rows(
        rows.x[some],
        rows.leave[some].astype(float),
        rows.event[some],
        entry=None if rows.enter is None else rows.enter[some].astype(float),
        stratum=None if rows.begins.sum() == 1 else rows.slot_stratum[rows.leave[some]],
        weight=None if rows.weight is None else rows.weight[some],
        offset=None if rows.offset is None else rows.offset[some],
    )
    found = maximize(PartialLikelihood(sample, likelihood.efron), none, steps=12)
    at = found.parameters * sample.scale
    if not found.converged or np.abs(at).max() >= 10:
        return none
    score = likelihood.value_and_score(at)[1] - penalty * at
    if not np.isfinite(score).all():
        return none
    information = SAMPLED * found.information / np.outer(sample.scale, sample.scale) + np.diag(penalty)
    return at + ascent(information, score)
