"""Landmark analysis: follow-up that starts again at a fixed time, with groups known by then."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .. import formats
from ..columns import as_frame
from ..errors import DataError, counted
from ..numerics.ties import TOLERANCE
from ..options import Missing, check_number
from ..outcomes import Survival, read_survival
from ..results import Result
from ..start_stop import as_given, read_date_of, refuse_overwriting, type_of

if TYPE_CHECKING:
    from ..columns import Column, Columns

SUFFIX = "_by_landmark"


@dataclass(frozen=True, slots=True, eq=False)
class Landmark(Result):
    """Those still event-free and followed at a landmark, and how many were not.

    Attributes
    ----------
    data
        The rows of the patients kept, with all columns; `time` (and `entry`) count from the landmark, every
        other time still from time zero, and each exposure has a Boolean column `<name>_by_landmark`.
    at
        The landmark.
    n
        Patients before any exclusion for the landmark.
    n_risk
        Patients under observation just after the landmark.
    n_later
        Patients kept who come under observation after it (delayed entry).
    n_event, n_censor
        Patients left out because they had the event, or were censored, at or before the landmark.
    exposures_frame
        One row per exposure: `exposure`, `n_exposed` by the landmark, `n_later` and `n_never`.
    """

    data: pl.DataFrame = field(repr=False)
    at: float
    time: str
    event: str
    n: int
    n_risk: int
    n_later: int
    n_event: int
    n_censor: int
    n_dropped: int
    time_unit: str | None
    exposures_frame: pl.DataFrame = field(repr=False)

    def to_frame(self) -> pl.DataFrame:
        """One row: the landmark, n, who is at risk there, and who was left out for which reason."""
        names = ("n", "n_risk", "n_later", "n_event", "n_censor")
        return pl.DataFrame({"landmark": [self.at], **{name: [getattr(self, name)] for name in names}})

    def exposures(self) -> pl.DataFrame:
        """One row per exposure: how many of those kept had it by the landmark, later, or never."""
        return self.exposures_frame

    def summary(self) -> pl.DataFrame:
        """One row: what `to_frame` gives, and the rows left out for missing values."""
        return self.to_frame().with_columns(n_dropped=pl.lit(self.n_dropped))

    def text(self, *, unit: str | None = None) -> str:
        """A sentence for the methods or results; `unit` is put behind the landmark."""
        unit = unit or self.time_unit
        later = f", {self.n_later} more came under observation later" if self.n_later else ""
        parts = [
            f"At the landmark of {self.at:g}{f' {unit}' if unit else ''}, {self.n_risk} of "
            f"{counted(self.n, 'patient')} were at risk{later}; {self.n_event} had had the event and "
            f"{self.n_censor} had been censored"
        ]
        for row in self.exposures_frame.iter_rows(named=True):
            share = row["n_exposed"] / (row["n_exposed"] + row["n_later"] + row["n_never"])
            parts.append(f"{row['exposure']} by then in {row['n_exposed']} ({formats.percent(share)})")
        return "; ".join(parts)

    def __repr__(self) -> str:
        dropped = f", {counted(self.n_dropped, 'row')} with missing values left out" if self.n_dropped else ""
        later = f", {self.n_later} under observation later" if self.n_later else ""
        lines = [
            f"Landmark at {self.at:g} ({self.event} by {self.time}), n={self.n}{dropped}",
            f"  at risk: {self.n_risk}{later}",
            f"  left out: {self.n_event} with the event, {self.n_censor} censored",
        ]
        lines += [
            "  {exposure}: {n_exposed} by the landmark, {n_later} later, {n_never} never".format(**row)
            for row in self.exposures_frame.iter_rows(named=True)
        ]
        return "\n".join(lines)


def landmark(
    data: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    entry: Column | None = None,
    exposure: Columns = None,
    at: float,
    missing: Missing = "raise",
) -> Landmark:
    """Follow-up counted from a landmark, among those event-free and under observation then.

    What happens after time zero (response, graft-versus-host disease, transplantation) cannot define
    groups from time zero: who lives longer has had more time for it. At a landmark the groups are
    formed by what was known at that moment, and only those who reached it are compared. Patients whose
    event or censoring is at or before the landmark are left out and counted; the others' `time` becomes
    `time - at`. The landmark is chosen before the data are seen.

    Parameters
    ----------
    data, time, event, event_value, missing
        As in `kaplan_meier`; one row per patient. Times computed by an expression become a column under the
        name they were given, so that no column of the data is left with another unit than before:
        `time=(pl.col("days") / 30.4375).alias("months")`.
    entry
        Delayed entry: counted from the landmark too, 0 for those already under observation. An expression
        needs a name of its own, as for `time`.
    exposure
        One or several columns with the time at which something happened after time zero, on the scale of
        `time`; null where it never did. Each becomes a Boolean column `<name>_by_landmark`: whether
        it had happened at or before the landmark. What happens later does not count, by design.
    at
        The landmark, in the unit of `time` (days if `time` holds durations).

    Returns
    -------
    Landmark
        `.data` for kaplan_meier, logrank and any model; `.to_frame()`, `.exposures()` and `.text()` for the
        counts.

    Raises
    ------
    DataError
        As `kaplan_meier`; if nobody is followed beyond the landmark; for an exposure that is negative or
        lies after the patient's follow-up; for computed times or exposures without a name of their own.

    References
    ----------
    Anderson JR, Cain KC, Gelber RD. J Clin Oncol 1983;1:710-719. Dafni U. Circ Cardiovasc Qual Outcomes
    2011;4:363-371.

    Examples
    --------
    >>> import hemresearch as hem
    >>> trial = hem.data.load("myeloid")
    >>> at_90 = hem.survival.landmark(trial, time="futime", event="death", exposure="crtime", at=90)
    >>> at_90
    Landmark at 90 (death by futime), n=646
      at risk: 582
      left out: 38 with the event, 26 censored
      crtime: 418 by the landmark, 31 later, 133 never
    >>> after = hem.survival.kaplan_meier(at_90.data, time="futime", event="death", by="crtime_by_landmark")
    >>> after.groups().rows()
    [(False, 164, 94, 70), (True, 418, 188, 230)]
    """
    check_number(at, argument="at", at_least=0, expected="a time of 0 or more", example=100)
    frame = as_frame(data)
    frame = frame.collect() if isinstance(frame, pl.LazyFrame) else frame
    y = read_survival(frame, time=time, event=event, event_value=event_value, entry=entry, missing=missing)
    given = {"time": time, **({} if entry is None else {"entry": entry})}
    refuse_overwriting(frame, given, y.names, "from_landmark")
    late = at * (1 + TOLERANCE)
    kept = y.time > late
    if not kept.any():
        raise DataError(
            f"nobody is followed beyond {at:g}",
            argument="at",
            expected=f"a landmark before the last follow-up at {y.time.max():g}",
            remedy=_earlier(y.time),
        )
    by_then, counts = _exposures(frame, exposure, y, kept, late)
    present = kept if y.entry is None else kept & (y.entry <= late)
    times = {"time": y.time - at, **({} if y.entry is None else {"entry": np.maximum(y.entry - at, 0.0)})}
    rebased = [
        as_given(type_of(frame, given[role]), y.names[role], values[kept], whole=float(at).is_integer())
        for role, values in times.items()
    ]
    return Landmark(
        data=_kept_data(frame, y, kept, rebased, by_then),
        at=float(at),
        time=y.names["time"],
        event=y.names["event"],
        n=len(y),
        n_risk=int(present.sum()),
        n_later=int(kept.sum() - present.sum()),
        n_event=int((~kept & y.event).sum()),
        n_censor=int((~kept & ~y.event).sum()),
        n_dropped=y.n_dropped,
        time_unit=y.time_unit,
        exposures_frame=counts,
    )


def _earlier(time: np.ndarray) -> str:
    """A landmark that somebody outlives, or what to look at where nobody outlives 0."""
    last, middle = float(time.max()), float(np.median(time))
    if last == 0:
        return "another column as time: in this one every follow-up is 0"
    return f"at={middle if f'{middle:g}' != f'{last:g}' else last / 2:g}"


def _exposures(
    frame: pl.DataFrame, exposure: Columns, y: Survival, kept: np.ndarray, late: float
) -> tuple[dict[str, np.ndarray], pl.DataFrame]:
    """Who of those kept was exposed by the landmark, and the counts of each exposure."""
    given = [] if exposure is None else [exposure] if isinstance(exposure, str | pl.Expr) else list(exposure)
    by_then, rows = {}, []
    for column in given:
        name, dated = read_date_of(frame, column, y)
        when = dated if y.row is None else dated[y.row]
        _check_exposure(name, when, y)
        when = when[kept]
        if name + SUFFIX in by_then:
            raise DataError(
                "is the name of two exposures",
                argument="exposure",
                column=name,
                expected="every exposure under a name of its own",
                remedy="exposure=[..., (...).alias('second')]",
            )
        by_then[name + SUFFIX] = when <= late
        never = int(np.isnan(when).sum())
        n_exposed = int((when <= late).sum())
        rows.append((name, n_exposed, len(when) - n_exposed - never, never))
    schema = {"exposure": pl.String, **dict.fromkeys(("n_exposed", "n_later", "n_never"), pl.Int64)}
    return by_then, pl.DataFrame(rows, schema=schema, orient="row")


def _check_exposure(name: str, when: np.ndarray, y: Survival) -> None:
    """Refuse exposures before time zero or after the end of a patient's follow-up."""
    time = y.names["time"]
    checks = (
        (when < 0, "before time zero (negative times)", f"by={name!r} as a group known at time zero"),
        (
            when > y.time * (1 + TOLERANCE),
            f"after the end of follow-up {time!r}",
            "data.filter(...) of those",
        ),
    )
    for at_fault, found, remedy in checks:
        if at_fault.any():
            raise DataError(
                f"has {counted(int(at_fault.sum()), 'value')} {found}",
                argument="exposure",
                column=name,
                rows=y.positions(at_fault),
                expected="a time between 0 and the end of follow-up, or null for never",
                remedy=remedy,
            )


def _kept_data(
    frame: pl.DataFrame,
    y: Survival,
    kept: np.ndarray,
    rebased: list[pl.Series],
    by_then: dict[str, np.ndarray],
) -> pl.DataFrame:
    """The rows of those kept, with times from the landmark and the exposures known at it."""
    taken = sorted(set(by_then).intersection([*frame.columns, *(series.name for series in rebased)]))
    if taken:
        raise DataError(
            "is the name of a column of the data and of one this function adds",
            argument="exposure",
            column=taken[0],
            expected=f"data without a column that ends in {SUFFIX!r}",
            remedy=f"data.drop({taken[0]!r})",
        )
    data = frame[y.positions(kept)]
    return data.with_columns(*rebased, *(pl.Series(name, exposed) for name, exposed in by_then.items()))
