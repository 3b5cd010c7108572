"""Spaghetti plots: what was measured of a marker along time, one line for each patient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .. import formats
from ..errors import DataError, counted
from ..options import TimeUnit
from .categories import (
    Category,
    known_rows,
    read_categories,
    read_frame,
    read_numbers,
    settle_panel,
    time_ticks,
)
from .curve_lines import NOT_IN_LEGEND, style_axes
from .figure import figure, record
from .panel import panel_mm
from .themes import RC, active

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

ROOM = 1.03
ONE = "all"
MARK = 2.6
FEW, MANY = 25, 120  # patients up to which lines are strong, and from which on they are faint


def draw_spaghetti(
    data: Any,
    *,
    id: str,
    time: str,
    value: str,
    below: str | None = None,
    by: str | None = None,
    lines: Any = None,
    levels: Mapping[str, float] | None = None,
    log: bool = True,
    labels: Mapping[Any, str] | None = None,
    colors: Sequence[Any] | None = None,
    ax: Axes | None = None,
    legend: bool = True,
    time_unit: TimeUnit | None = None,
    shown_in: TimeUnit | None = None,
    title: str | None = None,
    x_label: str | None = None,
    y_label: str | None = None,
    width: float | None = None,
) -> Axes:
    """Draw the measurements of each patient along time, one thin line each, open marks below the limit.

    Parameters
    ----------
    data
        One row per measurement.
    id, time, value
        Columns of the patient (which is not written), of the time and of the marker. Rows without a value are
        left out.
    below
        Column that is true where the value is the limit of detection under which the marker lies.
    by
        Column of categories, the same in all rows of a patient.
    lines
        A table with `time`, `value` and, with `by`, its column: drawn thick, such as the line of a model.
    levels
        Names and values of levels to draw as dashed lines, such as `{"MMR": 0.1}`.
    log
        Whether the axis is logarithmic.
    labels, colors
        Other names for categories, and their colours in order.
    ax
        Axes to draw into; default a new figure.
    legend
        Whether to explain the colours above the panel.
    time_unit, shown_in
        As in `draw_curves`.
    title, x_label, y_label
        Words; default none, `Time (unit)`, and the name of the marker.
    width
        Width of a new figure in mm; default that of the theme.

    Returns
    -------
    Axes

    Raises
    ------
    DataError
        Columns that are not there, times or values that are no numbers, no value above 0 on a logarithmic
        axis, a patient in two categories, and labels of nothing.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> values = pl.DataFrame(
    ...     {"id": [1, 1, 1, 2, 2], "months": [0.0, 3, 6, 0, 6], "percent": [40.0, 1.0, 0.01, 60.0, 0.4]}
    ... ).with_columns(low=pl.col("percent") <= 0.01)
    >>> ax = hem.plots.draw_spaghetti(
    ...     values, id="id", time="months", value="percent", below="low", levels={"MMR": 0.1}, width=80
    ... )
    >>> print(hem.plots.fingerprint(ax))
    percent of 2 patients, 5 measurements to 6, 1 below the limit
      geometric mean 1.572, last 0.06325
      text: Time (months) | percent | MMR
    >>> import matplotlib.pyplot as plt
    >>> plt.close(ax.figure)
    """
    named = {"id": id, "time": time, "value": value, "below": below, "by": by}
    rows = _read(data, {role: name for role, name in named.items() if name is not None}, log)
    thick = None if lines is None else _read_lines(lines, by)
    with active():
        kinds = read_categories(rows["by"], labels, colors)
        panel = figure(width=width).subplots() if ax is None else ax
        before = panel.get_children()
        style_axes(panel)
        if log:
            panel.set_yscale("log")
        span = min(0.0, float(rows["time"].min())), ROOM * float(rows["time"].max())  # type: ignore[arg-type]
        words = time_ticks(panel, span, time_unit, shown_in, time)
        for kind in kinds:
            _draw_kind(panel, rows, kind, thick, named=by is not None)
        _draw_levels(panel, levels or {})
        told = title, x_label or words, y_label or value
        height = panel_mm(panel) if ax is None else None
        settle_panel(panel, told, height, legend=legend and by is not None)
        record(panel, lambda: _told(rows, kinds, value, log, by is not None), before=before)
    return panel


def _read(data: Any, named: dict[str, str], log: bool) -> pl.DataFrame:
    """The measurements of each patient along time."""
    frame = read_frame(data, named, complete=("id", "time"))
    absent = {"by": pl.lit(ONE), "below": pl.lit(False)}
    frame = frame.with_columns(**{role: value for role, value in absent.items() if role not in named})
    rows = read_numbers(known_rows(frame, "value", named["value"]), "time", named["time"])
    low = rows.filter(pl.col("value") <= 0)
    if log and low.height:
        raise DataError(
            f"is 0 or less in {counted(low.height, 'row')}",
            argument="value",
            column=named["value"],
            rows=low["row"],
            expected="values above 0 on a logarithmic axis",
            remedy="the limit of detection in their place, with below=...",
        )
    several = rows.filter(pl.col("by").n_unique().over("id") > 1)
    if several.height:
        raise DataError(
            f"differs in {counted(several.height, 'row')} of a patient",
            argument="by",
            column=named["by"],
            rows=several["row"],
            expected="one category for each patient",
            remedy=f"pl.col({named['by']!r}).last().over({named['id']!r})",
        )
    return rows.sort("id", "time", maintain_order=True)


def _read_lines(lines: Any, by: str | None) -> pl.DataFrame:
    roles = {"time": "time", "value": "value", **({} if by is None else {"by": by})}
    frame = read_frame(lines, roles, complete=("time", "value"), argument="lines")
    frame = frame if by is not None else frame.with_columns(by=pl.lit(ONE))
    return read_numbers(read_numbers(frame, "time", "time"), "value", "value")


def _draw_kind(
    ax: Axes, rows: pl.DataFrame, kind: Category, thick: pl.DataFrame | None, *, named: bool
) -> None:
    """The lines of one category, its marks, and its thick line."""
    n = rows["id"].n_unique()
    alpha = 0.9 if n <= FEW else 0.5 if n <= MANY else 0.25
    look: dict[str, Any] = {"color": kind.line, "linestyle": kind.dashes if named else "-"}
    mine = rows.filter(pl.col("by").eq_missing(pl.lit(kind.value)))
    for one in mine.partition_by("id", maintain_order=True):
        ax.plot(
            one["time"], one["value"], linewidth=0.55, alpha=alpha, zorder=2, gid="patient",
            label=NOT_IN_LEGEND, **look,
        )  # fmt: skip
    for hollow in (False, True):
        part = mine.filter(pl.col("below") == hollow)
        if part.height:
            ax.plot(
                part["time"], part["value"], linestyle="none", marker="o", markersize=MARK, alpha=alpha,
                color=kind.line, markerfacecolor="white" if hollow else kind.line, markeredgewidth=0.6,
                zorder=2.5, gid="below" if hollow else "measured", label=NOT_IN_LEGEND,
            )  # fmt: skip
    if thick is not None:
        part = thick.filter(pl.col("by").eq_missing(pl.lit(kind.value))).sort("time")
        ax.plot(part["time"], part["value"], linewidth=2.2, zorder=4, gid="line", label=NOT_IN_LEGEND, **look)
    if named:
        ax.plot([], [], label=kind.label, gid="key", linewidth=RC["lines.linewidth"], **look)


def _draw_levels(ax: Axes, levels: Mapping[str, float]) -> None:
    for name, level in levels.items():
        ax.axhline(level, color="0.35", linewidth=0.7, linestyle=(0, (4, 3)), zorder=1, gid="level")
        ax.annotate(
            name, (0.0, level), xycoords=("axes fraction", "data"), xytext=(3, 1.5), zorder=5,
            textcoords="offset points", ha="left", va="bottom", fontsize=RC["xtick.labelsize"], color="0.2",
        )  # fmt: skip


def _told(rows: pl.DataFrame, kinds: list[Category], value: str, log: bool, named: bool) -> list[str]:
    """The fingerprint: how many lines of each category, their mean height and mean end."""
    below = int(rows["below"].sum())
    last = formats.significant(rows["time"].max())  # type: ignore[arg-type]
    head = (
        f"{value} of {counted(rows['id'].n_unique(), 'patient')}, {counted(rows.height, 'measurement')} to "
        f"{last}{f', {below} below the limit' if below else ''}"
    )
    lines = [head]
    for kind in kinds:
        part = rows.filter(pl.col("by").eq_missing(pl.lit(kind.value)))
        ends = part.group_by("id", maintain_order=True).agg(pl.col("value").last())
        mean, end = (formats.significant(_mean(values, log)) for values in (part["value"], ends["value"]))
        name = f"{kind.label}: {counted(ends.height, 'patient')}, " if named else ""
        lines.append(f"  {name}{'geometric mean' if log else 'mean'} {mean}, last {end}")
    return lines


def _mean(values: pl.Series, log: bool) -> float:
    numbers = values.to_numpy()
    return float(np.exp(np.log(numbers).mean()) if log else numbers.mean())
