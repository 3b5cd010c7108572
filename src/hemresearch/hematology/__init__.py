"""What is particular to haematology.

- `bleeding`: bleeding rates, the same patients before and after a switch, target joints, factor activity,
  time in the therapeutic range (`help(hem.hematology.bleeding)`)
- `consultations`: a service on call: how many call and when, who is needed, and what became of the patients
  (`help(hem.hematology.consultations)`)
- `endpoints`: survival endpoints from the dates of a patient, such as relapse and non-relapse mortality
  (`help(hem.hematology.endpoints)`; `hem.hematology.endpoints.describe()` is a table of their definitions)
- `response`: categories of response, the best of each patient, and response rates
  (`help(hem.hematology.response)`)
- `toxicity`: cytopenia, CTCAE grades, acute GVHD, dose intensity (`help(hem.hematology.toxicity)`)
"""

from . import bleeding, consultations, endpoints, response, toxicity

__all__ = ["bleeding", "consultations", "endpoints", "response", "toxicity"]


def __dir__() -> list[str]:
    return sorted(__all__)
