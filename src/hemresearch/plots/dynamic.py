"""Dynamic prediction: the probability of an event within a fixed time, as time goes on without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from matplotlib.ticker import MaxNLocator, MultipleLocator, PercentFormatter

from .. import formats
from ..columns import as_frame
from ..errors import DataError
from ..options import check_choice
from .curve_lines import NOT_IN_LEGEND, axes_mm, set_time_axis, style_axes
from .drawn import check_table, distinct, group_names, grouping_columns, rows_of, split_label
from .figure import figure, record
from .panel import AROUND_MM, FEWEST_STEPS, MOST_STEPS, arrange, known_unit
from .place import text_mm
from .risk_table import group_styles
from .themes import RC, active
from .ticks import tick_label, time_step, units_per

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from ..options import TimeUnit

NEEDED = ("time", "horizon", "estimate")
LIMITS = ("conf_low", "conf_high")
COLUMNS = ("time", "estimate", *LIMITS)
MANY = 4  # more bands than this only hide each other
TOLD = 4  # times of each line that the fingerprint tells


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """The predictions of one group and one horizon, along the time at which they are made."""

    label: str
    time: np.ndarray
    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray


def draw_dynamic(
    predictions: Any,
    *,
    ax: Axes | None = None,
    by: str | Sequence[str] | None = None,
    labels: Mapping[Any, str] | None = None,
    colors: Sequence[Any] | None = None,
    band: bool | None = None,
    legend: bool | str = True,
    outcome: str | None = None,
    time_unit: TimeUnit | None = None,
    shown_in: TimeUnit | None = None,
    y_limits: tuple[float, float] = (0.0, 1.0),
    title: str | None = None,
    x_label: str | None = None,
    y_label: str | None = None,
    width: float | None = None,
) -> Axes:
    """Draw the probability of an event within a fixed time from each time at which it is predicted.

    Every point is a prediction of its own, for those still event-free and observed at that time: the curve
    may rise and fall, and is no incidence that accumulates.

    Parameters
    ----------
    predictions
        A result, or a tidy frame, with `time` (at which the prediction is made), `horizon` (how far ahead it
        looks) and `estimate`; limits if any; grouping columns; a `cause` or `state` if there are several.
    ax
        Axes to draw into; default a new figure.
    by
        Grouping columns; default all columns that no result uses itself.
    labels
        Other names for groups, causes or states.
    colors
        Colours of the curves; default those of the theme.
    band
        Whether to draw the pointwise limits; default for at most four curves.
    legend
        True places the legend where no curve runs, else above the panel; "above"; False for none.
    outcome
        What is predicted, for the value axis: "relapse or death".
    time_unit
        Unit of the times where the result does not know it.
    shown_in
        Unit of the ticks, the horizon and the axis label if it should differ, such as "years" for days.
    y_limits
        Ends of the value axis, as proportions.
    title, x_label, y_label
        Words; default none, `Time of prediction (unit)` and `Probability of ... within ... (%)`.
    width
        Width of a new figure in mm; default that of the theme.

    Returns
    -------
    Axes

    Raises
    ------
    DataError
        A frame without the columns named above, with one time only or a time twice in a curve, or
        `shown_in` where the unit is not known.

    References
    ----------
    van Houwelingen HC, Putter H. Dynamic Prediction in Clinical Survival Analysis. CRC Press 2012.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> ahead = pl.DataFrame({"time": [0.0, 1.0, 2.0], "horizon": 5.0, "estimate": [0.42, 0.30, 0.21]})
    >>> ax = hem.plots.draw_dynamic(ahead, outcome="relapse", time_unit="years", width=80)
    >>> print(hem.plots.fingerprint(ax))
    probability within 5 years from 0 to 2 years
      all: 0.42 at 0, 0.3 at 1, 0.21 at 2
      text: Time of prediction (years) | Probability of relapse within 5 years (%)
    >>> import matplotlib.pyplot as plt
    >>> plt.close(ax.figure)
    """
    check_choice(legend, (True, False, "above"), argument="legend")
    frame = _read(predictions)
    own, name = (getattr(predictions, attribute, None) for attribute in ("time_unit", "time"))
    unit = known_unit(time_unit, shown_in, own, name)
    per = units_per(shown_in, unit) if shown_in and unit else 1.0
    shown = shown_in or unit
    horizons = [float(h) for h in frame["horizon"].unique().sort()]
    tracks = _tracks(frame, by, labels, {h: f"within {_length(h / per, shown)}" for h in horizons})
    within = f"within {_length(horizons[0] / per, shown)}" if len(horizons) == 1 else ""
    with active():
        panel = figure(width=width).subplots() if ax is None else ax
        before = panel.get_children()
        style_axes(panel)
        _draw(panel, tracks, colors, len(tracks) <= MANY if band is None else band)
        _set_axes(panel, tracks, per, shown, y_limits)
        said = " ".join(word for word in ("Probability", f"of {outcome}" if outcome else "", within) if word)
        axis = x_label or f"Time of prediction{f' ({shown})' if shown else ''}"
        arrange(panel, legend, (title, axis, y_label or f"{said} (%)"), grows=ax is None)
        record(panel, lambda: _told(tracks, within, per, shown), before=before)
    return panel


def _read(predictions: Any) -> pl.DataFrame:
    table = predictions.to_frame() if hasattr(predictions, "conf_level") else predictions
    frame = as_frame(table).lazy().collect()
    check_table(frame, NEEDED, "predictions", "pl.DataFrame({'time': [0.0, 1.0], 'horizon': 5.0, ...})")
    absent = [pl.lit(None, dtype=pl.Float64).alias(c) for c in LIMITS if c not in frame.columns]
    return frame.with_columns(absent)


def _length(value: float, unit: str | None) -> str:
    """`5 years`, `1 year`."""
    text = tick_label(round(value, 2))
    return f"{text} {unit.removesuffix('s') if value == 1 else unit}" if unit else text


def _tracks(
    frame: pl.DataFrame,
    by: str | Sequence[str] | None,
    labels: Mapping[Any, str] | None,
    horizons: Mapping[float, str],
) -> list[Track]:
    """One curve per group, cause or state, and horizon."""
    groups = tuple(c for c in grouping_columns(frame, by) if c != "horizon")
    splits = tuple(c for c in ("cause", "state") if c in frame.columns)
    names, tracks = group_names(frame, groups, distinct(frame, groups), labels), []
    named = dict(zip(distinct(frame, groups), names, strict=True))
    for key in distinct(frame, (*groups, *splits, "horizon")):
        group, split, horizon = key[: len(groups)], key[len(groups) : -1], key[-1]
        words = [named[group], split_label(split, labels)]
        words += [horizons[float(horizon)]] if len(horizons) > 1 else []
        part = rows_of(frame, (*groups, *splits, "horizon"), key).sort("time")
        columns = (part[c].cast(pl.Float64).fill_null(np.nan).to_numpy() for c in COLUMNS)
        tracks.append(Track(": ".join(w for w in words if w), *columns))
    _check_times(tracks)
    return tracks


def _check_times(tracks: Sequence[Track]) -> None:
    for track in tracks:
        if len(track.time) < 2 or not (np.diff(track.time) > 0).all():
            raise DataError(
                "a curve has one time only" if len(track.time) < 2 else "a curve has a time twice",
                argument="predictions",
                column="time",
                expected="several times in each curve, each once",
                remedy="by=[...] to name all columns that tell curves apart",
            )


def _draw(ax: Axes, tracks: Sequence[Track], colors: Sequence[Any] | None, band: bool) -> None:
    for track, style in zip(tracks, group_styles(colors, len(tracks)), strict=True):
        label = track.label or NOT_IN_LEGEND
        ax.plot(track.time, track.estimate, linewidth=RC["lines.linewidth"], zorder=3, label=label, **style)
        if band and np.isfinite(track.low).any():
            ax.fill_between(
                track.time, track.low, track.high, color=style["color"], alpha=0.16, linewidth=0, zorder=1
            )


def _set_axes(
    ax: Axes, tracks: Sequence[Track], per: float, unit: str | None, y_limits: tuple[float, float]
) -> None:
    """Time at clinical units along, percent up."""
    start, end = min(float(t.time[0]) for t in tracks), max(float(t.time[-1]) for t in tracks)
    cell = text_mm(tick_label(float(f"{end / per:.3g}")), RC["xtick.labelsize"]) + AROUND_MM
    most = float(np.clip(axes_mm(ax)[0] / cell, FEWEST_STEPS, MOST_STEPS))
    step = time_step((end - start) / per, unit, most)
    set_time_axis(ax, start, end, step, per, cell / axes_mm(ax)[0] * (end - start))
    low, high = y_limits
    ax.set_ylim(low, high + 0.015 * (high - low))
    ax.spines["left"].set_bounds(low, high)
    ax.yaxis.set_major_locator(MultipleLocator(0.2) if high - low == 1.0 else MaxNLocator(5))
    ax.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=""))


def _told(tracks: Sequence[Track], within: str, per: float, unit: str | None) -> list[str]:
    """The fingerprint: each curve at a few of its times."""
    start, end = min(t.time[0] for t in tracks) / per, max(t.time[-1] for t in tracks) / per
    what = " ".join(word for word in ("probability", within) if word)
    lines = [f"{what} from {tick_label(start)} to {_length(end, unit)}"]
    for track in tracks:
        at = np.unique(np.linspace(0, len(track.time) - 1, TOLD).astype(int))
        values = [
            f"{formats.significant(track.estimate[i])} at {tick_label(track.time[i] / per)}" for i in at
        ]
        lines.append(f"  {track.label or 'all'}: {', '.join(values)}")
    return lines
