"""Endpoints of haematopoietic stem cell transplantation, from the day of the infusion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .first_event import with_endpoint

if TYPE_CHECKING:
    import datetime as dt

    from ...columns import Column
    from ...options import TimeUnit


def relapse_and_nrm(
    data: Any,
    *,
    transplant: Column,
    relapse: Column,
    death: Column,
    last_assessment: Column,
    unit: TimeUnit,
    as_of: dt.date | None = None,
    prefix: str = "relapse_nrm",
) -> Any:
    """Time to relapse or to death without it: relapse and non-relapse mortality (NRM) as one pair.

    Time zero is the infusion of the graft (or of the cells). Relapse (or progression) and death without it
    compete: the two cumulative incidences and relapse-free survival add up to 1 at every time. Who has
    neither is censored at the last assessment without relapse. Non-relapse mortality is every death before a
    relapse, whatever the cause on the certificate; treatment-related mortality by attribution is another
    endpoint.

    Parameters
    ----------
    data
        One row per patient.
    transplant
        Column with the date of the infusion.
    relapse
        Date of the first relapse or progression after it; null without one.
    death
        Date of death of any cause; null for the living.
    last_assessment
        Date of the last assessment without relapse. Only those without an event need one. A last contact in
        its place takes the patient as free of relapse until then.
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
        become polars) with `relapse_nrm_months` (by the unit) and `relapse_nrm_event`, an Enum of
        `"censored"`, `"relapse"` and `"death without relapse"`, for `competing.cumulative_incidence`.

    Raises
    ------
    DataError
        For columns without dates, no `transplant`, a date before it, a relapse after the death, no
        `last_assessment` of those without an event, an unknown unit, and names that are taken.

    Warns
    -----
    DataWarning
        For relapse and death on one day, which is a relapse; for an assessment after the death; and for a
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
    ...         "infusion": [date(2020, 1, 1)] * 3,
    ...         "relapse": [date(2020, 7, 1), None, None],
    ...         "death": [date(2020, 9, 1), date(2020, 4, 1), None],
    ...         "last_seen": [None, None, date(2020, 12, 31)],
    ...     }
    ... )
    >>> relapse_and_nrm(
    ...     patients,
    ...     transplant="infusion",
    ...     relapse="relapse",
    ...     death="death",
    ...     last_assessment="last_seen",
    ...     unit="days",
    ... ).select("relapse_nrm_days", "relapse_nrm_event").rows()
    [(182.0, 'relapse'), (91.0, 'death without relapse'), (365.0, 'censored')]
    """
    columns = {
        "transplant": transplant, "relapse": relapse, "death": death, "last_assessment": last_assessment,
    }  # fmt: skip
    return with_endpoint(data, "relapse_and_nrm", columns, unit=unit, as_of=as_of, prefix=prefix)


def engraftment(
    data: Any,
    *,
    transplant: Column,
    engraftment: Column,
    relapse: Column | None,
    death: Column,
    last_contact: Column,
    second_transplant: Column | None = None,
    unit: TimeUnit,
    as_of: dt.date | None = None,
    prefix: str = "engraftment",
) -> Any:
    """Time to engraftment or to what precludes it.

    Time zero is the infusion of the graft. The event is engraftment as the study defines it, for neutrophils
    usually the first of three consecutive days with at least 0.5 x 10^9/L, for platelets at least 20 x 10^9/L
    without a transfusion in the week before. Death without it competes. Relapse competes if its date is given
    (no default: say `relapse=None` if it does not), and so does a second transplantation. Who has no event is
    censored at the last contact.

    Parameters
    ----------
    data
        One row per patient.
    transplant
        Column with the date of the infusion.
    engraftment
        Date of engraftment; null for who never engrafted. One call for neutrophils and one for platelets.
    last_contact
        Last date at which blood counts were known. Only those without an event need one.
    relapse, death, second_transplant, unit, as_of, prefix
        As in `acute_gvhd`; `prefix="platelets"` for a second lineage.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        As `acute_gvhd`, with `engraftment_days`, `engraftment_event` and the label `"engraftment"`.

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
    Iacobelli S. Bone Marrow Transplant 2013;48 Suppl 1:S1-S37. Bone Marrow Transplant 2002;30:749-752 finds
    after autologous transplantation that the first day with such neutrophils is that of the three, too.

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> patients = pl.DataFrame(
    ...     {
    ...         "infusion": [date(2020, 1, 1)] * 3,
    ...         "neutrophils": [date(2020, 1, 19), None, None],
    ...         "second": [None, date(2020, 2, 10), None],
    ...         "death": [None, None, date(2020, 1, 11)],
    ...         "last_seen": [date(2021, 1, 1)] * 2 + [None],
    ...     }
    ... )
    >>> engraftment(
    ...     patients,
    ...     transplant="infusion",
    ...     engraftment="neutrophils",
    ...     relapse=None,
    ...     second_transplant="second",
    ...     death="death",
    ...     last_contact="last_seen",
    ...     unit="days",
    ... ).select("engraftment_days", "engraftment_event").rows()
    [(18.0, 'engraftment'), (40.0, 'second transplant'), (10.0, 'death')]
    """
    columns = {
        "transplant": transplant, "engraftment": engraftment, "relapse": relapse,
        "second_transplant": second_transplant, "death": death, "last_contact": last_contact,
    }  # fmt: skip
    return with_endpoint(data, "engraftment", columns, unit=unit, as_of=as_of, prefix=prefix)
