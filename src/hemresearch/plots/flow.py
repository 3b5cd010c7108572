"""Flow diagrams: boxes for who is left, exclusions beside them, as CONSORT and STROBE want them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, Rectangle
from matplotlib.transforms import Affine2D, ScaledTranslation

from ..cohort.flow_steps import Exclusion, Stage
from ..cohort.flow_text import reasons
from ..errors import DataError
from ..formats import count
from .curve_lines import axes_mm
from .figure import figure, record, root_figure
from .place import PT_PER_MM, text_mm, wrapped
from .themes import MM_PER_INCH, RC, active

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.transforms import Transform

    from ..cohort.flow import Flow

FONT = 7.5
LINE_MM = 1.35 * FONT / PT_PER_MM
PAD_MM, GAP_MM, EDGE_MM = 1.8, 5.0, 0.3
INDENT_MM = 2.0
SPINE_SHARE, BESIDE_MM = 0.42, 6.0  # width of a box on the spine; from there to the exclusions
NARROWEST_MM = 17.0  # a column of a group that is narrower than this cannot be read
CANVAS_MM = 2.4  # the white around the axes of a new figure
EXCLUDED = "Excluded"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text in a box."""

    text: str
    strong: bool = False
    indent: float = 0.0


@dataclass(slots=True)
class Box:
    """A box of text: its middle and top in mm from the upper left corner, its size in mm."""

    lines: list[Line]
    width: float
    centred: bool = True
    x: float = 0.0
    y: float = 0.0
    least: float = 0.0  # height that it has at least
    fill: str = "white"

    @property
    def height(self) -> float:
        """From its top to its bottom."""
        return max(LINE_MM * len(self.lines) + 2 * PAD_MM, self.least)

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.y + self.height

    @property
    def left(self) -> float:
        """Its left edge."""
        return self.x - self.width / 2

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.x + self.width / 2


@dataclass(slots=True)
class Diagram:
    """Boxes and the arrows between them: chains of points in mm, the last one with a head."""

    width: float
    boxes: list[Box]
    arrows: list[list[tuple[float, float]]]
    height: float = 0.0

    def add(self, box: Box) -> Box:
        """Take a box that has its place."""
        self.boxes.append(box)
        self.height = max(self.height, box.bottom)
        return box


def draw_flow(flow: Flow, *, ax: Axes | None = None, width: float | None = None) -> Axes:
    """Draw who was registered, excluded (with reasons and counts) and left, as CONSORT and STROBE want it.

    One box per stage, from top to bottom; the exclusions between two stages share a box at the right. After a
    split every group has a column of its own. Boxes are as large as their text: in a new figure
    the height follows from them.

    Parameters
    ----------
    flow
        A `hem.cohort.Flow`.
    ax
        Axes to draw into, of at least the height that the diagram needs; default a new figure.
    width
        Width of a new figure in mm; default that of the theme.

    Returns
    -------
    Axes
        The axes, without frame and ticks; its figure prints every box as text.

    Raises
    ------
    DataError
        Something other than a Flow, or axes that are too small for its text.

    References
    ----------
    Schulz KF et al. CONSORT 2010 statement. BMJ 2010;340:c332.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> flow = hem.cohort.Flow(hem.data.load("mgus2")).keep(pl.col("age") >= 40, reason="Younger than 40")
    >>> ax = hem.plots.draw_flow(flow, width=80)
    >>> ax.figure
    Figure 80 mm wide
    Registered (n=1,384)
    Excluded (n=24); Younger than 40 (n=24)
    Included (n=1,360)
      text: Registered | (n=1,384) | Excluded (n=24) | Younger than 40 (n=24) | Included (n=1,360)
    >>> import matplotlib.pyplot as plt
    >>> plt.close(ax.figure)
    """
    _check(flow)
    with active():
        if ax is None:
            diagram = arrange(flow, (active().width if width is None else width) - CANVAS_MM)
            panel = figure(width=width, height=max(diagram.height + CANVAS_MM, 20.0)).subplots()
            panel.set_axis_off()
        else:
            panel = emptied(ax)
            diagram = arrange(flow, axes_mm(panel)[0])
            check_height(diagram, axes_mm(panel)[1])
        draw_diagram(panel, diagram)
        record(panel, lambda: [said(box) for box in diagram.boxes])
    return panel


def arrange(flow: Flow, width: float) -> Diagram:
    """Where every box and arrow of a flow goes, in mm from the upper left corner."""
    diagram = Diagram(width, [], [])
    entries = flow.closed().entries
    at = next((i for i, e in enumerate(entries) if isinstance(e, Stage) and not e.label), len(entries))
    last = _spine(diagram, entries[:at], splits=at < len(entries))
    if at < len(entries):
        _columns(diagram, last, entries[at:])
    return diagram


def _spine(diagram: Diagram, entries: Sequence[Stage | Exclusion], splits: bool) -> Box:
    """The stages before the split, one under the other, with the exclusions at the right.

    Above columns the stages stand in the middle, and the exclusions beside the arrow between two of them.
    """
    beside = any(isinstance(e, Exclusion) for e in entries)
    most = SPINE_SHARE * diagram.width if beside else 0.7 * diagram.width
    labels = [f"{e.label} (n={count(e.n[0])})" for e in entries if isinstance(e, Stage)]
    boxes = _same_width([_wrapped_box(label, most) for label in labels])
    middle = boxes[0].width / 2 + EDGE_MM if beside and not splits else diagram.width / 2
    left = middle + BESIDE_MM + (0.0 if splits else boxes[0].width / 2)
    excluded = _excluded_between(entries, diagram.width - left - EDGE_MM)
    y = EDGE_MM
    previous: Box | None = None
    for box, aside in zip(boxes, [None, *excluded], strict=True):
        box.x = middle
        if previous is not None:
            y = previous.bottom + GAP_MM
            if aside is not None:
                aside.x, aside.y = left + aside.width / 2, y - (0.0 if splits else GAP_MM / 2)
                diagram.add(aside)
                across = aside.y + aside.height / 2
                diagram.arrows.append([(middle, across), (aside.left, across)])
                y = aside.bottom + (GAP_MM if splits else GAP_MM / 2)
        box.y = y
        if previous is not None:
            diagram.arrows.append([(middle, previous.bottom), (middle, box.y)])
        previous = diagram.add(box)
    assert previous is not None
    return previous


def _excluded_between(entries: Sequence[Stage | Exclusion], most: float) -> list[Box | None]:
    """One box of exclusions after each stage but the last, or None where nobody could go."""
    found: list[Box | None] = []
    open_: list[Exclusion] = []
    for entry in entries[1:]:
        if isinstance(entry, Exclusion):
            open_.append(entry)
        else:
            found.append(_exclusion_box(open_, 0, most) if open_ else None)
            open_ = []
    boxes = [box for box in found if box is not None]
    _same_width(boxes)
    return found


def _columns(diagram: Diagram, last: Box, entries: Sequence[Stage | Exclusion]) -> None:
    """One column per group after the split: stages and exclusions in their order."""
    groups = entries[0].groups
    column = (diagram.width - 2 * EDGE_MM + PAD_MM) / len(groups)
    if column - PAD_MM < NARROWEST_MM:
        need = len(groups) * (NARROWEST_MM + PAD_MM)
        raise DataError(
            f"{len(groups)} groups have no room side by side",
            argument="width",
            expected=f"at least {need + CANVAS_MM:.0f} mm for {len(groups)} groups",
            remedy=f"width={need + CANVAS_MM:.0f}",
        )
    middles = [EDGE_MM + column * (g + 0.5) - PAD_MM / 2 for g in range(len(groups))]
    above = [last] * len(groups)
    for row in _group_rows(entries):
        boxes = [_group_box(row, g, column - PAD_MM) for g in range(len(groups))]
        fork = above[0] is last
        top = max(box.bottom for box in above) + GAP_MM * (1.6 if fork else 1.0)
        lines = max(len(box.lines) for box in boxes)
        for g, box in enumerate(boxes):
            box.lines += [Line("")] * (lines - len(box.lines)) if not box.centred else []
            box.x, box.y = middles[g], top
            diagram.add(box)
            bend = [(last.x, last.bottom), (last.x, top - GAP_MM), (box.x, top - GAP_MM)] if fork else []
            diagram.arrows.append([*(bend or [(box.x, above[g].bottom)]), (box.x, top)])
        above = boxes


def _group_rows(entries: Sequence[Stage | Exclusion]) -> list[Stage | list[Exclusion]]:
    """Stages, and between them the exclusions that share a box."""
    rows: list[Stage | list[Exclusion]] = []
    for entry in entries:
        if isinstance(entry, Stage):
            rows.append(entry)
        elif rows and isinstance(rows[-1], list):
            rows[-1].append(entry)
        else:
            rows.append([entry])
    return rows


def _group_box(row: Stage | list[Exclusion], group: int, width: float) -> Box:
    if isinstance(row, Stage):
        box = _wrapped_box(f"{row.label or row.groups[group]} (n={count(row.n[group])})", width)
    else:
        box = _exclusion_box(row, group, width)
    box.width = width
    return box


def _wrapped_box(text: str, most: float) -> Box:
    """A box on the spine, as wide as its text and at most `most`; the count stays in one piece."""
    lines = [Line(line) for line in wrapped(text, FONT, most - 2 * PAD_MM)]
    return Box(lines, min(most, max(text_mm(line.text, FONT) for line in lines) + 2 * PAD_MM + 0.4))


def _exclusion_box(exclusions: Sequence[Exclusion], group: int, most: float) -> Box:
    """What was excluded for which reason, left-aligned under its total."""
    n = sum(one.n_excluded[group] for one in exclusions)
    head = f"{EXCLUDED} (n={count(n)})"
    lines = [Line(text, strong=True) for text in wrapped(head, FONT, most - 2 * PAD_MM, True)]
    for reason in reasons(exclusions, group):
        first, *more = wrapped(reason, FONT, most - 2 * PAD_MM - INDENT_MM)
        lines += [Line(first), *(Line(text, indent=INDENT_MM) for text in more)]
    widths = [text_mm(x.text, FONT, x.strong) + x.indent for x in lines]
    return Box(lines, min(most, max(widths) + 2 * PAD_MM + 0.4), centred=False)


def _same_width(boxes: list[Box]) -> list[Box]:
    for box in boxes:
        box.width = max(one.width for one in boxes)
    return boxes


def draw_diagram(ax: Axes, diagram: Diagram) -> None:
    """Boxes, their text and the arrows, in mm from the upper left corner of the axes."""
    place = from_corner(ax)
    edge = RC["axes.linewidth"]
    for box in diagram.boxes:
        corner = (box.left, box.y)
        ax.add_patch(
            Rectangle(
                corner, box.width, box.height, transform=place, facecolor=box.fill, edgecolor="black",
                linewidth=edge, clip_on=False, zorder=2,
            )
        )  # fmt: skip
        top = box.y + (box.height - LINE_MM * len(box.lines)) / 2
        for i, line in enumerate(box.lines):
            x = box.x if box.centred else box.left + PAD_MM + line.indent
            ax.text(
                x, top + LINE_MM * (i + 0.5), line.text, transform=place, fontsize=FONT, zorder=3,
                ha="center" if box.centred else "left", va="center_baseline", parse_math=False,
                weight="bold" if line.strong else "normal",
            )  # fmt: skip
    for points in diagram.arrows:
        if len(points) > 2:
            xs, ys = zip(*points[:-1], strict=True)
            path = Line2D(xs, ys, transform=place, color="black", linewidth=edge, clip_on=False, zorder=1)
            ax.add_line(path)
        head = FancyArrowPatch(
            points[-2], points[-1], transform=place, arrowstyle="-|>", mutation_scale=7, shrinkA=0, shrinkB=0,
            color="black", linewidth=edge, clip_on=False, zorder=1.5,
        )  # fmt: skip
        ax.add_patch(head)


def from_corner(ax: Axes) -> Transform:
    """Right and down in mm from the upper left corner of the axes."""
    scale = Affine2D().scale(1 / MM_PER_INCH, -1 / MM_PER_INCH) + ax.figure.dpi_scale_trans
    origin: Any = ax.transAxes
    return scale + ScaledTranslation(0, 1, origin)


def said(box: Box) -> str:
    """A box in one line of text."""
    if box.centred:
        return " ".join(line.text for line in box.lines)
    parts: list[str] = []
    for line in box.lines:
        if line.indent:
            parts[-1] += f" {line.text}"
        elif line.text:
            parts.append(line.text)
    return "; ".join(parts)


def _check(flow: Any) -> None:
    if not (hasattr(flow, "closed") and hasattr(flow, "entries")):
        raise DataError(
            f"a {type(flow).__name__} was given",
            argument="flow",
            expected="a hem.cohort.Flow",
            remedy="hem.cohort.Flow(data).plot()",
        )


def emptied(ax: Axes) -> Axes:
    """Axes without frame and ticks, where the layout of their figure puts them then."""
    ax.set_axis_off()
    root_figure(ax).draw_without_rendering()
    return ax


def check_height(diagram: Diagram, height: float) -> None:
    """Refuse axes that are lower than their diagram."""
    if diagram.height > height + EDGE_MM:
        need = diagram.height + CANVAS_MM
        raise DataError(
            f"the diagram is {diagram.height:.0f} mm high and the axes are {height:.0f} mm",
            argument="ax",
            expected="axes that hold the diagram",
            remedy=f"hem.plots.figure(height={need:.0f}).subplots(), or leave ax out",
        )
