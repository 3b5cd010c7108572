"""Graft-versus-host disease after transplantation, alone and in composites with relapse and death."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .first_event import with_endpoint

if TYPE_CHECKING:
    import datetime as dt

    from ...columns import Column
    from ...options import TimeUnit


def acute_gvhd(
    data: Any,
    *,
    transplant: Column,
    acute_gvhd: Column,
    relapse: Column | None,
    death: Column,
    last_contact: Column,
    second_transplant: Column | None = None,
    unit: TimeUnit,
    as_of: dt.date | None = None,
    prefix: str = "agvhd",
) -> Any:
    """Time to acute graft-versus-host disease (GVHD) or to what precludes or changes it.

    Time zero is the infusion of the graft. The event is the first acute GVHD of the grades whose dates are
    given. Death without it competes. Whether a relapse ends the time at risk is a decision of the study and
    has no default: with its date it competes, with `relapse=None` GVHD after it counts. A second
    transplantation (or graft failure) competes if its date is given. Nobody is censored for any of these.
    Who has no event is censored at the last contact.

    Parameters
    ----------
    data
        One row per patient.
    transplant
        Column with the date of the infusion.
    acute_gvhd
        Date of the first acute GVHD of the grades studied, such as II-IV; null without one. Its incidence is
        usually read at day 100 or 180.
    relapse
        Date of relapse if relapse competes; None if it does not.
    death
        Date of death; null for the living.
    last_contact
        Last date at which GVHD was looked for. Only those without an event need one.
    second_transplant
        Date of a second transplantation or graft failure that competes.
    unit, as_of, prefix
        As in `relapse_and_nrm`.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        As `relapse_and_nrm`, with `agvhd_months` and `agvhd_event`: `"censored"`, `"acute GVHD"`, `"relapse"`
        and `"second transplant"` if they compete, and `"death"`, which is death without any of these.

    Raises
    ------
    DataError
        As `relapse_and_nrm`; and for any of the events after the death.

    Warns
    -----
    DataWarning
        For two of the events on one day: GVHD counts before relapse, relapse before a second transplantation,
        these before death. For an event of somebody alive or a death after the last contact, a
        contact after the death, and a time of 0.

    References
    ----------
    Iacobelli S. Bone Marrow Transplant 2013;48 Suppl 1:S1-S37.

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> patients = pl.DataFrame(
    ...     {
    ...         "infusion": [date(2020, 1, 1)] * 3,
    ...         "agvhd": [date(2020, 2, 1), date(2020, 5, 1), None],
    ...         "relapse": [None, date(2020, 4, 1), None],
    ...         "death": [None, None, date(2020, 3, 1)],
    ...         "last_seen": [date(2021, 1, 1)] * 2 + [None],
    ...     }
    ... )
    >>> acute_gvhd(
    ...     patients,
    ...     transplant="infusion",
    ...     acute_gvhd="agvhd",
    ...     relapse="relapse",
    ...     death="death",
    ...     last_contact="last_seen",
    ...     unit="days",
    ... ).select("agvhd_days", "agvhd_event").rows()
    [(31.0, 'acute GVHD'), (91.0, 'relapse'), (60.0, 'death')]
    """
    columns = {
        "transplant": transplant, "acute_gvhd": acute_gvhd, "relapse": relapse,
        "second_transplant": second_transplant, "death": death, "last_contact": last_contact,
    }  # fmt: skip
    return with_endpoint(data, "acute_gvhd", columns, unit=unit, as_of=as_of, prefix=prefix)


def chronic_gvhd(
    data: Any,
    *,
    transplant: Column,
    chronic_gvhd: Column,
    relapse: Column | None,
    death: Column,
    last_contact: Column,
    second_transplant: Column | None = None,
    unit: TimeUnit,
    as_of: dt.date | None = None,
    prefix: str = "cgvhd",
) -> Any:
    """Time to chronic graft-versus-host disease (GVHD) or to what precludes or changes it.

    Time zero is the infusion of the graft. The event is the first chronic GVHD of the severity whose dates
    are given. Death without it competes. Whether a relapse ends the time at risk is a decision of the study
    and has no default: with its date it competes, with `relapse=None` GVHD after it counts. A second
    transplantation (or graft failure) competes if its date is given. Nobody is censored for any of these.
    Who has no event is censored at the last contact.

    Parameters
    ----------
    data
        One row per patient.
    transplant
        Column with the date of the infusion.
    chronic_gvhd
        Date of the first chronic GVHD of the severity studied, such as any, or moderate or severe; null
        without one.
    relapse
        Date of relapse if relapse competes; None if it does not.
    death, last_contact, second_transplant, unit, as_of, prefix
        As in `acute_gvhd`.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        As `acute_gvhd`, with `cgvhd_months`, `cgvhd_event` and the label `"chronic GVHD"`.

    Raises
    ------
    DataError
        As `acute_gvhd`.

    Warns
    -----
    DataWarning
        As `acute_gvhd`.

    References
    ----------
    Iacobelli S. Bone Marrow Transplant 2013;48 Suppl 1:S1-S37.

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> patients = pl.DataFrame(
    ...     {
    ...         "infusion": [date(2020, 1, 1)] * 2,
    ...         "cgvhd": [date(2020, 8, 1), None],
    ...         "relapse": [date(2020, 7, 1), None],
    ...         "death": [None, date(2020, 3, 1)],
    ...         "last_seen": [date(2021, 1, 1), None],
    ...     }
    ... )
    >>> chronic_gvhd(
    ...     patients,
    ...     transplant="infusion",
    ...     chronic_gvhd="cgvhd",
    ...     relapse=None,
    ...     death="death",
    ...     last_contact="last_seen",
    ...     unit="days",
    ... ).select("cgvhd_days", "cgvhd_event").rows()
    [(213.0, 'chronic GVHD'), (60.0, 'death')]
    """
    columns = {
        "transplant": transplant, "chronic_gvhd": chronic_gvhd, "relapse": relapse,
        "second_transplant": second_transplant, "death": death, "last_contact": last_contact,
    }  # fmt: skip
    return with_endpoint(data, "chronic_gvhd", columns, unit=unit, as_of=as_of, prefix=prefix)


def grfs(
    data: Any,
    *,
    transplant: Column,
    acute_gvhd_3_4: Column,
    chronic_gvhd_systemic: Column,
    relapse: Column,
    death: Column,
    last_assessment: Column,
    unit: TimeUnit,
    as_of: dt.date | None = None,
    prefix: str = "grfs",
) -> Any:
    """GVHD-free, relapse-free survival: time to the first of severe GVHD, relapse and death.

    Time zero is the infusion of the graft. The event is acute GVHD of grade III-IV, chronic GVHD that
    requires systemic therapy, relapse (or progression), or death of any cause; nothing competes. Who has
    none of them is censored at the last assessment without relapse. Holtan et al count the events of the
    first year: read the curve at one year. GVHD that has resolved stays an event; current GRFS, which gives
    it back, is another estimand.

    Parameters
    ----------
    data
        One row per patient.
    transplant
        Column with the date of the infusion.
    acute_gvhd_3_4
        First date of acute GVHD of grade III or IV (not its first onset, if it began milder).
    chronic_gvhd_systemic
        First date of systemic therapy for chronic GVHD. Definitions that count severe or extensive chronic
        GVHD instead make another endpoint than Holtan's.
    relapse
        Date of the first relapse or progression after the infusion; null without one.
    death
        Date of death of any cause; null for the living.
    last_assessment
        Date of the last assessment without any of the events. Only those without an event need one.
    unit, as_of, prefix
        As in `relapse_and_nrm`.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        As `relapse_and_nrm`, with `grfs_months`, `grfs_event` (Boolean) and `grfs_first`, which component
        came first: `"censored"`, `"acute GVHD"`, `"chronic GVHD"`, `"relapse"` or `"death"`, of several on
        one day the one that stands first in this order. The components compete: their cumulative incidences
        stack up to 1 - GRFS.

    Raises
    ------
    DataError
        As `relapse_and_nrm`; and for any of the events after the death.

    Warns
    -----
    DataWarning
        For an assessment after the death, and for a time of 0.

    References
    ----------
    Holtan SG et al. Blood 2015;125:1333-1338.

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> patients = pl.DataFrame(
    ...     {
    ...         "infusion": [date(2020, 1, 1)] * 3,
    ...         "agvhd_3_4": [None, date(2020, 2, 1), None],
    ...         "cgvhd_treated": [date(2020, 8, 1), None, None],
    ...         "relapse": [date(2020, 12, 1), date(2020, 5, 1), None],
    ...         "death": [None, date(2020, 9, 1), None],
    ...         "last_seen": [date(2021, 1, 1), None, date(2021, 1, 1)],
    ...     }
    ... )
    >>> grfs(
    ...     patients,
    ...     transplant="infusion",
    ...     acute_gvhd_3_4="agvhd_3_4",
    ...     chronic_gvhd_systemic="cgvhd_treated",
    ...     relapse="relapse",
    ...     death="death",
    ...     last_assessment="last_seen",
    ...     unit="days",
    ... ).select("grfs_days", "grfs_event", "grfs_first").rows()
    [(213.0, True, 'chronic GVHD'), (31.0, True, 'acute GVHD'), (366.0, False, 'censored')]
    """
    columns = {
        "transplant": transplant, "acute_gvhd_3_4": acute_gvhd_3_4,
        "chronic_gvhd_systemic": chronic_gvhd_systemic, "relapse": relapse, "death": death,
        "last_assessment": last_assessment,
    }  # fmt: skip
    return with_endpoint(data, "grfs", columns, unit=unit, as_of=as_of, prefix=prefix)


def crfs(
    data: Any,
    *,
    transplant: Column,
    chronic_gvhd: Column,
    relapse: Column,
    death: Column,
    last_assessment: Column,
    unit: TimeUnit,
    as_of: dt.date | None = None,
    prefix: str = "crfs",
) -> Any:
    """Chronic GVHD-free, relapse-free survival: time to the first of chronic GVHD, relapse and death.

    Time zero is the infusion of the graft. The event is chronic GVHD of the severity whose dates are
    given, relapse (or progression), or death of any cause; acute GVHD is none, and nothing competes. Who has
    none of them is censored at the last assessment without relapse.

    Parameters
    ----------
    data
        One row per patient.
    transplant
        Column with the date of the infusion.
    chronic_gvhd
        First date of chronic GVHD of the severity studied; say which in the paper.
    relapse, death, last_assessment, unit, as_of, prefix
        As in `grfs`.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        As `grfs`, with `crfs_months`, `crfs_event` (Boolean) and `crfs_first`: `"censored"`,
        `"chronic GVHD"`, `"relapse"` or `"death"`.

    Raises
    ------
    DataError
        As `grfs`.

    Warns
    -----
    DataWarning
        As `grfs`.

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> patients = pl.DataFrame(
    ...     {
    ...         "infusion": [date(2020, 1, 1)] * 2,
    ...         "cgvhd": [date(2020, 8, 1), None],
    ...         "relapse": [None, date(2020, 5, 1)],
    ...         "death": [None, date(2020, 9, 1)],
    ...         "last_seen": [date(2021, 1, 1), None],
    ...     }
    ... )
    >>> crfs(
    ...     patients,
    ...     transplant="infusion",
    ...     chronic_gvhd="cgvhd",
    ...     relapse="relapse",
    ...     death="death",
    ...     last_assessment="last_seen",
    ...     unit="days",
    ... ).select("crfs_days", "crfs_event", "crfs_first").rows()
    [(213.0, True, 'chronic GVHD'), (121.0, True, 'relapse')]
    """
    columns = {
        "transplant": transplant, "chronic_gvhd": chronic_gvhd, "relapse": relapse, "death": death,
        "last_assessment": last_assessment,
    }  # fmt: skip
    return with_endpoint(data, "crfs", columns, unit=unit, as_of=as_of, prefix=prefix)
