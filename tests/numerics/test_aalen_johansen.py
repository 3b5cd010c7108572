"""Kernels of multi-state processes: counts, the product integral and variances, the long way."""

from __future__ import annotations

import numpy as np
import pytest
from multistate_samples import influence_by_hand

from hemresearch.numerics.aalen_johansen import (
    MoveTimes,
    StateCounts,
    aalen_hazards,
    count_states,
    first_shares,
    greenwood_hazards,
    markov_variance,
    move_times,
    state_probabilities,
)
from hemresearch.numerics.state_jackknife import jackknife_variance
from hemresearch.numerics.stay_lengths import markov_stay_variance, stay_influence, time_ahead

PAIRS = np.array([(a, b) for a in range(3) for b in range(4) if a != b])
SOURCE, TARGET = PAIRS.T


class Stays:
    """Random stays of a reversible process with an absorbing last state, delayed entry and weights."""

    def __init__(self, n: int, seed: int, *, whole: bool) -> None:
        rng = np.random.default_rng(seed)
        rows = []
        for owner in range(n):
            t, state, end = float(rng.integers(0, 3)), int(rng.integers(0, 2)), rng.exponential(20) + 4
            weight = rng.uniform(0.5, 2)
            while state < 3 and t < end:
                stop = t + (np.ceil if whole else float)(rng.exponential(6))
                to = int(rng.choice([s for s in range(4) if s != state])) if stop < end else -1
                rows.append((owner, state, to, t, stop, weight))
                t, state = stop, to if to >= 0 else 3
        table = np.array(rows)
        self.owner, self.state, self.to = table[:, :3].astype(int).T
        self.entry, self.time, self.weight = table[:, 3:].T
        number = np.full((4, 5), -1)
        number[SOURCE, TARGET] = np.arange(len(SOURCE))
        self.move = number[self.state, self.to]

    def counts(self) -> StateCounts:
        return count_states(self.state, self.move, self.entry, self.time, self.weight, SOURCE, TARGET, 4)

    def start(self, moves: MoveTimes) -> np.ndarray:
        return first_shares(moves, self.state, self.entry, self.time, self.weight, 4)

    def by_hand(self, owner: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return influence_by_hand(self.state, self.to, self.entry, self.time, self.weight, owner, 4)


def test_counts_by_hand():
    counts = count_states(
        np.array([0, 0, 1]), np.array([0, -1, 1]), np.array([0.0, 0, 2]), np.array([2.0, 5, 5]), None,
        np.array([0, 1]), np.array([1, 2]), 3,
    )  # fmt: skip
    assert counts.time.tolist() == [2, 5]
    assert counts.n_risk.tolist() == [[2, 0, 0], [1, 1, 0]]
    assert counts.n_move.tolist() == [[1, 0], [0, 1]]
    assert counts.n_censor.tolist() == [[0, 0, 0], [1, 0, 0]]
    assert counts.entered().tolist() == [[0, 1, 0], [0, 0, 1]]
    assert counts.after(2).time.tolist() == [5]
    assert counts.until(2).n_move.tolist() == [[1, 0]]


def test_moves_at_one_time_are_made_from_the_states_before_it():
    counts = count_states(
        np.array([0, 1, 0]), np.array([0, 1, -1]), np.zeros(3), np.array([1.0, 1, 3]), None,
        np.array([0, 1]), np.array([1, 2]), 3,
    )  # fmt: skip
    p = state_probabilities(move_times(counts), np.array([2 / 3, 1 / 3, 0]))
    np.testing.assert_allclose(p[1], [1 / 3, 1 / 3, 1 / 3], rtol=1e-14)


@pytest.mark.parametrize(("n", "whole"), [(12, True), (40, True), (70, False)])
def test_the_jackknife_is_that_of_each_owner_followed_alone(n, whole):
    stays = Stays(n, seed=n, whole=whole)
    moves = move_times(stays.counts())
    p = state_probabilities(moves, stays.start(moves))
    for owner in (stays.owner, stays.owner % 5):
        times, by_hand, influence = stays.by_hand(owner)
        variance = jackknife_variance(
            moves, p, stays.state, stays.to, stays.entry, stays.time, stays.weight, owner,
            estimated_start=True,
        )  # fmt: skip
        np.testing.assert_array_equal(moves.time, times)
        np.testing.assert_allclose(p, by_hand, atol=1e-13)
        np.testing.assert_allclose(variance, (influence**2).sum(axis=1), rtol=1e-9, atol=1e-16)


@pytest.mark.parametrize("tau", [0.5, 7.3, 12, 200])
def test_lengths_of_stay_are_areas_also_in_their_influence(tau):
    stays = Stays(40, seed=3, whole=True)
    moves = move_times(stays.counts().until(tau))
    p = state_probabilities(moves, stays.start(moves))
    times, by_hand, influence = stays.by_hand(stays.owner)
    widths = np.diff(np.minimum(np.concatenate([[0.0], times, [np.inf]]), tau))
    ahead = time_ahead(moves, 4, 0.0, tau)
    if len(moves):
        np.testing.assert_allclose(p[0] @ ahead[0], widths @ by_hand, rtol=1e-12)
        ours = stay_influence(
            moves, ahead, p, stays.state, stays.to, stays.entry, stays.time, stays.weight, stays.owner,
            estimated_start=True,
        )  # fmt: skip
        np.testing.assert_allclose(ours, np.tensordot(widths, influence, 1), rtol=1e-9, atol=1e-12)
    else:
        np.testing.assert_allclose(ahead[0], tau * np.eye(4))


@pytest.mark.parametrize("hazards", [greenwood_hazards, aalen_hazards])
def test_the_markov_variance_is_the_sum_over_times_of_what_each_hazard_adds(hazards):
    stays = Stays(30, seed=9, whole=True)
    moves = move_times(stays.counts())
    p = state_probabilities(moves, np.array([1.0, 0, 0, 0]))
    steps = []
    covariances = np.zeros((len(moves), 4, 4, 4))  # of the row of each state at each time
    told = hazards(moves, p)
    for e in range(len(moves)):
        step, here = np.eye(4), range(moves.begin[e], moves.begin[e + 1])
        for m in here:
            h, j, n = moves.source[m], moves.target[m], moves.n_risk[m]
            step[h, j] += moves.jump[m]
            step[h, h] -= moves.jump[m]
            one = np.eye(4)[j] - np.eye(4)[h]
            covariances[e, h] += moves.jump[m] / n * np.outer(one, one)
            for o in here:
                if moves.source[o] == h and hazards is greenwood_hazards:
                    other = np.eye(4)[moves.target[o]] - np.eye(4)[h]
                    covariances[e, h] -= moves.jump[m] * moves.jump[o] / n * np.outer(one, other)
        steps.append(step)
    expected = np.zeros((len(moves) + 1, 4))
    for e in range(len(moves)):
        added = sum(told.share[e, h] ** 2 * covariances[e, h] for h in range(4))
        for later in range(e + 1, len(moves) + 1):
            expected[later] += np.diag(added)
            if later < len(moves):
                added = steps[later].T @ added @ steps[later]
    ours = markov_variance(moves, np.zeros((4, 4)), told)
    np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-15)
    ahead = time_ahead(moves, 4, 0.0, 15.0)
    area = sum(
        told.share[e, h] ** 2 * np.diag(ahead[e + 1].T @ covariances[e, h] @ ahead[e + 1])
        for e in range(len(moves))
        for h in range(4)
    )
    np.testing.assert_allclose(
        markov_stay_variance(moves, ahead, np.zeros((4, 4)), told), area, rtol=1e-9, atol=1e-12
    )


def test_what_is_certain_has_no_variance():
    stays = Stays(30, seed=4, whole=True)
    moves = move_times(stays.counts())
    p = state_probabilities(moves, stays.start(moves))
    variance = jackknife_variance(
        moves, p, stays.state, stays.to, stays.entry, stays.time, None, stays.owner, estimated_start=True
    )
    assert (variance >= 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)


def test_without_a_move_the_start_is_all_there_is():
    state, entry, time = np.array([0, 0, 1]), np.zeros(3), np.array([4.0, 5, 6])
    counts = count_states(state, np.full(3, -1), entry, time, None, SOURCE, TARGET, 4)
    moves = move_times(counts)
    start = first_shares(moves, state, entry, time, None, 4)
    p = state_probabilities(moves, start)
    variance = jackknife_variance(
        moves, p, state, np.full(3, -1), entry, time, None, np.arange(3), estimated_start=True
    )
    np.testing.assert_allclose(p, [[2 / 3, 1 / 3, 0, 0]])
    np.testing.assert_allclose(variance, [[2 / 27, 2 / 27, 0, 0]])
    ahead = time_ahead(moves, 4, 0.0, 3.0)
    influence = stay_influence(
        moves, ahead, p, state, np.full(3, -1), entry, time, None, np.arange(3), estimated_start=True
    )
    np.testing.assert_allclose((influence**2).sum(axis=0), 9 * variance[0])
