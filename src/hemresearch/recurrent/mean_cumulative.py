"""The mean number of events by a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from ..curves import curves_frame
from ..numerics.intervals import Transform, transformed_limits
from ..numerics.mean_cumulative import Mean, RecurrentRows, mean_variance
from ..numerics.mean_cumulative import mean_cumulative as estimate_mean
from ..numerics.risk_sets import place
from ..options import Missing, check_choice, check_conf_level
from ..results import Curves
from ..survival.curve import counts_frame, group_size, split_groups, warn_if_one_cluster
from .rows import Recurrent, read_recurrent

if TYPE_CHECKING:
    from ..columns import Column, Columns

MeanLimits = Literal["log", "plain"]
SCALES: dict[str, Transform] = {
    "log": Transform(np.log, lambda x: 1 / x, np.exp),
    "plain": Transform(lambda x: x, np.ones_like, lambda x: np.maximum(x, 0.0)),
}


def mean_cumulative(
    data: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    entry: Column | None = None,
    id: Column,
    terminal: Column | None = None,
    by: Columns = None,
    weights: Column | None = None,
    cluster: Column | None = None,
    conf_level: float = 0.95,
    conf_type: MeanLimits = "log",
    missing: Missing = "raise",
) -> Curves:
    """Mean number of events that a patient has had by each time, one curve per group of `by`.

    Without `terminal` it is the sum over event times u <= t of dN(u)/Y(u), the events among those at risk:
    the mean number if follow-up ends for reasons that have nothing to do with the events. With it, death ends
    the events but not the follow-up: mu(t) sums S(u-) dN(u)/Y(u), S being the Kaplan-Meier survival, and is
    the mean number in all patients, those who died before t included with the events they had (Ghosh and Lin
    2000). Taking the dead as censored instead tells what would happen if nobody died.

    The variance is robust: it sums over patients the square of how much each moves the estimate, whatever the
    dependence between the events of a patient.

    Parameters
    ----------
    data
        Any table with one row per interval (entry, time] of a patient, which may end with an event, and a
        last row without one where follow-up went on. Several events at one time count as one; `event_rate`
        takes counts.
    time, event
        The end of the row, in any one unit, and whether the event happened then (Boolean or 0/1).
    event_value
        The value (or values) of `event` that counts as the event, for any other coding; one type of several.
    entry
        The beginning of the row; a first row that begins after 0 is delayed entry.
    id
        The patient.
    terminal
        Whether the patient died at the end of the row (Boolean or 0/1; true only in a last row). An event may
        end the same row, and counts.
    by
        One or several columns; a separate curve for each combination that occurs.
    weights
        Case weights: weight 2 is two patients.
    cluster
        Groups of related patients, whose joint influence gives the variance.
    conf_level
        Level of the pointwise limits.
    conf_type
        Scale on which the limits are symmetric, "log" or "plain" (cut at 0). While the mean is 0 both are 0.
    missing
        "raise" names what is missing; "drop" leaves those rows out and counts them.

    Returns
    -------
    Curves
        `estimate` is the mean number; with `.at(times)`, `.plot()` and `.text(at=...)`. `n_censor` counts the
        ends of follow-up that were neither an event nor a death.

    Raises
    ------
    DataError
        As `kaplan_meier`; overlapping rows of a patient, rows after a death.

    Warns
    -----
    DataWarning
        Gaps between the rows of a patient; a group of one patient, which has no variance.

    References
    ----------
    Lawless JF, Nadeau C. Technometrics 1995;37:158-168. Ghosh D, Lin DY. Biometrics 2000;56:554-562. The
    variance is the infinitesimal jackknife, as `survfit(id=, robust=TRUE)$std.chaz` has it without deaths.

    Examples
    --------
    >>> import hemresearch as hem
    >>> cgd = hem.data.load("cgd")
    >>> infections = hem.recurrent.mean_cumulative(
    ...     cgd, time="tstop", event="status", entry="tstart", id="id", by="treat"
    ... )
    >>> infections
    Lawless-Nadeau: mean number of events (status by tstop), n=128, events=76
      treat=placebo: n=65, events=56, at 439: 1.513 (1.009 to 2.267)
      treat=rIFN-g: n=63, events=20, at 414: 0.7012 (0.3703 to 1.328)
    95% limits: log, robust variance
    >>> infections.at(360)["estimate"].round(3).to_list()
    [1.263, 0.332]

    From a list of dated events and a table of patients, whose last contact ends the last row:

    >>> from datetime import date
    >>> import polars as pl
    >>> patients = pl.DataFrame({"id": [1, 2], "start": [date(2020, 1, 1)] * 2, "died": [True, False],
    ...                          "last_seen": [date(2020, 5, 1), date(2020, 12, 31)]})
    >>> bleeds = pl.DataFrame({"id": [1, 1], "date": [date(2020, 2, 1), date(2020, 5, 1)]})
    >>> happened = bleeds.join(patients, on="id").with_columns(bled=True, died=False)
    >>> ends = patients.with_columns(date="last_seen", bled=False)
    >>> rows = (
    ...     pl.concat([happened, ends], how="diagonal")
    ...     .with_columns(day=(pl.col("date") - pl.col("start")).dt.total_days())
    ...     .group_by("id", "day").agg(pl.col("bled", "died").any())  # and by the columns to keep
    ...     .sort("id", "day")
    ...     .with_columns(from_day=pl.col("day").shift(1, fill_value=0).over("id"))
    ... )
    >>> rows.rows()
    [(1, 31, True, False, 0), (1, 121, True, True, 31), (2, 365, False, False, 0)]
    >>> mean = hem.recurrent.mean_cumulative(
    ...     rows, time="day", event="bled", entry="from_day", id="id", terminal="died"
    ... )
    >>> mean.at(365)["estimate"].to_list()
    [1.0]
    """
    y = read_recurrent(
        data, time=time, event=event, event_value=event_value, entry=entry, id=id, terminal=terminal, by=by,
        weights=weights, cluster=cluster, missing=missing,
    )  # fmt: skip
    check_conf_level(conf_level)
    check_choice(conf_type, MeanLimits, argument="conf_type")
    groups = split_groups(y)
    parts = [_one_curve(one, conf_type, conf_level) for one in groups]
    frame, starts = curves_frame(y.group.levels, parts)
    sizes = [group_size(one) for one in groups]
    n_event, n_censor = ([float(part[c].sum()) for part in parts] for c in ("n_event", "n_censor"))
    return Curves(
        frame=frame,
        groups_frame=counts_frame(y.group.levels, n=sizes, n_event=n_event, n_censor=n_censor),
        starts=starts,
        quantity="mean number of events",
        by=y.group.names,
        time=y.names["time"],
        event=y.names["event"],
        conf_level=conf_level,
        conf_type=conf_type,
        variance="robust",
        method=method_of(y),
        n_dropped=y.n_dropped,
        time_unit=y.time_unit,
        entry=y.names["entry"] if y.is_late() else None,
        patients=_patients_once(y, sum(sizes), sum(n_event), sum(n_censor)),
    )


def method_of(y: Recurrent) -> str:
    """The estimator by name."""
    return (
        f"Ghosh-Lin, death ({y.names['terminal']}) ending the events"
        if "terminal" in y.names
        else ("Lawless-Nadeau")
    )


def mean_of(y: Recurrent) -> Mean:
    """The mean of the rows of one group."""
    return estimate_mean(RecurrentRows(y.time, y.event, y.terminal, y.entry, y.weight))


def owners(y: Recurrent) -> np.ndarray:
    """The clusters whose joint influence counts: patients, unless others were given."""
    owner = y.patient if y.cluster is None else y.cluster
    assert owner is not None
    return owner


def _one_curve(y: Recurrent, conf_type: str, conf_level: float) -> dict[str, np.ndarray]:
    m, owner = mean_of(y), owners(y)
    warn_if_one_cluster(y, owner, "by=None, or data of more patients")
    std_error = np.sqrt(mean_variance(m, owner))
    low, high = mean_limits(m.mean, std_error, conf_type, conf_level)
    ended = ~(y.event | y.terminal | y.continued)
    at = place(y.time[ended], m.events.time)
    return {
        "time": m.events.time,
        "n_risk": m.events.n_risk,
        "n_event": m.events.n_event,
        "n_censor": np.bincount(at, None if y.weight is None else y.weight[ended], len(m.mean)).astype(float),
        "estimate": m.mean,
        "std_error": std_error,
        "conf_low": low,
        "conf_high": high,
    }


def mean_limits(
    mean: np.ndarray, std_error: np.ndarray, conf_type: str, conf_level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Limits of a mean number; both are 0 while nothing has happened."""
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = transformed_limits(mean, std_error, SCALES[conf_type], conf_level)
    return np.where(mean > 0, low, 0.0), np.where(mean > 0, high, 0.0)


def _patients_once(y: Recurrent, in_groups: float, n_event: float, n_censor: float) -> pl.DataFrame | None:
    """All patients counted once, where some have rows in several groups; else None."""
    n = group_size(y)
    if n == in_groups:
        return None
    return pl.DataFrame({"n": [int(n)], "n_event": [n_event], "n_censor": [n_censor]})
