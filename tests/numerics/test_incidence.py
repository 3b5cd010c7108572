"""The kernels of cumulative incidence against plain sums over patients."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.numerics.incidence import (
    aalen_variance,
    event_free_before,
    events_at,
    incidence,
    incidence_variance,
    moved_at,
    moved_up_to,
    multinomial_variance,
    row_influence,
)
from hemresearch.numerics.restricted_mean import area_after
from hemresearch.numerics.risk_sets import risk_sets
from hemresearch.numerics.robust_incidence import robust_incidence_variance

STEP = 1e-5


def sample(seed, late=True):
    """Time, cause, entry, weight and cluster of a few rows, with ties; early risk sets are not emptied."""
    rng = np.random.default_rng(seed)
    time = rng.integers(2, 9, 24).astype(float)
    cause = rng.integers(0, 3, 24)
    entry = np.where(rng.random(24) < 0.4, np.floor(rng.random(24) * (time - 1)), 0.0)
    entry[:6], time[:6], cause[:6] = 0.0, 9.0, 0
    return time, cause, entry if late else None, rng.integers(1, 4, 24) * 0.7, rng.integers(0, 7, 24)


def curve(time, cause, entry, weight, number=1):
    r = risk_sets(time, cause > 0, entry, weight)
    mine = cause == number
    n_cause = events_at(r, time[mine], None if weight is None else weight[mine])
    before = event_free_before(r)
    return r, n_cause, before, incidence(r, n_cause, before)


def plain_variance(r, n_cause, before, estimate, kind):
    """Sum over times of what each adds to the variance of F at the end, without the running form."""
    at = len(r.time) - 1
    free = before * (1 - r.n_event / r.n_risk)
    reach = np.where(free > 0, (estimate[at] - estimate) / np.where(free > 0, free, 1.0), 0.0)
    if kind == "greenwood":
        own, total = n_cause / r.n_risk, r.n_event / r.n_risk
        each = own * (1 - own) - 2 * reach * own * (1 - total) + reach**2 * total * (1 - total)
        return np.sum(before**2 * each / r.n_risk)
    counts = [n * np.where(n > 1, 1 - (n - 1) / (r.n_risk - 1), 1.0) for n in (n_cause, r.n_event - n_cause)]
    return np.sum(before**2 * (counts[0] * (1 - reach) ** 2 + counts[1] * reach**2) / r.n_risk**2)


@pytest.mark.parametrize("seed", range(4))
def test_running_variances_are_the_sums_they_stand_for(seed):
    time, cause, entry, _, _ = sample(seed)
    r, n_cause, before, estimate = curve(time, cause, entry, None)
    for variance, kind in ((incidence_variance, "greenwood"), (aalen_variance, "cuminc")):
        expected = plain_variance(r, n_cause, before, estimate, kind)
        np.testing.assert_allclose(variance(r, n_cause, before)[-1], expected, rtol=1e-10)


def test_a_certain_incidence_has_no_variance():
    r, n_cause, before, estimate = curve(np.array([1.0, 2.0, 3.0]), np.array([1, 1, 1]), None, None)
    np.testing.assert_allclose(estimate, [1 / 3, 2 / 3, 1])
    assert incidence_variance(r, n_cause, before)[-1] == 0


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("functional", ["at", "up to"])
def test_influence_is_the_derivative_with_respect_to_a_weight(late, functional):
    time, cause, entry, weight, _ = sample(5, late)
    at, tau = 6.0, 7.5

    def value(w):
        r, _, _, estimate = curve(time, cause, entry, w)
        if functional == "at":
            return estimate[np.searchsorted(r.time, at, side="right") - 1]
        return area_after(r.time, estimate, tau)[0]

    r, n_cause, before, estimate = curve(time, cause, entry, weight)
    area = area_after(r.time, estimate, tau)
    moved = (
        moved_at(r, estimate, before, at)
        if functional == "at"
        else moved_up_to(r, area, estimate, before, tau)
    )
    ours = row_influence(r, n_cause, moved, time, cause == 1, cause > 0, entry)
    for i in range(0, len(time), 3):
        bump = STEP * (np.arange(len(time)) == i)
        slope = (value(weight + bump) - value(weight - bump)) / (2 * STEP)
        np.testing.assert_allclose(ours[i], slope, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_the_closed_form_of_a_functional_is_that_of_the_curve(seed):
    time, cause, entry, _, _ = sample(seed, late=False)
    r, n_cause, before, estimate = curve(time, cause, entry, None)
    for k, t in enumerate(r.time):
        moved = moved_at(r, estimate, before, t)
        closed = multinomial_variance(r, n_cause, moved)
        np.testing.assert_allclose(closed, incidence_variance(r, n_cause, before)[k], rtol=1e-9, atol=1e-16)
        rows = row_influence(r, n_cause, moved, time, cause == 1, cause > 0, None)
        np.testing.assert_allclose(rows @ rows, closed, rtol=1e-9, atol=1e-16)


@pytest.mark.parametrize("clustered", [False, True])
@pytest.mark.parametrize("late", [False, True])
def test_running_sums_are_the_squared_influences(clustered, late):
    time, cause, entry, weight, cluster = sample(7, late)
    r, n_cause, before, estimate = curve(time, cause, entry, weight)
    owner = cluster if clustered else None
    kind = np.where(cause == 1, 1, 2 * (cause > 0))
    ours = robust_incidence_variance(r, n_cause, before, time, kind, entry, weight, owner)
    for k, t in enumerate(r.time):
        moved = moved_at(r, estimate, before, t)
        rows = weight * row_influence(r, n_cause, moved, time, cause == 1, cause > 0, entry)
        total = np.bincount(cluster, rows) if clustered else rows
        np.testing.assert_allclose(ours[k], total @ total, rtol=1e-9, atol=1e-15)


def test_a_single_cluster_has_no_robust_variance():
    time, cause, entry, weight, cluster = sample(8)
    r, n_cause, before, _ = curve(time, cause, entry, weight)
    kind = np.where(cause == 1, 1, 2 * (cause > 0))
    ours = robust_incidence_variance(r, n_cause, before, time, kind, entry, weight, 0 * cluster)
    np.testing.assert_allclose(ours, 0, atol=1e-25)
