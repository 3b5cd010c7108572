"""The search for a cut: the statistic of every cut that was tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from ..errors import DataError
from ..formats import percent, significant
from .categories import settle_panel
from .curve_lines import style_axes
from .figure import figure, record
from .panel import panel_mm
from .themes import RC, active

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_cutpoint(
    found: Any,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    x_label: str | None = None,
    y_label: str = "Absolute log-rank statistic",
    color: Any = None,
    width: float | None = None,
) -> Axes:
    """Draw the absolute statistic of each cut that was tried, and what chance alone would exceed.

    Parameters
    ----------
    found
        A result of `hem.translational.cutpoint`.
    ax
        Axes to draw into; default a new figure.
    title, x_label, y_label
        Words; default none, the name of the marker, and "Standardised log-rank statistic".
    color
        Of the line; default the first of the theme.
    width
        Width of a new figure in mm; default that of the theme.

    Returns
    -------
    Axes
        The dashed line is the largest statistic that chance exceeds in 5 % of such searches (by the level of
        the result); the dot is the cut that was chosen.

    Raises
    ------
    DataError
        For anything but such a result.

    Examples
    --------
    >>> import hemresearch as hem
    >>> transplant = hem.data.load("kmsurv_bmt")
    >>> found = hem.translational.cutpoint(transplant, time="t2", event="d3", score="z1")
    >>> ax = hem.plots.draw_cutpoint(found, x_label="Age (years)", width=80)
    >>> print(hem.plots.fingerprint(ax))
    24 cuts of z1 from 17 to 41: largest 1.874 at 35, by chance up to 2.784
      text: Age (years) | Absolute log-rank statistic | exceeded by chance in 5%
    >>> import matplotlib.pyplot as plt
    >>> plt.close(ax.figure)
    """
    if not hasattr(found, "critical") or not hasattr(found, "frame"):
        raise DataError(
            f"a {type(found).__name__} was given",
            argument="found",
            expected="a result of a search for a cut",
            remedy="hem.translational.cutpoint(data, time=..., event=..., score=...)",
        )
    cuts, size = found.frame["cut"], found.frame["statistic"].abs()
    with active() as style:
        panel = figure(width=width).subplots() if ax is None else ax
        before = panel.get_children()
        style_axes(panel)
        shade = color or style["axes.prop_cycle"].by_key()["color"][0]
        few = len(cuts) <= 60
        panel.plot(
            cuts, size, color=shade, linewidth=RC["lines.linewidth"], marker="o" if few else None,
            markersize=2, gid="statistic",
        )  # fmt: skip
        panel.plot(
            [found.cut], [found.statistic], marker="o", markersize=5, color=shade, linestyle="none", gid="cut"
        )
        if found.critical is not None:
            panel.axhline(
                found.critical, color="0.4", linewidth=0.8, linestyle=(0, (4, 3)), gid="critical",
                label=f"exceeded by chance in {percent(1 - found.conf_level, 0)}",
            )  # fmt: skip
        panel.set_ylim(0, 1.08 * max(found.statistic, found.critical or 0.0))
        words = title, x_label or found.score, y_label
        settle_panel(panel, words, panel_mm(panel) if ax is None else None, legend=found.critical is not None)
        record(panel, lambda: [_told(found, cuts)], before=before)
    return panel


def _told(found: Any, cuts: pl.Series) -> str:
    chance = "" if found.critical is None else f", by chance up to {significant(found.critical)}"
    return (
        f"{len(cuts)} cuts of {found.score} from {significant(cuts.min())} to {significant(cuts.max())}: "  # type: ignore[arg-type]
        f"largest {significant(found.statistic)} at {significant(found.cut)}{chance}"
    )
