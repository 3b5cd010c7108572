"""Waterfall plots: the best change of each patient as a bar, from the largest growth to the largest fall."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from matplotlib.ticker import MaxNLocator

from .. import formats
from ..errors import DataError, counted
from ..options import check_number
from .categories import (
    Category,
    check_patients,
    known_rows,
    read_categories,
    read_frame,
    settle_panel,
)
from .curve_lines import axes_mm, style_axes
from .figure import figure, record
from .panel import lay_out, panel_mm
from .place import PT_PER_MM, text_mm
from .themes import active

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

BAR = 0.84  # share of the room of a patient
FLAT = 0.01  # of the axis: the height of a bar without a change
NAME_PT, NUMBER_PT = 6.5, 6.5
ROOM = 1.08  # beyond the longest bars
ABOVE = (0.08, 0.13)  # of the axis, for numbers above bars that are cut: level, upright
TOLD = 5  # changes that the fingerprint tells
LOWEST = -100.0  # nothing falls further


def draw_waterfall(
    changes: Any,
    *,
    change: str,
    response: str | None = None,
    id: str | None = None,
    thresholds: Sequence[float] = (),
    most: float | None = None,
    name_patients: bool = False,
    labels: Mapping[Any, str] | None = None,
    colors: Sequence[Any] | None = None,
    ax: Axes | None = None,
    legend: bool = True,
    title: str | None = None,
    x_label: str | None = None,
    y_label: str | None = None,
    width: float | None = None,
) -> Axes:
    """Draw the best change of each patient as a bar, sorted from the largest increase to the largest fall.

    Parameters
    ----------
    changes
        One row per patient.
    change
        Column of the change from baseline in %, -100 at the least. Rows without one are not drawn and are
        counted below the axis.
    response
        Column of categories, which colour and hatch the bars. An Enum is in its order.
    id
        Column of the patient; needed only for `name_patients`, and to refuse a patient with two rows.
    thresholds
        Changes at which to draw dashed lines, such as -50. Which one has a meaning depends on what was
        measured.
    most
        Bars above it are cut there and carry their number, or a mark where bars have no room for it.
    name_patients
        Whether to write `id` below the bars, of study numbers only.
    labels
        Other names for categories.
    colors
        Colours of the categories in their order.
    ax
        Axes to draw into; default a new figure.
    legend
        Whether to explain the colours above the panel.
    title, x_label, y_label
        Words; default none, `Patients` with their number, and `Best change (%)`.
    width
        Width of a new figure in mm; default that of the theme.

    Returns
    -------
    Axes

    Raises
    ------
    DataError
        Columns that are not there, a change below -100 % or that is no number, nobody with a change, a
        patient with two rows, `name_patients` without `id`, names that look like personal numbers or have
        no room, and labels of nothing.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> nodes = pl.DataFrame(
    ...     {"best": [-100.0, -62.0, 35.0, -12.0, None], "found": ["CR", "PR", "PD", "SD", "NE"]}
    ... ).with_columns(pl.col("found").cast(hem.hematology.response.scale("lugano")))
    >>> ax = hem.plots.draw_waterfall(nodes, change="best", response="found", thresholds=[-50], width=80)
    >>> print(hem.plots.fingerprint(ax))
    best change of 4 patients, 1 without: 35, -12, -62, -100
      CR: 1, median -100
      PR: 1, median -62
      SD: 1, median -12
      PD: 1, median 35
      at most -50: 2
      text: Patients (n=4; 1 without a measurement) | Best change (%) | CR | PR | SD | PD
    >>> import matplotlib.pyplot as plt
    >>> plt.close(ax.figure)
    """
    if name_patients and id is None:
        raise DataError(
            "was asked for, and the column of the patient is not known",
            argument="name_patients",
            expected="id as well",
            remedy="id='patient'",
        )
    rows, left = _read(changes, {"change": change, "response": response, "id": id})
    lines = [
        check_number(t, argument="thresholds", at_least=LOWEST, expected="changes in %", example=-50)
        for t in thresholds
    ]
    top = None if most is None else _top(most)
    with active():
        kinds = read_categories(rows["response"], labels, colors) if response else []
        panel = figure(width=width).subplots() if ax is None else ax
        before = panel.get_children()
        style_axes(panel)
        _draw_bars(panel, rows, kinds, top)
        _draw_lines(panel, lines)
        _set_axes(panel, rows, top)
        missing = f"; {left} without a measurement" if left else ""
        words = title, x_label or f"Patients (n={rows.height}{missing})", y_label or "Best change (%)"
        height = panel_mm(panel) if ax is None else None
        if name_patients:
            lay_out(panel, height)
            _name(panel, rows["id"], str(id))
        settle_panel(panel, words, height, legend=legend and bool(kinds))
        if top is not None:
            _write_cut(panel, rows, top)
        record(panel, lambda: _told(rows, left, kinds, lines), before=before)
    return panel


def _top(most: Any) -> float:
    return check_number(most, argument="most", above=0.0, expected="a change above 0 %", example=100)


def _read(changes: Any, roles: dict[str, str | None]) -> tuple[pl.DataFrame, int]:
    """The patients from the largest increase to the largest fall, and how many there are without a change."""
    named = {role: name for role, name in roles.items() if name is not None}
    frame = read_frame(changes, named)
    if "id" in named:
        _refuse_several_rows(frame["id"], named)
    rows = known_rows(frame, "change", named["change"])
    low = rows.filter(pl.col("change") < LOWEST)
    if low.height:
        raise DataError(
            f"has {counted(low.height, 'value')} below -100",
            argument="change",
            column=named["change"],
            rows=low["row"],
            expected="changes from baseline in %",
            remedy="100 * (pl.col('lowest') / pl.col('baseline') - 1)",
        )
    keys = ["change", *(["response"] if "response" in named else [])]
    falling = [True, *[False] * (len(keys) - 1)]
    ordered = rows.sort(keys, descending=falling, nulls_last=True, maintain_order=True)
    return ordered, frame.height - rows.height


def _refuse_several_rows(ids: pl.Series, named: dict[str, str]) -> None:
    several = ids.is_duplicated()
    if several.any():
        raise DataError(
            "has several rows of a patient",
            argument="id",
            column=named["id"],
            rows=several.arg_true(),
            expected="the best change, one row per patient",
            remedy=f"data.group_by({named['id']!r}).agg(pl.col({named['change']!r}).min())",
        )


def _draw_bars(ax: Axes, rows: pl.DataFrame, kinds: list[Category], top: float | None) -> None:
    """A bar each; one without a change is a flat mark on the line."""
    heights = rows["change"].to_numpy()
    shown = np.minimum(heights, top) if top is not None else heights
    span = max(float(shown.max()), 0.0) - min(float(shown.min()), 0.0)
    flat = FLAT * (span or 1.0)
    drawn = np.where(np.abs(shown) < flat, 2 * flat, shown)
    base = np.where(np.abs(shown) < flat, -flat, 0.0)
    at = np.arange(rows.height)
    look: dict[str, Any] = {"width": BAR, "edgecolor": "white", "linewidth": 0, "zorder": 2}
    if not kinds:
        ax.bar(at, drawn, bottom=base, color=active()["axes.prop_cycle"].by_key()["color"][0], **look)
    for kind in kinds:
        of = rows["response"].eq_missing(pl.Series([kind.value], dtype=rows["response"].dtype)).to_numpy()
        bars = ax.bar(at[of], drawn[of], bottom=base[of], color=kind.color, hatch=kind.hatch, **look)
        bars.set_label("_nolegend_")
        bars.patches[0].set_label(kind.label)


def _draw_lines(ax: Axes, thresholds: Sequence[float]) -> None:
    ax.axhline(0.0, color="black", linewidth=0.7, zorder=3)
    for threshold in thresholds:
        ax.axhline(threshold, color="0.3", linewidth=0.7, linestyle=(0, (4, 3)), zorder=3, gid="threshold")


def _set_axes(ax: Axes, rows: pl.DataFrame, top: float | None) -> None:
    high, low = float(rows["change"].max()), float(rows["change"].min())  # type: ignore[arg-type]
    highest = max(high if top is None else min(high, top), 10.0)
    ax.set_ylim(max(min(ROOM * low, -10.0), -105.0), ROOM * highest)
    ax.set_xlim(-0.8, rows.height - 0.2)
    ax.set_xticks([])
    ax.spines["bottom"].set_visible(False)
    ax.yaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 2.5, 5, 10]))


def _name(ax: Axes, ids: pl.Series, name: str) -> None:
    """Upright names below the bars, if they have room beside each other."""
    check_patients(ids, name)
    least = 1.25 * NAME_PT / PT_PER_MM
    if axes_mm(ax)[0] / len(ids) < least:
        raise DataError(
            f"{len(ids)} names have {axes_mm(ax)[0] / len(ids):.1f} mm each",
            argument="name_patients",
            expected=f"at least {least:.1f} mm",
            remedy="name_patients=False, or a wider figure",
        )
    texts = [str(one) for one in ids]
    ax.set_xticks(np.arange(len(ids)), texts, rotation=90, fontsize=NAME_PT, parse_math=False)
    ax.tick_params(axis="x", length=0)


def _write_cut(ax: Axes, rows: pl.DataFrame, top: float) -> None:
    """The numbers of bars that were cut, above them; upright where bars are narrow, then only a mark."""
    cut = [(i, f"{value:.0f}") for i, value in enumerate(rows["change"]) if value > top]
    if not cut:
        return
    room = axes_mm(ax)[0] / (rows.height + 0.6)
    upright = any(1.1 * text_mm(text, NUMBER_PT) > room for _, text in cut)
    low = ax.get_ylim()[0]
    ax.set_ylim(low, top + ABOVE[upright] * (top - low))
    if upright and room < 1.15 * NUMBER_PT / PT_PER_MM:
        at = [i for i, _ in cut]
        ax.scatter(
            at, [top + 0.025 * (top - low)] * len(cut), 7, marker="^", color="0.3", zorder=3, gid="cut"
        )
        return
    for i, text in cut:
        ax.annotate(
            text, (i, top), (0, 2), textcoords="offset points", ha="center", va="bottom", fontsize=NUMBER_PT,
            rotation=90 if upright else 0,
        )  # fmt: skip


def _told(rows: pl.DataFrame, left: int, kinds: list[Category], thresholds: Sequence[float]) -> list[str]:
    """The fingerprint: a few of the changes, the categories, and who is below each threshold."""
    change = rows["change"]
    at = np.unique(np.linspace(0, rows.height - 1, TOLD).astype(int))
    some = ", ".join(formats.significant(change[int(i)]) for i in at)
    without = f", {left} without" if left else ""
    lines = [f"best change of {counted(rows.height, 'patient')}{without}: {some}"]
    for kind in kinds:
        of = rows.filter(pl.col("response").eq_missing(pl.lit(kind.value)))["change"]
        lines.append(f"  {kind.label}: {len(of)}, median {formats.significant(of.median())}")  # type: ignore[arg-type]
    lines += [f"  at most {formats.significant(t)}: {int((change <= t).sum())}" for t in thresholds]
    return lines
