"""The update of a published model in new patients, and the tests of what it takes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from scipy.special import chdtrc

from .. import formats
from ..columns import as_frame, read_table
from ..competing.fine_gray import fine_gray
from ..errors import DataError
from ..options import Missing, check_choice
from ..regression.cox import cox
from ..results import Result
from .published_model import PublishedModel

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..columns import Column
    from ..competing.fine_gray_fit import FineGrayFit
    from ..regression.cox_fit import CoxFit

    Fit = CoxFit | FineGrayFit

Update = Literal["baseline", "slope", "refit", "test"]
LEVEL = 0.05
LP = "__linear_predictor"


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
    cause: Any = None,
    censored: Any = "default",
    method: Update = "test",
    missing: Missing = "raise",
) -> UpdatedModel:
    """Update a published model in new patients: its baseline, also its slope, or all of it.

    `"baseline"` keeps the coefficients and estimates survival anew (calibration in the large). `"slope"`
    multiplies all coefficients by one number as well. `"refit"` estimates each of them. `"test"` chooses by
    the closed test of Vergouwe et al: the smallest of the three that the refitted model does not improve on
    at 5 % (on all, then on all but one, degrees of freedom). The tests are likelihood ratios of Cox models;
    of Fine and Gray's, whose likelihood has none, Wald tests with the robust variance.

    Parameters
    ----------
    model
        The published model.
    data, time, event, event_value, missing
        As in `kaplan_meier`; times in the unit of the model's horizons.
    cause, censored
        With competing events, the cause that the model predicts, and the value of the censored, as in
        `hem.competing.fine_gray`.
    method
        See above.

    Returns
    -------
    UpdatedModel
        `.model` with the new coefficients and baseline, `.slope`, and the tests.

    Raises
    ------
    DataError
        For an unknown method, columns that are not there, horizons after the last follow-up; and as `cox`
        or `fine_gray`.

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
    model.check_columns(frame.collect_schema().names())
    roles: dict[str, Any] = {"time": time, "event": event, "covariates": list(model.coefficients)}
    whole = read_table(frame, roles, missing=missing)
    named = as_frame(data).lazy().collect()
    named = named if whole.row is None else named[whole.row]
    named = named.with_columns(model.linear_predictor().alias(LP))
    fits = _fits(model, named, time, event, event_value, cause, censored)
    against = _ratio if cause is None else _wald
    tests = _tests({name: against(fits, name, model) for name in ("baseline", "slope")}, fits["refit"])
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


def _fits(
    model: PublishedModel, data: pl.DataFrame, time: Column, event: Column, event_value: Any, cause: Any,
    censored: Any,
) -> dict[str, Fit]:  # fmt: skip
    """The model with its linear predictor as it is, multiplied by a slope, and with new coefficients."""
    outcome: dict[str, Any] = {"time": time, "event": event, "ties": "breslow"}
    fit: Callable[..., Any] = cox
    if cause is None:
        outcome |= {"event_value": event_value}
    elif event_value is None:
        fit, outcome = fine_gray, outcome | {"cause": cause, "censored": censored}
    else:
        raise DataError(
            "was given together with cause=, which says what the event is",
            argument="event_value",
            expected="event_value for one event, or cause among competing ones",
            remedy="event_value=None",
        )
    return {
        "baseline": fit(data, [], offset=LP, **outcome),
        "slope": fit(data, [LP], **outcome),
        "refit": fit(data, list(model.coefficients), **outcome),
    }


def _ratio(fits: dict[str, Fit], name: str, _: PublishedModel) -> float:
    """Twice what the refitted model adds to the logarithm of the likelihood."""
    return max(2 * (fits["refit"].log_likelihood - fits[name].log_likelihood), 0.0)


def _wald(fits: dict[str, Fit], name: str, model: PublishedModel) -> float:
    """(b - s b0)' V^-1 (b - s b0) of new and old coefficients, s being 1 or the slope that makes it least."""
    new, old = fits["refit"].coef, np.array(list(model.coefficients.values()))
    inverse = np.linalg.pinv(fits["refit"].cov)
    factor = 1.0 if name == "baseline" else float(old @ inverse @ new / (old @ inverse @ old))
    left = new - factor * old
    return float(left @ inverse @ left)


def _tests(statistics: dict[str, float], refit: Fit) -> pl.DataFrame:
    """The refitted model against each of the others."""
    rows = []
    for name, statistic in statistics.items():
        df = len(refit.coef) - (name == "slope")
        rows.append((name, statistic, df, float(chdtrc(df, statistic)) if df else 1.0))
    return pl.DataFrame(rows, schema=["against", "statistic", "df", "p_value"], orient="row")


def _chosen(tests: pl.DataFrame) -> str:
    """The first that the refitted model does not improve on."""
    kept = tests.filter(pl.col("p_value") >= LEVEL)["against"]
    return str(kept[0]) if len(kept) else "refit"


def _updated(
    model: PublishedModel, frame: pl.DataFrame, fit: Fit, method: str, slope: float
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
