"""An effect along a covariate, as a line with its limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, LogLocator, NullLocator

from .. import formats
from ..columns import as_frame
from ..errors import DataError, listed
from ..options import suggestion
from .curve_lines import axes_mm, set_words, style_axes
from .figure import figure, record
from .forest_axis import ratio_ticks, tick_words
from .risk_table import group_styles
from .themes import RC, active

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..regression.contrast import Contrasts

LIMITS = ("conf_low", "conf_high")
NUMBERS = ("estimate", "std_error", "statistic", "p_value", *LIMITS)
TOLD = 5  # points along the line that the fingerprint tells


def draw_effect(
    effect: Contrasts | Any,
    *,
    x: str | None = None,
    ax: Axes | None = None,
    ratio: str | None = None,
    title: str | None = None,
    x_label: str | None = None,
    y_label: str | None = None,
    color: Any = None,
    width: float | None = None,
) -> Axes:
    """Draw how an effect runs along a covariate: a line with its pointwise limits, and no effect dashed.

    Ratios are drawn on a logarithmic axis, so that a half and a double are equally far from 1.

    Parameters
    ----------
    effect
        Contrasts of many values of a covariate against one, `contrast(fit, {"hgb": [...]}, {"hgb": 13})`, or
        a tidy frame with a column of values, `estimate` (its logarithm where it is a ratio), limits if any.
    x
        The column of values; default the only column of different numbers.
    ax
        Axes to draw into; default a new figure.
    ratio
        For a frame: what the exponential of an estimate is, such as "hazard ratio". Contrasts know it.
    title, x_label, y_label
        Words; default none, the name of the covariate, and what is drawn with the value it is compared with.
    color
        Colour of line and band; default the first of the theme.
    width
        Width of a new figure in mm; default that of the theme.

    Returns
    -------
    Axes

    Raises
    ------
    DataError
        A frame without estimates, without a column of at least two different finite numbers to draw them
        along, or with two estimates at one value.

    References
    ----------
    Harrell FE. Regression Modeling Strategies, 2nd ed. Springer 2015, section 2.4.

    Examples
    --------
    >>> import hemresearch as hem
    >>> mgus = hem.data.load("mgus2")
    >>> fit = hem.regression.cox(mgus, "rcs(age, df=3) + sex", time="futime", event="death")
    >>> along = hem.regression.contrast(fit, {"age": list(range(40, 91))}, {"age": 70})
    >>> ax = hem.plots.draw_effect(along, width=80)
    >>> print(hem.plots.fingerprint(ax))
    hazard ratio along age, 51 values
      at 40: 0.2343 (0.1556 to 0.3527)
      at 52: 0.3705 (0.3076 to 0.4462)
      at 65: 0.7009 (0.6525 to 0.7528)
      at 77: 1.693 (1.531 to 1.872)
      at 90: 3.541 (2.831 to 4.429)
      text: age | Hazard ratio against age 70
    >>> import matplotlib.pyplot as plt
    >>> plt.close(ax.figure)
    """
    frame, ratio = _read(effect, ratio)
    name = _along(frame, x)
    frame = frame.sort(name)
    drawn = frame.with_columns(pl.col("estimate", *LIMITS).exp()) if ratio else frame
    labels = x_label or name, y_label or _value_label(frame, name, ratio)
    with active():
        panel = figure(width=width).subplots() if ax is None else ax
        before = panel.get_children()
        style_axes(panel)
        _draw(panel, drawn, name, no_effect=1.0 if ratio else 0.0, color=color)
        if ratio:
            ratio_axis(panel)
        set_words(panel, title, *labels, *axes_mm(panel))
        what = f"{ratio or 'effect'} along {name}, {frame.height} values"
        record(panel, lambda: [what, *_told(drawn, name)], before=before)
    return panel


def _read(effect: Any, ratio: str | None) -> tuple[pl.DataFrame, str]:
    """The tidy frame, with limits, and what its exponential is."""
    from ..regression.contrast import Contrasts

    if isinstance(effect, Contrasts):
        return effect.to_frame(), effect.ratio
    frame = as_frame(effect).lazy().collect()
    if "estimate" not in frame.columns:
        raise DataError(
            "has no column 'estimate'",
            argument="effect",
            expected="contrasts of a fit, or their tidy frame",
            remedy='hem.regression.contrast(fit, {"age": [50, 60, 70]}, {"age": 60})',
        )
    absent = [pl.lit(None, dtype=pl.Float64).alias(c) for c in LIMITS if c not in frame.columns]
    return frame.with_columns(absent), ratio or ""


def _along(frame: pl.DataFrame, asked: str | None) -> str:
    """The column of values to draw along: asked for, or the only one of different numbers."""
    known = [c for c in frame.columns if c not in NUMBERS and frame[c].dtype.is_numeric()]
    varying = [c for c in known if frame[c].n_unique() > 1]
    name = asked if asked is not None else varying[0] if len(varying) == 1 else None
    if name not in known:
        found = f"{name!r} is no column of numbers" if name is not None else _found(varying)
        raise DataError(
            found,
            argument="x",
            expected=f"a column of numbers; {suggestion(str(name), known)}" if name and known else _EXPECTED,
            remedy=f"x={(varying or known or ['age'])[0]!r}",
        )
    wrong = _wrong(frame[name].cast(pl.Float64))
    if wrong:
        raise DataError(
            wrong,
            argument="x",
            column=name,
            expected="at least two values, all finite, each with one estimate",
            remedy="one call for each group of the frame, into the same ax",
        )
    return name


def _wrong(values: pl.Series) -> str | None:
    """Why there is no line along these values."""
    if not values.is_finite().fill_null(False).all():
        return "holds values that are missing or not finite"
    if values.n_unique() < 2:
        return "holds fewer than two values"
    return "holds a value twice" if values.is_duplicated().any() else None


_EXPECTED = "one column of different numbers to draw along"


def _found(varying: list[str]) -> str:
    return f"{listed(varying)} all differ between rows" if varying else "no column of numbers differs"


def _draw(ax: Axes, frame: pl.DataFrame, name: str, no_effect: float, color: Any) -> None:
    """The line, its limits and the line of no effect."""
    x, estimate, low, high = (
        frame[c].cast(pl.Float64).to_numpy() for c in (name, "estimate", "conf_low", "conf_high")
    )
    marks = group_styles(None, len([line for line in ax.lines if line.get_gid() == "effect"]) + 1)[-1]
    style = marks | ({} if color is None else {"color": color})
    ax.axhline(no_effect, color="0.35", linewidth=0.6, linestyle=(0, (4, 3)), zorder=2)
    ax.plot(x, estimate, linewidth=RC["lines.linewidth"], zorder=3, gid="effect", **style)
    ax.fill_between(x, low, high, color=style["color"], alpha=0.16, linewidth=0, zorder=1)
    ax.set_xlim(float(x.min()), float(x.max()))


def ratio_axis(ax: Axes) -> None:
    """A logarithmic axis with ratios at its ticks, as a forest plot has them."""
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    ticks = ratio_ticks(low, high, axes_mm(ax)[1])
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_locator(FixedLocator(ticks))
    ax.yaxis.set_major_formatter(FixedFormatter([tick_words(tick) for tick in ticks]))


def log_axis(ax: Axes) -> None:
    """A logarithmic axis of rates: ticks at 1, 2 and 5 times powers of ten."""
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: tick_words(value)))


def _value_label(frame: pl.DataFrame, name: str, ratio: str) -> str:
    """`Hazard ratio against hgb 13`."""
    what = ratio or "effect"
    what = what[:1].upper() + what[1:]
    against = frame.get_column(f"against {name}", default=None)
    if against is None or against.n_unique() > 1:
        return what
    return f"{what} against {name} {formats.significant(float(against[0]))}"


def _told(frame: pl.DataFrame, name: str) -> list[str]:
    """The line at a few of its points."""
    at = np.unique(np.linspace(0, frame.height - 1, TOLD).astype(int))
    rows = frame[at].select(name, "estimate", *LIMITS).iter_rows()
    shown = ([formats.significant(None if v is None else float(v)) for v in row] for row in rows)
    return [f"  at {value}: {estimate} ({low} to {high})" for value, estimate, low, high in shown]
