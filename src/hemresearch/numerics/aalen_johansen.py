"""The Aalen-Johansen estimator of a multi-state process: counts, probabilities, variance under Markov."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .compiled import kernel
from .risk_sets import ROUNDING

NOBODY = 1e-14  # a probability that rounding leaves of 0


@dataclass(frozen=True, slots=True, eq=False)
class StateCounts:
    """Counts at each distinct time: `n_risk`, `n_censor` per state, `n_move` per move.

    Someone is at risk in a state on (entry, time]; a move precedes a censoring at the same time. `source` and
    `target` are the states of each move.
    """

    time: np.ndarray
    n_risk: np.ndarray
    n_censor: np.ndarray
    n_move: np.ndarray
    source: np.ndarray
    target: np.ndarray

    def after(self, time: float) -> StateCounts:
        """The counts later than a time."""
        return self._part(slice(int(np.searchsorted(self.time, time, side="right")), None))

    def until(self, time: float) -> StateCounts:
        """The counts up to a time, itself included."""
        return self._part(slice(int(np.searchsorted(self.time, time, side="right"))))

    def _part(self, rows: slice) -> StateCounts:
        counts = {name: getattr(self, name)[rows] for name in ("time", "n_risk", "n_censor", "n_move")}
        return replace(self, **counts)

    def entered(self) -> np.ndarray:
        """How many move into each state at each time."""
        into = np.zeros((len(self.source), self.n_risk.shape[1]))
        into[np.arange(len(self.target)), self.target] = 1.0
        return self.n_move @ into


@dataclass(frozen=True, slots=True, eq=False)
class MoveTimes:
    """The times at which somebody moves, with the moves of each: those from `begin[e]` to `begin[e + 1]`.

    `jump` is the increment of the cumulative hazard of a move, `n_risk` how many are at risk of it; `place`
    is where each time stands among those of the counts.
    """

    time: np.ndarray
    place: np.ndarray
    begin: np.ndarray
    source: np.ndarray
    target: np.ndarray
    jump: np.ndarray
    n_risk: np.ndarray

    def __len__(self) -> int:
        return len(self.time)


def count_states(
    state: np.ndarray,
    move: np.ndarray,
    entry: np.ndarray,
    time: np.ndarray,
    weight: np.ndarray | None,
    source: np.ndarray,
    target: np.ndarray,
    n_states: int,
) -> StateCounts:
    """Counts of stays (entry, time] in `state` that end with a `move`, -1 for none."""
    distinct, place = np.unique(time, return_inverse=True)
    size = np.ones(len(time)) if weight is None else weight
    moved = move >= 0

    def tally(rows: np.ndarray, column: np.ndarray, n_columns: int, at: np.ndarray, n: int) -> np.ndarray:
        flat = np.bincount(at[rows] * n_columns + column[rows], size[rows], n * n_columns)
        return flat.reshape(n, n_columns)

    n, everyone = len(distinct), np.arange(len(time))
    n_move = tally(np.flatnonzero(moved), move, len(source), place, n)
    n_censor = tally(np.flatnonzero(~moved), state, n_states, place, n)
    left = tally(everyone, state, n_states, place, n)
    came = tally(everyone, state, n_states, np.searchsorted(distinct, entry, side="right"), n + 1)[:n]
    n_risk = np.cumsum(came, axis=0) - np.cumsum(left, axis=0) + left
    # sums of fractional weights cancel only to rounding: who leaves last must not leave a remainder
    n_risk = np.where(n_risk - left <= ROUNDING * left.sum(axis=0), left, n_risk)
    return StateCounts(distinct, n_risk, n_censor, n_move, source, target)


def move_times(counts: StateCounts) -> MoveTimes:
    """The times with moves, and each move that is made then."""
    place, move = np.nonzero(counts.n_move)
    at, first = np.unique(place, return_index=True)
    n_risk = counts.n_risk[place, counts.source[move]]
    return MoveTimes(
        time=counts.time[at],
        place=at,
        begin=np.append(first, len(place)),
        source=counts.source[move],
        target=counts.target[move],
        jump=counts.n_move[place, move] / n_risk,
        n_risk=n_risk,
    )


def at_first(moves: MoveTimes, entry: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Which stays are at risk just before the first move; without one, at the first end of a stay."""
    first = moves.time[0] if len(moves) else time.min()
    return (entry < first) & (time >= first)


def first_shares(
    moves: MoveTimes,
    state: np.ndarray,
    entry: np.ndarray,
    time: np.ndarray,
    weight: np.ndarray | None,
    n_states: int,
) -> np.ndarray:
    """The share of each state among those at risk just before the first move."""
    there = at_first(moves, entry, time)
    size = np.bincount(state[there], None if weight is None else weight[there], n_states)
    return size / size.sum()


def state_probabilities(moves: MoveTimes, start: np.ndarray) -> np.ndarray:
    """The probability of each state at the start and after each time with moves: start prod (I + dA)."""
    return _product_integral(start, moves.begin, moves.source, moves.target, moves.jump)


@dataclass(frozen=True, slots=True, eq=False)
class HazardVariance:
    """The covariance of the increments of hazards: cov(dA_hj, dA_hk) = own_j [j = k] - shared_j shared_k.

    One of each per move of a `MoveTimes`; `share` is the probability of each state (column) at each time by
    which they count.
    """

    own: np.ndarray
    shared: np.ndarray
    share: np.ndarray


def greenwood_hazards(moves: MoveTimes, probability: np.ndarray) -> HazardVariance:
    """D (n - d) / n^3 and -d d' / n^3, with the probabilities just before each time: multinomial moves."""
    return HazardVariance(moves.jump / moves.n_risk, moves.jump / np.sqrt(moves.n_risk), probability[:-1])


def aalen_hazards(moves: MoveTimes, probability: np.ndarray) -> HazardVariance:
    """D / n^2 without covariance, with the probabilities just after each time, as mstate has them."""
    return HazardVariance(moves.jump / moves.n_risk, np.zeros(len(moves.jump)), probability[1:])


def markov_variance(moves: MoveTimes, start_covariance: np.ndarray, hazards: HazardVariance) -> np.ndarray:
    """The variance of each probability of `state_probabilities`, for a process without memory.

    The covariance V of the probabilities p goes on as (I + dA)' V (I + dA) + sum over states h of
    p_h^2 cov(dA_h), with the rows of dA taken as independent.
    """
    return _covariance(
        start_covariance, moves.begin, moves.source, moves.target, moves.jump, hazards.own, hazards.shared,
        hazards.share,
    )  # fmt: skip


@kernel
def _product_integral(start, begin, source, target, jump):  # type: ignore[no-untyped-def]
    p = np.empty((len(begin), len(start)))
    for h in range(len(start)):
        p[0, h] = start[h]
    for e in range(len(begin) - 1):
        for h in range(len(start)):
            p[e + 1, h] = p[e, h]
        for m in range(begin[e], begin[e + 1]):
            moved = p[e, source[m]] * jump[m]
            p[e + 1, source[m]] -= moved
            p[e + 1, target[m]] += moved
        for m in range(begin[e], begin[e + 1]):
            if p[e + 1, source[m]] < NOBODY:
                p[e + 1, source[m]] = 0.0
    return p


@kernel
def _covariance(start, begin, source, target, jump, own, shared, share):  # type: ignore[no-untyped-def]
    size = len(start)
    v = start.copy()
    buffer = np.empty((size * size, size))
    variance = np.empty((len(begin), size))
    for e in range(len(begin)):
        if e > 0:
            first, last = begin[e - 1], begin[e]
            _carry_on(v, first, last, source, target, jump, buffer)
            for m in range(first, last):
                h, j = source[m], target[m]
                square = share[e - 1, h] ** 2
                _add_contrast(v, h, j, h, j, square * own[m])
                for o in range(first, last):
                    if source[o] == h:
                        _add_contrast(v, h, j, h, target[o], -square * shared[m] * shared[o])
        for k in range(size):
            variance[e, k] = max(v[k, k], 0.0)
    return variance


@kernel
def _carry_on(v, first, last, source, target, jump, buffer):  # type: ignore[no-untyped-def]
    """One time: (I + dA)' v (I + dA)."""
    size = len(v)
    for m in range(first, last):
        for k in range(size):
            buffer[m - first, k] = v[k, source[m]] * jump[m]
    for m in range(first, last):
        for k in range(size):
            v[k, target[m]] += buffer[m - first, k]
            v[k, source[m]] -= buffer[m - first, k]
    for m in range(first, last):
        for k in range(size):
            buffer[m - first, k] = v[source[m], k] * jump[m]
    for m in range(first, last):
        for k in range(size):
            v[target[m], k] += buffer[m - first, k]
            v[source[m], k] -= buffer[m - first, k]


@kernel
def _add_contrast(v, h, j, g, k, amount):  # type: ignore[no-untyped-def]
    """Add amount (e_j - e_h)(e_k - e_g)' to v."""
    v[j, k] += amount
    v[h, g] += amount
    v[j, g] -= amount
    v[h, k] -= amount
