"""The covariance of coefficients of an excess hazard, and the error where the data do not determine one."""

from __future__ import annotations

import numpy as np

from ..errors import ConvergenceError

SINGULAR = 1e-13  # an eigenvalue of the information, scaled to a unit diagonal, that is none
RUNS_OFF = 1e3  # a standard error of a standardised coefficient, beyond which it is not estimated at all


def inverse_information(information: np.ndarray) -> np.ndarray | None:
    """The covariance of standardised coefficients; None where one of them is not determined."""
    if not len(information):
        return information
    diagonal = np.diag(information)
    if not np.isfinite(information).all() or (diagonal <= 0).any():
        return None
    size = np.sqrt(diagonal)
    scaled = information / np.outer(size, size)
    if np.linalg.eigvalsh(scaled)[0] <= SINGULAR:
        return None
    inverse = np.asarray(np.linalg.inv(scaled) / np.outer(size, size))
    return inverse if (np.diag(inverse) < RUNS_OFF**2).all() else None


def no_maximum(
    information: np.ndarray, there: np.ndarray, unit: np.ndarray, columns: tuple[str, ...]
) -> ConvergenceError:
    """An error that names the coefficient that the data tell least of, per standard deviation."""
    told = np.diag(there.T @ np.nan_to_num(information) @ there) * unit**2
    return ConvergenceError(
        f"the likelihood had no maximum: {columns[int(told.argmin())]!r} is not determined. Expected more "
        "deaths than in the population in every band and level. Try wider bands, fewer terms, or coarser "
        "groups."
    )
