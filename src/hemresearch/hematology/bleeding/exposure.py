"""Time on each treatment regimen, without the windows that a protocol leaves out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ...columns import Column, Columns, Groups, group_rows, read_table
from ...errors import DataError, counted, warn
from ...numerics.windows import Windows, overlapping, remaining
from ...options import TimeUnit, check_choice
from ...recurrent.dated_events import Dated, owners, read_dated, refuse_overlaps
from ...times import DAYS_PER_UNIT

if TYPE_CHECKING:
    from collections.abc import Sequence

MADE = ("start", "stop", "days", "days_on_regimen", "days_excluded", "person_time")


def exposure_windows(
    data: Any,
    *,
    id: Column,
    start: Column,
    stop: Column,
    by: Columns = None,
    excluded: Any = None,
    excluded_start: Column | None = None,
    excluded_stop: Column | None = None,
) -> Any:
    """Windows of time in which a patient was on a regimen and nothing else stood in the way.

    What a protocol leaves out of a bleeding rate (prophylaxis around surgery, induction of immune tolerance)
    is given as a table of its own, so that the analysis shows it. A window holds the days after `start` until
    `stop`: one from 1 to 31 January is 30 days, and the next regimen may start on its last day.

    Parameters
    ----------
    data
        One row per period of a regimen; several rows of a patient with one regimen that overlap or touch are
        united.
    id
        The patient, in both tables.
    start, stop
        First and last date of the period; a Datetime counts as its day.
    by
        One or several columns that say which regimen it is. Two regimens of a patient may not overlap.
    excluded
        A table with one row per window to leave out, of any regimen; they may overlap. Those of other
        patients, or outside periods, change nothing.
    excluded_start, excluded_stop
        Its dates, by default named as `start` and `stop`. The day of `excluded_start` itself stays in; to
        leave it out, too: `pl.col("operation") - pl.duration(days=1)`.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        One row per window: the patient, the `by` columns, `start`, `stop` and `days`, for `bleed_counts` and
        `recurrent.from_dates`. Lazy if `data` was.

    Raises
    ------
    DataError
        For missing dates or dates in reverse, regimens that overlap, identifiers of two types, and names
        that are taken.

    Warns
    -----
    DataWarning
        Rows of one regimen that overlap (their days count once), windows to leave out that hold no day, and
        patients of whom no time is left.

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> regimens = pl.DataFrame(
    ...     {
    ...         "id": [1, 1],
    ...         "regimen": ["on demand", "prophylaxis"],
    ...         "from": [date(2020, 1, 1), date(2021, 1, 1)],
    ...         "to": [date(2021, 1, 1), date(2022, 1, 1)],
    ...     }
    ... )
    >>> surgery = pl.DataFrame({"id": [1], "from": [date(2021, 3, 1)], "to": [date(2021, 3, 15)]})
    >>> windows = exposure_windows(
    ...     regimens, id="id", start="from", stop="to", by="regimen", excluded=surgery
    ... )
    >>> windows.drop("id", "start").rows()  # doctest: +NORMALIZE_WHITESPACE
    [('on demand', datetime.date(2021, 1, 1), 366), ('prophylaxis', datetime.date(2021, 3, 1), 59),
     ('prophylaxis', datetime.date(2022, 1, 1), 292)]
    """
    r = _read(data, id, start, stop, by)
    whole, left = _cut(r, _excluded(r, id, excluded, excluded_start or start, excluded_stop or stop))
    _warn_of_no_time(r, whole, left)
    day = [
        pl.Series(name, days, dtype=pl.Int64) for name, days in zip(("start", "stop"), left[1:], strict=True)
    ]
    windows = _labels(r, left[0]).hstack([d.cast(pl.Int32).cast(pl.Date) for d in day])
    windows = windows.with_columns(days=(day[1] - day[0]))
    return windows.lazy() if isinstance(data, pl.LazyFrame) else windows


def exposure(
    data: Any,
    *,
    id: Column,
    start: Column,
    stop: Column,
    by: Columns = None,
    excluded: Any = None,
    excluded_start: Column | None = None,
    excluded_stop: Column | None = None,
    unit: TimeUnit,
) -> Any:
    """Person-time of each patient on each regimen, and how much of it was left out.

    Parameters
    ----------
    data, id, start, stop, by, excluded, excluded_start, excluded_stop
        As in `exposure_windows`, whose windows are added up here.
    unit
        Of the person-time: `"days"`, `"weeks"`, `"months"` (30.4375 days) or `"years"` (365.25 days).

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        One row per patient and regimen: the patient, the `by` columns, `days_on_regimen`, `days_excluded` and
        `person_time`, in the order of the data. Patients of whom nothing is left stay, with a person-time of
        0. Lazy if `data` was.

    Raises
    ------
    DataError
        As `exposure_windows`.

    Warns
    -----
    DataWarning
        As `exposure_windows`.

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> regimens = pl.DataFrame({"id": [1], "from": [date(2020, 1, 1)], "to": [date(2022, 1, 1)]})
    >>> surgery = pl.DataFrame({"id": [1], "from": [date(2021, 3, 1)], "to": [date(2021, 3, 15)]})
    >>> exposure(regimens, id="id", start="from", stop="to", excluded=surgery, unit="days").rows()
    [(1, 731, 14, 717.0)]
    """
    check_choice(unit, TimeUnit, argument="unit")
    r = _read(data, id, start, stop, by)
    whole, left = _cut(r, _excluded(r, id, excluded, excluded_start or start, excluded_stop or stop))
    _warn_of_no_time(r, whole, left)
    on, kept = (np.bincount(w[0], w[2] - w[1], len(r.patient)).astype(np.int64) for w in (whole, left))
    totals = _labels(r, np.arange(len(r.patient))).with_columns(
        days_on_regimen=pl.Series(on),
        days_excluded=pl.Series(on - kept),
        person_time=pl.Series(kept / DAYS_PER_UNIT[unit]),
    )
    return totals.lazy() if isinstance(data, pl.LazyFrame) else totals


@dataclass(frozen=True, slots=True, eq=False)
class _Regimens:
    """Periods by the day. A stay is a patient on a regimen; `patient` and `group` are those of each stay."""

    dated: Dated
    stay: np.ndarray
    patient: np.ndarray
    group: np.ndarray
    groups: Groups

    def windows(self) -> Windows:
        """Stay, start and stop of each row."""
        return self.stay, self.dated.day["start"], self.dated.day["stop"]


def _read(data: Any, id: Column, start: Column, stop: Column, by: Columns) -> _Regimens:
    dated = read_dated(data, id, {"start": start, "stop": stop})
    dated.refuse_no_date("start", "data.filter(...) to the periods that have started")
    dated.refuse_no_date(
        "stop", f"stop=pl.col({dated.names['stop']!r}).fill_null(date(2024, 12, 31)), the end of the study"
    )
    begin, end = dated.day["start"], dated.day["stop"]
    dated.refuse(
        "stop", end <= begin, "is not after the start in {}", "periods of at least a day",
        "data.filter(...) to look at the dates",
    )  # fmt: skip
    groups = group_rows(read_table(dated.frame, {"id": id, "by": by}))
    _refuse_taken((dated.names["id"], *groups.names))
    owner, _ = owners(dated, dated)
    keys = pl.DataFrame({"patient": owner, "group": groups.code})
    stays = keys.unique(maintain_order=True).with_row_index("stay")
    stay = keys.join(stays, on=["patient", "group"], how="left", maintain_order="left")["stay"]
    code = stay.cast(pl.Int64).to_numpy()
    r = _Regimens(dated, code, stays["patient"].to_numpy(), stays["group"].to_numpy(), groups)
    _refuse_two_regimens(r, owner)
    _warn_of_overlaps(r)
    return r


def _refuse_taken(names: Sequence[str]) -> None:
    for name in names:
        if name in MADE:
            raise DataError(
                "is the name of a column that is made here",
                argument="by",
                column=name,
                expected=f"other names than {', '.join(MADE)}",
                remedy=f"pl.col({name!r}).alias('regimen')",
            )


def _refuse_two_regimens(r: _Regimens, owner: np.ndarray) -> None:
    """One regimen at a time: rows of the same one are united before."""
    stay, begin, end = remaining(r.windows(), _no_windows())
    if not overlapping(r.patient[stay], begin, end).any():
        return
    refuse_overlaps(
        r.dated, owner, "start", r.dated.day["stop"],
        "periods that end where the next regimen of the patient starts, or without by=...",
    )  # fmt: skip


def _warn_of_overlaps(r: _Regimens) -> None:
    twice = overlapping(*r.windows())
    if twice.any():
        warn(
            f"begins in {counted(int(twice.sum()), 'row')} before another row of the patient with the same "
            "regimen has ended: days in both count once",
            argument="start",
            column=r.dated.names["start"],
            rows=np.flatnonzero(twice),
            expected="one row for each period of a regimen",
            remedy="data.filter(...) to look at the rows, or nothing if they are meant",
        )


def _no_windows() -> Windows:
    nothing = np.array([], dtype=np.int64)
    return nothing, nothing, nothing


def _excluded(r: _Regimens, id: Column, data: Any, start: Column, stop: Column) -> Windows:
    """The windows to leave out, for each stay of their patient."""
    if data is None:
        return _no_windows()
    dated = read_dated(data, id, {"excluded_start": start, "excluded_stop": stop}, may_be_empty=True)
    for role in dated.day:
        dated.refuse_no_date(role, "excluded.with_columns(...) with the last day that is to be left out")
    begin, end = dated.day["excluded_start"], dated.day["excluded_stop"]
    dated.refuse(
        "excluded_stop", end < begin, "is before its start in {}",
        "windows that end on their start or later", "excluded.filter(...) to look at the dates",
    )  # fmt: skip
    _warn_of_no_day(dated, end == begin)
    _, owner = owners(r.dated, dated)
    holes = pl.DataFrame({"patient": owner, **dated.day})
    stays = pl.DataFrame({"patient": r.patient, "stay": np.arange(len(r.patient))})
    each = holes.join(stays, on="patient")
    return each["stay"].to_numpy(), each["excluded_start"].to_numpy(), each["excluded_stop"].to_numpy()


def _warn_of_no_day(dated: Dated, at_fault: np.ndarray) -> None:
    """The day of the start stays in, so that a window from one day to the same leaves nothing out."""
    if at_fault.any():
        warn(
            f"is the start itself in {counted(int(at_fault.sum()), 'row')}: no day is left out",
            argument="excluded_stop",
            column=dated.names["excluded_stop"],
            rows=np.flatnonzero(at_fault),
            expected="windows that hold the days after their start until their stop",
            remedy="excluded_start=pl.col(...) - pl.duration(days=1) to leave out the first day, too",
        )


def _cut(r: _Regimens, holes: Windows) -> tuple[Windows, Windows]:
    """The united windows of each stay, and what is left of them."""
    return remaining(r.windows(), _no_windows()), remaining(r.windows(), holes)


def _warn_of_no_time(r: _Regimens, whole: Windows, left: Windows) -> None:
    gone = np.setdiff1d(whole[0], left[0])
    if len(gone):
        n = len(np.unique(r.patient[gone]))
        warn(
            f"leaves {counted(n, 'patient')} without time on a regimen",
            argument="excluded",
            expected="windows that leave out part of the time",
            remedy="exposure(...) to see how much of whom was left out",
        )


def _labels(r: _Regimens, stay: np.ndarray) -> pl.DataFrame:
    """The patient and the regimen of each stay, under the user's names."""
    ids = r.dated.id.unique(maintain_order=True)[r.patient[stay]].alias(r.dated.names["id"])
    frame = ids.to_frame()
    return frame.hstack(r.groups.levels[r.group[stay]].get_columns()) if r.groups.names else frame
