"""What a calibration hands back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from .. import formats
from ..results import Estimates

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, repr=False)
class Calibration(Estimates):
    """Measures of calibration of each model (at each horizon), with what a figure of it shows.

    Attributes
    ----------
    curve
        The smooth observed risk by the predicted one: `predicted`, `estimate` and limits.
    groups
        Groups by predicted risk: `n`, `n_event` (known by the horizon), mean `predicted`, observed `estimate`
        and limits.
    histogram
        How many have a predicted risk from `low` to `high`.
    """

    curve: pl.DataFrame = field(repr=False)
    groups: pl.DataFrame = field(repr=False)
    histogram: pl.DataFrame = field(repr=False)

    @property
    def bare(self) -> tuple[str, ...]:
        """The distances of the curve, which have no limits."""
        return ("ICI", "E50", "E90", "Emax")

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw observed against predicted risks: `hem.plots.draw_calibration`."""
        from ..plots import draw_calibration

        return draw_calibration(
            self.curve, ax=ax, **{"groups": self.groups, "histogram": self.histogram} | options
        )

    def text(self, *, decimals: int = 2) -> str:
        """A sentence with the measures of each model."""
        return "; ".join(f"{label}: {', '.join(said)}" for label, said in self._said(decimals).items())

    def __repr__(self) -> str:
        dropped = f", {self.n_dropped} rows with missing values left out" if self.n_dropped else ""
        head = f"{self.name}, n={formats.count(self.n)}, events={formats.count(self.n_event)}{dropped}"
        lines = []
        for label, said in self._said(None).items():
            parts = (said[:1], said[1:3], said[3:])
            lines += [f"  {label}: {', '.join(parts[0])}", *(f"    {', '.join(p)}" for p in parts[1:] if p)]
        return "\n".join([head, *lines, f"{formats.level(self.conf_level)} limits: {self.method}"])

    def _said(self, decimals: int | None) -> dict[str, list[str]]:
        """Each measure of each model in words."""
        found: dict[str, list[str]] = {}
        for row in self.frame.iter_rows(named=True):
            label = row["model"] + (f" at {row['time']:g}" if "time" in row else "")
            found.setdefault(label, []).append(f"{row['term']} {self._number(row, decimals)}")
        return found

    def _number(self, row: dict[str, Any], decimals: int | None) -> str:
        """An estimate with its limits, if it has some."""
        values = row["estimate"], row["conf_low"], row["conf_high"]
        if decimals is None:
            texts = [formats.significant(value) for value in values]
            return texts[0] if values[1] is None else f"{texts[0]} ({texts[1]} to {texts[2]})"
        if values[1] is None:
            return formats.number(values[0], decimals + 1)
        return formats.with_level(formats.interval(*values, decimals=decimals), self.conf_level)
