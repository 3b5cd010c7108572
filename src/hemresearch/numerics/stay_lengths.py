"""The mean time in each state up to a horizon, and its variance."""

from __future__ import annotations

import numpy as np

from .aalen_johansen import HazardVariance, MoveTimes, at_first
from .compiled import kernel


def time_ahead(moves: MoveTimes, n_states: int, start: float, tau: float) -> np.ndarray:
    """The time to spend in each state (column) between a time and tau, from each state (row).

    At the start and after each time with moves: the integral of the transition probabilities from then on.
    """
    widths = np.diff(np.minimum(np.concatenate([[start], moves.time, [np.inf]]), tau))
    return _time_ahead(n_states, np.maximum(widths, 0.0), moves.begin, moves.source, moves.target, moves.jump)


def stay_influence(
    moves: MoveTimes,
    ahead: np.ndarray,
    probability: np.ndarray,
    state: np.ndarray,
    next_state: np.ndarray,
    entry: np.ndarray,
    time: np.ndarray,
    weight: np.ndarray | None,
    owner: np.ndarray,
    *,
    estimated_start: bool,
) -> np.ndarray:
    """What each owner adds to the mean time in each state, its weight included (infinitesimal jackknife).

    A stay in h moves the times by the sum over times s in it of w (p_h / n_h) (e_j - e_h (I + dA)) times
    `ahead` at s, where it moves to j at s (or stays, j = h); with `estimated_start` also by its share in the
    probabilities at the start.
    """
    n, size = len(time), probability.shape[1]
    enter = np.searchsorted(moves.time, entry, side="right")
    leave = np.searchsorted(moves.time, time, side="right")
    weights = np.ones(n) if weight is None else weight.astype(float)
    moment = np.repeat(np.arange(len(moves)), np.diff(moves.begin))
    reach = probability[moment, moves.source] / moves.n_risk
    influence = np.zeros((int(owner.max()) + 1, size))
    if estimated_start:
        there = np.flatnonzero(at_first(moves, entry, time))
        share = weights[there] / weights[there].sum()
        begun = share[:, None] * (ahead[0][state[there]] - probability[0] @ ahead[0])
        np.add.at(influence, owner[there], begun)
    covers = np.flatnonzero(enter < leave)
    beyond = time > moves.time[-1] if len(moves) else np.ones(n, dtype=bool)
    known = np.where(beyond, -1, next_state)  # a move after the last of these times is none of them
    _add_stays(
        influence, ahead, moves.begin, moves.source, moves.target, moves.jump, reach,
        covers[np.argsort(enter[covers], kind="stable")], covers[np.argsort(leave[covers], kind="stable")],
        enter, leave, state, known, weights, owner,
    )  # fmt: skip
    return influence


def markov_stay_variance(
    moves: MoveTimes, ahead: np.ndarray, start_covariance: np.ndarray, hazards: HazardVariance
) -> np.ndarray:
    """The variance of the mean time in each state, for a process without memory.

    The sum over times s and states h of p_h^2 B' cov(dA_h) B with B = `ahead` at s, and what the start adds.
    """
    begun = np.einsum("hj,hk,kj->j", ahead[0], start_covariance, ahead[0])
    part = _hazard_part(
        ahead, moves.begin, moves.source, moves.target, hazards.own, hazards.shared, hazards.share
    )
    return np.maximum(begun + part, 0.0)


@kernel
def _time_ahead(size, widths, begin, source, target, jump):  # type: ignore[no-untyped-def]
    n = len(widths)
    ahead = np.zeros((n, size, size))
    for h in range(size):
        ahead[n - 1, h, h] = widths[n - 1]
    for e in range(n - 2, -1, -1):
        for h in range(size):
            for k in range(size):
                ahead[e, h, k] = ahead[e + 1, h, k]
            ahead[e, h, h] += widths[e]
        for m in range(begin[e], begin[e + 1]):
            for k in range(size):
                ahead[e, source[m], k] += jump[m] * _gain(ahead, e + 1, source[m], target[m], k)
    return ahead


@kernel
def _gain(ahead, e, h, j, k):  # type: ignore[no-untyped-def]
    """How much more time in k is to come after time e from j than from h."""
    return ahead[e, j, k] - ahead[e, h, k]


@kernel
def _add_stays(  # type: ignore[no-untyped-def]
    influence, ahead, begin, source, target, jump, reach, by_enter, by_leave, enter, leave, state, next_state,
    weight, owner,
):  # fmt: skip
    """Add every stay's part: what its state drifts by while it lasts, and the contrast of its move."""
    size = influence.shape[1]
    drift = np.zeros((size, size))
    i = j = 0
    for e in range(len(begin) - 1):
        while i < len(by_enter) and enter[by_enter[i]] == e:
            row = by_enter[i]
            for k in range(size):
                influence[owner[row], k] -= weight[row] * drift[state[row], k]
            i += 1
        for m in range(begin[e], begin[e + 1]):
            for k in range(size):
                drift[source[m], k] -= reach[m] * jump[m] * _gain(ahead, e + 1, source[m], target[m], k)
        while j < len(by_leave) and leave[by_leave[j]] == e + 1:
            row = by_leave[j]
            for k in range(size):
                influence[owner[row], k] += weight[row] * drift[state[row], k]
            for m in range(begin[e], begin[e + 1]):
                if source[m] == state[row] and target[m] == next_state[row]:
                    for k in range(size):
                        gain = _gain(ahead, e + 1, source[m], target[m], k)
                        influence[owner[row], k] += weight[row] * reach[m] * gain
            j += 1


@kernel
def _hazard_part(ahead, begin, source, target, own, shared, share):  # type: ignore[no-untyped-def]
    size = share.shape[1]
    variance = np.zeros(size)
    for e in range(len(begin) - 1):
        for m in range(begin[e], begin[e + 1]):
            h = source[m]
            for k in range(size):
                gain = _gain(ahead, e + 1, h, target[m], k)
                variance[k] += share[e, h] ** 2 * own[m] * gain**2
                for o in range(begin[e], begin[e + 1]):
                    if source[o] == h:
                        other = _gain(ahead, e + 1, h, target[o], k)
                        variance[k] -= share[e, h] ** 2 * shared[m] * shared[o] * gain * other
    return variance
