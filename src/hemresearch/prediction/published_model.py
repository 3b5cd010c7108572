"""A published model from its coefficients and baseline: its risks, and what it takes to fit new patients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from scipy.special import chdtrc

from .. import formats
from ..columns import as_frame, read_table
from ..errors import DataError
from ..options import Missing, check_choice, nearest
from ..regression.cox import cox
from ..results import Result

if TYPE_CHECKING:
    from ..columns import Column
    from ..regression.cox_fit import CoxFit

Update = Literal["baseline", "slope", "refit", "test"]
LEVEL = 0.05


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PublishedModel(Result):
    """A proportional hazards model as a paper prints it.

    The risk by a horizon is 1 - S0^exp(lp - centre), lp the sum of coefficient times column.

    Parameters
    ----------
    coefficients
        Log hazard ratios by the name of a column; transformed and dummy columns are made before.
    baseline
        Survival S0 at each horizon of a patient whose linear predictor is `centre`.
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
        self._check_columns(frame.collect_schema().names())
        hazard_ratio = (self.linear_predictor() - self.centre).exp()
        return frame.with_columns(
            (1 - float(s) ** hazard_ratio).alias(f"{name or self.name}_{t:g}")
            for t, s in self.baseline.items()
        )

    def _check_columns(self, known: list[str]) -> None:
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


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class UpdatedModel(Result):
    """A published model updated in new patients, and the tests between the ways to do it.

    Attributes
    ----------
    model
        The updated model.
    method
        What was updated: `"baseline"`, `"slope"` or `"refit"`.
    slope
        The calibration slope of the published linear predictor in the new patients.
    """

    model: PublishedModel
    method: str
    slope: float
    tests: pl.DataFrame
    n: int
    n_event: float

    def to_frame(self) -> pl.DataFrame:
        """`against` ("baseline", "slope"), `statistic`, `df`, `p_value`: each against the refitted model."""
        return self.tests

    def __repr__(self) -> str:
        lines = [
            f"  {row['against']} against refit: chi-squared {formats.significant(row['statistic'])} on "
            f"{row['df']} df, {formats.p_value(row['p_value'])}"
            for row in self.tests.iter_rows(named=True)
        ]
        size = f"n={formats.count(self.n)}, events={formats.count(self.n_event)}"
        head = f"{self.model.name} updated ({self.method}), {size}"
        return "\n".join([head, f"  calibration slope {formats.significant(self.slope)}", *lines])


def update_model(
    model: PublishedModel,
    data: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    method: Update = "test",
    missing: Missing = "raise",
) -> UpdatedModel:
    """Update a published model in new patients: its baseline, also its slope, or all of it.

    `"baseline"` keeps the coefficients and estimates survival anew (calibration in the large). `"slope"`
    multiplies all coefficients by one number as well. `"refit"` estimates each of them. `"test"` chooses by
    the closed test of Vergouwe et al: the smallest of the three that the refitted model does not improve on,
    by likelihood ratio at 5 % (on all, then on all but one, degrees of freedom).

    Parameters
    ----------
    model
        The published model.
    data, time, event, event_value, missing
        As in `kaplan_meier`; times in the unit of the model's horizons.
    method
        See above.

    Returns
    -------
    UpdatedModel
        `.model` with the new coefficients and baseline, `.slope`, and the tests.

    Raises
    ------
    DataError
        For an unknown method, columns that are not there, horizons after the last follow-up; and as `cox`.

    References
    ----------
    Vergouwe Y et al. Stat Med 2017;36:4529-4539. van Houwelingen HC. Stat Med 2000;19:3401-3415.

    Examples
    --------
    >>> import hemresearch as hem
    >>> mgus = hem.data.load("mgus2").drop_nulls("hgb")
    >>> paper = PublishedModel({"age": 0.05, "hgb": -0.1}, {60: 0.8}, centre=2.2)
    >>> updated = update_model(paper, mgus, time="futime", event="death")
    >>> updated.method, round(updated.slope, 2)
    ('baseline', 1.09)
    """
    check_choice(method, Update, argument="method")
    frame = as_frame(data)
    model._check_columns(frame.collect_schema().names())
    roles: dict[str, Any] = {"time": time, "event": event, "covariates": list(model.coefficients)}
    whole = read_table(frame, roles, missing=missing)
    named = as_frame(data).lazy().collect()
    named = named if whole.row is None else named[whole.row]
    named = named.with_columns(model.linear_predictor().alias(LP))
    outcome = {"time": time, "event": event, "event_value": event_value}
    fits = {
        "baseline": cox(named, [], offset=LP, ties="breslow", **outcome),
        "slope": cox(named, [LP], ties="breslow", **outcome),
        "refit": cox(named, list(model.coefficients), ties="breslow", **outcome),
    }
    tests = _tests(fits)
    chosen = method if method != "test" else _chosen(tests)
    slope = float(fits["slope"].coef[0])
    return UpdatedModel(
        model=_updated(model, named, fits[chosen], chosen, slope),
        method=chosen,
        slope=slope,
        tests=tests,
        n=named.height,
        n_event=float(fits["slope"].n_event),
    )


LP = "__linear_predictor"


def _tests(fits: dict[str, CoxFit]) -> pl.DataFrame:
    """The refitted model against each of the others."""
    full = fits["refit"]
    rows = []
    for name, free in (("baseline", 0), ("slope", 1)):
        statistic = max(2 * (full.log_likelihood - fits[name].log_likelihood), 0.0)
        df = len(full.coef) - free
        rows.append((name, statistic, df, float(chdtrc(df, statistic)) if df else 1.0))
    return pl.DataFrame(rows, schema=["against", "statistic", "df", "p_value"], orient="row")


def _chosen(tests: pl.DataFrame) -> str:
    """The first that the refitted model does not improve on."""
    kept = tests.filter(pl.col("p_value") >= LEVEL)["against"]
    return str(kept[0]) if len(kept) else "refit"


def _updated(
    model: PublishedModel, frame: pl.DataFrame, fit: CoxFit, method: str, slope: float
) -> PublishedModel:
    """The coefficients of a fit, and its survival at the horizons of the patient at the centre."""
    factor = slope if method == "slope" else 1.0
    coefficients, centre = {c: factor * b for c, b in model.coefficients.items()}, factor * model.centre
    if method == "refit":
        coefficients = dict(zip(model.coefficients, map(float, fit.coef), strict=True))
        new = replace(model, coefficients=coefficients)
        centre = float(frame.select(new.linear_predictor().mean()).item())
    hazard = fit.baseline(at="zero").at(model.times)["estimate"]
    if hazard.null_count():
        raise DataError(
            "the last follow-up of the new patients is before a horizon of the model",
            argument="model",
            expected="horizons that somebody is followed to",
            remedy="PublishedModel(..., baseline={...}) with earlier horizons",
        )
    survival = dict(zip(model.baseline, np.exp(-hazard.to_numpy() * np.exp(centre)), strict=True))
    return replace(model, coefficients=coefficients, baseline=survival, centre=centre)
