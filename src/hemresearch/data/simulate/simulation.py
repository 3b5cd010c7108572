"""What a simulator hands back: tables as a register exports them, and the true values behind them."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from ...errors import DataError
from ...options import check_number, suggestion

DAYS_OF_A_YEAR = 365.25


@dataclass(frozen=True, slots=True, eq=False)
class Simulation:
    """Simulated patients: tables, the parameters they were drawn with, and true values.

    `simulation["bleeds"]` is a table; `tables` has all of them by name. `truth` is a tidy frame with the
    columns `quantity`, `group` and `value`: what an estimate of the quantity is an estimate of, computed from
    the parameters and not from the patients that were drawn.
    """

    name: str
    seed: int
    parameters: Mapping[str, Any] = field(repr=False)
    tables: Mapping[str, pl.DataFrame] = field(repr=False)
    truth: pl.DataFrame = field(repr=False)

    def __getitem__(self, table: str) -> pl.DataFrame:
        """One table by its name."""
        if table not in self.tables:
            raise DataError(
                f"there is no table {table!r}",
                argument="table",
                expected=f"one of the simulated tables ({suggestion(str(table), self.tables)})",
                remedy=f"simulation[{next(iter(self.tables))!r}]",
            )
        return self.tables[table]

    def true(self, quantity: str, group: str = "all") -> float:
        """The true value of one quantity in one group."""
        found = self.truth.filter(pl.col("quantity") == quantity, pl.col("group") == group)
        if found.is_empty():
            there = self.truth.filter(pl.col("quantity") == quantity)
            known = there["group"] if len(there) else self.truth["quantity"].unique(maintain_order=True)
            slip = group if len(there) else quantity
            raise DataError(
                f"there is no true value of {quantity!r} in {group!r}",
                argument="group" if len(there) else "quantity",
                expected=f"one of simulation.truth ({suggestion(slip, known)})",
                remedy=f"simulation.true({self.truth['quantity'][0]!r}, {self.truth['group'][0]!r})",
            )
        return float(found["value"][0])

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} ({len(table)} rows)" for name, table in self.tables.items())
        return f"{self.name}, seed {self.seed}\ntables: {sizes}\ntruth: {len(self.truth)} values"

    def _repr_html_(self) -> str:
        first, *rest = repr(self).splitlines()
        return f"<p><b>{html.escape(first)}</b><br>{'<br>'.join(html.escape(line) for line in rest)}</p>"


def check_count(value: Any, *, argument: str, at_least: int = 1, example: int = 200) -> int:
    """A whole number, `at_least` that."""
    number = check_number(
        value,
        argument=argument,
        at_least=at_least,
        expected=f"a whole number from {at_least} up",
        example=example,
    )
    if not number.is_integer():
        raise DataError(
            f"{value!r} was given",
            argument=argument,
            expected=f"a whole number from {at_least} up",
            remedy=f"{argument}={example}",
        )
    return int(number)


def check_rates(parameters: Mapping[str, Any], names: tuple[str, ...]) -> None:
    """Rates, ratios and variances of the arguments of these names: finite and above 0."""
    for name in names:
        check_number(parameters[name], argument=name, above=0, expected="a number above 0", example=1.0)


def check_amounts(parameters: Mapping[str, Any], names: tuple[str, ...]) -> None:
    """Numbers that may be 0, of the arguments of these names."""
    for name in names:
        check_number(parameters[name], argument=name, at_least=0, expected="a number from 0 up", example=0.1)


def check_shares(parameters: Mapping[str, Any], names: tuple[str, ...], *, below_one: bool = False) -> None:
    """Probabilities of the arguments of these names: from 0 to 1, or below it."""
    expected = "a probability below 1" if below_one else "a probability from 0 to 1"
    above = 1.0 if below_one else math.nextafter(1.0, 2.0)
    for name in names:
        check_number(parameters[name], argument=name, at_least=0, below=above, expected=expected, example=0.1)


def truth_frame(values: Mapping[tuple[str, str], float]) -> pl.DataFrame:
    """The tidy frame of true values from `{(quantity, group): value}`."""
    return pl.DataFrame(
        [(quantity, group, float(value)) for (quantity, group), value in values.items()],
        schema={"quantity": pl.String, "group": pl.String, "value": pl.Float64},
        orient="row",
    )


def patient_ids(n: int, letters: str) -> pl.Series:
    """Invented identifiers such as `SIM-H-000001`, which nobody takes for a person's."""
    width = max(len(str(n)), 4)
    number = pl.Series("patient_id", np.arange(1, n + 1)).cast(pl.String).str.zfill(width)
    return pl.select((pl.lit(f"SIM-{letters}-") + number).alias("patient_id")).to_series()


def dates(first: Any, days: np.ndarray) -> pl.Series:
    """The dates that lie whole days after a first one; of NaN, null."""
    offset = pl.Series("days", np.asarray(days, dtype=float)).fill_nan(None).cast(pl.Int64)
    return pl.select(
        (pl.lit(first) + pl.duration(days=pl.lit(offset))).cast(pl.Date).alias("date")
    ).to_series()


def drawn(rng: np.random.Generator, labels: tuple[str, ...], shares: np.ndarray, n: int) -> np.ndarray:
    """Positions of labels, drawn with their shares."""
    edges = np.cumsum(np.asarray(shares, dtype=float))
    return np.minimum(np.searchsorted(edges / edges[-1], rng.random(n), side="right"), len(labels) - 1)


def coded(labels: tuple[str, ...], positions: np.ndarray) -> pl.Series:
    """Text of labels by their position."""
    return pl.Series(labels, dtype=pl.String).gather(pl.Series(positions, dtype=pl.Int64))
