"""The cumulative incidence of competing events."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from ..numerics.incidence import (
    aalen_variance,
    event_free_before,
    events_at,
    incidence,
    incidence_variance,
)
from ..numerics.intervals import probability_limits
from ..numerics.risk_sets import RiskSets, risk_sets
from ..numerics.robust_incidence import robust_incidence_variance
from ..options import ConfType, Missing, check_choice, check_conf_level
from ..outcomes import require_whole_weights
from ..outcomes_competing import Competing, read_competing
from ..results import Curves, curves_frame
from ..survival.curve import (
    counts_frame,
    group_size,
    observed_from,
    patients_once,
    split_groups,
    warn_if_emptied,
    warn_if_one_cluster,
)

if TYPE_CHECKING:
    from ..columns import Column, Columns

IncidenceVariance = Literal["greenwood", "cuminc", "ij"]
NAMES = {"greenwood": "greenwood", "cuminc": "Aalen (cuminc)", "ij": "robust"}
CLOSED_FORMS: dict[str, Callable[[RiskSets, np.ndarray, np.ndarray], np.ndarray]] = {
    "greenwood": incidence_variance,
    "cuminc": aalen_variance,
}
METHOD = "Aalen-Johansen"
NOT_ROBUST = 'variance="greenwood"'


def cumulative_incidence(
    data: Any,
    *,
    time: Column,
    event: Column,
    cause: Any = None,
    censored: Any = "default",
    entry: Column | None = None,
    id: Column | None = None,
    by: Columns = None,
    weights: Column | None = None,
    cluster: Column | None = None,
    start_time: float | None = None,
    variance: IncidenceVariance | None = None,
    conf_level: float = 0.95,
    conf_type: ConfType = "log-log",
    missing: Missing = "raise",
) -> Curves:
    """Probability that an event of each cause has happened by each time, while the other causes compete.

    F_k(t) = sum over event times s <= t of S(s-) d_k(s)/n(s), with d_k the events of the cause, n at risk
    just before s (entry < s <= time) and S the Kaplan-Meier estimate of being free of every event
    (Aalen-Johansen). The causes and S add up to 1. Someone censored at s is at risk for an event at s;
    causes that are tied happen together. It is what happens to patients, and so depends on all causes:
    fewer competing events alone give a higher incidence.

    Parameters
    ----------
    data
        Any table: polars (eager or lazy), pandas, pyarrow, DuckDB.
    time, event
        Follow-up in any one unit, and how it ended: labels (text, Enum, Categorical, integers) of causes.
    cause
        One label, several, or None for all; the causes that are not asked for compete all the same.
    censored
        The label that means censored: by default 0 for integers, "censored" for text; None if nobody was.
    entry
        Delayed entry: the time from which a patient is observed; rows are (entry, time].
    id
        Patient, when several rows hold one patient's follow-up. Rows that merely split it are joined.
    by
        One or several columns; separate curves for each combination that occurs.
    weights
        Case weights: weight 2 is two patients.
    cluster
        Groups of related rows (centre, pair): their joint influence gives a robust variance.
    start_time
        Estimate from this time on, given event-free then; earlier exits do not count.
    variance
        "greenwood" (multinomial events; that of `etm`, and of R's `survfit` without weights), "cuminc" (Aalen
        1978, as `cmprsk::cuminc`; a little larger), or "ij" (robust: the infinitesimal jackknife over rows,
        patients or clusters, as `survfit`). None: "ij" for non-integer weights, with clusters, under delayed
        entry and with several events of a patient, else "greenwood". The first two take weights as numbers
        of patients.
    conf_level
        Level of the pointwise limits.
    conf_type
        Scale on which the limits of the probability itself are symmetric, as in `survfit`; at 0 they are
        undefined (null) except on the plain scale.
    missing
        "raise" names what is missing; "drop" leaves those rows out and counts them.

    Returns
    -------
    Curves
        With a `cause` column; `n_event` counts that cause's events and `n_censor` censorings alone, so that
        those who left by other causes are in neither. `.at(times)`, `.risk_table(times)`, `.text(24)`,
        `.plot()`; `hem.plots.draw_stacked` stacks the causes.

    Raises
    ------
    DataError
        As `kaplan_meier`; for a Boolean event, which does not tell what competes, a label of censored or a
        cause that never occurs, and `variance="cuminc"` with weights that are not whole numbers.

    Warns
    -----
    DataWarning
        If everybody at risk has an event while others enter later (an early risk set emptied under delayed
        entry), if a group of a clustered analysis has a single cluster, or if a label that says that nothing
        happened (such as "alive") is not the one for censored.

    References
    ----------
    Aalen OO, Johansen S. Scand J Stat 1978;5:141-150. Aalen OO. Ann Stat 1978;6:534-545. Variances compared:
    Allignol A, Schumacher M, Beyersmann J. Biom J 2010;52:126-137.

    Examples
    --------
    >>> import hemresearch as hem
    >>> transplant = hem.data.load("bmtcrr")
    >>> relapse = hem.competing.cumulative_incidence(
    ...     transplant, time="ftime", event="Status", cause=1, by="D"
    ... )
    >>> relapse
    Aalen-Johansen: cumulative incidence (Status by ftime), n=177, events=56
      D=ALL, cause=1: n=73, events=28, at 131.8: 0.3876 (0.2757 to 0.4979)
      D=AML, cause=1: n=104, events=28, at 114.7: 0.281 (0.1958 to 0.3724)
    95% limits: log-log, Greenwood variance
    >>> relapse.text(24, unit="months")
    '24-month cumulative incidence of cause 1: ALL 38.8% (95% CI 27.6–49.8); AML 24.1% (95% CI 16.4–32.7)'
    """
    y = read_competing(
        data, time=time, event=event, censored=censored, entry=entry, id=id, by=by, weights=weights,
        cluster=cluster, missing=missing,
    )  # fmt: skip
    return incidence_curves(
        y, y.numbers(cause), start_time=start_time, variance=variance, conf_level=conf_level,
        conf_type=conf_type,
    )  # fmt: skip


def incidence_curves(
    y: Competing,
    causes: list[int],
    *,
    start_time: float | None,
    variance: IncidenceVariance | None,
    conf_level: float,
    conf_type: ConfType,
) -> Curves:
    """One curve for each group of `y` and each of the numbered causes."""
    check_conf_level(conf_level)
    check_choice(conf_type, ConfType, argument="conf_type")
    how = checked_variance(y, variance)
    y = y if start_time is None else observed_from(y, start_time)
    groups = split_groups(y)
    parts = [part for one in groups for part in _group_curves(one, causes, how, conf_type, conf_level)]
    levels = cause_levels(y, causes)
    frame, starts = curves_frame(levels, parts)
    return Curves(
        frame=frame,
        groups_frame=counts_frame(
            levels,
            n=[group_size(one) for one in groups for _ in causes],
            n_event=[part["n_event"].sum() for part in parts],
            n_censor=[part["n_censor"].sum() for part in parts],
        ),
        starts=starts,
        quantity="cumulative incidence",
        by=y.group.names,
        time=y.names["time"],
        event=y.names["event"],
        conf_level=conf_level,
        conf_type=conf_type,
        variance=NAMES[how],
        method=METHOD,
        n_dropped=y.n_dropped,
        time_unit=y.time_unit,
        start_time=start_time or 0.0,
        entry=y.names.get("entry"),
        patients=_patients(y, groups, causes, parts),
    )


def checked_variance(y: Competing, variance: IncidenceVariance | None) -> str:
    """The variance asked for, if the data have it; by default what `survfit` gives.

    Which is robust, and equal to Greenwood's for patients who are all followed from the start.
    """
    if variance is None:
        late = y.entry is not None and y.entry.any()
        return "ij" if late or y.uses_robust_variance(None) else "greenwood"
    check_choice(variance, IncidenceVariance, argument="variance")
    if variance == "cuminc":
        require_whole_weights(y, 'variance="cuminc"')
    return variance


def cause_levels(y: Competing, causes: list[int]) -> pl.DataFrame:
    """The labels of each curve: those of the group, then the cause."""
    n = len(y.group)
    names = pl.DataFrame({"cause": [y.causes[k - 1] for k in causes] * n})
    if not y.group.names:
        return names
    return pl.concat([y.group.levels[np.repeat(np.arange(n), len(causes))], names], how="horizontal")


def event_sets(y: Competing) -> RiskSets:
    """The risk sets of a group, any cause being the event; with the warning of those that empty early."""
    r = risk_sets(y.time, y.event, y.entry, y.weight)
    warn_if_emptied(y, r, start="start_time={}")
    return r


def cause_events(y: Competing, r: RiskSets, number: int) -> np.ndarray:
    """The events of one cause at each time of a group's risk sets."""
    mine = y.cause == number
    return events_at(r, y.time[mine], None if y.weight is None else y.weight[mine])


def events_of_causes(y: Competing, r: RiskSets, causes: list[int]) -> list[np.ndarray]:
    """The events of several causes; of all causes the last has what the others leave, if they are counts."""
    counts = [cause_events(y, r, number) for number in causes[:-1]]
    if y.weight is None and len(causes) == len(y.causes):
        return [*counts, r.n_event - sum(counts)]
    return [*counts, cause_events(y, r, causes[-1])]


def owners(y: Competing) -> np.ndarray | None:
    """Whose rows belong together in a robust variance: clusters, else patients, else nobody's."""
    return y.patient if y.cluster is None else y.cluster


def _group_curves(
    y: Competing, causes: list[int], variance: str, conf_type: str, conf_level: float
) -> list[dict[str, np.ndarray]]:
    r = event_sets(y)
    if variance == "ij":
        warn_if_one_cluster(y, owners(y), NOT_ROBUST)
    before = event_free_before(r)
    return [
        _one_curve(y, r, before, number, n_cause, variance, conf_type, conf_level)
        for number, n_cause in zip(causes, events_of_causes(y, r, causes), strict=True)
    ]


def _one_curve(
    y: Competing,
    r: RiskSets,
    before: np.ndarray,
    number: int,
    n_cause: np.ndarray,
    variance: str,
    conf_type: str,
    conf_level: float,
) -> dict[str, np.ndarray]:
    if variance == "ij":
        kind = np.where(y.cause == number, 1, 2 * y.event)
        squared = robust_incidence_variance(r, n_cause, before, y.time, kind, y.entry, y.weight, owners(y))
    else:
        squared = CLOSED_FORMS[variance](r, n_cause, before)
    # between events of the cause nothing changes: all is computed where something does, and held
    moving = n_cause > 0
    moving[0] = True
    at, since = np.flatnonzero(moving), np.cumsum(moving) - 1
    moves = RiskSets(r.time[at], r.n_risk[at], r.n_event[at], r.n_censor[at])
    estimate, std_error = incidence(moves, n_cause[at], before[at]), np.sqrt(squared[at])
    low, high = probability_limits(estimate, std_error, conf_type, conf_level)
    held = {"estimate": estimate, "std_error": std_error, "conf_low": low, "conf_high": high}
    return {
        "time": r.time,
        "n_risk": r.n_risk,
        "n_event": n_cause,
        "n_censor": r.n_censor,
        **{name: values[since] for name, values in held.items()},
    }


def _patients(
    y: Competing, groups: list[Competing], causes: list[int], parts: list[dict[str, np.ndarray]]
) -> pl.DataFrame | None:
    """All patients and their events counted once, where several causes or groups share them; else None."""
    once = patients_once(y)
    if len(causes) == 1 and once is None:
        return None
    n_censor = sum(part["n_censor"].sum() for part in parts[:: len(causes)])
    return counts_frame(
        pl.DataFrame(),
        n=[group_size(y)],
        n_event=[sum(part["n_event"].sum() for part in parts)],
        n_censor=[n_censor if once is None else once["n_censor"][0]],
    )
