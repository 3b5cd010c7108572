"""Parametric survival models: accelerated failure time and proportional hazards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import DataError
from ..model_design import refuse_collinear, warn_if_crowded
from ..numerics.distributions import DISTRIBUTIONS
from ..options import Missing, check_choice, check_conf_level
from .parametric_fit import Name, ParametricFit, Scale, reported
from .parametric_sample import Sample, read_sample, require_clusters, require_events, require_positive
from .parametric_solution import solve

if TYPE_CHECKING:
    from ..columns import Column, Columns
    from ..design import Covariates

MODELS = {"acceleration": "accelerated failure time", "hazard": "proportional hazards"}


def parametric(
    data: Any,
    covariates: Covariates | None = None,
    *,
    distribution: Name,
    time: Column | None = None,
    event: Column | None = None,
    event_value: Any = None,
    left: Column | None = None,
    right: Column | None = None,
    entry: Column | None = None,
    id: Column | None = None,
    strata: Columns = None,
    weights: Column | None = None,
    cluster: Column | None = None,
    robust: bool | None = None,
    offset: Column | None = None,
    scale: Scale | None = None,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> ParametricFit:
    """Time ratios or hazard ratios of a model in which survival times have a named distribution.

    Accelerated failure time: log T = x'b + sigma W, so that exp(b) multiplies every quantile of the time. W
    is of extreme values ("exponential" with sigma 1, "weibull"), "log-normal", "log-logistic" or
    "generalised-gamma". Proportional hazards: h(t) = h_0(t) exp(x'b), which the exponential and Weibull
    models are also ("hazard": b becomes -b/sigma) and "gompertz" is only, with h_0(t) = exp(b_0 + at).

    Parameters
    ----------
    data
        Any table: polars (eager or lazy), pandas, pyarrow, DuckDB.
    covariates
        A right-hand-side formula, `"age + C(group, ref='B') + rcs(wbc, df=3)"`, or a list of columns; None
        for an intercept alone.
    distribution
        "exponential", "weibull", "log-normal", "log-logistic", "generalised-gamma" (shape Q of Prentice: 0 is
        log-normal, 1 Weibull; as flexsurv) or "gompertz" (its shape a may be negative: then some never have
        the event).
    time, event
        Follow-up in any one unit, and whether it ended with the event (Boolean or 0/1).
    event_value
        The value (or values) of `event` that counts as the event, for any other coding.
    left, right
        Instead of time and event: the event lies in (left, right]. A missing `left` is left-censored, a
        missing `right` right-censored, and equal ends are an exact time.
    entry
        Delayed entry: rows are (entry, time], and the likelihood is that given survival to entry.
    id
        Patient, where several rows (entry, time] hold one patient's follow-up. A covariate that changes
        multiplies the hazard from then on under proportional hazards; otherwise a row is as if its covariates
        had held from time 0.
    strata
        Columns whose combinations have scales of their own (for Gompertz, shapes), and common effects.
    weights
        Case weights: weight 2 is two patients.
    cluster
        Groups of related rows: their joint influence gives a robust variance.
    robust
        None (robust for non-integer weights, with clusters, and with several events of a patient), True or
        False.
    offset
        A column added to the linear predictor with the coefficient 1.
    scale
        "acceleration" (log time ratios) or "hazard" (log hazard ratios). By default the first, and for
        Gompertz the second.
    conf_level
        Level of the limits.
    missing
        "raise" names what is missing; "drop" leaves those rows out and counts them.

    Returns
    -------
    ParametricFit
        With `.to_frame(exponentiate=True)`, `.tests()`, `.predict(new_data, times=...)`, `.residuals(kind)`
        and `.text(term)`. Coefficients are the intercept, the effects, and log(scale) or log(shape) and
        shape; the log-likelihood is that of the times themselves, as R's survreg and flexsurv count it.

    Raises
    ------
    DataError
        Times of 0 (but for Gompertz), no events (in any stratum), collinear covariates (named), missing or
        infinite values, an outcome named twice, a scale that the distribution does not have.
    ConvergenceError
        If the likelihood has no maximum, as when a level has no events; it names what is not determined.

    Warns
    -----
    DataWarning
        If there are more coefficients than events.

    Notes
    -----
    The robust variance weights each row's score by its case weight; R's survreg leaves weights out of it.

    References
    ----------
    Kalbfleisch JD, Prentice RL. The Statistical Analysis of Failure Time Data, 2nd ed. Wiley 2002, section
    2.2. Prentice RL. Biometrika 1974;61:539-544 (generalised gamma). Jackson CH. J Stat Softw 2016;70(8).

    Examples
    --------
    >>> import hemresearch as hem
    >>> trial = hem.data.load("veteran")
    >>> fit = hem.regression.parametric(
    ...     trial, "karno + trt", time="time", event="status", distribution="weibull"
    ... )
    >>> fit.to_frame(exponentiate=True)["estimate"].round(3).to_list()
    [1.036, 0.881]
    >>> fit.text("karno")
    'time ratio of karno 1.04 (95% CI 1.03–1.05), p<0.001'
    """
    check_choice(distribution, Name, argument="distribution")
    check_conf_level(conf_level)
    told = _check_scale(distribution, scale)
    roles = {
        "time": time, "event": event, "left": left, "right": right, "entry": entry, "id": id,
        "strata": strata, "weights": weights, "cluster": cluster, "offset": offset,
    }  # fmt: skip
    _check_roles(distribution, told, roles)
    sample, design = read_sample(data, covariates, roles, event_value=event_value, missing=missing)
    if DISTRIBUTIONS[distribution].in_log_time:
        require_positive(sample)
    require_events(sample)
    refuse_collinear(design.matrix[:, 1:], design.columns[1:])
    columns = design.columns + _ancillary_names(distribution, told, sample)
    warn_if_crowded(len(columns), sample.n_event, "covariates", "fewer terms")
    robust = sample.y.uses_robust_variance(robust)
    if robust:
        require_clusters(sample)
    solution = solve(distribution, sample, design.matrix, columns, robust)
    coef, jacobian = reported(DISTRIBUTIONS[distribution], told, solution.theta, len(columns))
    by = f", {'shape' if distribution == 'gompertz' else 'scale'} by {', '.join(sample.stratum.names)}"
    return ParametricFit(
        name=f"{DISTRIBUTIONS[distribution].title} regression",
        method=MODELS[told] + (by if sample.stratum.names else ""),
        columns=columns,
        terms={term: at for term, at in design.terms.items() if at != slice(0, 1)},
        coef=coef,
        cov=jacobian @ solution.cov @ jacobian.T,
        cov_model=jacobian @ solution.cov_model @ jacobian.T,
        variance="robust" if robust else "model-based",
        log_likelihood=solution.log_likelihood,
        log_likelihood_null=solution.log_likelihood_null,
        n=sample.n,
        n_event=sample.n_event,
        conf_level=conf_level,
        ratio="time ratio" if told == "acceleration" else "hazard ratio",
        df=float(len(columns)),
        n_dropped=sample.y.n_dropped,
        time_unit=sample.y.time_unit,
        design=design,
        distribution=distribution,
        scale=told,
        solution=solution,
        roles={"strata": strata, "offset": offset},
        sample=sample,
    )


def _check_scale(distribution: str, scale: Any) -> Scale:
    """The scale asked for, if the distribution has it."""
    d = DISTRIBUTIONS[distribution]
    has = [name for name, there in (("acceleration", d.in_log_time), ("hazard", d.proportional)) if there]
    if scale is None:
        return has[0]  # type: ignore[return-value]
    check_choice(scale, Scale, argument="scale")
    if scale in has:
        return scale
    ratio = "hazards" if scale == "hazard" else "times"
    alike = [name for name, other in DISTRIBUTIONS.items() if _has(other, scale)]
    raise DataError(
        f"{scale!r} was asked of a {d.title} model, whose effects are no ratios of {ratio}",
        argument="scale",
        expected=f"{' or '.join(map(repr, has))}, or one of {', '.join(alike)}",
        remedy=f"scale={has[0]!r}",
    )


def _has(d: Any, scale: str) -> bool:
    return d.in_log_time if scale == "acceleration" else d.proportional


def _check_roles(distribution: str, scale: str, roles: dict[str, Any]) -> None:
    """Refuse strata and an offset where they have no meaning."""
    d = DISTRIBUTIONS[distribution]
    if roles["strata"] is not None and not d.ancillary:
        raise DataError(
            "was given with an exponential model, which has no scale to differ",
            argument="strata",
            expected="a distribution with a scale or a shape",
            remedy="distribution='weibull', or the strata as covariates",
        )
    for argument in ("strata", "offset"):
        if roles[argument] is not None and scale == "hazard" and d.in_log_time:
            raise DataError(
                "was given with scale='hazard', where scales that differ leave no common hazard ratio"
                if argument == "strata"
                else "is added to log time, and scale='hazard' tells effects on the log hazard",
                argument=argument,
                expected=f"{argument} with scale='acceleration'",
                remedy="scale='acceleration'",
            )


def _ancillary_names(distribution: str, scale: str, sample: Sample) -> tuple[str, ...]:
    """`log(scale)`, `log(scale)[sex=1]`, `shape`: the first one has a value for each stratum."""
    d = DISTRIBUTIONS[distribution]
    names = ["log(shape)" if scale == "hazard" and name == "log(scale)" else name for name in d.ancillary]
    levels = sample.stratum.levels
    if not names or not levels.width:
        return tuple(names)
    labels = (", ".join(f"{k}={v}" for k, v in row.items()) for row in levels.iter_rows(named=True))
    return (*(f"{names[0]}[{label}]" for label in labels), *names[1:])
