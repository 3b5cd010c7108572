"""The first of several counts in a row that are high enough: recovery of neutrophils or platelets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from ...errors import DataError, counted, warn
from ...options import check_choice, check_number
from .first_event import check_prefix, collected, refuse_taken
from .long_table import ROW, of_patients, per_patient, read_patients, read_rows, read_values

if TYPE_CHECKING:
    from ...columns import Column

Consecutive = Literal["days", "values"]


def first_sustained(
    data: Any,
    values: Any,
    *,
    id: Column,
    start: Column,
    date: Column,
    value: Column,
    at_least: float,
    n: int = 3,
    consecutive: Consecutive,
    after_fall: bool,
    transfusions: Any = None,
    transfusion_date: Column | None = None,
    transfusion_free_days: int = 7,
    prefix: str,
) -> Any:
    """The date of the first of `n` counts in a row at or above a limit, for `engraftment`.

    Neutrophils of 0.5 x 10^9/L on three days, platelets of 20 x 10^9/L without a transfusion in the seven
    days before. Of several counts on one day the lowest is taken. With `transfusions` a count is used if
    the last transfusion was at least `transfusion_free_days` days before it.

    Parameters
    ----------
    data
        One row per patient.
    values
        One row per count. Those of other people and those before `start` are left out.
    id
        Column that identifies the patient in all tables.
    start
        Column of data with the date of the infusion of the graft.
    date, value
        Columns of values: the date, and the count in the unit of `at_least`.
    at_least
        The limit, such as 0.5 or 20.
    n
        How many in a row.
    consecutive
        `"days"`: on days that follow each other, so that a day without a count ends the row; `"values"`: in
        counts that follow each other, on whatever days, as the registry of the CIBMTR has it. There is no
        default.
    after_fall
        Whether only what follows the first count below the limit is used, since counts are often still high
        on the day of the infusion. With True, who never fell below has null. There is no default. (The CIBMTR
        begins at the lowest count instead: a short rise between the two counts here and not there.)
    transfusions
        One row per transfusion; None if transfusions do not matter.
    transfusion_date
        Column of transfusions with their dates.
    transfusion_free_days
        Days from the last transfusion to a count that can be used.
    prefix
        Beginning of the new name, such as `"neutrophils"`.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        The data (a LazyFrame is collected once, for the checks, and given back lazy; tables of other kinds
        become polars) with `{prefix}_date`: null for who never reached it.

    Raises
    ------
    DataError
        For an id that is twice in data, of another kind in the other tables or in none of their rows, missing
        values or no `start`, columns without dates or numbers, `n` or a limit that is no such number,
        transfusions without their dates, an unknown `consecutive`, and names that are taken.

    Warns
    -----
    DataWarning
        With `after_fall=True`, for those with counts that never fell below the limit, who are counted.

    References
    ----------
    CIBMTR Forms Instruction Manual, initial ANC recovery and initial platelet recovery (read there).

    Examples
    --------
    >>> from datetime import date, timedelta
    >>> import polars as pl
    >>> patients = pl.DataFrame({"id": ["a"], "infusion": [date(2020, 1, 1)]})
    >>> days = [date(2020, 1, 1) + timedelta(days=day) for day in (0, 10, 18, 19, 20, 21, 22)]
    >>> values = pl.DataFrame({"id": "a", "day": days, "anc": [3.0, 0.0, 0.5, 0.4, 0.5, 0.9, 1.2]})
    >>> first_sustained(
    ...     patients,
    ...     values,
    ...     id="id",
    ...     start="infusion",
    ...     date="day",
    ...     value="anc",
    ...     at_least=0.5,
    ...     consecutive="days",
    ...     after_fall=True,
    ...     prefix="neutrophils",
    ... )["neutrophils_date"].to_list()
    [datetime.date(2020, 1, 21)]
    """
    check_choice(consecutive, Consecutive, argument="consecutive")
    limit = check_number(at_least, argument="at_least", expected="a count", example=0.5)
    in_a_row = _whole(n, "n", 3)
    check_prefix(prefix)
    whole, lazy = collected(data)
    refuse_taken([f"{prefix}_date"], whole.columns, prefix)
    patients, _ = read_patients(whole, id=id, dates={"start": start}, complete=("start",))
    rows, table = read_rows(values, argument="values", id=id, date=date, value=value)
    rows = rows.with_columns(read_values(table, example="value='anc'").alias("value"))
    joined = of_patients(patients, rows, argument="values", id=table.name("id"))
    since = joined.filter(pl.col("date") >= pl.col("start"))
    daily = since.group_by(ROW, "date").agg(pl.col("value").min()).sort(ROW, "date")
    daily = daily.with_columns(high=pl.col("value") >= limit)
    if transfusions is not None:
        free = _whole(transfusion_free_days, "transfusion_free_days", 7)
        given = _transfusions(patients, transfusions, id=id, date=transfusion_date)
        daily = _without_transfusion(daily, given, free)
    if after_fall:
        daily = _after_fall(patients, daily, limit)
    found = per_patient(patients, _starts(daily, in_a_row, consecutive), pl.col("date").min())
    result = whole.hstack(found.rename({"date": f"{prefix}_date"}))
    return result.lazy() if lazy else result


def _whole(number: Any, argument: str, example: int) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise DataError(
            f"{number!r} was given",
            argument=argument,
            expected="a whole number of at least 1",
            remedy=f"{argument}={example}",
        )
    return number


def _transfusions(patients: pl.DataFrame, transfusions: Any, *, id: Column, date: Any) -> pl.DataFrame:
    if date is None:
        raise DataError(
            "no column was given",
            argument="transfusion_date",
            expected="the column of transfusions with their dates",
            remedy="transfusion_date='date'",
        )
    rows, table = read_rows(
        transfusions, argument="transfusions", id=id, date=date, date_role="transfusion_date"
    )
    given = of_patients(patients, rows, argument="transfusions", id=table.name("id"))
    return given.select(ROW, "date", transfused="date").sort("date")


def _without_transfusion(daily: pl.DataFrame, given: pl.DataFrame, free: int) -> pl.DataFrame:
    last = daily.sort("date").join_asof(given, on="date", by=ROW, check_sortedness=False).sort(ROW, "date")
    days = (pl.col("date") - pl.col("transfused")).dt.total_days()
    return last.with_columns(pl.col("high") & (days >= free).fill_null(True))


def _after_fall(patients: pl.DataFrame, daily: pl.DataFrame, limit: float) -> pl.DataFrame:
    fall = daily.filter(pl.col("value") < limit).group_by(ROW).agg(fall=pl.col("date").min())
    never = daily.select(ROW).unique().join(fall, on=ROW, how="anti").sort(ROW)
    if never.height:
        warn(
            f"never fell below {limit:g} in {counted(never.height, 'patient')} with counts, whose date "
            "is null",
            argument="value",
            rows=never[ROW],
            expected="a fall before the recovery; the rows are those of data",
            remedy="after_fall=False for those patients, or without them where recovery is studied",
        )
    return daily.join(fall, on=ROW).filter(pl.col("date") > pl.col("fall"))


def _starts(daily: pl.DataFrame, n: int, consecutive: str) -> pl.DataFrame:
    """The days from which n counts in a row are high."""
    ordered = daily.sort(ROW, "date")
    high = [pl.col("high").shift(-k) for k in range(n)]
    same = pl.col(ROW).shift(1 - n) == pl.col(ROW)
    together = (pl.col("date").shift(1 - n) - pl.col("date")).dt.total_days() == n - 1
    conditions = [*high, same, *([together] if consecutive == "days" else [])]
    return ordered.filter(pl.all_horizontal(*conditions))
