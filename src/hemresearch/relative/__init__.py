"""Survival of patients beside that of the population: life tables and what is expected by them.

>>> import hemresearch as hem
>>> sweden = hem.data.life_table("sweden")
>>> sweden.rate(70, 2019, "male").round(4).item()
0.0158

`LifeTable` holds the death rates of a population; `expected_survival` is the survival that patients would
have by them (Ederer I and II, Hakulinen), `population_hazard` what each patient's own hazard is.
`net_survival` is survival if the disease were the only cause of death (Pohar Perme, Ederer, Hakulinen),
and `net_survival_test` compares groups by it.
`relative_survival_table` is the table by intervals of cancer registries, by life table or person-time;
`crude_probability_table` and `incidence_table` are the probabilities of death by cause, in intervals too.
`crude_probability` is that of having died from the disease, and from other causes,
`life_years_lost` the time of life that patients lose within a horizon.
`excess_hazard` is a regression of the mortality beyond that of the population.
`smr` is observed over expected deaths, by time since diagnosis and attained age.
"""

from ..lifetable import LifeTable
from .crude_probability import crude_probability
from .crude_probability_table import crude_probability_table
from .excess_hazard import excess_hazard
from .expected import expected_survival
from .incidence_table import incidence_table
from .life_years_lost import life_years_lost
from .net_survival import net_survival
from .net_survival_test import net_survival_test
from .population import population_hazard
from .relative_survival_table import relative_survival_table
from .smr import smr

__all__ = [
    "LifeTable",
    "crude_probability",
    "crude_probability_table",
    "excess_hazard",
    "expected_survival",
    "incidence_table",
    "life_years_lost",
    "net_survival",
    "net_survival_test",
    "population_hazard",
    "relative_survival_table",
    "smr",
]


def __dir__() -> list[str]:
    return sorted(__all__)
