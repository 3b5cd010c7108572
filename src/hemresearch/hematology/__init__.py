"""What is particular to haematology.

- `endpoints`: survival endpoints from the dates of a patient, such as relapse and non-relapse mortality
  (`help(hem.hematology.endpoints)`; `hem.hematology.endpoints.describe()` is a table of their definitions)
- `response`: categories of response, the best of each patient, and response rates
  (`help(hem.hematology.response)`)
"""

from . import endpoints, response

__all__ = ["endpoints", "response"]


def __dir__() -> list[str]:
    return sorted(__all__)
