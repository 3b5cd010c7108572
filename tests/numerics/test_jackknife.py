"""The closed form of leave-one-out curves, against curves without the patient."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hemresearch.numerics.jackknife import (
    restricted_mean_influence_values,
    restricted_mean_pseudo_values,
    survival_influence_values,
    survival_pseudo_values,
)
from hemresearch.numerics.product_limit import product_limit
from hemresearch.numerics.restricted_mean import restricted_mean
from hemresearch.numerics.risk_sets import risk_sets


@st.composite
def observations(draw):
    n = draw(st.integers(2, 15))
    time = np.array(draw(st.lists(st.integers(0, 9), min_size=n, max_size=n)), dtype=float)
    return time, np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))


def survival_at(time, event, wanted):
    r = risk_sets(time, event)
    return np.append(1.0, product_limit(r)[0])[np.searchsorted(r.time, wanted, side="right")]


@settings(max_examples=80, deadline=None)
@given(observations())
def test_leaving_one_out(rows):
    time, event = rows
    n, r, wanted, tau = len(time), risk_sets(*rows), np.array([0.0, 2.0, 4.5, 9.0]), 7.0
    curve, mean = survival_pseudo_values(r, *rows, wanted), restricted_mean_pseudo_values(r, *rows, tau)
    for i in range(n):
        others = np.delete(time, i), np.delete(event, i)
        expected = n * survival_at(*rows, wanted) - (n - 1) * survival_at(*others, wanted)
        np.testing.assert_allclose(curve[i], expected, atol=1e-10)
        without = restricted_mean(risk_sets(*others), tau)[0]
        np.testing.assert_allclose(mean[i], n * restricted_mean(r, tau)[0] - (n - 1) * without, atol=1e-10)


@settings(max_examples=40, deadline=None)
@given(observations())
def test_infinitesimal_values_are_derivatives(rows):
    time, event = rows
    n, r, wanted, tau = len(time), risk_sets(*rows), np.array([0.0, 2.0, 4.5]), 7.0
    curve = survival_influence_values(r, *rows, wanted)
    mean = restricted_mean_influence_values(r, *rows, tau)
    for i in range(n):
        step = np.zeros(n)
        step[i] = 1e-6
        up, down = (risk_sets(time, event, None, 1 + s) for s in (step, -step))
        slope = np.append(1.0, product_limit(up)[0]) - np.append(1.0, product_limit(down)[0])
        at = np.searchsorted(r.time, wanted, side="right")
        np.testing.assert_allclose(curve[i], survival_at(*rows, wanted) + n * slope[at] / 2e-6, atol=1e-5)
        change = (restricted_mean(up, tau)[0] - restricted_mean(down, tau)[0]) / 2e-6
        np.testing.assert_allclose(mean[i], restricted_mean(r, tau)[0] + n * change, atol=1e-5)
