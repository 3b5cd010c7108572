"""The tables of relative and net survival by intervals of follow-up that cancer registries print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import polars as pl

from .. import formats
from ..columns import Column, Columns
from ..errors import DataError
from ..lifetable import Extrapolate, LifeTable
from ..numerics.actuarial import actuarial
from ..numerics.interval_survival import IntervalSurvival, hazard_survival, lifetable_survival
from ..options import Missing, TimeUnit, check_choice, check_conf_level
from .interval_counts import (
    IntervalCounts,
    check_intervals,
    count_columns,
    count_intervals,
    days_of,
    refuse_late,
    warn_of_gaps,
    warn_of_little,
    with_groups,
)
from .interval_table import IntervalTable
from .net_curve import with_limits
from .net_rows import NetRows, group_parts, read_net_rows
from .net_standard import Standard, combined, read_standard
from .net_survival import NetConfType

if TYPE_CHECKING:
    from collections.abc import Mapping

Method = Literal["ederer2", "pohar-perme"]
IntervalEstimator = Literal["ratio", "lifetable", "hazard"]
NAMES = {"ederer2": "Ederer II", "pohar-perme": "Pohar Perme"}
HOW = {
    "ratio": "actuarial, {}", "lifetable": "{}, excess deaths over effective numbers",
    "hazard": "{}, excess deaths over person-time",
}  # fmt: skip


class RelativeSurvivalTable(IntervalTable):
    """A table of survival, one row per interval of each group."""

    __slots__ = ()

    def _deaths(self, row: dict[str, Any]) -> str:
        return f"deaths={row['n_event']}"

    def _told(self, row: dict[str, Any]) -> str:
        observed, expected = (formats.significant(row[k]) for k in ("observed", "expected"))
        return f"observed {observed}, expected {expected}, {self.name.split()[0]} "


def relative_survival_table(
    data: Any,
    *,
    time: Column,
    event: Column,
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
    by: Columns = None,
    standard: Any = None,
    death_only: Column | None = None,
    period: Any = None,
    intervals: Any = None,
    method: Method = "ederer2",
    estimator: IntervalEstimator = "ratio",
    extrapolate: Extrapolate | None = None,
    conf_level: float = 0.95,
    conf_type: NetConfType = "log-log",
    missing: Missing = "raise",
) -> RelativeSurvivalTable:
    r"""Observed, expected and relative or net survival by intervals of follow-up, as cancer registries print.

    In an interval of width :math:`\delta` n are alive at its start, d die, w withdraw (their follow-up ends
    before the interval does), and Y is the time that all spend in it; d* deaths are expected of the
    population. Over the intervals are multiplied

    - "ratio" (strs): :math:`1 - d/n'` with n' = n - w/2, and the mean survival of the population over the
      interval from the ages and calendar years at its start; relative survival is the ratio.
    - "lifetable" (popEpi): :math:`1 - (d - d^*)/n'`; the expected survival is :math:`1 - d^*/n`.
    - "hazard" (popEpi): :math:`\exp(-\delta (d - d^*)/Y)`. It alone takes late entries and periods.

    d* is the hazard of the population in the middle of each one's follow-up in the interval, times that
    follow-up. Pohar Perme weighs all of d, d*, w, n and Y by 1/S, each one's own population survival in the
    middle of the interval: net survival, also where age groups are mixed. With intervals that get short all
    come near `net_survival`, which needs none.

    Parameters
    ----------
    data, time, event, event_value, time_unit, sex, date, life_table, birth, age, age_unit, sexes
        As of `net_survival`; `event` is death of any cause.
    entry, by, death_only, period, extrapolate, missing
        As of `net_survival`.
    standard
        As of `net_survival`: the weighted mean over age groups, known until one of them ends.
    intervals
        The bounds of the intervals in the unit of `time`, from 0 on: `[0, 1, 2, 3, 4, 5]`.
    method
        "ederer2" (relative survival), or "pohar-perme" (net survival) with "lifetable" or "hazard".
    estimator
        "ratio", "lifetable" or "hazard".
    conf_level
        Level of the limits.
    conf_type
        Scale on which they are symmetric; "log-log" has none above 1. Of the ratio they are those of the
        observed survival (Greenwood), divided by the expected.

    Returns
    -------
    RelativeSurvivalTable
        One row per interval: `start`, `end`, `n_risk`, `n_enter` (late entries), `n_event`, `n_censor`
        (withdrawn), `effective` (n_risk + (n_enter - n_censor)/2), `person_time` (years), `n_expected` (d*),
        `interval_observed`, `interval_expected`, `interval_relative`, the cumulative `observed` and
        `expected`, and cumulative relative or net survival as `estimate` with its standard error and limits;
        null from where nobody is left. Counts are of patients, `expected` is that of Ederer II, whatever
        the method.

    Raises
    ------
    DataError
        For intervals that do not rise from 0; Pohar Perme by the ratio; late entries or a period without
        "hazard"; and as `net_survival`.

    Warns
    -----
    DataWarning
        Where an interval has nobody's follow-up before others that have some, where the intervals hold less
        than 5% of all follow-up (in the wrong unit, perhaps), and where rates were carried on by
        `extrapolate`.

    Notes
    -----
    A death or an end of follow-up at a border belongs to the interval that ends there, and who leaves at a
    border has not withdrawn within it (popEpi says so, and takes half of them off). popEpi 0.4.10 gives
    Pohar Perme weights with the population hazard of half an interval added to S instead of taken off where a
    patient has one piece of follow-up in the interval, and a "lifetable" Pohar Perme error of Poisson counts
    over the unweighted n'; here S is that in the middle, as Coviello and others have it, and the error is
    Greenwood's with weights.

    References
    ----------
    Ederer F, Heise H. Instructions to IBM 650 programmers in processing survival computations, National
    Cancer Institute 1959. Dickman PW, Coviello E. Stata J 2015;15:186-215 (strs). Coviello E, Dickman PW,
    Seppa K, Pokhrel A. Stata J 2015;15:173-185. Seppa K, Hakulinen T, Laara E, Pitkaniemi J. Stat Med
    2016;35:1866-1879. Brenner H, Gefeller O. Cancer 1996;78:2004-2010 (period).

    Examples
    --------
    >>> import hemresearch as hem
    >>> patients = hem.data.load("colrec").with_columns(years=pl.col("time") / 365.25)
    >>> table = relative_survival_table(
    ...     patients, time="years", event="stat", time_unit="years", sex="sex", date="diag", age="age",
    ...     age_unit="days", life_table=hem.data.life_table("sweden"), intervals=[0, 1, 2, 5],
    ... )
    >>> table.to_frame().select("end", "n_risk", "n_event", "n_censor", pl.col("estimate").round(3)).rows()
    [(1.0, 5971, 2048, 4, 0.677), (2.0, 3919, 774, 1, 0.557), (5.0, 3144, 981, 0, 0.413)]
    """
    check_conf_level(conf_level)
    check_choice(conf_type, NetConfType, argument="conf_type")
    check_choice(method, Method, argument="method")
    check_choice(estimator, IntervalEstimator, argument="estimator")
    bounds = check_intervals(intervals)
    _refuse_weighted_ratio(method, estimator)
    refuse_late(estimator, entry is not None or period is not None)
    population = read_standard(standard, "strata")
    roles: dict[str, Columns] = {
        "time": time, "event": event, "entry": entry, "by": by, "death_only": death_only, "sex": sex,
        "date": date, "birth": birth, "age": age,
    }  # fmt: skip
    rows = read_net_rows(
        data, roles, event_value=event_value, time_unit=time_unit, life_table=life_table, age_unit=age_unit,
        sexes=sexes, period=period, since_date=method == "pohar-perme", extrapolate=extrapolate,
        missing=missing,
    )  # fmt: skip
    warn_of_little(rows.begin, rows.until, days_of(bounds, rows)[-1], rows.unit)
    plan = Plan(bounds, method, estimator, population, conf_level, conf_type)
    labels = rows.y.group.labels() or [""]
    parts = [
        _table_of(part, plan, label)
        for part, label in zip(group_parts(rows, rows.y.group), labels, strict=True)
    ]
    return RelativeSurvivalTable(
        frame=with_groups(rows.y.group, pl.concat(parts)),
        name=f"{'relative' if method == 'ederer2' else 'net'} survival (population: {life_table.name})",
        method=plan.told + rows.told,
        conf_level=conf_level,
        n=len(rows.y),
        n_event=int(rows.y.event.sum()),
        n_dropped=rows.y.n_dropped,
        time_unit=rows.unit,
    )


class Plan(NamedTuple):
    """What was asked for."""

    bounds: np.ndarray
    method: str
    estimator: str
    standard: Standard | None
    conf_level: float
    conf_type: str

    @property
    def told(self) -> str:
        """The method in words."""
        how = HOW[self.estimator].format(NAMES[self.method])
        standard = f", age-standardised ({self.standard.name})" if self.standard else ""
        of = " of the observed" if self.method == "ederer2" else ""
        variance = "Poisson variance" if self.estimator == "hazard" else f"Greenwood variance{of}"
        return f"{how}{standard}, {self.conf_type} with {variance}"


def _refuse_weighted_ratio(method: str, estimator: str) -> None:
    if method == "pohar-perme" and estimator == "ratio":
        raise DataError(
            "'ratio' has no weights, which Pohar Perme needs",
            argument="estimator",
            expected="'hazard' or 'lifetable' with method='pohar-perme'",
            remedy="estimator='hazard'",
        )


def _table_of(rows: NetRows, plan: Plan, label: str) -> pl.DataFrame:
    """The intervals of one group."""
    days = days_of(plan.bounds, rows)
    counts, survival = _survival_of(rows, days, plan)
    warn_of_gaps(counts.plain.time, plan.bounds, label)
    if plan.standard is not None:
        survival = _standardized(rows, days, plan, plan.standard)
    columns = {
        "interval_observed": step_of(survival.observed),
        "interval_expected": step_of(survival.expected),
        "interval_relative": step_of(survival.estimate),
        "observed": survival.observed,
        "expected": survival.expected,
    }
    years = counts.plain.time / rows.life_table.days_per_year
    counted = count_columns(counts.plain, plan.bounds, years)
    counted["n_expected"] = counts.plain.expected
    return pl.DataFrame(counted | columns | _limits(survival, plan)).fill_nan(None)


def _survival_of(rows: NetRows, days: np.ndarray, plan: Plan) -> tuple[IntervalCounts, IntervalSurvival]:
    weighted = plan.method == "pohar-perme"
    counts = count_intervals(rows, days, weighted=weighted)
    plain = counts.plain
    if plan.estimator == "ratio":
        return counts, actuarial(plain.deaths, plain.effective, counts.survival)
    estimate = hazard_survival if plan.estimator == "hazard" else lifetable_survival
    return counts, estimate(np.diff(days), plain, counts.weighted)


def _standardized(rows: NetRows, days: np.ndarray, plan: Plan, standard: Standard) -> IntervalSurvival:
    """The weighted means over age groups of each of the curves."""
    code, used = standard.groups_of(rows), np.flatnonzero(standard.share)
    parts = [_survival_of(rows.take(code == k), days, plan)[1] for k in used]
    share = standard.share[used]
    errors = np.array([part.std_error for part in parts])
    mean = {
        name: combined(share, np.array([getattr(part, name) for part in parts]), errors)
        for name in ("observed", "expected", "estimate")
    }
    return IntervalSurvival(
        mean["observed"]["estimate"],
        mean["expected"]["estimate"],
        mean["estimate"]["estimate"],
        mean["estimate"]["std_error"],
    )


def step_of(cumulative: np.ndarray) -> np.ndarray:
    """The factor of each interval of a product."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(cumulative / np.concatenate([[1.0], cumulative[:-1]]))


def _limits(survival: IntervalSurvival, plan: Plan) -> dict[str, np.ndarray]:
    """The estimate with its limits; a ratio has those of what is divided."""
    ratio = plan.estimator == "ratio" and plan.standard is None
    by = survival.expected if ratio else np.ones(len(survival.estimate))
    above = {"estimate": survival.estimate * by, "std_error": survival.std_error * by}
    limits = with_limits(above, plan.conf_type, plan.conf_level)
    return {name: values / by for name, values in limits.items()}
