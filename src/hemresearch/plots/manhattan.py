"""Many features in their order, by the strength of the evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .. import formats
from ..errors import DataError, counted, listed
from .curve_lines import axes_mm, set_words, style_axes
from .figure import figure, record
from .label_points import label_points
from .place import text_mm
from .themes import RC, active
from .volcano import P_LABEL, check_bound, draw_bound, drawable, told_features

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from ..translational.associate import Association
    from ..translational.screen_result import Screen

SHADES = ("0.35", "0.65")
STRONG = "#b2182b"
GAP = 0.02  # between two groups, as a share of all features


def draw_manhattan(
    screen: Screen | Association,
    *,
    groups: Mapping[str, str] | None = None,
    q: float = 0.05,
    label: int = 10,
    ax: Axes | None = None,
    title: str | None = None,
    x_label: str | None = None,
    y_label: str | None = None,
    width: float | None = None,
) -> Axes:
    """Draw -log10 of the p-value of each feature, in the order of the screen, group beside group.

    Parameters
    ----------
    screen
        What `hem.translational.screen` or `associate` gave.
    groups
        The group of each feature (chromosome, pathway, kind of measurement). Groups stand side by side in the
        order in which they are first met; without any the features stand in one row.
    q, label, ax, title, x_label, y_label, width
        As in `draw_volcano`.

    Returns
    -------
    Axes

    Raises
    ------
    DataError
        Features without a group; nothing to draw; a bound outside of 0 to 1.

    References
    ----------
    Gibson G. Nat Genet 2010;42:558-560 (the name).

    Examples
    --------
    >>> import hemresearch as hem
    >>> trial = hem.data.load("veteran")
    >>> screened = hem.translational.screen(
    ...     trial, ["celltype", "trt", "prior"], time="time", event="status", method="logrank"
    ... )
    >>> kinds = {"celltype": "tumour", "trt": "treatment", "prior": "treatment"}
    >>> ax = hem.plots.draw_manhattan(screened, groups=kinds, width=80)
    >>> print(hem.plots.fingerprint(ax))
    3 features in 2 groups, 1 with q < 0.05
      celltype: p 1.271e-05
      text: −log10(p) | celltype
    >>> import matplotlib.pyplot as plt
    >>> plt.close(ax.figure)
    """
    check_bound(q, label)
    whole = screen.to_frame()
    frame = _placed(drawable(whole, q), groups)
    with active():
        panel = figure(width=width).subplots() if ax is None else ax
        before = panel.get_children()
        style_axes(panel)
        _draw_points(panel, frame)
        _name_groups(panel, frame, groups is not None)
        words = x_label or ("" if groups is not None else "Features"), y_label or P_LABEL
        set_words(panel, title, *words, *axes_mm(panel))
        named = frame.filter("strong").sort("height", descending=True, maintain_order=True).head(label)
        label_points(panel, named["at"].to_list(), named["height"].to_list(), named["feature"].to_list())
        record(panel, lambda: _told(whole, frame, groups, q, label), before=before)
    return panel


def _placed(frame: pl.DataFrame, groups: Mapping[str, str] | None) -> pl.DataFrame:
    """The features with their group, its number, and where they stand."""
    if groups is None:
        return frame.with_columns(group=pl.lit(""), number=0, at=pl.int_range(frame.height).cast(pl.Float64))
    alone = [name for name in frame["feature"] if name not in groups]
    if alone:
        raise DataError(
            f"says nothing of {counted(len(alone), 'feature')}: {listed(map(repr, alone))}",
            argument="groups",
            expected="the group of every feature",
            remedy="groups={feature: 'other' for feature in screen.to_frame()['feature']} | {...}",
        )
    group = pl.Series("group", [str(groups[name]) for name in frame["feature"]])
    order = {name: i for i, name in enumerate(group.unique(maintain_order=True))}
    number = group.replace_strict(order, return_dtype=pl.Int64)
    placed = frame.with_columns(group, number=number).sort("number", maintain_order=True)
    gap = max(1.0, GAP * frame.height)
    return placed.with_columns(at=pl.int_range(frame.height) + gap * pl.col("number"))


def _draw_points(ax: Axes, frame: pl.DataFrame) -> None:
    at, height = frame["at"].to_numpy(), frame["height"].to_numpy()
    strong, shade = frame["strong"].to_numpy(), frame["number"].to_numpy() % 2
    for color, own in (
        (SHADES[0], ~strong & (shade == 0)),
        (SHADES[1], ~strong & (shade == 1)),
        (STRONG, strong),
    ):
        style: dict[str, Any] = {"color": color, "markersize": 2.5, "markeredgewidth": 0, "gid": "features"}
        ax.plot(at[own], height[own], "o", rasterized=bool(own.sum() > 2000), zorder=2, **style)
    room = 0.03 * max(float(np.ptp(at)), 1.0)
    ax.set_xlim(at.min() - room, at.max() + room)
    draw_bound(ax, frame)


def _name_groups(ax: Axes, frame: pl.DataFrame, shown: bool) -> None:
    """The names of groups under their middles, upright where they are wider than their place."""
    if not shown:
        ax.set_xticks([])
        return
    middle = frame.group_by("group", maintain_order=True).agg(
        ((pl.col("at").min() + pl.col("at").max()) / 2).alias("middle")
    )
    low, high = ax.get_xlim()
    per_mm = (high - low) / axes_mm(ax)[0]
    half = np.array([text_mm(name, RC["xtick.labelsize"]) / 2 for name in middle["group"]]) * per_mm
    at = middle["middle"].to_numpy()
    crowded = len(at) > 1 and bool((np.diff(at) < 1.1 * (half[1:] + half[:-1])).any())
    turned: dict[str, Any] = {"rotation": 90} if crowded else {}
    ax.set_xticks(at, middle["group"].to_list(), fontsize=RC["xtick.labelsize"], **turned)
    ax.tick_params(axis="x", length=0)


def _told(
    whole: pl.DataFrame, frame: pl.DataFrame, groups: Mapping[str, str] | None, q: float, label: int
) -> list[str]:
    strong = frame.filter("strong")
    inside = "" if groups is None else f" in {counted(frame['group'].n_unique(), 'group')}"
    left = whole.height - frame.height
    rest = f"; {left} without a p-value" if left else ""
    bound = f"{strong.height} with q < {formats.significant(q)}"
    return [
        f"{counted(frame.height, 'feature')}{inside}, {bound}{rest}",
        *told_features(strong.drop("estimate", strict=False), label),
    ]
