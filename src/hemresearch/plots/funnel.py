"""Units by their size, between control limits around a target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from .. import formats
from .curve_lines import axes_mm, set_words, style_axes
from .figure import figure, record
from .label_points import label_points
from .themes import RC, active

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..epidemiology.funnel import Funnel

SIZES = {"n": "Patients", "person_time": "Person-time", "expected": "Expected events"}
DASHES = ((0, (4, 3)), "solid", (0, (1, 2)))
WITHIN, OUTSIDE = "0.45", "#b2182b"


def draw_funnel(
    funnel: Funnel,
    *,
    ax: Axes | None = None,
    label: bool = True,
    title: str | None = None,
    x_label: str | None = None,
    y_label: str | None = None,
    width: float | None = None,
) -> Axes:
    """Draw units by their size, with the target and the control limits around it.

    Parameters
    ----------
    funnel
        What `hem.epidemiology.funnel` gave.
    ax
        Axes to draw into; default a new figure.
    label
        Whether units outside of the outermost limits carry their names.
    title, x_label, y_label
        Words; default none, the size of the units, and what is compared.
    width
        Width of a new figure in mm; default that of the theme.

    Returns
    -------
    Axes

    References
    ----------
    Spiegelhalter DJ. Stat Med 2005;24:1185-1202.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> hospitals = pl.DataFrame(
    ...     {
    ...         "hospital": ["A", "B", "C", "D", "E", "F"],
    ...         "deaths": [4, 9, 11, 30, 14, 2],
    ...         "transplants": [40, 82, 120, 130, 151, 25],
    ...     }
    ... )
    >>> funnel = hem.epidemiology.funnel(hospitals, unit="hospital", events="deaths", n="transplants")
    >>> ax = hem.plots.draw_funnel(funnel, width=80)
    >>> print(hem.plots.fingerprint(ax))
    funnel of 6 units around 0.1277, 1 outside
      95% limits at 25: 0 to 0.254
      95% limits at 151: 0.07358 to 0.18
      99.8% limits at 25: 0 to 0.3524
      99.8% limits at 151: 0.04789 to 0.2152
      text: Patients | Proportion | 95% limits | 99.8% limits | D
    >>> import matplotlib.pyplot as plt
    >>> plt.close(ax.figure)
    """
    frame, outermost = funnel.to_frame(), max(funnel.levels)
    words = x_label or SIZES[funnel.size], y_label or funnel.quantity[:1].upper() + funnel.quantity[1:]
    with active():
        panel = figure(width=width).subplots() if ax is None else ax
        before = panel.get_children()
        style_axes(panel)
        _draw_limits(panel, funnel)
        beyond = frame.filter(pl.col("outside") >= outermost)
        within = frame.join(beyond, on=funnel.unit, how="anti")
        for rows, color in ((within, WITHIN), (beyond, OUTSIDE)):
            style: dict[str, Any] = {"color": color, "markersize": 3, "markeredgewidth": 0, "gid": "units"}
            panel.plot(rows[funnel.size], rows["estimate"], "o", zorder=3, **style)
        panel.set_ylim(0.0, 1.2 * panel.get_ylim()[1])  # room for the key, where funnels are narrow
        set_words(panel, title, *words, *axes_mm(panel))
        panel.legend(loc="upper right", frameon=False, borderaxespad=0.0)
        if label and beyond.height:
            names = [str(name) for name in beyond[funnel.unit]]
            label_points(panel, beyond[funnel.size].to_list(), beyond["estimate"].to_list(), names)
        record(panel, lambda: _told(funnel), before=before)
    return panel


def _draw_limits(ax: Axes, funnel: Funnel) -> None:
    """The target, and a pair of lines for each level, named at the right end."""
    style: dict[str, Any] = {"color": "0.35", "linewidth": RC["lines.linewidth"] * 0.6, "zorder": 2}
    ax.axhline(funnel.target, gid="target", **style)
    lines = funnel.limits()
    for level, dashes in zip(funnel.levels, DASHES * len(funnel.levels), strict=False):
        one = lines.filter(level=level)
        for name, label in (("conf_low", None), ("conf_high", f"{formats.level(level)} limits")):
            ax.plot(
                one[funnel.size], one[name], linestyle=dashes, label=label, gid=f"limit {level:g}", **style
            )
    smallest, largest = float(lines[funnel.size].min()), float(lines[funnel.size].max())  # type: ignore[arg-type]
    room = 0.05 * (largest - smallest)
    ax.set_xlim(smallest - room, largest + room)


def _told(funnel: Funnel) -> list[str]:
    frame = funnel.to_frame()
    ends = funnel.limits([float(frame[funnel.size].min()), float(frame[funnel.size].max())])  # type: ignore[arg-type]
    limits = [
        f"  {formats.level(row['level'])} limits at {formats.significant(row[funnel.size])}: "
        f"{formats.significant(row['conf_low'])} to {formats.significant(row['conf_high'])}"
        for row in ends.iter_rows(named=True)
    ]
    outside = int(frame["outside"].is_not_null().sum())
    head = f"funnel of {frame.height} units around {formats.significant(funnel.target)}, {outside} outside"
    return [head, *limits]
