"""Gray's tests of every pair of groups, with p-values adjusted for their number."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from ..numerics.gray import gray_scores
from ..options import Missing, check_choice
from ..outcomes_competing import read_competing
from ..survival.comparison import group_sizes, stratified
from ..survival.pairwise import Adjustment, PairwiseTests, pairs_frame
from .gray_test import check_rho, compared, name_of

if TYPE_CHECKING:
    from ..columns import Column, Columns
    from ..numerics.logrank import EventTable


def pairwise_gray(
    data: Any,
    *,
    time: Column,
    event: Column,
    cause: Any,
    censored: Any = "default",
    by: Columns,
    strata: Columns = None,
    weights: Column | None = None,
    rho: float = 0.0,
    adjust: Adjustment = "holm",
    missing: Missing = "raise",
) -> PairwiseTests:
    """Test for each pair of groups of `by` that the cumulative incidence of an event is the same.

    Each pair is compared as if the other groups were not in the data. A pair says nothing about the question
    whether any groups differ: that is `gray_test`.

    Parameters
    ----------
    data, time, event, cause, censored, by, strata, weights, rho, missing
        As in `gray_test`.
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
        As `gray_test`.

    Warns
    -----
    DataWarning
        If the groups of a pair are never at risk together when somebody of them has the event: its statistic
        and p-values are null, and it does not count in the adjustment.

    References
    ----------
    Gray RJ. Ann Stat 1988;16:1141-1154. Holm S. Scand J Stat 1979;6:65-70. Benjamini Y, Hochberg Y. J R Stat
    Soc B 1995;57:289-300.

    Examples
    --------
    >>> import hemresearch as hem
    >>> transplant = hem.data.load("bmtcrr")
    >>> roles = {"time": "ftime", "event": "Status", "cause": 1, "by": "Phase"}
    >>> hem.competing.pairwise_gray(transplant, **roles).to_frame()["p_adjusted"].round(4).to_list()
    [1.0, 1.0, 0.0119, 1.0, 0.0254, 0.7514]
    """
    check_choice(adjust, Adjustment, argument="adjust")
    check_rho(rho)
    y = read_competing(
        data,
        time=time,
        event=event,
        censored=censored,
        by=by,
        strata=strata,
        weights=weights,
        missing=missing,
    )
    number, table = compared(y, cause)
    statistic = np.array([_statistic(table, pair, rho) for pair in combinations(range(len(y.group)), 2)])
    return PairwiseTests(
        frame=pairs_frame(y, statistic, adjust),
        name=name_of(y, number, rho),
        adjust=adjust,
        method="subdistribution risk sets" + stratified(y),
        n=int(group_sizes(y, whole=True).sum()),
        n_event=int(table.n_event[1::2].sum()),
        n_dropped=y.n_dropped,
    )


def _statistic(table: EventTable, pair: tuple[int, int], rho: float) -> float:
    """The chi-squared statistic of a pair, undefined (NaN) where its variance is 0."""
    rows = [2 * group + of_cause for group in pair for of_cause in (0, 1)]
    scores = gray_scores(table.of_groups(rows), rho)
    variance = scores.covariance[0, 0]
    return float(scores.score[0] ** 2 / variance) if variance > 0 else np.nan
