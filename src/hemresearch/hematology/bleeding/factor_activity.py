"""Factor activity at visits, as after gene therapy: its distribution, and the share above thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ...columns import Column, Columns
from ...errors import DataError
from ...numerics.exact_limits import binomial_limits, wilson_limits
from ...options import Missing, check_choice, check_conf_level, check_number, check_times
from ...recurrent.event_rate import ShareLimits
from ...results import Estimates
from .activity_data import Measured, read_activity

if TYPE_CHECKING:
    from collections.abc import Iterator

THRESHOLDS = (5.0, 12.0, 40.0, 50.0)  # IU/dL
LIMITS = {"wilson": wilson_limits, "exact": binomial_limits}


def factor_activity(
    data: Any,
    *,
    id: Column,
    time: Column,
    activity: Column,
    assay: Column | None,
    visits: Sequence[float],
    window: float,
    by: Columns = None,
    missing: Missing = "raise",
) -> pl.DataFrame:
    """Factor activity at visits: median, quartiles and range of the patients measured, by assay.

    At each visit a patient counts with the measurement nearest to it within `window` (of two equally near the
    earlier one). One-stage and chromogenic assays give different numbers after gene therapy and are never
    mixed: each has rows of its own.

    Parameters
    ----------
    data
        One row per measurement. Those taken soon after a concentrate of the factor measure the concentrate:
        leave them out as the protocol says.
    id
        The patient.
    time
        Time since treatment, in any one unit.
    activity
        Factor activity in IU/dL (per cent of normal); 0.05 IU/mL is 5 IU/dL.
    assay
        The column that tells the assay; None says that there was only one.
    visits
        Times of the visits, in the unit of `time`.
    window
        How far from a visit a measurement may be. Windows may not overlap.
    by
        One or several columns, such as the product.
    missing
        "raise" names what is missing; "drop" leaves those rows out.

    Returns
    -------
    polars.DataFrame
        The `by` columns, `assay`, `visit`, `n` (patients measured), `median`, `q1`, `q3`, `min`, `max`. A
        visit without measurements has `n` 0.

    Raises
    ------
    DataError
        For activities below 0, windows that overlap, and as `event_rate` of columns.

    Notes
    -----
    Who has left (returned to prophylaxis, died) is not measured: read the medians beside `n`. Quartiles are
    linear between order statistics (type 7 of R).

    Examples
    --------
    >>> import polars as pl
    >>> measured = pl.DataFrame(
    ...     {
    ...         "id": [1, 1, 2, 2, 3, 3],
    ...         "week": [25, 53, 27, 52, 26, 60],
    ...         "fix": [40.0, 36.0, 22.0, 20.0, 31.0, 30.0],
    ...     }
    ... )
    >>> factor_activity(
    ...     measured, id="id", time="week", activity="fix", assay=None, visits=[26, 52], window=4
    ... ).select("visit", "n", "median", "q1", "q3").rows()
    [(26.0, 3, 31.0, 26.5, 35.5), (52.0, 2, 28.0, 24.0, 32.0)]
    """
    m = read_activity(data, id, time, activity, assay, by, missing)
    rows = []
    for labels, visit, values in _at_visits(m, visits, window):
        known = np.quantile(values, [0.5, 0.25, 0.75, 0, 1]).tolist() if len(values) else [None] * 5
        rows.append((*labels, visit, len(values), *known))
    numbers = dict.fromkeys(("median", "q1", "q3", "min", "max"), pl.Float64)
    return pl.DataFrame(
        rows, schema={**m.schema, "visit": pl.Float64, "n": pl.Int64, **numbers}, orient="row"
    )


def factor_activity_above(
    data: Any,
    *,
    id: Column,
    time: Column,
    activity: Column,
    assay: Column | None,
    visits: Sequence[float],
    window: float,
    thresholds: Sequence[float] = THRESHOLDS,
    by: Columns = None,
    limits: ShareLimits = "wilson",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Estimates:
    """Share of the patients measured at a visit whose factor activity is above each threshold.

    Parameters
    ----------
    data, id, time, activity, assay, visits, window, by, missing
        As in `factor_activity`.
    thresholds
        In IU/dL; a value at the threshold is not above it. The defaults are a convention (above 5 begins the
        range of mild haemophilia, which ends below 40); state those of the protocol.
    limits
        "wilson", or "exact" (Clopper and Pearson's).
    conf_level
        Level of the limits.

    Returns
    -------
    Estimates
        The `by` columns, `assay`, `visit`, `threshold`, `n` (patients measured), `n_event` (above),
        `estimate`, `conf_low`, `conf_high`; visits without measurements have no row.

    Raises
    ------
    DataError
        As `factor_activity`; no measurement at any visit.

    References
    ----------
    Wilson EB. J Am Stat Assoc 1927;22:209-212. Clopper CJ, Pearson ES. Biometrika 1934;26:404-413.

    Examples
    --------
    >>> import polars as pl
    >>> measured = pl.DataFrame(
    ...     {"id": [1, 2, 3, 4], "week": [26, 27, 25, 26], "fix": [40.0, 22.0, 31.0, 4.0]}
    ... )
    >>> share = factor_activity_above(
    ...     measured, id="id", time="week", activity="fix", assay=None, visits=[26], window=4,
    ...     thresholds=[5, 30],
    ... )
    >>> share.to_frame().select("threshold", "n", "n_event", "estimate").rows()
    [(5.0, 4, 3, 0.75), (30.0, 4, 2, 0.5)]
    """
    check_choice(limits, ShareLimits, argument="limits")
    check_conf_level(conf_level)
    m, levels = (
        read_activity(data, id, time, activity, assay, by, missing),
        check_times(thresholds, argument="thresholds"),
    )
    rows = [
        (*labels, visit, float(level), len(values), int((values > level).sum()))
        for labels, visit, values in _at_visits(m, visits, window)
        if len(values)
        for level in levels
    ]
    if not rows:
        raise DataError(
            "leaves no measurement at any visit",
            argument="window",
            expected="measurements of some patient near a visit",
            remedy=f"visits in the unit of time={m.table.name('time')!r}, or a wider window",
        )
    new = {"visit": pl.Float64, "threshold": pl.Float64, "n": pl.Int64, "n_event": pl.Int64}
    frame = pl.DataFrame(rows, schema={**m.schema, **new}, orient="row")
    count, n = frame["n_event"].to_numpy(), frame["n"].to_numpy()
    low, high = LIMITS[limits](count, n, conf_level)
    return Estimates(
        frame=frame.with_columns(
            estimate=pl.Series(count / n), conf_low=pl.Series(low), conf_high=pl.Series(high)
        ),
        name="share above a factor activity",
        method="Wilson" if limits == "wilson" else "exact (Clopper-Pearson)",
        conf_level=conf_level,
        n=len(np.unique(m.patient)),
        n_event=float(len(m.activity)),
        n_dropped=m.table.n_dropped,
    )


def _at_visits(
    m: Measured, visits: Sequence[float], window: float
) -> Iterator[tuple[tuple[Any, ...], float, np.ndarray]]:
    """The labels, the visit, and the activities of the patients measured then, of each group and visit."""
    at = np.unique(check_times(visits, argument="visits"))
    check_number(window, argument="window", at_least=0, expected="time of 0 or more", example=4.0)
    if len(at) > 1 and np.diff(at).min() < 2 * window:
        raise DataError(
            f"lets visits overlap that are {np.diff(at).min():g} apart, and a measurement would count twice",
            argument="window",
            expected="at most half the time between two visits",
            remedy=f"window={np.diff(at).min() / 2:g}",
        )
    for labels, own in m.groups():
        for visit in at:
            yield labels, float(visit), m.activity[own[_nearest(m, own, visit, window)]]


def _nearest(m: Measured, own: np.ndarray, visit: float, window: float) -> np.ndarray:
    """Of each patient the measurement nearest to a visit, the earlier one of two."""
    distance = np.abs(m.time[own] - visit)
    near = np.flatnonzero(distance <= window)
    order = near[np.lexsort((m.time[own][near], distance[near], m.patient[own][near]))]
    _, first = np.unique(m.patient[own][order], return_index=True)
    return order[first]
