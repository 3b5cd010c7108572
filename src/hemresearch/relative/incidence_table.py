"""Tables of the incidence of events by cause in intervals of follow-up."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import polars as pl

from ..columns import Column, Columns
from ..numerics.interval_incidence import interval_incidence
from ..numerics.interval_sums import add_up, cut_at_borders
from ..numerics.intervals import probability_limits
from ..numerics.ties import TOLERANCE
from ..options import Missing, check_choice, check_conf_level
from ..outcomes_competing import Competing, read_competing
from .interval_counts import (
    check_intervals,
    count_columns,
    refuse_late,
    warn_of_gaps,
    warn_of_little,
    with_groups,
)
from .interval_table import IntervalTable

IncidenceEstimator = Literal["hazard", "lifetable"]
HOW = {"hazard": "deaths over person-time", "lifetable": "deaths over effective numbers"}


class IncidenceTable(IntervalTable):
    """A table of incidences, one row per cause and interval of each group."""

    __slots__ = ()


def incidence_table(
    data: Any,
    *,
    time: Column,
    event: Column,
    cause: Any = None,
    censored: Any = "default",
    entry: Column | None = None,
    by: Columns = None,
    intervals: Any = None,
    estimator: IncidenceEstimator = "hazard",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> IncidenceTable:
    r"""Probability of an event of each of several causes by the end of each interval of follow-up.

    The Aalen-Johansen estimate on intervals, as registries print it (popEpi's `cif.obs`): of the survival
    before an interval, the share 1 - p dies in it, and of these :math:`d_k/d` from cause k, where p is
    :math:`\exp(-\delta d/Y)` ("hazard": width times deaths over person-time) or :math:`1 - d/n'`
    ("lifetable", n' = n - w/2). All causes and survival add up to 1. Where times are exact,
    `cumulative_incidence` needs no intervals.

    Parameters
    ----------
    data, time, event, cause, censored, entry, by, missing
        As of `hem.competing.cumulative_incidence`. For a period, entry and time are those of each one's
        follow-up in it.
    intervals
        The bounds of the intervals in the unit of `time`, from 0 on: `[0, 1, 2, 3, 4, 5]`.
    estimator
        "hazard" or "lifetable".
    conf_level
        Level of the limits, which are symmetric for log(-log) of the incidence.

    Returns
    -------
    IncidenceTable
        The `by` columns and `cause`; one row per interval: `start`, `end`, `n_risk`, `n_enter` (late
        entries), `n_event` (of all causes), `n_censor` (withdrawn before the end of the interval),
        `effective`, `person_time` (in the unit of `time`), `n_cause` (events of the cause), `observed`
        (event-free at the end) and the incidence as `estimate` with its delta-method standard error and
        limits, which are null while it is 0.

    Raises
    ------
    DataError
        For intervals that do not rise from 0, late entries with "lifetable", and as `cumulative_incidence`.

    Warns
    -----
    DataWarning
        Where an interval has nobody's follow-up before others that have some, where the intervals hold less
        than 5% of all follow-up, and as `cumulative_incidence` where the label of censoring does not occur.

    References
    ----------
    Gaynor JJ, Feuer EJ, Tan CC, et al. J Am Stat Assoc 1993;88:400-409. Andersen PK, Borgan O, Gill RD,
    Keiding N. Statistical Models Based on Counting Processes. Springer 1993, section IV.4.

    Examples
    --------
    >>> import hemresearch as hem
    >>> transplant = hem.data.load("bmtcrr")
    >>> table = incidence_table(transplant, time="ftime", event="Status", intervals=[0, 6, 12, 24])
    >>> table.to_frame().select("cause", "end", "n_risk", "n_cause", pl.col("estimate").round(3)).rows()[:3]
    [(1, 6.0, 177, 33, 0.183), (1, 12.0, 97, 15, 0.274), (1, 24.0, 56, 5, 0.305)]
    """
    check_conf_level(conf_level)
    check_choice(estimator, IncidenceEstimator, argument="estimator")
    bounds = check_intervals(intervals)
    refuse_late(estimator, entry is not None)
    y = read_competing(data, time=time, event=event, censored=censored, entry=entry, by=by, missing=missing)
    causes = y.numbers(cause)
    begin = np.zeros(len(y)) if y.entry is None else y.entry
    warn_of_little(begin, y.time, float(bounds[-1]), y.time_unit)
    labels = y.group.labels() or [""]
    parts = [
        _of_causes(y.take(y.group.code == g), causes, bounds, estimator == "hazard", label)
        for g, label in enumerate(labels)
    ]
    frame = pl.concat(parts)
    estimate, error = frame["estimate"].to_numpy(), frame["std_error"].to_numpy()
    low, high = probability_limits(estimate, error, "log-log", conf_level)
    frame = frame.with_columns(conf_low=low, conf_high=high).fill_nan(None)
    return IncidenceTable(
        frame=with_groups(y.group, frame),
        name=f"incidence of {y.names['event']}",
        method=f"{HOW[estimator]}, log-log, delta method",
        conf_level=conf_level,
        n=len(y),
        n_event=float(y.event.sum()),
        n_dropped=y.n_dropped,
        time_unit=y.time_unit,
    )


def _of_causes(y: Competing, causes: list[int], bounds: np.ndarray, hazard: bool, label: str) -> pl.DataFrame:
    """The causes and intervals of one group."""
    begin = np.zeros(len(y)) if y.entry is None else y.entry
    p = cut_at_borders(begin, y.time, y.event, bounds, TOLERANCE * float(bounds[-1]))
    n = len(bounds) - 1
    plain = add_up(p, np.zeros(len(p.row)), n)
    warn_of_gaps(plain.time, bounds, label)
    of = y.cause[p.row]
    events = np.array(
        [np.bincount(p.place[p.died & (of == k + 1)], minlength=n) for k in range(len(y.causes))]
    )
    share = np.eye(len(y.causes))[np.array(causes) - 1]
    exposure = plain.time if hazard else plain.effective
    found = interval_incidence(
        np.diff(bounds), exposure, events, share, np.zeros((len(causes), n)), hazard=hazard
    )
    counts = count_columns(plain, bounds, plain.time)
    table = incidence_columns(counts, events[np.array(causes) - 1], found)
    names = pl.Series("cause", [y.causes[k - 1] for k in causes for _ in range(n)])
    return table.select(names, pl.all())


def incidence_columns(
    counts: dict[str, np.ndarray], n_cause: np.ndarray, found: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> pl.DataFrame:
    """The counts of the intervals, once for each cause, with survival, incidences and their variances."""
    survival, estimate, variance = found
    shared = {name: np.tile(values, len(n_cause)) for name, values in counts.items()}
    return pl.DataFrame(
        {
            **shared,
            "n_cause": n_cause.ravel(),
            "observed": np.tile(survival, len(n_cause)),
            "estimate": estimate.ravel(),
            "std_error": np.sqrt(variance).ravel(),
        }
    )
