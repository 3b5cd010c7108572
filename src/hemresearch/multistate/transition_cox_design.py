"""Which covariate acts on which moves: the design of one regression for all moves of a process.

Beside the covariates as they are, a design has blocks: a term and the moves on which it has one effect. The
columns of a block hold the term in the rows of its moves and 0 in the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from ..design import Design
from ..errors import DataError, counted, listed
from ..options import suggestion

if TYPE_CHECKING:
    import polars as pl

    from ..outcomes_multistate import Model

Move: TypeAlias = "str | tuple[str, str]"
ARROW = " → "


@dataclass(frozen=True, slots=True)
class Block:
    """A term of the covariates and the moves (by their place, from 0) on which it has one effect."""

    term: str
    moves: tuple[int, ...]
    label: str

    @property
    def name(self) -> str:
        """`age: transplant → death`, or `age` where it has one effect on all moves."""
        return named(self.term, self.label)


@dataclass(frozen=True, slots=True)
class Ratio:
    """A move whose baseline hazard is that of another move times a ratio."""

    move: int
    reference: int
    name: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TransitionDesign(Design):
    """The design of all moves: blocks of the covariates of `base`, then the ratios between baselines.

    `move` is the place of each row's move.
    """

    base: Design
    blocks: tuple[Block, ...]
    ratios: tuple[Ratio, ...]
    move: np.ndarray

    def of_moves(self, x: np.ndarray, move: np.ndarray) -> np.ndarray:
        """All columns, from those of the covariates, for rows of some moves."""
        return _expanded(self.base, self.blocks, self.ratios, x, move)

    def acts(self, term: str) -> np.ndarray:
        """The rows in which a term has an effect."""
        moves = {b.name: b.moves for b in self.blocks} | {r.name: (r.move, r.reference) for r in self.ratios}
        return np.isin(self.move, moves[term])

    def apply_evaluated(self, values: pl.DataFrame, *, argument: str = "new_data") -> np.ndarray:
        """Refused: what a row of covariates means depends on the move."""
        raise DataError(
            "the effect of a covariate depends on the move, so a row of covariates alone has no linear "
            "predictor",
            argument=argument,
            expected="a question about one move, or about probabilities",
            remedy="contrast(fit.of_move((from_state, to_state)), ...), or fit.predict(new_data)",
        )

    def bends(self) -> dict[str, np.ndarray]:
        """The contrasts of spline terms, for each block of theirs."""
        bends = self.base.bends()
        return {block.name: bends[block.term] for block in self.blocks if block.term in bends}


def transition_design(
    base: Design, move: np.ndarray, blocks: tuple[Block, ...], ratios: tuple[Ratio, ...]
) -> TransitionDesign:
    """The design of the blocks and ratios, for rows of the moves."""
    columns: list[str] = []
    terms: dict[str, slice] = {}
    for block in blocks:
        names = base.columns[base.terms[block.term]]
        terms[block.name] = slice(len(columns), len(columns) + len(names))
        columns += [named(name, block.label) for name in names]
    for ratio in ratios:
        terms[ratio.name] = slice(len(columns), len(columns) + 1)
        columns.append(ratio.name)
    coded = dict(zip(base.terms, base.parts, strict=True))
    shared = {f.name: getattr(base, f.name) for f in fields(Design)} | {
        "matrix": _expanded(base, blocks, ratios, base.matrix, move),
        "columns": tuple(columns),
        "terms": terms,
        "parts": (*(coded[block.term] for block in blocks), *(() for _ in ratios)),
    }
    return TransitionDesign(**shared, base=base, blocks=blocks, ratios=ratios, move=move)


def _expanded(
    base: Design, blocks: tuple[Block, ...], ratios: tuple[Ratio, ...], x: np.ndarray, move: np.ndarray
) -> np.ndarray:
    parts = [x[:, base.terms[b.term]] * np.isin(move, b.moves)[:, None] for b in blocks]
    parts += [(move == r.move).astype(float)[:, None] for r in ratios]
    return np.ascontiguousarray(np.concatenate(parts, axis=1)) if parts else np.empty((len(move), 0))


def named(name: str, label: str) -> str:
    """A term or column with the moves it acts on."""
    return f"{name}: {label}" if label else name


def labelled(move: tuple[str, str]) -> str:
    """`transplant → death`."""
    return ARROW.join(move)


def place_of(model: Model, move: Any, argument: str) -> int:
    """The place of a move, given as (from, to) or as "from → to"."""
    names = [labelled(one) for one in model.moves]
    pair = isinstance(move, tuple) and len(move) == 2
    name = labelled((str(move[0]), str(move[1]))) if pair else str(move)
    if name in names:
        return names.index(name)
    raise DataError(
        f"{move!r} is no move of the transitions",
        argument=argument,
        expected=f"a move as (from_state, to_state); {suggestion(name, names)}",
        remedy=f"{model.moves[0]!r}",
    )


def read_blocks(model: Model, base: Design, shared: Any, only: Any) -> tuple[Block, ...]:
    """The blocks of all terms: one for each move, unless they share their effect."""
    acting = _acting(model, base, only)
    groups = _sharing(model, base, shared)
    blocks = []
    for term in base.terms:
        moves = acting.get(term, tuple(range(len(model.moves))))
        blocks += _blocks(model, term, moves, groups.get(term, ()))
    return tuple(blocks)


def _blocks(
    model: Model, term: str, moves: tuple[int, ...], groups: Sequence[tuple[int, ...]]
) -> list[Block]:
    """Where groups share an effect, one block for each; the others alone."""
    found: list[Block] = []
    for move in moves:
        group = next((g for g in groups if move in g), (move,))
        together = tuple(m for m in group if m in moves)
        if together[0] == move:
            everywhere = len(together) == len(moves) > 1
            label = ", ".join(labelled(model.moves[m]) for m in together)
            found.append(Block(term, together, "" if everywhere else label))
    return found


def _acting(model: Model, base: Design, only: Any) -> dict[str, tuple[int, ...]]:
    """The moves that each term of `only` acts on."""
    if only is None:
        return {}
    what = 'only={"age": [(from_state, to_state)]}'
    if not isinstance(only, Mapping):
        raise _unreadable("only", only, "a dictionary from terms to lists of moves", what)
    return {
        _term(base, term, "only"): tuple(sorted(set(_group(model, moves, "only", what))))
        for term, moves in only.items()
    }


def _sharing(model: Model, base: Design, shared: Any) -> dict[str, list[tuple[int, ...]]]:
    """The groups of moves on which each term has one effect."""
    if shared is None:
        return {}
    what = 'shared=["age"], or shared={"age": [(from_state, to_state), ...]}'
    every = tuple(range(len(model.moves)))
    if isinstance(shared, Mapping):
        return {
            _term(base, term, "shared"): [tuple(sorted(g)) for g in _groups(model, moves, "shared", what)]
            for term, moves in shared.items()
        }
    if isinstance(shared, str) or not isinstance(shared, Sequence):
        raise _unreadable("shared", shared, "a list of terms, or a dictionary from terms to moves", what)
    return {_term(base, term, "shared"): [every] for term in shared}


def read_ratios(model: Model, proportional: Any) -> tuple[tuple[Ratio, ...], np.ndarray]:
    """The ratios between proportional baselines; and for each move the one whose baseline it has."""
    baseline = np.arange(len(model.moves))
    if proportional is None:
        return (), baseline
    what = "proportional=[(from_state, to_state), (other_state, to_state)]"
    ratios = []
    for group in _groups(model, proportional, "proportional", what):
        for move in group[1:]:
            baseline[move] = group[0]
            pair = f"{labelled(model.moves[move])} against {labelled(model.moves[group[0]])}"
            ratios.append(Ratio(move, group[0], pair))
    return tuple(ratios), baseline


def _groups(model: Model, given: Any, argument: str, what: str) -> list[tuple[int, ...]]:
    """One group of moves, or a list of groups, each of at least two moves and no move twice."""
    nested = isinstance(given, list) and bool(given) and all(isinstance(one, list) for one in given)
    groups = [_group(model, group, argument, what) for group in (given if nested else [given])]
    every = [move for group in groups for move in group]
    if len(set(every)) < len(every) or min(map(len, groups)) < 2:
        raise DataError(
            "names a move twice" if len(set(every)) < len(every) else "has a group of a single move",
            argument=argument,
            expected="groups of two or more moves, each move in one of them",
            remedy=what,
        )
    return groups


def _group(model: Model, given: Any, argument: str, what: str) -> tuple[int, ...]:
    if not isinstance(given, list) or not given:
        raise _unreadable(argument, given, "a list of moves", what)
    return tuple(place_of(model, move, argument) for move in given)


def _term(base: Design, term: Any, argument: str) -> str:
    if isinstance(term, str) and term in base.terms:
        return term
    raise DataError(
        f"{term!r} is no term of the covariates",
        argument=argument,
        expected=f"a term of the formula; {suggestion(str(term), base.terms)}",
        remedy=f"{argument}={{{next(iter(base.terms), 'age')!r}: [...]}}",
    )


def _unreadable(argument: str, given: Any, expected: str, remedy: str) -> DataError:
    return DataError(
        f"a {type(given).__name__} was given", argument=argument, expected=expected, remedy=remedy
    )


def refuse_empty_blocks(model: Model, design: TransitionDesign, event: np.ndarray) -> None:
    """Refuse an effect on moves that never happen, or on which its covariate is the same for all."""
    n_event = np.bincount(design.move[event], minlength=len(model.moves))
    for block in design.blocks:
        if not n_event[list(block.moves)].any():
            raise _nothing_known(
                block, f"{listed(labelled(model.moves[m]) for m in block.moves)} never happens"
            )
        values = design.base.matrix[np.isin(design.move, block.moves), design.base.terms[block.term]]
        if not (values != values[0]).any(axis=0).all():
            raise _nothing_known(
                block, "the covariate (or a level of it) is the same in all rows of the move"
            )
    for ratio in design.ratios:
        if not n_event[ratio.move] or not n_event[ratio.reference]:
            raise DataError(
                f"{ratio.name} compares with a move that never happens",
                argument="proportional",
                expected=f"moves that happen ({counted(int((n_event > 0).sum()), 'move')} do)",
                remedy="proportional=None",
            )


def _nothing_known(block: Block, why: str) -> DataError:
    return DataError(
        f"nothing can be said of {block.name!r}: {why}",
        argument="covariates",
        expected="covariates that differ between patients of each move they act on, and moves that happen",
        remedy=f"only={{{block.term!r}: [...]}} with the other moves, or shared=[{block.term!r}]",
    )
