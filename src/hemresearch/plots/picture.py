"""What was drawn into one Axes, and how to say it in text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .. import formats
from .curve_lines import from_start, is_share
from .drawn import distinct, rows_of
from .figure import described
from .p_values import told_lines
from .risk_rows import added, counted_rows
from .ticks import tick_label

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from .drawn import Drawing, Line
    from .p_values import Tests
    from .risk_rows import CountedRow

# not shares, but read off at the end of the axis as these are
MEANS = ("mean number of events",)
SEEN_BELOW = 0.005  # of a share, below 0; less is a line that runs along the axis
LIMITS_ABOVE = 1.3  # confidence limits may make the axis this much higher


@dataclass(frozen=True, slots=True, eq=False)
class TimeAxis:
    """The unit shown and how many of the data's it is, the ticks in the unit of the data, and the label."""

    per: float
    step: float
    unit: str | None
    ticks: np.ndarray
    label: str


@dataclass(eq=False)
class Picture:
    """The curves of one Axes, with the lines as they were drawn."""

    drawing: Drawing
    axis: TimeAxis
    artists: list[Line2D]
    table: pl.DataFrame | None = None
    test: Tests = None
    what = ""  # how the quantity is drawn

    @property
    def end(self) -> float:
        """The end of the time axis as it is now."""
        ax = self.artists[0].axes
        assert ax is not None
        return float(ax.get_xlim()[1])

    def top(self) -> float:
        """The greatest height within the axis, and most of the limits above it."""
        lines = [line for line in self.drawing.lines if (line.time <= self.end).any()]
        heights = [line.estimate[line.time <= self.end] for line in lines]
        top = max((float(np.nanmax(h)) for h in heights if np.isfinite(h).any()), default=0.0)
        limits = [line.high[line.time <= self.end] for line in lines]
        high = max((float(np.nanmax(h)) for h in limits if np.isfinite(h).any()), default=0.0)
        return max(top, min(high, LIMITS_ABOVE * top)) or 1.0

    def bottom(self) -> float:
        """The least height within the axis, where it is seen to be below 0 (an excess may be); else 0."""
        heights = [line.estimate[line.time <= self.end] for line in self.drawing.lines]
        least = min((float(np.nanmin(h)) for h in heights if np.isfinite(h).any()), default=0.0)
        return least if least < -SEEN_BELOW else 0.0

    def table_tells(self) -> bool:
        """Whether the risk table names and marks every curve."""
        return self.table is not None and not self.drawing.shared and len(self.drawing.splits) == 1

    def n(self) -> float:
        """Patients in all groups, each once."""
        patients = getattr(self.drawing.source, "patients", None)
        if patients is not None:
            return float(patients["n"][0])
        sizes = {line.group: line.n for line in self.drawing.lines}
        return self.drawing.lines[0].n if self.drawing.shared else sum(sizes.values())

    def events(self) -> float:
        """Events of all groups and of every cause drawn, each once."""
        patients = getattr(self.drawing.source, "patients", None)
        if patients is not None and self.drawing.splits == ("",):
            return float(patients["n_event"][0])
        lines, shared = self.drawing.lines, self.drawing.shared
        one = [line for line in lines if line.group == lines[0].group or not shared]
        if self.drawing.same_events:
            one = [line for line in one if line.split == lines[0].split]
        return sum(float(np.nansum(line.n_event)) for line in one)

    def lines(self) -> list[str]:
        """The fingerprint: totals, one line per curve, the test, and the risk table summed over groups."""
        unit = f" {self.axis.unit}" if self.axis.unit else ""
        head = (
            f"{self.what}{self.drawing.quantity} of {_count(self.n())} patients, "
            f"{_count(self.events())} events, "
            f"to {_time(self.end / self.axis.per)}{unit} by {_time(self.axis.step)}"
        )
        return [head, *self._curves(), *(f"  {line}" for line in told_lines(self.test)), *self._risk()]

    def _curves(self) -> list[str]:
        return [self._curve(*pair) for pair in zip(self.drawing.lines, self.artists, strict=True)]

    def _curve(self, line: Line, artist: Line2D) -> str:
        x, y = (np.asarray(v, dtype=float) for v in (artist.get_xdata(), artist.get_ydata()))
        paths = [(x, y), *(from_start(line, self.drawing, v) for v in (line.low, line.high))]
        mean = _with_limits(line, [mean_height(*path, self.end) for path in paths])
        # what rises is read off at the end of the axis
        rises = not self.drawing.has_median and (is_share(self.drawing) or self.drawing.quantity in MEANS)
        shown = min(self.end, float(x[-1]))
        height = _with_limits(line, [height_at(*path, shown) for path in paths])
        last = f"at {_time(shown / self.axis.per)}: {height}, " if rises else ""
        median = f"median {_time(line.median)}, " if self.drawing.has_median else ""
        counts = f"n {_count(line.n)}, events {_count(float(np.nansum(line.n_event)))}, "
        counts = "" if self.drawing.predicted else counts
        return f"  {line.label or 'all'}: {counts}{median}{last}mean {mean}"

    def _risk(self) -> list[str]:
        if self.table is None:
            return []
        shared = () if self.drawing.shared else self.drawing.by
        groups = [rows_of(self.table, shared, key) for key in distinct(self.table, shared)]
        rows = added([row for group in groups for row in counted_rows(group)])
        said = (f"{_row_name(row)} {' '.join(map(_count, row.values))}" for row in rows)
        times = " ".join(map(tick_label, map(float, self.table["time"].unique(maintain_order=True))))
        return [f"  risk table at {times}: {'; '.join(said)}"]


def mean_height(x: np.ndarray, y: np.ndarray, end: float) -> float:
    """Mean of a step line between its start and `end`, where it is defined."""
    width = np.diff(np.minimum(np.append(x, x[-1]), end))
    known = np.isfinite(y) & (width > 0)
    if not known.any():
        return float(y[np.isfinite(y)][-1]) if np.isfinite(y).any() else float("nan")
    return float((y[known] * width[known]).sum() / width[known].sum())


def height_at(x: np.ndarray, y: np.ndarray, end: float) -> float:
    """Height of a step line at `end`."""
    return float(y[max(int(np.searchsorted(x, end, side="right")) - 1, 0)])


def _with_limits(line: Line, numbers: list[float]) -> str:
    """`0.35 (0.25 to 0.47)`, without limits where there are none."""
    value, low, high = map(formats.significant, numbers)
    return f"{value} ({low} to {high})" if np.isfinite(line.low).any() else value


def _row_name(row: CountedRow) -> str:
    """`at risk`, `censored`, `events`, `events of relapse`, `at risk in remission`."""
    word = {"n_risk": "at risk", "n_censor": "censored", "n_event": "events"}[row.name]
    between = "" if row.kind is None else " in " if row.name == "n_risk" else " of "
    return f"{word}{between}{'' if row.kind is None else row.kind}"


def _count(value: float | None) -> str:
    """A count, whole where it is."""
    whole = value is None or float(value).is_integer()
    return formats.number(value, 0) if whole else formats.significant(value, 6)


def _time(value: float | None) -> str:
    return (
        formats.MISSING
        if value is None
        else tick_label(float(f"{value:.4g}") if value < 1e4 else round(value))
    )


def totals(figure: Figure) -> tuple[float | None, float | None]:
    """The most patients and the most events that any panel of a figure shows; None if no curves are drawn."""
    owners = [getattr(describe, "__self__", None) for ax in figure.axes for describe in described(ax)]
    pictures = [owner for owner in owners if isinstance(owner, Picture)]
    if not pictures:
        return None, None
    return _whole(max(p.n() for p in pictures)), _whole(max(p.events() for p in pictures))


def _whole(value: float) -> float:
    return int(value) if float(value).is_integer() else value
