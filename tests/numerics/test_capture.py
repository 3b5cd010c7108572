"""Populations from overlapping lists: by hand, and models that made the counts."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_allclose

from hemresearch.numerics import capture


def test_two_lists_by_hand():
    found = capture.lincoln_petersen(410, 350, 270)
    assert_allclose(found.size, 410 * 350 / 270)
    assert np.isinf(capture.lincoln_petersen(4, 5, 0).size)
    assert_allclose(capture.chapman(4, 5, 0).size, 29)
    assert_allclose(capture.chapman(5, 5, 5)[:2], [5, 0])


def test_two_lists_are_a_log_linear_model_of_independence():
    count = np.array([270.0, 140, 80])
    found = capture.log_linear(count, capture.histories(2), ())
    expected = capture.lincoln_petersen(410, 350, 270)
    assert_allclose(found.size, expected.size)
    assert_allclose(found.std_error, expected.std_error)
    assert_allclose([found.deviance, found.df], [0, 0], atol=1e-8)


def test_the_model_that_made_the_counts_finds_those_missed():
    cells = capture.histories(3)
    beta, pair = np.array([np.log(500), -0.5, 0.2, -1.0]), 0.7
    mean = np.exp(beta[0] + cells @ beta[1:] + pair * cells[:, 0] * cells[:, 2])
    found = capture.log_linear(mean, cells, ((0, 2),))
    assert_allclose(found.size, mean.sum() + 500, rtol=1e-9)
    assert_allclose(found.deviance, 0, atol=1e-9)
    wrong = capture.log_linear(mean, cells, ())
    assert wrong.deviance > 1
    assert wrong.size < found.size  # lists that attract each other hide how many are missed


def test_sets_of_pairs():
    assert len(capture.interaction_sets(3)) == 8
    assert len(capture.interaction_sets(4)) == 64
    assert capture.interaction_sets(2) == [(), ((0, 1),)]
    assert len(capture.histories(4)) == 15


def test_models_without_a_maximum():
    cells = capture.histories(3)
    count = np.where((cells[:, 0] == 1) & (cells[:, 1] == 1), 0.0, 20.0)
    assert capture.log_linear(count, cells, ((0, 1),)) is None
    assert capture.log_linear(count, cells, ()) is not None
    assert capture.log_linear(np.array([3.0, 4, 5]), capture.histories(2), ((0, 1),)) is None


def test_limits():
    p = capture.Population(531.5, 9.0, np.nan, np.nan, np.nan)
    low, high = capture.log_limits(p, 490, 0.95)
    assert 490 < low < 531.5 < high
    assert_allclose((low - 490) * (high - 490), 41.5**2)
    assert_allclose(capture.normal_limits(p, 490, 0.95), 531.5 + 1.959963984540054 * 9 * np.array([-1, 1]))
    assert np.isnan(capture.log_limits(p._replace(std_error=np.nan), 490, 0.95)).all()
    assert capture.log_limits(p._replace(size=490.0, std_error=0.0), 490, 0.95) == (490, 490)
