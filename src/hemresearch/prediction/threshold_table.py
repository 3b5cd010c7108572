"""How a prediction does as a test: accuracy at thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..numerics.count_limits import BINOMIAL
from ..numerics.decisions import weighted_share
from ..numerics.intervals import probability_limits
from ..numerics.inverse_censoring import std_error
from ..options import Missing, check_choice, check_conf_level
from ..results import Estimates
from .auc import Controls, case_and_control
from .decision_curve import check_thresholds
from .judged import horizon_of, is_binary, read_judged, refuse_one_kind
from .performance import METHOD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..columns import Column
    from .predictions import Judged, Predictions


def threshold_table(
    data: Any,
    *,
    time: Column | None = None,
    event: Column,
    event_value: Any = None,
    cause: Any = None,
    censored: Any = "default",
    risks: Predictions | None = None,
    scores: Predictions | None = None,
    times: Any = None,
    thresholds: Any,
    controls: Controls = "without the event",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Estimates:
    """Sensitivity, specificity and predictive values of a prediction at or above thresholds.

    Positive is who has a risk or score at or above the threshold. Of those with the event by t the share who
    are positive (sensitivity), of those without it the share who are negative (specificity); of the positive
    the share with the event by t (positive predictive value), of the negative the share without it. Those
    censored by t are weighted away as in `auc`. Predictive values hold where the event is as common as here.
    For a test that is true or false there is `hem.epidemiology.diagnostic_accuracy`.

    Parameters
    ----------
    data, event, event_value, missing
        As in `kaplan_meier`.
    time
        Follow-up; left out where the outcome is known for everybody (a binary outcome, without `times`).
    cause, censored, risks, scores, times, controls, conf_level
        As in `auc`.
    thresholds
        Of the risks, between 0 and 1, or of the scores. One that was chosen in the same data makes all of
        this too good.

    Returns
    -------
    Estimates
        For each model (and horizon) and threshold: `model`, `time`, `threshold`, `term`, `n` (those
        positive), `estimate`, `std_error`, `conf_low`, `conf_high`. Limits are normal and cut at 0 and 1,
        with the estimation of the weights counted; of a binary outcome Wilson's. Null where nobody is
        positive, or negative.

    Raises
    ------
    DataError
        For other thresholds, and as `auc`.

    Warns
    -----
    DataWarning
        As `cumulative_incidence`, where `event` has competing events.

    References
    ----------
    Heagerty PJ, Lumley T, Pepe MS. Biometrics 2000;56:337-344. Uno H et al. J Am Stat Assoc 2007;102:527-537
    (weights). Blanche P, Dartigues JF, Jacqmin-Gadda H. Stat Med 2013;32:5381-5397 (competing events).

    Examples
    --------
    >>> import hemresearch as hem
    >>> mgus = hem.data.load("mgus2")
    >>> hem.prediction.threshold_table(
    ...     mgus, time="futime", event="death", scores={"age": "age"}, times=60, thresholds=75
    ... )
    accuracy at thresholds, n=1,384, events=963
      model=age, time=60, threshold=75, sensitivity: 0.5975 (0.553 to 0.642), n 558
      model=age, time=60, threshold=75, specificity: 0.6979 (0.6676 to 0.7281), n 558
      model=age, time=60, threshold=75, positive predictive value: 0.503 (0.4611 to 0.5448), n 558
      model=age, time=60, threshold=75, negative predictive value: 0.7721 (0.7435 to 0.8008), n 558
    95% limits: normal, influence functions, weights from the Kaplan-Meier curve of censoring
    """
    check_choice(controls, Controls, argument="controls")
    check_conf_level(conf_level)
    levels = check_thresholds(thresholds, of_risks=scores is None)
    j = read_judged(
        data, time=time, event=event, event_value=event_value, cause=cause, censored=censored, risks=risks,
        scores=scores, times=times, missing=missing,
    )  # fmt: skip
    refuse_one_kind(j)
    rows = [
        {"model": model} | horizon_of(j, place) | {"threshold": float(level)} | row
        for model, columns in j.values.items()
        for place in range(len(j.times))
        for level in levels
        for row in _shares(j, place, columns[place] >= level, controls, conf_level)
    ]
    return Estimates(
        frame=pl.DataFrame(rows).with_columns(pl.col(pl.Float64).fill_nan(None)),
        name="accuracy at thresholds",
        method="Wilson" if is_binary(j) else METHOD,
        conf_level=conf_level,
        n=len(j),
        n_event=float((j.cause == 1).sum()),
        n_dropped=j.y.n_dropped,
        time_unit=j.y.time_unit,
    )


def _shares(
    j: Judged, place: int, positive: np.ndarray, controls: str, conf_level: float
) -> Iterator[dict[str, Any]]:
    """The four shares with their limits."""
    t = float(j.times[place])
    case, control = case_and_control(j, t, controls)
    weight, has, free = case + control, case > 0, control > 0
    shares = {
        "sensitivity": (positive, has),
        "specificity": (~positive, free),
        "positive predictive value": (has, positive),
        "negative predictive value": (free, ~positive),
    }
    for term, (of, among) in shares.items():
        share, part = weighted_share(weight, of, among)
        if is_binary(j):
            error = float(np.sqrt(share * (1 - share) / max(among.sum(), 1)))
            low, high = _wilson(int((of & among).sum()), int(among.sum()), conf_level)
        else:
            error = std_error(j.censoring.influence(part, t)) if np.isfinite(share) else np.nan
            ends = probability_limits(np.array(share), np.array(error), "plain", conf_level)
            low, high = float(ends[0]), float(ends[1])
        yield {
            "term": term, "n": int(positive.sum()), "estimate": share, "std_error": error,
            "conf_low": low, "conf_high": high,
        }  # fmt: skip


def _wilson(count: int, n: int, conf_level: float) -> tuple[float, float]:
    """Limits of a share of n, who may be nobody."""
    if n == 0:
        return np.nan, np.nan
    low, high = BINOMIAL["wilson"](np.array([count]), np.array([n]), conf_level)
    return float(low[0]), float(high[0])
