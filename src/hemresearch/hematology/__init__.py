"""What is particular to haematology.

- `bleeding`: bleeding rates, the same patients before and after a switch, target joints, factor activity,
  time in the therapeutic range (`help(hem.hematology.bleeding)`)
- `consultations`: a service on call: how many call and when, how many must answer, what became of patients
  (`help(hem.hematology.consultations)`)
- `endpoints`: survival endpoints from the dates of a patient, such as relapse and non-relapse mortality
  (`help(hem.hematology.endpoints)`; `hem.hematology.endpoints.describe()` is a table of their definitions)
- `response`: categories of response, the best of each patient, and response rates
  (`help(hem.hematology.response)`)
- `scores`: risk scores and gradings from columns, with an audit of their units
  (`help(hem.hematology.scores)`; `hem.hematology.scores.catalogue()` is a table of them)
- `toxicity`: cytopenia, CTCAE grades, acute GVHD, dose intensity (`help(hem.hematology.toxicity)`)
- `units`: laboratory values from one unit to another (`help(hem.hematology.units)`)
"""

from . import bleeding, consultations, endpoints, response, scores, toxicity, units

__all__ = ["bleeding", "consultations", "endpoints", "response", "scores", "toxicity", "units"]


def __dir__() -> list[str]:
    return sorted(__all__)
