"""Differences and ratios of two risks, with limits that Wald's method or a score test gives.

`x` of `n` exposed and `x_0` of `n_0` unexposed had the event; arrays hold one table for each place.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .exact_limits import wilson_limits
from .intervals import normal_quantile

Limits = tuple[np.ndarray, np.ndarray]
Three = tuple[np.ndarray, np.ndarray, np.ndarray]  # estimate, lower and upper limit
Score = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]
HALVINGS = 100
LARGEST_LOG = 150.0  # of ratios: squares beyond it are no float64


def difference(x: np.ndarray, n: np.ndarray, x_0: np.ndarray, n_0: np.ndarray) -> np.ndarray:
    """Risk of the exposed minus that of the unexposed."""
    return np.asarray(x / n - x_0 / n_0)


def risk_ratio(x: np.ndarray, n: np.ndarray, x_0: np.ndarray, n_0: np.ndarray) -> np.ndarray:
    """Risk of the exposed over that of the unexposed; NaN without events, infinite without any unexposed."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(x / n / (x_0 / n_0))


def odds_ratio(x: np.ndarray, n: np.ndarray, x_0: np.ndarray, n_0: np.ndarray) -> np.ndarray:
    """The cross-product of the table."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(x * (n_0 - x_0) / ((n - x) * x_0))


def wald_difference(
    x: np.ndarray, n: np.ndarray, x_0: np.ndarray, n_0: np.ndarray, conf_level: float
) -> Three:
    """Difference of risks with normal limits."""
    estimate = difference(x, n, x_0, n_0)
    half = normal_quantile(conf_level) * np.sqrt(x * (n - x) / n**3 + x_0 * (n_0 - x_0) / n_0**3)
    return estimate, estimate - half, estimate + half


def newcombe_difference(
    x: np.ndarray, n: np.ndarray, x_0: np.ndarray, n_0: np.ndarray, conf_level: float
) -> Three:
    """Difference of risks with limits put together from Wilson's of each (method 10 of Newcombe)."""
    p, p_0 = x / n, x_0 / n_0
    (low, high), (low_0, high_0) = wilson_limits(x, n, conf_level), wilson_limits(x_0, n_0, conf_level)
    estimate = p - p_0
    return (
        estimate,
        estimate - np.hypot(p - low, high_0 - p_0),
        estimate + np.hypot(high - p, p_0 - low_0),
    )


def wald_risk_ratio(
    x: np.ndarray, n: np.ndarray, x_0: np.ndarray, n_0: np.ndarray, conf_level: float
) -> Three:
    """Ratio of risks with normal limits of its logarithm; NaN unless both risks are above 0."""
    estimate = risk_ratio(x, n, x_0, n_0)
    return estimate, *_log_limits(estimate, _log_risk_variance(x, n, x_0, n_0), conf_level)


def small_risk_ratio(
    x: np.ndarray, n: np.ndarray, x_0: np.ndarray, n_0: np.ndarray, conf_level: float
) -> Three:
    """Jewell's ratio of risks, with less bias in small samples."""
    estimate = x / n * (n_0 + 1) / (x_0 + 1)
    return estimate, *_log_limits(estimate, _log_risk_variance(x, n, x_0, n_0), conf_level)


def wald_odds_ratio(
    x: np.ndarray, n: np.ndarray, x_0: np.ndarray, n_0: np.ndarray, conf_level: float
) -> Three:
    """Odds ratio with Woolf's limits; NaN where a cell is empty."""
    estimate = odds_ratio(x, n, x_0, n_0)
    with np.errstate(divide="ignore"):
        variance = 1 / x + 1 / (n - x) + 1 / x_0 + 1 / (n_0 - x_0)
    return estimate, *_log_limits(estimate, variance, conf_level)


def small_odds_ratio(
    x: np.ndarray, n: np.ndarray, x_0: np.ndarray, n_0: np.ndarray, conf_level: float
) -> Three:
    """Jewell's odds ratio, with the limits of half an observation added to every cell."""
    a, b, c, d = x + 0.5, n - x + 0.5, x_0 + 0.5, n_0 - x_0 + 0.5
    estimate = x * (n_0 - x_0) / ((n - x + 1) * (x_0 + 1))
    return estimate, *_log_limits(a * d / (b * c), 1 / a + 1 / b + 1 / c + 1 / d, conf_level)


def score_difference(
    x: np.ndarray, n: np.ndarray, x_0: np.ndarray, n_0: np.ndarray, conf_level: float, *, corrected: bool
) -> Three:
    """Difference of risks with those that the score test does not reject."""
    z = _critical(n + n_0, conf_level, corrected)

    def score(delta: np.ndarray) -> np.ndarray:
        return difference_score(x, n, x_0, n_0, delta)

    one = np.ones(len(x))
    low = _where_it_falls(score, z, -one, one)
    high = _where_it_falls(score, -z, -one, one)
    return difference(x, n, x_0, n_0), low, high


def score_ratio(
    x: np.ndarray,
    n: np.ndarray,
    x_0: np.ndarray,
    n_0: np.ndarray,
    conf_level: float,
    *,
    kind: str,
    corrected: bool,
) -> Three:
    """A ratio of risks or of odds with those that the score test does not reject.

    Where it is 0 the lower limit is 0, and where it is infinite the upper one; without any event (or, for
    odds, without anybody free of it) nothing is known of it.
    """
    estimator, score = RATIOS[kind]
    z = _critical(n + n_0, conf_level, corrected)
    estimate = estimator(x, n, x_0, n_0)
    end = np.full(len(x), LARGEST_LOG)

    def falling(log_ratio: np.ndarray) -> np.ndarray:
        return score(x, n, x_0, n_0, np.exp(log_ratio))

    low = np.exp(_where_it_falls(falling, z, -end, end))
    high = np.exp(_where_it_falls(falling, -z, -end, end))
    low = np.where(np.isnan(estimate) | (estimate == 0), 0.0, low)
    return estimate, low, np.where(np.isnan(estimate) | np.isinf(estimate), np.inf, high)


def difference_score(
    x: np.ndarray, n: np.ndarray, x_0: np.ndarray, n_0: np.ndarray, delta: np.ndarray
) -> np.ndarray:
    """Standardised distance of the difference from `delta`, with the variance where `delta` is true.

    The restricted likelihood is largest at the root of a cubic (Miettinen and Nurminen).
    """
    total, events = n + n_0, x + x_0
    third = ((n + 2 * n_0) * delta - total - events) / (3 * total)
    linear = (delta * (n_0 * delta - total - 2 * x_0) + events) / total
    q = third**3 - linear * third / 2 + x_0 * delta * (1 - delta) / (2 * total)
    p = np.where(q < 0, -1.0, 1.0) * np.sqrt(np.maximum(third**2 - linear / 3, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        cosine = np.where(p == 0, 0.0, np.clip(q / p**3, -1.0, 1.0))
    risk_0 = 2 * p * np.cos((np.pi + np.arccos(cosine)) / 3) - third
    risk_0 = np.clip(risk_0, np.maximum(0.0, -delta), np.minimum(1.0, 1 - delta))
    risk = np.clip(risk_0 + delta, 0.0, 1.0)
    variance = risk * (1 - risk) / n + risk_0 * (1 - risk_0) / n_0
    return _standardised(difference(x, n, x_0, n_0) - delta, variance)


def risk_ratio_score(
    x: np.ndarray, n: np.ndarray, x_0: np.ndarray, n_0: np.ndarray, ratio: np.ndarray
) -> np.ndarray:
    """The same of the ratio of risks; the restricted risk is the root of a quadratic (Koopman)."""
    a, events = (n + n_0) * ratio, x + x_0
    b = ratio * (n + x_0) + x + n_0
    risk_0 = np.clip(2 * events / (b + np.sqrt(np.maximum(b**2 - 4 * a * events, 0.0))), 0.0, 1.0)
    risk = np.clip(ratio * risk_0, 0.0, 1.0)
    variance = risk * (1 - risk) / n + ratio**2 * risk_0 * (1 - risk_0) / n_0
    return _standardised(x / n - ratio * x_0 / n_0, variance)


def odds_ratio_score(
    x: np.ndarray, n: np.ndarray, x_0: np.ndarray, n_0: np.ndarray, ratio: np.ndarray
) -> np.ndarray:
    """The same of the odds ratio."""
    events = x + x_0
    expected = expected_exposed(n, n_0, events, ratio)
    variance = conditional_variance(expected, n, n_0, events)
    return _standardised(x - expected, variance)


def expected_exposed(n: np.ndarray, n_0: np.ndarray, events: np.ndarray, ratio: np.ndarray) -> np.ndarray:
    """Events among the exposed that give the table of these margins an odds ratio."""
    linear = ratio * (n + events) + n_0 - events
    root = np.sqrt(np.maximum(linear**2 - 4 * (ratio - 1) * ratio * n * events, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = np.where(
            linear > 0, 2 * ratio * n * events / (linear + root), (root - linear) / (2 * (1 - ratio))
        )
    return np.clip(expected, np.maximum(0, events - n_0), np.minimum(n, events))


def conditional_variance(
    expected: np.ndarray, n: np.ndarray, n_0: np.ndarray, events: np.ndarray
) -> np.ndarray:
    """Asymptotic variance of the events among the exposed, given the margins; 0 where a cell is empty."""
    cells = (expected, n - expected, events - expected, n_0 - events + expected)
    with np.errstate(divide="ignore"):
        return np.asarray(1 / sum(1 / np.maximum(cell, 0.0) for cell in cells))


def chi_squared(
    x: np.ndarray, n: np.ndarray, x_0: np.ndarray, n_0: np.ndarray, *, continuity: bool
) -> np.ndarray:
    """Pearson's chi-squared of no association, with Yates' correction if asked; NaN with an empty margin."""
    total, events = n + n_0, x + x_0
    off = np.abs(x * (n_0 - x_0) - (n - x) * x_0)
    off = np.maximum(off - total / 2, 0.0) if continuity else off
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(total * off**2 / (n * n_0 * events * (total - events)))


RATIOS: dict[str, tuple[Callable[..., np.ndarray], Score]] = {
    "risk": (risk_ratio, risk_ratio_score),
    "odds": (odds_ratio, odds_ratio_score),
}


def _critical(total: np.ndarray, conf_level: float, corrected: bool) -> np.ndarray:
    """The normal quantile, larger by the root of N / (N - 1) where the variance is by so much."""
    factor = np.sqrt(total / (total - 1)) if corrected else np.ones(len(total))
    return np.asarray(normal_quantile(conf_level) * factor)


def _standardised(distance: np.ndarray, variance: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(distance == 0, 0.0, distance / np.sqrt(np.maximum(variance, 0.0)))


def _where_it_falls(
    score: Callable[[np.ndarray], np.ndarray], to: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Where a falling function comes down to a value."""
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        above = score(middle) > to
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return (low + high) / 2


def _log_risk_variance(x: np.ndarray, n: np.ndarray, x_0: np.ndarray, n_0: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.asarray(1 / x - 1 / n + 1 / x_0 - 1 / n_0)


def _log_limits(centre: np.ndarray, variance: np.ndarray, conf_level: float) -> Limits:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        factor = np.exp(normal_quantile(conf_level) * np.sqrt(variance))
        known = np.isfinite(variance) & np.isfinite(centre)
        return np.where(known, centre / factor, np.nan), np.where(known, centre * factor, np.nan)
