"""A panel with time along it: its axis, the words around it, and the room that these take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DataError
from ..options import TimeUnit, check_choice, check_number
from .curve_lines import axes_mm, set_time_axis, set_words, time_label
from .figure import EDGE_MM, root_figure
from .keys import add_key
from .picture import TimeAxis
from .place import PT_PER_MM, MakeRoom, text_mm
from .risk_table import widest_cell_mm
from .themes import MM_PER_INCH, RC, active
from .ticks import natural_end, snapped_end, tick_label, time_step, unit_of, units_per

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .drawn import Drawing

FEWEST_STEPS, MOST_STEPS = 2, 8
AROUND_MM = 2.2  # white between two numbers of the risk table
AXIS_MM = 10.0  # ticks and label of the time axis, which belong to the height of a panel
NARROW_MM = 80.0  # panels side by side are as high as one of this width, if they are narrower
EXTRA_LABELS_MM = 5.0  # what its labels take from the axis, before they are measured


def time_axis(
    ax: Axes,
    drawing: Drawing,
    until: float | None,
    time_unit: str | None,
    shown_in: str | None,
    risk_table: bool | str,
) -> TimeAxis:
    """Set the axis, or take the one that an earlier call drew into the same axes."""
    unit = unit_of(time_unit or drawing.time_unit, drawing.time_name)
    per = units_per(shown_in, unit) if shown_in and unit else 1.0
    start = drawing.start_time
    end, cut = _end(ax, drawing, until)
    cell = _widest_mm(drawing, end / per, risk_table)
    room = axes_mm(ax)[0] - (EXTRA_LABELS_MM if risk_table else 0.0)
    most = float(np.clip(room / (cell + AROUND_MM), FEWEST_STEPS, MOST_STEPS))
    step = time_step((end - start) / per, shown_in or unit, most)
    if until is None and not drawn_before(ax):
        end = snapped_end(start, end, step * per, cut)
    first = _widest_mm(drawing, end / per, risk_table, events=0.0)
    apart = ((first + cell + AROUND_MM) / 2) / room * (end - start)
    ticks = set_time_axis(ax, start, end, step, per, apart)
    return TimeAxis(per, step, shown_in or unit, ticks, time_label(drawing, shown_in or unit))


def _end(ax: Axes, drawing: Drawing, until: float | None) -> tuple[float, bool]:
    start = drawing.start_time
    if until is not None:
        return float(until), True
    if drawn_before(ax):
        return ax.get_xlim()[1], True
    at_risk = drawing.at_risk[:1] if drawing.shared else drawing.at_risk
    sizes = {line.group: line.n for line in drawing.lines[:1] if drawing.shared}
    sizes = sizes or {line.group: line.n for line in drawing.lines}
    end, cut = natural_end([t for t, _ in at_risk], [n for _, n in at_risk], sum(sizes.values()))
    return (end, cut) if end > start else (start + 1.0, False)


def drawn_before(ax: Axes) -> int:
    """How many curves an earlier call has drawn into these axes."""
    return sum(line.get_drawstyle() == "steps-post" for line in ax.lines)


def _widest_mm(drawing: Drawing, end: float, risk_table: bool | str, events: float | None = None) -> float:
    """The widest text that stands under a tick, where so many events have happened."""
    label = text_mm(tick_label(float(f"{end:.3g}")), RC["xtick.labelsize"])
    if not risk_table:
        return label
    n = max(line.n for line in drawing.lines)
    return max(label, widest_cell_mm(n, n if events is None else events, risk_table == "compact"))


def panel_mm(ax: Axes, panels: int = 1) -> float:
    """Height of each of some panels side by side in a new figure, without the labels of the time axis."""
    width = root_figure(ax).get_size_inches()[0] * MM_PER_INCH
    return active().height(min(width, max(width / panels, NARROW_MM))) - AXIS_MM


def fit_words(ax: Axes, words: tuple[str | None, str, str], height: float | None) -> None:
    """Break the words to the panel's size, which may change with the number of their lines."""
    for _ in range(3):
        before = (ax.get_title(loc=RC["axes.titlelocation"]), ax.get_xlabel(), ax.get_ylabel())
        width, high = axes_mm(ax)
        set_words(ax, *words, width, height or high)
        if before == (ax.get_title(loc=RC["axes.titlelocation"]), ax.get_xlabel(), ax.get_ylabel()):
            return
        lay_out(ax, height)


def lay_out(ax: Axes, height: float | None) -> None:
    """Lay a figure out; one of our own first becomes as high as its panel and all around it need."""
    whole = root_figure(ax)
    if height is not None:
        box: Any = ax.get_tightbbox()
        around = box.height - ax.get_window_extent().height
        needed = height + around / whole.dpi * MM_PER_INCH + 2 * EDGE_MM
        whole.set_size_inches(whole.get_size_inches()[0], needed / MM_PER_INCH)
    engine = whole.get_layout_engine()
    if engine is None or engine.adjust_compatible:
        whole.draw_without_rendering()
    else:
        engine.execute(whole)


def arrange(ax: Axes, legend: bool | str, words: tuple[str | None, str, str], grows: bool) -> None:
    """Words that fit, and the legend where nothing is drawn."""
    height = panel_mm(ax) if grows else None
    lay_out(ax, height)
    fit_words(ax, words, height)
    above = add_key(ax, legend, [], False, False)
    if above:
        head = ax.get_title(loc=RC["axes.titlelocation"])
        ax.set_title(head, pad=RC["axes.titlepad"] + above * PT_PER_MM)
        if not grows:
            ax.set_axes_locator(MakeRoom(ax, ax.get_axes_locator(), 0.0, 0.0, above))
        lay_out(ax, height)


def check_axis(drawing: Drawing, until: Any, time_unit: str | None, shown_in: str | None) -> None:
    """What cannot be drawn is refused before there is a figure."""
    start = drawing.start_time
    if until is not None:
        expected = f"a time after {start:g}"
        check_number(until, argument="until", above=start, expected=expected, example=start + 60)
    known_unit(time_unit, shown_in, drawing.time_unit, drawing.time_name)


def known_unit(given: str | None, shown_in: str | None, own: str | None, name: str | None) -> str | None:
    """The unit of the times: given, that of a result, or read off a name; refused where it must be known."""
    for argument, unit in (("time_unit", given), ("shown_in", shown_in)):
        if unit is not None:
            check_choice(unit, TimeUnit, argument=argument)
    unit = unit_of(given or own, name)
    if shown_in is not None and unit is None:
        raise DataError(
            "the unit of the times is not known",
            argument="shown_in",
            expected="times with a unit",
            remedy="time_unit='days' as well",
        )
    return unit
