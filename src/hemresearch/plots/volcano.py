"""Many features by their estimate and the strength of the evidence for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .. import formats
from ..errors import DataError, counted
from ..options import check_number
from .curve_lines import axes_mm, set_words, style_axes
from .figure import figure, record
from .label_points import label_points
from .themes import RC, active

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..translational.screen_result import Screen

WORDS = {"cox": "Log hazard ratio", "fine-gray": "Log subdistribution hazard ratio"}
P_LABEL = "\N{MINUS SIGN}log10(p)"
SMALLEST = 1e-300  # p-values that are 0 in float64 are drawn here
QUIET, LOWER, HIGHER = "0.7", "#2166ac", "#b2182b"
LINE: dict[str, Any] = {"color": "0.35", "linestyle": (0, (4, 3)), "zorder": 1, "gid": "bound"}
ROOM, KEY_ROOM = 1.15, 1.45  # above the highest point, for its label and for the key


def draw_volcano(
    screen: Screen,
    *,
    q: float = 0.05,
    label: int = 10,
    ax: Axes | None = None,
    title: str | None = None,
    x_label: str | None = None,
    y_label: str | None = None,
    width: float | None = None,
) -> Axes:
    """Draw each feature of a screen by its estimate and -log10 of its p-value.

    Features with a q-value below the bound are coloured by their sign; a dashed line runs between
    them and the others. Infinite estimates are triangles at the edge; features without an estimate are left
    out and counted in the fingerprint.

    Parameters
    ----------
    screen
        What `hem.translational.screen` gave, by "cox" or "fine-gray".
    q
        The bound for q-values.
    label
        How many features carry their names at most: those with the smallest p-values among the coloured.
    ax
        Axes to draw into; default a new figure.
    title, x_label, y_label
        Words; default none, the ratio, and the p-value.
    width
        Width of a new figure in mm; default that of the theme.

    Returns
    -------
    Axes

    Raises
    ------
    DataError
        A screen by log-rank tests, which have no estimate; nothing to draw; a bound outside of 0 to 1.

    References
    ----------
    Cui X, Churchill GA. Genome Biol 2003;4:210.

    Examples
    --------
    >>> import hemresearch as hem
    >>> trial = hem.data.load("veteran")
    >>> screened = hem.translational.screen(trial, ["karno", "age", "diagtime"], time="time", event="status")
    >>> ax = hem.plots.draw_volcano(screened, width=80)
    >>> print(hem.plots.fingerprint(ax))
    volcano of 3 features: 1 with q < 0.05 below zero, 0 above
      karno: estimate -0.03342, p 8.983e-11
      text: Log hazard ratio | −log10(p) | q < 0.05, below 0 | Other features | karno
    >>> import matplotlib.pyplot as plt
    >>> plt.close(ax.figure)
    """
    check_bound(q, label)
    if screen.method not in WORDS:
        raise DataError(
            "was made by log-rank tests, which estimate nothing",
            argument="screen",
            expected="a screen with method='cox' or 'fine-gray'",
            remedy="hem.plots.draw_manhattan(screen)",
        )
    frame = drawable(screen.to_frame(), q)
    with active():
        panel = figure(width=width).subplots() if ax is None else ax
        before = panel.get_children()
        style_axes(panel)
        at = _draw_points(panel, frame, q)
        set_words(panel, title, x_label or WORDS[screen.method], y_label or P_LABEL, *axes_mm(panel))
        panel.legend(loc="upper center", frameon=False, borderaxespad=0.0, handletextpad=0.2)
        named = (
            frame.with_columns(at=pl.Series(at)).filter("strong").sort("height", descending=True).head(label)
        )
        label_points(panel, named["at"].to_list(), named["height"].to_list(), named["feature"].to_list())
        record(panel, lambda: _told(screen.to_frame(), frame, q, label), before=before)
    return panel


def check_bound(q: Any, label: Any) -> None:
    """A bound between 0 and 1, and a number of labels."""
    check_number(q, argument="q", above=0.0, below=1.0, expected="a bound between 0 and 1", example=0.05)
    check_number(label, argument="label", at_least=0.0, expected="how many features to name", example=10)


def drawable(frame: pl.DataFrame, q: float) -> pl.DataFrame:
    """The features that have a p-value, with `height` = -log10 p and whether they are `strong`."""
    found = frame.filter(pl.col("p_value").is_not_null())
    if not found.height:
        raise DataError(
            "has no feature with a p-value",
            argument="screen",
            expected="features that could be tested",
            remedy="screen.to_frame()['status'] to see why",
        )
    return found.with_columns(
        height=-pl.col("p_value").clip(lower_bound=SMALLEST).log10() + 0.0, strong=pl.col("q_value") < q
    )


def draw_bound(ax: Axes, frame: pl.DataFrame, room: float = ROOM) -> None:
    """A line below the strong features and above the others, and room above the highest point."""
    strong, weak = (frame.filter(where)["height"] for where in (pl.col("strong"), ~pl.col("strong")))
    if len(strong):
        ends = [float(strong.min()), float(weak.max()) if len(weak) else 0.0]  # type: ignore[arg-type]
        ax.axhline(sum(ends) / 2, linewidth=RC["lines.linewidth"] * 0.6, **LINE)
    ax.set_ylim(0.0, room * max(float(frame["height"].max()), 1.0))  # type: ignore[arg-type]


def _draw_points(ax: Axes, frame: pl.DataFrame, q: float) -> np.ndarray:
    """The points in three colours; returns where each feature stands."""
    estimate, strong = frame["estimate"].to_numpy(), frame["strong"].to_numpy()
    infinite = np.isinf(estimate)
    reach = 1.15 * max(float(np.abs(estimate[~infinite]).max(initial=0.0)), 1e-12)
    at = np.where(infinite, np.sign(estimate) * reach, estimate)
    height = frame["height"].to_numpy()
    bound = f"q < {formats.significant(q)}"
    parts = (
        (f"{bound}, below 0", strong & (at < 0), LOWER),
        (f"{bound}, above 0", strong & (at >= 0), HIGHER),
        ("Other features", ~strong, QUIET),
    )
    for name, where, color in parts:
        for marker, own in (("o", where & ~infinite), ("^", where & infinite)):
            if own.any():
                style: dict[str, Any] = {
                    "color": color,
                    "markersize": 3,
                    "markeredgewidth": 0,
                    "gid": "features",
                }
                told = name if marker == "o" or not (where & ~infinite).any() else None
                ax.plot(
                    at[own], height[own], marker, label=told, rasterized=own.sum() > 2000, zorder=2, **style
                )
    ax.axvline(0.0, 0.0, 1 / KEY_ROOM, color="0.8", linewidth=RC["axes.linewidth"], zorder=0)
    ax.set_xlim(-1.1 * reach, 1.1 * reach)
    draw_bound(ax, frame, KEY_ROOM)
    return at


def _told(whole: pl.DataFrame, frame: pl.DataFrame, q: float, label: int) -> list[str]:
    strong = frame.filter("strong")
    below = int((strong["estimate"] < 0).sum())
    left = whole.height - frame.height
    rest = f"; {left} without an estimate" if left else ""
    head = (
        f"volcano of {counted(frame.height, 'feature')}: {below} with q < {formats.significant(q)} below "
        f"zero, {strong.height - below} above{rest}"
    )
    return [head, *told_features(strong, label)]


def told_features(strong: pl.DataFrame, label: int) -> list[str]:
    """The named features in a fingerprint."""
    rows = strong.sort("height", descending=True, maintain_order=True).head(label).iter_rows(named=True)
    return [
        f"  {row['feature']}: "
        + (f"estimate {formats.significant(row['estimate'])}, " if row.get("estimate") is not None else "")
        + f"p {formats.significant(row['p_value'])}"
        for row in rows
    ]
