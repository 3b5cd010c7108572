"""The maximum of a parametric likelihood, in the user's units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import ConvergenceError
from ..formats import significant
from ..numerics.cox_rows import centre_and_scale
from ..numerics.distributions import DISTRIBUTIONS, Distribution
from ..numerics.newton import Maximum
from ..numerics.parametric import EXACT, LEFT, Observations, maximum_likelihood, row_scores
from .parametric_sample import Sample

# A coefficient of a standardised covariate with a standard error of so many scales is not estimated at all.
RUNS_OFF = 1e3
SINGULAR = 1e-13  # an eigenvalue of the information, scaled to a unit diagonal, that is none


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """Coefficients of every local parameter in turn, their covariances and the log-likelihoods."""

    theta: np.ndarray
    cov: np.ndarray
    cov_model: np.ndarray
    log_likelihood: float
    log_likelihood_null: float


def solve(name: str, sample: Sample, matrix: np.ndarray, columns: tuple[str, ...], robust: bool) -> Solution:
    """Maximise with covariates standardised and times near 1, and go back to the units of the data."""
    d = DISTRIBUTIONS[name]
    mean, scale = centre_and_scale(matrix)
    mean[0], scale[0] = 0.0, 1.0
    standard = (matrix - mean) * scale
    unit, shift = _unit(sample.rows), float(sample.offset.mean())
    rows, offset = sample.rows.scaled(unit), sample.offset - shift
    designs = (standard, *ancillary_designs(d, sample.stratum.code, len(sample.stratum)))
    relatives = (DISTRIBUTIONS["log-normal"], DISTRIBUTIONS["weibull"]) if len(designs) == 3 else ()
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        found, null = maximum_likelihood(d, rows, designs, offset, relatives)
    cov_model = _inverse(found, standard.shape[1], columns)
    cov = cov_model
    if robust:
        scores = row_scores(d, rows, designs, offset, found.parameters) * rows.weight[:, None]
        influence = summed(scores, sample.owner) @ cov_model
        cov = influence.T @ influence
    back, constant = _to_units(d, len(found.parameters), mean, scale, unit, shift)
    jacobian = float(rows.weight[rows.kind == EXACT].sum() * np.log(unit))
    return Solution(
        back @ found.parameters + constant,
        back @ cov @ back.T,
        back @ cov_model @ back.T,
        found.value - jacobian,
        null.value - jacobian,
    )


def ancillary_designs(d: Distribution, stratum: np.ndarray, n_strata: int) -> tuple[np.ndarray, ...]:
    """Of the first parameter besides the predictor, one column for each stratum; of the next, one of ones."""
    each = (np.arange(n_strata) == stratum[:, None]).astype(float)
    return tuple(each if i == 0 else np.ones((len(stratum), 1)) for i in range(len(d.ancillary)))


def summed(scores: np.ndarray, owner: np.ndarray | None) -> np.ndarray:
    """Scores summed over the rows of each owner."""
    if owner is None:
        return scores
    return np.stack([np.bincount(owner, column) for column in scores.T], axis=1)


def _unit(rows: Observations) -> float:
    """A typical time."""
    time = np.where(rows.kind == LEFT, rows.high, rows.low)
    positive = time[time > 0]
    return float(np.exp(np.log(positive).mean())) if len(positive) else 1.0


def _to_units(
    d: Distribution, size: int, mean: np.ndarray, scale: np.ndarray, unit: float, shift: float
) -> tuple[np.ndarray, np.ndarray]:
    """The linear map (matrix and constant) from coefficients of standardised rows to those of the data."""
    back, constant, p = np.eye(size), np.zeros(size), len(scale)
    back[np.arange(p), np.arange(p)] = scale
    back[0, 1:p] = -(mean * scale)[1:]
    constant[0] = (np.log(unit) if d.in_log_time else -np.log(unit)) - shift
    if not d.in_log_time:
        back[np.arange(p, size), np.arange(p, size)] = 1 / unit  # a shape that is a rate of change
    return back, constant


def _inverse(found: Maximum, n_design: int, columns: tuple[str, ...]) -> np.ndarray:
    """The covariance; a likelihood without a maximum is an error that names what runs off."""
    information, at = found.information, found.parameters
    size = np.sqrt(np.maximum(np.diag(information), 0.0))
    unit = np.where((size > 0) & np.isfinite(size), size, 1.0)
    scaled = np.where(np.isfinite(information), information, 0.0) / np.outer(unit, unit)
    regular = bool(np.isfinite(information).all() and (size > 0).all())
    if regular and np.linalg.eigvalsh(scaled)[0] > SINGULAR:
        cov = np.linalg.inv(scaled) / np.outer(unit, unit)
        spread = max(1.0, float(np.exp(at[n_design]))) if len(at) > n_design else 1.0
        error = np.sqrt(np.diag(cov)) / np.where(np.arange(len(at)) < n_design, spread, 1.0)
        if found.converged and error.max() < RUNS_OFF:
            return cov
    far = np.abs(at)
    far[0] = far[0] if len(at) == 1 else -1.0  # the intercept follows a covariate that runs off
    worst = int(far.argmax())
    raise ConvergenceError(
        f"the likelihood had no maximum after {found.iterations} steps: {columns[worst]!r} is not determined "
        f"(standardised estimate {significant(float(at[worst]))}). Expected events at every level of a "
        "covariate, and times that differ. Try fewer terms, or a distribution with fewer parameters."
    )
