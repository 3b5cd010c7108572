"""Curves beside the mortality of a population: which one, of what follow-up, and who was left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from .. import formats
from ..curves import Curves
from .net_rows import NetRows, left_out


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class PopulationCurves(Curves):
    """Curves along time that take the mortality of a population as known.

    Attributes
    ----------
    life_table
        The name of the population.
    window
        The calendar period of the follow-up, in words; empty where all of it counts.
    n_death_only
        How many were left out because they are known from a death certificate or an autopsy only.
    n_outside
        How many rows had no follow-up within the period or after the start time.
    """

    life_table: str
    window: str = ""
    n_death_only: int = 0
    n_outside: int = 0

    def summary(self) -> pl.DataFrame:
        """One row, as of all curves, with the population, the period and those who were left out."""
        return Curves.summary(self).with_columns(
            life_table=pl.lit(self.life_table),
            window=pl.lit(self.window or None, dtype=pl.String),
            n_death_only=pl.lit(self.n_death_only),
            n_outside=pl.lit(self.n_outside),
        )

    def methods(self) -> str:
        """A sentence for the methods section, with the population."""
        window = f" Only {self.window} counts." if self.window else ""
        population = f"Population mortality was that of {self.life_table}."
        return f"{Curves.methods(self)} {population}{window}{self._left_out(' ')}"

    def _value_text(self, row: dict[str, Any], group: int) -> str:
        if row["estimate"] is not None and row["std_error"] == 0 and row["estimate"] != 1:
            # only the population's deaths are in it so far, and limits would seem to say that it is certain
            return f"{formats.number(100 * row['estimate'], 1)}% (no event so far)"
        return Curves._value_text(self, row, group)

    def _left_out(self, before: str = "") -> str:
        """Who was left out, as a sentence; nothing where nobody was."""
        parts = left_out(self.n_death_only, self.n_outside)
        return f"{before}Left out: {', '.join(parts)}." if parts else ""

    def __repr__(self) -> str:
        window = f"; {self.window}" if self.window else ""
        lines = [Curves.__repr__(self), f"population: {self.life_table}{window}", self._left_out()]
        return "\n".join(filter(None, lines))


def curve_facts(rows: NetRows) -> dict[str, str | int]:
    """What `PopulationCurves` tells of its rows."""
    return {
        "life_table": rows.life_table.name,
        "window": rows.window,
        "n_death_only": rows.n_excluded,
        "n_outside": rows.n_outside,
    }
