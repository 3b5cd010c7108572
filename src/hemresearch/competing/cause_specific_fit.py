"""The result of Cox regressions of the cause-specific hazards."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from .. import formats
from ..curves import Result
from ..errors import DataError, listed
from ..regression.cox_words import dropped_words, setting_words, term_words, variance_words
from ..regression.ph_test import ph_test

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

    from ..outcomes_competing import Competing
    from ..regression.cox_fit import CoxFit
    from ..results import Curves

RATIO = "cause-specific hazard ratio"
RiskForm = Literal["product-limit", "exponential", "matrix-exponential"]
SHOWN_CAUSES = 4


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CauseSpecificFit(Result):
    """A Cox model of each cause's hazard, and the absolute risks of them together.

    Attributes
    ----------
    fits
        The `CoxFit` of each cause, by its label.
    conf_level
        The level of the limits.
    y
        The observations of the fits, by reference; None in a slim fit.
    """

    fits: dict[Any, CoxFit] = field(repr=False)
    conf_level: float = 0.95
    y: Competing | None = field(default=None, repr=False)

    @property
    def causes(self) -> tuple[Any, ...]:
        """The labels of the causes."""
        return tuple(self.fits)

    def to_frame(self, *, exponentiate: bool = False, conf_level: float | None = None) -> pl.DataFrame:
        """One row per cause and coefficient: cause, then the columns of a Cox fit's frame."""
        return self._stacked(lambda fit: fit.to_frame(exponentiate=exponentiate, conf_level=conf_level))

    def tests(self) -> pl.DataFrame:
        """For each cause, the tests that all its effects are zero: cause, test, statistic, df, p_value."""
        return self._stacked(lambda fit: fit.tests())

    def term_tests(self) -> pl.DataFrame:
        """For each cause, a Wald test of each term: cause, term, statistic, df, p_value."""
        return self._stacked(lambda fit: fit.term_tests())

    def ph_tests(self, *, transform: Any = "km") -> pl.DataFrame:
        """For each cause, `hem.regression.ph_test` of its model: cause, term, statistic, df, p_value."""
        return self._stacked(lambda fit: ph_test(fit, transform=transform).to_frame())

    def summary(self) -> pl.DataFrame:
        """One row per cause: n, events, exclusions, method, variance, log-likelihoods and level."""
        return self._stacked(lambda fit: fit.summary())

    def text(
        self, term: str | None = None, *, cause: Any = None, label: str | None = None, decimals: int = 2
    ) -> str:
        """A sentence on a term, or all effects, for each cause or one of them.

        `label` are words for a single coefficient, in place of its name.
        """
        asked = self.causes if cause is None else (self._cause(cause),)
        told = {name: self.fits[name] for name in asked if term is None or _has(self.fits[name], term)}
        if not told:
            self.fits[asked[0]].place(str(term))  # which refuses it
        return "; ".join(
            f"{called(name)}: {_specific(fit.text(term, label=label, decimals=decimals))}"
            for name, fit in told.items()
        )

    def predict(
        self,
        new_data: Any,
        *,
        times: Any,
        cause: Any = None,
        form: RiskForm = "matrix-exponential",
        conf_level: float | None = None,
        conf_type: str = "log-log",
    ) -> pl.DataFrame:
        """Absolute risks of new patients: row, cause, time, estimate, std_error, conf_low, conf_high.

        The probability of each cause by each time, from the hazards of all causes. Its variance counts the
        estimation of coefficients and baselines by the delta method; where the variance of the fit is robust,
        it is that of each row's (cluster's) influence on both, which takes rows x times for each new row.
        `hem.report.table(fit.curves(new), times=[12, 24])` has the same risks as a table to publish.

        Parameters
        ----------
        new_data
            The covariates of all causes, and the strata where the fit has some. `row` counts from 1.
        times
            The times. After the last follow-up (of a stratum) the risk is null.
        cause
            The cause or causes; None for all.
        form
            How hazards h_k, h in all, become probabilities, S being event-free survival before each event
            time. "matrix-exponential" adds S (h_k / h) (1 - exp(-h)) to the risk and leaves S exp(-h), as
            R's `survival`: always probabilities, whose S is that of the Cox models. "product-limit" adds
            S h_k and leaves S (1 - h), as `riskRegression`, `mstate` and the Aalen-Johansen estimator, which
            it is without covariates; null, with a warning, from where hazards exceed 1, as those of a
            patient at high risk do when few are left. "exponential" adds S h_k and leaves S exp(-h), as
            `riskRegression` with product.limit = FALSE; risks can add up to more than 1.
        conf_level, conf_type
            Level of the limits (that of the fit unless given), and their scale.
        """
        from .cause_specific_predict import predicted_risks

        return predicted_risks(self, new_data, times, cause, form, conf_level, conf_type)

    def curves(
        self,
        new_data: Any,
        *,
        by: Any = None,
        cause: Any = None,
        form: RiskForm = "matrix-exponential",
        conf_level: float | None = None,
        conf_type: str = "log-log",
    ) -> Curves:
        """Absolute risks of new patients along time, one curve per row and cause, to plot and to read off.

        With "product-limit" and "matrix-exponential" the causes and event-free survival add up to 1. Where
        the variance is robust, at most 400 event times are shown.

        Parameters
        ----------
        new_data, cause, form, conf_level, conf_type
            As in `predict`.
        by
            The column or columns that name the curves; by default those of `new_data` that differ.
        """
        from .cause_specific_predict import risk_curves

        return risk_curves(self, new_data, by, cause, form, conf_level, conf_type)

    def adjusted(
        self,
        by: str,
        *,
        cause: Any = None,
        conf_level: float | None = None,
        conf_type: str = "log-log",
    ) -> Curves:
        """Standardised absolute risks: the mean over patients if all had each level of `by` in turn.

        The mean is over the rows of the fit with their own other covariates (g-computation), of risks in the
        "matrix-exponential" form, which are probabilities for everybody. Its standard error counts the
        covariates' variation between rows and the uncertainty of all models, by the delta method; where the
        variance of the fit is robust, it is that of each row's (cluster's) influence. At most 400 event times
        are shown.

        Parameters
        ----------
        by
            A covariate with levels, or the only stratum.
        cause, conf_level, conf_type
            As in `predict`.
        """
        from .cause_specific_adjusted import adjusted_risks

        return adjusted_risks(self, by, cause, conf_level, conf_type)

    @property
    def measure(self) -> str:
        """What the exponential of a coefficient is."""
        return RATIO

    def forest_frame(self) -> pl.DataFrame:
        """The rows of a forest plot: the hazard ratios of each cause under its name."""
        frame = self._stacked(
            lambda fit: fit.to_frame(exponentiate=True).filter(pl.col("term").is_in(fit.ratios()))
        )
        names = frame["cause"].map_elements(called, return_dtype=pl.String)
        return frame.drop("cause", "statistic").insert_column(0, names.alias("subgroup"))

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """A forest plot of the hazard ratios of all causes; options as those of `hem.plots.draw_forest`."""
        from ..plots import draw_forest

        return draw_forest(self, ax=ax, **options)

    def methods(self) -> str:
        """A sentence for the methods section."""
        first = next(iter(self.fits.values()))
        terms = dict.fromkeys(term for fit in self.fits.values() for term in fit.terms)
        return (
            f"Cause-specific hazards ({listed(map(str, self.causes))}) were each analysed by Cox regression "
            f"({first.method}){term_words(terms)}{setting_words(self.y)}, other causes being censored, with "
            f"{formats.level(self.conf_level)} confidence limits from "
            f"{variance_words(first.variance, self.y)}{dropped_words(first.n_dropped)}."
        )

    def slim(self) -> CauseSpecificFit:
        """The same fits without design and data: small, but without residuals or predictions."""
        return replace(self, fits={cause: fit.slim() for cause, fit in self.fits.items()}, y=None)

    def observations(self, what: str) -> Competing:
        """The observations of the fits; a slim fit, which has none, is refused."""
        if self.y is None:
            next(iter(self.fits.values())).require_design(what)
        assert self.y is not None
        return self.y

    def _cause(self, cause: Any) -> Any:
        """The label of a cause that was asked for."""
        if cause in self.fits:
            return cause
        raise DataError(
            f"{cause!r} is not one of the causes",
            argument="cause",
            expected=f"one of {listed(map(repr, self.causes), SHOWN_CAUSES)}",
            remedy=f"cause={self.causes[0]!r}",
        )

    def _stacked(self, part: Callable[[CoxFit], pl.DataFrame]) -> pl.DataFrame:
        """The frames of the causes one below the other, with their labels in front."""
        frames = [part(fit) for fit in self.fits.values()]
        labels = pl.Series("cause", self.causes)[
            np.repeat(np.arange(len(frames)), [f.height for f in frames])
        ]
        return pl.concat(frames, how="vertical_relaxed").insert_column(0, labels)

    def __repr__(self) -> str:
        first = next(iter(self.fits.values()))
        dropped = f", {first.n_dropped} rows with missing values left out" if first.n_dropped else ""
        lines = [f"Cause-specific Cox regression: n={formats.count(first.n)}{dropped}"]
        for cause, fit in list(self.fits.items())[:SHOWN_CAUSES]:
            lines.append(f"{called(cause)}: events={formats.count(fit.n_event)}")
            lines += repr(fit).splitlines()[1:-1]
        left = len(self.fits) - SHOWN_CAUSES
        lines += [f"and {left} more"] if left > 0 else []
        how = f"{first.method}, {first.variance} variance, {formats.level(self.conf_level)} limits"
        return "\n".join([*lines, how])


def _has(fit: CoxFit, term: str) -> bool:
    """Whether a model has the term, or a coefficient of that name."""
    return fit.term_of(term) is not None or term in fit.columns


def _specific(text: str) -> str:
    """What a Cox model says, which does not name its ratio where it tells of a curve."""
    return text if text.startswith(RATIO) else f"cause-specific {text}"


def called(cause: Any) -> str:
    """What a cause is called in a text."""
    return cause if isinstance(cause, str) else f"cause {cause}"
