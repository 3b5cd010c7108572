"""What a screen hands back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from .. import formats
from ..curves import Result
from ..errors import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN = 5
RATIOS = {"cox": "hazard ratio", "fine-gray": "subdistribution hazard ratio", "logrank": None}
MODELS = {
    "cox": "Cox models of one feature each",
    "fine-gray": "Fine-Gray models of one feature each",
    "logrank": "log-rank tests of one feature each",
}
TESTS = {
    "likelihood-ratio": "likelihood-ratio tests",
    "wald": "Wald tests",
    "score": "score tests",
    "log-rank": "log-rank tests",
}
ADJUSTMENTS = {
    "bh": "q-values by Benjamini and Hochberg",
    "by": "q-values by Benjamini and Yekutieli",
    "storey": "q-values by Storey",
    "holm": "p-values adjusted by Holm",
    "bonferroni": "p-values adjusted by Bonferroni",
    "none": "p-values not adjusted",
}


@dataclass(frozen=True, slots=True)
class Size:
    """Rows and events of a screen (of a feature with missing values fewer), and rows left out of it."""

    n: int
    n_event: int
    n_dropped: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Screen(Result):
    """The association of each of many features with an outcome.

    Attributes
    ----------
    frame
        One row per feature, in the order given.
    method, test, ties, adjust
        The model, its test, the rule for ties, and how q-values were made.
    size
        How many rows and events there were.
    setting
        What else there was in every model, in words.
    """

    frame: pl.DataFrame = field(repr=False)
    method: str
    test: str
    ties: str | None
    adjust: str
    conf_level: float
    size: Size
    setting: str = ""

    def to_frame(self, *, exponentiate: bool = False) -> pl.DataFrame:
        """One row per feature; with `exponentiate` hazard ratios instead of their logarithms."""
        if not exponentiate:
            return self.frame
        return self.frame.with_columns(pl.col("estimate", "conf_low", "conf_high").exp()).drop("std_error")

    @property
    def headers(self) -> dict[str, str]:
        """What a table calls the columns."""
        ratio = RATIOS[self.method]
        return {"estimate": formats.SHORT.get(ratio, ratio)} if ratio else {}

    def tabled(self) -> pl.DataFrame:
        """What a table shows: ratios, and no column that says the same of all features."""
        ratios = RATIOS[self.method] is not None
        frame = self.to_frame(exponentiate=ratios)
        same = [name for name in ("df", "status") if set(frame[name]) <= {1.0, "ok"}]
        numbers = ["estimate", "std_error", "conf_low", "conf_high"]
        return frame.drop(*same, *(["statistic"] if ratios else numbers))

    def top(self, n: int = 10, *, exponentiate: bool = False) -> pl.DataFrame:
        """The features with the smallest p-values; of equal ones the first."""
        frame = self.to_frame(exponentiate=exponentiate)
        return frame.sort("p_value", nulls_last=True, maintain_order=True).head(n)

    def summary(self) -> pl.DataFrame:
        """One row: how many features, with an estimate, with q below 0.05; model, test and adjustment."""
        return pl.DataFrame(
            {
                "n": [self.size.n],
                "n_event": [self.size.n_event],
                "n_dropped": [self.size.n_dropped],
                "n_features": [self.frame.height],
                "n_estimated": [int((self.frame["status"] == "ok").sum())],
                "n_q_below_0.05": [int((self.frame["q_value"] < 0.05).sum())],
                "method": [self.method],
                "test": [self.test],
                "adjust": [self.adjust],
                "conf_level": [self.conf_level],
            }
        )

    def text(self, *, q: float = 0.05) -> str:
        """A sentence: how many of the features have a q-value below a bound."""
        found = int((self.frame["q_value"] < q).sum())
        return f"{found} of {counted(self.frame.height, 'feature')} had {self._kind()} below {q:g}"

    def methods(self) -> str:
        """A sentence for the methods section."""
        return (
            f"The association of {counted(self.frame.height, 'feature')} with the outcome was examined in "
            f"{formats.count(self.size.n)} patients with {formats.count(self.size.n_event)} events by "
            f"{MODELS[self.method]}{self.setting} ({self._details()})."
        )

    def _kind(self) -> str:
        return {"none": "a p-value", "holm": "an adjusted p-value", "bonferroni": "an adjusted p-value"}.get(
            self.adjust, "a q-value"
        )

    def _details(self) -> str:
        ties = [] if self.ties is None else [f"{self.ties.capitalize()} ties"]
        tests = [] if self.method == "logrank" else [TESTS[self.test]]
        return ", ".join([*ties, *tests, ADJUSTMENTS[self.adjust]])

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw a volcano plot, see `hem.plots.draw_volcano`."""
        from ..plots import draw_volcano

        return draw_volcano(self, ax=ax, **options)

    def __repr__(self) -> str:
        rows = [self._line(row) for row in self.top(SHOWN).iter_rows(named=True)]
        left = self.frame.height - SHOWN
        more = [f"  and {left} more"] if left > 0 else []
        size, dropped = self.size, f"{formats.count(self.size.n_dropped)} rows with missing values left out"
        head = (
            f"{MODELS[self.method]}{self.setting}: {counted(self.frame.height, 'feature')}, "
            f"n={formats.count(size.n)}, events={formats.count(size.n_event)}"
            + (f", {dropped}" if size.n_dropped else "")
        )
        return "\n".join([head, *rows, *more, self._details()])

    def _line(self, row: dict[str, Any]) -> str:
        p = f"p {formats.significant(row['p_value'])}, q {formats.significant(row['q_value'])}"
        if row["status"] not in ("ok", "infinite"):
            return f"  {row['feature']}: {row['status']}"
        if row["estimate"] is None:
            return f"  {row['feature']}: {p}"
        estimate = f"log {RATIOS[self.method]} {formats.significant(row['estimate'])}"
        return f"  {row['feature']}: {estimate}, {p}"
