"""Ratios of event rates from counts and person-time: negative binomial and Poisson regression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..columns import as_frame
from ..design import Design, covariate_columns
from ..errors import ConvergenceError, DataError, counted, warn
from ..formats import significant
from ..model_design import model_design, refuse_collinear, warn_if_crowded
from ..numerics.clusters import clustered_products
from ..numerics.counts import CountFit, deviance, fit_negative_binomial, fit_poisson
from ..numerics.cox_rows import centre_and_scale
from ..options import Missing, check_choice, check_conf_level
from .rate_fit import RateFit
from .rate_rows import Exposure, read_exposure

if TYPE_CHECKING:
    from ..columns import Column
    from ..design import Covariates

CountModel = Literal["negative-binomial", "poisson"]
KERNELS = {"negative-binomial": fit_negative_binomial, "poisson": fit_poisson}
NAMES = {"negative-binomial": "negative binomial regression", "poisson": "Poisson regression"}
SINGULAR = 1e-13  # an eigenvalue of the information, scaled to a unit diagonal, that is none
RUNS_OFF = 1e3  # a standard error of a standardised coefficient, beyond which it is not estimated at all
FEW_CLUSTERS = 10


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
    fit, coef, cov_model, back = _solve(e, design, model)
    if model == "negative-binomial" and fit.alpha == 0:
        _warn_of_no_dispersion()
    is_robust = _is_robust(e, model, robust)
    cov = back @ _sandwich(e, fit) @ back.T if is_robust else cov_model
    null = KERNELS[model](np.ones((len(e), 1)), e.count, np.log(e.person_time))
    return RateFit(
        name=NAMES[model],
        method="log link, offset log person-time",
        columns=design.columns,
        terms={term: at for term, at in design.terms.items() if at != slice(0, 1)},
        coef=coef,
        cov=cov,
        cov_model=cov_model,
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


def _solve(e: Exposure, design: Design, model: str) -> tuple[CountFit, np.ndarray, np.ndarray, np.ndarray]:
    """The maximum with standardised covariates; coefficients and covariance in the units of the data.

    The last is the matrix from standardised coefficients to those of the data.
    """
    mean, scale = centre_and_scale(design.matrix)
    mean[0], scale[0] = 0.0, 1.0
    fit = KERNELS[model]((design.matrix - mean) * scale, e.count, np.log(e.person_time))
    back = np.diag(scale)
    back[0, 1:] = -(mean * scale)[1:]
    return fit, back @ fit.coef, back @ _inverse(fit, design.columns) @ back.T, back


def _inverse(fit: CountFit, columns: tuple[str, ...]) -> np.ndarray:
    """The covariance; a likelihood without a maximum is an error that names what runs off."""
    size = np.sqrt(np.diag(fit.information))
    scaled = fit.information / np.outer(size, size)
    if fit.found.converged and np.linalg.eigvalsh(scaled)[0] > SINGULAR:
        inverse = np.linalg.inv(scaled) / np.outer(size, size)
        if (np.diag(inverse) < RUNS_OFF**2).all():
            return inverse
    far = np.abs(fit.coef)
    far[0] = far[0] if len(far) == 1 else -1.0  # the intercept follows a covariate that runs off
    worst = int(far.argmax())
    raise ConvergenceError(
        f"the likelihood had no maximum: {columns[worst]!r} is not determined (standardised estimate "
        f"{significant(float(fit.coef[worst]))}). Expected events at every level of a covariate. Try fewer "
        "terms, or event_rate(..., by=..., model='poisson'), whose exact limits hold without events."
    )


def _is_robust(e: Exposure, model: str, robust: bool | None) -> bool:
    if robust is not None:
        return bool(check_choice(robust, (True, False), argument="robust"))
    return model == "poisson" or e.cluster is not None or len(np.unique(e.patient)) < len(e)


def _sandwich(e: Exposure, fit: CountFit) -> np.ndarray:
    """Inverse information, sums of squared scores of clusters, inverse information."""
    owner = e.patient if e.cluster is None else e.cluster
    n_clusters = len(np.unique(owner))
    role = "id" if e.cluster is None else "cluster"
    if n_clusters == 1:
        raise DataError(
            "leaves a single cluster, and a robust variance is one between clusters",
            argument=role,
            column=e.names.get(role),
            expected="many patients or clusters (30 or more by common advice)",
            remedy="robust=False",
        )
    if n_clusters < max(FEW_CLUSTERS, fit.score.shape[1] + 1):
        warn(
            f"leaves {n_clusters} clusters for {counted(fit.score.shape[1], 'coefficient')}, and a robust "
            "variance of so few is too small: limits are too narrow and p-values too low",
            argument=role,
            column=e.names.get(role),
            expected="many patients or clusters (30 or more by common advice)",
            remedy="robust=False, or fewer terms",
        )
    inverse = np.linalg.inv(fit.information)
    return inverse @ clustered_products([fit.score], [owner]) @ inverse


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


def _warn_of_no_dispersion() -> None:
    warn(
        "the counts vary no more than Poisson counts: alpha is 0, and the model is Poisson's",
        argument="model",
        expected="rates that differ between patients beyond their covariates",
        remedy="model='poisson', whose robust variance asks for no distribution",
    )
