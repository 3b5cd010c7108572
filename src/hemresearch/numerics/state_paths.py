"""The path of each patient through the states of a process, from the time at which each state was reached."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """Stays of all patients, by patient and time, and what was unusual.

    `row` is the patient; a stay (entry, time] in `state` ends by a move to `next_state`, -1 for none. Per
    patient: `tied` (two states of the path reached at one time), `broken` (tied, and no direct move to the
    later one), `late` (a state reached after another that could follow was no longer looked for), `unseen`
    (no known end of the last stay); `visited` per patient and state.
    """

    row: np.ndarray
    state: np.ndarray
    entry: np.ndarray
    time: np.ndarray
    next_state: np.ndarray
    tied: np.ndarray
    broken: np.ndarray
    late: np.ndarray
    unseen: np.ndarray
    visited: np.ndarray


def follow_paths(
    adjacency: np.ndarray,
    begins_in: np.ndarray,
    entry: np.ndarray,
    reached: np.ndarray,
    known_until: np.ndarray,
    *,
    offset: float | None,
    skip: bool,
) -> Paths:
    """Move everybody at once, step by step, to the earliest state that can follow.

    `reached` has a time for each patient and state, infinite where it was not reached; `known_until` the time
    up to which that is known. A state reached at the time of the one before is reached by `offset` later, or
    replaces it (`skip`).
    """
    walk = _Walk(adjacency, begins_in, entry, known_until)
    active = np.arange(len(entry))
    while len(active):
        can_follow = adjacency[walk.state[active]] & ~walk.visited[active]
        can_follow &= reached[active] >= walk.reached_at[active, None]
        time = np.where(can_follow, reached[active], np.inf).min(axis=1, initial=np.inf)
        moves = np.isfinite(time)
        walk.end(active[~moves])
        active, time = active[moves], time[moves]
        target, several = _source(can_follow[moves] & (reached[active] == time[:, None]), adjacency)
        walk.tied[active] |= several | (time == walk.reached_at[active])
        walk.move(active, time, target, offset, skip)
    return walk.paths()


def _source(tied: np.ndarray, adjacency: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of the states reached together, the first that no other leads to; and whether there are several."""
    several = tied.sum(axis=1) > 1
    led_to = (tied.astype(np.intp) @ adjacency.astype(np.intp)) > 0
    sources = tied & ~led_to
    choice = np.where(sources.any(axis=1, keepdims=True), sources, tied)
    return choice.argmax(axis=1), several


@dataclass(slots=True, eq=False)
class _Walk:
    """Where everybody is: in `state` since `since`, reached at `reached_at` before any offset.

    `pending` is the last stay of each patient, written down once the next one has a length.
    """

    adjacency: np.ndarray
    state: np.ndarray
    since: np.ndarray
    known_until: np.ndarray
    reached_at: np.ndarray = field(init=False)
    visited: np.ndarray = field(init=False)
    tied: np.ndarray = field(init=False)
    broken: np.ndarray = field(init=False)
    late: np.ndarray = field(init=False)
    unseen: np.ndarray = field(init=False)
    pending: dict[str, np.ndarray] = field(init=False)
    written: list[dict[str, np.ndarray]] = field(default_factory=list)

    def __post_init__(self) -> None:
        n = len(self.state)
        self.state, self.since = self.state.copy(), self.since.astype(float)
        self.reached_at = self.since.copy()
        self.visited = np.zeros((n, len(self.adjacency)), dtype=bool)
        self.visited[np.arange(n), self.state] = True
        self.tied, self.broken, self.late, self.unseen = (np.zeros(n, dtype=bool) for _ in range(4))
        self.pending = {
            "state": np.full(n, -1), "entry": np.zeros(n), "time": np.zeros(n), "next_state": np.full(n, -1)
        }  # fmt: skip

    def move(
        self, who: np.ndarray, time: np.ndarray, target: np.ndarray, offset: float | None, skip: bool
    ) -> None:
        """Move patients to their next state at a time; `late` if another state was not followed as long."""
        before = self.since[who]
        at = np.where(time > before, time, before + (offset or 0.0))
        self.late[who] |= time > self._followed_until(who)
        replaces = (time == self.reached_at[who]) & skip
        one, other = who[replaces], target[replaces]
        last = self.pending["state"][one]
        self.broken[one] |= (last >= 0) & ~self.adjacency[last, other]
        self.pending["next_state"][one] = other
        stayed = who[~replaces]
        self._write(stayed)
        values = (self.state[stayed], before[~replaces], at[~replaces], target[~replaces])
        for name, value in zip(self.pending, values, strict=True):
            self.pending[name][stayed] = value
        self.state[who], self.since[who], self.reached_at[who] = target, at, time
        self.visited[who, target] = True

    def end(self, who: np.ndarray) -> None:
        """Write the last stays down: censored where the state can be left."""
        self._write(who)
        stays = who[self.adjacency[self.state[who]].any(axis=1)]
        until = self._followed_until(stays)
        self.unseen[stays] = ~np.isfinite(until)
        long = until > self.since[stays]
        last = stays[long]
        self.written.append(
            {"row": last, "state": self.state[last], "entry": self.since[last], "time": until[long],
             "next_state": np.full(len(last), -1)}
        )  # fmt: skip

    def paths(self) -> Paths:
        """What was written down, by patient and time."""
        stays = {name: np.concatenate([part[name] for part in self.written]) for name in self.written[0]}
        order = np.argsort(stays["row"], kind="stable")
        return Paths(
            **{name: values[order] for name, values in stays.items()}, tied=self.tied, broken=self.broken,
            late=self.late, unseen=self.unseen, visited=self.visited,
        )  # fmt: skip

    def _followed_until(self, who: np.ndarray) -> np.ndarray:
        """The earliest time up to which a state that can follow is known not to be reached."""
        known = np.where(self.adjacency[self.state[who]], self.known_until[who], np.inf)
        return known.min(axis=1, initial=np.inf)

    def _write(self, who: np.ndarray) -> None:
        have = who[self.pending["state"][who] >= 0]
        self.written.append({"row": have} | {name: values[have] for name, values in self.pending.items()})
