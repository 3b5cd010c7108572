"""The log-rank test and its weighted relatives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from scipy.special import chdtrc

from ..errors import DataError, counted, listed
from ..numerics import logrank as kernel
from ..numerics.logrank import EventTable
from ..options import Missing, TestWeight
from ..outcomes import Survival, read_survival
from ..results import HypothesisTest
from .comparison import compare_groups, group_sizes, never_together, stratified, warn_if_apart, weighting

if TYPE_CHECKING:
    from ..columns import Column, Columns


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LogRankTest(HypothesisTest):
    """A log-rank test with what it was computed from.

    Attributes
    ----------
    score
        Weighted observed less expected events, one per group.
    covariance
        The covariance of `score` under the hypothesis of equal hazards.
    z
        The signed root of the statistic where it has a sign: for two groups, positive if the second has more
        events than expected; for a trend, positive if events rise with the scores. Else None.
    """

    score: np.ndarray = field(default_factory=lambda: np.empty(0), repr=False)
    covariance: np.ndarray = field(default_factory=lambda: np.empty((0, 0)), repr=False)
    z: float | None = None


def logrank(
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
    scores: Sequence[float] | None = None,
    missing: Missing = "raise",
) -> LogRankTest:
    """Test that the hazard of the event is the same in every group of `by`.

    At each event time t of each stratum, the d events are compared with d n_j/n expected in group j, n_j of
    the n at risk being there; U_j sums w(t) times the differences, and U' V^- U is chi-squared on the number
    of groups less one, V being the hypergeometric covariance. Someone censored at t is at risk for an event
    at t; with delayed entry those with entry < t <= time are.

    Parameters
    ----------
    data, time, event, event_value, entry, id, missing
        As in `kaplan_meier`. A patient may have rows in several groups, one after the other.
    by
        The groups: one or several columns, each combination that occurs being a group.
    strata
        Compare within strata only: scores and covariances are summed over them, and the survival in the
        weights is the stratum's own.
    weights
        Whole-numbered case weights: weight 2 is two patients. Others are refused, as the hypergeometric
        variance does not hold for them.
    rho, gamma
        Fleming-Harrington weights S(t-)^rho (1 - S(t-))^gamma of the Kaplan-Meier estimate S of all groups
        together: (0, 0) is the log-rank test, rho=1 stresses early and gamma=1 late differences.
    test_weight
        Other weights: "gehan" n(t), "tarone-ware" the root of n(t), "peto-peto" the product up to and
        including t of 1 - d/(n + 1), "modified-peto" that times n/(n + 1), "modestly"
        1 / max(S(t-), S(t*-)).
    t_star
        The time t* of the modestly weighted test, up to which its weights rise.
    scores
        One number per group in sorted order, for a test of trend on 1 degree of freedom:
        (c'U)^2 / c'Vc.

    Returns
    -------
    LogRankTest
        `.statistic`, `.df`, `.p_value`; `.to_frame()` has `group`, `n`, `observed`, `expected` (both
        unweighted) and `score` (weighted); `.score`, `.covariance` and, for two groups or a trend, the
        signed `.z`.

    Raises
    ------
    DataError
        One group only, no events, groups never at risk together, weights that are not whole, `scores` of
        the wrong length or all equal, more than one kind of test weight, and as `kaplan_meier`.

    Warns
    -----
    DataWarning
        If some groups were never at risk with the others when somebody had the event: they are left out
        and the degrees of freedom are fewer (R's `survdiff` drops a group without expected events likewise).
        If a risk set empties early under delayed entry, so that weights by survival are 0 from there on.

    References
    ----------
    Klein JP, Moeschberger ML. Survival Analysis, 2nd ed. Springer 2003, sections 7.3-7.5. Fleming TR,
    Harrington DP. Counting Processes and Survival Analysis. Wiley 1991. Magirr D, Burman CF. Stat Med
    2019;38:3782-3790 (as in R's nphRCT, an event at t* itself does not lower S(t*-)).

    Examples
    --------
    >>> import hemresearch as hem
    >>> trial = hem.data.load("myeloid")
    >>> hem.survival.logrank(trial, time="futime", event="death", by="trt")
    log-rank test: statistic 9.59, df 1, p 0.001956
      A: n 317, observed 171, expected 143.5
      B: n 329, observed 149, expected 176.5
    hypergeometric variance
    """
    weigh = weighting(rho, gamma, test_weight, t_star)
    y = read_survival(
        data, time=time, event=event, event_value=event_value, entry=entry, id=id, by=by, strata=strata,
        weights=weights, missing=missing,
    )  # fmt: skip
    table = compare_groups(y)
    score, covariance = kernel.scores(table, weigh.weights(y, table))
    linked = kernel.linked_sets(covariance)
    if len(np.unique(linked)) == len(linked):
        raise never_together(y)
    c = None if scores is None else _read_scores(scores, y.group.labels())
    warn_if_apart(y, linked)
    test = _equality(score, covariance, linked) if c is None else _trend(y, score, covariance, c)
    return LogRankTest(
        name=weigh.name + (" for trend" if scores is not None else ""),
        statistic=test.statistic,
        df=float(test.df),
        p_value=float(chdtrc(test.df, test.statistic)),
        method="hypergeometric variance" + stratified(y),
        frame=_frame(y, table, score),
        n=int(group_sizes(y, whole=True).sum()),
        n_dropped=y.n_dropped,
        score=score,
        covariance=covariance,
        z=test.z,
    )


@dataclass(frozen=True, slots=True)
class _Test:
    statistic: float
    df: int
    z: float | None


def _equality(score: np.ndarray, covariance: np.ndarray, linked: np.ndarray) -> _Test:
    """All groups alike: chi-squared on the rank of the covariance."""
    z = float(score[1] / np.sqrt(covariance[1, 1])) if len(score) == 2 else None
    statistic = kernel.quadratic_form(score, covariance, linked)
    return _Test(statistic, len(score) - len(np.unique(linked)), z)


def _trend(y: Survival, score: np.ndarray, covariance: np.ndarray, c: np.ndarray) -> _Test:
    """A hazard that rises or falls with the scores of the groups."""
    total, variance = kernel.contrast(score, covariance, c)
    if variance <= 0:
        raise never_together(y)
    return _Test(total**2 / variance, 1, total / float(np.sqrt(variance)))


def _read_scores(scores: Any, labels: list[str]) -> np.ndarray:
    """One finite number per group, not all equal."""
    try:
        c = np.atleast_1d(np.asarray(scores, dtype=float))
    except (TypeError, ValueError):
        c = np.array([np.nan])
    if c.shape == (len(labels),) and np.isfinite(c).all() and (c != c[0]).any():
        return c
    raise DataError(
        f"{counted(c.size, 'score')} given for {len(labels)} groups"
        if c.shape != (len(labels),)
        else "the scores are all equal or not finite",
        argument="scores",
        expected=f"one finite number per group, not all equal, in the order {listed(labels, 12)}",
        remedy=f"scores={list(range(1, len(labels) + 1))}",
    )


def _frame(y: Survival, table: EventTable, score: np.ndarray) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "group": y.group.labels(),
            "n": group_sizes(y),
            "observed": table.n_event.sum(axis=1).astype(int),
            "expected": kernel.expected_events(table),
            "score": score,
        }
    )
