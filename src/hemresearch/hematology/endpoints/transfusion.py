"""Independence of red-cell transfusion, from the dates of all transfusions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from ...errors import DataError, counted
from ...options import check_choice, check_number
from .dates import latest_day
from .first_event import check_prefix, collected, refuse_taken
from .landmark import NotEvaluable
from .long_table import ROW, of_patients, per_patient, read_patients, read_rows

if TYPE_CHECKING:
    import datetime as dt

    from ...columns import Column, Table

A_DAY = pl.duration(days=1)


def transfusion_independence(
    data: Any,
    transfusions: Any,
    *,
    id: Column,
    start: Column,
    last_contact: Column,
    date: Column,
    weeks: float,
    not_evaluable: NotEvaluable,
    as_of: dt.date | None = None,
    prefix: str = "rbc_ti",
) -> Any:
    """The longest time without red-cell transfusion, and whether it reached a number of weeks.

    Counted in whole days without a transfusion, from the day of `start` to `last_contact`, both included:
    eight weeks are 56 days in a row of which none has a transfusion. It is a yes or no at the end of
    observation and needs the same length of observation in groups that are compared.

    Parameters
    ----------
    data
        One row per patient.
    transfusions
        One row per transfusion of red cells. Those of other people, and those before `start` or after
        `last_contact`, are left out; who has no row was never transfused.
    id
        Column that identifies the patient in both tables.
    start
        Column of data with the date at which observation starts.
    last_contact
        Column of data with the date at which it ends: the last date at which transfusions were known, the
        day of the death, or the end of the window of the protocol.
    date
        Column of transfusions with their dates.
    weeks
        Without transfusion that make a patient independent: 8 by the International Working Group of 2006;
        12 and 24 are in use.
    not_evaluable
        Who was observed for less than these weeks: `"non-response"` (intention to treat) or `"null"`.
        There is no default.
    as_of
        The data cut-off: dates after it are refused. None means today.
    prefix
        Beginning of the new names.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        The data (a LazyFrame is collected once, for the checks, and given back lazy; tables of other kinds
        become polars) with `rbc_ti_days`, the longest time in days, `rbc_ti_event` (Boolean), and
        `rbc_ti_from`, the first day of the first time that is long enough.

    Raises
    ------
    DataError
        For an id that is twice in data, of another kind in transfusions or in none of its rows, missing
        dates, `last_contact` before `start`, dates after `as_of`, `weeks` that are no positive number,
        an unknown `not_evaluable`, and names that are taken.

    References
    ----------
    Eight weeks in a row by the IWG of 2006 as tabulated in ashpublications.com view-large/12327085 (12 in a
    later trial there); 8 and 24 in the IMerge trial as reported in ascopost.com, December 2023.

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> patients = pl.DataFrame(
    ...     {"id": [1, 2], "start": [date(2020, 1, 1)] * 2, "end": [date(2020, 6, 16), date(2020, 3, 1)]}
    ... )
    >>> transfusions = pl.DataFrame(
    ...     {"id": [1, 1, 2], "day": [date(2020, 1, 8), date(2020, 4, 1), date(2020, 2, 1)]}
    ... )
    >>> transfusion_independence(
    ...     patients,
    ...     transfusions,
    ...     id="id",
    ...     start="start",
    ...     last_contact="end",
    ...     date="day",
    ...     weeks=8,
    ...     not_evaluable="null",
    ... ).select("rbc_ti_days", "rbc_ti_event", "rbc_ti_from").rows()
    [(83, True, datetime.date(2020, 1, 9)), (31, False, None)]
    """
    check_choice(not_evaluable, NotEvaluable, argument="not_evaluable")
    needed = 7 * check_number(weeks, argument="weeks", expected="a number of weeks", example=8, above=0.0)
    check_prefix(prefix)
    whole, lazy = collected(data)
    names = [f"{prefix}_days", f"{prefix}_event", f"{prefix}_from"]
    refuse_taken(names, whole.columns, prefix)
    observation = {"start": start, "last_contact": last_contact}
    patients, read = read_patients(whole, id=id, dates=observation, complete=tuple(observation))
    _refuse_window(patients, read, as_of)
    rows, table = read_rows(transfusions, argument="transfusions", id=id, date=date, as_of=as_of)
    joined = of_patients(patients, rows, argument="transfusions", id=table.name("id"))
    intervals = _intervals(patients, joined)
    enough = pl.col("free") >= needed
    found = per_patient(
        patients, intervals, pl.col("free").max(), pl.col("from").filter(enough).min().alias("from")
    )
    observed = (patients["last_contact"] - patients["start"]).dt.total_days() + 1
    unknown = (observed < needed) & (not_evaluable == "null")
    event = pl.when(~unknown).then(pl.col("from").is_not_null())
    columns = found.select(
        pl.col("free").alias(names[0]), event.alias(names[1]), pl.col("from").alias(names[2])
    )
    result = whole.hstack(columns)
    return result.lazy() if lazy else result


def _intervals(patients: pl.DataFrame, transfusions: pl.DataFrame) -> pl.DataFrame:
    """The times between one transfusion and the next, with the days that are free and the first of them.

    The day before the start and the day after the end bound them as transfusions do.
    """
    inside = transfusions.filter(pl.col("date").is_between("start", "last_contact")).select(ROW, "date")
    bounds = [
        patients.select(ROW, date=pl.col("start") - A_DAY),
        patients.select(ROW, date=pl.col("last_contact") + A_DAY),
    ]
    days = pl.concat([inside, *bounds]).unique().sort(ROW, "date")
    same = pl.col(ROW) == pl.col(ROW).shift()
    since = pl.when(same).then(pl.col("date").shift())
    return days.select(
        ROW, free=(pl.col("date") - since).dt.total_days() - 1, **{"from": since + A_DAY}
    ).drop_nulls()


def _refuse_window(patients: pl.DataFrame, read: Table, as_of: dt.date | None) -> None:
    """Refuse an end of observation before its start or after the data cut-off."""
    start, end = (f"pl.col({read.name(role)!r})" for role in ("start", "last_contact"))
    before = patients["last_contact"] < patients["start"]
    cut_off, words = latest_day(as_of)
    late = patients["last_contact"] > cut_off
    for wrong, found, expected, remedy in (
        (before, "before its start", "an end on or after the start", f"data.filter({end} >= {start})"),
        (late, f"after {words}", f"nothing after {cut_off}", f"{end}.clip(upper_bound=cut_off)"),
    ):
        if wrong.any():
            raise DataError(
                f"is {found} in {counted(int(wrong.sum()), 'row')}",
                argument="last_contact",
                column=read.name("last_contact"),
                rows=wrong.arg_true(),
                expected=expected,
                remedy=f"{remedy}, once the dates are looked at",
            )
