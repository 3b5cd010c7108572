"""Scores and residuals of periods in their order in time: their correlation, and variances that allow for it.

Newey WK, West KD. Econometrica 1987;55:703-708; the default number of lags is that of their Rev Econ Stud
1994;61:631-653.
"""

from __future__ import annotations

import math

import numpy as np


def default_lags(n: int) -> int:
    """How many neighbours count where nobody says: 4 (n / 100)^(2/9), rounded down."""
    return math.floor(4 * (n / 100) ** (2 / 9))


def long_run_products(score: np.ndarray, lags: int) -> np.ndarray:
    """Products of scores with themselves and, with falling weights (Bartlett), with those up to `lags` on."""
    total = score.T @ score
    for lag in range(1, min(lags, len(score) - 1) + 1):
        across = score[lag:].T @ score[:-lag]
        total += (1 - lag / (lags + 1)) * (across + across.T)
    return np.asarray(total)


def autocorrelation(residual: np.ndarray) -> float:
    """How much each residual resembles the one before."""
    centred = residual - residual.mean()
    size = float(centred @ centred)
    return float(centred[1:] @ centred[:-1]) / size if size > 0 else 0.0
