"""Endpoints of venous thromboembolism and anticoagulation: recurrence and bleeding, with death competing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .first_event import with_endpoint

if TYPE_CHECKING:
    import datetime as dt

    from ...columns import Column
    from ...options import TimeUnit


def recurrent_vte(
    data: Any,
    *,
    start: Column,
    recurrence: Column,
    major_bleeding: Column | None = None,
    death: Column,
    last_contact: Column,
    unit: TimeUnit,
    as_of: dt.date | None = None,
    prefix: str = "vte",
) -> Any:
    """Time to the first recurrence of venous thromboembolism (VTE).

    Time zero is `start`: the first event, or the start or stop of anticoagulation, which are different
    questions. The event is the first recurrence, and a death without it competes; among patients with
    cancer, one minus Kaplan-Meier takes it for 17.2 % where it is 12.0 %. Major bleeding competes if its
    date is given. Who has no event is censored at the last contact.

    Parameters
    ----------
    data
        One row per patient.
    start
        Column with the date of time zero.
    recurrence
        Date of the first objectively confirmed recurrence after it, fatal pulmonary embolism included; null
        without one.
    major_bleeding
        Date of the first major bleeding, if it competes.
    death
        Date of death of any cause; null for the living.
    last_contact
        Last date at which recurrence was asked for. Only those without an event need one.
    unit
        Of the time: `"days"`, `"weeks"`, `"months"` (30.4375 days) or `"years"` (365.25 days).
    as_of
        The data cut-off: dates after it are refused. None means today.
    prefix
        Beginning of the new names.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        The data (a LazyFrame is collected once, for the checks, and given back lazy; tables of other kinds
        become polars) with `vte_months` (by the unit) and `vte_event`, an Enum of `"censored"`,
        `"recurrence"`, `"major bleeding"` if it competes, and `"death"`, for
        `competing.cumulative_incidence`.

    Raises
    ------
    DataError
        For columns without dates, no `start`, a date before it or after `as_of`, an event after the death, no
        `last_contact` of those without an event, an unknown unit, and names that are taken.

    Warns
    -----
    DataWarning
        For two of the events on one day (a fatal recurrence is a recurrence), an event of somebody alive or a
        death after the last contact, a contact after the death, and a time of 0.

    References
    ----------
    Parpia S, et al. Contemp Clin Trials 2011;32:829-833 (the abstract, in two places).

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> patients = pl.DataFrame(
    ...     {
    ...         "stopped": [date(2020, 1, 1)] * 3,
    ...         "again": [date(2020, 7, 1), None, None],
    ...         "died": [None, date(2020, 4, 1), None],
    ...         "seen": [date(2021, 1, 1), None, date(2020, 12, 31)],
    ...     }
    ... )
    >>> recurrent_vte(
    ...     patients, start="stopped", recurrence="again", death="died", last_contact="seen", unit="days"
    ... ).select("vte_days", "vte_event").rows()
    [(182.0, 'recurrence'), (91.0, 'death'), (365.0, 'censored')]
    """
    columns = {
        "start": start, "recurrence": recurrence, "major_bleeding": major_bleeding, "death": death,
        "last_contact": last_contact,
    }  # fmt: skip
    return with_endpoint(data, "recurrent_vte", columns, unit=unit, as_of=as_of, prefix=prefix)


def major_bleeding(
    data: Any,
    *,
    start: Column,
    major_bleeding: Column,
    death: Column,
    last_contact: Column,
    unit: TimeUnit,
    as_of: dt.date | None = None,
    prefix: str = "major_bleeding",
) -> Any:
    """Time to the first major bleeding by the criteria of the ISTH, in patients who are not operated on.

    Time zero is `start`. The event is the first overt bleeding that is fatal, or in a critical site or
    organ, or comes with a fall of haemoglobin of at least 20 g/L or at least 2 units of red cells; the dates
    are of bleedings that were classified so. Death without it competes. Who has neither is censored at the
    last contact.

    Parameters
    ----------
    data
        One row per patient.
    start
        Column with the date of time zero.
    major_bleeding
        Date of the first major bleeding after it, fatal ones included; null without one.
    last_contact
        Last date at which bleeding was asked for. Only those without an event need one.
    death, unit, as_of, prefix
        As in `recurrent_vte`.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        As `recurrent_vte`, with `major_bleeding_months` and `major_bleeding_event`, an Enum of `"censored"`,
        `"major bleeding"` and `"death"`.

    Raises
    ------
    DataError
        As `recurrent_vte`.

    Warns
    -----
    DataWarning
        As `recurrent_vte`; a bleeding on the day of the death counts as bleeding.

    References
    ----------
    Schulman S, Kearon C. J Thromb Haemost 2005;3:692-694 (criteria that five sources print alike).

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> patients = pl.DataFrame(
    ...     {
    ...         "started": [date(2020, 1, 1)] * 2,
    ...         "bled": [date(2020, 7, 1), None],
    ...         "died": [None, date(2020, 4, 1)],
    ...         "seen": [date(2021, 1, 1), None],
    ...     }
    ... )
    >>> major_bleeding(
    ...     patients, start="started", major_bleeding="bled", death="died", last_contact="seen", unit="days"
    ... ).select("major_bleeding_days", "major_bleeding_event").rows()
    [(182.0, 'major bleeding'), (91.0, 'death')]
    """
    columns = {"start": start, "major_bleeding": major_bleeding, "death": death, "last_contact": last_contact}
    return with_endpoint(data, "major_bleeding", columns, unit=unit, as_of=as_of, prefix=prefix)


def clinically_relevant_bleeding(
    data: Any,
    *,
    start: Column,
    major_bleeding: Column,
    non_major_bleeding: Column,
    death: Column,
    last_contact: Column,
    unit: TimeUnit,
    as_of: dt.date | None = None,
    prefix: str = "bleeding",
) -> Any:
    """Time to the first clinically relevant bleeding: major, or clinically relevant and not major.

    Time zero is `start`. The event is the first of a major bleeding (see `major_bleeding`) and an overt
    bleeding that is not major but needs medical intervention, a hospital stay or a higher level of care, or
    a face-to-face evaluation. Both are one event, and death without it competes. Who has none is censored
    at the last contact.

    Parameters
    ----------
    data
        One row per patient.
    start
        Column with the date of time zero.
    major_bleeding
        Date of the first major bleeding; null without one.
    non_major_bleeding
        Date of the first clinically relevant bleeding that is not major; null without one.
    last_contact
        Last date at which bleeding was asked for. Only those without an event need one.
    death, unit, as_of, prefix
        As in `recurrent_vte`.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        As `recurrent_vte`, with `bleeding_months` and `bleeding_event`, an Enum of `"censored"`,
        `"clinically relevant bleeding"` and `"death"`.

    Raises
    ------
    DataError
        As `recurrent_vte`.

    Warns
    -----
    DataWarning
        As `major_bleeding`.

    References
    ----------
    Schulman S, Kearon C. J Thromb Haemost 2005;3:692-694. Kaatz S, et al. J Thromb Haemost 2015;13:2119-2126
    (of bleeding that is not major; older trials use lists of their own).

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> patients = pl.DataFrame(
    ...     {
    ...         "started": [date(2020, 1, 1)] * 2,
    ...         "major": [date(2020, 7, 1), None],
    ...         "other": [date(2020, 3, 1), None],
    ...         "died": [None, date(2020, 4, 1)],
    ...         "seen": [date(2021, 1, 1), None],
    ...     }
    ... )
    >>> clinically_relevant_bleeding(
    ...     patients,
    ...     start="started",
    ...     major_bleeding="major",
    ...     non_major_bleeding="other",
    ...     death="died",
    ...     last_contact="seen",
    ...     unit="days",
    ... ).select("bleeding_days", "bleeding_event").rows()
    [(60.0, 'clinically relevant bleeding'), (91.0, 'death')]
    """
    columns = {
        "start": start, "major_bleeding": major_bleeding, "non_major_bleeding": non_major_bleeding,
        "death": death, "last_contact": last_contact,
    }  # fmt: skip
    return with_endpoint(data, "clinically_relevant_bleeding", columns, unit=unit, as_of=as_of, prefix=prefix)
