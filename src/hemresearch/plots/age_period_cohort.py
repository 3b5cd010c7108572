"""The effects of age, period and cohort side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..errors import DataError
from ..formats import significant
from .curve_lines import axes_mm, set_words, style_axes
from .effect import log_axis, ratio_axis
from .figure import figure, record
from .risk_table import group_styles
from .themes import RC, active

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from ..epidemiology.age_period_cohort_fit import AgePeriodCohort

EFFECTS = {"age": "Age (years)", "period": "Calendar year", "cohort": "Year of birth"}
RATIO = "Rate ratio"


def draw_age_period_cohort(
    result: AgePeriodCohort,
    *,
    axes: Sequence[Axes] | None = None,
    y_label: str | None = None,
    color: Any = None,
    width: float | None = None,
) -> Sequence[Axes]:
    """Draw rates by age, and rate ratios by period and by cohort, with pointwise limits.

    Three panels with logarithmic axes, on which those of period and cohort run from the same lowest to the
    same highest ratio.

    Parameters
    ----------
    result
        A result of `hem.epidemiology.age_period_cohort`.
    axes
        Three Axes to draw into; default those of a new figure.
    y_label
        Words for the rates; default what they are per.
    color
        Colour of lines and bands; default the first of the theme.
    width
        Width of a new figure in mm; default that of the theme.

    Returns
    -------
    Sequence of Axes
        Of age, period and cohort.

    Raises
    ------
    DataError
        Effects that are not determined; other than three Axes.

    References
    ----------
    Carstensen B. Stat Med 2007;26:3018-3045.

    Examples
    --------
    >>> import hemresearch as hem
    >>> lung = hem.data.load("lungdk")
    >>> apc = hem.epidemiology.age_period_cohort(
    ...     lung, age="Ax", period="Px", events="D", person_time="Y", per=1e5, reference_cohort=1900
    ... )
    >>> age, period, cohort = hem.plots.draw_age_period_cohort(apc, width=170)
    >>> cohort.get_xlabel()
    'Year of birth'
    >>> import matplotlib.pyplot as plt
    >>> plt.close(age.figure)
    """
    _check(result, axes)
    labels = {"age": y_label or f"Rate per {significant(result.per, 7)}", "period": RATIO, "cohort": RATIO}
    with active():
        panels = list(figure(width=width).subplots(1, 3)) if axes is None else list(axes)
        for ax, (name, x_label) in zip(panels, EFFECTS.items(), strict=True):
            _draw(ax, result.effect(name), name, (x_label, labels[name]), color)
        low = min(ax.get_ylim()[0] for ax in panels[1:])
        high = max(ax.get_ylim()[1] for ax in panels[1:])
        for ax in panels[1:]:
            ax.set_ylim(low, high)
            ratio_axis(ax)
        log_axis(panels[0])
    return panels


def _check(result: AgePeriodCohort, axes: Sequence[Axes] | None) -> None:
    if result.frame["estimate"].null_count():
        raise DataError(
            "has effects that are not determined",
            argument="result",
            expected="effects of age, period and cohort",
            remedy="hem.epidemiology.age_period_cohort(..., model='spline')",
        )
    if axes is not None and len(axes) != len(EFFECTS):
        raise DataError(
            f"{len(axes)} were given",
            argument="axes",
            expected="three Axes, of age, period and cohort",
            remedy="axes=hem.plots.figure().subplots(1, 3)",
        )


def _draw(ax: Axes, effect: pl.DataFrame, name: str, words: tuple[str, str], color: Any) -> None:
    """A line, its band, and for ratios the line of no effect."""
    before = ax.get_children()
    style_axes(ax)
    style = group_styles(None, 1)[0] | ({} if color is None else {"color": color})
    x, estimate, low, high = effect.to_numpy().T
    if name != "age":
        ax.axhline(1.0, color="0.35", linewidth=0.6, linestyle=(0, (4, 3)), zorder=2)
    ax.plot(x, estimate, linewidth=RC["lines.linewidth"], zorder=3, gid="effect", **style)
    ax.fill_between(x, low, high, color=style["color"], alpha=0.16, linewidth=0, zorder=1)
    ax.set_yscale("log")
    ax.set_xlim(float(x.min()), float(x.max()))
    set_words(ax, None, *words, *axes_mm(ax))
    record(ax, lambda: _told(effect, name), before=before)


def _told(effect: pl.DataFrame, name: str) -> list[str]:
    """The effect at its first, middle and last value."""
    at = np.unique([0, effect.height // 2, effect.height - 1])
    what = "rate by age" if name == "age" else f"rate ratio by {name}"
    lines = [f"{what}, {effect.height} values"]
    for row in effect[at].iter_rows():
        value, estimate, low, high = (significant(v, 6 if i == 0 else 4) for i, v in enumerate(row))
        lines.append(f"  at {value}: {estimate} ({low} to {high})")
    return lines
