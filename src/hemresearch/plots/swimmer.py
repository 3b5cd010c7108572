"""Swimmer plots: the course of each patient as a bar, with what happened on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from .. import formats
from ..errors import DataError, counted
from ..options import TimeUnit, check_choice
from .categories import (
    Category,
    check_names,
    check_patients,
    read_categories,
    read_frame,
    read_numbers,
    settle_panel,
    time_ticks,
)
from .curve_lines import style_axes
from .figure import figure, record
from .themes import RC, active

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

Order = Literal["longest", "given"]
ROW_MM, LOWEST_ROW_MM, HIGHEST_MM, LEAST_MM = 4.4, 1.7, 190.0, 24.0  # of a patient, and of all
NAME_MM = 2.7  # a row that is lower than this cannot be named
BAR = 0.74  # share of a row
ONE, ONGOING = "Follow-up", "Ongoing"
INKS = ("white", "black")  # of marks, which are told apart by their shapes
MARKS = "oXD^sv*P"
ROOM = 1.045  # right of the longest bar, for arrows
ARROW_PT = 8.0


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Segments with the place of their patient (0 at the top), events, and who is still followed."""

    bars: pl.DataFrame
    events: pl.DataFrame
    names: list[str]
    ongoing: list[tuple[float, float]]
    first_of_group: list[tuple[int, str]]

    @property
    def rows(self) -> int:
        """Rows of the figure: patients, and the headings of groups."""
        return len(self.names)


def draw_swimmer(
    bars: Any,
    *,
    id: str,
    start: str | None = None,
    stop: str,
    state: str | None = None,
    ongoing: str | None = None,
    by: str | None = None,
    events: Any = None,
    event_time: str = "time",
    event: str = "event",
    order: Order = "longest",
    name_patients: bool = False,
    labels: Mapping[Any, str] | None = None,
    colors: Sequence[Any] | None = None,
    ax: Axes | None = None,
    legend: bool = True,
    time_unit: TimeUnit | None = None,
    shown_in: TimeUnit | None = None,
    title: str | None = None,
    x_label: str | None = None,
    y_label: str | None = None,
    width: float | None = None,
) -> Axes:
    """Draw a bar for each patient along time, in segments by treatment or state, with marks of events.

    Parameters
    ----------
    bars
        One row per segment (or per patient): from `start` to `stop` since time zero, in any one unit.
    id
        Column of the patient; it decides which rows belong together and is not written.
    start, stop
        Columns of numbers; without `start` a segment begins where the one before it in the data ends, the
        first at 0.
    state
        Column of what a segment shows, such as the treatment or the response then. An Enum is in its order.
    ongoing
        Column that is true where the patient is still followed at the end: an arrow.
    by
        Column of groups, which stand below each other.
    events
        A table of what happened: a row for each, with the column `id` under the same name, and
    event_time, event
        its columns of the time and of what it was, such as response, progression or death.
    order
        "longest" puts the longest course of each group first; "given" keeps the order of the data.
    name_patients
        Whether to write `id` beside the bars, of study numbers only: what looks like a personal number is
        refused. Otherwise rows are numbered from the top.
    labels
        Other names for states, events or groups.
    colors
        Colours of the states in their order.
    ax
        Axes to draw into; default a new figure as high as its bars need.
    legend
        Whether to explain colours and marks above the panel.
    time_unit, shown_in
        As in `draw_curves`.
    title, x_label, y_label
        Words; default none, `Time (unit)` and `Patient`.
    width
        Width of a new figure in mm; default that of the theme.

    Returns
    -------
    Axes
        The axes; the figure prints the time in each state and the events.

    Raises
    ------
    DataError
        Columns that are not there, holes in them, times that are no numbers, segments that end before they
        begin or overlap, a patient in two groups, events of patients without a bar, and labels of nothing.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> courses = pl.DataFrame(
    ...     {
    ...         "patient": ["a", "a", "b", "c"],
    ...         "months": [3.0, 14.0, 9.0, 20.0],
    ...         "phase": ["induction", "maintenance", "induction", "induction"],
    ...         "on": [True, True, False, False],
    ...     }
    ... )
    >>> seen = pl.DataFrame({"patient": ["a", "c"], "time": [2.0, 20.0], "event": ["CR", "death"]})
    >>> ax = hem.plots.draw_swimmer(
    ...     courses, id="patient", stop="months", state="phase", ongoing="on", events=seen, width=80
    ... )
    >>> print(hem.plots.fingerprint(ax))
    courses of 3 patients, the longest 20, 1 ongoing
      induction: 3 patients, 32 in all
      maintenance: 1 patient, 11 in all
      CR: 1, mean time 2
      death: 1, mean time 20
      text: Time (months) | Patient | induction | maintenance | CR | death | Ongoing
    >>> import matplotlib.pyplot as plt
    >>> plt.close(ax.figure)
    """
    check_choice(order, Order, argument="order")
    roles = {"id": id, "start": start, "stop": stop, "state": state, "ongoing": ongoing, "by": by}
    named = {role: name for role, name in roles.items() if name is not None}
    segments = _segments(bars, named)
    marks = _marks(events, {"id": id, "time": event_time, "event": event}, segments)
    _check_labels(labels, segments, marks)
    course = _course(segments, marks, order, id if name_patients else None, labels)
    with active():
        states = _of(segments, "state", labels, colors)
        kinds = _of(marks, "event", labels, None)
        height = _height(course.rows)
        panel = figure(width=width, height=height + 20).subplots() if ax is None else ax
        before = panel.get_children()
        style_axes(panel)
        lowest, longest = float(segments["start"].min()), float(segments["stop"].max())  # type: ignore[arg-type]
        words = time_ticks(panel, (min(lowest, 0.0), longest * ROOM), time_unit, shown_in, stop)
        _draw_bars(panel, course, states)
        _draw_marks(panel, course, kinds, height / course.rows)
        _name_rows(panel, course, height / course.rows)
        explained = legend and (state is not None or bool(kinds) or bool(course.ongoing))
        told = title, x_label or words, "Patient" if y_label is None else y_label
        settle_panel(panel, told, height if ax is None else None, legend=explained)
        record(panel, lambda: _told(course, states, kinds, state is not None), before=before)
    return panel


def _height(rows: int) -> float:
    """Of the panel in mm."""
    return max(min(ROW_MM * rows, HIGHEST_MM), LOWEST_ROW_MM * rows, LEAST_MM)


def _segments(bars: Any, named: dict[str, str]) -> pl.DataFrame:
    """The segments with all roles; those without a start follow each other."""
    complete = [role for role in named if role not in ("state", "ongoing")]
    frame = read_frame(bars, named, complete=complete)
    for role in ("start", "stop"):
        if role in named:
            frame = read_numbers(frame, role, named[role])
    if "start" not in named:
        frame = frame.with_columns(start=pl.col("stop").shift(1).over("id").fill_null(0.0))
    absent = {"state": pl.lit(ONE), "by": pl.lit(""), "ongoing": pl.lit(False)}
    frame = frame.with_columns(**{role: value for role, value in absent.items() if role not in named})
    _refuse_times(frame, named)
    if frame.select((pl.col("by").n_unique().over("id") > 1).any()).item():
        raise DataError(
            "is not the same in all rows of a patient",
            argument="by",
            column=named["by"],
            expected="one group for each patient",
            remedy="a column of the group at the start",
        )
    return frame.with_columns(pl.col("ongoing").cast(pl.Boolean).fill_null(False))


def _refuse_times(frame: pl.DataFrame, named: dict[str, str]) -> None:
    ordered = frame.with_row_index("row").sort("id", "start", "stop")
    back = frame["stop"] < frame["start"]
    overlap = ordered.filter(
        (pl.col("start") < pl.col("stop").shift(1).over("id") * (1 - 1e-9)).fill_null(False)
    )
    if back.any() or overlap.height:
        raise DataError(
            "is before the start of its segment" if back.any() else "is after the next segment begins",
            argument="stop",
            column=named["stop"],
            rows=back.arg_true() if back.any() else overlap["row"],
            expected="segments of a patient that follow each other in time",
            remedy=f"data.sort({named['id']!r}, {named['stop']!r}), and a look at the rows",
        )


def _marks(events: Any, named: dict[str, str], segments: pl.DataFrame) -> pl.DataFrame:
    """The events, none if there is no table of them."""
    if events is None:
        return pl.DataFrame(schema={"id": segments.schema["id"], "time": pl.Float64, "event": pl.String})
    names = {"id": named["id"], "event_time": named["time"], "event": named["event"]}
    frame = read_frame(events, names, complete=list(names))
    frame = read_numbers(frame, "event_time", names["event_time"]).rename({"event_time": "time"})
    strangers = ~frame["id"].is_in(segments["id"].unique().to_list())
    if strangers.any():
        raise DataError(
            f"has {counted(int(strangers.sum()), 'row')} of patients without a bar",
            argument="events",
            column=names["id"],
            rows=strangers.arg_true(),
            expected="events of the patients of the bars",
            remedy=f"events.join(bars, on={names['id']!r}, how='semi')",
        )
    return frame


def _check_labels(labels: Mapping[Any, str] | None, segments: pl.DataFrame, marks: pl.DataFrame) -> None:
    columns = (segments["state"], segments["by"], marks["event"])
    check_names(labels, [value for values in columns for value in values.unique(maintain_order=True)])


def _of(
    frame: pl.DataFrame, role: str, labels: Mapping[Any, str] | None, colors: Sequence[Any] | None
) -> list[Category]:
    """The categories of one column with those of the labels that are of them."""
    if not frame.height:
        return []
    there = frame[role].unique().to_list()
    return read_categories(frame[role], {k: v for k, v in (labels or {}).items() if k in there}, colors)


def _course(
    segments: pl.DataFrame,
    marks: pl.DataFrame,
    order: Order,
    id: str | None,
    labels: Mapping[Any, str] | None,
) -> Course:
    """Who stands where, from the top; each group has a row for its name."""
    patients = segments.group_by("id", maintain_order=True).agg(
        pl.col("by").first(), pl.col("stop").max(), pl.col("ongoing").any()
    )
    if order == "longest":
        patients = patients.sort("stop", descending=True, maintain_order=True)
    patients = patients.sort("by", maintain_order=True)
    if id is not None:
        check_patients(patients["id"], id)
    names: list[str] = []
    heads: list[tuple[int, str]] = []
    place = []
    for number, (patient, group) in enumerate(patients.select("id", "by").iter_rows(), start=1):
        name = str((labels or {}).get(group, group))
        if name and (not heads or heads[-1][1] != name):
            heads.append((len(names), name))
            names.append("")
        place.append(len(names))
        names.append(str(patient) if id is not None else str(number))
    placed = patients.select("id", "stop", "ongoing", y=pl.Series(place, dtype=pl.Float64))
    at = placed.select("id", "y")
    going = placed.filter("ongoing").select("stop", "y").rows()
    bars, events = (part.join(at, on="id", how="left", maintain_order="left") for part in (segments, marks))
    return Course(bars, events, names, going, heads)


def _draw_bars(ax: Axes, course: Course, states: list[Category]) -> None:
    several = len(states) > 1
    for state in states:
        part = course.bars.filter(pl.col("state").eq_missing(pl.lit(state.value)))
        bars = ax.barh(
            part["y"], part["stop"] - part["start"], left=part["start"], height=BAR, color=state.color,
            hatch=state.hatch if several else "", edgecolor="white", linewidth=0.4, zorder=2,
        )  # fmt: skip
        if several or state.label != ONE:
            bars.patches[0].set_label(state.label)  # of the patch, so that the key has it before the marks
    ax.set_ylim(course.rows - 0.4, -0.6)


def _draw_marks(ax: Axes, course: Course, kinds: list[Category], row_mm: float) -> None:
    """Events as shapes, and arrows of those who are still followed."""
    size = min(max(1.75 * row_mm, 3.2), 5.5) ** 2
    for i, kind in enumerate(kinds):
        part = course.events.filter(pl.col("event") == kind.value)
        ax.scatter(
            part["time"], part["y"], size, marker=MARKS[i % len(MARKS)], color=INKS[i % 2],
            edgecolor=INKS[1 - i % 2], linewidth=(0.8, 0.5)[i % 2], zorder=5, label=kind.label, clip_on=False,
        )  # fmt: skip
    look: dict[str, Any] = {"linewidth": 0.9, "color": "0.25", "shrinkA": 0, "shrinkB": 0}
    arrow = look | {"arrowstyle": "<|-", "mutation_scale": 6}
    for end in course.ongoing:
        ax.annotate("", end, (ARROW_PT, 0), textcoords="offset points", arrowprops=arrow)
    if course.ongoing:
        ax.scatter([], [], 16, marker=">", color="0.25", label=ONGOING)


def _name_rows(ax: Axes, course: Course, row_mm: float) -> None:
    """A number or name beside each row, or beside every fifth where rows are low; names of groups above."""
    places = [i for i, name in enumerate(course.names) if name]
    every = 1 if row_mm >= NAME_MM else 5
    shown = [i for k, i in enumerate(places) if every == 1 or (k + 1) % every == 0 or k == 0]
    ax.set_yticks(shown, [course.names[i] for i in shown], parse_math=False)
    ax.tick_params(axis="y", length=0, labelsize=min(RC["ytick.labelsize"], 7.0))
    ax.spines["left"].set_visible(False)
    for place, name in course.first_of_group:
        ax.text(
            0.0, place, name, transform=ax.get_yaxis_transform(), weight="bold", va="center_baseline",
            fontsize=7.5, parse_math=False,
        )  # fmt: skip


def _told(course: Course, states: list[Category], kinds: list[Category], in_states: bool) -> list[str]:
    """The fingerprint: time in each state, and events."""
    patients = sum(name != "" for name in course.names)
    longest = formats.significant(course.bars["stop"].max())  # type: ignore[arg-type]
    lines = [
        f"courses of {counted(patients, 'patient')}, the longest {longest}, {len(course.ongoing)} ongoing"
    ]
    for state in states if in_states else []:
        part = course.bars.filter(pl.col("state").eq_missing(pl.lit(state.value)))
        total = formats.significant(float((part["stop"] - part["start"]).sum()))
        lines.append(f"  {state.label}: {counted(part['id'].n_unique(), 'patient')}, {total} in all")
    for kind in kinds:
        times = course.events.filter(pl.col("event") == kind.value)["time"]
        lines.append(f"  {kind.label}: {len(times)}, mean time {formats.significant(times.mean())}")  # type: ignore[arg-type]
    return lines
