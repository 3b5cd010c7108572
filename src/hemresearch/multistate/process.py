"""What the estimators without covariates share: counts of a group, probabilities and their variance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from ..errors import DataError, warn
from ..numerics.aalen_johansen import (
    HazardVariance,
    MoveTimes,
    StateCounts,
    aalen_hazards,
    at_first,
    count_states,
    greenwood_hazards,
    markov_variance,
    move_times,
    state_probabilities,
)
from ..numerics.intervals import probability_limits
from ..numerics.state_jackknife import jackknife_variance
from ..numerics.ties import as_known
from ..options import check_choice, check_number
from ..outcomes import in_order, require_whole_weights
from ..survival.curve import counts_frame, group_size, split_groups, warn_if_one_cluster

if TYPE_CHECKING:
    from ..outcomes_multistate import Stays
    from .transitions import Transitions

StateVariance = Literal["ij", "greenwood", "aalen"]
NAMES = {"ij": "robust", "greenwood": "greenwood", "aalen": "Aalen"}
HAZARDS: dict[str, Callable[[MoveTimes, np.ndarray], HazardVariance]] = {
    "greenwood": greenwood_hazards,
    "aalen": aalen_hazards,
}
METHOD = "Aalen-Johansen"
EMPTIED = 1 - 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Process:
    """The stays of one group, counted."""

    model: Transitions
    stays: Stays
    counts: StateCounts

    def owners(self) -> np.ndarray:
        """Whose stays belong together: those of a cluster, else of a patient."""
        owner = self.stays.patient if self.stays.cluster is None else self.stays.cluster
        assert owner is not None
        return (np.cumsum(np.bincount(owner) > 0) - 1)[owner]

    def from_time(self, start_time: float) -> Process:
        """Those under observation just after a time, and what happens after it."""
        stays = self.stays.take(self.stays.time > start_time)
        return replace(self, stays=stays, counts=self.counts.after(start_time))

    def of_those_in(self, state: int, start_time: float) -> Process:
        """Only patients who are in a state at a time, and what happens to them after it."""
        stays, patient = self.stays, self.stays.patient
        assert patient is not None
        assert stays.entry is not None
        there = (stays.state == state) & (stays.entry <= start_time) & (stays.time > start_time)
        if not there.any():
            raise DataError(
                f"nobody{of_group(stays)} is seen in {self.model.states[state]!r} at {start_time:g}",
                argument="start_time",
                expected="a landmark at which somebody is in the state",
                remedy='method="markov", which takes all who are in the state later',
            )
        chosen = np.zeros(int(patient.max()) + 1, dtype=bool)
        chosen[patient[there]] = True
        kept = stays.take(chosen[patient] & (stays.time > start_time))
        assert kept.entry is not None
        return process_of(self.model, replace(kept, entry=np.maximum(kept.entry, start_time)))

    def variance(
        self, moves: MoveTimes, probability: np.ndarray, kind: str, *, estimated_start: bool
    ) -> np.ndarray:
        """The variance of probabilities of states, at the start and after each time with moves."""
        if kind == "ij":
            y = self.stays
            assert y.entry is not None
            warn_if_one_cluster(y, self.owners(), 'variance="greenwood"')
            return jackknife_variance(
                moves, probability, y.state, y.next_state, y.entry, y.time, y.weight, self.owners(),
                estimated_start=estimated_start,
            )  # fmt: skip
        start = self.start_covariance(moves, probability[0], estimated_start=estimated_start)
        return markov_variance(moves, start, HAZARDS[kind](moves, probability))

    def start_covariance(self, moves: MoveTimes, start: np.ndarray, *, estimated_start: bool) -> np.ndarray:
        """The covariance of shares of those at risk of the first move, 0 where the start is given."""
        y = self.stays
        assert y.entry is not None
        if not estimated_start:
            return np.zeros((len(start), len(start)))
        there = at_first(moves, y.entry, y.time)
        n = there.sum() if y.weight is None else y.weight[there].sum()
        return np.asarray((np.diag(start) - np.outer(start, start)) / n)


def of_group(stays: Stays) -> str:
    """` of group A` for the stays of one of several groups."""
    return f" of group {stays.group.labels()[int(stays.group.code[0])]!r}" if stays.group.names else ""


def process_of(model: Transitions, stays: Stays) -> Process:
    """The stays of one group with their counts."""
    source, target = (np.array([model.states.index(pair[side]) for pair in model.moves]) for side in (0, 1))
    number = np.full((len(model.states), len(model.states) + 1), -1)
    number[source, target] = np.arange(len(source))
    assert stays.entry is not None
    counts = count_states(
        stays.state, number[stays.state, stays.next_state], stays.entry, stays.time, stays.weight, source,
        target, len(model.states),
    )  # fmt: skip
    return Process(model, stays, counts)


def processes(model: Transitions, stays: Stays) -> list[Process]:
    """The process of each group."""
    return [process_of(model, one) for one in split_groups(stays)]


def checked_state_variance(stays: Stays, variance: str) -> str:
    """The variance asked for; those of a Markov process take weights as numbers of patients."""
    check_choice(variance, StateVariance, argument="variance")
    if variance != "ij":
        require_whole_weights(stays, f"variance={variance!r}", 'variance="ij", which takes any weights')
    return variance


def checked_start_time(stays: Stays, start_time: float) -> float:
    """A time after which every group is still followed."""
    check_number(start_time, argument="start_time", at_least=0, expected="a time of 0 or more", example=60)
    last = [float(stays.time[stays.group.code == g].max()) for g in range(len(stays.group))]
    start_time = float(as_known(np.asarray(start_time), np.unique(stays.time)))
    if min(last) > start_time:
        return start_time
    of = f" of group {stays.group.labels()[int(np.argmin(last))]}" if stays.group.names else ""
    raise DataError(
        f"{start_time:g} is not before the last follow-up{of}, at {min(last):g}, so nothing is seen after it",
        argument="start_time",
        expected="a time before the last follow-up of every group",
        remedy="start_time=0",
    )


def initial_places(model: Transitions, initial: Any) -> list[int]:
    """The places of the states asked for: one, several, or all that can be left (None)."""
    if initial is None:
        return [model.states.index(s) for s in model.states if s not in model.absorbing]
    asked = initial if isinstance(initial, list | tuple) else [initial]
    return [model.place(state, argument="initial") for state in asked]


def state_parts(
    process: Process, moves: MoveTimes, probability: np.ndarray, variance: np.ndarray, start: float,
    conf_type: str, conf_level: float,
) -> list[dict[str, np.ndarray]]:  # fmt: skip
    """The columns of each state's curve: its height at the start, then at each distinct time."""
    counts = process.counts
    held = np.zeros(len(counts.time), dtype=np.intp)
    held[moves.place] = 1
    held, entered = np.cumsum(held), counts.entered()
    begins = counts.time[0] > start
    time = np.append(start, counts.time) if begins else counts.time
    held = np.append(0, held) if begins else held
    parts = []
    for j in range(probability.shape[1]):
        error = np.sqrt(variance[:, j])
        low, high = probability_limits(probability[:, j], error, conf_type, conf_level)
        numbers = {"n_risk": counts.n_risk[:, j], "n_event": entered[:, j], "n_censor": counts.n_censor[:, j]}
        if begins:
            first = {"n_risk": counts.n_risk[0, j], "n_event": 0.0, "n_censor": 0.0}
            numbers = {name: np.append(first[name], values) for name, values in numbers.items()}
        estimate = {"estimate": probability[held, j], "std_error": error[held]}
        parts.append({"time": time, **numbers, **estimate, "conf_low": low[held], "conf_high": high[held]})
    return parts


def key_levels(stays: Stays, keys: pl.DataFrame) -> pl.DataFrame:
    """The labels of each curve: those of its group, then each row of keys."""
    n = len(stays.group)
    repeated = keys[np.tile(np.arange(keys.height), n)]
    if not stays.group.names:
        return repeated
    groups = stays.group.levels[np.repeat(np.arange(n), keys.height)]
    return pl.concat([groups, repeated], how="horizontal")


def curve_counts(
    levels: pl.DataFrame, groups: list[Process], parts: list[dict[str, np.ndarray]]
) -> pl.DataFrame:
    """One row per curve: its labels, the patients of its group, those who came and those censored."""
    each = len(parts) // len(groups)
    return counts_frame(
        levels,
        n=np.repeat([group_size(one.stays) for one in groups], each).tolist(),
        n_event=[part["n_event"].sum() for part in parts],
        n_censor=[part["n_censor"].sum() for part in parts],
    )


def all_counts(groups: list[Process], stays: Stays) -> pl.DataFrame:
    """One row: patients, moves and censorings of all groups together."""
    return counts_frame(
        pl.DataFrame(),
        n=[group_size(stays)],
        n_event=[sum(one.counts.n_move.sum() for one in groups)],
        n_censor=[sum(one.counts.n_censor.sum() for one in groups)],
    )


def warn_if_state_emptied(process: Process) -> None:
    """Say so when all in a state have left it before others enter it late, so that these count for little."""
    y = process.stays
    assert y.patient is not None
    assert y.entry is not None
    order = in_order(y.patient, y.time)
    follows = np.zeros(len(y), dtype=bool)
    follows[order[1:]] = np.diff(y.patient[order]) == 0
    moves = move_times(process.counts)
    left = np.zeros((len(moves), len(process.model.states)))
    np.add.at(left, (np.repeat(np.arange(len(moves)), np.diff(moves.begin)), moves.source), moves.jump)
    for state, name in enumerate(process.model.states):
        emptied = moves.time[left[:, state] >= EMPTIED]
        late = ~follows & (y.state == state)
        if not len(emptied) or not (late & (y.entry >= emptied[0])).any():
            continue
        later = float(y.entry[late & (y.entry >= emptied[0])].min())
        warn(
            f"leaves so few in {name!r} early that all of them have moved on at {emptied[0]:g}, before "
            "others enter in that state (an empty risk set)",
            argument="entry",
            column=y.names["entry"],
            rows=y.positions((y.state == state) & (y.time == emptied[0]) & y.event),
            expected="risk sets that do not empty before the last entry",
            remedy=f"start_time={later:g} for what happens from then on",
        )


def probabilities_from(
    process: Process, start: np.ndarray, variance: str, *, estimated_start: bool
) -> tuple[MoveTimes, np.ndarray, np.ndarray]:
    """The times with moves, and the probabilities of states with their variances."""
    moves = move_times(process.counts)
    probability = state_probabilities(moves, start)
    return moves, probability, process.variance(moves, probability, variance, estimated_start=estimated_start)


def with_facts(stays: Stays, **facts: Any) -> dict[str, Any]:
    """What every result says about the data it came from."""
    return facts | {
        "by": stays.group.names,
        "time": stays.names["time"],
        "event": stays.names["event"],
        "n_dropped": stays.n_dropped,
        "time_unit": stays.time_unit,
    }


def starting_in(model: Transitions, state: int) -> np.ndarray:
    """The probabilities of states of somebody who is in one."""
    return np.eye(len(model.states))[state]
