"""The design of a model, from covariates that were read with its outcome, and what no model can be of."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import polars as pl

from .design import Covariates, Design, build_design
from .errors import DataError, FormulaError, listed, warn
from .numerics.cox_maximum import MANY_ROWS, SAMPLED
from .numerics.cox_partial import cross_product
from .numerics.cox_rows import centre_and_scale

DEPENDENT = 1e-6  # what is left of a standardised column that the others explain, too little to estimate from
ROUNDING = 1e-9  # and what is nothing
WELL_APART = 1e-3  # an eigenvalue of a correlation matrix that leaves no doubt
VISIBLE = 1e-4  # a part of a combination that is worth a name
OUTCOME = ("time", "event", "events", "case", "left", "right")


class HasCovariates(Protocol):
    """Checked observations with the columns of their covariates."""

    @property
    def covariates(self) -> pl.DataFrame:
        """The columns."""

    @property
    def row(self) -> np.ndarray | None:
        """Their positions in the user's data."""

    def __len__(self) -> int:
        """The number of rows."""


def model_design(y: HasCovariates, covariates: Covariates | None, *, intercept: bool = False) -> Design:
    """The design of the covariates that were read; without any, of as many rows and no columns.

    A level that no row has cannot be estimated and is refused, by name.
    """
    values = y.covariates if y.covariates.width else pl.DataFrame({"row": np.arange(len(y))})
    request = [] if covariates is None else covariates
    design = build_design(values, request, intercept=intercept, rows=y.row, evaluated=True)
    _refuse_outcome(design, getattr(y, "names", {}))
    for column, levels in design.unused_levels.items():
        raise FormulaError(
            f"has no rows with {listed(map(repr, levels))}, so nothing can be said of "
            f"{'that level' if len(levels) == 1 else 'those levels'}",
            argument="covariates",
            column=column,
            expected="rows in every level of the Enum",
            remedy=f"data.with_columns(pl.col({column!r}).cast(pl.String)), which has the levels that occur",
        )
    return design


def _refuse_outcome(design: Design, names: dict[str, str]) -> None:
    """Refuse the outcome as its own covariate."""
    for role in (role for role in OUTCOME if names.get(role) in design.request.names):
        raise FormulaError(
            f"is {role}=, the outcome itself",
            argument="covariates",
            column=names[role],
            expected="covariates that were known before the outcome",
            remedy=f"covariates=... without {names[role]!r}",
        )


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
