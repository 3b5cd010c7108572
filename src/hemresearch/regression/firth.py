"""Firth's penalised Cox regression, for few events and separated data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from scipy.special import ndtr

from .. import formats
from ..columns import as_frame
from ..design import Design, covariate_columns
from ..errors import ConvergenceError, DataError
from ..fits import Fit, chi_squared_tail, frame_of_tests, wald_test
from ..model_design import model_design, refuse_collinear, warn_if_crowded
from ..numerics.cox_extremes import flat_directions
from ..numerics.cox_firth import FirthLikelihood, firth_likelihood
from ..numerics.cox_rows import CoxRows
from ..numerics.intervals import normal_quantile
from ..numerics.newton import Maximum, maximize
from ..numerics.profile import maximum_within, profile_limit
from ..options import Missing, check_choice, check_conf_level
from ..outcomes import Survival, read_survival, require_whole_weights
from ..start_stop import warn_of_forgotten_entry
from .cox import TIES, refuse_no_events
from .cox_fit import CoxFit
from .cox_solution import rows_of
from .degenerate import refuse_uninformative
from .strata import check_strata

if TYPE_CHECKING:
    from ..columns import Column, Columns
    from ..design import Covariates

Limits = Literal["profile", "wald"]
FirthTies = Literal["breslow", "efron"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, repr=False)
class FirthFit(CoxFit):
    """A Cox model fitted with Firth's penalty.

    Both log-likelihoods are penalised, `log_likelihood_null` with every coefficient zero. `cov` is the
    inverse information of the likelihood without the penalty, at the estimates.

    Attributes
    ----------
    limits
        "profile" or "wald": what limits and p-values of the coefficients come from.
    profile
        Profile limits at `conf_level`: a row per coefficient, lower and upper; None with Wald limits.
    gains
        Twice the penalised likelihood that each coefficient adds.
    term_gains
        Twice the penalised likelihood that each term adds.
    """

    limits: Limits
    profile: np.ndarray | None = field(repr=False)
    gains: np.ndarray = field(repr=False)
    term_gains: dict[str, float] = field(repr=False)

    def to_frame(self, *, exponentiate: bool = False, conf_level: float | None = None) -> pl.DataFrame:
        """One row per coefficient: term, estimate, std_error, statistic, p_value, conf_low, conf_high.

        With profile limits, `statistic` is the signed root of the penalised likelihood-ratio statistic and
        `p_value` that of its test; `std_error` remains the square root of the variance.
        """
        frame = Fit.to_frame(self, exponentiate=exponentiate, conf_level=conf_level)
        if self.limits == "wald":
            return frame
        root = np.sign(self.coef) * np.sqrt(self.gains)
        return frame.with_columns(statistic=pl.Series(root), p_value=pl.Series(2 * ndtr(-np.abs(root))))

    def term_tests(self) -> pl.DataFrame:
        """A penalised likelihood-ratio test of each term: term, statistic, df, p_value."""
        sizes = {term: float(at.stop - at.start) for term, at in self.terms.items()}
        rows = [(t, gain, sizes[t], chi_squared_tail(gain, sizes[t])) for t, gain in self.term_gains.items()]
        return frame_of_tests(rows, "term")

    def tests(self) -> pl.DataFrame:
        """Penalised likelihood-ratio and Wald test of all effects together: test, statistic, df, p_value."""
        gain = 2 * (self.log_likelihood - self.log_likelihood_null)
        rows = [("penalised likelihood ratio", gain, self.df, chi_squared_tail(gain, self.df))]
        return frame_of_tests([*rows, ("Wald", *wald_test(self.coef, self.cov))])

    @property
    def aic(self) -> float:
        """Not a number: models with other covariates have another penalty."""
        return float("nan")

    @property
    def bic(self) -> float:
        """Not a number: models with other covariates have another penalty."""
        return float("nan")

    def summary(self) -> pl.DataFrame:
        """One row, as of every fit, without AIC and BIC."""
        return Fit.summary(self).with_columns(pl.col("aic", "bic").fill_nan(None))

    def profile_limits(self, columns: Any = None, *, conf_level: float | None = None) -> pl.DataFrame:
        """Limits by the penalised profile likelihood: term, estimate, conf_low, conf_high (log scale)."""
        from .cox_profile import chosen_columns

        at = chosen_columns(self, columns)
        low, high = self._profile(self.conf_level if conf_level is None else check_conf_level(conf_level)).T
        frame = pl.DataFrame({"term": list(self.columns), "estimate": self.coef})
        limits = frame.with_columns(conf_low=pl.Series(low), conf_high=pl.Series(high))
        return limits.with_columns(pl.when(pl.col(pl.Float64).is_finite()).then(pl.col(pl.Float64)))[at]

    def methods(self) -> str:
        """A sentence for the methods section."""
        from .cox_words import dropped_words, model_words

        level = formats.level(self.conf_level)
        what = "the penalised profile likelihood" if self.limits == "profile" else "Wald's method"
        return (
            f"Hazard ratios were estimated by {self.name} ({self.method}){model_words(self)}, with {level} "
            f"confidence limits from {what}{dropped_words(self.n_dropped)}."
        )

    def _limits(self, level: float) -> tuple[np.ndarray, np.ndarray]:
        if self.limits == "wald":
            return Fit._limits(self, level)
        low, high = self._profile(level).T
        return low, high

    def _profile(self, level: float) -> np.ndarray:
        """Profile limits at a level: as stored, or found anew from the data."""
        if self.profile is not None and level == self.conf_level:
            return self.profile
        rows = rows_of(self.observations("profile limits"), self.require_design("profile limits").matrix)
        likelihood = firth_likelihood(rows, efron=self.ties == "efron")
        at = self.coef / rows.scale
        return _profile_limits(rows, likelihood, Maximum(at, *likelihood(at), 0, 0.0, True), level)


def firth_cox(
    data: Any,
    covariates: Covariates,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    entry: Column | None = None,
    strata: Columns = None,
    weights: Column | None = None,
    id: Column | None = None,
    offset: Column | None = None,
    ties: FirthTies = "breslow",
    limits: Limits = "profile",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> FirthFit:
    """Hazard ratios by Firth's penalised partial likelihood, for few events or separated data.

    The model is that of `cox`. What is maximised is l(b) + log det I(b) / 2, the partial likelihood l times
    Jeffreys' prior, I being the information. This takes away the first-order bias of the estimates away from
    zero, and they are finite also where a group has no events, where those of `cox` are not.

    Parameters
    ----------
    data
        Any table: polars (eager or lazy), pandas, pyarrow, DuckDB. One row per patient, or start-stop rows.
    covariates
        A right-hand-side formula, `"age + C(group, ref='B')"`, or a list of columns.
    time, event
        Follow-up in any one unit, and whether it ended with the event (Boolean or 0/1).
    event_value
        The value (or values) of `event` that counts as the event, for any other coding.
    entry
        Delayed entry, or the beginning of a start-stop row.
    strata
        Columns whose combinations have baseline hazards of their own.
    weights
        Whole case weights: weight 2 is two patients.
    id
        Patient, where several rows hold one patient's follow-up; they must not overlap.
    offset
        A column added to the linear predictor with the coefficient 1.
    ties
        "breslow" (as R's coxphf) or "efron".
    limits
        "profile": limits and p-values from the penalised likelihood with the other coefficients maximised,
        which need not be symmetric; preferable with few events. "wald": from the standard error.
    conf_level
        Level of the limits.
    missing
        "raise" names what is missing; "drop" leaves those rows out and counts them.

    Returns
    -------
    FirthFit
        A `CoxFit` whose likelihoods are penalised. `.term_tests()` are penalised likelihood-ratio tests, and
        `.residuals(kind)`, `.baseline()` and `.predict(new)` those of the Cox model at these estimates.

    Raises
    ------
    DataError
        As `cox`; no covariates; weights that are not whole numbers.
    FormulaError
        A formula or a column that gives no design.
    ConvergenceError
        If the iteration ends without a maximum.

    Warns
    -----
    DataWarning
        If there are more coefficients than events.

    Notes
    -----
    The penalty changes by a constant with the units of the covariates; as in R's coxphf, it is reported for
    covariates divided by their standard deviations. A model with other covariates has another penalty, so
    that the likelihoods of two models must not be compared: the tests of the fit set its own coefficients to
    zero.

    References
    ----------
    Heinze G, Schemper M. Biometrics 2001;57:114-119. Firth D. Biometrika 1993;80:27-38.

    Examples
    --------
    Nobody treated has died, so that the partial likelihood has no maximum.

    >>> import hemresearch as hem
    >>> import polars as pl
    >>> trial = pl.DataFrame({"t": [2, 3, 5, 6, 8, 9], "died": [1, 1, 1, 0, 0, 0], "new": [0, 0, 0, 1, 1, 1]})
    >>> fit = hem.regression.firth_cox(trial, "new", time="t", event="died")
    >>> fit.text("new")
    'hazard ratio of new 0.08 (95% CI 0.00–0.85), p=0.035'
    """
    check_choice(ties, FirthTies, argument="ties")
    check_choice(limits, Limits, argument="limits")
    check_conf_level(conf_level)
    frame = as_frame(data)
    y = read_survival(
        frame, time=time, event=event, event_value=event_value, entry=entry, id=id, strata=strata,
        covariates=covariate_columns(covariates, frame), weights=weights, offset=offset, join=False,
        missing=missing,
    )  # fmt: skip
    require_whole_weights(y, "Firth's penalty")
    warn_of_forgotten_entry(frame, y)
    design = model_design(y, covariates)
    _check(y, design)
    rows = rows_of(y, design.matrix)
    likelihood = firth_likelihood(rows, efron=ties == "efron")
    top = _maximum(rows, likelihood, design)
    information = likelihood.partial(top.parameters)[2]
    cov = np.linalg.inv(information) * np.outer(rows.scale, rows.scale)
    each = [_gain(likelihood, top, slice(j, j + 1)) for j in range(len(design.columns))]
    profiled = _profile_limits(rows, likelihood, top, conf_level) if limits == "profile" else None
    return FirthFit(
        name="Cox regression",
        method=f"{TIES[ties]}, Firth's penalty",
        columns=design.columns,
        terms=design.terms,
        coef=top.parameters * rows.scale,
        cov=cov,
        cov_model=cov,
        variance="model-based",
        log_likelihood=likelihood.value_and_score(top.parameters)[0],
        log_likelihood_null=likelihood.value_and_score(np.zeros(len(design.columns)))[0],
        n=len(y) if y.patient is None else len(np.unique(y.patient)),
        n_event=int(y.event.sum()),
        conf_level=conf_level,
        ratio="hazard ratio",
        df=float(len(design.columns)),
        n_dropped=y.n_dropped,
        time_unit=y.time_unit,
        design=design,
        ties=ties,
        y=y,
        limits=limits,
        profile=profiled,
        gains=np.array(each),
        term_gains={term: _gain(likelihood, top, at) for term, at in design.terms.items()},
    )


def _check(y: Survival, design: Design) -> None:
    """Events, covariates, and covariates that differ."""
    refuse_no_events(y)
    check_strata(y, design)
    if not design.columns:
        raise DataError(
            "names no covariates, and the penalty is one on their coefficients",
            argument="covariates",
            expected="at least one covariate",
            remedy="cox(...), which can be fitted without any",
        )
    warn_if_crowded(len(design.columns), int(y.event.sum()), "covariates", remedy="fewer terms")
    refuse_collinear(design.matrix, design.columns)


def _maximum(rows: CoxRows, likelihood: FirthLikelihood, design: Design) -> Maximum:
    """The penalised maximum; covariates that say nothing are refused."""
    zero = np.zeros(len(design.columns))
    refuse_uninformative(rows, flat_directions(rows, likelihood.partial(zero)[2]), design.columns)
    top = maximize(likelihood, zero)
    if not top.converged:
        raise ConvergenceError(f"the penalised likelihood had no maximum after {top.iterations} steps")
    return top


def _gain(likelihood: FirthLikelihood, top: Maximum, without: slice) -> float:
    """Twice the likelihood lost where these coefficients are zero, the others being at their maximum."""
    start = top.parameters.copy()
    start[without] = 0.0
    free = np.delete(np.arange(len(start)), without)
    return max(2 * (top.value - likelihood.value_and_score(maximum_within(likelihood, start, free))[0]), 0.0)


def _profile_limits(rows: CoxRows, likelihood: FirthLikelihood, top: Maximum, level: float) -> np.ndarray:
    """Lower and upper limits of each coefficient, in the units of the covariates."""
    drop = 0.5 * normal_quantile(level) ** 2
    limits = [
        [profile_limit(likelihood, top, j, drop, upper=upper) for upper in (False, True)]
        for j in range(len(top.parameters))
    ]
    return np.array(limits) * rows.scale[:, None]
