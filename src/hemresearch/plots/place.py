"""Where things go: text sizes in mm, room under an axis, and a free place among the curves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from matplotlib.transforms import Bbox

from .themes import MM_PER_INCH, RC

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.backend_bases import RendererBase

    Locator = Callable[[Any, Any], Bbox]

PT_PER_MM = 72 / MM_PER_INCH
GAP_MM = 1.6  # between the labels of an axis and the table below
LEAST_HEIGHT = 0.25  # share of its height that an Axes keeps, however large the table below


HINTED = 1.04  # letters on a screen can be this much wider than their outlines


def text_mm(text: str, size: float, strong: bool = False) -> float:
    """Width of one line of text in mm, in the font of the theme."""
    return _width_mm(text, size, strong, tuple(RC["font.family"])) if text else 0.0


@lru_cache(maxsize=4096)
def _width_mm(text: str, size: float, strong: bool, family: tuple[str, ...]) -> float:
    font = FontProperties(family=list(family), size=size, weight="bold" if strong else "normal")
    return float(text_to_path.get_text_width_height_descent(text, font, False)[0]) / PT_PER_MM


def wrapped(text: str, size: float, width_mm: float, strong: bool = False) -> list[str]:
    """The lines of a text that fit a width, broken between words, and within a word that is wider."""
    width_mm /= HINTED
    if text_mm(text, size, strong) <= width_mm:
        return [text]
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".strip()
        if text_mm(joined, size, strong) <= width_mm:
            lines[-1] = joined
            continue
        pieces = _pieces(word, size, width_mm, strong)
        lines = [*lines, *pieces] if lines[-1] else pieces
    return lines


def _pieces(word: str, size: float, width_mm: float, strong: bool) -> list[str]:
    pieces = [""]
    for letter in word:
        if pieces[-1] and text_mm(pieces[-1] + letter, size, strong) > width_mm:
            pieces.append("")
        pieces[-1] += letter
    return pieces


@dataclass
class Below:
    """Locator of an Axes that hangs below the x axis of another, with its width and a height in mm."""

    above: Axes
    height_mm: float
    lower_mm: float = 0.0  # what already hangs there

    def __call__(self, ax: Any, renderer: Any) -> Bbox:
        """The box in shares of the figure, as `Axes.set_axes_locator` wants it."""
        axes_box = self.above.get_window_extent(renderer)
        labels = self.above.xaxis.get_tightbbox(renderer)
        mm = self.above.figure.dpi / MM_PER_INCH
        top = min(axes_box.y0, labels.y0) if labels is not None else axes_box.y0
        top -= (self.lower_mm + GAP_MM) * mm
        box = Bbox([[axes_box.x0, top - self.height_mm * mm], [axes_box.x1, top]])
        return box.transformed(self.above.figure.transSubfigure.inverted())


@dataclass
class MakeRoom:
    """Locator of an Axes that leaves room for what is below and above it, where no layout engine does."""

    ax: Axes
    before: Locator | None
    below_mm: float
    left_mm: float
    above_mm: float = 0.0

    @property
    def needed_mm(self) -> float:
        """Height of everything that hangs below the labels of the x axis."""
        return self.below_mm + (self.before.needed_mm if isinstance(self.before, MakeRoom) else 0.0)

    def get_subplotspec(self) -> Any:
        """The place of the panel in its grid, which tight layout asks a locator for."""
        return self.ax.get_subplotspec()

    def __call__(self, ax: Any, renderer: Any) -> Bbox:
        """The box in shares of the figure, as `Axes.set_axes_locator` wants it."""
        box = self.before(ax, renderer) if self.before else ax.get_position(original=True)
        if laid_out(ax):
            return box
        width, height = (inches * MM_PER_INCH for inches in ax.figure.bbox.size / ax.figure.dpi)
        top = box.y1 - min(self.above_mm / height, (1 - LEAST_HEIGHT) * box.height)
        bottom = min(box.y0 + self.below_mm / height, top - LEAST_HEIGHT * box.height)
        left = box.x0 + max(0.0, self.left_mm - _left_mm(ax, renderer)) / width
        return Bbox([[min(left, box.x1 - LEAST_HEIGHT * box.width), bottom], [box.x1, top]])


def laid_out(ax: Axes) -> bool:
    """Whether the layout engine itself makes room for all that an Axes shows, as constrained layout does.

    While a file is written a placeholder stands for the engine; it keeps this property of it.
    """
    engine = ax.figure.get_layout_engine()
    return engine is not None and not engine.adjust_compatible


def _left_mm(ax: Axes, renderer: RendererBase | None) -> float:
    """Width of the labels of the y axis."""
    labels = ax.yaxis.get_tightbbox(renderer)
    if labels is None:
        return 0.0
    return float(max(0.0, ax.get_window_extent(renderer).x0 - labels.x0)) / ax.figure.dpi * MM_PER_INCH


CORNERS = {
    "upper right": (1.0, 1.0),
    "lower left": (0.0, 0.0),
    "upper left": (0.0, 1.0),
    "lower right": (1.0, 0.0),
}


def free_place(
    frame: Bbox,
    size: tuple[float, float],
    curves: Sequence[np.ndarray],
    taken: Sequence[Bbox],
    corners: Sequence[str],
    pad: float,
) -> tuple[float, float] | None:
    """Lower-left corner (as a share of the free room) of a box that touches no curve and no other box.

    The corners are tried in the order given, then places along the edges and inside. None if there is none.
    """
    room = np.array([frame.width, frame.height]) - size - 2 * pad
    if (room < 0).any():
        return None
    shares = [CORNERS[c] for c in corners]
    grid = np.linspace(0, 1, 11)
    shares += sorted(((x, y) for x in grid for y in grid), key=lambda s: _to_edge(s))
    for share in shares:
        low = np.array([frame.x0, frame.y0]) + pad + room * share
        box = Bbox([low - pad / 2, low + size + pad / 2])
        if not any(box.overlaps(b) for b in taken) and not any(touches(c, box) for c in curves):
            return float(share[0]), float(share[1])
    return None


def _to_edge(share: tuple[float, float]) -> float:
    return min(share[0], 1 - share[0]) + min(share[1], 1 - share[1])


def touches(curve: np.ndarray, box: Bbox) -> bool:
    """Whether a line of horizontal and vertical pieces enters a box."""
    first, second = curve[:-1], curve[1:]
    low, high = np.minimum(first, second), np.maximum(first, second)
    with np.errstate(invalid="ignore"):
        inside = (low[:, 0] < box.x1) & (high[:, 0] > box.x0) & (low[:, 1] < box.y1) & (high[:, 1] > box.y0)
    return bool(inside.any())


def stepped(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The corners of a step line that keeps its height until the next x."""
    return np.column_stack([np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]])
