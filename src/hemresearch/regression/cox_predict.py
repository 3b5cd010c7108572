"""Baseline and predicted curves of a Cox fit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import polars as pl

from ..columns import RESERVED, as_frame
from ..errors import DataError, counted, listed
from ..numerics.cox_hazard import Hazard, baseline_hazards, constant_hazards, predicted_hazard
from ..numerics.episodes import split_intervals
from ..numerics.intervals import hazard_limits, normal_quantile, probability_limits
from ..numerics.risk_sets import RiskSets, risk_sets
from ..options import ConfType, check_choice, check_conf_level, check_times
from ..outcomes import one_patient_at_a_time
from ..personal_numbers import holds_personal_numbers
from ..results import Curves, curves_frame
from .time_varying import TimeVaryingDesign

if TYPE_CHECKING:
    from ..columns import Groups
    from ..design import Design
    from ..fits import Fit
    from ..outcomes import Survival
    from .cox_fit import CoxFit

Quantity = Literal["survival", "cumulative hazard", "linear predictor", "risk"]
Path: TypeAlias = "tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]"
EVER = np.array([-np.inf]), np.array([np.inf])
PLACE = "position among the strata"  # a name that no column has


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A fit ready to predict: its baselines, and covariates on the scale of its estimate."""

    fit: CoxFit
    y: Survival
    bases: list[Hazard]
    mean: np.ndarray
    scale: np.ndarray
    cov: np.ndarray
    offset: float

    @property
    def base(self) -> Design:
        """The design of the covariates, without columns that follow from the time."""
        design = self.fit.require_design("a prediction")
        return design.base if isinstance(design, TimeVaryingDesign) else design

    def path(self, covariates: np.ndarray, start: np.ndarray, stop: np.ndarray) -> Path:
        """Rows of the base design on (start, stop], cut where an effect changes, ready to predict."""
        design = self.fit.require_design("a prediction")
        if isinstance(design, TimeVaryingDesign):
            last = float(self.y.time.max())
            end = np.maximum(np.minimum(stop, last), start)
            row, start, stop, _, _ = split_intervals(start, end, design.cuts)
            covariates = design.episodes(covariates[row], start, stop)
        return (*self.standardized(covariates), start, stop)

    def standardized(self, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Covariates as the estimate has them, and linear predictors; an offset is taken as 0."""
        x = (matrix - self.mean) * self.scale
        return x, x @ (self.fit.coef / self.scale) - self.offset


def model_of(fit: CoxFit, what: str) -> Model:
    """The baselines of a fit, and what predictions need beside them."""
    e = fit.estimate(what)
    y = fit.observations(what)
    rows = e.rows
    offset = 0.0 if y.offset is None else float(y.offset.mean())
    cov = fit.cov / np.outer(rows.scale, rows.scale)
    return Model(fit, y, baseline_hazards(e), rows.mean, rows.scale, cov, offset)


def baseline(fit: CoxFit, at: Any) -> Curves:
    """The cumulative baseline hazard of each stratum."""
    model = model_of(fit, "the baseline")
    path = model.path(baseline_row(model.base, at), *EVER)
    levels = model.y.stratum.levels
    parts = []
    for code, base in enumerate(model.bases):
        r = stratum_risk_sets(model.y, code)
        parts.append(_curve(model, base, r, path, "cumulative hazard", fit.conf_level, "log-log"))
    return curves_of(
        model, levels, parts, "cumulative hazard", fit.conf_level, "log-log", "the baseline of a"
    )


def baseline_row(design: Design, at: Any) -> np.ndarray:
    """The one row of a baseline: "zero", "means" or a table with a row of covariates."""
    if isinstance(at, str):
        check_choice(at, ("zero", "means"), argument="at")
        zero = np.zeros((1, len(design.columns)))
        return zero if at == "zero" else design.matrix.mean(axis=0, keepdims=True)
    row = design.apply(at, argument="at")
    if len(row) != 1:
        raise DataError(
            f"has {counted(len(row), 'row')}",
            argument="at",
            expected="one row of covariates",
            remedy="fit.curves(new_data) for several",
        )
    return row


def predict(
    fit: CoxFit, new_data: Any, times: Any, kind: Quantity, conf_level: float | None, conf_type: str
) -> pl.DataFrame:
    """A tidy frame of predictions."""
    check_choice(kind, Quantity, argument="kind")
    level = fit.conf_level if conf_level is None else check_conf_level(conf_level)
    if kind in ("linear predictor", "risk"):
        return linear_predictions(fit, new_data, kind, level)
    check_choice(conf_type, ConfType, argument="conf_type")
    if times is None:
        raise DataError(
            f"no times were given for a {kind}",
            argument="times",
            expected="times at which to predict",
            remedy="times=[12, 60], or fit.curves(new_data) for whole curves",
        )
    wanted = check_times(times)
    model = model_of(fit, "a prediction")
    matrix = model.base.apply(new_data)
    stratum = strata_of(model, new_data)
    hazard, error = (table.ravel() for table in _hazards(model, matrix, stratum, wanted))
    ends = np.array([model.y.time[model.y.stratum.code == code].max() for code in range(len(model.bases))])
    rows = {
        "row": np.repeat(np.arange(len(matrix)) + 1, len(wanted)),
        "time": np.tile(wanted, len(matrix)),
    }
    followed = rows["time"] <= np.repeat(ends[stratum], len(wanted))  # later, nothing is known
    shown = _shown(hazard, error, kind, level, conf_type)
    columns = {name: np.where(followed, values, np.nan) for name, values in shown.items()}
    return pl.DataFrame(rows | columns).with_columns(pl.col(pl.Float64).fill_nan(None))


def _hazards(
    model: Model, matrix: np.ndarray, stratum: np.ndarray, times: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Cumulative hazards of new rows at the times and their standard errors: rows x times."""
    found = np.zeros((2, len(matrix), len(times)))
    if isinstance(model.fit.design, TimeVaryingDesign):
        for k, code in enumerate(stratum):
            path = model.path(matrix[k : k + 1], *EVER)
            found[:, k] = predicted_hazard(model.bases[code], *path, times, model.cov)
    else:
        x, eta = model.standardized(matrix)
        for code in np.unique(stratum):
            at = stratum == code
            found[:, at] = constant_hazards(model.bases[code], x[at], eta[at], times, model.cov)
    return found[0], found[1]


def linear_predictions(fit: Fit, new_data: Any, kind: str, level: float) -> pl.DataFrame:
    """The "linear predictor" of new rows, or its exponential, the "risk"."""
    matrix = fit.require_design("a prediction").apply(new_data)
    value = matrix @ fit.coef
    error = np.sqrt(np.einsum("ij,jk,ik->i", matrix, fit.cov, matrix))
    half = normal_quantile(level) * error
    columns = {"estimate": value, "std_error": error, "conf_low": value - half, "conf_high": value + half}
    if kind == "risk":
        columns = {name: np.exp(v) for name, v in columns.items()} | {"std_error": np.exp(value) * error}
    return pl.DataFrame({"row": np.arange(len(matrix)) + 1, **columns})


def _shown(
    hazard: np.ndarray, error: np.ndarray, kind: str, level: float, conf_type: str
) -> dict[str, np.ndarray]:
    """A hazard, or the survival it implies, with its limits."""
    if kind == "cumulative hazard":
        low, high = hazard_limits(hazard, error, conf_type, level)
        return {"estimate": hazard, "std_error": error, "conf_low": low, "conf_high": high}
    survival = np.exp(-hazard)
    low, high = probability_limits(survival, survival * error, conf_type, level)
    return {"estimate": survival, "std_error": survival * error, "conf_low": low, "conf_high": high}


def predicted_curves(
    fit: CoxFit,
    new_data: Any,
    by: Any,
    id: Any,
    entry: Any,
    time: Any,
    conf_level: float | None,
    conf_type: str,
) -> Curves:
    """Survival curves of new rows, or of covariate paths."""
    level = fit.conf_level if conf_level is None else check_conf_level(conf_level)
    check_choice(conf_type, ConfType, argument="conf_type")
    model = model_of(fit, "a predicted curve")
    frame = with_strata(model, new_rows(new_data))
    paths = paths_of(frame, id, entry, time)
    first = frame[[int(rows[0]) for rows, _, _ in paths]]
    names = curve_names(frame, first, by, {*model.base.request.roots, *model.y.stratum.names}, id)
    matrix = model.base.apply(frame)
    stratum = strata_of(model, frame)
    parts = []
    for rows, start, stop in paths:
        code = _one_stratum(stratum[rows])
        path = model.path(matrix[rows], start, stop)
        r = _within(stratum_risk_sets(model.y, code), start[0], stop[-1])
        parts.append(_curve(model, model.bases[code], r, path, "survival", level, conf_type))
    levels = first.select(names) if names else pl.DataFrame()
    begin = max(float(min(start[0] for _, start, _ in paths)), 0.0)
    return curves_of(model, levels, parts, "survival", level, conf_type, "prediction from a", begin)


def paths_of(
    frame: pl.DataFrame, id: Any, entry: Any, time: Any
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """For each curve its rows of the table in order of time, and their entries and ends."""
    given = [name for name, value in (("id", id), ("entry", entry), ("time", time)) if value is not None]
    if not given:
        return [(np.array([k]), *EVER) for k in range(frame.height)]
    if len(given) < 3:
        raise DataError(
            f"only {listed(given)} of id, entry and time was given",
            argument="id",
            expected="all three for a covariate path, or none for one row per curve",
            remedy="id='path', entry='start', time='stop'",
        )
    code = _complete(frame, "id", id).rank("dense").to_numpy()
    start, stop = (
        _complete(frame, role, name).cast(pl.Float64, strict=False).to_numpy()
        for role, name in (("entry", entry), ("time", time))
    )
    paths = []
    for patient in dict.fromkeys(code.tolist()):
        rows = np.flatnonzero(code == patient)
        rows = rows[np.argsort(start[rows], kind="stable")]
        broken = ~(start[rows] < stop[rows]) | np.append(False, start[rows][1:] != stop[rows][:-1])
        if broken.any():
            raise DataError(
                "and time do not make up a path without gaps or overlaps",
                argument="entry",
                column=entry,
                rows=rows[broken],
                expected="rows (entry, time] of one path that follow each other",
                remedy="hem.regression.split_episodes(...) to make them",
            )
        paths.append((rows, start[rows], stop[rows]))
    return paths


def _complete(frame: pl.DataFrame, role: str, name: str) -> pl.Series:
    """A column of the new data without missing values."""
    if name in frame.columns and not frame[name].null_count():
        return frame[name]
    raise DataError(
        "has missing values" if name in frame.columns else "is not in the new data",
        argument=role,
        column=name,
        rows=np.flatnonzero(frame[name].is_null().to_numpy()) if name in frame.columns else (),
        expected="a value in every row of a covariate path",
        remedy="new_data.columns, for the names",
    )


def curve_names(
    frame: pl.DataFrame, first: pl.DataFrame, by: Any, used: set[str], id: Any = None
) -> list[str]:
    """The columns that name the curves: those given, else the covariates and strata `used` that differ.

    `first` has the first row of each curve.
    """
    if by is None:
        names = [c for c in frame.columns if c in used - RESERVED and first[c].n_unique() > 1]
    else:
        names = [by] if isinstance(by, str) else list(by)
    taken = [name for name in names if name == id or not _may_be_shown(name, frame)]
    if taken or (first.height > 1 and (not names or first.select(names).is_duplicated().any())):
        raise DataError(
            "has the name of a column of the result, identifies patients or is not there"
            if taken
            else f"does not tell {first.height} curves apart",
            argument="by",
            column=next(iter(taken or names), None),
            expected="columns of new_data that differ between its curves, to call them by",
            remedy="new_data.with_columns(label=pl.Series([...])), and by='label'",
        )
    return names


def _may_be_shown(name: str, frame: pl.DataFrame) -> bool:
    """Whether a column is there, and can stand in a result without a person being told by it."""
    free = name in frame.columns and name not in RESERVED
    return free and not holds_personal_numbers(frame[name].unique())


def strata_of(model: Model, new_data: Any) -> np.ndarray:
    """The stratum of each new row, by the columns that the fit was stratified by."""
    strata = model.y.stratum
    frame = as_frame(new_data)
    frame = frame.collect() if isinstance(frame, pl.LazyFrame) else frame
    if not strata.names:
        return np.zeros(frame.height, dtype=np.intp)
    absent = [name for name in strata.names if name not in frame.columns]
    if absent:
        raise DataError(
            "is not in the new data, and the fit has a baseline hazard for each of its levels",
            argument="new_data",
            column=absent[0],
            expected=f"the strata of the fit: {listed(strata.names)}",
            remedy="fit.curves(new_data), which gives a curve for each stratum",
        )
    code = places_in(strata, frame)
    if code.null_count():
        raise DataError(
            "holds strata that the fit has not seen",
            argument="new_data",
            column=strata.names[0],
            rows=np.flatnonzero(code.is_null().to_numpy()),
            expected=f"one of {listed(strata.labels())}",
            remedy="new_data.filter(...) to those strata",
        )
    return code.to_numpy().astype(np.intp)


def places_in(groups: Groups, frame: pl.DataFrame) -> pl.Series:
    """The place of each row's values among the levels of groups; null where they are not there."""
    alike = [
        pl.col(name).cast(pl.Float64 if dtype.is_numeric() else pl.String, strict=False)
        for name, dtype in groups.levels.schema.items()
    ]
    levels = groups.levels.select(alike).with_row_index(PLACE)
    return frame.select(alike).join(levels, on=list(groups.names), how="left", maintain_order="left")[PLACE]


def new_rows(new_data: Any, each: str = "curve") -> pl.DataFrame:
    """The rows to predict for, of which there is at least one."""
    frame = as_frame(new_data).lazy().collect()
    if frame.height:
        return frame
    raise DataError(
        "has no rows", argument="new_data", expected=f"a row for each {each}", remedy="new_data.height"
    )


def with_strata(model: Model, frame: pl.DataFrame) -> pl.DataFrame:
    """The new rows, once for each stratum where they name none."""
    absent = [name for name in model.y.stratum.names if name not in frame.columns]
    if len(absent) < len(model.y.stratum.names) or not absent:
        return frame
    return frame.join(model.y.stratum.levels, how="cross", maintain_order="left")


def _one_stratum(codes: np.ndarray) -> int:
    if (codes != codes[0]).any():
        raise DataError(
            "changes along a covariate path",
            argument="new_data",
            expected="one stratum for each path",
            remedy="paths that stay in their stratum",
        )
    return int(codes[0])


def stratum_risk_sets(y: Survival, code: int) -> RiskSets:
    """Who is at risk in a stratum; who goes on in a next row is not censored at the end of this one."""
    rows = y.take(y.stratum.code == code)
    if rows.patient is not None:
        rows = one_patient_at_a_time(replace(rows, covariates=pl.DataFrame()), join=True)
    return risk_sets(rows.time, rows.event, rows.entry, rows.weight)


def _within(r: RiskSets, start: float, stop: float) -> RiskSets:
    keep = (r.time > start) & (r.time <= stop)
    if not keep.any():
        raise DataError(
            "covers no time at which the fit saw anybody",
            argument="new_data",
            expected="paths within the follow-up of the fit",
            remedy="times in the unit of the fit",
        )
    return RiskSets(r.time[keep], r.n_risk[keep], r.n_event[keep], r.n_censor[keep])


def _curve(
    model: Model,
    base: Hazard,
    r: RiskSets,
    path: Path,
    kind: str,
    level: float,
    conf_type: str,
) -> dict[str, np.ndarray]:
    hazard, error = predicted_hazard(base, *path, r.time, model.cov)
    counts = {"time": r.time, "n_risk": r.n_risk, "n_event": r.n_event, "n_censor": r.n_censor}
    return counts | _shown(hazard, error, kind, level, conf_type)


def curves_of(
    model: Model, levels: pl.DataFrame, parts: list[dict[str, np.ndarray]], quantity: str, conf_level: float,
    conf_type: str, method: str, start_time: float = 0.0,
) -> Curves:  # fmt: skip
    """Predicted curves as a result, with the counts of the data they were estimated from."""
    frame, starts = curves_frame(levels, parts)
    n_event = [float(part["n_event"].sum()) for part in parts]
    n_censor = [float(part["n_censor"].sum()) for part in parts]
    n = [a + b for a, b in zip(n_event, n_censor, strict=True)]
    counts = pl.DataFrame({"n": n, "n_event": n_event, "n_censor": n_censor})
    y, fit = model.y, model.fit
    return Curves(
        frame=frame,
        groups_frame=pl.concat([levels, counts], how="horizontal") if levels.width else counts,
        starts=starts,
        quantity=quantity,
        by=tuple(levels.columns),
        time=y.names["time"],
        event=y.names["event"],
        conf_level=conf_level,
        conf_type=conf_type,
        variance=fit.variance,
        method=f"{method} {fit.name} ({fit.method})",
        n_dropped=fit.n_dropped,
        time_unit=fit.time_unit,
        start_time=start_time,
        entry=y.names.get("entry"),
        patients=pl.DataFrame({"n": [fit.n], "n_event": [fit.n_event], "n_censor": [fit.n - fit.n_event]}),
        predicted=True,
    )
