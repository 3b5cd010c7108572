"""Short labels beside points, none over another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.transforms import Bbox

from .figure import root_figure
from .place import PT_PER_MM, text_mm
from .themes import MM_PER_INCH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

FONT = 7.0
FAR_MM = 2.0  # from here on a line leads to the label
LEADER: dict[str, Any] = {"arrowstyle": "-", "linewidth": 0.5, "color": "0.5", "shrinkA": 1, "shrinkB": 1}
POINT_MM, AWAY_MM, STEP_MM, STEPS = 0.5, 0.9, 1.2, 40
SAMPLED = 24  # places along a line, none of which may be on a label


def label_points(ax: Axes, x: Sequence[float], y: Sequence[float], labels: Sequence[str]) -> None:
    """Write each label beyond its point as seen from zero; in a crowd further off, with a line to it."""
    root_figure(ax).draw_without_rendering()
    per_mm = ax.figure.dpi / MM_PER_INCH
    frame = ax.get_window_extent()
    places = [ax.transData.transform(point) for point in zip(x, y, strict=True)]
    reach = POINT_MM * per_mm
    taken = [Bbox([[px - reach, py - reach], [px + reach, py + reach]]) for px, py in places]
    lines: list[Bbox] = []
    for (px, py), value, height, label in zip(places, x, y, labels, strict=True):
        size = (1.1 * text_mm(label, FONT), 1.1 * FONT / PT_PER_MM)
        box, (dx, dy) = _free(px, py, height >= 0, size, per_mm, frame, taken, lines)
        taken.append(box)
        lines += _line(px, py, box, dx, dy, size)
        away = (dx * PT_PER_MM, dy * PT_PER_MM)
        look: dict[str, Any] = {"fontsize": FONT, "ha": "center", "va": "center"}
        if _is_far(dx, dy, size):
            edge = PT_PER_MM * _nearest(dx, size[0]), PT_PER_MM * _nearest(dy, size[1])
            ax.annotate("", (value, height), edge, textcoords="offset points", arrowprops=LEADER)
        text = ax.annotate(label, (value, height), away, textcoords="offset points", **look)
        text.set_in_layout(False)  # the margins of the axes hold it


def _is_far(dx: float, dy: float, size: tuple[float, float]) -> bool:
    """Whether a line leads from a point to its label."""
    return abs(dx) + abs(dy) > FAR_MM + size[0] / 2 + size[1] / 2


def _nearest(middle: float, extent: float) -> float:
    """The place nearest to 0 of a label in one direction."""
    return min(max(0.0, middle - extent / 2), middle + extent / 2)


def _line(px: float, py: float, box: Bbox, dx: float, dy: float, size: tuple[float, float]) -> list[Bbox]:
    """Small boxes along the line to a label, but for its ends; none where there is no line."""
    if not _is_far(dx, dy, size):
        return []
    x, y = min(max(px, box.x0), box.x1), min(max(py, box.y0), box.y1)
    places = [(px + k * (x - px) / SAMPLED, py + k * (y - py) / SAMPLED) for k in range(2, SAMPLED)]
    return [Bbox([[a, b], [a + 1, b + 1]]) for a, b in places]


def _free(
    px: float,
    py: float,
    up: bool,
    size: tuple[float, float],
    per_mm: float,
    frame: Any,
    taken: list[Bbox],
    lines: list[Bbox],
) -> tuple[Bbox, tuple[float, float]]:
    """The first place around a point that is inside the frame and free, and its distance in mm.

    If there is one, it is on no line, and no label is on the line to it.
    """
    (width_mm, high_mm), sign = size, 1 if up else -1
    across, along = width_mm / 2 + AWAY_MM, high_mm / 2 + AWAY_MM
    offsets = [(0.0, sign * along), (across, 0.0), (-across, 0.0)]
    for step in range(1, STEPS):
        offsets += [(side * across, sign * (along + step * STEP_MM)) for side in (0, 1, -1)]
        offsets += [(side * (across + step * STEP_MM), 0.0) for side in (1, -1)]
    boxes = [
        Bbox.from_bounds(
            px + (dx - width_mm / 2) * per_mm,
            py + (dy - high_mm / 2) * per_mm,
            width_mm * per_mm,
            high_mm * per_mm,
        )
        for dx, dy in offsets
    ]
    free = [
        (box, offset)
        for box, offset in zip(boxes, offsets, strict=True)
        if frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
        and not any(box.overlaps(other) for other in taken)
    ]  # fmt: skip
    for box, offset in free:
        crossed = any(part.overlaps(other) for part in _line(px, py, box, *offset, size) for other in taken)
        if not crossed and not any(box.overlaps(line) for line in lines):
            return box, offset
    return free[0] if free else (boxes[0], offsets[0])
