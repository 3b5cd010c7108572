"""A calendar, or numbers of periods, along the horizontal axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.ticker import MaxNLocator

from .curve_lines import axes_mm

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MM_PER_TICK = 14.0


def positions(time: pl.Series) -> np.ndarray:
    """Where periods stand on the axis: their numbers, or the days that matplotlib counts for dates."""
    return time.to_numpy() if time.dtype.is_numeric() else np.asarray(date2num(time.to_numpy()))


def position(moment: Any) -> float:
    """The same of one moment."""
    return float(date2num(moment)) if hasattr(moment, "year") else float(moment)


def set_calendar(ax: Axes, time: pl.Series) -> None:
    """As many ticks as the axis has room for: years, months or days of dates, whole numbers of others."""
    most = max(int(axes_mm(ax)[0] / MM_PER_TICK), 2)
    if time.dtype.is_numeric():
        ax.xaxis.set_major_locator(MaxNLocator(most, integer=time.dtype.is_integer()))
        return
    locator = AutoDateLocator(minticks=2, maxticks=most)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
