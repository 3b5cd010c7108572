"""Open data sets of haematology and survival analysis, with what is known about them.

>>> import hemresearch as hem
>>> hem.data.load("myeloid").shape
(646, 8)

`catalogue` lists the data sets, `load` reads one after checking that it is unchanged, and
`describe` says what each column means, in which unit, who was studied and under which licence.
`life_table` gives the death rates of a population.
"""

from .dictionary import Description
from .life_tables import life_table
from .sets import catalogue, describe, load

__all__ = ["Description", "catalogue", "describe", "life_table", "load"]
