"""The result of a regression of pseudo-values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from .. import formats
from ..errors import DataError, listed
from ..fits import Fit, chi_squared_tail, frame_of_tests, wald_test
from ..numerics.gee import LINKS
from ..numerics.intervals import normal_quantile
from ..options import check_conf_level, check_times
from ..regression.cox_words import dropped_words, term_words


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, repr=False)
class PseudoFit(Fit):
    """A regression of pseudo-values: effects on a probability or a mean itself.

    Attributes
    ----------
    quantity
        What is modelled: "cumulative incidence of relapse", "survival", ...
    link, scale
        The link, and its name among the kernels (of survival, "cloglog" is log(-log S)).
    times
        The times, or the horizon of a mean.
    n_clusters
        Who the variance is between: patients, or the clusters of `cluster`.
    cluster, censoring_by
        The columns of these names, if there were any.
    """

    quantity: str
    link: str
    scale: str
    times: tuple[float, ...]
    n_clusters: int
    cluster: str | None = None
    censoring_by: str = ""

    def tests(self) -> pl.DataFrame:
        """The Wald test that all effects are zero: test, statistic, df, p_value."""
        effects = np.flatnonzero(self._is_effect())
        statistic, df, _ = wald_test(self.coef[effects], self.cov[np.ix_(effects, effects)])
        return frame_of_tests([("Wald", statistic, df, chi_squared_tail(statistic, df))], "test")

    def predict(self, new_data: Any, *, times: Any = None, conf_level: float | None = None) -> pl.DataFrame:
        """What is modelled, of new rows: row (from 1), time, estimate, std_error, conf_low, conf_high.

        Limits are those of the linear predictor, through the link.

        Parameters
        ----------
        new_data
            The covariates.
        times
            Some of the times of the fit; all by default.
        conf_level
            Level of the limits; that of the fit unless given.
        """
        level = self.conf_level if conf_level is None else check_conf_level(conf_level)
        wanted = self._places(times)
        rows = self.require_design("a prediction").apply(new_data)
        x = np.repeat(rows, len(wanted), axis=0)
        x = np.hstack([x, np.tile(time_columns(len(self.times))[wanted], (len(rows), 1))])
        link = LINKS[self.scale]
        eta = x @ self.coef
        error = np.sqrt(np.einsum("ij,jk,ik->i", x, self.cov, x))
        half = normal_quantile(level) * error
        ends = np.sort([link.inverse(eta - half), link.inverse(eta + half)], axis=0)
        return pl.DataFrame(
            {
                "row": np.repeat(np.arange(len(rows)) + 1, len(wanted)),
                "time": np.tile(np.array(self.times)[wanted], len(rows)),
                "estimate": link.inverse(eta),
                "std_error": np.abs(link.slope(eta)) * error,
                "conf_low": ends[0],
                "conf_high": ends[1],
            }
        )

    def _places(self, times: Any) -> np.ndarray:
        """Where the times asked for stand among those of the fit."""
        if times is None:
            return np.arange(len(self.times))
        asked = check_times(times)
        if not np.isin(asked, self.times).all():
            raise DataError(
                "holds times that the fit was not made for",
                argument="times",
                expected=f"some of {listed(formats.significant(t, 6) for t in self.times)}",
                remedy=f"times={list(self.times)[:1]}",
            )
        return np.array([self.times.index(t) for t in asked.tolist()])

    @property
    def aic(self) -> float:
        """Not a number: estimating equations have no likelihood."""
        return float("nan")

    @property
    def bic(self) -> float:
        """Not a number: estimating equations have no likelihood."""
        return float("nan")

    def summary(self) -> pl.DataFrame:
        """One row, as of every fit, without what follows from a likelihood."""
        none = ("log_likelihood", "log_likelihood_null", "aic", "bic")
        return Fit.summary(self).with_columns(pl.col(none).fill_nan(None))

    def methods(self) -> str:
        """A sentence for the methods section."""
        when = listed((formats.significant(t, 6) for t in self.times), 12)
        unit = f" {self.time_unit}" if self.time_unit else ""
        within = f" made within {self.censoring_by}" if self.censoring_by else ""
        clustered = f", clustered by {self.cluster} ({self.n_clusters} clusters)" if self.cluster else ""
        return (
            f"The {self.quantity} at {when}{unit} was analysed by {self.name}{within}"
            f"{term_words(self.terms)} ({self.method}), with {formats.level(self.conf_level)} confidence "
            f"limits from the sandwich variance{clustered}{dropped_words(self.n_dropped)}."
        )

    def __repr__(self) -> str:
        head, *lines, _ = Fit.__repr__(self).splitlines()
        what = f"{self.quantity} at {listed(formats.significant(t) for t in self.times)}"
        foot = f"{what}; {self.method}, {self.variance} variance, {formats.level(self.conf_level)} limits"
        return "\n".join([head, *lines, foot])


def time_columns(n_times: int) -> np.ndarray:
    """For each time, the columns that add to the intercept of the first: times x (times - 1)."""
    return np.eye(n_times)[:, 1:]
