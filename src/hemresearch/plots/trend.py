"""Rates year by year, and the line through them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..formats import significant
from .curve_lines import axes_mm, set_words, style_axes
from .figure import figure, record
from .risk_table import group_styles
from .themes import RC, active

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..epidemiology.joinpoint_fit import JoinpointTrend


def draw_trend(
    trend: JoinpointTrend,
    *,
    ax: Axes | None = None,
    per: float = 1.0,
    title: str | None = None,
    x_label: str = "Year",
    y_label: str | None = None,
    color: Any = None,
    width: float | None = None,
) -> Axes:
    """Draw the rates that were observed as points, and their trend as a line with its joinpoints.

    Parameters
    ----------
    trend
        A result of `hem.epidemiology.joinpoint`.
    ax
        Axes to draw into; default a new figure.
    per
        Person-time that the rates are told for.
    title, x_label, y_label
        Words; default none, and what the rates are per.
    color
        Colour of points and line; default the first of the theme.
    width
        Width of a new figure in mm; default that of the theme.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> yearly = hem.data.load("swe_population_deaths").filter(age=60, sex=1)
    >>> trend = hem.epidemiology.joinpoint(
    ...     yearly, year="year", events="deaths", person_time="mean_population", n_joinpoints=1
    ... )
    >>> ax = hem.plots.draw_trend(trend, per=1000, width=80)
    >>> ax.get_ylabel()
    'Rate per 1000'
    >>> import matplotlib.pyplot as plt
    >>> plt.close(ax.figure)
    """
    frame = trend.fitted()
    year, observed, line = frame["year"].to_numpy(), frame["observed"] * per, frame["estimate"] * per
    joints = np.isin(year, trend.joinpoints()["estimate"].to_numpy())
    words = x_label, y_label or ("Rate" if per == 1 else f"Rate per {significant(per, 7)}")
    with active():
        panel = figure(width=width).subplots() if ax is None else ax
        before = panel.get_children()
        style_axes(panel)
        style = group_styles(None, 1)[0] | ({} if color is None else {"color": color})
        dots: dict[str, Any] = {"marker": "o", "markersize": 2.5, "markeredgewidth": 0.6, "linestyle": "none"}
        panel.plot(year, observed, color=style["color"], markerfacecolor="none", gid="observed", **dots)
        panel.plot(year, line, linewidth=RC["lines.linewidth"], zorder=3, gid="trend", **style)
        panel.plot(year[joints], line.to_numpy()[joints], "o", color=style["color"], markersize=4, zorder=4)
        panel.set_ylim(bottom=0)
        set_words(panel, title, *words, *axes_mm(panel))
        record(panel, lambda: _told(trend), before=before)
    return panel


def _told(trend: JoinpointTrend) -> list[str]:
    """The change in each segment."""
    lines = [f"trend over {trend.fitted().height} years"]
    for row in trend.to_frame().iter_rows(named=True):
        numbers = [significant(row[name]) for name in ("estimate", "conf_low", "conf_high")]
        years = f"{row['start']:g} to {row['end']:g}"
        lines.append(f"  {years}: {numbers[0]}% a year ({numbers[1]} to {numbers[2]})")
    return lines
