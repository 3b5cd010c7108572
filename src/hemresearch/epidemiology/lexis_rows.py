"""Follow-up with its time scales: columns of a table as arrays for the kernels of `numerics.lexis`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import RESERVED, Table, as_list, read_number, read_table
from ..errors import DataError, counted
from ..events import read_causes, read_event
from ..numerics.ties import FLOAT32_TOLERANCE, TOLERANCE
from ..options import check_number
from ..times import MICROSECONDS_PER_DAY
from .time_scale import TimeScale

if TYPE_CHECKING:
    from ..columns import Column, Columns
    from ..options import Missing

CALENDAR = (pl.Date, pl.Datetime)
A_SECOND = 1 / 86_400  # in days: moments nearer than that are the same
EVER = np.array([-np.inf, 0.0, np.inf])  # the borders of before and after something happened


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What is asked of every row: its columns, its time scales, and the events it is cut at."""

    roles: dict[str, Columns]
    scales: dict[str, TimeScale]
    cut_at: dict[str, Column]
    days_per_year: float
    missing: Missing

    @property
    def names(self) -> list[str]:
        """The columns that tell the band on each scale, and whether an event has happened."""
        return [*self.scales, *self.cut_at]

    def roots(self) -> set[str]:
        """The names of all columns that are looked at."""
        given = [c for role in self.roles.values() for c in as_list(role)]
        return {n for c in given for n in ([c] if isinstance(c, str) else c.meta.root_names())}

    def labels(self) -> list[pl.Series]:
        """The labels of the bands of each scale."""
        ever = pl.Series([False, True])
        return [*(scale.labels for scale in self.scales.values()), *(ever for _ in self.cut_at)]


@dataclass(frozen=True, slots=True, eq=False)
class EventCodes:
    """The values of the event column and the cause of each: 0 for none, k for the k-th of `causes`."""

    levels: pl.Series
    code: np.ndarray
    causes: tuple[Any, ...]

    def of(self, series: pl.Series) -> np.ndarray:
        """The cause of every row."""
        values = series.cast(self.levels.dtype)
        return values.replace_strict(self.levels, self.code, return_dtype=pl.Int64).to_numpy()


@dataclass(frozen=True, slots=True, eq=False)
class LexisRows:
    """Rows of follow-up from `start` to `stop`, with the value t - origin on every scale.

    Times are in days since 1970 where they were dates, and `unit` of them make a unit of the scales (365.25
    days a year); else all is in the unit of the data.
    """

    start: np.ndarray
    stop: np.ndarray
    origin: np.ndarray
    cuts: np.ndarray
    first: np.ndarray
    unit: float
    tolerance: float
    dates: bool
    time_unit: str | None
    table: Table


def make_plan(
    *,
    time: Column,
    event: Column,
    entry: Column | None,
    scales: Mapping[str, TimeScale],
    cut_at: Mapping[str, Column] | None,
    by: Columns,
    days_per_year: float,
    missing: Missing,
    scales_needed: bool = True,
) -> Plan:
    """The columns that each row is read from."""
    check_number(
        days_per_year, argument="days_per_year", above=0, expected="days, such as 365.25", example=365.25
    )
    _check_scales(scales, cut_at, scales_needed)
    since = [s.since for s in scales.values() if s.since is not None]
    begins = [s.begins_at for s in scales.values() if not isinstance(s.begins_at, int | float)]
    happened = dict(cut_at or {})
    roles: dict[str, Columns] = {
        "time": time, "entry": entry, "event": event, "by": by, "scales": [*since, *begins],
        "cut_at": list(happened.values()),
    }  # fmt: skip
    return Plan(roles, dict(scales), happened, days_per_year, missing)


def read_event_codes(
    data: pl.LazyFrame, event: Column, event_value: Any, causes: bool, censored: Any
) -> EventCodes:
    """What the values of the event column mean, from one look at all of them."""
    read_table(data.head(1), {"event": event}, missing="drop", may_be_empty=True)  # refuses what is no column
    levels = data.select(event).unique().collect(engine="streaming")
    table = read_table(levels, {"event": levels.columns[0]}, missing="drop")
    text = table.series("event").dtype in (pl.Categorical, pl.Enum)
    series = table.series("event").cast(pl.String) if text else table.series("event")
    if causes:
        labels, code = read_causes(table, censored)
        return EventCodes(series, code, labels)
    return EventCodes(series, read_event(table, event_value).astype(np.int64), ())


def read_lexis_rows(data: Any, plan: Plan, *, may_be_empty: bool = False) -> LexisRows:
    """Read rows whose follow-up does not end before it begins."""
    table = read_table(
        data, plan.roles, missing=plan.missing, nullable=("cut_at",), may_be_empty=may_be_empty
    )
    _refuse_shared_names(table, plan)
    dates = table.series("time").dtype in CALENDAR
    if dates and "entry" not in table:
        raise DataError(
            "was not given, and follow-up to a date has to begin somewhere",
            argument="entry",
            expected="the date on which follow-up begins",
            remedy="entry='the date of diagnosis'",
        )
    stop = _moments(table, "time", 0, dates)
    start = _moments(table, "entry", 0, dates) if "entry" in table else np.zeros(len(stop))
    _refuse_backward(table, start, stop)
    unit = plan.days_per_year if dates else 1.0
    borders = [_borders(scale, name, dates, unit) for name, scale in plan.scales.items()]
    borders += [EVER for _ in plan.cut_at]
    return LexisRows(
        start=start,
        stop=stop,
        origin=_origins(table, plan, dates, unit),
        cuts=np.concatenate([*borders, np.empty(0)]),
        first=np.cumsum([0, *map(len, borders)]),
        unit=unit,
        tolerance=A_SECOND if dates else _tolerance(table, start, stop),
        dates=dates,
        time_unit="days" if isinstance(table.series("time").dtype, pl.Duration) else None,
        table=table,
    )


def _refuse_shared_names(table: Table, plan: Plan) -> None:
    """Refuse groups that have the name of a time scale: both are columns of the result."""
    for name in set(table.names["by"]) & set(plan.names):
        raise DataError(
            "has the name of a time scale or event, too",
            argument="by",
            column=name,
            expected="groups and time scales under different names",
            remedy=f"by=pl.col({name!r}).alias('{name}_group')",
        )


def _moments(table: Table, role: str, place: int, dates: bool) -> np.ndarray:
    """Dates as days since 1970, durations as days, numbers as they are; missing values as NaN."""
    series, name = table.frame[f"{role}.{place}"], table.names[role][place]
    if dates and series.dtype == pl.Date:
        return series.to_physical().cast(pl.Float64).to_numpy()
    if dates and isinstance(series.dtype, pl.Datetime):
        local = series.dt.replace_time_zone(None).dt.cast_time_unit("us")
        return local.to_physical().cast(pl.Float64).to_numpy() / MICROSECONDS_PER_DAY
    if not dates and isinstance(series.dtype, pl.Duration):
        return series.dt.total_microseconds().cast(pl.Float64).to_numpy() / MICROSECONDS_PER_DAY
    if not dates and series.dtype.is_numeric():
        return _finite(table, role, place)
    if series.dtype == pl.Null:
        return np.full(len(series), np.nan)
    raise DataError(
        f"holds {series.dtype}, and {table.name('time')!r} {'dates' if dates else 'no dates'}",
        argument=role,
        column=name,
        expected="dates in all columns of follow-up, or numbers in one unit in all of them",
        remedy=f"pl.col({name!r}).str.to_date()"
        if series.dtype == pl.String
        else f"{role}=... of the same kind",
    )


def _finite(table: Table, role: str, place: int) -> np.ndarray:
    """A numeric column of a role as finite float64; missing values, where they may stay, as NaN."""
    series, name = table.frame[f"{role}.{place}"], table.names[role][place]
    one = Table(pl.DataFrame({f"{role}.0": series}), {role: (name,)}, table.row, 0)
    values = read_number(one, role, what="numbers in the unit of the time scales", example=f"{role}=...")
    infinite = np.isinf(values)
    if infinite.any():
        raise DataError(
            f"has {counted(int(infinite.sum()), 'value')} that are infinite",
            argument=role,
            column=name,
            rows=table.positions(infinite),
            expected="finite numbers",
            remedy=f"data.filter(pl.col({name!r}).is_finite())",
        )
    return values


def _refuse_backward(table: Table, start: np.ndarray, stop: np.ndarray) -> None:
    backward = stop < start
    if not backward.any():
        return
    late = table.name("entry") if "entry" in table else "0"
    raise DataError(
        f"is before {late!r} in {counted(int(backward.sum()), 'row')}, a negative follow-up",
        argument="time",
        column=table.name("time"),
        rows=table.positions(backward),
        expected="follow-up that ends on the day it begins, or later",
        remedy="data.filter(...) once the rows have been looked at",
    )


def _tolerance(table: Table, start: np.ndarray, stop: np.ndarray) -> float:
    """How near two moments are the same: relative to the mean follow-up."""
    single = any(series.dtype == pl.Float32 for series in table.frame.get_columns())
    mean = float(np.mean(stop - start)) if len(stop) else 0.0
    return (FLOAT32_TOLERANCE if single else TOLERANCE) * mean


def _borders(scale: TimeScale, name: str, dates: bool, unit: float) -> np.ndarray:
    """The borders of a scale in the unit of the moments."""
    if scale.holds_dates and (not dates or scale.since is not None):
        raise DataError(
            f"cuts {name!r} at dates, and it is no calendar time",
            argument="scales",
            expected="dates as borders only where follow-up has dates and the scale has no `since`",
            remedy="numbers as cuts, in years where follow-up has dates",
        )
    if dates and scale.since is None:
        _refuse_no_years(scale, name)
        return scale.days()
    return scale.borders * unit


def _refuse_no_years(scale: TimeScale, name: str) -> None:
    finite = scale.borders[np.isfinite(scale.borders)]
    if scale.holds_dates or ((finite >= 1) & (finite < 10_000)).all():
        return
    raise DataError(
        f"cuts the calendar time {name!r} outside the years 1 to 9999",
        argument="scales",
        expected="calendar years as the borders of a scale without `since`",
        remedy=f"{{{name!r}: TimeScale(cuts, since='birth')}} if it is counted from a date",
    )


def _origins(table: Table, plan: Plan, dates: bool, unit: float) -> np.ndarray:
    """When each scale was at 0, for every row; for events, when they happened (never: infinity)."""
    n = table.frame.height
    origins = np.zeros((n, len(plan.names)))
    place, begins = 0, sum(scale.since is not None for scale in plan.scales.values())
    for s, (name, scale) in enumerate(plan.scales.items()):
        if scale.since is not None:
            origins[:, s] = _moments(table, "scales", place, dates)
            place += 1
        elif dates and not _is_zero(scale):
            _refuse_beginning(name)
        if isinstance(scale.begins_at, int | float):
            origins[:, s] -= scale.begins_at * unit
        else:
            origins[:, s] -= _finite(table, "scales", begins) * unit
            begins += 1
    for e in range(len(plan.cut_at)):
        when = _moments(table, "cut_at", e, dates)
        origins[:, len(plan.scales) + e] = np.where(np.isnan(when), np.inf, when)
    return origins


def _is_zero(scale: TimeScale) -> bool:
    return isinstance(scale.begins_at, int | float) and scale.begins_at == 0


def _refuse_beginning(name: str) -> None:
    raise DataError(
        f"gives {name!r} a beginning and no date at which it had that value",
        argument="scales",
        expected="since='a date' beside begins_at=...; calendar time has neither",
        remedy=f"{{{name!r}: TimeScale(cuts, since='diagnosis', begins_at='age_at_diagnosis')}}",
    )


def _check_scales(scales: Any, cut_at: Any, needed: bool) -> None:
    """Refuse what is no named time scale, and names that a result needs for itself."""
    good = isinstance(scales, Mapping) and all(isinstance(s, TimeScale) for s in scales.values())
    if not good or (needed and not (scales or cut_at)):
        raise DataError(
            "no time scales were given" if good else "something other than named time scales was given",
            argument="scales",
            expected="a dictionary of names and TimeScale(cuts, since=...)",
            remedy="scales={'age': TimeScale(range(0, 101), since='birth')}",
        )
    names = [*scales, *(cut_at or {})]
    for name in names:
        if name in RESERVED or names.count(name) > 1:
            raise DataError(
                f"{name!r} is the name of a column of the result, or was given twice",
                argument="scales" if name in scales else "cut_at",
                expected="another name for the time scale or event",
                remedy=f"'{name}_band' instead of {name!r}",
            )
