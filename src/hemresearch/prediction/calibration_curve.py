"""What is observed along the predicted risk: a smooth curve, and groups of patients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from scipy.special import expit, logit

from ..competing.fine_gray import fine_gray
from ..errors import DataError, counted, warn
from ..numerics.count_limits import BINOMIAL
from ..numerics.horizon_risk import risk_by
from ..numerics.intervals import normal_quantile, probability_limits
from ..numerics.logistic import fit_logistic
from ..numerics.smooth import lowess
from ..numerics.splines import harrell_knots, restricted_cubic_basis
from ..regression.cox import cox

GRID = 101
BINS = 50
Four = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # estimate, std_error, conf_low, conf_high


@dataclass(frozen=True, eq=False)
class Predicted:
    """The risks that one model predicts by one horizon, beside what happened.

    `cause` is 0 for censored, 1 for the event and 2 for a competing one; `kind` "binary", "survival" or
    "competing".
    """

    model: str
    risk: np.ndarray
    time: np.ndarray
    cause: np.ndarray
    t: float
    kind: str

    @cached_property
    def eta(self) -> np.ndarray:
        """The risk on the scale of its model: logit of a binary outcome, else log(-log(1 - risk))."""
        return self.scaled(self.risk)

    def scaled(self, risk: np.ndarray) -> np.ndarray:
        """Risks on that scale."""
        with np.errstate(divide="ignore"):
            return logit(risk) if self.kind == "binary" else np.log(-np.log1p(-risk))

    def observed(self, rows: np.ndarray) -> tuple[float, float]:
        """The risk of some of the patients by the horizon, and its standard error."""
        return risk_by(self.time[rows], self.cause[rows], self.t)


@dataclass(frozen=True, eq=False)
class Smooth:
    """The observed risk at each patient's predicted one, and along a grid of these with limits."""

    at_rows: np.ndarray
    grid: np.ndarray
    along: Four


def smoothed(p: Predicted, how: str, knots: int, conf_level: float) -> Smooth:
    """The observed risk as a smooth function of the predicted one."""
    grid = np.linspace(p.risk.min(), p.risk.max(), GRID)
    if how == "lowess":
        smooth = lowess(p.risk, (p.cause == 1).astype(float), iterations=0)
        first = np.unique(p.risk, return_index=True)[1]
        nothing = np.full(GRID, np.nan)
        along = np.interp(grid, p.risk[first], smooth[first])
        return Smooth(smooth, grid, (along, nothing, nothing, nothing))
    distinct, back = np.unique(p.risk, return_inverse=True)
    wanted = p.scaled(np.concatenate([distinct, grid]))
    found = SMOOTHERS[p.kind](p, _knots(p, knots), wanted, conf_level)
    estimate, error, low, high = (values[len(distinct) :] for values in found)
    return Smooth(found[0][: len(distinct)][back], grid, (estimate, error, low, high))


def _knots(p: Predicted, knots: int) -> np.ndarray | None:
    """Where the spline bends; None (a line) where the risks have too few distinct values."""
    distinct = len(np.unique(p.eta))
    places = harrell_knots(p.eta, knots) if distinct > knots else np.empty(0)
    if len(places) == knots:
        return places
    warn(
        f"of {p.model!r} have {counted(distinct, 'distinct value')}, too few for {knots} knots: the "
        " curve is a line on the scale of the model",
        argument="risks",
        expected="risks of many values, or groups in the place of a curve",
        remedy="smooth=None",
    )
    return None


def _in_model(places: np.ndarray | None, eta: np.ndarray) -> pl.DataFrame:
    """The columns of the spline of predictions."""
    basis = eta[:, None] if places is None else restricted_cubic_basis(eta, places)
    return pl.DataFrame({f"x{i}": column for i, column in enumerate(basis.T)})


def _logistic(p: Predicted, places: np.ndarray | None, wanted: np.ndarray, conf_level: float) -> Four:
    x, new = (
        np.column_stack([np.ones(len(eta)), _in_model(places, eta).to_numpy()]) for eta in (p.eta, wanted)
    )
    fit = fit_logistic(x, (p.cause == 1).astype(float))
    line, error = new @ fit.coef, np.sqrt(np.einsum("ij,jk,ik->i", new, fit.cov, new))
    half, risk = normal_quantile(conf_level) * error, expit(line)
    return risk, risk * (1 - risk) * error, expit(line - half), expit(line + half)


def _cox(p: Predicted, places: np.ndarray | None, wanted: np.ndarray, conf_level: float) -> Four:
    x, new = _in_model(places, p.eta), _in_model(places, wanted)
    rows = x.with_columns(time=p.time, event=p.cause == 1)
    fit = cox(rows, x.columns, time="time", event="event", conf_level=conf_level)
    found = fit.predict(new, times=[p.t])
    survival, error, low, high = (found[name].to_numpy() for name in COLUMNS)
    return 1 - survival, error, 1 - high, 1 - low


def _fine_gray(p: Predicted, places: np.ndarray | None, wanted: np.ndarray, conf_level: float) -> Four:
    x, new = _in_model(places, p.eta), _in_model(places, wanted)
    rows = x.with_columns(time=p.time, event=p.cause)
    fit = fine_gray(rows, x.columns, time="time", event="event", cause=1, censored=0, conf_level=conf_level)
    found = fit.predict(new, times=[p.t])
    estimate, error, low, high = (found[name].to_numpy() for name in COLUMNS)
    return estimate, error, low, high


COLUMNS = ("estimate", "std_error", "conf_low", "conf_high")
SMOOTHERS: dict[str, Callable[[Predicted, np.ndarray | None, np.ndarray, float], Four]] = {
    "binary": _logistic,
    "survival": _cox,
    "competing": _fine_gray,
}


def grouped(p: Predicted, n_groups: int, conf_level: float) -> pl.DataFrame:
    """Groups by quantiles of the risk: the mean that was predicted, and what was observed."""
    code = _group_of(p.risk, n_groups)
    rows = [code == group for group in np.unique(code)]
    observed, error = np.array([p.observed(mask) for mask in rows]).T
    n = np.array([mask.sum() for mask in rows])
    n_event = np.array([((p.cause == 1) & (p.time <= p.t) & mask).sum() for mask in rows])
    low, high = _limits(p.kind, observed, error, n, n_event, conf_level)
    frame = pl.DataFrame(
        {
            "group": np.arange(1, len(rows) + 1), "n": n, "n_event": n_event,
            "predicted": [p.risk[mask].mean() for mask in rows],
            "estimate": observed, "std_error": error, "conf_low": low, "conf_high": high,
        }
    )  # fmt: skip
    return frame.with_columns(pl.col(COLUMNS).fill_nan(None))


def _group_of(risk: np.ndarray, n_groups: int) -> np.ndarray:
    """The quantile group of each risk; each value where there are fewer of these."""
    values, code = np.unique(risk, return_inverse=True)
    if len(values) < n_groups:
        return code
    edges = np.unique(np.quantile(risk, np.linspace(0, 1, n_groups + 1)))
    return np.searchsorted(edges[1:-1], risk, side="left")


def _limits(
    kind: str, risk: np.ndarray, error: np.ndarray, n: np.ndarray, n_event: np.ndarray, conf_level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's limits of a share; log-log of the survival or of the incidence, as their curves have them."""
    if kind == "binary":
        return BINOMIAL["wilson"](n_event, n, conf_level)
    if kind == "competing":
        return probability_limits(risk, error, "log-log", conf_level)
    low, high = probability_limits(1 - risk, error, "log-log", conf_level)
    return 1 - high, 1 - low


def histogram(p: Predicted) -> pl.DataFrame:
    """How many patients have a risk in each fiftieth of the range from 0 to 1."""
    n, edges = np.histogram(p.risk, bins=BINS, range=(0.0, 1.0))
    return pl.DataFrame({"low": edges[:-1], "high": edges[1:], "n": n})


def refuse_certain(p: Predicted, positions: Callable[[np.ndarray], np.ndarray]) -> None:
    """Refuse risks of exactly 0 or 1, which are infinite on the scale of a model."""
    certain = ~np.isfinite(p.eta)
    if certain.any():
        raise DataError(
            f"of {p.model!r} are exactly 0 or 1 for {counted(int(certain.sum()), 'patient')}",
            argument="risks",
            rows=positions(certain),
            expected="risks between 0 and 1, whose logit or log(-log) is finite",
            remedy="pl.col('the risk').clip(1e-6, 1 - 1e-6), and a word about it",
        )
