"""The first of any events from the dates of a patient: a composite, or competing events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...errors import DataError
from ...options import check_choice
from .definition import CENSORED, DEATH, USAGE, Endpoint
from .first_event import with_endpoint

if TYPE_CHECKING:
    import datetime as dt

    from ...columns import Column
    from ...options import TimeUnit


def composite(
    data: Any,
    *,
    start: Column,
    events: Mapping[str, Column],
    competing: Mapping[str, Column] | None,
    last_seen: Column,
    unit: TimeUnit,
    final: str | None = None,
    as_of: dt.date | None = None,
    prefix: str,
) -> Any:
    """Time from a stated start to the first of several events, alone or with events that compete with them.

    For an endpoint that has no function of its own here. Time zero is `start`. With `competing=None`
    whichever of the `events` comes first is the event. With competing events it is the first of all, each
    under its label. Who has none of them is censored on `last_seen`.

    Parameters
    ----------
    data
        One row per patient.
    start
        Column with the date of time zero.
    events
        The column with the date of each event under its label, such as `{"relapse": "relapse_date"}`; null
        where it did not happen. Of several on one day the one that stands first counts.
    competing
        The same for the events that compete with them, which come behind those of one day; None if nothing
        competes. There is no default: say which it is.
    last_seen
        Last date at which all of the events were known. Only those without an event need one.
    unit
        Of the time: `"days"`, `"weeks"`, `"months"` (30.4375 days) or `"years"` (365.25 days).
    final
        The label of the event after which nothing can happen; by default `"death"` where there is one.
    as_of
        The data cut-off: dates after it are refused. None means today.
    prefix
        Beginning of the new names.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        The data (a LazyFrame is collected once, for the checks, and given back lazy; tables of other kinds
        become polars) with `{prefix}_{unit}` and `{prefix}_event`: Boolean if nothing competes, and then
        with `{prefix}_first` of several events, an Enum of `"censored"` and the labels; the Enum itself if
        something competes, for `competing.cumulative_incidence`.

    Raises
    ------
    DataError
        For no events, labels that are no text, are given twice or are `"censored"`, an unknown `final`,
        columns without dates, no `start`, a date before `start` or after `as_of`, an event after the final
        one, no `last_seen` of those without an event, an unknown unit, and names that are taken.

    Warns
    -----
    DataWarning
        For an event after `last_seen`, `last_seen` after the final event, competing events on one day, and a
        time of 0.

    See Also
    --------
    describe : The endpoints that have a function of their own.

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> patients = pl.DataFrame(
    ...     {
    ...         "diagnosis": [date(2020, 1, 1)] * 3,
    ...         "richter": [date(2020, 7, 1), None, None],
    ...         "died": [date(2020, 9, 1), date(2020, 4, 1), None],
    ...         "seen": [None, None, date(2020, 12, 31)],
    ...     }
    ... )
    >>> composite(
    ...     patients,
    ...     start="diagnosis",
    ...     events={"transformation": "richter"},
    ...     competing={"death": "died"},
    ...     last_seen="seen",
    ...     unit="days",
    ...     prefix="rt",
    ... ).select("rt_days", "rt_event").rows()
    [(182.0, 'transformation'), (91.0, 'death'), (365.0, 'censored')]
    """
    _check_events(events, competing)
    roles = {_role("events", label): label for label in events}
    others = {_role("competing", label): label for label in competing or {}}
    definition = Endpoint(
        name="composite of stated events",
        time_zero="start",
        events=roles | others,
        competing=tuple(others),
        censoring="last_seen",
        time_zero_is="as stated",
        event_is="as stated",
        competing_is="as stated",
        censoring_is="as stated",
        source=None,
        evidence=USAGE,
        final=_final(roles | others, final),
    )
    dated = [*events.values(), *(competing or {}).values()]
    columns = {"start": start, **dict(zip(definition.events, dated, strict=True)), "last_seen": last_seen}
    return with_endpoint(data, definition, columns, unit=unit, as_of=as_of, prefix=prefix)


def _role(argument: str, label: str) -> str:
    """What an event is called where its dates are refused: the place in the argument."""
    return f"{argument}[{label!r}]"


def _check_events(events: Any, competing: Any) -> None:
    for argument, given in (("events", events), ("competing", competing)):
        if not (given is None and argument == "competing") and not (isinstance(given, Mapping) and given):
            raise DataError(
                f"{'an empty one' if isinstance(given, Mapping) else f'a {type(given).__name__}'} was given",
                argument=argument,
                expected="a dictionary from labels to columns of dates",
                remedy=f"{argument}={{'death': 'date_of_death'}}",
            )
    labels = [*events, *(competing or {})]
    for label in labels:
        if not isinstance(label, str) or not label or label == CENSORED or labels.count(label) > 1:
            raise DataError(
                f"{label!r} cannot be the label of an event here",
                argument="events" if label in events else "competing",
                expected=f"text that is given once and is not {CENSORED!r}",
                remedy="events={'relapse': ...}, competing={'death': ...}",
            )


def _final(roles: dict[str, str], final: Any) -> tuple[str, ...]:
    """The role of the event after which nothing can happen, if there is one."""
    if final is not None:
        check_choice(final, list(roles.values()), argument="final")
    return tuple(role for role, label in roles.items() if label == (DEATH if final is None else final))
