"""Residuals of Cox models: against covariates, by row, and over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator

from ..columns import as_frame
from ..errors import DataError
from ..formats import significant
from ..options import suggestion
from ..regression.cox_fit import CoxFit
from ..regression.diagnostics import influence, martingale_smooth, schoenfeld_smooth
from ..regression.ph_test import PHTest
from .curve_lines import axes_mm, set_words, style_axes
from .drawn import check_table
from .figure import figure, record, root_figure
from .label_points import label_points
from .place import text_mm
from .risk_table import group_styles
from .themes import RC, active
from .ticks import spread_times, tick_label, tick_times, time_step, unit_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

MANY_POINTS = 2000  # from here on points are pixels in a PDF, so that the file stays small
POINT_PT, ALPHA = 3.0, 0.45
APART_MM, EVEN_STEPS = 1.5, 6


def draw_residuals(
    item: Any,
    covariate: str | None = None,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    x_label: str | None = None,
    y_label: str | None = None,
    colors: Sequence[Any] | None = None,
    width: float | None = None,
) -> Axes:
    """Draw martingale residuals against a covariate, with their smooth.

    A flat smooth at 0 says that the covariate has its right form in the model.

    Parameters
    ----------
    item
        The frame of `hem.regression.martingale_smooth`, or a Cox fit.
    covariate
        Which one; default the first.
    ax
        Axes to draw into; default a new figure.
    title, x_label, y_label
        Default none, the covariate's name, and "Martingale residual".
    colors
        Colours of points and smooth; default the first two of the theme.
    width
        Width of a new figure in mm; default that of the theme.

    Returns
    -------
    Axes

    Raises
    ------
    DataError
        Something other than such a frame or fit, or an unknown covariate.

    References
    ----------
    Therneau TM, Grambsch PM, Fleming TR. Biometrika 1990;77:147-160.

    Examples
    --------
    >>> import hemresearch as hem
    >>> fit = hem.regression.cox(hem.data.load("veteran"), "karno + age", time="time", event="status")
    >>> print(hem.plots.fingerprint(hem.plots.draw_residuals(fit, "age", width=80)).partition(",")[0])
    martingale residuals of 137 rows against age
    >>> import matplotlib.pyplot as plt
    >>> plt.close("all")
    """
    needed = ("covariate", "value", "residual", "smooth")
    frame = martingale_smooth(item) if isinstance(item, CoxFit) else _frame(item, needed, "martingale_smooth")
    name, part = _chosen(frame, "covariate", covariate)
    x, y, smooth = (part[c].to_numpy() for c in needed[1:])
    with active():
        panel, before = _panel(ax, width)
        marks = _colors(colors)
        _draw_zero(panel)
        _draw_points(panel, x, y, marks[0])
        order = np.argsort(x, kind="stable")
        panel.plot(x[order], smooth[order], "-", color=marks[1], linewidth=RC["lines.linewidth"], zorder=3)
        set_words(panel, title, x_label or name, y_label or "Martingale residual", *axes_mm(panel))
        ends = [significant(float(v)) for v in smooth[order][[0, len(x) // 2, -1]]]
        ends += [significant(float(v)) for v in (y.min(), y.max())]
        head = f"martingale residuals of {len(x)} rows against {name}, {ends[3]} to {ends[4]}"
        record(panel, lambda: [head, f"  smooth {ends[0]}, {ends[1]}, {ends[2]}"], before=before)
    return panel


def draw_influence(
    item: Any,
    term: str | None = None,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    x_label: str | None = None,
    y_label: str | None = None,
    color: Any = None,
    width: float | None = None,
) -> Axes:
    """Draw how much each row of the data moves a coefficient; the five that move it most carry their number.

    Rows are numbered by their position in the data, from 1; no identifier is shown.

    Parameters
    ----------
    item
        The frame of `hem.regression.influence`, or a Cox fit.
    term
        The coefficient; default the first.
    ax
        Axes to draw into; default a new figure.
    title, x_label, y_label
        Default none, "Row of the data", and "Influence on" the coefficient.
    color
        Default the first colour of the theme.
    width
        Width of a new figure in mm; default that of the theme.

    Returns
    -------
    Axes

    Raises
    ------
    DataError
        Something other than such a frame or fit, or an unknown coefficient.

    Examples
    --------
    >>> import hemresearch as hem
    >>> fit = hem.regression.cox(hem.data.load("veteran"), "karno + age", time="time", event="status")
    >>> print(hem.plots.fingerprint(hem.plots.draw_influence(fit, "age", width=80)).splitlines()[0])
    influence of 137 rows on age
    >>> import matplotlib.pyplot as plt
    >>> plt.close("all")
    """
    needed = ("term", "row", "residual", "largest")
    frame = influence(item) if isinstance(item, CoxFit) else _frame(item, needed, "influence")
    name, part = _chosen(frame, "term", term)
    x, y = part["row"].to_numpy().astype(float), part["residual"].to_numpy()
    most = part.filter("largest").sort(pl.col("residual").abs(), descending=True)
    with active():
        panel, before = _panel(ax, width)
        shade = color if color is not None else _colors(None)[0]
        _draw_zero(panel)
        lines = panel.vlines(x, 0.0, y, colors=[shade], linewidth=0.6, zorder=2)
        lines.set_rasterized(len(x) > MANY_POINTS)
        panel.plot(most["row"], most["residual"], "o", color=shade, markersize=POINT_PT, zorder=3)
        panel.margins(0.04, 0.14)
        words = (x_label or "Row of the data", y_label or f"Influence on {name}")
        set_words(panel, title, *words, *axes_mm(panel))
        panel.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        rows = most["row"].to_list()
        label_points(panel, most["row"].to_list(), most["residual"].to_list(), [str(row) for row in rows])
        told = ", ".join(f"{r} ({significant(v)})" for r, v in most.select("row", "residual").iter_rows())
        head = f"influence of {len(x)} rows on {name}"
        record(panel, lambda: [head, f"  largest: {told}"], before=before)
    return panel


def draw_schoenfeld(
    test: PHTest,
    *,
    term: str | None = None,
    ax: Axes | None = None,
    title: str | None = None,
    x_label: str | None = None,
    y_label: str | None = None,
    colors: Sequence[Any] | None = None,
    width: float | None = None,
) -> Axes:
    """Draw the scaled Schoenfeld residuals of a coefficient over time, with their smooth and its limits.

    The smooth follows the log hazard ratio through time; the dashed line is the one that the model has. Time
    is spaced as the test transforms it.

    Parameters
    ----------
    test
        A result of `hem.regression.ph_test`.
    term
        A coefficient, or a term that has one; default the first.
    ax
        Axes to draw into; default a new figure.
    title, x_label, y_label
        Default none, "Time (unit)", and "Log hazard ratio of" the coefficient.
    colors
        Colours of points and smooth; default the first two of the theme.
    width
        Width of a new figure in mm; default that of the theme.

    Returns
    -------
    Axes

    Raises
    ------
    DataError
        Something other than such a result, an unknown term, or one with several coefficients.

    References
    ----------
    Grambsch PM, Therneau TM. Biometrika 1994;81:515-526.

    Examples
    --------
    >>> import hemresearch as hem
    >>> fit = hem.regression.cox(hem.data.load("veteran"), "karno + age", time="time", event="status")
    >>> ax = hem.regression.ph_test(fit).plot("karno")
    >>> print(hem.plots.fingerprint(ax).splitlines()[0])
    scaled Schoenfeld residuals of 128 events, karno over km time
    >>> import matplotlib.pyplot as plt
    >>> plt.close(ax.figure)
    """
    if not isinstance(test, PHTest):
        raise _not_a("test", test, "a result of hem.regression.ph_test", "hem.regression.ph_test(fit).plot()")
    name = _one_column(test.fit, term)
    smooth = schoenfeld_smooth(test, name)
    x, y = test.scaled["g(t)"].to_numpy(), test.residuals_of(name).to_numpy()
    coefficient = float(test.fit.coef[test.fit.place(name)])
    with active():
        panel, before = _panel(ax, width)
        marks = _colors(colors)
        _draw_zero(panel)
        panel.axhline(coefficient, color="0.35", linewidth=0.7, linestyle=(0, (4, 3)), zorder=1.5)
        _draw_points(panel, x, y, marks[0])
        at = smooth["x"].to_numpy()
        if not smooth["estimate"].null_count():
            low, high = smooth["conf_low"].to_numpy(), smooth["conf_high"].to_numpy()
            panel.fill_between(at, low, high, color=marks[1], alpha=0.16, linewidth=0, zorder=2)
            estimate = smooth["estimate"].to_numpy()
            panel.plot(at, estimate, "-", color=marks[1], linewidth=RC["lines.linewidth"], zorder=3)
        words = (x_label or _time_label(test.fit), y_label or f"Log {test.fit.ratio} of {name}")
        set_words(panel, title, *words, *axes_mm(panel))
        _set_time_ticks(panel, at, smooth["time"].to_numpy())
        ends = [significant(v) for v in smooth["estimate"].gather([0, len(at) // 2, -1])]
        head = f"scaled Schoenfeld residuals of {len(x)} events, {name} over {test.transform} time"
        lines = [head, f"  coefficient {significant(coefficient)}, smooth {ends[0]}, {ends[1]}, {ends[2]}"]
        record(panel, lambda: lines, before=before)
    return panel


def _frame(item: Any, needed: Sequence[str], made_by: str) -> pl.DataFrame:
    frame = as_frame(item).lazy().collect()
    check_table(frame, needed, "item", f"hem.regression.{made_by}(fit)")
    return frame


def _chosen(frame: pl.DataFrame, column: str, asked: str | None) -> tuple[str, pl.DataFrame]:
    """The rows of one covariate or coefficient."""
    known = frame[column].unique(maintain_order=True).to_list()
    name = known[0] if asked is None else asked
    if name not in known:
        raise DataError(
            f"{name!r} is not in the table",
            argument=column,
            expected=f"one of its names; {suggestion(str(name), known)}",
            remedy=f"{column}={known[0]!r}",
        )
    return name, frame.filter(pl.col(column) == name)


def _one_column(fit: CoxFit, term: str | None) -> str:
    """A coefficient by its name or that of its term."""
    own = None if term is None else fit.term_of(term)
    if own is None:
        return fit.columns[0 if term is None else fit.place(term)]
    columns = fit.columns[fit.terms[own]]
    if len(columns) > 1:
        raise DataError(
            f"{term!r} has {len(columns)} coefficients, and one is drawn at a time",
            argument="term",
            expected="a coefficient",
            remedy=f"term={columns[0]!r}",
        )
    return columns[0]


def _not_a(argument: str, item: Any, expected: str, remedy: str) -> DataError:
    return DataError(
        f"a {type(item).__name__} was given", argument=argument, expected=expected, remedy=remedy
    )


def _panel(ax: Axes | None, width: float | None) -> tuple[Axes, list[Any]]:
    """The axes to draw into, and what is in them."""
    panel = figure(width=width).subplots() if ax is None else ax
    before = panel.get_children()
    style_axes(panel)
    return panel, before


def _colors(colors: Sequence[Any] | None) -> list[Any]:
    return [style["color"] for style in group_styles(colors, 2)]


def _draw_zero(ax: Axes) -> None:
    ax.axhline(0.0, color="0.55", linewidth=0.7, linestyle="-", zorder=1)


def _draw_points(ax: Axes, x: np.ndarray, y: np.ndarray, color: Any) -> None:
    points = ax.plot(x, y, "o", color=color, markersize=POINT_PT, markeredgewidth=0, alpha=ALPHA, zorder=2)
    points[0].set_rasterized(len(x) > MANY_POINTS)


def _time_label(fit: CoxFit) -> str:
    names = fit.observations("residuals").names
    unit = unit_of(fit.time_unit, names.get("time"))
    return f"Time ({unit})" if unit else "Time"


def _set_time_ticks(ax: Axes, x: np.ndarray, time: np.ndarray) -> None:
    """Ticks at round times, spread over the axis also where it is not even in time."""
    root_figure(ax).draw_without_rendering()
    mm = axes_mm(ax)[0] / (ax.get_xlim()[1] - ax.get_xlim()[0])
    first, last = float(time[0]), float(time[-1])
    if np.allclose(x, time):
        shown = tick_times(first, last, time_step(last - first, None, EVEN_STEPS)).tolist()
    else:
        shown = spread_times(
            first,
            last,
            lambda t: float(np.interp(t, time, x)) * mm,
            lambda t: text_mm(tick_label(t), RC["xtick.labelsize"]) + APART_MM,
        )
    ax.xaxis.set_major_locator(FixedLocator(np.interp(shown, time, x).tolist()))
    ax.xaxis.set_major_formatter(FixedFormatter(list(map(tick_label, shown))))
