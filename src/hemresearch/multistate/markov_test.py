"""A test of the Markov property of a multi-state process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from .. import formats
from ..errors import DataError, counted, listed
from ..numerics.markov_test import comparisons, wild_bootstrap
from ..options import Missing, check_choice, check_number, check_times
from ..outcomes_multistate import Stays, read_multistate
from ..results import HypothesisTest

if TYPE_CHECKING:
    from ..columns import Column
    from .transitions import Transitions

Statistic = Literal["mean", "max"]
DEFAULT_TIMES = np.arange(0.05, 0.91, 0.05)  # quantiles of the times of all moves


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MarkovTest(HypothesisTest):
    """A test of the Markov property, with the comparison at each time that it is made of.

    Attributes
    ----------
    trace
        One row per state and time s: `state`, `time`, `statistic`, the standardised difference in the hazard
        of the move after s between those who were in the state at s and the others; positive if theirs is
        higher.
    """

    trace: pl.DataFrame = field(default_factory=pl.DataFrame, repr=False)

    def text(self) -> str:
        """A sentence: `Markov test of ill → dead: statistic 1.21, p=0.26`."""
        return f"{self.name}: statistic {formats.number(self.statistic)}, {formats.p_value(self.p_value)}"

    def methods(self) -> str:
        """A sentence for the methods section: the hypothesis and its test, the same for all moves."""
        return (
            "The Markov property was tested move by move, by comparing those at risk by the state that they "
            f"were in before ({self.method})."
        )


def markov_test(
    data: Any,
    transitions: Transitions,
    *,
    move: tuple[str, str],
    times: Any = None,
    statistic: Statistic = "mean",
    n_bootstrap: int = 1000,
    seed: int = 0,
    id: Column = "id",
    from_state: Column = "from_state",
    to_state: Column = "to_state",
    entry: Column = "entry",
    time: Column = "time",
    event: Column = "event",
    missing: Missing = "raise",
) -> MarkovTest:
    """Whether the hazard of a move depends on the past beyond the present state and time.

    At each of a grid of times s, those at risk for the move later are compared, by a log-rank statistic, by
    the state they were in at s. If the process is Markov, that tells nothing about moves after s. The
    statistics of all s are combined by their mean or maximum, and p-values are found by a wild bootstrap.

    Parameters
    ----------
    data
        Rows of stays and possible moves, as `from_wide` and `from_rows` make them.
    transitions
        The states and moves.
    move
        The move (from, to) whose hazard is tested.
    times
        The times s; by default the 5 %, 10 %, ... 90 % quantiles of the times of all moves.
    statistic
        "mean" (of |Z(s)| for a state, of chi-squared(s) for all) or "max".
    n_bootstrap
        Repetitions of the bootstrap.
    seed
        Of the random multipliers.
    id, from_state, to_state, entry, time, event
        The columns of the rows, by default as those functions name them.
    missing
        "raise" names what is missing; "drop" leaves those rows out and counts them.

    Returns
    -------
    MarkovTest
        The test of all states together; `.to_frame()` has it (`state` "any") and that of each state,
        `.trace` the comparison at each s.

    Raises
    ------
    DataError
        A move that the transitions do not have or that nobody makes; times after which there is nothing to
        compare; rows that are no paths.

    Notes
    -----
    Each move is multiplied by an independent Poisson(1) variable minus 1; p = (1 + repetitions at least as
    extreme) / (1 + repetitions). Delayed entry is allowed: at s only those under observation then count.
    Where a p-value is small, transition probabilities are better estimated by the landmark Aalen-Johansen
    estimator, or regression given `entry` into the state as a covariate.

    References
    ----------
    Titman AC, Putter H. Biostatistics 2022;23:380-396.

    Examples
    --------
    >>> import hemresearch as hem
    >>> patients = hem.data.load("ebmt3")
    >>> model = hem.multistate.Transitions(
    ...     {"transplant": ["recovery", "relapse or death"], "recovery": ["relapse or death"]}
    ... )
    >>> rows = hem.multistate.from_wide(
    ...     patients,
    ...     model,
    ...     id="id",
    ...     times={"recovery": "prtime", "relapse or death": "rfstime"},
    ...     events={"recovery": "prstat", "relapse or death": "rfsstat"},
    ... )
    >>> hem.multistate.markov_test(rows, model, move=("recovery", "relapse or death"))
    Markov test of recovery → relapse or death: statistic 1.209, p 0.2597
      state=transplant: statistic 0.9336, p 0.2188
      state=recovery: statistic 0.9336, p 0.2188
      state=any: statistic 1.209, p 0.2597
    log-rank at 18 times, mean over times, wild bootstrap (1000 repetitions, seed 0)
    """
    check_choice(statistic, Statistic, argument="statistic")
    _check_whole(n_bootstrap)
    start, stop = _move(transitions, move)
    y = read_multistate(
        data, transitions, id=id, from_state=from_state, to_state=to_state, entry=entry, time=time,
        event=event, missing=missing,
    ).stays()  # fmt: skip
    assert y.entry is not None
    assert y.patient is not None
    moved = y.next_state == stop
    _refuse_unmade(y, start, stop, move)
    at = _grid(y, times)
    c = comparisons(at, y.patient, y.state, y.entry, y.time, moved, start, len(y.states))
    if not np.isfinite(c.z).any():
        raise DataError(
            f"leave nobody to compare: all who are at risk for {_named(move)} later were in one state",
            argument="times",
            expected="times at which those at risk later are in different states",
            remedy="times=None for a grid over all moves, or transitions with a state before this one",
        )
    rng = np.random.default_rng(seed)
    n = int(n_bootstrap)
    value, p = wild_bootstrap(c, largest=statistic == "max", n_bootstrap=n, rng=rng)
    return MarkovTest(
        name=f"Markov test of {_named(move)}",
        statistic=float(value[-1]),
        df=None,
        p_value=float(p[-1]),
        method=f"log-rank at {counted(len(at), 'time')}, {statistic} over times, wild bootstrap "
        f"({n} repetitions, seed {seed})",
        frame=_frame(y.states, value, p),
        n=len(np.unique(y.patient)),
        n_dropped=y.n_dropped,
        trace=_trace(y.states, at, c.z),
    )


def _named(move: tuple[str, str]) -> str:
    return f"{move[0]} → {move[1]}"


def _check_whole(n_bootstrap: Any) -> None:
    what = "a whole number of repetitions, 99 or more"
    n = check_number(n_bootstrap, argument="n_bootstrap", at_least=99, expected=what, example=1000)
    if n != int(n):
        raise DataError(
            f"{n_bootstrap!r} was given", argument="n_bootstrap", expected=what, remedy="n_bootstrap=1000"
        )


def _move(transitions: Transitions, move: Any) -> tuple[int, int]:
    """The places of the two states of a move."""
    if not isinstance(move, tuple | list) or tuple(move) not in transitions.moves:
        known = [_named(one) for one in transitions.moves]
        raise DataError(
            f"{move!r} is not a move of the transitions",
            argument="move",
            expected=f"one of {listed(known, 8)}",
            remedy=f"move={transitions.moves[-1]!r}",
        )
    return transitions.states.index(move[0]), transitions.states.index(move[1])


def _refuse_unmade(y: Stays, start: int, stop: int, move: tuple[str, str]) -> None:
    if not ((y.state == start) & (y.next_state == stop)).any():
        raise DataError(
            f"{_named(move)} is made by nobody",
            argument="move",
            expected="a move that happens in the data",
            remedy="transitions.counts(data), which counts the moves",
        )


def _grid(y: Stays, times: Any) -> np.ndarray:
    """The times at which patients are compared, in order."""
    if times is not None:
        return np.unique(check_times(times))
    return np.unique(np.quantile(y.time[y.event], DEFAULT_TIMES))


def _frame(states: tuple[str, ...], value: np.ndarray, p: np.ndarray) -> pl.DataFrame:
    known = np.isfinite(value)
    labels = np.array([*states, "any"])
    return pl.DataFrame({"state": labels[known], "statistic": value[known], "p_value": p[known]})


def _trace(states: tuple[str, ...], at: np.ndarray, z: np.ndarray) -> pl.DataFrame:
    frame = pl.DataFrame(
        {"state": np.repeat(states, len(at)), "time": np.tile(at, len(states)), "statistic": z.T.ravel()}
    )
    return frame.with_columns(pl.col("statistic").fill_nan(None)).drop_nulls()
