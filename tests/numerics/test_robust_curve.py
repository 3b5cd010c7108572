"""The infinitesimal jackknife against its definition: the derivative with respect to each weight."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.numerics.product_limit import nelson_aalen_hazard, product_limit
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
        variance = robust_variance(r, time, event, entry, weight, cluster, hazard=curve is hazard)
        assert variance == pytest.approx(np.square(influence).sum(axis=0), rel=1e-6, abs=1e-10)


def test_is_undefined_from_the_step_to_zero_on():
    time, event = np.array([1.0, 2.0]), np.array([True, True])
    variance = robust_variance(risk_sets(time, event), time, event, None, None, None)
    assert variance[0] == pytest.approx(1 / (2 * 1))  # Greenwood's d / (n (n - d))
    assert variance[1] == np.inf
