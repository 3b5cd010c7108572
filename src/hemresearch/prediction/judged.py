"""Outcomes with predictions, at horizons or of an outcome that is known for everybody."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import Table, read_table
from ..errors import DataError
from ..events import read_event
from ..outcomes import Survival, observations
from .predictions import Judged, checked_values, columns_of, distinct_columns, one_of, read_predictions

if TYPE_CHECKING:
    from ..columns import Column
    from ..options import Missing
    from .predictions import Predictions

BY, HORIZON, BEYOND = 0.5, 1.0, 2.0  # of outcomes without times: those with the event have it by the horizon
OF_TIMES = "for an outcome that is known for everybody, without time="


def read_judged(
    data: Any,
    *,
    time: Column | None,
    event: Column,
    event_value: Any,
    cause: Any,
    censored: Any,
    risks: Predictions | None,
    scores: Predictions | None,
    times: Any,
    missing: Missing,
) -> Judged:
    """As `read_predictions`; without `time` a binary outcome, which all have or have not by one horizon."""
    if time is not None:
        return read_predictions(
            data, time=time, event=event, event_value=event_value, cause=cause, censored=censored,
            risks=risks, scores=scores, times=times, missing=missing,
        )  # fmt: skip
    _refuse_horizons(times, cause)
    argument, given = one_of(risks, scores)
    models = columns_of(given, argument, 1)
    table = read_table(data, {"event": event, argument: distinct_columns(models)}, missing=missing)
    happened = read_event(table, event_value)
    horizon = np.array([HORIZON])
    return Judged(
        y=_followed(table, happened),
        cause=happened.astype(np.intp),
        horizons=horizon,
        times=horizon,
        values=checked_values(table, models, argument, 1),
    )


def is_binary(j: Judged) -> bool:
    """Whether the outcome has no time."""
    return "time" not in j.y.names


def horizon_of(j: Judged, place: int) -> dict[str, float]:
    """The column of a result that says the horizon; none where there is none."""
    return {} if is_binary(j) else {"time": float(j.horizons[place])}


def refuse_one_kind(j: Judged) -> None:
    """Refuse a binary outcome that all have, or nobody has."""
    share = j.cause.mean()
    if is_binary(j) and share in (0, 1):
        raise DataError(
            f"does not vary: {'everybody has' if share else 'nobody has'} the event",
            argument="event",
            column=j.y.names["event"],
            expected="patients with and without the event",
            remedy="event_value=... if the event has another value",
        )


def _refuse_horizons(times: Any, cause: Any) -> None:
    for argument, value in (("times", times), ("cause", cause)):
        if value is not None:
            raise DataError(
                f"was given {OF_TIMES}",
                argument=argument,
                expected="time=... with times of follow-up, or neither horizons nor competing events",
                remedy=f"{argument}=None, or time='the column of follow-up'",
            )


def _followed(table: Table, happened: np.ndarray) -> Survival:
    """Observations in which who has the event has it by the horizon, and all others are followed beyond."""
    invented = pl.Series("time.0", np.where(happened, BY, BEYOND))
    timed = replace(table, frame=table.frame.with_columns(invented), names=table.names | {"time": ("time",)})
    y = observations(timed, happened)
    return replace(y, names={role: name for role, name in y.names.items() if role != "time"})
