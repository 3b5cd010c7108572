"""What happens after time zero as a covariate that changes with time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from ..errors import DataError, counted, warn
from ..numerics.episodes import split_at
from ..options import Missing, check_choice, suggestion
from ..start_stop import FollowUp, read_date_of, read_follow_up, refuse_new_name

if TYPE_CHECKING:
    from ..columns import Column

AtTie = Literal["after", "on"]
AtZero = Literal["raise", "exposed", "unexposed"]
STEP = 1e-6  # of the longest follow-up: far more than the rounding error of times, far less than a follow-up


def add_exposure(
    data: Any,
    *,
    id: Column,
    time: Column,
    event: Column,
    event_value: Any = None,
    exposure: Mapping[str, Column],
    entry: Column | None = None,
    at_tie: AtTie = "after",
    at_zero: AtZero = "raise",
    order: Sequence[str] | None = None,
    allow_gaps: bool = False,
    missing: Missing = "raise",
) -> pl.DataFrame:
    """Rows (entry, time] in which every exposure is constant, with a Boolean column for each.

    Transplantation, response or relapse after time zero divides a patient's follow-up into time before and
    time since. Taken as known from time zero, it is credited with the time that a patient had to survive to
    reach it (immortal time); as a covariate z(t) that turns on when it happens it is not. A row is
    cut where an exposure turns on, and the last piece keeps the event; once on, an exposure stays on.

    Parameters
    ----------
    data
        One row per patient; or several rows (entry, time] that follow each other, as this function returns.
    id
        Patient.
    time, event, event_value, entry
        As in `kaplan_meier`. Without `entry` everybody starts at 0. A follow-up of 0 is no interval and is
        refused.
    exposure
        For each new column, the column with the time at which it turns on: `{"transplant": "txtime"}`. Times
        are on the scale of `time`; null is never. All rows of a patient hold the same time.
    at_tie
        Whether an exposure counts for an event at the same time. `"after"`: z(t) = 1 for t beyond the
        exposure, and an event on its very day is one of an unexposed patient (R's `tmerge`). `"on"`: z(t) = 1
        at the exposure already, in whoever has the event. A row is (start, stop], so the exposure
        is then turned on before its time: a whole day (unit) before if all times are whole, so that its
        day counts as exposed; else one millionth of the longest follow-up; but never before the next earlier
        start or end of any row. At every event time z is exact, hence a Cox model too.
    at_zero
        What an exposure at or before a patient's first entry means: `"raise"` asks, `"exposed"` is exposed
        throughout, `"unexposed"` leaves it out as if it never happened.
    order
        Names of exposures in the only order in which they can happen, such as `("response", "relapse")`: rows
        with a later one before an earlier one are refused. The same time is no contradiction, and neither is
        a later one without an earlier one.
    allow_gaps
        Accept time between two rows of a patient in which they were not under observation. What turns on
        there is on from the next row.
    missing
        `"raise"`, or `"drop"` to leave out rows with a missing id, time, event or entry; a warning counts
        them.

    Returns
    -------
    polars.DataFrame
        All columns of `data`, row by row, then one Boolean column per exposure. `time` ends the piece;
        `entry` starts it (a new column `entry` before `time` if none was given); `event` is Boolean in any
        case, so that `event_value` is not given again. Ready for `cox(rows, ..., entry=..., id=...)`.

    Raises
    ------
    DataError
        As `kaplan_meier`; for rows of a patient that overlap, leave gaps or disagree about an exposure; for
        exposures at or before entry, against the `order`, on another scale, or whose name is taken; for a
        follow-up of 0.

    Warns
    -----
    DataWarning
        For exposures after the end of a patient's follow-up, which never turn on: one of the two times is
        likely wrong. With `missing="drop"`, if rows were left out.

    References
    ----------
    Mantel N, Byar DP. J Am Stat Assoc 1974;69:81-86. Suissa S. Am J Epidemiol 2008;167:492-499. Therneau T,
    Crowson C, Atkinson E. Using time dependent covariates and time dependent coefficients in the Cox model;
    vignette of the R package survival.

    Examples
    --------
    >>> import hemresearch as hem
    >>> trial = hem.data.load("myeloid").select("id", "trt", "futime", "death", "txtime")
    >>> rows = hem.cohort.add_exposure(
    ...     trial, id="id", time="futime", event="death", exposure={"transplant": "txtime"}
    ... )
    >>> rows.drop("txtime").head(3).rows()
    [(1, 'B', 0, 235, True, False), (2, 'A', 0, 200, False, False), (2, 'A', 200, 286, True, True)]
    >>> rows.group_by("transplant").agg(days=(pl.col("futime") - pl.col("entry")).sum()).sort("days").rows()
    [(True, 324265), (False, 328230)]
    """
    check_choice(at_tie, AtTie, argument="at_tie")
    check_choice(at_zero, AtZero, argument="at_zero")
    check_choice(allow_gaps, (True, False), argument="allow_gaps")
    _check_names(exposure, order)
    rows = read_follow_up(
        data, time=time, event=event, event_value=event_value, entry=entry, id=id, missing=missing
    )
    for name in exposure:
        refuse_new_name(rows, name, "exposure")
    rows, dated = _dated(rows, exposure)
    patient = _Patients(rows)
    if not allow_gaps:
        patient.refuse_gaps()
    patient.refuse_disagreement(dated)
    _refuse_disorder(rows, dated, order)
    switches = {name: patient.within_follow_up(found, at_zero) for name, found in dated.items()}
    if at_tie == "on":
        step = _step(rows, list(switches.values()))
        switches = {name: _turned_on_before(rows, when, step) for name, when in switches.items()}
    return _cut(rows, switches)


class _Patients:
    """The rows of each patient in time: where they begin and end, and what must hold among them."""

    def __init__(self, rows: FollowUp) -> None:
        patient = rows.y.patient
        assert patient is not None
        self.y, self.code = rows.y, patient
        n = int(patient.max()) + 1
        first, last = np.full(n, np.inf), np.zeros(n)
        np.minimum.at(first, patient, rows.start)
        np.maximum.at(last, patient, rows.y.time)
        self.first, self.last = first[patient], last[patient]
        order = np.lexsort((rows.start, patient))
        same = patient[order[:-1]] == patient[order[1:]]
        self.this, self.following = order[:-1][same], order[1:][same]
        self.gap = rows.start[self.following] > rows.y.time[self.this]

    def refuse_gaps(self) -> None:
        """Refuse rows of a patient with time between them."""
        if self.gap.any():
            raise DataError(
                f"has rows of one patient with time between them ({counted(int(self.gap.sum()), 'gap')})",
                argument="id",
                column=self.y.names["id"],
                rows=self._positions(self.gap),
                expected="rows (entry, time] of one patient that follow each other without a gap",
                remedy="allow_gaps=True if patients were not under observation in between",
            )

    def refuse_disagreement(self, dated: dict[str, tuple[str, np.ndarray]]) -> None:
        """Refuse an exposure that happened at different times according to the rows of one patient."""
        for column, when in dated.values():
            one, other = when[self.this], when[self.following]
            differ = (one != other) & ~(np.isnan(one) & np.isnan(other))
            if differ.any():
                raise DataError(
                    "differs between rows of one patient",
                    argument="exposure",
                    column=column,
                    rows=self._positions(differ),
                    expected="the same time, or null, in all rows of a patient",
                    remedy=f"pl.col({column!r}).min().over({self.y.names['id']!r}) for the earliest one",
                )

    def within_follow_up(self, dated: tuple[str, np.ndarray], at_zero: AtZero) -> np.ndarray:
        """When the exposure turns on: NaN for never, minus infinity for throughout."""
        column, when = dated
        early, late = when <= self.first, when > self.last
        if early.any() and at_zero == "raise":
            raise DataError(
                f"is at or before the start of follow-up in {self._patients(early)}",
                argument="at_zero",
                column=column,
                rows=self.y.positions(early),
                expected="to be told what an exposure at or before entry means",
                remedy='at_zero="exposed" (throughout), or at_zero="unexposed" to leave it out',
            )
        if late.any():
            time, dated_rows = self.y.names["time"], ~np.isnan(when)
            other_unit = 2 * late.sum() > dated_rows.sum()
            of = f" of {len(np.unique(self.code[dated_rows]))} who have one" if other_unit else ""
            warn(
                f"is after the end of follow-up in {self._patients(late)}{of}, who count as never exposed"
                + (f": is it in the unit of {time!r}?" if other_unit else ""),
                argument="exposure",
                column=column,
                rows=self.y.positions(late),
                expected=f"exposures up to {time!r}, in its unit, or null for never",
                remedy=f"hem.times.durations(..., stop='the date of the exposure', unit='the unit of {time}')"
                if other_unit
                else "the later of the two as the end of follow-up, once the dates have been looked at",
            )
        return np.where(early & (at_zero == "exposed"), -np.inf, np.where(early | late, np.nan, when))

    def _positions(self, pairs: np.ndarray) -> np.ndarray:
        at_fault = np.zeros(len(self.y), dtype=bool)
        at_fault[self.this[pairs]] = at_fault[self.following[pairs]] = True
        return self.y.positions(at_fault)

    def _patients(self, at_fault: np.ndarray) -> str:
        return counted(len(np.unique(self.code[at_fault])), "patient")


def _check_names(exposure: Any, order: Any) -> None:
    """Refuse exposures without names, and an order of anything else."""
    if not isinstance(exposure, Mapping) or not exposure:
        raise DataError(
            f"a {type(exposure).__name__} was given" if exposure else "no exposure was given",
            argument="exposure",
            expected="for each new column, the column with the time at which it turns on",
            remedy='exposure={"transplant": "months_to_transplant"}',
        )
    names = [order] if isinstance(order, str) else list(order or ())
    unknown = [name for name in names if name not in exposure]
    if unknown or (order is not None and len(set(names)) < max(2, len(names))):
        raise DataError(
            f"{unknown[0]!r} is not an exposure"
            if unknown
            else "something else than several names was given",
            argument="order",
            expected="two or more of the exposures, each once"
            + (f"; {suggestion(str(unknown[0]), map(str, exposure))}" if unknown else ""),
            remedy=f"order={tuple(exposure)!r}" if len(exposure) > 1 else "order=None",
        )


def _dated(
    rows: FollowUp, exposure: Mapping[str, Column]
) -> tuple[FollowUp, dict[str, tuple[str, np.ndarray]]]:
    """The rows and the times of each exposure (under the name of its source), near-ties made one time.

    A time before 0 or far beyond follow-up says no more than 0 or twice the longest one, and would count
    in the distance that is rounding error.
    """
    read = {name: read_date_of(rows.frame, column, rows.y) for name, column in exposure.items()}
    when = np.concatenate([values for _, values in read.values()])
    last = rows.y.time.max()
    rows, known = rows.rounded_with(np.where(np.isnan(when), last, np.clip(when, 0, 2 * last)))
    each = np.split(np.where(np.isnan(when), np.nan, known), len(read))
    return rows, {name: (read[name][0], values) for name, values in zip(read, each, strict=True)}


def _refuse_disorder(
    rows: FollowUp, dated: dict[str, tuple[str, np.ndarray]], order: Sequence[str] | None
) -> None:
    """Refuse rows in which a later exposure precedes an earlier one."""
    for earlier, later in combinations(order or (), 2):
        wrong = dated[later][1] < dated[earlier][1]
        if wrong.any():
            raise DataError(
                f"is before {dated[earlier][0]!r} in {counted(int(wrong.sum()), 'row')}",
                argument="order",
                column=dated[later][0],
                rows=rows.y.positions(wrong),
                expected=f"{later!r} at or after {earlier!r} wherever both happened",
                remedy="order=None, once the rows have been looked at, if it can happen first",
            )


def _turned_on_before(rows: FollowUp, when: np.ndarray, step: float) -> np.ndarray:
    """A time before the exposure, and at or after every earlier start or end of a row."""
    known = np.unique(np.concatenate([rows.start, rows.y.time]))
    earlier = known[np.maximum(np.searchsorted(known, when) - 1, 0)]
    return np.where(np.isfinite(when), np.maximum(earlier, when - step), when)


def _step(rows: FollowUp, switches: Sequence[np.ndarray]) -> float:
    """How long before its time an exposure turns on so that it counts for an event at that time."""
    times = (rows.start, rows.y.time, *switches)
    return 1.0 if all(map(_is_whole, times)) else STEP * float(rows.y.time.max())


def _is_whole(times: np.ndarray) -> bool:
    known = times[np.isfinite(times)]
    return bool((known == np.floor(known)).all())


def _cut(rows: FollowUp, switches: dict[str, np.ndarray]) -> pl.DataFrame:
    """The rows cut wherever an exposure turns on, and which exposures are on in each piece."""
    row, start, stop = np.arange(len(rows.y)), rows.start, rows.y.time
    for turned_on in switches.values():
        piece, start, stop = split_at(start, stop, turned_on[row])
        row = row[piece]
    event = rows.y.event[row] & (stop == rows.y.time[row])
    pieces = rows.write(row, start, stop, event, whole=all(map(_is_whole, switches.values())))
    return pieces.with_columns(
        pl.Series(name, turned_on[row] <= start) for name, turned_on in switches.items()
    )
