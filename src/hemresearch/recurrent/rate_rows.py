"""Counts of events and the person-time in which they were seen, from totals or from rows of follow-up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import Column, Columns, Groups, group_rows, read_table
from ..errors import DataError, counted
from ..events import read_counts
from ..options import Missing
from ..outcomes import code_of, read_duration, read_survival, refuse_times

if TYPE_CHECKING:
    from collections.abc import Sequence

TWO_FORMS = "events and person_time (counts), or time, event and entry (rows of follow-up)"


@dataclass(frozen=True, slots=True, eq=False)
class Exposure:
    """Counts of events with the person-time of each row.

    `patient` numbers the patients, `cluster` (None where none was given) what groups them; `row` are
    positions in the user's data. `argument` is that of the person-time.
    """

    count: np.ndarray
    person_time: np.ndarray
    patient: np.ndarray
    cluster: np.ndarray | None
    group: Groups
    covariates: pl.DataFrame
    row: np.ndarray | None
    n_dropped: int
    names: dict[str, str]
    time_unit: str | None
    argument: str

    def __len__(self) -> int:
        return len(self.count)

    def positions(self, at_fault: np.ndarray) -> np.ndarray:
        """Where the rows of a mask stand in the user's data."""
        index = np.flatnonzero(at_fault)
        return index if self.row is None else self.row[index]

    def totals(self) -> Exposure:
        """One row for each patient in each group with each set of covariates."""
        keys = pl.DataFrame({"patient": self.patient, "group": self.group.code})
        if self.cluster is not None:
            keys = keys.with_columns(cluster=pl.Series(self.cluster))
        values = self.covariates.rename(
            {name: f"covariate {i}" for i, name in enumerate(self.covariates.columns)}
        )
        frame = pl.concat([keys, values], how="horizontal") if values.width else keys
        summed = frame.with_columns(events=pl.Series(self.count), time=pl.Series(self.person_time))
        total = summed.group_by(frame.columns, maintain_order=True).agg(pl.col("events", "time").sum())
        return Exposure(
            count=total["events"].to_numpy(),
            person_time=total["time"].to_numpy(),
            patient=total["patient"].to_numpy(),
            cluster=None if self.cluster is None else total["cluster"].to_numpy(),
            group=Groups(self.group.levels, total["group"].to_numpy()),
            covariates=total.select(values.columns).rename(
                dict(zip(values.columns, self.covariates.columns, strict=True))
            ),
            row=None,
            n_dropped=self.n_dropped,
            names=self.names,
            time_unit=self.time_unit,
            argument=self.argument,
        )


def read_exposure(
    data: Any,
    *,
    events: Column | None,
    person_time: Column | None,
    time: Column | None,
    event: Column | None,
    event_value: Any,
    entry: Column | None,
    id: Column | None,
    missing: Missing,
    by: Columns = None,
    covariates: Sequence[Column] | None = None,
    cluster: Column | None = None,
) -> Exposure:
    """Read either form of the data; every row has some person-time."""
    totals, rows = (events, person_time), (time, event, entry)
    given = tuple(any(role is not None for role in form) for form in (totals, rows))
    complete = all(role is not None for role in totals), time is not None and event is not None
    if given == (True, False) and complete[0]:
        e = _from_totals(data, events, person_time, id, by, covariates, cluster, missing)
    elif given == (False, True) and complete[1]:
        e = _from_rows(data, time, event, event_value, entry, id, by, covariates, cluster, missing)  # type: ignore[arg-type]
    else:
        raise DataError(
            "both forms were mixed" if all(given) else "the events or their person-time were not given",
            argument="events",
            expected=f"one form of the data: {TWO_FORMS}",
            remedy="events='bleeds', person_time='years'",
        )
    empty = e.person_time <= 0
    if empty.any():
        raise DataError(
            f"leaves {counted(int(empty.sum()), 'row')} without person-time, in which nothing could be seen",
            argument=e.argument,
            column=e.names[e.argument],
            rows=e.positions(empty),
            expected="person-time above 0 in every row",
            remedy="data.filter(...) to the rows with follow-up, once the others have been looked at",
        )
    return e


def _from_totals(
    data: Any,
    events: Column | None,
    person_time: Column | None,
    id: Column | None,
    by: Columns,
    covariates: Sequence[Column] | None,
    cluster: Column | None,
    missing: Missing,
) -> Exposure:
    roles: dict[str, Columns] = {
        "events": events, "person_time": person_time, "id": id, "by": by, "covariates": covariates,
        "cluster": cluster,
    }  # fmt: skip
    table = read_table(data, roles, missing=missing)
    exposure, unit = read_duration(table, "person_time")
    refuse_times(table, "person_time", exposure < 0, "has {} below zero", "person-time above 0")
    patient = code_of(table, "id")
    return Exposure(
        count=read_counts(table),
        person_time=exposure,
        patient=np.arange(len(exposure)) if patient is None else patient,
        cluster=code_of(table, "cluster"),
        group=group_rows(table),
        covariates=table.several("covariates") if "covariates" in table else pl.DataFrame(),
        row=table.row,
        n_dropped=table.n_dropped,
        names={role: names[0] for role, names in table.names.items() if names},
        time_unit=unit,
        argument="person_time",
    )


def _from_rows(
    data: Any,
    time: Column,
    event: Column,
    event_value: Any,
    entry: Column | None,
    id: Column | None,
    by: Columns,
    covariates: Sequence[Column] | None,
    cluster: Column | None,
    missing: Missing,
) -> Exposure:
    y = read_survival(
        data, time=time, event=event, event_value=event_value, entry=entry, id=id, by=by,
        covariates=covariates, cluster=cluster, join=False, missing=missing,
    )  # fmt: skip
    return Exposure(
        count=y.event.astype(float),
        person_time=y.time if y.entry is None else y.time - y.entry,
        patient=np.arange(len(y)) if y.patient is None else y.patient,
        cluster=y.cluster,
        group=y.group,
        covariates=y.covariates,
        row=y.row,
        n_dropped=y.n_dropped,
        names=y.names,
        time_unit=y.time_unit,
        argument="time",
    )
