"""Endpoints of any treatment: overall, progression-free and relapse-free survival."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .first_event import with_endpoint

if TYPE_CHECKING:
    import datetime as dt

    from ...columns import Column
    from ...options import TimeUnit


def overall_survival(
    data: Any,
    *,
    start: Column,
    death: Column,
    last_contact: Column,
    unit: TimeUnit,
    as_of: dt.date | None = None,
    prefix: str = "os",
) -> Any:
    """Time from a stated start to death of any cause.

    Time zero is `start`. The event is death of any cause; nothing competes. Who has no date of death is
    censored on the last date known alive.

    Parameters
    ----------
    data
        One row per patient.
    start
        Column with the date of time zero: diagnosis, randomisation, start of treatment, infusion or
        transplantation. Say which in the paper.
    death
        Date of death; null for the living. A death of unknown date cannot be told from a living patient here.
    last_contact
        Last date known alive: in a register the emigration, or else the end of its follow-up. It may be null
        for the dead.
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
        become polars) with `os_months` (by the unit) and `os_event`, Boolean.

    Raises
    ------
    DataError
        For columns without dates, no `start`, a date before `start`, no `last_contact` of the living, an
        unknown unit, and names that are taken.

    Warns
    -----
    DataWarning
        For a death after the last contact and a contact after the death (the death counts in both), and for a
        time of 0.

    References
    ----------
    Iacobelli S. Bone Marrow Transplant 2013;48 Suppl 1:S1-S37.

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> patients = pl.DataFrame(
    ...     {
    ...         "diagnosis": [date(2020, 1, 1), date(2020, 3, 1)],
    ...         "death": [date(2021, 1, 1), None],
    ...         "last_seen": [None, date(2022, 3, 1)],
    ...     }
    ... )
    >>> overall_survival(
    ...     patients, start="diagnosis", death="death", last_contact="last_seen", unit="days"
    ... ).select("os_days", "os_event").rows()
    [(366.0, True), (730.0, False)]
    """
    columns = {"start": start, "death": death, "last_contact": last_contact}
    return with_endpoint(data, "overall_survival", columns, unit=unit, as_of=as_of, prefix=prefix)


def progression_free_survival(
    data: Any,
    *,
    start: Column,
    progression: Column,
    death: Column,
    last_assessment: Column,
    unit: TimeUnit,
    as_of: dt.date | None = None,
    prefix: str = "pfs",
) -> Any:
    """Time from a stated start to progression, relapse or death, whichever comes first.

    Time zero is `start`. The event is progression or relapse, or death of any cause; nothing competes.
    Who has neither is censored at the last assessment of the disease, not at the last contact: between the
    two nobody looked for a progression.

    Parameters
    ----------
    data
        One row per patient.
    start
        Column with the date of time zero.
    progression
        Date of the first progression or relapse; null without one.
    death
        Date of death; null for the living.
    last_assessment
        Date of the last assessment of the disease. Only those without an event need one; who was never
        assessed after `start` can be given `start` itself.
    unit, as_of, prefix
        As in `overall_survival`.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        As `overall_survival`, with `pfs_months`, `pfs_event` (Boolean) and `pfs_first`: `"censored"`,
        `"progression"` or `"death"`; of both on one day it is the progression.

    Raises
    ------
    DataError
        As `overall_survival`; and for a progression after the death.

    Warns
    -----
    DataWarning
        As `overall_survival`, of the last assessment.

    References
    ----------
    Iacobelli S. Bone Marrow Transplant 2013;48 Suppl 1:S1-S37.

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> patients = pl.DataFrame(
    ...     {
    ...         "start": [date(2020, 1, 1)] * 3,
    ...         "progressed": [date(2020, 7, 1), None, None],
    ...         "died": [date(2021, 1, 1), date(2021, 1, 1), None],
    ...         "assessed": [date(2020, 7, 1), date(2020, 10, 1), date(2020, 12, 31)],
    ...     }
    ... )
    >>> progression_free_survival(
    ...     patients,
    ...     start="start",
    ...     progression="progressed",
    ...     death="died",
    ...     last_assessment="assessed",
    ...     unit="days",
    ... ).select("pfs_days", "pfs_event", "pfs_first").rows()
    [(182.0, True, 'progression'), (366.0, True, 'death'), (365.0, False, 'censored')]
    """
    columns = {"start": start, "progression": progression, "death": death, "last_assessment": last_assessment}
    return with_endpoint(data, "progression_free_survival", columns, unit=unit, as_of=as_of, prefix=prefix)


def relapse_free_survival(
    data: Any,
    *,
    start: Column,
    relapse: Column,
    death: Column,
    last_assessment: Column,
    unit: TimeUnit,
    as_of: dt.date | None = None,
    prefix: str = "rfs",
) -> Any:
    """Time in remission: from a stated start to relapse or death, whichever comes first.

    Time zero is `start`: the remission (relapse-free survival, of those in remission only) or, for
    patients transplanted in remission, the transplantation (leukaemia-free, disease-free survival). The event
    is relapse, or death of any cause; nothing competes. Who has neither is censored at the last assessment
    in remission, not at the last contact.

    Parameters
    ----------
    data
        One row per patient.
    start
        Column with the date of time zero.
    relapse
        Date of the first relapse after it; null without one.
    death
        Date of death; null for the living.
    last_assessment
        Date of the last assessment without relapse. Only those without an event need one.
    unit, as_of, prefix
        As in `overall_survival`; `prefix="lfs"` for leukaemia-free survival.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        As `overall_survival`, with `rfs_months`, `rfs_event` (Boolean) and `rfs_first`: `"censored"`,
        `"relapse"` or `"death"`; of both on one day it is the relapse.

    Raises
    ------
    DataError
        As `overall_survival`; and for a relapse after the death.

    Warns
    -----
    DataWarning
        As `overall_survival`, of the last assessment.

    References
    ----------
    Iacobelli S. Bone Marrow Transplant 2013;48 Suppl 1:S1-S37.

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> patients = pl.DataFrame(
    ...     {
    ...         "transplant": [date(2020, 1, 1)] * 2,
    ...         "relapse": [date(2020, 7, 1), None],
    ...         "death": [date(2020, 9, 1), None],
    ...         "marrow": [date(2020, 4, 1), date(2020, 12, 31)],
    ...     }
    ... )
    >>> relapse_free_survival(
    ...     patients,
    ...     start="transplant",
    ...     relapse="relapse",
    ...     death="death",
    ...     last_assessment="marrow",
    ...     unit="days",
    ...     prefix="lfs",
    ... ).select("lfs_days", "lfs_event", "lfs_first").rows()
    [(182.0, True, 'relapse'), (365.0, False, 'censored')]
    """
    columns = {"start": start, "relapse": relapse, "death": death, "last_assessment": last_assessment}
    return with_endpoint(data, "relapse_free_survival", columns, unit=unit, as_of=as_of, prefix=prefix)
