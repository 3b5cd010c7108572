"""How fast a marker falls or rises: lines of its logarithm, of each patient and of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from scipy.special import ndtr

from ..errors import ConvergenceError, DataError, counted, warn
from ..numerics.censored_line import censored_line, each_line
from ..numerics.intervals import normal_quantile
from ..numerics.linear_mixed import MixedLine, mixed_line
from ..options import Missing, check_choice, check_conf_level, check_number
from .kinetics_result import Kinetics
from .marker_data import Marker, read_marker, refuse_taken

if TYPE_CHECKING:
    from ..columns import Column, Columns

Below = Literal["censored", "half", "limit"]
FEWEST, FEW = 3, 5  # patients: for a line, and for limits
TAKEN = (
    "row", "n", "n_below", "level", "estimate", "std_error", "halving_time", "term", "statistic", "p_value",
    "conf_low", "conf_high", "patient", "value", "below",
)  # fmt: skip
LOG_2 = float(np.log10(2.0))
SHARES = {"censored": 1.0, "half": 0.5, "limit": 1.0}  # of the limit that stands for what is below it


def kinetics(
    data: Any,
    *,
    id: Column,
    time: Column,
    value: Column,
    limit: Column | float | None = None,
    below: Below = "censored",
    by: Columns = None,
    per: float = 1.0,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Kinetics:
    """How fast a marker such as measurable residual disease or BCR::ABL1 falls, with its halving time.

    The logarithm (to base 10) of the marker follows a straight line in each patient; levels and slopes vary
    between patients, with any correlation, and measurements about the lines. The estimand is the slope of the
    mean patient: the mean of the patients' slopes, whether they were measured often or not. A line is a
    claim: choose the times in which it holds, such as the first months of a treatment, and see `.plot()`.

    Parameters
    ----------
    data
        One row per measurement.
    id
        Column of the patient.
    time
        Since a time zero of the patient, in any one unit.
    value
        Column of the marker, 0 or more.
    limit
        Limit of detection: a number, or a column with that of each sample (null for none). A value below it
        says no more than that.
    below
        What is made of values below the limit. "censored": nothing is put in their place, the likelihood says
        that they are below it (a tobit model). "half", "limit": half the limit, or the limit, is taken for
        measured, which bends the lines; for comparison with what others have done.
    by
        Columns of groups, the same in all rows of a patient; a model for each.
    per
        Time that the change is told for, in the unit of `time`.
    conf_level
        Level of the limits, which are normal: for some tens of patients.
    missing
        "raise", or "drop" rows.

    Returns
    -------
    Kinetics
        `.to_frame()` has three rows for each group: `term` "level at 0" (geometric mean, in the unit of the
        marker), "log10 change", and "halving time" or "doubling time" (whose upper limit is null where the
        slope may be 0), with `n` patients. `.patients()` has the line of each patient alone and its halving
        (doubling: negative) time; null without two detected values. `.plot()`, `.text()`.

    Raises
    ------
    DataError
        Values below 0, or 0 without a limit; two values at one time; a patient in two groups; fewer than
        three patients with two detected values, or measurements that lines of the patients leave nothing of.
    ConvergenceError
        If no maximum of the likelihood was found.

    Warns
    -----
    DataWarning
        For values below the limit that are replaced by a number, and for fewer than five patients, with
        whom limits are too narrow (of 200 simulations each they held the slope in 87 % with four patients, in
        92 % with six).

    Notes
    -----
    Without censored values the model is fitted by REML, as `lme4::lmer(log10(value) ~ time + (time | id))`;
    with them by maximum likelihood, by adaptive quadrature. The line of one patient takes the deviation about
    lines that the model found in all.

    References
    ----------
    Laird NM, Ware JH. Biometrics 1982;38:963-974. Hughes JP. Mixed effects models with censored data with
    application to HIV RNA levels. Biometrics 1999;55:625-629.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> values = pl.DataFrame(
    ...     {
    ...         "id": [n for n in "abcde" for _ in range(4)],
    ...         "month": [0, 3, 6, 9] * 5,
    ...         "percent": [40.0, 5.1, 0.7, 0.06, 80, 22, 4, 1.2, 25, 2, 0.1, 0, 60, 9, 2.2, 0.2, 33, 3, 0.4,
    ...                     0.02],
    ...     }
    ... )  # fmt: skip
    >>> fall = kinetics(values, id="id", time="month", value="percent", limit=0.01)
    >>> fall
    Kinetics of percent: 5 patients, 20 measurements, 1 below the limit (censored)
      level at 0: 46.45 (32.09 to 67.23)
      log10 change per 1: -0.3076 (-0.367 to -0.2482)
      halving time: 0.9787 (0.8203 to 1.213)
    95% limits: linear mixed model, random intercepts and slopes, maximum likelihood
    >>> fall.patients()["halving_time"].round(2).to_list()
    [0.97, 1.45, 0.75, 1.12, 0.86]
    """
    check_choice(below, Below, argument="below")
    check_conf_level(conf_level)
    check_number(per, argument="per", above=0, expected="time above 0", example=1.0)
    m = read_marker(data, id=id, time=time, value=value, limit=limit, by=by, missing=missing)
    _warn_of_substitution(m, below)
    refuse_taken(m, TAKEN)
    y, hidden = np.log10(np.where(m.below, SHARES[below] * m.value, m.value)), m.below & (below == "censored")
    z = normal_quantile(conf_level)
    rows, patients = [], []
    for g in range(len(m.group)):
        own = np.flatnonzero(m.group.code == g)
        labels = m.group.levels.row(g) if m.group.names else ()
        owner = np.unique(m.patient.code[own], return_inverse=True)[1]
        line = _line(m, own, y[own], hidden[own], owner)
        rows += [(*labels, *row) for row in _rows(line, int(owner.max()) + 1, per, z)]
        patients.append(_patients(m, own, y[own], hidden[own], owner, line, per))
    numbers = dict.fromkeys(
        ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high"), pl.Float64
    )
    schema: dict[str, Any] = {**m.group.levels.schema, "term": pl.String, "n": pl.Int64, **numbers}
    return Kinetics(
        frame=pl.DataFrame(rows, schema=schema, orient="row"),
        patients_frame=pl.concat(patients).sort("row").drop("row"),
        values_frame=_values(m),
        by=m.group.names,
        time=m.table.name("time"),
        value=m.table.name("value"),
        id=m.table.name("id"),
        below=below,
        method=_method(hidden, m),
        per=float(per),
        conf_level=conf_level,
        n=len(m.patient),
        n_below=int(m.below.sum()),
        n_dropped=m.table.n_dropped,
        time_unit=m.time_unit,
    )


def _warn_of_substitution(m: Marker, below: Below) -> None:
    if below != "censored" and m.below.any():
        warn(
            f"has {counted(int(m.below.sum()), 'value')} below the limit, taken for "
            f"{'half of it' if below == 'half' else 'the limit'}, which bends the lines",
            argument="below",
            column=m.table.name("value"),
            expected="values below the limit taken for what they are",
            remedy="below='censored'",
        )


def _method(hidden: np.ndarray, m: Marker) -> str:
    """How the lines were fitted, which may differ between groups."""
    some = {bool(hidden[m.group.code == g].any()) for g in range(len(m.group))}
    if len(some) == 2:
        return "maximum likelihood in groups with values below the limit, else REML"
    return "maximum likelihood" if some == {True} else "REML"


def _line(m: Marker, own: np.ndarray, y: np.ndarray, hidden: np.ndarray, owner: np.ndarray) -> MixedLine:
    """The mixed model of one group."""
    t = m.time[own]
    n = int(owner.max()) + 1
    seen = np.unique(np.stack([owner[~hidden], t[~hidden]]), axis=1)[0].astype(np.intp)
    n_line = int((np.bincount(seen, minlength=n) > 1).sum())
    if n_line < FEWEST or len(own) <= 2 * n or np.ptp(y[~hidden]) == 0:
        raise DataError(
            f"leaves {counted(len(own), 'measurement')} of {counted(n, 'patient')} for one line, {n_line} of "
            "them with two detected values",
            argument="data",
            expected=f"{FEWEST} patients or more with two detected values, more than two measurements of "
            "each in the mean, and values that differ",
            remedy="log_reduction(...), which tells how far the marker fell",
        )
    if n < FEW:
        warn(
            f"has {counted(n, 'patient')} for one line: normal limits are narrow with so few",
            argument="data",
            expected=f"{FEW} patients or more",
            remedy="fall.patients(), whose lines can be told one by one",
        )
    line = censored_line(y, hidden, t, owner) if hidden.any() else mixed_line(y, t, owner)
    if not line.converged:
        raise ConvergenceError(
            "the likelihood had no maximum that was found. Expected lines that the measurements determine. "
            "Try a longer time, or log_reduction(...)."
        )
    return line


def _rows(line: MixedLine, n: int, per: float, z: float) -> list[tuple[Any, ...]]:
    """Level, change and the time in which it is one half or double."""
    level, slope = line.coef
    error = np.sqrt(np.diag(line.cov))
    levels = (10 ** (level + np.array([0, -z, z]) * error[0])).tolist()
    low, high = slope - z * error[1], slope + z * error[1]
    statistic = float(slope / error[1])
    term, *times = _times(slope, low, high)
    return [
        ("level at 0", n, levels[0], None, None, None, *levels[1:]),
        ("log10 change", n, per * slope, per * error[1], statistic, float(2 * ndtr(-abs(statistic))),
         per * low, per * high),
        (term, n, times[0], None, None, None, *times[1:]),
    ]  # fmt: skip


def _times(slope: float, low: float, high: float) -> tuple[str, float | None, float | None, float | None]:
    """Halving time of a fall, doubling time of a rise; the slowest is unknown where the slope may be 0."""
    down = slope < 0
    slowest, fastest = (-high, -low) if down else (low, high)
    term = "halving time" if down else "doubling time"
    estimate = LOG_2 / abs(slope) if slope else None
    return term, estimate, LOG_2 / fastest if fastest > 0 else None, LOG_2 / slowest if slowest > 0 else None


def _patients(
    m: Marker,
    own: np.ndarray,
    y: np.ndarray,
    hidden: np.ndarray,
    owner: np.ndarray,
    line: MixedLine,
    per: float,
) -> pl.DataFrame:
    """The line of each patient alone."""
    lines, covariance = each_line(y, hidden, m.time[own], owner, np.sqrt(line.within))
    who = np.unique(m.patient.code[own])
    slope = lines[:, 1]
    with np.errstate(divide="ignore"):
        halving = -LOG_2 / slope
    group = m.group.levels[np.repeat(m.group.code[own[0]], len(who))] if m.group.names else pl.DataFrame()
    return pl.DataFrame(
        {
            "row": who,
            m.table.name("id"): m.ids()[who],
            **{name: group[name] for name in group.columns},
            "n": np.bincount(owner),
            "n_below": np.bincount(owner, m.below[own]).astype(np.int64),
            "level": 10 ** lines[:, 0],
            "estimate": per * slope,
            "std_error": per * np.sqrt(covariance[:, 1, 1]),
            "halving_time": np.where(np.isinf(halving), np.nan, halving),
        }
    ).with_columns(pl.selectors.float().fill_nan(None))


def _values(m: Marker) -> pl.DataFrame:
    """What was measured, for the picture."""
    order = m.order()
    columns = {
        "id": m.patient.code[order],
        "time": m.time[order],
        "value": m.value[order],
        "below": m.below[order],
    }
    frame = pl.DataFrame(columns)
    return (
        pl.concat([m.group.levels[m.group.code[order]], frame], how="horizontal") if m.group.names else frame
    )
