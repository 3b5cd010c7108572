"""Patients who are discussed again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from scipy.special import expit

from ...columns import Table, as_frame, group_rows, read_table
from ...errors import DataError, counted, warn
from ...numerics.count_limits import BINOMIAL
from ...numerics.gee import LINKS, independence_equations
from ...numerics.index_windows import begins_window
from ...numerics.intervals import normal_quantile
from ...options import check_choice, check_conf_level, check_number
from ...results import Estimates

if TYPE_CHECKING:
    from ...columns import Column

Since = Literal["previous", "index"]
NAMES = ("repeat", "episode", "days_since_previous")
MICROSECONDS_PER_DAY = 86_400e6


def add_repeats(
    data: Any, *, time: Column, id: Column, within_days: float = 30.0, since: Since = "previous"
) -> Any:
    """Which consultations are the first on a patient, and which come back to the same within some days.

    Parameters
    ----------
    data
        One row per consultation, in any order.
    time
        The time stamp, or the date.
    id
        The patient.
    within_days
        A consultation up to so many days (of 24 hours) after another one on the same patient repeats it.
    since
        "previous": counted from the previous consultation, so that an episode goes on as long as they follow
        each other. "index": from the first of the episode, whose length is `within_days` at most.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        The data with `repeat` (true or false), `episode` (1, 2, ... of each patient) and
        `days_since_previous` (null for the first); rows stay in their order, lazy data stay lazy.

    Raises
    ------
    DataError
        Stamps that are no dates, missing values in either column, days that are none, columns that are there
        already.

    Warns
    -----
    DataWarning
        Two consultations on one patient at the same moment, which may be one that was registered twice.

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> calls = pl.DataFrame(
    ...     {"patient": ["a", "a", "b", "a"], "day": [date(2024, 1, d) for d in (1, 9, 12, 31)]}
    ... )
    >>> add_repeats(calls, time="day", id="patient", within_days=14).select("repeat", "episode").rows()
    [(False, 1), (True, 1), (False, 1), (False, 2)]
    """
    frame = as_frame(data)
    lazy = isinstance(frame, pl.LazyFrame)
    whole = frame.collect() if isinstance(frame, pl.LazyFrame) else frame
    for name in (name for name in NAMES if name in whole.columns):
        raise DataError(
            "is in the data already",
            argument="data",
            column=name,
            expected="data without it",
            remedy=f"data.drop({name!r})",
        )
    added = _repeats(whole, time, id, within_days, since)
    return whole.hstack(added).lazy() if lazy else whole.hstack(added)


def repeat_consultations(
    data: Any,
    *,
    time: Column,
    id: Column,
    within_days: float = 30.0,
    since: Since = "previous",
    conf_level: float = 0.95,
) -> Estimates:
    """How often patients are discussed again: shares of consultations and of patients, and the mean number.

    Consultations on one patient are not independent. The limits of the share of consultations allow for it
    (generalised estimating equations with an independent working correlation, on the logit scale); those of
    the share of patients are Wilson's, those of the mean number are normal.

    Parameters
    ----------
    data, time, id, within_days, since
        As in `add_repeats`.
    conf_level
        Level of the limits.

    Returns
    -------
    Estimates
        Rows `term`: "share of consultations that are repeats", "share of patients with a repeat" and
        "consultations per patient".

    Raises
    ------
    DataError
        As `add_repeats`; a single patient.

    Warns
    -----
    DataWarning
        As `add_repeats`.

    Notes
    -----
    A period has edges: a repeat within it of a consultation before it is counted as the first, and patients
    of the last days have had no time to come back. Leave `within_days` on both sides where that matters.

    References
    ----------
    Liang KY, Zeger SL. Biometrika 1986;73:13-22.

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> calls = pl.DataFrame(
    ...     {
    ...         "patient": ["a", "a", "b", "a", "c", "d", "d"],
    ...         "day": [date(2024, 1, d) for d in (1, 9, 12, 31, 2, 3, 5)],
    ...     }
    ... )
    >>> repeat_consultations(calls, time="day", id="patient", within_days=14)
    repeat consultations within 14 days, n=4, events=7
      share of consultations that are repeats: 0.2857 (0.1483 to 0.4788)
      share of patients with a repeat: 0.5 (0.15 to 0.85)
      consultations per patient: 1.75 (0.8117 to 2.688)
    95% limits: clustered by patient; Wilson; normal
    """
    check_conf_level(conf_level)
    frame = as_frame(data).lazy().collect()
    repeat = _repeats(frame, time, id, within_days, since)["repeat"].to_numpy()
    owner = group_rows(read_table(frame, {"id": id}), "id").code
    n = int(owner.max()) + 1
    if n == 1:
        raise DataError(
            "holds a single patient",
            argument="id",
            expected="consultations on many patients",
            remedy="add_repeats(...) for the consultations on one",
        )
    rows = [
        _share_of_consultations(repeat, owner, conf_level),
        _share_of_patients(np.bincount(owner, repeat) > 0, conf_level),
        _mean_number(np.bincount(owner), conf_level),
    ]
    terms = [
        "share of consultations that are repeats",
        "share of patients with a repeat",
        "consultations per patient",
    ]
    names = ("estimate", "std_error", "conf_low", "conf_high")
    return Estimates(
        frame=pl.DataFrame(rows, schema=dict.fromkeys(names, pl.Float64), orient="row").insert_column(
            0, pl.Series("term", terms)
        ),
        name=f"repeat consultations within {within_days:g} days",
        method="clustered by patient; Wilson; normal",
        conf_level=conf_level,
        n=float(n),
        n_event=float(len(owner)),
    )


Row = tuple[float, float, float, float]


def _share_of_consultations(repeat: np.ndarray, owner: np.ndarray, level: float) -> Row:
    """Clustered by patient; without a width where all are alike."""
    share = float(repeat.mean())
    if share in (0.0, 1.0):
        low, high = BINOMIAL["wilson"](np.array([repeat.sum()]), np.array([len(repeat)]), level)
        return share, 0.0, float(low[0]), float(high[0])
    fit = independence_equations(np.ones((len(repeat), 1)), repeat.astype(float), owner, LINKS["logit"])
    error = float(np.sqrt(fit.cov[0, 0]))
    half = normal_quantile(level) * error
    low, high = expit(fit.coef[0] - half), expit(fit.coef[0] + half)
    return share, error * share * (1 - share), float(low), float(high)


def _share_of_patients(again: np.ndarray, level: float) -> Row:
    n, share = len(again), float(again.mean())
    low, high = BINOMIAL["wilson"](np.array([again.sum()]), np.array([n]), level)
    return share, float(np.sqrt(share * (1 - share) / n)), float(low[0]), float(high[0])


def _mean_number(count: np.ndarray, level: float) -> Row:
    mean, error = float(count.mean()), float(count.std(ddof=1) / np.sqrt(len(count)))
    half = normal_quantile(level) * error
    return mean, error, mean - half, mean + half


def _repeats(frame: pl.DataFrame, time: Column, id: Column, within_days: Any, since: str) -> pl.DataFrame:
    """The three columns, in the order of the rows."""
    check_choice(since, Since, argument="since")
    days = check_number(within_days, argument="within_days", above=0, expected="days above 0", example=30)
    table = read_table(frame, {"time": time, "id": id})
    moment, owner = read_moments(table), group_rows(table, "id").code
    order = np.lexsort((moment, owner))
    passed = np.append(np.nan, np.diff(moment[order]))
    first = np.append(True, np.diff(owner[order]) != 0)
    passed[first] = np.nan
    _warn_of_doubles(table, order, passed)
    chained = since == "previous"
    begins = ~(passed <= days) if chained else begins_window(owner[order], moment[order], days)
    total = np.cumsum(begins)
    number = total - np.maximum.accumulate(np.where(first, total - 1, 0))
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    columns = {"repeat": ~begins, "episode": number, "days_since_previous": passed}
    return pl.DataFrame({name: values[back] for name, values in columns.items()}).with_columns(
        pl.col("days_since_previous").fill_nan(None)
    )


def read_moments(table: Table) -> np.ndarray:
    """The time stamps as days that passed."""
    stamps, name = table.series("time"), table.name("time")
    if stamps.dtype not in (pl.Date, pl.Datetime):
        raise DataError(
            f"holds {stamps.dtype}",
            argument="time",
            column=name,
            expected="Datetime stamps or dates",
            remedy=f"time=pl.col({name!r}).str.to_datetime()",
        )
    return (stamps.dt.epoch("us") / MICROSECONDS_PER_DAY).to_numpy()


def _warn_of_doubles(table: Table, order: np.ndarray, passed: np.ndarray) -> None:
    if table.series("time").dtype == pl.Date:  # two on one day are two
        return
    same = order[passed == 0]
    if len(same):
        warn(
            f"is that of another consultation on the same patient in {counted(len(same), 'row')}",
            argument="time",
            column=table.name("time"),
            rows=np.sort(same),
            expected="each consultation once",
            remedy="data.unique([...]) if they were registered twice",
        )
