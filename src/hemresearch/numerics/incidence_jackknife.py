"""Pseudo-values of the cumulative incidence of a cause, and of the time lost to it.

As in `jackknife`: without patient i, who leaves at t_i, the risk sets up to t_i are one smaller and those
after it are the same, so that the leave-one-out incidence is summed over n - 1 up to t_i, and then rises in
proportion to the full one by the ratio of the probabilities of being event-free at t_i.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .incidence import event_free_before, incidence, moved_at, moved_up_to, row_influence
from .restricted_mean import area_after
from .risk_sets import RiskSets, place


@dataclass(frozen=True, slots=True, eq=False)
class WithoutOne:
    """Leave-one-out incidences: `smaller` at each time before the patient leaves.

    For each patient, `at` is the place of their time, `past` the incidence once they have left and `ratio`
    the leave-one-out probability of being event-free then over the full one.
    """

    smaller: np.ndarray
    at: np.ndarray
    past: np.ndarray
    ratio: np.ndarray


def incidence_pseudo_values(
    r: RiskSets,
    n_cause: np.ndarray,
    time: np.ndarray,
    cause: np.ndarray,
    event: np.ndarray,
    wanted: np.ndarray,
) -> np.ndarray:
    """Pseudo-values n F(t) - (n - 1) F_-i(t): one row per patient, one column per wanted time."""
    n, estimate = len(time), incidence(r, n_cause, event_free_before(r))
    out = _without_one(r, n_cause, time, cause, event)
    at = out.at[:, None]
    upto = np.searchsorted(r.time, wanted, side="right")[None, :]
    full = np.append(0.0, estimate)[upto]
    after = out.past[:, None] + out.ratio[:, None] * (full - estimate[at])
    without = np.where(upto <= at, np.append(0.0, out.smaller)[upto], after)
    return n * full - (n - 1) * without


def time_lost_pseudo_values(
    r: RiskSets,
    n_cause: np.ndarray,
    time: np.ndarray,
    cause: np.ndarray,
    event: np.ndarray,
    horizons: np.ndarray,
) -> np.ndarray:
    """Pseudo-values of the area under F up to each horizon."""
    n, estimate = len(time), incidence(r, n_cause, event_free_before(r))
    out = _without_one(r, n_cause, time, cause, event)
    values = np.empty((n, len(horizons)))
    for j, tau in enumerate(horizons):
        area, smaller = area_after(r.time, estimate, tau), area_after(r.time, out.smaller, tau)
        left = np.maximum(tau - time, 0.0)
        after = out.past * left + out.ratio * (area[out.at] - estimate[out.at] * left)
        values[:, j] = n * area[0] - (n - 1) * (smaller[0] - smaller[out.at] + after)
    return values


def incidence_influence_values(
    r: RiskSets,
    n_cause: np.ndarray,
    time: np.ndarray,
    cause: np.ndarray,
    event: np.ndarray,
    wanted: np.ndarray,
) -> np.ndarray:
    """F(t) + n dF(t)/dw_i, the infinitesimal version; one row per patient, one column per time."""
    before = event_free_before(r)
    estimate = incidence(r, n_cause, before)
    values = np.empty((len(time), len(wanted)))
    for j, t in enumerate(wanted):
        moved = moved_at(r, estimate, before, t)
        change = row_influence(r, n_cause, moved, time, cause, event, None)
        values[:, j] = np.append(0.0, estimate)[np.sum(r.time <= t)] + len(time) * change
    return values


def time_lost_influence_values(
    r: RiskSets,
    n_cause: np.ndarray,
    time: np.ndarray,
    cause: np.ndarray,
    event: np.ndarray,
    horizons: np.ndarray,
) -> np.ndarray:
    """The area under F up to each horizon + n times its derivative with respect to the patient's weight."""
    before = event_free_before(r)
    estimate = incidence(r, n_cause, before)
    values = np.empty((len(time), len(horizons)))
    for j, tau in enumerate(horizons):
        area = area_after(r.time, estimate, tau)
        moved = moved_up_to(r, area, estimate, before, tau)
        change = row_influence(r, n_cause, moved, time, cause, event, None)
        values[:, j] = area[0] + len(time) * change
    return values


def _without_one(
    r: RiskSets, n_cause: np.ndarray, time: np.ndarray, cause: np.ndarray, event: np.ndarray
) -> WithoutOne:
    others = np.maximum(r.n_risk - 1, 1.0)  # the last patient leaves nobody, and no event, behind
    smaller_free = np.cumprod(1 - np.minimum(r.n_event / others, 1.0))
    smaller = np.cumsum(np.append(1.0, smaller_free[:-1]) * n_cause / others)
    at = place(time, r.time)
    free_before = np.append(1.0, smaller_free)[at]
    past = np.append(0.0, smaller)[at] + free_before * (n_cause[at] - cause) / others[at]
    free = free_before * (1 - (r.n_event[at] - event) / others[at])
    full = np.cumprod(1 - r.n_event / r.n_risk)[at]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(full > 0, free / full, 0.0)
    return WithoutOne(smaller, at, past, ratio)
