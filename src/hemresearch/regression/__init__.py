"""Regression of time-to-event outcomes: models, their checks and what follows from them."""

from .aalen import aalen_additive
from .concordance import concordance
from .cox import cox
from .cox_fit import CoxFit
from .ph_test import PHTest, ph_test
from .split_episodes import split_episodes

__all__: list[str] = [
    "CoxFit",
    "PHTest",
    "aalen_additive",
    "concordance",
    "cox",
    "ph_test",
    "split_episodes",
]


def __dir__() -> list[str]:
    return sorted(__all__)
