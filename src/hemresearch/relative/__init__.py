"""Survival of patients beside that of the population: life tables and what is expected by them.

`LifeTable` holds the death rates of a population.
"""

from ..lifetable import LifeTable

__all__ = ["LifeTable"]
