"""What is particular to haematology.

- `endpoints`: survival endpoints from the dates of a patient, such as relapse and non-relapse mortality
  (`help(hem.hematology.endpoints)`; `hem.hematology.endpoints.describe()` is a table of their definitions)
"""

from . import endpoints

__all__ = ["endpoints"]


def __dir__() -> list[str]:
    return sorted(__all__)
