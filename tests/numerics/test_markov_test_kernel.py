"""The comparisons of the Markov test by hand, and what its bootstrap counts."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.numerics.markov_test import Comparisons, comparisons, wild_bootstrap

# Patients 0 and 1 are ill (state 1) at time 2, 2 and 3 become so later; all die in state 1 but 3.
PATIENT = np.array([0, 0, 1, 1, 2, 2, 3, 3])
STATE = np.array([0, 1, 0, 1, 0, 1, 0, 1])
ENTRY = np.array([0.0, 1, 0, 2, 0, 3, 0, 4])
TIME = np.array([1.0, 5, 2, 6, 3, 7, 4, 8])
MOVED = np.array([False, True, False, True, False, True, False, False])


def test_moves_are_compared_with_the_shares_at_risk():
    c = comparisons(np.array([2.0]), PATIENT, STATE, ENTRY, TIME, MOVED, 1, 3)
    share = np.array([2 / 4, 1 / 3, 0 / 2])  # of those ill at 2 when patients 0, 1 and 2 die
    np.testing.assert_allclose(c.terms[0, 1], [1 - share[0], 1 - share[1], 0 - share[2]])
    np.testing.assert_allclose(c.terms[0, 0], -c.terms[0, 1])
    assert c.cov[0, 1, 1] == pytest.approx((share * (1 - share)).sum())
    assert c.cov[0, 0, 1] == pytest.approx(-c.cov[0, 1, 1])
    assert c.z[0, 1] == pytest.approx(c.terms[0, 1].sum() / np.sqrt(c.cov[0, 1, 1]))
    assert np.isnan(c.z[0, 2])


@pytest.mark.parametrize("largest", [False, True])
def test_p_values_count_repetitions_at_least_as_extreme(largest):
    rng = np.random.default_rng(1)
    terms = rng.normal(size=(2, 2, 40))
    terms[:, 1] = -terms[:, 0]
    cov = np.array([[[1, -1], [-1, 1]]] * 2) * 40.0
    value, p = wild_bootstrap(Comparisons(terms, cov), largest=largest, n_bootstrap=300, rng=rng)
    assert value.shape == p.shape == (3,)
    assert p[0] == p[1]
    assert ((p >= 1 / 301) & (p <= 1)).all()
    far, sure = wild_bootstrap(Comparisons(terms + 9, cov), largest=largest, n_bootstrap=300, rng=rng)
    assert far[0] > value[0]
    assert sure[0] < 0.5
