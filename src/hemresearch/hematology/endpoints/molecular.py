"""Endpoints of chronic myeloid leukaemia from BCR::ABL1 values: response, and remission without treatment."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from ...columns import read_table
from ...errors import DataError, counted
from ...options import check_choice
from ..response.reading import read_flag
from .definitions import ENDPOINTS
from .first_event import collected, with_endpoint
from .long_table import of_patients, per_patient, read_patients, read_rows, read_values

if TYPE_CHECKING:
    import datetime as dt

    from ...columns import Column
    from ...options import TimeUnit

MolecularLevel = Literal["MMR", "MR4", "MR4.5"]
# Percent BCR::ABL1 on the International Scale, at most; 0.0032 is what 10 ** -2.5 is rounded to everywhere.
AT_MOST: dict[MolecularLevel, float] = {"MMR": 0.1, "MR4": 0.01, "MR4.5": 0.0032}


def molecular_response(
    data: Any,
    values: Any,
    *,
    id: Column,
    start: Column,
    date: Column,
    value: Column,
    level: MolecularLevel,
    evaluable: Column | None,
    progression: Column | None,
    switch: Column | None,
    death: Column,
    unit: TimeUnit,
    as_of: dt.date | None = None,
    prefix: str = "mr",
) -> Any:
    """Time to the first molecular response in chronic myeloid leukaemia, from all BCR::ABL1 values.

    Time zero is `start`, of the tyrosine kinase inhibitor. The event is the first value after that day of
    at most 0.1 % (`"MMR"`), 0.01 % (`"MR4"`) or 0.0032 % (`"MR4.5"`) on the International Scale, unrounded;
    it need not be confirmed. Deep molecular response (DMR) is MR4 or deeper. Death without it competes;
    progression and a switch of the inhibitor compete if their dates are given. Who has no event is
    censored at the last value. A response is found when it is looked for: its time is an upper limit.

    Parameters
    ----------
    data
        One row per patient.
    values
        One row per measurement. Those of other people, and those until the day of `start`, are left out.
    id
        Column that identifies the patient in both tables.
    start
        Column of data with the date of the first dose.
    date, value
        Columns of values: the date of the sample, and BCR::ABL1 in percent on the International Scale (0 for
        undetectable).
    level
        Of the response.
    evaluable
        Column of values, true/false or 1/0: whether the sample could show this level, by its control gene
        (published limits are 10 000 copies of ABL1 for MR4 and 32 000 for MR4.5); those that could not are
        left out. None if every value can be used. There is no default.
    progression
        Date of progression to accelerated or blast phase if it competes; None if it does not.
    switch
        Date of a switch of the inhibitor if it competes; None if responses after it count.
    death
        Date of death of any cause; null for the living.
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
        become polars) with `mr_months` (by the unit) and `mr_event`, an Enum of `"censored"`, the level,
        `"progression"` and `"switch"` if they compete, and `"death"`, for `competing.cumulative_incidence`.

    Raises
    ------
    DataError
        For an id that is twice in data, of another kind in values or in none of its rows, missing or negative
        values, an unknown level or unit, values after the death or `as_of`, columns without dates, no
        `start`, dates before it, events after the death, and names that are taken.

    Warns
    -----
    DataWarning
        For two of the events on one day, of which the response counts first; and for a time of 0, which
        somebody without values after `start` has.

    References
    ----------
    Blood Adv 2020;4:5589 (MMR); Blood Adv 2020;4:3034 (MR4); www.ph-is.com (all three, and copies). All
    read there.

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> patients = pl.DataFrame(
    ...     {
    ...         "id": ["a", "b"],
    ...         "tki": [date(2020, 1, 1)] * 2,
    ...         "switch": [None, date(2020, 7, 1)],
    ...         "died": None,
    ...     }
    ... )
    >>> values = pl.DataFrame(
    ...     {
    ...         "id": ["a", "a", "b", "b"],
    ...         "sample": [date(2020, 4, 1), date(2020, 7, 1), date(2020, 4, 1), date(2020, 10, 1)],
    ...         "percent": [1.2, 0.1, 8.0, 0.05],
    ...     }
    ... )
    >>> molecular_response(
    ...     patients,
    ...     values,
    ...     id="id",
    ...     start="tki",
    ...     date="sample",
    ...     value="percent",
    ...     level="MMR",
    ...     evaluable=None,
    ...     progression=None,
    ...     switch="switch",
    ...     death="died",
    ...     unit="days",
    ... ).select("mr_days", "mr_event").rows()
    [(182.0, 'MMR'), (182.0, 'switch')]
    """
    check_choice(level, MolecularLevel, argument="level")
    definition = ENDPOINTS["molecular_response"]
    definition = replace(definition, events=definition.events | {"value": level})
    whole, lazy = collected(data)
    derived = _first_and_last(
        whole, values, id=id, start=start, start_role="start", death=death, date=date, value=value,
        evaluable=evaluable, found=pl.col("value") <= AT_MOST[level], as_of=as_of,
    )  # fmt: skip
    columns = {"start": start, "progression": progression, "switch": switch, "death": death}
    result = with_endpoint(whole, definition, columns, unit=unit, as_of=as_of, prefix=prefix, derived=derived)
    return result.lazy() if lazy else result


def treatment_free_remission(
    data: Any,
    values: Any,
    *,
    id: Column,
    stop: Column,
    date: Column,
    value: Column,
    evaluable: Column | None,
    restart: Column,
    death: Column,
    unit: TimeUnit,
    as_of: dt.date | None = None,
    prefix: str = "tfr",
) -> Any:
    """Time in remission after the tyrosine kinase inhibitor was stopped (TFR).

    Time zero is `stop`. The event is the loss of major molecular response, which is a single BCR::ABL1 value
    above 0.1 % on the International Scale after that day, restart of treatment for whatever reason, or death
    of any cause; nothing competes. Who has none of them is censored at the last value.

    Parameters
    ----------
    data
        One row per patient.
    values
        One row per measurement. Those of other people, and those until the day of `stop`, are left out.
    id
        Column that identifies the patient in both tables.
    stop
        Column of data with the date of the last dose; null for who never stopped, whose new columns are null.
    date, value
        Columns of values: the date of the sample, and BCR::ABL1 in percent on the International Scale.
    evaluable
        As in `molecular_response`. A value above 0.1 % in a sample that is flagged as poor is left out, too.
    restart
        Date at which treatment was taken up again; null without.
    death, unit, as_of, prefix
        As in `molecular_response`.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        As `molecular_response`, with `tfr_months`, `tfr_event` (Boolean) and `tfr_first`: `"censored"`,
        `"loss of MMR"`, `"restart"` or `"death"`, of several on one day the first of these.

    Raises
    ------
    DataError
        As `molecular_response`, of the stop.

    Warns
    -----
    DataWarning
        For those who never stopped, who are counted; and for a time of 0.

    References
    ----------
    Blood Adv 2020;4:3034 (A-STIM); Blood 2017;129:846 (STOP 2G-TKI): both read there, of the loss of MMR.
    That restart and death are events is usual, and not from these.

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> patients = pl.DataFrame(
    ...     {"id": [1, 2], "stop": [date(2020, 1, 1)] * 2, "again": [date(2020, 5, 1), None], "died": None}
    ... )
    >>> values = pl.DataFrame(
    ...     {
    ...         "id": [1, 1, 2],
    ...         "sample": [date(2020, 2, 1), date(2020, 4, 1), date(2020, 12, 31)],
    ...         "percent": [0.1, 0.11, 0.0],
    ...     }
    ... )
    >>> treatment_free_remission(
    ...     patients,
    ...     values,
    ...     id="id",
    ...     stop="stop",
    ...     date="sample",
    ...     value="percent",
    ...     evaluable=None,
    ...     restart="again",
    ...     death="died",
    ...     unit="days",
    ... ).select("tfr_days", "tfr_event", "tfr_first").rows()
    [(91.0, True, 'loss of MMR'), (365.0, False, 'censored')]
    """
    whole, lazy = collected(data)
    derived = _first_and_last(
        whole, values, id=id, start=stop, start_role="stop", death=death, date=date, value=value,
        evaluable=evaluable, found=pl.col("value") > AT_MOST["MMR"], as_of=as_of,
    )  # fmt: skip
    columns = {"stop": stop, "restart": restart, "death": death}
    result = with_endpoint(
        whole, "treatment_free_remission", columns, unit=unit, as_of=as_of, prefix=prefix, derived=derived
    )
    return result.lazy() if lazy else result


def _first_and_last(
    data: pl.DataFrame,
    values: Any,
    *,
    id: Column,
    start: Column,
    start_role: str,
    death: Column,
    date: Column,
    value: Column,
    evaluable: Column | None,
    found: pl.Expr,
    as_of: dt.date | None,
) -> pl.DataFrame:
    """The day of the first value after the start that is found, and of the last value, of each patient."""
    patients, _ = read_patients(data, id=id, dates={start_role: start, "death": death})
    whole, _ = collected(values)
    rows, table = read_rows(whole, argument="values", id=id, date=date, value=value, as_of=as_of)
    number = read_values(table, example="value='percent'", lowest=0.0)
    rows = rows.with_columns(number.alias("value"))
    if evaluable is not None:
        rows = rows.filter(_evaluable(whole, evaluable))
    joined = of_patients(patients, rows, argument="values", id=table.name("id"))
    _refuse_values_after_death(joined, table.name("date"))
    after = joined.filter(pl.col("date") > pl.col(start_role))
    dates = per_patient(
        patients, after, pl.col("date").filter(found).min().alias("value"), pl.col("date").max()
    )
    return dates.with_columns(date=pl.coalesce("date", patients[start_role]))


def _evaluable(values: pl.DataFrame, evaluable: Column) -> pl.Series:
    table = read_table(values, {"evaluable": evaluable}, may_be_empty=True)
    return read_flag(table, "evaluable")


def _refuse_values_after_death(joined: pl.DataFrame, name: str) -> None:
    late = joined.filter(pl.col("date") > pl.col("death"))
    if late.height:
        patients = late["patient row"].unique().sort()
        raise DataError(
            f"is after the death of {counted(len(patients), 'patient')}",
            argument="date",
            column=name,
            rows=patients,
            expected="no sample after a death; the rows are those of data",
            remedy="values.join(data, on='id').filter(...) to look at them",
        )
