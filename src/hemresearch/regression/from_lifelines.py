"""Regressions that lifelines fitted, as fits of this package."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ..errors import DataError
from ..fits import Fit
from ..numerics.intervals import normal_quantile
from ..results import Estimates

INTERCEPT = "Intercept"  # as lifelines calls it
# A level as formulaic names it; the reference is kept in its options at most.
LEVEL = re.compile(
    r"(?:C\((?P<coded>\w+)[^()]*(?:\([^()]*\))?[^()]*\)|(?P<plain>\w+))\[T\.(?P<level>[^\[\]]+)\]"
)
UNFITTED = 'fitter.fit(data, duration_col="months", event_col="died")'


@dataclass(frozen=True, slots=True)
class Kind:
    """What a class of fitters is called, what its effects are, and the parameter that holds them.

    Without a parameter no coefficient is an effect with a ratio; Cox's partial likelihood has but one.
    """

    name: str
    ratio: str = ""
    parameter: str = ""
    detail: str = ""


# Nearest class first: a class of the user's own is what the first of its ancestors here is.
KINDS: dict[str, Kind] = {
    "SemiParametricPHFitter": Kind("Cox regression", "hazard ratio", detail="Efron ties"),
    "CoxTimeVaryingFitter": Kind("Cox regression", "hazard ratio", detail="start-stop rows, Efron ties"),
    "ParametricSplinePHFitter": Kind(
        "proportional hazards regression", "hazard ratio", "beta_", "spline baseline"
    ),
    "ParametricPiecewiseBaselinePHFitter": Kind(
        "proportional hazards regression", "hazard ratio", "beta_", "piecewise constant baseline"
    ),
    "WeibullAFTFitter": Kind("Weibull regression", "time ratio", "lambda_"),
    "LogNormalAFTFitter": Kind("log-normal regression", "time ratio", "mu_"),
    "LogLogisticAFTFitter": Kind("log-logistic regression", "time ratio", "alpha_"),
    "GeneralizedGammaRegressionFitter": Kind("generalised gamma regression", "time ratio", "mu_"),
    "CRCSplineFitter": Kind("spline accelerated failure time regression", "time ratio", "beta_"),
    "PiecewiseExponentialRegressionFitter": Kind("piecewise exponential regression"),
    "ParametricRegressionFitter": Kind("parametric regression"),
}


def from_lifelines(fitter: Any) -> Fit | Estimates:
    """A fitted lifelines regression as a `Fit`, so that tables, forest plots and texts work on it.

    Coefficients, standard errors, level and log-likelihoods are lifelines' own. `n` counts rows (patients of
    a `CoxTimeVaryingFitter`), `n_event` those whose event is known to have happened. A converted fit has no
    design: its residuals and predictions stay with lifelines.

    Parameters
    ----------
    fitter
        A fitted `CoxPHFitter` (any baseline), `CoxTimeVaryingFitter`, `WeibullAFTFitter`,
        `LogNormalAFTFitter`, `LogLogisticAFTFitter`, `GeneralizedGammaRegressionFitter`, `CRCSplineFitter`,
        `PiecewiseExponentialRegressionFitter`, `AalenAdditiveFitter`, or a `ParametricRegressionFitter` of
        your own.

    Returns
    -------
    Fit, or Estimates
        Of an `AalenAdditiveFitter` its cumulative coefficients, a row for each term and event time, with
        plain limits (lifelines keeps no covariances between them, so there is no test and no prediction).
        Else a `Fit`, with `.to_frame(exponentiate=True)`, `.summary()`, `.text(term)`: the effects on log
        time or on the log hazard have the names of this package, `stage[II]` for lifelines' `stage[T.II]` and
        `C(stage)[T.II]`, so that they stand in one row with those of other fits; which level is the reference
        lifelines does not keep. Other coefficients are told as `rho_[Intercept]`, and have no ratio. Where
        covariates act on a second parameter too, exp(b) is no ratio of all times but a "scale ratio".

    Raises
    ------
    DataError
        Something else than a fitted lifelines regression: a class, a fitter before its fit, a univariate
        fitter (see `hem.survival.from_lifelines`).

    Notes
    -----
    Of a robust variance lifelines keeps the standard errors alone; covariances are unknown (NaN) then, and
    each coefficient is a term of its own. Likelihoods of penalised fits are penalised, as lifelines has them.
    The log-likelihood without effects is NaN where lifelines finds none.

    Examples
    --------
    >>> import hemresearch as hem
    >>> from lifelines import CoxPHFitter
    >>> trial = hem.data.load("veteran").select("time", "status", "karno", "age")
    >>> fit = hem.regression.from_lifelines(CoxPHFitter().fit(trial.to_pandas(), "time", "status"))
    >>> fit.text("karno")
    'hazard ratio of karno 0.97 (95% CI 0.96–0.98), p<0.001'
    """
    _check_fitter(fitter)
    if "AalenAdditiveFitter" in _family(fitter):
        return _additive(fitter)
    one = getattr(fitter, "_model", fitter)  # what a CoxPHFitter leaves the work to
    kind = KINDS[_nearest(one)]
    coef, names = _coefficients(one, kind)
    cov, robust = _covariance(one)
    return Fit(
        name=kind.name,
        method=_method(fitter, one, kind),
        columns=names,
        terms=_terms(one, kind, names, joint=not robust),
        coef=coef,
        cov=cov,
        variance="robust" if robust else "model-based",
        log_likelihood=float(one.log_likelihood_),
        log_likelihood_null=_null(one),
        n=int(getattr(one, "_n_unique", one._n_examples)),
        n_event=_events(one),
        conf_level=1 - float(one.alpha),
        ratio=_ratio(one, kind),
        df=float(len(coef)),
    )


def _family(fitter: Any) -> list[str]:
    """The names of the lifelines classes that an object's class comes from, nearest first."""
    cls = fitter if isinstance(fitter, type) else type(fitter)
    return [c.__name__ for c in cls.__mro__ if c.__module__.partition(".")[0] == "lifelines"]


def _nearest(one: Any) -> str:
    return next(name for name in _family(one) if name in KINDS)


def _check_fitter(fitter: Any) -> None:
    """Refuse what is not a fitted regression of lifelines."""
    family = _family(fitter)
    is_class = isinstance(fitter, type)
    name = fitter.__name__ if is_class else type(fitter).__name__
    if is_class or "RegressionFitter" not in family:
        univariate = "UnivariateFitter" in family and not is_class
        raise DataError(
            f"a {name}{' (a class, not fitted)' if is_class else ''} was given",
            argument="fitter",
            expected="a fitted regression of lifelines",
            remedy="hem.survival.from_lifelines(fitter)" if univariate else UNFITTED,
        )
    if not hasattr(fitter, "params_") and not hasattr(fitter, "cumulative_variance_"):
        raise DataError(
            f"the {name} has not been fitted",
            argument="fitter",
            expected="a fitter after its fit",
            remedy=UNFITTED,
        )


def _additive(fitter: Any) -> Estimates:
    """The cumulative coefficients of an additive model, with limits from lifelines' own variances."""
    hazards, variances = fitter.cumulative_hazards_, fitter.cumulative_variance_
    level = 1 - float(fitter.alpha)
    time = hazards.index.to_numpy(dtype=float)
    parts = []
    for term in hazards.columns:
        estimate = hazards[term].to_numpy(dtype=float)
        error = np.sqrt(variances[term].to_numpy(dtype=float))
        half = normal_quantile(level) * error
        columns = {"estimate": estimate, "std_error": error}
        limits = {"conf_low": estimate - half, "conf_high": estimate + half}
        name = "intercept" if term == "Intercept" else str(term)
        parts.append(pl.DataFrame({"term": [name] * len(time), "time": time} | columns | limits))
    return Estimates(
        frame=pl.concat(parts),
        name="cumulative coefficients of an additive hazards model",
        method="lifelines AalenAdditiveFitter, plain limits",
        conf_level=level,
        n=float(fitter._n_examples),
        n_event=float(np.asarray(fitter.event_observed).sum()),
    )


def _coefficients(one: Any, kind: Kind) -> tuple[np.ndarray, tuple[str, ...]]:
    """Estimates and their names: those of covariates alone for the effects, else with their parameter."""
    names = []
    for label in one.params_.index:
        parameter, covariate = label if isinstance(label, tuple) else (kind.parameter, label)
        effect = parameter == kind.parameter
        own = "intercept" if covariate == INTERCEPT else _own_name(str(covariate))
        names.append(own if effect else f"{parameter}[{covariate}]")
    return one.params_.to_numpy(dtype=float), tuple(names)


def _own_name(column: str) -> str:
    """A column of formulaic under our name for it: `age:stage[II]` for `age:C(stage)[T.II]`."""
    return LEVEL.sub(lambda m: f"{m['coded'] or m['plain']}[{m['level']}]", column)


def _covariance(one: Any) -> tuple[np.ndarray, bool]:
    """The covariance, and whether it is robust, of which lifelines keeps the diagonal alone."""
    error = one.standard_errors_.to_numpy(dtype=float)
    if getattr(one, "robust", False) or getattr(one, "cluster_col", None) is not None:
        cov = np.full((len(error), len(error)), np.nan)
        np.fill_diagonal(cov, error**2)
        return cov, True
    return np.array(one.variance_matrix_, dtype=float).reshape(len(error), len(error)), False


def _ratio(one: Any, kind: Kind) -> str:
    """What exp(coefficient) is: of times only where the covariates act on nothing but their scale."""
    labels = [label for label in one.params_.index if isinstance(label, tuple)]
    elsewhere = any(p != kind.parameter and covariate != INTERCEPT for p, covariate in labels)
    return "scale ratio" if kind.ratio == "time ratio" and elsewhere else kind.ratio


def _terms(one: Any, kind: Kind, names: tuple[str, ...], *, joint: bool) -> dict[str, slice]:
    """The coefficients of each term of lifelines' formula; of each covariate, where there is none."""
    labels = [label if isinstance(label, tuple) else (kind.parameter, label) for label in one.params_.index]
    effects = [
        i
        for i, (parameter, covariate) in enumerate(labels)
        if kind.ratio and parameter == kind.parameter and covariate != INTERCEPT
    ]
    alone = {names[i]: slice(i, i + 1) for i in effects}
    mappings = one.regressors.mappings
    slices = getattr(mappings.get(kind.parameter or "beta_"), "term_slices", None)
    if slices is None or not joint:
        return alone
    columns = list(mappings[kind.parameter or "beta_"].column_names)
    terms = {}
    for term, at in slices.items():
        places = [i for i in effects if labels[i][1] in columns[at]]
        if places:
            terms[str(term)] = slice(places[0], places[-1] + 1)
    return terms


def _method(fitter: Any, one: Any, kind: Kind) -> str:
    """`lifelines CoxPHFitter, Efron ties, strata sex, penalizer 0.1`."""
    strata = one.strata if isinstance(one.strata, list | tuple) else [one.strata]
    told = [f"lifelines {type(fitter).__name__}", kind.detail]
    told.append(f"strata {', '.join(map(str, strata))}" if one.strata is not None else "")
    penalizer = np.asarray(one.penalizer, dtype=float)
    if (penalizer > 0).any():
        told.append(f"penalizer {'of each' if penalizer.ndim else format(float(penalizer), 'g')}")
    return ", ".join(part for part in told if part)


def _events(one: Any) -> int:
    """Rows whose event is known to have happened, at a time or before one."""
    censoring = getattr(getattr(one, "_censoring_type", None), "value", None)
    if censoring == "interval":
        return int(np.isfinite(one.upper_bound).sum())
    if censoring == "left":
        return len(one.event_observed)
    return int(np.asarray(one.event_observed, dtype=bool).sum())


def _null(one: Any) -> float:
    """The log-likelihood without effects, from lifelines' own likelihood-ratio test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it may have to fit that model first
        try:
            statistic = float(one.log_likelihood_ratio_test().test_statistic)
        except (ValueError, ArithmeticError):  # that fit does not converge, or needs what was not kept
            return float("nan")
    return float(one.log_likelihood_) - statistic / 2
