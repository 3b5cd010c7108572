"""Age-period-cohort models: their bases, how their parts share the linear trend, and their maxima."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from ..numerics.age_period_cohort import detrended, independent_columns, log_effects
from ..numerics.counts import deviance, fit_poisson
from ..numerics.splines import natural_spline_basis
from .count_solution import solve_counts

if TYPE_CHECKING:
    from .count_solution import CountSolution

Scale = Literal["age", "period", "cohort"]
NO_MAXIMUM = "model='spline', or fewer knots: something must have happened along each scale."


@dataclass(frozen=True, slots=True)
class Parametrization:
    """How the linear trend is shared, and what is fitted together.

    `drift` is the scale that it runs along, whose effect holds it where `with_drift`. `later` are the scales
    that are fitted to what the model before leaves.
    """

    drift: Scale
    with_drift: bool
    later: tuple[Scale, ...] = ()


PARAMETRIZATIONS = {
    "ACP": Parametrization("cohort", True),
    "APC": Parametrization("period", True),
    "AdCP": Parametrization("cohort", False),
    "AdPC": Parametrization("period", False),
    "AC-P": Parametrization("cohort", True, ("period",)),
    "AP-C": Parametrization("period", True, ("cohort",)),
    "Ad-C-P": Parametrization("cohort", False, ("cohort", "period")),
    "Ad-P-C": Parametrization("period", False, ("period", "cohort")),
}


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The cells of a table: events, log person-time, and where each stands on the scales."""

    count: np.ndarray
    log_time: np.ndarray
    at: dict[str, np.ndarray]
    weight: np.ndarray  # of the trend

    def __len__(self) -> int:
        return len(self.count)


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """A scale: its distinct values, that of each cell, and the columns of its effect at each value.

    Those of age hold the level of rates and any trend, those of period and cohort neither.
    """

    values: np.ndarray
    place: np.ndarray
    columns: np.ndarray
    reference: float

    @property
    def rows(self) -> np.ndarray:
        """The columns for each cell."""
        return self.columns[self.place]

    def along(self, *, level: bool) -> np.ndarray:
        """At each value, the distance from the reference, and the columns; behind a level if one is asked."""
        parts = [np.ones(len(self.values))] if level else []
        return np.column_stack([*parts, self.values - self.reference, self.columns])


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A model that was fitted: its solution, deviance, number of free coefficients and log means.

    Where coefficients are not all free the mean is determined, and no effect is.
    """

    solution: CountSolution
    is_determined: bool
    deviance: float
    log_likelihood: float
    size: int
    log_mean: np.ndarray

    @property
    def aic(self) -> float:
        """Akaike's criterion."""
        return 2 * self.size - 2 * self.log_likelihood


def age_axis(cells: Cells, knots: np.ndarray | None) -> Axis:
    """A level and the effect of age."""
    values, place = np.unique(cells.at["age"], return_inverse=True)
    basis = _basis(values, values, knots)
    free = basis if knots is not None else basis[:, 1:]
    return Axis(values, place, np.column_stack([np.ones(len(values)), free]), float(values[0]))


def calendar_axis(
    cells: Cells, scale: Scale, knots: np.ndarray | None, reference: float, *, is_given: bool
) -> Axis:
    """The effect of period or cohort less its trend; 0 at the reference if it was given, else on average."""
    values, place = np.unique(cells.at[scale], return_inverse=True)
    if knots is None:
        reference = float(values[np.abs(values - reference).argmin()])
    at_reference = _basis(np.array([reference]), values, knots)[0]
    weight = np.bincount(place, cells.weight)
    columns, there = detrended(_basis(values, values, knots), values, weight, at_reference, reference)
    return Axis(values, place, columns - there if is_given else columns, reference)


def _basis(at: np.ndarray, values: np.ndarray, knots: np.ndarray | None) -> np.ndarray:
    """A natural spline, or without knots an indicator of each value."""
    if knots is None:
        return (at[:, None] == values).astype(float)
    return natural_spline_basis(at, knots[1:-1], knots[[0, -1]])


def fit_part(
    cells: Cells, columns: list[np.ndarray], names: list[str], before: np.ndarray | None = None
) -> Part:
    """The maximum of a Poisson model whose first columns hold a level.

    `before` are the log means of an earlier model, to which this one is fitted on top.
    """
    x = np.column_stack(columns)
    offset = cells.log_time if before is None else before
    widths = zip(names, (part.shape[1] for part in columns), strict=True)
    labels = [f"{name}[{i + 1}]" for name, width in widths for i in range(width)]
    free = independent_columns(x)
    kept = tuple(label for label, is_free in zip(labels, free, strict=True) if is_free)
    solution = solve_counts(fit_poisson, x[:, free], cells.count, offset, kept, NO_MAXIMUM)
    fit = solution.fit
    return Part(
        solution=solution,
        is_determined=bool(free.all()),
        deviance=deviance(cells.count, fit.mean, 0.0),
        log_likelihood=fit.log_likelihood,
        size=len(kept),
        log_mean=np.log(fit.mean),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Effects:
    """Log effects and their standard errors along each scale, and the drifts."""

    along: dict[str, tuple[np.ndarray, np.ndarray]]
    drift: dict[str, tuple[float, float]]


def nested_models(cells: Cells, axes: dict[str, Axis]) -> dict[str, Part]:
    """The models that are compared: of age, with a drift, with period or cohort or both."""
    age = [axes["age"].rows]
    drift = [(cells.at["period"] - axes["period"].reference)[:, None]]
    period, cohort = [axes["period"].rows], [axes["cohort"].rows]
    models = {
        "age": (age, ["age"]),
        "age-drift": (age + drift, ["age", "drift"]),
        "age-cohort": (age + drift + cohort, ["age", "drift", "cohort"]),
        "age-period-cohort": (age + drift + period + cohort, ["age", "drift", "period", "cohort"]),
        "age-period": (age + drift + period, ["age", "drift", "period"]),
    }
    return {name: fit_part(cells, columns, labels) for name, (columns, labels) in models.items()}


def effects_of(cells: Cells, axes: dict[str, Axis], how: Parametrization, models: dict[str, Part]) -> Effects:
    """The effects, of one model of all or of models one after the other."""
    other: Scale = "period" if how.drift == "cohort" else "cohort"
    first: list[Scale] = [s for s in (how.drift, other) if s not in how.later]
    trend = (axes[how.drift].values - axes[how.drift].reference)[axes[how.drift].place][:, None]
    part = fit_part(
        cells, [axes["age"].rows, trend, *(axes[s].rows for s in first)], ["age", "drift", *first]
    )
    start = axes["age"].columns.shape[1]
    along = {"age": _along(part, axes["age"].columns, np.arange(start))}
    begin = start + 1
    for scale in first:
        at, columns = np.arange(begin, begin + axes[scale].columns.shape[1]), axes[scale].columns
        begin += len(at)
        if how.with_drift and scale == how.drift:
            at, columns = np.append(start, at), axes[scale].along(level=False)
        along[scale] = _along(part, columns, at)
    drift = {} if how.later else {"age-period-cohort": _drift(part, start)}
    drift["age-drift"] = _drift(models["age-drift"], start)
    for scale in how.later:
        rest = axes[scale].along(level=True)
        part = fit_part(cells, [rest[axes[scale].place]], [scale], before=part.log_mean)
        along[scale] = _along(part, rest, np.arange(rest.shape[1]))
    return Effects(along, drift)


def _along(part: Part, rows: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log effects and their standard errors; NaN where they are not determined."""
    if part.is_determined:
        return log_effects(rows, part.solution.coef[at], part.solution.cov[np.ix_(at, at)])
    return np.full(len(rows), np.nan), np.full(len(rows), np.nan)


def _drift(part: Part, at: int) -> tuple[float, float]:
    log, error = _along(part, np.ones((1, 1)), np.array([at]))
    return float(log[0]), float(error[0])
