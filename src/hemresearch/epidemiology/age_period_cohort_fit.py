"""The result of an age-period-cohort model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from .. import formats
from ..curves import Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

SHOWN = 3  # values of an effect in a repr: first, middle and last
WORDS = {"age": "rate", "period": "ratio", "cohort": "ratio"}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AgePeriodCohort(Result):
    """Rates by age, and rate ratios by period and by cohort.

    Attributes
    ----------
    frame
        The effects: `effect` ("age", "period", "cohort"), `value`, `estimate`, `conf_low`, `conf_high`. Those
        of age are rates per `per` person-time, those of period and cohort ratios.
    drift_frame
        The ratio of rates a unit of time apart: `model`, `estimate`, `conf_low`, `conf_high`.
    anova_frame
        The sequence of models, each tested against the one in the row before.
    knots
        Of each scale, where the effects are splines.
    reference
        The period and the cohort at which their effects are 1, where they were given.
    """

    frame: pl.DataFrame = field(repr=False)
    drift_frame: pl.DataFrame
    anova_frame: pl.DataFrame
    knots: dict[str, tuple[float, ...]]
    reference: dict[str, float]
    parametrization: str
    model: str
    deviance: float
    df_residual: int
    pearson: float
    log_likelihood: float
    n_rows: int
    n_event: int
    person_time: float
    per: float
    conf_level: float
    names: dict[str, str]
    n_dropped: int = 0
    time_unit: str | None = None

    def to_frame(self) -> pl.DataFrame:
        """The effects, one row for each value of each scale."""
        return self.frame

    def effect(self, name: str) -> pl.DataFrame:
        """The effect of "age", "period" or "cohort" alone: `value`, `estimate`, `conf_low`, `conf_high`."""
        return self.frame.filter(pl.col("effect") == name).drop("effect")

    def drift(self) -> pl.DataFrame:
        """The drift: `model`, `estimate`, `conf_low`, `conf_high`, ratios for one unit of time."""
        return self.drift_frame

    def anova(self) -> pl.DataFrame:
        """Deviances: `model`, `hypothesis`, df_residual, deviance, aic, statistic, df, p_value.

        Each row but the first tests, by likelihood ratio, the smaller of its model and that of the row before
        within the larger.
        """
        return self.anova_frame

    def summary(self) -> pl.DataFrame:
        """One row: rows, events, person-time, parametrization, fit and level."""
        return pl.DataFrame(
            {
                "name": ["age-period-cohort model"],
                "n_rows": [self.n_rows],
                "n_event": [self.n_event],
                "n_dropped": [self.n_dropped],
                "person_time": [self.person_time],
                "parametrization": [self.parametrization],
                "model": [self.model],
                "deviance": [self.deviance],
                "df_residual": [self.df_residual],
                "dispersion": [self.pearson / self.df_residual if self.df_residual else None],
                "log_likelihood": [self.log_likelihood],
                "conf_level": [self.conf_level],
            }
        )

    def text(self, *, decimals: int = 2) -> str:
        """A sentence on the drift, in percent a unit of time, and on the effects of period and cohort."""
        row = self.drift_frame.row(-1, named=True)
        change, low, high = (100 * (row[name] - 1) for name in ("estimate", "conf_low", "conf_high"))
        told = formats.with_level(formats.interval(change, low, high, decimals), self.conf_level)
        tests = {row["hypothesis"]: row["p_value"] for row in self.anova_frame.iter_rows(named=True)}
        return (
            f"percent change of rates per unit of time {told}; "
            f"cohort effect {formats.p_value(tests['cohort effect given drift'])}, "
            f"period effect {formats.p_value(tests['period effect given cohort'])}"
        )

    def methods(self) -> str:
        """A sentence for the methods section."""
        how = "natural splines" if self.model == "spline" else "a factor each"
        given = [f"{scale} {formats.significant(at, 6)}" for scale, at in self.reference.items()]
        reference = f", with reference {' and '.join(given)}" if given else ""
        return (
            f"Rates were modelled by age, period and cohort as {how} (Poisson regression; parametrization "
            f"{self.parametrization}{reference}), with {formats.level(self.conf_level)} confidence limits."
        )

    def plot(self, axes: Sequence[Axes] | None = None, **options: Any) -> Sequence[Axes]:
        """The three effects; options as those of `hem.plots.draw_age_period_cohort`."""
        from ..plots import draw_age_period_cohort

        return draw_age_period_cohort(self, axes=axes, **options)

    def __repr__(self) -> str:
        dropped = f", {self.n_dropped} rows with missing values left out" if self.n_dropped else ""
        head = f"age-period-cohort model ({self.parametrization}): {self.n_rows} cells, events={self.n_event}"
        lines = []
        for name in WORDS:
            rows = self.effect(name).rows(named=True)
            shown = [rows[0], rows[len(rows) // 2], rows[-1]]
            told = ", ".join(
                f"{formats.significant(row['estimate'])} at {formats.significant(row['value'], 6)}"
                for row in shown
            )
            lines.append(f"  {name}: {WORDS[name]} {told}")
        for row in self.drift_frame.iter_rows(named=True):
            numbers = [formats.significant(row[k], 5) for k in ("estimate", "conf_low", "conf_high")]
            lines.append(f"  drift ({row['model']}): {numbers[0]} ({numbers[1]} to {numbers[2]})")
        foot = f"deviance {formats.significant(self.deviance)} on {self.df_residual} df"
        return "\n".join([head + dropped, *lines, f"{foot}, {formats.level(self.conf_level)} limits"])
