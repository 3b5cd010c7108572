"""Crude probabilities and their variances, against the sums as they are written."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.numerics.crude_probability import crude_probabilities


def test_running_sums_are_the_double_sum():
    n_risk = np.array([10.0, 9, 7, 4, 0])
    n_event = np.array([1.0, 2, 0, 3, 0])
    expected = np.array([0.1, 0.3, 0.2, 0.5, 0])
    found = crude_probabilities(n_risk, n_event, expected)
    safe = np.maximum(n_risk, 1)
    survival = np.cumprod(1 - n_event / safe)
    before = np.append(1.0, survival[:-1])
    total = n_event / safe**2
    hazards = (n_event - expected) / safe, expected / safe
    for (probability, variance), hazard, own in zip(found, hazards, (1, 0), strict=True):
        f = np.cumsum(before * hazard)
        assert probability == pytest.approx(f, rel=1e-12)
        for t in range(5):
            change = own * survival[: t + 1] - (f[t] - f[: t + 1])
            assert variance[t] == pytest.approx((change**2 * total[: t + 1]).sum(), rel=1e-10)
