"""Concordance with competing events, and differences in concordance between models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..errors import DataError
from ..numerics.competing_concordance import competing_concordance
from ..numerics.concordance import concordance_counts
from ..numerics.intervals import probability_limits
from ..numerics.inverse_censoring import std_error
from ..numerics.ties import TOLERANCE
from ..options import Missing, check_choice, check_conf_level, check_number
from ..regression.concordance import NAMES, TimeWeight
from ..results import Estimates
from .performance import METHOD, Comparison, difference_row, facts, reference_model
from .predictions import read_predictions

if TYPE_CHECKING:
    from ..columns import Column
    from .predictions import Judged, Predictions

JACKKNIFE = "normal, infinitesimal jackknife variance of the difference"


def concordance_competing(
    data: Any,
    *,
    time: Column,
    event: Column,
    cause: Any,
    censored: Any = "default",
    scores: Predictions,
    tau: float | None = None,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Estimates:
    """Probability that who has the event of a cause was scored higher than one who has not by then.

    Whoever has the event of the cause at t makes a pair with all without it at t: those who go on, and those
    who had a competing event before, since they will never have it. C is the share of pairs in which the one
    with the event has the higher score, ties counting one half; with tau the events by then. Pairs are
    weighted by the inverse probability that censoring leaves both to be seen, from one Kaplan-Meier curve of
    censoring for all, as in `auc`, so that C does not depend on censoring. `hem.regression.concordance`
    with competing events as censorings answers another question: how well a score orders the hazards.

    Parameters
    ----------
    data, time, event, censored, missing
        As in `cumulative_incidence`.
    cause
        The event that the scores are to predict.
    scores
        Columns by the name of their model; higher means an earlier event.
    tau
        Only events up to `tau` count, which steadies the weights where few are left to be censored.
    conf_level
        Level of the limits.

    Returns
    -------
    Estimates
        For each model: `model`, `estimate`, `std_error`, `conf_low`, `conf_high` (normal, cut at 0 and 1).
        The standard error is that of the influence function, with the estimation of the weights counted.

    Raises
    ------
    DataError
        For scores that have no name or are no finite numbers, or data without a pair; and as
        `cumulative_incidence`.

    Warns
    -----
    DataWarning
        As `cumulative_incidence`.

    References
    ----------
    Wolbers M et al. Epidemiology 2009;20:555-561. Wolbers M et al. Biostatistics 2014;15:526-539 (weights).

    Examples
    --------
    >>> import hemresearch as hem
    >>> transplant = hem.data.load("bmtcrr")
    >>> hem.prediction.concordance_competing(
    ...     transplant, time="ftime", event="Status", cause=1, scores={"age": "Age"}, tau=24
    ... )
    concordance of competing events up to 24, n=177, events=56
      age: 0.409 (0.3274 to 0.4906)
    95% limits: normal, influence functions, weights from the Kaplan-Meier curve of censoring
    """
    check_conf_level(conf_level)
    horizon = _horizon(tau)
    j = read_predictions(
        data, time=time, event=event, event_value=None, cause=cause, censored=censored, risks=None,
        scores=scores, times=0, missing=missing,
    )  # fmt: skip
    found = {model: _competing(j, columns[0], horizon) for model, columns in j.values.items()}
    value = np.array([v for v, _ in found.values()])
    error = np.array([std_error(influence) for _, influence in found.values()])
    low, high = probability_limits(value, error, "plain", conf_level)
    frame = pl.DataFrame(
        {"model": list(found), "estimate": value, "std_error": error, "conf_low": low, "conf_high": high}
    )
    return Estimates(frame=frame, **facts(j, f"concordance of competing events{_upto(tau)}", conf_level))


def concordance_difference(
    data: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    cause: Any = None,
    censored: Any = "default",
    scores: Predictions,
    time_weight: TimeWeight = "n",
    tau: float | None = None,
    reference: str | None = None,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Comparison:
    """Difference in concordance between scores judged in the same patients, with its test.

    Each model's concordance less that of the reference. The patients are the same, so that the variance is
    that of the difference of both influences (the infinitesimal jackknife). Concordance hardly changes with a
    marker that matters; a likelihood-ratio test of nested models sees more.

    Parameters
    ----------
    data, time, event, event_value, missing
        As in `kaplan_meier`.
    cause, censored
        With competing events: the one that the scores are to predict, as in `concordance_competing`.
    scores
        Columns by the name of their model, two or more; higher means an earlier event.
    time_weight
        As in `hem.regression.concordance`: "n" for Harrell's, "n/G2" for Uno's concordance; not with `cause`.
    tau
        Only events up to `tau` count.
    reference
        The model that the others are compared with; the first unless named.
    conf_level
        Level of the limits.

    Returns
    -------
    Comparison
        For each other model: `model`, `reference`, `estimate`, `std_error`, `statistic`, `p_value`,
        `conf_low`, `conf_high`. Null where two models never differ.

    Raises
    ------
    DataError
        For a single model, a reference that is none, data without a pair, a time weight with `cause`; and as
        `kaplan_meier`.

    References
    ----------
    Kang L et al. Stat Med 2015;34:685-703. Therneau TM, Atkinson E. Concordance, vignette of R's survival
    package.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> mgus = hem.data.load("mgus2").drop_nulls("hgb")
    >>> hem.prediction.concordance_difference(
    ...     mgus, time="futime", event="death", scores={"age": "age", "anaemia": -pl.col("hgb")}
    ... )
    difference in Harrell's concordance, n=1,371, events=957
      model=anaemia, reference=age: -0.0518 (-0.07908 to -0.02452), statistic -3.722, p 0.000198
    95% limits: normal, infinitesimal jackknife variance of the difference
    """
    check_conf_level(conf_level)
    check_choice(time_weight, TimeWeight, argument="time_weight")
    _refuse_weighted_causes(cause, time_weight)
    horizon = _horizon(tau)
    j = read_predictions(
        data, time=time, event=event, event_value=event_value, cause=cause, censored=censored, risks=None,
        scores=scores, times=0, missing=missing,
    )  # fmt: skip
    reference = reference_model(reference, list(j.values))
    found = {
        model: _of_one_event(j, values, time_weight, horizon)
        if cause is None
        else _competing(j, values, horizon)
        for model, (values, *_) in j.values.items()
    }
    rows = []
    for model in (name for name in found if name != reference):
        error = std_error(found[model][1] - found[reference][1])
        names = {"model": model, "reference": reference}
        rows.append(names | difference_row(found[model][0] - found[reference][0], error, conf_level))
    name = "concordance of competing events" if cause is not None else NAMES[time_weight]
    method = METHOD if cause is not None else JACKKNIFE
    shared = facts(j, f"difference in {name}{_upto(tau)}", conf_level)
    return Comparison(frame=pl.DataFrame(rows), **shared | {"method": method})


def _competing(j: Judged, values: np.ndarray, horizon: float) -> tuple[float, np.ndarray]:
    """The concordance with competing events, and n times the influence of each row."""
    value, influence = competing_concordance(j.y.time, j.cause, j.rank(values), j.censoring, horizon)
    return _some_pair(value, horizon), influence


def _of_one_event(
    j: Judged, values: np.ndarray, time_weight: str, horizon: float
) -> tuple[float, np.ndarray]:
    """The concordance with one event, and as much of each row's influence as makes the jackknife's error."""
    counts = concordance_counts(j.y.time, j.y.event, values, time_weight=time_weight, tau=horizon)
    jackknife = np.sqrt((len(j) - 1) * len(j)) * counts.influence  # whose squares have no divisor
    return _some_pair(counts.value, horizon), jackknife


def _some_pair(value: float, horizon: float) -> float:
    """The concordance, where there is a pair to have one."""
    if np.isfinite(value):
        return value
    raise DataError(
        "leaves no comparable pair: nobody has the event" + (" by tau" if np.isfinite(horizon) else "")
        + " while another goes on",
        argument="event",
        expected="an event that somebody outlives",
        remedy="a later tau" if np.isfinite(horizon) else "patients with events and longer follow-up",
    )  # fmt: skip


def _horizon(tau: float | None) -> float:
    """The last time that is `tau`, give or take its rounding error."""
    if tau is None:
        return np.inf
    what = "a time above 0 in the unit of the data"
    return check_number(tau, argument="tau", above=0, expected=what, example=365) * (1 + TOLERANCE)


def _upto(tau: float | None) -> str:
    return "" if tau is None else f" up to {tau:g}"


def _refuse_weighted_causes(cause: Any, time_weight: str) -> None:
    if cause is None or time_weight == "n":
        return
    raise DataError(
        f"{time_weight!r} was given with cause=, whose pairs are weighted for censoring already",
        argument="time_weight",
        expected='"n" with competing events',
        remedy='time_weight="n"',
    )
