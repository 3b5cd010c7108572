"""Simulated patients whose true values are known."""

from .cart import simulate_cart
from .cml import simulate_cml_response
from .haemophilia import simulate_haemophilia_switch
from .on_call import simulate_on_call
from .score_panel import simulate_score_panel
from .simulation import Simulation

__all__ = [
    "Simulation",
    "simulate_cart",
    "simulate_cml_response",
    "simulate_haemophilia_switch",
    "simulate_on_call",
    "simulate_score_panel",
]
