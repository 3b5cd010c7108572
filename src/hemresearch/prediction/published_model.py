"""A published model from its coefficients and baseline, and its risks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from .. import formats
from ..columns import as_frame
from ..errors import DataError
from ..options import nearest
from ..results import Result


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PublishedModel(Result):
    """A proportional hazards model as a paper prints it: Cox's, or of a cause that of Fine and Gray.

    The risk by a horizon is 1 - S0^exp(lp - centre), lp the sum of coefficient times column.

    Parameters
    ----------
    coefficients
        Log (subdistribution) hazard ratios by the name of a column; transformed and dummy columns are made
        before.
    baseline
        Survival S0 at each horizon of a patient whose linear predictor is `centre`; of a cause, 1 less the
        cumulative incidence.
    centre
        The linear predictor of that patient: 0 for one with all columns 0, or as the paper centres.
    name
        Of the model.

    Raises
    ------
    DataError
        For no coefficients or horizons, coefficients that are not finite, and survival outside 0 to 1.

    Examples
    --------
    >>> import polars as pl
    >>> paper = PublishedModel({"age": 0.05}, {60: 0.8}, centre=3.5, name="paper")
    >>> patients = pl.DataFrame({"age": [70, 80]})
    >>> paper.risks(patients)["paper_60"].round(3).to_list()
    [0.2, 0.308]
    """

    coefficients: Mapping[str, float]
    baseline: Mapping[float, float]
    centre: float = 0.0
    name: str = "published"

    def __post_init__(self) -> None:
        """Refuse what no paper can mean."""
        numbers = [*self.coefficients.values(), self.centre]
        if not self.coefficients or not np.isfinite(numbers).all():
            raise DataError(
                "there are none, or some are not finite",
                argument="coefficients",
                expected="a log hazard ratio for each column, and a finite centre",
                remedy="coefficients={'age': 0.05}",
            )
        if not self.baseline or not all(0 < s <= 1 for s in self.baseline.values()):
            raise DataError(
                "there is none, or not between 0 and 1",
                argument="baseline",
                expected="survival at each horizon, above 0",
                remedy="baseline={60: 0.8}",
            )

    @property
    def times(self) -> list[float]:
        """The horizons."""
        return [float(t) for t in self.baseline]

    def linear_predictor(self) -> pl.Expr:
        """The sum of coefficient times column, as an expression."""
        return pl.sum_horizontal(
            [beta * pl.col(c).cast(pl.Float64) for c, beta in self.coefficients.items()], ignore_nulls=False
        ).alias("linear_predictor")

    def risks(self, data: Any, *, name: str | None = None) -> Any:
        """Add the predicted risks: one column `name_<horizon>` for each, null where a column is missing.

        Parameters
        ----------
        data
            The patients; lazy frames stay lazy.
        name
            How the columns begin; the model's name by default.

        Returns
        -------
        polars.DataFrame or polars.LazyFrame
            The data with the risks.

        Raises
        ------
        DataError
            For columns that are not there.
        """
        frame = as_frame(data)
        self.check_columns(frame.collect_schema().names())
        hazard_ratio = (self.linear_predictor() - self.centre).exp()
        return frame.with_columns(
            (1 - float(s) ** hazard_ratio).alias(f"{name or self.name}_{t:g}")
            for t, s in self.baseline.items()
        )

    def check_columns(self, known: list[str]) -> None:
        """Refuse data without a column of the model."""
        for column in self.coefficients:
            if column not in known:
                near = nearest(column, known, 1)
                raise DataError(
                    "is not in the data",
                    argument="data",
                    column=column,
                    expected="the columns of the model" + (f" (near: {near[0]!r})" if near else ""),
                    remedy=f"data.with_columns(... .alias({column!r}))",
                )

    def __repr__(self) -> str:
        terms = [f"  {c}: {formats.significant(b)}" for c, b in self.coefficients.items()]
        at = ", ".join(f"{t:g}: {formats.significant(s)}" for t, s in self.baseline.items())
        head = f"{self.name}: proportional hazards, log hazard ratios"
        return "\n".join([head, *terms, f"survival at a linear predictor of {self.centre:g}: {at}"])
