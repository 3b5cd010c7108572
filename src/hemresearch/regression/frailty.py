"""Cox models with a frailty of each group, fitted through `cox(..., frailty=...)`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from .. import formats
from ..design import Design
from ..errors import ConvergenceError, DataError
from ..fits import Fit, chi_squared_tail, frame_of_tests, wald_test
from ..model_design import warn_if_crowded
from ..numerics.cox_estimate import CoxEstimate, cox_estimate
from ..numerics.frailty_variance import LARGEST, FrailtySolution, fit_frailty
from ..options import check_choice, check_number
from .cox import TIES, refuse_no_events
from .cox_fit import CoxFit, Ties
from .cox_solution import Solution, rows_of, solve
from .strata import check_strata

if TYPE_CHECKING:
    from ..outcomes import Survival

FrailtyDistribution = Literal["gamma", "gaussian"]
WITH_FRAILTIES = {f"{kind} residuals" for kind in ("martingale", "deviance", "cox-snell", "schoenfeld")}


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, repr=False)
class FrailtyFit(CoxFit):
    """A Cox model with shared frailties: hazard ratios hold between members of one group.

    `log_likelihood` is the partial likelihood at coefficients and log frailties, without the penalty, and
    `df` the effective degrees of freedom of both (as R's survival has them). `cov` is the coefficients' block
    of the inverse of the whole penalised information, the variance of the frailties taken as known.

    Attributes
    ----------
    frailty_distribution
        "gamma" or "gaussian".
    frailty_variance
        The variance of the frailties (gamma) or of their logarithms (Gaussian).
    is_estimated
        Whether the variance was estimated and not given.
    frailty_df
        The effective degrees of freedom of the frailties.
    log_likelihood_integrated
        The likelihood with the frailties integrated out (R's I-likelihood; Gaussian: by Laplace's method).
    log_likelihood_cox
        The likelihood of the same model without frailties.
    effects, effect_errors
        Log frailties of the groups, in the order of their codes `y.frailty`, and their standard errors.
    groups
        Per group: `group` and `row` (1-based, its first row in the data), `n_rows`, `n_event`.
    """

    frailty_distribution: FrailtyDistribution
    frailty_variance: float
    is_estimated: bool
    frailty_df: float
    log_likelihood_integrated: float
    log_likelihood_cox: float
    effects: np.ndarray = field(repr=False)
    effect_errors: np.ndarray = field(repr=False)
    groups: pl.DataFrame = field(repr=False)

    def frailties(self) -> pl.DataFrame:
        """A row per group: group, row, n_rows, n_event, estimate (log frailty), std_error, frailty.

        `row` is the group's first row in the data, from 1; what the group is called is not repeated here.
        """
        return self.groups.with_columns(
            estimate=pl.Series(self.effects),
            std_error=pl.Series(self.effect_errors),
            frailty=pl.Series(np.exp(self.effects)),
        )

    def tests(self) -> pl.DataFrame:
        """Tests of the model: test, statistic, df, p_value.

        "likelihood ratio" is of coefficients and frailties together, on effective degrees of freedom; "Wald"
        of the coefficients; "frailty variance", where it was estimated, compares the integrated likelihood
        with that of the model without frailties. As a variance of 0 lies at the end of its range, that
        statistic is referred to an even mixture of 0 and chi-squared on 1 degree of freedom.
        """
        gain = 2 * (self.log_likelihood - self.log_likelihood_null)
        rows = [("likelihood ratio", gain, self.df, chi_squared_tail(gain, self.df))]
        rows.append(("Wald", *wald_test(self.coef, self.cov)))
        if self.is_estimated:
            shared = max(2 * (self.log_likelihood_integrated - self.log_likelihood_cox), 0.0)
            p = 0.5 * chi_squared_tail(shared, 1) if shared > 0 else 1.0
            rows.append(("frailty variance", shared, 1.0, p))
        return frame_of_tests(rows)

    def summary(self) -> pl.DataFrame:
        """One row, as of every fit, with the frailties' number of groups, distribution, variance and df."""
        return Fit.summary(self).with_columns(
            n_groups=pl.lit(self.groups.height),
            frailty_distribution=pl.lit(self.frailty_distribution),
            frailty_variance=pl.lit(self.frailty_variance),
            frailty_df=pl.lit(self.frailty_df),
            log_likelihood_integrated=pl.lit(self.log_likelihood_integrated),
        )

    def methods(self) -> str:
        """A sentence for the methods section."""
        from .cox_words import dropped_words, model_words

        kind = "gamma" if self.frailty_distribution == "gamma" else "Gaussian (log-normal)"
        given = f"fixed at {formats.significant(self.frailty_variance)}"
        variance = "estimated" if self.is_estimated else given
        return (
            f"Hazard ratios were estimated by {self.name} ({TIES[self.ties]}){model_words(self)}, with a "
            f"shared {kind} frailty of {formats.count(self.groups.height)} groups, its variance {variance}, "
            f"with {formats.level(self.conf_level)} confidence limits from the penalised information"
            f"{dropped_words(self.n_dropped)}."
        )

    def profile_limits(self, columns: Any = None, *, conf_level: float | None = None) -> pl.DataFrame:
        """Not for frailty models."""
        raise self._has_no("profile limits")

    def estimate(self, what: str) -> CoxEstimate:
        """The model at coefficients and frailties, for residuals of rows and Schoenfeld residuals."""
        if what not in WITH_FRAILTIES:
            raise self._has_no(what)
        y, design = self.observations(what), self.require_design(what)
        offset = self.effects[y.frailty] + (0.0 if y.offset is None else y.offset)
        rows = rows_of(replace(y, offset=offset), design.matrix)
        return cox_estimate(rows, self.coef, efron=self.ties == "efron")

    def _has_no(self, what: str) -> DataError:
        return DataError(
            f"{what} has no settled form in a model with frailties",
            argument="fit",
            expected=f"a fit without frailty=, or one of {', '.join(sorted(WITH_FRAILTIES))}",
            remedy="cox(..., cluster=...) or cox(..., strata=...) for grouped data",
        )

    def __repr__(self) -> str:
        shown = formats.significant(self.frailty_variance)
        groups = formats.count(self.groups.height)
        return (
            f"{Fit.__repr__(self)}\n{self.frailty_distribution} frailty of {groups} groups: variance "
            f"{shown}{'' if self.is_estimated else ' (given)'}, effective df "
            f"{formats.significant(self.frailty_df)}, integrated log-likelihood "
            f"{formats.significant(self.log_likelihood_integrated, 6)}"
        )


def fit_with_frailty(
    y: Survival,
    design: Design,
    *,
    distribution: FrailtyDistribution,
    variance: float | None,
    ties: Ties,
    ridge: float | None,
    robust: bool | None,
    conf_level: float,
) -> FrailtyFit:
    """The fit of checked observations, their design and the groups in `y.frailty`."""
    _check(y, distribution, variance, ties, ridge, robust)
    refuse_no_events(y)
    check_strata(y, design)
    warn_if_crowded(len(design.columns), int(y.event.sum()), "covariates", remedy="fewer terms")
    assert y.frailty is not None
    plain = solve(y, design, ties=ties, ridge=None, robust=False)
    rows = rows_of(y, design.matrix)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # where an effect runs off
        found = fit_frailty(
            rows, y.frailty[rows.order], distribution, efron=ties == "efron", variance=variance
        )
    _refuse_unsettled(found)
    parts = _without_frailty(plain, y) if found.variance == 0 else _parts(found, design, rows.scale)
    return FrailtyFit(
        name="Cox regression",
        method=f"{TIES[ties]}, {distribution} frailty of {y.names['frailty']!r}",
        columns=design.columns,
        terms=design.terms,
        variance="model-based",
        log_likelihood_null=plain.log_likelihood_null,
        log_likelihood_cox=plain.log_likelihood,
        n=len(y) if y.patient is None else len(np.unique(y.patient)),
        n_event=int(y.event.sum()),
        conf_level=conf_level,
        ratio="hazard ratio",
        n_dropped=y.n_dropped,
        time_unit=y.time_unit,
        design=design,
        ties=ties,
        y=y,
        frailty_distribution=distribution,
        frailty_variance=found.variance,
        is_estimated=variance is None,
        groups=_groups(y),
        **parts,
    )


def _parts(found: FrailtySolution, design: Design, scale: np.ndarray) -> dict[str, Any]:
    """What follows from the maximum: estimates, variances, likelihoods and effective degrees of freedom."""
    information, at = found.information, found.found.parameters
    p = len(scale)
    v = np.linalg.inv(information.schur)
    answer = information.carried @ v
    unpenalised = v - answer.T @ (information.bend[:, None] * answer)
    of_terms = sum(
        float(np.trace(np.linalg.solve(v[part, part], unpenalised[part, part])))
        for part in design.terms.values()
    )
    frailty_df = len(at) - p - float(information.bend @ information.effect_variance)
    penalty = information.likelihood.penalty(at[p:], found.variance)[0]
    cov = v * np.outer(scale, scale)
    return {
        "coef": at[:p] * scale,
        "cov": cov,
        "cov_model": cov,
        "log_likelihood": found.found.value - penalty,
        "log_likelihood_integrated": found.integrated,
        "df": of_terms + frailty_df,
        "frailty_df": frailty_df,
        "effects": at[p:],
        "effect_errors": np.sqrt(information.effect_variance),
    }


def _without_frailty(plain: Solution, y: Survival) -> dict[str, Any]:
    """The same of a model whose frailties do not vary."""
    nothing = np.zeros(_groups(y).height)
    return {
        "coef": plain.coef,
        "cov": plain.cov,
        "cov_model": plain.cov_model,
        "log_likelihood": plain.log_likelihood,
        "log_likelihood_integrated": plain.log_likelihood,
        "df": plain.df,
        "frailty_df": 0.0,
        "effects": nothing,
        "effect_errors": nothing,
    }


def _groups(y: Survival) -> pl.DataFrame:
    """Where each group begins in the user's data, and its rows and events."""
    assert y.frailty is not None
    first = np.unique(y.frailty, return_index=True)[1]
    row = first if y.row is None else y.row[first]
    return pl.DataFrame(
        {
            "group": np.arange(1, len(first) + 1),
            "row": row.astype(np.int64) + 1,
            "n_rows": np.bincount(y.frailty),
            "n_event": np.bincount(y.frailty[y.event], minlength=len(first)),
        }
    )


def _check(
    y: Survival,
    distribution: str,
    variance: float | None,
    ties: str,
    ridge: float | None,
    robust: bool | None,
) -> None:
    """Refuse what a frailty model does not have."""
    check_choice(distribution, FrailtyDistribution, argument="frailty_distribution")
    if variance is not None:
        check_number(
            variance, argument="frailty_variance", above=0.0, expected="a variance above 0", example=0.5
        )
    if y.frailty is None:
        raise DataError(
            "was given without frailty=, so that there are no groups to which it could apply",
            argument="frailty_variance",
            expected="frailty= with the column of the groups",
            remedy="cox(..., frailty='centre', frailty_variance=0.5)",
        )
    exact = ties if ties == "exact" else None
    given = {
        "weights": y.weight, "cluster": y.cluster, "ridge": ridge, "robust": robust or None, "ties": exact,
    }  # fmt: skip
    for argument in (name for name, value in given.items() if value is not None):
        raise DataError(
            "was given together with frailty=, whose penalised likelihood has no such form",
            argument=argument,
            expected=f"frailty= without {argument}" if argument != "ties" else "ties='efron' or 'breslow'",
            remedy="cox(..., cluster=...) for a robust variance, or frailty= alone",
        )
    if not (y.frailty != y.frailty[0]).any():
        raise DataError(
            "puts all rows in one group, which leaves nothing to compare its frailty with",
            argument="frailty",
            column=y.names["frailty"],
            expected="several groups",
            remedy="frailty=None",
        )


def _refuse_unsettled(found: FrailtySolution) -> None:
    """A variance without end, or an iteration without a maximum."""
    if found.variance == np.inf:
        raise ConvergenceError(
            f"the variance of the frailties grows beyond {LARGEST:g}: some groups are told apart completely"
        )
    if not found.found.converged:
        raise ConvergenceError(
            f"the penalised likelihood had no maximum at a frailty variance of {found.variance:g}: is there "
            "a covariate whose effect is infinite?"
        )
