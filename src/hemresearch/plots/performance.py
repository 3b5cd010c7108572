"""How well models predict: an estimate over horizons with its limits, and ROC curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..errors import DataError
from ..formats import significant
from .categories import settle_panel
from .curve_lines import axes_mm, style_axes
from .figure import figure, record
from .panel import panel_mm
from .risk_table import group_styles
from .themes import RC, active

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

LIMITS = ("conf_low", "conf_high")
SQUARE_MM = 80.0
APART = 0.012  # of the width of the axis between the error bars of two models
AROUND = 0.05  # on either side of a single horizon, whose axis is 1 wide


def draw_performance(
    frame: pl.DataFrame,
    *,
    ax: Axes | None = None,
    measure: str = "AUC",
    chance: float | None = None,
    title: str | None = None,
    x_label: str = "Time",
    colors: Sequence[Any] | None = None,
    legend: bool = True,
    width: float | None = None,
) -> Axes:
    """Draw a measure of performance of each model over the horizons, with its limits as bars.

    Parameters
    ----------
    frame
        Columns model, time, estimate, conf_low and conf_high, as of `hem.prediction.auc(...).to_frame()`.
    ax
        Axes to draw into; default a new figure.
    measure
        What the vertical axis is called.
    chance
        A value that says nothing, drawn as a thin line.
    title, x_label
        Words.
    colors
        Colours of the models; default those of the theme.
    legend
        Whether to say above which model is which.
    width
        Width of a new figure in mm; default that of the theme.

    Returns
    -------
    Axes

    Raises
    ------
    DataError
        For a table without these columns.

    Examples
    --------
    >>> import hemresearch as hem
    >>> mgus = hem.data.load("mgus2")
    >>> area = hem.prediction.auc(
    ...     mgus, time="futime", event="death", scores={"age": "age"}, times=[60, 120, 180]
    ... )
    >>> ax = hem.plots.draw_performance(area.to_frame(), width=80)
    >>> ax.get_ylabel()
    'AUC'
    >>> import matplotlib.pyplot as plt
    >>> plt.close(ax.figure)
    """
    _require(frame, ("model", "time", "estimate", *LIMITS))
    models = frame["model"].unique(maintain_order=True).to_list()
    span = float(np.ptp(frame["time"].to_numpy())) or 1.0
    with active():
        panel = figure(width=width).subplots() if ax is None else ax
        before = panel.get_children()
        style_axes(panel)
        for i, (model, style) in enumerate(zip(models, group_styles(colors, len(models)), strict=True)):
            rows = frame.filter(pl.col("model") == model)
            low, high = (rows["estimate"] - rows[LIMITS[0]], rows[LIMITS[1]] - rows["estimate"])
            aside = rows["time"] + (i - (len(models) - 1) / 2) * APART * span
            panel.errorbar(
                aside, rows["estimate"], yerr=[low, high], label=model, marker="o", markersize=3,
                linewidth=RC["lines.linewidth"], elinewidth=0.7, gid=f"model {i}", **style,
            )  # fmt: skip
        if frame["time"].n_unique() == 1:
            only = float(frame["time"][0])
            panel.set_xlim(only - AROUND, only + AROUND)
            panel.set_xticks([only], [f"{only:g}"])
        if chance is not None:
            panel.axhline(chance, color="0.6", linewidth=0.6, zorder=0)
        words = title, x_label, measure
        settle_panel(panel, words, panel_mm(panel) if ax is None else None, legend=legend and len(models) > 1)
        record(panel, lambda: _told(frame, measure), before=before)
    return panel


def draw_roc(
    frame: pl.DataFrame,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    colors: Sequence[Any] | None = None,
    legend: bool = True,
    width: float | None = None,
) -> Axes:
    """Draw sensitivity against 1 - specificity, one curve per model and horizon.

    Parameters
    ----------
    frame
        Columns model, time, sensitivity and specificity, as of `hem.prediction.roc_curve(...).to_frame()`.
    ax
        Axes to draw into; default a new figure.
    title
        Words above; default none.
    colors
        Colours of the curves; default those of the theme.
    legend
        Whether to say above which curve is which.
    width
        Width of a new figure in mm; default 80.

    Returns
    -------
    Axes

    Raises
    ------
    DataError
        For a table without these columns.

    Examples
    --------
    >>> import hemresearch as hem
    >>> mgus = hem.data.load("mgus2")
    >>> curve = hem.prediction.roc_curve(
    ...     mgus, time="futime", event="death", scores={"age": "age"}, times=60
    ... )
    >>> ax = hem.plots.draw_roc(curve.to_frame(), width=80)
    >>> ax.get_xlabel()
    '1 - specificity'
    >>> import matplotlib.pyplot as plt
    >>> plt.close(ax.figure)
    """
    _require(frame, ("model", "time", "sensitivity", "specificity"))
    curves = frame.partition_by("model", "time", maintain_order=True)
    names = [_curve_name(frame, c) for c in curves]
    with active():
        panel = figure(width=width or SQUARE_MM).subplots() if ax is None else ax
        before = panel.get_children()
        style_axes(panel)
        styles = group_styles(colors, len(curves))
        for i, (curve, name, style) in enumerate(zip(curves, names, styles, strict=True)):
            panel.plot(
                1 - curve["specificity"], curve["sensitivity"], label=name,
                linewidth=RC["lines.linewidth"], gid=f"curve {i}", **style,
            )  # fmt: skip
        panel.plot([0, 1], [0, 1], color="0.6", linewidth=0.6, zorder=0)
        panel.set_xlim(0, 1)
        panel.set_ylim(0, 1)
        panel.set_xticks([0, 0.25, 0.5, 0.75, 1])
        panel.set_yticks([0, 0.25, 0.5, 0.75, 1])
        words = title, "1 - specificity", "Sensitivity"
        square = axes_mm(panel)[0] if ax is None else None
        settle_panel(panel, words, square, legend=legend and len(curves) > 1)
        record(panel, lambda: ["ROC curves: " + ", ".join(names)], before=before)
    return panel


def _curve_name(frame: pl.DataFrame, curve: pl.DataFrame) -> str:
    """What sets a curve apart: its model, its time or both."""
    model, time = str(curve["model"][0]), f"at {curve['time'][0]:g}"
    several = [frame[name].n_unique() > 1 for name in ("model", "time")]
    return f"{model}, {time}" if all(several) else time if several[1] else model


def _require(frame: pl.DataFrame, names: tuple[str, ...]) -> None:
    absent = [name for name in names if name not in frame.columns]
    if absent:
        raise DataError(
            "is not in the table",
            argument="frame",
            column=absent[0],
            expected=f"the columns {', '.join(names)}",
            remedy="hem.prediction.auc(...).to_frame(), or roc_curve(...).to_frame()",
        )


def _told(frame: pl.DataFrame, measure: str) -> list[str]:
    """Each estimate with its limits."""
    lines = [f"{measure} over time"]
    for row in frame.iter_rows(named=True):
        numbers = [significant(row[name]) for name in ("estimate", *LIMITS)]
        lines.append(f"  {row['model']} at {row['time']:g}: {numbers[0]} ({numbers[1]} to {numbers[2]})")
    return lines
