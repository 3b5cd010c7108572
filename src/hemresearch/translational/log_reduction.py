"""How far a marker fell from its baseline, in powers of ten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import as_frame
from ..errors import DataError, counted, listed, warn
from .marker_data import Marker, read_marker

if TYPE_CHECKING:
    from ..columns import Column

ADDED = ("log_reduction", "at_least")


def log_reduction(
    data: Any,
    *,
    id: Column,
    time: Column,
    value: Column,
    limit: Column | float | None = None,
) -> Any:
    """The fall of a marker from the patient's baseline at every measurement, as log10(baseline / value).

    The baseline is the last measurement at or before time 0. Of a value below the limit of detection only a
    least fall is known: log10(baseline / limit).

    Parameters
    ----------
    data
        One row per measurement.
    id, time, value, limit
        As in `kinetics`; time 0 is the start of the treatment.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        The data (a LazyFrame is collected once, for the checks, and given back lazy) with `log_reduction`
        (negative for a rise; null before the baseline, and where it is not known) and `at_least` (whether the
        value was below the limit, so that the fall is this or more).

    Raises
    ------
    DataError
        As `kinetics`, for its data; missing values; columns that are there already.

    Warns
    -----
    DataWarning
        For patients without a baseline, or with one below the limit, whose falls are null.

    Notes
    -----
    BCR::ABL1 on the international scale is a reduction already, from a baseline common to all patients: 0.1 %
    is 3 logs below it whatever the patient's own first value was.

    Examples
    --------
    >>> import polars as pl
    >>> values = pl.DataFrame(
    ...     {"id": ["a"] * 3 + ["b"] * 2, "month": [-1, 3, 6, 0, 3], "mrd": [0.2, 0.002, 0.0, 0.5, 0.05]}
    ... )
    >>> fall = log_reduction(values, id="id", time="month", value="mrd", limit=1e-5)
    >>> fall["log_reduction"].round(2).to_list()
    [0.0, 2.0, 4.3, 0.0, 1.0]
    """
    frame = as_frame(data)
    whole = frame.lazy().collect()
    taken = [name for name in ADDED if name in whole.columns]
    if taken:
        raise DataError(
            f"{listed(map(repr, taken))} of the data would be overwritten",
            argument="data",
            expected=f"data without {' and '.join(ADDED)}",
            remedy=f"data.drop({taken})",
        )
    m = read_marker(whole, id=id, time=time, value=value, limit=limit)
    baseline, when = _baselines(m)
    _warn_of_unknown(m, baseline)
    fall = np.log10(baseline[m.patient.code] / m.value)
    known = m.time >= when[m.patient.code]
    columns = pl.Series("log_reduction", np.where(known, fall, np.nan), nan_to_null=True)
    result = whole.with_columns(columns, pl.Series("at_least", m.below & known))
    return result.lazy() if isinstance(frame, pl.LazyFrame) else result


def _baselines(m: Marker) -> tuple[np.ndarray, np.ndarray]:
    """The value and time of each patient's last measurement at or before 0; NaN where it says nothing."""
    order = m.order()
    before = order[m.time[order] <= 0]
    value, when = np.full(len(m.patient), np.nan), np.full(len(m.patient), np.nan)
    who = m.patient.code[before]
    value[who] = np.where(m.below[before], np.nan, m.value[before])
    when[who] = m.time[before]
    return value, when


def _warn_of_unknown(m: Marker, baseline: np.ndarray) -> None:
    n = int(np.isnan(baseline).sum())
    if n:
        warn(
            f"{counted(n, 'patient')} without a detected value at or before time 0: no fall is known",
            argument="time",
            expected="a baseline of each patient, above the limit of detection",
            remedy="time=pl.col('month') - pl.col('month').min().over('id') where the first value is it",
        )
