"""When a marker fell below a level and when it rose again, known to lie between two visits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..errors import DataError, counted, warn
from ..options import check_number
from .marker_data import Marker, read_marker, refuse_taken

if TYPE_CHECKING:
    from ..columns import Column

TAKEN = ("n", "response_left", "response_right", "responded", "loss_left", "loss_right")


def response_times(
    data: Any,
    *,
    id: Column,
    time: Column,
    value: Column,
    at_most: float,
    loss_above: float | None = None,
    limit: Column | float | None = None,
    confirm: int = 1,
) -> pl.DataFrame:
    """Time to a response (a marker at or below a level) and from there to its loss, as intervals of visits.

    A response is found at a visit and came about since the one before. Taking the visit for its time makes
    responses late, and later where visits are rare; `hem.survival.turnbull` takes the interval.

    Parameters
    ----------
    data
        One row per measurement. Those before time 0 are left out.
    id, time, value, limit
        As in `kinetics`; time 0 is the start of the treatment. A value below a limit that is above `at_most`
        cannot show the response and is left out, as is one that cannot show its loss.
    at_most
        The highest value that is a response.
    loss_above
        Values above it are a loss; default `at_most`. With MR4 as response and the loss of MMR it is higher.
    confirm
        How many measurements in a row make a response or a loss (the first of them is its time).

    Returns
    -------
    polars.DataFrame
        One row per patient with a measurement: the id; `n` (measurements used); `response_left` and
        `response_right`, since time 0 (left null: at the first visit already, both 0 if that is at 0; right
        null: not yet); `responded`; `loss_left` and `loss_right`, since the visit at which the response was
        found (both null without one; right null: not lost). As `left` and `right` of
        `hem.survival.turnbull`, the loss after `.filter("responded")`.

    Raises
    ------
    DataError
        As `kinetics`, for its data; a level that is no number above 0, a loss below the response, `confirm`
        below 1, no measurement to use.

    Warns
    -----
    DataWarning
        For patients without a measurement to use, who are not in the result.

    Notes
    -----
    Who died or left is censored at the last visit here, as if the response would still have come; where
    death competes, see `hem.hematology.endpoints.molecular_response`. The time to loss starts at a visit, not
    at the response, which came earlier.

    References
    ----------
    Turnbull BW. J R Stat Soc B 1976;38:290-295.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> values = pl.DataFrame(
    ...     {
    ...         "id": [1, 1, 1, 1, 2, 2, 3, 3],
    ...         "month": [0, 3, 6, 12, 0, 6, 0, 3],
    ...         "percent": [50.0, 0.4, 0.08, 0.3, 40.0, 0.9, 60.0, 0.05],
    ...     }
    ... )
    >>> times = hem.translational.response_times(
    ...     values, id="id", time="month", value="percent", at_most=0.1
    ... )
    >>> times.drop("n").rows()
    [(1, 3.0, 6.0, True, 0.0, 6.0), (2, 6.0, None, False, None, None), (3, 0.0, 3.0, True, 0.0, None)]
    >>> without = hem.survival.turnbull(times, left="response_left", right="response_right")
    >>> round(without.at([6])["estimate"].item(), 4)
    0.3333
    """
    level = check_number(at_most, argument="at_most", above=0, expected="a value above 0", example=0.1)
    lost = level if loss_above is None else _loss(loss_above, level)
    in_a_row = _confirm(confirm)
    m = read_marker(data, id=id, time=time, value=value, limit=limit, positive=False)
    refuse_taken(m, TAKEN)
    use = (m.time >= 0) & ~(m.below & (m.limit > level))
    order = m.order()
    order = order[use[order]]
    if not len(order):
        raise DataError(
            "has no measurement at or after 0 that can show the response",
            argument="time",
            column=m.table.name("time"),
            expected="times since the start, and samples sensitive enough for at_most",
            remedy="at_most=... above the limit of detection",
        )
    _warn_of_unused(m, order)
    who, first = np.unique(m.patient.code[order], return_index=True)
    ends = np.append(first[1:], len(order))
    rows = [
        _one(m.time[order[a:b]], m.value[order[a:b]], level, lost, in_a_row)
        for a, b in zip(first, ends, strict=True)
    ]
    numbers = ("response_left", "response_right", "loss_left", "loss_right")
    schema = {"n": pl.Int64, **dict.fromkeys(numbers, pl.Float64)}
    frame = pl.DataFrame(rows, orient="row", schema=schema).with_columns(pl.col(numbers).fill_nan(None))
    return frame.select(
        m.ids()[who].alias(m.table.name("id")), "n", *numbers[:2],
        pl.col("response_right").is_not_null().alias("responded"), *numbers[2:],
    )  # fmt: skip


def _loss(loss_above: Any, level: float) -> float:
    what = f"a value of {level:g} (at_most) or more"
    return check_number(loss_above, argument="loss_above", at_least=level, expected=what, example=level)


def _confirm(confirm: Any) -> int:
    what = "a whole number, 1 or more"
    number = check_number(confirm, argument="confirm", at_least=1, expected=what, example=2)
    if number != int(number):
        raise DataError(f"{confirm!r} was given", argument="confirm", expected=what, remedy="confirm=2")
    return int(number)


def _warn_of_unused(m: Marker, order: np.ndarray) -> None:
    n = len(m.patient) - len(np.unique(m.patient.code[order]))
    if n:
        warn(
            f"has for {counted(n, 'patient')} no measurement at or after 0 that can show the response",
            argument="time",
            column=m.table.name("time"),
            expected="a sensitive enough measurement of each patient after the start",
            remedy="data.filter(...) to look at them, and say how many they are",
        )


def _one(
    t: np.ndarray, y: np.ndarray, level: float, lost: float, in_a_row: int
) -> tuple[int, float, float, float, float]:
    """Ends of the response and of its loss of one patient, NaN where there is none."""
    found = _first_run(y <= level, in_a_row)
    if found is None:
        return len(t), _last_without(t, y <= level), np.nan, np.nan, np.nan
    before = np.nan if found == 0 and t[0] > 0 else t[max(found - 1, 0)]
    since = t[found:] - t[found]
    later = _first_run(y[found:] > lost, in_a_row)
    if later is None:
        return len(t), before, t[found], _last_without(since, y[found:] > lost), np.nan
    return len(t), before, t[found], since[later - 1], since[later]


def _last_without(t: np.ndarray, holds: np.ndarray) -> float:
    """The last time at which it did not hold: what began since may still be confirmed."""
    without = t[~holds]
    return float(without[-1]) if len(without) else 0.0


def _first_run(holds: np.ndarray, in_a_row: int) -> int | None:
    """Where the first run of so many begins."""
    if len(holds) < in_a_row:
        return None
    whole = np.lib.stride_tricks.sliding_window_view(holds, in_a_row).all(axis=1)
    return int(whole.argmax()) if whole.any() else None
