"""Whether a model moves patients to better risks than another: NRI and IDI, and what is against them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..errors import warn
from ..numerics.horizon_risk import risk_by
from ..numerics.intervals import normal_quantile
from ..numerics.inverse_censoring import std_error
from ..options import Missing, check_conf_level
from ..results import Estimates
from .auc import case_and_control
from .decision_curve import check_thresholds
from .judged import horizon_of, is_binary, read_judged, refuse_one_kind
from .performance import METHOD, difference_row, reference_model

if TYPE_CHECKING:
    from ..columns import Column
    from .predictions import Judged, Predictions

Mean = tuple[float, np.ndarray]  # of a group, with what its variance is the sum of squares of
DOUBT = 0.95  # level of the limits outside which a mean predicted risk is miscalibrated


def reclassification(
    data: Any,
    *,
    time: Column | None = None,
    event: Column,
    event_value: Any = None,
    cause: Any = None,
    censored: Any = "default",
    risks: Predictions,
    times: Any = None,
    reference: str | None = None,
    thresholds: Any = None,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Estimates:
    """Net reclassification (NRI) and integrated discrimination improvement (IDI) of models over another.

    NRI: of those with the event by t, the share that a model gives a higher risk than the reference does
    (or, with `thresholds`, a higher class of risk) less the share with a lower one; plus the same with the
    signs changed of those without the event. IDI: by how much more the mean risks of those with and without
    the event differ. They are reported because reviewers ask; see the notes, and prefer `auc_difference`,
    `brier_difference` and above all `decision_curve`.

    Parameters
    ----------
    data, event, event_value, missing
        As in `kaplan_meier`.
    time
        Follow-up; left out where the outcome is known for everybody (a binary outcome, without `times`).
    cause, censored, risks, times, conf_level
        As in `auc`: two or more models.
    reference
        The model that the others are compared with; default the first.
    thresholds
        Where classes of risk begin: NRI of classes. None: the continuous NRI, in which any move counts.

    Returns
    -------
    Estimates
        For each other model (and horizon): `model`, `reference`, `time`, `term`, `estimate`, `std_error`,
        `statistic`, `p_value`, `conf_low`, `conf_high`. Terms: NRI of events, of non-events and their sum;
        IDI. Report the two parts, never the sum alone. Those censored by t are weighted away as in `auc`, and
        the limits count the estimation of the weights.

    Raises
    ------
    DataError
        For a single model, a reference that is none of them, thresholds that are not between 0 and 1; and as
        `auc`.

    Warns
    -----
    DataWarning
        If a model is miscalibrated (its mean predicted risk is outside the 95 % limits of the observed one),
        as NRI and IDI then reward what is wrong.

    Notes
    -----
    The NRI can be made positive by a model that is miscalibrated or by noise, also in other patients than
    those of the fit, and its usual tests reject too often (Pepe et al 2015; Kerr et al 2014); a better
    model need not have a larger IDI or NRI (Hilden and Gerds 2014).

    References
    ----------
    Pencina MJ et al. Stat Med 2008;27:157-172. Pencina MJ, D'Agostino RB, Steyerberg EW. Stat Med
    2011;30:11-21 (continuous NRI, censoring). Uno H et al. Stat Med 2013;32:2430-2442 (weights). Hilden J,
    Gerds TA. Stat Med 2014;33:3405-3414. Kerr KF et al. Epidemiology 2014;25:114-121. Pepe MS et al. Stat
    Biosci 2015;7:282-295.

    Examples
    --------
    >>> import warnings
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> mgus = hem.data.load("mgus2").drop_nulls("hgb")
    >>> age = hem.regression.cox(mgus.head(700), "age", time="futime", event="death")
    >>> both = hem.regression.cox(mgus.head(700), "age + hgb", time="futime", event="death")
    >>> others = hem.prediction.predicted_risks(age, mgus.tail(600), times=[120], name="age")
    >>> others = hem.prediction.predicted_risks(both, others, times=[120], name="both")
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     found = hem.prediction.reclassification(
    ...         others, time="futime", event="death",
    ...         risks={"age": "age_120", "age, haemoglobin": "both_120"}, times=120,
    ...     )
    >>> found.to_frame().select("term", pl.col("estimate").round(3)).rows()
    [('NRI, events', 0.114), ('NRI, non-events', 0.034), ('NRI', 0.148), ('IDI', 0.012)]
    """
    check_conf_level(conf_level)
    cuts = None if thresholds is None else check_thresholds(thresholds, of_risks=True)
    j = read_judged(
        data, time=time, event=event, event_value=event_value, cause=cause, censored=censored, risks=risks,
        scores=None, times=times, missing=missing,
    )  # fmt: skip
    refuse_one_kind(j)
    base = reference_model(reference, list(j.values))
    _warn_if_miscalibrated(j)
    rows: list[dict[str, Any]] = [
        {"model": model, "reference": base} | horizon_of(j, place) | {"term": term} | row
        for model in j.values
        if model != base
        for place in range(len(j.times))
        for term, row in _compared(j, place, base, model, cuts, conf_level)
    ]
    kind = "continuous" if cuts is None else f"classes from {', '.join(f'{cut:g}' for cut in cuts)}"
    return Estimates(
        frame=pl.DataFrame(rows),
        name=f"reclassification ({kind})",
        method="normal" if is_binary(j) else METHOD,
        conf_level=conf_level,
        n=len(j),
        n_event=float((j.cause == 1).sum()),
        n_dropped=j.y.n_dropped,
        time_unit=j.y.time_unit,
    )


def _compared(
    j: Judged, place: int, base: str, model: str, cuts: np.ndarray | None, conf_level: float
) -> list[tuple[str, dict[str, Any]]]:
    """The terms of one model at one horizon."""
    t = float(j.times[place])
    old, new = (j.values[name][place] for name in (base, model))
    groups = case_and_control(j, t, "without the event")
    moved = np.sign(_classes(new, cuts) - _classes(old, cuts))
    up, down = (_mean(j, t, weight, sign * moved) for weight, sign in zip(groups, (1, -1), strict=True))
    rise, other = (
        _mean(j, t, weight, sign * (new - old)) for weight, sign in zip(groups, (1, -1), strict=True)
    )
    terms = {
        "NRI, events": [up],
        "NRI, non-events": [down],
        "NRI": [up, down],
        "IDI": [rise, other],
    }
    return [(term, _row(j, means, conf_level)) for term, means in terms.items()]


def _classes(risk: np.ndarray, cuts: np.ndarray | None) -> np.ndarray:
    """The class of each risk, or the risk itself."""
    return risk if cuts is None else np.searchsorted(cuts, risk, side="right").astype(float)


def _mean(j: Judged, t: float, weight: np.ndarray, values: np.ndarray) -> Mean:
    """The weighted mean of some, and n times the influence of each row on it.

    Of a binary outcome the squares of what is returned add up to the usual variance of a mean, s^2 / n.
    """
    mean = float(weight @ values / weight.sum())
    part = weight * (values - mean) / weight.sum()
    if is_binary(j):
        n = int(np.count_nonzero(weight))
        return mean, part * np.sqrt(n / max(n - 1, 1))
    return mean, j.censoring.influence(part, t)


def _row(j: Judged, means: list[Mean], conf_level: float) -> dict[str, float | None]:
    """The sum of means, with its error and test."""
    estimate = sum(mean for mean, _ in means)
    together = np.sum([influence for _, influence in means], axis=0)
    error = float(np.linalg.norm(together)) if is_binary(j) else std_error(together)
    return difference_row(estimate, error, conf_level)


def _warn_if_miscalibrated(j: Judged) -> None:
    """Warn of mean risks that are not what was observed."""
    z = normal_quantile(DOUBT)
    for place, t in enumerate(j.times):
        observed, error = risk_by(j.y.time, j.cause, float(t))
        wrong = [m for m, columns in j.values.items() if abs(columns[place].mean() - observed) > z * error]
        if wrong:
            predicted = j.values[wrong[0]][place].mean()
            warn(
                f"of {wrong[0]!r} are {predicted:.3g} on average, and {observed:.3g} was observed: NRI "
                "and IDI of miscalibrated models mislead",
                argument="risks",
                expected="calibrated models, or a measure that punishes miscalibration",
                remedy="brier_difference(...) or decision_curve(...), or recalibrate first",
            )
            return
