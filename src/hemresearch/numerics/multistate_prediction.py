"""Probabilities of states, and times spent in them, from the hazards of one patient, with their variances.

Hazards are given by their jumps: at time i the jumps begin[i] ... begin[i + 1] - 1; jump j is one of the
hazard of move[j], from origin[move] to target[move], by hazard[j]. Its error is own[j] times a variable of
unit variance, the same for jumps at one time with the same source (moves that share a baseline) and
independent of all others, plus slope[j]'z with z standard normal, the same throughout (coefficients).

P(s, t) is the product of the matrices I + dA over the jumps in (s, t]. (Of few at risk and a high hazard a
jump can exceed 1; `capped` then lets all leave.) An error dE at time u changes it by
P(s, u-) dE P(u, t). The delta method adds up these changes, source by source, and squares. R's mstate squares
first: it takes the increments of the hazards as uncorrelated, with the increments of their variances.

References: Aalen OO, Johansen S. Scand J Stat 1978;5:141-150. Andersen PK, Borgan O, Gill RD, Keiding N.
Statistical Models Based on Counting Processes. Springer 1993, sections IV.4 and VII.2. de Wreede LC, Fiocco
M, Putter H. Comput Methods Programs Biomed 2010;99:261-274.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .compiled import kernel


@dataclass(frozen=True, slots=True, eq=False)
class Jumps:
    """The jumps of one patient's hazards in order of time, and the moves they belong to.

    `time` has each distinct time once; `level` is the sum of the slopes of each move before the first jump.
    """

    time: np.ndarray
    begin: np.ndarray
    move: np.ndarray
    hazard: np.ndarray
    own: np.ndarray
    source: np.ndarray
    slope: np.ndarray
    level: np.ndarray
    origin: np.ndarray
    target: np.ndarray
    n_states: int

    def __len__(self) -> int:
        return len(self.time)

    def until(self, tau: float) -> Jumps:
        """The jumps up to a time."""
        n = int(np.searchsorted(self.time, tau, side="right"))
        at = slice(0, int(self.begin[n]))
        return Jumps(
            self.time[:n], self.begin[: n + 1], self.move[at], self.hazard[at], self.own[at], self.source[at],
            self.slope[at], self.level, self.origin, self.target, self.n_states,
        )  # fmt: skip

    def leaving(self) -> np.ndarray:
        """The hazard of leaving each state, at each time."""
        total = np.zeros((len(self), self.n_states))
        np.add.at(total, self._from(), self.hazard)
        return total

    def capped(self) -> Jumps:
        """The same with nobody more than certain to leave: moves in proportion where hazards exceed 1."""
        part = 1 / np.maximum(self.leaving()[self._from()], 1.0)
        return replace(self, hazard=self.hazard * part, own=self.own * part, slope=self.slope * part[:, None])

    def _from(self) -> tuple[np.ndarray, np.ndarray]:
        """The time (by its place) and the state of each jump."""
        return np.repeat(np.arange(len(self)), np.diff(self.begin)), self.origin[self.move]


def state_probabilities(jumps: Jumps, state: int) -> tuple[np.ndarray, np.ndarray]:
    """P(in each state) from one state before and after each time, and its variance by the delta method."""
    j = jumps
    found: tuple[np.ndarray, np.ndarray] = delta_probabilities(
        j.begin, j.move, j.hazard, j.own, j.source, j.slope, j.origin, j.target, j.n_states, state
    )
    return found


def mstate_probabilities(jumps: Jumps, state: int, *, after: bool) -> tuple[np.ndarray, np.ndarray]:
    """The same with the variance of R's mstate: P `after` the jump ("aalen") or before it ("greenwood")."""
    j = jumps
    found: tuple[np.ndarray, np.ndarray] = increment_probabilities(
        j.begin, j.move, j.hazard, j.own, j.source, j.slope, j.level, j.origin, j.target, j.n_states, state,
        after,
    )  # fmt: skip
    return found


def state_times(jumps: Jumps, state: int, start: float, tau: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean time in each state between start and tau from one state, and its variance."""
    j = jumps.until(tau)
    before = state_probabilities(j, state)[0]
    found: tuple[np.ndarray, np.ndarray] = delta_times(
        j.time, j.begin, j.move, j.hazard, j.own, j.source, j.slope, j.origin, j.target, before, state, start,
        tau,
    )  # fmt: skip
    return found


@kernel
def carried(x, first, last, move, hazard, origin, target):  # type: ignore[no-untyped-def]
    """Rows of x, one per state, moved on by the jumps first ... last - 1: (I + dA)'x."""
    new = x.copy()
    for j in range(first, last):
        a, b = origin[move[j]], target[move[j]]
        for c in range(x.shape[1]):
            flow = hazard[j] * x[a, c]
            new[a, c] -= flow
            new[b, c] += flow
    return new


@kernel
def add_own(w, first, last, move, own, source, origin, target, p):  # type: ignore[no-untyped-def]
    """Add to w the squares of the changes that each source makes."""
    change = np.zeros(len(p))
    for j in range(first, last):
        a, b = origin[move[j]], target[move[j]]
        change[a] -= own[j] * p[a]
        change[b] += own[j] * p[a]
        if j + 1 == last or source[j + 1] != source[j]:
            for s in range(len(p)):
                for t in range(len(p)):
                    w[s, t] += change[s] * change[t]
            change[:] = 0.0


@kernel
def products(x):  # type: ignore[no-untyped-def]
    """The inner products of the rows of x."""
    found = np.zeros((x.shape[0], x.shape[0]))
    for k in range(x.shape[0]):
        for m in range(x.shape[0]):
            for c in range(x.shape[1]):
                found[k, m] += x[k, c] * x[m, c]
    return found


@kernel
def delta_probabilities(begin, move, hazard, own, source, slope, origin, target, n_states, state):  # type: ignore[no-untyped-def]
    """Probabilities and variances, a row before the first time and one after each."""
    n = len(begin) - 1
    probability, variance = np.zeros((n + 1, n_states)), np.zeros((n + 1, n_states))
    p = np.zeros((n_states, 1))
    p[state, 0] = 1.0
    w, d = np.zeros((n_states, n_states)), np.zeros((n_states, slope.shape[1]))
    probability[0] = p[:, 0]
    for i in range(n):
        first, last = begin[i], begin[i + 1]
        w = carried(w, first, last, move, hazard, origin, target)
        w = carried(w.T.copy(), first, last, move, hazard, origin, target)
        d = carried(d, first, last, move, hazard, origin, target)
        add_own(w, first, last, move, own, source, origin, target, p[:, 0])
        for j in range(first, last):
            a, b = origin[move[j]], target[move[j]]
            for c in range(slope.shape[1]):
                d[a, c] -= p[a, 0] * slope[j, c]
                d[b, c] += p[a, 0] * slope[j, c]
        p = carried(p, first, last, move, hazard, origin, target)
        probability[i + 1] = p[:, 0]
        for s in range(n_states):
            variance[i + 1, s] = w[s, s]
            for c in range(d.shape[1]):
                variance[i + 1, s] += d[s, c] ** 2
    return probability, variance


@kernel
def increment_probabilities(  # type: ignore[no-untyped-def]
    begin, move, hazard, own, source, slope, level, origin, target, n_states, state, after
):
    """Probabilities and mstate's variances, a row before the first time and one after each."""
    n, n_moves = len(begin) - 1, len(origin)
    probability, variance = np.zeros((n + 1, n_states)), np.zeros((n + 1, n_states))
    p = np.zeros((n_states, 1))
    p[state, 0] = 1.0
    w = np.zeros((n_states, n_states))
    total = level.copy()
    known = products(total)  # the covariances of the moves' cumulative hazards, so far as coefficients go
    probability[0] = p[:, 0]
    for i in range(n):
        first, last = begin[i], begin[i + 1]
        w = carried(w, first, last, move, hazard, origin, target)
        w = carried(w.T.copy(), first, last, move, hazard, origin, target)
        moved = carried(p, first, last, move, hazard, origin, target)
        weight = moved if after else p
        add_own(w, first, last, move, own, source, origin, target, weight[:, 0])
        for j in range(first, last):
            total[move[j]] += slope[j]
        grown = products(total)
        for k in range(n_moves):
            for m in range(n_moves):
                part = (grown[k, m] - known[k, m]) * weight[origin[k], 0] * weight[origin[m], 0]
                w[origin[k], origin[m]] += part
                w[origin[k], target[m]] -= part
                w[target[k], origin[m]] -= part
                w[target[k], target[m]] += part
        known, p = grown, moved
        probability[i + 1] = p[:, 0]
        for s in range(n_states):
            variance[i + 1, s] = w[s, s]
    return probability, variance


@kernel
def delta_times(time, begin, move, hazard, own, source, slope, origin, target, before, state, start, tau):  # type: ignore[no-untyped-def]
    """Mean times in the states from `state` at start until tau, and their variances.

    Going back in time, `ahead[a, b]` is the mean time in b until tau of who is in a.
    """
    n_states = before.shape[1]
    ahead = np.zeros((n_states, n_states))
    variance, d = np.zeros(n_states), np.zeros((n_states, slope.shape[1]))
    change = np.zeros(n_states)
    end = tau
    for i in range(len(time) - 1, -1, -1):
        for s in range(n_states):
            ahead[s, s] += end - time[i]
        back = ahead.copy()
        for j in range(begin[i], begin[i + 1]):
            a, b = origin[move[j]], target[move[j]]
            for s in range(n_states):
                gain = ahead[b, s] - ahead[a, s]
                back[a, s] += hazard[j] * gain
                change[s] += own[j] * before[i, a] * gain
                for c in range(slope.shape[1]):
                    d[s, c] += before[i, a] * gain * slope[j, c]
            if j + 1 == begin[i + 1] or source[j + 1] != source[j]:
                for s in range(n_states):
                    variance[s] += change[s] ** 2
                change[:] = 0.0
        ahead, end = back, time[i]
    for s in range(n_states):
        ahead[s, s] += end - start
        for c in range(d.shape[1]):
            variance[s] += d[s, c] ** 2
    return ahead[state].copy(), variance
