"""Fine and Gray's model as an estimator of scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from ...competing.fine_gray import fine_gray
from ..concordance import concordance_competing
from .base import SurvivalEstimator, as_table, fit_rows, linear_predictor
from .outcome import read_outcome

if TYPE_CHECKING:
    from ...competing import FineGrayFit

Ties = Literal["breslow", "efron"]


class FineGrayRegression(SurvivalEstimator):
    """Fine and Gray's model of the incidence of one of several events, as `hem.competing.fine_gray` fits it.

    The event of `y` is a number: 0 for censoring, `cause` for the event, any other for competing events.

    Parameters
    ----------
    cause
        The number of the event that is predicted; `survival_outcome(..., cause=)` makes it 1.
    ties
        "breslow" (as R's crr) or "efron" (as finegray with coxph).

    Attributes
    ----------
    coef_
        Log subdistribution hazard ratios.
    fit_
        The `FineGrayFit`, with standard errors, tests and tables.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Raises
    ------
    DataError
        From `fit`, as `hem.competing.fine_gray`.

    References
    ----------
    Fine JP, Gray RJ. J Am Stat Assoc 1999;94:496-509. The score: Wolbers M et al. Biostatistics
    2014;15:526-539.

    Examples
    --------
    >>> import hemresearch as hem
    >>> transplant = hem.data.load("bmtcrr")
    >>> y = hem.prediction.survival_outcome(transplant, time="ftime", event="Status", cause=1)
    >>> model = hem.prediction.FineGrayRegression().fit(transplant.select("Age"), y)
    >>> model.predict_risk(transplant.select("Age")[:2], times=[12, 24]).round(2)
    array([[0.19, 0.21],
           [0.3 , 0.34]])
    """

    def __init__(self, *, cause: int = 1, ties: Ties = "breslow") -> None:
        self.cause = cause
        self.ties = ties

    def fit(self, X: Any, y: Any) -> FineGrayRegression:
        """Estimate the coefficients."""
        x, outcome = self._read(X, y)
        frame, names, roles = fit_rows(self._frame(x), outcome, outcome.event)
        self.fit_: FineGrayFit = fine_gray(
            frame, names, **roles, cause=self.cause, censored=0, ties=self.ties
        )
        self.coef_ = self.fit_.coef
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The linear predictor x'b of each row: the higher, the more have the event by every time."""
        return linear_predictor(self._new(X), self.coef_)

    def predict_risk(self, X: Any, times: Any) -> np.ndarray:
        """Probability of the event by each of `times`: rows x times; NaN after the last follow-up."""
        return as_table(self.fit_.predict(self._frame(self._new(X)), times=times), times)

    def _concordance(self, score: np.ndarray, y: Any) -> float:
        """Concordance with competing events, by inverse probability of censoring."""
        outcome = read_outcome(y, len(score))
        frame = outcome.frame.with_columns(pl.Series("score", score))
        found = concordance_competing(
            frame, time="time", event="event", cause=self.cause, censored=0, scores={"score": "score"}
        )
        return float(found.frame["estimate"].item())
