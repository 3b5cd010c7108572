"""The mean number of recurrent events by a time, which death may end, and how much each row moves it.

With Y(t) at risk, dN(t) events, D(t) deaths and S the product-limit survival,

    mu(t) = sum over u <= t of S(u-) dN(u) / Y(u).

Row i moves it by the sum over u <= t of S(u-) dM_i(u) / Y(u) less that over s <= t of
(mu(t) - mu(s)) dM_i^D(s) / (Y(s) - D(s)), with dM_i = dN_i - Y_i dN/Y and dM_i^D = dD_i - Y_i D/Y: the
derivative by the weight of the row, exactly, so that without censoring the variance is that of an average.
Ghosh D, Lin DY. Biometrics 2000;56:554-562, who have Y for Y - D.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .product_limit import product_limit
from .risk_sets import ROUNDING, RiskSets, place, risk_sets, weight_from
from .robust_curve import influence_variance


@dataclass(frozen=True, slots=True, eq=False)
class RecurrentRows:
    """Rows (entry, time] of one group: whether an event, and whether death, happened at the end."""

    time: np.ndarray
    event: np.ndarray
    death: np.ndarray
    entry: np.ndarray | None
    weight: np.ndarray | None


@dataclass(frozen=True, slots=True, eq=False)
class Mean:
    """The mean at each distinct time, with what moves it.

    `gain` is S(t-) / Y(t) at event times, `rate` dN/Y; `reach` is 1 / (Y - D) at deaths that others survive,
    `hazard` D/Y.
    """

    rows: RecurrentRows
    events: RiskSets
    mean: np.ndarray
    gain: np.ndarray
    rate: np.ndarray
    reach: np.ndarray
    hazard: np.ndarray


def mean_cumulative(rows: RecurrentRows) -> Mean:
    """Ghosh and Lin's estimate, which without deaths is the Nelson-Aalen sum."""
    events = risk_sets(rows.time, rows.event, rows.entry, rows.weight)
    deaths = risk_sets(rows.time, rows.death, rows.entry, rows.weight)
    before = np.append(1.0, product_limit(deaths)[0][:-1])
    left = deaths.n_risk - deaths.n_event
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = np.where(events.n_event > 0, before / events.n_risk, 0.0)
        rate = np.where(events.n_event > 0, events.n_event / events.n_risk, 0.0)
        # where nobody survives the mean stands still, whoever died
        reach = np.where((deaths.n_event > 0) & (left > ROUNDING * deaths.n_risk), 1 / left, 0.0)
        hazard = np.where(deaths.n_event > 0, deaths.n_event / deaths.n_risk, 0.0)
    return Mean(rows, events, np.cumsum(before * rate), gain, rate, reach, hazard)


def mean_variance(m: Mean, cluster: np.ndarray | None) -> np.ndarray:
    """Variance of the mean at each time, summed over clusters of rows.

    A row moves mu(t) by P(t) - mu(t) Q(t), P and Q being sums over its time at risk, so the variance comes
    from those of P, of Q and of P + Q.
    """
    rows, at = m.rows, place(m.rows.time, m.events.time)
    own, lost = rows.event * m.gain[at], rows.death * m.reach[at]

    def variance(jumped: np.ndarray, drift: np.ndarray) -> np.ndarray:
        return influence_variance(m.events, jumped, drift, rows.time, rows.entry, rows.weight, cluster)

    if not rows.death.any():
        return variance(own, m.gain * m.rate)
    p = own + lost * m.mean[at], m.gain * m.rate + m.reach * m.hazard * m.mean
    q = lost, m.reach * m.hazard
    of_p, of_q = variance(*p), variance(*q)
    both = (variance(p[0] + q[0], p[1] + q[1]) - of_p - of_q) / 2
    return np.maximum(of_p - 2 * m.mean * both + m.mean**2 * of_q, 0.0)


def weighted_influence(m: Mean, value: np.ndarray) -> np.ndarray:
    """How much each row, times its weight, moves the sum over times of value(t) dmu(t)."""
    rows, at = m.rows, place(m.rows.time, m.events.time)
    step = value * m.gain * m.events.n_event
    later = step.sum() - np.cumsum(step)
    gain, lost = value * m.gain, -later * m.reach
    drift = np.append(0.0, np.cumsum(gain * m.rate + lost * m.hazard))
    enter = 0 if rows.entry is None else np.searchsorted(m.events.time, rows.entry, side="right")
    influence = rows.event * gain[at] + rows.death * lost[at] - (drift[at + 1] - drift[enter])
    return influence if rows.weight is None else influence * rows.weight


def mean_scores(means: list[Mean]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Log-rank scores U_g = sum of Y_g (dmu_g - sum_h Y_h dmu_h / Y), and each row's influence on them.

    The influences of the rows of each group are rows x groups. The numbers at risk are taken as fixed, since
    what they move has mean zero where the means are equal.
    """
    n = len(means)
    score, influences = np.zeros(n), []
    for h, m in enumerate(means):
        at_risk = np.array([_at_risk(other.rows, m.events.time) for other in means])
        value = at_risk[h] * (np.eye(n)[h][:, None] - at_risk / at_risk.sum(axis=0))
        score += value @ (m.gain * m.events.n_event)
        influences.append(np.stack([weighted_influence(m, row) for row in value], axis=1))
    return score, influences


def _at_risk(rows: RecurrentRows, at: np.ndarray) -> np.ndarray:
    """The weight of the rows with entry < t <= time."""
    until = weight_from(rows.time, rows.weight, at)
    return until if rows.entry is None else until - weight_from(rows.entry, rows.weight, at)
