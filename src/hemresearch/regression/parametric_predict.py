"""Predictions of a parametric survival model, with standard errors by the delta method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from ..columns import as_frame, read_table
from ..errors import DataError
from ..numerics.intervals import hazard_limits, normal_quantile, probability_limits
from ..numerics.parametric import local_parameters
from ..options import check_choice, check_conf_level, check_times
from ..outcomes import read_offset
from .parametric_solution import ancillary_designs

if TYPE_CHECKING:
    from ..numerics.distributions import Terms
    from .parametric_fit import ParametricFit

Quantity = Literal["survival", "cumulative hazard", "hazard", "quantile", "linear predictor"]
EARLIEST = 1e-300  # time zero on a logarithmic scale


def predict(
    fit: ParametricFit, new_data: Any, times: Any, kind: Quantity, probability: Any, conf_level: float | None
) -> pl.DataFrame:
    """The frame of one quantity for every row, and every time or proportion."""
    check_choice(kind, Quantity, argument="kind")
    level = fit.conf_level if conf_level is None else check_conf_level(conf_level)
    designs, offset = _designs(fit, new_data)
    n = len(offset)
    if kind == "linear predictor":
        return _linear_predictor(fit, designs[0], offset, level)
    along = _proportions(probability) if kind == "quantile" else _times(times, kind)
    row, at = np.repeat(np.arange(n), len(along)), np.tile(along, n)
    designs, offset = tuple(z[row] for z in designs), offset[row]
    local = local_parameters(fit.solution.theta, designs, offset)
    with np.errstate(all="ignore"):
        columns = QUANTITIES[kind](fit, designs, local, at, level)
    frame = pl.DataFrame({"row": row + 1, "quantile" if kind == "quantile" else "time": at, **columns})
    return frame.with_columns(pl.col("estimate", "std_error", "conf_low", "conf_high").fill_nan(None))


def _designs(fit: ParametricFit, new_data: Any) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """The design matrices of all local parameters for new rows, and their offset."""
    x = fit.require_design("a prediction").apply(new_data)
    levels = fit.observations("a prediction").stratum.levels
    stratum, offset = np.zeros(len(x), dtype=np.intp), None
    if fit.roles["offset"] is not None:
        table = read_table(as_frame(new_data), {"offset": fit.roles["offset"]})
        offset = read_offset(table)
    if fit.roles["strata"] is not None:
        table = read_table(as_frame(new_data), {"strata": fit.roles["strata"]})
        stratum = _place(table.several("strata"), levels)
    designs = (x, *ancillary_designs(fit.family, stratum, max(levels.height, 1)))
    return designs, np.zeros(len(x)) if offset is None else offset


def _place(given: pl.DataFrame, levels: pl.DataFrame) -> np.ndarray:
    """The stratum of each row; one that the fit has not seen is refused."""
    texts = levels.select(pl.all().cast(pl.String)).with_row_index("place of the stratum")
    found = given.select(pl.all().cast(pl.String)).join(
        texts, on=levels.columns, how="left", maintain_order="left"
    )["place of the stratum"]
    if found.null_count():
        raise DataError(
            "holds a stratum that the fit has not seen",
            argument="new_data",
            column=levels.columns[0],
            rows=np.flatnonzero(found.is_null().to_numpy()),
            expected="the strata of the fit",
            remedy=f"new_data.filter(pl.col({levels.columns[0]!r}).is_in(...))",
        )
    return found.to_numpy().astype(np.intp)


def _times(times: Any, kind: str) -> np.ndarray:
    if times is None:
        raise DataError(
            f"is not given, and kind={kind!r} needs times",
            argument="times",
            expected="one time or a list of times in the unit of the data",
            remedy="times=[12, 24, 60]",
        )
    return check_times(times)


def _proportions(probability: Any) -> np.ndarray:
    asked = np.atleast_1d(np.asarray(probability, dtype=float)) if _is_number(probability) else np.array([])
    if asked.ndim == 1 and asked.size and ((asked > 0) & (asked < 1)).all():
        return asked
    raise DataError(
        "something other than proportions was given",
        argument="probability",
        expected="proportions between 0 and 1",
        remedy="probability=0.5",
    )


def _is_number(value: Any) -> bool:
    return np.asarray(value).dtype.kind in "if"


def _error(fit: ParametricFit, designs: tuple[np.ndarray, ...], gradient: np.ndarray) -> np.ndarray:
    """Standard errors from gradients in the local parameters."""
    rows = np.concatenate([z * g[:, None] for z, g in zip(designs, gradient, strict=True)], axis=1)
    return np.sqrt(np.einsum("ij,jk,ik->i", rows, fit.solution.cov, rows))


def _linear_predictor(fit: ParametricFit, x: np.ndarray, offset: np.ndarray, level: float) -> pl.DataFrame:
    p = x.shape[1]
    estimate = x @ fit.coef[:p] + offset
    error = np.sqrt(np.einsum("ij,jk,ik->i", x, fit.cov[:p, :p], x))
    half = normal_quantile(level) * error
    return pl.DataFrame(
        {
            "row": np.arange(1, len(x) + 1),
            "estimate": estimate,
            "std_error": error,
            "conf_low": estimate - half,
            "conf_high": estimate + half,
        }
    )


def _log_survival(fit: ParametricFit, local: np.ndarray, at: np.ndarray) -> Terms:
    return fit.family.log_survival(np.maximum(at, EARLIEST) if fit.family.in_log_time else at, local)


def _survival(
    fit: ParametricFit, designs: tuple[np.ndarray, ...], local: np.ndarray, at: np.ndarray, level: float
) -> dict[str, np.ndarray]:
    value, gradient, _ = _log_survival(fit, local, at)
    survival = np.exp(value)
    error = np.where(at > 0, survival * _error(fit, designs, gradient), 0.0)
    return _columns(survival, error, *probability_limits(survival, error, "log-log", level))


def _cumulative_hazard(
    fit: ParametricFit, designs: tuple[np.ndarray, ...], local: np.ndarray, at: np.ndarray, level: float
) -> dict[str, np.ndarray]:
    value, gradient, _ = _log_survival(fit, local, at)
    hazard = np.where(at > 0, -value, 0.0)
    error = np.where(at > 0, _error(fit, designs, gradient), 0.0)
    return _columns(hazard, error, *hazard_limits(hazard, error, "log-log", level))


def _hazard(
    fit: ParametricFit, designs: tuple[np.ndarray, ...], local: np.ndarray, at: np.ndarray, level: float
) -> dict[str, np.ndarray]:
    """The hazard; at time 0 that of a model in log time is 0, infinite or constant, and is null."""
    time = np.where(at > 0, at, np.nan) if fit.family.in_log_time else at
    density, survival = fit.family.log_density(time, local), fit.family.log_survival(time, local)
    return _positive(np.exp(density[0] - survival[0]), _error(fit, designs, density[1] - survival[1]), level)


def _quantile(
    fit: ParametricFit, designs: tuple[np.ndarray, ...], local: np.ndarray, at: np.ndarray, level: float
) -> dict[str, np.ndarray]:
    """By the theorem on implicit functions: d log t = (d log S by parameters) / (t h(t))."""
    time = fit.family.quantile(at, local)
    time = np.where(np.isfinite(time), time, np.nan)
    density, survival = fit.family.log_density(time, local), fit.family.log_survival(time, local)
    slope = time * np.exp(density[0] - survival[0])
    return _positive(time, _error(fit, designs, survival[1] / slope), level)


def _positive(estimate: np.ndarray, log_error: np.ndarray, level: float) -> dict[str, np.ndarray]:
    """A positive quantity, with limits on the log scale."""
    factor = np.exp(normal_quantile(level) * log_error)
    return _columns(estimate, estimate * log_error, estimate / factor, estimate * factor)


def _columns(
    estimate: np.ndarray, std_error: np.ndarray, conf_low: np.ndarray, conf_high: np.ndarray
) -> dict[str, np.ndarray]:
    return {"estimate": estimate, "std_error": std_error, "conf_low": conf_low, "conf_high": conf_high}


QUANTITIES = {
    "survival": _survival,
    "cumulative hazard": _cumulative_hazard,
    "hazard": _hazard,
    "quantile": _quantile,
}
