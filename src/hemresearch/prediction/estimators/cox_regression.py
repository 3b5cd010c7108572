"""Cox's model as an estimator of scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ...regression.cox import cox
from .base import SurvivalCurves, as_table, fit_rows, linear_predictor

if TYPE_CHECKING:
    from ...regression.cox_fit import CoxFit

Ties = Literal["efron", "breslow"]


class CoxRegression(SurvivalCurves):
    """Cox's proportional hazards model, as `hem.regression.cox` fits it.

    Parameters
    ----------
    ties
        "efron" or "breslow".
    ridge
        Penalty theta / 2 times the sum of squared coefficients, in the units of the columns; None for none.

    Attributes
    ----------
    coef_
        Log hazard ratios.
    fit_
        The `CoxFit`, with standard errors, tests, residuals and tables.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Raises
    ------
    DataError
        From `fit`, as `hem.regression.cox`: collinear or constant columns, no events.

    References
    ----------
    Cox DR. J R Stat Soc B 1972;34:187-220.

    Examples
    --------
    >>> import hemresearch as hem
    >>> from sklearn.model_selection import cross_val_score
    >>> mgus = hem.data.load("mgus2").drop_nulls("hgb")
    >>> X, y = mgus.select("age", "hgb"), hem.prediction.survival_outcome(mgus, time="futime", event="death")
    >>> cross_val_score(hem.prediction.CoxRegression(), X, y, cv=3).round(2)
    array([0.68, 0.69, 0.67])
    >>> model = hem.prediction.CoxRegression().fit(X, y)
    >>> model.predict_risk(X[:2], times=[60, 120]).round(2)
    array([[0.61, 0.89],
           [0.48, 0.79]])
    """

    def __init__(self, *, ties: Ties = "efron", ridge: float | None = None) -> None:
        self.ties = ties
        self.ridge = ridge

    def fit(self, X: Any, y: Any) -> CoxRegression:
        """Estimate the coefficients."""
        x, outcome = self._read(X, y)
        frame, names, roles = fit_rows(self._frame(x), outcome, outcome.event > 0)
        self.fit_: CoxFit = cox(frame, names, **roles, ties=self.ties, ridge=self.ridge)
        self.coef_ = self.fit_.coef
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The linear predictor x'b of each row: the higher, the earlier the event."""
        return linear_predictor(self._new(X), self.coef_)

    def predict_risk(self, X: Any, times: Any) -> np.ndarray:
        """Probability of the event by each of `times`: rows x times; NaN after the last follow-up."""
        new = self._frame(self._new(X))
        return 1 - as_table(self.fit_.predict(new, times=times, kind="survival"), times)
