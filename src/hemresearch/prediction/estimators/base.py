"""What the estimators share: how X and y are read, and how a prediction is judged."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from ...errors import DataError, warn
from ...numerics.concordance import concordance_counts
from ...options import check_times
from .outcome import Outcome, read_outcome

if TYPE_CHECKING:
    from sklearn.utils import Tags


class SurvivalEstimator(BaseEstimator):
    """An estimator whose `y` is follow-up and event, and which predicts who has the event earlier.

    `X` is any table of numbers: polars, pandas, or an array. `y` is a structured array with the fields event
    and time (as scikit-survival's; `survival_outcome` makes it of a table), or a frame with these two
    columns. An array of numbers is read as by XGBoost: times of events, those of censoring negative; without
    a negative one there is a warning.
    """

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.positive_only = True
        return tags

    def _read(self, X: Any, y: Any) -> tuple[np.ndarray, Outcome]:
        """Covariates and outcome of the rows to fit, which are remembered by a checksum."""
        x = validate_data(self, X, dtype=float, ensure_min_samples=2)
        outcome = read_outcome(y, len(x))
        self._seen = checksum(x)
        return x, outcome

    def _new(self, X: Any) -> np.ndarray:
        """Covariates of rows to predict for."""
        check_is_fitted(self)
        return np.asarray(validate_data(self, X, dtype=float, reset=False))

    def _names(self) -> list[str]:
        """Names of the covariates: those of X, or x0, x1, ..."""
        given = getattr(self, "feature_names_in_", None)
        return [f"x{j}" for j in range(self.n_features_in_)] if given is None else [str(n) for n in given]

    def _frame(self, x: np.ndarray) -> pl.DataFrame:
        return pl.DataFrame(x, schema=self._names(), orient="row")

    def predict(self, X: Any) -> np.ndarray:
        """A score of each row: the higher, the earlier the event."""
        raise NotImplementedError

    def predict_risk(self, X: Any, times: Any) -> np.ndarray:
        """Probability of the event by each of `times`: rows x times; NaN after the last follow-up."""
        raise NotImplementedError

    def score(self, X: Any, y: Any) -> float:
        """Harrell's concordance of the predictions with the outcome: 0.5 says nothing, 1 is the best.

        It warns where the rows are those of the fit, in whom the concordance is apparent.
        """
        self.warn_if_apparent(X)
        return self._concordance(self.predict(X), y)

    def _concordance(self, score: np.ndarray, y: Any) -> float:
        outcome = read_outcome(y, len(score))
        value = concordance_counts(outcome.time, outcome.event > 0, score).value
        if np.isfinite(value):
            return float(value)
        raise DataError(
            "leaves no comparable pair: nobody has the event while another goes on",
            argument="y",
            expected="an event that somebody outlives",
            remedy="fewer folds, or cv=list(StratifiedKFold(5).split(X, y['event']))",
        )

    def warn_if_apparent(self, X: Any) -> None:
        """Warn where the rows are those of the fit."""
        if checksum(self._new(X)) == self._seen:
            warn(
                "has the rows of the fit, in which performance is apparent: better than in others",
                argument="X",
                expected="rows that the fit has not seen",
                remedy="sklearn.model_selection.cross_val_score, or rows left out of the fit",
            )


class SurvivalCurves(SurvivalEstimator):
    """An estimator of one event, which predicts survival too."""

    def predict_survival_function(self, X: Any, times: Any) -> np.ndarray:
        """Probability of no event by each of `times`: rows x times; NaN after the last follow-up."""
        return 1 - self.predict_risk(X, times)


def linear_predictor(x: np.ndarray, coef: np.ndarray) -> np.ndarray:
    """The linear predictors of rows, equal where rows are: a matrix product rounds by where a row stands."""
    return np.asarray((x * coef).sum(axis=1))


def as_table(predictions: pl.DataFrame, times: Any) -> np.ndarray:
    """Estimates of `fit.predict` as rows x times, null as NaN."""
    values = predictions["estimate"].to_numpy().astype(float)
    return values.reshape(-1, len(check_times(times)))


def checksum(x: np.ndarray) -> str:
    """What tells these rows from others, without holding them."""
    return hashlib.sha256(np.ascontiguousarray(x).tobytes()).hexdigest()


def fit_rows(
    covariates: pl.DataFrame, outcome: Outcome, event: np.ndarray
) -> tuple[pl.DataFrame, list[str], dict[str, Any]]:
    """Covariates with their outcome, the names of the covariates, and the roles of the other two columns."""
    names = covariates.columns
    time_name, event_name = _free_names(names)
    frame = covariates.with_columns(pl.Series(time_name, outcome.time), pl.Series(event_name, event))
    return frame, names, {"time": time_name, "event": event_name}


def _free_names(taken: list[str]) -> tuple[str, str]:
    """Names for the columns of time and event that no covariate has."""
    time, event = "time", "event"
    while time in taken or event in taken:
        time, event = f"_{time}", f"_{event}"
    return time, event
