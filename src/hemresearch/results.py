"""What an analysis hands back: facts in tidy frames, never formatted text.

`Curves` are estimates along time, `Estimates` a table of numbers with limits, `HypothesisTest` a test,
`Fit` a regression. All are frozen and share a few methods; numbers become text in `formats`, at the very end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from . import formats
from .curves import SHOWN_GROUPS, Curves, Result, curves_frame
from .errors import counted
from .fits import Fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Comparisons", "Curves", "Estimates", "Fit", "HypothesisTest", "Result", "curves_frame"]


@dataclass(frozen=True, slots=True, eq=False)
class Estimates(Result):
    """A tidy table of estimates with standard errors, limits and, where one was tested, p-values."""

    frame: pl.DataFrame = field(repr=False)
    name: str
    method: str
    conf_level: float
    n: float | None  # None of a table of totals that does not say how many patients there were
    n_event: float
    n_dropped: int = 0
    time_unit: str | None = None

    def to_frame(self) -> pl.DataFrame:
        """One row per estimate."""
        return self.frame

    def summary(self) -> pl.DataFrame:
        """One row: what was estimated, n, events, exclusions, method and level."""
        return pl.DataFrame(
            {
                "name": [self.name],
                "n": [self.n],
                "n_event": [self.n_event],
                "n_dropped": [self.n_dropped],
                "method": [self.method],
                "conf_level": [self.conf_level],
            }
        )

    def text(self, *, decimals: int = 2) -> str:
        """A sentence with every estimate and its interval."""
        parts = [
            self._label(row)
            + formats.with_level(
                formats.interval(row["estimate"], row["conf_low"], row["conf_high"], decimals),
                self.conf_level,
            )
            + (f", {formats.p_value(row['p_value'])}" if row.get("p_value") is not None else "")
            for row in self.frame.iter_rows(named=True)
        ]
        return f"{self.name}: {'; '.join(parts)}"

    def _label(self, row: dict[str, Any]) -> str:
        """What a row is, unless it is the first and the name of the result has said so."""
        labels = _labels(row)
        only = next(iter(labels.values())) if len(labels) == 1 else None
        label = only if isinstance(only, str) and not only[-1:].isdigit() else _row_label(row)
        said = label == row.get("term") == self.frame["term"][0] and label in self.name.split()
        return "" if said or not label else f"{label} "

    def methods(self) -> str:
        """A sentence for the methods section: what was estimated, with which limits."""
        return (
            f"{self.name[:1].upper()}{self.name[1:]} was estimated with {formats.level(self.conf_level)} "
            f"confidence limits ({self.method})."
        )

    def __repr__(self) -> str:
        dropped = f", {self.n_dropped} rows with missing values left out" if self.n_dropped else ""
        lines = [_estimate_line(row) for row in self.frame.head(SHOWN_GROUPS).iter_rows(named=True)]
        left = self.frame.height - SHOWN_GROUPS
        more = [f"  ... and {counted(left, 'more row')}; to_frame() has all"] if left > 0 else []
        size = "" if self.n is None else f", n={formats.count(self.n)}"
        head = f"{self.name}{size}, events={formats.count(self.n_event)}{dropped}"
        return "\n".join([head, *lines, *more, f"{formats.level(self.conf_level)} limits: {self.method}"])


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Comparisons(Estimates):
    """Estimates that compare groups, or what was observed with what was expected: ratios or differences.

    `measure` is what they are; "" where the rows differ in that.
    """

    measure: str = ""

    def forest_frame(self) -> pl.DataFrame:
        """The rows of a forest plot: `label`, under a heading (`variable`) where two or more columns tell."""
        frame = self._in_words()
        if {"group", "reference"} <= set(frame.columns):
            names = pl.format("{} vs {}", "group", "reference")
            return frame.select(names.alias("label"), pl.exclude("group", "reference"))
        keys = [c for c in _labels(dict.fromkeys(frame.columns)) if c != "label"]
        words = [_key_text(row, keys) for row in frame.iter_rows(named=True)]
        shown = frame.select(pl.exclude(keys)).with_columns(label=pl.Series([w[-1] for w in words]))
        if len(keys) > 1:
            shown = shown.with_columns(variable=pl.Series([", ".join(w[:-1]) for w in words]))
        return shown

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """A forest plot; options as those of `hem.plots.draw_forest`."""
        from .plots import draw_forest

        difference = self.measure.endswith("difference")
        title = f"{self.name[:1].upper()}{self.name[1:]}"  # which has the unit of a difference
        own = {"log": False, "title": title} if difference else {}
        return draw_forest(self, ax=ax, **{**own, **options})

    def _in_words(self) -> pl.DataFrame:
        """The frame, of which a kind of result may show columns as words."""
        counts = {"observed": "n_event"} if "observed" in self.frame.columns else {}
        return self.frame.rename(counts)


@dataclass(frozen=True, slots=True, eq=False)
class HypothesisTest(Result):
    """A hypothesis test: what was tested, the statistic and its reference distribution."""

    name: str
    statistic: float
    df: float | None
    p_value: float
    method: str = ""
    frame: pl.DataFrame = field(default_factory=pl.DataFrame, repr=False)
    n: float = 0
    n_dropped: int = 0

    def to_frame(self) -> pl.DataFrame:
        """What the test was made of, one row per group (or per component)."""
        return self.frame

    def summary(self) -> pl.DataFrame:
        """One row: the test, its statistic, degrees of freedom, p-value, n and exclusions."""
        return pl.DataFrame(
            {
                "name": [self.name],
                "statistic": [self.statistic],
                "df": [self.df],
                "p_value": [self.p_value],
                "n": [self.n],
                "n_dropped": [self.n_dropped],
                "method": [self.method],
            }
        )

    def text(self) -> str:
        """A sentence: `log-rank test: chi-squared 5.27 on 1 df, p=0.022`."""
        kind = f"z {formats.number(self.statistic)}"
        if self.df is not None:
            kind = f"chi-squared {formats.number(self.statistic)} on {self.df:g} df"
        return f"{self.name}: {kind}, {formats.p_value(self.p_value)}"

    def methods(self) -> str:
        """A sentence for the methods section: the test and how it was computed."""
        how = f" ({self.method})" if self.method else ""
        article = "" if "'s " in self.name else "the "  # Gray's test needs none
        return f"Groups were compared by {article}{self.name}{how}."

    def __repr__(self) -> str:
        df = "" if self.df is None else f", df {self.df:g}"
        head = (
            f"{self.name}: statistic {formats.significant(self.statistic)}{df}, "
            f"p {formats.significant(self.p_value)}"
        )
        lines = [_estimate_line(row) for row in self.frame.head(SHOWN_GROUPS).iter_rows(named=True)]
        dropped = f"; {self.n_dropped} rows with missing values left out" if self.n_dropped else ""
        return "\n".join([head, *lines, f"{self.method}{dropped}"])


def _labels(row: dict[str, Any]) -> dict[str, Any]:
    """The columns of a row that say what it is, not how much."""
    values = {
        "n",
        "n_risk",
        "n_event",
        "n_censor",
        "observed",
        "expected",
        "estimate",
        "std_error",
        "statistic",
    }
    values |= {
        "person_time",
        "excess_rate",
        "dispersion",
        "score",
        "df",
        "mc_error",
        "p_value",
        "p_adjusted",
        "conf_low",
        "conf_high",
    }
    values |= {"concordant", "discordant", "tied_x", "tied_y", "tied_xy", "log_likelihood", "aic", "ipa"}
    return {k: v for k, v in row.items() if k not in values}


def _key_text(row: dict[str, Any], keys: list[str]) -> list[str]:
    """What each column says of a row: words by themselves, numbers with the name of their column."""
    texts = [str(row[key]) if isinstance(row[key], str) else f"{key}={row[key]}" for key in keys]
    return texts or ["All"]


def _row_label(row: dict[str, Any]) -> str:
    labels = _labels(row)
    if set(labels) in ({"term"}, {"group"}, {"model"}):
        return str(*labels.values())
    return ", ".join(str(v) if k == "term" else f"{k}={v:g}" if isinstance(v, float) else f"{k}={v}"
                     for k, v in labels.items())  # fmt: skip


def _estimate_line(row: dict[str, Any]) -> str:
    """One row of a result in a repr: its label, then every number with its name."""
    numbers = []
    if row.get("estimate") is not None or "estimate" in row:
        values = [formats.significant(row.get(k)) for k in ("estimate", "conf_low", "conf_high")]
        numbers.append(f"{values[0]} ({values[1]} to {values[2]})" if "conf_low" in row else values[0])
    names = {
        "n": "n",
        "observed": "observed",
        "expected": "expected",
        "log_likelihood": "log-likelihood",
        "statistic": "statistic",
        "mc_error": "Monte-Carlo standard error",
        "ipa": "IPA",
        "p_value": "p",
    }
    numbers += [
        f"{text} {formats.significant(row[k])}" for k, text in names.items() if row.get(k) is not None
    ]
    return f"  {_row_label(row) or 'all'}: {', '.join(numbers)}"
