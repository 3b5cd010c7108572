"""Forest plots: estimates with limits on one axis, and the numbers they stand for beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.patches import Polygon
from matplotlib.transforms import Affine2D, Bbox, ScaledTranslation, blended_transform_factory

from .. import formats
from ..errors import DataError
from ..options import check_number
from .curve_lines import axes_mm, broken, style_axes
from .figure import EDGE_MM, figure, record, root_figure
from .forest_axis import check_limits, set_effect_axis
from .forest_plan import (
    BETWEEN_MM,
    FONT,
    GAP_MM,
    HEADER_MM,
    INDENT_MM,
    LINE_MM,
    Plan,
    header_mm,
    make_plan,
    room_mm,
)
from .forest_rows import Forest, Row, read_forest
from .place import PT_PER_MM, laid_out, text_mm, wrapped
from .risk_table import group_styles
from .themes import MM_PER_INCH, RC, active

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.transforms import Transform

AXIS_MM = 9.0  # tick labels and the label of the axis, before they are measured
MARKER_PT, LARGEST_PT, DIAMOND_MM = 4.2, 7.5, 1.2


def draw_forest(
    item: Any,
    *,
    ax: Axes | None = None,
    label: str | None = None,
    groups: str | None = None,
    labels: Mapping[str, str] | None = None,
    measure: str | None = None,
    reference: float | None = None,
    log: bool = True,
    limits: tuple[float, float] | None = None,
    favours: tuple[str, str] | None = None,
    counts: bool | None = None,
    p_values: bool | None = None,
    by_precision: bool = False,
    decimals: int = 2,
    conf_level: float | None = None,
    title: str | None = None,
    color: Any = None,
    width: float | None = None,
) -> Axes:
    """Draw estimates with their limits as a forest plot, their numbers in columns of text at the sides.

    Rows stand in the order of the table, those of a factor or a subgroup variable under its heading; a
    reference level reads "1 (reference)". A limit that lies off the axis ends in an arrow. Nothing is
    estimated here.

    Parameters
    ----------
    item
        A fitted regression; contrasts; the result of `subgroup_effects` or `across_models`; or a tidy frame
        with `estimate`,
        `conf_low` and `conf_high` as they are to be drawn (ratios, for a log axis), and, if it has them, `n`,
        `n_event`, `p_value`, `p_interaction` (at the heading), `reference` and `overall` (true or false; the
        latter is drawn as a diamond).
    ax
        Axes to draw into, high enough for the rows; default a new figure that is as high as they need.
    label
        The column of a frame with the labels of the rows; default `label`, `level`, `term` or `group`.
    groups
        The column with the headings over rows; default `variable` or `subgroup`. A row of it without a label
        stands alone.
    labels
        Other names for labels and headings: `{"sex": "Sex", "M": "Men"}`; a covariate names its spline, too,
        and names that the figure does not have do not matter.
    measure
        What the estimates are, for a frame: "hazard ratio".
    reference
        Where the line of no effect stands; default 1 on a log axis, else 0.
    log
        Whether the axis is logarithmic, as ratios want it.
    limits
        Ends of the axis; default around the estimates and, unless they are far away, their limits.
    favours
        Words below the axis for what lies left and right of no effect: `("Favours new", "Favours old")`.
    counts, p_values
        Whether to show the columns of events and patients, and of p-values; default if they fit.
    by_precision
        Whether markers are larger where the limits are narrower (area as 1 / variance).
    decimals
        Decimals of the estimates.
    conf_level
        The level of the limits in a frame, for the header. Results know theirs.
    title
        Default none.
    color
        Default the first colour of the theme.
    width
        Width of a new figure in mm; default that of the theme.

    Returns
    -------
    Axes
        The axes of the picture; its figure prints every row.

    Raises
    ------
    DataError
        A table without estimates, with ratios that are not above 0, with unknown columns, or labels that
        misspell what is in it; too little room.

    References
    ----------
    Lewis S, Clarke M. BMJ 2001;322:1479-1480. Cuzick J. Lancet 2005;365:1308.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> frame = pl.DataFrame({"term": ["age", "arm B"], "estimate": [1.02, 0.71], "conf_low": [1.0, 0.55],
    ...                       "conf_high": [1.04, 0.92], "p_value": [0.04, 0.009]})
    >>> ax = hem.plots.draw_forest(frame, measure="hazard ratio", width=80)
    >>> print(hem.plots.fingerprint(ax).partition("  text")[0])
    forest of 2 estimates (hazard ratio), axis 0.533 to 1.07
      age: 1.02 (1 to 1.04), p 0.040
      arm B: 0.71 (0.55 to 0.92), p 0.009
    <BLANKLINE>
    >>> import matplotlib.pyplot as plt
    >>> plt.close(ax.figure)
    """
    forest = read_forest(
        item, label=label, groups=groups, labels=labels, measure=measure, decimals=decimals,
        conf_level=conf_level,
    )  # fmt: skip
    neutral = float(log) if reference is None else _checked(reference, log)
    _check_rows(forest, log)
    check_limits(limits, log, neutral)
    with active():
        room = (active().width if width is None else width) - 2 * EDGE_MM if ax is None else room_mm(ax)
        plan = make_plan(forest, room, counts, p_values)
        panel = _new_panel(plan, width) if ax is None else ax
        panel.yaxis.set_visible(False)
        before = [] if ax is None else ax.get_children()
        _check_height(plan, panel, ax is not None)
        style_axes(panel)
        set_effect_axis(panel, forest.rows, neutral, log, limits, plan.picture_mm)
        _draw_picture(panel, forest, plan, neutral, by_precision, color)
        _write_columns(panel, forest, plan)
        _write_words(panel, forest, plan, title, favours, neutral, log)
        if ax is None:
            _fit_height(panel, plan.height)
        record(panel, lambda: _said(forest, panel), before=before)
    return panel


def _checked(reference: Any, log: bool) -> float:
    expected = "a number above 0 on a log axis" if log else "a number"
    lowest = 0.0 if log else -np.inf
    return check_number(reference, argument="reference", above=lowest, expected=expected, example=1.0)


def _check_rows(forest: Forest, log: bool) -> None:
    rows = [row for row in forest.rows if not row.heading]
    wrong = [i for i, row in enumerate(rows) if log and min(_known(row), default=0) < 0]
    if not wrong and any(row.estimate is not None for row in rows):
        return
    raise DataError(
        "holds estimates or limits below 0, which no log axis shows" if wrong else "has no estimate to draw",
        argument="item",
        column="estimate",
        rows=wrong,
        expected="ratios and their limits" if wrong else "at least one estimate",
        remedy="fit.to_frame(exponentiate=True), or log=False" if wrong else "a fit with covariates",
    )


def _known(row: Row) -> list[float]:
    return [v for v in (row.estimate, row.low, row.high) if v is not None]


def _new_panel(plan: Plan, width: float | None) -> Axes:
    panel = figure(width=width, height=max(plan.height + AXIS_MM + 2 * EDGE_MM, 20.0)).subplots()
    return panel


def _check_height(plan: Plan, ax: Axes, given: bool) -> None:
    """Rows that would run into each other in given axes are refused."""
    height = axes_mm(ax)[1]
    if given and plan.height > 1.03 * height + AXIS_MM:
        need = plan.height + AXIS_MM + 2 * EDGE_MM
        raise DataError(
            f"the rows need {plan.height:.0f} mm and the axes are {height:.0f} mm high",
            argument="ax",
            expected="axes that hold the rows",
            remedy=f"hem.plots.figure(height={np.ceil(need):.0f}).subplots(), or leave ax out",
        )


def _draw_picture(
    ax: Axes, forest: Forest, plan: Plan, neutral: float, by_precision: bool, color: Any
) -> None:
    """The line of no effect, and a marker with its limits in each row."""
    shade = color if color is not None else group_styles(None, 1)[0]["color"]
    ax.set_ylim(plan.height, 0)
    for side in ("left", "right", "top"):
        ax.spines[side].set_visible(False)
    top = plan.middles[0] - LINE_MM / 2 - BETWEEN_MM
    ax.plot([neutral] * 2, [top, plan.height], "-", color="0.45", linewidth=0.7, zorder=1)
    sizes = _sizes(forest, by_precision)
    for row, y, size in zip(forest.rows, plan.middles, sizes, strict=True):
        if row.reference and row.estimate is not None:
            look: dict[str, Any] = {"markerfacecolor": "white", "markeredgewidth": 0.8}
            ax.plot(row.estimate, y, "s", color=shade, markersize=MARKER_PT - 0.8, zorder=3, **look)
        elif row.estimate is not None:
            _draw_row(ax, row, y, size, shade)


def _draw_row(ax: Axes, row: Row, y: float, size: float, color: Any) -> None:
    """A line from limit to limit, an arrow where it leaves the axis, and the estimate."""
    first, last = ax.get_xlim()
    estimate = float(row.estimate if row.estimate is not None else np.nan)
    low, high = (estimate if v is None else v for v in (row.low, row.high))
    inside = first <= estimate <= last
    ends = [float(np.clip(v, first, last)) for v in (low, high)]
    whole = low >= first and high <= last
    if row.overall and whole and inside:
        points = [(low, y), (estimate, y - DIAMOND_MM), (high, y), (estimate, y + DIAMOND_MM)]
        ax.add_patch(Polygon(points, closed=True, facecolor=color, edgecolor=color, linewidth=0.5, zorder=3))
        return
    ax.plot(ends, [y, y], "-", color=color, linewidth=1.0, solid_capstyle="butt", zorder=2)
    for beyond, end, arrow in ((low < first, first, "<"), (high > last, last, ">")):
        if beyond:
            ax.plot(end, y, arrow, color=color, markersize=4.0, markeredgewidth=0, clip_on=False, zorder=3)
    if inside:
        ax.plot(
            estimate,
            y,
            "D" if row.overall else "s",
            color=color,
            markersize=size,
            markeredgewidth=0,
            zorder=4,
        )


def _sizes(forest: Forest, by_precision: bool) -> list[float]:
    """The size of each marker in points."""
    if not by_precision:
        return [MARKER_PT] * len(forest.rows)
    precision = [_precision(row) for row in forest.rows]
    most = (
        max((p for p, row in zip(precision, forest.rows, strict=True) if not row.overall), default=1.0) or 1.0
    )
    return [max(2.2, LARGEST_PT * min(1.0, np.sqrt(p / most))) for p in precision]


def _precision(row: Row) -> float:
    """1 / variance, up to a factor, from the width of the limits."""
    if row.low is None or row.high is None or row.reference or not 0 < row.low < row.high < np.inf:
        return 0.0
    return float(1 / np.log(row.high / row.low) ** 2)


def _write_columns(ax: Axes, forest: Forest, plan: Plan) -> None:
    """Labels and counts at the left, estimates and p-values at the right, each under its header."""
    left, right = _beside(ax, 0.0), _beside(ax, 1.0)
    start = -plan.left_mm
    counts_at = -GAP_MM - plan.counts_mm / 2
    ratio_at, p_at = GAP_MM + plan.ratio_mm / 2, 2 * GAP_MM + plan.ratio_mm + plan.p_mm / 2
    middle = (header_mm(forest, bool(plan.p_mm)) - HEADER_MM) / 2
    headers = [(counts_at, forest.counts, left, plan.counts_mm), (ratio_at, forest.ratio, right, 1.0)]
    headers.append((p_at, "\n".join(forest.p.split()), right, plan.p_mm))
    for x, text, place, there in headers:
        if there:
            _text(ax, x, middle, text, place, "center", bold=True)
    for row, lines, y in zip(forest.rows, plan.labels, plan.middles, strict=True):
        x = start + (INDENT_MM if row.indented else 0.0)
        _text(ax, x, y, "\n".join(lines), left, "left", bold=row.heading)
        if plan.counts_mm:
            _text(ax, counts_at, y, row.counts, left, "center")
        _text(ax, ratio_at, y, row.ratio, right, "center")
        if plan.p_mm:
            _text(ax, p_at, y, row.p, right, "center")
    if not laid_out(ax):
        beside = GAP_MM + plan.ratio_mm + (GAP_MM + plan.p_mm if plan.p_mm else 0.0)
        ax.set_axes_locator(Between(ax, ax.get_axes_locator(), plan.left_mm, beside))


def _text(ax: Axes, x: float, y: float, text: str, place: Transform, side: str, bold: bool = False) -> None:
    if text:
        ax.text(
            x, y, text, transform=place, fontsize=FONT, ha=side, parse_math=False, clip_on=False,
            va="center" if "\n" in text else "center_baseline", weight="bold" if bold else "normal",
            linespacing=1.15,
        )  # fmt: skip


def _beside(ax: Axes, end: float) -> Transform:
    """Horizontally mm from an end of the axis (0 left, 1 right), vertically the rows."""
    origin: Any = ax.transAxes
    scale = Affine2D().scale(1 / MM_PER_INCH) + ax.figure.dpi_scale_trans
    return blended_transform_factory(scale + ScaledTranslation(end, 0, origin), ax.transData)


@dataclass
class Between:
    """Locator of an Axes that leaves room for text at both sides, where no layout engine does."""

    ax: Axes
    before: Any
    left_mm: float
    right_mm: float

    def get_subplotspec(self) -> Any:
        """The place of the panel in its grid, which tight layout asks a locator for."""
        return self.ax.get_subplotspec()

    def __call__(self, ax: Any, renderer: Any) -> Bbox:
        """The box in shares of the figure, as `Axes.set_axes_locator` wants it."""
        box = self.before(ax, renderer) if self.before else ax.get_position(original=True)
        if laid_out(ax):
            return box
        width, height = ax.figure.bbox.size / ax.figure.dpi * MM_PER_INCH
        labels = ax.xaxis.get_tightbbox(renderer)
        hanging = 0.0 if labels is None else (ax.bbox.y0 - labels.y0) / ax.figure.dpi * MM_PER_INCH
        bottom = max(box.y0, (hanging + EDGE_MM) / height)
        return Bbox([[box.x0 + self.left_mm / width, bottom], [box.x1 - self.right_mm / width, box.y1]])


def _write_words(
    ax: Axes,
    forest: Forest,
    plan: Plan,
    title: str | None,
    favours: tuple[str, str] | None,
    neutral: float,
    log: bool,
) -> None:
    """The label of the axis, what its sides favour, and the title over all columns."""
    name = f"{forest.measure[:1].upper()}{forest.measure[1:]}"
    name += f" of {forest.compared}" if forest.compared else ""
    wide = plan.picture_mm + 2 * min(plan.left_mm, GAP_MM + plan.ratio_mm)
    look: dict[str, Any] = {"fontsize": FONT, "fontfamily": RC["font.family"]}
    ax.set_xlabel(broken(f"{name} (log scale)" if log else name, FONT, wide), **look)
    if favours is not None:
        _write_favours(ax, favours, neutral, plan)
    if title is not None:
        size, bold = RC["axes.titlesize"], RC["axes.titleweight"] == "bold"
        room = plan.left_mm + plan.picture_mm + GAP_MM + plan.ratio_mm
        lines = broken(title, size, room, bold)
        shift = ScaledTranslation(-plan.left_mm / MM_PER_INCH, 1.2 / MM_PER_INCH, ax.figure.dpi_scale_trans)
        ax.text(
            0, 1, lines, transform=ax.transAxes + shift, fontsize=size, ha="left", va="bottom",
            weight=RC["axes.titleweight"], parse_math=False,
        )  # fmt: skip


def _write_favours(ax: Axes, favours: tuple[str, str], neutral: float, plan: Plan) -> None:
    """A line of words below the ticks, to either side of no effect; the axis label goes below them."""
    if not isinstance(favours, list | tuple) or len(favours) != 2:
        raise DataError(
            f"{favours!r} was given",
            argument="favours",
            expected="two texts: what lies left and right of no effect",
            remedy="favours=('Favours new', 'Favours old')",
        )
    tick_mm = (RC["xtick.major.size"] + RC["xtick.major.pad"] + 1.1 * RC["xtick.labelsize"]) / PT_PER_MM
    share = float(ax.transAxes.inverted().transform(ax.transData.transform((neutral, 0)))[0])
    rooms = (plan.left_mm + share * plan.picture_mm, (1 - share) * plan.picture_mm + plan.ratio_mm)
    arrow_mm = text_mm("← ", FONT)  # an arrow stays with the word beside it
    left, right = (wrapped(w, FONT, mm - 2.0 - arrow_mm) for w, mm in zip(favours, rooms, strict=True))
    texts = [[f"← {left[0]}", *left[1:]], [*right[:-1], f"{right[-1]} →"]]
    down = ScaledTranslation(0, -(tick_mm + 1.0) / MM_PER_INCH, ax.figure.dpi_scale_trans)
    for lines, side, away in zip(texts, ("right", "left"), (-1.2, 1.2), strict=True):
        aside = ScaledTranslation(away / MM_PER_INCH, 0, ax.figure.dpi_scale_trans)
        place = blended_transform_factory(ax.transData, ax.transAxes) + down + aside
        ax.text(
            neutral, 0, "\n".join(lines), transform=place, fontsize=FONT, ha=side, va="top", parse_math=False,
            linespacing=1.15,
        )  # fmt: skip
    height = max(map(len, texts)) * LINE_MM + 0.6
    ax.xaxis.labelpad = RC["axes.labelpad"] + height * PT_PER_MM


def _fit_height(ax: Axes, height: float) -> None:
    """A figure of our own becomes as high as its rows and all around them need."""
    whole = root_figure(ax)
    for _ in range(2):
        whole.draw_without_rendering()
        box: Any = ax.get_tightbbox()
        around = (box.height - ax.get_window_extent().height) / whole.dpi * MM_PER_INCH
        whole.set_size_inches(whole.get_size_inches()[0], (height + around + 2 * EDGE_MM) / MM_PER_INCH)
    whole.draw_without_rendering()


def _said(forest: Forest, ax: Axes) -> list[str]:
    """Each row with its numbers, and the ends of the axis."""
    first, last = (formats.significant(v, 3) for v in ax.get_xlim())
    n = sum(row.estimate is not None for row in forest.rows)
    lines, heading = [f"forest of {n} estimates ({forest.measure}), axis {first} to {last}"], ""
    for row in forest.rows:
        heading = f"{row.label}, " if row.heading else heading if row.indented else ""
        if row.heading:
            continue
        numbers = [formats.significant(v) for v in (row.estimate, row.low, row.high)]
        interval = "" if row.low is None and row.high is None else f" ({numbers[1]} to {numbers[2]})"
        more = "".join(f", {name} {text}" for name, text in (("n", row.counts), ("p", row.p)) if text)
        lines.append(f"  {heading}{row.label}: {numbers[0]}{interval}{more}")
    return lines
