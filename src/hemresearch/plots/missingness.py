"""What is missing, as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from matplotlib.ticker import MaxNLocator

from .. import formats
from ..errors import DataError
from ..options import suggestion
from .curve_lines import axes_mm
from .drawn import group_label
from .figure import figure, record, root_figure
from .place import text_mm, wrapped
from .risk_table import group_styles
from .themes import RC, active

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from ..cohort.missingness import Missingness

FONT = 7.0
BAR_MM, BETWEEN_MM, AROUND_MM, LINE_MM = 3.4, 1.8, 13.0, 3.6
LABEL_SHARE = 0.34  # of the width, for names of columns
PAD_MM = 2.4  # before the count, and after it where letters are drawn wider than they are


def draw_missingness(
    missing: Missingness,
    *,
    ax: Axes | None = None,
    complete: bool = False,
    labels: Mapping[Any, str] | None = None,
    colors: Sequence[Any] | None = None,
    width: float | None = None,
) -> Axes:
    """Draw the percentage of missing values in each column, as bars with their counts.

    Parameters
    ----------
    missing
        A result of `hem.cohort.missingness`.
    ax
        Axes to draw into; default a new figure as high as its bars need.
    complete
        Whether to show columns without missing values too.
    labels
        Other names for columns or groups.
    colors
        Colours of the groups; default those of the theme.
    width
        Width of a new figure in mm; default that of the theme.

    Returns
    -------
    Axes

    Raises
    ------
    DataError
        Something other than such a result, or a label for nothing in it.

    Examples
    --------
    >>> import hemresearch as hem
    >>> ax = hem.cohort.missingness(hem.data.load("mgus2")).plot(width=80)
    >>> ax.figure
    Figure 80 mm wide
    missing values in 1,384 rows
      hgb: 13 (0.9%)
      creat: 30 (2.2%)
      mspike: 11 (0.8%)
      text: Missing (%) | 13 (0.9%) | 30 (2.2%) | 11 (0.8%)
    >>> import matplotlib.pyplot as plt
    >>> plt.close(ax.figure)
    """
    _check(missing)
    frame, keys = _chosen(missing, complete), _groups(missing)
    names = frame["column"].unique(maintain_order=True).to_list()
    called = dict(labels or {})
    _check_labels(called, [*missing.columns, *keys])
    groups = [called.get(key, key) for key in keys]
    with active():
        wide = LABEL_SHARE * (axes_mm(ax)[0] if ax else active().width if width is None else width)
        shown = [wrapped(called.get(name, name), RC["ytick.labelsize"], wide) for name in names]
        row_mm = max(BAR_MM * len(groups), max(map(len, shown)) * LINE_MM) + BETWEEN_MM
        panel = ax
        if panel is None:
            panel = figure(width=width, height=max(row_mm * len(names) + AROUND_MM, 20.0)).subplots()
        texts = _draw(panel, frame, shown, groups, row_mm, colors)
        _make_room(panel, frame["percent"].to_list(), texts)
        _add_key(panel, groups)
        head = f"missing values in {formats.count(missing.n)} rows"
        each = [f"{name}, {key}" if key else name for name in names for key in keys]
        lines = [f"  {where}: {text}" for where, text in zip(each, texts, strict=True)]
        record(panel, lambda: [head, *lines])
    return panel


def _check(missing: Any) -> None:
    if not hasattr(missing, "patterns"):
        raise DataError(
            f"a {type(missing).__name__} was given",
            argument="missing",
            expected="a result of hem.cohort.missingness",
            remedy="hem.cohort.missingness(data).plot()",
        )


def _chosen(missing: Missingness, complete: bool) -> pl.DataFrame:
    """The columns to show: with something missing in some group, or all of them."""
    frame = missing.to_frame()
    some = frame.filter(pl.col("n_missing").sum().over("column") > 0)
    return frame if complete or some.is_empty() else some


def _groups(missing: Missingness) -> list[str]:
    if not missing.by:
        return [""]
    keys = missing.to_frame().select(missing.by).unique(maintain_order=True)
    return [group_label(key, missing.by) for key in keys.iter_rows()]


def _draw(
    ax: Axes,
    frame: pl.DataFrame,
    names: list[list[str]],
    groups: list[str],
    row_mm: float,
    colors: Sequence[Any] | None,
) -> list[str]:
    """One bar per column and group, from top to bottom, with its count; returns the texts."""
    styles, texts = group_styles(colors, len(groups)), []
    for i, (n, percent) in enumerate(frame.select("n_missing", "percent").iter_rows()):
        column, group = divmod(i, len(groups))
        y = column + 0.5 + (group + 0.5 - len(groups) / 2) * BAR_MM / row_mm
        text = f"{formats.count(n)} ({formats.percent(percent / 100)})"
        bars = ax.barh(y, percent, height=0.86 * BAR_MM / row_mm, color=styles[group]["color"])
        bars.set_label(groups[group] if not column and groups[group] else "_nolegend_")
        count = ax.annotate(text, (percent, y), (2, 0), textcoords="offset points", size=FONT)
        count.set(va="center_baseline", in_layout=False)  # the axis is made long enough for it
        texts.append(text)
    ax.set_yticks(np.arange(len(names)) + 0.5, ["\n".join(lines) for lines in names], parse_math=False)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(names), 0)
    ax.set_xlabel("Missing (%)")
    return texts


def _make_room(ax: Axes, percent: list[float], texts: list[str]) -> None:
    """An axis long enough that every count fits beside its bar."""
    root_figure(ax).draw_without_rendering()
    room = axes_mm(ax)[0]
    left = [max(room - text_mm(text, FONT) - PAD_MM, 1.0) for text in texts]
    ax.set_xlim(0, max(*(p * room / mm for p, mm in zip(percent, left, strict=True)), 1.0))
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def _add_key(ax: Axes, groups: list[str]) -> None:
    if len(groups) > 1:
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(groups), borderaxespad=0.2)


def _check_labels(labels: Mapping[Any, str], known: list[str]) -> None:
    for name in labels:
        if name not in known:
            raise DataError(
                f"{name!r} is not in the figure",
                argument="labels",
                expected=f"names of columns or groups; {suggestion(str(name), known)}",
                remedy=f"labels={{{known[0]!r}: 'Name'}}",
            )
