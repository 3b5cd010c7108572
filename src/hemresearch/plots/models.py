"""Several models side by side: discrimination, accuracy and calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from .calibration import draw_calibration
from .figure import figure
from .performance import draw_performance
from .themes import active

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

NULL_MODEL = "null model"


def draw_models(
    discrimination: pl.DataFrame,
    accuracy: pl.DataFrame,
    curve: pl.DataFrame,
    *,
    groups: pl.DataFrame | None = None,
    x_label: str = "Time",
    colors: Sequence[Any] | None = None,
    width: float = 170.0,
    height: float = 75.0,
) -> list[Axes]:
    """Draw AUC and Brier score over the horizons, and the calibration at the last horizon.

    Parameters
    ----------
    discrimination, accuracy
        Frames of `hem.prediction.auc` and `hem.prediction.brier_score`.
    curve
        The smooth curves of a calibration: `.curve`.
    groups
        Its groups, if they are to be drawn as points.
    x_label
        What the horizons are called.
    colors
        Of the models; default those of the theme.
    width, height
        Of the new figure in mm.

    Returns
    -------
    list of matplotlib.axes.Axes
        The three panels of a new figure.

    Examples
    --------
    >>> import polars as pl
    >>> judged = {"model": ["A", "A"], "time": [12.0, 24.0], "conf_low": [0.6, 0.6], "conf_high": [0.8, 0.8]}
    >>> auc = pl.DataFrame(judged | {"estimate": [0.7, 0.7]})
    >>> curve = {"model": ["A"] * 3, "time": [24.0] * 3, "predicted": [0.1, 0.3, 0.5]}
    >>> curve |= {"estimate": [0.1, 0.3, 0.5], "conf_low": [0.0, 0.2, 0.4], "conf_high": [0.2, 0.4, 0.6]}
    >>> len(draw_models(auc, auc, pl.DataFrame(curve)))
    3
    """
    with active():
        panels = list(figure(width=width, height=height).subplots(1, 3))
        own = accuracy.filter(pl.col("model") != NULL_MODEL)
        draw_performance(discrimination, ax=panels[0], chance=0.5, x_label=x_label, colors=colors)
        draw_performance(
            own, ax=panels[1], measure="Brier score", x_label=x_label, colors=colors, legend=False
        )
        last = curve.filter(pl.col("time") == curve["time"].max())
        points = None if groups is None else groups.filter(pl.col("time") == groups["time"].max())
        draw_calibration(last, groups=points, ax=panels[2], colors=colors, legend=False)
    return panels
