"""Scores of predictions at a horizon, with their derivatives by the logarithms of the rows' weights."""

from __future__ import annotations

import numpy as np


def area_under_roc(rank: np.ndarray, case: np.ndarray, control: np.ndarray) -> tuple[float, np.ndarray]:
    """The weighted share of pairs in which the case has the higher rank, ties counting one half.

    `rank` numbers the distinct scores from 0; `case` and `control` are weights, of which a row has one at
    most, and each of which somebody has.
    """
    size = int(rank.max()) + 1
    cases, controls = np.bincount(rank, case, size), np.bincount(rank, control, size)
    n_case, n_control = cases.sum(), controls.sum()
    lower = np.cumsum(controls) - controls / 2
    higher = n_case - np.cumsum(cases) + cases / 2
    value = float(cases @ lower / (n_case * n_control))
    of_case = (lower / n_control - value) / n_case
    of_control = (higher / n_case - value) / n_control
    return value, case * of_case[rank] + control * of_control[rank]


def roc_points(rank: np.ndarray, case: np.ndarray, control: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares of cases and of controls at or above each rank, from the highest rank down, after (0, 0)."""
    shares = []
    for weight in (case, control):
        falling = np.cumsum(np.bincount(rank, weight, int(rank.max()) + 1)[::-1])
        shares.append(np.append(0.0, falling / falling[-1]))
    return shares[0], shares[1]


def brier(risk: np.ndarray | float, happened: np.ndarray, weight: np.ndarray) -> tuple[float, np.ndarray]:
    """The weighted mean squared distance of a risk from what happened; its parts are the rows' own."""
    part = weight * (happened - risk) ** 2 / len(weight)
    return float(part.sum()), part
