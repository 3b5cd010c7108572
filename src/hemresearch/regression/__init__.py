"""Regression of time-to-event outcomes: models, their checks and what follows from them."""

from .aalen import aalen_additive
from .aalen_fit import AalenFit
from .concordance import concordance
from .conditional_logistic import ConditionalLogisticFit, conditional_logistic
from .cox import cox
from .cox_fit import CoxFit
from .ph_test import PHTest, ph_test
from .split_episodes import split_episodes

__all__: list[str] = [
    "AalenFit",
    "ConditionalLogisticFit",
    "CoxFit",
    "PHTest",
    "aalen_additive",
    "concordance",
    "conditional_logistic",
    "cox",
    "ph_test",
    "split_episodes",
]


def __dir__() -> list[str]:
    return sorted(__all__)
