"""The result of a Cox regression."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from .. import formats
from ..errors import DataError
from ..fits import Fit, chi_squared_tail, frame_of_tests, wald_test
from ..numerics.cox_estimate import CoxEstimate, cox_estimate

if TYPE_CHECKING:
    import polars as pl

    from ..outcomes import Survival
    from ..results import Curves, Estimates
    from .cox_predict import Quantity
    from .cox_residuals import Residual

Ties = Literal["efron", "breslow", "exact"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, repr=False)
class CoxFit(Fit):
    """A fitted Cox model: log hazard ratios, and what follows from them.

    Attributes
    ----------
    cov_model
        The inverse information, also where `cov` is robust.
    ties, ridge
        The rule for tied events, and the penalty.
    y
        The observations of the fit, by reference; None in a slim fit.
    """

    cov_model: np.ndarray = field(repr=False)
    ties: Ties = "efron"
    ridge: float | None = None
    y: Survival | None = field(default=None, repr=False)

    def tests(self) -> pl.DataFrame:
        """Tests that all effects are zero: likelihood ratio, Wald, score and, where robust, robust score.

        Columns test, statistic, df, p_value. The Wald test uses the variance of the fit; the likelihood-ratio
        and the score test stay model-based. With a ridge there is no score test, and the degrees of freedom
        are effective ones.
        """
        gain = 2 * (self.log_likelihood - self.log_likelihood_null)
        rows = [("likelihood ratio", gain, self.df, chi_squared_tail(gain, self.df))]
        statistic, _, _ = wald_test(self.coef, self.cov)
        rows.append(("Wald", statistic, self.df, chi_squared_tail(statistic, self.df)))
        if self.y is not None and self.ridge is None:
            from .cox_tests import score_tests

            rows += [(name, x, self.df, chi_squared_tail(x, self.df)) for name, x in score_tests(self)]
        return frame_of_tests(rows, "test")

    def residuals(self, kind: Residual = "martingale") -> pl.DataFrame:
        """Residuals of one kind, a row per row of the data (Schoenfeld: per event).

        - "martingale": event - expected events; "deviance": its root; "cox-snell": the expected events.
        - "score": each row's part of the score, a column per coefficient.
        - "dfbeta", "dfbetas": how much a row moves each coefficient, in its own units or in standard errors.
        - "schoenfeld": covariates of each event minus their mean over the risk set; "scaled schoenfeld":
          their trend over time is that of the log hazard ratio.

        Frames carry `row`, the 1-based position in the user's data.
        """
        from .cox_residuals import residuals

        return residuals(self, kind)

    def baseline(self, at: Any = "zero") -> Curves:
        """The cumulative baseline hazard, one curve per stratum.

        Parameters
        ----------
        at
            "zero" (all covariates and the offset zero), "means" (every column of the design at its mean), or
            a table with one row of covariates. Far from the data the standard error is large.
        """
        from .cox_predict import baseline

        return baseline(self, at)

    def predict(
        self,
        new_data: Any,
        *,
        times: Any = None,
        kind: Quantity = "survival",
        conf_level: float | None = None,
        conf_type: str = "log-log",
    ) -> pl.DataFrame:
        """Predictions for new rows: `row` (from 1), [`time`], estimate, std_error, conf_low, conf_high.

        The variance of a survival or a cumulative hazard in a robust fit is as `curves` says.

        Parameters
        ----------
        new_data
            The covariates, and the strata where the fit has some.
        times
            For "survival" and "cumulative hazard": the times.
        kind
            "survival", "cumulative hazard", "linear predictor" (x'b, uncentred) or "risk" (exp(x'b)).
        conf_level, conf_type
            Level of the limits (that of the fit unless given) and the scale of those of a survival.
        """
        from .cox_predict import predict

        return predict(self, new_data, times, kind, conf_level, conf_type)

    def curves(
        self,
        new_data: Any,
        *,
        by: Any = None,
        id: Any = None,
        entry: Any = None,
        time: Any = None,
        conf_level: float | None = None,
        conf_type: str = "log-log",
    ) -> Curves:
        """Predicted survival of new rows as curves, to plot and to read off at times.

        In a robust fit the coefficients' part of the variance is robust. That of the baseline is not, and
        takes weights as numbers of patients (as R's survfit): let others add up to the number of patients.
        `adjusted` has a variance that is robust throughout.

        Parameters
        ----------
        new_data
            One row per curve: the covariates, the strata of the fit, and columns to name the curves by.
        by
            The column or columns that name the curves; by default those of `new_data` that differ.
        id, entry, time
            For a covariate path: the curve that several rows (entry, time] of `new_data` make up together.
        conf_level, conf_type
            Level and scale of the limits.
        """
        from .cox_predict import predicted_curves

        return predicted_curves(self, new_data, by, id, entry, time, conf_level, conf_type)

    def adjusted(self, by: str, *, conf_level: float | None = None, conf_type: str = "log-log") -> Curves:
        """Standardised survival: the mean predicted curve if everybody had each level of `by` in turn.

        The mean is over the rows of the fit with their own other covariates (g-computation). Its standard
        error counts both the covariates' variation between rows and the uncertainty of the model, by the
        delta method; where the variance of the fit is robust, it is that of each row's (cluster's) influence.

        References
        ----------
        Makuch RW. J Chronic Dis 1982;35:437-443. Chen P-Y, Tsiatis AA. Biometrics 2001;57:1030-1038.
        """
        from .cox_adjusted import adjusted_curves

        return adjusted_curves(self, by, conf_level, conf_type)

    def concordance(self, *, time_weight: str = "n", tau: float | None = None) -> Estimates:
        """Concordance of the linear predictor with the outcome of the fit (apparent, not validated)."""
        from .cox_tests import concordance_of

        return concordance_of(self, time_weight, tau)

    def profile_limits(self, columns: Any = None, *, conf_level: float | None = None) -> pl.DataFrame:
        """Profile-likelihood limits of coefficients: term, estimate, conf_low, conf_high (log scale)."""
        from .cox_profile import profile_limits

        return profile_limits(self, columns, conf_level)

    def methods(self) -> str:
        """A sentence for the methods section: terms, strata, delayed entry, effects that change, limits."""
        from .cox_words import dropped_words, model_words, variance_words

        return (
            f"{self.ratio.capitalize()}s were estimated by {self.name} ({self.method}){model_words(self)}, "
            f"with {formats.level(self.conf_level)} confidence limits from "
            f"{variance_words(self.variance, self.y)}{dropped_words(self.n_dropped)}."
        )

    def slim(self) -> CoxFit:
        """The same fit without its design and data: small, but without residuals or predictions."""
        return replace(self, design=None, y=None)

    def observations(self, what: str) -> Survival:
        """The observations of the fit; a slim fit, which has none, is refused."""
        self.require_design(what)
        return cast("Survival", self.y)

    def estimate(self, what: str) -> CoxEstimate:
        """The model at its estimates, with sums over risk sets; not for exact ties, which have none."""
        from .cox_solution import rows_of

        y, design = self.observations(what), self.require_design(what)
        if self.ties == "exact":
            raise DataError(
                f"there is no form of {what} with exact ties",
                argument="ties",
                expected="a fit with Efron's or Breslow's ties",
                remedy="cox(..., ties='efron')",
            )
        return cox_estimate(rows_of(y, design.matrix), self.coef, efron=self.ties == "efron")
