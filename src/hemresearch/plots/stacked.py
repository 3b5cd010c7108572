"""Probabilities that add up to one, one area above the other: causes and event-free, or states."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D

from .. import formats
from ..errors import DataError, listed
from ..options import check_choice
from ..results import Curves
from .curve_lines import (
    NOT_IN_LEGEND,
    from_start,
    is_share,
    more_title_mm,
    set_value_axis,
    style_axes,
    thinned,
)
from .drawn import Drawing, distinct, read_drawing, rows_of
from .figure import figure, record
from .keys import add_key, label_ends
from .panel import check_axis, fit_words, lay_out, panel_mm, time_axis
from .picture import SEEN_BELOW, Picture
from .place import PT_PER_MM, MakeRoom, stepped
from .risk_table import group_styles, hang_table
from .themes import RC, active

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl
    from matplotlib.axes import Axes

    from ..options import TimeUnit
    from .drawn import Line

QUANTITIES = {"cause": "cumulative incidence", "state": "state occupation"}
REMAINDERS = {"cause": "Event-free", "state": "Other states"}
REST = "0.75"
WHITE = 0.5  # how much of an area's colour is white
EDGE_PT = 0.7
TOO_MUCH = 1e-6  # rounding error of a sum of probabilities
NARROWEST_MM = 30.0
FEW_PANELS = 2  # with a risk table
LEAST_SHARE = 0.03  # a lower area at the end is not named beside it


@dataclass(frozen=True, slots=True, eq=False)
class Area:
    """One area: what it is, and its height at each time; `line` is None for what the curves leave to one."""

    label: str
    line: Line | None
    height: np.ndarray
    color: Any


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """The areas of one group from the bottom, and the times of their heights."""

    time: np.ndarray
    areas: tuple[Area, ...]


@dataclass(eq=False, kw_only=True)
class StackedPicture(Picture):
    """The areas of one panel, and what the fingerprint says of them."""

    stack: Stack
    what = "stacked "

    def n(self) -> float:
        """Patients of the group of this panel."""
        return self.drawing.lines[0].n

    def _curves(self) -> list[str]:
        """From the top, each area with its events and its height at the end."""
        shown = min(self.end, float(self.stack.time[-1]))
        at = int(step_at(self.stack.time, np.array([shown]))[0])
        when = f"at {formats.significant(shown / self.axis.per)}: "
        return [
            f"  {area.label}: {self._counted(area)}{when}{formats.significant(float(area.height[at]))}"
            for area in reversed(self.stack.areas)
        ]

    def _counted(self, area: Area) -> str:
        if area.line is None or self.drawing.predicted or self.drawing.same_events:
            return ""
        return f"events {formats.count(float(np.nansum(area.line.n_event)))}, "


def draw_stacked(
    curves: Any,
    *,
    ax: Axes | None = None,
    by: str | Sequence[str] | None = None,
    order: Sequence[Any] | None = None,
    quantity: str | None = None,
    remainder: str | None = None,
    labels: Mapping[Any, str] | None = None,
    colors: Sequence[Any] | None = None,
    legend: bool | str = True,
    risk_table: bool | str | None = None,
    until: float | None = None,
    time_unit: TimeUnit | None = None,
    shown_in: TimeUnit | None = None,
    title: str | None = None,
    x_label: str | None = None,
    y_label: str | None = None,
    width: float | None = None,
) -> Axes:
    """Draw the probabilities of all causes or states above each other, so that their sum is 100 %.

    What the curves leave to 100 % is an area of its own at the top (event-free). Groups stand side by side.

    Parameters
    ----------
    curves
        `Curves` with several causes or states (`cumulative_incidence`, `occupation`, predicted risks), or
        their tidy frame: `cause` or `state`, `time, n_risk, n_event, n_censor, estimate`.
    ax
        Axes to draw one group into; default a new figure, with a panel for each group.
    by
        Grouping columns of a frame; default all columns that no result uses itself.
    order
        The causes or states from the bottom; default their order in the curves.
    quantity
        What a frame's `estimate` is; default the cumulative incidence of causes and the occupation of states.
    remainder
        Name of what the curves leave to 100 %; default "Event-free", or "Other states".
    labels
        Other names for groups, causes or states.
    colors
        Colours of the areas in their order; default those of the theme. Areas are lighter than their edges.
    legend
        True names each area at its right, where there is room, else above the panel; "direct", "above" or
        False.
    risk_table
        True for at risk, censored and events of each cause; "compact" for one row; False for none. Default
        "compact"; False for more than two panels, and for curves that a model predicted.
    until, time_unit, shown_in
        As in `draw_curves`.
    title, x_label, y_label
        Words; by default the name of the group where there are several, `Time (unit)` and `Probability (%)`.
    width
        Width of a new figure in mm; default that of the theme.

    Returns
    -------
    Axes
        The axes; of several groups, those of the first. The figure prints a fingerprint of all.

    Raises
    ------
    DataError
        Curves without causes or states, of another quantity than a probability, below 0, or of more than
        100 % together; an `order` that is not one of them all; several groups in given axes, or more than
        have room.

    References
    ----------
    Putter H, Fiocco M, Geskus RB. Tutorial in biostatistics: competing risks and multi-state models. Stat Med
    2007;26:2389-430.

    Examples
    --------
    >>> import hemresearch as hem
    >>> transplant = hem.data.load("bmtcrr")
    >>> incidence = hem.competing.cumulative_incidence(transplant, time="ftime", event="Status")
    >>> ax = hem.plots.draw_stacked(
    ...     incidence, labels={1: "Relapse", 2: "Death in remission"}, time_unit="months", width=80, until=60
    ... )
    >>> print(hem.plots.fingerprint(ax))
    stacked cumulative incidence of 177 patients, 131 events, to 60 months by 24
      Event-free: at 60: 0.2481
      Death in remission: events 75, at 60: 0.4266
      Relapse: events 56, at 60: 0.3253
      risk table at 0 24 48: at risk 177 42 25; censored 0 8 21; events of 1 0 53 56; events of 2 0 74 75
      text: Time (months) | Probability (%) | Relapse | Death in remission | Event-free | At risk (events)
    >>> import matplotlib.pyplot as plt
    >>> plt.close(ax.figure)
    """
    check_choice(legend, (True, False, "above", "direct"), argument="legend")
    if risk_table is not None:
        check_choice(risk_table, (True, False, "compact"), argument="risk_table")
    drawing = _probabilities(read_drawing(curves, by=by, quantity=quantity, labels=labels), quantity)
    check_axis(drawing, until, time_unit, shown_in)
    places = _places(drawing, order)
    groups = [_one_group(drawing, g) for g in range(len(drawing.groups))]
    rest = remainder or REMAINDERS[str(drawing.split)]
    few = not drawing.predicted and len(groups) <= FEW_PANELS
    table = ("compact" if few else False) if risk_table is None else risk_table
    with active():
        tints = [style["color"] for style in group_styles(colors, len(drawing.kinds))]
        stacks = [_stack(one, places, rest, tints) for one in groups]
        panels = _panels(ax, len(groups), width)
        before = [panel.get_children() for panel in panels]
        pictures = []
        for panel, one, stack in zip(panels, groups, stacks, strict=True):
            style_axes(panel)
            axis = time_axis(panel, drawing, until, time_unit, shown_in, table)
            set_value_axis(panel, drawing, 1.0, None)
            pictures.append(StackedPicture(one, axis, _draw(panel, stack), stack=stack))
            if table:
                pictures[-1].table = _table(drawing, one.lines[0].group, axis.ticks)
                hang_table(pictures[-1].table, panel, (), labels, [], compact=table == "compact")
        words = (title, x_label or axis.label, y_label or "Probability (%)")
        _arrange(panels, pictures, legend, words, grows=ax is None)
        for panel, picture, there in zip(panels, pictures, before, strict=True):
            record(panel, picture.lines, before=there)
    return panels[0]


def _probabilities(drawing: Drawing, quantity: str | None) -> Drawing:
    """Curves of several causes or states whose estimates are probabilities."""
    what = drawing.quantity
    if drawing.split is not None and quantity is None and not isinstance(drawing.source, Curves):
        what = QUANTITIES[drawing.split]
    drawing = replace(drawing, quantity=what)
    if drawing.split is None or drawing.falling or not is_share(drawing):
        raise DataError(
            f"{'curves without causes or states' if drawing.split is None else f'a {what}'} was given",
            argument="curves",
            expected="probabilities of several causes or states",
            remedy="hem.competing.cumulative_incidence(..., cause=None).plot_stacked()",
        )
    return drawing


def _places(drawing: Drawing, order: Sequence[Any] | None) -> list[int]:
    """The causes or states from the bottom, as their places among all."""
    kinds = list(drawing.kinds)
    if order is None:
        return list(range(len(kinds)))
    given = list(order)
    if sorted(map(str, given)) != sorted(map(str, kinds)):
        raise DataError(
            f"{listed(map(repr, given))} was given",
            argument="order",
            expected=f"each of {listed(map(repr, kinds), len(kinds))} once",
            remedy=f"order={kinds[::-1]!r}",
        )
    return [[str(kind) for kind in kinds].index(str(kind)) for kind in given]


def _one_group(drawing: Drawing, group: int) -> Drawing:
    lines = tuple(line for line in drawing.lines if line.group == group)
    return replace(drawing, lines=lines, groups=(drawing.groups[group],), by=())


def _table(drawing: Drawing, group: int, times: np.ndarray) -> pl.DataFrame:
    """The risk table of one group."""
    table = drawing.risk_table(times)
    by = [c for c in drawing.by if c in table.columns]
    return rows_of(table, by, distinct(table, by)[group if by else 0]).drop(by)


def _stack(one: Drawing, places: Sequence[int], rest: str, tints: Sequence[Any]) -> Stack:
    """The heights of all areas at all times, until the first that is not known."""
    steps = [(line, *from_start(line, one, line.estimate)) for line in one.lines]
    grid = np.unique(np.concatenate([x for _, x, _ in steps]))
    found = {line.split: (line, y[step_at(x, grid)]) for line, x, y in steps}
    total = np.sum([height for _, height in found.values()], axis=0)
    _check_sum(total, one)
    known = np.cumsum(~np.isfinite(total)) == 0
    areas = [Area(one.splits[p], found[p][0], found[p][1][known], tints[p]) for p in places if p in found]
    left = np.maximum(1.0 - total[known], 0.0)
    if left.max() > TOO_MUCH:
        areas.append(Area(rest, None, left, REST))
    return Stack(grid[known], tuple(areas))


def step_at(x: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Which step of a line that begins at its first x each time is on."""
    return np.maximum(np.searchsorted(x, at, side="right") - 1, 0)


def _check_sum(total: np.ndarray, one: Drawing) -> None:
    least = min(
        (float(np.nanmin(h)) for h in (line.estimate for line in one.lines) if np.isfinite(h).any()),
        default=0.0,
    )
    if least < -SEEN_BELOW:
        raise DataError(
            f"a curve is as low as {least:.1%}, and an area has no height below 0",
            argument="curves",
            expected="probabilities of 0 or more (one of an excess is below, where fewer die than expected)",
            remedy="hem.plots.draw_curves(...), where each curve is a line of its own",
        )
    most = float(np.nanmax(total))
    if most > 1.0 + TOO_MUCH:
        raise DataError(
            f"the curves add up to {most:.1%}",
            argument="curves",
            expected="probabilities of events of which one can happen, or of states of which one is occupied",
            remedy=f"hem.plots.draw_curves(...) for curves that do not belong together ({one.quantity})",
        )


def _panels(ax: Axes | None, groups: int, width: float | None) -> list[Axes]:
    """The axes given, or those of a new figure: one panel per group."""
    if ax is not None and groups == 1:
        return [ax]
    room = (active().width if width is None else width) / groups
    if ax is not None or room < NARROWEST_MM:
        raise DataError(
            f"{groups} groups were given" if ax is not None else f"{groups} panels have {room:.0f} mm each",
            argument="ax" if ax is not None else "width",
            expected="one group in given axes" if ax is not None else f"at least {NARROWEST_MM:.0f} mm each",
            remedy="data.filter(pl.col('arm') == 'A') of the tidy frame"
            if ax is not None
            else f"width={groups * NARROWEST_MM:.0f}",
        )
    panels: list[Axes] = list(figure(width=width).subplots(1, groups, sharey=True, squeeze=False)[0])
    return panels


def _draw(ax: Axes, stack: Stack) -> list[Line2D]:
    """The areas with an edge at the top of each; from the top, as a legend has them."""
    tops = np.cumsum([area.height for area in stack.areas], axis=0)
    edges = []
    for i in range(len(stack.areas) - 1, -1, -1):
        area, top = stack.areas[i], tops[i]
        bottom = tops[i - 1] if i else np.zeros_like(top)
        kept = thinned(stack.time, top) | thinned(stack.time, bottom)
        upper, lower = (stepped(stack.time[kept], v[kept]) for v in (top, bottom))
        ax.fill_between(
            lower[:, 0], lower[:, 1], upper[:, 1], color=_lighter(area.color), linewidth=0, zorder=1,
            label=area.label,
        )  # fmt: skip
        edge = Line2D(stack.time[kept], top[kept], drawstyle="steps-post", label=NOT_IN_LEGEND, zorder=2)
        edge.set(color=area.color, linewidth=EDGE_PT)
        ax.add_line(edge)
        edges.append(edge)
    return edges


def _lighter(color: Any) -> tuple[float, ...]:
    return tuple(WHITE + (1 - WHITE) * part for part in to_rgb(color))


def _arrange(
    panels: list[Axes],
    pictures: list[StackedPicture],
    legend: bool | str,
    words: tuple[str | None, str, str],
    grows: bool,
) -> None:
    """Give the tables their room, then name the areas at the right or above."""
    height = panel_mm(panels[0], len(panels)) if grows else None
    lay_out(panels[0], height)
    _write(panels, pictures, words, height)
    beside = legend == "direct" or (legend is True and _all_seen(pictures[-1]))
    if legend is False:
        above = 0.0
    elif beside and label_ends(panels[-1], _middles(pictures[-1])):
        above = 0.0
        lay_out(panels[0], height)  # the names make the panels narrower
        _write(panels, pictures, words, height)
    else:
        above = add_key(panels[0], "above", [], False, False)
    for panel in panels if above else ():
        head = panel.get_title(loc=RC["axes.titlelocation"])
        panel.set_title(head, pad=RC["axes.titlepad"] + above * PT_PER_MM)
    if not grows and above + more_title_mm(panels[0]) > 0:
        ax = panels[0]
        ax.set_axes_locator(MakeRoom(ax, ax.get_axes_locator(), 0.0, 0.0, above + more_title_mm(ax)))
    lay_out(panels[0], height)


def _write(
    panels: list[Axes],
    pictures: list[StackedPicture],
    words: tuple[str | None, str, str],
    height: float | None,
) -> None:
    """Titles and labels of the axes, broken to the panels' size."""
    title, x_label, y_label = words
    for panel, picture in zip(panels, pictures, strict=True):
        head = picture.drawing.groups[0] or title if len(panels) > 1 else title
        fit_words(panel, (head, x_label, y_label if panel is panels[0] else ""), height)
    lay_out(panels[0], height)


def _all_seen(picture: StackedPicture) -> bool:
    """Whether every area is high enough at its end for a name beside it."""
    return all(area.height[-1] >= LEAST_SHARE for area in picture.stack.areas)


def _middles(picture: StackedPicture) -> list[Line2D]:
    """Lines along the middle of each area, whose ends the names stand at."""
    tops = np.cumsum([area.height for area in picture.stack.areas], axis=0)
    return [
        Line2D(picture.stack.time, top - area.height / 2, color="black", label=area.label)
        for area, top in zip(picture.stack.areas, tops, strict=True)
    ]
