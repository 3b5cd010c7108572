"""The states of a process and the moves between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..curves import Result
from ..errors import DataError
from ..options import Missing, nearest
from ..outcomes_multistate import Stays, read_multistate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from ..columns import Column

EXAMPLE = 'Transitions({"transplant": ["recovery", "death"], "recovery": ["death"]})'


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Transitions(Result):
    """The states of a process and the moves that are possible between them.

    A state that nobody leaves (absorbing) need not be a key. The states have the order of the keys, then of
    the absorbing states as they are met; the moves are numbered from 1, row by row of the matrix, as in R's
    mstate. States may be left and entered again.

    Parameters
    ----------
    moves
        For each state, the states that can follow it.

    Attributes
    ----------
    states
        Names of the states.
    moves
        (from, to) of each move, in the order of their numbers.

    Raises
    ------
    DataError
        For names that are not text, a state that leads to itself, a move that is named twice, and no move
        at all.

    Examples
    --------
    >>> illness_death = Transitions(
    ...     {"transplant": ["recovery", "relapse or death"], "recovery": ["relapse or death"]}
    ... )
    >>> illness_death
    Transitions: 3 states, 3 moves
      1: transplant → recovery
      2: transplant → relapse or death
      3: recovery → relapse or death
    >>> illness_death.initial, illness_death.absorbing
    (('transplant',), ('relapse or death',))
    """

    states: tuple[str, ...]
    moves: tuple[tuple[str, str], ...]

    def __init__(self, moves: Mapping[str, Sequence[str]]) -> None:
        given = {state: _checked(state, targets) for state, targets in _as_dict(moves).items()}
        states = tuple(dict.fromkeys([*given, *(to for targets in given.values() for to in targets)]))
        pairs = tuple((one, to) for one in states for to in states if to in given.get(one, ()))
        if not pairs:
            raise _refusal("no state leads to another")
        object.__setattr__(self, "states", states)
        object.__setattr__(self, "moves", pairs)

    @property
    def absorbing(self) -> tuple[str, ...]:
        """The states that nobody leaves."""
        left = {one for one, _ in self.moves}
        return tuple(state for state in self.states if state not in left)

    @property
    def initial(self) -> tuple[str, ...]:
        """The states that nobody moves into."""
        entered = {to for _, to in self.moves}
        return tuple(state for state in self.states if state not in entered)

    @property
    def state_type(self) -> pl.Enum:
        """The type of columns of states, which keeps their order."""
        return pl.Enum(self.states)

    def number(self, from_state: str, to_state: str) -> int:
        """The number of a move, from 1."""
        if (from_state, to_state) in self.moves:
            return 1 + self.moves.index((from_state, to_state))
        raise DataError(
            f"{from_state!r} → {to_state!r} is no move of the transitions",
            argument="to_state",
            expected=f"a move such as {self.moves[0]!r}",
            remedy="transitions.to_frame() to see them",
        )

    def place(self, state: Any, *, argument: str) -> int:
        """The place of a state among the states, from 0."""
        if state in self.states:
            return self.states.index(state)
        near = nearest(str(state), self.states, 1) or list(self.states)
        raise DataError(
            f"{state!r} is not a state",
            argument=argument,
            expected=f"one of {', '.join(map(repr, self.states))}",
            remedy=f"{argument}={near[0]!r}",
        )

    def adjacency(self) -> np.ndarray:
        """Whether a move leads from the state of the row to that of the column."""
        matrix = np.zeros((len(self.states), len(self.states)), dtype=bool)
        for one, to in self.moves:
            matrix[self.states.index(one), self.states.index(to)] = True
        return matrix

    def to_frame(self) -> pl.DataFrame:
        """One row per move: `transition` (its number), `from_state`, `to_state`."""
        return pl.DataFrame(
            {
                "transition": range(1, len(self.moves) + 1),
                "from_state": [one for one, _ in self.moves],
                "to_state": [to for _, to in self.moves],
            },
            schema_overrides={"from_state": self.state_type, "to_state": self.state_type},
        )

    def matrix(self) -> pl.DataFrame:
        """The numbers of the moves: a row for each state left, a column for each state entered."""
        numbers: dict[str, list[Any]] = {
            to: [self.number(one, to) if (one, to) in self.moves else None for one in self.states]
            for to in self.states
        }
        first = pl.Series("from_state", self.states, dtype=self.state_type)
        return pl.DataFrame([first, *(pl.Series(k, v, dtype=pl.Int64) for k, v in numbers.items())])

    def counts(
        self,
        rows: Any,
        *,
        id: Column = "id",
        from_state: Column = "from_state",
        to_state: Column = "to_state",
        entry: Column = "entry",
        time: Column = "time",
        event: Column = "event",
        missing: Missing = "raise",
    ) -> pl.DataFrame:
        """How often each move was made, of all stays in its state.

        Parameters
        ----------
        rows
            Rows as `from_wide` or `from_rows` make them; the other arguments name their columns.

        Returns
        -------
        polars.DataFrame
            `from_state`, `to_state` (null: the stay ended without a move), `n` (how often the state was begun
            in or moved into), `n_event` and its `proportion` of them.

        Examples
        --------
        >>> import hemresearch as hem
        >>> mgus = hem.data.load("mgus2")
        >>> model = Transitions({"MGUS": ["malignancy", "death"], "malignancy": ["death"]})
        >>> rows = hem.multistate.from_wide(
        ...     mgus, model, id="id", same_time=0.5,
        ...     times={"malignancy": "ptime", "death": "futime"},
        ...     events={"malignancy": "pstat", "death": "death"},
        ... )
        >>> model.counts(rows).select("from_state", "to_state", "n", "n_event").rows()[:3]
        [('MGUS', 'malignancy', 1384, 115), ('MGUS', 'death', 1384, 860), ('MGUS', None, 1384, 409)]
        """
        y = read_multistate(
            rows, self, id=id, from_state=from_state, to_state=to_state, entry=entry, time=time,
            event=event, missing=missing,
        )  # fmt: skip
        stays, size = y.stays(), len(self.states)
        made = np.zeros((size, size + 1), dtype=np.int64)
        np.add.at(made, (stays.state, stays.next_state), 1)
        entered = _entered(stays, made[:, :size])
        made[:, size] = entered - made[:, :size].sum(axis=1)
        pairs = [*self.moves, *((state, None) for state in self.states)]
        pairs.sort(key=lambda pair: self.states.index(pair[0]))
        place = {state: i for i, state in enumerate(self.states)} | {None: size}
        return pl.DataFrame(
            {
                "from_state": [one for one, _ in pairs],
                "to_state": [to for _, to in pairs],
                "n": [int(entered[place[one]]) for one, _ in pairs],
                "n_event": [int(made[place[one], place[to]]) for one, to in pairs],
            },
            schema_overrides={"from_state": self.state_type, "to_state": self.state_type},
        ).with_columns(proportion=(pl.col("n_event") / pl.col("n")).fill_nan(None))

    def plot(self, rows: Any = None, ax: Axes | None = None, *, id: Column = "id", **options: Any) -> Axes:
        """Draw the states and moves, with their counts in `rows` (rows, or what `counts` gave).

        `id` is the patient in `rows`. See `hem.plots.draw_transitions` for the options.
        """
        from ..plots import draw_transitions

        if rows is None:
            return draw_transitions(self.to_frame(), ax=ax, **options)
        known = set(getattr(rows, "columns", ()))
        counts = rows if {"n_event", "proportion"} <= known else self.counts(rows, id=id)
        return draw_transitions(counts, ax=ax, **options)

    def __repr__(self) -> str:
        lines = [f"  {k}: {one} → {to}" for k, (one, to) in enumerate(self.moves, start=1)]
        return "\n".join([f"Transitions: {len(self.states)} states, {len(self.moves)} moves", *lines])


def _entered(stays: Stays, made: np.ndarray) -> np.ndarray:
    """How often each state was begun in or moved into, also on the last day, when no stay follows."""
    assert stays.patient is not None
    moved = np.append(False, (np.diff(stays.patient) == 0) & stays.event[:-1])
    begun = np.bincount(stays.state[~moved], minlength=len(made))
    return np.asarray(begun + made.sum(axis=0))


def _as_dict(moves: Any) -> dict[Any, Any]:
    if hasattr(moves, "items"):
        return dict(moves)
    raise _refusal(f"a {type(moves).__name__} was given")


def _checked(state: Any, targets: Any) -> tuple[str, ...]:
    """The states that can follow a state, as texts."""
    one = [targets] if isinstance(targets, str) else targets
    if not isinstance(one, list | tuple) or not all(isinstance(t, str) and t for t in (state, *one)):
        raise _refusal("a state or what follows it is not text")
    if state in one:
        raise _refusal(f"{state!r} leads to itself")
    if len(set(one)) < len(one):
        raise _refusal(f"a move from {state!r} is named twice")
    return tuple(one)


def _refusal(found: str) -> DataError:
    return DataError(
        found,
        argument="moves",
        expected="for each state, a list of the states that can follow it, all of them texts",
        remedy=EXAMPLE,
    )
