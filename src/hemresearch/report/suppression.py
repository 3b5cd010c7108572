"""Which cells of a table of counts to hide, so that no small count can be worked out from what is shown.

A table with totals is a network (Gusfield, SIAM J Comput 1988;17:552-571): every row and every column is a
node, every cell an arc between its row and its column, and the hidden cells can change together only along
circuits of hidden cells. How far one hidden cell can move, everything shown staying as it is, is therefore
a maximum flow; a cell that cannot move can be worked out. Lines whose total nobody knows share one node.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

KNOWN_TO_NOBODY = 0  # the node of every line that has no total
# Hiding a total costs as much as hiding this many cells.
TOTAL_COST = 1000.0


@dataclass(frozen=True, slots=True)
class Cell:
    """A count and the two lines it belongs to; raising it by one sends one unit from `tail` to `head`."""

    tail: int
    head: int
    value: float
    is_total: bool = False
    stays: bool = False  # hiding it would hide nothing


@dataclass(frozen=True, slots=True)
class Network:
    """The counts of a table with what is hidden in any case (`small`) and what may be (`free`).

    `lowest` is what a reader knows a hidden count to be at least: 1 where zeros are always shown.
    """

    cells: tuple[Cell, ...]
    small: frozenset[int]
    free: frozenset[int]
    lowest: float
    threshold: float


def hidden_cells(network: Network) -> tuple[set[int], list[int]]:
    """The cells to hide, and the small ones that the totals give away whatever is hidden.

    A hidden small count must be able to be any number from `lowest` to `threshold - 1` as far as a reader of
    the rest can tell, or as many of them as the totals that cannot be hidden allow.
    """
    everything = set(network.small | network.free)
    needs = {cell: _reachable(network, cell, everything) for cell in sorted(network.small)}
    given_away = [cell for cell, (up, down) in needs.items() if up + down <= 0]
    hidden = set(network.small)
    for cell, (up, down) in needs.items():
        hidden |= _flow(network, cell, up, hidden, upward=True, may_hide=True)[1]
        hidden |= _flow(network, cell, down, hidden, upward=False, may_hide=True)[1]
    return _without_superfluous(network, hidden, needs), given_away


def _reachable(network: Network, cell: int, hidden: Collection[int]) -> tuple[float, float]:
    """What is asked of a small cell, up and down, cut to what hiding `hidden` can give."""
    value = network.cells[cell].value
    up, down = max(0.0, network.threshold - 1 - value), max(0.0, value - network.lowest)
    if up + down <= 0:  # the only small count there is: anything but certainty will do
        up = 1.0
    reached_up, _ = _flow(network, cell, up, hidden, upward=True)
    reached_down, _ = _flow(network, cell, down, hidden, upward=False)
    if reached_up + reached_down <= 0:
        reached_up, _ = _flow(network, cell, 1.0, hidden, upward=True)
    return reached_up, reached_down


def _without_superfluous(
    network: Network, hidden: set[int], needs: dict[int, tuple[float, float]]
) -> set[int]:
    """Show again, the largest first, what the small cells do not need."""
    kept = set(hidden)
    for cell in sorted(hidden - network.small, key=lambda c: (-_cost(network.cells[c]), c)):
        if all(_holds(network, small, need, kept - {cell}) for small, need in needs.items()):
            kept.discard(cell)
    return kept


def _holds(network: Network, cell: int, need: tuple[float, float], hidden: Collection[int]) -> bool:
    up, down = need
    return (
        _flow(network, cell, up, hidden, upward=True)[0] >= up
        and _flow(network, cell, down, hidden, upward=False)[0] >= down
    )


def _flow(
    network: Network, cell: int, need: float, hidden: Collection[int], *, upward: bool, may_hide: bool = False
) -> tuple[float, set[int]]:
    """How far a cell can move (at most `need`) when `hidden` is hidden, and what else was hidden for it.

    Augmenting paths from one end of the cell to the other, the cheapest first: a hidden cell costs
    nothing, hiding one more costs its `_cost`.
    """
    start, end = network.cells[cell].head, network.cells[cell].tail
    if not upward:
        start, end = end, start
    if start == end or need <= 0:
        return max(need, 0.0), set()
    moved: dict[int, float] = {}
    usable, added, total = set(hidden) - {cell}, set[int](), 0.0
    choices = (usable | network.free if may_hide else usable) - {cell}
    arcs = _arcs(network, choices)
    while total < need:
        path = _cheapest_path(network, arcs, moved, usable, start, end)
        if path is None:
            break
        step = min([need - total] + [_capacity(network, c, moved, along) for c, along in path])
        for c, along in path:
            moved[c] = moved.get(c, 0.0) + (step if along else -step)
        new = {c for c, _ in path} - usable
        usable, added, total = usable | new, added | new, total + step
    return total, added


def _arcs(network: Network, cells: Collection[int]) -> dict[int, list[tuple[int, int, bool]]]:
    """From each node: where a cell leads, which cell, and whether along (a rise) or against it (a fall)."""
    arcs: dict[int, list[tuple[int, int, bool]]] = {}
    for c in sorted(cells):
        cell = network.cells[c]
        arcs.setdefault(cell.tail, []).append((cell.head, c, True))
        arcs.setdefault(cell.head, []).append((cell.tail, c, False))
    return arcs


def _capacity(network: Network, cell: int, moved: dict[int, float], along: bool) -> float:
    if along:
        return math.inf
    return network.cells[cell].value - network.lowest + moved.get(cell, 0.0)


def _cheapest_path(
    network: Network,
    arcs: dict[int, list[tuple[int, int, bool]]],
    moved: dict[int, float],
    usable: set[int],
    start: int,
    end: int,
) -> list[tuple[int, bool]] | None:
    """Dijkstra's shortest path through cells that can still move, or None."""
    best: dict[int, float] = {start: 0.0}
    came: dict[int, tuple[int, int, bool]] = {}
    queue = [(0.0, start)]
    while queue:
        cost, node = heapq.heappop(queue)
        if node == end:
            return _steps(came, start, end)
        if cost > best[node]:
            continue
        for other, cell, along in arcs.get(node, ()):
            if _capacity(network, cell, moved, along) <= 0:
                continue
            reached = cost + (0.0 if cell in usable else _cost(network.cells[cell]))
            if reached < best.get(other, math.inf):
                best[other], came[other] = reached, (node, cell, along)
                heapq.heappush(queue, (reached, other))
    return None


def _steps(came: dict[int, tuple[int, int, bool]], start: int, end: int) -> list[tuple[int, bool]]:
    steps, node = [], end
    while node != start:
        node, cell, along = came[node]
        steps.append((cell, along))
    return steps


def _cost(cell: Cell) -> float:
    """Fewest cells first; among as many, the smallest counts; totals last."""
    return (TOTAL_COST if cell.is_total else 1.0) + 1e-6 * min(cell.value, 1e5)
