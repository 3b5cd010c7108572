"""The likelihood of an excess hazard: closed forms of one band, and cells against patients."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.numerics.excess_hazard import (
    ExcessRows,
    cumulative_excess,
    fit_excess,
    poisson_constant,
    poisson_deviance,
)

EVENT, TIME = np.array([3.0, 5.0]), np.array([10.0, 8.0])
ROWS = ExcessRows(EVENT, TIME, np.array([0.1, 0.2]), np.array([0, 1]), np.empty((2, 0)))


@pytest.mark.parametrize("counts", [True, False])
def test_a_rate_for_each_band_is_in_closed_form(counts):
    found = fit_excess(ROWS, counts=counts)
    excess = EVENT / TIME - ROWS.background
    assert found.converged
    np.testing.assert_allclose(np.exp(found.parameters), excess, rtol=1e-9)
    np.testing.assert_allclose(np.diag(found.information), excess**2 * TIME**2 / EVENT, rtol=1e-7)
    np.testing.assert_allclose(found.score, 0, atol=1e-7)
    assert poisson_deviance(ROWS, excess) == pytest.approx(0, abs=1e-12)
    mean = EVENT
    by_hand = (EVENT * np.log(mean) - mean - np.log([6, 120])).sum()
    assert found.value + poisson_constant(ROWS) == pytest.approx(by_hand)


def test_the_cumulative_hazard_has_its_part_of_each_band():
    parts = cumulative_excess(np.array([1.0, 2.0, np.inf]), np.array([1.0, 1.5, 4.0]))
    assert parts.tolist() == [[0, 0], [0.5, 0], [1, 2]]
