"""Rates by age, calendar period and birth cohort."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from ..columns import read_table
from ..errors import DataError, counted, warn
from ..events import read_counts
from ..fits import chi_squared_tail
from ..numerics.age_period_cohort import event_median, event_quantiles
from ..numerics.intervals import normal_quantile
from ..options import Missing, check_choice, check_conf_level, check_number
from ..outcomes import read_finite
from .age_period_cohort_fit import AgePeriodCohort
from .age_period_cohort_model import (
    PARAMETRIZATIONS,
    Axis,
    Cells,
    Part,
    age_axis,
    calendar_axis,
    effects_of,
    nested_models,
)
from .poisson_rows import read_person_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..columns import Column, Columns, Table
    from .age_period_cohort_model import Effects

    Knots = int | Mapping[str, int | Sequence[float]]

EffectModel = Literal["spline", "factor"]
DriftWeight = Literal["person-time", "events", "equal"]
SCALES = ("age", "period", "cohort")
FEWEST = 3
SAME = 7  # decimals to which two cohorts that a subtraction has given are told apart
# The sequence of models, and what each step tests.
SEQUENCE = (
    ("age", "", ""),
    ("age-drift", "age", "no drift"),
    ("age-cohort", "age-drift", "cohort effect given drift"),
    ("age-period-cohort", "age-cohort", "period effect given cohort"),
    ("age-period", "age-period-cohort", "cohort effect given period"),
    ("age-drift", "age-period", "period effect given drift"),
)


def age_period_cohort(
    data: Any,
    *,
    age: Column,
    period: Column,
    events: Column,
    person_time: Column,
    parametrization: str = "ACP",
    model: EffectModel = "spline",
    knots: Knots = 5,
    reference_period: float | None = None,
    reference_cohort: float | None = None,
    drift_weight: DriftWeight = "person-time",
    per: float = 1.0,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> AgePeriodCohort:
    """Rates by age, and ratios by calendar period and by birth cohort.

    The log rate at age a in period p is f(a) + g(p) + h(p - a), a Poisson model. Since the cohort is p - a, a
    linear trend along calendar time (the drift) belongs to period and cohort alike, and only their
    curvatures are told apart: which of them shows the drift is the choice of `parametrization`, not of data.

    Parameters
    ----------
    data
        One row per cell of a table by age and period (and cohort, for triangles of a Lexis diagram).
    age, period
        The mean age and date in each cell, in years: midpoints of squares; of triangles a third in from the
        right angle. The cohort is their difference.
    events, person_time
        Counts and person-time above 0.
    parametrization
        Of one model: "ACP" cohort with the drift, period as what is left (rates by age of the reference
        cohort); "APC" period with the drift (rates of the reference period); "AdCP" and "AdPC" the same with
        the drift alone, in neither effect. Of models one after the other, each fitted to what those before
        leave: "AC-P", "AP-C", "Ad-C-P", "Ad-P-C".
    model
        "spline": natural splines; "factor": a parameter for each value.
    knots
        Knots of the splines: their number, at quantiles (i - 1/2) / k of the events, or a dictionary of
        numbers or positions such as `{"age": 5, "period": [1960, 1975, 1990], "cohort": 6}`.
    reference_period, reference_cohort
        Where the effect is 1. If not given, the drift starts from the median of the events, and effects
        without it are 1 on average. With factors, the nearest value.
    drift_weight
        What the curvature is uncorrelated with a trend by: cells weighted by person-time, events or equally.
    per
        Person-time that the rates by age are told for.
    conf_level
        Level of the limits.
    missing
        "raise" names missing values, "drop" leaves their rows out.

    Returns
    -------
    AgePeriodCohort
        With `.to_frame()`, `.effect("cohort")`, `.drift()`, `.anova()`, `.plot()`.

    Raises
    ------
    DataError
        Fewer than three values of a scale, or than knots to place among them, no person-time in a cell, no
        events, knots that do not increase.
    ConvergenceError
        Where a value or a piece of a spline has no events.

    Warns
    -----
    DataWarning
        Factors of triangles, which share no value with those on their other side.

    Notes
    -----
    As `apc.fit` of R's Epi, but for "Ad-C-P": Epi 2.47 fits period to what age and drift leave, not
    to what cohort leaves too, as here and in Epi's own "Ad-P-C". Tests and limits are those of Poisson
    counts; `.summary()` has the dispersion.

    References
    ----------
    Carstensen B. Stat Med 2007;26:3018-3045. Holford TR. Biometrics 1983;39:311-324. Clayton D, Schifflers E.
    Stat Med 1987;6:469-481.

    Examples
    --------
    >>> import hemresearch as hem
    >>> lung = hem.data.load("lungdk")
    >>> apc = hem.epidemiology.age_period_cohort(
    ...     lung, age="Ax", period="Px", events="D", person_time="Y", per=1e5, reference_cohort=1900
    ... )
    >>> apc
    age-period-cohort model (ACP): 220 cells, events=76178
      age: rate 9.417 at 41.6667, 270.9 at 66.6667, 445.7 at 88.3333
      period: ratio 0.8477 at 1944.67, 1.129 at 1971.33, 0.7842 at 1996.33
      cohort: ratio 0.05775 at 1856.33, 1.184 at 1906.33, 1.302 at 1954.67
      drift (age-period-cohort): 1.0203 (1.0195 to 1.0211)
      drift (age-drift): 1.0235 (1.023 to 1.024)
    deviance 549.4 on 208 df, 95% limits
    >>> round(apc.anova()["statistic"][3], 2)  # period effect given cohort, on 3 degrees of freedom
    603.15
    """
    _check(parametrization, model, drift_weight, per, conf_level)
    roles: dict[str, Columns] = {"age": age, "period": period, "events": events, "person_time": person_time}
    table = read_table(data, roles, missing=missing)
    cells, time, unit = _read_cells(table, drift_weight)
    placed = _knots(cells, knots) if model == "spline" else {}
    given = {"period": reference_period, "cohort": reference_cohort}
    axes = _axes(cells, placed, given)
    models = nested_models(cells, axes)
    whole, level = models["age-period-cohort"], normal_quantile(conf_level)
    found = effects_of(cells, axes, PARAMETRIZATIONS[parametrization], models)
    if not whole.is_determined:
        _warn_apart()
    mean = whole.solution.fit.mean
    return AgePeriodCohort(
        frame=_frame(axes, found, per, level),
        drift_frame=_drift_frame(found, level),
        anova_frame=_anova(models, len(cells)),
        knots={scale: tuple(at.tolist()) for scale, at in placed.items()},
        reference={scale: axes[scale].reference for scale, at in given.items() if at is not None},
        parametrization=parametrization,
        model=model,
        deviance=whole.deviance,
        df_residual=len(cells) - whole.size,
        pearson=float(((cells.count - mean) ** 2 / mean).sum()),
        log_likelihood=whole.log_likelihood,
        n_rows=len(cells),
        n_event=int(cells.count.sum()),
        person_time=float(time.sum()),
        per=per,
        conf_level=conf_level,
        names={role: names[0] for role, names in table.names.items()},
        n_dropped=table.n_dropped,
        time_unit=unit,
    )


def _check(parametrization: str, model: str, drift_weight: str, per: float, conf_level: float) -> None:
    check_choice(parametrization, tuple(PARAMETRIZATIONS), argument="parametrization")
    check_choice(model, EffectModel, argument="model")
    check_choice(drift_weight, DriftWeight, argument="drift_weight")
    check_number(per, argument="per", above=0, expected="person-time above 0", example=100_000)
    check_conf_level(conf_level)


def _read_cells(table: Table, drift_weight: str) -> tuple[Cells, np.ndarray, str | None]:
    """The cells, their person-time and its unit; each scale has three values or more."""
    count = read_counts(table)
    time, unit = read_person_time(table, count)
    at = {role: read_finite(table, role, "finite numbers, in years") for role in ("age", "period")}
    if not count.any():
        raise DataError(
            f"tells of no events in {counted(len(count), 'row')}",
            argument="events",
            column=table.name("events"),
            expected="events along each scale",
            remedy="hem.epidemiology.rate(...) for an upper limit of the rate",
        )
    where: dict[str, np.ndarray] = {role: values for role, values in at.items() if values is not None}
    where["cohort"] = np.round(where["period"] - where["age"], SAME)
    for scale, values in where.items():
        _refuse_few(table, scale, len(np.unique(values)))
    weight = {"person-time": time, "events": count, "equal": np.ones(len(count))}[drift_weight]
    return Cells(count, np.log(time), where, weight), time, unit


def _refuse_few(table: Table, scale: str, n: int) -> None:
    if n >= FEWEST:
        return
    role = "period" if scale == "cohort" else scale
    raise DataError(
        f"leaves {n} different values of {scale}, which have no curvature",
        argument=role,
        column=table.name(role),
        expected=f"at least {FEWEST} values of each scale",
        remedy="hem.epidemiology.poisson(...), with age and period as covariates",
    )


def _knots(cells: Cells, knots: Knots) -> dict[str, np.ndarray]:
    """The knots of each scale: given, or at quantiles of its events."""
    asked = dict.fromkeys(SCALES, knots) if isinstance(knots, int) else knots
    if not hasattr(asked, "keys") or set(asked) != set(SCALES):
        raise _no_knots(f"{knots!r} was given")
    return {scale: _placed(cells, scale, asked[scale]) for scale in SCALES}


def _placed(cells: Cells, scale: str, asked: int | Sequence[float]) -> np.ndarray:
    if isinstance(asked, int) and not isinstance(asked, bool) and asked >= FEWEST:
        shares = (np.arange(asked) + 0.5) / asked
        at = np.unique(event_quantiles(cells.at[scale], cells.count, shares))
        if len(at) == asked:
            return at
        raise _no_knots(f"asks for {asked} knots of {scale}, and the events have {len(at)} values for them")
    at = np.asarray(asked if isinstance(asked, list | tuple | np.ndarray) else [], dtype=float)
    if at.ndim == 1 and len(at) >= FEWEST and np.isfinite(at).all() and (np.diff(at) > 0).all():
        return at
    raise _no_knots(f"has {asked!r} for {scale}")


def _no_knots(found: str) -> DataError:
    return DataError(
        found,
        argument="knots",
        expected=f"a number of {FEWEST} or more, or a dictionary of numbers or increasing positions for age, "
        "period and cohort",
        remedy="knots={'age': 5, 'period': 4, 'cohort': 5}, or model='factor'",
    )


def _axes(cells: Cells, knots: dict[str, np.ndarray], given: dict[str, float | None]) -> dict[str, Axis]:
    """The three scales; the drift of an effect without a reference starts from the median of the events."""
    axes = {"age": age_axis(cells, knots.get("age"))}
    for scale in ("period", "cohort"):
        reference = given[scale]
        if reference is None:
            start = event_median(cells.at[scale], cells.count)
        else:
            start = check_number(
                reference, argument=f"reference_{scale}", expected="a date in years", example=1950.0
            )
        axes[scale] = calendar_axis(cells, scale, knots.get(scale), start, is_given=reference is not None)
    return axes


def _warn_apart() -> None:
    warn(
        "age, period and cohort are tied by more than their sum, as factors of the triangles of a Lexis "
        "diagram are, which share no value: deviances are right, effects are not determined and null",
        argument="model",
        expected="squares of a Lexis diagram, where each value of a scale has its own parameter",
        remedy="model='spline', or age and period rounded to squares",
    )


def _frame(axes: dict[str, Axis], found: Effects, per: float, quantile: float) -> pl.DataFrame:
    """Rates and ratios with their limits, one scale below the other."""
    parts = []
    for scale in SCALES:
        log, error = found.along[scale]
        rate = log + np.log(per) if scale == "age" else log
        values = {"value": axes[scale].values, **_limits(rate, error, quantile)}
        parts.append(pl.DataFrame({"effect": [scale] * len(log), **values}))
    return pl.concat(parts).with_columns(pl.col(pl.Float64).fill_nan(None))


def _limits(log: np.ndarray, error: np.ndarray, quantile: float) -> dict[str, np.ndarray]:
    return {
        "estimate": np.exp(log),
        "conf_low": np.exp(log - quantile * error),
        "conf_high": np.exp(log + quantile * error),
    }


def _drift_frame(found: Effects, quantile: float) -> pl.DataFrame:
    log, error = (np.array(values) for values in zip(*found.drift.values(), strict=True))
    frame = pl.DataFrame({"model": list(found.drift), **_limits(log, error, quantile)})
    return frame.with_columns(pl.col(pl.Float64).fill_nan(None))


def _anova(models: dict[str, Part], n: int) -> pl.DataFrame:
    """One row for each step of the sequence."""
    rows: list[dict[str, Any]] = []
    for name, before, hypothesis in SEQUENCE:
        row: dict[str, Any] = {"model": name, "hypothesis": hypothesis or None}
        row |= {"df_residual": n - models[name].size}
        row |= {"deviance": models[name].deviance, "aic": models[name].aic}
        if before:
            statistic = abs(models[name].deviance - models[before].deviance)
            df = abs(models[name].size - models[before].size)
            row |= {"statistic": statistic, "df": float(df), "p_value": chi_squared_tail(statistic, df)}
        rows.append(row)
    return pl.DataFrame(rows, infer_schema_length=None)
