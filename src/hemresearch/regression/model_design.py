"""The design of a regression, from covariates that have been read with its outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
import polars as pl

from ..design import Covariates, Design, build_design
from ..errors import DataError, FormulaError, counted, listed
from ..personal_numbers import check_groups

if TYPE_CHECKING:
    from ..outcomes import Survival


OUTCOME = ("time", "event", "case", "left", "right")


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


def check_strata(y: Survival, design: Design) -> None:
    """Refuse strata of persons, strata that are covariates too, and such that leave nobody to compare."""
    check_groups(y.stratum.levels, "strata")
    names, code = y.stratum.names, y.stratum.code
    for name in names:
        label = next((term for term in (name, f"C({name})") if term in design.terms), None)
        if label is not None and _is_constant_within(design.matrix[:, design.terms[label]], code):
            raise DataError(
                f"is a stratum and the covariate {label!r} too: within a stratum it is the same for all",
                argument="strata",
                column=name,
                expected="a column in the strata or among the covariates, not in both",
                remedy=f"covariates=... without {label!r}, or strata=... without {name!r}",
            )
    size = np.bincount(code)
    if names and design.columns and y.event.any() and (size[code[y.event]] == 1).all():
        raise DataError(
            f"makes {len(y.stratum)} strata of {counted(len(y), 'row')}, in which everybody with an event is "
            "alone: nobody is at risk together",
            argument="strata",
            column=names[0],
            expected="strata of many patients each",
            remedy=f"strata=None, or cluster={names[0]!r} for rows that belong together",
        )


def _is_constant_within(x: np.ndarray, code: np.ndarray) -> bool:
    """Whether rows with the same code are equal."""
    _, first, place = np.unique(code, return_index=True, return_inverse=True)
    return bool((x == x[first][place]).all())
