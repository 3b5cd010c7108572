"""Concordance: how well a score puts patients in the order of their events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from ..errors import DataError, warn
from ..numerics.concordance import ConcordanceCounts, concordance_counts
from ..numerics.intervals import probability_limits
from ..numerics.restricted_mean import clustered_variance
from ..numerics.ties import TOLERANCE
from ..options import Missing, check_choice, check_conf_level, check_number
from ..outcomes import Survival, read_survival
from ..results import Estimates

if TYPE_CHECKING:
    from ..columns import Column, Columns

TimeWeight = Literal["n", "n/G2", "S", "S/G", "I"]
NAMES: dict[str, str] = {
    "n": "Harrell's concordance",
    "n/G2": "Uno's concordance",
    "S": "concordance weighted by survival",
    "S/G": "Schemper's concordance",
    "I": "concordance with events weighted equally",
}
COUNTS = ("concordant", "discordant", "tied_x", "tied_y", "tied_xy")
NO_ERROR = 1e-12  # a standard error below this is rounding error


def concordance(
    data: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    score: Column,
    entry: Column | None = None,
    strata: Columns = None,
    weights: Column | None = None,
    cluster: Column | None = None,
    time_weight: TimeWeight = "n",
    tau: float | None = None,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Estimates:
    """Probability that of two patients the one with the higher score has the event first.

    Over the pairs in which one has the event at t while the other is at risk and goes on, C is the share
    in which the higher `score` belongs to the one with the event; equal scores count one half. A
    higher score thus means a shorter survival, as a linear predictor or a risk does (R's `concordance` with
    `reverse=TRUE`); for a score that rises with survival give `-pl.col(...)`. Who is censored at t goes on at
    t; two events at the same time are no pair. C is 0.5 for a score that says nothing.

    Parameters
    ----------
    data, time, event, event_value, missing
        As in `kaplan_meier`.
    score
        One numeric column or expression; only its order matters.
    entry
        Delayed entry: a pair counts only if the other had entered before t. With `time_weight="n"` only.
    strata
        Pairs are formed within strata, and added up.
    weights
        Case weights: a pair counts as often as the product of its two weights says.
    cluster
        Patients of one cluster are not independent: their influences are summed.
    time_weight
        How the pairs of an event at t are weighted. With n patients at risk at t, S the Kaplan-Meier curve of
        the event and G that of the censoring, an event's weight is: "n" the number at risk, as each pair
        counts once (Harrell); "n/G2" n/G^2 (Uno); "S" S; "S/G" S/G (Schemper); "I" 1. S and G are taken just
        before t in each stratum; who has the event at t is not at risk for a censoring at t, so that
        n is proportional to S G, and "n/G2" and "S/G" give one result.
    tau
        Only events up to `tau` count, which steadies "n/G2" where few are left to be censored.
    conf_level
        Level of the limits.

    Returns
    -------
    Estimates
        One row: `term`, `estimate`, `std_error`, `conf_low`, `conf_high` (normal limits, cut at 0 and 1), and
        the weighted numbers of pairs: `concordant`, `discordant`, `tied_x` (equal scores), and those that do
        not count, `tied_y` (events at the same time) and `tied_xy` (with equal scores too). The standard
        error is the infinitesimal jackknife's, with S and G taken as known.

    Raises
    ------
    DataError
        As `kaplan_meier`; for a score that is not one finite number per row, delayed entry with another time
        weight than "n", a tau that is not above 0, or data without a comparable pair.

    Warns
    -----
    DataWarning
        If the standard error is 0, as when all pairs are concordant or there is one cluster.

    References
    ----------
    Harrell FE et al. Stat Med 1996;15:361-387. Uno H et al. Stat Med 2011;30:1105-1117. Schemper M et al.
    Stat Med 2009;28:2473-2489. Therneau TM, Atkinson E. Concordance, vignette of R's survival package.

    Examples
    --------
    >>> import hemresearch as hem
    >>> mgus = hem.data.load("mgus2")
    >>> hem.regression.concordance(mgus, time="futime", event="death", score="age")
    Harrell's concordance, n=1,384, events=963
      concordance: 0.6596 (0.6402 to 0.679)
    95% limits: normal, infinitesimal jackknife variance
    """
    check_conf_level(conf_level)
    y = read_survival(
        data, time=time, event=event, event_value=event_value, entry=entry, strata=strata, score=score,
        weights=weights, cluster=cluster, missing=missing,
    )  # fmt: skip
    assert y.score is not None
    return concordance_of_score(y, y.score, time_weight, tau, conf_level)


def concordance_of_score(
    y: Survival, score: np.ndarray, time_weight: str, tau: float | None, conf_level: float
) -> Estimates:
    """The concordance of one number per observation, as a model's linear predictor, with the outcome.

    Observations of one patient count as one cluster where none are given.
    """
    check_choice(time_weight, TimeWeight, argument="time_weight")
    _refuse_weighted_entry(y, time_weight)
    horizon = np.inf if tau is None else _horizon(tau)
    counts = _counts(y, score, time_weight, horizon)
    weight = np.ones(len(y)) if y.weight is None else y.weight
    one_each = slice(None) if y.patient is None else np.unique(y.patient, return_index=True)[1]
    upto = "" if tau is None else f" up to {tau:g}"
    return Estimates(
        frame=_frame(counts, _std_error(y, counts), conf_level),
        name=NAMES[time_weight] + upto + _within(y),
        method="normal, infinitesimal jackknife variance" + ("" if y.cluster is None else " over clusters"),
        conf_level=conf_level,
        n=float(weight[one_each].sum()),
        n_event=float(weight[y.event & (y.time <= horizon)].sum()),
        n_dropped=y.n_dropped,
        time_unit=y.time_unit,
    )


def _horizon(tau: float) -> float:
    """The last time that is `tau`, give or take its rounding error."""
    what = "a time above 0 in the unit of the data"
    return check_number(tau, argument="tau", above=0, expected=what, example=365) * (1 + TOLERANCE)


def _within(y: Survival) -> str:
    return f" within {', '.join(y.stratum.names)}" if y.stratum.names else ""


def _counts(y: Survival, score: np.ndarray, time_weight: str, horizon: float) -> ConcordanceCounts:
    """The pairs, of which there must be one."""
    stratum = y.stratum.code if len(y.stratum) > 1 else None
    counts = concordance_counts(
        y.time, y.event, score, entry=y.entry, stratum=stratum, weight=y.weight, time_weight=time_weight,
        tau=horizon,
    )  # fmt: skip
    if np.isfinite(counts.value):
        return counts
    upto = "" if np.isinf(horizon) else " up to tau"
    raise DataError(
        f"leaves no comparable pair: nobody{_within(y)} has the event{upto} while another at risk goes on",
        argument="event",
        column=y.names["event"],
        expected="an event that somebody at risk outlives",
        remedy="hem.survival.kaplan_meier(...).to_frame() to see who is at risk at the events",
    )


def _std_error(y: Survival, counts: ConcordanceCounts) -> float:
    """The root of the squared influences, and a warning where it is 0."""
    owner = y.patient if y.cluster is None else y.cluster
    error = float(np.sqrt(clustered_variance(counts.influence, owner)))
    if error > NO_ERROR:
        return error
    single = y.cluster is not None and (y.cluster == y.cluster[0]).all()
    role = "cluster" if single else "score"
    warn(
        "leaves a standard error of 0: the limits say nothing about the uncertainty",
        argument=role,
        column=y.names.get(role),
        expected="several clusters" if single else "a score that orders some pairs rightly and others not",
        remedy="cluster=None" if single else "more patients, or a resampling of the score's own making",
    )
    return 0.0


def _frame(counts: ConcordanceCounts, error: float, conf_level: float) -> pl.DataFrame:
    """The one row of the result."""
    low, high = probability_limits(np.array([counts.value]), np.array([error]), "plain", conf_level)
    row = {"term": "concordance", "estimate": counts.value, "std_error": error}
    limits = {"conf_low": float(low[0]), "conf_high": float(high[0])}
    return pl.DataFrame([row | limits | {name: getattr(counts, name) for name in COUNTS}])


def _refuse_weighted_entry(y: Survival, time_weight: str) -> None:
    if y.entry is None or time_weight == "n":
        return
    raise DataError(
        f"was given together with time_weight={time_weight!r}, which is defined by the curves of patients "
        "followed from time 0",
        argument="entry",
        column=y.names["entry"],
        expected='no delayed entry, or time_weight="n"',
        remedy='time_weight="n"',
    )
