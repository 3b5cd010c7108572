"""Gray's test of equal cumulative incidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from scipy.special import chdtrc

from ..numerics.gray import GrayScores, cause_table, gray_scores
from ..numerics.logrank import EventTable, linked_sets, quadratic_form
from ..options import Missing, check_number
from ..outcomes import require_whole_weights
from ..outcomes_competing import Competing, read_competing
from ..results import HypothesisTest
from ..survival.comparison import group_sizes, never_together, refuse_one_group, stratified, warn_if_apart

if TYPE_CHECKING:
    from ..columns import Column, Columns

ALONE = "cumulative_incidence(...) for the incidence in one group"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GrayTest(HypothesisTest):
    """Gray's test with what it was computed from.

    Attributes
    ----------
    cause
        The event whose incidence is compared.
    score
        Weighted observed less expected events, one per group.
    covariance
        The covariance of `score` under the hypothesis of equal incidence.
    """

    cause: Any = None
    score: np.ndarray = field(default_factory=lambda: np.empty(0), repr=False)
    covariance: np.ndarray = field(default_factory=lambda: np.empty((0, 0)), repr=False)


def gray_test(
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
    missing: Missing = "raise",
) -> GrayTest:
    """Test that the cumulative incidence of one event is the same in every group of `by`.

    The log-rank test of the subdistribution: who had another event stays in the risk set, as far as not
    censored meanwhile, so that what is compared is how many have had the event by each time, and not the
    hazard among those still free of any event. A treatment that only hastens the competing event lowers this
    incidence; `hem.survival.logrank` on the event alone would not see it.

    Parameters
    ----------
    data
        Any table with one row per patient.
    time, event
        Follow-up in any one unit, and the label of what ended it.
    cause, censored
        The label of the event of interest, and that of no event (0 for integers and "censored" for text,
        unless given); every other label competes.
    by
        The groups: one or several columns, each combination that occurs being a group.
    strata
        Compare within strata only: scores and covariances are summed over them.
    weights
        Whole-numbered case weights: weight 2 is two patients.
    rho
        Weights (1 - F(t-))^rho of the events, F being the common incidence: 0 for equal weights, above 0 for
        early differences.
    missing
        "raise" names what is missing; "drop" leaves those rows out and counts them.

    Returns
    -------
    GrayTest
        `.statistic`, `.df`, `.p_value`; `.to_frame()` has `group`, `n`, `observed`, `expected` (unweighted)
        and `score` (weighted).

    Raises
    ------
    DataError
        One group only, a cause that does not occur, groups never at risk together, weights that are not
        whole, a negative rho.

    Warns
    -----
    DataWarning
        If some groups were never at risk with the others: they are left out, with fewer degrees of freedom.

    Notes
    -----
    As cmprsk's `cuminc`. Patients with delayed entry have no place in this test.

    References
    ----------
    Gray RJ. Ann Stat 1988;16:1141-1154.

    Examples
    --------
    >>> import hemresearch as hem
    >>> transplant = hem.data.load("bmtcrr")
    >>> roles = {"time": "ftime", "event": "Status", "cause": 1, "by": "D"}
    >>> hem.competing.gray_test(transplant, **roles)
    Gray's test of Status 1: statistic 2.862, df 1, p 0.09068
      ALL: n 73, observed 28, expected 21.79
      AML: n 104, observed 28, expected 34.21
    subdistribution risk sets
    """
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
    scores = gray_scores(table, rho)
    linked = linked_sets(scores.covariance)
    if len(np.unique(linked)) == len(linked):
        raise never_together(y)
    warn_if_apart(y, linked)
    df = len(linked) - len(np.unique(linked))
    statistic = quadratic_form(scores.score, scores.covariance, linked)
    return GrayTest(
        name=name_of(y, number, rho),
        statistic=statistic,
        df=float(df),
        p_value=float(chdtrc(df, statistic)),
        method="subdistribution risk sets" + stratified(y),
        frame=_frame(y, scores),
        n=int(group_sizes(y, whole=True).sum()),
        n_dropped=y.n_dropped,
        cause=y.causes[number - 1],
        score=scores.score,
        covariance=scores.covariance,
    )


def compared(y: Competing, cause: Any) -> tuple[int, EventTable]:
    """The number of the cause, and the counts that its incidence is compared by."""
    refuse_one_group(y, ALONE)
    require_whole_weights(y, "Gray's test")
    number = y.one_number(cause)
    of_cause = y.cause == number
    return number, cause_table(
        y.time, of_cause, y.event & ~of_cause, y.group.code, len(y.group), weight=y.weight,
        stratum=y.stratum.code if len(y.stratum) > 1 else None,
    )  # fmt: skip


def name_of(y: Competing, number: int, rho: float) -> str:
    """`Gray's test of relapse (rho=1)`; a number as label tells nothing without its column."""
    label = y.causes[number - 1]
    told = label if isinstance(label, str) else f"{y.names['event']} {label}"
    return f"Gray's test of {told}" + (f" (rho={rho:g})" if rho else "")


def check_rho(rho: float) -> None:
    """Refuse a power below 0."""
    check_number(rho, argument="rho", at_least=0, expected="a power of 0 or more", example=1.0)


def _frame(y: Competing, scores: GrayScores) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "group": y.group.labels(),
            "n": group_sizes(y),
            "observed": scores.observed.astype(int),
            "expected": scores.expected,
            "score": scores.score,
        }
    )
