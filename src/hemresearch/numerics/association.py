"""Two variables by their ranks or their counts: Spearman, Kruskal and Wallis, Pearson's chi-squared."""

from __future__ import annotations

import numpy as np
from scipy.special import chdtrc, stdtr


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1, ties at the mean of theirs."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    begins = np.append(True, ordered[1:] != ordered[:-1])
    first = np.flatnonzero(begins)
    size = np.diff(np.append(first, len(values)))
    result = np.empty(len(values))
    result[order] = (first + (size + 1) / 2)[np.cumsum(begins) - 1]
    return result


def spearman(x: np.ndarray, y: np.ndarray) -> tuple[float, float, float, float]:
    """Spearman's rho, t = rho sqrt((n - 2)/(1 - rho^2)), its degrees of freedom and p-value."""
    a, b = (ranks(v) - (len(v) + 1) / 2 for v in (x, y))
    df = float(len(x) - 2)
    spread = float(np.sqrt((a @ a) * (b @ b)))
    if df < 1 or spread == 0:
        return (np.nan,) * 4
    rho = float(np.clip(a @ b / spread, -1.0, 1.0))
    with np.errstate(divide="ignore"):
        t = float(rho * np.sqrt(df / np.float64(1 - rho**2)))
    return rho, t, df, float(2 * stdtr(df, -abs(t)))


def kruskal_wallis(x: np.ndarray, group: np.ndarray, n_group: int) -> tuple[float, float, float]:
    """Kruskal and Wallis' H with its correction for ties, degrees of freedom and p-value.

    Of two groups it is the square of Wilcoxon's z (normal approximation, no continuity correction).
    """
    rank = ranks(x)
    n, size = len(x), np.bincount(group, minlength=n_group)
    centred = rank - (n + 1) / 2
    spread = float(centred @ centred)
    if n_group < 2 or spread == 0:
        return (np.nan,) * 3
    between = float((np.bincount(group, centred, n_group) ** 2 / size).sum())
    h, df = (n - 1) * between / spread, float(n_group - 1)
    return h, df, float(chdtrc(df, h))


def superiority(x: np.ndarray, second: np.ndarray) -> float:
    """P(a value of the second group is the larger) + P(equal) / 2: Mann and Whitney's U over its largest."""
    n = int(second.sum())
    u = ranks(x)[second].sum() - n * (n + 1) / 2
    return float(u / (n * (len(x) - n)))


def chi_squared(counts: np.ndarray) -> tuple[float, float, float]:
    """Pearson's statistic of a table without empty rows or columns, degrees of freedom and p-value."""
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    statistic = float(((counts - expected) ** 2 / expected).sum())
    df = float((counts.shape[0] - 1) * (counts.shape[1] - 1))
    return statistic, df, float(chdtrc(df, statistic))
