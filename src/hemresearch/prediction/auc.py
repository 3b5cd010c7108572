"""Discrimination at a horizon: the time-dependent area under the ROC curve, and its differences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..errors import DataError, listed, warn
from ..numerics.prediction_scores import area_under_roc
from ..options import Missing, check_choice, check_conf_level
from .performance import Comparison, Performance, Scored, differences_of, estimates_of, facts, performance
from .predictions import OTHER, read_predictions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..columns import Column
    from .performance import Measure
    from .predictions import Judged, Predictions

Controls = Literal["without the event", "event-free"]


def auc(
    data: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    cause: Any = None,
    censored: Any = "default",
    risks: Predictions | None = None,
    scores: Predictions | None = None,
    times: Any,
    controls: Controls = "without the event",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Performance:
    """Probability that who has the event by a horizon was given a higher risk than who has not.

    Cases have the event by t, controls have not by then (cumulative/dynamic), and of a case and a control
    the AUC is the probability that the case has the higher prediction, ties counting one half. Those
    censored by t are neither; the others are weighted by 1 / G, the inverse probability of being uncensored
    (just before the event, or at t), so that the estimate is that of all patients if censoring
    depends neither on the event nor on the predictions. G is the Kaplan-Meier curve of censoring of all rows
    together; who has the event at a time is not at risk for a censoring then.

    Parameters
    ----------
    data, time, event, event_value, missing
        As in `kaplan_meier`.
    cause, censored
        With competing events, as in `cumulative_incidence`: the event that was predicted.
    risks
        Predictions by the name of their model: for each horizon a column of probabilities of the event by
        then, as `predicted_risks` adds them, or any others. A column alone is a model of its own name.
    scores
        In the place of risks where only the order matters: a column, or one for each horizon; higher means an
        earlier event.
    times
        The horizons.
    controls
        With competing events, who is a control: "without the event" of interest by t, with those who had a
        competing one, or only the "event-free" at t.
    conf_level
        Level of the limits.

    Returns
    -------
    Performance
        For each model and horizon: `model`, `time`, `n_risk` (followed beyond t), `n_event` (with the event
        by t), `estimate`, `std_error`, `conf_low`, `conf_high` (normal, cut at 0 and 1). The standard error
        is that of the influence function, with the estimation of G counted. `plot()` draws it over time.

    Raises
    ------
    DataError
        For predictions that have no name, risks outside 0 to 1, a horizon nobody is followed beyond or that
        leaves no cases or controls; and as `kaplan_meier`.

    Warns
    -----
    DataWarning
        As `cumulative_incidence`, where `event` has competing events; where one patient alone is known to
        have the event by a horizon, of which no limits can tell the uncertainty.

    References
    ----------
    Blanche P, Dartigues JF, Jacqmin-Gadda H. Stat Med 2013;32:5381-5397. Blanche P et al. Biometrics
    2015;71:102-113.

    Examples
    --------
    >>> import hemresearch as hem
    >>> mgus = hem.data.load("mgus2")
    >>> hem.prediction.auc(
    ...     mgus, time="futime", event="death", scores={"age": "age"}, times=[60, 120]
    ... )
    time-dependent AUC, n=1,384, events=963
      model=age, time=60: 0.6799 (0.6497 to 0.7101)
      model=age, time=120: 0.7637 (0.7365 to 0.7909)
    95% limits: normal, influence functions, weights from the Kaplan-Meier curve of censoring
    """
    check_conf_level(conf_level)
    j = read_predictions(
        data, time=time, event=event, event_value=event_value, cause=cause, censored=censored, risks=risks,
        scores=scores, times=times, missing=missing,
    )  # fmt: skip
    frame = estimates_of(j, _measure(controls), conf_level)
    _warn_of_single_cases(j)
    return performance(j, frame, "time-dependent AUC", conf_level, "AUC", chance=0.5)


def auc_difference(
    data: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    cause: Any = None,
    censored: Any = "default",
    risks: Predictions | None = None,
    scores: Predictions | None = None,
    times: Any,
    controls: Controls = "without the event",
    reference: str | None = None,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Comparison:
    """Difference in time-dependent AUC between models judged in the same patients, with its test.

    Each model's AUC less that of the reference. The patients are the same, so that the variance is that of
    the difference of both models' influence functions. A test is of predictions as they are: for a model and
    another one nested in it, both fitted in these patients, the likelihood-ratio test is the one to take.

    Parameters
    ----------
    data, time, event, event_value, cause, censored, risks, scores, times, controls, missing
        As in `auc`, with two models or more.
    reference
        The model that the others are compared with; the first unless named.
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
        For a single model, a reference that is none; and as `auc`.

    References
    ----------
    Blanche P, Dartigues JF, Jacqmin-Gadda H. Stat Med 2013;32:5381-5397. Demler OV et al. Stat Med
    2012;31:2577-2587 (nested models).

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> mgus = hem.data.load("mgus2").drop_nulls("hgb")
    >>> hem.prediction.auc_difference(
    ...     mgus, time="futime", event="death", times=[60, 120],
    ...     scores={"age": "age", "anaemia": -pl.col("hgb")},
    ... )
    difference in time-dependent AUC, n=1,371, events=957
      model=anaemia, reference=age, time=60: -0.03614 (-0.07799 to 0.005699), statistic -1.693, p 0.09045
      model=anaemia, reference=age, time=120: -0.1339 (-0.1727 to -0.09507), statistic -6.758, p 1.398e-11
    95% limits: normal, influence functions, weights from the Kaplan-Meier curve of censoring
    """
    check_conf_level(conf_level)
    j = read_predictions(
        data, time=time, event=event, event_value=event_value, cause=cause, censored=censored, risks=risks,
        scores=scores, times=times, missing=missing,
    )  # fmt: skip
    frame = differences_of(j, _measure(controls), reference, conf_level)
    return Comparison(frame=frame, **facts(j, "difference in time-dependent AUC", conf_level))


def _warn_of_single_cases(j: Judged) -> None:
    alone = [f"{t:g}" for t, at in zip(j.horizons, j.times, strict=True) if j.n_event(at) == 1]
    if alone:
        warn(
            f"is known to have happened to one patient alone by {listed(alone)}; limits say nothing of it",
            argument="event",
            column=j.y.names["event"],
            expected="some tens of patients with the event by every horizon",
            remedy="times=... later ones",
        )


def _measure(controls: str) -> Measure:
    """The AUC of every model at one horizon."""
    check_choice(controls, Controls, argument="controls")

    def measured(j: Judged, place: int) -> Iterator[Scored]:
        t = j.times[place]
        case, control = case_and_control(j, t, controls)
        for model, columns in j.values.items():
            value, part = area_under_roc(j.rank(columns[place]), case, control)
            yield Scored(model, place, value, j.censoring.influence(part, t))

    return measured


def case_and_control(j: Judged, t: float, controls: str) -> tuple[np.ndarray, np.ndarray]:
    """The weights of cases and of controls at a horizon, of which there must be some."""
    weight, is_case = j.censoring.weights(t), j.is_case(t)
    is_control = (j.y.time > t) | ((j.cause == OTHER) & (controls == "without the event"))
    case, control = np.where(is_case, weight, 0.0), np.where(is_control & ~is_case, weight, 0.0)
    for who, weights in (("nobody has the event by", case), ("nobody is a control at", control)):
        if not weights.any():
            raise DataError(
                f"{who} {t:g}",
                argument="times",
                column=j.y.names["time"],
                expected="horizons with patients who had the event before and patients who had not",
                remedy="times=... between the first event and the last follow-up",
            )
    return case, control
