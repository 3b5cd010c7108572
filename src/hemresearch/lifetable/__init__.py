"""Population mortality by sex, age and calendar year, and where each patient stands in it.

>>> import hemresearch as hem
>>> sweden = hem.data.life_table("sweden")
>>> sweden.life_expectancy(2019, "female")["estimate"].round(1).item()
84.7

A `LifeTable` is made of a table of death rates, probabilities or counts; `LifeTable.from_hmd` reads the text
files of the Human Mortality Database, `LifeTable.from_scb` downloads of Statistics Sweden.
"""

from .people import Extrapolate, People, population_roles, read_days, read_people, require_within
from .table import LifeTable

__all__ = [
    "Extrapolate",
    "LifeTable",
    "People",
    "population_roles",
    "read_days",
    "read_people",
    "require_within",
]
