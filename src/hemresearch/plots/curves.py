"""Step curves with their bands, censor ticks, medians and risk table; everything is known beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from ..errors import DataError
from ..options import check_choice
from .curve_lines import (
    axes_mm,
    draw_band,
    draw_censored,
    draw_line,
    draw_medians,
    more_title_mm,
    set_value_axis,
    set_words,
    style_axes,
    value_label,
)
from .drawn import read_drawing
from .figure import figure, record
from .keys import LEGENDS, add_key, add_note, name_apart
from .p_values import check_causes, check_p, p_lines
from .panel import check_axis, drawn_before, fit_words, lay_out, panel_mm, time_axis
from .picture import Picture
from .place import PT_PER_MM, MakeRoom
from .risk_table import group_styles, hang_table
from .themes import RC, active

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.transforms import Bbox

    from ..options import TimeUnit
    from .drawn import Drawing
    from .p_values import Tests
    from .picture import TimeAxis

MANY_GROUPS = 4  # more bands than this only hide each other


def draw_curves(
    curves: Any,
    *,
    ax: Axes | None = None,
    by: str | Sequence[str] | None = None,
    cause: Any = None,
    quantity: str | None = None,
    labels: Mapping[Any, str] | str | None = None,
    colors: Sequence[Any] | None = None,
    band: bool | None = None,
    show_censored: bool | None = None,
    show_median: bool | None = None,
    risk_table: bool | Literal["compact"] | None = None,
    legend: bool | str = True,
    p: Tests = None,
    effect: str | None = None,
    until: float | None = None,
    time_unit: TimeUnit | None = None,
    shown_in: TimeUnit | None = None,
    y_limits: tuple[float, float] | None = None,
    title: str | None = None,
    x_label: str | None = None,
    y_label: str | None = None,
    width: float | None = None,
) -> Axes:
    """Draw one step line per curve, with limits, censor ticks, medians and the numbers at risk below.

    Nothing is estimated here: curves, limits and counts are those of the result, and a p-value or an effect
    is written only if it is given. Survival and follow-up start at 100 %, incidences and hazards at 0.

    Parameters
    ----------
    curves
        A `Curves` result, or its tidy frame (`time, n_risk, n_event, n_censor, estimate`, limits if any).
    ax
        Axes to draw into; default a new figure in the theme in use, which grows with its risk table.
        A risk table stays within the area that `ax` had. A second call into the same axes adds its curves
        in the next colours and keeps the time axis.
    by
        Grouping columns of a frame; default all columns that no result uses itself.
    cause
        The cause or state to draw, or a list of them; default all. Of one group they differ in colour and
        line style; of several groups colours are groups and line styles are causes. The risk table below has
        the events of every cause, as they end the time at risk of any other.
    quantity
        What a frame's `estimate` is: "survival" (default), "under follow-up", "cumulative hazard",
        "cumulative incidence", ...
    labels
        Other names for groups or causes, `{"A": "Arm A"}`; or one name for the only curve.
    colors
        Colours of the groups; default those of the theme.
    band
        Whether to draw the pointwise limits; default for at most four curves, not for several causes of
        several groups, whose bands cover each other.
    show_censored
        Whether to draw a tick at each censoring; default unless there are so many that they hide the curve,
        or a model predicted it.
    show_median
        Whether to draw dashed lines to the medians; default for curves that fall from 100 %.
    risk_table
        True for at risk, censored and events (the KMunicate form), "compact" for at risk (events), or False.
        Default True; False for curves that a model predicted, since their patients are those of the whole
        data: on request these are counted once, for all curves together.
    legend
        True places the legend where no curve runs, else above the panel; "above"; "direct" names each curve
        beside its end; a place that matplotlib knows, such as "upper right"; False for none.
    p, effect
        A `HypothesisTest` or p-value, or one for each cause as `{"relapse": gray}`; and text such as
        "HR 0.77 (95% CI 0.62–0.95)", shown as given.
    until
        End of the time axis. Default: the last time at which 10 % of the patients, and at least 10 of them,
        are at risk in all groups together, moved to a tick that is near; with fewer than 40 patients nothing
        is cut.
    time_unit
        Unit of the times where the result does not know it; else read off a column name such as `os_months`.
    shown_in
        Unit of the ticks and the axis label if it should differ, such as "years" for days (365.25 each). The
        data keep their unit: `ax.axvline(365)` stays at 365 days.
    y_limits
        Ends of the value axis, as proportions.
    title, x_label, y_label
        Words; long ones are broken into lines. Default none, `Time (unit)`, and the quantity.
    width
        Width of a new figure in mm; default that of the theme.

    Returns
    -------
    Axes
        The axes of the curves. Its figure prints a fingerprint of what it shows (`hem.plots.fingerprint`).

    Raises
    ------
    DataError
        Something that is not a table of curves, an unknown group, cause or choice, a p-value outside [0, 1],
        or an end of the axis before its start.

    References
    ----------
    Pocock SJ, Clayton TC, Altman DG. Survival plots of time-to-event outcomes in clinical trials. Lancet
    2002;359:1686-9. Morris TP et al. KMunicate. BMJ Open 2019;9:e030215.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> rows = {"time": [3.0, 8.0, 14.0], "n_risk": [3, 2, 1], "n_event": [1, 1, 0], "n_censor": [0, 0, 1]}
    >>> curve = pl.DataFrame(rows | {"estimate": [2 / 3, 1 / 3, 1 / 3]})
    >>> ax = hem.plots.draw_curves(curve, time_unit="months", until=12, width=80)
    >>> print(hem.plots.fingerprint(ax))
    survival of 3 patients, 2 events, to 12 months by 2
      all: n 3, events 2, median 8, mean 0.6389
      risk table at 0 2 4 6 8 10 12: at risk 3 3 2 2 2 1 1; censored 0 0 0 0 0 0 0; events 0 0 1 1 1 2 2
      text: Time (months) | Survival (%) | At risk | Censored | Events
    >>> import matplotlib.pyplot as plt
    >>> plt.close(ax.figure)
    """
    _check_options(risk_table, legend, p, y_limits)
    names = {"": labels} if isinstance(labels, str) else labels
    drawing = read_drawing(curves, by=by, quantity=quantity, labels=names, cause=cause)
    check_causes(p, drawing)
    check_axis(drawing, until, time_unit, shown_in)
    risk_table = not drawing.predicted if risk_table is None else risk_table
    with active():
        panel = figure(width=width).subplots() if ax is None else ax
        before = panel.get_children()
        style_axes(panel)
        axis = time_axis(panel, drawing, until, time_unit, shown_in, risk_table)
        styles = _styles(panel, drawing, colors)
        picture = _draw_data(panel, drawing, axis, styles, band, show_censored, show_median)
        if _crossed(drawing) and legend != "direct":
            name_apart(panel, drawing, styles, picture.artists)
        set_value_axis(panel, drawing, picture.top(), y_limits, picture.bottom())
        note = "\n".join(([effect] if effect else []) + p_lines(p, names))
        words = (title, x_label or axis.label, y_label or value_label(drawing))
        set_words(panel, *words, *axes_mm(panel))
        if risk_table:
            picture.table = drawing.risk_table(axis.ticks)
            marks = [
                styles[next(i for i, one in enumerate(drawing.lines) if one.group == g)]
                for g in range(len(drawing.groups))
            ]
            by_group = () if drawing.shared else drawing.by
            hang_table(picture.table, panel, by_group, names, marks, compact=risk_table == "compact")
        _arrange(panel, legend, note, picture, words, grows=ax is None)
        picture.test = p
        record(panel, picture.lines, before=before)
    return panel


def _styles(ax: Axes, drawing: Drawing, colors: Sequence[Any] | None) -> list[dict[str, Any]]:
    """Colour and line style of each curve: by group; causes of several groups differ in line style only."""
    marks = group_styles(colors, drawn_before(ax) + len(drawing.lines))[drawn_before(ax) :]
    dashes = [mark["linestyle"] for mark in group_styles(None, len(drawing.lines))]
    if not _crossed(drawing):
        return marks
    return [marks[line.group] | {"linestyle": dashes[line.split]} for line in drawing.lines]


def _crossed(drawing: Drawing) -> bool:
    """Whether there are several causes or states of several groups."""
    return len(drawing.groups) > 1 and len(drawing.splits) > 1


def _draw_data(
    ax: Axes,
    drawing: Drawing,
    axis: TimeAxis,
    styles: list[dict[str, Any]],
    band: bool | None,
    show_censored: bool | None,
    show_median: bool | None,
) -> Picture:
    end = ax.get_xlim()[1]
    artists = [draw_line(ax, line, drawing, style) for line, style in zip(drawing.lines, styles, strict=True)]
    few = len(drawing.lines) <= MANY_GROUPS and not _crossed(drawing)
    for line, style in zip(drawing.lines, styles, strict=True):
        if band or (band is None and few):
            draw_band(ax, line, drawing, style["color"])
        if show_censored or (show_censored is None and not drawing.predicted):
            draw_censored(ax, line, end, style["color"], always=bool(show_censored))
    if drawing.has_median and show_median is not False:
        draw_medians(
            ax,
            [m for m in (line.median for line in drawing.lines) if m is not None and m <= end],
            drawing.start_time,
        )
    return Picture(drawing, axis, artists)


def _arrange(
    ax: Axes, legend: bool | str, note: str, picture: Picture, words: tuple[str | None, str, str], grows: bool
) -> None:
    """Give the table its room, then put legend and note where nothing is drawn."""
    height = panel_mm(ax) if grows else None
    lay_out(ax, height)
    fit_words(ax, words, height)
    taken: list[Bbox] = [text.get_window_extent() for text in ax.texts]
    falling = picture.drawing.falling
    above = add_key(ax, legend, taken, falling, picture.table_tells())
    if note:
        above += add_note(ax, note, taken, falling, above)
    if above:
        title = ax.get_title(loc=RC["axes.titlelocation"])
        ax.set_title(title, pad=RC["axes.titlepad"] + above * PT_PER_MM)
    if not grows and above + more_title_mm(ax) > 0:
        ax.set_axes_locator(MakeRoom(ax, ax.get_axes_locator(), 0.0, 0.0, above + more_title_mm(ax)))
    if above:
        lay_out(ax, height)


def _check_options(risk_table: Any, legend: Any, p: Any, y_limits: Any) -> None:
    if risk_table is not None:
        check_choice(risk_table, (True, False, "compact"), argument="risk_table")
    check_choice(legend, (True, False, *LEGENDS), argument="legend")
    check_p(p)
    if y_limits is not None:
        _check_limits(y_limits)


def _check_limits(y_limits: Any) -> None:
    pair = tuple(y_limits) if isinstance(y_limits, list | tuple) else ()
    if len(pair) == 2 and all(isinstance(v, int | float) for v in pair) and pair[0] < pair[1]:
        return
    raise DataError(
        f"{y_limits!r} was given",
        argument="y_limits",
        expected="the lower and the upper end of the axis",
        remedy="y_limits=(0, 0.5)",
    )
