"""Categories as colours with a second channel: hatches of bars, dashes of lines, shapes of points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl
from matplotlib.colors import LinearSegmentedColormap, to_rgb

from ..columns import as_frame
from ..errors import DataError, counted, listed
from ..options import suggestion
from ..personal_numbers import check_groups
from .curve_lines import axes_mm, more_title_mm, set_time_axis
from .keys import add_key
from .panel import fit_words, known_unit, lay_out
from .place import PT_PER_MM, MakeRoom, text_mm
from .themes import RC, active
from .ticks import tick_label, time_step, units_per

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

NOT_EVALUABLE, UNKNOWN = "NE", "Not known"
PALE = "0.82"  # not evaluable, or not known
# Blue to orange for what is ordered from good to bad; with any blindness to colours they stay apart.
RAMP = LinearSegmentedColormap.from_list(
    "ordered", ["#0B4A8F", "#4A9BCB", "#B5DCEB", "#F6DDA4", "#E9973E", "#A93226"]
)
HATCHES = ("", "////", "....", "\\\\\\\\", "----", "xxxx", "oo", "++")
SHAPES = "osD^vPX*"
LIGHT = 0.55  # how light a colour is from 0 to 1: above it black is read on it
FEWEST_TICKS, MOST_TICKS, BETWEEN_MM = 2.0, 10.0, 3.0


@dataclass(frozen=True, slots=True)
class Category:
    """A value, its name, and how it looks."""

    value: Any
    label: str
    color: Any
    hatch: str
    shape: str
    dashes: Any

    @property
    def ink(self) -> str:
        """What can be read on its colour."""
        return "black" if _light(self.color) > LIGHT else "white"

    @property
    def line(self) -> tuple[float, ...]:
        """Its colour, dark enough for a thin line on white."""
        darker = min(LIGHT / max(_light(self.color), 1e-9), 1.0)
        return tuple(darker * part for part in to_rgb(self.color))


def _light(color: Any) -> float:
    red, green, blue = to_rgb(color)
    return 0.299 * red + 0.587 * green + 0.114 * blue


def read_frame(
    data: Any, needed: Mapping[str, str], *, complete: Sequence[str] = (), argument: str | None = None
) -> pl.DataFrame:
    """The columns of some roles, under the names of their roles; missing ones, and holes in some, refused."""
    frame = as_frame(data)
    known = frame.collect_schema().names()
    for role, name in needed.items():
        if name not in known:
            raise DataError(
                "is not in the data",
                argument=argument or role,
                column=name,
                expected=f"one of its columns; {suggestion(str(name), known)}",
                remedy="data.columns to see the names",
            )
    chosen = frame.lazy().select(pl.col(name).alias(role) for role, name in needed.items()).collect()
    if not chosen.height:
        raise DataError(
            "there are no rows", argument="data", expected="at least one row", remedy="the filters before it"
        )
    for role in complete:
        _refuse_holes(chosen[role], role, needed[role])
    return chosen


def _refuse_holes(values: pl.Series, role: str, name: str) -> None:
    holes = values.is_null() | (values.is_nan() if values.dtype.is_float() else pl.Series([False]))
    if holes.any():
        raise DataError(
            f"has {counted(int(holes.sum()), 'missing value')}",
            argument=role,
            column=name,
            rows=holes.fill_null(True).arg_true(),
            expected="a value in every row",
            remedy=f"data.filter(pl.col({name!r}).is_not_null()), and say how many were left out",
        )


def read_numbers(frame: pl.DataFrame, role: str, name: str) -> pl.DataFrame:
    """The same frame with one column as finite floats."""
    values = frame[role]
    if not values.dtype.is_numeric() or not values.cast(pl.Float64).is_finite().all():
        raise DataError(
            f"holds {values.dtype}" if not values.dtype.is_numeric() else "holds values that are not finite",
            argument=role,
            column=name,
            expected="finite numbers",
            remedy="hem.times.durations(...) for the time between dates"
            if values.dtype.is_temporal()
            else f"pl.col({name!r}).cast(pl.Float64)",
        )
    return frame.with_columns(pl.col(role).cast(pl.Float64))


def known_rows(frame: pl.DataFrame, role: str, name: str) -> pl.DataFrame:
    """The rows that have a number in one column, as a float, with their places in the data as `row`."""
    numbers = frame.with_row_index("row")
    if frame[role].dtype.is_float():
        numbers = numbers.with_columns(pl.col(role).fill_nan(None))
    known = numbers.drop_nulls(role)
    if known.is_empty():
        raise DataError(
            "holds no number",
            argument=role,
            column=name,
            expected="a number of at least one patient",
            remedy="data.filter(...), and a look at the column",
        )
    return read_numbers(known, role, name)


def read_categories(
    values: pl.Series, labels: Mapping[Any, str] | None, colors: Sequence[Any] | None
) -> list[Category]:
    """The categories that occur, Enum levels in their order and others sorted; null last.

    An Enum keeps its colours whichever of its levels occur, so that figures of a study agree.
    """
    kind = values.dtype
    ordered = isinstance(kind, pl.Enum)
    levels = (kind.categories if isinstance(kind, pl.Enum) else values.drop_nulls().unique().sort()).to_list()
    shades = _colors(levels, ordered, colors)
    dashes = active()["axes.prop_cycle"].by_key().get("linestyle", ["-"])
    there = set(values.unique().to_list())
    check_names(labels, [*levels, *([None] if None in there else [])])
    named = labels or {}
    found = [
        Category(
            level, str(named.get(level, level)), color, HATCHES[i % len(HATCHES)], SHAPES[i % len(SHAPES)],
            dashes[i % len(dashes)],
        )
        for i, (level, color) in enumerate(zip(levels, shades, strict=True))
        if level in there
    ]  # fmt: skip
    if None in there:
        found.append(Category(None, str(named.get(None, UNKNOWN)), PALE, "", "o", ":"))
    return found


def check_names(labels: Mapping[Any, str] | None, known: Sequence[Any]) -> None:
    """A label for what is not there is a misprint, and would leave the real one unnamed."""
    strays = [name for name in labels or {} if name not in known]
    if strays:
        raise DataError(
            f"{strays[0]!r} is not in the figure",
            argument="labels",
            expected=f"names of {listed(map(repr, known), 8)}",
            remedy=f"labels={{{known[0]!r}: 'Name'}}" if known else "labels=None",
        )


def _colors(levels: Sequence[Any], ordered: bool, colors: Sequence[Any] | None) -> list[Any]:
    if not ordered or colors is not None:
        given = list(colors) if colors else active()["axes.prop_cycle"].by_key()["color"]
        return [given[i % len(given)] for i in range(len(levels))]
    graded = [level for level in levels if level != NOT_EVALUABLE]
    steps = {level: RAMP(i / max(len(graded) - 1, 1)) for i, level in enumerate(graded)}
    return [steps.get(level, PALE) for level in levels]


def check_patients(ids: pl.Series, name: str) -> None:
    """Refuse to write identifiers that are personal numbers."""
    check_groups(pl.DataFrame({name: ids.unique(maintain_order=True)}))


def time_ticks(
    ax: Axes, span: tuple[float, float], time_unit: str | None, shown_in: str | None, name: str
) -> str:
    """A time axis at clinical units over a span; the words for it."""
    unit = known_unit(time_unit, shown_in, None, name)
    per = units_per(shown_in, unit) if shown_in and unit else 1.0
    start, end = span
    room = text_mm(tick_label(float(f"{end / per:.3g}")), RC["xtick.labelsize"]) + BETWEEN_MM
    most = min(max(axes_mm(ax)[0] / room, FEWEST_TICKS), MOST_TICKS)
    set_time_axis(ax, start, end, time_step((end - start) / per, shown_in or unit, most), per, 0.0)
    return f"Time ({shown_in or unit})" if shown_in or unit else name


def settle_panel(
    ax: Axes, words: tuple[str | None, str, str], height: float | None, *, legend: bool = True
) -> None:
    """Words that fit, and the key above; a new figure is as high as its panel of a `height` in mm needs."""
    lay_out(ax, height)
    fit_words(ax, words, height)
    above = add_key(ax, "above", [], False, False) if legend else 0.0
    if above:
        head = ax.get_title(loc=RC["axes.titlelocation"])
        ax.set_title(head, pad=RC["axes.titlepad"] + above * PT_PER_MM)
    if height is None and above + more_title_mm(ax) > 0:
        ax.set_axes_locator(MakeRoom(ax, ax.get_axes_locator(), 0.0, 0.0, above + more_title_mm(ax)))
    lay_out(ax, height)
