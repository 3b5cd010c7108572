"""Estimates common to strata by Mantel and Haenszel, and whether strata differ.

In stratum k `x` of `n` exposed and `x_0` of `n_0` unexposed had the event; or `d` events were seen in the
person-time `y` of the exposed, `d_0` in the `y_0` of the unexposed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .two_by_two import conditional_variance, expected_exposed


class Pooled(NamedTuple):
    """An estimate and its variance: of a ratio, the variance of the logarithm."""

    estimate: float
    variance: float


class Spread(NamedTuple):
    """A statistic of heterogeneity and its degrees of freedom."""

    statistic: float
    df: int


def odds_ratio(x: np.ndarray, n: np.ndarray, x_0: np.ndarray, n_0: np.ndarray) -> Pooled:
    """With the variance of Robins, Breslow and Greenland."""
    total = n + n_0
    r, s = x * (n_0 - x_0) / total, (n - x) * x_0 / total
    p, q = (x + n_0 - x_0) / total, (n - x + x_0) / total
    top, bottom = r.sum(), s.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = (
            (p * r).sum() / (2 * top**2)
            + (p * s + q * r).sum() / (2 * top * bottom)
            + (q * s).sum() / (2 * bottom**2)
        )
        return Pooled(float(top / bottom), float(variance))


def risk_ratio(x: np.ndarray, n: np.ndarray, x_0: np.ndarray, n_0: np.ndarray) -> Pooled:
    """With the variance of Greenland and Robins."""
    total = n + n_0
    top, bottom = (x * n_0 / total).sum(), (x_0 * n / total).sum()
    spread = ((n * n_0 * (x + x_0) - x * x_0 * total) / total**2).sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        return Pooled(float(top / bottom), float(spread / (top * bottom)))


def risk_difference_sato(x: np.ndarray, n: np.ndarray, x_0: np.ndarray, n_0: np.ndarray) -> Pooled:
    """With Sato's variance, which holds for many small strata as for few large ones."""
    total = n + n_0
    weight = (n * n_0 / total).sum()
    estimate = ((x * n_0 - x_0 * n) / total).sum() / weight
    p = ((n**2 * x_0 - n_0**2 * x + n * n_0 * (n_0 - n) / 2) / total**2).sum()
    q = ((x * (n_0 - x_0) + x_0 * (n - x)) / (2 * total)).sum()
    return Pooled(float(estimate), float((estimate * p + q) / weight**2))


def risk_difference_greenland(x: np.ndarray, n: np.ndarray, x_0: np.ndarray, n_0: np.ndarray) -> Pooled:
    """With the variance of Greenland and Robins, for large strata."""
    total = n + n_0
    weight = (n * n_0 / total).sum()
    spread = (x * (n - x) * n_0**3 + x_0 * (n_0 - x_0) * n**3) / (n * n_0 * total**2)
    return Pooled(float(((x * n_0 - x_0 * n) / total).sum() / weight), float(spread.sum() / weight**2))


def rate_ratio(d: np.ndarray, y: np.ndarray, d_0: np.ndarray, y_0: np.ndarray) -> Pooled:
    """With the variance of Greenland and Robins."""
    total = y + y_0
    top, bottom = (d * y_0 / total).sum(), (d_0 * y / total).sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = ((d + d_0) * y * y_0 / total**2).sum() / (top * bottom)
        return Pooled(float(top / bottom), float(variance))


def rate_difference(d: np.ndarray, y: np.ndarray, d_0: np.ndarray, y_0: np.ndarray) -> Pooled:
    """With the variance of Greenland and Robins."""
    total = y + y_0
    weight = (y * y_0 / total).sum()
    estimate = ((d * y_0 - d_0 * y) / total).sum() / weight
    return Pooled(float(estimate), float(((d * y_0**2 + d_0 * y**2) / total**2).sum() / weight**2))


def count_test(x: np.ndarray, n: np.ndarray, x_0: np.ndarray, n_0: np.ndarray, *, continuity: bool) -> float:
    """Chi-squared of Cochran, Mantel and Haenszel on 1 degree of freedom; NaN where no stratum varies."""
    total, events = n + n_0, x + x_0
    variance = (n * n_0 * events * (total - events) / (total**2 * np.maximum(total - 1, 1))).sum()
    return _squared((x - n * events / total).sum(), variance, continuity)


def rate_test(d: np.ndarray, y: np.ndarray, d_0: np.ndarray, y_0: np.ndarray, *, continuity: bool) -> float:
    """The same of events in person-time."""
    total, events = y + y_0, d + d_0
    return _squared((d - events * y / total).sum(), (events * y * y_0 / total**2).sum(), continuity)


def breslow_day(x: np.ndarray, n: np.ndarray, x_0: np.ndarray, n_0: np.ndarray, *, tarone: bool) -> Spread:
    """How far the strata are from the common odds ratio, with Tarone's correction if asked.

    Strata in which nobody or everybody had the event say nothing and are left out.
    """
    varies = (x + x_0 > 0) & (x + x_0 < n + n_0)
    x, n, x_0, n_0 = (part[varies] for part in (x, n, x_0, n_0))
    common = np.full(len(x), odds_ratio(x, n, x_0, n_0).estimate)
    with np.errstate(divide="ignore", invalid="ignore"):  # where the common one is infinite
        expected = expected_exposed(n, n_0, x + x_0, common)
        variance = conditional_variance(expected, n, n_0, x + x_0)
        statistic = ((x - expected) ** 2 / variance).sum()
        correction = (x - expected).sum() ** 2 / variance.sum() if tarone else 0.0
    return Spread(float(statistic - correction), len(x) - 1)


def rate_heterogeneity(d: np.ndarray, y: np.ndarray, d_0: np.ndarray, y_0: np.ndarray) -> Spread:
    """How far the strata are from the common rate ratio: the same of events in person-time.

    Given the events of a stratum, those of the exposed are binomial.
    """
    some = d + d_0 > 0
    d, y, d_0, y_0 = (part[some] for part in (d, y, d_0, y_0))
    weighted = rate_ratio(d, y, d_0, y_0).estimate * y
    with np.errstate(divide="ignore", invalid="ignore"):
        share = weighted / (weighted + y_0)
        spread = (d - (d + d_0) * share) ** 2 / ((d + d_0) * share * (1 - share))
    return Spread(float(spread.sum()), len(d) - 1)


def inverse_variance(estimate: np.ndarray, variance: np.ndarray, centre: float | None = None) -> Spread:
    """Squared distances of the strata from a centre (their weighted mean), over their variances.

    Strata without a finite variance, as with an empty cell, are left out.
    """
    known = np.isfinite(estimate) & np.isfinite(variance) & (variance > 0)
    weight, value = 1 / variance[known], estimate[known]
    if centre is None:
        centre = float((weight * value).sum() / weight.sum()) if known.any() else 0.0
    return Spread(float((weight * (value - centre) ** 2).sum()), int(known.sum()) - 1)


def _squared(off: float, variance: float, continuity: bool) -> float:
    """Squared distance over its variance, shortened by a half at most where a correction is asked."""
    if not variance > 0:
        return float("nan")
    return float((abs(off) - min(0.5, abs(off)) * continuity) ** 2 / variance)
