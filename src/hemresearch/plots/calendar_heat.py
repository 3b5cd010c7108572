"""Rates by two parts of the calendar, such as hour and weekday, as a field of colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import as_frame
from ..errors import DataError
from ..formats import significant
from .curve_lines import axes_mm, broken, set_words
from .drawn import check_table
from .figure import figure, record
from .panel import lay_out
from .place import text_mm
from .themes import RC, active

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NOTHING = "0.9"  # where there is no estimate
FONT = 6.0  # of numbers in their fields
DARK = 0.55  # share of the scale from which numbers are white
GAP_MM = 1.5  # between two labels of columns
ASPECT, LOWEST_MM = 0.42, 40.0  # height of a new figure by its width, and at least


def draw_calendar_heat(
    volume: Any,
    *,
    x: str = "hour",
    y: str = "weekday",
    ax: Axes | None = None,
    numbers: bool | None = None,
    decimals: int = 1,
    cmap: str = "Blues",
    title: str | None = None,
    x_label: str | None = None,
    y_label: str | None = None,
    color_label: str | None = None,
    width: float | None = None,
) -> Axes:
    """Draw the estimate of each pair of values as a colour, and as a number where there is room.

    Parameters
    ----------
    volume
        A result of `hem.hematology.consultations.volume`, or a tidy frame with `x`, `y` and `estimate`, one
        row for each pair.
    x, y
        The columns along the two axes.
    ax
        Axes to draw into; default a new figure.
    numbers
        Whether estimates are written into their fields; default if they fit.
    decimals
        Of these.
    cmap
        A colour map of matplotlib, light to dark.
    title, x_label, y_label, color_label
        Words; default none, the names of the columns, and that of the result.
    width
        Width of a new figure in mm; default that of the theme.

    Returns
    -------
    Axes

    Raises
    ------
    DataError
        A table without the columns named above, or with a pair that comes twice.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> rates = pl.DataFrame({"weekday": ["Mon", "Mon", "Sat", "Sat"], "hour": [8, 9, 8, 9]})
    >>> ax = hem.plots.draw_calendar_heat(rates.with_columns(estimate=pl.Series([2.1, 3.4, 0.5, 0.7])))
    >>> print(hem.plots.fingerprint(ax).splitlines()[0])
    estimate by hour and weekday: highest 3.4 at 9, Mon; lowest 0.5 at 8, Sat
    >>> import matplotlib.pyplot as plt
    >>> plt.close(ax.figure)
    """
    frame, what = _read(volume, x, y), getattr(volume, "name", "estimate")
    columns, rows, field = _field(frame, x, y)
    with active() as style:
        panel = ax
        if panel is None:
            wide = style.width if width is None else width
            panel = figure(width=width, height=max(ASPECT * wide, LOWEST_MM)).subplots()
        before = panel.get_children()
        drawn = panel.pcolormesh(field, cmap=_with_grey(cmap), vmin=0.0, edgecolors="white", linewidth=0.4)
        _set_ticks(panel, columns, rows)
        bar = panel.figure.colorbar(drawn, ax=panel, pad=0.015, aspect=18)
        bar.outline.set_linewidth(0.5)
        label = broken(color_label or what[:1].upper() + what[1:], RC["axes.labelsize"], axes_mm(panel)[1])
        bar.set_label(label)
        set_words(panel, title, x_label or x.capitalize(), y_label or y.capitalize(), *axes_mm(panel))
        lay_out(panel, None)
        _set_ticks(panel, columns, rows)
        texts = [["" if np.isnan(v) else f"{v:.{decimals}f}" for v in line] for line in field]
        if _fits(panel, texts) if numbers is None else numbers:
            _write(panel, field, texts)
        record(panel, lambda: _told(frame, what, x, y), before=before)
    return panel


def _read(volume: Any, x: str, y: str) -> pl.DataFrame:
    table = volume.to_frame() if hasattr(volume, "conf_level") else volume
    frame = as_frame(table).lazy().collect()
    remedy = f"hem.hematology.consultations.volume(..., by=[{y!r}, {x!r}])"
    check_table(frame, (x, y, "estimate"), "volume", remedy)
    twice = frame.select(x, y).is_duplicated()
    if twice.any():
        raise DataError(
            f"has more than one row for a pair of {x!r} and {y!r}",
            argument="volume",
            rows=twice.arg_true(),
            expected="one estimate for each pair",
            remedy=remedy,
        )
    return frame


def _field(frame: pl.DataFrame, x: str, y: str) -> tuple[list[Any], list[Any], np.ndarray]:
    """Values along both axes, in their order, and the estimates; NaN where there is none."""
    columns, rows = (_levels(frame[name]) for name in (x, y))
    field = np.full((len(rows), len(columns)), np.nan)
    for column, row, value in frame.select(x, y, "estimate").iter_rows():
        field[rows.index(row), columns.index(column)] = np.nan if value is None else value
    return columns, rows, field


def _levels(values: pl.Series) -> list[Any]:
    """The values that occur, sorted; text in the order in which it comes."""
    found = values.unique(maintain_order=True)
    return found.to_list() if found.dtype == pl.String else found.sort().to_list()


def _with_grey(cmap: str) -> Any:
    import matplotlib as mpl

    return mpl.colormaps[cmap].with_extremes(bad=NOTHING)


def _set_ticks(ax: Axes, columns: list[Any], rows: list[Any]) -> None:
    """A label for each row, and for as many columns as there is room for."""
    wide = max(text_mm(str(name), RC["xtick.labelsize"]) for name in columns) + GAP_MM
    every = int(np.ceil(wide * len(columns) / axes_mm(ax)[0]))
    every = next((step for step in (1, 2, 3, 4, 6, 12) if step >= every), every)
    shown = range(0, len(columns), every)
    ax.set_xticks([i + 0.5 for i in shown], [str(columns[i]) for i in shown])
    ax.set_yticks(np.arange(len(rows)) + 0.5, [str(name) for name in rows])
    ax.tick_params(length=0)
    ax.set_ylim(len(rows), 0)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _fits(ax: Axes, texts: list[list[str]]) -> bool:
    widest = max(text_mm(text, FONT) for line in texts for text in line)
    return widest + GAP_MM / 2 < axes_mm(ax)[0] / len(texts[0])


def _write(ax: Axes, field: np.ndarray, texts: list[list[str]]) -> None:
    dark = DARK * float(np.nanmax(field))
    for i, line in enumerate(texts):
        for j, text in enumerate(line):
            color = "white" if field[i, j] > dark else "0.15"
            ax.text(j + 0.5, i + 0.5, text, ha="center", va="center_baseline", color=color, size=FONT)


def _told(frame: pl.DataFrame, what: str, x: str, y: str) -> list[str]:
    known = frame.drop_nulls("estimate").sort("estimate", maintain_order=True)
    ends = [known.row(i, named=True) for i in (-1, 0)]
    told = [
        f"{name} {significant(row['estimate'])} at {row[x]}, {row[y]}"
        for name, row in zip(("highest", "lowest"), ends, strict=True)
    ]
    return [f"{what} by {x} and {y}: {'; '.join(told)}"]
