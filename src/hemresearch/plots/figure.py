"""Figures that say in text what they show.

A notebook test compares text, never pixels. The `repr` of these figures is therefore a fingerprint of what is
drawn: quantity, groups, n, events, medians, mean heights of the lines, p-value, and every label.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from .. import formats
from ..options import check_number
from .themes import MM_PER_INCH, active

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    Describe = Callable[[], list[str]]

EDGE_MM = 1.0  # white at the edge of a figure
_DRAWN, _TOLD = "_hemresearch_drawn", "_hemresearch_told"
_FILE: Any = {"pdf.fonttype": 42, "ps.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": "hemresearch"}
_UNDATED = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "ps": {"CreationDate": None}}


class ResearchFigure(Figure):
    """A matplotlib figure whose `repr` is a fingerprint of the data drawn, and whose files carry no date."""

    def __repr__(self) -> str:
        return fingerprint(self)

    def __str__(self) -> str:
        return fingerprint(self)

    def savefig(self, fname: Any, **options: Any) -> None:
        """Save as matplotlib does, with TrueType text and without the date, so that a repeat is equal."""
        settle(self)
        kind = options.get("format") or str(fname).rsplit(".", 1)[-1]
        options["metadata"] = _UNDATED.get(kind, {}) | (options.get("metadata") or {})
        with rc_context(_FILE):
            super().savefig(fname, **options)


def figure(*, width: float | None = None, height: float | None = None) -> ResearchFigure:
    """An empty figure of `width` x `height` mm that keeps its labels inside and prints a fingerprint.

    Its panels are made with `.subplots(rows, columns)` and given to the draw functions as `ax`. Room for
    labels and risk tables is made when the figure is drawn (matplotlib's constrained layout).

    Parameters
    ----------
    width
        Width in mm; default that of the theme in use.
    height
        Height in mm; default that of one panel in the theme.

    Raises
    ------
    DataError
        A width or height that is not a number of millimetres.

    Examples
    --------
    >>> import hemresearch as hem
    >>> fig = hem.plots.figure(width=170, height=70)
    >>> left, right = fig.subplots(1, 2)
    >>> fig
    Figure 170 mm wide
      an empty panel
      an empty panel
    >>> import matplotlib.pyplot as plt
    >>> plt.close(fig)
    """
    import matplotlib.pyplot as plt

    style = active()
    mm_wide = style.width if width is None else _length(width, "width")
    mm_high = style.height(mm_wide) if height is None else _length(height, "height")
    with style:
        made = plt.figure(
            FigureClass=ResearchFigure,
            figsize=(mm_wide / MM_PER_INCH, mm_high / MM_PER_INCH),
            layout="constrained",
        )
    engine: Any = made.get_layout_engine()
    engine.set(w_pad=EDGE_MM / MM_PER_INCH, h_pad=EDGE_MM / MM_PER_INCH)
    return cast("ResearchFigure", made)


def _length(mm: Any, argument: str) -> float:
    return check_number(
        mm, argument=argument, at_least=20.0, below=2000.0, expected="millimetres, at least 20", example=80
    )


def settle(drawn: Figure) -> None:
    """Put every panel where its grid has it, so that the layout always begins from the same place.

    Otherwise a figure that was drawn before could be saved with its last decimals different.
    """
    for ax in drawn.axes:
        spec = ax.get_subplotspec()
        engine = ax.figure.get_layout_engine()
        if spec is not None and engine is not None and not engine.adjust_compatible:
            ax.set_subplotspec(spec)


def record(ax: Axes, describe: Describe, *, before: Iterable[Artist] = ()) -> None:
    """Remember how to describe what was drawn into `ax`; its figure prints it from now on.

    A plain matplotlib `Figure` becomes a `ResearchFigure`; other subclasses are left alone. Whatever else is
    in these axes (a line of the user's own) is described by its mean position.

    Parameters
    ----------
    ax
        The axes drawn into.
    describe
        Gives the lines of text; called when the figure is shown, so that it can read the artists as they are.
    before
        What was in the axes before.

    Examples
    --------
    >>> import hemresearch as hem
    >>> ax = hem.plots.figure(width=80, height=50).subplots()
    >>> points = ax.scatter([1, 2], [3, 4])
    >>> hem.plots.record(ax, lambda: ["two points, of mine"])
    >>> print(hem.plots.fingerprint(ax))
    two points, of mine
    >>> import matplotlib.pyplot as plt
    >>> plt.close(ax.figure)
    """
    others = list(before)
    vars(ax).setdefault(_DRAWN, []).append(describe)
    vars(ax).setdefault(_TOLD, []).extend(child for child in ax.get_children() if child not in others)
    owner: Any = root_figure(ax)
    if type(owner) is Figure:
        owner.__class__ = ResearchFigure


def described(ax: Axes) -> list[Describe]:
    """What was recorded for an Axes."""
    return list(vars(ax).get(_DRAWN, []))


def fingerprint(drawn: Figure | Axes) -> str:
    """What a figure (or one of its axes) shows, in a few lines of text that change when a number does.

    Parameters
    ----------
    drawn
        A figure or axes.

    Examples
    --------
    >>> import hemresearch as hem
    >>> hem.plots.fingerprint(hem.plots.figure(width=80, height=50))
    'Figure 80 mm wide'
    """
    if not isinstance(drawn, Figure):
        return "\n".join(_axes_lines(drawn))
    # Not the height: it follows the text, whose measures differ a little between versions of matplotlib.
    lines = [f"Figure {round(MM_PER_INCH * drawn.get_size_inches()[0])} mm wide"]
    keys = [text for key in drawn.legends for text in key.get_texts()]
    outside = _squeezed(text.get_text() for text in (*drawn.texts, *keys) if text.get_visible())
    lines += [f"  text: {' | '.join(outside)}"] if outside else []
    for ax in drawn.axes:
        lines += _axes_lines(ax)
    return "\n".join(lines)


def root_figure(ax: Axes) -> Figure:
    """The whole figure that an Axes is on, also from within a subfigure."""
    owner: Any = ax.figure
    return owner if isinstance(owner, Figure) else owner.figure


def _axes_lines(ax: Axes) -> list[str]:
    """The recorded lines of one Axes (or a summary of its artists), and the texts it shows."""
    told = [line for describe in described(ax) for line in describe()]
    words = _squeezed(_words(ax))
    said = [f"  text: {' | '.join(words)}"] if words else []
    return (told + _artist_lines(ax) + said) or ["  an empty panel"]


def _words(ax: Axes) -> Iterator[str]:
    """Titles, axis labels, legend and annotations of an Axes; not its tick labels."""
    yield from (ax.get_title(loc=side) for side in ("left", "center", "right"))
    yield from (ax.get_xlabel(), ax.get_ylabel())
    key = ax.get_legend()
    if key is not None:
        yield from (t.get_text() for t in (key.get_title(), *key.get_texts()) if t.get_visible())
    yield from (t.get_text() for t in ax.texts if t.get_visible())
    for child in ax.child_axes:  # the words of a risk table; its numbers are annotations at their times
        yield from (t.get_text() for t in child.texts if t.get_visible() and not isinstance(t, Annotation))


def _squeezed(words: Iterable[str]) -> list[str]:
    """Each text once, in order, without its line breaks."""
    return list(dict.fromkeys(" ".join(word.split()) for word in words if word.strip()))


def _artist_lines(ax: Axes) -> list[str]:
    """What no draw function told about: each line, cloud of points and patch, and its mean position."""
    told = vars(ax).get(_TOLD, [])
    parts = [f"line at mean {_mean(line.get_xydata())}" for line in ax.lines if line not in told]
    clouds = [cloud for cloud in ax.collections if cloud not in told]
    offsets: list[Any] = [np.atleast_2d(np.ma.asarray(cloud.get_offsets())) for cloud in clouds]
    parts += [f"points at mean {_mean(points)}" for points in offsets if points.size]
    parts += [
        f"patch at {_mean(p.get_extents().transformed(ax.transData.inverted()).get_points())}"
        for p in ax.patches
        if p not in told
    ]
    return [f"  {part}" for part in parts]


def _mean(points: Any) -> str:
    xy = np.ma.masked_invalid(np.asarray(points, dtype=float)).mean(axis=0)
    return ", ".join(formats.significant(float(v)) for v in np.ma.filled(xy, np.nan))
