"""The result of a regression of counts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from scipy.special import fdtrc, stdtr, stdtrit

from .. import formats
from ..errors import DataError
from ..fits import Fit, chi_squared_tail, frame_of_tests, wald_test
from ..numerics.intervals import normal_quantile
from ..options import check_conf_level, check_number

if TYPE_CHECKING:
    from .poisson import Family
    from .poisson_rows import CountRows


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, repr=False)
class PoissonFit(Fit):
    """A fitted model of counts: log ratios, and the log rate (or risk) of the reference as `intercept`.

    Attributes
    ----------
    family
        As it was asked for.
    cov_model
        The inverse expected information, also where `cov` is robust or scaled by a dispersion.
    deviance
        -2 times the log-likelihood ratio to a mean of its own for each row.
    pearson, dispersion
        The sum of squared Pearson residuals, and that per degree of freedom left. Where the expected counts
        are above five or so, a dispersion far above 1 tells of counts that vary more than Poisson counts.
    alpha, alpha_std_error
        Of a negative binomial: rates vary with the coefficient of variation sqrt(alpha). R's theta is
        1 / alpha. 0 for the others.
    n_rows
        Rows that were fitted.
    person_time
        All of it, in the unit of the data; None where none was given.
    counts
        The rows that were fitted; None in a slim fit.
    """

    family: Family
    cov_model: np.ndarray = field(repr=False)
    deviance: float
    pearson: float
    alpha: float
    alpha_std_error: float
    n_rows: int
    person_time: float | None
    counts: CountRows | None = field(default=None, repr=False)

    @property
    def df_residual(self) -> int:
        """Rows less coefficients."""
        return self.n_rows - len(self.columns)

    @property
    def dispersion(self) -> float:
        """Squared Pearson residuals per degree of freedom."""
        return self.pearson / self.df_residual if self.df_residual else float("nan")

    @property
    def bic(self) -> float:
        """Schwarz' criterion: -2 log L + df log(rows)."""
        return -2 * self.log_likelihood + self.df * float(np.log(self.n_rows))

    def summary(self) -> pl.DataFrame:
        """One row, as of every fit, with person-time, dispersion and what tells of its fit."""
        return Fit.summary(self).with_columns(
            person_time=pl.lit(self.person_time, dtype=pl.Float64),
            deviance=pl.lit(self.deviance),
            pearson=pl.lit(self.pearson),
            dispersion=pl.lit(self.dispersion),
            df_residual=pl.lit(self.df_residual),
            alpha=pl.lit(self.alpha),
            alpha_std_error=pl.lit(self.alpha_std_error),
        )

    def tests(self) -> pl.DataFrame:
        """Tests that all effects are zero: likelihood ratio (of a model-based variance) and Wald.

        With the quasi family the Wald test is an F test, whose `statistic` is the Wald statistic.
        """
        effects = np.flatnonzero(self._is_effect())
        df = float(len(effects))
        wald = wald_test(self.coef[effects], self.cov[np.ix_(effects, effects)])[0] if df else 0.0
        rows = [("Wald", wald, df, self._wald_tail(wald, df))]
        if self.variance == "model-based":
            gain = 2 * (self.log_likelihood - self.log_likelihood_null)
            rows.insert(0, ("likelihood ratio", gain, df, chi_squared_tail(gain, df)))
        return frame_of_tests(rows, "test")

    def term_tests(self) -> pl.DataFrame:
        """A Wald test of each term, its levels or spline columns together: term, statistic, df, p_value."""
        rows = []
        for term, at in self.terms.items():
            statistic, df, _ = wald_test(self.coef[at], self.cov[at, at])
            rows.append((term, statistic, df, self._wald_tail(statistic, df)))
        return frame_of_tests(rows, "term")

    def goodness_of_fit(self) -> pl.DataFrame:
        """Deviance and Pearson's statistic against a chi-squared distribution: test, statistic, df, p_value.

        They test the model of tables whose expected counts are above five or so; of rows of single persons
        they tell nothing.
        """
        df = float(self.df_residual)
        pairs = (("deviance", self.deviance), ("Pearson", self.pearson))
        return frame_of_tests([(name, x, df, chi_squared_tail(x, df)) for name, x in pairs], "test")

    def slim(self) -> PoissonFit:
        """The same fit without its design and data."""
        return replace(self, design=None, counts=None)

    def predict(self, new_data: Any, *, per: float = 1.0, conf_level: float | None = None) -> pl.DataFrame:
        """Rates (or risks) of new rows per `per` person-time: `row` (from 1), estimate, std_error and limits.

        At an offset of 0, with limits that are symmetric on the log scale.
        """
        check_number(per, argument="per", above=0, expected="person-time above 0", example=100)
        if self.family == "log-binomial" and per != 1:
            raise DataError(
                f"{per:g} was given, and a risk is per person",
                argument="per",
                expected="1 of a log-binomial model",
                remedy="per=1",
            )
        level = self.conf_level if conf_level is None else check_conf_level(conf_level)
        x = self.require_design("a predicted rate").apply(new_data)
        return predicted_rates(x, self.coef, self.cov, per, self._quantile(level))

    def methods(self) -> str:
        """A sentence for the methods section."""
        spread = f" (alpha {formats.significant(self.alpha)})" if self.family == "negative-binomial" else ""
        scale = f" (dispersion {formats.significant(self.dispersion)})" if self.family == "quasi" else ""
        return (
            f"{self.ratio[:1].upper()}{self.ratio[1:]}s were estimated by {self.name}{spread} with a "
            f"{self.method}, with {formats.level(self.conf_level)} confidence limits from the "
            f"{self.variance} variance{scale}."
        )

    def _quantile(self, level: float) -> float:
        """Half of the length of limits, in standard errors."""
        if self.family == "quasi":
            return float(stdtrit(self.df_residual, (1 + level) / 2))
        return normal_quantile(level)

    def _limits(self, level: float) -> tuple[np.ndarray, np.ndarray]:
        half = self._quantile(level) * self.std_error
        return self.coef - half, self.coef + half

    def _p_values(self, statistic: np.ndarray) -> np.ndarray:
        if self.family == "quasi":
            return np.asarray(2 * stdtr(self.df_residual, -np.abs(statistic)))
        return Fit._p_values(self, statistic)

    def _wald_tail(self, statistic: float, df: float) -> float:
        if self.family == "quasi" and df:
            return float(fdtrc(df, self.df_residual, statistic / df))
        return chi_squared_tail(statistic, df)


def predicted_rates(
    x: np.ndarray, coef: np.ndarray, cov: np.ndarray, per: float, quantile: float
) -> pl.DataFrame:
    """Rates of rows of a design, with limits that are symmetric on the log scale."""
    rate = per * np.exp(x @ coef)
    error = np.sqrt(np.einsum("ij,jk,ik->i", x, cov, x))
    factor = np.exp(quantile * error)
    return pl.DataFrame(
        {
            "row": np.arange(len(rate)) + 1,
            "estimate": rate,
            "std_error": rate * error,
            "conf_low": rate / factor,
            "conf_high": rate * factor,
        }
    )
