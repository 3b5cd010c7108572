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
LEADER: dict[str, Any] = {"arrowstyle": "-", "linewidth": 0.5, "color": "0.5", "shrinkA": 4, "shrinkB": 1}
POINT_MM, AWAY_MM, STEP_MM, STEPS = 0.5, 0.9, 1.2, 40


def label_points(ax: Axes, x: Sequence[float], y: Sequence[float], labels: Sequence[str]) -> None:
    """Write each label beyond its point as seen from zero; in a crowd further off, with a line to it."""
    root_figure(ax).draw_without_rendering()
    per_mm = ax.figure.dpi / MM_PER_INCH
    frame = ax.get_window_extent()
    places = [ax.transData.transform(point) for point in zip(x, y, strict=True)]
    reach = POINT_MM * per_mm
    taken = [Bbox([[px - reach, py - reach], [px + reach, py + reach]]) for px, py in places]
    for (px, py), value, height, label in zip(places, x, y, labels, strict=True):
        size = (1.1 * text_mm(label, FONT), 1.1 * FONT / PT_PER_MM)
        box, (dx, dy) = _free(px, py, height >= 0, size, per_mm, frame, taken)
        taken.append(box)
        away = (dx * PT_PER_MM, dy * PT_PER_MM)
        look: dict[str, Any] = {"fontsize": FONT, "ha": "center", "va": "center"}
        if abs(dx) + abs(dy) > FAR_MM + size[0] / 2 + size[1] / 2:
            ax.annotate("", (value, height), away, textcoords="offset points", arrowprops=LEADER)
        text = ax.annotate(label, (value, height), away, textcoords="offset points", **look)
        text.set_in_layout(False)  # the margins of the axes hold it


def _free(
    px: float,
    py: float,
    up: bool,
    size: tuple[float, float],
    per_mm: float,
    frame: Any,
    taken: list[Bbox],
) -> tuple[Bbox, tuple[float, float]]:
    """The first place around a point that is inside the frame and free, and its distance in mm."""
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
    for box, offset in zip(boxes, offsets, strict=True):
        inside = box.x0 >= frame.x0 and box.x1 <= frame.x1 and box.y0 >= frame.y0 and box.y1 <= frame.y1
        if inside and not any(box.overlaps(other) for other in taken):
            return box, offset
    return boxes[0], offsets[0]
