"""Heat maps: many features of many patients as a field of colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import polars as pl
from matplotlib.colors import to_rgb

from ..errors import DataError, counted, listed
from ..formats import significant
from .categories import Category, check_names, read_categories, read_frame, settle_panel
from .curve_lines import axes_mm, broken
from .figure import figure, record
from .themes import RC, active

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

NOTHING = "0.8"  # where there is no value
STRIP = 0.9  # height of the strip of groups, in rows
ROW_MM, AROUND_MM, LOWEST_MM = 4.2, 24.0, 45.0
MANY = 4000  # fields from which on they are one picture
NEGLIGIBLE = 1e-9
TOO_FEW = 2.4  # mm of a row under which its name is left out


def draw_heatmap(
    data: Any,
    features: Sequence[str],
    *,
    order: str | Sequence[str] | None = None,
    by: str | None = None,
    middle: float | None = None,
    limit: float | None = None,
    labels: Mapping[Any, str] | None = None,
    colors: Sequence[Any] | None = None,
    cmap: str | None = None,
    ax: Axes | None = None,
    title: str | None = None,
    x_label: str | None = None,
    y_label: str = "",
    color_label: str = "Value",
    width: float | None = None,
) -> Axes:
    """Draw a row of colours for each feature and a column for each patient, with a strip of their groups.

    Nothing is standardised or clustered: values are drawn as they are, in the order given.

    Parameters
    ----------
    data
        One row per patient.
    features
        Names of numeric columns (or true/false), from the top down.
    order
        One or several columns to sort the patients by; default as they stand in the data.
    by
        Column of categories, drawn as a strip above; patients are sorted by it first.
    middle
        Value at the middle of a scale of two colours, such as 0 for logarithms of ratios; None for a scale
        from light to dark.
    limit
        How far from the middle (or above the lowest value) the scale goes; values beyond have its end colour.
    labels
        Other names for features and categories.
    colors
        Colours of the categories in their order.
    cmap
        A colour map of matplotlib; default "RdBu_r" with a middle, else "Blues".
    ax
        Axes to draw into; default a new figure, as high as its rows need.
    title, x_label, y_label, color_label
        Words; default none, the number of patients, none, and "Value".
    width
        Width of a new figure in mm; default that of the theme.

    Returns
    -------
    Axes

    Raises
    ------
    DataError
        Columns that are not there or hold no numbers, no features or one twice, no value at all, a limit that
        is not above 0, and labels of nothing.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> genes = pl.DataFrame(
    ...     {"FLT3": [1.2, -0.4, 0.3], "NPM1": [-2.0, 0.1, None], "risk": ["low", "high", "low"]}
    ... )
    >>> ax = hem.plots.draw_heatmap(genes, ["FLT3", "NPM1"], by="risk", middle=0, width=80)
    >>> print(hem.plots.fingerprint(ax))
    2 features of 3 patients from -2 to 1.2, 1 missing
      FLT3: mean 0.3667
      NPM1: mean -0.95
      high: 1 patient
      low: 2 patients
      text: 3 patients | high | low
    >>> import matplotlib.pyplot as plt
    >>> plt.close(ax.figure)
    """
    names = _checked(features)
    sort = [order] if isinstance(order, str) else list(order or ())
    rows = _read(data, names, sort, by)
    field = rows.select(names).to_numpy().T.astype(float)
    _check_values(field, labels, rows, names, by)
    low, high = _scale(field, middle, limit)
    with active() as style:
        kinds = [] if by is None else read_categories(rows["by"], _of_groups(labels, names), colors)
        panel = ax
        if panel is None:
            tall = max(ROW_MM * (len(names) + len(kinds)) + AROUND_MM, LOWEST_MM)
            panel = figure(width=style.width if width is None else width, height=tall).subplots()
        before = panel.get_children()
        shades = mpl.colormaps[cmap or ("Blues" if middle is None else "RdBu_r")].with_extremes(bad=NOTHING)
        drawn = panel.pcolormesh(
            field, cmap=shades, vmin=low, vmax=high, rasterized=field.size > MANY, gid="field"
        )
        _draw_strip(panel, rows, kinds)
        bar = panel.figure.colorbar(drawn, ax=panel, pad=0.015, aspect=18, extend=_extend(field, low, high))
        bar.outline.set_linewidth(0.5)
        bar.set_label(broken(color_label, RC["axes.labelsize"], axes_mm(panel)[1]))
        _set_axes(panel, [str((labels or {}).get(name, name)) for name in names], bool(kinds))
        words = title, x_label or counted(rows.height, "patient"), y_label
        settle_panel(panel, words, None, legend=bool(kinds))
        _thin_names(panel)
        record(panel, lambda: _told(rows, names, kinds), before=before)
    return panel


def _checked(features: Sequence[str]) -> list[str]:
    names = [features] if isinstance(features, str) else list(features)
    twice = sorted({str(name) for name in names if names.count(name) > 1})
    if not names or twice:
        raise DataError(
            f"{listed(map(repr, twice))} is given twice" if twice else "no feature was given",
            argument="features",
            expected="names of columns, each once",
            remedy="features=['FLT3', 'NPM1']",
        )
    return names


def _read(data: Any, names: list[str], sort: list[str], by: str | None) -> pl.DataFrame:
    """The features under their names, the groups as `by`, sorted."""
    features = read_frame(data, {name: name for name in names}, argument="features")
    for name, kind in features.schema.items():
        if not (kind.is_numeric() or kind == pl.Boolean):
            raise DataError(
                f"holds {kind}",
                argument="features",
                column=name,
                expected="numbers or true/false",
                remedy=f"pl.col({name!r}).cast(pl.Float64)",
            )
    keys = (
        read_frame(data, {f"order.{i}": name for i, name in enumerate(sort)}, argument="order")
        if sort
        else None
    )
    groups = read_frame(data, {"by": by}) if by is not None else None
    rows = pl.concat(
        [part for part in (features.cast(pl.Float64), keys, groups) if part is not None], how="horizontal"
    )
    by_first = ["by"] if by is not None else []
    keys_named = [*by_first, *(f"order.{i}" for i in range(len(sort)))]
    return rows.sort(keys_named, nulls_last=True, maintain_order=True) if keys_named else rows


def _check_values(
    field: np.ndarray, labels: Mapping[Any, str] | None, rows: pl.DataFrame, names: list[str], by: str | None
) -> None:
    if not np.isfinite(field).any() or np.isinf(field).any():
        raise DataError(
            "hold infinite values" if np.isinf(field).any() else "hold no value",
            argument="features",
            expected="finite numbers, or null",
            remedy="data.filter(...), and a look at the columns",
        )
    check_names(labels, [*names, *([] if by is None else rows["by"].unique().to_list())])


def _of_groups(labels: Mapping[Any, str] | None, names: list[str]) -> dict[Any, str]:
    return {key: word for key, word in (labels or {}).items() if key not in names}


def _scale(field: np.ndarray, middle: float | None, limit: float | None) -> tuple[float, float]:
    """The values at the ends of the colours."""
    if limit is not None and not (isinstance(limit, int | float) and 0 < limit < np.inf):
        raise DataError(
            f"{limit!r} was given", argument="limit", expected="a number above 0", remedy="limit=2.0"
        )
    lowest, highest = float(np.nanmin(field)), float(np.nanmax(field))
    if middle is None:
        return lowest, (highest if limit is None else lowest + limit) if highest > lowest else lowest + 1
    reach = max(abs(lowest - middle), abs(highest - middle)) or 1.0
    reach = reach if limit is None else limit
    return middle - reach, middle + reach


def _extend(field: np.ndarray, low: float, high: float) -> str:
    """Whether values lie beyond the ends of the scale."""
    under, over = np.nanmin(field) < low, np.nanmax(field) > high
    return {(True, True): "both", (True, False): "min", (False, True): "max"}.get((under, over), "neither")


def _draw_strip(ax: Axes, rows: pl.DataFrame, kinds: list[Category]) -> None:
    """A colour for the group of each patient, above the first feature."""
    if not kinds:
        return
    shade = {kind.value: to_rgb(kind.color) for kind in kinds}
    colors = np.array([[shade[value] for value in rows["by"]]])
    edges = np.arange(rows.height + 1)
    ax.pcolormesh(edges, [-STRIP - 0.3, -0.3], colors, gid="strip", rasterized=rows.height > MANY)
    for kind in kinds:
        ax.plot([], [], linestyle="none", marker="s", color=kind.color, label=kind.label, gid="key")


def _set_axes(ax: Axes, names: list[str], strip: bool) -> None:
    ax.set_yticks(np.arange(len(names)) + 0.5, names)
    ax.set_xticks([])
    ax.tick_params(length=0)
    ax.set_ylim(len(names), -STRIP - 0.3 if strip else 0)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _thin_names(ax: Axes) -> None:
    """No names of features where their rows are too low to read them."""
    top, bottom = ax.get_ylim()
    if axes_mm(ax)[1] / abs(top - bottom) < TOO_FEW:
        ax.set_yticks([])


def _told(rows: pl.DataFrame, names: list[str], kinds: list[Category]) -> list[str]:
    """The fingerprint: the features with their means, and the sizes of the groups."""
    values = rows.select(names).fill_nan(None)
    low, high = (significant(getattr(values.unpivot()["value"], end)()) for end in ("min", "max"))
    absent = sum(values.null_count().row(0))
    head = f"{counted(len(names), 'feature')} of {counted(rows.height, 'patient')} from {low} to {high}"
    lines = [head + (f", {absent} missing" if absent else "")]
    lines += [f"  {name}: mean {_mean(values[name])}" for name in names[:6]]
    lines += [f"  and {len(names) - 6} more"] if len(names) > 6 else []
    sizes = {kind.label: rows.filter(pl.col("by").eq_missing(pl.lit(kind.value))).height for kind in kinds}
    return lines + [f"  {label}: {counted(n, 'patient')}" for label, n in sizes.items()]


def _mean(values: pl.Series) -> str:
    """A mean, 0 where it is rounding error."""
    numbers = values.drop_nulls().to_numpy()
    if not len(numbers):
        return significant(None)
    mean = float(numbers.mean())
    return significant(mean if abs(mean) > NEGLIGIBLE * np.abs(numbers).max() else 0.0)
