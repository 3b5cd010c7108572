"""Observed events beside those expected at reference rates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import Groups, Table, as_frame, group_rows, read_number, read_table
from ..errors import DataError, counted
from ..events import read_counts
from ..options import Missing
from ..outcomes import read_duration
from .totals import in_groups, refuse_person_time

if TYPE_CHECKING:
    from ..columns import Column, Columns

RATE = "rate"


@dataclass(frozen=True, slots=True, eq=False)
class ExpectedCounts:
    """Observed and expected events of every group."""

    observed: np.ndarray
    expected: np.ndarray
    group: Groups
    names: dict[str, str]
    n_dropped: int


def read_expected(
    data: Any,
    *,
    events: Column,
    expected: Column | None,
    person_time: Column | None,
    strata: Columns,
    rates: Any,
    by: Columns,
    missing: Missing,
) -> ExpectedCounts:
    """Read observed events, and expected ones from a column or from rates; each group expects some."""
    from_rates = [person_time is not None, strata is not None, rates is not None]
    if (expected is not None) == any(from_rates) or (any(from_rates) and not all(from_rates)):
        raise DataError(
            "both forms were mixed" if expected is not None else "the expected events were not given",
            argument="expected",
            expected="a column of expected events; or person_time, strata and rates, a table of them",
            remedy="expected='expected', or person_time='years', strata=['sex', 'age'], rates=reference",
        )
    roles: dict[str, Columns] = {
        "events": events, "expected": expected, "person_time": person_time, "strata": strata, "by": by,
    }  # fmt: skip
    table = read_table(data, roles, missing=missing)
    count, group = read_counts(table), group_rows(table)
    values = _read_column(table) if expected is not None else _from_rates(table, count, rates)
    e = ExpectedCounts(
        observed=np.bincount(group.code, count, len(group)),
        expected=np.bincount(group.code, values, len(group)),
        group=group,
        names={role: names[0] for role, names in table.names.items() if names},
        n_dropped=table.n_dropped,
    )
    _refuse_nothing_expected(e)
    return e


def _read_column(table: Table) -> np.ndarray:
    values = read_number(table, "expected", what="expected numbers of events", example="expected='expected'")
    bad = ~(np.isfinite(values) & (values >= 0))
    if bad.any():
        raise DataError(
            f"has {counted(int(bad.sum()), 'value')} that are negative or infinite",
            argument="expected",
            column=table.name("expected"),
            rows=table.positions(bad),
            expected="expected numbers of events, of 0 or more",
            remedy="person-time multiplied by reference rates",
        )
    return values


def _from_rates(table: Table, count: np.ndarray, rates: Any) -> np.ndarray:
    """Person-time of each row times the reference rate of its stratum."""
    time = read_duration(table, "person_time")[0]
    refuse_person_time(table, count, time)
    names = list(table.names["strata"])
    given = as_frame(rates).lazy().collect()
    lacking = [name for name in [*names, RATE] if name not in given.columns]
    if lacking:
        raise DataError(
            f"lacks {', '.join(map(repr, lacking))}",
            argument="rates",
            expected=f"a table with the columns {', '.join(map(repr, names))} and {RATE!r}",
            remedy=f"rates.rename({{...: {lacking[0]!r}}})",
        )
    return time * _matched_rates(table, names, _checked_rates(given, names))


def _checked_rates(given: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Labels as text and rates, one row per stratum, rates of 0 or more."""
    table = given.select(*(pl.col(name).cast(pl.String) for name in names), pl.col(RATE).cast(pl.Float64))
    twice = table.select(names).is_duplicated()
    usable = table.select((pl.col(RATE).is_finite() & (pl.col(RATE) >= 0)).fill_null(False)).to_series()
    if twice.any() or not usable.all():
        found = (
            f"{counted(int(twice.sum()), 'row')} of the same strata"
            if twice.any()
            else f"{counted(int((~usable).sum()), 'rate')} that are missing, negative or infinite"
        )
        raise DataError(
            f"holds {found}",
            argument="rates",
            expected="one rate of 0 or more for each stratum, per unit of person_time",
            remedy=f"rates.group_by({names!r}).agg(...)"
            if twice.any()
            else f"rates.filter(pl.col({RATE!r}) >= 0), and data without the other strata",
        )
    return table


def _matched_rates(table: Table, names: list[str], rates: pl.DataFrame) -> np.ndarray:
    rows = table.several("strata").select(pl.all().cast(pl.String))
    found = rows.join(rates, on=names, how="left", maintain_order="left")[RATE]
    unknown = found.is_null().to_numpy()
    if unknown.any():
        raise DataError(
            f"has {counted(int(unknown.sum()), 'row')} in strata that the reference rates do not have",
            argument="strata",
            column=table.name("strata"),
            rows=table.positions(unknown),
            expected="a reference rate for each stratum of the data",
            remedy="the levels of the data as they are written in the rates, such as 60 and not '60-64'",
        )
    return found.to_numpy()


def _refuse_nothing_expected(e: ExpectedCounts) -> None:
    none = e.expected <= 0
    if none.any():
        raise DataError(
            f"adds up to 0{in_groups(e.group, none)}: nothing is expected there, and no ratio exists",
            argument="expected" if "expected" in e.names else "rates",
            column=e.names.get("expected"),
            expected="some expected events in every group",
            remedy="data.filter(...) to the groups in which something is expected",
        )
