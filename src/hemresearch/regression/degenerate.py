"""Likelihoods that have no proper maximum, told by the names of the columns at fault."""

from __future__ import annotations

import numpy as np

from ..errors import ConvergenceError, DataError, warn
from ..formats import significant
from ..model_design import VISIBLE
from ..numerics.cox_extremes import flat_directions, is_monotone, monotone_direction, without_information
from ..numerics.cox_rows import CoxRows
from ..numerics.newton import Likelihood, Maximum

FLOOR = 1e-10  # of the information at zero: far above its rounding error, far below any that counts
HELD_UP = 100  # times the floor: an information that it holds up
STEPS_OF_A_REGULAR_FIT = 12
MONOTONE = {
    "hazard ratio": (
        "in every risk set the events have",
        "hem.regression.firth_cox(...), whose estimates and profile-likelihood limits are finite",
    ),
    "hazard ratio of the cohort": (
        "in every risk set the cases have",
        "covariates=... with fewer terms or coarser groups",
    ),
    "subdistribution hazard ratio": (
        "in every risk set, with those after a competing event in it, the events have",
        "covariates=... with fewer terms or coarser groups",
    ),
    "odds ratio": ("in every set the cases have", "covariates=... with fewer terms or coarser groups"),
}


def examine(
    rows: CoxRows,
    likelihood: Likelihood,
    found: Maximum,
    columns: tuple[str, ...],
    ratio: str = "hazard ratio",
    *,
    exact: bool = False,
) -> np.ndarray:
    """Refuse coefficients without information, and warn of those whose estimate is infinite.

    Returns the information; where the likelihood is monotone, with a floor under it that makes the standard
    errors of infinite estimates huge, and leaves those of the others what they are.

    Only a likelihood that hardly bends in some direction, or took many steps, is looked at; what is then
    said of a direction has been checked in every risk set.
    """
    regular = found.converged and found.iterations <= STEPS_OF_A_REGULAR_FIT
    if regular and not flat_directions(rows, found.information):
        return found.information
    _, score, information = likelihood(np.zeros(len(columns)))
    refuse_uninformative(rows, flat_directions(rows, information), columns, exact=exact)
    units = [sign * unit for unit in np.eye(len(columns)) for sign in (1.0, -1.0)]
    running_off = [unit for unit in units if is_monotone(rows, unit, exact=exact)]
    if not running_off:
        combined = monotone_direction(rows, score, exact=exact)
        running_off = [] if combined is None else [combined]
    for direction in running_off:
        _warn_monotone(columns, direction, rows.scale, ratio)
    if not running_off and not found.converged:
        raise ConvergenceError(
            f"the partial likelihood had no maximum after {found.iterations} steps (largest standardised "
            f"coefficient {significant(float(np.abs(found.parameters).max()))}: "
            f"{columns[int(np.abs(found.parameters).argmax())]!r})"
        )
    floor = FLOOR * np.diag(information).max() if running_off else 0.0
    return found.information + floor * np.eye(len(columns))


def variance_without_end(information: np.ndarray, examined: np.ndarray) -> np.ndarray:
    """The variance of infinite estimates, 0 of all others, from the information before and after `examine`.

    A robust variance lacks it: no row moves such an estimate any more, which would pass for certainty.
    """
    floor = float(np.trace(examined - information)) / len(information)
    if floor <= 0:
        return np.zeros_like(information)
    size, direction = np.linalg.eigh(information)
    ends = size < HELD_UP * floor
    found: np.ndarray = (direction[:, ends] / (np.maximum(size[ends], 0.0) + floor)) @ direction[:, ends].T
    return found


def refuse_uninformative(
    rows: CoxRows, directions: list[np.ndarray], columns: tuple[str, ...], *, exact: bool = False
) -> None:
    """Refuse a direction of standardised coefficients that changes nothing in any risk set."""
    for direction in directions:
        flat = without_information(rows, direction, exact=exact)
        if flat is not None:
            _refuse_uninformative(columns, flat, rows.scale)


def _refuse_uninformative(columns: tuple[str, ...], direction: np.ndarray, scale: np.ndarray) -> None:
    raise DataError(
        f"{_combination(columns, direction, scale)} is the same for all at risk at every event time (within "
        "its stratum), so the data say nothing about it",
        argument="covariates",
        expected="covariates that differ between those at risk together",
        remedy=f"covariates=... without {_named(columns, direction)[0]!r}",
    )


def _warn_monotone(columns: tuple[str, ...], direction: np.ndarray, scale: np.ndarray, ratio: str) -> None:
    one = len(_named(columns, direction)) == 1
    falls = one and direction[np.abs(direction).argmax()] < 0
    what = "0" if falls else "infinity"
    where, remedy = MONOTONE[ratio]
    warn(
        f"the likelihood grows without end along {_combination(columns, direction, scale)}: "
        + (f"its {ratio} is estimated as {what}" if one else "its effect is estimated as infinite")
        + f" ({where} its extreme value)",
        argument="covariates",
        expected="events on both sides of every contrast",
        remedy=remedy,
    )


def _named(columns: tuple[str, ...], direction: np.ndarray) -> list[str]:
    """The columns that take a visible part in a direction, standardised as they are."""
    size = np.abs(direction)
    return [columns[k] for k in np.flatnonzero(size > VISIBLE * size.max())]


def _combination(columns: tuple[str, ...], direction: np.ndarray, scale: np.ndarray) -> str:
    """`'a'`, or `'a' - 2 'b'`: the direction by names, in the units of the columns."""
    names = _named(columns, direction)
    if len(names) == 1:
        return repr(names[0])
    natural = direction * scale
    unit = np.abs(natural[columns.index(names[0])])
    told: list[str] = []
    for name in names:
        factor = natural[columns.index(name)] / unit
        size = "" if abs(abs(factor) - 1) < 1e-3 else f"{significant(abs(factor), 3)} "
        told.append(("- " if factor < 0 else "+ " if told else "") + f"{size}{name!r}")
    return "the combination " + " ".join(told)
