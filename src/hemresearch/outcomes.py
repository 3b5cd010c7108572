"""Outcomes: columns of a table as checked arrays that a kernel can trust.

Each reader accepts or refuses the data; behind it, times are finite, non-negative and rounded to
common ties, events are Booleans, and an observation is the interval (entry, time].
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import polars as pl

from .columns import Column, Columns, Groups, Table, group_rows, read_number, read_table
from .errors import DataError, counted
from .events import read_event
from .numerics.ties import FLOAT32_TOLERANCE, TOLERANCE, round_ties
from .options import Missing, check_choice

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDEST_OFFSET = 200.0
Rows = TypeVar("Rows", bound="Survival")
TIMES = "numeric, finite, non-negative times in one unit"


@dataclass(frozen=True, slots=True, eq=False)
class Survival:
    """Right-censored observations of one event, possibly with delayed entry.

    `entry`, `weight` and `cluster` are None where there are none; `patient` numbers the patients when
    `id` was given. `n_other` counts the values of the event column beside the one that was declared to be the
    event: two or more may be competing events. `row` are 0-based positions in the user's data (None: all
    rows, in order).
    """

    time: np.ndarray
    event: np.ndarray
    entry: np.ndarray | None
    weight: np.ndarray | None
    cluster: np.ndarray | None
    patient: np.ndarray | None
    group: Groups
    stratum: Groups
    covariates: pl.DataFrame
    row: np.ndarray | None
    n_dropped: int
    names: dict[str, str]
    time_unit: str | None
    score: np.ndarray | None = None
    offset: np.ndarray | None = None
    frailty: np.ndarray | None = None
    n_other: int = 0

    def __len__(self) -> int:
        return len(self.time)

    def weighted(self: Rows) -> Rows:
        """These observations without those of weight 0, who are nobody."""
        if self.weight is None or self.weight.all():
            return self
        y = self.take(self.weight > 0)
        return replace(y, group=y.group.occurring(), stratum=y.stratum.occurring())

    def take(self: Rows, keep: np.ndarray) -> Rows:
        """The observations of a mask or an index."""
        index = np.flatnonzero(keep) if keep.dtype == bool else keep

        def part(values: np.ndarray | None) -> np.ndarray | None:
            return None if values is None else values[index]

        return replace(
            self,
            time=self.time[index],
            event=self.event[index],
            entry=part(self.entry),
            weight=part(self.weight),
            cluster=part(self.cluster),
            patient=part(self.patient),
            group=Groups(self.group.levels, self.group.code[index]),
            stratum=Groups(self.stratum.levels, self.stratum.code[index]),
            covariates=self.covariates[index] if self.covariates.width else self.covariates,
            row=index if self.row is None else self.row[index],
            score=part(self.score),
            offset=part(self.offset),
            frailty=part(self.frailty),
        )

    def positions(self, at_fault: np.ndarray) -> np.ndarray:
        """Where the rows of a mask stand in the user's data."""
        index = np.flatnonzero(at_fault)
        return index if self.row is None else self.row[index]

    def uses_robust_variance(self, robust: bool | None) -> bool:
        """Whether the variance is robust: as asked, else where replication cannot be assumed.

        By default it is robust for non-integer weights, with clusters, and where a patient with
        several rows has more than one event (R's rule).
        """
        if robust is not None:
            return bool(check_choice(robust, (True, False), argument="robust"))
        if self.cluster is not None:
            return True
        if self.weight is not None and not np.array_equal(self.weight, np.round(self.weight)):
            return True
        return self.patient is not None and len(np.unique(self.patient[self.event])) < self.event.sum()


def read_survival(
    data: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    entry: Column | None = None,
    id: Column | None = None,
    by: Columns = None,
    strata: Columns = None,
    covariates: Sequence[Column] | None = None,
    score: Column | None = None,
    offset: Column | None = None,
    frailty: Column | None = None,
    weights: Column | None = None,
    cluster: Column | None = None,
    join: bool = True,
    missing: Missing = "raise",
) -> Survival:
    """Read one event per row, or counting-process rows (entry, time] of a patient with `id`.

    Rows of a patient that only split the follow-up are joined, unless `join` is False.
    """
    roles: dict[str, Columns] = {
        "time": time, "event": event, "entry": entry, "id": id, "by": by, "strata": strata,
        "covariates": covariates, "score": score, "offset": offset, "frailty": frailty, "weights": weights,
        "cluster": cluster,
    }  # fmt: skip
    table = read_table(data, roles, missing=missing)
    happened = read_event(table, event_value)
    y = observations(table, happened).weighted()
    if event_value is not None:
        y = replace(y, n_other=table.series("event").filter(pl.Series(~happened)).n_unique())
    return y if y.patient is None else one_patient_at_a_time(y, join)


def observations(table: Table, happened: np.ndarray) -> Survival:
    """The rows of a table as observations, one for each."""
    start, stop, unit = _read_times(table)
    return Survival(
        time=stop,
        event=happened,
        entry=start,
        weight=read_weights(table),
        cluster=code_of(table, "cluster"),
        patient=code_of(table, "id"),
        group=group_rows(table),
        stratum=group_rows(table, "strata"),
        covariates=table.several("covariates") if "covariates" in table else pl.DataFrame(),
        row=table.row,
        n_dropped=table.n_dropped,
        names={role: names[0] for role, names in table.names.items() if names},
        time_unit=unit,
        score=read_finite(table, "score", "one finite number for every row, higher for a shorter survival"),
        offset=read_offset(table),
        frailty=code_of(table, "frailty"),
    )


def require_whole_weights(
    y: Survival,
    method: str,
    remedy: str = "weights=None, or a method with a robust variance such as a weighted Kaplan-Meier curve",
) -> None:
    """Refuse weights that are not numbers of patients, for a method that needs each of them."""
    if y.weight is None or np.array_equal(y.weight, np.round(y.weight)):
        return
    raise DataError(
        f"has weights that are not whole numbers, and {method} counts patients one by one",
        argument="weights",
        column=y.names["weights"],
        rows=y.positions(y.weight != np.round(y.weight)),
        expected="whole case weights (2 is two patients)",
        remedy=remedy,
    )


def code_of(table: Table, role: str) -> np.ndarray | None:
    """The number of each row's group in a role; None where the role was not given."""
    return group_rows(table, role).code if role in table else None


def read_weights(table: Table) -> np.ndarray | None:
    """Case weights: finite and not negative; a weight of 0 is nobody."""
    if "weights" not in table:
        return None
    weight = read_number(table, "weights", what="numeric case weights", example="weights=None")
    bad = ~(np.isfinite(weight) & (weight >= 0))
    if bad.any() or not weight.any():
        raise DataError(
            f"has {counted(int(bad.sum()), 'value')} that are negative or infinite"
            if bad.any()
            else "is zero throughout",
            argument="weights",
            column=table.name("weights"),
            rows=table.positions(bad),
            expected="finite case weights of zero or more (weight 2 is two patients)",
            remedy=f"data.filter(pl.col({table.name('weights')!r}) > 0)",
        )
    return weight


def read_finite(table: Table, role: str, what: str) -> np.ndarray | None:
    """A finite number for every row."""
    if role not in table:
        return None
    values = read_number(table, role, what=what, example=f"{role}='a numeric column'")
    infinite = np.isinf(values)
    if not infinite.any():
        return values
    raise DataError(
        f"has {counted(int(infinite.sum()), 'value')} that are infinite",
        argument=role,
        column=table.name(role),
        rows=table.positions(infinite),
        expected=what,
        remedy=f"data.filter(pl.col({table.name(role)!r}).is_finite())",
    )


def read_offset(table: Table) -> np.ndarray | None:
    """An offset, of which exponentials must be numbers."""
    values = read_finite(table, "offset", "finite numbers, added to the linear predictor")
    if values is None or np.ptp(values) <= WIDEST_OFFSET:
        return values
    raise DataError(
        f"spreads over more than {WIDEST_OFFSET:g}, a factor beyond exp({WIDEST_OFFSET:g}) between risks",
        argument="offset",
        column=table.name("offset"),
        expected="what is added to the log hazard (or log time), such as the log of a rate ratio",
        remedy=f"pl.col({table.name('offset')!r}).log() if it holds a ratio, or the column as a covariate",
    )


def _read_times(table: Table) -> tuple[np.ndarray | None, np.ndarray, str | None]:
    """Entry (if any), time and the unit that durations gave them."""
    time, unit = read_duration(table, "time")
    refuse_times(table, "time", time < 0, "has {} below zero (negative times)", TIMES)
    if "entry" not in table:
        return None, round_ties(time, None, time_tolerance(table, ("time",)))[0], unit
    entry, entry_unit = read_duration(table, "entry")
    if unit != entry_unit:
        raise DataError(
            f"and time={table.name('time')!r} are not both durations",
            argument="entry",
            column=table.name("entry"),
            expected="entry and time of the same kind and unit",
            remedy="pl.col(...) / pl.duration(days=1) for the one of them that is a duration",
        )
    refuse_times(table, "entry", entry < 0, "has {} below zero (negative times)", TIMES)
    time, start = round_ties(time, entry, time_tolerance(table, ("time", "entry")))
    assert start is not None
    refuse_times(
        table, "entry", start >= time, f"has {{}} at or after the exit {table.name('time')!r}",
        "entry before time: an observation is the interval (entry, time]",
    )  # fmt: skip
    return start, time, unit


def read_duration(table: Table, role: str) -> tuple[np.ndarray, str | None]:
    """A column of times as float64 (missing as NaN), and "days" if it held durations."""
    series, name = table.series(role), table.name(role)
    if isinstance(series.dtype, pl.Duration):
        return (series.dt.total_microseconds() / 86_400e6).to_numpy(), "days"
    if series.dtype in (pl.Date, pl.Time) or isinstance(series.dtype, pl.Datetime):
        raise DataError(
            f"holds calendar dates ({series.dtype})",
            argument=role,
            column=name,
            expected=TIMES + " since a stated time zero",
            remedy=f"hem.times.durations(data, start='the date of time zero', stop={name!r}, unit='days')"
            + ("" if role == "time" else ", with the unit of time="),
        )
    values = read_number(table, role, what=TIMES, example=f"{role}='the column of times'")
    refuse_times(table, role, np.isinf(values), "has {} that are infinite", TIMES)
    return values, None


def refuse_times(table: Table, role: str, at_fault: np.ndarray, found: str, expected: str) -> None:
    """Refuse the rows at fault, if any, counted in the text of what was found."""
    if not at_fault.any():
        return
    name = table.name(role)
    raise DataError(
        found.format(counted(int(at_fault.sum()), "value")),
        argument=role,
        column=name,
        rows=table.positions(at_fault),
        expected=expected,
        remedy=f"data.filter(...) once the rows have been looked at, for example on pl.col({name!r})",
    )


def time_tolerance(table: Table, roles: tuple[str, ...]) -> float:
    """How near two times must be to be one, by the precision they are stored in."""
    single = any(table.series(role).dtype == pl.Float32 for role in roles)
    return FLOAT32_TOLERANCE if single else TOLERANCE


def one_patient_at_a_time(y: Rows, join: bool) -> Rows:
    """Check that a patient's rows do not overlap, and `join` those that only split the follow-up.

    A row that ends without an event where the same patient's next row begins is not a censoring.
    """
    assert y.patient is not None
    start = np.zeros(len(y)) if y.entry is None else y.entry
    order = in_order(y.patient, start, y.time)
    this, following = order[:-1], order[1:]
    same = y.patient[this] == y.patient[following]
    overlap = same & (start[following] < y.time[this])
    if overlap.any():
        rows = np.unique(np.concatenate([this[overlap], following[overlap]]))
        raise DataError(
            f"has rows of one patient that overlap in time ({counted(int(overlap.sum()), 'pair')})",
            argument="id",
            column=y.names["id"],
            rows=rows if y.row is None else y.row[rows],
            expected="rows (entry, time] of one patient that follow each other",
            remedy="entry=... with the time at which each row begins, "
            f"or cluster={y.names['id']!r} in the place of id for related rows",
        )
    if not join:
        return y
    joined = same & (start[following] == y.time[this]) & ~y.event[this] & _alike(y, this, following)
    if not joined.any():
        return y
    first = np.ones(len(y), dtype=bool)
    first[1:] = ~joined
    last = np.append(~joined, True)
    kept = y.take(order[last])
    return replace(kept, entry=None if y.entry is None else start[order[first]])


def in_order(*keys: np.ndarray) -> np.ndarray:
    """The rows in the order of the keys, the first one first; at no cost where they are so already."""
    tied = np.ones(len(keys[0]) - 1, dtype=bool)
    for key in keys:
        step = np.diff(key)
        if (tied & (step < 0)).any():
            return np.lexsort(keys[::-1])
        tied &= step == 0
    return np.arange(len(keys[0]))


def _alike(y: Survival, this: np.ndarray, following: np.ndarray) -> np.ndarray:
    """Whether two rows agree in everything but their times and events."""
    alike = (y.group.code[this] == y.group.code[following]) & (
        y.stratum.code[this] == y.stratum.code[following]
    )
    for values in (y.weight, y.cluster):
        if values is not None:
            alike &= values[this] == values[following]
    for column in y.covariates.get_columns():
        alike &= (column.gather(this) == column.gather(following)).to_numpy()
    return alike
