"""Coefficients along a path of penalties: what enters first, and how far it is shrunken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from ..errors import DataError
from ..formats import significant
from .categories import settle_panel
from .curve_lines import NOT_IN_LEGEND, style_axes
from .figure import figure, record
from .panel import panel_mm
from .themes import RC, active

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.axes import Axes

NAMED = 8  # lines with a colour and a name


def draw_penalty_path(
    path: pl.DataFrame,
    *,
    chosen: float | None = None,
    ax: Axes | None = None,
    legend: bool = True,
    title: str | None = None,
    x_label: str = "Penalty (lambda)",
    y_label: str = "Coefficient",
    width: float | None = None,
) -> Axes:
    """Draw each coefficient along the penalties, which fall to the right.

    Parameters
    ----------
    path
        A frame with `lambda`, `term` and `estimate`, as `hem.prediction.PenalizedCox(...).to_frame()`.
    chosen
        The penalty of the model, drawn as a dashed line.
    ax
        Axes to draw into; default a new figure.
    legend
        Whether to name the terms with the largest coefficients (up to eight, in colour; the others are grey).
    title, x_label, y_label
        Words.
    width
        Width of a new figure in mm; default that of the theme.

    Returns
    -------
    Axes

    Raises
    ------
    DataError
        For a frame without these columns or rows.

    Examples
    --------
    >>> import hemresearch as hem
    >>> mgus = hem.data.load("mgus2").drop_nulls()
    >>> y = hem.prediction.survival_outcome(mgus, time="futime", event="death")
    >>> model = hem.prediction.PenalizedCox(penalty=0.05).fit(mgus.select("age", "hgb", "mspike"), y)
    >>> ax = hem.plots.draw_penalty_path(model.to_frame(), chosen=model.penalty_, width=80)
    >>> print(hem.plots.fingerprint(ax))
    3 terms along penalties from 0.3898 to 0.05: 2 with an effect at 0.05
      text: Penalty (lambda) | Coefficient | hgb | age
    >>> import matplotlib.pyplot as plt
    >>> plt.close(ax.figure)
    """
    _check(path)
    at = path.filter(pl.col("lambda") == (path["lambda"].min() if chosen is None else chosen))
    shown = at.filter(pl.col("estimate") != 0).sort(pl.col("estimate").abs(), descending=True)["term"]
    named = shown.head(NAMED).to_list()
    with active() as style:
        panel = figure(width=width).subplots() if ax is None else ax
        before = panel.get_children()
        style_axes(panel)
        colors = [one["color"] for one in style["axes.prop_cycle"]]
        others = [term for term in path["term"].unique(maintain_order=True) if term not in named]
        _draw(panel, path, others, None)
        _draw(panel, path, named, colors)
        panel.axhline(0.0, color="0.4", linewidth=0.5, zorder=0)
        if chosen is not None:
            panel.axvline(chosen, color="0.4", linewidth=0.8, linestyle=(0, (4, 3)), gid="chosen")
        panel.set_xscale("log")
        if not panel.xaxis_inverted():
            panel.invert_xaxis()
        words = title, x_label, y_label
        settle_panel(panel, words, panel_mm(panel) if ax is None else None, legend=legend and bool(named))
        record(panel, lambda: [_told(path, chosen, len(shown))], before=before)
    return panel


def _draw(panel: Axes, path: pl.DataFrame, terms: Iterable[str], colors: list[Any] | None) -> None:
    """One line for each term, grey and without a name if there are no colours."""
    for i, term in enumerate(terms):
        own = path.filter(pl.col("term") == term)
        panel.plot(
            own["lambda"],
            own["estimate"],
            color="0.75" if colors is None else colors[i % len(colors)],
            linestyle="-" if colors is None or i < len(colors) else (0, (4, 2)),
            linewidth=0.5 if colors is None else RC["lines.linewidth"],
            label=NOT_IN_LEGEND if colors is None else term,
            gid="term",
        )


def _check(path: Any) -> None:
    wanted = {"lambda", "term", "estimate"}
    if not isinstance(path, pl.DataFrame) or not wanted <= set(path.columns) or not path.height:
        raise DataError(
            f"a {type(path).__name__} was given without rows or without the columns of a path",
            argument="path",
            expected="a frame with lambda, term and estimate",
            remedy="hem.prediction.PenalizedCox().fit(X, y).to_frame()",
        )


def _told(path: pl.DataFrame, chosen: float | None, n: int) -> str:
    low, high = path["lambda"].min(), path["lambda"].max()
    at = low if chosen is None else chosen
    return (
        f"{path['term'].n_unique()} terms along penalties from {significant(high)} to {significant(low)}: "  # type: ignore[arg-type]
        f"{n} with an effect at {significant(at)}"  # type: ignore[arg-type]
    )
