"""Alluvial diagrams: who moves from which category to which, from one column of the data to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from .. import formats
from ..columns import as_frame
from ..errors import DataError
from .alluvial_moves import Diagram, Node, make_diagram, read_moves
from .categories import Category, check_names, read_categories
from .curve_lines import axes_mm
from .figure import figure, record
from .keys import apart
from .panel import lay_out, panel_mm
from .place import HINTED, PT_PER_MM, text_mm, wrapped
from .themes import RC, active

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

FONT = 7.0
LINE_MM = 1.25 * FONT / PT_PER_MM
SHORT_MM, PAD_MM = 13.0, 1.2  # names that are no wider are written into the boxes; white around text
NARROW_MM = 6.0  # a box that holds a number only
WIDEST_NAME = 0.24  # share of the width, for names at one side
FLOW = 0.5  # opacity of a flow
CURVE = 0.5  # how far along its way a flow bends
ROOMY_MM, LEAST_BETWEEN_MM = 14.0, 8.0  # between columns, with names in the boxes and without
BESIDE = 0.8  # of the room between columns, for a name beside a low box


@dataclass(frozen=True, slots=True)
class Places:
    """Left edges of the columns, width of their boxes and of the room between, in shares of the width."""

    left: tuple[float, ...]
    box: float
    between: float
    named: bool  # whether the boxes between are wide enough for short names


def draw_alluvial(
    data: Any,
    *,
    columns: Sequence[str],
    weights: str | None = None,
    labels: Mapping[Any, str] | None = None,
    colors: Sequence[Any] | None = None,
    shares: bool = True,
    ax: Axes | None = None,
    title: str | None = None,
    width: float | None = None,
    height: float | None = None,
) -> Axes:
    """Draw how patients move between categories: responses at several times, or groups of two risk scores.

    Every column of the data is a column of boxes, as high as their categories are frequent; bands between
    them are as wide as the number who moved, in the colour of where they came from. A patient without a
    category is in a box of its own, so that all columns hold everybody.

    Parameters
    ----------
    data
        One row per patient, or rows of numbers of patients with `weights`.
    columns
        Two or more columns of categories, from the left to the right. Enums are in their order from the top,
        other values sorted; null is "Not known".
    weights
        Column of the number of patients of a row.
    labels
        Other names for columns and categories.
    colors
        Colours of the categories in their order, the same in all columns.
    shares
        Whether to write percentages of all patients at both sides.
    ax
        Axes to draw into; default a new figure.
    title
        Words above; default none.
    width, height
        Of a new figure in mm; default those of the theme.

    Returns
    -------
    Axes
        The axes, without frame and ticks; the figure prints every box and every flow.

    Raises
    ------
    DataError
        Fewer than two columns, columns that are not there, a column of more than twelve categories, weights
        that are no numbers of patients, labels of nothing, and a figure that is too narrow or too low.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> scale = hem.hematology.response.scale("lugano")
    >>> scans = pl.DataFrame(
    ...     {"Interim": ["CR", "CR", "PR", "PR"], "End": ["CR", "PD", "CR", None]},
    ...     schema={"Interim": scale, "End": scale},
    ... )
    >>> ax = hem.plots.draw_alluvial(scans, columns=["Interim", "End"], width=80)
    >>> print(hem.plots.fingerprint(ax))
    4 patients in 2 columns
      Interim: CR 2, PR 2
      End: CR 2, PD 1, Not known 1
      Interim CR → End CR 1, PD 1
      Interim PR → End CR 1, Not known 1
      text: Interim | End | CR 2 (50%) | PR 2 (50%) | PD 1 (25%) | Not known 1 (25%)
    >>> import matplotlib.pyplot as plt
    >>> plt.close(ax.figure)
    """
    frame = read_moves(data, list(columns), weights)
    _check_labels(labels, frame, columns)
    names = tuple(str((labels or {}).get(column, column)) for column in columns)
    with active():
        given = colors or (
            None if _all_ordered(data, columns) else active()["axes.prop_cycle"].by_key()["color"]
        )
        kinds = [_categories(frame[f"column {i}"], labels, given) for i in range(len(names))]
        diagram = make_diagram(frame, names, kinds)
        panel = figure(width=width, height=height).subplots() if ax is None else ax
        before = panel.get_children()
        panel.set_axis_off()
        panel.set(xlim=(0, 1), ylim=(1, 0))
        _arrange(panel, diagram, title, grows=ax is None and height is None, shares=shares)
        record(panel, lambda: _told(diagram), before=before)
    return panel


def _check_labels(labels: Mapping[Any, str] | None, frame: pl.DataFrame, columns: Sequence[str]) -> None:
    values = [
        v for role in frame.columns if role.startswith("column") for v in frame[role].unique().to_list()
    ]
    check_names(labels, list(dict.fromkeys([*columns, *values])))


def _categories(
    values: pl.Series, labels: Mapping[Any, str] | None, colors: Sequence[Any] | None
) -> list[Category]:
    there = values.unique().to_list()
    return read_categories(values, {k: v for k, v in (labels or {}).items() if k in there}, colors)


def _all_ordered(data: Any, columns: Sequence[str]) -> bool:
    """Whether all columns are Enums, whose colours tell their order."""
    schema = as_frame(data).collect_schema()
    return all(isinstance(schema[name], pl.Enum) for name in columns)


def _arrange(ax: Axes, diagram: Diagram, title: str | None, *, grows: bool, shares: bool) -> None:
    """Draw the diagram as large as its panel, which is as high as the names need."""
    height = panel_mm(ax) if grows else None
    lay_out(ax, height)
    room = axes_mm(ax)[0]
    outer = (0, len(diagram.columns) - 1)
    beside = {
        c: [_beside(node, diagram.n, shares, room) for node in diagram.nodes if node.column == c]
        for c in outer
    }
    need = max(sum(len(lines) * LINE_MM for lines in names) for names in beside.values())
    if height is not None and need > height:
        height = need
    places = _places(diagram, beside, room)
    _head(ax, diagram, places, room, title)
    lay_out(ax, height)
    high = axes_mm(ax)[1]
    if need > high + 0.1:
        raise DataError(
            f"the names need {need:.0f} mm and the panel is {high:.0f} mm high",
            argument="ax",
            expected="a panel that holds the names of the categories",
            remedy=f"hem.plots.figure(height={need + 20:.0f}).subplots(), or leave ax and height out",
        )
    _draw(ax, diagram, places)
    for column, names in beside.items():
        _write_beside(ax, diagram, column, names, places, (room, high))
    for column in range(1, len(diagram.columns) - 1):
        _write_between(ax, diagram, column, places, (room, high))


def _text(node: Node, total: float, shares: bool) -> str:
    share = f" ({formats.percent(node.n / total, 0)})" if shares else ""
    return f"{node.category.label} {formats.count(node.n)}{share}"


def _beside(node: Node, total: float, shares: bool, room: float) -> list[str]:
    """The lines of a name at the side."""
    return wrapped(_text(node, total, shares), FONT, WIDEST_NAME * room)


def _short(node: Node) -> str:
    return f"{node.category.label} {formats.count(node.n)}"


def _places(diagram: Diagram, beside: dict[int, list[list[str]]], room: float) -> Places:
    """The boxes of all columns, with room for the names at both sides."""
    margins = [
        HINTED * max(text_mm(line, FONT) for lines in names for line in lines) + 2 * PAD_MM
        for names in beside.values()
    ]
    last = len(diagram.columns) - 1
    inner = [node for node in diagram.nodes if 0 < node.column < last]
    short = [wide for node in inner if (wide := HINTED * text_mm(_short(node), FONT)) <= SHORT_MM]
    wide = max(short) + PAD_MM if 2 * len(short) > len(inner) else NARROW_MM
    for box in (max(wide, NARROW_MM), NARROW_MM):
        between = (room - sum(margins) - box) / last - box
        if between >= ROOMY_MM:
            break
    if between < LEAST_BETWEEN_MM:
        need = room + (LEAST_BETWEEN_MM - between) * last
        raise DataError(
            f"{max(between, 0):.0f} mm are left between the columns",
            argument="width",
            expected=f"at least {LEAST_BETWEEN_MM:.0f} mm, which a figure of {need + 3:.0f} mm has",
            remedy=f"width={np.ceil(need / 5) * 5 + 5:.0f}, or fewer columns",
        )
    lefts = tuple((margins[0] + i * (box + between)) / room for i in range(last + 1))
    return Places(lefts, box / room, between / room, box > NARROW_MM)


def _head(ax: Axes, diagram: Diagram, places: Places, room: float, title: str | None) -> None:
    """The names of the columns above them, and the title above these."""
    size = RC["axes.labelsize"]
    most = 0
    for left, name in zip(places.left, diagram.columns, strict=True):
        middle = left + places.box / 2
        wide = min(2 * middle, 2 * (1 - middle), places.between + places.box) * room - PAD_MM
        lines = wrapped(name, size, wide, True)
        most = max(most, len(lines))
        ax.annotate(
            "\n".join(lines), (middle, 0.0), (0, 3), textcoords="offset points", ha="center", va="bottom",
            fontsize=size, weight="bold", linespacing=1.15, parse_math=False,
        )  # fmt: skip
    if title is not None:
        large = RC["axes.titlesize"]
        words = "\n".join(wrapped(title, large, room, RC["axes.titleweight"] == "bold"))
        ax.set_title(words, fontsize=large, pad=RC["axes.titlepad"] + 3 + 1.2 * size * most)


def _draw(ax: Axes, diagram: Diagram, places: Places) -> None:
    """Boxes, and the flows below them."""
    for flow in diagram.flows:
        x = places.left[flow.one.column] + places.box, places.left[flow.to.column]
        bend = x[0] + CURVE * (x[1] - x[0])
        upper = [(x[0], flow.from_top), (bend, flow.from_top), (bend, flow.to_top), (x[1], flow.to_top)]
        lower = [
            (u, v + flow.height)
            for (u, _), v in zip(
                upper[::-1], (flow.to_top, flow.to_top, flow.from_top, flow.from_top), strict=True
            )
        ]
        codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
        band: dict[str, Any] = {"facecolor": flow.one.category.color, "alpha": FLOW, "edgecolor": "white"}
        path = Path([*upper, *lower, upper[0]], codes)
        ax.add_patch(PathPatch(path, linewidth=0.3, zorder=1, clip_on=False, **band))
    for node in diagram.nodes:
        corner, color = (places.left[node.column], node.top), node.category.color
        box = Rectangle(corner, places.box, node.height, facecolor=color, edgecolor="black")
        box.set(linewidth=0.5, zorder=3, clip_on=False)
        ax.add_patch(box)


def _write_beside(
    ax: Axes, diagram: Diagram, column: int, names: list[list[str]], places: Places, size: tuple[float, float]
) -> None:
    """Names left of the first column, right of the last, none over another."""
    room, high = size
    nodes = [node for node in diagram.nodes if node.column == column]
    at = apart(
        np.array([node.middle for node in nodes]),
        np.array([len(lines) * LINE_MM / high for lines in names]),
        0.0,
        1.0,
    )
    first = column == 0
    x = places.left[column] - PAD_MM / room if first else places.left[column] + places.box + PAD_MM / room
    for lines, y in zip(names, at, strict=True):
        ax.text(
            x, y, "\n".join(lines), ha="right" if first else "left", va="center", fontsize=FONT,
            linespacing=1.15, parse_math=False,
        )  # fmt: skip


def _write_between(
    ax: Axes, diagram: Diagram, column: int, places: Places, size: tuple[float, float]
) -> None:
    """Numbers in the boxes of a column between, after names where these are short; beside low boxes."""
    room, high = size
    nodes = [node for node in diagram.nodes if node.column == column]
    low = [i for i, node in enumerate(nodes) if node.height * high < LINE_MM]
    texts = [formats.count(node.n) for node in nodes]
    for i, node in enumerate(nodes):
        holds = BESIDE * places.between if i in low else places.box
        if places.named and HINTED * text_mm(_short(node), FONT) <= holds * room:
            texts[i] = _short(node)
    look: dict[str, Any] = {"va": "center_baseline", "fontsize": FONT, "parse_math": False, "zorder": 4}
    for i in set(range(len(nodes))) - set(low):
        x = places.left[column] + places.box / 2
        ax.text(x, nodes[i].middle, texts[i], ha="center", color=nodes[i].category.ink, **look)
    if low:
        middles = np.array([nodes[i].middle for i in low])
        at = apart(middles, np.full(len(low), LINE_MM / high), 0.0, 1.0)
        white = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5}
        for i, y in zip(low, at, strict=True):
            x = places.left[column] + places.box + PAD_MM / room
            ax.text(x, y, texts[i], ha="left", bbox=white, **look)


def _told(diagram: Diagram) -> list[str]:
    """The fingerprint: every box and every flow."""
    lines = [f"{formats.count(diagram.n)} patients in {len(diagram.columns)} columns"]
    for i, name in enumerate(diagram.columns):
        lines.append(f"  {name}: {', '.join(_short(node) for node in diagram.nodes if node.column == i)}")
    for node in diagram.nodes:
        to = [f"{f.to.category.label} {formats.count(f.n)}" for f in diagram.flows if f.one is node]
        if to:
            here, there = diagram.columns[node.column], diagram.columns[node.column + 1]
            lines.append(f"  {here} {node.category.label} → {there} {', '.join(to)}")
    return lines
