"""Absolute risks from cause-specific hazards, and the variance that estimating the hazards gives them.

A patient has the hazard h_k = r_k dA_k of cause k at each event time (of any cause), h = h_1 + ... + h_K;
A_k is the baseline of the Cox model of cause k, r_k = exp(x'b_k). F_k is the probability of cause k, S that
of none. The three forms of the step from u- to u are

    product-limit       F_k += S h_k                          S *= 1 - h
    exponential         F_k += S h_k                          S *= exp(-h)
    matrix-exponential  F_k += S (h_k / h) (1 - exp(-h))      S *= exp(-h)

F_k(t) changes with h_j(u), u <= t, by

    phi(u) = gain_kj(u) - lost(u) (F_k(t) - F_k(u)),

gain_kj being the derivative of the step itself, and lost that of -log S: 1, or 1 / (1 - h) in the product.
The martingales of the causes are uncorrelated, and so are those of the baselines and the coefficients. With Q
the variance of A and B its mean covariates as in `cox_hazard`,

    variance = sum over j of sum over u of phi(u)^2 r_j^2 dQ_j(u) + q_j'V_j q_j,
    q_j      = sum over u of phi(u) r_j (x dA_j(u) - dB_j(u)).

As F_k(t) is the only part of phi that depends on t, all are running sums: times x causes x covariates.

Where the variance is robust it is the sum of squared influences: that of a row in the fits of the causes is
that of `cox_influence`, each piece of it times phi.

References: Andersen PK, Borgan O, Gill RD, Keiding N. Statistical Models Based on Counting Processes.
Springer 1993, section VII.2. Cheng SC, Fine JP, Wei LJ. Biometrics 1998;54:219-228. Ozenne B, Sorensen AL,
Scheike T, Torp-Pedersen C, Gerds TA. R J 2017;9:440-460 (influence functions).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .compiled import kernel
from .cox_hazard import Hazard
from .cox_influence import RowInfluence

PRODUCT_LIMIT, EXPONENTIAL, MATRIX_EXPONENTIAL = 0, 1, 2
FORMS = {
    "product-limit": PRODUCT_LIMIT,
    "exponential": EXPONENTIAL,
    "matrix-exponential": MATRIX_EXPONENTIAL,
}
SMALL = 1e-4  # hazards below which (exp(-h) - m) / h is its series, to 1e-13
ROUNDING = 1e-12  # a hazard within this of 1 leaves nobody


@dataclass(frozen=True, slots=True, eq=False)
class Baselines:
    """The baselines of all causes in one stratum, on the event times of any cause.

    `hazard` and `square` are the steps of A_j and of its variance Q_j: causes x times. `mean` are the steps
    of B_j, with the covariates of all causes beside each other: times x columns; those of cause j are
    `begin[j]` to `begin[j + 1]`.
    """

    time: np.ndarray
    hazard: np.ndarray
    square: np.ndarray
    mean: np.ndarray
    begin: np.ndarray

    def split(self, columns: np.ndarray) -> list[np.ndarray]:
        """The columns of each cause: the last axis cut at `begin`."""
        return np.split(columns, self.begin[1:-1], axis=-1)

    def places(self, times: np.ndarray) -> np.ndarray:
        """How many event times there are until each of some times."""
        return np.searchsorted(self.time, times, side="right")


def merged_baselines(bases: list[Hazard]) -> Baselines:
    """The baselines of the causes in one stratum on the event times of all of them."""
    time = np.unique(np.concatenate([base.time for base in bases]))
    hazard, square, means = zip(*(_steps(base, time) for base in bases), strict=True)
    begin = np.cumsum([0, *(mean.shape[1] for mean in means)])
    return Baselines(time, np.array(hazard), np.array(square), np.concatenate(means, axis=1), begin)


def _steps(base: Hazard, time: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The steps of A, Q and B of one cause, 0 where another cause has its events."""
    at = np.searchsorted(time, base.time)
    totals = (base.hazard, base.variance, base.weighted_mean)
    found = [np.zeros((len(time), *total.shape[1:])) for total in totals]
    for steps, total in zip(found, totals, strict=True):
        steps[at] = np.diff(total, axis=0)
    return found[0], found[1], found[2]


@kernel
def risk_course(baseline, risk, form):  # type: ignore[no-untyped-def]
    """F_k after each time, causes x times; gain_kj, causes x causes x times; and lost, per time.

    `baseline` are the steps of A, `risk` the factors r of one patient. Everything is NaN from where hazards
    in a product exceed 1, which no probability can.
    """
    n_causes, n_times = baseline.shape
    incidence = np.empty((n_causes, n_times))
    gain, lost = np.zeros((n_causes, n_causes, n_times)), np.ones(n_times)
    total, survival = np.zeros(n_causes), 1.0
    for u in range(n_times):
        h = 0.0
        for k in range(n_causes):
            h += risk[k] * baseline[k, u]
        share, bend = step_share(h, form)
        for k in range(n_causes):
            own = risk[k] * baseline[k, u]
            total[k] += survival * own * share
            incidence[k, u] = total[k]
            gain[k, k, u] = survival * share
            for j in range(n_causes):
                gain[k, j, u] += survival * own * bend
        if form != PRODUCT_LIMIT:
            survival *= np.exp(-h)
        elif h > 1 + ROUNDING:
            survival, incidence[:, u] = np.nan, np.nan
        elif h > 1 - ROUNDING:
            survival, lost[u] = 0.0, 0.0
        else:
            survival *= 1 - h
            lost[u] = 1 / (1 - h)
    return incidence, gain, lost


@kernel
def step_share(h, form):  # type: ignore[no-untyped-def]
    """What a hazard of 1 / S adds to F where all hazards add up to h, and the derivative of that by h."""
    if form != MATRIX_EXPONENTIAL or h == 0:
        return 1.0, -0.5 if form == MATRIX_EXPONENTIAL else 0.0
    share = -np.expm1(-h) / h
    if h < SMALL:
        return share, -0.5 + h / 3 - h * h / 8
    return share, (np.exp(-h) - share) / h


@kernel
def absolute_risks(hazard, square, mean, begin, x, risk, place, cov, form):  # type: ignore[no-untyped-def]
    """F_k of each row at each place, and its model-based variance: rows x causes x places.

    `place` counts the event times until each wanted time, in increasing order; x and `cov` have the
    standardised covariates of all causes beside each other.
    """
    n_causes = len(hazard)
    value = np.empty((len(x), n_causes, len(place)))
    variance = np.empty_like(value)
    for i in range(len(x)):
        incidence, gain, lost = risk_course(hazard, risk[i], form)
        for k in range(n_causes):
            one_variance(
                hazard, square, mean, begin, x[i], risk[i], place, cov, incidence[k], gain[k], lost,
                value[i, k], variance[i, k],
            )  # fmt: skip
    return value, variance


@kernel
def one_variance(  # type: ignore[no-untyped-def]
    hazard, square, mean, begin, x, risk, place, cov, incidence, gain, lost, value, variance
):
    """F_k of one row and cause at each place, and its variance, written into the last two arguments.

    With a = gain + F_k(u) lost, phi is a - F_k(t) lost: the sums of its squares and products are those of a,
    of lost, and of both.
    """
    now = 0.0
    both = np.zeros((3, len(hazard)))
    slope, drop = np.zeros(len(x)), np.zeros(len(x))
    u = 0
    for w in range(len(place)):
        while u < place[w]:
            now = incidence[u]
            for j in range(len(hazard)):
                a, c = gain[j, u] + now * lost[u], lost[u]
                own = risk[j] ** 2 * square[j, u]
                both[0, j] += a * a * own
                both[1, j] += a * c * own
                both[2, j] += c * c * own
                for p in range(begin[j], begin[j + 1]):
                    q = risk[j] * (x[p] * hazard[j, u] - mean[u, p])
                    slope[p] += a * q
                    drop[p] += c * q
            u += 1
        total = 0.0
        for j in range(len(hazard)):
            total += both[0, j] - 2 * now * both[1, j] + now**2 * both[2, j]
        for p in range(len(x)):
            for q in range(len(x)):
                total += (slope[p] - now * drop[p]) * cov[p, q] * (slope[q] - now * drop[q])
        value[w], variance[w] = now, max(total, 0.0)


@dataclass(frozen=True, eq=False)
class CauseRows:
    """The rows of the fits: their influence in each, and the event times they live through.

    Rows are at risk for the event times `start` <= place < `stop` of their own stratum's baselines; `event`
    is the cause they end with (0 for none), and `owner` to whom their influence is counted.
    """

    influences: list[RowInfluence]
    stratum: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    event: np.ndarray
    owner: np.ndarray

    @cached_property
    def coef(self) -> np.ndarray:
        """The influence on the standardised coefficients of all causes beside each other."""
        return np.hstack([i.coef for i in self.influences])


def robust_variances(
    b: Baselines, stratum: int, rows: CauseRows, x: np.ndarray, risk: np.ndarray, place: np.ndarray, form: int
) -> np.ndarray:
    """The variance of one new row's F_k at each place by the influence of the rows: causes x places."""
    incidence, gain, lost = risk_course(b.hazard, risk, form)
    variance = np.empty((len(incidence), len(place)))
    for k, f in enumerate(incidence):
        for w, upto in enumerate(place):
            now = f[upto - 1] if upto else 0.0
            phi = risk[:, None] * (gain[k] - lost * (now - f))
            phi[:, upto:] = 0.0
            causes = zip(phi, b.hazard, b.split(x), b.split(b.mean), strict=True)
            slope = np.concatenate([(p @ hazard) * own - p @ mean for p, hazard, own, mean in causes])
            moved = baseline_influence(b, stratum, rows, phi) + rows.coef @ slope
            by_owner = np.bincount(rows.owner, moved)
            variance[k, w] = by_owner @ by_owner
    return variance


def baseline_influence(b: Baselines, stratum: int, rows: CauseRows, phi: np.ndarray) -> np.ndarray:
    """The influence of each row on the sum over causes and times of phi_j dA_j in one stratum."""
    total = np.zeros(len(rows.stratum))
    here = np.flatnonzero(rows.stratum == stratum)
    start, stop, event = rows.start[here], rows.stop[here], rows.event[here]
    for j, i in enumerate(rows.influences):
        lived = np.append(0.0, np.cumsum(phi[j] * b.square[j]))
        last = np.append(0.0, phi[j])[stop]
        jump = np.where(event == j + 1, i.jump[here] * last, 0.0)
        total[here] += i.weight[here] * (jump - i.risk[here] * (lived[stop] - lived[start]))
    return total
