"""The effects of a treatment in subgroups, as a result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from .. import formats
from ..errors import counted
from ..results import Estimates

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN_ROWS = 8


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SubgroupEffects(Estimates):
    """Log hazard ratios of a treatment, overall and in each level of each subgroup variable.

    Attributes
    ----------
    treatment
        What is compared: "B against A".
    n_missing
        Rows of each subgroup variable that are left out for its missing values alone.
    """

    treatment: str = ""
    n_missing: dict[str, int] = field(default_factory=dict)
    measure: str = "hazard ratio"

    def to_frame(self, *, exponentiate: bool = False) -> pl.DataFrame:
        """One row per level, the first for everybody: see `subgroup_effects`. Ratios with `exponentiate`."""
        if not exponentiate:
            return self.frame
        return self.frame.drop("std_error").with_columns(pl.col("estimate", "conf_low", "conf_high").exp())

    def interactions(self) -> pl.DataFrame:
        """The test of each subgroup variable: subgroup, p_interaction."""
        tested = self.frame.filter(pl.col("level").is_not_null())
        return tested.select("subgroup", "p_interaction").unique(maintain_order=True)

    def forest_frame(self) -> pl.DataFrame:
        """The rows of a forest plot."""
        frame = self.to_frame(exponentiate=True).drop("p_value", "statistic")
        return frame.with_columns(overall=pl.col("level").is_null())

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """A forest plot; options as those of `hem.plots.draw_forest`."""
        from ..plots import draw_forest

        return draw_forest(self, ax=ax, **options)

    def text(self, *, decimals: int = 2) -> str:
        """A sentence: the overall hazard ratio, and the test of each interaction."""
        row = self.to_frame(exponentiate=True).row(0, named=True)
        shown = formats.ratio(row["estimate"], row["conf_low"], row["conf_high"], decimals)
        tests = "; ".join(
            f"{name} {formats.p_value(p) if p is not None else 'not tested'}"
            for name, p in self.interactions().iter_rows()
        )
        overall = formats.with_level(shown, self.conf_level)
        return f"hazard ratio of {self.treatment} {overall}; interaction with {tests}"

    def methods(self) -> str:
        """A sentence for the methods section."""
        return (
            "Hazard ratios in subgroups were estimated by Cox regression within each level, and differences "
            f"between levels tested as interactions in a model of all patients ({self.method})."
        )

    def __repr__(self) -> str:
        dropped = f", {counted(self.n_dropped, 'row')} with missing values left out" if self.n_dropped else ""
        counts = f"n={formats.count(self.n)}, events={formats.count(self.n_event)}"
        head = f"Hazard ratios of {self.treatment}: {counts}"
        tests = dict(self.interactions().iter_rows())
        shown = self.to_frame(exponentiate=True).head(SHOWN_ROWS)
        lines = [_line(row, tests) for row in shown.iter_rows(named=True)]
        left = self.frame.height - SHOWN_ROWS
        more = [f"  and {left} more"] if left > 0 else []
        apart = "".join(f"; {n} more rows without {name}" for name, n in self.n_missing.items())
        foot = f"{formats.level(self.conf_level)} limits: {self.method}{apart}"
        return "\n".join([head + dropped, *lines, *more, foot])


def _line(row: dict[str, Any], tests: dict[str, float | None]) -> str:
    """One level with its hazard ratio and the test of its variable."""
    first, low, high = (formats.significant(row[name]) for name in ("estimate", "conf_low", "conf_high"))
    level = "" if row["level"] is None else f" {row['level']}"
    p = tests.get(row["subgroup"])
    test = "" if p is None else f", p interaction {formats.significant(p)}"
    return f"  {row['subgroup']}{level}: {first} ({low} to {high}){test}"
