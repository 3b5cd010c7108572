"""What a parametric model is fitted to: right-, left- or interval-censored rows, read and checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import Groups, as_frame
from ..design import Covariates, Design, covariate_columns
from ..errors import DataError, counted
from ..model_design import model_design
from ..numerics.parametric import EXACT, INTERVAL, LEFT, RIGHT, Observations
from ..outcomes import Survival, read_survival
from ..outcomes_interval import Interval, read_interval
from ..personal_numbers import check_groups
from ..start_stop import warn_of_forgotten_entry

if TYPE_CHECKING:
    from ..options import Missing

BOTH_ENDS = "time and event (right-censored), or left and right (censored in any way)"


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Rows of an outcome of either kind, in the user's unit of time.

    `owner` numbers the clusters (or patients) whose rows belong together, None where each stands alone; `y`
    is the outcome as it was read, and `argument` its column of times.
    """

    rows: Observations
    offset: np.ndarray
    owner: np.ndarray | None
    y: Survival | Interval
    argument: str

    @property
    def n(self) -> int:
        """Patients, or rows where these are not told apart."""
        patient = getattr(self.y, "patient", None)
        return len(self.y) if patient is None else len(np.unique(patient))

    @property
    def n_event(self) -> int:
        """Rows whose event is known to have happened."""
        return int((self.rows.kind != RIGHT).sum())

    @property
    def stratum(self) -> Groups:
        """The strata."""
        return self.y.stratum

    def positions(self) -> pl.DataFrame:
        """The 1-based positions of the rows in the user's data."""
        row = np.arange(len(self.y)) if self.y.row is None else self.y.row
        return pl.DataFrame({"row": row.astype(np.int64) + 1})


def read_sample(
    data: Any, covariates: Covariates | None, roles: dict[str, Any], *, event_value: Any, missing: Missing
) -> tuple[Sample, Design]:
    """The outcome that was named, and the design with an intercept."""
    _check_outcome(roles, event_value)
    frame = as_frame(data)
    wanted: Covariates = [] if covariates is None else covariates
    shared = {
        "strata": roles["strata"],
        "covariates": covariate_columns(wanted, frame) if len(_listed(wanted)) else None,
        "offset": roles["offset"],
        "weights": roles["weights"],
        "cluster": roles["cluster"],
        "missing": missing,
    }
    if roles["time"] is not None:
        outcome = {role: roles[role] for role in ("time", "event", "entry", "id")}
        y = read_survival(frame, **outcome, event_value=event_value, join=False, **shared)
        warn_of_forgotten_entry(frame, y)
        sample = _of_survival(y)
    else:
        sample = _of_interval(read_interval(frame, left=roles["left"], right=roles["right"], **shared))
    check_groups(sample.stratum.levels, "strata")
    return sample, model_design(sample.y, wanted, intercept=True)


def require_positive(sample: Sample) -> None:
    """Refuse times of zero, whose logarithm is not finite."""
    kind, rows = sample.rows.kind, sample.rows
    zero = ((kind == EXACT) | (kind == RIGHT)) & (rows.low == 0)
    if zero.any():
        raise DataError(
            f"has {counted(int(zero.sum()), 'time')} of 0, and the distribution is one of log time",
            argument=sample.argument,
            column=sample.y.names[sample.argument],
            rows=sample.y.positions(zero),
            expected="times above 0",
            remedy="half the smallest unit of measurement for an event on the first day, "
            "or distribution='gompertz'",
        )


def require_events(sample: Sample) -> None:
    """Refuse data, and strata, in which nothing happens."""
    happened = sample.rows.kind != RIGHT
    if not happened.any():
        raise DataError(
            f"has no event in {counted(len(sample.y), 'row')}",
            argument="event" if sample.argument == "time" else "right",
            column=sample.y.names["event" if sample.argument == "time" else "right"],
            expected="at least one event, and better ten for each coefficient",
            remedy="event_value=... if the event has another value"
            if sample.argument == "time"
            else "right=... with the first times at which events were known",
        )
    events = np.bincount(sample.stratum.code[happened], minlength=len(sample.stratum))
    if (events == 0).any():
        empty = sample.stratum.labels()[int(np.argmin(events))]
        raise DataError(
            f"has no event in stratum {empty}, whose scale is unknown",
            argument="strata",
            column=sample.y.names["strata"],
            rows=sample.y.positions(events[sample.stratum.code] == 0),
            expected="events in every stratum",
            remedy="strata=None, or the stratum as a covariate",
        )


def require_clusters(sample: Sample) -> None:
    """Refuse a robust variance of a single cluster."""
    if sample.owner is None or len(np.unique(sample.owner)) > 1:
        return
    argument = "cluster" if sample.y.cluster is not None else "id"
    raise DataError(
        "holds one cluster, and a robust variance is the spread between clusters",
        argument=argument,
        column=sample.y.names[argument],
        expected="several clusters",
        remedy="robust=False",
    )


def _check_outcome(roles: dict[str, Any], event_value: Any) -> None:
    """Either time and event, or left and right."""
    right, censored = ("time", "event"), ("left", "right")
    given = {name for name in (*right, *censored) if roles[name] is not None}
    if given & set(right) and given & set(censored):
        raise DataError(
            f"was given together with {next(name for name in right if name in given)}",
            argument=next(name for name in censored if name in given),
            expected=BOTH_ENDS,
            remedy="time=... and event=... alone, or left=... and right=... alone",
        )
    for pair in (right, censored):
        lacking = [name for name in pair if name not in given]
        if len(lacking) == 1 or (not given and pair == right):
            raise DataError(
                "is not given",
                argument=lacking[0],
                expected=BOTH_ENDS,
                remedy=f'{lacking[0]}="the column"',
            )
    extra = {"entry": roles["entry"], "id": roles["id"], "event_value": event_value}
    for name in (name for name, value in extra.items() if value is not None and given == set(censored)):
        raise DataError(
            "was given together with left and right",
            argument=name,
            expected=f"{name} with time and event alone",
            remedy=f"{name}=None",
        )


def _listed(covariates: Any) -> Any:
    """The covariates, where one expression is a list of it."""
    return [covariates] if isinstance(covariates, pl.Expr) else covariates


def _of_survival(y: Survival) -> Sample:
    n = len(y)
    rows = Observations(
        low=y.time, high=np.ones(n), kind=np.where(y.event, EXACT, RIGHT), entry=y.entry, weight=_weight(y)
    )
    owner = y.patient if y.cluster is None else y.cluster
    return Sample(rows, _offset(y), owner, y, "time")


def _of_interval(y: Interval) -> Sample:
    unbounded, exact, left = np.isinf(y.right), y.left == y.right, y.left == 0
    kind = np.select([unbounded, exact, left], [RIGHT, EXACT, LEFT], default=INTERVAL)
    low = np.where(kind == LEFT, 1.0, y.left)
    high = np.where((kind == LEFT) | (kind == INTERVAL), y.right, 1.0)
    return Sample(Observations(low, high, kind, None, _weight(y)), _offset(y), y.cluster, y, "left")


def _weight(y: Survival | Interval) -> np.ndarray:
    return np.ones(len(y)) if y.weight is None else y.weight


def _offset(y: Survival | Interval) -> np.ndarray:
    return np.zeros(len(y)) if y.offset is None else y.offset
