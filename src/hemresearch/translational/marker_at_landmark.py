"""What was known of a marker at a landmark, for a model of what came after it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import as_frame, read_table
from ..errors import DataError, counted, listed, warn
from ..options import Missing, check_number
from ..survival.landmark import Landmark, landmark
from .marker_data import Marker, read_marker

if TYPE_CHECKING:
    from ..columns import Column

ADDED = ("last_value", "last_log10", "last_age", "log10_slope", "n_values")


def marker_at_landmark(
    data: Any,
    values: Any,
    *,
    id: Column,
    time: Column,
    event: Column,
    event_value: Any = None,
    at: float,
    measured: Column,
    value: Column,
    limit: Column | float | None = None,
    missing: Missing = "raise",
) -> Landmark:
    """Patients event-free at a landmark, with the last value of a marker by then and its slope.

    A model of the follow-up from the landmark, such as `hem.regression.cox` on `.data`, predicts from what
    was known at that moment, and uses nothing that was measured later. Several landmarks make a table of
    dynamic predictions, one model each.

    Parameters
    ----------
    data
        One row per patient.
    values
        One row per measurement; those of others, and those after the landmark, are left out.
    id
        Column of the patient in both tables.
    time, event, event_value, missing
        Follow-up, as in `hem.survival.landmark`.
    at
        The landmark, in the unit of `time`.
    measured, value, limit
        Columns of `values`: when it was measured (on the scale of `time`), the marker, and its limit of
        detection as in `kinetics`. A value below the limit stands as the limit.

    Returns
    -------
    Landmark
        Of `hem.survival.landmark`, with new columns in `.data`: `last_value`; `last_log10`, its logarithm to
        base 10; `last_age`, how long before the landmark it was measured; `log10_slope`, the slope of its
        logarithm up to the landmark (null with fewer than two values); `n_values`.

    Raises
    ------
    DataError
        As `landmark` and `kinetics`; an id that is missing, twice in `data`, or of another type in `values`;
        columns that are there already.

    Warns
    -----
    DataWarning
        For patients without a value by the landmark.

    References
    ----------
    van Houwelingen HC. Scand J Stat 2007;34:70-85.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> patients = pl.DataFrame(
    ...     {"id": [1, 2, 3, 4], "months": [30.0, 18.0, 4.0, 40.0], "relapse": [1, 1, 1, 0]}
    ... )
    >>> values = pl.DataFrame(
    ...     {"id": [1, 1, 2, 2, 4, 4], "month": [0, 6, 0, 5, 0, 8], "mrd": [0.1, 0.001, 0.1, 0.01, 0.1, 0.5]}
    ... )
    >>> by_6 = hem.translational.marker_at_landmark(
    ...     patients, values, id="id", time="months", event="relapse", at=6, measured="month", value="mrd"
    ... )
    >>> by_6.data.select("id", "months", "last_value", "last_age", "n_values").rows()
    [(1, 24.0, 0.001, 0.0, 2), (2, 12.0, 0.01, 1.0, 2), (4, 34.0, 0.1, 6.0, 1)]
    """
    check_number(at, argument="at", at_least=0, expected="a time of 0 or more", example=6)
    whole = as_frame(data).lazy().collect()
    name = _check_patients(whole, id)
    kept = landmark(whole, time=time, event=event, event_value=event_value, at=at, missing=missing)
    m = read_marker(values, id=id, time=measured, value=value, limit=limit)
    _check_types(whole.schema[name], m.ids().dtype, m.table.name("id"))
    known = _known(m, float(at), name)
    joined = kept.data.join(known, on=name, how="left", maintain_order="left")
    joined = joined.with_columns(pl.col("n_values").fill_null(0))
    _warn_without(int((joined["n_values"] == 0).sum()), joined.height)
    return replace(kept, data=joined)


def _check_patients(whole: pl.DataFrame, id: Column) -> str:
    """The column of the id, which stands once for each patient."""
    table = read_table(whole, {"id": id})
    name, twice = table.name("id"), table.series("id").is_duplicated()
    if twice.any() or name not in whole.columns:
        raise DataError(
            f"stands in several rows ({int(twice.sum())})" if twice.any() else "is computed",
            argument="id",
            column=name,
            rows=twice.arg_true(),
            expected="a column of both tables, with one row for each patient in data",
            remedy=f"data.unique({name!r})" if twice.any() else "data.with_columns(...) before",
        )
    taken = [column for column in ADDED if column in whole.columns]
    if taken:
        raise DataError(
            f"{listed(map(repr, taken))} of the data would be overwritten",
            argument="data",
            expected="data without the columns that are added",
            remedy=f"data.drop({taken})",
        )
    return name


def _check_types(one: Any, other: Any, name: str) -> None:
    if one != other:
        raise DataError(
            f"is {other} in values and {one} in data",
            argument="id",
            column=name,
            expected="the same type in both tables",
            remedy=f"values.with_columns(pl.col({name!r}).cast(...))",
        )


def _known(m: Marker, at: float, name: str) -> pl.DataFrame:
    """Of each patient with a value by the landmark, the last one and the slope up to it."""
    order = m.order()
    order = order[m.time[order] <= at]
    who, t, y = m.patient.code[order], m.time[order], np.log10(m.value[order])
    last = np.append(np.diff(who) != 0, True)[: len(who)]
    n = np.bincount(who, minlength=len(m.patient)).astype(float)
    sums = {key: np.bincount(who, w, len(n)) for key, w in {"t": t, "y": y}.items()}
    with np.errstate(invalid="ignore", divide="ignore"):
        dt, dy = t - (sums["t"] / n)[who], y - (sums["y"] / n)[who]
        slope = np.bincount(who, dt * dy, len(n)) / np.bincount(who, dt * dt, len(n))
    patients = who[last]
    return pl.DataFrame(
        {
            name: m.ids()[patients],
            "last_value": m.value[order][last],
            "last_log10": y[last],
            "last_age": at - t[last],
            "log10_slope": np.where(n > 1, slope, np.nan)[patients],
            "n_values": n[patients].astype(np.int64),
        }
    ).with_columns(pl.col("log10_slope").fill_nan(None))


def _warn_without(n: int, of: int) -> None:
    if n:
        warn(
            f"{n} of {counted(of, 'patient')} at the landmark without a value by then",
            argument="values",
            expected="a value of each patient, or a word on those without",
            remedy="landmark.data.filter(pl.col('n_values') > 0)",
        )
