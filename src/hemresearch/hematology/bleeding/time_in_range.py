"""Quality of anticoagulation: time in the therapeutic range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ...columns import Column, Columns, Groups, Table, as_frame, group_rows, read_number, read_table
from ...errors import DataError, counted, warn
from ...numerics.intervals import probability_limits
from ...numerics.time_in_range import ratio_of_sums, shares_in_range
from ...options import Missing, check_conf_level, check_number
from ...times import MICROSECONDS_PER_DAY, check_dates
from ..scores.inputs import NUMBERS
from ..shares import SharesOfTime

MAX_GAP = 56.0
ALIKE = 1e-9  # of a standard error of a share, that is rounding and no more
PARTS = ("below", "in_range", "above")
MADE = ("n_measured", "days", "days_left_out", "share_below", "share_in_range", "share_above")


def time_in_range(
    data: Any,
    *,
    id: Column,
    date: Column,
    inr: Column,
    low: float | Column = 2.0,
    high: float | Column = 3.0,
    max_gap: float = MAX_GAP,
    missing: Missing = "raise",
) -> Any:
    """Time in the therapeutic range (TTR) of each patient, by linear interpolation (Rosendaal).

    Between two measurements the INR is taken to change at a constant rate, and the time that it spends within
    `low` to `high`, bounds included, is added up. Intervals longer than `max_gap` are left out: what happened
    in them is not known.

    Parameters
    ----------
    data
        One row per measurement, while the patient was treated: the time in between two courses of treatment
        is an interval like any other unless it is longer than `max_gap`.
    id
        The patient.
    date
        Date (or date and time) of the measurement; one per patient and moment.
    inr
        The measurement.
    low, high
        The range: numbers, or columns where it differs between patients (that of the first of two
        measurements counts for the interval).
    max_gap
        Longest interval in days that is interpolated. 56 days is what Rosendaal's method is ascribed and what
        the measures of quality use.
    missing
        "raise" names what is missing; "drop" leaves those rows out, and the interval goes on to the next.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        One row per patient, in the order of the data: the patient, `n_measured`, `days` (interpolated),
        `days_left_out` (in longer intervals), `share_below`, `share_in_range` and `share_above`, null without
        an interval. Lazy if the data were. `pooled_time_in_range` has the patients together.

    Raises
    ------
    DataError
        For columns without dates, values that are no INR, a range whose ends are reversed, two measurements
        of a patient at one moment, and an identifier with a name that is taken.

    Warns
    -----
    DataWarning
        Patients without an interval that could be interpolated; a median that betrays another unit, such as
        the prothrombin complex in %, or a decimal mark that was lost.

    Notes
    -----
    Some programs give each whole day the value at its beginning; the results differ by less than a day for
    each time the line crosses a bound.

    References
    ----------
    Rosendaal FR, Cannegieter SC, van der Meer FJ, Briet E. Thromb Haemost 1993;69:236-239.

    Examples
    --------
    From 1.5 to 3.5 in 8 days the INR is below 2 for 2 days, in range for 4, and above 3 for 2.

    >>> from datetime import date
    >>> import polars as pl
    >>> measured = pl.DataFrame(
    ...     {"id": 1, "date": [date(2024, 1, d) for d in (1, 9, 17)], "inr": [1.5, 3.5, 2.5]}
    ... )
    >>> time_in_range(measured, id="id", date="date", inr="inr").rows()
    [(1, 3, 16.0, 0.0, 0.125, 0.5, 0.375)]
    """
    totals = _totals(data, id, date, inr, low, high, None, max_gap, missing)
    name = totals.table.name("id")
    if name in MADE:
        raise DataError(
            "is the name of a column that is made here",
            argument="id",
            column=name,
            expected=f"another name than {', '.join(MADE)}",
            remedy=f"id=pl.col({name!r}).alias('patient')",
        )
    frame = totals.frame.with_columns(
        (pl.col(part) / pl.col("days")).fill_nan(None).alias(f"share_{part}") for part in PARTS
    )
    result = frame.select(pl.col("id").alias(name), *MADE)
    return result.lazy() if isinstance(data, pl.LazyFrame) else result


def pooled_time_in_range(
    data: Any,
    *,
    id: Column,
    date: Column,
    inr: Column,
    by: Columns = None,
    low: float | Column = 2.0,
    high: float | Column = 3.0,
    max_gap: float = MAX_GAP,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> SharesOfTime:
    """Share of all patients' time that was below, in and above the therapeutic range.

    Days in range over days of all patients together, so that a patient counts by the time that was seen. The
    mean of the patients' own shares, in which those seen for a week count as much as others, is another
    number.

    Parameters
    ----------
    data, id, date, inr, low, high, max_gap, missing
        As in `time_in_range`.
    by
        One or several columns, constant within a patient; a separate share for each combination.
    conf_level
        Level of the limits, which are symmetric on the logit scale and stand on the differences between
        patients.

    Returns
    -------
    SharesOfTime
        The `by` columns, `term` ("below", "in range", "above"), `n` (patients with time), `person_time`
        (days), `estimate`, `std_error`, `conf_low`, `conf_high` (null where patients do not differ, as in a
        share of 0); in per cent in a sentence (`.text()`) and in `hem.report.table`. `n_event` of the summary
        counts measurements.

    Raises
    ------
    DataError
        As `time_in_range`; patients in several groups; no interval that could be interpolated.

    Warns
    -----
    DataWarning
        As `time_in_range`; a single patient, or patients who do not differ.

    References
    ----------
    Rosendaal FR, Cannegieter SC, van der Meer FJ, Briet E. Thromb Haemost 1993;69:236-239.

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> measured = pl.DataFrame(
    ...     {
    ...         "id": [1, 1, 1, 2, 2, 3, 3],
    ...         "date": [date(2024, 1, d) for d in (1, 11, 21, 1, 29, 1, 15)],
    ...         "inr": [1.5, 2.5, 3.5, 2.0, 2.8, 3.5, 2.5],
    ...     }
    ... )
    >>> pooled_time_in_range(measured, id="id", date="date", inr="inr")
    time in the therapeutic range, n=3, events=7
      below: 0.08065 (0.01428 to 0.347), n 3
      in range: 0.7258 (0.371 to 0.9224), n 3
      above: 0.1935 (0.05491 to 0.4978), n 3
    95% limits: linear interpolation (Rosendaal); logit scale, variance between patients
    """
    check_conf_level(conf_level)
    totals = _totals(data, id, date, inr, low, high, by, max_gap, missing)
    seen = totals.frame.filter(pl.col("days") > 0)
    _refuse_no_time(totals, seen)
    labels, rows = totals.groups.levels, []
    for g in range(len(totals.groups)):
        own = seen.filter(pl.col("group") == g)
        if not own.height:
            continue
        days = own["days"].to_numpy()
        for part in PARTS:
            share, error = ratio_of_sums(own[part].to_numpy(), days)
            rows.append((g, part.replace("_", " "), own.height, float(days.sum()), share, error))
    columns = ("group", "term", "n", "person_time", "estimate", "std_error")
    frame = pl.DataFrame(rows, schema=columns, orient="row")
    _warn_of_no_limits(totals, frame)
    known = pl.when(pl.col("std_error") > ALIKE).then("std_error").otherwise(np.nan)
    frame = frame.with_columns(std_error=known)
    low_, high_ = probability_limits(
        frame["estimate"].to_numpy(), frame["std_error"].to_numpy(), "logit", conf_level
    )
    frame = frame.with_columns(conf_low=pl.Series(low_), conf_high=pl.Series(high_))
    shown = frame.drop("group").with_columns(pl.selectors.float().fill_nan(None))
    if labels.width:
        shown = labels[frame["group"]].hstack(shown.get_columns())
    return SharesOfTime(
        frame=shown,
        name="time in the therapeutic range",
        method="linear interpolation (Rosendaal); logit scale, variance between patients",
        conf_level=conf_level,
        n=seen.height,
        n_event=float(totals.frame["n_measured"].sum()),
        n_dropped=totals.table.n_dropped,
        time_unit="days",
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Totals:
    """Days of each patient below, in and above the range: `frame` has a row per patient."""

    frame: pl.DataFrame
    table: Table
    groups: Groups


def _totals(
    data: Any, id: Column, date: Column, inr: Column, low: Any, high: Any, by: Columns, max_gap: float,
    missing: Missing,
) -> _Totals:  # fmt: skip
    check_number(max_gap, argument="max_gap", above=0, expected="days above 0", example=MAX_GAP)
    bounds = {"low": _bound(low), "high": _bound(high)}
    roles: dict[str, Columns] = {"id": id, "date": date, "inr": inr, "by": by, **bounds}
    table = read_table(as_frame(data), roles, missing=missing)
    groups = group_rows(table)
    rows = pl.DataFrame(
        {
            "id": table.series("id"),
            "group": groups.code,
            "day": _days(table),
            **{role: _positive(table, role) for role in ("inr", "low", "high")},
        }
    ).with_row_index("row")
    _look_at_median(table, rows["inr"])
    _refuse_reversed(table, rows)
    _refuse_two_groups(table, rows)
    frame = _added_up(_intervals(table, rows.sort("id", "day", maintain_order=True)), max_gap)
    _warn_of_no_interval(table, frame)
    return _Totals(frame, table, groups)


def _bound(value: Any) -> pl.Expr | str:
    """A number as an expression; columns as they are."""
    return value if isinstance(value, str | pl.Expr) else pl.lit(value, dtype=pl.Float64)


def _days(table: Table) -> pl.Series:
    series, name = table.series("date"), table.name("date")
    check_dates(series, "date", name, f"date=pl.col({name!r}).str.to_date()")
    if getattr(series.dtype, "time_zone", None):
        series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return series.cast(pl.Datetime("us")).cast(pl.Int64) / MICROSECONDS_PER_DAY


def _positive(table: Table, role: str) -> np.ndarray:
    values = read_number(table, role, what="an INR, a ratio above 0", example=f"{role}='inr'")
    bad = ~(np.isfinite(values) & (values > 0))
    if bad.any():
        raise DataError(
            f"has {counted(int(bad.sum()), 'value')} that are no INR",
            argument=role,
            column=table.name(role),
            rows=table.positions(bad),
            expected="numbers above 0",
            remedy="data.filter(...) to look at the rows",
        )
    return values


def _look_at_median(table: Table, inr: pl.Series) -> None:
    """Values that would all count as above the range, and are of another kind."""
    (low, high), median = NUMBERS["inr"].usual, inr.median()
    if isinstance(median, float) and not low <= median <= high:
        warn(
            f"has a median of {median:.4g}, where {low:g} to {high:g} would be usual",
            argument="inr",
            column=table.name("inr"),
            expected="the INR, not the prothrombin complex in %",
            remedy="a look at the unit of the column",
        )


def _refuse_reversed(table: Table, rows: pl.DataFrame) -> None:
    wrong = (rows["low"] >= rows["high"]).to_numpy()
    if wrong.any():
        raise DataError(
            f"is not below high in {counted(int(wrong.sum()), 'row')}",
            argument="low",
            rows=table.positions(wrong),
            expected="a range whose lower end is below the upper one",
            remedy="low=2.0, high=3.0",
        )


def _refuse_two_groups(table: Table, rows: pl.DataFrame) -> None:
    differ = rows.select(pl.col("group").n_unique().over("id") > 1).to_series().to_numpy()
    if differ.any():
        raise DataError(
            "differs between the rows of one patient",
            argument="by",
            column=table.name("by"),
            rows=table.positions(differ),
            expected="one group for each patient, as an interval lies between two rows",
            remedy="id=pl.struct(...) of the patient and the group, for intervals within both",
        )


def _intervals(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """Each measurement with the days until the next one of the patient, and the value then."""
    rows = rows.with_columns(
        gap=(pl.col("day").shift(-1) - pl.col("day")).over("id"), then=pl.col("inr").shift(-1).over("id")
    )
    twice = rows.filter(pl.col("gap") == 0)["row"].sort()
    if len(twice):
        at_fault = np.zeros(rows.height, dtype=bool)
        at_fault[twice.to_numpy()] = True
        raise DataError(
            f"is that of another measurement of the same patient in {counted(len(twice), 'row')}",
            argument="date",
            column=table.name("date"),
            rows=table.positions(at_fault),
            expected="one measurement of a patient at a time",
            remedy="data.group_by('id', 'date').agg(pl.col('inr').mean())",
        )
    return rows


def _added_up(rows: pl.DataFrame, max_gap: float) -> pl.DataFrame:
    """Days below, in and above the range, and days in intervals that are too long, of each patient."""
    arrays = [rows[name].to_numpy() for name in ("inr", "then", "low", "high")]
    shares = shares_in_range(*arrays)
    known = (pl.col("gap") <= max_gap).fill_null(False)
    days = pl.when(known).then("gap").otherwise(0.0)
    parts = {part: pl.Series(share) for part, share in zip(PARTS, shares, strict=True)}
    rows = rows.with_columns(
        days=days,
        days_left_out=pl.when(~known).then("gap").fill_null(0.0),
        **{part: pl.when(days > 0).then(share * days).otherwise(0.0) for part, share in parts.items()},
    )
    first = (pl.col("row").min(), pl.col("group").first(), pl.len().cast(pl.Int64).alias("n_measured"))
    return rows.group_by("id").agg(*first, pl.col("days", "days_left_out", *PARTS).sum()).sort("row")


def _warn_of_no_interval(table: Table, frame: pl.DataFrame) -> None:
    n = int((frame["days"] == 0).sum())
    if n:
        warn(
            f"leaves {counted(n, 'patient')} without two measurements near enough in time",
            argument="max_gap",
            column=table.name("date"),
            expected="two measurements of a patient within max_gap days",
            remedy="the number of patients without a share beside the result",
        )


def _warn_of_no_limits(totals: _Totals, frame: pl.DataFrame) -> None:
    """Warn of shares of a single patient, or of patients who all have the same."""
    alike = frame.filter(pl.col("std_error").max().over("group") <= ALIKE)["group"].n_unique()
    if alike:
        where = f" in {counted(alike, 'group')}" if totals.groups.names else ""
        warn(
            f"has patients who do not differ{where}, or a single one, and limits are from their differences: "
            "there are none",
            argument="id",
            column=totals.table.name("id"),
            expected="several patients whose shares differ",
            remedy="time_in_range(...), which tells of each patient",
        )


def _refuse_no_time(totals: _Totals, seen: pl.DataFrame) -> None:
    if not seen.height:
        raise DataError(
            "leaves no interval of any patient",
            argument="max_gap",
            column=totals.table.name("date"),
            expected="two measurements of a patient within max_gap days",
            remedy=f"max_gap={MAX_GAP:g}",
        )
