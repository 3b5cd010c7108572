"""Interval-censored outcomes: columns of a table as checked bounds of each event time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .columns import Column, Columns, Groups, Table, group_rows, read_table
from .errors import DataError, counted
from .numerics.ties import round_ties
from .options import Missing, check_choice
from .outcomes import TIMES, code_of, read_duration, read_offset, read_weights, refuse_times, time_tolerance

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, eq=False)
class Interval:
    """Interval-censored observations: the event lies in (left, right], or at left where both are equal.

    `left` is 0 for left-censored (where `open` is true) and `right` infinite for right-censored observations.
    """

    left: np.ndarray
    right: np.ndarray
    open: np.ndarray
    weight: np.ndarray | None
    group: Groups
    row: np.ndarray | None
    n_dropped: int
    names: dict[str, str]
    time_unit: str | None
    stratum: Groups
    cluster: np.ndarray | None
    covariates: pl.DataFrame
    offset: np.ndarray | None

    def __len__(self) -> int:
        return len(self.left)

    def positions(self, at_fault: np.ndarray) -> np.ndarray:
        """Where the rows of a mask stand in the user's data."""
        index = np.flatnonzero(at_fault)
        return index if self.row is None else self.row[index]

    def uses_robust_variance(self, robust: bool | None) -> bool:
        """Whether the variance is robust: as asked, else with clusters and for non-integer weights."""
        if robust is not None:
            return bool(check_choice(robust, (True, False), argument="robust"))
        fractional = self.weight is not None and not np.array_equal(self.weight, np.round(self.weight))
        return self.cluster is not None or fractional


def read_interval(
    data: Any,
    *,
    left: Column,
    right: Column,
    by: Columns = None,
    strata: Columns = None,
    covariates: Sequence[Column] | None = None,
    offset: Column | None = None,
    weights: Column | None = None,
    cluster: Column | None = None,
    missing: Missing = "raise",
) -> Interval:
    """Read interval-censored times: a missing `left` is left-censored, a missing `right` right-censored.

    An infinite end is a missing one. Rows with both ends missing say nothing about the time; they are
    missing values. Rows of weight 0 are nobody.
    """
    roles: dict[str, Columns] = {
        "left": left, "right": right, "by": by, "strata": strata, "covariates": covariates,
        "offset": offset, "weights": weights, "cluster": cluster,
    }  # fmt: skip
    table = _open_ends(read_table(data, roles, missing=missing, nullable=("left", "right")))
    table = _settle_unbounded(table, missing)
    weight = read_weights(table)
    if weight is not None and not weight.all():
        table, weight = _kept(table, weight > 0), weight[weight > 0]
    low, high, unit = _read_bounds(table)
    return Interval(
        left=low,
        right=high,
        open=table.series("left").is_null().to_numpy(),
        weight=weight,
        group=group_rows(table),
        row=table.row,
        n_dropped=table.n_dropped,
        names={role: names[0] for role, names in table.names.items() if names},
        time_unit=unit,
        stratum=group_rows(table, "strata"),
        cluster=code_of(table, "cluster"),
        covariates=table.several("covariates") if "covariates" in table else pl.DataFrame(),
        offset=read_offset(table),
    )


def _open_ends(table: Table) -> Table:
    """The table with an infinite end as a missing one, and an end that is missing throughout as a number."""
    frame = table.frame
    for key, sign in (("left.0", -1), ("right.0", 1)):
        series = frame[key]
        if series.dtype == pl.Null:
            frame = frame.with_columns(pl.col(key).cast(pl.Float64))
        elif series.dtype.is_float():
            missing = pl.col(key).is_infinite() & (pl.col(key) * sign > 0)
            frame = frame.with_columns(
                pl.when(missing | pl.col(key).is_nan()).then(None).otherwise(key).alias(key)
            )
    return replace(table, frame=frame)


def _settle_unbounded(table: Table, missing: Missing) -> Table:
    """Rows without either end are refused, or left out and counted."""
    unbounded = (table.series("left").is_null() & table.series("right").is_null()).to_numpy()
    if not unbounded.any():
        return table
    if missing == "raise" or unbounded.all():
        raise DataError(
            f"and right={table.name('right')!r} are both missing in {counted(int(unbounded.sum()), 'row')}",
            argument="left",
            column=table.name("left"),
            rows=table.positions(unbounded),
            expected="at least one end in every row" if missing == "raise" else "at least one complete row",
            remedy='missing="drop" to leave those rows out and have them counted'
            if missing == "raise"
            else "hem.cohort.missingness(data) to see where they are",
        )
    return replace(_kept(table, ~unbounded), n_dropped=table.n_dropped + int(unbounded.sum()))


def _kept(table: Table, mask: np.ndarray) -> Table:
    """The rows of a mask."""
    return replace(table, frame=table.frame.filter(pl.Series(mask)), row=table.positions(mask))


def _read_bounds(table: Table) -> tuple[np.ndarray, np.ndarray, str | None]:
    """Left ends (0 where missing), right ends (infinite where missing), and the unit durations gave them."""
    bounds, units = zip(*(read_duration(table, role) for role in ("left", "right")), strict=True)
    known = [np.isfinite(bound).any() for bound in bounds]
    if units[0] != units[1] and all(known):
        raise DataError(
            f"and left={table.name('left')!r} are not both durations",
            argument="right",
            column=table.name("right"),
            expected="left and right of the same kind and unit",
            remedy="pl.col(...) / pl.duration(days=1) for the one of them that is a duration",
        )
    low, high = np.nan_to_num(bounds[0], nan=0.0), np.nan_to_num(bounds[1], nan=np.inf, posinf=np.inf)
    for role, values in zip(("left", "right"), bounds, strict=True):
        refuse_times(table, role, values < 0, "has {} below zero", TIMES)
    refuse_times(
        table, "right", high < low, f"has {{}} before the left end {table.name('left')!r}", "left <= right"
    )
    finite = np.isfinite(high)
    ends, starts = round_ties(np.where(finite, high, 0.0), low, time_tolerance(table, ("left", "right")))
    assert starts is not None
    return starts, np.where(finite, ends, np.inf), units[0] or units[1]
