"""A list of dated events beside a table of dated follow-up: read by the day, and which belongs where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from ..columns import Column, as_frame, read_table
from ..errors import DataError, counted, listed, warn
from ..numerics.windows import overlapping, place_in
from ..times import check_dates, whole_days

if TYPE_CHECKING:
    from collections.abc import Mapping

Outside = Literal["raise", "drop"]
NO_DATE = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True, eq=False)
class Dated:
    """A table read by the day.

    `frame` holds all of its columns; `id` the identifiers; `day` the days (since 1970) of each role,
    `NO_DATE` where there is none; `names` the user's names.
    """

    frame: pl.DataFrame
    id: pl.Series
    day: dict[str, np.ndarray]
    names: dict[str, str]

    def refuse(
        self, role: str, at_fault: np.ndarray, found: str, expected: str, remedy: str, *, argument: str = ""
    ) -> None:
        """Refuse the table where some row is at fault; `found` has `{}` for how many."""
        if not at_fault.any():
            return
        raise DataError(
            found.format(counted(int(at_fault.sum()), "row")),
            argument=argument or role,
            column=self.names[role],
            rows=np.flatnonzero(at_fault),
            expected=expected,
            remedy=remedy,
        )

    def refuse_no_date(self, role: str, remedy: str, *, argument: str = "") -> None:
        """Refuse a role without a date in some row."""
        missing = self.day[role] == NO_DATE
        self.refuse(role, missing, "has no date in {}", "a date in every row", remedy, argument=argument)


def read_dated(data: Any, id: Column, dates: Mapping[str, Column], *, may_be_empty: bool = False) -> Dated:
    """Read the identifiers and the days of each role; a Datetime counts as its day."""
    frame = as_frame(data)
    whole = frame.collect() if isinstance(frame, pl.LazyFrame) else frame
    table = read_table(whole, {"id": id, **dates}, nullable=tuple(dates), may_be_empty=may_be_empty)
    day = {}
    for role in dates:
        series, name = table.series(role), table.name(role)
        check_dates(series, role, name, f"{role}=pl.col({name!r}).str.to_date()")
        days = whole_days(series).cast(pl.Int32).cast(pl.Int64)
        day[role] = days.fill_null(NO_DATE).to_numpy()
    return Dated(whole, table.series("id"), day, {role: table.name(role) for role in ("id", *dates)})


def owners(windows: Dated, others: Dated) -> tuple[np.ndarray, np.ndarray]:
    """The number of each patient in both tables, in the order of `windows`; -1 of those not in it."""
    if windows.id.dtype != others.id.dtype and others.frame.height:
        raise DataError(
            f"is {windows.id.dtype} in one table and {others.id.dtype} in the other",
            argument="id",
            column=others.names["id"],
            expected="identifiers of one type in both tables",
            remedy=f"pl.col({others.names['id']!r}).cast(pl.String) in both",
        )
    known = windows.id.alias("id").unique(maintain_order=True).to_frame().with_row_index("code")

    def codes(ids: pl.Series) -> np.ndarray:
        frame = ids.alias("id").cast(windows.id.dtype).to_frame()
        found = frame.join(known, on="id", how="left", maintain_order="left")["code"]
        return found.cast(pl.Int64).fill_null(-1).to_numpy()

    return codes(windows.id), codes(others.id)


def refuse_overlaps(windows: Dated, owner: np.ndarray, start: str, stop: np.ndarray, remedy: str) -> None:
    """Refuse windows of a patient that hold a day twice."""
    windows.refuse(
        start,
        overlapping(owner, windows.day[start], stop),
        "begins in {} before another row of the patient has ended",
        "rows of a patient that follow each other",
        remedy,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Windows (start, stop] of follow-up in days, with the patient of each."""

    owner: np.ndarray
    start: np.ndarray
    stop: np.ndarray

    def hold(
        self, events: Dated, owner: np.ndarray, outside: Outside, *, argument: str = "event_date"
    ) -> np.ndarray:
        """The place of each event's window; events in none are refused, or told and placed at -1."""
        day = events.day["event_date"]
        place = place_in((self.owner, self.start, self.stop), owner, day)
        lost = place < 0
        if lost.any():
            found = f"is in no window of follow-up in {counted(int(lost.sum()), 'row')}: " + listed(
                self._why(owner[lost], day[lost])
            )
            column, rows = events.names["event_date"], np.flatnonzero(lost)
            if outside == "raise":
                raise DataError(
                    found,
                    argument=argument,
                    column=column,
                    rows=rows,
                    expected="events after the start of a window of the same patient, and until its end",
                    remedy="outside='drop' to leave them out and have them counted, once looked at",
                )
            warn(
                f"{found}; left out",
                argument="outside",
                column=column,
                rows=rows,
                expected="events after the start of a window of the same patient, and until its end",
                remedy="events.filter(...) to look at them: each may be a wrong date or a wrong identifier",
            )
        return place

    def _why(self, owner: np.ndarray, day: np.ndarray) -> list[str]:
        """How many of the lost events were lost for which reason."""
        n = int(self.owner.max(initial=-1)) + 1
        first, last = np.full(n, np.iinfo(np.int64).max), np.full(n, NO_DATE)
        np.minimum.at(first, self.owner, self.start)
        np.maximum.at(last, self.owner, self.stop)
        known = owner >= 0
        early = day[known] <= first[owner[known]]
        late = day[known] > last[owner[known]]
        reasons = {
            "of a patient who is not in the other table": int((~known).sum()),
            "on the day of the start or before it": int(early.sum()),
            "after the end": int(late.sum()),
            "between two windows": int((~early & ~late).sum()),
        }
        return [f"{n} {why}" for why, n in reasons.items() if n]
