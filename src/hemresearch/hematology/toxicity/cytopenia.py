"""How long blood counts stay at or below a threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...numerics.daily_series import run_lengths
from .rows import check_window, given_back, nulled
from .series import Daily, check_gaps, daily, read_series

if TYPE_CHECKING:
    import polars as pl

    from ...columns import Column
    from ...options import Missing
    from .blood_units import BloodUnit

FROM_START = 3  # a run that begins by this day was there from the start (Liang's code for ICAHT)


def cytopenia_duration(
    data: Any,
    *,
    id: Column,
    value: Column,
    day: Column | None = None,
    date: Column | None = None,
    start: Column | None = None,
    until: Column | None = None,
    unit: BloodUnit,
    threshold: float,
    window: tuple[int, int] = (0, 30),
    joined_gap: int = 3,
    longest_gap: int = 7,
    missing: Missing = "raise",
) -> Any:
    """Days at or below a threshold, one row per patient: the longest run, all days, onset and recovery.

    A day counts as low if its value is at or below the threshold. Of several values on one day the lowest
    counts. Days without a value are interpolated linearly between the measured ones if at most `longest_gap`
    of them follow each other; so many days before the first value take that value, and so many between the
    last value and the end of the window (or `until`) the last one. Longer gaps stay unknown: they count
    neither as low nor as recovered, and end a run.

    Parameters
    ----------
    data
        A long table with a row for each measurement.
    id
        Patient.
    value
        The measurement, such as neutrophils or platelets.
    day
        Whole days since time zero (such as the infusion of the cells, which is day 0). Or:
    date, start
        The date of the measurement and that of time zero.
    until
        The last day (or date) on which the patient counts: death, last follow-up, or the next therapy. Later
        measurements are not looked at. The same in all rows of a patient; null for the end of the window.
    unit
        Of `value`: `"10^9/L"`, `"cells/uL"`, `"10^3/uL"`, `"10^6/L"`, `"g/L"` or `"g/dL"`.
    threshold
        In 10^9/L (or g/L), whatever the unit.
    window
        The first and the last day that count.
    joined_gap
        Fewer days than these above the threshold (or unknown) are no recovery: the runs around them are one,
        and the days between count in its length. The default is that of ICAHT, whose recovery lasts for at
        least 3 days in a row.
    longest_gap
        How many days in a row without a value are filled, 7 for blood taken once a week; 0 for none.
    missing
        `"raise"` names what is missing; `"drop"` takes rows without a value as not measured.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        The id and, for each patient in the data, `days_longest` (the longest run, short recoveries within it
        counted), `days_total` (all low days, recoveries not counted), `onset` (the first low day),
        `recovery` (the first day after it that begins `joined_gap` known days in a row above the threshold),
        `recovered` (null without a low day), `never_above` (a run that begins by day 3 and lasts to the last
        known day), `days_measured` and `days_known` (measured or filled). Without a known day all but the
        last two are null. Lazy if the data were.

    Raises
    ------
    DataError
        For a day that is not given in one form or not whole, values below 0, an unknown unit, a time zero or
        `until` that differs between rows of a patient, and options that are no numbers of days.

    Notes
    -----
    With thresholds 0.5 and 0.1 these are the durations of early ICAHT; `icaht_inputs` gives them at once.
    The rules for gaps are those of the code by Liang and colleagues (interpolation over at most 7 days, runs
    joined over at most 2), which then rounds interpolated neutrophils to 0.01 x 10^9/L. That rounding is
    left out here: it turns an interpolated 0.504 into a day at or below 0.5.

    References
    ----------
    Rejeski K, et al. Blood 2023;142:865-877. Liang EC. Automated approach to grade early and late ICAHT by
    EHA/EBMT criteria (github.com/emilyliangmd/automatedicahtgrading). Runs joined over gaps: Schlegel RW,
    Smit AJ. J Open Source Softw 2018;3(27):821.

    Examples
    --------
    >>> import polars as pl
    >>> counts = pl.DataFrame(
    ...     {
    ...         "patient": ["A"] * 6 + ["B"] * 3,
    ...         "day": [0, 4, 6, 7, 9, 12, 0, 7, 14],
    ...         "neutrophils": [2.0, 0.4, 0.6, 0.3, 1.2, 1.5, 0.3, 0.2, 0.1],
    ...     }
    ... )
    >>> cytopenia_duration(
    ...     counts, id="patient", value="neutrophils", day="day", unit="10^9/L", threshold=0.5, window=(0, 14)
    ... ).drop("days_measured", "days_known").rows()
    [('A', 4, 3, 4, 8, True, False), ('B', 15, 15, 0, None, False, True)]
    """
    level, joined, longest = check_gaps(threshold, joined_gap, longest_gap)
    days = check_window(window)
    series = read_series(
        data, id=id, value=value, day=day, date=date, start=start, unit=unit, missing=missing,
        limits={"until": until},
    )  # fmt: skip
    last = series.ends(days, "until")
    d = daily(series.lowest(days, last), last, level, joined_gap=joined, longest_gap=longest)
    result = series.rows.one_each(
        **durations_of(d), onset=on_day(d.onset, days[0]), recovery=on_day(d.recovery, days[0]),
        recovered=nulled(d.recovery >= 0, d.onset < 0),
        never_above=nulled(never_above(d, days[0]), d.last_known < 0),
        days_measured=d.measured.sum(axis=1), days_known=d.known.sum(axis=1),
    )  # fmt: skip
    return given_back(result, data)


def durations_of(d: Daily) -> dict[str, pl.Series]:
    """The longest run and all low days of each patient; null without a known day."""
    found = {"days_longest": run_lengths(d.joined).max(axis=1), "days_total": d.low.sum(axis=1)}
    return {name: nulled(v, d.last_known < 0) for name, v in found.items()}


def never_above(d: Daily, first: int) -> np.ndarray:
    """Whether a run begins by day 3 and lasts to the last known day."""
    at = np.maximum(d.last_known, 0)[:, None]
    length = np.take_along_axis(run_lengths(d.joined), at, axis=1)[:, 0]
    begin = at[:, 0] - length + 1 + first
    never: np.ndarray = (length > 0) & (begin <= FROM_START)
    return never


def on_day(column: np.ndarray, first: int) -> pl.Series:
    """Columns of a window as days since time zero; null for -1."""
    return nulled(column + first, column < 0)
