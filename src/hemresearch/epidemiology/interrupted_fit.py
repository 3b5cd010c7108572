"""The result of an interrupted time series."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from scipy.special import ndtr, stdtr

from .. import formats
from ..errors import DataError
from ..options import check_number
from ..results import Estimates, Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .poisson_fit import PoissonFit

CHANGES = ("level", "slope")


@dataclass(frozen=True, slots=True, eq=False)
class InterruptedTimeSeries(Result):
    """A series with its level and slope before and after an intervention.

    Attributes
    ----------
    fit
        The model: `trend` before, `level` and `slope` by which it changed, and the season.
    frame
        The periods in order: `time`, `n_event`, `person_time` if given, and the terms of the model.
    intervention
        As it was given.
    autocorrelation
        Of Pearson residuals of neighbouring periods.
    trend_unit
        "year" where time is a date; None in the unit of the data.
    harmonics
        Pairs of sine and cosine of the season.
    """

    fit: PoissonFit
    frame: pl.DataFrame = field(repr=False)
    intervention: Any
    autocorrelation: float
    trend_unit: str | None
    harmonics: int

    @property
    def durbin_watson(self) -> float:
        """2 (1 - autocorrelation), about: near 2 where periods are independent."""
        return 2 * (1 - self.autocorrelation)

    def to_frame(self, *, exponentiate: bool = False) -> pl.DataFrame:
        """One row per coefficient; ratios with `exponentiate=True`."""
        return self.fit.to_frame(exponentiate=exponentiate)

    def summary(self) -> pl.DataFrame:
        """One row, as of the model, with the intervention and the autocorrelation."""
        return self.fit.summary().with_columns(
            intervention=pl.lit(str(self.intervention)), autocorrelation=pl.lit(self.autocorrelation)
        )

    def fitted(self, *, per: float = 1.0) -> pl.DataFrame:
        """Each period as observed, as fitted, and as it would have been without the intervention.

        Columns `time`, `n_event`, `observed`, `estimate`, `conf_low`, `conf_high`, and `counterfactual` with
        `counterfactual_low` and `counterfactual_high`, null before the intervention. Rates are per `per` of
        person-time; counts are of a period.
        """
        check_number(per, argument="per", above=0, expected="person-time above 0", example=1000)
        x, before = self._designs()
        size = self.frame["person_time"].to_numpy() if "person_time" in self.frame.columns else 1.0
        observed = self.frame["n_event"].to_numpy() / size * per
        columns = {"observed": observed, **self._rates(x, per, ("estimate", "conf_low", "conf_high"))}
        names = ("counterfactual", "counterfactual_low", "counterfactual_high")
        after = pl.Series(self.frame["level"].to_numpy() > 0)
        without = pl.DataFrame(self._rates(before, per, names))
        hidden = [pl.when(after).then(without[name]).alias(name) for name in names]
        return self.frame.select("time", pl.col("n_event").cast(pl.Int64)).with_columns(
            *(pl.Series(name, values) for name, values in columns.items()), *hidden
        )

    def effect(self, at: Any) -> Estimates:
        """The ratio of the rate to the one without the intervention, at times from it on.

        `at` are times since the intervention, in years where the series has dates; 0 is the jump itself.
        """
        times = np.atleast_1d(np.asarray(at, dtype=float))
        if not (np.isfinite(times).all() and (times >= 0).all()):
            raise DataError(
                "something other than times of 0 or more was given",
                argument="at",
                expected="times since the intervention",
                remedy="at=[0, 1]",
            )
        x = np.zeros((len(times), len(self.fit.columns)))
        x[:, self.fit.columns.index("level")] = 1.0
        if "slope" in self.fit.columns:
            x[:, self.fit.columns.index("slope")] = times
        log, error = x @ self.fit.coef, self._errors(x)
        frame = self._limits(log, error).with_columns(
            pl.Series("statistic", log / error), pl.Series("p_value", self._tails(log / error))
        )
        return self._estimates(frame.insert_column(0, pl.Series("time", times)), "ratio to no intervention")

    def impact(self) -> Estimates:
        """Events after the intervention against those without it: their difference and their ratio.

        Sums of fitted means over the periods after it, with limits by the delta method (of the ratio on the
        log scale).
        """
        x, before = self._designs()
        after = self.frame["level"].to_numpy() > 0
        offset = self.fit.counts.log_exposure if self.fit.counts is not None else np.zeros(len(x))
        with_it, without = (np.exp(m @ self.fit.coef + offset) * after for m in (x, before))
        totals, slopes = (with_it.sum(), without.sum()), (with_it @ x, without @ before)
        error = self._errors(np.atleast_2d(slopes[0] - slopes[1]))
        half = self.fit._quantile(self.fit.conf_level) * error
        difference = np.array([totals[0] - totals[1]])
        relative = np.atleast_2d(slopes[0] / totals[0] - slopes[1] / totals[1])
        ratio = self._limits(np.log([totals[0] / totals[1]]), self._errors(relative))
        absolute = pl.DataFrame(
            {"estimate": difference, "conf_low": difference - half, "conf_high": difference + half}
        )
        frame = pl.concat([absolute, ratio])
        return self._estimates(
            frame.insert_column(0, pl.Series("term", ["difference", "ratio"])),
            "events after the intervention against none",
        )

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the series, the model and the counterfactual; see `hem.plots.draw_time_series`."""
        from ..plots import draw_time_series

        return draw_time_series(self, ax=ax, **options)

    def text(self, *, decimals: int = 2) -> str:
        """A sentence: the changes of level and slope."""
        rows = {row["term"]: row for row in self.to_frame(exponentiate=True).iter_rows(named=True)}
        told: list[str] = []
        for term in (name for name in CHANGES if name in rows):
            row = rows[term]
            shown = formats.interval(row["estimate"], row["conf_low"], row["conf_high"], decimals)
            told.append(
                f"{term}: {f'{self.fit.ratio} ' if not told else ''}"
                f"{formats.with_level(shown, self.fit.conf_level)}, {formats.p_value(row['p_value'])}"
            )
        return "; ".join(told)

    def methods(self) -> str:
        """A sentence for the methods section."""
        season = (
            f", {self.harmonics} harmonic{'s' * (self.harmonics > 1)} of the season" if self.harmonics else ""
        )
        changes = " and ".join(name for name in CHANGES if name in self.fit.columns)
        return (
            f"The series was analysed by segmented {self.fit.name} with a trend{season} and a change of "
            f"{changes} at the intervention; {formats.level(self.fit.conf_level)} confidence limits are from "
            f"the {self.fit.variance} variance (autocorrelation of the residuals "
            f"{formats.significant(self.autocorrelation, 2)})."
        )

    def _designs(self) -> tuple[np.ndarray, np.ndarray]:
        """The design of the periods, and that without the intervention."""
        x = self.fit.require_design("a fitted series").matrix
        before = x.copy()
        before[:, [self.fit.columns.index(name) for name in CHANGES if name in self.fit.columns]] = 0.0
        return x, before

    def _rates(self, x: np.ndarray, per: float, names: tuple[str, ...]) -> dict[str, np.ndarray]:
        limits = self._limits(x @ self.fit.coef + np.log(per), self._errors(x))
        return dict(zip(names, (limits[c].to_numpy() for c in limits.columns), strict=True))

    def _errors(self, x: np.ndarray) -> np.ndarray:
        return np.sqrt(np.einsum("ij,jk,ik->i", x, self.fit.cov, x))

    def _limits(self, log: np.ndarray, error: np.ndarray) -> pl.DataFrame:
        half = self.fit._quantile(self.fit.conf_level) * error
        ends = {"estimate": log, "conf_low": log - half, "conf_high": log + half}
        return pl.DataFrame({name: np.exp(value) for name, value in ends.items()})

    def _tails(self, statistic: np.ndarray) -> np.ndarray:
        below = -np.abs(statistic)
        quasi = self.fit.family == "quasi"
        return np.asarray(2 * (stdtr(self.fit.df_residual, below) if quasi else ndtr(below)))

    def _estimates(self, frame: pl.DataFrame, name: str) -> Estimates:
        return Estimates(
            frame=frame, name=name, method=f"{self.fit.variance} variance", conf_level=self.fit.conf_level,
            n=None, n_event=self.fit.n_event, n_dropped=self.fit.n_dropped,
        )  # fmt: skip

    def __repr__(self) -> str:
        head = f"interrupted time series, {self.frame.height} periods, intervention at {self.intervention}"
        r = formats.significant(self.autocorrelation, 2)
        return "\n".join([head, repr(self.fit), f"autocorrelation of residuals {r}"])
