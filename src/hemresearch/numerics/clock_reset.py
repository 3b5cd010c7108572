"""Paths through the states of a semi-Markov process, whose hazards go by the time since entry into a state.

Who enters a state leaves it after a duration with survival prod(1 - dA(u)), A the sum of the cumulative
hazards of the moves out of it, by the move k with probability dA_k(u) / dA(u). Whoever outlasts the hazards
that were seen stays for ever. All paths make their next move together.

Reference: Fiocco M, Putter H, van Houwelingen HC. Stat Med 2008;27:4340-4358.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class StateExit:
    """How a state is left: durations, the survival after each, and the moves' running shares of each jump."""

    duration: np.ndarray
    survival: np.ndarray
    share: np.ndarray
    target: np.ndarray

    def sample(self, n: int, stayed: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """How much longer each of n paths stays that has `stayed` so long, and the next state (-1: none)."""
        so_far = np.append(1.0, self.survival)[np.searchsorted(self.duration, stayed, side="right")]
        level = rng.random(n) * so_far
        place = np.searchsorted(-self.survival, -level, side="left")  # the first survival at or below
        chosen = rng.random(n)
        moves = place < len(self.duration)
        longer, state = np.full(n, np.inf), np.full(n, -1)
        at = place[moves]
        longer[moves] = self.duration[at] - stayed
        which = (self.share[at] < chosen[moves, None]).sum(axis=1)
        state[moves] = self.target[np.minimum(which, len(self.target) - 1)]
        return longer, state


def state_exit(times: list[np.ndarray], jumps: list[np.ndarray], target: np.ndarray) -> StateExit:
    """How a state is left by moves whose hazards jump by `jumps` at `times`, each move its own.

    A total jump of more than 1 is certain to be the end, its moves in proportion.
    """
    duration = np.unique(np.concatenate(times))
    jump = np.zeros((len(duration), len(times)))
    for k, (when, size) in enumerate(zip(times, jumps, strict=True)):
        jump[np.searchsorted(duration, when), k] = size
    total = jump.sum(axis=1)
    share = np.cumsum(jump, axis=1) / np.where(total > 0, total, 1.0)[:, None]
    return StateExit(duration, np.cumprod(np.maximum(1 - total, 0.0)), share, target)


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """What was counted of simulated paths: their share in each state at each time, and their times in states.

    `stay` is the mean time in each state until the last of the times, `stay_variance` that between paths.
    """

    share: np.ndarray
    stay: np.ndarray
    stay_variance: np.ndarray


def simulate_paths(
    exits: list[StateExit | None],
    state: int,
    start: float,
    stayed: float,
    times: np.ndarray,
    n: int,
    rng: np.random.Generator,
) -> Paths:
    """Paths from a state at `start`, after having stayed there for some time; None is an absorbing state."""
    end = float(times[-1])
    flow = np.zeros((len(times) + 1, len(exits)))
    stay = np.zeros((n, len(exits)))
    path, now, since, waited = np.arange(n), np.full(n, state), np.full(n, start), stayed
    while len(path):
        leave, following = np.full(len(path), np.inf), np.full(len(path), -1)
        for s in np.unique(now):
            here = now == s
            if (leaving := exits[s]) is not None:
                longer, following[here] = leaving.sample(int(here.sum()), waited, rng)
                leave[here] = since[here] + longer
            np.add.at(flow[:, s], np.searchsorted(times, since[here], side="left"), 1)
            np.add.at(flow[:, s], np.searchsorted(times, leave[here], side="left"), -1)
        stay[path, now] += np.minimum(leave, end) - since
        going = (leave <= end) & (following >= 0)
        path, now, since, waited = path[going], following[going], leave[going], 0.0
    share = np.cumsum(flow, axis=0)[:-1] / n
    return Paths(share, stay.mean(axis=0), stay.var(axis=0))
