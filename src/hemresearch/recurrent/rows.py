"""Rows (entry, time] of patients whose event may happen again, read and checked."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..columns import Column, Columns, read_table
from ..errors import DataError, counted, warn
from ..events import read_event
from ..options import Missing
from ..outcomes import Rows, Survival, observations, one_patient_at_a_time

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Recurrent(Survival):
    """Counting-process rows of a recurrent event.

    `terminal` is whether the patient died (or could have no more events for another reason) at the end of the
    row; `continued` whether another row of the same patient and group begins there.
    """

    terminal: np.ndarray
    continued: np.ndarray

    def take(self: Rows, keep: np.ndarray) -> Rows:
        """The rows of a mask or an index."""
        assert isinstance(self, Recurrent)
        return replace(
            Survival.take(self, keep), terminal=self.terminal[keep], continued=self.continued[keep]
        )

    def is_late(self) -> bool:
        """Whether some patient was not observed from time 0."""
        assert self.patient is not None
        begins = np.full(int(self.patient.max()) + 1, np.inf)
        np.minimum.at(begins, self.patient, 0.0 if self.entry is None else self.entry)
        return bool((begins[self.patient] > 0).any())

    def event_numbers(self) -> np.ndarray:
        """The number of the event that the patient is at risk of in each row: 1 until one has happened."""
        assert self.patient is not None
        order = np.lexsort((self.time, self.patient))
        owner, happened = self.patient[order], self.event[order]
        before = np.cumsum(happened) - happened
        first = np.append(True, owner[1:] != owner[:-1])
        number = np.empty(len(self), dtype=np.intp)
        number[order] = 1 + before - before[first][np.cumsum(first) - 1]
        return number


def read_recurrent(
    data: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any,
    entry: Column | None,
    id: Column,
    missing: Missing,
    terminal: Column | None = None,
    by: Columns = None,
    strata: Columns = None,
    covariates: Sequence[Column] | None = None,
    offset: Column | None = None,
    weights: Column | None = None,
    cluster: Column | None = None,
) -> Recurrent:
    """Read rows of patients with at most one event each, at its end."""
    if id is None:
        raise DataError(
            "None was given, so that no two events are known to be of one patient",
            argument="id",
            expected="the column that identifies the patients",
            remedy="id='patient'",
        )
    roles: dict[str, Columns] = {
        "time": time, "event": event, "entry": entry, "id": id, "terminal": terminal, "by": by,
        "strata": strata, "covariates": covariates, "offset": offset, "weights": weights, "cluster": cluster,
    }  # fmt: skip
    table = read_table(data, roles, missing=missing)
    rows = observations(table, read_event(table, event_value))
    shared = {f.name: getattr(rows, f.name) for f in fields(Survival)}
    nobody = np.zeros(len(rows), dtype=bool)
    died = read_event(table, role="terminal") if "terminal" in table else nobody
    y = Recurrent(**shared, terminal=died, continued=nobody).weighted()
    return _followed(one_patient_at_a_time(y, False))


def _followed(y: Recurrent) -> Recurrent:
    """The rows with what follows each; rows after death are refused, and gaps are told."""
    assert y.patient is not None
    start = np.zeros(len(y)) if y.entry is None else y.entry
    order = np.lexsort((y.time, y.patient))
    this, following = order[:-1], order[1:]
    same = y.patient[this] == y.patient[following]
    _refuse_after_death(y, this[same & y.terminal[this]])
    _warn_of_gaps(y, following[same & (start[following] > y.time[this])])
    continued = np.zeros(len(y), dtype=bool)
    continued[this] = (
        same & (start[following] == y.time[this]) & (y.group.code[this] == y.group.code[following])
    )
    return replace(y, continued=continued)


def _refuse_after_death(y: Recurrent, rows: np.ndarray) -> None:
    if not len(rows):
        return
    raise DataError(
        f"is true in {counted(len(rows), 'row')} after which the patient has another one",
        argument="terminal",
        column=y.names["terminal"],
        rows=np.sort(y.positions(_mask(y, rows))),
        expected="true in the last row of a patient who died at its end, false in all others",
        remedy="data.filter(...) to the rows until death, once they have been looked at",
    )


def _warn_of_gaps(y: Recurrent, rows: np.ndarray) -> None:
    if not len(rows):
        return
    warn(
        f"begins in {counted(len(rows), 'row')} later than the patient's row before has ended: in between "
        "they are taken as not observed",
        argument="entry",
        column=y.names["entry"],
        rows=np.sort(y.positions(_mask(y, rows))),
        expected="rows of a patient that follow each other without gaps, unless nobody would have known",
        remedy="rows for the time in between, if the patient was under observation",
    )


def _mask(y: Recurrent, rows: np.ndarray) -> np.ndarray:
    at_fault = np.zeros(len(y), dtype=bool)
    at_fault[rows] = True
    return at_fault
