"""Whether a figure can be read: text inside the canvas, nothing over anything, nothing too small."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

from ..formats import significant
from .place import stepped, touches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

SMALLEST_PT = 6.0
THINNEST_PT = 0.5
SLACK_PX = 0.5


def layout_problems(fig: Figure) -> list[str]:
    """What is wrong with the layout of a figure, one sentence each; an empty list if nothing is.

    Text outside the canvas, text over other text (tick labels, axis labels, legends, risk tables, notes,
    titles), text across a curve, text below 6 pt, and lines below 0.5 pt.

    Parameters
    ----------
    fig
        The figure, laid out as it would be drawn now.

    Examples
    --------
    >>> import hemresearch as hem
    >>> fig = hem.plots.figure(width=80, height=50)
    >>> _ = fig.text(0.99, 0.5, "beyond the edge", fontsize=5)
    >>> hem.plots.layout_problems(fig)
    ["'beyond the edge' is outside the canvas", "'beyond the edge' is set in 5 pt"]
    """
    fig.draw_without_rendering()
    boxes: list[tuple[Any, Bbox]] = [(text, _box(text)) for text in _texts(fig)]
    return [
        *(f"{_said(t)} is outside the canvas" for t, box in boxes if not _inside(box, fig.bbox)),
        *(
            f"{_said(a)} lies over {_said(b)}"
            for (a, one), (b, two) in combinations(boxes, 2)
            if _overlap(one, two)
        ),
        *(f"{_said(t)} lies over a curve" for t, box in boxes if _crossed(t, box)),
        *(
            f"{_said(t)} is set in {t.get_fontsize():g} pt"
            for t, _ in boxes
            if t.get_fontsize() < SMALLEST_PT
        ),
        *_thin_lines(fig),
    ]


def _texts(fig: Figure) -> Iterator[Text]:
    """Every text that is drawn, also in legends and in the axes of risk tables."""
    yield from (t for t in (*fig.texts, *(t for key in fig.legends for t in key.get_texts())) if _shown(t))
    for ax in _all_axes(fig):
        yield from (t for t in _axes_texts(ax) if _shown(t))


def _all_axes(fig: Figure) -> list[Axes]:
    found: list[Any] = list(fig.axes)
    for ax in found:
        found += [child for child in ax.child_axes if child not in found]
    return [ax for ax in found if ax.get_visible()]


def _axes_texts(ax: Axes) -> Iterator[Text]:
    kept: list[Artist] = [child for child in ax.get_children() if not isinstance(child, Axes)]
    axes = (ax.xaxis, ax.yaxis)
    for artist in kept:
        if artist in axes or not artist.get_visible():
            continue
        yield from _within(artist)
    if ax.axison:
        for axis in axes:
            low, high = sorted(axis.get_view_interval())
            ticks = [t for t in axis.get_major_ticks() if low - 1e-9 <= t.get_loc() <= high + 1e-9]
            yield from (label for tick in ticks for label in (tick.label1, tick.label2))
            yield from (axis.label, axis.get_offset_text())


def _within(artist: Artist) -> Iterator[Text]:
    if isinstance(artist, Text):
        yield artist
    for child in artist.get_children():
        yield from _within(child)


def _shown(text: Text) -> bool:
    return text.get_visible() and bool(text.get_text().strip()) and _box(text).width > 0


def _box(text: Text) -> Any:
    """The box of a text; that of a number whose time is off the axis, and which is not drawn, is empty."""
    return text.get_tightbbox() if isinstance(text, Annotation) else text.get_window_extent()


def _inside(box: Bbox, canvas: Any) -> bool:
    return (
        box.x0 >= canvas.x0 - SLACK_PX
        and box.y0 >= canvas.y0 - SLACK_PX
        and box.x1 <= canvas.x1 + SLACK_PX
        and box.y1 <= canvas.y1 + SLACK_PX
    )


def _overlap(one: Bbox, two: Bbox) -> bool:
    """Boxes that share more than a rim (the box of a line of text has white above and below the letters)."""
    width = min(one.x1, two.x1) - max(one.x0, two.x0)
    height = min(one.y1, two.y1) - max(one.y0, two.y0)
    return width > SLACK_PX and height > 0.12 * min(one.height, two.height)


def _crossed(text: Text, box: Bbox) -> bool:
    """Whether a step curve of the same axes runs through a text."""
    ax = text.axes
    if ax is None:
        return False
    for line in ax.lines:
        if line.get_drawstyle() != "steps-post" or not line.get_visible():
            continue
        x, y = (np.asarray(v, dtype=float) for v in (line.get_xdata(), line.get_ydata()))
        if touches(line.get_transform().transform(stepped(x, y)), _clipped(box, ax)):
            return True
    return False


def _clipped(box: Bbox, ax: Any) -> Bbox:
    """The part of a box where curves are drawn; an empty one lies outside."""
    inside = Bbox.intersection(box, ax.get_window_extent())
    return inside if inside is not None else Bbox([[-2.0, -2.0], [-1.0, -1.0]])


def _thin_lines(fig: Figure) -> list[str]:
    lines = [line for ax in _all_axes(fig) for line in ax.lines if line.get_linestyle() != "None"]
    thin = {line.get_linewidth() for line in lines if line.get_linewidth() < THINNEST_PT}
    return [f"a line is {significant(width)} pt wide" for width in sorted(thin)]


def _said(text: Text) -> str:
    return repr(" ".join(text.get_text().split()))
