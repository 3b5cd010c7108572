"""Counts of periods in their order in time, and what they are counted from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import group_rows, read_number, read_table
from ..errors import DataError, counted
from ..events import read_counts
from ..outcomes import read_duration
from .totals import refuse_person_time

if TYPE_CHECKING:
    from ..columns import Column, Columns, Table
    from ..options import Missing

SIZES = ("n", "person_time", "expected")


@dataclass(frozen=True, slots=True, eq=False)
class Periods:
    """One value per period, in the order of time; `size` is 1 where the counts stand for themselves."""

    time: pl.Series
    events: np.ndarray
    size: np.ndarray
    kind: str | None
    baseline: np.ndarray
    names: dict[str, str]
    n_dropped: int

    def __len__(self) -> int:
        return len(self.events)

    @property
    def centre(self) -> float:
        """Events per size in the baseline."""
        return float(self.events[self.baseline].sum() / self.size[self.baseline].sum())

    def frame(self) -> pl.DataFrame:
        """The time of each period, its size and its events."""
        size = [] if self.kind is None else [pl.Series(self.kind, self.size)]
        size = [s.cast(pl.Int64) for s in size] if self.kind == "n" else size
        counts = pl.Series("n_event", self.events).cast(pl.Int64)
        return pl.DataFrame([self.time.alias("time"), *size, counts])


def read_periods(
    data: Any,
    *,
    time: Column,
    events: Column,
    sizes: dict[str, Column | None],
    baseline: Any,
    missing: Missing,
) -> Periods:
    """Read the rows and add them up in each period; `baseline` is the last period of the baseline."""
    kind = _kind([name for name, column in sizes.items() if column is not None])
    roles: dict[str, Columns] = {"time": time, "events": events, **sizes}
    table = read_table(data, roles, missing=missing)
    _refuse_unordered(table)
    group, count = group_rows(table, "time"), read_counts(table)
    size = _read_size(table, kind, count)
    total = np.bincount(group.code, size, len(group)) if kind else np.ones(len(group))
    when = group.levels.to_series()
    periods = Periods(
        time=when,
        events=np.bincount(group.code, count, len(group)),
        size=total,
        kind=kind,
        baseline=_in_baseline(when, baseline),
        names={role: names[0] for role, names in table.names.items() if names},
        n_dropped=table.n_dropped,
    )
    _refuse_periods(periods)
    return periods


def _kind(given: list[str]) -> str | None:
    if len(given) < 2:
        return given[0] if given else None
    raise DataError(
        f"{' and '.join(given)} were given",
        argument=given[1],
        expected="one size of the periods",
        remedy=f"{given[1]}=None",
    )


def _refuse_unordered(table: Table) -> None:
    """Periods are dates or numbers; words have no order in time."""
    dtype = table.series("time").dtype
    if dtype.is_numeric() or dtype.is_temporal():
        return
    raise DataError(
        f"holds {dtype}, which has no order in time",
        argument="time",
        column=table.name("time"),
        expected="dates or numbers of periods",
        remedy=f"time=pl.col({table.name('time')!r}).str.to_date()",
    )


def _read_size(table: Table, kind: str | None, count: np.ndarray) -> np.ndarray:
    """What the events of every row are compared with."""
    if kind == "person_time":
        time = read_duration(table, "person_time")[0]
        refuse_person_time(table, count, time)
        return time
    if kind == "expected":
        size = read_number(table, "expected", what="expected numbers of events", example="expected='e'")
        bad, found = ~(np.isfinite(size) & (size >= 0)), "negative or infinite in"
    elif kind == "n":
        size = read_counts(table, "n")
        bad, found = count > size, "fewer than the events in"
    else:
        return np.ones(len(count))
    if bad.any():
        raise DataError(
            f"is {found} {counted(int(bad.sum()), 'row')}",
            argument=str(kind),
            column=table.name(str(kind)),
            rows=table.positions(bad),
            expected="no more events than n" if kind == "n" else "expected numbers of 0 or more",
            remedy="person_time=... where one may have several" if kind == "n" else "data.filter(...)",
        )
    return size


def _in_baseline(when: pl.Series, baseline: Any) -> np.ndarray:
    """The periods up to and including the last one of the baseline; all of them if none is declared."""
    if baseline is None:
        return np.ones(len(when), dtype=bool)
    try:
        inside = (when <= baseline).to_numpy()
    except (TypeError, AttributeError, NotImplementedError, pl.exceptions.PolarsError):
        inside = np.zeros(len(when), dtype=bool)
    if inside.sum() < 2:
        raise DataError(
            f"leaves {counted(int(inside.sum()), 'period')} in the baseline",
            argument="baseline",
            expected="the last period of a baseline of two or more, in the type of time=",
            remedy=f"baseline={when[len(when) // 2]!r}",
        )
    return inside


def _refuse_periods(p: Periods) -> None:
    if len(p) < 2:
        raise DataError(
            f"holds {counted(len(p), 'period')}",
            argument="time",
            column=p.names["time"],
            expected="two periods or more, better twenty",
            remedy="hem.epidemiology.rate(...) for one period",
        )
    empty = p.size <= 0
    if empty.any():
        raise DataError(
            f"adds up to 0 in {counted(int(empty.sum()), 'period')}",
            argument=str(p.kind),
            column=p.names[str(p.kind)],
            expected="a size above 0 of every period",
            remedy=f"data.filter(pl.col({p.names[str(p.kind)]!r}) > 0)",
        )
