"""Cox's model with an elastic net penalty as an estimator of scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from ...errors import DataError
from ...numerics.penalized_cox import (
    Path,
    RiskRows,
    baseline_hazard,
    lambda_path,
    largest_lambda,
    penalized_path,
    risk_rows,
    value_and_residuals,
)
from ...options import check_choice, check_times
from ..resampling import dealt
from .base import SurvivalCurves, linear_predictor

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .outcome import Outcome

Rule = Literal["min", "1se"]


class PenalizedCox(SurvivalCurves):
    """Cox's model with a lasso, ridge or elastic net penalty, for many covariates or related ones.

    The coefficients minimise

        -loglik(b) / n + lambda sum v_j (l1_ratio |b_j| + (1 - l1_ratio) / 2 b_j^2)

    with Breslow's partial likelihood and covariates scaled to a standard deviation of 1 (over n), as R's
    glmnet; they are given in the units of the columns. A path of lambdas falls from the smallest at which
    all coefficients are 0. By default `fit` chooses the lambda by cross-validation within the data it is
    given, so that nothing of a fold left out by `cross_val_score` has a part in the choice.

    Parameters
    ----------
    l1_ratio
        1 for the lasso, 0 for ridge, between for the elastic net (glmnet's alpha).
    penalty
        The lambda of the coefficients and predictions; None to choose it by cross-validation.
    lambdas
        The path, instead of one of `n_lambdas` that falls to `lambda_min_ratio` of its first.
    n_lambdas, lambda_min_ratio
        By default 100, and 0.0001 with more rows than columns, else 0.01; the path ends early where the
        model explains 99.9 % of the deviance, or hardly more with each lambda.
    penalty_factor
        A factor v_j for each column, 0 for one that is not penalised; scaled to a mean of 1.
    standardize
        Whether the penalty is on effects of a standard deviation, or of a unit.
    folds, rule, random_state
        Of the cross-validation: how many folds; "min" (largest cross-validated likelihood) or "1se" (the
        largest lambda within one standard error of it); the seed of the dealing.

    Attributes
    ----------
    coef_, penalty_
        Log hazard ratios in the units of the columns, and their lambda.
    lambdas_, coef_path_, deviance_ratio_
        The path: coefficients (columns x lambdas), and the share of the deviance that is explained.
    cross_validation_
        A polars frame with, per lambda, the deviance per event in the folds left out and its standard error;
        None where `penalty` was given.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Raises
    ------
    DataError
        From `fit`, without an event, for a ratio outside 0 to 1, lambdas or factors that are negative or not
        numbers, or fewer rows than folds.

    Notes
    -----
    The conditions of the minimum hold to 1e-8 at every lambda. Estimates with a penalty are shrunken and have
    no standard errors here; judge the whole, its choices included, on other patients.

    References
    ----------
    Simon N, Friedman J, Hastie T, Tibshirani R. J Stat Softw 2011;39(5):1-13. Cross-validated likelihood:
    Verweij PJM, van Houwelingen HC. Stat Med 1993;12:2305-2314.

    Examples
    --------
    >>> import hemresearch as hem
    >>> mgus = hem.data.load("mgus2").drop_nulls()
    >>> X = mgus.select("age", "hgb", "creat", "mspike")
    >>> y = hem.prediction.survival_outcome(mgus, time="futime", event="death")
    >>> model = hem.prediction.PenalizedCox(penalty=0.05).fit(X, y)
    >>> model.coef_.round(3)
    array([ 0.047, -0.076,  0.035,  0.   ])
    """

    def __init__(
        self,
        *,
        l1_ratio: float = 1.0,
        penalty: float | None = None,
        lambdas: Any = None,
        n_lambdas: int = 100,
        lambda_min_ratio: float | None = None,
        penalty_factor: Any = None,
        standardize: bool = True,
        folds: int = 10,
        rule: Rule = "min",
        random_state: int = 0,
    ) -> None:
        self.l1_ratio = l1_ratio
        self.penalty = penalty
        self.lambdas = lambdas
        self.n_lambdas = n_lambdas
        self.lambda_min_ratio = lambda_min_ratio
        self.penalty_factor = penalty_factor
        self.standardize = standardize
        self.folds = folds
        self.rule = rule
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> PenalizedCox:
        """Estimate the path, and choose its lambda unless it was given."""
        x, outcome = self._read(X, y)
        self._check(outcome)
        rows = _scaled(x, outcome, self.standardize)
        factor = self._factor()
        path = penalized_path(
            rows.rows, self._lambdas(rows.rows, factor), self.l1_ratio, factor, to_the_end=self._given()
        )
        self.lambdas_, self.deviance_ratio_ = path.lambdas, path.deviance_ratio
        self.coef_path_ = (path.coef / rows.scale).T
        chosen = self._chosen(x, outcome, path, factor)
        self.penalty_, self.coef_ = float(path.lambdas[chosen]), self.coef_path_[:, chosen]
        self._mean, self._spread = x.mean(axis=0), x.std(axis=0)
        self._when, self._end = rows.rows.when, float(outcome.time.max())
        self._hazard = baseline_hazard(rows.rows, path.coef[chosen] @ rows.rows.x)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The linear predictor x'b of each row: the higher, the earlier the event."""
        return linear_predictor(self._new(X), self.coef_)

    def predict_risk(self, X: Any, times: Any) -> np.ndarray:
        """Probability of the event by each of `times`: rows x times; NaN after the last follow-up."""
        wanted = check_times(times)
        relative = np.exp((self._new(X) - self._mean) @ self.coef_)
        hazard = np.append(0.0, self._hazard)[np.searchsorted(self._when, wanted, side="right")]
        hazard = np.where(wanted > self._end, np.nan, hazard)
        return np.asarray(-np.expm1(-np.outer(relative, hazard)))

    def to_frame(self) -> pl.DataFrame:
        """The path: `lambda`, `term`, `estimate` and `per_sd` (of a standard deviation), a row for each."""
        return pl.DataFrame(
            {
                "lambda": np.repeat(self.lambdas_, self.n_features_in_),
                "term": self._names() * len(self.lambdas_),
                "estimate": self.coef_path_.T.ravel(),
                "per_sd": (self.coef_path_.T * self._spread).ravel(),
            }
        )

    def plot(self, **options: Any) -> Axes:
        """Draw effects of a standard deviation along the path, see `hem.plots.draw_penalty_path`."""
        from ...plots import draw_penalty_path

        frame = self.to_frame().with_columns(estimate="per_sd")
        words = {"y_label": "Coefficient of a standard deviation"} | options
        return draw_penalty_path(frame, chosen=self.penalty_, **words)

    def _check(self, outcome: Outcome) -> None:
        check_choice(self.rule, Rule, argument="rule")
        if not 0 <= self.l1_ratio <= 1:
            raise DataError(
                f"is {self.l1_ratio:g}",
                argument="l1_ratio",
                expected="a share from 0 (ridge) to 1 (lasso)",
                remedy="l1_ratio=0.5",
            )
        if not (outcome.event > 0).any():
            raise DataError(
                "has no event", argument="y", expected="rows that end with the event", remedy="other rows"
            )
        if self.penalty is None and len(outcome) < self.folds:
            raise DataError(
                f"{len(outcome)} rows cannot be dealt into {self.folds} folds",
                argument="folds",
                expected="at most as many folds as rows",
                remedy="folds=5, or penalty=... to choose none",
            )

    def _given(self) -> bool:
        """Whether the path is to be walked to its end."""
        return self.lambdas is not None or self.penalty is not None

    def _factor(self) -> np.ndarray:
        """The factor of each column, their mean 1."""
        p = self.n_features_in_
        given = np.ones(p) if self.penalty_factor is None else np.asarray(self.penalty_factor, dtype=float)
        if given.shape != (p,) or not np.isfinite(given).all() or (given < 0).any() or not given.any():
            raise DataError(
                f"has the shape {given.shape}, or negative, missing or only zero factors",
                argument="penalty_factor",
                expected=f"{p} numbers of at least 0, not all of them 0",
                remedy="penalty_factor=[0, 1, ...] with a number for each column",
            )
        return given * p / given.sum()

    def _lambdas(self, rows: RiskRows, factor: np.ndarray) -> np.ndarray:
        """The path, falling; with a penalty it ends there."""
        if self.lambdas is not None:
            path = np.sort(np.atleast_1d(np.asarray(self.lambdas, dtype=float)))[::-1]
        else:
            ratio = self.lambda_min_ratio or (1e-4 if rows.n > len(rows.x) else 1e-2)
            path = lambda_path(largest_lambda(rows, self.l1_ratio, factor), ratio, self.n_lambdas)
        if self.penalty is not None:
            path = np.append(path[path > self.penalty], self.penalty)
        if self._given() and (not np.isfinite(path).all() or (path <= 0).any()):
            raise DataError(
                "holds penalties that are missing or not above 0",
                argument="lambdas" if self.penalty is None else "penalty",
                expected="penalties above 0",
                remedy="penalty=0.05; hem.prediction.CoxRegression() for none",
            )
        return path

    def _chosen(self, x: np.ndarray, outcome: Outcome, path: Path, factor: np.ndarray) -> int:
        """The position of the lambda of the coefficients."""
        self.cross_validation_: pl.DataFrame | None = None
        if self.penalty is not None:
            return len(path.lambdas) - 1
        fold = dealt(outcome.event > 0, self.folds, self.random_state)
        deviance, error = cross_validated(x, outcome, fold, path, self.l1_ratio, factor, self.standardize)
        used = (path.coef != 0).sum(axis=1)
        self.cross_validation_ = pl.DataFrame(
            {"lambda": path.lambdas, "deviance": deviance, "std_error": error, "n_nonzero": used}
        )
        least = int(np.argmin(deviance))
        return least if self.rule == "min" else int(np.argmax(deviance <= deviance[least] + error[least]))


@dataclass(frozen=True, slots=True, eq=False)
class _Scaled:
    """Rows whose covariates have mean 0, and what they were divided by."""

    rows: RiskRows
    scale: np.ndarray


def _scaled(x: np.ndarray, outcome: Outcome, standardize: bool) -> _Scaled:
    spread = x.std(axis=0)
    size = np.abs(x).max(axis=0)
    varies = spread > 1e-12 * size
    scale = np.where(varies, spread, 1.0) if standardize else np.ones(x.shape[1])
    centred = np.where(varies, x - x.mean(axis=0), 0.0) / scale
    return _Scaled(risk_rows(centred, outcome.time, outcome.event > 0), scale)


def cross_validated(
    x: np.ndarray,
    outcome: Outcome,
    fold: np.ndarray,
    path: Path,
    l1_ratio: float,
    factor: np.ndarray,
    standardize: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Deviance per event in the folds left out, and its standard error, at each lambda.

    That of a fold is what the deviance of all rows exceeds that of the rows without it by, both at the
    coefficients from the rows without it (glmnet's grouped form).
    """
    everyone = risk_rows(x, outcome.time, outcome.event > 0)
    each, events = [], []
    for k in np.unique(fold):
        own = fold != k
        part = type(outcome)(outcome.time[own], outcome.event[own])
        if not (part.event > 0).any():
            continue
        rows = _scaled(x[own], part, standardize)
        coef = penalized_path(rows.rows, path.lambdas, l1_ratio, factor, to_the_end=True).coef / rows.scale
        rest = risk_rows(x[own], part.time, part.event > 0)
        each.append([_deviance(everyone, b) - _deviance(rest, b) for b in coef])
        events.append(float((outcome.event[~own] > 0).sum()))
    n_event = np.array(events)
    left_out = np.array(each)[n_event > 0]
    n_event = n_event[n_event > 0]
    mean = left_out.sum(axis=0) / n_event.sum()
    square = n_event @ (left_out / n_event[:, None] - mean) ** 2 / n_event.sum()
    return mean, np.sqrt(square / max(len(n_event) - 1, 1))


def _deviance(rows: RiskRows, coef: np.ndarray) -> float:
    return 2 * (rows.saturated_value() - value_and_residuals(rows, coef @ rows.x)[0])
