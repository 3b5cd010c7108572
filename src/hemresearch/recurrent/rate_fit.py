"""The result of a regression of event rates."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .. import formats
from ..epidemiology.poisson_fit import predicted_rates
from ..fits import Fit, chi_squared_tail, frame_of_tests, wald_test
from ..numerics.intervals import normal_quantile
from ..options import check_conf_level, check_number
from ..regression.cox_words import dropped_words, term_words

if TYPE_CHECKING:
    from .rate_regression import CountModel
    from .rate_rows import Exposure


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, repr=False)
class RateFit(Fit):
    """A fitted model of event rates: log rate ratios, and the log rate of the reference as `intercept`.

    Attributes
    ----------
    model
        "negative-binomial" or "poisson".
    cov_model
        The inverse expected information, also where `cov` is robust.
    alpha, alpha_std_error
        The dispersion of a negative binomial: a patient's rate varies about its mean with the coefficient of
        variation sqrt(alpha). 0 for Poisson. R's theta is 1 / alpha.
    deviance, pearson
        -2 times the log-likelihood ratio to a mean of its own for each row; the sum of squared Pearson
        residuals. Far above `n_rows` less the coefficients, they tell of a variance that is not the model's.
    n_rows
        Totals that were fitted: patients, or patients in each of their states where covariates change.
    person_time
        All of it, in the unit of the data.
    counts
        The totals that were fitted; None in a slim fit.
    """

    model: CountModel
    cov_model: np.ndarray = field(repr=False)
    alpha: float
    alpha_std_error: float
    deviance: float
    pearson: float
    n_rows: int
    person_time: float
    counts: Exposure | None = field(default=None, repr=False)

    @property
    def bic(self) -> float:
        """Schwarz' criterion: -2 log L + df log(rows)."""
        return -2 * self.log_likelihood + self.df * float(np.log(self.n_rows))

    def summary(self) -> pl.DataFrame:
        """One row, as of every fit, with person-time, dispersion and what tells of its fit."""
        return Fit.summary(self).with_columns(
            person_time=pl.lit(self.person_time),
            alpha=pl.lit(self.alpha),
            alpha_std_error=pl.lit(self.alpha_std_error),
            deviance=pl.lit(self.deviance),
            pearson=pl.lit(self.pearson),
        )

    def tests(self) -> pl.DataFrame:
        """Tests that all effects are zero: likelihood ratio (model-based) and Wald."""
        effects = np.flatnonzero(self._is_effect())
        df = float(len(effects))
        gain = 2 * (self.log_likelihood - self.log_likelihood_null)
        wald = wald_test(self.coef[effects], self.cov[np.ix_(effects, effects)])[0] if df else 0.0
        both = (("likelihood ratio", gain), ("Wald", wald))
        return frame_of_tests([(name, x, df, chi_squared_tail(x, df)) for name, x in both], "test")

    def slim(self) -> RateFit:
        """The same fit without its design and data."""
        return replace(self, design=None, counts=None)

    def predict(self, new_data: Any, *, per: float = 1.0, conf_level: float | None = None) -> pl.DataFrame:
        """Rates of new rows per `per` person-time: `row` (from 1), estimate, std_error and limits.

        Limits are symmetric on the log scale.
        """
        check_number(per, argument="per", above=0, expected="person-time above 0", example=100)
        level = self.conf_level if conf_level is None else check_conf_level(conf_level)
        x = self.require_design("a predicted rate").apply(new_data)
        return predicted_rates(x, self.coef, self.cov, per, normal_quantile(level))

    def methods(self) -> str:
        """A sentence for the methods section."""
        spread = f"; alpha {formats.significant(self.alpha)}" if self.model == "negative-binomial" else ""
        return (
            f"Rate ratios were estimated by {self.name}{term_words(self.terms)} with the logarithm of "
            f"person-time as offset{spread}, with {formats.level(self.conf_level)} confidence limits from "
            f"the {self.variance} variance{self._clusters()}{dropped_words(self.n_dropped)}."
        )

    def _clusters(self) -> str:
        """`, clustered by centre (12 clusters)`: between whom a robust variance is, where it is not rows."""
        e = self.counts
        role = "cluster" if e is not None and e.cluster is not None else "id"
        if e is None or self.variance != "robust" or role not in e.names:
            return ""
        owner = e.patient if e.cluster is None else e.cluster
        return f", clustered by {e.names[role]} ({formats.count(len(np.unique(owner)))} clusters)"
