"""How fast factor activity falls, as after gene therapy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from scipy.special import ndtr

from ...columns import Column, Columns
from ...errors import ConvergenceError, DataError, counted
from ...numerics.intervals import normal_quantile
from ...numerics.linear_mixed import MixedLine, mixed_line
from ...options import Missing, check_choice, check_conf_level, check_number
from ...results import Estimates
from .activity_data import Measured, read_activity

if TYPE_CHECKING:
    from collections.abc import Iterator

Scale = Literal["log", "plain"]
FEWEST = 3


def factor_activity_slope(
    data: Any,
    *,
    id: Column,
    time: Column,
    activity: Column,
    assay: Column | None,
    per: float = 1.0,
    by: Columns = None,
    scale: Scale = "log",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Estimates:
    """How factor activity changes with time in the mean patient, by a linear mixed model.

    The activity (or its logarithm) follows a straight line in each patient; intercepts and slopes vary
    between patients, with any correlation, and measurements about them. It is fitted by restricted maximum
    likelihood to each assay and group apart.

    Parameters
    ----------
    data, id, time, activity, assay, by, missing
        As in `factor_activity`. Choose the time in which a line makes sense, such as from the peak on.
    per
        Time that the change is told for, in the unit of `time`: 52 for a year in weeks.
    scale
        "log": the activity changes by a factor, the same in any interval of one length; it has to be above 0.
        "plain": it changes by an amount.
    conf_level
        Level of the limits, which are normal (on the scale of the model): for some tens of patients.

    Returns
    -------
    Estimates
        The `by` columns, `assay`, and two rows: `term` "level at 0" (in IU/dL; a geometric mean with "log")
        and "change" (a ratio with "log", a difference with "plain"); `n` (patients), `estimate`, `statistic`,
        `p_value` (of no change; null for the level), `conf_low`, `conf_high`. `n_event` of the summary counts
        measurements.

    Raises
    ------
    DataError
        As `factor_activity`; fewer than three patients, or so few measurements that lines through them leave
        nothing over; an activity of 0 with "log"; no variation.
    ConvergenceError
        If no maximum of the likelihood was found.

    Notes
    -----
    Patients who leave because their activity fell are missing later; the model allows for that only as far as
    it follows from the values that were measured (missing at random).

    References
    ----------
    Laird NM, Ware JH. Biometrics 1982;38:963-974.

    Examples
    --------
    >>> import polars as pl
    >>> measured = pl.DataFrame(
    ...     {
    ...         "id": [n for n in range(6) for _ in range(4)],
    ...         "year": [0.5, 1.0, 2.0, 4.0] * 6,
    ...         "fix": [30, 29, 24, 17, 44, 43, 40, 33, 12, 11, 10, 7, 60, 49, 47, 36, 25, 26, 21, 16, 36, 33,
    ...                 29, 24],
    ...     }
    ... )  # fmt: skip
    >>> factor_activity_slope(measured, id="id", time="year", activity="fix", assay=None)
    factor activity and its ratio per 1, n=6, events=24
      assay=one assay, level at 0: 32.95 (21.63 to 50.22), n 6
      assay=one assay, change: 0.8771 (0.8565 to 0.8981), n 6, statistic -10.83, p 2.478e-27
    95% limits: linear mixed model with random intercepts and slopes, REML
    """
    check_choice(scale, Scale, argument="scale")
    check_conf_level(conf_level)
    check_number(per, argument="per", above=0, expected="time above 0", example=1.0)
    m = read_activity(data, id, time, activity, assay, by, missing)
    _refuse_zero(m, scale)
    rows = []
    for labels, own in m.groups():
        line = _line(m, own, scale)
        n = len(np.unique(m.patient[own]))
        rows += [(*labels, *row) for row in _line_rows(line, n, per, scale, normal_quantile(conf_level))]
    new = {"term": pl.String, "n": pl.Int64}
    numbers = dict.fromkeys(("estimate", "statistic", "p_value", "conf_low", "conf_high"), pl.Float64)
    return Estimates(
        frame=pl.DataFrame(rows, schema={**m.schema, **new, **numbers}, orient="row"),
        name=f"factor activity and its {'ratio' if scale == 'log' else 'change'} per {per:g}",
        method="linear mixed model with random intercepts and slopes, REML",
        conf_level=conf_level,
        n=len(np.unique(m.patient)),
        n_event=float(len(m.activity)),
        n_dropped=m.table.n_dropped,
        time_unit=m.time_unit,
    )


def _refuse_zero(m: Measured, scale: Scale) -> None:
    zero = m.activity == 0
    if scale == "log" and zero.any():
        raise DataError(
            f"is 0 in {counted(int(zero.sum()), 'row')}, which has no logarithm",
            argument="activity",
            column=m.table.name("activity"),
            rows=m.table.positions(zero),
            expected="activities above 0, with half the limit of detection for what is below it",
            remedy="scale='plain'",
        )


def _line(m: Measured, own: np.ndarray, scale: Scale) -> MixedLine:
    """The mixed model of one group."""
    owners, patient = np.unique(m.patient[own], return_inverse=True)
    time, values = m.time[own], m.activity[own]
    y = np.log(values) if scale == "log" else values
    if len(owners) < FEWEST or len(own) <= 2 * len(owners) or np.ptp(time) == 0 or np.ptp(y) == 0:
        raise DataError(
            f"leaves {counted(len(own), 'measurement')} of {counted(len(owners), 'patient')} for one line",
            argument="data",
            expected=f"{FEWEST} patients or more, more than two measurements of each in the mean, and values "
            "that differ",
            remedy="factor_activity(...), which tells what was measured at visits",
        )
    line = mixed_line(y, time, patient)
    if not line.converged:
        raise ConvergenceError(
            "the restricted likelihood had no maximum that was found. Expected lines that the measurements "
            "determine. Try a longer time, or factor_activity(...)."
        )
    return line


def _line_rows(line: MixedLine, n: int, per: float, scale: Scale, z: float) -> Iterator[tuple[Any, ...]]:
    """Level and change with their limits."""
    back = np.exp if scale == "log" else np.asarray
    level, change = line.coef * (1.0, per)
    error = np.sqrt(np.diag(line.cov)) * (1.0, per)
    limits = [
        back(value + np.array([0, -z, z]) * e).tolist()
        for value, e in zip((level, change), error, strict=True)
    ]
    statistic = float(change / error[1])
    yield "level at 0", n, limits[0][0], None, None, *limits[0][1:]
    yield "change", n, limits[1][0], statistic, float(2 * ndtr(-abs(statistic))), *limits[1][1:]
