"""How many consultations there are, and when."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from ...epidemiology.rate import RateLimits, rate
from ...errors import DataError
from ...options import Missing, check_choice, check_conf_level
from ...times import DAYS_PER_YEAR
from .calendar import PARTS, OnCall, read_on_call

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from ...columns import Column, Columns
    from ...results import Estimates
    from .calendar import Shifts

RateUnit = Literal["hour", "day", "week"]
HOURS: dict[RateUnit, float] = {"hour": 1.0, "day": 24.0, "week": 168.0}
Every = Literal["day", "week", "month"]
STEPS: dict[Every, str] = {"day": "1d", "week": "1w", "month": "1mo"}
COUNT, HOURS_NAME = "consultations", "hours"


def volume(
    data: Any,
    *,
    time: Column,
    by: Columns = None,
    first_day: date,
    last_day: date,
    per: RateUnit = "hour",
    holidays: Sequence[date] | None = None,
    shifts: Shifts | None = None,
    on_call: pl.Expr | None = None,
    conf_type: RateLimits = "exact",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Estimates:
    """Consultations per hour (day, week) on call, by parts of the calendar and columns of the data.

    The hours are those of the declared period, whether anybody called or not: an hour of the week without a
    consultation has a rate of 0, and is there. With a time zone, the days on which the clocks change have 23
    and 25 hours; without one, every day has 24.

    Parameters
    ----------
    data
        One row per consultation.
    time
        The time stamp. With a time zone, the calendar is that of the zone.
    by
        Parts of the calendar ("hour", "shift", "weekday", "month", "season", "year", "date", "holiday") and
        columns such as the referrer, one or several. Every value of a column has all the hours.
    first_day, last_day
        The period in which consultations were registered, both days included.
    per
        What the rates are told for.
    holidays
        The dates of the holidays; none is guessed.
    shifts
        Names of shifts with the full hours from and to: `{"day": (8, 20), "night": (20, 8)}`.
    on_call
        An expression of parts of the calendar that is true while on call, such as
        `pl.col("hour").is_between(8, 15)`; default always.
    conf_type, conf_level
        Of the limits, as in `hem.epidemiology.rate`. They take consultations for independent.
    missing
        "raise" names what is missing; "drop" leaves those rows out and counts them.

    Returns
    -------
    Estimates
        The `by` columns, `n_event` (consultations), `person_time` (hours), `estimate` and limits, per the
        unit that `name` tells ("consultations per day").

    Raises
    ------
    DataError
        No declared period; stamps outside of it, or outside of the hours on call; stamps without a time of
        day where the hour is asked for; a column with the name of a part of the
        calendar that holds something else; holidays or shifts that
        are asked for and not declared.

    References
    ----------
    Garwood F. Biometrika 1936;28:437-442 (exact limits).

    Examples
    --------
    >>> from datetime import date, datetime
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> calls = pl.DataFrame(
    ...     {
    ...         "at": [datetime(2024, 3, 4, 9, 5), datetime(2024, 3, 4, 9, 50), datetime(2024, 3, 9, 23, 1)],
    ...         "referrer": ["ward", "emergency", "ward"],
    ...     }
    ... )
    >>> hem.hematology.consultations.volume(
    ...     calls, time="at", by="referrer", first_day=date(2024, 3, 4), last_day=date(2024, 3, 10), per="day"
    ... )
    consultations per day, events=3
      referrer=emergency: 0.1429 (0.003617 to 0.7959)
      referrer=ward: 0.2857 (0.0346 to 1.032)
    95% limits: exact (Garwood) of a Poisson count
    """
    check_choice(per, RateUnit, argument="per")
    check_conf_level(conf_level)
    seen, names = read_on_call(
        data, time=time, by=by, first_day=first_day, last_day=last_day, holidays=holidays, shifts=shifts,
        on_call=on_call, missing=missing,
    )  # fmt: skip
    frame = cells(seen, names)
    result = rate(
        frame, events=COUNT, person_time=HOURS_NAME, by=names or None, per=HOURS[per], conf_type=conf_type,
        conf_level=conf_level,
    )  # fmt: skip
    return replace(result, name=f"consultations per {per}", n_dropped=seen.n_dropped, time_unit="hours")


def cells(seen: OnCall, names: list[str]) -> pl.DataFrame:
    """Consultations and hours of every combination of the calendar and of the columns' values, zeros too."""
    parts = [name for name in names if name in PARTS and name not in seen.columns]
    if parts:
        cell = seen.hours.group_by(parts).len(HOURS_NAME).sort(parts)
    else:
        cell = pl.DataFrame({HOURS_NAME: [seen.hours.height]})
    for name in seen.columns:
        cell = cell.join(seen.stamps.select(pl.col(name).unique()), how="cross")
    if not names:
        return cell.with_columns(pl.lit(seen.stamps.height).alias(COUNT))
    counts = seen.stamps.group_by(names).len(COUNT)
    together = cell.join(counts, on=names, how="left", nulls_equal=True, maintain_order="left")
    return together.with_columns(pl.col(COUNT).fill_null(0), pl.col(HOURS_NAME).cast(pl.Float64))


def period_counts(
    data: Any,
    *,
    time: Column,
    by: Columns = None,
    first_day: date,
    last_day: date,
    every: Every = "day",
    holidays: Sequence[date] | None = None,
    on_call: pl.Expr | None = None,
    missing: Missing = "raise",
) -> pl.DataFrame:
    """Consultations of every day, week or month of a period, those without any included.

    For `hem.epidemiology.control_chart`, `cusum`, `interrupted_time_series` and `poisson`.

    Parameters
    ----------
    data, time, first_day, last_day, holidays, on_call, missing
        As in `volume`.
    by
        Columns such as the referrer; a series for each of their combinations.
    every
        "day", "week" (from Monday) or "month". The first and the last may be cut; `hours` tells.

    Returns
    -------
    polars.DataFrame
        The `by` columns, `date` (the first day of the period of time), `consultations`, `hours` on call, and
        `trend` (years since `first_day`, below 0 in a first week or month that is cut); of days also
        `weekday`, `month`, `season`, and `holiday` if they were given.

    Raises
    ------
    DataError
        As `volume`.

    Examples
    --------
    >>> from datetime import date, datetime
    >>> import polars as pl
    >>> calls = pl.DataFrame({"at": [datetime(2024, 3, 4, 9, 5), datetime(2024, 3, 6, 9, 50)]})
    >>> days = period_counts(calls, time="at", first_day=date(2024, 3, 4), last_day=date(2024, 3, 6))
    >>> days.select("date", "consultations", "hours").rows()[1]
    (datetime.date(2024, 3, 5), 0, 24.0)
    """
    check_choice(every, Every, argument="every")
    seen, names = read_on_call(
        data, time=time, by=by, first_day=first_day, last_day=last_day, holidays=holidays, shifts=None,
        on_call=on_call, missing=missing,
    )  # fmt: skip
    _refuse_parts([name for name in names if name not in seen.columns])
    begins = pl.col("date").dt.truncate(STEPS[every])
    kept = ["weekday", "month", "season", *(["holiday"] if holidays is not None else [])]
    told = seen.hours.group_by("date").agg(pl.first(*kept)) if every == "day" else None
    moved = OnCall(
        seen.hours.with_columns(begins), seen.stamps.with_columns(begins), seen.columns, seen.n_dropped
    )
    counts = cells(moved, [*seen.columns, "date"]).sort([*seen.columns, "date"])
    trend = (pl.col("date") - first_day).dt.total_days() / DAYS_PER_YEAR
    frame = counts.select(*seen.columns, "date", COUNT, HOURS_NAME, trend.alias("trend"))
    return frame if told is None else frame.join(told, on="date", how="left", maintain_order="left")


def _refuse_parts(parts: list[str]) -> None:
    if parts:
        raise DataError(
            f"{parts[0]!r} is a part of the calendar, and periods are one",
            argument="by",
            expected="columns of the data, such as the referrer",
            remedy="volume(..., by=...) for rates by parts of the calendar",
        )
