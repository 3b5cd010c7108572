"""Rates of groups compared: their ratio and their difference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from scipy.special import ndtr

from ..errors import DataError, listed, warn
from ..numerics.intervals import normal_quantile
from ..numerics.rate_comparison import (
    binomial_test,
    log_ratio_limits,
    midp_test,
    ratio_limits,
    score_test,
)
from ..options import Missing, check_choice, check_conf_level, check_number, suggestion
from ..results import Comparisons
from .totals import Totals, read_totals, refuse_one_group, told_per

if TYPE_CHECKING:
    from ..columns import Column, Columns

RatioLimits = Literal["exact", "midp", "score", "log"]
ALONE = "hem.epidemiology.rate(...) for the rate of one group"


@dataclass(frozen=True, slots=True)
class RatioMethod:
    """How limits of a ratio are found, and the test that goes with them.

    Both look at the share of the events of two groups that is in the first one, but for the log scale.
    """

    method: str
    share: str
    test: Callable[[int, int, float], float]


RATIOS: dict[str, RatioMethod] = {
    "exact": RatioMethod("exact, given the sum of both counts", "clopper-pearson", binomial_test),
    "midp": RatioMethod("mid-p, given the sum of both counts", "midp", midp_test),
    "score": RatioMethod("score, given the sum of both counts", "wilson", score_test),
}


def rate_ratio(
    data: Any,
    *,
    events: Column,
    person_time: Column,
    by: Columns,
    reference: Any = None,
    conf_type: RatioLimits = "exact",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Comparisons:
    """Ratio of the rates of groups, each against the reference group.

    (d / y) / (d0 / y0) for d events in person-time y. Given d + d0 events in all, d is binomial with the
    share RR y / (RR y + y0), which gives exact, mid-p and score limits and tests of RR = 1. It is crude:
    confounders are taken along by `mantel_haenszel` or `poisson`.

    Parameters
    ----------
    data, events, person_time, missing
        As in `rate`.
    by
        One or several columns that define two or more groups.
    reference
        The value (text `sex=F, arm=A` of several columns) of the group that the others are compared with; the
        first one (sorted, or first in the order of an Enum) if not given.
    conf_type
        "exact" is conservative, "midp" less so; "score" and "log" (Wald) are for large counts.
    conf_level
        Level of the limits.

    Returns
    -------
    Comparisons
        `group`, `reference`, `estimate`, `p_value`, `conf_low`, `conf_high`; `.plot()` is a forest plot. The
        estimate is infinite where nothing happened in the reference group, and null where nothing happened in
        either.

    Raises
    ------
    DataError
        One group, a reference that is none of the groups, and as `rate`.

    Warns
    -----
    DataWarning
        A ratio without limits: nothing happened in both groups, or with "log" in one of them.

    References
    ----------
    Rothman KJ, Greenland S, Lash TL. Modern Epidemiology, 3rd ed., 2008, chapter 14. Breslow NE, Day NE.
    Statistical Methods in Cancer Research II. IARC 1987, pp. 93-96.

    Examples
    --------
    >>> import hemresearch as hem
    >>> diet = hem.data.load("diet")
    >>> ratio = hem.epidemiology.rate_ratio(
    ...     diet, events="chd", person_time="y", by="energy.grp", reference=">2750 KCals"
    ... )
    >>> ratio
    rate ratio, events=46
      group=<=2750 KCals, reference=>2750 KCals: 1.922 (1.026 to 3.689), p 0.03681
    95% limits: exact, given the sum of both counts
    >>> ratio.text()
    'rate ratio: group=<=2750 KCals, reference=>2750 KCals 1.92 (95% CI 1.03–3.69), p=0.037'
    """
    check_choice(conf_type, RatioLimits, argument="conf_type")
    check_conf_level(conf_level)
    t = read_totals(data, events=events, person_time=person_time, by=by, missing=missing)
    first, others = comparisons(t, reference)
    d, y, d0, y0 = _compared(t, first, others)
    if conf_type == "log":
        low, high = log_ratio_limits(d, y, d0, y0, conf_level)
        p = _log_p_values(d, y, d0, y0)
    else:
        how = RATIOS[conf_type]
        low, high = ratio_limits(d, y, d0, y0, how.share, conf_level)
        pairs = zip(d, d + d0, y / (y + y0), strict=True)
        p = np.array([how.test(int(count), int(n), float(share)) for count, n, share in pairs])
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = d / y / (d0 / y0)
    _warn_without_limits(t, first, others, np.isnan(low), conf_type)
    return _result(
        t, first, others, "rate ratio",
        "normal on the log scale" if conf_type == "log" else RATIOS[conf_type].method, conf_level,
        estimate=estimate, p_value=np.where(np.isnan(estimate), np.nan, p), conf_low=low, conf_high=high,
    )  # fmt: skip


def rate_difference(
    data: Any,
    *,
    events: Column,
    person_time: Column,
    by: Columns,
    reference: Any = None,
    per: float = 1.0,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Comparisons:
    """Difference of the rates of groups, each less that of the reference group.

    d / y - d0 / y0, with the variance d / y^2 + d0 / y0^2 and normal limits: for counts that are not small.

    Parameters
    ----------
    data, events, person_time, by, reference, missing
        As in `rate_ratio`.
    per
        Person-time that the rates are told for: 1000 for events per 1000 units.
    conf_level
        Level of the limits.

    Returns
    -------
    Comparisons
        `group`, `reference`, `estimate`, `std_error`, `statistic` (z), `p_value`, `conf_low`, `conf_high`.

    Raises
    ------
    DataError
        As `rate_ratio`.

    Warns
    -----
    DataWarning
        A group without events, whose rate of 0 then counts as certain.

    References
    ----------
    Rothman KJ, Greenland S, Lash TL. Modern Epidemiology, 3rd ed., 2008, chapter 14.

    Examples
    --------
    >>> import hemresearch as hem
    >>> diet = hem.data.load("diet")
    >>> hem.epidemiology.rate_difference(
    ...     diet, events="chd", person_time="y", by="energy.grp", reference=">2750 KCals", per=1000
    ... )
    rate difference per 1000 units of person-time, events=46
      group=<=2750 KCals, reference=>2750 KCals: 6.521 (0.5176 to 12.52), statistic 2.129, p 0.03326
    95% limits: normal
    """
    check_conf_level(conf_level)
    check_number(per, argument="per", above=0, expected="person-time above 0", example=1000.0)
    t = read_totals(data, events=events, person_time=person_time, by=by, missing=missing)
    first, others = comparisons(t, reference)
    _warn_of_certain_rates(t)
    d, y, d0, y0 = _compared(t, first, others)
    difference, error = (d / y - d0 / y0) * per, np.sqrt(d / y**2 + d0 / y0**2) * per
    half = normal_quantile(conf_level) * error
    with np.errstate(invalid="ignore"):
        z = difference / error
    return _result(
        t, first, others, f"rate difference per {told_per(per, t.time_unit)}", "normal", conf_level,
        estimate=difference, std_error=error, statistic=z, p_value=2 * ndtr(-np.abs(z)),
        conf_low=difference - half, conf_high=difference + half,
    )  # fmt: skip


def comparisons(t: Totals, reference: Any) -> tuple[int, list[int]]:
    """The place of the reference group, and of those that are compared with it."""
    refuse_one_group(t, ALONE)
    labels = t.group.labels()
    if reference is None:
        first = 0
    elif str(reference) in labels:
        first = labels.index(str(reference))
    else:
        raise DataError(
            "does not hold the group that was given",
            argument="reference",
            column=t.names["by"],
            expected=f"one of its groups; {suggestion(str(reference), labels)}",
            remedy=f"reference={labels[0]!r}",
        )
    return first, [g for g in range(len(labels)) if g != first]


def _compared(t: Totals, first: int, others: list[int]) -> tuple[np.ndarray, ...]:
    """Events and person-time of the groups compared, and of the reference for each of them."""
    return (
        t.events[others],
        t.person_time[others],
        np.full(len(others), t.events[first]),
        np.full(len(others), t.person_time[first]),
    )


def _log_p_values(d: np.ndarray, y: np.ndarray, d0: np.ndarray, y0: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.log(d / y / (d0 / y0)) / np.sqrt(1 / d + 1 / d0)
    return np.asarray(2 * ndtr(-np.abs(z)))


def _result(
    t: Totals, first: int, others: list[int], name: str, method: str, conf_level: float, **values: np.ndarray
) -> Comparisons:
    labels = t.group.labels()
    pairs = {"group": [labels[g] for g in others], "reference": [labels[first]] * len(others)}
    return Comparisons(
        frame=pl.DataFrame({**pairs, **values}).with_columns(pl.selectors.float().fill_nan(None)),
        name=name,
        method=method,
        conf_level=conf_level,
        n=None,
        n_event=float(t.events.sum()),
        n_dropped=t.n_dropped,
        time_unit=t.time_unit,
        measure=" ".join(name.split()[:2]),
    )


def _warn_without_limits(
    t: Totals, first: int, others: list[int], boundless: np.ndarray, conf_type: str
) -> None:
    if not boundless.any():
        return
    labels = t.group.labels()
    which = [
        f"{labels[g]!r} / {labels[first]!r}" for g, fault in zip(others, boundless, strict=True) if fault
    ]
    where = "one of the groups" if conf_type == "log" else "both groups"
    warn(
        f"has no events in {where}, and a ratio has no limits ({listed(which)})",
        argument="events",
        column=t.names["events"],
        expected="events in both groups" if conf_type == "log" else "events in one of the groups at least",
        remedy="conf_type='exact'"
        if conf_type == "log"
        else "larger groups, or rate(...) with its upper limit",
    )


def _warn_of_certain_rates(t: Totals) -> None:
    none = t.events == 0
    if not none.any():
        return
    which = [label for label, is_none in zip(t.group.labels(), none, strict=True) if is_none]
    warn(
        f"has no events in {listed(map(repr, which))}, whose rate of 0 counts as certain",
        argument="events",
        column=t.names["events"],
        expected="events in every group",
        remedy="rate_ratio(..., conf_type='exact')",
    )
