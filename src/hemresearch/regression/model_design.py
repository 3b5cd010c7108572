"""The design of a regression, from covariates that have been read with its outcome."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import polars as pl

from ..design import Covariates, Design, build_design
from ..errors import FormulaError, listed


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
