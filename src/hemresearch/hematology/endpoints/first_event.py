"""From dates to columns: the time to the first event of an endpoint, and which it was."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from ...columns import as_frame
from ...errors import DataError
from ...options import TimeUnit, check_choice
from ...times import DAYS_PER_UNIT
from .dates import Dates, read_endpoint_dates
from .definitions import CENSORED, DEATH, ENDPOINTS, Endpoint

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping

    from ...columns import Column


DeathIs = Literal["competing", "event"]


def with_endpoint(
    data: Any,
    endpoint: str | Endpoint,
    columns: Mapping[str, Column | None],
    *,
    unit: TimeUnit,
    prefix: str,
    as_of: dt.date | None = None,
    derived: pl.DataFrame | None = None,
    change: Callable[[Dates], Dates] | None = None,
) -> Any:
    """The data with the columns of an endpoint; lazy if they were.

    Parameters
    ----------
    endpoint
        Its definition, or its name in the table of definitions.
    columns
        The column of each role; None leaves out a role that may be.
    as_of, derived
        As in `read_endpoint_dates`.
    change
        What a rule of the endpoint makes of the dates once they are checked.
    """
    check_choice(unit, TimeUnit, argument="unit")
    definition = ENDPOINTS[endpoint] if isinstance(endpoint, str) else endpoint
    whole, lazy = collected(data)
    names = _names(definition, unit, prefix)
    refuse_taken(names, whole.columns, prefix)
    dates = read_endpoint_dates(whole, definition, columns, as_of=as_of, derived=derived)
    result = whole.hstack(_columns(change(dates) if change else dates, names, unit))
    return result.lazy() if lazy else result


def with_death(function: str, death_is: Any) -> Endpoint:
    """The definition in which death competes, or is an event like the others, as the study says."""
    check_choice(death_is, DeathIs, argument="death_is")
    definition = ENDPOINTS[function]
    if death_is == "competing":
        return definition
    return replace(definition, competing=tuple(role for role in definition.competing if role != DEATH))


def collected(data: Any) -> tuple[pl.DataFrame, bool]:
    """Any table with its rows at hand, and whether it was lazy."""
    frame = as_frame(data)
    return (frame.collect(), True) if isinstance(frame, pl.LazyFrame) else (frame, False)


def _names(endpoint: Endpoint, unit: TimeUnit, prefix: Any) -> list[str]:
    """Of the time, the event, and for a composite of several events which of them was the first."""
    check_prefix(prefix)
    composite = not endpoint.competing and len(endpoint.events) > 1
    return [f"{prefix}_{unit}", f"{prefix}_event", *([f"{prefix}_first"] if composite else [])]


def check_prefix(prefix: Any) -> None:
    """Refuse what new columns cannot be named after."""
    if not isinstance(prefix, str) or not prefix:
        raise DataError(
            f"{prefix!r} is not the beginning of a name",
            argument="prefix",
            expected="text that the names of the new columns begin with",
            remedy="prefix='os'",
        )


def refuse_taken(names: list[str], known: list[str], prefix: str) -> None:
    """Refuse new columns under names that the data have."""
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
