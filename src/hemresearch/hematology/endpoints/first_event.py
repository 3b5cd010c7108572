"""From dates to columns: the time to the first event of an endpoint, and which it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from ...columns import as_frame
from ...errors import DataError
from ...options import TimeUnit, check_choice
from ...times import DAYS_PER_UNIT
from .dates import Dates, read_endpoint_dates
from .definitions import CENSORED, ENDPOINTS, Endpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...columns import Column


def with_endpoint(
    data: Any, function: str, columns: Mapping[str, Column | None], *, unit: TimeUnit, prefix: str
) -> Any:
    """The data with the columns of an endpoint; lazy if they were.

    Parameters
    ----------
    function
        The endpoint's name in the table of definitions.
    columns
        The column of each role; None leaves out a role that may be.
    """
    check_choice(unit, TimeUnit, argument="unit")
    frame = as_frame(data)
    lazy = isinstance(frame, pl.LazyFrame)
    whole = frame.collect() if isinstance(frame, pl.LazyFrame) else frame
    names = _names(ENDPOINTS[function], unit, prefix)
    _refuse_taken(names, whole.columns, prefix)
    result = whole.hstack(_columns(read_endpoint_dates(whole, ENDPOINTS[function], columns), names, unit))
    return result.lazy() if lazy else result


def _names(endpoint: Endpoint, unit: TimeUnit, prefix: Any) -> list[str]:
    """Of the time, the event, and for a composite of several events which of them was the first."""
    if not isinstance(prefix, str) or not prefix:
        raise DataError(
            f"{prefix!r} is not the beginning of a name",
            argument="prefix",
            expected="text that the names of the new columns begin with",
            remedy="prefix='os'",
        )
    composite = not endpoint.competing and len(endpoint.events) > 1
    return [f"{prefix}_{unit}", f"{prefix}_event", *([f"{prefix}_first"] if composite else [])]


def _refuse_taken(names: list[str], known: list[str], prefix: str) -> None:
    taken = [name for name in names if name in known]
    if taken:
        raise DataError(
            "is in the data already",
            argument="prefix",
            column=taken[0],
            expected="names that are not taken",
            remedy=f"prefix='{prefix}_2'",
        )


def _columns(dates: Dates, names: list[str], unit: TimeUnit) -> pl.DataFrame:
    days, which = (dates.end - dates.frame[dates.endpoint.time_zero]).dt.total_days(), dates.which
    event = which if dates.endpoint.competing else which != CENSORED
    # a name for each; the third is there for a composite only
    return pl.DataFrame(dict(zip(names, (days / DAYS_PER_UNIT[unit], event, which), strict=False)))
