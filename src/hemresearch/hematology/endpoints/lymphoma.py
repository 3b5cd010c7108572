"""Event-free survival at 24 months in lymphoma, and the survival after it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from ...errors import counted, warn
from ...times import DAYS_PER_MONTH
from .dates import read_endpoint_dates
from .definitions import DEATH, ENDPOINTS
from .first_event import check_prefix, collected, refuse_taken, with_endpoint

if TYPE_CHECKING:
    import datetime as dt

    from ...columns import Column
    from ...options import TimeUnit
    from .dates import Dates

MONTHS = 24
LIMIT = int(MONTHS * DAYS_PER_MONTH)  # 730: the last whole day within 24 months of 30.4375 days
# The events of EFS24 on the way to it: those of event-free survival in other words.
BEFORE_24_MONTHS = replace(
    ENDPOINTS["event_free_survival"],
    events={"progression": "progression", "new_treatment": "new treatment", DEATH: "death"},
    optional=("new_treatment",),
)


def efs24(
    data: Any,
    *,
    start: Column,
    progression: Column,
    new_treatment: Column | None,
    death: Column,
    last_assessment: Column,
    as_of: dt.date | None = None,
    prefix: str = "efs24",
) -> Any:
    """Whether there was an event within 24 months of diagnosis: event-free survival at 24 months (EFS24).

    An event is progression or relapse, new treatment beyond the first line if its date is given, or death of
    any cause, within 24 months (730 whole days) of `start`. Who has none and was followed for these achieved
    EFS24. Who has none and was followed for less is neither: unknown, a null, and never taken as free of
    events.

    Parameters
    ----------
    data
        One row per patient.
    start
        Column with the date of diagnosis.
    progression
        Date of the first progression or relapse; null without one.
    new_treatment
        Date of unplanned treatment beyond the first line; None if it is no event of the study. There is no
        default.
    death
        Date of death; null for the living.
    last_assessment
        Date of the last assessment of the disease. Only those without an event need one.
    as_of
        The data cut-off: dates after it are refused. None means today.
    prefix
        Beginning of the new names.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        The data (a LazyFrame is collected once, for the checks, and given back lazy; tables of other kinds
        become polars) with `efs24_event`: true with an event within 24 months, false without, null if it is
        not known; and `efs24_from`, the date from which survival after it is counted: 24 months (730
        days) after `start` without an event, the day of an earlier progression or new treatment, and null
        for those who died first or are not known.

    Raises
    ------
    DataError
        For columns without dates, no `start`, a date before it or after `as_of`, an event after the death, no
        `last_assessment` of those without an event, and names that are taken.

    Warns
    -----
    DataWarning
        For those who were followed for less than 24 months without an event, who are counted; for an
        assessment after the death; and for a time of 0.

    References
    ----------
    Blood 2018;132 Suppl 1:454 (these events). Maurer MJ, et al. Ann Oncol 2018;29:1822-1827 (survival after
    it, of progression instead of all events).

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> patients = pl.DataFrame(
    ...     {
    ...         "diagnosis": [date(2020, 1, 1)] * 3,
    ...         "relapse": [date(2020, 7, 1), None, date(2022, 3, 1)],
    ...         "died": [None, date(2021, 1, 1), None],
    ...         "assessed": [date(2020, 7, 1), None, None],
    ...     }
    ... )
    >>> efs24(
    ...     patients,
    ...     start="diagnosis",
    ...     progression="relapse",
    ...     new_treatment=None,
    ...     death="died",
    ...     last_assessment="assessed",
    ... ).select("efs24_event", "efs24_from").rows()
    [(True, datetime.date(2020, 7, 1)), (True, None), (False, datetime.date(2021, 12, 31))]
    """
    check_prefix(prefix)
    whole, lazy = collected(data)
    names = [f"{prefix}_event", f"{prefix}_from"]
    refuse_taken(names, whole.columns, prefix)
    columns = {
        "start": start, "progression": progression, "new_treatment": new_treatment, "death": death,
        "last_assessment": last_assessment,
    }  # fmt: skip
    dates = read_endpoint_dates(whole, BEFORE_24_MONTHS, columns, as_of=as_of)
    status = _status(dates)
    _warn_unknown(dates, status["event"].is_null())
    result = whole.hstack(status.rename(dict(zip(status.columns, names, strict=True))))
    return result.lazy() if lazy else result


def _status(dates: Dates) -> pl.DataFrame:
    known = dates.frame.with_columns(first=dates.first, end=dates.end, which=dates.which)
    days = (pl.col("end") - pl.col("start")).dt.total_days()
    early = pl.col("first").is_not_null() & (days <= LIMIT)
    event = pl.when(early).then(True).when(days >= LIMIT).then(False)
    died = pl.col("which") == BEFORE_24_MONTHS.events[DEATH]
    after = (
        pl.when(event.not_())
        .then(pl.col("start") + pl.duration(days=LIMIT))
        .when(event & ~died)
        .then(pl.col("first"))
    )
    return known.select(event.alias("event"), after.alias("from"))


def _warn_unknown(dates: Dates, unknown: pl.Series) -> None:
    if unknown.any():
        warn(
            f"is less than {MONTHS} months after {dates.names['start']!r} in "
            f"{counted(int(unknown.sum()), 'row')} without an event, which are null and not free of events",
            argument="last_assessment",
            column=dates.names["last_assessment"],
            rows=unknown.arg_true(),
            expected=f"{MONTHS} months of follow-up of everybody without an event",
            remedy="hem.survival.kaplan_meier of the time to the event, which uses them until then",
        )


def overall_survival_from_efs24(
    data: Any,
    *,
    efs24_from: Column = "efs24_from",
    death: Column,
    last_contact: Column,
    unit: TimeUnit,
    as_of: dt.date | None = None,
    prefix: str = "os_efs24",
) -> Any:
    """Time from the status at 24 months to death: with EFS24 from then, without it from the event.

    Time zero is `efs24_from`, as `efs24` gives it: 24 months after diagnosis for those without an event, the
    day of the event for those with an earlier progression or new treatment. The event is death of any
    cause; nothing competes. Who has no date of death is censored on the last date known alive. The two groups
    (`by="efs24_event"`) start at different times since diagnosis; each is to be compared with the
    population of its age, and not with the other.

    Parameters
    ----------
    data
        One row per patient, with the columns of `efs24`.
    efs24_from
        Column with the date of time zero; null for those who have none, whose new columns are null.
    death
        Date of death; null for the living.
    last_contact
        Last date known alive. It may be null for the dead.
    unit
        Of the time: `"days"`, `"weeks"`, `"months"` (30.4375 days) or `"years"` (365.25 days).
    as_of, prefix
        As in `efs24`.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        As `efs24`, with `os_efs24_months` (by the unit) and `os_efs24_event`, Boolean.

    Raises
    ------
    DataError
        As `overall_survival`; but time zero may be null.

    Warns
    -----
    DataWarning
        For those without a time zero, who are counted; otherwise as `overall_survival`.

    References
    ----------
    As of `efs24`; and PMC8179849, which counts from the progression, too.

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> patients = pl.DataFrame(
    ...     {
    ...         "efs24_from": [date(2020, 7, 1), date(2021, 12, 31)],
    ...         "died": [date(2020, 10, 1), None],
    ...         "seen": [None, date(2022, 12, 31)],
    ...     }
    ... )
    >>> overall_survival_from_efs24(patients, death="died", last_contact="seen", unit="days").select(
    ...     "os_efs24_days", "os_efs24_event"
    ... ).rows()
    [(92.0, True), (365.0, False)]
    """
    columns = {"efs24_from": efs24_from, "death": death, "last_contact": last_contact}
    return with_endpoint(data, "overall_survival_from_efs24", columns, unit=unit, as_of=as_of, prefix=prefix)
