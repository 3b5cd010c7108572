"""A nomogram: one scale for each variable, their points added up, and the risks of the total."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..errors import DataError
from ..formats import significant
from .figure import figure, record, root_figure
from .place import text_mm
from .themes import MM_PER_INCH, active

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

ROW_MM, GAP_MM, TICK, FONT = 9.0, 1.2, 0.16, 7.0
ABOVE, BELOW = 0.7, 0.9  # rows of room over the first scale and under the last
RISKS = np.array([0.01, 0.02, 0.05, *np.arange(0.1, 0.95, 0.1), 0.95, 0.98, 0.99])


def draw_nomogram(
    score: Any,
    *,
    labels: Mapping[str, str] | None = None,
    time_unit: str | None = None,
    ax: Axes | None = None,
    width: float | None = None,
) -> Axes:
    """Draw the scales of a points score: points, each variable, the total, and the risk by each horizon.

    Read off the points above each value, add them up, and go from the total straight down to the risk.

    Parameters
    ----------
    score
        A result of `hem.prediction.points_score`.
    labels
        Other names for variables.
    time_unit
        The unit of the horizons, for their names: "months" gives `Risk by 60 months (%)`.
    ax
        Axes to draw into; default a new figure, as high as its scales need.
    width
        Width of a new figure in mm; default that of the theme.

    Returns
    -------
    Axes
        Without frame and ticks of its own.

    Raises
    ------
    DataError
        For anything but such a result.

    Examples
    --------
    >>> import hemresearch as hem
    >>> mgus = hem.data.load("mgus2").drop_nulls("hgb")
    >>> fit = hem.regression.cox(mgus, "age + sex + hgb", time="futime", event="death")
    >>> score = hem.prediction.points_score(fit, mgus, times=60)
    >>> ax = hem.plots.draw_nomogram(score, labels={"hgb": "Haemoglobin"}, time_unit="months")
    >>> print(hem.plots.fingerprint(ax).splitlines()[0])
    nomogram of age, sex, Haemoglobin: total to 161, risk by 60 months from 3.287% to 94.06%
    >>> import matplotlib.pyplot as plt
    >>> plt.close(ax.figure)
    """
    if not hasattr(score, "risks") or not hasattr(score, "one_point"):
        raise DataError(
            f"a {type(score).__name__} was given",
            argument="score",
            expected="a points score",
            remedy="hem.prediction.points_score(fit, data, times=60)",
        )
    rows = _scales(score, dict(labels or {}), time_unit)
    with active():
        height = (len(rows) - 1 + ABOVE + BELOW) * ROW_MM
        panel = figure(width=width, height=height).subplots() if ax is None else ax
        before = panel.get_children()
        panel.set_axis_off()
        wide = root_figure(panel).get_size_inches()[0] * MM_PER_INCH * panel.get_position().width
        left = max(text_mm(name, FONT) for name, _ in rows) + 3.0
        panel.set_xlim(-left / (wide - left - 4.0), 1 + 4.0 / (wide - left - 4.0))
        panel.set_ylim(len(rows) - 1 + BELOW, -ABOVE)
        for y, (name, ticks) in enumerate(rows):
            panel.text(-2.0 / (wide - left), y, name, ha="right", va="center", fontsize=FONT)
            _scale(panel, y, ticks, wide - left - 4.0)
        record(panel, lambda: [_told(score, rows)], before=before)
    return panel


def _scales(
    score: Any, labels: dict[str, str], unit: str | None
) -> list[tuple[str, list[tuple[float, str]]]]:
    """The name of each scale, and where its values stand from 0 to 1."""
    most = float(score.frame["points"].max())
    total = float(score.frame.group_by("variable").agg(pl.col("points").max())["points"].sum())
    scales = [("Points", _numbers(most))]
    for (variable,), rows in score.frame.group_by(["variable"], maintain_order=True):
        ticks = [(p / most, v) for v, p in rows.select("value", "points").rows()]
        scales.append((labels.get(str(variable), str(variable)), ticks))
    scales.append(("Total points", _numbers(total)))
    for t, log_hazard in zip(score.times, score.log_hazard, strict=True):
        at = (np.log(-np.log1p(-RISKS)) - log_hazard) / score.one_point / total
        ticks = [(x, f"{100 * r:g}") for x, r in zip(at, RISKS, strict=True) if -1e-9 <= x <= 1 + 1e-9]
        scales.append((f"Risk by {t:g}{' ' + unit if unit else ''} (%)", ticks))
    return scales


def _numbers(most: float) -> list[tuple[float, str]]:
    """About ten round numbers from 0."""
    size = 10.0 ** np.floor(np.log10(most / 10))
    step = next(size * s for s in (1, 2, 5, 10, 20) if most / (size * s) <= 10)
    if most <= 10:
        step = max(step, 1.0)
    return [(v / most, f"{v:g}") for v in np.arange(0, most * (1 + 1e-9), step)]


def _scale(panel: Axes, y: int, ticks: list[tuple[float, str]], wide: float) -> None:
    """A line from the first value to the last, with ticks, and names where there is room for them."""
    ticks = sorted(ticks)
    if not ticks:
        return
    panel.plot([ticks[0][0], ticks[-1][0]], [y, y], color="black", linewidth=0.8, linestyle="-", gid="scale")
    free = -np.inf
    for x, name in ticks:
        panel.plot([x, x], [y, y + TICK], color="black", linewidth=0.8, linestyle="-", gid="tick")
        half = text_mm(name, FONT) / 2 + GAP_MM / 2
        if x * wide - half >= free:
            panel.text(x, y + TICK + 0.06, name, ha="center", va="top", fontsize=FONT)
            free = x * wide + half


def _told(score: Any, rows: list[tuple[str, list[tuple[float, str]]]]) -> str:
    n_times = len(score.times)
    names = ", ".join(name for name, _ in rows[1 : len(rows) - 1 - n_times])
    total = float(score.frame.group_by("variable").agg(pl.col("points").max())["points"].sum())
    spans = [
        f"{name.removesuffix(' (%)').lower()} from {significant(100 * low)}% to {significant(100 * high)}%"
        for (name, _), (low, high) in zip(
            rows[-n_times:], score.risks([0.0, total]).drop("points").transpose().rows(), strict=True
        )
    ]
    return f"nomogram of {names}: total to {total:.0f}, {'; '.join(spans)}"
