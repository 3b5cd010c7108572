"""A fitted model as points that are added up by hand: a score of whole points, or a nomogram."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .. import formats
from ..columns import as_frame
from ..competing import FineGrayFit
from ..errors import DataError, listed
from ..options import check_number, check_times
from ..regression.cox_fit import CoxFit
from ..regression.time_varying import TimeVaryingDesign
from ..results import Result
from .predicted_risks import risks_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from ..design import Design

LONGEST = 100.0  # points of the variable with the largest effect, on a nomogram
FEW = 6  # distinct numbers that are all listed
MOST = 9  # values of other numbers
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
CHECKED, SAME = 50, 1e-8


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PointsScore(Result):
    """Points of the values of each variable, and the risk that goes with a total.

    Attributes
    ----------
    frame
        `variable`, `value` (as text), `effect` (the log hazard ratio against the value with the lowest) and
        `points`.
    one_point
        The log hazard ratio that a point stands for.
    whole
        Whether points are whole numbers.
    times
        The horizons of the risks.
    """

    frame: pl.DataFrame
    one_point: float
    whole: bool
    times: tuple[float, ...]
    additive: Additive
    log_hazard: np.ndarray  # of a total of 0, at each of the times

    @property
    def decimals(self) -> dict[str, int]:
        """To how many decimals a table tells points: none of whole ones."""
        whole = bool((self.frame["points"] == self.frame["points"].round()).all())
        return {"points": 0 if whole else 1}

    def to_frame(self) -> pl.DataFrame:
        """`variable`, `value`, `effect`, `points`: a row for each listed value."""
        return self.frame

    def risks(self, totals: Any = None) -> pl.DataFrame:
        """The predicted risk of totals: `points`, and one column `risk_<time>` for each horizon.

        Parameters
        ----------
        totals
            Sums of points; by default about ten from the lowest to the highest of the listed values.
        """
        if totals is None:
            highest = float(self.frame.group_by("variable").agg(pl.col("points").max())["points"].sum())
            totals = nice_values(0.0, highest, 10)
        points = np.atleast_1d(np.asarray(totals, dtype=float)) + 0.0  # without a sign at zero
        hazard = np.exp(self.log_hazard[:, None] + points * self.one_point)
        columns = {f"risk_{t:g}": -np.expm1(-one) for t, one in zip(self.times, hazard, strict=True)}
        return pl.DataFrame({"points": points} | columns)

    def score(self, data: Any, *, name: str = "points") -> Any:
        """Add each patient's total of points: null where a variable is missing.

        Every value has its own points, also between those listed; with whole points those of each variable
        are rounded before they are added.

        Parameters
        ----------
        data
            Patients with the variables of the fit; lazy frames stay lazy.
        name
            Of the column; the columns `name_<time>` after it hold the risks of the totals.
        """
        given = as_frame(data)
        frame = given.lazy().collect()
        known = frame.select(pl.all_horizontal(pl.col(self.additive.variables).is_not_null())).to_series()
        points = np.full(frame.height, np.nan)
        effects = self.additive.effects(frame.filter(known)) - self.additive.lowest
        each = effects / self.one_point
        points[known.to_numpy()] = (np.floor(each + 0.5) if self.whole else each).sum(axis=1)
        risks = self.risks(points).drop("points")
        added = frame.with_columns(
            pl.Series(name, points),
            *(risks[c].alias(f"{name}_{c.removeprefix('risk_')}") for c in risks.columns),
        ).with_columns(pl.col(name, *(f"{name}_{t:g}" for t in self.times)).fill_nan(None))
        return added.lazy() if isinstance(given, pl.LazyFrame) else added

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the nomogram: `hem.plots.draw_nomogram`."""
        from ..plots import draw_nomogram

        return draw_nomogram(self, ax=ax, **options)

    def __repr__(self) -> str:
        kind = "whole points" if self.whole else "points"
        head = f"{kind} for a log hazard ratio of {formats.significant(self.one_point)} each"
        lines = []
        for (variable,), rows in self.frame.group_by(["variable"], maintain_order=True):
            shown = ", ".join(f"{v}: {p:.0f}" for v, p in rows.select("value", "points").rows())
            lines.append(f"  {variable}: {shown}")
        return "\n".join([head, *lines])


@dataclass(frozen=True, slots=True, eq=False)
class Additive:
    """A linear predictor taken apart: what each variable adds to that of one patient, the base."""

    design: Design
    coef: np.ndarray
    base: pl.DataFrame
    variables: tuple[str, ...]
    lowest: np.ndarray

    def linear(self, frame: pl.DataFrame) -> np.ndarray:
        """The linear predictor of rows."""
        return np.asarray((self.design.apply(frame) * self.coef).sum(axis=1))

    def effect(self, variable: str, values: pl.Series) -> np.ndarray:
        """What values of one variable add, the others being those of the base."""
        repeated = pl.concat([self.base.drop(variable)] * len(values)) if len(self.variables) > 1 else None
        column = values.alias(variable).to_frame()
        frame = column if repeated is None else repeated.with_columns(column)
        return self.linear(frame) - self.linear(self.base)

    def effects(self, frame: pl.DataFrame) -> np.ndarray:
        """What every variable adds in each row: rows x variables."""
        return np.column_stack([self.effect(v, frame[v]) for v in self.variables])


def points_score(
    fit: CoxFit | FineGrayFit,
    data: Any,
    *,
    times: Any,
    values: Mapping[str, Sequence[Any]] | None = None,
    one_point: float | None = None,
) -> PointsScore:
    """Points of a fitted model that are added up to its risk: a nomogram, or a score of whole points.

    What each variable adds to the linear predictor is divided by what one point stands for; the value with
    the lowest effect has no points. The risk of a total follows from the baseline of the fit. On a nomogram
    (without `one_point`) the variable with the largest effect has 100 points, nothing is rounded, and total
    and risk are those of the model itself. With `one_point` points are rounded to whole numbers, and the
    risks are those of the score, not of the model: judge them beside each other by `auc`, `brier_score` and
    `calibration`.

    Parameters
    ----------
    fit
        Of `cox` or `fine_gray`, without strata, interactions or effects that change with time.
    data
        Patients, as those of the fit, whose range of each variable is listed (from the 1st to the 99th
        percentile of numbers).
    times
        The horizons of the risks, in the unit of the fit's times.
    values
        For some variables the values to list, such as `{"age": [40, 50, 60, 70]}`.
    one_point
        The log hazard ratio of a point, such as `10 * coefficient of age` for one in ten years.

    Returns
    -------
    PointsScore
        `.to_frame()` the points, `.risks()` totals and their risks, `.score(patients)` totals and risks of
        patients, `.plot()` the nomogram.

    Raises
    ------
    DataError
        For another fit, strata, interactions or time-varying effects, variables that are not in the fit, no
        complete rows, a point that is not above 0, and horizons after the last follow-up.

    References
    ----------
    Sullivan LM, Massaro JM, D'Agostino RB. Stat Med 2004;23:1631-1660 (whole points). Harrell FE. Regression
    Modeling Strategies, 2nd ed. Springer 2015 (nomograms).

    Examples
    --------
    >>> import hemresearch as hem
    >>> mgus = hem.data.load("mgus2").drop_nulls("hgb")
    >>> fit = hem.regression.cox(mgus, "age + sex + hgb", time="futime", event="death")
    >>> ten_years = 10 * fit.coef[0]
    >>> score = hem.prediction.points_score(
    ...     fit, mgus, times=60, one_point=ten_years, values={"age": [50, 60, 70, 80], "hgb": [8, 11, 14]}
    ... )
    >>> score
    whole points for a log hazard ratio of 0.5506 each
      age: 50: 0, 60: 1, 70: 2, 80: 3
      sex: F: 0, M: 1
      hgb: 8: 2, 11: 1, 14: 0
    >>> score.risks([0, 3, 6])["risk_60"].round(2).to_list()
    [0.08, 0.33, 0.88]
    """
    horizons = check_times(times)
    _check_fit(fit)
    if one_point is not None:
        check_number(one_point, argument="one_point", above=0.0, expected="above 0", example=0.5)
    additive = _taken_apart(fit, data)
    listed_values = _listed(additive, data, values or {})
    effects = {v: additive.effect(v, listed_values[v]) for v in additive.variables}
    lowest = np.array([one.min() for one in effects.values()])
    longest = max(float(np.ptp(one)) for one in effects.values())
    point = longest / LONGEST if one_point is None else float(one_point)
    rows = [_rows(v, listed_values[v], effects[v], point, one_point is not None) for v in additive.variables]
    additive = Additive(additive.design, additive.coef, additive.base, additive.variables, lowest)
    return PointsScore(
        frame=pl.concat(rows),
        one_point=point,
        whole=one_point is not None,
        times=tuple(float(t) for t in horizons),
        additive=additive,
        log_hazard=_log_hazard(fit, additive.base, horizons) + float(lowest.sum()),
    )


def _check_fit(fit: Any) -> None:
    """Only fits whose linear predictor is a sum, and whose risk depends on it alone."""
    if not isinstance(fit, CoxFit | FineGrayFit):
        found = f"a {type(fit).__name__} was given"
    elif isinstance(fit.design, TimeVaryingDesign):
        found = "has effects that change with time"
    elif fit.y is not None and fit.y.stratum.names:
        found = "has strata, each with risks of its own"
    else:
        return
    raise DataError(
        found,
        argument="fit",
        expected="a fit of cox or fine_gray whose effects add up to one linear predictor",
        remedy="hem.regression.cox(data, 'age + sex', ...), a fit for each stratum",
    )


def _taken_apart(fit: CoxFit | FineGrayFit, data: Any) -> Additive:
    """The linear predictor, whose parts must add up to it in some of the patients."""
    design = fit.require_design("a points score")
    names = tuple(design.request.roots)
    frame = as_frame(data).lazy().collect()
    absent = [name for name in names if name not in frame.columns]
    complete = frame.select(names).drop_nulls() if not absent else frame.clear()
    if complete.is_empty() or not names:
        raise DataError(
            f"has no {listed(absent)}" if absent else "has no row in which all variables are known",
            argument="data",
            expected="patients with the variables of the fit",
            remedy="the patients of the fit",
        )
    additive = Additive(design, fit.coef, complete[:1], names, np.zeros(len(names)))
    some = complete.gather_every(max(1, complete.height // CHECKED))
    sums = additive.linear(complete[:1]) + additive.effects(some).sum(axis=1)
    if np.abs(sums - additive.linear(some)).max() > SAME * (1 + np.abs(sums).max()):
        raise DataError(
            "has an interaction, so that the points of one variable would depend on another",
            argument="fit",
            expected="effects that add up",
            remedy="a fit without the interaction, or one in each group",
        )
    return additive


def _listed(additive: Additive, data: Any, values: Mapping[str, Sequence[Any]]) -> dict[str, pl.Series]:
    """The values of each variable that are listed."""
    for name in values:
        if name not in additive.variables:
            raise DataError(
                f"{name!r} is not a variable of the fit",
                argument="values",
                expected=f"some of {listed(list(additive.variables))}",
                remedy=f"values={{{additive.variables[0]!r}: [...]}}",
            )
    frame = as_frame(data).lazy().select(additive.variables).collect()
    return {
        v: pl.Series(v, list(values[v]), strict=False).cast(_kind(frame[v]))
        if v in values
        else _usual(frame[v].drop_nulls())
        for v in additive.variables
    }


def _kind(column: pl.Series) -> Any:
    """Numbers may stand between those of a column of whole ones."""
    return pl.Float64 if column.dtype.is_numeric() else column.dtype


def _usual(column: pl.Series) -> pl.Series:
    """All of few values, otherwise round numbers from the 1st to the 99th percentile."""
    distinct = column.unique().sort()
    if not column.dtype.is_numeric() or len(distinct) <= FEW:
        return distinct
    low, high = (float(column.quantile(q)) for q in (0.01, 0.99))  # type: ignore[arg-type]
    return pl.Series(column.name, nice_values(low, high, MOST))


def nice_values(low: float, high: float, most: int) -> np.ndarray:
    """At most so many round numbers, in equal steps, from `low` to `high`."""
    if not high > low:
        return np.array([low])
    size = 10.0 ** np.floor(np.log10((high - low) / most))
    step = next(size * s for s in (*STEPS, 20.0) if (high - low) / (size * s) <= most - 1)
    first, last = np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9)
    return np.asarray(np.arange(first, last + 1) * step)


def _rows(variable: str, values: pl.Series, effect: np.ndarray, point: float, whole: bool) -> pl.DataFrame:
    above = effect - effect.min()
    points = np.floor(above / point + 0.5) if whole else above / point
    numeric = values.dtype.is_numeric()
    labels = [f"{v:g}" if numeric else str(v) for v in values]
    return pl.DataFrame(
        {"variable": [variable] * len(labels), "value": labels, "effect": above, "points": points}
    )


def _log_hazard(fit: CoxFit | FineGrayFit, base: pl.DataFrame, times: np.ndarray) -> np.ndarray:
    """log(-log(1 - risk)) of the base at each horizon."""
    risk = risks_of(fit, base, times, None)[0].astype(float)
    if np.isnan(risk).any():
        raise DataError(
            "lies after the last follow-up of the fit",
            argument="times",
            expected="horizons that somebody is followed to",
            remedy=f"times below {times[np.isnan(risk)].min():g}",
        )
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(-np.log1p(-risk)))
