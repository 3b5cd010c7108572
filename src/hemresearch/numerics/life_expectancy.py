"""Remaining years of life under fixed mortality."""

from __future__ import annotations

import numpy as np


def life_expectancy(hazard: np.ndarray) -> np.ndarray:
    """Mean years from each age on, when the hazard of a year of age holds for one year and the last for ever.

    Ages are the last axis. With l(x + 1) = l(x) exp(-h(x)) a year is lived for (l(x) - l(x + 1)) / h(x), one
    year where nobody dies, and the open interval for 1 / h.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        lived = np.where(hazard > 0, -np.expm1(-hazard) / hazard, 1.0)
        remaining = 1 / hazard[..., -1]
    result = np.empty_like(hazard)
    result[..., -1] = remaining
    for x in range(hazard.shape[-1] - 2, -1, -1):
        remaining = lived[..., x] + np.exp(-hazard[..., x]) * remaining
        result[..., x] = remaining
    return result
