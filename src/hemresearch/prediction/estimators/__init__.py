"""Estimators of scikit-learn for follow-up: to be cloned, piped, searched and cross-validated.

- `survival_outcome`: the `y` of a table.
- `CoxRegression`, `PenalizedCox`, `FineGrayRegression`: models of this package.
- `PseudoValueRegression`, `CensoringWeightedClassification`: any regressor or classifier, under censoring.
"""

from .cox_regression import CoxRegression
from .fine_gray_regression import FineGrayRegression
from .horizons import CensoringWeightedClassification, PseudoValueRegression
from .outcome import survival_outcome
from .penalized_cox import PenalizedCox

__all__ = [
    "CensoringWeightedClassification",
    "CoxRegression",
    "FineGrayRegression",
    "PenalizedCox",
    "PseudoValueRegression",
    "survival_outcome",
]


def __dir__() -> list[str]:
    return sorted(__all__)
