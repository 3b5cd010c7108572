"""Endpoints of remission and response: event-free survival, incidence of relapse, duration of response."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from ...errors import DataError, counted
from ...options import check_choice
from .first_event import DeathIs, with_death, with_endpoint

if TYPE_CHECKING:
    import datetime as dt

    from ...columns import Column
    from ...options import TimeUnit
    from .dates import Dates

FailureOn = Literal["day 1", "date"]


def event_free_survival(
    data: Any,
    *,
    start: Column,
    failure: Column | None,
    failure_on: FailureOn | None = None,
    relapse: Column,
    new_treatment: Column | None = None,
    death: Column,
    last_assessment: Column,
    unit: TimeUnit,
    as_of: dt.date | None = None,
    prefix: str = "efs",
) -> Any:
    """Time from a stated start to failure of treatment, relapse or death, whichever comes first.

    Time zero is `start`. The event is failure to reach remission by a landmark of the protocol, relapse
    (or progression), an unplanned new treatment if its date is given, or death of any cause; nothing
    competes. Who has none of them is censored at the last assessment of the response. In acute myeloid
    leukaemia failures are events on day 1 of the study (`failure_on="day 1"`): a time of 0, and a step of
    the curve at its beginning. Counted on the day of the assessment instead, patients who were never in
    remission seem free of events until then.

    Parameters
    ----------
    data
        One row per patient.
    start
        Column with the date of time zero: randomisation or registration, else diagnosis.
    failure
        Date at which treatment was known to have failed, null for all others; None if failure is no event
        of the study. By the European LeukemiaNet these are the patients without remission at the landmark,
        and those who died before it without an assessment; living patients who cannot be evaluated are
        censored on day 1, with `start` as their last assessment.
    failure_on
        `"day 1"`: failures count at time zero. `"date"`: on the date in `failure`. Required with `failure`.
    relapse
        Date of the first relapse or progression; null without one.
    new_treatment
        Date of unplanned treatment after the first line, an event in lymphoma.
    death
        Date of death; null for the living.
    last_assessment
        Date of the last assessment of the response. Only those without an event need one.
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
        become polars) with `efs_months` (by the unit), `efs_event` (Boolean) and `efs_first`: `"censored"`,
        `"failure"`, `"relapse"`, `"new treatment"` or `"death"`, of several on one day the first of these.

    Raises
    ------
    DataError
        For columns without dates, no `start`, a date before it or after `as_of`, an event after the death, a
        relapse before a failure, `failure` without `failure_on`, no `last_assessment` of those without an
        event, an unknown unit, and names that are taken.

    Warns
    -----
    DataWarning
        For an assessment after the death, and for dates on the day of `start`.

    References
    ----------
    Doehner H, et al. Blood 2022;140:1345-1377, table 9 (European LeukemiaNet; read there).

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> patients = pl.DataFrame(
    ...     {
    ...         "randomised": [date(2020, 1, 1)] * 3,
    ...         "refractory": [date(2020, 3, 1), None, None],
    ...         "relapse": [None, date(2020, 7, 1), None],
    ...         "death": [date(2020, 9, 1), None, None],
    ...         "marrow": [date(2020, 3, 1), date(2020, 7, 1), date(2020, 12, 31)],
    ...     }
    ... )
    >>> event_free_survival(
    ...     patients,
    ...     start="randomised",
    ...     failure="refractory",
    ...     failure_on="day 1",
    ...     relapse="relapse",
    ...     death="death",
    ...     last_assessment="marrow",
    ...     unit="days",
    ... ).select("efs_days", "efs_event", "efs_first").rows()
    [(0.0, True, 'failure'), (182.0, True, 'relapse'), (365.0, False, 'censored')]
    """
    if failure is not None:
        check_choice(failure_on, FailureOn, argument="failure_on")
    columns = {
        "start": start, "failure": failure, "relapse": relapse, "new_treatment": new_treatment,
        "death": death, "last_assessment": last_assessment,
    }  # fmt: skip
    return with_endpoint(
        data,
        "event_free_survival",
        columns,
        unit=unit,
        as_of=as_of,
        prefix=prefix,
        change=_with_failures_on_day_one if failure_on == "day 1" else _with_failures,
    )


def _with_failures(dates: Dates) -> Dates:
    """The dates, in which nobody relapses before a remission failed to come."""
    if "failure" not in dates.names:
        return dates
    before = (dates.frame["relapse"] < dates.frame["failure"]).fill_null(False)
    if before.any():
        relapse, failure = dates.names["relapse"], dates.names["failure"]
        raise DataError(
            f"is before {failure!r} in {counted(int(before.sum()), 'row')}, and nobody relapses without a "
            "remission",
            argument="relapse",
            column=relapse,
            rows=before.arg_true(),
            expected=f"either a failure to reach remission or a relapse, or {failure!r} first",
            remedy=f"data.filter(pl.col({relapse!r}) < pl.col({failure!r})) to look at the rows",
        )
    return dates


def _with_failures_on_day_one(dates: Dates) -> Dates:
    start = pl.when(pl.col("failure").is_not_null()).then(pl.col("start"))
    known = _with_failures(dates)
    if "failure" not in known.names:
        return known
    return replace(known, frame=known.frame.with_columns(start.alias("failure")))


def relapse_incidence(
    data: Any,
    *,
    remission: Column,
    relapse: Column,
    death: Column,
    last_assessment: Column,
    unit: TimeUnit,
    as_of: dt.date | None = None,
    prefix: str = "cir",
) -> Any:
    """Time in remission until relapse or death: cumulative incidence of relapse (CIR) and of death (CID).

    Time zero is the date of remission: it is about patients who reached one, and not to be compared from
    diagnosis. The event is relapse, and death in remission competes. Who has neither is censored at the last
    assessment without relapse. From transplantation it is `relapse_and_nrm`.

    Parameters
    ----------
    data
        One row per patient.
    remission
        Column with the date of the first remission; null for who never reached one, whose new columns are
        null.
    relapse
        Date of the first relapse after it; null without one.
    death
        Date of death of any cause; null for the living.
    last_assessment
        Date of the last assessment without relapse. Only those without an event need one.
    unit, as_of, prefix
        As in `event_free_survival`.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        As `event_free_survival`, with `cir_months` and `cir_event`, an Enum of `"censored"`, `"relapse"` and
        `"death in remission"`, for `competing.cumulative_incidence`.

    Raises
    ------
    DataError
        As `event_free_survival`, of the remission.

    Warns
    -----
    DataWarning
        For those without remission, who are counted; for relapse and death on one day, which is a relapse;
        for an assessment after the death; and for a time of 0.

    References
    ----------
    Doehner H, et al. Blood 2022;140:1345-1377, table 9 (European LeukemiaNet; time zero and population read
    there).

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> patients = pl.DataFrame(
    ...     {
    ...         "cr": [date(2020, 1, 1)] * 3,
    ...         "relapse": [date(2020, 7, 1), None, None],
    ...         "death": [date(2020, 9, 1), date(2020, 4, 1), None],
    ...         "marrow": [None, None, date(2020, 12, 31)],
    ...     }
    ... )
    >>> relapse_incidence(
    ...     patients, remission="cr", relapse="relapse", death="death", last_assessment="marrow", unit="days"
    ... ).select("cir_days", "cir_event").rows()
    [(182.0, 'relapse'), (91.0, 'death in remission'), (365.0, 'censored')]
    """
    columns = {"remission": remission, "relapse": relapse, "death": death, "last_assessment": last_assessment}
    return with_endpoint(data, "relapse_incidence", columns, unit=unit, as_of=as_of, prefix=prefix)


def duration_of_response(
    data: Any,
    *,
    response: Column,
    progression: Column,
    death: Column,
    last_assessment: Column,
    death_is: DeathIs,
    unit: TimeUnit,
    as_of: dt.date | None = None,
    prefix: str = "dor",
) -> Any:
    """Time from the first response to progression or death, of those who responded.

    Time zero is the first response. The event is progression or relapse; death without it is an event as
    well, or competes, as `death_is` says. Who has neither is censored at the last assessment without
    progression. It is conditional on a response, which comes after the start of treatment: arms that differ
    in who responds are not compared by it.

    Parameters
    ----------
    data
        One row per patient.
    response
        Column with the date of the first response; null for who never responded, whose new columns are null.
    progression
        Date of the first progression or relapse after it; null without one.
    death
        Date of death of any cause; null for the living.
    last_assessment
        Date of the last assessment without progression. Only those without an event need one.
    death_is
        `"event"` for progression or death, with Kaplan-Meier, or `"competing"`. There is no default.
    unit, as_of, prefix
        As in `event_free_survival`.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        As `event_free_survival`, with `dor_months` and, with `death_is="event"`, `dor_event` (Boolean) and
        `dor_first`; with `"competing"` `dor_event` is the Enum of `"censored"`, `"progression"` and
        `"death"`.

    Raises
    ------
    DataError
        As `event_free_survival`, of the response; and for an unknown `death_is`.

    Warns
    -----
    DataWarning
        For those without a response, who are counted; otherwise as `relapse_incidence`.

    References
    ----------
    Kim S, Kim M-J, Choe J. Korean J Radiol 2024;25:937-941 (read there).

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> patients = pl.DataFrame(
    ...     {
    ...         "responded": [date(2020, 1, 1), date(2020, 1, 1)],
    ...         "progressed": [date(2020, 7, 1), None],
    ...         "died": [None, date(2020, 4, 1)],
    ...         "assessed": [date(2020, 7, 1), date(2020, 3, 1)],
    ...     }
    ... )
    >>> duration_of_response(
    ...     patients,
    ...     response="responded",
    ...     progression="progressed",
    ...     death="died",
    ...     last_assessment="assessed",
    ...     death_is="event",
    ...     unit="days",
    ... ).select("dor_days", "dor_event", "dor_first").rows()
    [(182.0, True, 'progression'), (91.0, True, 'death')]
    """
    columns = {
        "response": response, "progression": progression, "death": death, "last_assessment": last_assessment,
    }  # fmt: skip
    definition = with_death("duration_of_response", death_is)
    return with_endpoint(data, definition, columns, unit=unit, as_of=as_of, prefix=prefix)
