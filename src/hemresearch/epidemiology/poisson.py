"""Regression of counts, rates and risks with a log link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..errors import DataError, counted
from ..model_design import model_design, refuse_collinear, warn_if_crowded
from ..numerics.counts import deviance, fit_negative_binomial, fit_poisson, leverage
from ..numerics.log_binomial import binomial_deviance, fit_log_binomial
from ..options import Missing, check_choice, check_conf_level
from .count_solution import (
    Correction,
    CountSolution,
    robust_covariance,
    solve_counts,
    warn_of_no_dispersion,
)
from .poisson_fit import PoissonFit
from .poisson_rows import CountRows, read_count_rows, read_persons

if TYPE_CHECKING:
    from ..columns import Column
    from ..design import Covariates

Family = Literal["poisson", "quasi", "robust", "negative-binomial", "log-binomial"]
NAMES = {
    "poisson": "Poisson regression",
    "quasi": "quasi-Poisson regression",
    "robust": "Poisson regression",
    "negative-binomial": "negative binomial regression",
    "log-binomial": "log-binomial regression",
}
KERNELS = {"negative-binomial": fit_negative_binomial, "log-binomial": fit_log_binomial}
ALONE = 1e-9  # what is left of a row that draws its own fitted value all the way
NO_MAXIMUM = {
    "log-binomial": "family='robust', whose estimates of the same ratios need no risk below 1.",
}


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """The maximum of a family's likelihood, and what tells of its fit.

    `variance` is that of each count at its mean; `persons` are None but in a log-binomial model.
    """

    solution: CountSolution
    persons: np.ndarray | None
    log_likelihood_null: float
    deviance: float
    variance: np.ndarray


def poisson(
    data: Any,
    covariates: Covariates,
    *,
    events: Column,
    person_time: Column | None = None,
    offset: Column | None = None,
    cluster: Column | None = None,
    family: Family = "poisson",
    correction: Correction = "HC0",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> PoissonFit:
    """Ratios of rates, of risks or of mean counts, adjusted for covariates.

    A row with covariates x and person-time T has T exp(x'b) events on average, and exp(b) are rate ratios.
    Without person-time the mean is exp(x'b): where the event happens once or not at all, exp(b) are risk
    ratios.

    Parameters
    ----------
    data
        One row per person or per cell of a table, such as `person_time` and `split_follow_up` give.
    covariates
        A right-hand-side formula, `"C(age_band) + sex + year"`, or a list of columns, as in `cox`.
    events
        Counts of events, or whether it happened (true and false, 1 and 0).
    person_time
        Person-time above 0, or expected events, whose ratios are then ratios of standardised ratios (SMR). Of
        a log-binomial model the number of persons, 1 if not given.
    offset
        Added to the logarithm of the mean, beside that of the person-time.
    cluster
        Groups of related rows (patients with several rows, centres): the variance is robust, between them.
    family
        "poisson": variance equal to the mean. "quasi": proportional to it, with t and F in place of normal
        and chi-squared distributions. "robust": any variance (Huber-White, sandwich); of risks this is
        modified Poisson regression. "negative-binomial": mu + alpha mu^2, alpha by maximum likelihood.
        "log-binomial": risks below 1.
    correction
        Of a robust variance in small samples: "HC0" none, "HC1" times n / (n - p) of rows or
        c / (c - 1) (n - 1) / (n - p) of c clusters, "HC3" residuals divided by 1 - leverage.
    conf_level
        Level of the limits.
    missing
        "raise" names missing values, "drop" leaves their rows out.

    Returns
    -------
    PoissonFit
        With `.to_frame(exponentiate=True)`, `.predict(new, per=...)`, `.goodness_of_fit()`, `.dispersion`,
        `.tests()`, `.text(term)`.

    Raises
    ------
    DataError
        Counts that are none, no person-time in a row, no events, collinear covariates, a robust variance
        of one cluster; persons fewer than events; "quasi" with clusters; "HC3" with clusters.
    FormulaError
        A formula or a column that gives no design.
    ConvergenceError
        If there is no maximum: a level of a covariate without events, or a log-binomial maximum with a risk
        of 1.

    Warns
    -----
    DataWarning
        More coefficients than events; a negative binomial of counts that vary no more than Poisson counts;
        few clusters.

    Notes
    -----
    Equal to R's `glm` (families poisson, quasipoisson and binomial with a log link), `MASS::glm.nb`, and the
    HC0, HC1 and HC3 of `sandwich`. Limits are Wald's, as of `confint.default`.

    References
    ----------
    Breslow NE, Day NE. Statistical Methods in Cancer Research II. IARC 1987, chapter 4. Zou G. Am J
    Epidemiol 2004;159:702-706. Lawless JF. Can J Stat 1987;15:209-225. Wacholder S. Am J Epidemiol
    1986;123:174-184. Long JS, Ervin LH. Am Stat 2000;54:217-224.

    Examples
    --------
    >>> import hemresearch as hem
    >>> lung = hem.data.load("lungdk")
    >>> fit = hem.epidemiology.poisson(lung, "C(A5) + P5", events="D", person_time="Y", family="quasi")
    >>> fit.text("P5", decimals=3)
    'rate ratio of P5 1.024 (95% CI 1.021–1.026), p<0.001'
    >>> round(fit.dispersion, 1)
    30.9
    """
    check_choice(family, Family, argument="family")
    check_choice(correction, Correction, argument="correction")
    check_conf_level(conf_level)
    _check_variance(family, cluster, correction)
    rows = read_count_rows(
        data, covariates, events=events, person_time=person_time, offset=offset, cluster=cluster,
        missing=missing,
    )  # fmt: skip
    design = model_design(rows, covariates, intercept=True)
    refuse_collinear(design.matrix[:, 1:], design.columns[1:])
    warn_if_crowded(len(design.columns), int(rows.count.sum()), "covariates", "fewer terms")
    s = _solve(rows, design.matrix, design.columns, family)
    if family in ("quasi", "robust"):
        _refuse_saturated(*design.matrix.shape)
    fit = s.solution.fit
    pearson = float(((rows.count - fit.mean) ** 2 / s.variance).sum())
    cov, variance = _covariance(rows, s, design.matrix, family, correction, pearson)
    likelihoods = (fit.log_likelihood, s.log_likelihood_null)
    return PoissonFit(
        name=NAMES[family],
        method=_method(rows, family),
        columns=design.columns,
        terms={term: at for term, at in design.terms.items() if at != slice(0, 1)},
        coef=s.solution.coef,
        cov=cov,
        cov_model=s.solution.cov,
        variance=variance,
        log_likelihood=np.nan if family == "quasi" else likelihoods[0],
        log_likelihood_null=np.nan if family == "quasi" else likelihoods[1],
        n=len(rows) if s.persons is None else int(s.persons.sum()),
        n_event=int(rows.count.sum()),
        conf_level=conf_level,
        ratio=_ratio(rows, family),
        df=float(len(design.columns) + (family == "negative-binomial")),
        n_dropped=rows.n_dropped,
        time_unit=rows.time_unit,
        design=design,
        family=family,
        deviance=s.deviance,
        pearson=pearson,
        alpha=fit.alpha,
        alpha_std_error=fit.alpha_error,
        n_rows=len(rows),
        person_time=None if rows.person_time is None or s.persons is not None else rows.person_time.sum(),
        counts=rows,
    )


def _check_variance(family: str, cluster: Column | None, correction: str) -> None:
    """Refuse variances that do not go together."""
    if family == "quasi" and cluster is not None:
        raise DataError(
            "was given, and a dispersion is no robust variance",
            argument="cluster",
            expected="one of both",
            remedy="family='robust', or cluster=None",
        )
    if correction == "HC0":
        return
    if family != "robust" and cluster is None:
        raise DataError(
            f"{correction!r} is of a robust variance, and that of family={family!r} is not",
            argument="correction",
            expected="'HC0', or a robust variance",
            remedy="family='robust'",
        )
    if correction == "HC3" and cluster is not None:
        raise DataError(
            "'HC3' is of single rows, and there are clusters",
            argument="correction",
            expected="'HC0' or 'HC1' with clusters",
            remedy="correction='HC1'",
        )


def _solve(rows: CountRows, x: np.ndarray, columns: tuple[str, ...], family: str) -> Solved:
    """The maximum, and the likelihood without covariates."""
    kernel = KERNELS.get(family, fit_poisson)
    remedy = NO_MAXIMUM.get(family, "fewer terms, or coarser groups.")
    persons = _read_persons(rows) if family == "log-binomial" else None
    exposure = rows.log_exposure if persons is None else persons
    solution = solve_counts(kernel, x, rows.count, exposure, columns, remedy)
    null = kernel(np.ones((len(rows), 1)), rows.count, exposure).log_likelihood
    alpha, mean = solution.fit.alpha, solution.fit.mean
    if persons is not None:
        away, spread = binomial_deviance(rows.count, mean, persons), mean * (1 - mean / persons)
        return Solved(solution, persons, null, away, spread)
    if family == "negative-binomial" and alpha == 0:
        warn_of_no_dispersion("family", "family='robust', whose variance asks for no distribution")
    return Solved(solution, None, null, deviance(rows.count, mean, alpha), mean * (1 + alpha * mean))


def _read_persons(rows: CountRows) -> np.ndarray:
    """The persons of each row; an offset, which no risk has, is refused."""
    if "offset" not in rows.names:
        return read_persons(rows)
    raise DataError(
        "was given, and risks of a log-binomial model have none",
        argument="offset",
        column=rows.names["offset"],
        expected="offset=None with family='log-binomial'",
        remedy="family='robust'",
    )


def _covariance(
    rows: CountRows, s: Solved, x: np.ndarray, family: str, correction: str, pearson: float
) -> tuple[np.ndarray, str]:
    """The covariance of the coefficients, and what it is."""
    n, p = x.shape
    if family == "quasi":
        return s.solution.cov * pearson / (n - p), "quasi-likelihood"
    if family != "robust" and rows.cluster is None:
        return s.solution.cov, "model-based"
    owner = rows.patient if rows.cluster is None else rows.cluster
    clusters = len(np.unique(owner))
    spread = robust_covariance(
        s.solution, owner, role="covariates" if rows.cluster is None else "cluster",
        column=rows.names.get("cluster"), without="family='poisson'",
        factor=_factor(n, p, clusters) if correction == "HC1" else 1.0,
        scores=_without_leverage(rows, s.solution, x) if correction == "HC3" else None,
    )  # fmt: skip
    return spread, "robust" if correction == "HC0" else f"robust ({correction})"


def _refuse_saturated(n: int, p: int) -> None:
    """Nothing is left to estimate a variance from where each row has a coefficient of its own."""
    if n > p:
        return
    raise DataError(
        f"are {p} coefficients, and {counted(n, 'row')} leave nothing to estimate a variance from",
        argument="covariates",
        expected="fewer coefficients than rows",
        remedy="family='poisson'",
    )


def _factor(n: int, p: int, clusters: int) -> float:
    """Of `clusters`, n / (n - p) where each row is one of its own."""
    return clusters / max(clusters - 1, 1) * (n - 1) / (n - p)


def _without_leverage(rows: CountRows, solution: CountSolution, x: np.ndarray) -> np.ndarray:
    """Scores of the standardised coefficients as if no row had drawn its own fitted value."""
    standardised = x @ solution.back
    drawn = leverage(solution.fit, standardised, solution.fit.mean)
    alone = drawn > 1 - ALONE
    if alone.any():
        raise DataError(
            f"have a coefficient that depends on {counted(int(alone.sum()), 'row')} alone",
            argument="covariates",
            rows=rows.positions(alone),
            expected="more than one row in each level with correction='HC3'",
            remedy="correction='HC1'",
        )
    return np.asarray(solution.fit.score / (1 - drawn)[:, None])


def _ratio(rows: CountRows, family: str) -> str:
    of_persons = not rows.names.keys() & {"person_time", "offset"} and rows.is_binary
    if family == "log-binomial" or of_persons:
        return "risk ratio"
    return "rate ratio" if rows.person_time is not None else "ratio of means"


def _method(rows: CountRows, family: str) -> str:
    if family == "log-binomial":
        return "log link"
    parts = [
        text
        for role, text in (("person_time", "log person-time"), ("offset", rows.names.get("offset", "")))
        if role in rows.names
    ]
    return f"log link, offset {' + '.join(parts)}" if parts else "log link"
