"""Ratios of event rates from counts and person-time: negative binomial and Poisson regression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..columns import as_frame
from ..design import covariate_columns
from ..epidemiology.count_solution import (
    CountSolution,
    robust_covariance,
    solve_counts,
    warn_of_no_dispersion,
)
from ..errors import DataError, counted
from ..model_design import model_design, refuse_collinear, warn_if_crowded
from ..numerics.counts import deviance, fit_negative_binomial, fit_poisson
from ..options import Missing, check_choice, check_conf_level
from .rate_fit import RateFit
from .rate_rows import Exposure, read_exposure

if TYPE_CHECKING:
    from ..columns import Column
    from ..design import Covariates

CountModel = Literal["negative-binomial", "poisson"]
KERNELS = {"negative-binomial": fit_negative_binomial, "poisson": fit_poisson}
NAMES = {"negative-binomial": "negative binomial regression", "poisson": "Poisson regression"}
NO_MAXIMUM = (
    "fewer terms, or event_rate(..., by=..., model='poisson'), whose exact limits hold without events."
)


def rate_regression(
    data: Any,
    covariates: Covariates,
    *,
    events: Column | None = None,
    person_time: Column | None = None,
    time: Column | None = None,
    event: Column | None = None,
    event_value: Any = None,
    entry: Column | None = None,
    id: Column | None = None,
    cluster: Column | None = None,
    robust: bool | None = None,
    model: CountModel = "negative-binomial",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> RateFit:
    """Rate ratios of events per person-time.

    A patient with person-time T and covariates x has T exp(x'b) events on average. The counts vary about that
    with the variance mu + alpha mu^2 of the negative binomial, or in any way with a robust variance.

    Parameters
    ----------
    data, events, person_time, time, event, event_value, entry, id, missing
        As in `event_rate`: counts with person-time, or rows of follow-up. Rows of a patient with the same
        covariates are added up; where covariates change (before and after a switch), the patient has several.
    covariates
        A right-hand-side formula, `"arm + C(severity, ref='mild')"`, or a list of columns, as in `cox`.
    cluster
        Groups of related patients, for the robust variance.
    robust
        Whether the variance is that of Huber and White, summed over patients or clusters. None: with the
        Poisson model, with clusters, and where a patient has several rows (as in a comparison of patients
        with themselves), which a model-based variance would take for different patients.
    model
        "negative-binomial", alpha estimated by maximum likelihood; or "poisson", whose estimates are right
        whatever the distribution, and whose limits are by default robust.
    conf_level
        Level of the limits.

    Returns
    -------
    RateFit
        With `.to_frame(exponentiate=True)`, `.predict(new, per=...)`, `.tests()`, `.text(term)`, `.alpha`.

    Raises
    ------
    DataError
        As `event_rate`; no events; collinear covariates; a robust variance of one cluster.
    FormulaError
        A formula or a column that gives no design.
    ConvergenceError
        If there is no maximum, as where a level of a covariate has no events.

    Warns
    -----
    DataWarning
        Counts that vary no more than Poisson counts, so that alpha is 0; more coefficients than events; fewer
        than ten clusters, or no more than coefficients, for a robust variance.

    Notes
    -----
    R's `glm.nb` with `offset(log(person_time))` has the same estimates and standard errors, which are those
    at a known alpha; estimating it costs nothing, as it is uncorrelated with the coefficients.

    References
    ----------
    Lawless JF. Can J Stat 1987;15:209-225. White H. Econometrica 1982;50:1-25. Zou G. Am J Epidemiol
    2004;159:702-706.

    Examples
    --------
    >>> import hemresearch as hem
    >>> cgd = hem.data.load("cgd")
    >>> fit = hem.recurrent.rate_regression(
    ...     cgd, "treat + inherit", time="tstop", event="status", entry="tstart", id="id"
    ... )
    >>> fit.text("treat")
    'rate ratio of treat[rIFN-g] 0.36 (95% CI 0.19–0.67), p=0.001'
    """
    check_choice(model, CountModel, argument="model")
    check_conf_level(conf_level)
    frame = as_frame(data)
    e = read_exposure(
        frame, events=events, person_time=person_time, time=time, event=event, event_value=event_value,
        entry=entry, id=id, covariates=covariate_columns(covariates, frame), cluster=cluster, missing=missing,
    ).totals()  # fmt: skip
    _refuse_no_events(e)
    design = model_design(e, covariates, intercept=True)
    refuse_collinear(design.matrix[:, 1:], design.columns[1:])
    warn_if_crowded(len(design.columns), int(e.count.sum()), "covariates", "fewer terms")
    log_time = np.log(e.person_time)
    solution = solve_counts(KERNELS[model], design.matrix, e.count, log_time, design.columns, NO_MAXIMUM)
    fit = solution.fit
    if model == "negative-binomial" and fit.alpha == 0:
        warn_of_no_dispersion("model", "model='poisson', whose robust variance asks for no distribution")
    is_robust = _is_robust(e, model, robust)
    cov = _robust(e, solution) if is_robust else solution.cov
    null = KERNELS[model](np.ones((len(e), 1)), e.count, log_time)
    return RateFit(
        name=NAMES[model],
        method="log link, offset log person-time",
        columns=design.columns,
        terms={term: at for term, at in design.terms.items() if at != slice(0, 1)},
        coef=solution.coef,
        cov=cov,
        cov_model=solution.cov,
        variance="robust" if is_robust else "model-based",
        log_likelihood=fit.log_likelihood,
        log_likelihood_null=null.log_likelihood,
        n=len(np.unique(e.patient)),
        n_event=int(e.count.sum()),
        conf_level=conf_level,
        ratio="rate ratio",
        df=float(len(design.columns) + (model == "negative-binomial")),
        n_dropped=e.n_dropped,
        time_unit=e.time_unit,
        design=design,
        model=model,
        alpha=fit.alpha,
        alpha_std_error=fit.alpha_error,
        deviance=deviance(e.count, fit.mean, fit.alpha),
        pearson=float(((e.count - fit.mean) ** 2 / (fit.mean * (1 + fit.alpha * fit.mean))).sum()),
        n_rows=len(e),
        person_time=float(e.person_time.sum()),
        counts=e,
    )


def _is_robust(e: Exposure, model: str, robust: bool | None) -> bool:
    if robust is not None:
        return bool(check_choice(robust, (True, False), argument="robust"))
    return model == "poisson" or e.cluster is not None or len(np.unique(e.patient)) < len(e)


def _robust(e: Exposure, solution: CountSolution) -> np.ndarray:
    """The variance between patients, or between clusters."""
    role = "id" if e.cluster is None else "cluster"
    return robust_covariance(
        solution, e.patient if e.cluster is None else e.cluster,
        role=role, column=e.names.get(role), without="robust=False",
    )  # fmt: skip


def _refuse_no_events(e: Exposure) -> None:
    if e.count.any():
        return
    role = "event" if "event" in e.names else "events"
    raise DataError(
        f"tells of no events in {counted(len(e), 'row')}",
        argument=role,
        column=e.names[role],
        expected="at least one event, and better ten for each coefficient",
        remedy="event_rate(..., model='poisson') for an upper limit of the rate",
    )
