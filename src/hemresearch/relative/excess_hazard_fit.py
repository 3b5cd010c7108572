"""The result of a regression of the excess hazard, and the net survival that follows from it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .. import formats
from ..errors import DataError, counted
from ..fits import Fit
from ..numerics.excess_hazard import cumulative_excess
from ..numerics.intervals import normal_quantile
from ..options import check_conf_level, check_times

if TYPE_CHECKING:
    from .excess_pieces import Pieces


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """The patient of each row of the data (-1 where none of its follow-up was fitted), and its deaths."""

    patient: np.ndarray
    count: np.ndarray


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, repr=False)
class ExcessHazardFit(Fit):
    """A fitted model of the excess hazard: log excess hazard ratios, then the log baseline of each band.

    Attributes
    ----------
    borders
        Of the bands in which the baseline excess hazard is constant, in the unit of time.
    expected
        Deaths that the population expects in the follow-up that was fitted.
    deviance
        Of the cells of the Poisson method, -2 times the log-likelihood ratio to a mean of its own for each;
        NaN for the full likelihood.
    n_rows
        Cells, or pieces of follow-up, that were fitted.
    life_table
        The name of the population.
    counts
        Who was followed and who died, for the numbers beside levels in tables; None in a slim fit.
    """

    borders: np.ndarray = field(repr=False)
    expected: float
    deviance: float
    n_rows: int
    life_table: str
    counts: Followed | None = field(default=None, repr=False)

    def slim(self) -> ExcessHazardFit:
        """The same fit without its design and data."""
        return replace(self, design=None, counts=None)

    @property
    def df_residual(self) -> int:
        """Cells (or pieces) less coefficients."""
        return self.n_rows - len(self.columns)

    def summary(self) -> pl.DataFrame:
        """One row, as of every fit, with the expected deaths, the population and the deviance."""
        return Fit.summary(self).with_columns(
            expected=pl.lit(self.expected),
            life_table=pl.lit(self.life_table),
            deviance=pl.lit(self.deviance).fill_nan(None),
            df_residual=pl.lit(self.df_residual),
        )

    def baseline(self, *, conf_level: float | None = None) -> pl.DataFrame:
        """The excess hazard per unit of time where all covariates are 0 (or at their reference), per band.

        `follow_up` and `until` (null of an open band), `estimate`, `std_error` and limits, which are
        symmetric on the log scale.
        """
        level = self.conf_level if conf_level is None else check_conf_level(conf_level)
        bands = self._bands()
        rate, error = np.exp(self.coef[bands]), self.std_error[bands]
        factor = np.exp(normal_quantile(level) * error)
        until = np.where(np.isfinite(self.borders[1:]), self.borders[1:], np.nan)
        return pl.DataFrame(
            {
                "follow_up": self.borders[:-1],
                "until": until,
                "estimate": rate,
                "std_error": rate * error,
                "conf_low": rate / factor,
                "conf_high": rate * factor,
            }
        ).with_columns(pl.col("until").fill_nan(None))

    def predict(self, new_data: Any, *, times: Any, conf_level: float | None = None) -> pl.DataFrame:
        """Net survival of new rows: `row` (from 1), `time`, `estimate`, `std_error`, limits.

        exp(-the excess hazard, accumulated from the first border of the bands on), with limits by the delta
        method that are symmetric on the log-log scale. Survival itself is this times that of the population
        (`population_hazard`).

        Raises
        ------
        DataError
            For times outside the bands, a slim fit, and covariates that do not fit the model.
        """
        level = self.conf_level if conf_level is None else check_conf_level(conf_level)
        wanted = check_times(times)
        self._refuse_outside(wanted)
        x = self.require_design("predicted net survival").apply(new_data)
        bands = self._bands()
        parts = cumulative_excess(self.borders, wanted) * np.exp(self.coef[bands])
        total = parts.sum(axis=1)
        # of log cumulative excess hazard: the covariates, and the share of each band in it
        share = np.divide(parts, total[:, None], out=np.zeros_like(parts), where=total[:, None] > 0)
        slope = np.column_stack([np.repeat(x, len(wanted), axis=0), np.tile(share, (len(x), 1))])
        error = np.sqrt(np.einsum("ij,jk,ik->i", slope, self.cov, slope))
        cumulative = np.outer(np.exp(x @ self.coef[: bands.start]), total).ravel()
        factor = np.exp(normal_quantile(level) * error)
        survival = np.exp(-cumulative)
        return pl.DataFrame(
            {
                "row": np.repeat(np.arange(len(x)) + 1, len(wanted)),
                "time": np.tile(wanted, len(x)),
                "estimate": survival,
                "std_error": survival * cumulative * error,
                "conf_low": np.exp(-cumulative * factor),
                "conf_high": np.exp(-cumulative / factor),
            }
        )

    def methods(self) -> str:
        """A sentence for the methods section."""
        bands = counted(len(self.borders) - 1, "band")
        return (
            f"Excess hazard ratios were estimated by {self.name} ({self.method}), the mortality of "
            f"{self.life_table} being expected and the baseline excess hazard constant within {bands} of "
            f"follow-up, with {formats.level(self.conf_level)} confidence limits from the {self.variance} "
            "variance."
        )

    def _bands(self) -> slice:
        return slice(len(self.columns) - len(self.borders) + 1, len(self.columns))

    def _refuse_outside(self, times: np.ndarray) -> None:
        first, last = self.borders[0], self.borders[-1]
        if ((times >= first) & (times <= last)).all():
            return
        raise DataError(
            "lie outside the follow-up that was fitted, where there is no excess hazard",
            argument="times",
            expected=f"times from {first:g} to {last:g}",
            remedy=f"times=[{last if np.isfinite(last) else first:g}]",
        )


def followed(pieces: Pieces, n_rows: int) -> Followed:
    """Who of the rows of the data has follow-up among the pieces, and died in it."""
    patient = np.full(n_rows, -1)
    patient[pieces.row] = pieces.row
    return Followed(patient, np.bincount(pieces.row, pieces.event, n_rows))
