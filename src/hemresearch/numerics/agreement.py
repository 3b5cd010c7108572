"""Agreement of two raters beyond chance."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Kappa(NamedTuple):
    """Kappa, its standard error, that without agreement beyond chance, and the credit that was observed."""

    estimate: float
    std_error: float
    null_error: float
    credit: float


def weighted_kappa(count: np.ndarray, weight: np.ndarray) -> Kappa:
    """Of a table of ratings, with the credit that each cell gets; errors of Fleiss, Cohen and Everitt.

    NaN where chance alone agrees fully, as with one category.
    """
    n = count.sum()
    share = count / n
    row, column = share.sum(axis=1), share.sum(axis=0)
    observed, chance = float((weight * share).sum()), float(row @ weight @ column)
    if chance >= 1:
        return Kappa(np.nan, np.nan, np.nan, observed)
    kappa = (observed - chance) / (1 - chance)
    mean = (weight @ column)[:, None] + (row @ weight)[None, :]
    spread = (share * (weight - mean * (1 - kappa)) ** 2).sum() - (kappa - chance * (1 - kappa)) ** 2
    null = (np.outer(row, column) * (weight - mean) ** 2).sum() - chance**2
    scale = np.sqrt(n) * (1 - chance)
    error, null_error = (float(np.sqrt(max(value, 0.0)) / scale) for value in (spread, null))
    return Kappa(float(kappa), error, null_error, observed)


def credit(n_categories: int, weighting: str) -> np.ndarray:
    """Credit for ratings by their distance: 1 for the same category, 0 (unless weighted) for another one."""
    place = np.arange(n_categories)
    apart = np.abs(place[:, None] - place) / max(n_categories - 1, 1)
    return {"none": (apart == 0).astype(float), "linear": 1 - apart, "quadratic": 1 - apart**2}[weighting]
