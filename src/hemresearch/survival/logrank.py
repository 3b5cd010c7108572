"""The log-rank test and its weighted relatives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from scipy.special import chdtrc

from ..errors import DataError, listed, warn
from ..numerics import logrank as kernel
from ..numerics.logrank import EventTable
from ..options import Missing, TestWeight, check_choice, check_number
from ..outcomes import Survival, read_survival
from ..results import HypothesisTest

if TYPE_CHECKING:
    from ..columns import Column, Columns

NAMES = {
    "gehan": "Gehan-Breslow test",
    "tarone-ware": "Tarone-Ware test",
    "peto-peto": "Peto-Peto test",
    "modified-peto": "modified Peto-Peto test",
}


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
    score, covariance = kernel.scores(table, weigh.weights(table))
    test = _trend(y, scores, score, covariance) if scores is not None else _equality(y, score, covariance)
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


# ---- what the tests of this family share


@dataclass(frozen=True, slots=True)
class Weighting:
    """The name of a test and its weight at each event time."""

    name: str
    kernel: Callable[[EventTable], np.ndarray]
    remedy: str = "rho=0, gamma=0"
    argument: str = "rho"

    def weights(self, table: EventTable) -> np.ndarray:
        """The weights, refused where they are not finite."""
        weight = self.kernel(table)
        if np.isfinite(weight).all():
            return weight
        raise DataError(
            f"gives the {self.name} infinite weights: survival of all groups has fallen to 0 before",
            argument=self.argument,
            expected="a time at which survival is above 0",
            remedy=self.remedy,
        )


def weighting(rho: float, gamma: float, test_weight: str | None, t_star: float | None) -> Weighting:
    """The weighting that the arguments of a test ask for."""
    for name, value in (("rho", rho), ("gamma", gamma)):
        check_number(value, argument=name, at_least=0, expected="a power of 0 or more", example=1.0)
    if test_weight is None:
        _refuse_t_star(t_star)
        return Weighting(
            _fleming_harrington_name(rho, gamma), lambda t: kernel.fleming_harrington(t, rho, gamma)
        )
    check_choice(test_weight, TestWeight, argument="test_weight")
    if rho or gamma:
        raise DataError(
            f"{test_weight!r} was given together with rho={rho:g}, gamma={gamma:g}",
            argument="test_weight",
            expected="one kind of weight",
            remedy=f"test_weight=None, rho={rho:g}, gamma={gamma:g}",
        )
    if test_weight != "modestly":
        _refuse_t_star(t_star)
        return Weighting(NAMES[test_weight], kernel.WEIGHTS[test_weight])
    at = check_number(
        t_star, argument="t_star", above=0, example=12.0,
        expected="the time up to which the weights of the modestly weighted test rise",
    )  # fmt: skip
    return Weighting(
        f"modestly weighted log-rank test (t*={at:g})", lambda t: kernel.modest(t, at),
        argument="t_star", remedy=f"t_star={at / 2:g}",
    )  # fmt: skip


def compare_groups(y: Survival) -> EventTable:
    """The counts by group at the event times, once it is clear that there is something to compare."""
    refuse_one_group(y)
    if not y.event.any():
        raise DataError(
            "holds no events, so the groups cannot be compared",
            argument="event",
            column=y.names["event"],
            expected="at least one event",
            remedy="event_value=... with the value that means the event, if it is coded otherwise",
        )
    if y.weight is not None:
        _refuse_broken_weights(y)
    return kernel.event_table(
        y.time, y.event, y.group.code, len(y.group), entry=y.entry, weight=y.weight,
        stratum=y.stratum.code if len(y.stratum) > 1 else None,
    )  # fmt: skip


def refuse_one_group(y: Survival) -> None:
    """A comparison needs two groups."""
    if len(y.group) < 2:
        raise DataError(
            "holds one group only, so there is nothing to compare",
            argument="by",
            column=y.names.get("by"),
            expected="at least two groups",
            remedy="kaplan_meier(...) for the survival of one group",
        )


def group_sizes(y: Survival, *, whole: bool = False) -> np.ndarray:
    """Patients in each group (distinct ids, else the sum of weights, else rows); or in all, as one number."""
    code, n = (np.zeros_like(y.group.code), 1) if whole else (y.group.code, len(y.group))
    if y.patient is None:
        return np.bincount(code, y.weight, n).astype(int)
    patients = int(y.patient.max()) + 1
    return np.bincount(np.unique(code * patients + y.patient) // patients, minlength=n)


def warn_if_apart(y: Survival, linked: np.ndarray) -> None:
    """Say which groups were never at risk together with the others at an event."""
    sets, size = np.unique(linked, return_counts=True)
    if len(sets) == 1:
        return
    largest = sets[np.argmax(size)]
    apart = linked != largest
    labels = y.group.labels()
    named = listed(repr(labels[g]) for g in np.flatnonzero(apart))
    warn(
        f"has groups ({named}) that were never at risk together with the others when somebody had the event; "
        f"the test has {int(size.sum()) - len(sets)} instead of {len(labels) - 1} degrees of freedom",
        argument="by",
        column=y.names["by"],
        rows=y.positions(apart[y.group.code]),
        expected="groups that are at risk at the same times (and in the same strata)",
        remedy="data.filter(...) without these groups",
    )


def stratified(y: Survival) -> str:
    """What a method says about its strata."""
    return "" if not y.stratum.names else f"; stratified by {', '.join(y.stratum.names)}"


# ---- helpers of `logrank` alone


@dataclass(frozen=True, slots=True)
class _Test:
    statistic: float
    df: int
    z: float | None


def _equality(y: Survival, score: np.ndarray, covariance: np.ndarray) -> _Test:
    """All groups alike: chi-squared on the rank of the covariance."""
    if not covariance.any():
        raise never_together(y)
    statistic, linked = kernel.quadratic_form(score, covariance)
    warn_if_apart(y, linked)
    z = float(score[1] / np.sqrt(covariance[1, 1])) if len(score) == 2 else None
    return _Test(statistic, len(score) - len(np.unique(linked)), z)


def _trend(y: Survival, scores: Sequence[float], score: np.ndarray, covariance: np.ndarray) -> _Test:
    """A hazard that rises or falls with the scores of the groups."""
    c = np.asarray(scores, dtype=float)
    labels = y.group.labels()
    if c.shape != (len(labels),) or not np.isfinite(c).all() or (c == c[0]).all():
        raise DataError(
            f"{len(c) if c.ndim else 1} score(s) were given, not one for each of {len(labels)} groups"
            if c.shape != (len(labels),)
            else "the scores are all equal or not finite",
            argument="scores",
            expected=f"one finite number per group, not all equal, in the order {listed(labels, 12)}",
            remedy=f"scores={list(range(1, len(labels) + 1))}",
        )
    total, variance = kernel.contrast(score, covariance, c)
    if variance <= 0:
        raise never_together(y)
    return _Test(total**2 / variance, 1, total / float(np.sqrt(variance)))


def never_together(y: Survival) -> DataError:
    """No two groups can be compared."""
    return DataError(
        "has no two groups at risk together when somebody but not everybody had the event (or only where the "
        "test's weight is 0), so the groups cannot be compared",
        argument="by",
        column=y.names["by"],
        expected="groups that are at risk at the same times (and in the same strata)",
        remedy="strata=None, rho=0, gamma=0, or kaplan_meier(...) to look at the groups",
    )


def _refuse_broken_weights(y: Survival) -> None:
    assert y.weight is not None
    broken = y.weight != np.round(y.weight)
    if broken.any():
        raise DataError(
            f"has {int(broken.sum())} value(s) that are not whole numbers",
            argument="weights",
            column=y.names["weights"],
            rows=y.positions(broken),
            expected="whole-numbered weights (2 is two patients): the test's variance is that of counts",
            remedy=f"fixed_time_test(..., at=12, weights={y.names['weights']!r}), whose variance is robust",
        )


def _refuse_t_star(t_star: float | None) -> None:
    if t_star is not None:
        raise DataError(
            f"{t_star!r} was given without the test that uses it",
            argument="t_star",
            expected="None, or the modestly weighted test",
            remedy='test_weight="modestly"',
        )


def _fleming_harrington_name(rho: float, gamma: float) -> str:
    return "log-rank test" if rho == gamma == 0 else f"Fleming-Harrington test (rho={rho:g}, gamma={gamma:g})"


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
