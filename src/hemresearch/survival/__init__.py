"""Survival of one or several groups: estimates, tests and restricted means."""

from .follow_up import follow_up
from .kaplan_meier import kaplan_meier
from .nelson_aalen import nelson_aalen

__all__ = ["follow_up", "kaplan_meier", "nelson_aalen"]
