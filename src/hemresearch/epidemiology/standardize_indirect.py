"""Standardised incidence and mortality ratios: observed events over those expected at reference rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from scipy.special import chdtrc

from ..errors import DataError, warn
from ..numerics import poisson_mean as kernel
from ..numerics.count_limits import POISSON
from ..options import Missing, check_choice, check_conf_level
from ..results import Comparisons, HypothesisTest
from .expected_counts import ExpectedCounts, read_expected
from .totals import in_groups

if TYPE_CHECKING:
    from ..columns import Column, Columns

IndirectLimits = Literal["exact", "byar", "midp", "log"]
IndirectTest = Literal["exact", "midp", "score", "continuity"]
METHODS: dict[IndirectLimits, str] = {
    "exact": "exact (Garwood) of a Poisson count",
    "byar": "Byar",
    "midp": "mid-p of a Poisson count",
    "log": "normal on the log scale",
}
EXACT_TESTS = {"exact": kernel.exact_test, "midp": kernel.midp_test}


def standardize_indirect(
    data: Any,
    *,
    events: Column,
    expected: Column | None = None,
    person_time: Column | None = None,
    strata: Columns = None,
    rates: Any = None,
    by: Columns = None,
    conf_type: IndirectLimits = "exact",
    test: IndirectTest = "exact",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Comparisons:
    """Standardised incidence or mortality ratio (SIR, SMR), one row per group of `by`.

    Events observed over those expected if the group had the reference population's rates at its own ages:
    sum(d) / sum(rate_i y_i). Ratios of groups of different ages have different weights and are not to be
    compared with each other, unless the ratio is the same at all ages (`standardized_ratio_test`,
    `poisson`). The reference rates count as known.

    Parameters
    ----------
    data, events, missing
        As in `rate`: one row per person, or cells of a table.
    expected
        Of one form: the expected number of events of the row.
    person_time, strata, rates
        Of the other form: the time under observation, the columns that decide on the rate (sex, age, calendar
        year), and a table with these columns and `rate`, per unit of `person_time`.
    by
        One or several columns; a ratio of its own for each combination that occurs.
    conf_type
        "exact" (Garwood), "byar", its close approximation, "midp", which counts the observed number half, or
        "log", for many events.
    test
        Of a ratio of 1: "exact" (all counts no more probable), "midp" (twice the smaller tail), "score"
        ((O - E)^2 / E), or "continuity" (the same with a correction of a half).
    conf_level
        Level of the limits.

    Returns
    -------
    Comparisons
        The `by` columns, `observed`, `expected`, `estimate`, `statistic` (null for exact tests), `p_value`,
        `conf_low`, `conf_high`.

    Raises
    ------
    DataError
        Neither or both forms of expected events, strata without a reference rate, nothing expected in a
        group, and as `rate`.

    Warns
    -----
    DataWarning
        A group without events, of which "log" says nothing.

    References
    ----------
    Breslow NE, Day NE. Statistical Methods in Cancer Research II. IARC 1987, pp. 65-72. Garwood F. Biometrika
    1936;28:437-442.

    Examples
    --------
    Deaths of Swedish men in 2020 against the rates of 1969, at every age.

    >>> import hemresearch as hem
    >>> import polars as pl
    >>> men = hem.data.load("swe_population_deaths").filter(pl.col("sex") == 1)
    >>> men = men.with_columns(band=pl.min_horizontal(pl.col("age") // 5, 17))
    >>> before = (
    ...     men.filter(pl.col("year") == 1969)
    ...     .group_by("band")
    ...     .agg(rate=pl.col("deaths").sum() / pl.col("mean_population").sum())
    ... )
    >>> hem.epidemiology.standardize_indirect(
    ...     men.filter(pl.col("year") == 2020),
    ...     events="deaths", person_time="mean_population", strata="band", rates=before,
    ... )  # fmt: skip
    observed over expected events, events=49,381
      all: 0.5275 (0.5228 to 0.5321), observed 49381, expected 93621, p 0
    95% limits: exact (Garwood) of a Poisson count
    """
    check_choice(conf_type, IndirectLimits, argument="conf_type")
    check_choice(test, IndirectTest, argument="test")
    check_conf_level(conf_level)
    e = read_expected(
        data, events=events, expected=expected, person_time=person_time, strata=strata, rates=rates, by=by,
        missing=missing,
    )  # fmt: skip
    if conf_type == "log":
        _warn_without_events(e)
    low, high = POISSON[conf_type](e.observed, conf_level)
    statistic, p = _tested(e, test)
    return Comparisons(
        frame=_frame(
            e,
            estimate=e.observed / e.expected,
            statistic=statistic,
            p_value=p,
            conf_low=low / e.expected,
            conf_high=high / e.expected,
        ),
        name="observed over expected events",
        method=METHODS[conf_type],
        conf_level=conf_level,
        n=None,
        n_event=float(e.observed.sum()),
        n_dropped=e.n_dropped,
        measure="observed over expected",
    )


def standardized_ratio_test(
    data: Any,
    *,
    events: Column,
    expected: Column | None = None,
    person_time: Column | None = None,
    strata: Columns = None,
    rates: Any = None,
    by: Columns,
    scores: Sequence[float] | None = None,
    missing: Missing = "raise",
) -> HypothesisTest:
    """Whether observed over expected is the same in all groups, or has a trend over their scores.

    With O events in all, and E'_k those expected in group k if the ratio was that of all groups together:
    sum((O_k - E'_k)^2 / E'_k) on the number of groups less one; or, with `scores` s,
    [sum(s (O_k - E'_k))]^2 / [sum(s^2 E'_k) - (sum(s E'_k))^2 / O] on one degree of freedom.

    Parameters
    ----------
    data, events, expected, person_time, strata, rates, missing
        As in `standardize_indirect`.
    by
        One or several columns that define two or more groups.
    scores
        One number per group, in their order (sorted, or that of an Enum), for a test of trend.

    Returns
    -------
    HypothesisTest
        Chi-squared. `to_frame()`: the groups with `observed`, `expected` and `estimate`.

    Raises
    ------
    DataError
        One group, no events at all, scores that do not fit, and as `standardize_indirect`.

    References
    ----------
    Breslow NE, Day NE. Statistical Methods in Cancer Research II. IARC 1987, pp. 95-97.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> plants = pl.DataFrame({"years": [1, 5, 10], "deaths": [4, 9, 21], "expected": [4.1, 6.6, 9.8]})
    >>> hem.epidemiology.standardized_ratio_test(
    ...     plants, events="deaths", expected="expected", by="years", scores=[1, 5, 10]
    ... ).text()
    'test for trend of observed over expected: chi-squared 2.84 on 1 df, p=0.092'
    """
    e = read_expected(
        data, events=events, expected=expected, person_time=person_time, strata=strata, rates=rates, by=by,
        missing=missing,
    )  # fmt: skip
    _refuse_nothing_to_compare(e)
    if scores is None:
        name, statistic, df = "heterogeneity", kernel.heterogeneity(e.observed, e.expected), len(e.group) - 1
    else:
        checked = _checked_scores(scores, e)
        name, statistic, df = "trend", kernel.trend(e.observed, e.expected, checked) ** 2, 1
    return HypothesisTest(
        name=f"test for {name} of observed over expected",
        statistic=statistic,
        df=float(df),
        p_value=float(chdtrc(df, statistic)),
        method="chi-squared given the ratio of all groups together",
        frame=_frame(e, estimate=e.observed / e.expected),
        n_dropped=e.n_dropped,
    )


def _frame(e: ExpectedCounts, **columns: np.ndarray) -> pl.DataFrame:
    counts = {"observed": pl.Series(e.observed).cast(pl.Int64), "expected": e.expected}
    values = pl.DataFrame({**counts, **columns}).with_columns(pl.selectors.float().fill_nan(None))
    levels = e.group.levels
    return pl.concat([levels, values], how="horizontal") if levels.width else values


def _tested(e: ExpectedCounts, test: str) -> tuple[np.ndarray, np.ndarray]:
    """The statistic (NaN for exact tests) and the p-value of a ratio of 1 in each group."""
    if test in EXACT_TESTS:
        pairs = zip(e.observed, e.expected, strict=True)
        p = [EXACT_TESTS[test](int(observed), float(expected)) for observed, expected in pairs]
        return np.full(len(p), np.nan), np.array(p)
    statistic = kernel.chi_squared(e.observed, e.expected, continuity=test == "continuity")
    return statistic, np.asarray(chdtrc(1, statistic))


def _checked_scores(scores: Any, e: ExpectedCounts) -> np.ndarray:
    try:
        given = np.atleast_1d(np.asarray(scores, dtype=float))
    except (TypeError, ValueError):
        given = np.array([np.nan])
    if len(given) == len(e.group) and np.isfinite(given).all() and np.ptp(given) > 0:
        return given
    raise DataError(
        f"{len(given)} scores were given for {len(e.group)} groups"
        if len(given) != len(e.group)
        else "the scores are all equal or not finite",
        argument="scores",
        expected=f"one number per group, in the order {', '.join(e.group.labels())}",
        remedy=f"scores={list(range(1, len(e.group) + 1))}",
    )


def _refuse_nothing_to_compare(e: ExpectedCounts) -> None:
    one = len(e.group) < 2
    if one or not e.observed.any():
        raise DataError(
            "holds one group only" if one else "holds no events",
            argument="by" if one else "events",
            column=e.names.get("by") if one else e.names["events"],
            expected="two or more groups" if one else "at least one event",
            remedy="standardize_indirect(...) for each group by itself",
        )


def _warn_without_events(e: ExpectedCounts) -> None:
    none = e.observed == 0
    if none.any():
        warn(
            f"nothing happened{in_groups(e.group, none)}, and a ratio of 0 has no limits",
            argument="conf_type",
            expected="events in every group",
            remedy="conf_type='exact'",
        )
