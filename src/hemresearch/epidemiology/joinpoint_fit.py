"""The result of a trend in segments."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .. import formats
from ..curves import Result
from ..errors import DataError
from ..options import check_number
from ..results import Estimates
from .trend import percent_change

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CHOSEN = {
    "bic": "chosen by BIC",
    "permutation": "chosen by permutation tests",
    "given number": "of given number",
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class JoinpointTrend(Result):
    """A trend of rates in segments.

    Attributes
    ----------
    frame
        The segments: `start`, `end`, `estimate` (annual percent change), statistic, df, p_value and limits.
    joinpoint_frame
        Each joinpoint with its limits.
    selection_frame
        What their number was chosen by.
    fitted_frame
        Years with the rate that was observed and that of the line.
    slope, cov
        Slopes of the log rate in each segment, and their covariance.
    df
        Years less two for each segment.
    """

    frame: pl.DataFrame = field(repr=False)
    joinpoint_frame: pl.DataFrame
    selection_frame: pl.DataFrame
    fitted_frame: pl.DataFrame
    slope: np.ndarray
    cov: np.ndarray
    df: int
    method: str
    is_weighted: bool
    n_event: float
    conf_level: float
    n_dropped: int = 0

    def to_frame(self) -> pl.DataFrame:
        """One row per segment, with its annual percent change."""
        return self.frame

    def joinpoints(self) -> pl.DataFrame:
        """One row per joinpoint: `estimate`, `conf_low`, `conf_high`, in years."""
        return self.joinpoint_frame

    def selection(self) -> pl.DataFrame:
        """BIC of each number of joinpoints, or the permutation tests in their order."""
        return self.selection_frame

    def fitted(self) -> pl.DataFrame:
        """Years, rates observed, and rates of the line (`estimate`)."""
        return self.fitted_frame

    def average(self, start: float | None = None, end: float | None = None) -> Estimates:
        """Average annual percent change from one year to another, default the whole period.

        The slopes of the segments, weighted by their lengths within the period; limits are normal, but from
        the t distribution of its segment where the period lies in one.

        Raises
        ------
        DataError
            A period that is empty or reaches beyond the data.
        """
        first, last = self.frame["start"][0], self.frame["end"][-1]
        period = [first if start is None else start, last if end is None else end]
        for name, value in zip(("start", "end"), period, strict=True):
            check_number(value, argument=name, expected="a year", example=float(first))
        if not first <= period[0] < period[1] <= last:
            raise DataError(
                f"{period[0]:g} to {period[1]:g} was asked for",
                argument="start",
                expected=f"a period within {first:g} to {last:g}",
                remedy=f"average({first:g}, {last:g})",
            )
        starts, ends = self.frame["start"].to_numpy(), self.frame["end"].to_numpy()
        length = np.clip(np.minimum(ends, period[1]) - np.maximum(starts, period[0]), 0.0, None)
        share = length / length.sum()
        df = self.df if (share > 0).sum() == 1 else np.inf
        found = percent_change(share @ self.slope, share @ self.cov @ share, df, self.conf_level)
        return Estimates(
            frame=pl.DataFrame({"start": [float(period[0])], "end": [float(period[1])]}).hstack(
                pl.DataFrame([found]).drop("df")
            ),
            name="average annual percent change",
            method="normal, joinpoints as found" if np.isinf(df) else "t distribution, joinpoints as found",
            conf_level=self.conf_level,
            n=None,
            n_event=self.n_event,
            n_dropped=self.n_dropped,
        )

    def summary(self) -> pl.DataFrame:
        """One row: years, segments, how their number was chosen, and level."""
        return pl.DataFrame(
            {
                "name": ["joinpoint trend"],
                "n_years": [self.fitted_frame.height],
                "n_event": [self.n_event],
                "n_dropped": [self.n_dropped],
                "n_joinpoints": [self.joinpoint_frame.height],
                "method": [self.method],
                "conf_level": [self.conf_level],
            }
        )

    def text(self, *, decimals: int = 1) -> str:
        """A sentence with the annual percent change of each segment."""
        parts = [self._told(row, decimals) for row in self.frame.iter_rows(named=True)]
        return f"annual percent change: {'; '.join(parts)}"

    def methods(self) -> str:
        """A sentence for the methods section."""
        weights = "weighted " if self.is_weighted else ""
        return (
            f"Trends were described by annual percent changes from {weights}log-linear joinpoint regression, "
            f"with joinpoints {CHOSEN[self.method]} and {formats.level(self.conf_level)} confidence limits."
        )

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """The rates and the line; options as those of `hem.plots.draw_trend`."""
        from ..plots import draw_trend

        return draw_trend(self, ax=ax, **options)

    def _told(self, row: dict[str, Any], decimals: int) -> str:
        change = formats.interval(row["estimate"], row["conf_low"], row["conf_high"], decimals)
        years = f"{row['start']:g}–{row['end']:g}"
        return f"{years} {formats.with_level(change, self.conf_level)}, {formats.p_value(row['p_value'])}"

    def __repr__(self) -> str:
        years, n = self.fitted_frame.height, self.joinpoint_frame.height
        dropped = f", {self.n_dropped} rows with missing values left out" if self.n_dropped else ""
        head = (
            f"trend over {years} years, {n} joinpoint{'' if n == 1 else 's'} {CHOSEN[self.method]}{dropped}"
        )
        lines = []
        for row in self.frame.iter_rows(named=True):
            numbers = [formats.significant(row[k]) for k in ("estimate", "conf_low", "conf_high")]
            lines.append(
                f"  {row['start']:g} to {row['end']:g}: {numbers[0]}% a year ({numbers[1]} to {numbers[2]}), "
                f"p {formats.significant(row['p_value'])}"
            )
        near = [f"{a:g} ({b:g} to {c:g})" for a, b, c in self.joinpoint_frame.iter_rows()]
        foot = [f"joinpoints: {', '.join(near)}"] if near else []
        return "\n".join([head, *lines, *foot, f"{formats.level(self.conf_level)} limits"])
