"""The lowest blood count of each patient, and whether a second one confirms it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ...options import check_number
from .expressions import above
from .rows import check_window, given_back, nulled
from .series import Series, read_series

if TYPE_CHECKING:
    from ...columns import Column
    from ...options import Missing
    from .blood_units import BloodUnit

CONFIRMED_AT = 1.5  # 10^9/L: the level of grade 1 of late ICAHT


def nadir(
    data: Any,
    *,
    id: Column,
    value: Column,
    day: Column | None = None,
    date: Column | None = None,
    start: Column | None = None,
    until: Column | None = None,
    unit: BloodUnit,
    window: tuple[int, int] = (31, 100),
    confirm_at: float = CONFIRMED_AT,
    missing: Missing = "raise",
) -> Any:
    """The lowest value of each patient in a window of days, and the lowest that is not transient.

    Only measured values count; of several on one day the lowest. The nadir is confirmed if the second lowest
    day is at or below `confirm_at`, too, or if there is no second day. Otherwise it is transient, and the
    confirmed nadir is the second lowest value.

    Parameters
    ----------
    id, value, day, date, start, unit, missing
        As in `cytopenia_duration`.
    until
        The last day (or date) that counts. For late ICAHT it is the earliest of progression, the next therapy
        and last follow-up.
    window
        The first and the last day that count. The default is that of late ICAHT, which begins after day 30;
        its end at day 100 is that of the code by Liang and colleagues.
    confirm_at
        In 10^9/L (or g/L).

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        The id and, for each patient in the data, `nadir`, `nadir_day` (the first with that value),
        `second_lowest`, `confirmed_nadir`, all in 10^9/L (or g/L), and `days_measured`. Null without a value.

    Raises
    ------
    DataError
        As `cytopenia_duration`.

    References
    ----------
    Rejeski K, et al. Blood 2023;142:865-877, as coded by Liang EC (github.com/emilyliangmd/
    automatedicahtgrading), the one source for the rule of two values.

    Examples
    --------
    >>> import polars as pl
    >>> counts = pl.DataFrame(
    ...     {
    ...         "patient": ["A", "A", "A", "B", "B", "C"],
    ...         "day": [35, 42, 60, 33, 40, 50],
    ...         "neutrophils": [400, 1400, 2600, 300, 1900, 900],
    ...     }
    ... )
    >>> nadir(counts, id="patient", value="neutrophils", day="day", unit="cells/uL").rows()
    [('A', 0.4, 35, 1.4, 0.4, 3), ('B', 0.3, 33, 1.9, 1.9, 2), ('C', 0.9, 50, None, 0.9, 1)]
    """
    level = check_number(
        confirm_at, argument="confirm_at", at_least=0, expected="a level in 10^9/L (or g/L)", example=1.5
    )
    days = check_window(window)
    series = read_series(
        data, id=id, value=value, day=day, date=date, start=start, unit=unit, missing=missing,
        limits={"until": until},
    )  # fmt: skip
    return given_back(series.rows.one_each(**lowest_two(series, days, level, "until")), data)


def lowest_two(
    series: Series, window: tuple[int, int], confirm_at: float, *limits: str
) -> dict[str, np.ndarray | pl.Series]:
    """The two lowest days of each patient, and the lowest that is confirmed."""
    values = series.lowest(window, series.ends(window, *limits))
    measured = (~np.isnan(values)).sum(axis=1)
    ordered = np.sort(np.column_stack([values, np.full((len(values), 2), np.nan)]), axis=1)  # NaN are last
    lowest, second = ordered[:, 0], ordered[:, 1]
    at = np.where(np.isnan(values), np.inf, values).argmin(axis=1) + window[0]
    confirmed = np.where(above(second, confirm_at), second, lowest)
    return {
        "nadir": pl.Series(lowest).fill_nan(None),
        "nadir_day": nulled(at, measured == 0),
        "second_lowest": pl.Series(second).fill_nan(None),
        "confirmed_nadir": pl.Series(confirmed).fill_nan(None),
        "days_measured": measured,
    }
