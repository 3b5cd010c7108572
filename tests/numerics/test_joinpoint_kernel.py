"""The search for joinpoints against all sets one by one."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest

from hemresearch.numerics.joinpoint import best_lines, fit_segments, permutation_p_value, segment_basis

RNG = np.random.default_rng(1)
X = np.cumsum(RNG.uniform(0.5, 2, 13))
WEIGHT = RNG.uniform(0.5, 3, 13)
Y = RNG.normal(size=(13, 3)) + np.maximum(X - 7, 0)[:, None]


def squares(y: np.ndarray, at: tuple[int, ...]) -> float:
    root = np.sqrt(WEIGHT)
    return float(np.linalg.lstsq(root[:, None] * segment_basis(X, np.array(at, dtype=int)), root * y)[1][0])


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_best_set_of_all(k):
    found = best_lines(X, Y, WEIGHT, k, ends=2, between=1)
    sets = [s for s in combinations(range(2, 11), k) if all(b - a > 1 for a, b in pairwise(s))]
    for b in range(3):
        every = {s: squares(Y[:, b], s) for s in sets}
        best = min(every, key=every.__getitem__)
        assert tuple(found.at[b]) == best
        assert found.squares[b] == pytest.approx(every[best], rel=1e-9)
        if b == 0:
            for j in range(k):
                for point in range(13):
                    there = [v for s, v in every.items() if s[j] == point]
                    assert found.near[j, point] == pytest.approx(min(there, default=np.inf), rel=1e-9)


def test_without_joinpoints_it_is_a_line():
    found = best_lines(X, Y, WEIGHT, 0, ends=2, between=1)
    assert found.at.shape == (3, 0)
    assert found.squares == pytest.approx([squares(Y[:, b], ()) for b in range(3)], rel=1e-10)


def test_slopes_are_those_of_the_segments():
    at = np.array([4, 8])
    fit = fit_segments(X, Y[:, 0], WEIGHT, at)
    ends = np.array([0, 4, 8, 12])
    np.testing.assert_allclose(np.diff(fit.fitted[ends]) / np.diff(X[ends]), fit.slope, rtol=1e-9)
    assert fit.squares == pytest.approx(squares(Y[:, 0], (4, 8)), rel=1e-10)
    assert fit.df == 13 - 6
    basis = segment_basis(X, at)
    spread = np.linalg.inv(basis.T @ (WEIGHT[:, None] * basis)) * fit.squares / fit.df
    assert fit.cov[0, 0] == pytest.approx(spread[1, 1], rel=1e-9)
    assert fit.cov[1, 1] == pytest.approx(spread[1, 1] + spread[2, 2] + 2 * spread[1, 2], rel=1e-9)


def test_the_p_value_counts_series_that_gain_as_much():
    shuffles = np.array([RNG.permutation(13) for _ in range(19)])
    bent = 0.3 * np.maximum(X - X[6], 0) + RNG.normal(0, 0.01, 13)
    assert permutation_p_value(X, bent, WEIGHT, (0, 1), (2, 1), shuffles) == pytest.approx(1 / 20)
    same = np.tile(np.arange(13), (19, 1))
    assert permutation_p_value(X, bent, WEIGHT, (0, 1), (2, 1), same) == 1
