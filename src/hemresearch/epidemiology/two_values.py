"""Columns that say yes or no, and tables of two such columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import Groups, group_rows, read_table
from ..errors import DataError, counted, listed
from ..events import SHOWN_LEVELS, printable, read_counts, read_event
from ..options import Missing, suggestion
from ..outcomes import read_duration, read_weights
from .totals import in_groups, refuse_person_time

if TYPE_CHECKING:
    from ..columns import Column, Columns, Table


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """Two-by-two tables, one for every combination of group (`by`) and stratum.

    `n` exposed of whom `x` had the event, `n_0` unexposed of whom `x_0` had it: arrays [group, stratum].
    """

    x: np.ndarray
    n: np.ndarray
    x_0: np.ndarray
    n_0: np.ndarray
    group: Groups
    stratum: Groups
    names: dict[str, str]
    n_dropped: int

    @property
    def total(self) -> np.ndarray:
        """Patients."""
        return np.asarray(self.n + self.n_0)

    @property
    def n_event(self) -> np.ndarray:
        """Those of them who had the event."""
        return np.asarray(self.x + self.x_0)

    @property
    def margins(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """x, n, x_0 and n_0, as the kernels take them."""
        return self.x, self.n, self.x_0, self.n_0

    def of_group(self, g: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The same in the strata of one group that have both exposed and unexposed."""
        both = self.informative(g)
        return self.x[g, both], self.n[g, both], self.x_0[g, both], self.n_0[g, both]

    def informative(self, g: int) -> np.ndarray:
        """The strata of a group that have both exposed and unexposed."""
        return (self.n[g] > 0) & (self.n_0[g] > 0)


def read_tables(
    data: Any,
    *,
    exposure: Column,
    exposed: Any,
    event: Column,
    event_value: Any,
    by: Columns,
    strata: Columns,
    weights: Column | None,
    missing: Missing,
) -> Tables:
    """Read patients, or numbers of them (`weights`), into tables; each group has exposed and unexposed."""
    roles: dict[str, Columns] = {
        "exposure": exposure, "event": event, "by": by, "strata": strata, "weights": weights,
    }  # fmt: skip
    table = read_table(data, roles, missing=missing)
    is_exposed = read_yes(table, "exposure", exposed, declare="exposed")
    happened = read_event(table, event_value)
    group, stratum, size = group_rows(table), group_rows(table, "strata"), read_sizes(table)
    cells = count_cells(group, stratum, is_exposed, happened, size)
    tables = Tables(
        x=cells[..., 0],
        n=cells[..., 0] + cells[..., 1],
        x_0=cells[..., 2],
        n_0=cells[..., 2] + cells[..., 3],
        group=group,
        stratum=stratum,
        names={role: names[0] for role, names in table.names.items() if names},
        n_dropped=table.n_dropped,
    )
    refuse_one_sided(tables.n, tables.n_0, group, tables.names["exposure"])
    return tables


@dataclass(frozen=True, slots=True, eq=False)
class RateTables:
    """Events and person-time of exposed (`d`, `y`) and unexposed (`d_0`, `y_0`): arrays [group, stratum]."""

    d: np.ndarray
    y: np.ndarray
    d_0: np.ndarray
    y_0: np.ndarray
    group: Groups
    stratum: Groups
    names: dict[str, str]
    n_dropped: int

    @property
    def total(self) -> np.ndarray:
        """Person-time."""
        return np.asarray(self.y + self.y_0)

    @property
    def n_event(self) -> np.ndarray:
        """Events."""
        return np.asarray(self.d + self.d_0)

    def of_group(self, g: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Events and person-time in the strata of one group that saw both exposed and unexposed."""
        both = self.informative(g)
        return self.d[g, both], self.y[g, both], self.d_0[g, both], self.y_0[g, both]

    def informative(self, g: int) -> np.ndarray:
        """The strata of a group that saw both exposed and unexposed."""
        return (self.y[g] > 0) & (self.y_0[g] > 0)


def read_rate_tables(
    data: Any,
    *,
    exposure: Column,
    exposed: Any,
    events: Column,
    person_time: Column,
    by: Columns,
    strata: Columns,
    missing: Missing,
) -> RateTables:
    """Read events and person-time into tables; each group has both exposed and unexposed."""
    roles: dict[str, Columns] = {
        "exposure": exposure, "events": events, "person_time": person_time, "by": by, "strata": strata,
    }  # fmt: skip
    table = read_table(data, roles, missing=missing)
    is_exposed = read_yes(table, "exposure", exposed, declare="exposed")
    count, (time, _) = read_counts(table), read_duration(table, "person_time")
    refuse_person_time(table, count, time)
    group, stratum = group_rows(table), group_rows(table, "strata")
    cell = (group.code * len(stratum) + stratum.code) * 2 + ~is_exposed
    shape = (len(group), len(stratum), 2)
    d, y = (np.bincount(cell, part, minlength=int(np.prod(shape))).reshape(shape) for part in (count, time))
    tables = RateTables(
        d=d[..., 0],
        y=y[..., 0],
        d_0=d[..., 1],
        y_0=y[..., 1],
        group=group,
        stratum=stratum,
        names={role: names[0] for role, names in table.names.items() if names},
        n_dropped=table.n_dropped,
    )
    refuse_one_sided(tables.y, tables.y_0, group, tables.names["exposure"])
    return tables


def count_cells(
    group: Groups, stratum: Groups, first: np.ndarray, second: np.ndarray, size: np.ndarray
) -> np.ndarray:
    """Patients [group, stratum, cell]: both true, the first alone, the second alone, neither."""
    cell = (group.code * len(stratum) + stratum.code) * 4 + 2 * ~first + ~second
    shape = (len(group), len(stratum), 4)
    return np.bincount(cell, size, minlength=int(np.prod(shape))).reshape(shape)


def read_yes(table: Table, role: str, value: Any, *, declare: str) -> np.ndarray:
    """A column of two values as Booleans: true/false, 1/0, or what the argument `declare` says is yes."""
    series, name = table.series(role), table.name(role)
    levels = series.unique().sort().to_list()
    if value is None and (series.dtype == pl.Boolean or (series.dtype.is_numeric() and {*levels} <= {0, 1})):
        return series.cast(pl.Float64).to_numpy() == 1
    texts = [str(level) for level in levels]
    may_be_shown = len(texts) <= SHOWN_LEVELS and printable(texts) == texts
    found = (
        f"holds {listed(map(repr, levels), SHOWN_LEVELS) if may_be_shown else counted(len(levels), 'value')}"
    )
    if value is None or len(levels) > 2:
        raise DataError(
            f"{found}, not two values" if len(levels) > 2 else f"{found}, and which means yes was not told",
            argument=role,
            column=name,
            expected=f"true/false, 1/0, or two values of which {declare}= names the one that means yes",
            remedy=f"{role}=(pl.col({name!r}) == ...).alias({name!r})"
            if len(levels) > 2 or not may_be_shown
            else f"{declare}={levels[-1]!r}",
        )
    chosen = [level for level in levels if level == value or str(level) == str(value)]
    if not chosen:
        raise DataError(
            f"never holds the declared value {value!r}; it {found}",
            argument=declare,
            column=name,
            expected=f"a value that occurs in the column; {suggestion(str(value), printable(texts))}",
            remedy=f"{declare}=... with one of them",
        )
    return (series == chosen[0]).to_numpy()


def read_sizes(table: Table) -> np.ndarray:
    """How many patients each row is: `weights`, which are whole numbers, or one."""
    weight = read_weights(table)
    if weight is None:
        return np.ones(table.frame.height)
    broken = weight != np.round(weight)
    if broken.any():
        raise DataError(
            f"has {counted(int(broken.sum()), 'value')} that are not whole numbers of patients",
            argument="weights",
            column=table.name("weights"),
            rows=table.positions(broken),
            expected="the number of patients that a row stands for",
            remedy="weights=None where a row is one patient",
        )
    return weight


def refuse_one_sided(n: np.ndarray, n_0: np.ndarray, group: Groups, column: str) -> None:
    """Refuse groups in which no stratum has both exposed and unexposed."""
    alone = np.asarray(~((n > 0) & (n_0 > 0)).any(axis=-1))
    if not alone.any():
        return
    raise DataError(
        f"leaves nobody to compare with{in_groups(group, alone)}: all are exposed, or none is",
        argument="exposure",
        column=column,
        expected="exposed and unexposed in every group, and in at least one stratum of it",
        remedy="data.filter(...) to the groups with both, or wider strata",
    )


def terms_frame(group: Groups, rows: dict[str, dict[str, np.ndarray]]) -> pl.DataFrame:
    """One row per group and term: columns of one value for each group, under every term; NaN becomes null."""
    place = np.arange(len(group))
    frames = [
        pl.DataFrame({"term": [term] * len(group), **columns}).with_columns(
            group=pl.Series(place), place=pl.lit(i)
        )
        for i, (term, columns) in enumerate(rows.items())
    ]
    table = pl.concat(frames).sort("group", "place")
    values = table.drop("group", "place").with_columns(pl.selectors.float().fill_nan(None))
    if not group.levels.width:
        return values
    return pl.concat([group.levels[table["group"].to_numpy()], values], how="horizontal")
