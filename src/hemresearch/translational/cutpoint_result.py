"""What a search for a cut hands back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from .. import formats
from ..curves import Result
from ..errors import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CORRECTIONS = {
    "normal": "multivariate normal",
    "permutation": "by permutations",
    "hothorn-lausen": "bound by Hothorn and Lausen",
    "lausen-1994": "improved Bonferroni bound",
    "lausen-1992": "limit by Lausen and Schumacher",
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Cutpoint(Result):
    """The cut of a marker that was found, and what is to be thought of it.

    Attributes
    ----------
    frame
        One row per cut that was tried: cut, n_low (at or below), n_high, and the standardised log-rank
        `statistic`, positive where those above the cut do worse.
    score
        The column of the marker.
    cut, statistic
        The cut with the largest absolute statistic (of equal ones the lowest), and that statistic.
    p_value
        Corrected for the search, by `correction`.
    p_uncorrected
        What a cut fixed beforehand would have had.
    critical
        The statistic that chance exceeds in 1 - conf_level of such searches; None with "hothorn-lausen".
    hazard_ratio, conf_low, conf_high
        Of those above the cut, as if it had been fixed beforehand: too far from 1. Limits are None where the
        estimate is infinite or 0.
    """

    frame: pl.DataFrame = field(repr=False)
    score: str
    cut: float
    statistic: float
    p_value: float
    p_uncorrected: float
    critical: float | None
    correction: str
    hazard_ratio: float | None
    conf_low: float | None
    conf_high: float | None
    conf_level: float
    n: int
    n_event: int
    n_dropped: int

    @property
    def headers(self) -> dict[str, str]:
        """What a table calls the columns."""
        return {"estimate": "HR", "p_value": "p, corrected", "p_uncorrected": "p, uncorrected"}

    @property
    def note(self) -> str:
        """What stands below a table."""
        return (
            f"The cut of {self.score} was chosen for its log-rank statistic, of {self.frame.height} cuts; "
            "HR: hazard ratio above the cut, not corrected for the choice and too far from 1."
        )

    def tabled(self) -> pl.DataFrame:
        """What a table shows: the cut that was found, not all that were tried."""
        found = self.frame.filter(cut=self.cut).select("cut", "n_low", "n_high")
        ratio = {"estimate": self.hazard_ratio, "conf_low": self.conf_low, "conf_high": self.conf_high}
        tests = {"p_value": self.p_value, "p_uncorrected": self.p_uncorrected}
        return found.with_columns(pl.lit(v, dtype=pl.Float64).alias(k) for k, v in (ratio | tests).items())

    def to_frame(self) -> pl.DataFrame:
        """One row per cut: cut, n_low, n_high, statistic."""
        return self.frame

    def summary(self) -> pl.DataFrame:
        """One row: the cut, its statistic and p-values, the hazard ratio, which is marked as optimistic."""
        names = ("n", "n_event", "n_dropped", "cut", "statistic", "p_value", "p_uncorrected", "critical",
                 "hazard_ratio", "conf_low", "conf_high", "correction", "conf_level")  # fmt: skip
        return pl.DataFrame(
            {"score": [self.score], **{name: [getattr(self, name)] for name in names}}
        ).with_columns(n_cuts=pl.lit(self.frame.height), optimistic=pl.lit(True))

    def text(self, *, decimals: int = 2) -> str:
        """A sentence: the cut, the corrected p-value, and the hazard ratio with its caution."""
        low, high = self._sizes()
        ratio = formats.ratio(self.hazard_ratio, self.conf_low, self.conf_high, decimals)
        return (
            f"Of {counted(self.frame.height, 'cut')} of {self.score} the one above "
            f"{formats.significant(self.cut)} ({low} patients at or below, {high} above) had the largest "
            f"log-rank statistic ({formats.p_value(self.p_value)}, corrected for the search); the hazard "
            f"ratio of {formats.with_level(ratio, self.conf_level)} is not corrected and too far from 1"
        )

    def methods(self) -> str:
        """A sentence for the methods section."""
        lowest, highest = (formats.significant(v) for v in (self.frame["cut"].min(), self.frame["cut"].max()))  # type: ignore[arg-type]
        return (
            f"The cut of {self.score} was chosen by the largest log-rank statistic of "
            f"{counted(self.frame.height, 'cut')} from {lowest} to {highest}; its p-value is corrected for "
            f"the search ({CORRECTIONS[self.correction]})."
        )

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the statistic along the cuts, see `hem.plots.draw_cutpoint`."""
        from ..plots import draw_cutpoint

        return draw_cutpoint(self, ax=ax, **options)

    def _sizes(self) -> tuple[int, int]:
        row = self.frame.filter(pl.col("cut") == self.cut).row(0, named=True)
        return row["n_low"], row["n_high"]

    def __repr__(self) -> str:
        show = formats.significant
        low, high = self._sizes()
        dropped = f", {self.n_dropped} rows with missing values left out" if self.n_dropped else ""
        limits = "" if self.conf_low is None else f" ({show(self.conf_low)} to {show(self.conf_high)})"
        ratio = "not estimated" if self.hazard_ratio is None else show(self.hazard_ratio) + limits
        far = "large" if self.hazard_ratio is None or self.hazard_ratio > 1 else "small"
        lowest, highest = (show(v) for v in (self.frame["cut"].min(), self.frame["cut"].max()))  # type: ignore[arg-type]
        return "\n".join(
            [
                f"Cut of {self.score} by the largest log-rank statistic: above {show(self.cut)}, "
                f"n={self.n}, events={self.n_event}{dropped}",
                f"  {counted(self.frame.height, 'cut')} between {lowest} and {highest}: |z| "
                f"{show(self.statistic)}, p {show(self.p_value)} (uncorrected {show(self.p_uncorrected)})",
                f"  {low} at or below, {high} above: hazard ratio {ratio}, too {far} by the search",
                f"p: {CORRECTIONS[self.correction]}; {formats.level(self.conf_level)} limits: Wald, "
                "uncorrected",
            ]
        )
