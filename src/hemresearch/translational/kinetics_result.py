"""What a model of the kinetics of a marker hands back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from .. import formats
from ..curves import SHOWN_GROUPS, Result
from ..errors import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HANDLED = {"censored": "censored", "half": "taken for half of it", "limit": "taken for the limit"}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Kinetics(Result):
    """Lines of the logarithm of a marker along time, of the mean patient and of each.

    Attributes
    ----------
    frame
        Three rows for each group: "level at 0", "log10 change" (per `per`) and "halving time" or "doubling
        time".
    patients_frame
        One row for each patient.
    values_frame
        What was measured: patients by number, time, value (the limit where `below`).
    """

    frame: pl.DataFrame = field(repr=False)
    patients_frame: pl.DataFrame = field(repr=False)
    values_frame: pl.DataFrame = field(repr=False)
    by: tuple[str, ...]
    time: str
    value: str
    id: str
    below: str
    method: str
    per: float
    conf_level: float
    n: int
    n_below: int
    n_dropped: int
    time_unit: str | None

    def to_frame(self) -> pl.DataFrame:
        """Of each group: level at 0, log10 change, and halving or doubling time."""
        return self.frame

    def patients(self) -> pl.DataFrame:
        """One row per patient: n, n_below, level at 0, log10 change (`estimate`), its error, halving time.

        A negative halving time is a doubling time. All are null without two detected values.
        """
        return self.patients_frame

    def summary(self) -> pl.DataFrame:
        """One row: patients, measurements, those below the limit, exclusions, method and level."""
        return pl.DataFrame(
            {
                "n": [self.n],
                "n_measurements": [self.values_frame.height],
                "n_below": [self.n_below],
                "n_dropped": [self.n_dropped],
                "below": [self.below],
                "method": [self.method],
                "conf_level": [self.conf_level],
            }
        )

    def text(self, *, decimals: int = 2) -> str:
        """A sentence: the halving or doubling time of each group."""
        unit = f" {self.time_unit}" if self.time_unit else ""
        parts = []
        for row in self.frame.filter(pl.col("term").str.ends_with("time")).iter_rows(named=True):
            numbers = formats.interval(row["estimate"], row["conf_low"], row["conf_high"], decimals)
            label = self._label(row)
            parts.append(f"{label}{row['term']} {formats.with_level(numbers, self.conf_level)}{unit}")
        return f"{self.value}: {'; '.join(parts)}"

    def methods(self) -> str:
        """A sentence for the methods section."""
        limit = f"; values below the limit of detection were {HANDLED[self.below]}" if self.n_below else ""
        return (
            f"The logarithm of {self.value} was modelled by a line of each patient (linear mixed model with "
            f"random intercepts and slopes, {self.method}){limit}."
        )

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw what was measured, a line for each patient, see `hem.plots.draw_spaghetti`."""
        from ..plots import draw_spaghetti

        named: dict[str, Any] = {"id": "id", "time": "time", "value": "value", "below": "below"}
        values, lines = self.values_frame, self._lines()
        if self.by:
            values, lines = (_one_group(frame, self.by) for frame in (values, lines))
            named["by"] = "group"
        words = {"x_label": self.time, "y_label": self.value, "lines": lines}
        return draw_spaghetti(values, **(named | words | options), ax=ax)

    def _lines(self) -> pl.DataFrame:
        """The mean line of each group from the first to the last time at which it was measured."""
        keys: list[Any] = list(self.by) or [pl.lit(0).alias("all")]
        spans = self.values_frame.group_by(keys, maintain_order=True).agg(
            first=pl.col("time").min(), time=pl.col("time").max()
        )
        rows = []
        for span in spans.iter_rows(named=True):
            mine = self.frame.filter(pl.lit(True), *(pl.col(name) == span[name] for name in self.by))
            level, change = mine["estimate"][0], mine["estimate"][1] / self.per
            labels = {name: span[name] for name in self.by}
            rows += [
                {**labels, "time": t, "value": level * 10 ** (change * t)}
                for t in (span["first"], span["time"])
            ]
        return pl.DataFrame(rows, schema_overrides={name: self.frame.schema[name] for name in self.by})

    def _label(self, row: dict[str, Any]) -> str:
        labels = ", ".join(f"{name}={row[name]}" for name in self.by)
        return f"{labels}, " if labels else ""

    def __repr__(self) -> str:
        below = f", {self.n_below} below the limit ({HANDLED[self.below]})" if self.n_below else ""
        dropped = f", {self.n_dropped} rows with missing values left out" if self.n_dropped else ""
        shown = self.frame.head(3 * SHOWN_GROUPS)
        lines = [self._line(row) for row in shown.iter_rows(named=True)]
        left = (self.frame.height - shown.height) // 3
        more = [f"  and {left} more groups"] if left > 0 else []
        head = (
            f"Kinetics of {self.value}: {counted(self.n, 'patient')}, "
            f"{counted(self.values_frame.height, 'measurement')}{below}{dropped}"
        )
        foot = (
            f"{formats.level(self.conf_level)} limits: linear mixed model, random intercepts and slopes, "
            f"{self.method}"
        )
        return "\n".join([head, *lines, *more, foot])

    def _line(self, row: dict[str, Any]) -> str:
        numbers = [formats.significant(row[name]) for name in ("estimate", "conf_low", "conf_high")]
        per = f" per {self.per:g}" if row["term"] == "log10 change" else ""
        return f"  {self._label(row)}{row['term']}{per}: {numbers[0]} ({numbers[1]} to {numbers[2]})"


def _one_group(frame: pl.DataFrame, by: tuple[str, ...]) -> pl.DataFrame:
    """One column `group` in the place of one or several."""
    if len(by) == 1:
        return frame.with_columns(group=pl.col(by[0]))
    parts = [pl.format(f"{name}={{}}", pl.col(name).cast(pl.String)) for name in by]
    return frame.with_columns(group=pl.concat_str(parts, separator=", "))
