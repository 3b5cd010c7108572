"""Periods along time, between control limits, or their cumulative sum below its threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..formats import significant
from ..options import check_choice
from .curve_lines import style_axes
from .figure import figure, record
from .panel import arrange
from .themes import RC, active
from .time_ticks import positions, set_calendar

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..epidemiology.control_chart import ControlChart
    from ..epidemiology.cusum import Cusum

WITHIN, BEYOND, GREY = "0.35", "#b2182b", "0.35"
DASHED = (0, (4, 3))
HEADROOM = 1.05  # above what is drawn


def draw_control_chart(
    chart: ControlChart | Cusum,
    *,
    ax: Axes | None = None,
    per: float = 1.0,
    legend: bool | str = True,
    title: str | None = None,
    x_label: str | None = None,
    y_label: str | None = None,
    width: float | None = None,
) -> Axes:
    """Draw periods along time with the centre and the control limits; those with a signal stand out.

    Of a cumulative sum its values, its threshold and its signals.

    Parameters
    ----------
    chart
        What `hem.epidemiology.control_chart` or `hem.epidemiology.cusum` gave.
    ax
        Axes to draw into; default a new figure.
    per
        Person-time that rates are told for, 24 for rates per day from hours.
    legend
        True places the key where no line runs, else above the panel; "above"; False for none.
    title, x_label, y_label
        Words; default none, and what is charted.
    width
        Width of a new figure in mm; default that of the theme.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> weeks = pl.DataFrame({"week": range(1, 13), "calls": [4, 6, 3, 5, 4, 7, 5, 4, 6, 5, 16, 4]})
    >>> chart = hem.epidemiology.control_chart(
    ...     weeks, time="week", events="calls", kind="c", baseline=10
    ... )
    >>> ax = hem.plots.draw_control_chart(chart, width=80)
    >>> print(hem.plots.fingerprint(ax))
    c chart of 12 periods, centre 4.9
      16 at 11: beyond limits
      limits at the end: 0 to 11.54
      text: Time | Number of events | Centre | Control limits | Signal | Baseline
    >>> import matplotlib.pyplot as plt
    >>> plt.close(ax.figure)
    """
    is_sum = not hasattr(chart, "centre")
    check_choice(legend, (True, False, "above"), argument="legend")
    with active():
        panel = figure(width=width).subplots() if ax is None else ax
        before = panel.get_children()
        style_axes(panel)
        told = _draw_sum(panel, chart) if is_sum else _draw_chart(panel, chart, per)  # type: ignore[arg-type]
        set_calendar(panel, chart.frame["time"])
        panel.set_ylim(0, HEADROOM * panel.get_ylim()[1])
        what = "Cumulative sum" if is_sum else _quantity(chart, per)  # type: ignore[arg-type]
        arrange(panel, legend, (title, x_label or "Time", y_label or what), grows=ax is None)
        record(panel, lambda: told, before=before)
    return panel


def _quantity(chart: ControlChart, per: float) -> str:
    words = chart.quantity[:1].upper() + chart.quantity[1:]
    return words if per == 1 else f"{words} per {significant(per)}"


def _draw_chart(ax: Axes, chart: ControlChart, per: float) -> list[str]:
    """Limits as steps around each period, the centre, and the periods."""
    frame = chart.frame.with_columns(pl.col("estimate", "control_low", "control_high") * per)
    x, centre = positions(frame["time"]), chart.centre * per
    thin: dict[str, Any] = {"color": GREY, "linewidth": 0.6 * RC["lines.linewidth"], "zorder": 2}
    ax.axhline(centre, label="Centre", gid="centre", **thin)
    for name, label in (("control_low", None), ("control_high", "Control limits")):
        ax.plot(
            x, frame[name], drawstyle="steps-mid", linestyle=DASHED, label=label or "_nolegend_", gid=name,
            **thin,
        )  # fmt: skip
    _draw_points(ax, frame, x, frame["estimate"], frame["signal"].is_not_null())
    if not frame["baseline"].all():
        last = x[frame["baseline"].to_numpy()][-1]
        ax.axvspan(x[0], last, color="0.93", linewidth=0, zorder=0, label="Baseline", gid="baseline")
    end = frame.row(-1, named=True)
    told = [
        f"  {significant(row['estimate'])} at {row['time']}: {row['signal']}"
        for row in frame.filter(pl.col("signal").is_not_null()).head(5).iter_rows(named=True)
    ]
    limits = f"{significant(end['control_low'])} to {significant(end['control_high'])}"
    head = f"{chart.name} of {frame.height} periods, centre {significant(centre)}"
    return [head, *told, f"  limits at the end: {limits}"]


def _draw_sum(ax: Axes, cusum: Cusum) -> list[str]:
    frame = cusum.frame
    x = positions(frame["time"])
    style: dict[str, Any] = {"color": GREY, "linewidth": 0.6 * RC["lines.linewidth"], "linestyle": DASHED}
    ax.axhline(cusum.threshold, label="Threshold", gid="threshold", **style)
    _draw_points(ax, frame, x, frame["statistic"], frame["signal"])
    signals = [
        f"  {significant(row['statistic'])} at {row['time']}"
        for row in cusum.signals().head(5).iter_rows(named=True)
    ]
    return [f"{cusum.name} of {frame.height} periods, threshold {significant(cusum.threshold)}", *signals]


def _draw_points(ax: Axes, frame: pl.DataFrame, x: np.ndarray, y: pl.Series, signal: pl.Series) -> None:
    """Periods as a line through points, smaller where there are many; those with a signal in another look."""
    size = float(np.clip(260 / max(frame.height, 1), 1.2, 3.2))
    ax.plot(
        x, y, "-o", color=WITHIN, linewidth=0.6, markersize=size, markeredgewidth=0, zorder=3, gid="periods"
    )
    at = signal.to_numpy()
    if at.any():
        ax.plot(
            x[at], y.to_numpy()[at], "D", color=BEYOND, markersize=max(size + 1, 3), markeredgewidth=0,
            zorder=4, label="Signal", gid="signals",
        )  # fmt: skip
