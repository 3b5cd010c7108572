"""Survival of one or several groups: estimates, tests and restricted means."""

from .fixed_time import fixed_time_test
from .follow_up import follow_up
from .kaplan_meier import kaplan_meier
from .logrank import logrank
from .maxcombo import maxcombo
from .nelson_aalen import nelson_aalen
from .pairwise import pairwise_logrank

__all__ = [
    "fixed_time_test",
    "follow_up",
    "kaplan_meier",
    "logrank",
    "maxcombo",
    "nelson_aalen",
    "pairwise_logrank",
]
