"""Endpoints from the dates of each patient: a time and what happened then, as columns beside the data.

- `overall_survival`, `progression_free_survival`, `relapse_free_survival` (also leukaemia-free, disease-free)
- `event_free_survival`, `relapse_incidence`, `duration_of_response`: of remission and response
- `time_to_next_treatment`, `time_to_first_treatment`
- `relapse_and_nrm`: relapse and non-relapse mortality as a pair
- `acute_gvhd`, `chronic_gvhd`: graft-versus-host disease with its competing events
- `grfs`, `crfs`: survival free of GVHD and relapse
- `engraftment`: with its competing events; `first_sustained`: its date from counts
- `molecular_response`, `treatment_free_remission`: chronic myeloid leukaemia, from BCR::ABL1 values
- `efs24`, `overall_survival_from_efs24`: lymphoma
- `recurrent_vte`, `major_bleeding`, `clinically_relevant_bleeding`: thrombosis and anticoagulation
- `response_at_landmark`, `transfusion_independence`: yes or no, from all assessments or transfusions
- `composite`: any other, from stated events
- `describe`: time zero, event, competing event, censoring and source of each, as a table

Dates are columns, one row is one patient, and null means that it did not happen. A Datetime counts as its
day. Months are days / 30.4375. Dates in an order that cannot be are refused, as are those after the data
cut-off (`as_of`, or else today); those that should be looked at give a warning. Tables with several rows per
patient stand beside the data and are joined by `id`.
"""

from .composite import composite
from .counts import first_sustained
from .definitions import describe
from .gvhd import acute_gvhd, chronic_gvhd, crfs, grfs
from .landmark import response_at_landmark
from .lymphoma import efs24, overall_survival_from_efs24
from .molecular import molecular_response, treatment_free_remission
from .remission import duration_of_response, event_free_survival, relapse_incidence
from .survival import overall_survival, progression_free_survival, relapse_free_survival
from .thrombosis import clinically_relevant_bleeding, major_bleeding, recurrent_vte
from .transfusion import transfusion_independence
from .transplant import engraftment, relapse_and_nrm
from .treatment import time_to_first_treatment, time_to_next_treatment

__all__ = [
    "acute_gvhd", "chronic_gvhd", "clinically_relevant_bleeding", "composite", "crfs", "describe",
    "duration_of_response", "efs24", "engraftment", "event_free_survival", "first_sustained", "grfs",
    "major_bleeding", "molecular_response", "overall_survival", "overall_survival_from_efs24",
    "progression_free_survival", "recurrent_vte", "relapse_and_nrm", "relapse_free_survival",
    "relapse_incidence", "response_at_landmark", "time_to_first_treatment", "time_to_next_treatment",
    "transfusion_independence", "treatment_free_remission",
]  # fmt: skip


def __dir__() -> list[str]:
    return sorted(__all__)
