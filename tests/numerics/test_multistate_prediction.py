"""Probabilities of states and their variances against dense matrices and numerical derivatives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from reference_cases import assert_close

from hemresearch.numerics.multistate_prediction import (
    Jumps,
    mstate_probabilities,
    state_probabilities,
    state_times,
)

ORIGIN, TARGET, N_STATES = np.array([0, 0, 1, 1]), np.array([1, 2, 0, 2]), 3  # states 0 and 1 can come back
SOURCE = np.array([0, 1, 2, 1])  # moves 1 and 3 share a baseline
N_COEF = 2


def some_jumps(seed=1, n=6):
    rng = np.random.default_rng(seed)
    begin, move = [0], []
    for _ in range(n):
        here = np.flatnonzero(rng.random(3) < 0.6)
        moves = [k for k in range(4) if SOURCE[k] in here] or [0]
        move += sorted(moves, key=lambda k: (SOURCE[k], k))
        begin.append(len(move))
    move = np.array(move)
    size = len(move)
    return Jumps(
        time=np.cumsum(rng.uniform(0.5, 2, n)),
        begin=np.array(begin),
        move=move,
        hazard=rng.uniform(0.02, 0.2, size),
        own=rng.uniform(0.01, 0.1, size),
        source=SOURCE[move],
        slope=rng.normal(size=(size, N_COEF)) * 0.1,
        level=rng.normal(size=(4, N_COEF)) * 0.1,
        origin=ORIGIN,
        target=TARGET,
        n_states=N_STATES,
    )


def steps(j, hazard):
    """The matrices I + dA."""
    found = []
    for i in range(len(j)):
        m = np.eye(N_STATES)
        for k in range(j.begin[i], j.begin[i + 1]):
            a, b = ORIGIN[j.move[k]], TARGET[j.move[k]]
            m[a, b] += hazard[k]
            m[a, a] -= hazard[k]
        found.append(m)
    return found


def probabilities(j, hazard, state):
    p = [np.eye(N_STATES)[state]]
    for m in steps(j, hazard):
        p.append(p[-1] @ m)
    return np.array(p)


def times_in_states(j, hazard, state, start, tau):
    p, edges = probabilities(j, hazard, state), np.array([start, *j.time[j.time <= tau], tau])
    return np.diff(edges) @ p[: len(edges) - 1]


def covariance(j):
    """Of all jumps: of their own, by time and source, and of the coefficients."""
    when = np.repeat(np.arange(len(j)), np.diff(j.begin))
    same = (when[:, None] == when) & (j.source[:, None] == j.source)
    return same * np.outer(j.own, j.own) + j.slope @ j.slope.T


def gradient(function, at):
    step = 1e-6
    return np.array(
        [(function(at + step * e) - function(at - step * e)) / (2 * step) for e in np.eye(len(at))]
    )


@pytest.mark.parametrize("state", [0, 1, 2])
def test_the_delta_method_squares_the_derivatives(state):
    j = some_jumps()
    probability, variance = state_probabilities(j, state)
    assert_close(probability, probabilities(j, j.hazard, state), rel=1e-12)
    by_jump = gradient(lambda h: probabilities(j, h, state), j.hazard)
    expected = np.einsum("jts,jk,kts->ts", by_jump, covariance(j), by_jump)
    np.testing.assert_allclose(variance, expected, rtol=1e-7, atol=1e-14)


@pytest.mark.parametrize("tau", [0.9, 4.0, 20.0])
def test_times_in_states_too(tau):
    j = some_jumps(2)
    mean, variance = state_times(j, 0, 0.1, tau)
    assert_close(mean, times_in_states(j, j.hazard, 0, 0.1, tau), rel=1e-12)
    assert_close(mean.sum(), tau - 0.1, rel=1e-12)
    by_jump = gradient(lambda h: times_in_states(j, h, 0, 0.1, tau), j.hazard)
    expected = np.einsum("js,jk,ks->s", by_jump, covariance(j), by_jump)
    np.testing.assert_allclose(variance, expected, rtol=1e-7, atol=1e-14)


@pytest.mark.parametrize("after", [True, False])
def test_the_recursion_of_mstate_in_dense_matrices(after):
    j = some_jumps(3)
    probability, variance = mstate_probabilities(j, 0, after=after)
    assert_close(probability, probabilities(j, j.hazard, 0), rel=1e-12)
    total, p, w = j.level.copy(), np.eye(N_STATES)[0], np.zeros((N_STATES, N_STATES))
    expected = [np.zeros(N_STATES)]
    for i, m in enumerate(steps(j, j.hazard)):
        known = total @ total.T
        own = np.zeros((4, 3))
        for k in range(j.begin[i], j.begin[i + 1]):
            total[j.move[k]] += j.slope[k]
            own[j.move[k], SOURCE[j.move[k]]] = j.own[k]
        weight = p @ m if after else p
        change = np.array(
            [weight[a] * (np.eye(3)[b] - np.eye(3)[a]) for a, b in zip(ORIGIN, TARGET, strict=True)]
        )
        w = m.T @ w @ m + change.T @ (total @ total.T - known + own @ own.T) @ change
        p = p @ m
        expected.append(np.diag(w))
    np.testing.assert_allclose(variance, expected, rtol=1e-10, atol=1e-15)


def test_the_jumps_until_a_time():
    j = some_jumps()
    assert len(j.until(j.time[2])) == 3
    assert len(j.until(0)) == 0
    probability, variance = state_probabilities(j.until(0), 1)
    assert probability.tolist() == [[0, 1, 0]]
    assert variance.tolist() == [[0, 0, 0]]
    leaving = j.leaving()
    assert_close(leaving.sum(), j.hazard.sum())
    assert (leaving[:, 2] == 0).all()


def test_nobody_is_more_than_certain_to_leave():
    j = some_jumps()
    wild = replace(j, hazard=j.hazard * 8)
    capped = wild.capped()
    most = wild.leaving().max(axis=1)
    assert (most > 1).any()
    assert_close(capped.leaving().max(axis=1), np.minimum(most, 1), rel=1e-12)
    probability, _ = state_probabilities(capped, 0)
    assert (probability > -1e-15).all()
    same = j.capped()
    assert_close(same.hazard, j.hazard)
    assert_close(same.slope, j.slope)
