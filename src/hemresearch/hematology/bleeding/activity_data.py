"""Measurements of factor activity, read with their assay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ...columns import Column, Columns, Groups, Table, as_frame, group_rows, read_number, read_table
from ...errors import DataError, counted
from ...options import Missing
from ...outcomes import code_of, read_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

ONE_ASSAY = "one assay"


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Measurements: patient, time, activity, and the group of each, an assay in it."""

    patient: np.ndarray
    time: np.ndarray
    activity: np.ndarray
    group: Groups
    table: Table
    time_unit: str | None

    @property
    def schema(self) -> dict[str, Any]:
        """The grouping columns of a result, the assay last."""
        return dict(self.group.levels.schema)

    def groups(self) -> Iterator[tuple[tuple[Any, ...], np.ndarray]]:
        """The labels and the rows of each group."""
        for g, labels in enumerate(self.group.levels.iter_rows()):
            yield labels, np.flatnonzero(self.group.code == g)


def read_activity(
    data: Any, id: Column, time: Column, activity: Column, assay: Column | None, by: Columns, missing: Missing
) -> Measured:
    """Read measurements of factor activity; assays are groups."""
    roles: dict[str, Columns] = {"id": id, "time": time, "activity": activity, "assay": assay, "by": by}
    table = read_table(as_frame(data), roles, missing=missing)
    values = read_number(table, "activity", what="factor activity in IU/dL", example="activity='fviii'")
    bad = ~(np.isfinite(values) & (values >= 0))
    if bad.any():
        raise DataError(
            f"has {counted(int(bad.sum()), 'value')} below 0 or infinite",
            argument="activity",
            column=table.name("activity"),
            rows=table.positions(bad),
            expected="factor activity of 0 or more, in IU/dL",
            remedy="data.filter(...) to look at the rows",
        )
    times, unit = read_duration(table, "time")
    patient = code_of(table, "id")
    if patient is None:
        raise DataError(
            "None was given",
            argument="id",
            expected="the column that identifies the patients",
            remedy="id='patient'",
        )
    return Measured(patient, times, values, _groups(table), table, unit)


def _groups(table: Table) -> Groups:
    """Each combination of `by` and assay that occurs, the assay as `assay`."""
    groups, assays = group_rows(table), group_rows(table, "assay")
    code = groups.code * len(assays) + assays.code
    both, first, place = np.unique(code, return_index=True, return_inverse=True)
    names = assays.levels.to_series()[both % len(assays)].cast(pl.String) if assays.names else None
    label = pl.Series("assay", [ONE_ASSAY] * len(both)) if names is None else names.alias("assay")
    levels = groups.levels[groups.code[first]] if groups.names else pl.DataFrame()
    if "assay" in levels.columns:
        raise DataError(
            "has the name of a column of the result",
            argument="by",
            column="assay",
            expected="the assay as assay=..., and other groups as by=...",
            remedy="assay='assay'",
        )
    return Groups(levels.with_columns(label) if levels.width else label.to_frame(), place)
