"""An excess hazard exp(x'b) l(t) whose baseline is a smooth curve, by EM over the unknown causes of death.

Row i is at risk on (begin, end], where the population has the known hazard a_i at a death. Had we been told
by each death whether it was an excess one (D = 1), b would maximise Breslow's partial likelihood of these
deaths alone, and the cumulative baseline would jump at each time of death by

    dL(t) = sum of D over the deaths at t / S0(t),     S0 = sum of r over those at risk,  r = exp(x'b).

E step: a death at t is an excess one with the probability N = r l(t) / (a + r l(t)), its share of the hazard.
M step: that log-likelihood is linear in D, so that b and dL with N for D maximise its expectation. A jump is
no rate, which the E step needs: l(t) is the jumps up to t, smoothed,

    l(t) = sum over u of K((t - u) / h) dL(u) / h,     K(v) = 3/2 (1 - v^2) for 0 <= v <= 1,

the half of Epanechnikov's kernel that looks back, of integral 1, so that l at t is told by what is known at
t. The width h is a multiple of the longest gap between deaths in the quarter of the times of death that t is
in, and no longer than the time from the start of follow-up to t, so that no weight falls before it.

The information is Louis': that of the partial likelihood with N for D, less the variance of its score over
what is not known, D being Bernoulli(N), with m = S1 / S0 the mean covariates at risk when the death occurs:

    I = sum of N (S2 / S0 - m m') - sum of N (1 - N) (x - m)(x - m)'.

A hazard of the population of 0 has N = 1 throughout: Cox's model with Breslow's ties.

References: Perme MP, Henderson R, Stare J. Biostatistics 2009;10:136-146. Louis TA. J R Stat Soc B
1982;44:226-233.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy

from .compiled import kernel
from .cox_partial import cross_product
from .newton import maximize

STEPS = 10_000
SETTLED = 1e-9  # the largest change of a share, and of a coefficient, with which EM is over
QUARTERS = 4
FAR = 50.0  # a coefficient of a standardised covariate that is on its way to infinity


@dataclass(frozen=True, slots=True, eq=False)
class RiskRows:
    """Follow-up on (begin, end], deaths at its end, the population's hazard there, and covariates."""

    begin: np.ndarray
    end: np.ndarray
    event: np.ndarray
    background: np.ndarray
    x: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class SmoothExcess:
    """Effects and their information, and at each time of death: jump and rate of the baseline, width.

    `share` is the probability of each death (in the order of the rows) that it is an excess one.
    """

    coef: np.ndarray
    information: np.ndarray
    time: np.ndarray
    jump: np.ndarray
    rate: np.ndarray
    width: np.ndarray
    share: np.ndarray
    iterations: int
    converged: bool


class _Slots:
    """Rows by the times of death that they live through, numbered from 0: enter <= slot < leave."""

    def __init__(self, rows: RiskRows) -> None:
        """Number the times of death."""
        died = rows.event
        self.time, self.of_death = np.unique(rows.end[died], return_inverse=True)
        self.leave = np.searchsorted(self.time, rows.end, side="right")
        self.enter = np.searchsorted(self.time, rows.begin, side="right")
        self.x, self.x_died = rows.x, rows.x[died]

    def at_deaths(self, values: np.ndarray) -> np.ndarray:
        """Sums over the deaths of each time."""
        return np.bincount(self.of_death, values, len(self.time))

    def at_risk(self, values: np.ndarray) -> np.ndarray:
        """Sums over those at risk at each time."""
        m = len(self.time) + 1
        change = np.bincount(self.leave, values, m) - np.bincount(self.enter, values, m)
        return np.cumsum(change[::-1])[::-1][1:]

    def means(self, risk: np.ndarray, s0: np.ndarray) -> np.ndarray:
        """The mean covariates at risk at each time."""
        sums = np.array([self.at_risk(risk * column) for column in self.x.T])
        return sums.reshape(-1, len(s0)).T / s0[:, None]

    def partial(self, coef: np.ndarray, share: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Breslow's log partial likelihood of a share of each death; its score and information."""
        risk, weight = np.exp(self.x @ coef), self.at_deaths(share)
        s0 = self.at_risk(risk)
        mean = self.means(risk, s0)
        lived = np.append(0.0, np.cumsum(weight / s0))
        value = share @ (self.x_died @ coef) - xlogy(weight, s0).sum()
        information = cross_product(self.x, risk * (lived[self.leave] - lived[self.enter]))
        return (
            float(value),
            share @ self.x_died - weight @ mean,
            information - cross_product(mean, weight),
        )

    def missing(self, coef: np.ndarray, share: np.ndarray) -> np.ndarray:
        """The information that is lost with the causes of death."""
        risk = np.exp(self.x @ coef)
        away = self.x_died - self.means(risk, self.at_risk(risk))[self.of_death]
        return cross_product(away, share * (1 - share))


def fit_smooth_excess(rows: RiskRows, multiple: float, *, steps: int = STEPS) -> SmoothExcess:
    """Effects of the columns of x and the smooth baseline, from causes that are even at first."""
    slots, background = _Slots(rows), rows.background[rows.event]
    start = float(rows.begin.min())
    width = widths(slots.time, start, multiple)
    share, coef = np.full(len(background), 0.5), np.zeros(rows.x.shape[1])
    converged, iteration = False, 0
    jump = rate = np.zeros(len(slots.time))
    while iteration < steps and not converged:
        iteration += 1
        before, coef = coef, _maximum(slots, coef, share)
        jump = slots.at_deaths(share) / slots.at_risk(np.exp(slots.x @ coef))
        rate = smooth_rate(slots.time, jump, width)
        excess = np.exp(slots.x_died @ coef) * rate[slots.of_death]
        last, share = share, excess / (background + excess)
        moved = max(np.abs(share - last).max(), np.abs(coef - before).max(initial=0.0))
        converged = bool(moved < SETTLED)
        if not np.abs(coef).max(initial=0.0) < FAR:
            break
    information = slots.partial(coef, share)[2] - slots.missing(coef, share)
    return SmoothExcess(coef, information, slots.time, jump, rate, width, share, iteration, converged)


def _maximum(slots: _Slots, coef: np.ndarray, share: np.ndarray) -> np.ndarray:
    """The effects with the largest partial likelihood of these shares of deaths."""
    return maximize(lambda at: slots.partial(at, share), coef).parameters if len(coef) else coef


def widths(time: np.ndarray, start: float, multiple: float) -> np.ndarray:
    """How far the kernel looks back from each time of death."""
    gap, m = np.diff(time, prepend=time[0]), len(time)
    ends = -(-m * np.arange(QUARTERS + 1) // QUARTERS)
    longest = np.maximum.reduceat(gap, ends[:-1])
    return np.minimum(multiple * np.repeat(longest, np.diff(ends)), time - start)


@kernel
def smooth_rate(time: np.ndarray, jump: np.ndarray, width: np.ndarray) -> np.ndarray:
    """The jumps up to each time, smoothed by the half of Epanechnikov's kernel that looks back."""
    rate = np.zeros(len(time))
    for i in range(len(time)):
        j = i
        while j >= 0 and time[i] - time[j] < width[i]:
            away = (time[i] - time[j]) / width[i]
            rate[i] += 1.5 * (1.0 - away * away) * jump[j] / width[i]
            j -= 1
    return rate
