"""The parts of a curve picture that belong to the data: lines, bands, censor ticks, medians and both axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, MultipleLocator, PercentFormatter

from .place import PT_PER_MM, stepped, wrapped
from .themes import MM_PER_INCH, RC
from .ticks import tick_label, tick_times

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .drawn import Drawing, Line

NOT_IN_LEGEND = "_nolegend_"
MANY_POINTS, RESOLUTION = 4000, 4000
TICKS_PER_MM = 2.0
CENSOR_MM = 0.25  # censor ticks nearer than this are one tick
START_DECIMALS = 2  # of a late start: 90 days are 0.25 years
Y_NAMES = {
    "survival": "Survival",
    "under follow-up": "Under follow-up",
    "cumulative incidence": "Cumulative incidence",
}


def draw_line(ax: Axes, line: Line, drawing: Drawing, style: dict[str, Any]) -> Line2D:
    """The step line of one curve, from its start to its last observed time."""
    x, y = from_start(line, drawing, line.estimate)
    kept = thinned(x, y)
    artist = Line2D(x[kept], y[kept], drawstyle="steps-post", label=line.label or NOT_IN_LEGEND, **style)
    artist.set(linewidth=RC["lines.linewidth"], zorder=3, solid_capstyle="butt", dash_capstyle="butt")
    ax.add_line(artist)
    return artist


def from_start(line: Line, drawing: Drawing, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A curve with the point it starts from: (start, 1) for survival, (start, 0) for what accumulates.

    Curves of states tell themselves where they start, by a row at that time.
    """
    if line.time[0] <= drawing.start_time:
        return line.time, values
    first = 1.0 if drawing.falling else 0.0
    known = np.where(np.isnan(values) & (line.estimate == first), first, values)
    return np.append(drawing.start_time, line.time), np.append(first, known)


def thinned(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Which points of a curve of very many can be told apart on paper; all of them if there are few."""
    if x.size <= MANY_POINTS:
        return np.ones(x.size, dtype=bool)
    span = max(float(np.nanmax(np.abs(x))), 1e-300), max(float(np.nanmax(np.abs(y))), 1e-300)
    cells = np.round(np.column_stack([x / span[0], y / span[1]]) * RESOLUTION)
    kept = np.append(True, (np.diff(cells, axis=0) != 0).any(axis=1))
    kept[-1] = True
    return kept


def draw_band(ax: Axes, line: Line, drawing: Drawing, color: Any) -> None:
    """Pointwise limits as a light area; nothing where a limit is not defined."""
    x, low = from_start(line, drawing, line.low)
    _, high = from_start(line, drawing, line.high)
    if not np.isfinite(line.low).any() or not np.isfinite(line.high).any():
        return
    kept = thinned(x, low) | thinned(x, high)
    lower, upper = stepped(x[kept], low[kept]), stepped(x[kept], high[kept])
    ax.fill_between(lower[:, 0], lower[:, 1], upper[:, 1], color=color, alpha=0.16, linewidth=0, zorder=1)


def draw_censored(ax: Axes, line: Line, end: float, color: Any, always: bool = False) -> None:
    """A short vertical tick on the curve wherever somebody was censored, unless these would hide it."""
    cell = CENSOR_MM / axes_mm(ax)[0] * max(end - ax.get_xlim()[0], 1e-300)
    there = np.flatnonzero((line.n_censor > 0) & (line.time <= end) & np.isfinite(line.estimate))
    _, first = np.unique(np.round(line.time[there] / cell), return_index=True)
    at = there[first]
    if not always and at.size > TICKS_PER_MM * axes_mm(ax)[0]:
        return
    ax.plot(
        line.time[at], line.estimate[at], linestyle="none", marker="|", markersize=4.5, markeredgewidth=0.6,
        color=color, zorder=4, label=NOT_IN_LEGEND, clip_on=True,
    )  # fmt: skip


def draw_medians(ax: Axes, medians: list[float], start: float) -> None:
    """Dashed lines from 50 % to the curves and down to their medians."""
    if not medians:
        return
    look: dict[str, Any] = {"color": "0.35", "linewidth": 0.6, "linestyle": (0, (4, 3)), "zorder": 2}
    paths = [np.array([[start, 0.5], [max(medians), 0.5]])]
    paths += [np.array([[m, 0.5], [m, 0.0]]) for m in sorted(set(medians))]
    for path in paths:
        ax.add_line(Line2D(path[:, 0], path[:, 1], label=NOT_IN_LEGEND, **look))


def axes_mm(ax: Axes) -> tuple[float, float]:
    """Width and height of an Axes in mm, as it is laid out now."""
    box = ax.get_window_extent()
    return float(box.width / ax.figure.dpi * MM_PER_INCH), float(box.height / ax.figure.dpi * MM_PER_INCH)


def set_time_axis(ax: Axes, start: float, end: float, step: float, per: float, apart: float) -> np.ndarray:
    """Ticks every `step` of the unit shown, which is `per` units of the data; returned in data units.

    Curves that start later than 0 have a tick there too; others stand at least `apart` from it.
    """
    at = tick_times(start / per, end / per, step) * per
    if start > 0:
        at = np.append(start, at[at - start >= apart])
    ax.set_xlim(start, end)
    ax.xaxis.set_major_locator(FixedLocator(at.tolist()))
    ax.xaxis.set_major_formatter(FuncFormatter(TimeLabel(per, start)))
    return at


class TimeLabel:
    """A time of the data as a label in the unit shown."""

    def __init__(self, per: float, start: float) -> None:
        self.per, self.start = per, start

    def __call__(self, value: float, position: int | None = None) -> str:
        """The label of a tick."""
        return tick_label(round(value / self.per, START_DECIMALS if value == self.start else 9))


def set_value_axis(
    ax: Axes, drawing: Drawing, top: float, limits: tuple[float, float] | None, bottom: float = 0.0
) -> None:
    """0 to 100 % for probabilities, from 0 for a hazard or a mean count; lower where curves are."""
    percent = is_share(drawing)
    low = 0.2 * np.floor(bottom / 0.2) if percent else 1.06 * bottom
    low, high = limits or (float(low), max(1.0, top) if percent else 1.06 * top)
    room = 0.015 * (high - low) if percent and limits is None else 0.0
    ax.set_ylim(low, high + room)
    ax.spines["left"].set_bounds(low, high)
    if percent and limits is None and high == 1.0:
        ax.yaxis.set_major_locator(MultipleLocator(0.2))
    else:
        ax.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    if percent:
        ticks = 100 * ax.get_yticks()
        decimals = 0 if np.allclose(ticks, ticks.round()) else None
        ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals, symbol=""))


def is_share(drawing: Drawing) -> bool:
    """Whether the quantity is a probability, to be shown in percent."""
    what = drawing.quantity
    return drawing.falling or "incidence" in what or "probability" in what or "occupation" in what


def value_label(drawing: Drawing) -> str:
    """`Survival (%)`, `Cumulative hazard`, `Cumulative incidence of relapse (%)` of groups."""
    name = Y_NAMES.get(drawing.quantity, drawing.quantity[:1].upper() + drawing.quantity[1:])
    if drawing.only_cause:
        name = f"{'Probability' if drawing.split == 'state' else name} of {drawing.only_cause}"
    return f"{name} (%)" if is_share(drawing) else name


def time_label(drawing: Drawing, shown_in: str | None) -> str:
    """`Time (months)`, or the name of the column where the unit is not known."""
    return f"Time ({shown_in})" if shown_in else (drawing.time_name or "Time")


def style_axes(ax: Axes) -> None:
    """The look of the theme, also on axes that were made before it was chosen."""
    for side in ("top", "right"):
        ax.spines[side].set_visible(bool(RC[f"axes.spines.{side}"]))
    for side in ("left", "bottom"):
        ax.spines[side].set_linewidth(RC["axes.linewidth"])
    names: tuple[Any, ...] = ("x", "y")
    for axis in names:
        ax.tick_params(
            axis=axis,
            labelsize=RC[f"{axis}tick.labelsize"],
            labelfontfamily=RC["font.family"],
            length=RC[f"{axis}tick.major.size"],
            width=RC[f"{axis}tick.major.width"],
        )


def set_words(ax: Axes, title: str | None, x_label: str, y_label: str, width: float, height: float) -> None:
    """Title and axis labels, broken into lines that fit the panel."""
    size = RC["axes.labelsize"]
    look: dict[str, Any] = {
        "fontsize": size,
        "fontfamily": RC["font.family"],
        "labelpad": RC["axes.labelpad"],
    }
    ax.set_xlabel(broken(x_label, size, width), **look)
    ax.set_ylabel(broken(y_label, size, height), **look)
    if title is not None:
        size, strong = RC["axes.titlesize"], RC["axes.titleweight"] == "bold"
        ax.set_title(broken(title, size, width, strong), fontsize=size, fontfamily=RC["font.family"])


def more_title_mm(ax: Axes) -> float:
    """Height of the lines of a title after the first."""
    lines = ax.get_title(loc=RC["axes.titlelocation"]).count("\n")
    return lines * 1.25 * float(RC["axes.titlesize"]) / PT_PER_MM


def broken(text: str, size: float, width_mm: float, strong: bool = False) -> str:
    """A text with line breaks where it is wider than `width_mm`; the writer's own breaks stay."""
    return "\n".join("\n".join(wrapped(part, size, width_mm, strong)) for part in text.split("\n"))
