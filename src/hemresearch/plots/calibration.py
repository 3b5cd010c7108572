"""Observed against predicted risks, and the net benefit of acting on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..errors import DataError
from ..formats import significant
from .categories import settle_panel
from .curve_lines import axes_mm, style_axes
from .figure import figure, record
from .risk_table import group_styles
from .themes import RC, active

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

SQUARE_MM = 80.0
TENTHS = 10
HISTOGRAM = 0.12  # of the height of the panel, of the tallest bar
STEPS = ((0.1, 0.02), (0.3, 0.05), (0.5, 0.1), (np.inf, 0.2))  # between ticks, of axes up to a risk
BAND = 0.15  # opacity
LIMITS = ("conf_low", "conf_high")


def draw_calibration(
    curve: pl.DataFrame,
    *,
    groups: pl.DataFrame | None = None,
    histogram: pl.DataFrame | None = None,
    ax: Axes | None = None,
    until: float | None = None,
    title: str | None = None,
    x_label: str = "Predicted risk",
    y_label: str = "Observed risk",
    colors: Sequence[Any] | None = None,
    legend: bool = True,
    width: float | None = None,
) -> Axes:
    """Draw observed against predicted risks: a smooth curve, groups with limits, and how risks are spread.

    Parameters
    ----------
    curve, groups, histogram
        The tables of `hem.prediction.calibration(...)`; a curve may be without rows, the others left out.
        Bars of the histogram stand on the axis, the tallest of each model equally high.
    ax
        Axes to draw into; default a new figure.
    until
        The largest risk shown; default the next tenth above all that is drawn.
    title, x_label, y_label
        Words.
    colors
        Colours of the models (at their horizons); default those of the theme.
    legend
        Whether to say above which model is which.
    width
        Width of a new figure in mm; default 80.

    Returns
    -------
    Axes

    Raises
    ------
    DataError
        For a table without the columns; nothing to draw.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> mgus = hem.data.load("mgus2").with_columns(risk=(pl.col("age") / 120) ** 2)
    >>> found = hem.prediction.calibration(
    ...     mgus, time="futime", event="death", risks={"age": "risk"}, times=60
    ... )
    >>> ax = hem.plots.draw_calibration(found.curve, groups=found.groups, histogram=found.histogram)
    >>> ax.get_ylabel()
    'Observed risk'
    >>> import matplotlib.pyplot as plt
    >>> plt.close(ax.figure)
    """
    given = {"curve": curve, "groups": groups, "histogram": histogram}
    tables = {name: table for name, table in given.items() if table is not None}
    _require(tables)
    names = series_names(
        pl.concat([t.select(_labels(t)) for t in tables.values()]).unique(maintain_order=True)
    )
    with active():
        panel = figure(width=width or SQUARE_MM).subplots() if ax is None else ax
        before = panel.get_children()
        style_axes(panel)
        end = _end(tables) if until is None else until
        panel.plot([0, end], [0, end], color="0.6", linewidth=0.6, zorder=0, gid="perfect")
        for i, (name, style) in enumerate(zip(names, group_styles(colors, len(names)), strict=True)):
            one = {kind: _rows_of(table, name) for kind, table in tables.items()}
            _draw_one(panel, one, names[name], style, end, i)
        ticks = np.arange(0, end + 1e-9, next(step for top, step in STEPS if end <= top))
        panel.set(xlim=(0, end), ylim=(0, end), xticks=ticks, yticks=ticks)
        square = axes_mm(panel)[0] if ax is None else None
        settle_panel(panel, (title, x_label, y_label), square, legend=legend and len(names) > 1)
        record(panel, lambda: _told(tables, names), before=before)
    return panel


def series_names(labels: pl.DataFrame) -> dict[tuple[Any, ...], str]:
    """What sets curves apart, by the values of their columns: the model, its time or both."""
    several = {name: labels[name].n_unique() > 1 for name in labels.columns}
    found = {}
    for row in labels.iter_rows(named=True):
        at = f"at {row['time']:g}" if "time" in row else ""
        both = several.get("time", False) and several["model"]
        found[tuple(row.values())] = (
            f"{row['model']}, {at}" if both else at if several.get("time") else row["model"]
        )
    return found


def _draw_one(
    ax: Axes, tables: dict[str, pl.DataFrame], label: str, style: dict[str, Any], end: float, i: int
) -> None:
    """The bars, the band, the curve and the groups of one model."""
    color, curve = style["color"], tables["curve"]
    if "histogram" in tables:
        bars = tables["histogram"].filter(pl.col("low") < end)
        n = bars["n"].to_numpy()
        height = n / max(n.max(initial=0), 1) * HISTOGRAM * end
        width = bars["high"] - bars["low"]
        ax.bar(bars["low"], height, width, align="edge", color=color, alpha=0.25, linewidth=0, zorder=0.5)
    if curve["conf_low"].is_not_null().any():
        low, high = (curve[name] for name in LIMITS)
        ax.fill_between(curve["predicted"], low, high, color=color, alpha=BAND, linewidth=0, zorder=1)
    if curve.height:
        width_pt = RC["lines.linewidth"]
        ax.plot(
            curve["predicted"], curve["estimate"], label=label, linewidth=width_pt, gid=f"curve {i}", **style
        )
    if "groups" in tables:
        rows = tables["groups"].drop_nulls("estimate")
        low, high = (rows[name].fill_null(rows["estimate"]) for name in LIMITS)
        ax.errorbar(
            rows["predicted"], rows["estimate"], yerr=[rows["estimate"] - low, high - rows["estimate"]],
            fmt="o", markersize=3, elinewidth=0.7, color=color, label=None if curve.height else label,
            gid=f"groups {i}", zorder=3,
        )  # fmt: skip


def _labels(table: pl.DataFrame) -> list[str]:
    return [name for name in ("model", "time") if name in table.columns]


def _rows_of(table: pl.DataFrame, values: tuple[Any, ...]) -> pl.DataFrame:
    return table.filter(pl.col(name) == value for name, value in zip(_labels(table), values, strict=True))


def _end(tables: dict[str, pl.DataFrame]) -> float:
    """The tenth that nothing drawn exceeds; limits that go beyond are cut."""
    known = [tables["curve"][name].max() for name in ("predicted", "estimate")]
    if "groups" in tables:
        known += [tables["groups"][name].max() for name in ("predicted", "estimate", "conf_high")]
    top = max((float(v) for v in known if v is not None), default=1.0)  # type: ignore[arg-type]
    return float(min(np.ceil(top * TENTHS - 1e-9) / TENTHS, 1.0)) or 1.0


NEEDED = {
    "curve": ("model", "predicted", "estimate", *LIMITS),
    "groups": ("model", "predicted", "estimate", *LIMITS),
    "histogram": ("model", "low", "high", "n"),
}


def _require(tables: dict[str, pl.DataFrame]) -> None:
    for argument, table in tables.items():
        absent = [name for name in NEEDED[argument] if name not in table.columns]
        if absent:
            raise DataError(
                "is not in the table",
                argument=argument,
                column=absent[0],
                expected=f"the columns {', '.join(NEEDED[argument])}",
                remedy=f"hem.prediction.calibration(...).{argument}",
            )
    if not any(table.height for table in tables.values()):
        raise DataError(
            "has no rows, and there is nothing else to draw",
            argument="curve",
            expected="a curve, or groups",
            remedy="groups=hem.prediction.calibration(...).groups",
        )


def _told(tables: dict[str, pl.DataFrame], names: dict[tuple[Any, ...], str]) -> list[str]:
    """What is observed in each group."""
    lines = ["Observed against predicted risks: " + ", ".join(names.values())]
    for row in tables.get("groups", pl.DataFrame()).iter_rows(named=True):
        numbers = [significant(row[name]) for name in ("predicted", "estimate", *LIMITS)]
        lines.append(f"  {row['model']}: predicted {numbers[0]}, {numbers[1]} ({numbers[2]} to {numbers[3]})")
    return lines
