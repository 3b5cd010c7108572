"""The robust covariance of the additive hazards model, against influences summed row by row."""

from __future__ import annotations

import numpy as np
import pytest
from additive_samples import least_squares, sample

from hemresearch.numerics.additive_hazards import increments
from hemresearch.numerics.additive_robust import robust_covariance, robust_influence


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("clustered", [False, True])
def test_robust_covariance_sums_the_squared_influences(late, clustered):
    X, time, event, entry, weight = sample(late=late)
    start = entry if late else None
    keep = time > 2  # so that under delayed entry the first risk sets have full rank too
    X, time, event, weight = X[keep], time[keep], event[keep], weight[keep]
    entry, start = entry[keep], None if start is None else start[keep]
    owner = np.arange(len(X)) % 7 if clustered else np.arange(len(X))
    r = increments(X, time, event, start, weight)
    used = len(r.time) if r.full_rank.all() else int(np.argmin(r.full_rank))
    cov = robust_covariance(r, used, X, event, weight, owner)
    Z = np.column_stack([np.ones(len(X)), X])
    influence = np.zeros(Z.shape)
    for k, (t, at, inverse, step) in enumerate(least_squares(X, time, event, entry, weight)):
        if k == used:
            break
        residual = (event & (time == t)) - at * (Z @ step)
        influence += (weight * residual)[:, None] * (Z @ inverse)
        summed = np.zeros((owner.max() + 1, Z.shape[1]))
        np.add.at(summed, owner, influence)
        np.testing.assert_allclose(cov[k], summed.T @ summed, rtol=1e-8, atol=1e-12)
    assert used > 8
    last = robust_influence(r.inverse[:used], r, used, X, event, weight, owner)
    np.testing.assert_allclose(last, summed, rtol=1e-8, atol=1e-12)


def test_one_owner_of_all_rows_has_no_variance():
    X, time, event, _, weight = sample(late=False)
    r = increments(X, time, event, None, weight)
    used = int(np.argmin(r.full_rank))
    owner = np.zeros(len(X), dtype=np.intp)
    assert not robust_covariance(r, used, X, event, weight, owner).any()
