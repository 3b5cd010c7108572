"""Which curve is which, and what the test said: legend, labels at the ends, and a note in a corner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox, ScaledTranslation

from .curve_lines import NOT_IN_LEGEND, broken
from .place import CORNERS as SHARES
from .place import HINTED, PT_PER_MM, free_place, stepped, text_mm
from .themes import MM_PER_INCH, RC

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.legend import Legend
    from matplotlib.text import Text

    from .drawn import Drawing

LEGENDS = (
    "above", "direct", "upper right", "upper left", "lower left", "lower right",
    "center left", "center right", "upper center", "lower center", "center",
)  # fmt: skip
PAD_MM = 1.0
WIDEST_NAME = 0.3  # the same for names beside the curves
WIDEST_LEGEND = 0.55  # share of the panel's width
LINE_SPACING = 1.2
HIGH_MM = 12.0
BESIDE = "_name beside a curve"  # with the mark of what matplotlib keeps out of legends
CORNERS = {
    True: ("upper right", "lower left", "lower right", "upper left"),
    False: ("upper left", "lower right", "upper right", "lower left"),
}


def add_key(ax: Axes, legend: bool | str, taken: list[Bbox], falling: bool, told: bool) -> float:
    """The legend of all labelled lines: among the curves if there is room, else above; height above in mm.

    `taken` gets the box of a legend that stands among the curves. A high legend above is left out where the
    risk table has told already which line is which.
    """
    lines, labels = ax.get_legend_handles_labels()
    if not labels or legend is False:
        return 0.0
    if legend == "direct" and label_ends(ax, [line for line in lines if hasattr(line, "get_xdata")]):
        return 0.0
    if legend not in (True, "above", "direct"):
        taken.append(_legend(ax, labels, WIDEST_LEGEND, loc=str(legend)).get_window_extent())
        return 0.0
    if legend != "above":
        key = _legend(ax, labels, WIDEST_LEGEND, loc="upper right")
        box = key.get_window_extent()
        spot = _spot(ax, box, taken, falling)
        if spot is not None:
            _move(ax, key, spot, taken)
            return 0.0
    height = _legend_above(ax, labels)
    shown = ax.get_legend()
    if told and legend is True and height > HIGH_MM and shown is not None:
        shown.remove()
        return 0.0
    return height


def name_apart(ax: Axes, drawing: Drawing, styles: list[dict[str, Any]], artists: list[Line2D]) -> None:
    """Name groups by colour and causes by line style, rather than every curve of a group and a cause."""
    width = RC["lines.linewidth"]
    for artist in artists:
        artist.set_label(NOT_IN_LEGEND)
    for g, name in enumerate(drawing.groups):
        color = next(s["color"] for line, s in zip(drawing.lines, styles, strict=True) if line.group == g)
        ax.add_line(Line2D([], [], color=color, linewidth=width, label=name))
    for k, name in enumerate(drawing.splits):
        dashes = next(
            s["linestyle"] for line, s in zip(drawing.lines, styles, strict=True) if line.split == k
        )
        ax.add_line(Line2D([], [], color="black", linestyle=dashes, linewidth=width, label=name))


def add_note(ax: Axes, note: str, taken: list[Bbox], falling: bool, above_mm: float) -> float:
    """P-value and effect where no curve runs, else above the panel; the height that they take above in mm."""
    look: dict[str, Any] = {"fontsize": RC["legend.fontsize"], "linespacing": LINE_SPACING, "zorder": 6}
    text = ax.text(0, 1, note, transform=ax.transAxes, va="bottom", **look)
    box = text.get_window_extent()
    spot = _spot(ax, box, taken, falling)
    if spot is None:
        text.set_transform(ax.transAxes + _up(ax, above_mm + PAD_MM))
        return float(_mm(ax, box.height) + PAD_MM)
    _put_text(ax, text, spot)
    taken.append(text.get_window_extent())
    return 0.0


def label_ends(ax: Axes, lines: Sequence[Any]) -> bool:
    """The name of each curve beside its end, none over another; False if the names are too long."""
    for earlier in [text for text in ax.texts if text.get_label() == BESIDE]:
        earlier.remove()
    size = RC["legend.fontsize"]
    end, (low, high) = ax.get_xlim()[1], ax.get_ylim()
    width = WIDEST_NAME * _mm(ax, ax.get_window_extent().width)
    words = [word for line in lines for word in str(line.get_label()).split()]
    if max(text_mm(word, size) for word in words) * HINTED > width:
        return False
    names = [broken(str(line.get_label()), size, width) for line in lines]
    per_mm = (high - low) / _mm(ax, ax.get_window_extent().height)
    heights = np.array([(name.count("\n") + 1) * LINE_SPACING * size / PT_PER_MM * per_mm for name in names])
    if heights.sum() > high - low:
        return False
    ends = np.array([_height_at(line, end) for line in lines])
    for line, name, y in zip(lines, names, apart(ends, heights, low, high), strict=True):
        ax.text(
            1.0, y, name, transform=ax.get_yaxis_transform() + _right(ax, PAD_MM), color=line.get_color(),
            fontsize=size, va="center", ha="left", linespacing=LINE_SPACING, parse_math=False, label=BESIDE,
        )  # fmt: skip
    return True


def _height_at(line: Line2D, end: float) -> float:
    x, y = (np.asarray(v, dtype=float) for v in (line.get_xdata(), line.get_ydata()))
    known = np.flatnonzero((x <= end) & np.isfinite(y))
    return float(y[known[-1]])


def apart(at: np.ndarray, heights: np.ndarray, low: float, high: float) -> np.ndarray:
    """Heights of labels, none over another, each group of close ones about the mean of where they belong."""
    order = [int(i) for i in np.argsort(at, kind="stable")]
    groups: list[list[int]] = []
    for i in order:
        groups.append([i])
        while len(groups) > 1 and _bottom(groups[-1], at, heights, low, high) < _top(
            groups[-2], at, heights, low, high
        ):
            last = groups.pop()
            groups[-1] += last
    placed = np.empty(len(at))
    for group in groups:
        below = np.concatenate([[0.0], np.cumsum(heights[group])])[:-1]
        placed[group] = _bottom(group, at, heights, low, high) + below + heights[group] / 2
    return placed


def _bottom(group: list[int], at: np.ndarray, heights: np.ndarray, low: float, high: float) -> float:
    height = float(heights[group].sum())
    return float(np.clip(at[group].mean() - height / 2, low, high - height))


def _top(group: list[int], at: np.ndarray, heights: np.ndarray, low: float, high: float) -> float:
    return _bottom(group, at, heights, low, high) + float(heights[group].sum())


def _legend(ax: Axes, labels: Sequence[str], share: float, **options: Any) -> Legend:
    handles = ax.get_legend_handles_labels()[0]
    width = share * _mm(ax, ax.get_window_extent().width) - _sample_mm()
    texts = [broken(label, RC["legend.fontsize"], max(width, 15.0)) for label in labels]
    options = {"borderpad": 0.1, "borderaxespad": 0.4, "fontsize": RC["legend.fontsize"]} | options
    key = ax.legend(handles, texts, frameon=False, **options)
    key.set_zorder(6)
    for text in key.get_texts():
        text.set_parse_math(False)
    return key


def _sample_mm() -> float:
    em = RC["legend.fontsize"] / PT_PER_MM
    return float((RC["legend.handlelength"] + RC["legend.handletextpad"] + 0.6) * em)


def _legend_above(ax: Axes, labels: Sequence[str]) -> float:
    width = _mm(ax, ax.get_window_extent().width)
    size = RC["legend.fontsize"]
    widest = max(text_mm(label, size) for label in labels) + _sample_mm() + 2 * PAD_MM
    columns = int(np.clip(width // widest, 1, len(labels)))
    key = _legend(
        ax,
        labels,
        1.0,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        borderaxespad=0.3,
        ncols=columns,
        columnspacing=1.2,
    )
    return _mm(ax, key.get_window_extent().height) + 2 * PAD_MM


def _spot(ax: Axes, box: Bbox, taken: Sequence[Bbox], falling: bool) -> tuple[float, float] | None:
    """A place that no line and no band touches, else one that no line touches."""
    pad = PAD_MM / MM_PER_INCH * ax.figure.dpi
    frame, size = ax.get_window_extent(), (box.width, box.height)
    lines, bands = _paths(ax)
    spot = free_place(frame, size, [*lines, *bands], taken, CORNERS[falling], pad)
    return spot or free_place(frame, size, lines, taken, CORNERS[falling], pad)


def _paths(ax: Axes) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """What is drawn, in pixels: lines, and the outlines of bands."""
    lines = []
    for line in ax.lines:
        x, y = (np.asarray(v, dtype=float) for v in (line.get_xdata(), line.get_ydata()))
        points = stepped(x, y) if line.get_drawstyle() == "steps-post" else np.column_stack([x, y])
        lines.append(line.get_transform().transform(points))
    bands = [
        band.get_transform().transform(np.asarray(path.vertices))
        for band in ax.collections
        if isinstance(band, PolyCollection)
        for path in band.get_paths()
    ]
    return lines, bands


def _move(ax: Axes, key: Legend, spot: tuple[float, float], taken: list[Bbox]) -> None:
    """Anchor a legend at its share of the free room, so that it stays there when the panel is resized."""
    corner: Any = next((name for name, share in SHARES.items() if share == spot), None)
    key.set_loc(corner or _low(ax, key.get_window_extent(), spot))
    taken.append(key.get_window_extent())


def _low(ax: Axes, box: Bbox, spot: tuple[float, float]) -> tuple[float, float]:
    """Lower-left corner of a box in axes coordinates."""
    frame = ax.get_window_extent()
    pad = PAD_MM / MM_PER_INCH * ax.figure.dpi
    x = (pad + spot[0] * (frame.width - box.width - 2 * pad)) / frame.width
    y = (pad + spot[1] * (frame.height - box.height - 2 * pad)) / frame.height
    return float(x), float(y)


def _put_text(ax: Axes, text: Text, spot: tuple[float, float]) -> None:
    x, y = _low(ax, text.get_window_extent(), spot)
    if spot[0] == 1.0:
        text.set(ha="right", multialignment="right")
        x = 1 - PAD_MM / _mm(ax, ax.get_window_extent().width)
    text.set_position((x, y))


def _up(ax: Axes, mm: float) -> ScaledTranslation:
    return ScaledTranslation(0, mm / MM_PER_INCH, ax.figure.dpi_scale_trans)


def _right(ax: Axes, mm: float) -> ScaledTranslation:
    return ScaledTranslation(mm / MM_PER_INCH, 0, ax.figure.dpi_scale_trans)


def _mm(ax: Axes, pixels: float) -> float:
    return float(pixels / ax.figure.dpi * MM_PER_INCH)
