"""Simulated paths of a semi-Markov process."""

from __future__ import annotations

import numpy as np
from reference_cases import assert_close

from hemresearch.numerics.clock_reset import simulate_paths, state_exit


def exits():
    """From 0 to 1 or 2 after 1 or 2; from 1 back to 0 after 3 (certain); 2 is absorbing."""
    one = state_exit(
        [np.array([1.0, 2.0]), np.array([1.0])], [np.array([0.3, 0.5]), np.array([0.2])], np.array([1, 2])
    )
    other = state_exit([np.array([3.0])], [np.array([1.4])], np.array([0]))
    return [one, other, None]


def test_how_a_state_is_left():
    one, other, _ = exits()
    assert one.duration.tolist() == [1, 2]
    assert_close(one.survival, [0.5, 0.25])
    assert_close(one.share, [[0.6, 1.0], [1.0, 1.0]])
    assert other.survival.tolist() == [0.0]  # a jump above 1 is certain


def test_shares_are_probabilities():
    n = 200_000
    paths = simulate_paths(
        exits(), 0, 0.0, 0.0, np.array([0.0, 1.0, 2.0, 3.9, 4.0]), n, np.random.default_rng(1)
    )
    # those who went to 1 at 1 (0.3) are back in 0 at 4; half of the 0.5 left at 2 go to 1
    exact = [[1, 0, 0], [0.5, 0.3, 0.2], [0.25, 0.55, 0.2], [0.25, 0.55, 0.2], [0.55, 0.25, 0.2]]
    assert np.abs(paths.share - exact).max() < 4 * np.sqrt(0.25 / n)
    assert_close(paths.share.sum(axis=1), np.ones(5))
    mean = [1 + 0.5 + 2 * 0.25, 0.3 * 3 + 0.25 * 2, 0.2 * 3]
    assert np.abs(paths.stay - mean).max() < 4 * np.sqrt(paths.stay_variance / n).max()
    assert_close(paths.stay.sum(), 4.0)


def test_who_has_stayed_already():
    n = 100_000
    paths = simulate_paths(exits(), 0, 10.0, 1.5, np.array([10.0, 10.5]), n, np.random.default_rng(2))
    assert paths.share[0].tolist() == [1, 0, 0]
    assert np.abs(paths.share[1] - [0.5, 0.5, 0]).max() < 4 * np.sqrt(0.25 / n)


def test_the_end_counts_those_who_move_then():
    paths = simulate_paths(exits(), 1, 0.0, 0.0, np.array([3.0]), 100, np.random.default_rng(3))
    assert paths.share[0].tolist() == [1, 0, 0]
    assert paths.stay.tolist() == [0, 3, 0]
