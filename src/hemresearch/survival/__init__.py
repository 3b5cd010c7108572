"""Survival of one or several groups: estimates, tests and restricted means."""

from .follow_up import follow_up
from .kaplan_meier import kaplan_meier
from .logrank import logrank
from .nelson_aalen import nelson_aalen
from .pairwise import pairwise_logrank

__all__ = ["follow_up", "kaplan_meier", "logrank", "nelson_aalen", "pairwise_logrank"]
