"""Open data sets of haematology and survival analysis, with what is known about them.

>>> import hemresearch as hem
>>> hem.data.load("myeloid").shape
(646, 8)

`catalogue` lists the data sets, `load` reads one after checking that it is unchanged, and
`describe` says what each column means, in which unit, who was studied and under which licence.
`life_table` gives the death rates of a population. `simulate_haemophilia_switch`, `simulate_on_call`,
`simulate_cml_response`, `simulate_cart` and `simulate_score_panel` draw patients as a centre's register would
export them, and say what the true values are.
"""

from .dictionary import Description
from .life_tables import life_table
from .sets import catalogue, describe, load
from .simulate import (
    Simulation,
    simulate_cart,
    simulate_cml_response,
    simulate_haemophilia_switch,
    simulate_on_call,
    simulate_score_panel,
)

__all__ = [
    "Description",
    "Simulation",
    "catalogue",
    "describe",
    "life_table",
    "load",
    "simulate_cart",
    "simulate_cml_response",
    "simulate_haemophilia_switch",
    "simulate_on_call",
    "simulate_score_panel",
]


def __dir__() -> list[str]:
    return sorted(__all__)
