"""Curves that lifelines fitted, as curves of this package."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ..columns import RESERVED
from ..curves import Curves, curves_frame
from ..errors import DataError, listed
from ..numerics.intervals import normal_quantile
from .lifelines_curves import Evaluate, LifelinesCurves, parametric_curve

GRID = 400  # steps by which a smooth curve is drawn
LEVEL = re.compile(r"_(?:lower|upper)_(0?\.\d+)$")  # the level in lifelines' names of limits
UNFITTED = 'fitter.fit(data["months"], event_observed=data["died"])'


@dataclass(frozen=True, slots=True)
class Kind:
    """What a family of fitters estimates, and the name of the attribute that holds it."""

    quantity: str
    estimate: str
    limits: str
    conf_type: str
    variance: str


KINDS: dict[str, Kind] = {
    "KaplanMeierFitter": Kind(
        "survival", "survival_function_", "confidence_interval_survival_function_", "log-log", "greenwood"
    ),
    "BreslowFlemingHarringtonFitter": Kind(
        "survival", "survival_function_", "confidence_interval_survival_function_", "log-log", "poisson"
    ),
    "NelsonAalenFitter": Kind(
        "cumulative hazard", "cumulative_hazard_", "confidence_interval_cumulative_hazard_", "log-log",
        "poisson",
    ),
    "AalenJohansenFitter": Kind(
        "cumulative incidence", "cumulative_density_", "confidence_interval_cumulative_density_", "log-log",
        "greenwood",
    ),
    "ParametricUnivariateFitter": Kind(
        "survival", "survival_function_", "confidence_interval_survival_function_", "plain", "delta method"
    ),
}  # fmt: skip


def from_lifelines(
    fitter: Any,
    *,
    by: str = "group",
    time: str = "time",
    event: str = "event",
    time_unit: str | None = None,
) -> Curves:
    """A fitted univariate lifelines model as `Curves`, so that figures, tables and risk tables work on it.

    Estimates and limits are lifelines' own; numbers at risk, events and censorings are read off its event
    table, at risk being those with entry < t <= time, as lifelines counts for its estimate. Smooth curves
    (Weibull, spline, ...) become fine steps for figures and are evaluated exactly by `at` and `quantile`.

    Parameters
    ----------
    fitter
        A fitted `KaplanMeierFitter`, `NelsonAalenFitter`, `BreslowFlemingHarringtonFitter`,
        `AalenJohansenFitter` or parametric univariate fitter, on right-censored data. Or several as groups:
        `{"A": fitter_a, "B": fitter_b}`, or a list of fitters with labels.
    by
        Name of the column that tells several fitters apart.
    time, event, time_unit
        Names for figures and texts, which lifelines does not keep.

    Returns
    -------
    Curves
        With `.to_frame()`, `.at(times)`, `.quantile(0.5)`, `.risk_table(times)`, `.plot()`.

    Raises
    ------
    DataError
        Something else than a fitted univariate fitter, left- or interval-censored data, groups that estimate
        different quantities or have different levels or no names of their own.

    Notes
    -----
    The confidence level is read off the names of lifelines' limits; if these were renamed it is taken from
    `fitter.alpha`, which a level given to `fit` does not change in the nonparametric fitters.

    Examples
    --------
    >>> import hemresearch as hem
    >>> from lifelines import KaplanMeierFitter
    >>> aml = hem.data.load("aml")
    >>> fitted = {
    ...     name[0]: KaplanMeierFitter().fit(arm["time"].to_numpy(), arm["status"].to_numpy())
    ...     for name, arm in aml.group_by("x", maintain_order=True)
    ... }
    >>> curves = hem.survival.from_lifelines(fitted, by="x", time_unit="weeks")
    >>> curves
    lifelines KaplanMeierFitter: survival (event by time), n=23, events=18
      x=Maintained: n=11, events=7, median 31 (13 to –)
      x=Nonmaintained: n=12, events=11, median 23 (5 to 33)
    95% limits: log-log, Greenwood variance
    >>> curves.at(24)["n_risk"].to_list()
    [6.0, 5.0]
    """
    fitters, labels = _fitters(fitter)
    for one in fitters:
        _check_fitter(one)
    if labels is not None:
        _check_groups(fitters, labels, by)
    kinds = [_kind(one) for one in fitters]
    models = tuple(
        parametric_curve(one) if k.variance == "delta method" else None
        for one, k in zip(fitters, kinds, strict=True)
    )
    parts = [_rows(one, kind, model) for one, kind, model in zip(fitters, kinds, models, strict=True)]
    levels = pl.DataFrame() if labels is None else pl.DataFrame({by: labels})
    cause = [_cause(one) for one in fitters if hasattr(one, "label_cmprisk")]
    if cause:
        causes = pl.DataFrame({"cause": cause})
        levels = pl.concat([levels, causes], how="horizontal") if levels.width else causes
    frame, starts = curves_frame(levels, parts)
    return LifelinesCurves(
        frame=frame,
        groups_frame=_counts(fitters, levels),
        starts=starts,
        quantity=kinds[0].quantity,
        by=() if labels is None else (by,),
        time=time,
        event=event,
        conf_level=_conf_level(fitters[0], kinds[0]),
        conf_type=_joined(kind.conf_type for kind in kinds),
        variance=_joined(kind.variance for kind in kinds),
        method=f"lifelines {_joined(type(one).__name__ for one in fitters)}",
        time_unit=time_unit,
        entry="entry" if any(_enters_late(one) for one in fitters) else None,
        models=models,
    )


def _joined(names: Iterable[str]) -> str:
    """Different names once each."""
    return ", ".join(dict.fromkeys(names))


def _fitters(given: Any) -> tuple[list[Any], list[Any] | None]:
    """The fitters and their labels; None for a single one without a group."""
    if isinstance(given, Mapping):
        fitters, labels = list(given.values()), list(given)
    elif isinstance(given, list | tuple):
        fitters, labels = list(given), [getattr(one, "label", None) for one in given]
    else:
        return [given], None
    if not fitters:
        raise DataError(
            "no fitter was given",
            argument="fitter",
            expected="a fitted lifelines fitter, or several",
            remedy='fitter={"A": fitter_a, "B": fitter_b}',
        )
    return fitters, labels


def _check_fitter(one: Any) -> None:
    """Refuse what is not a univariate lifelines fitter with right-censored data."""
    family = [cls for cls in type(one).__mro__ if cls.__module__.partition(".")[0] == "lifelines"]
    names = [cls.__name__ for cls in family]
    if "UnivariateFitter" not in names:
        regression = hasattr(one, "predict_survival_function")
        raise DataError(
            f"a {one.__name__ if isinstance(one, type) else type(one).__name__}"
            f"{' (a class, not fitted)' if isinstance(one, type) else ''} was given",
            argument="fitter",
            expected="a fitted univariate fitter of lifelines"
            + (": a regression has a curve for each patient, not one" if regression else ""),
            remedy="hem.regression.from_lifelines(fitter)" if regression else UNFITTED,
        )
    censoring = getattr(getattr(one, "_censoring_type", None), "value", None)
    if censoring is None or not hasattr(one, _kind(one).estimate):
        raise DataError(
            f"the {type(one).__name__} has not been fitted",
            argument="fitter",
            expected="a fitter after its fit",
            remedy=UNFITTED,
        )
    if censoring != "right":
        raise DataError(
            f"the {type(one).__name__} was fitted to {censoring}-censored data, which count nobody at risk",
            argument="fitter",
            expected="a fit to right-censored data",
            remedy='hem.survival.turnbull(data, left="...", right="...")',
        )


def _check_groups(fitters: list[Any], labels: list[Any], by: str) -> None:
    """Refuse groups that cannot share a figure: without names, of different quantities or levels."""
    if by in RESERVED:
        raise DataError(
            "is the name of a column of the result",
            argument="by",
            column=by,
            expected="a name of its own for the groups",
            remedy='by="group"',
        )
    twice = {label for label in labels if labels.count(label) > 1}
    if twice:
        raise DataError(
            f"{len(labels)} fitters have only {len(set(labels))} different labels",
            argument="fitter",
            expected="a label for each fitter",
            remedy='fitter={"A": fitter_a, "B": fitter_b}',
        )
    kinds = [_kind(one) for one in fitters]
    quantities = list(dict.fromkeys(kind.quantity for kind in kinds))
    if len(quantities) > 1:
        raise DataError(
            f"the fitters estimate {listed(quantities)}",
            argument="fitter",
            expected="groups that estimate the same quantity",
            remedy="one call for each kind of fitter",
        )
    conf_levels = {_conf_level(one, kind) for one, kind in zip(fitters, kinds, strict=True)}
    if len(conf_levels) > 1:
        raise DataError(
            f"the fitters have limits of the levels {listed(sorted(conf_levels))}",
            argument="fitter",
            expected="limits of one confidence level",
            remedy="alpha=0.05 in each fit",
        )


def _kind(one: Any) -> Kind:
    """What the nearest known class above a fitter estimates."""
    return next(KINDS[cls.__name__] for cls in type(one).__mro__ if cls.__name__ in KINDS)


def _conf_level(one: Any, kind: Kind) -> float:
    limits = getattr(one, kind.limits)
    found = None if limits is None else LEVEL.search(str(limits.columns[0]))
    return float(found.group(1)) if found else 1 - float(one.alpha)


def _cause(one: Any) -> int | str:
    name = str(one.label_cmprisk).removeprefix("observed_")
    return int(name) if name.isdigit() else name


def _enters_late(one: Any) -> bool:
    return bool((one.event_table["entrance"].to_numpy()[1:] > 0).any())


def _counts(fitters: list[Any], levels: pl.DataFrame) -> pl.DataFrame:
    """One row per group: patients (or weights), events and censored."""
    tables = [one.event_table for one in fitters]
    events = [
        float(t[getattr(one, "label_cmprisk", "observed")].sum())
        for one, t in zip(fitters, tables, strict=True)
    ]
    n = [float(t["removed"].sum()) for t in tables]
    censored = [float(t["removed"].sum() - t["observed"].sum()) for t in tables]
    counts = pl.DataFrame({"n": n, "n_event": events, "n_censor": censored})
    whole = [c for c in counts.columns if (counts[c] == counts[c].round()).all()]
    counts = counts.with_columns(pl.col(whole).cast(pl.Int64))
    return pl.concat([levels, counts], how="horizontal") if levels.width else counts


def _rows(one: Any, kind: Kind, model: Evaluate | None) -> dict[str, np.ndarray]:
    """The columns of one curve: every time when somebody left, and those of the fitter's own time line."""
    table = one.event_table
    time, entered = table.index.to_numpy(dtype=float), table["entrance"].to_numpy(dtype=float)
    observed = table[getattr(one, "label_cmprisk", "observed")].to_numpy(dtype=float)
    removed = table["removed"].to_numpy(dtype=float)
    at_risk = table["at_risk"].to_numpy(dtype=float) - np.append(0.0, entered[1:])
    line = np.asarray(one.timeline, dtype=float)
    fine = np.linspace(0.0, line.max(), GRID + 1) if model is not None else np.setdiff1d(line, time)
    rows = np.union1d(time[removed > 0], fine[fine > 0])
    exact = np.minimum(np.searchsorted(time, rows), len(time) - 1)
    here = time[exact] == rows
    n_event = np.where(here, observed[exact], 0.0)
    n_censor = np.where(here, removed[exact] - table["observed"].to_numpy(dtype=float)[exact], 0.0)
    columns = {
        "time": rows,
        "n_risk": np.where(rows <= time[-1], at_risk[exact], 0.0),
        "n_event": n_event,
        "n_censor": n_censor,
    }
    return columns | (_steps(one, kind, rows) if model is None else model(rows))


def _steps(one: Any, kind: Kind, rows: np.ndarray) -> dict[str, np.ndarray]:
    """A fitted step function at some times: from its last known time on, nothing."""
    line = np.asarray(one.timeline, dtype=float)
    order = np.argsort(line, kind="stable")
    begin = 1.0 if kind.quantity == "survival" else 0.0
    place = np.searchsorted(line[order], rows, side="right")
    unknown = rows > line[order[-1]]

    def held(values: np.ndarray, first: float) -> np.ndarray:
        return np.where(unknown, np.nan, np.append(first, values[order])[place])

    estimate = getattr(one, kind.estimate).to_numpy(dtype=float)[:, 0]
    limits = getattr(one, kind.limits)
    both = np.full((len(line), 2), np.nan) if limits is None else limits.to_numpy(dtype=float)
    low, high = both.min(axis=1), both.max(axis=1)
    error = _std_error(one, kind, estimate, low, high)
    return {
        "estimate": held(estimate, begin),
        "std_error": held(error, 0.0),
        "conf_low": held(low, begin),
        "conf_high": held(high, begin),
    }


def _std_error(one: Any, kind: Kind, estimate: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The standard error that the limits were made of, on the scale of the estimate."""
    z = normal_quantile(_conf_level(one, kind))
    with np.errstate(divide="ignore", invalid="ignore"):
        if kind.quantity == "cumulative incidence":
            return np.sqrt(np.asarray(one.variance_, dtype=float)) if one.variance_ is not None else low
        if kind.quantity == "cumulative hazard":
            return np.where(estimate > 0, estimate * np.log(high / low) / (2 * z), 0.0)
        hazard = -np.log(estimate)
        error = estimate * hazard * np.log(np.log(low) / np.log(high)) / (2 * z)
        return np.where(estimate >= 1, 0.0, error)
