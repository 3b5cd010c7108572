"""The table under the curves: at risk, censored and events, aligned with the time axis by construction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl
from matplotlib.lines import Line2D
from matplotlib.transforms import Affine2D, ScaledTranslation, blended_transform_factory

from .. import formats
from ..columns import as_frame
from .drawn import check_table, distinct, group_label, grouping_columns, rows_of
from .place import GAP_MM, PT_PER_MM, Below, MakeRoom, text_mm, wrapped
from .risk_rows import added, counted_rows
from .themes import MM_PER_INCH, active

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.transforms import Transform

WORDS = {"n_risk": "At risk", "n_censor": "Censored", "n_event": "Events"}
FONT = 7.0
LINE_MM = 1.35 * FONT / PT_PER_MM
BETWEEN_MM = 0.9
SAMPLE_MM, PAD_MM = 5.0, 1.3
STATE_MM = 2.0  # states under their heading
INSET_MM = 3.0  # white around a figure
Y_LABELS_MM = 15.0  # the labels of the y axis, where they reach further left than the table
WIDEST_LABEL = 0.24  # share of the figure's width that labels beside the numbers may take

WIDEST_WORD = 0.3  # the same for the names of rows


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a label at the left, and a text under each tick."""

    label: str
    cells: tuple[str, ...] = ()
    group: int | None = None  # in the colour of this group, indented by its line sample
    above_mm: float = 0.0
    strong: bool = False
    sample: bool = False  # begins with a piece of the group's line
    inset_mm: float = 0.0


def draw_risk_table(
    risk_table: Any,
    ax: Axes,
    *,
    by: str | Sequence[str] | None = None,
    compact: bool = False,
    labels: Mapping[Any, str] | None = None,
    colors: Sequence[Any] | None = None,
    words: Mapping[str, str] | None = None,
    heading: str | None = None,
) -> Axes:
    """Draw a risk table under `ax`, each number straight below its time.

    The default is the form that readers understood best in the KMunicate study: at risk, censored and events
    of each group. At every time (without delayed entry) the three add up to the group's size: at risk just
    before that time, events and censorings before it. The table hangs below the x axis and its label and
    shares its scale. In a figure of this package (and in any with constrained layout) the layout makes
    room; elsewhere `ax` is made smaller, so that both stay within the area that `ax` had.

    Parameters
    ----------
    risk_table
        `Curves.risk_table(times)`: the `by` columns, `time`, `n_risk`, `n_event`, `n_censor`, and `cause` or
        `state` if events are of several kinds (then one row of events for each).
    ax
        The axes with the curves.
    by
        The grouping columns; default all columns that no result uses itself.
    compact
        One row per group: at risk, with the events so far in brackets.
    labels
        Other names for groups or causes.
    colors
        Colours of the groups; default those of the theme.
    words
        Other words for `n_risk`, `n_censor` and `n_event`, such as `{"n_risk": "Under risk"}`.
    heading
        Heading of the compact form.

    Returns
    -------
    Axes
        The axes of the table, a child of `ax`.

    Raises
    ------
    DataError
        A table without the columns named above.

    References
    ----------
    Morris TP et al. Proposals on Kaplan-Meier plots in medical research and a survey of stakeholder views:
    KMunicate. BMJ Open 2019;9:e030215.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> table = pl.DataFrame({"arm": ["A", "A"], "time": [0.0, 12.0], "n_risk": [50, 31],
    ...                       "n_event": [0, 14], "n_censor": [0, 5]})
    >>> ax = hem.plots.figure(width=80, height=70).subplots()
    >>> _ = ax.set_xlim(0, 24)
    >>> below = hem.plots.draw_risk_table(table, ax)
    >>> [text.get_text() for text in below.texts]
    ['A', 'At risk', '50', '31', 'Censored', '0', '5', 'Events', '0', '14']
    """
    frame = as_frame(risk_table).lazy().collect()
    check_table(frame, ("time", *WORDS), "risk_table", "curves.risk_table([0, 12, 24])")
    names = grouping_columns(frame, by)
    with active():
        marks = group_styles(colors, len(distinct(frame, names)))
        return hang_table(frame, ax, names, labels, marks, compact=compact, words=words, heading=heading)


def hang_table(
    frame: pl.DataFrame,
    ax: Axes,
    by: Sequence[str],
    labels: Mapping[Any, str] | None,
    marks: list[dict[str, Any]],
    *,
    compact: bool,
    words: Mapping[str, str] | None = None,
    heading: str | None = None,
) -> Axes:
    """Draw a checked risk table whose groups are marked as their curves are."""
    keys = distinct(frame, by)
    named = [group_label(key, by, labels) for key in keys]
    parts = [rows_of(frame, by, key) for key in keys]
    room = figure_width_mm(ax)
    if compact:
        rows = _compact_rows(parts, named, heading or active().at_risk, room)
    else:
        rows = _full_rows(parts, named, {**WORDS, **(words or {})}, labels or {}, room)
    times = frame["time"].unique(maintain_order=True).to_list()
    return _draw_rows(ax, rows, times, marks)


def figure_width_mm(ax: Axes) -> float:
    """Width in mm of the panel that an Axes has to itself: its column of the figure."""
    spec = ax.get_subplotspec()
    columns = spec.get_gridspec().ncols if spec else 1
    share = (spec.colspan.stop - spec.colspan.start) / columns if spec else 1.0
    return float(ax.figure.bbox.width / ax.figure.dpi * MM_PER_INCH * share)


def widest_cell_mm(n: float, events: float, compact: bool) -> float:
    """How wide the widest number of a risk table can be."""
    return text_mm(f"{_count(n)} ({_count(events)})" if compact else _count(n), FONT)


def _count(value: float | None) -> str:
    """A count; of weighted patients with one decimal."""
    whole = value is None or float(value).is_integer()
    return formats.number(value, 0 if whole else 1)


def _full_rows(
    parts: list[pl.DataFrame],
    named: list[str],
    words: Mapping[str, str],
    labels: Mapping[Any, str],
    room: float,
) -> list[Row]:
    rows: list[Row] = []
    for g, (part, name) in enumerate(zip(parts, named, strict=True)):
        rows += _head(name, g, room - INSET_MM, BETWEEN_MM if rows else 0.0)
        counted = counted_rows(part)
        by_state = counted[0].kind is not None
        rows += [Row(f"{words['n_risk']} in")] if by_state else []
        for row in counted:
            label = words[row.name] if row.kind is None else str(labels.get(row.kind, row.kind))
            inset = STATE_MM if row.name == "n_risk" and by_state else 0.0
            rows += _named_row(label, tuple(map(_count, row.values)), room, inset)
    return rows


def _named_row(label: str, cells: tuple[str, ...], room: float, inset: float) -> list[Row]:
    """A row of numbers, its name on as many lines as it needs."""
    first, *others = wrapped(label, FONT, WIDEST_WORD * room - inset)
    return [Row(first, cells, inset_mm=inset), *(Row(line, inset_mm=inset) for line in others)]


def _compact_rows(parts: list[pl.DataFrame], named: list[str], heading: str, room: float) -> list[Row]:
    beside = max(text_mm(name, FONT) for name in named) + SAMPLE_MM + PAD_MM <= WIDEST_LABEL * room
    rows = [Row(heading, strong=True)]
    for g, (part, name) in enumerate(zip(parts, named, strict=True)):
        cells = _compact_cells(part)
        if beside:
            rows.append(Row(name, cells, g if name else None, BETWEEN_MM / 3, sample=bool(name)))
        else:
            rows += [*_head(name, g, room - Y_LABELS_MM, BETWEEN_MM if g else 0.0), Row("", cells)]
    return rows


def _compact_cells(part: pl.DataFrame) -> tuple[str, ...]:
    """At risk (events of any kind)."""
    total = {row.name: row.values for row in added(counted_rows(part), each_kind=False)}
    events = total.get("n_event", (0.0,) * len(total["n_risk"]))
    return tuple(f"{_count(r)} ({_count(e)})" for r, e in zip(total["n_risk"], events, strict=True))


def _head(name: str, group: int, room: float, above_mm: float) -> list[Row]:
    """The name of a group on lines of its own, marked with its colour and line style."""
    lines = wrapped(name, FONT, room - SAMPLE_MM - PAD_MM, strong=True) if name else []
    return [Row(line, (), group, 0.0 if i else above_mm, True, i == 0) for i, line in enumerate(lines)]


def group_styles(colors: Sequence[Any] | None, n: int) -> list[dict[str, Any]]:
    """Colour and line style of each group."""
    cycle = active()["axes.prop_cycle"].by_key()
    chosen = list(colors) if colors else cycle["color"]
    dashes = cycle.get("linestyle", ["-"])
    # after the last colour the dashes move on by one, so that groups do not look alike for long
    turns = [(i, i + i // len(chosen)) for i in range(n)]
    return [{"color": chosen[c % len(chosen)], "linestyle": dashes[d % len(dashes)]} for c, d in turns]


def _draw_rows(ax: Axes, rows: list[Row], times: list[float], styles: list[dict[str, Any]]) -> Axes:
    indent = _label_mm(rows)
    tops = _tops(rows)
    table = ax.inset_axes((0, -0.5, 1, 0.5), sharex=ax, zorder=1)
    table.set_ylim(tops[-1], 0)
    table.axison = False
    table.set_label("risk table")
    before = ax.get_axes_locator()
    already = before.needed_mm if isinstance(before, MakeRoom) else 0.0
    table.set_axes_locator(Below(ax, tops[-1], already))
    ax.set_axes_locator(MakeRoom(ax, before, tops[-1] + GAP_MM, indent))
    left = _left_of(table)
    for row, top in zip(rows, tops, strict=False):
        _draw_row(table, row, top + LINE_MM / 2, times, styles, left, indent)
    return table


def _label_mm(rows: list[Row]) -> float:
    """How far left of the axis the labels begin."""
    beside = [r for r in rows if r.cells or not r.strong]
    before = {True: SAMPLE_MM + PAD_MM, False: 0.0}
    labels = max(
        (before[r.group is not None] + r.inset_mm + text_mm(r.label, FONT) for r in beside), default=0
    )
    first_cell = max((text_mm(r.cells[0], FONT) for r in beside if r.cells), default=0) / 2
    return labels + first_cell + 1.5 * PAD_MM


def _tops(rows: list[Row]) -> list[float]:
    """Where each row begins, in mm from the top; the last entry is the height of the table."""
    tops, at = [], 0.0
    for row in rows:
        tops.append(at + row.above_mm)
        at += row.above_mm + LINE_MM
    return [*tops, at]


def _left_of(table: Axes) -> Transform:
    """Horizontally mm from the left end of the axis, vertically the rows of the table."""
    origin: Any = table.transAxes
    scale = Affine2D().scale(1 / MM_PER_INCH) + table.figure.dpi_scale_trans
    return blended_transform_factory(scale + ScaledTranslation(0, 0, origin), table.transData)


def _draw_row(
    table: Axes,
    row: Row,
    y: float,
    times: list[float],
    styles: list[dict[str, Any]],
    left: Transform,
    indent: float,
) -> None:
    text: dict[str, Any] = {"fontsize": FONT, "va": "center_baseline", "parse_math": False}
    text["color"] = "black" if row.group is None else styles[row.group]["color"]
    x = row.inset_mm - indent
    if row.sample and row.group is not None:
        ends = [x, x + SAMPLE_MM]
        table.add_line(
            Line2D(ends, [y, y], transform=left, clip_on=False, linewidth=1.4, **styles[row.group])
        )
    if row.group is not None:
        x += SAMPLE_MM + PAD_MM
    if row.label:
        weight = "bold" if row.strong else "normal"
        table.text(x, y, row.label, transform=left, ha="left", weight=weight, **text)
    for i, (time, cell) in enumerate(zip(times, row.cells, strict=False)):
        shown = table.annotate(
            cell, (time, y), ha="center", annotation_clip=True, **{**text, "color": "black"}
        )
        shown.set_in_layout(i in (0, len(row.cells) - 1))  # the others cannot reach beyond the table
