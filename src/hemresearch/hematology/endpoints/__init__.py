"""Endpoints from the dates of each patient: a time and what happened then, as columns beside the data.

- `overall_survival`, `progression_free_survival`, `relapse_free_survival` (also leukaemia-free, disease-free)
- `relapse_and_nrm`: relapse and non-relapse mortality as a pair
- `acute_gvhd`, `chronic_gvhd`: graft-versus-host disease with its competing events
- `grfs`, `crfs`: survival free of GVHD and relapse
- `engraftment`: with its competing events
- `describe`: time zero, event, competing event and censoring of each, as a table

Dates are columns, one row is one patient, and null means that it did not happen. A Datetime counts as its
day. Dates in an order that cannot be are refused, those that should be looked at give a warning.
"""

from .definitions import describe
from .gvhd import acute_gvhd, chronic_gvhd, crfs, grfs
from .survival import overall_survival, progression_free_survival, relapse_free_survival
from .transplant import engraftment, relapse_and_nrm

__all__ = [
    "acute_gvhd", "chronic_gvhd", "crfs", "describe", "engraftment", "grfs", "overall_survival",
    "progression_free_survival", "relapse_and_nrm", "relapse_free_survival",
]  # fmt: skip


def __dir__() -> list[str]:
    return sorted(__all__)
