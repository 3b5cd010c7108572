"""Cohen's kappa: by hand, and the tables whose value is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from hemresearch.numerics.agreement import credit, weighted_kappa

TABLE = np.array([[44.0, 7, 2, 0], [5, 20, 4, 1], [1, 6, 25, 3], [0, 1, 5, 30]])


def test_credit():
    assert_allclose(credit(3, "none"), np.eye(3))
    assert_allclose(credit(3, "linear")[0], [1, 0.5, 0])
    assert_allclose(credit(3, "quadratic")[0], [1, 0.75, 0])
    assert_allclose(credit(1, "linear"), [[1]])


@pytest.mark.parametrize("weighting", ["none", "linear", "quadratic"])
def test_full_agreement_is_one_and_independence_is_zero(weighting):
    full = weighted_kappa(np.diag([5.0, 9, 3]), credit(3, weighting))
    assert_allclose(full[:2], [1, 0], atol=1e-7)
    chance = weighted_kappa(np.outer([2.0, 3, 5], [4.0, 1, 5]), credit(3, weighting))
    assert_allclose(chance.estimate, 0, atol=1e-15)
    assert_allclose(chance.std_error, chance.null_error)


def test_by_hand_and_turned():
    share = TABLE / TABLE.sum()
    chance = share.sum(axis=1) @ share.sum(axis=0)
    found = weighted_kappa(TABLE, credit(4, "none"))
    assert_allclose(found.estimate, (np.trace(share) - chance) / (1 - chance))
    assert_allclose(found.credit, np.trace(share))
    for weighting in ("none", "linear", "quadratic"):
        weight = credit(4, weighting)
        assert_allclose(weighted_kappa(TABLE, weight), weighted_kappa(TABLE.T, weight))
        assert_allclose(weighted_kappa(TABLE, weight), weighted_kappa(TABLE[::-1, ::-1], weight))


def test_two_categories_have_one_kappa():
    table = np.array([[88.0, 10], [14, 63]])
    values = [weighted_kappa(table, credit(2, weighting)) for weighting in ("none", "linear", "quadratic")]
    assert_allclose(values[0], values[1])
    assert_allclose(values[0], values[2])


def test_the_error_is_that_of_the_delta_method():
    """Numerical derivatives of kappa by the shares of the cells, with their multinomial variance."""
    weight, n = credit(4, "linear"), TABLE.sum()
    share, step = TABLE / n, 1e-6
    slope = np.zeros_like(share)
    for cell in np.ndindex(share.shape):
        up, down = share.copy(), share.copy()
        up[cell] += step
        down[cell] -= step
        slope[cell] = (ratio(up, weight) - ratio(down, weight)) / (2 * step)
    variance = ((share * slope**2).sum() - (share * slope).sum() ** 2) / n
    assert_allclose(weighted_kappa(TABLE, weight).std_error, np.sqrt(variance), rtol=1e-6)


def ratio(share: np.ndarray, weight: np.ndarray) -> float:
    chance = share.sum(axis=1) @ weight @ share.sum(axis=0) / share.sum() ** 2
    return float(((weight * share).sum() / share.sum() - chance) / (1 - chance))


def test_one_category_has_no_kappa():
    assert np.isnan(weighted_kappa(np.array([[7.0, 0], [0, 0]]), credit(2, "none")).estimate)
