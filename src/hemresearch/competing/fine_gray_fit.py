"""The result of a Fine-Gray regression."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from .. import formats
from ..errors import listed
from ..fits import Fit, chi_squared_tail, frame_of_tests, wald_test
from ..regression.cox_words import dropped_words, model_words, variance_words
from .fine_gray_solution import Risk, subdistribution

if TYPE_CHECKING:
    import polars as pl

    from ..outcomes import Survival
    from ..results import Curves
    from .fine_gray_solution import Subdistribution

Ties = Literal["breslow", "efron"]
FineGrayQuantity = Literal["cumulative incidence", "linear predictor", "risk"]
FineGrayResidual = Literal["score", "dfbeta", "schoenfeld", "scaled schoenfeld"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, repr=False)
class FineGrayFit(Fit):
    """A fitted Fine-Gray model: log subdistribution hazard ratios, and the incidence that follows from them.

    `log_likelihood` is that of weighted risk sets, whose differences are not chi-squared. `variance` is
    always robust.

    Attributes
    ----------
    cause
        The event whose incidence is modelled.
    n_competing
        How many had another event first.
    cov_model
        The inverse information.
    ties
        The rule for tied events, and for events and censorings at one time.
    risk
        The observations of the fit, by reference; None in a slim fit.
    """

    cause: Any
    n_competing: float
    cov_model: np.ndarray = field(repr=False)
    ties: Ties = "breslow"
    risk: Risk | None = field(default=None, repr=False)

    @property
    def y(self) -> Survival | None:
        """The observations, the cause being the event; None in a slim fit."""
        return None if self.risk is None else self.risk.y

    def tests(self) -> pl.DataFrame:
        """The Wald test that all effects are zero: test, statistic, df, p_value."""
        statistic, df, _ = wald_test(self.coef, self.cov)
        return frame_of_tests([("Wald", statistic, df, chi_squared_tail(statistic, df))], "test")

    def predict(
        self,
        new_data: Any,
        *,
        times: Any = None,
        kind: FineGrayQuantity = "cumulative incidence",
        conf_level: float | None = None,
        conf_type: str = "log-log",
    ) -> pl.DataFrame:
        """Predictions for new rows: `row` (from 1), [`time`], estimate, std_error, conf_low, conf_high.

        The cumulative incidence is 1 - exp(-exp(x'b) A(t)), A being the baseline. Its variance is that of the
        influence of rows (clusters) on b and A, with what the estimation of censoring adds to both. After the
        last follow-up (of the stratum) it is null.

        `hem.report.table(fit.curves(new), times=[12, 24])` has the same incidences as a table to publish.

        Parameters
        ----------
        new_data
            The covariates, and the strata where the fit has some. An offset is taken as 0.
        times
            The times of a cumulative incidence.
        kind
            "cumulative incidence", "linear predictor" (x'b, uncentred) or "risk" (exp(x'b)).
        conf_level, conf_type
            Level of the limits (that of the fit unless given) and the scale of those of an incidence.
        """
        from .fine_gray_predict import predict

        return predict(self, new_data, times, kind, conf_level, conf_type)

    def curves(
        self,
        new_data: Any,
        *,
        by: Any = None,
        conf_level: float | None = None,
        conf_type: str = "log-log",
    ) -> Curves:
        """Predicted cumulative incidence of new rows as curves, to plot and to read off at times.

        Parameters
        ----------
        new_data
            One row per curve: the covariates, the strata of the fit, and columns to name the curves by.
        by
            The column or columns that name the curves; by default those of `new_data` that differ.
        conf_level, conf_type
            Level and scale of the limits.
        """
        from .fine_gray_predict import predicted_curves

        return predicted_curves(self, new_data, by, conf_level, conf_type)

    def baseline(self, at: Any = "zero") -> Curves:
        """The cumulative subdistribution hazard at given covariates, one curve per stratum.

        Parameters
        ----------
        at
            "zero" (all covariates and the offset zero), "means" (every column of the design at its mean), or
            a table with one row of covariates.
        """
        from .fine_gray_predict import baseline

        return baseline(self, at)

    def residuals(self, kind: FineGrayResidual = "schoenfeld") -> pl.DataFrame:
        """Residuals of one kind.

        - "score", "dfbeta": each row's part of the score, and how much it moves each coefficient, with what
          it says of censoring (with Breslow's ties, as the variance).
        - "schoenfeld": covariates of each event minus their weighted mean over the risk set; "scaled
          schoenfeld": their trend over time is that of the log subdistribution hazard ratio.

        Frames carry `row`, the 1-based position in the user's data.
        """
        from .fine_gray_residuals import residuals

        return residuals(self, kind)

    def methods(self) -> str:
        """A sentence for the methods section: the model, its terms, its weights and its variance."""
        y = self.y
        groups = () if self.risk is None else self.risk.groups.names
        by = f", censoring estimated by {listed(groups)}" if groups else ""
        counts = ", which counts the estimation of censoring" if self.ties == "breslow" else ""
        return (
            f"Subdistribution hazard ratios were estimated by {self.name} ({self.method})"
            f"{model_words(cast('Any', self))}{by}, with {formats.level(self.conf_level)} confidence limits "
            f"from {variance_words(self.variance, y)}{counts}{dropped_words(self.n_dropped)}."
        )

    def slim(self) -> FineGrayFit:
        """The same fit without its design and data: small, but without residuals or predictions."""
        return replace(self, design=None, risk=None)

    def observations(self, what: str) -> Survival:
        """The observations of the fit, the cause being the event; a slim fit, which has none, is refused."""
        return self.at_risk(what).y

    def at_risk(self, what: str) -> Risk:
        """The observations of the fit with the competing events; a slim fit, which has none, is refused."""
        self.require_design(what)
        return cast("Risk", self.risk)

    def model(self, what: str) -> Subdistribution:
        """The likelihood of the fit."""
        return subdistribution(self.at_risk(what), self.require_design(what), self.ties)
