"""The axis of a forest plot: where it ends, and its ticks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from .. import formats
from ..errors import DataError
from .place import text_mm
from .themes import RC

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from .forest_rows import Row

REACH = 3.0  # a limit further than this factor from all estimates does not stretch the axis
EXTREME = 100.0  # nor does an estimate further from no effect
LEAST_SPAN = 1.5
MOST_TICKS, APART_MM = 7, 1.6


def set_effect_axis(
    ax: Axes,
    rows: Sequence[Row],
    neutral: float,
    log: bool,
    limits: tuple[float, float] | None,
    width_mm: float,
) -> None:
    """Scale, ends and ticks of the axis of a picture of a given width."""
    first, last = limits or (_ratio_ends(rows, neutral) if log else _plain_ends(rows, neutral))
    ax.set_xscale("log" if log else "linear")
    ax.set_xlim(first, last)
    ticks = ratio_ticks(first, last, width_mm) if log else _plain_ticks(first, last, width_mm)
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FixedFormatter([tick_words(t) for t in ticks]))


def check_limits(limits: Any, log: bool, neutral: float) -> None:
    """Two ends around no effect, above 0 on a log axis."""
    if limits is None:
        return
    pair = tuple(limits) if isinstance(limits, list | tuple) else ()
    numbers = len(pair) == 2 and all(isinstance(v, int | float) and np.isfinite(v) for v in pair)
    if numbers and pair[0] <= neutral <= pair[1] and pair[0] < pair[1] and (pair[0] > 0 or not log):
        return
    raise DataError(
        f"{limits!r} was given",
        argument="limits",
        expected=f"the lower and the upper end of the axis, around {neutral:g}"
        + (", above 0 on a log axis" if log else ""),
        remedy="limits=(0.2, 5)" if log else "limits=(-1, 1)",
    )


def _ratio_ends(rows: Sequence[Row], neutral: float) -> tuple[float, float]:
    """Around estimates and limits, as far as these can be shown beside the others."""
    near = [r for r in rows if r.estimate and neutral / EXTREME < r.estimate < neutral * EXTREME]
    ends = [neutral, *(float(r.estimate or neutral) for r in near)]
    lowest, highest = min(ends) / REACH, max(ends) * REACH
    ends += [max(r.low, lowest) for r in near if r.low is not None]
    ends += [min(r.high, highest) for r in near if r.high is not None]
    low, high = np.log(min(ends)), np.log(max(ends))
    short = np.log(LEAST_SPAN) - (high - low)
    if short > 0:
        low, high = low - short / 2, high + short / 2
    pad = 0.05 * (high - low)
    return float(np.exp(low - pad)), float(np.exp(high + pad))


def _plain_ends(rows: Sequence[Row], neutral: float) -> tuple[float, float]:
    known = [v for row in rows for v in (row.estimate, row.low, row.high) if v is not None]
    ends = [neutral, *(v for v in known if np.isfinite(v))]
    pad = 0.05 * (max(ends) - min(ends)) or 1.0
    return min(ends) - pad, max(ends) + pad


def _series(first: float, last: float) -> list[np.ndarray]:
    """Ticks that read well, from many to few."""
    tens = 10.0 ** np.arange(np.floor(np.log10(first)), np.ceil(np.log10(last)) + 1)
    twos = 2.0 ** np.arange(np.floor(np.log2(first)), np.ceil(np.log2(last)) + 1)
    steps = [
        np.arange(np.floor(first / step), np.ceil(last / step) + 1) * step
        for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5)
        if (last - first) / step < MOST_TICKS + 1
    ]
    decades = [np.outer(tens, digits).ravel() for digits in ((1, 1.5, 2, 3, 5, 7), (1, 2, 5))]
    return [*steps, decades[0], twos, decades[1], tens, tens[::2], twos[::2]]


def ratio_ticks(first: float, last: float, width_mm: float) -> list[float]:
    """The densest series whose labels stand apart, 1 among them if it is on the axis, and both its sides."""
    per_log = width_mm / np.log(last / first)
    best: list[float] = []
    for ticks in _series(first, last):
        inside = [float(round(t, 10)) for t in ticks if first * 0.999 <= t <= last * 1.001]
        if first <= 1 <= last and 1.0 not in inside:
            continue
        if (
            len(inside) <= MOST_TICKS
            and _apart([np.log(t) * per_log for t in inside], inside)
            and (len(inside), _around_one(inside)) > (len(best), _around_one(best))
        ):
            best = inside
    return best or [float(formats.significant(v, 2)) for v in (first, last)]


def _around_one(ticks: list[float]) -> bool:
    return bool(ticks) and ticks[0] < 1 < ticks[-1]


def _plain_ticks(first: float, last: float, width_mm: float) -> list[float]:
    from matplotlib.ticker import MaxNLocator

    for most in range(6, 0, -1):
        ticks = [
            round(float(t), 10) for t in MaxNLocator(most).tick_values(first, last) if first <= t <= last
        ]
        if _apart([t / (last - first) * width_mm for t in ticks], ticks):
            return ticks
    return [0.0]


def _apart(at: list[float], ticks: list[float]) -> bool:
    """Whether the labels of ticks have white between them."""
    half = [text_mm(tick_words(t), RC["xtick.labelsize"]) / 2 for t in ticks]
    return all(at[i + 1] - at[i] >= half[i] + half[i + 1] + APART_MM for i in range(len(at) - 1))


def tick_words(value: float) -> str:
    """A ratio at a tick as text."""
    return formats.minus(formats.significant(value, 6))
