"""The dates of an endpoint: read by the day, and refused or warned about where they contradict each other."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from ...errors import DataError, counted, warn
from ...times import read_dates
from .definition import CENSORED, Endpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...columns import Column


CONTACTS = ("last_contact", "last_seen")  # of an assessment instead, events after it are to be expected


@dataclass(frozen=True, slots=True, eq=False)
class Dates:
    """The days of one endpoint, one column per role that was given, and the user's names of them."""

    frame: pl.DataFrame
    names: dict[str, str]
    endpoint: Endpoint

    @property
    def events(self) -> dict[str, str]:
        """The label of each role that is an event here, in the order that counts on one day."""
        return {role: label for role, label in self.endpoint.events.items() if role in self.names}

    @property
    def final(self) -> list[str]:
        """The roles after which nothing can happen."""
        return [role for role in self.endpoint.final if role in self.names]

    @property
    def started(self) -> pl.Series:
        """Who has a time zero."""
        return self.frame[self.endpoint.time_zero].is_not_null()

    @property
    def first(self) -> pl.Series:
        """The day of the first event; null without one."""
        return self.frame.select(pl.min_horizontal(*self.events)).to_series()

    @property
    def which(self) -> pl.Series:
        """The label of the first event, of several on one day the one that stands first; else censored.

        Null for those who have no time zero.
        """
        days = self.frame.with_columns(self.first.alias("first day"))
        on_it = pl.coalesce(
            pl.when(pl.col(role) == pl.col("first day")).then(pl.lit(label))
            for role, label in self.events.items()
        )
        labels = pl.Enum(list(dict.fromkeys([CENSORED, *self.events.values()])))
        started = pl.col(self.endpoint.time_zero).is_not_null()
        return days.select(pl.when(started).then(on_it.fill_null(CENSORED)).cast(labels)).to_series()

    @property
    def end(self) -> pl.Series:
        """The day on which the time of each patient ends."""
        return self.first.fill_null(self.frame[self.endpoint.censoring])


def read_endpoint_dates(
    data: Any,
    endpoint: Endpoint,
    columns: Mapping[str, Column | None],
    *,
    as_of: dt.date | None = None,
    derived: pl.DataFrame | None = None,
) -> Dates:
    """Read the dates of the roles that were given, and check that they can be.

    Parameters
    ----------
    as_of
        The data cut-off, after which no date can be; None means today.
    derived
        The dates that another table gives, one column per role and one row per row of the data.
    """
    given = {r: column for r, column in columns.items() if column is not None or r not in endpoint.optional}
    table = read_dates(data, given)  # type: ignore[arg-type]  # None for any other role is refused there
    frame = pl.DataFrame({role: table.series(role).dt.date() for role in given})
    names = {role: table.name(role) for role in given}
    if derived is not None:
        frame, names = (
            frame.hstack(derived),
            names | {role: endpoint.events.get(role, role) for role in derived.columns},
        )
    dates = Dates(frame, names, endpoint)
    _check_time_zero(dates)
    _refuse_before_time_zero(dates)
    _refuse_after_cut_off(dates, as_of)
    _refuse_after_the_end_of_life(dates)
    _refuse_no_end(dates)
    _warn_contact_after_death(dates)
    _warn_event_after_contact(dates)
    _warn_death_after_contact(dates)
    _warn_one_day(dates)
    _warn_no_time(dates)
    return dates


def _check_time_zero(dates: Dates) -> None:
    """Everybody has one, or those who have none are counted."""
    role, missing = dates.endpoint.time_zero, ~dates.started
    if not missing.any():
        return
    name, rows = dates.names[role], counted(int(missing.sum()), "row")
    if dates.endpoint.not_started is None:
        raise DataError(
            f"has no date in {rows}, and time starts there",
            argument=role,
            column=name,
            rows=missing.arg_true(),
            expected="a date in every row",
            remedy=f"data.filter(pl.col({name!r}).is_not_null()) for those who have reached time zero",
        )
    warn(
        f"has no date in {rows}: {dates.endpoint.not_started} and null in the new columns",
        argument=role,
        column=name,
        rows=missing.arg_true(),
        expected="that the results are of the others alone",
        remedy=f"data.filter(pl.col({name!r}).is_not_null()) to say so first",
    )


def _refuse_before_time_zero(dates: Dates) -> None:
    zero = dates.endpoint.time_zero
    start = dates.names[zero]
    for role, name in dates.names.items():
        before = (dates.frame[role] < dates.frame[zero]).fill_null(False)
        if before.any():
            here, there = f"pl.col({name!r})", f"pl.col({start!r})"
            raise DataError(
                f"is before {start!r} in {counted(int(before.sum()), 'row')}",
                argument=role,
                column=name,
                rows=before.arg_true(),
                expected=f"dates on or after {start!r}, where time starts",
                remedy=f"{role}=pl.when({here} >= {there}).then({here}), if an earlier one is another"
                if role in dates.events and role not in dates.final
                else f"data.filter(({here} >= {there}).fill_null(True)), once the dates are looked at",
            )


def _refuse_after_cut_off(dates: Dates, as_of: dt.date | None) -> None:
    cut_off, words = latest_day(as_of)
    for role, name in dates.names.items():
        after = (dates.frame[role] > cut_off).fill_null(False)
        if after.any():
            here = f"pl.col({name!r})"
            raise DataError(
                f"is after {words} in {counted(int(after.sum()), 'row')}",
                argument=role,
                column=name,
                rows=after.arg_true(),
                expected=f"nothing after {cut_off}",
                remedy=f"{role}={here}.clip(upper_bound=cut_off), and events only up to it"
                if role == dates.endpoint.censoring
                else f"{role}=pl.when({here} <= cut_off).then({here}), once the dates are looked at",
            )


def latest_day(as_of: Any) -> tuple[dt.date, str]:
    """The day after which no date can be, and what it is: the data cut-off, or without one today."""
    if as_of is None:
        return dt.date.today(), "today"
    if isinstance(as_of, dt.date):
        return as_of.date() if isinstance(as_of, dt.datetime) else as_of, "the data cut-off"
    raise DataError(
        f"a {type(as_of).__name__} was given",
        argument="as_of",
        expected="the date of the data cut-off",
        remedy="as_of=datetime.date(2024, 12, 31)",
    )


def _refuse_after_the_end_of_life(dates: Dates) -> None:
    for last in dates.final:
        death = dates.names[last]
        for role in dates.events:
            after = (dates.frame[role] > dates.frame[last]).fill_null(False)
            if after.any():
                raise DataError(
                    f"is after {death!r} in {counted(int(after.sum()), 'row')}",
                    argument=role,
                    column=dates.names[role],
                    rows=after.arg_true(),
                    expected=f"nothing to happen after {death!r}",
                    remedy=f"data.filter(pl.col({dates.names[role]!r}) > pl.col({death!r})) to look at the "
                    "rows",
                )


def _refuse_no_end(dates: Dates) -> None:
    role = dates.endpoint.censoring
    name, missing = dates.names[role], dates.end.is_null() & dates.started
    if missing.any():
        raise DataError(
            f"has no date in {counted(int(missing.sum()), 'row')} without an event",
            argument=role,
            column=name,
            rows=missing.arg_true(),
            expected="a date for everybody without an event, where their time ends",
            remedy=f"{role}=pl.coalesce({name!r}, 'another date at which it is known')",
        )


def _warn_contact_after_death(dates: Dates) -> None:
    role = dates.endpoint.censoring
    name = dates.names[role]
    for last in dates.final:
        death, after = dates.names[last], (dates.frame[role] > dates.frame[last]).fill_null(False)
        if after.any():
            warn(
                f"is after {death!r} in {counted(int(after.sum()), 'row')}; the death ends the time",
                argument=role,
                column=name,
                rows=after.arg_true(),
                expected=f"no contact after {death!r}",
                remedy=f"{role}=pl.min_horizontal({name!r}, {death!r}) if it is the end of the study",
            )


def _warn_event_after_contact(dates: Dates) -> None:
    """An event of somebody alive is a contact itself, so the last contact should not be before it."""
    contact = dates.endpoint.censoring
    if contact not in CONTACTS:
        return
    seen = dates.names[contact]
    alive = dates.frame.select(
        pl.all_horizontal(pl.lit(True), *(pl.col(role).is_null() for role in dates.final))
    ).to_series()
    for role in dates.events:
        name, after = dates.names[role], (alive & (dates.frame[role] > dates.frame[contact])).fill_null(False)
        if after.any():
            warn(
                f"is after {seen!r} in {counted(int(after.sum()), 'row')} without a death",
                argument=role,
                column=name,
                rows=after.arg_true(),
                expected="a last contact on or after everything that is known to have happened",
                remedy=f"{contact}=pl.max_horizontal({seen!r}, {name!r})",
            )


def _warn_death_after_contact(dates: Dates) -> None:
    """Where deaths are found out later than life, the time is longer for the dead than for the living."""
    contact = dates.endpoint.censoring
    if contact not in CONTACTS:
        return
    seen = dates.names[contact]
    for last in dates.final:
        name, after = dates.names[last], (dates.frame[last] > dates.frame[contact]).fill_null(False)
        if after.any():
            warn(
                f"is after {seen!r} in {counted(int(after.sum()), 'row')}; the death counts, as if the "
                "living had been followed up as long",
                argument=last,
                column=name,
                rows=after.arg_true(),
                expected="a date up to which it is known of everybody whether they live",
                remedy=f"{contact}=pl.max_horizontal({seen!r}, {name!r}) if a death is a contact itself, or "
                "the date up to which a register tells deaths",
            )


def _warn_one_day(dates: Dates) -> None:
    """Of competing events on one day only one can count; in a composite it makes no difference."""
    if not dates.endpoint.competing:
        return
    first, which, events = dates.first, dates.which, dates.events
    on_it = {role: (dates.frame[role] == first).fill_null(False) for role in events}
    for i, role in enumerate(events):
        for other in [o for o in list(events)[i + 1 :] if events[o] != events[role]]:
            rows = on_it[role] & on_it[other] & (which == events[role]).fill_null(False)
            if rows.any():
                here, there = (f"pl.col({dates.names[r]!r})" for r in (role, other))
                warn(
                    f"is on the day of {dates.names[other]!r} in {counted(int(rows.sum()), 'row')}, which "
                    f"count as {events[role]!r}",
                    argument=role,
                    column=dates.names[role],
                    rows=rows.arg_true(),
                    expected="dates that tell which came first",
                    remedy="values.filter(...) without that value, to count the other"
                    if role in dates.endpoint.derived
                    else f"{role}=pl.when({here}.ne_missing({there})).then({here}) to count the other",
                )


def _warn_no_time(dates: Dates) -> None:
    zero = dates.endpoint.time_zero
    at_zero = (dates.end == dates.frame[zero]).fill_null(False)
    if at_zero.any():
        warn(
            f"is the day of the event or of the end of observation, too, in "
            f"{counted(int(at_zero.sum()), 'row')}: a time of 0",
            argument=zero,
            column=dates.names[zero],
            rows=at_zero.arg_true(),
            expected="an event or an end of observation after the day on which time starts",
            remedy="data.filter(...) for those observed beyond that day, or half a day for them afterwards",
        )
