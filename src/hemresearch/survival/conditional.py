"""Survival of those who have survived until now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..errors import DataError
from ..numerics.ties import TOLERANCE
from ..options import ConfType, Missing, check_choice, check_conf_level, check_times
from ..outcomes import Survival, read_survival
from ..results import Estimates
from .curve import estimate_curves, group_size
from .kaplan_meier import ESTIMATORS
from .rmst import variance_name, whole, whole_or_float

if TYPE_CHECKING:
    from ..columns import Column, Columns


def conditional_survival(
    data: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    entry: Column | None = None,
    id: Column | None = None,
    by: Columns = None,
    weights: Column | None = None,
    cluster: Column | None = None,
    robust: bool | None = None,
    given: Any,
    ahead: Any = None,
    times: Any = None,
    conf_level: float = 0.95,
    conf_type: ConfType = "log-log",
    missing: Missing = "raise",
) -> Estimates:
    """Probability of staying event-free until a later time, for those event-free and followed at `given`.

    P(T > t | T > g) = S(t)/S(g), the product over event times s in (g, t] of 1 - d(s)/n(s); the variance of
    its logarithm sums d/(n(n - d)) over the same times. An event at g itself has already
    happened; `kaplan_meier(..., start_time=g)` differs in that one point, it keeps the events at g
    (as R's `start.time` does) and so estimates P(T > t | T >= g).

    Parameters
    ----------
    data, time, event, event_value, entry, id, by, weights, cluster, robust, missing
        As in `kaplan_meier`.
    given
        The time, or times, survived so far.
    ahead
        How much further, counted from each of `given`: 60 with given=[0, 12, 24] ends at 60, 72 and 84.
    times
        Instead of `ahead`, where to end, counted from time zero; pairs with an end after `given` are shown.
    conf_level
        Level of the limits.
    conf_type
        Scale on which the limits are symmetric.

    Returns
    -------
    Estimates
        The `by` columns, `given`, `time` (the end), `n_risk` (event-free and under observation just after
        `given`), `n_event` (between the two), `estimate`, `std_error`, `conf_low`, `conf_high`. Where the end
        lies beyond the last follow-up of a group the estimate is null.

    Raises
    ------
    DataError
        As `kaplan_meier`; for both or neither of `ahead` and `times`, for no end after `given`, and where
        nobody of a group is followed beyond `given`.

    Warns
    -----
    DataWarning
        As `kaplan_meier`, if a risk set is emptied under delayed entry.

    References
    ----------
    Zabor EC et al. Clin Cancer Res 2013;19:4937-4941. Davis FG et al. J Neurosurg 1996;85:1018-1024.

    Examples
    --------
    >>> import hemresearch as hem
    >>> cohort = hem.data.load("mgus2")
    >>> hem.survival.conditional_survival(
    ...     cohort, time="futime", event="death", given=[0, 60, 120], ahead=60
    ... )
    conditional survival (death by futime), n=1,384, events=963
      given=0, time=60: 0.6615 (0.6359 to 0.6858)
      given=60, time=120: 0.6283 (0.5934 to 0.6612)
      given=120, time=180: 0.623 (0.5711 to 0.6706)
    95% limits: log-log, Greenwood variance
    """
    check_conf_level(conf_level)
    check_choice(conf_type, ConfType, argument="conf_type")
    starts = check_times(given, argument="given")
    pairs = _pairs(starts, ahead, times)
    y = read_survival(
        data, time=time, event=event, event_value=event_value, entry=entry, id=id, by=by, weights=weights,
        cluster=cluster, missing=missing,
    )  # fmt: skip
    robust = bool(y.uses_robust_variance(robust))
    tables = [_beyond(y, start, ends, robust, conf_level, conf_type) for start, ends in pairs]
    return Estimates(
        frame=_by_group(pl.concat(tables), len(y.group)),
        name=f"conditional survival ({y.names['event']} by {y.names['time']})",
        method=f"{conf_type}, {variance_name(robust)} variance",
        conf_level=conf_level,
        n=whole_or_float(group_size(y)),
        n_event=float(y.event.sum() if y.weight is None else y.weight[y.event].sum()),
        n_dropped=y.n_dropped,
        time_unit=y.time_unit,
    )


def _pairs(given: np.ndarray, ahead: Any, times: Any) -> list[tuple[float, np.ndarray]]:
    """Each start with the ends that belong to it."""
    if (ahead is None) == (times is None):
        raise DataError(
            f"{'neither of ahead and times was' if times is None else 'both ahead and times were'} given",
            argument="ahead",
            expected="how far ahead of `given`, or the times at which to end",
            remedy="ahead=60 or times=[60, 120]",
        )
    ends = check_times(ahead if times is None else times, argument="ahead" if times is None else "times")
    pairs = [(float(g), g + ends if times is None else ends[ends > g]) for g in given]
    if any(not (after > g).all() or not len(after) for g, after in pairs):
        raise DataError(
            "has no time after the last of `given`" if times is not None else "holds 0",
            argument="ahead" if times is None else "times",
            expected="times later than those survived so far",
            remedy="ahead=60" if times is None else f"times={float(given.max()) + 60:g}",
        )
    return pairs


def _beyond(
    y: Survival, start: float, ends: np.ndarray, robust: bool, conf_level: float, conf_type: str
) -> pl.DataFrame:
    """Survival at each end of those event-free after `start`: one row per end and group."""
    later = y.time > start * (1 + TOLERANCE)
    _refuse_nobody(y, later, start)
    rest = y.take(later)
    curves = estimate_curves(
        rest, ESTIMATORS["kaplan-meier"], robust=robust, start_time=None, conf_level=conf_level,
        conf_type=conf_type,
    )  # fmt: skip
    present = np.ones(len(rest)) if rest.weight is None else rest.weight
    if rest.entry is not None:
        present = present * (rest.entry <= start * (1 + TOLERANCE))
    at_risk = np.bincount(rest.group.code, present, len(y.group))
    estimates = ["estimate", "std_error", "conf_low", "conf_high"]
    return pl.concat(
        [
            curves.at(end).select(
                *y.group.names,
                pl.lit(start).alias("given"),
                pl.lit(end).alias("time"),
                pl.Series("n_risk", at_risk),
                "n_event",
                *estimates,
            )
            for end in ends
        ]
    )


def _by_group(frame: pl.DataFrame, n_groups: int) -> pl.DataFrame:
    """Rows that run through the groups for each pair of times, put group by group; counts made whole."""
    ordered = frame[np.arange(frame.height).reshape(-1, n_groups).T.ravel()]
    return ordered.with_columns(whole(ordered[name].to_list()).alias(name) for name in ("n_risk", "n_event"))


def _refuse_nobody(y: Survival, later: np.ndarray, start: float) -> None:
    left = np.bincount(y.group.code[later], minlength=len(y.group))
    if left.all():
        return
    last = [float(y.time[y.group.code == g].max()) for g in range(len(y.group))]
    first = int(np.argmin(last))
    group = f" of group {y.group.labels()[first]!r}" if y.group.names else ""
    raise DataError(
        f"nobody{group} is followed beyond {start:g} (the last follow-up is at {last[first]:g})",
        argument="given",
        expected=f"times before {last[first]:g}, when somebody of every group is still followed",
        remedy=f"given={round(last[first] / 2, 3):g}",
    )
