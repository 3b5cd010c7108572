"""Where states and moves go: columns from left to right, and an arrow for each move that crosses no box.

States stand as deep as the longest way to them. A move over several columns gets a place of its own in each
column that it passes (Sugiyama et al., IEEE Trans Syst Man Cybern 1981;11:109-125), so that arrows are
slanted only between columns, where there are no boxes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.path import Path
from matplotlib.transforms import Bbox

from .flow import EDGE_MM, Box, Diagram
from .keys import apart
from .place import PT_PER_MM, text_mm

if TYPE_CHECKING:
    from collections.abc import Sequence

FONT = 7.0
LABEL_MM = 1.25 * FONT / PT_PER_MM
PORT_MM = LABEL_MM + 0.9  # between two arrows at one side of a box
AROUND_MM, HEAD_MM = 4.0, 2.6  # white beside a label; the head of an arrow, which it leaves free
LEAST_GAP_MM, MORE_GAP_MM = 9.0, 14.0  # between two columns, and how much wider it gets where there is room
ROWS_MM = (3.0, 6.0, 10.0, 16.0)  # between two rows: the first for which all labels stand apart
SWEEPS = 12
ALONG = (0.5, 0.44, 0.56, 0.38, 0.62, 0.32, 0.68, 0.26, 0.74, 0.2, 0.8)
OVERLAP = 100.0  # how much worse a label over a label is than one over an arrow

Move = tuple[int, int]
Point = tuple[float, float]


@dataclass(slots=True)
class Label:
    """A text on an arrow: its middle and its size in mm."""

    text: str
    x: float
    y: float
    width: float

    @property
    def box(self) -> Bbox:
        """What it covers."""
        return Bbox.from_bounds(self.x - self.width / 2, self.y - LABEL_MM / 2, self.width, LABEL_MM)


@dataclass(slots=True)
class Route:
    """One move: the places that it passes from left to right, and whether it leads the other way."""

    text: str
    stops: list[int]
    back: bool
    points: list[Point] = field(default_factory=list)  # from left to right

    @property
    def label_mm(self) -> float:
        """Width of its label."""
        return text_mm(self.text, FONT) + 1.0 if self.text else 0.0


@dataclass(slots=True)
class Plan:
    """Places in columns: those of the states in their order, then those that long moves pass."""

    boxes: list[Box]
    column: list[int]
    routes: list[Route]
    y: np.ndarray
    edges: list[tuple[float, float]] = field(default_factory=list)  # left and right of each column

    def heights(self) -> np.ndarray:
        """Height of every place."""
        passing = len(self.column) - len(self.boxes)
        return np.array([box.height for box in self.boxes] + [LABEL_MM] * passing)

    def members(self, column: int) -> list[int]:
        """The places of a column."""
        return [place for place, its in enumerate(self.column) if its == column]


def arrange(
    boxes: list[Box], moves: Sequence[Move], texts: Sequence[str], width: float
) -> tuple[Diagram, list[Label]]:
    """The diagram of some states and moves, with the labels on its arrows.

    `boxes` have their text and width, and get their places; the diagram is as wide as it has to be, and wider
    up to `width`, its arrows in the order of `moves`.
    """
    plan = _plan(boxes, moves, texts)
    _set_columns(plan, width)
    for row_mm in ROWS_MM:
        _set_rows(plan, row_mm)
        _set_arrows(plan)
        cost, labels = _labels(plan)
        if cost < OVERLAP:
            break
    diagram = Diagram(plan.edges[-1][1] + EDGE_MM, boxes, [_arrow(route) for route in plan.routes])
    diagram.height = float((plan.y + plan.heights() / 2).max()) + EDGE_MM
    return diagram, labels


def depths(n: int, moves: Sequence[Move]) -> tuple[list[int], set[Move]]:
    """How many moves the longest way to each state has, and the moves that lead back on a way."""
    back = _leading_back(n, moves)
    depth = [0] * n
    for _ in range(n):
        for one, to in moves:
            if (one, to) not in back:
                depth[to] = max(depth[to], depth[one] + 1)
    return depth, back


def _leading_back(n: int, moves: Sequence[Move]) -> set[Move]:
    """The moves into a state that is on the way to where they begin."""
    entered = {to for _, to in moves}
    back: set[Move] = set()
    done: set[int] = set()

    def walk(state: int, way: tuple[int, ...]) -> None:
        if state in done:
            return
        for to in (to for one, to in moves if one == state):
            if to in way:
                back.add((state, to))
            else:
                walk(to, (*way, to))
        done.add(state)

    for state in sorted(range(n), key=lambda state: state in entered):
        walk(state, (state,))
    return back


def _plan(boxes: list[Box], moves: Sequence[Move], texts: Sequence[str]) -> Plan:
    """Columns, the places that long moves pass, and boxes high enough for their arrows."""
    column, back = depths(len(boxes), moves)
    routes = []
    for move, text in zip(moves, texts, strict=True):
        left, right = reversed(move) if move in back else move
        passed = range(column[left] + 1, column[right])
        stops = [left, *range(len(column), len(column) + len(passed)), right]
        column = [*column, *passed]
        routes.append(Route(text, stops, move in back))
    plan = Plan(boxes, column, routes, np.zeros(len(column)))
    for i, box in enumerate(boxes):
        ports = max(sum(r.stops[side] == i for r in routes) for side in (0, -1))
        box.least = ports * PORT_MM
    return plan


def _set_columns(plan: Plan, width: float) -> None:
    """Columns as wide as their boxes and what passes them, gaps as wide as the labels in them."""
    last = max(plan.column)
    wide, gaps = [0.0] * (last + 1), [LEAST_GAP_MM] * last
    for box, column in zip(plan.boxes, plan.column, strict=False):
        wide[column] = max(wide[column], box.width)
    for route in plan.routes:
        column = plan.column[_labelled(route)]
        if len(route.stops) > 2:
            wide[column] = max(wide[column], route.label_mm + 1.0)
        elif route.text:
            gaps[column] = max(gaps[column], route.label_mm + 2 * AROUND_MM)
    spare = width - 2 * EDGE_MM - sum(wide) - sum(gaps)
    more = float(np.clip(spare / max(last, 1), 0.0, MORE_GAP_MM))
    left = EDGE_MM
    plan.edges = []
    for column, its in enumerate(wide):
        plan.edges.append((left, left + its))
        left += its + (gaps[column] + more if column < last else 0.0)
    for box, column in zip(plan.boxes, plan.column, strict=False):
        box.width = wide[column]
        box.x = sum(plan.edges[column]) / 2


def _labelled(route: Route) -> int:
    """The place where a move has its label: in the middle of those that it passes, else after the first."""
    return route.stops[len(route.stops) // 2] if len(route.stops) > 2 else route.stops[0]


def _set_rows(plan: Plan, row_mm: float) -> None:
    """Every place as near the mean of those it is joined to as the others of its column let it."""
    heights = plan.heights() + row_mm
    columns = [plan.members(c) for c in range(max(plan.column) + 1)]
    total = max(heights[c].sum() for c in columns)
    joined: list[list[int]] = [[] for _ in plan.column]
    for route in plan.routes:
        for one, other in zip(route.stops[:-1], route.stops[1:], strict=True):
            joined[one].append(other)
            joined[other].append(one)
    plan.y = np.full(len(plan.column), total / 2)
    for sweep in range(SWEEPS):
        for members in columns if sweep % 2 == 0 else columns[::-1]:
            aim = [float(plan.y[joined[m]].mean()) if joined[m] else total / 2 for m in members]
            plan.y[members] = apart(np.round(aim, 6), heights[members], 0.0, total)
    plan.y += EDGE_MM - float((plan.y - plan.heights() / 2).min())
    for box, y in zip(plan.boxes, plan.y, strict=False):
        box.y = float(y) - box.height / 2


def _set_arrows(plan: Plan) -> None:
    """From box to box, level in the columns that a move passes; at a box in the order of where they go."""
    ports = {side: _ports(plan, side) for side in (0, -1)}
    for r, route in enumerate(plan.routes):
        first, last = route.stops[0], route.stops[-1]
        points = [(plan.boxes[first].right, ports[0][r])]
        for stop in route.stops[1:-1]:
            points += [(x, float(plan.y[stop])) for x in plan.edges[plan.column[stop]]]
        route.points = [*points, (plan.boxes[last].left, ports[-1][r])]


def _ports(plan: Plan, side: int) -> dict[int, float]:
    """Where each move touches the box at one of its ends."""
    ports = {}
    for i, _ in enumerate(plan.boxes):
        here = [r for r, route in enumerate(plan.routes) if route.stops[side] == i]
        next_to = {r: plan.routes[r].stops[1 if side == 0 else -2] for r in here}
        here.sort(key=lambda r: (plan.y[next_to[r]], plan.routes[r].back))
        for k, r in enumerate(here):
            ports[r] = float(plan.y[i]) + (k - (len(here) - 1) / 2) * PORT_MM
    return ports


def _arrow(route: Route) -> list[Point]:
    return route.points[::-1] if route.back else route.points


def _labels(plan: Plan) -> tuple[float, list[Label]]:
    """A place on its arrow for every label, and how much they cover that they should not."""
    labels: list[Label] = []
    cost = 0.0
    for route in sorted((r for r in plan.routes if r.text), key=lambda r: -len(r.stops)):
        others = [r for r in plan.routes if r is not route]
        found = [(_cost(label, labels, others), label) for label in _possible(plan, route)]
        least, label = min(found, key=lambda pair: pair[0])
        labels.append(label)
        cost += least
    return cost, labels


def _possible(plan: Plan, route: Route) -> list[Label]:
    """Where the label of a move may stand, the best place first."""
    width = route.label_mm
    if len(route.stops) > 2:
        stop = _labelled(route)
        return [Label(route.text, sum(plan.edges[plan.column[stop]]) / 2, float(plan.y[stop]), width)]
    (x0, y0), (x1, y1) = route.points
    found = [Label(route.text, x0 + t * (x1 - x0), y0 + t * (y1 - y0), width) for t in ALONG]
    low, high = x0 + width / 2, x1 - width / 2
    inside = [one for one in found if low + _end(route.back) <= one.x <= high - _end(not route.back)]
    return inside or found[:1]


def _end(headed: bool) -> float:
    """What a label leaves free of an arrow at one of its ends."""
    return HEAD_MM if headed else 0.5


def _cost(label: Label, labels: list[Label], others: list[Route]) -> float:
    box = label.box
    over = OVERLAP * sum(box.overlaps(other.box) for other in labels)
    return over + sum(Path(route.points).intersects_bbox(box, filled=False) for route in others)
