"""The variance of the frailties in a Cox model, and the model at it.

gamma       The marginal likelihood, the frailties integrated out, is largest. At the maximum of the
            penalised likelihood it is the latter plus the sum over groups, d being their events and
            v = 1 / variance, of

                d - v log(1 + d / v) + sum over j < d of log((v + j) / (v + d))

            (with a constant that makes it the partial likelihood where the variance is zero).
Gaussian    variance = (sum of w^2 + trace of the w block of H^-1) / groups, the equation of restricted
            maximum likelihood. The integrated likelihood is Laplace's: the penalised one minus
            log det(variance H_ww) / 2.

References: Nielsen GG, Gill RD, Andersen PK, Sorensen TIA. Scand J Stat 1992;19:25-43. Therneau TM,
Grambsch PM, Pankratz VS. J Comput Graph Stat 2003;12:156-175. McGilchrist CA. Biometrics 1993;49:221-225.
Ripatti S, Palmgren J. Biometrics 2000;56:1016-1022.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq

from .cox_frailty import (
    DENSE_LIMIT,
    FrailtyInformation,
    FrailtyLikelihood,
    Penalty,
    gamma_penalty,
    gaussian_penalty,
)
from .cox_partial import PartialLikelihood
from .cox_rows import CoxRows
from .newton import Maximum, maximize

START, FACTOR = 0.5, 4.0
SMALLEST, LARGEST = 1e-6, 1e4


@dataclass(frozen=True, slots=True, eq=False)
class FrailtySolution:
    """A frailty model at its maximum: `found.parameters` are coefficients of `rows.x`, then log frailties.

    `integrated` is the likelihood without the frailties. A variance whose estimate is not positive is 0, and
    one that grows without end is infinite; `found` is then near that end.
    """

    variance: float
    found: Maximum
    information: FrailtyInformation
    integrated: float


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution of frailties.

    `slope` is positive where the variance has to grow: of the maximum at a variance, and the groups' events.
    `integrated` is what is added to the penalised likelihood.
    """

    penalty: Penalty
    slope: Callable[[Maximum, np.ndarray, float], float]
    integrated: Callable[[Maximum, np.ndarray, float], float]


def fit_frailty(
    rows: CoxRows,
    group: np.ndarray,
    distribution: str,
    *,
    efron: bool,
    variance: float | None = None,
    dense_limit: int = DENSE_LIMIT,
) -> FrailtySolution:
    """The model with a frailty of each group of the sorted rows; the variance is estimated unless given."""
    law = DISTRIBUTIONS[distribution]
    q, p = int(group.max()) + 1, rows.x.shape[1]
    events = np.bincount(group[rows.event], minlength=q)
    start = FrailtyLikelihood(PartialLikelihood(rows, efron), group, q, law.penalty, START, dense_limit)
    last = np.zeros(p + q)

    def at(value: float) -> Maximum:
        found = maximize(replace(start, variance=value), last, solve=FrailtyInformation.solve)
        last[:] = found.parameters
        return found

    estimate = find_root(lambda v: law.slope(at(v), events, v)) if variance is None else variance
    inside = 0 < estimate < np.inf
    found = at(estimate if inside else float(np.clip(estimate, SMALLEST, LARGEST)))
    integrated = found.value + law.integrated(found, events, estimate) if inside else np.nan
    return FrailtySolution(estimate, found, found.information, integrated)  # type: ignore[arg-type]


def find_root(slope: Callable[[float], float]) -> float:
    """Where the slope falls through zero, searched from a middling variance; 0 or infinity if nowhere."""
    here, up = START, slope(START) > 0
    factor = FACTOR if up else 1 / FACTOR
    while SMALLEST <= here <= LARGEST:
        there = here * factor
        if (slope(there) > 0) != up:
            ends = sorted((np.log(here), np.log(there)))
            return float(np.exp(brentq(lambda u: slope(float(np.exp(u))), *ends, xtol=1e-10, rtol=1e-12)))
        here = there
    return float(np.inf) if up else 0.0


def gamma_slope(found: Maximum, events: np.ndarray, variance: float) -> float:
    """The derivative of the marginal likelihood by the logarithm of the variance."""
    v, w = 1 / variance, _effects(found, events)
    early = np.bincount(events)[::-1].cumsum()[::-1]  # groups with at least so many events
    harmonic = float((early[1:] / (v + np.arange(len(early) - 1))).sum())
    return -v * float((w - np.expm1(w)).sum() + harmonic - np.log1p(events / v).sum())


def gamma_integrated(found: Maximum, events: np.ndarray, variance: float) -> float:
    """What integrating the frailties out adds to the penalised likelihood."""
    v, number = 1 / variance, np.bincount(events)
    total = float((events - v * np.log1p(events / v)).sum())
    for d in np.flatnonzero(number):
        total += number[d] * float(np.log1p((np.arange(d) - d) / (v + d)).sum())
    return total


def gaussian_slope(found: Maximum, events: np.ndarray, variance: float) -> float:
    """By how much the right side of the variance's equation exceeds the left, relative to it."""
    w = _effects(found, events)
    spread = found.information.effect_variance  # type: ignore[attr-defined]
    return float(w @ w + spread.sum()) / (len(w) * variance) - 1


def gaussian_integrated(found: Maximum, events: np.ndarray, variance: float) -> float:
    """Laplace's approximation of what integrating the frailties out adds."""
    log_determinant = found.information.log_determinant  # type: ignore[attr-defined]
    return -0.5 * (log_determinant + len(events) * float(np.log(variance)))


DISTRIBUTIONS = {
    "gamma": Distribution(gamma_penalty, gamma_slope, gamma_integrated),
    "gaussian": Distribution(gaussian_penalty, gaussian_slope, gaussian_integrated),
}


def _effects(found: Maximum, events: np.ndarray) -> np.ndarray:
    """The log frailties among the parameters."""
    return found.parameters[-len(events) :]
