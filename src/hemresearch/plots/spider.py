"""Spider plots: the change of each patient along time, one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
from matplotlib.ticker import MaxNLocator

from .. import formats
from ..errors import DataError, counted
from ..options import TimeUnit, check_number
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
MANY = 25  # patients from which on lines are thinner
MARK = 3.4
ONE = "all"


def draw_spider(
    changes: Any,
    *,
    id: str,
    time: str,
    change: str,
    color_by: str | None = None,
    ongoing: str | None = None,
    thresholds: Sequence[float] = (),
    most: float | None = None,
    from_zero: bool = True,
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
    """Draw the change from baseline of each patient along time, one line each, with a mark where it ends.

    Parameters
    ----------
    changes
        One row per measurement.
    id, time, change
        Columns of the patient (which is not written), of the time since baseline, and of the change in %.
        Rows without a change are left out.
    color_by
        Column of categories, the same in all rows of a patient, such as the best response or the arm: they
        are told by colours, dashes and the shapes of the marks. An Enum is in its order.
    ongoing
        Column that is true where the patient is still followed: the mark at the end is open.
    thresholds
        Changes at which to draw dashed lines, such as -50.
    most
        Lines are cut above it, and those that leave are told in the fingerprint.
    from_zero
        Whether each line starts at time 0 without a change, for data that have no row of the baseline.
    labels
        Other names for categories.
    colors
        Colours of the categories in their order.
    ax
        Axes to draw into; default a new figure.
    legend
        Whether to explain the colours above the panel.
    time_unit, shown_in
        As in `draw_curves`.
    title, x_label, y_label
        Words; default none, `Time (unit)`, and `Change from baseline (%)`.
    width
        Width of a new figure in mm; default that of the theme.

    Returns
    -------
    Axes

    Raises
    ------
    DataError
        Columns that are not there, times or changes that are no numbers, nobody with a change, two
        measurements of a patient at one time, a patient in two categories, and labels of nothing.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> sizes = pl.DataFrame(
    ...     {
    ...         "patient": ["a", "a", "b", "b"],
    ...         "weeks": [8.0, 16.0, 8.0, 16.0],
    ...         "change": [-30.0, -80.0, 10.0, 45.0],
    ...         "best": ["PR", "PR", "PD", "PD"],
    ...     }
    ... )
    >>> ax = hem.plots.draw_spider(
    ...     sizes, id="patient", time="weeks", change="change", color_by="best", width=80
    ... )
    >>> print(hem.plots.fingerprint(ax))
    change of 2 patients, 4 measurements to 16
      PD: 1 patient, mean 27.5, last 45
      PR: 1 patient, mean -55, last -80
      text: Time (weeks) | Change from baseline (%) | PD | PR
    >>> import matplotlib.pyplot as plt
    >>> plt.close(ax.figure)
    """
    named = {"id": id, "time": time, "change": change, "color_by": color_by, "ongoing": ongoing}
    rows = _read(changes, {role: name for role, name in named.items() if name is not None})
    lines = [check_number(t, argument="thresholds", expected="changes in %", example=-50) for t in thresholds]
    top = (
        None
        if most is None
        else check_number(most, argument="most", above=0.0, expected="a change above 0 %", example=100)
    )
    with active():
        kinds = read_categories(rows["color_by"], labels, colors)
        panel = figure(width=width).subplots() if ax is None else ax
        before = panel.get_children()
        style_axes(panel)
        span = min(0.0 if from_zero else 1e300, float(rows["time"].min())), ROOM * float(rows["time"].max())  # type: ignore[arg-type]
        words = time_ticks(panel, span, time_unit, shown_in, time)
        for kind in kinds:
            _draw_kind(panel, rows, kind, from_zero, named=color_by is not None)
        _set_axis(panel, rows, lines, top)
        told = title, x_label or words, y_label or "Change from baseline (%)"
        height = panel_mm(panel) if ax is None else None
        settle_panel(panel, told, height, legend=legend and color_by is not None)
        record(panel, lambda: _told(rows, kinds, top, color_by is not None), before=before)
    return panel


def _read(changes: Any, named: dict[str, str]) -> pl.DataFrame:
    """The measurements of each patient along time."""
    frame = read_frame(changes, named, complete=("id", "time"))
    absent = {"color_by": pl.lit(ONE), "ongoing": pl.lit(False)}
    frame = frame.with_columns(**{role: value for role, value in absent.items() if role not in named})
    rows = read_numbers(known_rows(frame, "change", named["change"]), "time", named["time"])
    twice = rows.filter(pl.struct("id", "time").is_duplicated())
    _refuse(twice, "time", "is the same in {} of a patient", "one measurement at a time", named)
    several = rows.filter(pl.col("color_by").n_unique().over("id") > 1)
    _refuse(several, "color_by", "differs in {} of a patient", "one category for each patient", named)
    return rows.sort("id", "time", maintain_order=True)


def _refuse(rows: pl.DataFrame, role: str, found: str, expected: str, named: dict[str, str]) -> None:
    if rows.height:
        raise DataError(
            found.format(counted(rows.height, "row")),
            argument=role,
            column=named[role],
            rows=rows["row"],
            expected=expected,
            remedy=f"data.unique([{named['id']!r}, {named['time']!r}])"
            if role == "time"
            else f"pl.col({named[role]!r}).last().over({named['id']!r})",
        )


def _draw_kind(ax: Axes, rows: pl.DataFrame, kind: Category, from_zero: bool, *, named: bool) -> None:
    """The lines of one category; the first one, with its mark, stands for all in the key."""
    many = rows["id"].n_unique() > MANY
    look: dict[str, Any] = {"color": kind.line, "linewidth": RC["lines.linewidth"] * (0.6 if many else 0.85)}
    patients = rows.filter(pl.col("color_by").eq_missing(pl.lit(kind.value)))
    for one in patients.partition_by("id", maintain_order=True):
        x, y = one["time"].to_list(), one["change"].to_list()
        if from_zero and x[0] > 0:
            x, y = [0.0, *x], [0.0, *y]
        ax.plot(
            x,
            y,
            linestyle=kind.dashes if named else "-",
            zorder=2,
            gid="patient",
            label=NOT_IN_LEGEND,
            **look,
        )
        open_end = bool(one["ongoing"][-1])
        ax.plot(
            x[-1], y[-1], marker=kind.shape, markersize=MARK, color=kind.line, zorder=3, label=NOT_IN_LEGEND,
            markerfacecolor="white" if open_end else kind.line, markeredgewidth=0.8, linestyle="none",
            gid="end",
        )  # fmt: skip
    if named:
        key: dict[str, Any] = {"linestyle": kind.dashes, "marker": kind.shape, "markersize": MARK}
        ax.plot([], [], label=kind.label, gid="key", **look, **key)


def _set_axis(ax: Axes, rows: pl.DataFrame, thresholds: Sequence[float], top: float | None) -> None:
    ax.axhline(0.0, color="black", linewidth=0.7, zorder=1)
    for threshold in thresholds:
        ax.axhline(threshold, color="0.3", linewidth=0.7, linestyle=(0, (4, 3)), zorder=1, gid="threshold")
    low, high = float(rows["change"].min()), float(rows["change"].max())  # type: ignore[arg-type]
    highest = max(high if top is None else min(high, top), 0.0)
    lowest = min(low, 0.0)
    room = 0.05 * ((highest - lowest) or 1.0)
    ax.set_ylim(lowest - room, highest + room)
    ax.yaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 2.5, 5, 10]))


def _told(rows: pl.DataFrame, kinds: list[Category], top: float | None, named: bool) -> list[str]:
    """The fingerprint: how many lines of each category, their mean height and mean end."""
    last = formats.significant(rows["time"].max())  # type: ignore[arg-type]
    patients = counted(rows["id"].n_unique(), "patient")
    beyond = 0 if top is None else rows.filter(pl.col("change") > top)["id"].n_unique()
    cut = f", {beyond} beyond {formats.significant(top)}" if beyond else ""
    lines = [f"change of {patients}, {counted(rows.height, 'measurement')} to {last}{cut}"]
    for kind in kinds:
        part = rows.filter(pl.col("color_by").eq_missing(pl.lit(kind.value)))
        ends = part.group_by("id", maintain_order=True).agg(pl.col("change").last())
        mean, end = (formats.significant(values.mean()) for values in (part["change"], ends["change"]))  # type: ignore[arg-type]
        name = f"{kind.label}: {counted(ends.height, 'patient')}, " if named else ""
        lines.append(f"  {name}mean {mean}, last {end}")
    return lines
