"""Regressors and classifiers of scikit-learn made into models of risk at horizons under censoring."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from ...competing.pseudo_values import pseudo_values
from ...errors import DataError
from ...numerics.inverse_censoring import inverse_censoring
from ...options import check_times
from .base import SurvivalEstimator
from .outcome import Outcome


class HorizonEstimator(SurvivalEstimator):
    """One clone of an estimator for each horizon; their risks, made to rise with time, lie from 0 to 1."""

    def __init__(self, estimator: Any, *, times: Any = None, cause: int = 1) -> None:
        self.estimator = estimator
        self.times = times
        self.cause = cause

    def fit(self, X: Any, y: Any) -> HorizonEstimator:
        """Fit a clone of the estimator for each horizon."""
        x, outcome = self._read(X, y)
        _refuse_without_cause(outcome, self.cause)
        middle = np.median(np.unique(outcome.time[outcome.event == self.cause]))
        self.times_ = check_times(middle if self.times is None else self.times)
        self.estimators_ = self._fitted(x, outcome)
        return self

    @abstractmethod
    def _fitted(self, x: np.ndarray, outcome: Outcome) -> list[Any]:
        """The clones."""

    @abstractmethod
    def _risk(self, estimator: Any, x: np.ndarray) -> np.ndarray:
        """What one of them predicts."""

    def predict(self, X: Any) -> np.ndarray:
        """The risk by the last of the horizons."""
        check_is_fitted(self)
        return self.predict_risk(X, self.times_.max())[:, 0]

    def predict_risk(self, X: Any, times: Any) -> np.ndarray:
        """Probability of the event by each of `times`, which must be horizons of the fit: rows x times."""
        x, wanted = self._new(X), check_times(times)
        unknown = ~np.isin(wanted, self.times_)
        if unknown.any():
            raise DataError(
                f"asks for the risk at {wanted[unknown][0]:g}, for which nothing was fitted",
                argument="times",
                expected=f"the horizons of the fit: {', '.join(f'{t:g}' for t in self.times_)}",
                remedy=f"{type(self).__name__}(estimator, times=[...]) with this horizon among them",
            )
        order = np.argsort(self.times_, kind="stable")
        each = np.column_stack([np.clip(self._risk(self.estimators_[k], x), 0.0, 1.0) for k in order])
        rising = np.maximum.accumulate(each, axis=1)
        return np.asarray(rising[:, np.searchsorted(self.times_[order], wanted)])


class PseudoValueRegression(HorizonEstimator):
    """A regressor of scikit-learn, as a random forest or boosting, fitted to pseudo-values of the risk.

    Each patient's contribution to the Kaplan-Meier estimate (with competing events the Aalen-Johansen
    estimate) of the risk at a horizon takes the place of the outcome that censoring hides:
    `hem.competing.pseudo_values`. Its mean given the covariates is their risk if censoring does not depend on
    them. A regressor that minimises squared error thus estimates the risk.

    Parameters
    ----------
    estimator
        A regressor; it is cloned.
    times
        The horizon, or several, in the unit of the follow-up; if None, the median of the
        distinct times of the event.
    cause
        The number of the event that is predicted.

    Attributes
    ----------
    estimators_
        The fitted clones, in the order of `times`.
    times_, n_features_in_, feature_names_in_
        The horizons; and as in scikit-learn.

    Raises
    ------
    DataError
        From `fit`, without an event of the cause, or as `hem.competing.pseudo_values` for a horizon beyond
        the follow-up; from `predict_risk` for other times than those of the fit.

    Notes
    -----
    Predictions outside 0 to 1 are cut, and a risk is never below that at an earlier horizon.

    References
    ----------
    Andersen PK, Klein JP, Rosthoj S. Biometrika 2003;90:15-27.

    Examples
    --------
    >>> import hemresearch as hem
    >>> from sklearn.ensemble import RandomForestRegressor
    >>> mgus = hem.data.load("mgus2").drop_nulls("hgb")
    >>> X, y = mgus.select("age", "hgb"), hem.prediction.survival_outcome(mgus, time="futime", event="death")
    >>> forest = RandomForestRegressor(min_samples_leaf=50, random_state=1)
    >>> model = hem.prediction.PseudoValueRegression(forest, times=[60, 120]).fit(X[:900], y[:900])
    >>> bool(model.score(X[900:], y[900:]) > 0.6)
    True
    """

    def _fitted(self, x: np.ndarray, outcome: Outcome) -> list[Any]:
        values = pseudo_values(
            outcome.frame, time="time", event="event", cause=self.cause, censored=0, times=self.times_
        )
        columns = values["pseudo_value"].to_numpy().reshape(len(x), -1)
        return [clone(self.estimator).fit(x, column) for column in columns.T]

    def _risk(self, estimator: Any, x: np.ndarray) -> np.ndarray:
        return np.asarray(estimator.predict(x), dtype=float)


class CensoringWeightedClassification(HorizonEstimator):
    """A classifier of scikit-learn, fitted to who has the event by a horizon, weighted for censoring.

    Whoever is censored before the horizon has no weight; the others stand for them too, with the inverse of
    the probability of not being censored by their event, or by the horizon (a Kaplan-Meier curve of
    censoring, which must not depend on the covariates). Its probability of the event is the risk.

    Parameters
    ----------
    estimator
        A classifier with `predict_proba`, whose `fit` takes `sample_weight`; it is cloned.
    times
        The horizon, or several, in the unit of the follow-up; if None, the median of the
        distinct times of the event.
    cause
        The number of the event that is predicted.

    Attributes
    ----------
    estimators_
        The fitted clones, in the order of `times`.
    times_, n_features_in_, feature_names_in_
        The horizons; and as in scikit-learn.

    Raises
    ------
    DataError
        From `fit`, for a classifier without weights, no event of the cause, or a horizon by which nobody, or
        everybody, of those not censored has had the event; from `predict_risk` for other times than those of
        the fit.

    Notes
    -----
    A risk is never below that at an earlier horizon.

    References
    ----------
    Vock DM et al. J Biomed Inform 2016;61:119-131.

    Examples
    --------
    >>> import hemresearch as hem
    >>> from sklearn.linear_model import LogisticRegression
    >>> mgus = hem.data.load("mgus2").drop_nulls("hgb")
    >>> X, y = mgus.select("age", "hgb"), hem.prediction.survival_outcome(mgus, time="futime", event="death")
    >>> model = hem.prediction.CensoringWeightedClassification(LogisticRegression(), times=60).fit(X, y)
    >>> model.predict_risk(X[:2], times=60).round(2)
    array([[0.55],
           [0.5 ]])
    """

    def _fitted(self, x: np.ndarray, outcome: Outcome) -> list[Any]:
        if not has_fit_parameter(self.estimator, "sample_weight"):
            raise DataError(
                f"a {type(self.estimator).__name__} takes no weights",
                argument="estimator",
                expected="a classifier whose fit has sample_weight",
                remedy="make_pipeline(StandardScaler(), CensoringWeightedClassification(classifier, ...)) "
                "where a pipeline was given",
            )
        censoring = inverse_censoring(outcome.time, outcome.event == 0)
        return [self._at(x, outcome, t, censoring.weights(t)) for t in self.times_]

    def _at(self, x: np.ndarray, outcome: Outcome, time: float, weight: np.ndarray) -> Any:
        """The classifier of one horizon."""
        known = weight > 0
        happened = (outcome.event == self.cause) & (outcome.time <= time)
        if len(np.unique(happened[known])) < 2:
            share = "all" if happened[known].any() else "none"
            raise DataError(
                f"by {time:g} {share} of those not censored had the event",
                argument="times",
                expected="a horizon by which some have the event and some have not",
                remedy="an earlier or a later horizon",
            )
        return clone(self.estimator).fit(x[known], happened[known], sample_weight=weight[known])

    def _risk(self, estimator: Any, x: np.ndarray) -> np.ndarray:
        return np.asarray(estimator.predict_proba(x)[:, list(estimator.classes_).index(True)], dtype=float)


def _refuse_without_cause(outcome: Outcome, cause: int) -> None:
    if not (outcome.event == cause).any():
        raise DataError(
            f"has no row with event {cause}",
            argument="cause",
            expected="the number of an event of y",
            remedy="cause=1, which survival_outcome gives the event",
        )
