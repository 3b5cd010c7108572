"""Rows of counts, what they are counted from, and their covariates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import as_frame, read_table
from ..design import covariate_columns
from ..errors import DataError, counted
from ..events import read_counts
from ..outcomes import code_of, read_duration, read_offset
from .totals import refuse_person_time

if TYPE_CHECKING:
    from ..columns import Column, Table
    from ..design import Covariates
    from ..options import Missing


@dataclass(frozen=True, slots=True, eq=False)
class CountRows:
    """Counts, and the logarithm of what they are counted from: person-time (if given) and offset."""

    count: np.ndarray
    log_exposure: np.ndarray
    person_time: np.ndarray | None
    cluster: np.ndarray | None
    covariates: pl.DataFrame
    row: np.ndarray | None
    n_dropped: int
    names: dict[str, str]
    time_unit: str | None

    def __len__(self) -> int:
        return len(self.count)

    @property
    def patient(self) -> np.ndarray:
        """A number for each row: counts do not know of patients."""
        return np.arange(len(self))

    @property
    def is_binary(self) -> bool:
        """Whether nothing happened more than once in a row."""
        return bool((self.count <= 1).all())

    def positions(self, at_fault: np.ndarray) -> np.ndarray:
        """Where the rows of a mask stand in the user's data."""
        index = np.flatnonzero(at_fault)
        return index if self.row is None else self.row[index]


def read_count_rows(
    data: Any,
    covariates: Covariates,
    *,
    events: Column,
    person_time: Column | None,
    offset: Column | None,
    cluster: Column | None,
    missing: Missing,
) -> CountRows:
    """Read the rows; each has some person-time, and something happened in one of them."""
    frame = as_frame(data)
    columns = covariate_columns(covariates, frame)
    table = read_table(
        frame,
        {
            "events": events, "person_time": person_time, "offset": offset, "cluster": cluster,
            "covariates": columns,
        },
        missing=missing,
    )  # fmt: skip
    count, added = read_counts(table), read_offset(table)
    log, time, unit = np.zeros(len(count)), None, None
    if "person_time" in table:
        time, unit = read_person_time(table, count)
        log = np.log(time)
    rows = CountRows(
        count=count,
        log_exposure=log if added is None else log + added,
        person_time=time,
        cluster=code_of(table, "cluster"),
        covariates=table.several("covariates") if "covariates" in table else pl.DataFrame(),
        row=table.row,
        n_dropped=table.n_dropped,
        names={role: names[0] for role, names in table.names.items() if names},
        time_unit=unit,
    )
    _refuse_no_events(rows)
    return rows


def read_persons(rows: CountRows) -> np.ndarray:
    """The persons of each row, of whom the events are some: 1 where none are given."""
    name, given = rows.names.get("person_time"), rows.person_time
    persons = np.ones(len(rows)) if given is None else given
    bad = (persons != np.floor(persons)) | (persons < rows.count)
    if bad.any():
        found = "not whole or fewer than the events" if name else "above 1, the persons of a row,"
        raise DataError(
            f"{'holds persons that are' if name else 'holds counts'} {found} in "
            f"{counted(int(bad.sum()), 'row')}",
            argument="person_time" if name else "events",
            column=name or rows.names["events"],
            rows=rows.positions(bad),
            expected="the number of persons of each row, no fewer than the events",
            remedy="family='poisson', for events per person-time",
        )
    if (persons == rows.count).all():
        raise DataError(
            "happened to everybody",
            argument="events",
            column=rows.names["events"],
            expected="persons without the event too",
            remedy="hem.epidemiology.proportion(...), whose limits hold at a risk of 1",
        )
    return persons


def read_person_time(table: Table, count: np.ndarray) -> tuple[np.ndarray, str | None]:
    """Person-time above 0 in every row."""
    time, unit = read_duration(table, "person_time")
    refuse_person_time(table, count, time)
    empty = time == 0
    if empty.any():
        raise DataError(
            f"is 0 in {counted(int(empty.sum()), 'row')}, in which nothing could be seen",
            argument="person_time",
            column=table.name("person_time"),
            rows=table.positions(empty),
            expected="person-time above 0 in every row",
            remedy=f"data.filter(pl.col({table.name('person_time')!r}) > 0), which loses no event",
        )
    return time, unit


def _refuse_no_events(rows: CountRows) -> None:
    if rows.count.any():
        return
    raise DataError(
        f"tells of no events in {counted(len(rows), 'row')}",
        argument="events",
        column=rows.names["events"],
        expected="at least one event, and better ten for each coefficient",
        remedy="hem.epidemiology.rate(...) for an upper limit of the rate",
    )
