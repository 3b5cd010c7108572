"""Cox models with a frailty exp(w_g) of each group, by penalised partial likelihood.

With l(b, w) the partial likelihood of x'b + w_g, coefficients and log frailties maximise l(b, w) plus

    gamma       sum of (1 + w - exp(w)) / variance     (frailties of mean 1)
    Gaussian    - sum of w^2 / (2 variance)

The information H has a block of groups by groups that no more than `dense_limit` groups are written out for.
Elsewhere a product with it costs one pass over the rows, so that conjugate gradients take Newton's steps and
give the standard errors of b without approximation for any number of groups.

References: Therneau TM, Grambsch PM, Pankratz VS. J Comput Graph Stat 2003;12:156-175. McGilchrist CA.
Biometrics 1993;49:221-225.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from .compiled import kernel
from .cox_extremes import first_slots
from .cox_partial import LARGEST, PartialLikelihood, RiskSums, Turns
from .newton import ascent

DENSE_LIMIT = 1000  # groups whose block of the information is written out
COLUMNS = 64  # of that block at a time
PRECISION = 1e-13  # of conjugate gradients, relative

Penalty = Callable[[np.ndarray, float], tuple[float, np.ndarray, np.ndarray]]


def gamma_penalty(w: np.ndarray, variance: float) -> tuple[float, np.ndarray, np.ndarray]:
    """Its value, slope and (negative) bend for log frailties of a gamma distribution."""
    excess = np.expm1(w)
    return float((w - excess).sum()) / variance, -excess / variance, (1 + excess) / variance


def gaussian_penalty(w: np.ndarray, variance: float) -> tuple[float, np.ndarray, np.ndarray]:
    """Its value, slope and (negative) bend for log frailties of a Gaussian distribution."""
    return -0.5 * float(w @ w) / variance, -w / variance, np.full(len(w), 1 / variance)


@dataclass(frozen=True, slots=True, eq=False)
class FrailtyLikelihood:
    """The penalised likelihood as a function of coefficients of `rows.x`, then the effects of the groups.

    `group` numbers the groups of the sorted rows from 0.
    """

    partial: PartialLikelihood
    group: np.ndarray
    n_groups: int
    penalty: Penalty
    variance: float
    dense_limit: int = DENSE_LIMIT

    def __call__(self, at: np.ndarray) -> tuple[float, np.ndarray, FrailtyInformation]:
        """Value, score and information; an overflow has the value minus infinity."""
        partial, rows = self.partial, self.partial.rows
        coef, w = np.split(at, [rows.x.shape[1]])
        eta = partial.linear_predictor(coef) + w[self.group]
        fine = bool(np.abs(eta).max() < LARGEST)
        sums = partial.sums(eta if fine else np.zeros(len(eta)))
        turns = partial.turns(sums)
        hazard, mean = partial.lived_through(sums, turns)
        penalty, slope, bend = self.penalty(w, self.variance)
        observed = np.bincount(self.group[rows.event], minlength=self.n_groups)
        expected = np.bincount(self.group, sums.risk * hazard, self.n_groups)
        log, mean_sum, bb = partial.over_turns(sums.risk)
        score = np.append(rows.event_total - mean_sum, observed - expected + slope)
        value = float(eta @ rows.event) - log + penalty
        information = FrailtyInformation(self, eta, sums, turns, bb, hazard, mean, bend)
        return value if fine else -np.inf, score, information


@dataclass(frozen=True, eq=False)
class FrailtyInformation:
    """The penalised information at some parameters, in blocks: coefficients (b) and groups (w).

    `bb` is the block of the coefficients. `bend` is the penalty's part of the w block, which is diagonal.
    """

    likelihood: FrailtyLikelihood
    eta: np.ndarray
    sums: RiskSums
    turns: Turns
    bb: np.ndarray
    hazard: np.ndarray
    mean: np.ndarray
    bend: np.ndarray

    @cached_property
    def wb(self) -> np.ndarray:
        """The block between groups and coefficients."""
        x = self.likelihood.partial.rows.x
        return self._by_group(self.sums.risk[:, None] * (self.hazard[:, None] * x - self.mean))

    def times(self, v: np.ndarray) -> np.ndarray:
        """The w block times the columns of v."""
        partial = self.likelihood.partial
        u = v[self.likelihood.group]
        other = PartialLikelihood(replace(partial.rows, x=u), partial.efron)
        hazard, mean = other.lived_through(other.sums(self.eta), self.turns)
        return self._by_group(self.sums.risk[:, None] * (hazard[:, None] * u - mean)) + self.bend[:, None] * v

    @cached_property
    def ww(self) -> np.ndarray:
        """The w block written out."""
        q = self.likelihood.n_groups
        block = np.empty((q, q))
        for begin in range(0, q, COLUMNS):
            block[:, begin : begin + COLUMNS] = self.times(np.eye(q)[:, begin : begin + COLUMNS])
        return 0.5 * (block + block.T)

    @cached_property
    def ww_diagonal(self) -> np.ndarray:
        """The diagonal of the w block, in one pass over the rows."""
        like, rows, turns = self.likelihood, self.likelihood.partial.rows, self.turns
        enter = first_slots(rows) if rows.enter is None else rows.enter
        by_enter = np.argsort(enter, kind="stable") if rows.by_enter is None else rows.by_enter
        tied = like.partial.has_ties
        square_f, square_ff = (turns.square_f, turns.square_ff) if tied else np.zeros((2, len(turns.square)))
        squares = group_squares(
            self.sums.risk, like.group, like.n_groups, rows.event, rows.leave, enter, by_enter,
            rows.running(turns.square), square_f, square_ff,
        )  # fmt: skip
        return np.bincount(like.group, self.sums.risk * self.hazard, like.n_groups) - squares + self.bend

    @cached_property
    def is_dense(self) -> bool:
        """Whether the w block is written out."""
        return self.likelihood.n_groups <= self.likelihood.dense_limit

    def solve_groups(self, right: np.ndarray) -> np.ndarray:
        """The w block's inverse times the columns of `right`, by conjugate gradients."""
        like = self.likelihood
        size = (np.bincount(like.group, self.sums.risk * self.hazard, like.n_groups) + self.bend)[:, None]
        x, rest = np.zeros_like(right), right.copy()
        step = rest / size
        length = (rest * step).sum(axis=0)
        goal = PRECISION**2 * length
        for _ in range(2 * like.n_groups + 20):
            if (length <= goal).all():
                break
            along = self.times(step)
            with np.errstate(divide="ignore", invalid="ignore"):
                far = np.where(length > goal, length / (step * along).sum(axis=0), 0.0)
                x, rest = x + far * step, rest - far * along
                new = (rest**2 / size).sum(axis=0)
                step, length = rest / size + np.where(length > goal, new / length, 0.0) * step, new
        return x

    @cached_property
    def carried(self) -> np.ndarray:
        """H_ww^-1 H_wb: how the groups' effects answer to the coefficients."""
        return self.solve_groups(self.wb)

    @cached_property
    def schur(self) -> np.ndarray:
        """The information on the coefficients that is left with the effects estimated."""
        return self.bb - self.wb.T @ self.carried

    def solve(self, score: np.ndarray) -> np.ndarray:
        """Newton's step."""
        score_b, score_w = np.split(score, [len(self.bb)])
        alone = self.solve_groups(score_w[:, None])[:, 0]
        step_b = ascent(self.schur, score_b - self.wb.T @ alone)
        return np.append(step_b, alone - self.carried @ step_b)

    @cached_property
    def effect_variance(self) -> np.ndarray:
        """The diagonal of the w block of H^-1; beyond the limit as if H_ww were diagonal (R's `sparse`)."""
        if self.is_dense:
            carried, own, schur = self.carried, np.diag(np.linalg.inv(self.ww)), self.schur
        else:
            carried, own = self.wb / self.ww_diagonal[:, None], 1 / self.ww_diagonal
            schur = self.bb - self.wb.T @ carried
        return own + ((carried @ np.linalg.inv(schur)) * carried).sum(axis=1)

    @cached_property
    def log_determinant(self) -> float:
        """Of the w block; beyond the limit of its diagonal."""
        if self.is_dense:
            return float(np.linalg.slogdet(self.ww)[1])
        return float(np.log(self.ww_diagonal).sum())

    def _by_group(self, values: np.ndarray) -> np.ndarray:
        return sums_by_group(values, self.likelihood.group, self.likelihood.n_groups)


@kernel
def sums_by_group(values, group, n_groups):  # type: ignore[no-untyped-def]
    """Column sums within groups of rows."""
    total = np.zeros((n_groups, values.shape[1]))
    for i in range(len(group)):
        for j in range(values.shape[1]):
            total[group[i], j] += values[i, j]
    return total


@kernel
def group_squares(  # type: ignore[no-untyped-def]
    risk, group, n_groups, event, leave, enter, by_enter, square, square_f, square_ff
):
    """Per group, the sum over turns of w (S0 of the group / S0)^2.

    `square` runs up over the slots of a stratum. A group's S0 stays what it is until one of its rows enters
    or leaves; tied events leave in turn.
    """
    total, at_risk, own = np.zeros(n_groups), np.zeros(n_groups), np.zeros(n_groups)
    since = np.zeros(n_groups, dtype=np.int64)
    i, j = len(leave) - 1, len(by_enter) - 1
    for slot in range(len(square) - 1, -1, -1):
        while j >= 0 and enter[by_enter[j]] == slot:
            row = by_enter[j]
            if leave[row] > slot:
                g = group[row]
                total[g] += at_risk[g] ** 2 * (square[since[g]] - square[slot])
                since[g] = slot
                at_risk[g] -= risk[row]
            j -= 1
        last = i
        while i >= 0 and leave[i] == slot:
            if enter[i] < slot:
                g = group[i]
                if at_risk[g] != 0.0:
                    total[g] += at_risk[g] ** 2 * (square[since[g]] - square[slot])
                since[g] = slot
                at_risk[g] += risk[i]
                if event[i]:
                    own[g] += risk[i]
            i -= 1
        for k in range(last, i, -1):
            g = group[k]
            if event[k] and own[g] > 0.0:
                total[g] += own[g] * (square_ff[slot] * own[g] - 2 * square_f[slot] * at_risk[g])
                own[g] = 0.0
    return total
