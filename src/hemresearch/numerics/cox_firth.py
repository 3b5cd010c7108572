"""The partial likelihood with Jeffreys' prior as a penalty: l(b) + log det I(b) / 2.

Its score has U_r + tr(I^-1 dI/db_r) / 2. In the notation of `cox_partial`, the derivative of the information
is a sum over turns of third central moments of x in the risk set. Contracted with A = I^-1 they need no array
of three dimensions: with q = x'Ax, and S1_k, S0_k of each turn,

    sum over turns of w E_k[(x - m_k)'A(x - m_k) (x - m_k)]
        = sum over rows of r (q h x - q v - 2 x (x'A v)) + 2 sum over turns of w m_k (m_k'A m_k)

where h and v are w / S0_k and w S1_k / S0_k^2, added up over the turns a row lives through. The cost is that
of the information itself.

References: Heinze G, Schemper M. Biometrics 2001;57:114-119. Firth D. Biometrika 1993;80:27-38.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .compiled import kernel
from .cox_partial import PartialLikelihood, RiskSums, Turns
from .cox_rows import CoxRows

STEP = 1e-5  # of standardised coefficients, for the second derivative of the penalty


@dataclass(frozen=True, slots=True, eq=False)
class FirthLikelihood:
    """The penalised partial likelihood as a function of coefficients of `rows.x`.

    `constant` makes its value that for covariates divided by their standard deviations (as R's coxphf has
    it), so that their units do not matter.
    """

    partial: PartialLikelihood
    constant: float

    def __call__(self, coef: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Value, score and information; the last as differences of the score."""
        value, score = self.value_and_score(coef)
        shifted = [self.value_and_score(coef + step)[1] for step in STEP * np.eye(len(coef))]
        slope = (score - np.array(shifted).reshape(len(coef), len(coef))) / STEP
        return value, score, 0.5 * (slope + slope.T)

    def value_and_score(self, coef: np.ndarray) -> tuple[float, np.ndarray]:
        """The penalised log-likelihood and its score; minus infinity where there is no information."""
        partial = self.partial
        value, score, information = partial(coef)
        sign, log_determinant = np.linalg.slogdet(information)
        if not np.isfinite(value) or sign <= 0:
            return -np.inf, np.full(len(coef), np.nan)
        sums = partial.sums(partial.linear_predictor(coef))
        pull = third_moments(partial, sums, partial.turns(sums), np.linalg.inv(information))
        return value + 0.5 * log_determinant + self.constant, score + 0.5 * pull


def firth_likelihood(rows: CoxRows, *, efron: bool) -> FirthLikelihood:
    """The penalised partial likelihood of some rows."""
    weight = np.ones(len(rows)) if rows.weight is None else rows.weight
    about = rows.x - weight @ rows.x / weight.sum()
    variance = weight @ about**2 / (weight.sum() - 1)
    return FirthLikelihood(PartialLikelihood(rows, efron), -0.5 * float(np.log(variance).sum()))


def third_moments(partial: PartialLikelihood, sums: RiskSums, turns: Turns, a: np.ndarray) -> np.ndarray:
    """The sum over turns of w E_k[(x - m_k)'A(x - m_k) (x - m_k)]."""
    rows, x = partial.rows, partial.rows.x
    hazard, mean = partial.lived_through(sums, turns)
    xa = x @ a
    q = (xa * x).sum(axis=1)
    across = (xa * mean).sum(axis=1)
    of_rows = (sums.risk * (q * hazard - 2 * across)) @ x - (sums.risk * q) @ mean
    event0, event1 = np.zeros(len(sums.s0)), np.zeros(sums.s1.shape)
    event0[partial.tied], event1[partial.tied] = sums.event0, sums.event1
    return of_rows + 2 * cubes_of_means(
        sums.s0, sums.s1, event0, event1, rows.n_event, rows.event_weight, partial.efron, a
    )


@kernel
def cubes_of_means(s0, s1, event0, event1, n_event, event_weight, efron, a):  # type: ignore[no-untyped-def]
    """The sum over turns of w m_k (m_k'A m_k), m_k = S1_k / S0_k."""
    p = s1.shape[1]
    total, mean = np.zeros(p), np.zeros(p)
    for slot in range(len(s0)):
        d = n_event[slot]
        turns = d if efron else min(d, 1)
        for k in range(turns):
            f = k / turns
            left = s0[slot] - f * event0[slot]
            for j in range(p):
                mean[j] = (s1[slot, j] - f * event1[slot, j]) / left
            length = 0.0
            for i in range(p):
                for j in range(p):
                    length += mean[i] * a[i, j] * mean[j]
            for j in range(p):
                total[j] += event_weight[slot] / turns * length * mean[j]
    return total
