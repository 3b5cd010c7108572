"""Accuracy of predicted risks: the Brier score at horizons, against the null model and between models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from ..errors import DataError
from ..numerics.intervals import normal_quantile
from ..numerics.inverse_censoring import std_error
from ..numerics.prediction_scores import brier
from ..options import Missing, check_choice, check_conf_level
from ..results import Estimates
from .performance import Comparison, Performance, Scored, differences_of, estimates_of, facts, performance
from .predictions import NULL_MODEL, read_predictions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..columns import Column
    from .predictions import Judged, Predictions

Rule = Literal["trapezoid", "step"]


def brier_score(
    data: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    cause: Any = None,
    censored: Any = "default",
    risks: Predictions,
    times: Any,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Performance:
    """Mean squared distance of predicted risks from what happened by a horizon; the smaller the better.

    The mean of (D - risk)^2, D being 1 for those with the event by t and 0 for all others. Those
    censored by t are weighted away as in `auc`. A first row is the null model's, which predicts for all the
    Kaplan-Meier (Aalen-Johansen) estimate at t of these data; `ipa`, the index of prediction accuracy, is
    1 - Brier / Brier of the null model: 1 for a perfect prediction, 0 for the null model's, below 0 for harm.

    Parameters
    ----------
    data, time, event, event_value, missing
        As in `kaplan_meier`.
    cause, censored, risks, times, conf_level
        As in `auc`.

    Returns
    -------
    Performance
        For each model and horizon: `model`, `time`, `n_risk` (followed beyond t), `n_event` (with the event
        by t), `estimate`, `std_error`, `conf_low`, `conf_high` (normal, cut at 0 and 1), `ipa`. The
        standard error is that of the influence function, with the estimation of G counted, and the risk of
        the null model taken as given.

    Raises
    ------
    DataError
        For predictions that have no name, risks outside 0 to 1, a horizon that nobody is followed beyond; and
        as `kaplan_meier`.

    Warns
    -----
    DataWarning
        As `cumulative_incidence`, where `event` has competing events.

    References
    ----------
    Graf E et al. Stat Med 1999;18:2529-2545. Gerds TA, Schumacher M. Biom J 2006;48:1029-1040. Kattan MW,
    Gerds TA. Diagn Progn Res 2018;2:7 (IPA).

    Examples
    --------
    >>> import hemresearch as hem
    >>> mgus = hem.data.load("mgus2").drop_nulls("hgb")
    >>> fit = hem.regression.cox(mgus.head(700), "age + hgb", time="futime", event="death")
    >>> others = hem.prediction.predicted_risks(fit, mgus.tail(600), times=[60, 120], name="cox")
    >>> hem.prediction.brier_score(
    ...     others, time="futime", event="death", risks={"Cox": ["cox_60", "cox_120"]}, times=[60, 120]
    ... )
    Brier score, n=600, events=392
      model=null model, time=60: 0.2312 (0.2206 to 0.2418), IPA 0
      model=null model, time=120: 0.2435 (0.2366 to 0.2503), IPA 0
      model=Cox, time=60: 0.2192 (0.1999 to 0.2384), IPA 0.05203
      model=Cox, time=120: 0.1905 (0.1745 to 0.2065), IPA 0.2176
    95% limits: normal, influence functions, weights from the Kaplan-Meier curve of censoring
    """
    check_conf_level(conf_level)
    j = read_predictions(
        data, time=time, event=event, event_value=event_value, cause=cause, censored=censored, risks=risks,
        scores=None, times=times, missing=missing,
    )  # fmt: skip
    frame = _with_index(estimates_of(j, _measured, conf_level), ["time"])
    return performance(j, frame, "Brier score", conf_level, "Brier score")


def brier_difference(
    data: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    cause: Any = None,
    censored: Any = "default",
    risks: Predictions,
    times: Any,
    reference: str | None = None,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Comparison:
    """Difference in Brier score between models judged in the same patients, with its test.

    Each model's Brier score less that of the reference; below 0 it predicts better. Variance as in
    `auc_difference`.

    Parameters
    ----------
    data, time, event, event_value, cause, censored, risks, times, missing
        As in `brier_score`.
    reference
        The model that the others are compared with; the null model unless named.
    conf_level
        Level of the limits.

    Returns
    -------
    Comparison
        For each other model and horizon: `model`, `reference`, `time`, `estimate`, `std_error`, `statistic`,
        `p_value`, `conf_low`, `conf_high`. Null where two models never differ.

    Raises
    ------
    DataError
        For a reference that is no model; and as `brier_score`.

    References
    ----------
    As `brier_score`.

    Examples
    --------
    >>> import hemresearch as hem
    >>> mgus = hem.data.load("mgus2").drop_nulls("hgb")
    >>> fit = hem.regression.cox(mgus.head(700), "age + hgb", time="futime", event="death")
    >>> others = hem.prediction.predicted_risks(fit, mgus.tail(600), times=[60, 120], name="cox")
    >>> hem.prediction.brier_difference(
    ...     others, time="futime", event="death", risks={"Cox": ["cox_60", "cox_120"]}, times=[60, 120]
    ... )
    difference in Brier score, n=600, events=392
      model=Cox, reference=null model, time=60: -0.01203 (-0.02467 to 0.0006062), statistic -1.866, p 0.06205
      model=Cox, reference=null model, time=120: -0.05298 (-0.0713 to -0.03466), statistic -5.669, p 1.440e-08
    95% limits: normal, influence functions, weights from the Kaplan-Meier curve of censoring
    """
    check_conf_level(conf_level)
    j = read_predictions(
        data, time=time, event=event, event_value=event_value, cause=cause, censored=censored, risks=risks,
        scores=None, times=times, missing=missing,
    )  # fmt: skip
    frame = differences_of(j, _measured, reference, conf_level)
    return Comparison(frame=frame, **facts(j, "difference in Brier score", conf_level))


def integrated_brier(
    data: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    cause: Any = None,
    censored: Any = "default",
    risks: Predictions,
    times: Any,
    rule: Rule = "trapezoid",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Estimates:
    """Mean of the Brier score from time 0 to the last of the horizons.

    The integral of the Brier score over [0, tau], divided by tau, from its values at `times`, of which tau is
    the last; at time 0, where nothing has happened, it is 0.

    Parameters
    ----------
    data, time, event, event_value, cause, censored, risks, missing
        As in `brier_score`.
    times
        Two or more increasing horizons; the closer, the nearer the integral.
    rule
        "trapezoid" joins the values by straight lines. "step" holds each until the next, as
        `riskRegression` does at all observed times; it is too small where horizons are far apart.
    conf_level
        Level of the limits.

    Returns
    -------
    Estimates
        For the null model and each other: `model`, `estimate`, `std_error`, `conf_low`, `conf_high`
        (normal, cut at 0), `ipa` (of the integrals, as in `brier_score`).

    Raises
    ------
    DataError
        For a single horizon, or horizons not in their order; and as `brier_score`.

    References
    ----------
    Graf E et al. Stat Med 1999;18:2529-2545.

    Examples
    --------
    >>> import hemresearch as hem
    >>> mgus = hem.data.load("mgus2").drop_nulls("hgb")
    >>> fit = hem.regression.cox(mgus.head(700), "age + hgb", time="futime", event="death")
    >>> others = hem.prediction.predicted_risks(fit, mgus.tail(600), times=[60, 120], name="cox")
    >>> hem.prediction.integrated_brier(
    ...     others, time="futime", event="death", risks={"Cox": ["cox_60", "cox_120"]}, times=[60, 120]
    ... )
    mean Brier score up to 120, n=600, events=392
      null model: 0.1765 (0.172 to 0.181), IPA 0
      Cox: 0.1572 (0.1455 to 0.1689), IPA 0.1091
    95% limits: normal, influence functions, weights from the Kaplan-Meier curve of censoring
    """
    check_conf_level(conf_level)
    check_choice(rule, Rule, argument="rule")
    j = read_predictions(
        data, time=time, event=event, event_value=event_value, cause=cause, censored=censored, risks=risks,
        scores=None, times=times, missing=missing,
    )  # fmt: skip
    _refuse_unordered(j.horizons)
    value, influence = _integrals(j, _shares(j.times, rule))
    error = np.array([std_error(influence[model]) for model in value])
    estimate, half = np.array(list(value.values())), normal_quantile(conf_level) * error
    frame = pl.DataFrame(
        {
            "model": list(value), "estimate": estimate, "std_error": error,
            "conf_low": np.maximum(estimate - half, 0.0), "conf_high": estimate + half,
        }
    )  # fmt: skip
    name = f"mean Brier score up to {j.horizons[-1]:g}"
    return Estimates(frame=_with_index(frame, []), **facts(j, name, conf_level))


def _measured(j: Judged, place: int) -> Iterator[Scored]:
    """The Brier score of the null model and of every other at one horizon."""
    t = j.times[place]
    weight, happened = j.censoring.weights(t), j.is_case(t)
    same_for_all = np.full(len(j), weight @ happened / len(j))  # the Aalen-Johansen estimate
    models = {NULL_MODEL: same_for_all} | {name: columns[place] for name, columns in j.values.items()}
    for model, risk in models.items():
        value, part = brier(risk, happened, weight)
        yield Scored(model, place, value, j.censoring.influence(part, t))


def _with_index(frame: pl.DataFrame, over: list[str]) -> pl.DataFrame:
    """With 1 - Brier / Brier of the null model, null where that has predicted all."""
    null = pl.col("estimate").filter(pl.col("model") == NULL_MODEL).first()
    null = null.over(over) if over else null
    return frame.with_columns(ipa=pl.when(null > 0).then((null - pl.col("estimate")) / null))


def _shares(times: np.ndarray, rule: str) -> np.ndarray:
    """What the value at each time counts in the mean over [0, last], the value at 0 being 0."""
    step = np.diff(times, prepend=0.0)
    following = np.append(step[1:], 0.0)
    return (following if rule == "step" else (step + following) / 2) / times[-1]


def _integrals(j: Judged, shares: np.ndarray) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """The weighted sum of each model's scores, and of their influences."""
    value: dict[str, float] = {}
    influence: dict[str, np.ndarray] = {}
    for place, share in enumerate(shares):
        for s in _measured(j, place):
            value[s.model] = value.get(s.model, 0.0) + share * s.value
            influence[s.model] = influence.get(s.model, 0.0) + share * s.influence
    return value, influence


def _refuse_unordered(times: np.ndarray) -> None:
    if len(times) > 1 and (np.diff(times) > 0).all():
        return
    raise DataError(
        "a single horizon was given" if len(times) == 1 else "horizons were given that do not increase",
        argument="times",
        expected="two or more increasing horizons, with the columns of risks in the same order",
        remedy="brier_score(...) at one horizon" if len(times) == 1 else "times=[12, 24, 36]",
    )
