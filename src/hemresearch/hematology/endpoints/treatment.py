"""Time to treatment: the first after diagnosis, and the next after a line of treatment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .first_event import DeathIs, with_death, with_endpoint

if TYPE_CHECKING:
    import datetime as dt

    from ...columns import Column
    from ...options import TimeUnit


def time_to_next_treatment(
    data: Any,
    *,
    start: Column,
    next_treatment: Column,
    death: Column,
    last_contact: Column,
    death_is: DeathIs,
    unit: TimeUnit,
    as_of: dt.date | None = None,
    prefix: str = "ttnt",
) -> Any:
    """Time from the start of a line of treatment to the start of the next (TTNT).

    Time zero is `start`. The event is the start of the next line. Death before it competes, or is an event
    as well ("time to next treatment or death"): published studies do either, or censor at death, and
    `death_is` says which. Who has no event is censored at the last contact.

    Parameters
    ----------
    data
        One row per patient.
    start
        Column with the date at which the line of treatment started.
    next_treatment
        Date at which the next line started; null without one. What counts as a next line (maintenance,
        planned transplantation, a pause) is settled before.
    death
        Date of death; null for the living.
    last_contact
        Last date at which the treatment was known. Only those without an event need one.
    death_is
        `"competing"` for a cumulative incidence, or `"event"` for Kaplan-Meier. There is no default.
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
        become polars) with `ttnt_months` (by the unit). With `death_is="competing"` `ttnt_event` is an Enum
        of `"censored"`, `"next treatment"` and `"death"`; with `"event"` it is Boolean, beside `ttnt_first`.

    Raises
    ------
    DataError
        For columns without dates, no `start`, a date before it or after `as_of`, a treatment after the death,
        no `last_contact` of those without an event, an unknown unit or `death_is`, and names that are taken.

    Warns
    -----
    DataWarning
        For a treatment of somebody alive or a death after the last contact, a contact after the death, a time
        of 0, and for competing events on one day, which count as treatment.

    References
    ----------
    Cancers 2020;12:2311, table 2 (read there: from the first dose to the first dose of the next line).

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> patients = pl.DataFrame(
    ...     {
    ...         "line_2": [date(2020, 1, 1)] * 3,
    ...         "line_3": [date(2020, 7, 1), None, None],
    ...         "died": [None, date(2020, 4, 1), None],
    ...         "seen": [date(2021, 1, 1), None, date(2020, 12, 31)],
    ...     }
    ... )
    >>> dates = {"start": "line_2", "next_treatment": "line_3", "death": "died", "last_contact": "seen"}
    >>> competing = time_to_next_treatment(patients, **dates, death_is="competing", unit="days")
    >>> competing.select("ttnt_days", "ttnt_event").rows()
    [(182.0, 'next treatment'), (91.0, 'death'), (365.0, 'censored')]
    >>> either = time_to_next_treatment(patients, **dates, death_is="event", unit="days")
    >>> either.select("ttnt_days", "ttnt_event").rows()
    [(182.0, True), (91.0, True), (365.0, False)]
    """
    columns = {
        "start": start, "next_treatment": next_treatment, "death": death, "last_contact": last_contact,
    }  # fmt: skip
    definition = with_death("time_to_next_treatment", death_is)
    return with_endpoint(data, definition, columns, unit=unit, as_of=as_of, prefix=prefix)


def time_to_first_treatment(
    data: Any,
    *,
    diagnosis: Column,
    treatment: Column,
    death: Column,
    last_contact: Column,
    unit: TimeUnit,
    as_of: dt.date | None = None,
    prefix: str = "ttft",
) -> Any:
    """Time from diagnosis to the first treatment (TTFT), where it is usual to watch and wait.

    Time zero is the diagnosis. The event is the start of the first treatment, and death without treatment
    competes. Who has neither is censored at the last contact.

    Parameters
    ----------
    data
        One row per patient.
    diagnosis
        Column with the date of diagnosis.
    treatment
        Date at which the first treatment started; null without one.
    death, last_contact, unit, as_of, prefix
        As in `time_to_next_treatment`.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        As `time_to_next_treatment`, with `ttft_months` and `ttft_event`, an Enum of `"censored"`,
        `"treatment"` and `"death untreated"`, for `competing.cumulative_incidence`.

    Raises
    ------
    DataError
        As `time_to_next_treatment`.

    Warns
    -----
    DataWarning
        As `time_to_next_treatment`.

    References
    ----------
    CLL-IPI in Binet A, a nationwide cohort. Blood Adv 2022;6:5698 (read there, with death as competing risk).

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> patients = pl.DataFrame(
    ...     {
    ...         "diagnosis": [date(2020, 1, 1)] * 3,
    ...         "treated": [date(2020, 7, 1), None, None],
    ...         "died": [None, date(2020, 4, 1), None],
    ...         "seen": [date(2021, 1, 1), None, date(2020, 12, 31)],
    ...     }
    ... )
    >>> time_to_first_treatment(
    ...     patients,
    ...     diagnosis="diagnosis",
    ...     treatment="treated",
    ...     death="died",
    ...     last_contact="seen",
    ...     unit="days",
    ... ).select("ttft_days", "ttft_event").rows()
    [(182.0, 'treatment'), (91.0, 'death untreated'), (365.0, 'censored')]
    """
    columns = {"diagnosis": diagnosis, "treatment": treatment, "death": death, "last_contact": last_contact}
    return with_endpoint(data, "time_to_first_treatment", columns, unit=unit, as_of=as_of, prefix=prefix)
