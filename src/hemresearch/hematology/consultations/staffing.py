"""How many are needed to answer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ...columns import group_rows, read_table
from ...errors import DataError
from ...numerics import staffing as kernel
from ...numerics.counts import fit_negative_binomial
from ...options import Missing, check_number
from .calendar import PARTS, OnCall, read_on_call
from .volume import COUNT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from ...columns import Column, Columns
    from .calendar import Shifts

MINUTES = 60
# What a table shows of the result, under which headers, and what it leaves out.
HEADERS = {
    "hours": "Hours",
    "mean": "Per hour",
    "quantile_negative_binomial": "In a busy hour",
    "in_progress_max": "At once, at most",
    "staff_hour": "Staff, busy hour",
    "staff_queue": "Staff, few wait",
}
DETAILS = ("alpha", "quantile_empirical", "quantile_poisson", "in_progress_mean", "in_progress_quantile")
NOTE = (
    "Consultations per hour: mean, and the quantile that a busy hour is (negative binomial). Staff to work "
    "through a busy hour within it, and so that few callers wait (Erlang C, of the mean)."
)


def staffing(
    data: Any,
    *,
    time: Column,
    by: Columns = ("weekday", "hour"),
    first_day: date,
    last_day: date,
    minutes_per_consultation: float,
    quantile: float = 0.95,
    waiting: float = 0.2,
    holidays: Sequence[date] | None = None,
    shifts: Shifts | None = None,
    on_call: pl.Expr | None = None,
    missing: Missing = "raise",
) -> pl.DataFrame:
    """The demand of an hour that is exceeded rarely, and the staff that answers it, by parts of the calendar.

    Parameters
    ----------
    data, time, first_day, last_day, holidays, shifts, on_call, missing
        As in `volume`.
    by
        Parts of the calendar; a row for each of their combinations.
    minutes_per_consultation
        The mean time that one takes, with its record.
    quantile
        The share of hours whose demand is met.
    waiting
        The probability that a caller must wait, at most, for `staff_queue`.

    Returns
    -------
    polars.DataFrame
        The `by` columns; `hours` observed; `mean`, `alpha` (variation beyond Poisson's, 0 for none);
        `quantile_empirical`, `quantile_poisson`, `quantile_negative_binomial`: consultations of an hour;
        `in_progress_mean`, `in_progress_quantile`, `in_progress_max`: consultations at once, minute by
        minute, if each is answered when it comes; `staff_hour`: how many work through the negative binomial
        quantile in an hour; `staff_queue`: Erlang C, from the mean alone. `hem.report.table` shows the six
        columns to plan by, under headers with their units; `.select(...)` chooses others.

    Raises
    ------
    DataError
        As `volume`; columns of the data in `by`; a quantile or waiting probability that is none.

    Notes
    -----
    The empirical quantile of few hours is a single busy hour of the past; the models' are steadier. None of
    them knows of a trend, of leave, or of consultations that were never made because nobody answered.

    References
    ----------
    Erlang AK. Elektroteknikeren 1917;13:5-13. Gans N, Koole G, Mandelbaum A. Manuf Serv Oper Manag
    2003;5:79-141.

    Examples
    --------
    >>> from datetime import date, datetime, timedelta
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> start = datetime(2024, 1, 1)
    >>> calls = pl.DataFrame({"at": [start + timedelta(hours=i * 0.4 % 240) for i in range(900)]})
    >>> hem.hematology.consultations.staffing(
    ...     calls, time="at", by="shift", first_day=date(2024, 1, 1), last_day=date(2024, 1, 10),
    ...     minutes_per_consultation=20, shifts={"day": (8, 20), "night": (20, 8)},
    ... ).select("shift", "mean", "quantile_poisson", "staff_hour", "staff_queue").rows()
    [('day', 3.75, 7, 3, 3), ('night', 3.75, 7, 3, 3)]
    """
    length = check_number(
        minutes_per_consultation, argument="minutes_per_consultation", above=0, expected="minutes", example=15
    )
    for name, value in (("quantile", quantile), ("waiting", waiting)):
        check_number(value, argument=name, above=0, below=1, expected="a probability", example=0.95)
    seen, names = read_on_call(
        data, time=time, by=by, first_day=first_day, last_day=last_day, holidays=holidays, shifts=shifts,
        on_call=on_call, missing=missing,
    )  # fmt: skip
    _refuse_columns(seen, names)
    hours = _hourly(seen, length)
    table = read_table(hours, {"by": names})
    group = group_rows(table)
    rows = [
        _demand(hours.filter(pl.Series(group.code == i)), length, quantile, waiting)
        for i in range(len(group))
    ]
    return pl.concat([group.levels, pl.DataFrame(rows)], how="horizontal")


def erlang_c(
    *, per_hour: float, minutes: float, staff: Sequence[int] | int | None = None, longer_than: float = 0.0
) -> pl.DataFrame:
    """The probability of waiting in a queue with several to answer, and the mean wait (Erlang C).

    Parameters
    ----------
    per_hour
        Consultations per hour.
    minutes
        The mean time that one takes.
    staff
        How many answer, one number or several; default the fewest that can, and five more.
    longer_than
        Minutes of waiting that are asked about.

    Returns
    -------
    polars.DataFrame
        `staff`; `load` (consultations at once, in erlangs); `occupancy`, the share of their time that they
        are busy; `waiting`, the probability of waiting; `mean_wait` in minutes over all callers, null where
        the queue never ends; `waiting_longer`, the probability of a wait longer than `longer_than`.

    Raises
    ------
    DataError
        Rates or times that are none; staff that is no whole number above 0.

    Notes
    -----
    Callers come at random at a steady rate, consultations differ in length (exponentially), nobody gives up,
    and the first to come is the first to be answered.

    References
    ----------
    Erlang AK. Elektroteknikeren 1917;13:5-13. Gross D, Harris CM. Fundamentals of Queueing Theory, chapter 2.

    Examples
    --------
    360 calls in half an hour of 4 minutes each, 55 to answer: 24 % wait, 15 % for longer than 15 seconds.

    >>> erlang_c(per_hour=720, minutes=4, staff=55, longer_than=0.25).select(
    ...     "load", pl.col("waiting", "waiting_longer").round(3)
    ... ).rows()
    [(48.0, 0.239, 0.154)]
    """
    for name, value, least in (("per_hour", per_hour, 0), ("minutes", minutes, 0)):
        check_number(value, argument=name, above=least, expected="a number above 0", example=4)
    check_number(longer_than, argument="longer_than", at_least=0, expected="minutes, 0 or more", example=5)
    load = per_hour * minutes / MINUTES
    fewest = math.floor(load) + 1
    given = list(range(fewest, fewest + 6)) if staff is None else _whole(staff)
    return pl.DataFrame([_queue(load, n, minutes, longer_than) for n in given])


def _whole(staff: Any) -> list[int]:
    given = list(staff) if isinstance(staff, list | tuple | range) else [staff]
    if given and all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in given):
        return given
    raise DataError(
        "something other than whole numbers above 0 was given",
        argument="staff",
        expected="how many answer",
        remedy="staff=[1, 2, 3]",
    )


def _queue(load: float, staff: int, minutes: float, longer_than: float) -> dict[str, float | int | None]:
    waiting, spare = kernel.erlang_waiting(load, staff), staff - load
    ends = spare > 0
    return {
        "staff": staff,
        "load": load,
        "occupancy": min(load / staff, 1.0),
        "waiting": waiting,
        "mean_wait": waiting * minutes / spare if ends else None,
        "waiting_longer": waiting * math.exp(-spare * longer_than / minutes) if ends else 1.0,
    }


def _refuse_columns(seen: OnCall, names: list[str]) -> None:
    if seen.columns or not names:
        raise DataError(
            "is of no column" if not names else f"has {seen.columns[0]!r}, a column of the data",
            argument="by",
            expected=f"parts of the calendar: {', '.join(PARTS)}",
            remedy="by='shift'",
        )


def _hourly(seen: OnCall, minutes: float) -> pl.DataFrame:
    """Each hour on call, its consultations, and how many are in progress at each of its minutes."""
    begins = pl.col("stamp").dt.truncate("1h")
    counts = seen.stamps.group_by(begins).len(COUNT)
    hours = seen.hours.join(counts, on="stamp", how="left", maintain_order="left")
    start = _minutes(seen.stamps["stamp"].sort())
    moments = _minutes(hours["stamp"])[:, None] + np.arange(MINUTES)
    busy = kernel.in_progress(start, minutes, moments.ravel()).reshape(moments.shape)
    return hours.with_columns(
        pl.col(COUNT).fill_null(0), pl.Series("busy", busy, dtype=pl.Array(pl.Int64, MINUTES))
    )


def _minutes(stamps: pl.Series) -> np.ndarray:
    """Minutes that passed, not those of the clock on the wall."""
    return (stamps.dt.epoch("us") / (MINUTES * 1e6)).to_numpy()


def _demand(hours: pl.DataFrame, minutes: float, quantile: float, waiting: float) -> dict[str, float | int]:
    """What the hours of one part of the calendar ask for."""
    count = hours[COUNT].to_numpy().astype(float)
    mean, busy = float(count.mean()), np.sort(hours["busy"].to_numpy().ravel())
    alpha = (
        fit_negative_binomial(np.ones((len(count), 1)), count, np.zeros(len(count))).alpha if mean else 0.0
    )
    demand = kernel.count_quantile(quantile, mean, alpha)
    return {
        "hours": len(count),
        "mean": mean,
        "alpha": alpha,
        "quantile_empirical": int(_smallest(np.sort(count), quantile)),
        "quantile_poisson": kernel.count_quantile(quantile, mean),
        "quantile_negative_binomial": demand,
        "in_progress_mean": float(busy.mean()),
        "in_progress_quantile": int(_smallest(busy, quantile)),
        "in_progress_max": int(busy[-1]),
        "staff_hour": math.ceil(demand * minutes / MINUTES),
        "staff_queue": kernel.fewest_staff(mean * minutes / MINUTES, waiting) if mean else 0,
    }


def _smallest(ordered: np.ndarray, share: float) -> float:
    """The smallest value that a share of them does not exceed."""
    return float(ordered[max(math.ceil(share * len(ordered) - 1e-9) - 1, 0)])
