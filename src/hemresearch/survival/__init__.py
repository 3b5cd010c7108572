"""Survival of one or several groups: estimates, tests and restricted means."""

from .conditional import conditional_survival
from .confidence_band import confidence_band
from .fixed_time import fixed_time_test
from .follow_up import follow_up
from .from_lifelines import from_lifelines
from .kaplan_meier import kaplan_meier
from .landmark import Landmark, landmark
from .logrank import logrank
from .maxcombo import maxcombo
from .nelson_aalen import nelson_aalen
from .pairwise import pairwise_logrank
from .pseudo_values import pseudo_values
from .quantile_difference import quantile_difference
from .rmst import rmst
from .rmst_difference import rmst_difference
from .turnbull import turnbull

__all__ = [
    "Landmark",
    "conditional_survival",
    "confidence_band",
    "fixed_time_test",
    "follow_up",
    "from_lifelines",
    "kaplan_meier",
    "landmark",
    "logrank",
    "maxcombo",
    "nelson_aalen",
    "pairwise_logrank",
    "pseudo_values",
    "quantile_difference",
    "rmst",
    "rmst_difference",
    "turnbull",
]


def __dir__() -> list[str]:
    return sorted(__all__)
