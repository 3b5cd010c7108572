"""Which reported bleeds are new, and which go on from the one before."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import polars as pl

from ...columns import Column, Columns, Table, as_frame, group_rows, read_table
from ...errors import DataError, counted
from ...numerics.windows import latest_before
from ...options import check_choice, check_number
from ...recurrent.dated_events import NO_DATE
from ...times import check_dates, whole_days
from .rates import refuse_taken

HOURS = 72.0
MICROSECONDS_PER_HOUR = 3_600_000_000
Untreated = Literal["new", "onset"]


def new_bleeds(
    data: Any,
    *,
    id: Column,
    site: Columns,
    bleed: Column,
    last_treatment: Column,
    hours: float = HOURS,
    untreated: Untreated = "new",
    name: str = "new_bleed",
) -> Any:
    """Whether each reported bleed is a new one, or goes on from the bleed before at the same site.

    A bleed goes on if it begins no later than `hours` after the last treatment of any earlier bleed of the
    patient at the same site; else it is new. Bleeding rates count new bleeds.

    Parameters
    ----------
    data
        One row per reported bleed.
    id
        The patient.
    site
        Where it was: one or several columns (joint and side).
    bleed
        Date, or date and time, of the onset. Dates alone tell only days: three of them are 72 hours.
    last_treatment
        Date (and time) of the last treatment for this bleed; null if it was not treated.
    hours
        How long after the last treatment a bleed still belongs to the one before. The default is the 72 hours
        by which trials tell bleeds apart and which are ascribed to the definitions of the ISTH (Blanchette
        2014). State what the protocol says.
    untreated
        What a bleed without treatment does for the next one: "new", nothing, as there is no treatment to
        count from; "onset", its onset counts as a treatment would.
    name
        Name of the new column.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        The data in their order (lazy if they were) with a Boolean column.

    Raises
    ------
    DataError
        For columns without dates, missing patients, sites or onsets, a treatment before its bleed, and a name
        that is taken.

    References
    ----------
    Blanchette VS, Key NS, Ljung LR, et al. J Thromb Haemost 2014;12:1935-1939.

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> diary = pl.DataFrame(
    ...     {
    ...         "id": [1, 1, 1, 1],
    ...         "site": ["left knee", "left knee", "right knee", "left knee"],
    ...         "bleed": [date(2024, 1, 1), date(2024, 1, 5), date(2024, 1, 5), date(2024, 1, 12)],
    ...         "treated": [date(2024, 1, 2), date(2024, 1, 6), None, None],
    ...     }
    ... )
    >>> told = new_bleeds(diary, id="id", site="site", bleed="bleed", last_treatment="treated")
    >>> told["new_bleed"].to_list()
    [True, False, True, True]
    """
    check_choice(untreated, Untreated, argument="untreated")
    check_number(hours, argument="hours", at_least=0, expected="hours of 0 or more", example=HOURS)
    frame = as_frame(data)
    whole = frame.collect() if isinstance(frame, pl.LazyFrame) else frame
    refuse_taken(name, whole.columns)
    rows = _read(whole, id, site, bleed, last_treatment)
    rows = rows.sort("place", "bleed", maintain_order=True)
    until = rows["treated"] if untreated == "new" else rows["treated"].fill_null(rows["bleed"])
    moment = until.cast(pl.Int64).fill_null(NO_DATE).to_numpy()
    latest = latest_before(rows["place"].to_numpy(), moment, NO_DATE)
    since = rows["bleed"].cast(pl.Int64).to_numpy() / MICROSECONDS_PER_HOUR - latest / MICROSECONDS_PER_HOUR
    is_new = np.empty(rows.height, dtype=bool)
    is_new[rows["row"].to_numpy()] = (latest == NO_DATE) | (since > hours)
    result = whole.with_columns(pl.Series(name, is_new))
    return result.lazy() if isinstance(data, pl.LazyFrame) else result


def _read(whole: pl.DataFrame, id: Column, site: Columns, bleed: Column, treated: Column) -> pl.DataFrame:
    """The number of the patient and site, the onset and the last treatment of each row, as moments."""
    if site is None:
        raise DataError(
            "None was given",
            argument="site",
            expected="the column that tells where it bled",
            remedy="site='joint'",
        )
    dates: dict[str, Columns] = {"bleed": bleed, "last_treatment": treated}
    table = read_table(whole, {"id": id, "site": site, **dates}, nullable=("last_treatment",))
    for role in dates:
        name = table.name(role)
        check_dates(table.series(role), role, name, f"{role}=pl.col({name!r}).str.to_datetime()")
    sites = group_rows(table, "site")
    place = group_rows(table, "id").code * len(sites) + sites.code
    rows = _moments(table).with_columns(place=pl.Series(place)).with_row_index("row")
    early = (rows["treated"] < rows["bleed"]).fill_null(False)
    if early.any():
        raise DataError(
            f"is before the onset in {counted(int(early.sum()), 'row')}",
            argument="last_treatment",
            column=table.name("last_treatment"),
            rows=early.arg_true(),
            expected="treatment of this bleed, on its day or later",
            remedy="data.filter(...) to look at the rows; prophylaxis before a bleed is no treatment of it",
        )
    return rows


def _moments(table: Table) -> pl.DataFrame:
    """Onset and last treatment, both as days where one of them is, else as moments that passed in UTC."""
    both = pl.DataFrame({"bleed": table.series("bleed"), "treated": table.series("last_treatment")})
    zones = {name: getattr(dtype, "time_zone", None) for name, dtype in both.schema.items()}
    if pl.Date in both.dtypes:
        return both.select(whole_days(day).cast(pl.Datetime("us")) for day in both)
    if len(set(map(bool, zones.values()))) > 1 and pl.Null not in both.dtypes:
        raise DataError(
            "has no time zone, or is the only one of the two with one",
            argument="last_treatment",
            column=table.name("last_treatment"),
            expected="onset and treatment both with a time zone, or none",
            remedy="pl.col(...).dt.replace_time_zone(None) for local time in both",
        )
    utc = [
        pl.col(name).dt.convert_time_zone("UTC").dt.replace_time_zone(None) for name in zones if zones[name]
    ]
    return both.with_columns(utc).with_columns(pl.all().cast(pl.Datetime("us")))
