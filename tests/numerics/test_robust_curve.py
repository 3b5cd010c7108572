"""The infinitesimal jackknife against its definition: the derivative with respect to each weight."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.numerics.product_limit import (
    fleming_harrington_influence,
    nelson_aalen_hazard,
    nelson_aalen_influence,
    product_limit,
    product_limit_influence,
)
from hemresearch.numerics.risk_sets import risk_sets
from hemresearch.numerics.robust_curve import robust_variance

RNG = np.random.default_rng(20)


def cohort(n=24):
    time = RNG.integers(2, 12, n).astype(float)
    return time, RNG.random(n) < 0.6, np.floor(time * RNG.choice([0, 0.3, 0.6], n)), RNG.uniform(0.5, 2, n)


def log_survival(time, event, entry, weight):
    with np.errstate(divide="ignore"):
        return np.log(product_limit(risk_sets(time, event, entry, weight))[0])


def hazard(time, event, entry, weight):
    return nelson_aalen_hazard(risk_sets(time, event, entry, weight))[0]


@pytest.mark.parametrize("curve", [log_survival, hazard])
@pytest.mark.parametrize("n_clusters", [24, 7])
def test_equals_the_sum_of_squared_numerical_derivatives(curve, n_clusters):
    for _ in range(5):
        time, event, entry, weight = cohort()
        time, event = np.append(time, 14.0), np.append(event, False)  # so that survival stays above zero
        entry, weight = np.append(entry, 0.0), np.append(weight, 1.0)
        cluster = np.arange(len(time)) % n_clusters
        step = 1e-5
        influence = []
        for k in range(n_clusters):
            up, down = (weight * (1 + sign * step * (cluster == k)) for sign in (1, -1))
            influence.append((curve(time, event, entry, up) - curve(time, event, entry, down)) / (2 * step))
        r = risk_sets(time, event, entry, weight)
        parts = nelson_aalen_influence(r) if curve is hazard else product_limit_influence(r)
        variance = robust_variance(r, parts, time, event, entry, weight, cluster)
        assert variance == pytest.approx(np.square(influence).sum(axis=0), rel=1e-6, abs=1e-10)


# survfit(Surv(t, d) ~ 1, robust = TRUE, stype = 2, ctype = 2)$std.chaz, survival 3.5-3
IN_TURN = [0.1834158, 0.2261284, 0.3604594, 0.5049069, 0.5049069]


def test_tied_events_taken_in_turn_as_survfit_has_them():
    time = np.array([1.0, 1, 1, 2, 2, 3, 3, 3, 4, 5])
    event = np.array([1, 1, 1, 1, 0, 1, 1, 0, 1, 1], dtype=bool)
    r = risk_sets(time, event)
    variance = robust_variance(r, fleming_harrington_influence(r), time, event, None, None, None)
    assert np.sqrt(variance) == pytest.approx(IN_TURN, abs=5e-8)


def test_without_ties_taking_events_in_turn_changes_nothing():
    time, event = np.arange(1.0, 9), np.array([1, 0, 1, 1, 0, 1, 1, 0], dtype=bool)
    r = risk_sets(time, event)
    for one, other in zip(fleming_harrington_influence(r), nelson_aalen_influence(r), strict=True):
        assert one == pytest.approx(other)


def test_a_single_cluster_has_no_variance_at_all():
    time, event, _, weight = cohort()
    r = risk_sets(time, event, None, weight)
    variance = robust_variance(
        r, nelson_aalen_influence(r), time, event, None, weight, np.zeros(len(time), dtype=int)
    )
    assert (variance == 0).all()


def test_many_rows_in_few_clusters_lose_no_digits():
    rng = np.random.default_rng(5)
    n = 20_000
    time, event, weight = rng.exponential(size=n), rng.random(n) < 0.5, rng.uniform(0.2, 3, n)
    cluster, r = rng.integers(0, 10, n), risk_sets(time, event, None, weight)
    jump, drift = nelson_aalen_influence(r)
    moved = np.cumsum(drift)
    at = np.array([100, n // 2, n - 50])
    influence = np.zeros((10, len(at)))
    for k in range(10):
        mine = cluster == k
        left = (time[mine, None] <= r.time[at]) & event[mine, None]
        gained = np.where(left, jump[np.searchsorted(r.time, time[mine])][:, None], 0.0)
        lost = moved[np.minimum(np.searchsorted(r.time, time[mine])[:, None], at)]
        influence[k] = (weight[mine, None] * (gained - lost)).sum(axis=0)
    variance = robust_variance(r, (jump, drift), time, event, None, weight, cluster)[at]
    assert variance == pytest.approx(np.square(influence).sum(axis=0), rel=1e-10)
