"""Performance of a model corrected for optimism."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from .. import formats
from ..results import Result


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Validation(Result):
    """Apparent performance, its optimism, and what is left: one row for each measure and horizon."""

    frame: pl.DataFrame = field(repr=False)
    n: int
    n_event: float
    n_draws: int
    n_failed: int

    def to_frame(self) -> pl.DataFrame:
        """`measure`, `time`, `apparent`, `optimism`, `estimate`."""
        return self.frame

    def summary(self) -> pl.DataFrame:
        """One row: patients, events, draws, and the draws that failed."""
        return pl.DataFrame(
            {
                "n": [self.n],
                "n_event": [self.n_event],
                "n_draws": [self.n_draws],
                "n_failed": [self.n_failed],
            }
        )

    def text(self, *, decimals: int = 2) -> str:
        """A sentence: apparent and corrected."""
        parts = [
            f"{row['measure']} at {row['time']:g} {formats.number(row['estimate'], decimals)} "
            f"(apparent {formats.number(row['apparent'], decimals)})"
            for row in self.frame.iter_rows(named=True)
        ]
        return f"corrected for optimism: {'; '.join(parts)}"

    def methods(self) -> str:
        """A sentence for the methods section."""
        return (
            f"Performance was corrected for optimism by {self.n_draws} bootstrap draws, the model being "
            "fitted anew in each (Harrell)."
        )

    def __repr__(self) -> str:
        lines = [
            f"  {row['measure']} at {row['time']:g}: {formats.significant(row['estimate'])}"
            f" (apparent {formats.significant(row['apparent'])})"
            for row in self.frame.iter_rows(named=True)
        ]
        failed = f", {self.n_failed} failed" if self.n_failed else ""
        size = f"n={formats.count(self.n)}, events={formats.count(self.n_event)}"
        head = f"performance corrected for optimism, {size}"
        return "\n".join([head, *lines, f"{self.n_draws} bootstrap draws{failed}; no limits"])
