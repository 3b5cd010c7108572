"""Where the columns and rows of a forest plot go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DataError
from .figure import EDGE_MM, root_figure
from .forest_rows import Forest
from .place import HINTED, PT_PER_MM, laid_out, text_mm, wrapped
from .themes import MM_PER_INCH

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FONT = 7.0
LINE_MM = 1.3 * FONT / PT_PER_MM
BETWEEN_MM, HEADING_MM, INDENT_MM, GAP_MM, HEADER_MM = 0.9, 0.8, 2.2, 2.6, 1.2
WIDEST_LABEL, NARROW_LABEL = 0.36, 0.27  # shares of the width
ROOMY_MM, LEAST_MM = 20.0, 14.0  # a picture that all columns leave room for, and the narrowest one


@dataclass(frozen=True, slots=True)
class Plan:
    """Where everything goes, in mm: rows (from the top), columns of text, and the width of the picture."""

    labels: tuple[tuple[str, ...], ...]
    middles: tuple[float, ...]
    height: float
    label_mm: float
    counts_mm: float
    ratio_mm: float
    p_mm: float
    picture_mm: float

    @property
    def left_mm(self) -> float:
        """All that stands left of the picture."""
        return self.label_mm + (self.counts_mm + GAP_MM if self.counts_mm else 0.0) + GAP_MM


def room_mm(ax: Axes) -> float:
    """The width that given axes have for themselves: that of their place in the grid, or their own."""
    spec: Any = ax.get_subplotspec()
    whole = root_figure(ax).get_size_inches()[0] * MM_PER_INCH
    if spec is None or not laid_out(ax):
        return float(ax.get_position(original=True).width * whole)
    share = 1.0
    while spec is not None:
        grid = spec.get_gridspec()
        ratios = np.asarray(grid.get_width_ratios() or np.ones(grid.ncols), dtype=float)
        share *= ratios[list(spec.colspan)].sum() / ratios.sum()
        spec = getattr(grid, "_subplot_spec", None)
    owner: Any = ax.figure
    return float(share * owner.bbox.width / owner.dpi * MM_PER_INCH) - 2 * EDGE_MM


def make_plan(forest: Forest, room: float, counts: bool | None, p_values: bool | None) -> Plan:
    """Columns as wide as their text; where there is no room, counts go first, then p-values."""
    with_counts, with_p = counts is not False and forest.counts, p_values is not False and forest.p
    tries = [(with_counts, with_p, WIDEST_LABEL), (with_counts, with_p, NARROW_LABEL)]
    tries += [] if counts else [(False, with_p, WIDEST_LABEL), (False, with_p, NARROW_LABEL)]
    tries += [] if counts or p_values else [(False, False, WIDEST_LABEL), (False, False, NARROW_LABEL)]
    plans = [_planned(forest, room, bool(c), bool(p), share) for c, p, share in tries]
    chosen = next((plan for plan in plans if plan.picture_mm >= ROOMY_MM), plans[-1])
    if chosen.picture_mm >= LEAST_MM:
        return chosen
    need = room + LEAST_MM - chosen.picture_mm + 2 * EDGE_MM
    raise DataError(
        f"the columns of text leave {max(chosen.picture_mm, 0):.0f} mm for the picture",
        argument="width",
        expected=f"at least {need:.0f} mm, or fewer columns",
        remedy=f"width={np.ceil(need / 5) * 5:.0f}, or counts=False, p_values=False",
    )


def _planned(forest: Forest, room: float, counts: bool, p: bool, share: float) -> Plan:
    rows = forest.rows
    indents = [INDENT_MM if row.indented else 0.0 for row in rows]
    lines = tuple(
        tuple(wrapped(row.label, FONT, share * room - indent, row.heading))
        for row, indent in zip(rows, indents, strict=True)
    )
    label_mm = max(
        HINTED * text_mm(line, FONT, row.heading) + indent
        for row, indent, texts in zip(rows, indents, lines, strict=True)
        for line in texts
    )
    counts_mm = _widest([forest.counts], [row.counts for row in rows]) if counts else 0.0
    ratio_mm = _widest([forest.ratio], [row.ratio for row in rows])
    p_mm = _widest(forest.p.split(), [row.p for row in rows]) if p else 0.0
    middles, at = [], header_mm(forest, p)
    for row, texts in zip(rows, lines, strict=True):
        height = len(texts) * LINE_MM + BETWEEN_MM
        at += HEADING_MM if row.heading or not row.indented else 0.0
        middles.append(at + height / 2)
        at += height
    plan = Plan(lines, tuple(middles), at + BETWEEN_MM, label_mm, counts_mm, ratio_mm, p_mm, 0.0)
    beside = plan.left_mm + GAP_MM + ratio_mm + (GAP_MM + p_mm if p else 0.0)
    return replace(plan, picture_mm=room - beside)


def _widest(header: list[str], cells: list[str]) -> float:
    return HINTED * max(
        max(text_mm(text, FONT, True) for text in header), max(text_mm(text, FONT) for text in cells)
    )


def header_mm(forest: Forest, p: bool) -> float:
    """Height of the headers of the columns."""
    return (len(forest.p.split()) if p else 1) * LINE_MM + HEADER_MM
