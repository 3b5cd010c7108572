"""What each endpoint is: time zero, events, competing events, censoring. A further one is a further entry."""

from __future__ import annotations

import polars as pl

from .definition import CENSORED, DEATH, Endpoint, Status
from .definitions_disease import DISEASE, STATUS
from .definitions_transplant import TRANSPLANT

__all__ = ["CENSORED", "DEATH", "ENDPOINTS", "STATUS", "Endpoint", "describe"]

ENDPOINTS: dict[str, Endpoint] = TRANSPLANT | DISEASE


def describe() -> pl.DataFrame:
    """How each endpoint is defined, one row per endpoint.

    Returns
    -------
    polars.DataFrame
        `endpoint` (the function), `name`, `time_zero`, `event`, `competing` (null: nothing competes),
        `censoring`, `on_one_day` (which event counts if several are on one day), `source` (null: no
        single one), `evidence` (how far the definition was checked).

    Examples
    --------
    >>> table = describe()
    >>> table.filter(endpoint="relapse_and_nrm").row(0, named=True)["competing"]
    'each of the two with the other'
    >>> table.filter(endpoint="overall_survival").select("time_zero", "event", "censoring").row(0)[1:]
    ('death of any cause', 'last date known alive')
    """
    definitions: dict[str, Endpoint | Status] = {**ENDPOINTS, **STATUS}
    return pl.DataFrame(
        [
            {
                "endpoint": function,
                "name": e.name,
                "time_zero": e.time_zero_is,
                "event": e.event_is,
                "competing": e.competing_is,
                "censoring": e.censoring_is,
                "on_one_day": e.on_one_day,
                "source": e.source,
                "evidence": e.evidence,
            }
            for function, e in definitions.items()
        ]
    )
