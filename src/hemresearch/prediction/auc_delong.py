"""The area under the ROC curve of a binary outcome, with DeLong's variance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..errors import DataError
from ..numerics.delong import Placements, placement_error, placements
from ..numerics.intervals import probability_limits
from ..options import Missing, check_conf_level
from ..results import Estimates
from .judged import read_judged, refuse_one_kind
from .performance import difference_row, reference_model

if TYPE_CHECKING:
    from ..columns import Column
    from .predictions import Judged, Predictions

METHOD = "normal, DeLong's variance"


def auc_delong(
    data: Any,
    *,
    event: Column,
    event_value: Any = None,
    scores: Predictions,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Estimates:
    """Probability that who has the event was given a higher score than who has not, for a binary outcome.

    Ties count one half. Everybody's outcome must be known: at a horizon of follow-up it is `auc`.

    Parameters
    ----------
    data
        Any table with one row per patient.
    event, event_value
        The outcome: Boolean or 0/1, or the declared value (values) that means the event.
    scores
        Scores or risks by the name of their model, one column each; a higher one means the event.
    conf_level
        Level of the limits, which are cut at 0 and 1.
    missing
        "raise" names what is missing; "drop" leaves those rows out and counts them.

    Returns
    -------
    Estimates
        For each model: `model`, `estimate`, `std_error`, `conf_low`, `conf_high`.

    Raises
    ------
    DataError
        For scores without a name or infinite ones, and an outcome that fewer than two have, or have not.

    References
    ----------
    DeLong ER, DeLong DM, Clarke-Pearson DL. Biometrics 1988;44:837-845.

    Examples
    --------
    >>> import hemresearch as hem
    >>> mgus = hem.data.load("mgus2").drop_nulls(["mspike", "hgb"])
    >>> hem.prediction.auc_delong(mgus, event="pstat", scores={"spike": "mspike", "age": "age"})
    AUC, n=1,360, events=114
      spike: 0.6672 (0.6152 to 0.7192)
      age: 0.4135 (0.3635 to 0.4635)
    95% limits: normal, DeLong's variance
    """
    check_conf_level(conf_level)
    j, placed = _placed(data, event, event_value, scores, missing)
    areas = np.array([cases.mean() for cases, _ in placed.values()])
    errors = np.array([placement_error(*both) for both in placed.values()])
    low, high = probability_limits(areas, errors, "plain", conf_level)
    frame = pl.DataFrame(
        {"model": list(placed), "estimate": areas, "std_error": errors, "conf_low": low, "conf_high": high}
    )
    return _estimates(j, frame, "AUC", conf_level)


def auc_delong_difference(
    data: Any,
    *,
    event: Column,
    event_value: Any = None,
    scores: Predictions,
    reference: str | None = None,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Estimates:
    """Difference in the area under the ROC curve between scores of the same patients, with DeLong's test.

    Of a model and one that was fitted with more covariates to the same patients the test is not valid: then
    test the covariates in the model.

    Parameters
    ----------
    data, event, event_value, scores, conf_level, missing
        As in `auc_delong`.
    reference
        The model that the others are compared with; default the first.

    Returns
    -------
    Estimates
        For each other model: `model`, `reference`, `estimate` (its area less that of the reference),
        `std_error`, `statistic`, `p_value`, `conf_low`, `conf_high`.

    Raises
    ------
    DataError
        For a single model, a reference that is none of them; and as `auc_delong`.

    References
    ----------
    DeLong ER, DeLong DM, Clarke-Pearson DL. Biometrics 1988;44:837-845. Demler OV, Pencina MJ, D'Agostino RB.
    Stat Med 2012;31:2577-2587 (nested models).

    Examples
    --------
    >>> import hemresearch as hem
    >>> mgus = hem.data.load("mgus2").drop_nulls(["mspike", "hgb"])
    >>> hem.prediction.auc_delong_difference(
    ...     mgus, event="pstat", scores={"spike": "mspike", "age": "age"}
    ... )
    difference in AUC, n=1,360, events=114
      model=age, reference=spike: -0.2537 (-0.325 to -0.1825), statistic -6.982, p 2.906e-12
    95% limits: normal, DeLong's variance
    """
    check_conf_level(conf_level)
    j, placed = _placed(data, event, event_value, scores, missing)
    base = reference_model(reference, list(placed))
    cases, controls = placed[base]
    rows = []
    for model, (of_cases, of_controls) in placed.items():
        if model != base:
            error = placement_error(of_cases - cases, of_controls - controls)
            row = difference_row(float(of_cases.mean() - cases.mean()), error, conf_level)
            rows.append({"model": model, "reference": base} | row)
    return _estimates(j, pl.DataFrame(rows), "difference in AUC", conf_level)


def _placed(
    data: Any, event: Column, event_value: Any, scores: Predictions, missing: Missing
) -> tuple[Judged, dict[str, Placements]]:
    """The placements of each model's scores."""
    j = read_judged(
        data, time=None, event=event, event_value=event_value, cause=None, censored=None, risks=None,
        scores=scores, times=None, missing=missing,
    )  # fmt: skip
    refuse_one_kind(j)
    case = j.cause == 1
    if min(case.sum(), (~case).sum()) < 2:
        raise DataError(
            "has one patient alone with the event, or without it",
            argument="event",
            column=j.y.names["event"],
            expected="two or more of both, between whom there is a variance",
            remedy="more patients",
        )
    return j, {model: placements(values, case) for model, (values,) in j.values.items()}


def _estimates(j: Judged, frame: pl.DataFrame, name: str, conf_level: float) -> Estimates:
    return Estimates(
        frame=frame,
        name=name,
        method=METHOD,
        conf_level=conf_level,
        n=len(j),
        n_event=float((j.cause == 1).sum()),
        n_dropped=j.y.n_dropped,
    )
