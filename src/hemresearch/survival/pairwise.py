"""Log-rank tests of every pair of groups, with p-values adjusted for their number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from scipy.special import chdtrc

from .. import formats
from ..errors import counted, listed, warn
from ..numerics import logrank as kernel
from ..numerics.logrank import EventTable
from ..numerics.multiplicity import adjusted
from ..options import Missing, TestWeight, check_choice
from ..outcomes import Survival, read_survival
from ..results import Result
from .comparison import Weighting, compare_groups, group_sizes, stratified, weighting

if TYPE_CHECKING:
    from ..columns import Column, Columns

Adjustment = Literal["holm", "bh", "bonferroni", "none"]
NAMES = {
    "holm": "Holm",
    "bh": "Benjamini-Hochberg",
    "bonferroni": "Bonferroni",
    "none": "not adjusted",
}
SHOWN_PAIRS = 8


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PairwiseTests(Result):
    """One test per pair of groups, with adjusted p-values.

    Attributes
    ----------
    frame
        One row per pair: `group_1`, `group_2`, `statistic`, `df`, `p_value`, `p_adjusted`.
    adjust
        How the p-values were adjusted for the number of pairs.
    """

    frame: pl.DataFrame = field(repr=False)
    name: str
    adjust: str
    method: str
    n: int
    n_event: int
    n_dropped: int = 0

    def to_frame(self) -> pl.DataFrame:
        """One row per pair of groups."""
        return self.frame

    def summary(self) -> pl.DataFrame:
        """One row: the test, the number of pairs, the adjustment, n, events and exclusions."""
        return pl.DataFrame(
            {
                "name": [self.name],
                "n_pairs": [self.frame.height],
                "adjust": [self.adjust],
                "n": [self.n],
                "n_event": [self.n_event],
                "n_dropped": [self.n_dropped],
                "method": [self.method],
            }
        )

    def text(self) -> str:
        """A sentence: `log-rank test of each pair (Holm): 1 and 2 p=0.059; 1 and 3 p=0.13`."""
        pairs = [f"{a} and {b} {formats.p_value(p)}" for a, b, *_, p in self.frame.iter_rows()]
        return f"{self.name} of each pair ({NAMES[self.adjust]}): {'; '.join(pairs)}"

    def methods(self) -> str:
        """A sentence for the methods section: the test, and how its p-values were adjusted."""
        how = f" ({self.method})" if self.method else ""
        article = "" if "'s " in self.name else "the "  # Gray's test needs none
        adjustment = f"adjusted for their number ({NAMES[self.adjust]})"
        told = "not adjusted for their number" if self.adjust == "none" else adjustment
        return f"Pairs of groups were compared by {article}{self.name}{how}, with p-values {told}."

    def __repr__(self) -> str:
        lines = [
            f"  {a} and {b}: statistic {formats.significant(x)}, p {formats.significant(p)}, "
            f"adjusted {formats.significant(q)}"
            for a, b, x, _, p, q in self.frame.head(SHOWN_PAIRS).iter_rows()
        ]
        left = self.frame.height - SHOWN_PAIRS
        more = [f"  and {left} more"] if left > 0 else []
        dropped = f"; {self.n_dropped} rows with missing values left out" if self.n_dropped else ""
        head = f"{self.name} of each pair: n={self.n}, events={self.n_event}"
        adjustment = f"p-values: {NAMES[self.adjust]}; {self.method}{dropped}"
        return "\n".join([head, *lines, *more, adjustment])


def pairwise_logrank(
    data: Any,
    *,
    time: Column,
    event: Column,
    by: Columns,
    event_value: Any = None,
    entry: Column | None = None,
    id: Column | None = None,
    strata: Columns = None,
    weights: Column | None = None,
    rho: float = 0.0,
    gamma: float = 0.0,
    test_weight: TestWeight | None = None,
    t_star: float | None = None,
    adjust: Adjustment = "holm",
    missing: Missing = "raise",
) -> PairwiseTests:
    """Test for each pair of groups of `by` that their hazards of the event are the same.

    Each pair is compared as if the other groups were not in the data (the survival in a weighted test is
    that of the pair). A pair says nothing about the question whether any groups differ: that is `logrank`.

    Parameters
    ----------
    data, time, event, event_value, entry, id, by, strata, weights, rho, gamma, test_weight, t_star, missing
        As in `logrank`.
    adjust
        For the number of pairs: "holm" and "bonferroni" bound the chance of any false finding, "bh" the
        expected share of false ones among the findings; "none" leaves the p-values alone.

    Returns
    -------
    PairwiseTests
        `.to_frame()` has `group_1`, `group_2`, `statistic`, `df`, `p_value` and `p_adjusted`.

    Raises
    ------
    DataError
        As `logrank`.

    Warns
    -----
    DataWarning
        If the groups of a pair are never at risk together when somebody but not everybody of them has the
        event: its statistic and p-values are null, and it does not count in the adjustment.

    References
    ----------
    Holm S. Scand J Stat 1979;6:65-70. Benjamini Y, Hochberg Y. J R Stat Soc B 1995;57:289-300.

    Examples
    --------
    >>> import hemresearch as hem
    >>> transplant = hem.data.load("kmsurv_bmt")
    >>> hem.survival.pairwise_logrank(transplant, time="t2", event="d3", by="group")
    log-rank test of each pair: n=137, events=83
      1 and 2: statistic 4.73, p 0.02964, adjusted 0.05929
      1 and 3: statistic 2.272, p 0.1317, adjusted 0.1317
      2 and 3: statistic 13.45, p 0.0002456, adjusted 0.0007368
    p-values: Holm; hypergeometric variance
    """
    check_choice(adjust, Adjustment, argument="adjust")
    weigh = weighting(rho, gamma, test_weight, t_star)
    y = read_survival(
        data, time=time, event=event, event_value=event_value, entry=entry, id=id, by=by, strata=strata,
        weights=weights, missing=missing,
    )  # fmt: skip
    table = compare_groups(y)
    frame = pairs_frame(y, np.array(list(_statistics(y, table, weigh))), adjust)
    return PairwiseTests(
        frame=frame,
        name=weigh.name,
        adjust=adjust,
        method="hypergeometric variance" + stratified(y),
        n=int(group_sizes(y, whole=True).sum()),
        n_event=int(table.n_event.sum()),
        n_dropped=y.n_dropped,
    )


def _statistics(y: Survival, table: EventTable, weigh: Weighting) -> Iterator[float]:
    """The chi-squared statistic of each pair, undefined (NaN) where its variance is 0."""
    for pair in combinations(range(len(table.n_risk)), 2):
        of_pair = table.of_groups(list(pair))
        score, covariance = kernel.scores(of_pair, weigh.weights(y, of_pair))
        variance = covariance[0, 0]
        yield float(score[0] ** 2 / variance) if variance > 0 else np.nan


def pairs_frame(y: Survival, statistic: np.ndarray, adjust: str) -> pl.DataFrame:
    """One row per pair of groups; the p-value of an undefined (NaN) statistic is null, with a warning."""
    labels = y.group.labels()
    first, second = zip(*combinations(labels, 2), strict=True)
    undefined = np.isnan(statistic)
    if undefined.any():
        pairs = [f"{first[i]!r} and {second[i]!r}" for i in np.flatnonzero(undefined)]
        warn(
            f"has {counted(len(pairs), 'pair')} of groups ({listed(pairs)}) never at risk together when "
            "somebody but not everybody of the two had the event; the p-values are null",
            argument="by",
            column=y.names["by"],
            expected="groups that are at risk at the same times (and in the same strata)",
            remedy="data.filter(...) to the groups that can be compared",
        )
    p = np.where(undefined, np.nan, chdtrc(1, np.where(undefined, 0.0, statistic)))
    columns = {
        "group_1": first, "group_2": second, "statistic": statistic, "df": np.where(undefined, np.nan, 1.0),
        "p_value": p, "p_adjusted": adjusted(p, adjust),
    }  # fmt: skip
    return pl.DataFrame(columns).with_columns(pl.col(pl.Float64).fill_nan(None))
