"""Patients of a population-based study as a kernel needs them: days of follow-up within a window."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import formats
from ..columns import Columns, Groups, Table, read_table
from ..errors import DataError, counted, listed
from ..events import read_event
from ..lifetable import (
    Extrapolate,
    LifeTable,
    People,
    population_roles,
    read_days,
    read_people,
    require_within,
)
from ..options import Missing, TimeUnit
from ..outcomes import Survival, observations
from ..times import DAYS_PER_UNIT
from .follow_up import read_follow_up

if TYPE_CHECKING:
    from collections.abc import Mapping

NEAR = 1e-6  # days: times in months or years that stand for whole days are whole days again
WINDOW = ("period_from", "period_to")


@dataclass(frozen=True, slots=True, eq=False)
class NetRows:
    """Observed rows with each one's place in the population; times of `y` in the unit, the others in days.

    `begin` and `until` are the follow-up that is looked at; `potential` is what it could have been (for
    Hakulinen). `window` says in words which period it is of; `multiplier` makes individual weights of a
    standard population.
    """

    y: Survival
    people: People
    begin: np.ndarray
    until: np.ndarray
    potential: np.ndarray
    life_table: LifeTable
    unit: TimeUnit
    n_excluded: int
    n_outside: int
    window: str = ""
    multiplier: np.ndarray | None = None

    def take(self, index: np.ndarray) -> NetRows:
        """The rows of a mask or an index."""
        return replace(
            self,
            y=self.y.take(index),
            people=self.people.take(index),
            begin=self.begin[index],
            until=self.until[index],
            potential=self.potential[index],
            multiplier=None if self.multiplier is None else self.multiplier[index],
        )

    @property
    def weight(self) -> np.ndarray:
        """Case weights, 1 where there are none, times what standardises them."""
        case = np.ones(len(self.y)) if self.y.weight is None else self.y.weight
        return case if self.multiplier is None else case * self.multiplier

    @property
    def square(self) -> np.ndarray:
        """The weight in a variance: the square, but whole case weights, which are patients, as they are."""
        case = np.ones(len(self.y)) if self.y.weight is None else self.y.weight
        case = case if np.array_equal(case, np.round(case)) else case**2
        return case if self.multiplier is None else case * self.multiplier**2

    @property
    def age(self) -> np.ndarray:
        """Age at the date, in years of the life table."""
        return self.people.age / self.life_table.days_per_year

    @property
    def told(self) -> str:
        """The period and who was left out, to be said behind a method; nothing where there is nothing."""
        parts = left_out(self.n_excluded, self.n_outside)
        out = [f"left out: {', '.join(parts)}"] if parts else []
        return "".join(f"; {text}" for text in [self.window, *out] if text)

    @property
    def delayed(self) -> bool:
        """Whether anybody comes under observation after time zero."""
        return bool(self.begin.any())


def read_net_rows(
    data: Any,
    roles: dict[str, Columns],
    *,
    event_value: Any,
    time_unit: TimeUnit | None,
    life_table: LifeTable,
    age_unit: TimeUnit | None,
    sexes: Mapping[Any, str] | None,
    period: Any = None,
    start_time: float = 0.0,
    closing: Any = None,
    method: str = "pohar-perme",
    horizon: float | None = None,
    since_date: bool = True,
    extrapolate: Extrapolate | None,
    missing: Missing,
) -> NetRows:
    """Read and check rows of the roles, among them those of the population.

    The population is followed as the method needs it, or to a `horizon` (in the unit); from the date on
    (`since_date`), or only while somebody is observed.
    """
    population = {name: roles.pop(name) for name in ("sex", "date", "birth", "age")}
    roles = roles | population_roles(life_table, **population)  # type: ignore[arg-type]
    roles |= date_roles(period, closing)
    table, n_excluded = _without_death_only(read_table(data, roles, missing=missing))
    happened = read_event(table, event_value)
    people = read_people(table, life_table, age_unit=age_unit, sexes=sexes)
    _, unit = read_follow_up(table, time_unit)
    y, per, day = observations(table, happened), DAYS_PER_UNIT[unit], read_days(table, "date")
    end = whole_days(y.time * per)
    low, high = window_of(table, period, day, start_time * per)
    begin = np.maximum(low, 0.0 if y.entry is None else whole_days(y.entry * per))
    until = np.minimum(high, end)
    potential = _potential(table, closing, day, end, happened)
    # follow-up of no time at all is seen on the day of the date itself
    seen = (until > begin) | ((end == 0) & (begin == 0) & (low < 0) & (high >= 0))
    weighted = np.ones(len(y), dtype=bool) if y.weight is None else y.weight > 0
    needed = {"ederer1": np.full(len(end), end.max()), "hakulinen": np.minimum(potential, end.max())}
    last = needed.get(method, until) if horizon is None else np.full(len(end), horizon * per)
    last = np.where(seen, last, np.nan)
    first = np.where(seen, 0.0 if since_date else begin, np.nan)
    require_within(people, life_table, first, last, table, extrapolate)
    y = replace(y, event=y.event & (end <= high))
    rows = NetRows(
        y, people, begin, until, potential, life_table, unit, n_excluded, int((~seen).sum()),
        window_text(table, period),
    )  # fmt: skip
    return _seen(rows, seen & weighted)


def left_out(n_death_only: int, n_outside: int) -> list[str]:
    """Who was left out, in words."""
    parts = []
    if n_death_only:
        parts.append(f"{formats.count(n_death_only)} known from death certificate or autopsy only")
    if n_outside:
        parts.append(f"{formats.count(n_outside)} without follow-up in the window")
    return parts


def whole_days(days: np.ndarray) -> np.ndarray:
    """Days that are whole but for rounding are whole."""
    whole = np.round(days)
    return np.where(np.abs(days - whole) < NEAR, whole, days)


def date_roles(period: Any, closing: Any) -> dict[str, Columns]:
    """The columns among the dates given; one date serves for all rows."""
    roles: dict[str, Columns] = {}
    if period is not None:
        if not isinstance(period, tuple | list):
            raise _no_period(f"a {type(period).__name__} was given")
        if len(period) != 2:
            raise _no_period(f"{counted(len(period), 'value')} instead of two")
        if any(isinstance(end, str) and re.fullmatch(r"\d{4}-\d\d?-\d\d?", end) for end in period):
            raise _no_period("a date was given as text")
        if any(isinstance(end, int | float) for end in period):
            raise _no_period("a number was given")
        ends = zip(WINDOW, period, strict=True)
        roles = {role: end for role, end in ends if not isinstance(end, datetime.date)}
    if closing is not None and not isinstance(closing, datetime.date):
        roles["closing"] = closing
    return roles


def _dates(table: Table, role: str, given: Any) -> np.ndarray | float:
    """Days since 1 January 1970 of a date, or of a column of dates; a time of day is left out."""
    return (
        given.toordinal() - datetime.date(1970, 1, 1).toordinal()
        if isinstance(given, datetime.date)
        else read_days(table, role)
    )


def window_of(
    table: Table, period: Any, day: np.ndarray, start_day: float
) -> tuple[np.ndarray | float, np.ndarray | float]:
    """Between which days of each one's follow-up it is looked at."""
    late = start_day if start_day > 0 else -np.inf
    if period is None:
        return np.full(len(day), late), np.inf
    first, last = (_dates(table, role, end) for role, end in zip(WINDOW, period, strict=True))
    if not np.all(np.less(first, last)):
        raise _no_period("ends before it begins")
    return np.maximum(first - day, late), last - day


def window_text(table: Table, period: Any) -> str:
    """The calendar period of the follow-up, in words: dates, or the columns that hold them."""
    if period is None:
        return ""
    first, last = (
        f"{end:%Y-%m-%d}" if isinstance(end, datetime.date) else repr(table.name(role))
        for role, end in zip(WINDOW, period, strict=True)
    )
    return f"follow-up after {first} until {last}"


def _potential(
    table: Table, closing: Any, day: np.ndarray, end: np.ndarray, happened: np.ndarray
) -> np.ndarray:
    """How long each one could have been followed: the dead to the closing date, the others as they were."""
    closed = np.full(len(day), (day + end).max() if closing is None else _dates(table, "closing", closing))
    early = happened & (closed < day + end)
    if early.any():
        raise DataError(
            f"is before {counted(int(early.sum()), 'death')}",
            argument="closing",
            column=table.name("closing") if "closing" in table else None,
            rows=table.positions(early),
            expected="the date until which deaths were looked for",
            remedy="closing=None, which is the last date of follow-up in the data",
        )
    return np.where(happened, closed - day, end)


def _without_death_only(table: Table) -> tuple[Table, int]:
    """The table without those who are known from a death certificate or an autopsy only, and their number."""
    if "death_only" not in table:
        return table, 0
    excluded = read_event(table, role="death_only", may_declare=False)
    if excluded.all():
        raise DataError(
            f"leaves out all {counted(len(excluded), 'row')}",
            argument="death_only",
            column=table.name("death_only"),
            expected="true for those known from a death certificate or an autopsy only",
            remedy=f"death_only=~pl.col({table.name('death_only')!r}), if it is the other way round",
        )
    kept = np.flatnonzero(~excluded)
    return replace(table, frame=table.frame[kept], row=table.positions(~excluded)), int(excluded.sum())


def _seen(rows: NetRows, seen: np.ndarray) -> NetRows:
    """Those who are followed within the window; every group must have some."""
    if seen.all():
        return rows
    groups = rows.y.group
    size = np.bincount(groups.code[seen], minlength=len(groups))
    if not size.all():
        empty = np.array(groups.labels() or [""])[size == 0]
        of = f" of {listed(map(repr, empty.tolist()))}" if groups.names else ""
        raise DataError(
            f"has nobody{of} under observation in the period and after the start_time that were asked for",
            argument="time",
            column=rows.y.names["time"],
            expected="follow-up in every group",
            remedy="period=None or start_time=None, or data.filter(...) to groups with follow-up",
        )
    return rows.take(seen)


def _no_period(found: str) -> DataError:
    return DataError(
        found,
        argument="period",
        expected="two dates (or columns of dates), the first before the second",
        remedy="period=(date(2015, 1, 1), date(2020, 1, 1)), follow-up after the first until the second",
    )


def group_parts(rows: NetRows, groups: Groups) -> list[NetRows]:
    """The rows of each group."""
    return [rows.take(np.flatnonzero(groups.code == g)) for g in range(len(groups))]


def place_of(rows: NetRows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The group, age and day of each one, as kernels take them."""
    return rows.people.group, rows.people.age, rows.people.day
