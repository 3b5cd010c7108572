"""Cumulative hazards predicted by a Cox model, with the variance that estimation gives them.

For a row with standardised covariates x, r = exp(x'b): H(t) = r A(t), A the baseline. Its variance is
r^2 times the sum of w / S0_k^2 (the baseline's own) plus q'Vq, q = r (x A(t) - B(t)), B the sum over turns of
w S1_k / S0_k^2, that is, of the mean covariates at risk times the hazard. Along a covariate path each piece
(entry, time] adds its part to H, to r^2 and to q.

References: Tsiatis AA. Ann Stat 1981;9:93-108.
Therneau TM, Grambsch PM. Modeling Survival Data. Springer 2000, section 10.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .compiled import kernel
from .cox_estimate import CoxEstimate


@dataclass(frozen=True, slots=True, eq=False)
class Hazard:
    """The baseline of one stratum: event times, and A, its variance and B just after each, 0 first."""

    time: np.ndarray
    hazard: np.ndarray
    variance: np.ndarray
    weighted_mean: np.ndarray

    def at(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A, its variance and B at given times."""
        place = np.searchsorted(self.time, times, side="right")
        return self.hazard[place], self.variance[place], self.weighted_mean[place]


def baseline_hazards(e: CoxEstimate) -> list[Hazard]:
    """The baseline hazard of every stratum."""
    rows, turns, sums = e.rows, e.turns, e.sums
    mean = e.likelihood.weighted_means(sums, turns)
    totals = rows.running(turns.hazard), rows.running(turns.square), rows.running(mean)
    first = np.flatnonzero(rows.begins)
    strata = zip(first, np.append(first[1:], len(rows.begins)), strict=True)
    return [Hazard(rows.slot_time[a + 1 : b], *(total[a:b] for total in totals)) for a, b in strata]


def predicted_hazard(
    base: Hazard, x: np.ndarray, eta: np.ndarray, entry: np.ndarray, leave: np.ndarray,
    times: np.ndarray, cov: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """H at the times, and its standard error, of one path whose pieces have covariates x on (entry, leave].

    `cov` is the covariance of the coefficients of standardised covariates.
    """
    hazard, variance = np.zeros(len(times)), np.zeros(len(times))
    slope = np.zeros((len(times), x.shape[1]))
    for j in range(len(x)):
        upto, since = base.at(np.minimum(times, leave[j])), base.at(np.minimum(times, entry[j]))
        grown, own, mean = (after - before for after, before in zip(upto, since, strict=True))
        risk = np.exp(eta[j])
        hazard += risk * grown
        variance += risk**2 * own
        slope += risk * (grown[:, None] * x[j] - mean)
    variance += np.einsum("ti,ij,tj->t", slope, cov, slope)
    return hazard, np.sqrt(np.maximum(variance, 0.0))


def constant_hazards(
    base: Hazard, x: np.ndarray, eta: np.ndarray, times: np.ndarray, cov: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """H at the times, and its standard error, of rows whose covariates stay as they are: rows x times."""
    grown, own, mean = base.at(times)
    slopes = (x * a - b for a, b in zip(grown, mean, strict=True))
    variance = [v + np.einsum("ij,jk,ik->i", q, cov, q) for v, q in zip(own, slopes, strict=True)]
    risk = np.exp(eta)[:, None]
    return risk * grown, risk * np.sqrt(np.maximum(np.transpose(variance), 0.0))


@kernel
def survival_sums(x, eta, weight, hazard):  # type: ignore[no-untyped-def]
    """Weighted sums over rows of S = exp(-r hazard), S^2, r S and r x S, at each value of the hazard."""
    n_times, p = len(hazard), x.shape[1]
    s, rs, rxs = np.zeros(n_times), np.zeros(n_times), np.zeros((n_times, p))
    squares = np.zeros(n_times)
    for i in range(len(eta)):
        r = np.exp(eta[i])
        for t in range(n_times):
            survival = np.exp(-r * hazard[t])
            part = weight[i] * survival
            s[t] += part
            squares[t] += part * survival
            rs[t] += part * r
            for j in range(p):
                rxs[t, j] += part * r * x[i, j]
    return s, squares, rs, rxs
