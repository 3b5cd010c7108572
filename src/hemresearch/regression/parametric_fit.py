"""The result of a parametric survival model."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from .. import formats
from ..fits import Fit, chi_squared_tail, frame_of_tests, wald_test
from ..numerics.distributions import DISTRIBUTIONS, Distribution

if TYPE_CHECKING:
    import polars as pl

    from .parametric_predict import Quantity
    from .parametric_residuals import Residual
    from .parametric_sample import Sample
    from .parametric_solution import Solution

Name = Literal["exponential", "weibull", "log-normal", "log-logistic", "generalised-gamma", "gompertz"]
Scale = Literal["acceleration", "hazard"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, repr=False)
class ParametricFit(Fit):
    """A fitted parametric survival model: log time ratios or log hazard ratios, and what follows from them.

    Attributes
    ----------
    distribution, scale
        What was fitted, and what the coefficients are.
    cov_model
        The inverse information, also where `cov` is robust.
    solution
        Coefficients and covariances as they were estimated: of log time, or of log hazard for Gompertz.
    roles
        The columns of strata and offset, for predictions.
    sample
        The observations of the fit, by reference; None in a slim fit.
    """

    distribution: Name
    scale: Scale
    cov_model: np.ndarray = field(repr=False)
    solution: Solution = field(repr=False)
    roles: dict[str, Any] = field(repr=False)
    sample: Sample | None = field(default=None, repr=False)

    @property
    def family(self) -> Distribution:
        """The distribution itself."""
        return DISTRIBUTIONS[self.distribution]

    @property
    def bic(self) -> float:
        """Schwarz' criterion: -2 log L + df log(n), as R counts it for these models."""
        return -2 * self.log_likelihood + self.df * float(np.log(self.n))

    def tests(self) -> pl.DataFrame:
        """Tests that all effects are zero: likelihood ratio and Wald. Columns test, statistic, df, p_value.

        The Wald test uses the variance of the fit; the likelihood-ratio test stays model-based.
        """
        effects = np.flatnonzero(self._is_effect())
        df = float(len(effects))
        gain = 2 * (self.log_likelihood - self.log_likelihood_null)
        wald = wald_test(self.coef[effects], self.cov[np.ix_(effects, effects)])[0] if df else 0.0
        rows = [
            (name, x, df, chi_squared_tail(x, df)) for name, x in (("likelihood ratio", gain), ("Wald", wald))
        ]
        return frame_of_tests(rows, "test")

    def residuals(self, kind: Residual = "deviance") -> pl.DataFrame:
        """Residuals of one kind, a row per row of the data. See `parametric_residuals`."""
        from .parametric_residuals import residuals

        return residuals(self, kind)

    def predict(
        self,
        new_data: Any,
        *,
        times: Any = None,
        kind: Quantity = "survival",
        probability: Any = 0.5,
        conf_level: float | None = None,
    ) -> pl.DataFrame:
        """Predictions for new rows: a tidy frame with `row` (from 1), estimate, std_error and limits.

        Standard errors are by the delta method, from the variance of the fit. Limits are symmetric on the
        scale log(-log S) of a survival, on the log scale of a hazard, a cumulative hazard and a quantile.

        Parameters
        ----------
        new_data
            The covariates, and the strata and the offset where the fit has some.
        times
            For "survival", "cumulative hazard" and "hazard": the times, in column `time`.
        kind
            One of these, "quantile" (the time by which a proportion `probability` has had the event, told in
            column `quantile`; null where a Gompertz model says that so many never have it), or
            "linear predictor" (x'b with the coefficients as the fit tells them).
        probability
            One or several proportions between 0 and 1.
        conf_level
            Level of the limits; that of the fit unless given.
        """
        from .parametric_predict import predict

        return predict(self, new_data, times, kind, probability, conf_level)

    def methods(self) -> str:
        """A sentence for the methods section: terms, censoring in intervals, entry, weights, limits."""
        from .cox_words import dropped_words, role_words, term_words, variance_words

        y = None if self.sample is None else self.sample.y
        level = formats.level(self.conf_level)
        return (
            f"{self.ratio.capitalize()}s were estimated by {self.name} ({self.method})"
            f"{term_words(self.terms)}{role_words(y)}, with {level} confidence limits from "
            f"{variance_words(self.variance, y)}{dropped_words(self.n_dropped)}."
        )

    def slim(self) -> ParametricFit:
        """The same fit without its design and data: small, but without residuals or predictions."""
        return replace(self, design=None, sample=None)

    def observations(self, what: str) -> Sample:
        """The observations of the fit; a slim fit, which has none, is refused."""
        self.require_design(what)
        return cast("Sample", self.sample)

    def to_reported(self) -> np.ndarray:
        """The derivative of the coefficients that are told by those that were estimated."""
        return reported(self.family, self.scale, self.solution.theta, len(self.coef))[1]


def reported(d: Distribution, scale: Scale, theta: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients as they are told, and their derivative by those that were estimated.

    From log T = x'b + sigma W with W of extreme values to the log hazard x'(-b/sigma) + ...: all but the last
    are divided by -sigma, and the last becomes the log of the shape 1/sigma.
    """
    if scale == "acceleration" or not d.in_log_time:
        return theta, np.eye(size)
    log_scale = theta[-1] if d.ancillary else 0.0
    p = size - len(d.ancillary)
    coef = -theta.copy()
    coef[:p] *= np.exp(-log_scale)
    jacobian = -np.eye(size)
    jacobian[:p, :p] *= np.exp(-log_scale)
    if d.ancillary:
        jacobian[:p, -1] = -coef[:p]
    return coef, jacobian
