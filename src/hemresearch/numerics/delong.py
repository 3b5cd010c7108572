"""The area under a ROC curve by placements, as DeLong, DeLong and Clarke-Pearson have it.

The placement of a case is the share of controls that score lower (ties one half), that of a control the
share of cases that score higher. The area is their mean, and of one area or a difference of two the variance
is that of the placements of cases over the number of cases, plus that of controls over their number.

Reference: DeLong ER et al. Biometrics 1988;44:837-845; by ranks, Sun X, Xu W. IEEE Signal Process Lett
2014;21:1389-1393.
"""

from __future__ import annotations

import numpy as np

Placements = tuple[np.ndarray, np.ndarray]


def placements(score: np.ndarray, case: np.ndarray) -> Placements:
    """Placements of the cases and of the controls."""
    place = np.unique(score, return_inverse=True)[1]
    size = int(place.max()) + 1
    cases, controls = np.bincount(place[case], minlength=size), np.bincount(place[~case], minlength=size)
    lower = np.cumsum(controls) - controls / 2
    higher = cases.sum() - np.cumsum(cases) + cases / 2
    return lower[place[case]] / controls.sum(), higher[place[~case]] / cases.sum()


def placement_error(of_cases: np.ndarray, of_controls: np.ndarray) -> float:
    """The standard error of an area, or of a difference of areas from differences of placements."""
    parts = (values.var(ddof=1) / len(values) for values in (of_cases, of_controls))
    return float(np.sqrt(sum(parts)))
