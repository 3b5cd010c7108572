"""Models of counts of periods: residuals that follow each other, and a variance that allows for it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..errors import DataError, counted, warn
from ..formats import significant
from ..numerics.serial import autocorrelation, default_lags, long_run_products

if TYPE_CHECKING:
    from .poisson_fit import PoissonFit

SerialVariance = Literal["newey-west", "model-based"]
BY_CHANCE = 1.96
FEW = 100  # periods, of which Newey and West's limits of 95% hold in 90% and less


def pearson_residuals(fit: PoissonFit) -> np.ndarray:
    """Distances of the counts from their means, in standard deviations (but for a quasi dispersion)."""
    count, mean, _ = _rows(fit)
    return np.asarray((count - mean) / np.sqrt(mean * (1 + fit.alpha * mean)))


def residual_autocorrelation(fit: PoissonFit, order: np.ndarray) -> float:
    """Of neighbouring periods, in the order of time."""
    return autocorrelation(pearson_residuals(fit)[order])


def with_serial_variance(
    fit: PoissonFit, order: np.ndarray, variance: SerialVariance, lags: int | None
) -> PoissonFit:
    """The fit with Newey and West's variance; or as it is, with a warning where residuals are correlated."""
    if variance == "model-based":
        _warn_of_correlation(residual_autocorrelation(fit, order), len(order))
        return fit
    _warn_of_few(len(order))
    used = default_lags(len(order)) if lags is None else lags
    count, mean, x = _rows(fit)
    score = x * ((count - mean) / (1 + fit.alpha * mean))[:, None]
    meat = long_run_products(score[order], used)
    told = f"Newey-West ({counted(used, 'lag')})"
    return replace(fit, cov=fit.cov_model @ meat @ fit.cov_model, variance=told)


def check_lags(lags: Any, variance: str, n: int) -> None:
    """A whole number of lags, fewer than periods, and only with the variance that has them."""
    if lags is None:
        return
    if variance != "newey-west":
        raise DataError(
            "were given, and a model-based variance has none",
            argument="lags",
            expected="lags of variance='newey-west'",
            remedy="variance='newey-west'",
        )
    if isinstance(lags, bool) or not isinstance(lags, int | np.integer) or not 0 <= lags < n:
        raise DataError(
            f"{lags!r} was given",
            argument="lags",
            expected=f"a whole number from 0 to {n - 1}, one less than periods",
            remedy=f"lags={default_lags(n)}",
        )


def _rows(fit: PoissonFit) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts, their means, and the design."""
    x = fit.require_design("a variance of periods").matrix
    assert fit.counts is not None  # a fit with its design has them
    return fit.counts.count, np.exp(x @ fit.coef + fit.counts.log_exposure), x


def _warn_of_few(n: int) -> None:
    if n >= FEW:
        return
    warn(
        f"'newey-west' was taken from {counted(n, 'period')}, of which it is too small: limits are too "
        "narrow and p-values too low",
        argument="variance",
        expected=f"{FEW} periods or more",
        remedy="variance='model-based' where residuals of neighbouring periods do not correlate, or shorter "
        "periods",
    )


def _warn_of_correlation(r: float, n: int) -> None:
    if abs(r) <= BY_CHANCE / math.sqrt(n):
        return
    warn(
        f"takes periods for independent, and residuals of neighbouring ones correlate ({significant(r, 2)}): "
        f"limits may be too {'narrow' if r > 0 else 'wide'}",
        argument="variance",
        expected="a variance that allows for it",
        remedy="variance='newey-west'",
    )
