"""Outcomes as scikit-learn passes them: one object `y` that holds follow-up and what ended it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from sklearn.utils import assert_all_finite, column_or_1d

from ...columns import as_frame
from ...errors import DataError, warn
from ...outcomes import read_survival
from ...outcomes_competing import read_competing

if TYPE_CHECKING:
    from ...columns import Column

NAMES = ("event", "time")
REMEDY = "y=hem.prediction.survival_outcome(data, time='months', event='died')"


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Follow-up of each row, and what ended it: 0 for censoring, otherwise the number of the event."""

    time: np.ndarray
    event: np.ndarray

    def __len__(self) -> int:
        return len(self.time)

    @property
    def frame(self) -> pl.DataFrame:
        """The columns `time` and `event`, as the functions of the other families read them."""
        return pl.DataFrame({"time": self.time, "event": self.event})


def survival_outcome(
    data: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    cause: Any = None,
    censored: Any = "default",
) -> np.ndarray:
    """Follow-up of a table as the `y` of scikit-learn: an array with the fields `event` and `time`.

    Parameters
    ----------
    data
        One row per patient.
    time, event, event_value
        Follow-up, and whether it ended with the event.
    cause, censored
        For `FineGrayRegression` and other models of competing events, whose `event` holds labels: the event
        that is predicted, and the label of censoring.

    Returns
    -------
    numpy.ndarray
        Structured, as scikit-survival has it: `event` is true or false, with `cause` a number (1 for the
        cause, 2 for any competing event, 0 for censoring), and `time`.

    Raises
    ------
    DataError
        As `hem.survival.kaplan_meier`, with `cause` as `hem.competing.cumulative_incidence`.

    Examples
    --------
    >>> import hemresearch as hem
    >>> mgus = hem.data.load("mgus2")
    >>> y = hem.prediction.survival_outcome(mgus, time="futime", event="death")
    >>> y.dtype.names, y[0].item()
    (('event', 'time'), (True, 30.0))
    """
    if cause is None:
        y = read_survival(data, time=time, event=event, event_value=event_value)
        return structured(y.time, np.asarray(y.event, dtype=bool))
    if event_value is not None:
        raise DataError(
            "both event_value and cause were given",
            argument="cause",
            expected="event_value for one event, or cause where several compete",
            remedy="event_value=None",
        )
    several = read_competing(data, time=time, event=event, censored=censored)
    own = several.cause == several.one_number(cause)
    return structured(several.time, np.where(own, 1, np.where(several.cause > 0, 2, 0)))


def structured(time: np.ndarray, event: np.ndarray) -> np.ndarray:
    """An array with the fields event and time."""
    y = np.empty(len(time), dtype=[("event", event.dtype), ("time", float)])
    y["event"], y["time"] = event, time
    return y


def read_outcome(y: Any, n: int) -> Outcome:
    """The outcome of n rows: a structured array, two named columns, or signed times."""
    if y is None:
        raise ValueError("This estimator requires y to be passed, but the target y is None")
    found = _fields(y) if getattr(getattr(y, "dtype", None), "names", None) else None
    if found is None:
        found = _columns(y) if hasattr(y, "collect") or hasattr(y, "columns") else _signed(y)
    if len(found) != n:
        raise DataError(
            f"has {len(found)} rows where X has {n}",
            argument="y",
            expected="the outcome of each row of X",
            remedy=REMEDY,
        )
    return _checked(found)


def _fields(y: np.ndarray) -> Outcome:
    """A structured array, its event first, as scikit-survival has it."""
    names = y.dtype.names or ()
    if len(names) != 2 or y.dtype[0].kind not in "biu":
        raise DataError(
            f"is a structured array of {len(names)} fields, of which the first is of {y.dtype[0]}",
            argument="y",
            expected="two fields: the event (true or false, or its number), and the time",
            remedy=REMEDY,
        )
    return Outcome(np.asarray(y[names[1]], dtype=float), np.asarray(y[names[0]]).astype(np.int64))


def _columns(y: Any) -> Outcome:
    """A frame with the columns event and time."""
    frame = as_frame(y)
    frame = frame.collect() if isinstance(frame, pl.LazyFrame) else frame
    if sorted(frame.columns) != sorted(NAMES):
        raise DataError(
            f"is a table of {frame.width} columns",
            argument="y",
            expected="exactly the columns event (true or false, or its number) and time",
            remedy=REMEDY,
        )
    if frame.null_count().sum_horizontal().item() or not (
        frame["event"].dtype == pl.Boolean or frame["event"].dtype.is_integer()
    ):
        raise DataError(
            "is missing in some rows, or is neither true or false nor whole numbers",
            argument="y",
            column="event",
            expected="the event (true or false, or its number) and the time of every row",
            remedy=REMEDY,
        )
    return Outcome(frame["time"].cast(float).to_numpy(), frame["event"].cast(pl.Int64).to_numpy())


def _signed(y: Any) -> Outcome:
    """Times of events, and times of censoring with a minus sign: the convention of XGBoost."""
    values = np.asarray(y)
    if values.ndim == 2 and values.shape[1] == 2:
        raise DataError(
            "has two columns without names",
            argument="y",
            expected="columns that say which is the time",
            remedy=REMEDY,
        )
    values = np.asarray(column_or_1d(values, warn=True), dtype=float)
    assert_all_finite(values, input_name="y")
    if len(values) and not (values < 0).any():
        warn(
            "is an array of times of which none is negative: every row is taken to end with the event",
            argument="y",
            expected="an outcome with an event and a time; or times, those of censoring negative",
            remedy=REMEDY,
        )
    return Outcome(np.abs(values), (values > 0).astype(np.int64))


def _checked(y: Outcome) -> Outcome:
    if not len(y) or not np.isfinite(y.time).all() or (y.time < 0).any() or (y.event < 0).any():
        bad = ~np.isfinite(y.time) | (y.time < 0) | (y.event < 0)
        raise DataError(
            "has no rows" if not len(y) else "holds times or events that are missing, infinite or negative",
            argument="y",
            rows=np.flatnonzero(bad),
            expected="times of at least 0, and events that are true or false, or their numbers",
            remedy=REMEDY,
        )
    return y
