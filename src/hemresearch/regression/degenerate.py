"""Designs and likelihoods that have no proper maximum, told by the names of the columns at fault."""

from __future__ import annotations

import numpy as np

from ..errors import ConvergenceError, DataError, listed, warn
from ..formats import significant
from ..numerics.cox_extremes import flat_directions, is_monotone, monotone_direction, without_information
from ..numerics.cox_maximum import MANY_ROWS, SAMPLED
from ..numerics.cox_partial import cross_product
from ..numerics.cox_rows import CoxRows, centre_and_scale
from ..numerics.newton import Likelihood, Maximum

DEPENDENT = 1e-6  # what is left of a standardised column that the others explain, too little to estimate from
ROUNDING = 1e-9  # and what is nothing
WELL_APART = 1e-3  # an eigenvalue of a correlation matrix that leaves no doubt
VISIBLE = 1e-4  # a part of a combination that is worth a name
FLOOR = 1e-10  # of the information at zero: far above its rounding error, far below any that counts
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


def warn_if_crowded(
    n_columns: int, n_event: int, argument: str, remedy: str = "fewer terms, or ridge=1.0"
) -> None:
    """Warn where there are more coefficients than events."""
    if n_columns > n_event:
        warn(
            f"{n_columns} coefficients were asked of {n_event} events",
            argument=argument,
            expected="several events for each coefficient (10 to 20 by common advice)",
            remedy=remedy,
        )


def refuse_collinear(matrix: np.ndarray, columns: tuple[str, ...]) -> None:
    """Refuse a column that is constant or a linear combination of those before it, naming all of them."""
    if len(columns):
        mean, scale = centre_and_scale(matrix)
        refuse_dependent((matrix - mean) * scale, columns)


def refuse_dependent(x: np.ndarray, columns: tuple[str, ...]) -> None:
    """The same for columns that are centred and scaled already.

    Where they are many, columns that are far from dependent in some of the rows are so in all.
    """
    if len(x) > MANY_ROWS and _far_from_dependent(x[::SAMPLED]):
        return
    gram = cross_product(x, np.full(len(x), 1 / len(x)))
    for j in range(len(columns)):
        if gram[j, j] < 0.5:
            _refuse_constant(columns[j])
        parts = np.linalg.lstsq(gram[:j, :j], gram[:j, j], rcond=1e-12)[0]
        if gram[j, j] - gram[:j, j] @ parts > (10 * DEPENDENT) ** 2:
            continue  # far enough that the rounding of squares does not matter
        parts, *_ = np.linalg.lstsq(x[:, :j], x[:, j], rcond=None)
        left = x[:, j] - x[:, :j] @ parts
        if (size := float(np.sqrt(left @ left / len(left)))) <= DEPENDENT:
            _refuse_combination(columns, j, parts, nearly=size > ROUNDING)


def _far_from_dependent(x: np.ndarray) -> bool:
    """Whether the correlation matrix of the columns is well away from singular."""
    gram = cross_product(x - x.mean(axis=0), np.full(len(x), 1 / len(x)))
    return bool(np.linalg.eigvalsh(gram)[0] > WELL_APART)


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


def refuse_uninformative(
    rows: CoxRows, directions: list[np.ndarray], columns: tuple[str, ...], *, exact: bool = False
) -> None:
    """Refuse a direction of standardised coefficients that changes nothing in any risk set."""
    for direction in directions:
        flat = without_information(rows, direction, exact=exact)
        if flat is not None:
            _refuse_uninformative(columns, flat, rows.scale)


def _refuse_constant(column: str) -> None:
    raise DataError(
        f"{column!r} is the same in every row",
        argument="covariates",
        expected="covariates that differ between rows",
        remedy=f"covariates=... without {column!r}",
    )


def _refuse_combination(columns: tuple[str, ...], j: int, parts: np.ndarray, *, nearly: bool) -> None:
    used = np.flatnonzero(np.abs(parts) > VISIBLE * max(np.abs(parts).max(), 1e-300))
    but = ", but for a millionth of its spread," if nearly else ""
    raise DataError(
        f"{columns[j]!r} is{but} a linear combination of {listed(repr(columns[k]) for k in used)}",
        argument="covariates",
        expected="covariates that do not follow from each other",
        remedy=f"covariates=... without {columns[j]!r}",
    )


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
