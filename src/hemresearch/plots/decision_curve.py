"""Decision curves: the net benefit of acting on predictions, over the thresholds from which one acts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from ..errors import DataError
from ..formats import significant
from .calibration import BAND, LIMITS, series_names
from .categories import settle_panel
from .curve_lines import style_axes
from .figure import figure, record
from .panel import panel_mm
from .risk_table import group_styles
from .themes import RC, active

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

STRATEGIES = {
    "treat all": ("--", ":", "-."),
    "treat none": ("-",),
}  # their lines at one horizon after another
BELOW = 0.1  # of the largest net benefit, that is shown below 0


def draw_decision_curve(
    frame: pl.DataFrame,
    *,
    ax: Axes | None = None,
    limits: bool = False,
    title: str | None = None,
    x_label: str = "Threshold of risk",
    y_label: str = "Net benefit",
    colors: Sequence[Any] | None = None,
    legend: bool = True,
    width: float | None = None,
) -> Axes:
    """Draw the net benefit of each model, of treating all and of treating nobody, over the thresholds.

    Parameters
    ----------
    frame
        Columns model, threshold and estimate (and time, conf_low, conf_high), as of
        `hem.prediction.decision_curve(...).to_frame()`. What falls far below 0 is cut.
    ax
        Axes to draw into; default a new figure.
    limits
        Whether to draw the confidence limits of models as bands.
    title, x_label, y_label
        Words.
    colors
        Colours of the models (at their horizons); default those of the theme.
    legend
        Whether to say above which line is which.
    width
        Width of a new figure in mm; default that of the theme.

    Returns
    -------
    Axes

    Raises
    ------
    DataError
        For a table without these columns.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> mgus = hem.data.load("mgus2").with_columns(risk=(pl.col("age") / 120) ** 2)
    >>> curve = hem.prediction.decision_curve(
    ...     mgus, time="futime", event="death", risks={"age": "risk"}, times=60,
    ...     thresholds=[0.1, 0.2, 0.3, 0.4],
    ... )
    >>> ax = hem.plots.draw_decision_curve(curve.to_frame(), width=80)
    >>> ax.get_ylabel()
    'Net benefit'
    >>> import matplotlib.pyplot as plt
    >>> plt.close(ax.figure)
    """
    _require(frame)
    curves = frame.partition_by(
        [name for name in ("model", "time") if name in frame.columns], maintain_order=True, as_dict=True
    )
    names, horizons = _names(frame), list(dict.fromkeys(key[1:] for key in curves))
    with active():
        panel = figure(width=width).subplots() if ax is None else ax
        before = panel.get_children()
        style_axes(panel)
        styles = iter(group_styles(colors, len(curves)))
        for i, (key, curve) in enumerate(curves.items()):
            model = str(key[0])
            style = _strategy(model, horizons.index(key[1:])) if model in STRATEGIES else next(styles)
            thin = 0.6 if model in STRATEGIES else 1.0
            panel.plot(
                curve["threshold"], curve["estimate"].to_numpy(), label=names[key], gid=f"curve {i}",
                linewidth=thin * RC["lines.linewidth"], **style,
            )  # fmt: skip
            if limits and model not in STRATEGIES:
                low, high = (curve[name].to_numpy() for name in LIMITS)
                panel.fill_between(
                    curve["threshold"], low, high, color=style["color"], alpha=BAND, linewidth=0
                )
        top = float(frame["estimate"].max() or 0.0)  # type: ignore[arg-type]
        panel.set_ylim(-BELOW * (top or 0.1), 1.05 * (top or 0.1))
        thresholds = frame["threshold"].to_numpy()
        panel.set_xlim(thresholds.min(), thresholds.max())
        words = title, x_label, y_label
        settle_panel(panel, words, panel_mm(panel) if ax is None else None, legend=legend)
        record(panel, lambda: _told(frame), before=before)
    return panel


def _names(frame: pl.DataFrame) -> dict[tuple[Any, ...], str]:
    """Models by what sets them apart; treating nobody is the same at all horizons, and named once."""
    labels = [name for name in ("model", "time") if name in frame.columns]
    found = series_names(frame.select(labels).unique(maintain_order=True))
    nobody = [key for key in found if key[0] == "treat none"]
    for key in nobody:
        found[key] = "treat none" if key == nobody[0] else "_"
    return found


def _strategy(model: str, place: int) -> dict[str, Any]:
    """Grey, with a line of its own at each of the first horizons."""
    dashes = STRATEGIES[model]
    return {"color": "0.45", "linestyle": dashes[place % len(dashes)]}


def _require(frame: pl.DataFrame) -> None:
    needed = ("model", "threshold", "estimate")
    absent = [name for name in needed if name not in frame.columns]
    if absent:
        raise DataError(
            "is not in the table",
            argument="frame",
            column=absent[0],
            expected=f"the columns {', '.join(needed)}",
            remedy="hem.prediction.decision_curve(...).to_frame()",
        )


def _told(frame: pl.DataFrame) -> list[str]:
    """The net benefit of each model at each threshold."""
    models = frame.filter(~pl.col("model").is_in(list(STRATEGIES)))
    return [
        "Net benefit over thresholds of risk",
        *(
            f"  {row['model']} at {row['threshold']:g}: {significant(row['estimate'])}"
            for row in models.iter_rows(named=True)
        ),
    ]
