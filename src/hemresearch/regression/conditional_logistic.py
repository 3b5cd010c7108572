"""Conditional logistic regression of matched sets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from ..design import Design
from ..errors import counted
from ..fits import Fit, chi_squared_tail, frame_of_tests, wald_test
from ..model_design import model_design
from ..numerics.cox_exact import exact_partial_likelihood
from ..numerics.cox_partial import PartialLikelihood
from ..options import Missing, check_choice, check_conf_level
from ..outcomes import Survival
from .cox_solution import Solution, check_clusters, rows_of, solve
from .matched_sets import (
    informative_sets,
    one_case_each,
    read_sets,
    refuse_divided_sets,
    refuse_weights,
    within_sets,
)

if TYPE_CHECKING:
    from ..columns import Column, Columns
    from ..design import Covariates

Method = Literal["exact", "efron", "breslow"]
METHODS = {
    "exact": "exact conditional likelihood",
    "efron": "Efron's approximation",
    "breslow": "Breslow's approximation",
}


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, repr=False)
class ConditionalLogisticFit(Fit):
    """A conditional logistic regression; `n` and `n_event` count the rows and cases of the sets used.

    Attributes
    ----------
    n_sets
        The matched sets that were used.
    n_sets_left_out
        Sets without a case or without a control, which say nothing about odds ratios.
    score_statistic
        The score test of all coefficients, U'I^-1 U where they are zero.
    """

    n_sets: int
    n_sets_left_out: int
    score_statistic: float

    def tests(self) -> pl.DataFrame:
        """Three tests of all coefficients together: test, statistic, df, p_value.

        The Wald test uses the variance of the fit, robust or not; the other two are model-based.
        """
        df = float(len(self.coef))
        ratio = 2 * (self.log_likelihood - self.log_likelihood_null)
        return frame_of_tests(
            [
                ("likelihood ratio", ratio, df, chi_squared_tail(ratio, df)),
                ("Wald", *wald_test(self.coef, self.cov)),
                ("score", self.score_statistic, df, chi_squared_tail(self.score_statistic, df)),
            ]
        )

    def summary(self) -> pl.DataFrame:
        """One row, as of every fit, with the number of sets used and left out."""
        return Fit.summary(self).with_columns(
            n_sets=pl.lit(self.n_sets, pl.Int64), n_sets_left_out=pl.lit(self.n_sets_left_out, pl.Int64)
        )


def conditional_logistic(
    data: Any,
    covariates: Covariates,
    *,
    case: Column,
    event_value: Any = None,
    strata: Columns,
    weights: Column | None = None,
    cluster: Column | None = None,
    robust: bool | None = None,
    offset: Column | None = None,
    method: Method = "exact",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> ConditionalLogisticFit:
    """Odds ratios within matched sets of cases and controls.

    In set s the odds of being a case are exp(a_s + x'b). Given how many of its n members are cases, a_s
    drops out: that it was those d who are, has the probability exp(sum of their x'b) over the sum of the same
    over all subsets of size d. Under incidence density sampling the odds ratios are hazard ratios.

    With one case in every set the three methods are the same. With several, "exact" is the likelihood above
    (its cost grows with d (n - d) of each set); "efron" and "breslow" are what Cox's model makes of cases
    tied at one time. The effect of a matching variable drops out with a_s; its interaction with an exposure
    does not: `"exposure * age"` estimates those of the exposure and of the interaction.

    Parameters
    ----------
    data
        Any table: polars (eager or lazy), pandas, pyarrow, DuckDB. One row per member of a set.
    covariates
        A right-hand-side formula, `"smoking + rcs(age, df=3)"`, or a list of columns.
    case
        Whether the row is a case (Boolean or 0/1).
    event_value
        The value (or values) of `case` that means a case, for any other coding.
    strata
        The matched set: one column, or several whose combinations are the sets.
    weights
        Case weights: weight 2 is two such rows. Not with "exact".
    cluster
        Groups of related rows or sets: their joint influence gives a robust variance. With "exact" and
        several cases in a set, each set lies within one cluster.
    robust
        None (robust with clusters and for non-integer weights), True or False. Without `cluster` the sets are
        the clusters, as rows of a set are not independent (R's `clogit` takes rows).
    offset
        A column added to the linear predictor with the coefficient 1.
    method
        "exact", "efron" or "breslow".
    conf_level
        Level of the limits.
    missing
        "raise" names what is missing; "drop" leaves those rows (not their sets) out and counts them.

    Returns
    -------
    ConditionalLogisticFit
        With `.to_frame(exponentiate=True)`, `.tests()`, `.term_tests()` and `.text(term)`.

    Raises
    ------
    DataError
        Missing or infinite values, an undeclared coding of `case`, no set with both a case and a control,
        covariates that are the same within every set or combinations of others there, weights with "exact", a
        single cluster.
    FormulaError
        A formula or a column that gives no design.
    ConvergenceError
        If the iteration ends without a maximum.

    Warns
    -----
    DataWarning
        If the likelihood is monotone: in every set the cases have the extreme value of a covariate (or of a
        combination, which is named), and its odds ratio is estimated as zero or infinite. If there are no
        more clusters than coefficients.

    Notes
    -----
    R's `clogit` keeps sets of cases alone with "efron" and "breslow", where the approximations, unlike the
    likelihood itself, depend on the coefficients; without these sets its numbers are the same.

    References
    ----------
    Breslow NE, Day NE. Statistical Methods in Cancer Research I. IARC 1980, chapter 7. Gail MH, Lubin JH,
    Rubinstein LV. Biometrika 1981;68:703-707.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> pairs = pl.DataFrame(
    ...     {"pair": [1, 1, 2, 2, 3, 3, 4, 4], "case": [1, 0] * 4, "benzene": [1, 0, 1, 0, 0, 1, 1, 0]}
    ... )
    >>> fit = hem.regression.conditional_logistic(pairs, "benzene", case="case", strata="pair")
    >>> fit.text("benzene")
    'odds ratio of benzene 3.00 (95% CI 0.31–28.84), p=0.34'
    >>> fit.tests()["statistic"].round(3).to_list()
    [1.046, 0.905, 1.0]
    """
    check_choice(method, Method, argument="method")
    check_conf_level(conf_level)
    y = read_sets(data, covariates, case, event_value, strata, weights, cluster, offset, missing)
    refuse_weights(y, method)
    design = model_design(y, covariates)
    is_robust = y.uses_robust_variance(robust)
    informative = informative_sets(y)
    kept = informative[y.stratum.code]
    used = y.take(kept)
    used = replace(used, stratum=used.stratum.occurring())
    refuse_divided_sets(used, method)
    design, inside = within_sets(used, design, kept)
    solution, score_statistic = _solve(used, replace(design, matrix=inside), method, is_robust)
    left_out = int((~informative).sum())
    total = np.ones(len(used)) if used.weight is None else used.weight
    return ConditionalLogisticFit(
        name="conditional logistic regression",
        method=_told(method, len(used.stratum), left_out),
        columns=design.columns,
        terms=design.terms,
        coef=solution.coef,
        cov=solution.cov,
        variance="robust" if is_robust else "model-based",
        log_likelihood=solution.log_likelihood,
        log_likelihood_null=solution.log_likelihood_null,
        n=float(total.sum()),
        n_event=float(total[used.event].sum()),
        conf_level=conf_level,
        ratio="odds ratio",
        df=solution.df,
        n_dropped=y.n_dropped,
        design=design,
        n_sets=len(used.stratum),
        n_sets_left_out=left_out,
        score_statistic=score_statistic,
    )


def _solve(y: Survival, design: Design, method: str, robust: bool) -> tuple[Solution, float]:
    """The maximum with its variance, and the score statistic where all coefficients are zero."""
    if robust:
        cluster = y.stratum.code if y.cluster is None else y.cluster
        y = replace(y, cluster=np.unique(cluster, return_inverse=True)[1])  # those of the sets used
    if y.offset is not None:
        sums = np.bincount(y.stratum.code, y.offset) / np.bincount(y.stratum.code)
        y = replace(y, offset=y.offset - sums[y.stratum.code])
    ties = "breslow" if one_case_each(y) else method
    by_sets = robust and ties == "exact"
    solution = solve(y, design, ties=ties, ridge=None, robust=robust and not by_sets, ratio="odds ratio")
    if by_sets:
        solution = replace(solution, cov=_sandwich_of_sets(y, design.matrix, solution))
    return solution, _score_statistic(y, design.matrix, ties)


def _sandwich_of_sets(y: Survival, matrix: np.ndarray, solution: Solution) -> np.ndarray:
    """The sum over clusters of the squared influence of their sets on the coefficients."""
    assert y.cluster is not None
    likelihood = exact_partial_likelihood(matrix, y.time, y.event, None, y.stratum.code, y.offset)
    owner = y.cluster[np.unique(y.stratum.code, return_index=True)[1]]
    scores = likelihood.stratum_scores(solution.coef)
    influence = np.stack([np.bincount(owner, column) for column in scores.T], axis=1) @ solution.cov_model
    check_clusters(y, *influence.shape)
    return influence.T @ influence


def _score_statistic(y: Survival, matrix: np.ndarray, ties: str) -> float:
    rows = rows_of(y, matrix)
    nothing = np.zeros(matrix.shape[1])
    if ties == "exact":
        sets = y.stratum.code[rows.order]
        likelihood = exact_partial_likelihood(rows.x, y.time, rows.event, None, sets, rows.offset)
        _, score, information = likelihood(nothing)
    else:
        _, score, information = PartialLikelihood(rows, ties == "efron")(nothing)
    return float(score @ np.linalg.solve(information, score))


def _told(method: str, n_sets: int, left_out: int) -> str:
    used = f"{METHODS[method]}, {counted(n_sets, 'matched set')}"
    return f"{used}, {left_out} without a case or a control left out" if left_out else used
