"""The influence of rows on a Cox model's baseline, and on a mean of the survival that it predicts.

A row of weight w that is at risk on (entry, t_i] with r = exp(x'b), and has an event at t_i or not, moves the
baseline hazard A(t), the coefficients held, by

    w (event at t_i <= t: 1 / S0(t_i)) - w r (Q(min(t, t_i)) - Q(entry)),  Q = sum of w / S0^2,

and with Efron's ties by the sums over the turns of its event time, of which it lives through a part.

Reference: Reid N, Crépeau H. Biometrika 1985;72:1-9.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .cox_estimate import CoxEstimate, score_residuals


@dataclass(frozen=True, slots=True, eq=False)
class RowInfluence:
    """What the rows do to baseline and coefficients, in the caller's order.

    `coef` is their influence on the coefficients of standardised covariates; `jump` what an event of weight 1
    adds to A at `time`; `risk` is r, and `until` and `since` are Q at the ends of the time at risk.
    """

    weight: np.ndarray
    time: np.ndarray
    stratum: np.ndarray
    coef: np.ndarray
    jump: np.ndarray
    risk: np.ndarray
    until: np.ndarray
    since: np.ndarray

    def on_baseline(self, at: float, square: np.ndarray) -> np.ndarray:
        """The influence on A at a time, of each row's own stratum; `square` is Q there of each stratum."""
        lived = np.minimum(square[self.stratum], self.until) - self.since
        return self.weight * (np.where(self.time <= at, self.jump, 0.0) - self.risk * np.maximum(lived, 0.0))


@dataclass(frozen=True, slots=True, eq=False)
class MeanSurvival:
    """The mean over rows of exp(-risk * A), A being that of the stratum each row is put into.

    Per time: `mean`, and `slope`, minus its derivative by the coefficients. Per stratum and time: `hazard` A,
    `square` Q, and `by_hazard`, minus the derivative of the mean by A.
    """

    times: np.ndarray
    risk: np.ndarray
    stratum: np.ndarray
    mean: np.ndarray
    slope: np.ndarray
    hazard: np.ndarray
    square: np.ndarray
    by_hazard: np.ndarray


def row_influence(
    e: CoxEstimate, time: np.ndarray, stratum: np.ndarray, cov_model: np.ndarray
) -> RowInfluence:
    """The influence of every row; `cov_model` is the inverse information of standardised covariates."""
    rows, turns = e.rows, e.turns
    risk, square = np.exp(e.eta), rows.running(turns.square)
    each = turns.hazard / np.where(rows.n_event > 0, rows.event_weight, 1.0)
    jump = np.where(rows.event, each[rows.leave] + risk * turns.square_f[rows.leave], 0.0)
    since = np.zeros(len(risk)) if rows.enter is None else square[rows.enter]
    weight = np.ones(len(risk)) if rows.weight is None else rows.weight
    coef = weight[:, None] * (score_residuals(e) @ cov_model)
    jump, risk, until, since, weight, coef = (
        rows.unsorted(part) for part in (jump, risk, square[rows.leave], since, weight, coef)
    )
    return RowInfluence(weight, time, stratum, coef, jump, risk, until, since)


def robust_variance(rows: RowInfluence, m: MeanSurvival, owner: np.ndarray) -> np.ndarray:
    """At each time, the sum over owners of their rows' squared influence on the mean survival."""
    variance = np.zeros(len(m.times))
    share = rows.weight / rows.weight.sum()
    for k, t in enumerate(m.times):
        survival = np.exp(-m.risk * m.hazard[m.stratum, k])
        moved = m.by_hazard[rows.stratum, k] * rows.on_baseline(t, m.square[:, k]) + rows.coef @ m.slope[k]
        by_owner = np.bincount(owner, share * (survival - m.mean[k]) - moved)
        variance[k] = by_owner @ by_owner
    return variance
