"""The Kaplan-Meier estimator of survival."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..errors import warn
from ..numerics.product_limit import (
    fleming_harrington_hazard,
    fleming_harrington_influence,
    nelson_aalen_hazard,
    nelson_aalen_influence,
    product_limit,
    product_limit_influence,
)
from ..numerics.risk_sets import RiskSets
from ..options import ConfType, Missing, check_choice
from ..outcomes import Survival, read_survival, require_whole_weights
from ..results import Curves
from .curve import CurveEstimator, estimate_curves

if TYPE_CHECKING:
    from ..columns import Column, Columns

Estimator = Literal["kaplan-meier", "breslow", "fleming-harrington"]


def kaplan_meier(
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
    start_time: float | None = None,
    estimator: Estimator = "kaplan-meier",
    conf_level: float = 0.95,
    conf_type: ConfType = "log-log",
    missing: Missing = "raise",
) -> Curves:
    """Probability of being event-free beyond each time, one curve per group of `by`.

    S(t) = prod over event times s <= t of (1 - d(s)/n(s)), n(s) being at risk just before s: those with
    entry < s <= time. Someone censored at s is at risk for an event at s. Standard errors are
    Greenwood's, or the infinitesimal jackknife's when `robust`.

    Parameters
    ----------
    data
        Any table: polars (eager or lazy), pandas, pyarrow, DuckDB.
    time, event
        Follow-up in any one unit, and whether it ended with the event (Boolean or 0/1).
    event_value
        The value (or values) of `event` that counts as the event, for any other coding; all others are
        censored. Where they compete with the event, `competing.cumulative_incidence` tells its probability.
    entry
        Delayed entry: the time from which a patient is observed; rows are (entry, time].
    id
        Patient, when several rows hold one patient's follow-up. Rows that merely split it are joined.
    by
        One or several columns; a separate curve for each combination that occurs.
    weights
        Case weights: weight 2 is two patients.
    cluster
        Groups of related rows (centre, pair): their joint influence gives a robust variance.
    robust
        Variance: None (robust for non-integer weights, with clusters, and with several events of a
        patient), True or False.
    start_time
        Estimate survival from this time on, given event-free then; earlier exits do not count.
    estimator
        "kaplan-meier", or exp(-H) with the Nelson-Aalen hazard ("breslow") or its version for ties
        ("fleming-harrington", whole-numbered weights only; weight 2 is two tied events in turn, where R's
        `ctype=2` takes the weighted mean).
    conf_level
        Level of the pointwise limits.
    conf_type
        Scale on which the limits are symmetric. At S = 1 both are 1; at S = 0 they are undefined (null).
    missing
        "raise" names what is missing; "drop" leaves those rows out and counts them.

    Returns
    -------
    Curves
        With `.at(times)`, `.quantile(0.5)`, `.risk_table(times)`, `.plot()` and `.text()`.

    Raises
    ------
    DataError
        Missing values, negative or infinite times, entry at or after exit, an undeclared event coding,
        overlapping rows of a patient.

    Warns
    -----
    DataWarning
        If survival falls to 0 while others enter later (an early risk set emptied under delayed entry), if a
        group of a clustered analysis has a single cluster, or if `event` holds two or more values beside
        `event_value`: one of them may be an event that competes, and the curve calls itself naive.

    References
    ----------
    Kaplan EL, Meier P. J Am Stat Assoc 1958;53:457-481. Greenwood M. Rep Public Health Med Subj 1926;33.
    Robust variance: Therneau TM, Grambsch PM. Modeling Survival Data. Springer 2000, section 7.

    Examples
    --------
    >>> import hemresearch as hem
    >>> trial = hem.data.load("myeloid")
    >>> overall = hem.survival.kaplan_meier(trial, time="futime", event="death", by="trt")
    >>> overall
    Kaplan-Meier: survival (death by futime), n=646, events=320
      trt=A: n=317, events=171, median 707 (524 to 1164)
      trt=B: n=329, events=149, median 2283 (1020 to –)
    95% limits: log-log, Greenwood variance
    >>> overall.at([365, 730])["estimate"].round(3).to_list()
    [0.676, 0.496, 0.782, 0.626]
    """
    check_choice(estimator, Estimator, argument="estimator")
    y = read_survival(
        data, time=time, event=event, event_value=event_value, entry=entry, id=id, by=by, weights=weights,
        cluster=cluster, missing=missing,
    )  # fmt: skip
    if estimator == "fleming-harrington":
        require_whole_weights(y, "the Fleming-Harrington estimator")
    return estimate_curves(
        y,
        _naive(y, ESTIMATORS[estimator]) if y.n_other > 1 else ESTIMATORS[estimator],
        robust=robust,
        start_time=start_time,
        conf_level=conf_level,
        conf_type=conf_type,
    )


def _naive(y: Survival, estimator: CurveEstimator) -> CurveEstimator:
    """The same under a name that says what is censored, with a warning."""
    warn(
        f"holds {y.n_other} values beside that of the event, all of them taken as censored: if one is "
        "an event that competes, 1 - survival is more than the probability of the event",
        argument="event",
        column=y.names["event"],
        expected="one value for censored",
        remedy="hem.competing.cumulative_incidence(...), or event_value=[...] with all that end survival",
    )
    return replace(
        estimator, method=f"{estimator.method} (naive: other values of {y.names['event']} censored)"
    )


def _product_limit(r: RiskSets) -> tuple[np.ndarray, np.ndarray]:
    survival, log_variance = product_limit(r)
    with np.errstate(invalid="ignore"):
        return survival, survival * np.sqrt(log_variance)


def _exp_nelson_aalen(r: RiskSets) -> tuple[np.ndarray, np.ndarray]:
    hazard, variance = nelson_aalen_hazard(r)
    return np.exp(-hazard), np.exp(-hazard) * np.sqrt(variance)


def _exp_fleming_harrington(r: RiskSets) -> tuple[np.ndarray, np.ndarray]:
    hazard, variance = fleming_harrington_hazard(r)
    return np.exp(-hazard), np.exp(-hazard) * np.sqrt(variance)


ESTIMATORS: dict[str, CurveEstimator] = {
    "kaplan-meier": CurveEstimator(
        "Kaplan-Meier", "survival", _product_limit, "greenwood", product_limit_influence
    ),
    "breslow": CurveEstimator(
        "Breslow: exp(-Nelson-Aalen)", "survival", _exp_nelson_aalen, "poisson", nelson_aalen_influence
    ),
    "fleming-harrington": CurveEstimator(
        "Fleming-Harrington: exp(-hazard, ties in turn)", "survival", _exp_fleming_harrington, "poisson",
        fleming_harrington_influence,
    ),
}  # fmt: skip
