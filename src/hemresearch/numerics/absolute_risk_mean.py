"""The mean over rows of absolute risks from cause-specific hazards, and its variance.

In the notation of `absolute_risk`, of the matrix-exponential form, where lost is 1. With weights w that add
up to 1 the mean M_k(t) = sum of w F_k(t) changes with dA_j(u) by P_kj(u) - C_kj(t), and with b_j by

    sum over u of (X_kj(u) - Z_kj(t)) dA_j(u) - (P_kj(u) - C_kj(t)) dB_j(u),

    P_kj(u) = sum of w r_j (gain_kj(u) + F_k(u)),    C_kj(t) = sum of w r_j F_k(t),

X and Z being the same sums with x beside r. So all is one pass over rows x times, and running sums.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .absolute_risk import (
    MATRIX_EXPONENTIAL,
    Baselines,
    CauseRows,
    baseline_influence,
    risk_course,
    step_share,
)
from .compiled import kernel


@dataclass(frozen=True, slots=True, eq=False)
class MeanRisk:
    """What the rows of one stratum add to the means, after each of its event times.

    Of each cause: `mean` and `square`, sums of w F and w F^2, causes x times; `steps` and `level`, P and C,
    causes x causes x times; `slope`, the change with the coefficients, causes x times x columns.
    """

    b: Baselines
    mean: np.ndarray
    square: np.ndarray
    steps: np.ndarray
    level: np.ndarray
    slope: np.ndarray

    def own_variance(self, k: int) -> np.ndarray:
        """What the baselines add to the variance of the mean of cause k, after each time."""
        total = np.zeros(len(self.b.time))
        for step, level, square in zip(self.steps[k], self.level[k], self.b.square, strict=True):
            total += np.cumsum(step**2 * square) - 2 * level * np.cumsum(step * square)
            total += level**2 * np.cumsum(square)
        return np.maximum(total, 0.0)

    def derivative(self, k: int, upto: int) -> np.ndarray:
        """The change of the mean of cause k after some times with the steps of the baselines."""
        phi = np.zeros_like(self.b.hazard)
        if upto:
            phi[:, :upto] = self.steps[k][:, :upto] - self.level[k][:, upto - 1 : upto]
        return phi


def mean_risk(b: Baselines, x: np.ndarray, risk: np.ndarray, weight: np.ndarray) -> MeanRisk:
    """The sums over rows of one stratum; weights add up to 1 over all strata."""
    mean, square, steps, level, slope, drop = risk_sums(b.hazard, b.begin, x, risk, weight)
    total = np.zeros_like(slope)
    for j, (hazard, at) in enumerate(zip(b.hazard, zip(b.begin[:-1], b.begin[1:], strict=True), strict=True)):
        own = slice(*at)
        lived, weighted = np.cumsum(hazard), np.cumsum(b.mean[:, own], axis=0)
        for k in range(len(b.hazard)):
            up = slope[k, :, own] * hazard[:, None] - steps[k, j][:, None] * b.mean[:, own]
            down = drop[k, :, own] * lived[:, None] - level[k, j][:, None] * weighted
            total[k, :, own] = np.cumsum(up, axis=0) - down
    return MeanRisk(b, mean, square, steps, level, total)


@kernel
def risk_sums(hazard, begin, x, risk, weight):  # type: ignore[no-untyped-def]
    """Sums over rows of w F, w F^2, P, C, X and Z at each time."""
    n_causes, n_times = hazard.shape
    mean, square = np.zeros((n_causes, n_times)), np.zeros((n_causes, n_times))
    steps, level = np.zeros((n_causes, n_causes, n_times)), np.zeros((n_causes, n_causes, n_times))
    slope, drop = np.zeros((n_causes, n_times, x.shape[1])), np.zeros((n_causes, n_times, x.shape[1]))
    for i in range(len(x)):
        incidence, gain, _ = risk_course(hazard, risk[i], MATRIX_EXPONENTIAL)
        for k in range(n_causes):
            for u in range(n_times):
                f = incidence[k, u]
                mean[k, u] += weight[i] * f
                square[k, u] += weight[i] * f * f
                for j in range(n_causes):
                    part = weight[i] * risk[i, j]
                    moved = gain[k, j, u] + f
                    steps[k, j, u] += part * moved
                    level[k, j, u] += part * f
                    for p in range(begin[j], begin[j + 1]):
                        slope[k, u, p] += part * x[i, p] * moved
                        drop[k, u, p] += part * x[i, p] * f
    return mean, square, steps, level, slope, drop


@kernel
def advance(hazard, risk, begin, end, survival, incidence):  # type: ignore[no-untyped-def]
    """Bring S and F of each row from before event time `begin` to before `end`, in place."""
    for i in range(len(risk)):
        for u in range(begin, end):
            h = 0.0
            for k in range(len(hazard)):
                h += risk[i, k] * hazard[k, u]
            share, _ = step_share(h, MATRIX_EXPONENTIAL)
            for k in range(len(hazard)):
                incidence[i, k] += survival[i] * risk[i, k] * hazard[k, u] * share
            survival[i] *= np.exp(-h)


def mean_influence(
    parts: dict[int, MeanRisk], rows: CauseRows, k: int, places: dict[int, int], slope: np.ndarray
) -> np.ndarray:
    """The influence of each row on the mean of cause k through baselines and coefficients.

    `parts` and `places` are by stratum: its sums, and how many of its event times there have been.
    """
    total = rows.coef @ slope
    for stratum, part in parts.items():
        total += baseline_influence(part.b, stratum, rows, part.derivative(k, places[stratum]))
    return total
