"""Multi-state diagrams: a box for each state, an arrow for each move, with how many there were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import as_frame
from ..errors import DataError, listed
from ..formats import count, percent
from .curve_lines import axes_mm
from .drawn import check_table
from .figure import figure, record
from .flow import CANVAS_MM, EDGE_MM, PAD_MM, Box, Line, check_height, draw_diagram, emptied, from_corner
from .flow import FONT as NAME_FONT
from .place import HINTED, text_mm, wrapped
from .themes import active
from .transition_layout import FONT, Label, arrange

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from .flow import Diagram

NEEDED = ("from_state", "to_state")
NAMES_MM = (30.0, 24.0, 19.0, 15.0)  # widths of boxes that are tried, the widest first
EXAMPLE = "hem.multistate.Transitions({'transplant': ['recovery']}).to_frame()"
ABSORBING = "0.93"  # the shade of states that nobody leaves


def draw_transitions(
    transitions: Any,
    *,
    states: Any = None,
    ax: Axes | None = None,
    labels: Mapping[str, str] | None = None,
    shares: bool = True,
    width: float | None = None,
) -> Axes:
    """Draw states as boxes and moves between them as arrows, with how many were in each and made each.

    States stand from left to right in the order in which they can be reached; those that nobody leaves are
    shaded. Arrows run between the boxes, never through one; states that can be left and entered again are
    joined by two arrows.

    Parameters
    ----------
    transitions
        A tidy frame with `from_state` and `to_state`, one row per move; and, if it has them, how often it was
        made (`n_event`) and how many were in the state that it leaves (`n`), as `Transitions.counts` gives
        them. Rows without a `to_state` are those who made no move.
    states
        A frame with `state` and `n`, for the numbers in the boxes; default those of `transitions`.
    ax
        Axes to draw into, of at least the size that the diagram needs; default a new figure.
    labels
        Other names for states.
    shares
        Whether to write, after the number of a move, its percentage of those who were in the state.
    width
        Width of a new figure in mm; default that of the theme, or what the diagram needs if that is more.

    Returns
    -------
    Axes
        The axes, without frame and ticks; its figure prints every box and every move as text.

    Raises
    ------
    DataError
        A frame without the columns named above or without moves, a move that stands in it twice or leads to
        where it begins, labels of no state, and axes or a width that are too small for the text.

    References
    ----------
    Putter H, Fiocco M, Geskus RB. Tutorial in biostatistics: competing risks and multi-state models. Stat Med
    2007;26:2389-430.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> moves = pl.DataFrame({
    ...     "from_state": ["transplant", "transplant", "recovery"],
    ...     "to_state": ["recovery", "death", "death"],
    ...     "n": [2204, 2204, 1169], "n_event": [1169, 458, 383],
    ... })
    >>> ax = hem.plots.draw_transitions(moves)
    >>> print(hem.plots.fingerprint(ax))
    3 states, 3 moves
      transplant n=2,204
      recovery n=1,169
      death
      transplant → recovery: 1,169 (53.0%)
      transplant → death: 458 (20.8%)
      recovery → death: 383 (32.8%)
      text: transplant | n=2,204 | recovery | n=1,169 | death | 458 (20.8%) | 1,169 (53.0%) | 383 (32.8%)
    >>> import matplotlib.pyplot as plt
    >>> plt.close(ax.figure)
    """
    frame = as_frame(transitions).lazy().collect()
    check_table(frame, NEEDED, "transitions", EXAMPLE)
    moves = frame.filter(pl.col("to_state").is_not_null())
    names = _states(frame)
    _check_moves(moves)
    _check_labels(labels, names)
    sizes = _sizes(frame, states)
    pairs = [(names.index(one), names.index(to)) for one, to in moves.select(NEEDED).rows()]
    texts = [_text(row, sizes, shares) for row in moves.iter_rows(named=True)]
    words = [str((labels or {}).get(name, name)) for name in names]
    counts = ["" if sizes.get(name) is None else f"n={count(sizes[name])}" for name in names]
    with active():
        if ax is None:
            room = active().width if width is None else width
            diagram, written = _fitted(words, counts, pairs, texts, room - CANVAS_MM, grows=width is None)
            panel = _figure_for(diagram, room)
        else:
            panel = emptied(ax)
            room, height = axes_mm(panel)
            diagram, written = _fitted(words, counts, pairs, texts, room, grows=False)
            check_height(diagram, height)
        draw_diagram(panel, diagram)
        _write(panel, written)
        told = _told(words, counts, pairs, texts)
        record(panel, lambda: told)
    return panel


def _states(frame: pl.DataFrame) -> list[str]:
    """The states in the order of their type, or as they are met."""
    met = [state for row in frame.select(NEEDED).rows() for state in row if state is not None]
    kind = frame.schema["from_state"]
    order = kind.categories.to_list() if isinstance(kind, pl.Enum) else []
    return list(dict.fromkeys(map(str, [*(s for s in order if s in met), *met])))


def _check_moves(moves: pl.DataFrame) -> None:
    pairs = moves.select(pl.col(NEEDED).cast(pl.String))
    twice = pairs.is_duplicated().any()
    wrong = (
        "holds no move" if pairs.is_empty()
        else "holds a move twice" if twice
        else "holds a move without the state that it leaves" if pairs["from_state"].null_count()
        else "holds a move into the state that it leaves" if (pairs["from_state"] == pairs["to_state"]).any()
        else ""
    )  # fmt: skip
    if wrong:
        raise DataError(
            wrong,
            argument="transitions",
            expected="one row for each move between two states",
            remedy="data.filter(pl.col('arm') == 'A') for one diagram per group" if twice else EXAMPLE,
        )


def _check_labels(labels: Mapping[str, str] | None, names: list[str]) -> None:
    strays = [name for name in labels or {} if name not in names]
    if strays:
        raise DataError(
            f"{strays[0]!r} is not a state",
            argument="labels",
            expected=f"names of {listed(map(repr, names))}",
            remedy=f"labels={{{names[0]!r}: 'Name'}}",
        )


def _sizes(frame: pl.DataFrame, states: Any) -> dict[str, float]:
    """How many were in each state, where that is known."""
    if states is None:
        if "n" not in frame.columns:
            return {}
        table = frame.select(state="from_state", n="n")
    else:
        table = as_frame(states).lazy().collect()
        check_table(table, ("state", "n"), "states", "pl.DataFrame({'state': ['remission'], 'n': [100]})")
    return {str(state): n for state, n in table.select("state", "n").drop_nulls().rows()}


def _text(row: dict[str, Any], sizes: dict[str, float], shares: bool) -> str:
    """`1,169 (53.0%)`, without the share where nobody knows of how many."""
    made, of = row.get("n_event"), sizes.get(str(row["from_state"]))
    if made is None:
        return ""
    return f"{count(made)} ({percent(made / of)})" if shares and of else count(made)


def _fitted(
    words: list[str],
    counts: list[str],
    pairs: list[tuple[int, int]],
    texts: list[str],
    room: float,
    *,
    grows: bool,
) -> tuple[Diagram, list[Label]]:
    """The diagram with the widest boxes for which it has room; with narrow ones where a figure can grow."""
    absorbing = set(range(len(words))) - {one for one, _ in pairs}
    for most in NAMES_MM:
        boxes = [_box(*said, most, i in absorbing) for i, said in enumerate(zip(words, counts, strict=True))]
        diagram, written = arrange(boxes, pairs, texts, room)
        if diagram.width <= room + EDGE_MM:
            return diagram, written
    if not grows:
        need = diagram.width + CANVAS_MM
        raise DataError(
            f"{diagram.width:.0f} mm are needed for the states side by side",
            argument="width",
            expected=f"a figure of at least {need:.0f} mm",
            remedy=f"width={np.ceil(need):.0f}",
        )
    return diagram, written


def _box(name: str, n: str, most: float, absorbing: bool) -> Box:
    """The name of a state over its number, in as many lines as it needs, broken between words only."""
    words = [text_mm(word, NAME_FONT, strong=True) * HINTED for word in name.split()]
    most = max(most, *(word + 2 * PAD_MM for word in words))
    lines = [Line(line, strong=True) for line in wrapped(name, NAME_FONT, most - 2 * PAD_MM, strong=True)]
    lines += [Line(n)] if n else []
    wide = max(text_mm(line.text, NAME_FONT, line.strong) for line in lines) + 2 * PAD_MM + 0.4
    return Box(lines, wide, fill=ABSORBING if absorbing else "white")


def _figure_for(diagram: Diagram, room: float) -> Axes:
    """Axes of a new figure that holds the diagram."""
    width, height = diagram.width + CANVAS_MM, diagram.height + CANVAS_MM
    panel: Axes = figure(width=max(room, width), height=max(height, 20.0)).subplots()
    panel.set_axis_off()
    return panel


def _write(ax: Axes, labels: list[Label]) -> None:
    """The labels on the arrows, each on white."""
    look: dict[str, Any] = {"ha": "center", "va": "center_baseline", "parse_math": False, "zorder": 3}
    look["bbox"] = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
    for label in labels:
        ax.text(label.x, label.y, label.text, transform=from_corner(ax), fontsize=FONT, **look)


def _told(words: list[str], counts: list[str], pairs: list[tuple[int, int]], texts: list[str]) -> list[str]:
    """The fingerprint: the states with their numbers, and the moves with theirs."""
    states = [f"  {word} {n}".rstrip() for word, n in zip(words, counts, strict=True)]
    moves = [
        f"  {words[one]} → {words[to]}" + (f": {text}" if text else "")
        for (one, to), text in zip(pairs, texts, strict=True)
    ]
    return [f"{len(states)} states, {len(moves)} moves", *states, *moves]
