"""A series of counts or rates, its model, and what it would have been without an intervention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from ..formats import significant
from ..options import check_choice
from .curve_lines import style_axes
from .figure import figure, record
from .panel import arrange
from .risk_table import group_styles
from .themes import RC, active
from .time_ticks import position, positions, set_calendar

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..epidemiology.interrupted_fit import InterruptedTimeSeries

OBSERVED, GREY = "0.35", "0.35"
HEADROOM = 1.05  # above what is drawn
DASHED = (0, (4, 2))
LIMITS = ("estimate", "conf_low", "conf_high")
WITHOUT = ("counterfactual", "counterfactual_low", "counterfactual_high")
TOLD = ("observed", "estimate", "counterfactual")


def draw_time_series(
    series: InterruptedTimeSeries,
    *,
    ax: Axes | None = None,
    per: float = 1.0,
    band: bool = True,
    legend: bool | str = True,
    intervention_label: str | None = None,
    title: str | None = None,
    x_label: str | None = None,
    y_label: str | None = None,
    width: float | None = None,
) -> Axes:
    """Draw the periods as points, the model as a line, and the counterfactual as a dashed one with limits.

    Parameters
    ----------
    series
        What `hem.epidemiology.interrupted_time_series` gave.
    ax
        Axes to draw into; default a new figure.
    per
        Person-time that rates are told for.
    band
        Whether limits are drawn as light areas.
    legend
        True places the key where no line runs, else above the panel; "above"; False for none.
    intervention_label
        Words beside the line of the intervention; default none.
    title, x_label, y_label
        Words; default none, and what is counted.
    width
        Width of a new figure in mm; default that of the theme.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> before = [50, 54, 57, 52, 47, 52, 58, 60, 61, 55, 57, 63]
    >>> after = [45, 47, 44, 41, 44, 48, 45, 42, 40, 44, 43, 41]
    >>> months = pl.DataFrame({"month": range(1, 25), "calls": before + after})
    >>> series = hem.epidemiology.interrupted_time_series(
    ...     months, time="month", events="calls", intervention=13, variance="model-based"
    ... )
    >>> ax = hem.plots.draw_time_series(series, width=80, intervention_label="New rota")
    >>> print(hem.plots.fingerprint(ax))
    interrupted time series of 24 periods, intervention at 13
      1: observed 50, estimate 50.89
      12: observed 63, estimate 60.35
      13: observed 45, estimate 45.5, counterfactual 61.3
      24: observed 41, estimate 41.88, counterfactual 72.7
      text: Time | Events | Observed | Model | Without intervention | New rota
    >>> import matplotlib.pyplot as plt
    >>> plt.close(ax.figure)
    """
    frame = series.fitted(per=per)
    check_choice(legend, (True, False, "above"), argument="legend")
    with active():
        panel = figure(width=width).subplots() if ax is None else ax
        before = panel.get_children()
        style_axes(panel)
        _draw(panel, frame, [style["color"] for style in group_styles(None, 2)], band=band)
        line: dict[str, Any] = {"color": GREY, "linewidth": 0.6 * RC["lines.linewidth"], "linestyle": ":"}
        panel.axvline(position(series.intervention), gid="intervention", **line)
        set_calendar(panel, frame["time"])
        panel.set_ylim(0, HEADROOM * panel.get_ylim()[1])
        _name_intervention(panel, series.intervention, intervention_label)
        words = title, x_label or "Time", y_label or _quantity(series, per)
        arrange(panel, legend, words, grows=ax is None)
        record(panel, lambda: _told(series, frame), before=before)
    return panel


def _draw(ax: Axes, frame: pl.DataFrame, colors: list[Any], *, band: bool) -> None:
    """Points, the model on either side of the intervention, and the counterfactual after it."""
    after = frame["counterfactual"].is_not_null()
    dots: dict[str, Any] = {"color": OBSERVED, "markersize": 2.2, "markeredgewidth": 0, "alpha": 0.8}
    x = positions(frame["time"])
    ax.plot(x, frame["observed"], "o", zorder=2, label="Observed", gid="observed", **dots)
    solid: dict[str, Any] = {"color": colors[0], "linestyle": "-", "gid": "model", "zorder": 4}
    parts = (
        (frame.filter(~after), LIMITS, solid | {"label": "Model"}),
        (frame.filter(after), LIMITS, solid),
        (frame.filter(after), WITHOUT, {"color": colors[1], "gid": "counterfactual", "zorder": 3}
         | {"linestyle": DASHED, "label": "Without intervention"}),
    )  # fmt: skip
    for part, (middle, low, high), style in parts:
        x = positions(part["time"])
        ax.plot(x, part[middle], linewidth=RC["lines.linewidth"], **style)
        if band:
            ax.fill_between(x, part[low], part[high], color=style["color"], alpha=0.16, linewidth=0, zorder=1)


def _name_intervention(ax: Axes, at: Any, label: str | None) -> None:
    if label:
        ax.annotate(
            label, (position(at), 0), xycoords=("data", "axes fraction"), xytext=(3, 3),
            textcoords="offset points", fontsize=RC["legend.fontsize"], color=GREY,
        )  # fmt: skip


def _quantity(series: InterruptedTimeSeries, per: float) -> str:
    if series.fit.person_time is None:
        return "Events"
    return "Rate" if per == 1 else f"Rate per {significant(per)}"


def _told(series: InterruptedTimeSeries, frame: pl.DataFrame) -> list[str]:
    """The ends of the series, and the periods on either side of the intervention."""
    first = int(frame["counterfactual"].is_null().sum())
    rows = [frame.row(i, named=True) for i in (0, first - 1, first, frame.height - 1)]
    lines = [
        f"  {row['time']}: "
        + ", ".join(f"{name} {significant(row[name])}" for name in TOLD if row[name] is not None)
        for row in rows
    ]
    return [
        f"interrupted time series of {frame.height} periods, intervention at {series.intervention}",
        *lines,
    ]
