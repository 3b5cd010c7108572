"""A test that net survival is the same in several groups."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from scipy.special import chdtrc

from ..columns import Column, Columns
from ..errors import DataError, counted, listed
from ..lifetable import Extrapolate, LifeTable
from ..numerics.net_logrank import WeightedSums, scores, weighted_sums
from ..options import Missing, TimeUnit
from ..results import HypothesisTest
from .net_rows import NetRows, group_parts, place_of, read_net_rows

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class NetSurvivalTest(HypothesisTest):
    """A test of equal net survival with what it was computed from.

    Attributes
    ----------
    score
        Weighted excess deaths less a group's share of all of them, one per group.
    covariance
        The covariance of `score` if net survival is the same in all groups.
    """

    score: np.ndarray = field(default_factory=lambda: np.empty(0), repr=False)
    covariance: np.ndarray = field(default_factory=lambda: np.empty((0, 0)), repr=False)


def net_survival_test(
    data: Any,
    *,
    time: Column,
    event: Column,
    by: Columns,
    event_value: Any = None,
    time_unit: TimeUnit | None = None,
    sex: Column,
    date: Column,
    life_table: LifeTable,
    birth: Column | None = None,
    age: Column | None = None,
    age_unit: TimeUnit | None = None,
    sexes: Mapping[Any, str] | None = None,
    entry: Column | None = None,
    strata: Columns = None,
    death_only: Column | None = None,
    period: Any = None,
    extrapolate: Extrapolate | None = None,
    missing: Missing = "raise",
) -> NetSurvivalTest:
    r"""Test that the excess hazard, and so net survival, is the same in every group of `by`.

    Deaths and those at risk are weighted by the reciprocals of their population survival as in the estimator
    of Pohar Perme. Day by day, the excess deaths :math:`dE_h` of a group are compared with its share of those
    of all groups: :math:`Z_h = \sum_t dE_h(t) - \frac{Y_h(t)}{Y(t)} dE(t)`. The quadratic form of Z in the
    inverse of its covariance is chi-squared on the number of groups less one.

    Parameters
    ----------
    data, time, event, event_value, time_unit, sex, date, life_table, birth, age, age_unit, sexes
        As of `net_survival`.
    entry, death_only, period, extrapolate, missing
        As of `net_survival`.
    by
        The groups: one or several columns, each combination that occurs being a group.
    strata
        Compare within strata only: scores and covariances are summed over them.

    Returns
    -------
    NetSurvivalTest
        `.statistic`, `.df`, `.p_value`; `.to_frame()` has `group`, `n`, `observed` deaths and `score`.

    Raises
    ------
    DataError
        One group only, no deaths, groups of which some were never at risk with another when somebody died,
        and as `net_survival`.

    Warns
    -----
    DataWarning
        Where rates were carried on by `extrapolate`.

    References
    ----------
    Graffeo N, Castell F, Belot A, Giorgi R. Biometrics 2016;72:872-879. Pavlic K, Pohar Perme M. BMC Med Res
    Methodol 2017;17:79 (relsurv's rs.diff, whose steps of one day are those here).

    Examples
    --------
    >>> import hemresearch as hem
    >>> patients = hem.data.load("colrec")
    >>> net_survival_test(
    ...     patients, time="time", event="stat", by="site", time_unit="days", sex="sex", date="diag",
    ...     age="age", age_unit="days", life_table=hem.data.life_table("slovenia"),
    ... )
    net survival log-rank test: statistic 0.05354, df 1, p 0.817
      colon: n 3537, observed 2905
      rectum: n 2434, observed 2074
    weights of Pohar Perme, population: Slovenia
    """
    roles: dict[str, Columns] = {
        "time": time, "event": event, "entry": entry, "by": by, "strata": strata, "death_only": death_only,
        "sex": sex, "date": date, "birth": birth, "age": age,
    }  # fmt: skip
    rows = read_net_rows(
        data, roles, event_value=event_value, time_unit=time_unit, life_table=life_table, age_unit=age_unit,
        sexes=sexes, period=period, extrapolate=extrapolate, missing=missing,
    )  # fmt: skip
    _refuse_nothing_to_compare(rows)
    tests = [scores(_sums(part)) for part in group_parts(rows, rows.y.stratum)]
    score, covariance = (np.sum(values, axis=0) for values in zip(*tests, strict=True))
    statistic = _quadratic_form(rows, score, covariance)
    df = len(rows.y.group) - 1
    y = rows.y
    return NetSurvivalTest(
        name="net survival log-rank test",
        statistic=statistic,
        df=float(df),
        p_value=float(chdtrc(df, statistic)),
        method=f"weights of Pohar Perme, population: {life_table.name}"
        + (f", stratified by {listed(y.stratum.names)}" if y.stratum.names else "")
        + rows.told,
        frame=pl.DataFrame(
            {
                "group": y.group.labels(),
                "n": np.bincount(y.group.code, minlength=len(y.group)),
                "observed": np.bincount(y.group.code[y.event], minlength=len(y.group)),
                "score": score,
            }
        ),
        n=len(y),
        n_dropped=y.n_dropped,
        score=score,
        covariance=covariance,
    )


def _refuse_nothing_to_compare(rows: NetRows) -> None:
    y = rows.y
    if len(y.group) < 2:
        raise DataError(
            "holds one group only, so there is nothing to compare",
            argument="by",
            column=y.names.get("by"),
            expected="at least two groups",
            remedy="net_survival(...) for the net survival of one group",
        )
    if not y.event.any():
        raise DataError(
            f"holds no deaths in {counted(len(y), 'row')}, so the groups cannot be compared",
            argument="event",
            column=y.names["event"],
            expected="at least one death",
            remedy="event_value=... with the value that means death, if it is coded otherwise",
        )


def _sums(rows: NetRows) -> list[WeightedSums]:
    """The sums of each group of a stratum, on its days and on other times of entries and exits."""
    days = np.arange(1.0, rows.until.max() + 1)
    times = np.unique(np.concatenate([days, rows.until, rows.begin]))
    times = times[(times > 0) & (times <= rows.until.max())]
    parts = group_parts(rows, rows.y.group)
    return [
        weighted_sums(rows.life_table.rates, place_of(part), part.begin, part.until, part.y.event, times)
        for part in parts
    ]


def _quadratic_form(rows: NetRows, score: np.ndarray, covariance: np.ndarray) -> float:
    """Z' V^-1 Z without the last group, whose score is what the others leave."""
    kept = covariance[:-1, :-1]
    if np.linalg.matrix_rank(kept) < len(kept):
        raise DataError(
            "holds groups of which some were never at risk with another when somebody died",
            argument="by",
            column=rows.y.names.get("by"),
            expected="groups that are followed at the same times",
            remedy="data.filter(...) to groups that can be compared",
        )
    return float(score[:-1] @ np.linalg.solve(kept, score[:-1]))
