"""Rates, or ratios of rates, along calendar time, age or any other scale, one line per group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .. import formats
from ..columns import as_frame
from ..errors import DataError
from ..options import check_choice, check_number
from .curve_lines import NOT_IN_LEGEND, style_axes
from .drawn import check_table, distinct, group_names, grouping_columns, rows_of
from .effect import log_axis
from .figure import figure, record
from .panel import arrange
from .risk_table import group_styles
from .themes import RC, active

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

LIMITS = ("conf_low", "conf_high")
MARKERS = "osD^vP"
TOLD = 5  # points of each line that the fingerprint tells
ROOM = 1.06  # above the highest limit


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """The estimates of one group along the scale."""

    label: str
    x: np.ndarray
    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray


def draw_rates(
    rates: Any,
    *,
    x: str,
    by: str | Sequence[str] | None = None,
    ax: Axes | None = None,
    log: bool = False,
    apart: float = 0.0,
    labels: Mapping[Any, str] | None = None,
    colors: Sequence[Any] | None = None,
    legend: bool | str = True,
    title: str | None = None,
    x_label: str | None = None,
    y_label: str | None = None,
    width: float | None = None,
) -> Axes:
    """Draw estimates at bands of calendar time or age: a point with its limits each, joined within a group.

    Parameters
    ----------
    rates
        A result such as those of `rate` and `standardize_direct`, or a tidy frame: `x`, `estimate`, limits
        if any, and columns of groups.
    x
        The column of numbers to draw along, such as the year in which a period begins.
    by
        Columns of groups; default all others that no result uses itself.
    ax
        Axes to draw into; default a new figure.
    log
        A logarithmic axis, on which equal ratios are equally far apart, instead of one from 0. It has no
        place for a rate of 0, nor for a lower limit of 0.
    apart
        How far, in units of `x`, groups at the same value are drawn from each other, so that their limits do
        not hide each other.
    labels
        Other names for groups.
    colors
        Colours of the groups; default those of the theme.
    legend
        True places the legend where no line runs, else above the panel; "above"; False for none.
    title, x_label, y_label
        Words; default none, the name of `x`, and that of the result.
    width
        Width of a new figure in mm; default that of the theme.

    Returns
    -------
    Axes

    Raises
    ------
    DataError
        A table without the columns named above, values of `x` that are no finite numbers or come twice in a
        group, and estimates of 0 or below on a logarithmic axis.

    Examples
    --------
    >>> import hemresearch as hem
    >>> lung = hem.data.load("lungdk")
    >>> rates = hem.epidemiology.rate(lung, events="D", person_time="Y", by="P5", per=1e5)
    >>> ax = hem.plots.draw_rates(rates, x="P5", x_label="Period of five years from", width=80)
    >>> print(hem.plots.fingerprint(ax).splitlines()[1])
      all: 34.59 at 1943, 70.3 at 1953, 174.1 at 1968, 222.5 at 1978, 174.2 at 1993
    >>> import matplotlib.pyplot as plt
    >>> plt.close(ax.figure)
    """
    check_choice(legend, (True, False, "above"), argument="legend")
    check_number(apart, argument="apart", at_least=0.0, expected="a distance, 0 or more", example=0.5)
    frame = _read(rates, x)
    series = _series(frame, x, by, labels)
    if log:
        _refuse_zero(frame)
    what = getattr(rates, "name", "estimate")
    with active():
        panel = figure(width=width).subplots() if ax is None else ax
        before = panel.get_children()
        style_axes(panel)
        _draw(panel, series, colors, log=log, apart=apart)
        arrange(
            panel, legend, (title, x_label or x, y_label or what[:1].upper() + what[1:]), grows=ax is None
        )
        record(panel, lambda: _told(series, what, x), before=before)
    return panel


def _read(rates: Any, x: str) -> pl.DataFrame:
    table = rates.to_frame() if hasattr(rates, "conf_level") else rates
    frame = as_frame(table).lazy().collect()
    check_table(frame, (x, "estimate"), "rates", "hem.epidemiology.rate(..., by='period')")
    absent = [pl.lit(None, dtype=pl.Float64).alias(c) for c in LIMITS if c not in frame.columns]
    numeric = frame[x].dtype.is_numeric()
    if not numeric or not frame[x].cast(pl.Float64).is_finite().fill_null(False).all():
        raise DataError(
            "holds values that are no finite numbers" if numeric else f"is {frame[x].dtype}",
            argument="x",
            column=x,
            expected="numbers, such as the year in which a period begins",
            remedy=f"rates.to_frame().with_columns(pl.col({x!r}).cast(pl.Float64))",
        )
    return frame.with_columns(absent)


def _series(
    frame: pl.DataFrame, x: str, by: str | Sequence[str] | None, labels: Mapping[Any, str] | None
) -> list[Series]:
    groups = tuple(c for c in grouping_columns(frame.drop(x), by))
    keys = distinct(frame, groups)
    found = []
    for key, name in zip(keys, group_names(frame, groups, keys, labels), strict=True):
        part = rows_of(frame, groups, key).sort(x)
        if part[x].is_duplicated().any():
            raise DataError(
                "holds a value twice in a group",
                argument="x",
                column=x,
                expected="one estimate at each value",
                remedy="by=[...] to name all columns that tell groups apart",
            )
        columns = (part[c].cast(pl.Float64).fill_null(np.nan).to_numpy() for c in (x, "estimate", *LIMITS))
        found.append(Series(name, *columns))
    return found


def _refuse_zero(frame: pl.DataFrame) -> None:
    columns = ("estimate", *LIMITS)
    bad = frame.select(pl.any_horizontal(pl.col(c).cast(pl.Float64) <= 0 for c in columns)).to_series()
    if bad.any():
        raise DataError(
            f"{int(bad.sum())} of {frame.height} estimates or their limits are 0 or below, which have no "
            "logarithm",
            argument="log",
            expected="estimates and limits above 0",
            remedy="log=False, or wider bands with events in each",
        )


def _draw(
    ax: Axes, series: Sequence[Series], colors: Sequence[Any] | None, *, log: bool, apart: float
) -> None:
    """Lines through points with their limits, in the looks that follow those of an earlier call."""
    drawn = sum(line.get_gid() == "rates" for line in ax.lines)
    styles = group_styles(colors, drawn + len(series))[drawn:]
    for i, (one, style) in enumerate(zip(series, styles, strict=True), start=drawn):
        label = one.label or NOT_IN_LEGEND
        x = one.x + (i - drawn - (len(series) - 1) / 2) * apart
        marks: dict[str, Any] = {"marker": MARKERS[i % len(MARKERS)], "markersize": 3.5, "label": label}
        ax.plot(x, one.estimate, linewidth=RC["lines.linewidth"], zorder=3, gid="rates", **marks, **style)
        ax.vlines(x, one.low, one.high, colors=style["color"], linewidth=0.8, zorder=2)
    if log:
        log_axis(ax)
        return
    top = ROOM * max(float(np.nanmax(np.append(s.high, s.estimate))) for s in series)
    ax.set_ylim(0, max(top, ax.get_ylim()[1]) if drawn else top)


def _told(series: Sequence[Series], what: str, x: str) -> list[str]:
    """The fingerprint: each line at a few of its points."""
    lines = [f"{what} along {x}"]
    for one in series:
        at = np.unique(np.linspace(0, len(one.x) - 1, TOLD).astype(int))
        values = [f"{formats.significant(one.estimate[i])} at {formats.significant(one.x[i], 6)}" for i in at]
        lines.append(f"  {one.label or 'all'}: {', '.join(values)}")
    return lines
