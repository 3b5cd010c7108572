"""Toxicity: blood counts along time, grades, graft-versus-host disease, dose intensity.

From long tables of measurements or assessments, one row per patient given back:

- `cytopenia_duration`, `nadir`: how long and how low; `icaht_inputs`: both as the gradings of ICAHT take them
- `cytopenia_recovery`: time to recovery with progression and death competing
- `worst_grade`: the worst grade of CRS, ICANS, GVHD with onset and duration
- `relative_dose_intensity`: given over planned, by drug and averaged

Expressions for `with_columns`:

- `ctcae_grade`: laboratory values by CTCAE v5.0; `ctcae_terms` lists what it knows
- `agvhd_skin_stage`, `agvhd_liver_stage`, `agvhd_lower_gi_stage`, `agvhd_grade`: acute GVHD

And `grade_table`: shares of patients with any and with severe toxicity.
"""

from .ctcae import ctcae_grade
from .ctcae_terms import ctcae_terms
from .cytopenia import cytopenia_duration
from .dose_intensity import relative_dose_intensity
from .grade_table import grade_table
from .grades import worst_grade
from .gvhd import agvhd_grade, agvhd_liver_stage, agvhd_lower_gi_stage, agvhd_skin_stage
from .icaht import icaht_inputs
from .nadir import nadir
from .recovery import cytopenia_recovery

__all__ = [
    "agvhd_grade", "agvhd_liver_stage", "agvhd_lower_gi_stage", "agvhd_skin_stage", "ctcae_grade",
    "ctcae_terms", "cytopenia_duration", "cytopenia_recovery", "grade_table", "icaht_inputs", "nadir",
    "relative_dose_intensity", "worst_grade",
]  # fmt: skip


def __dir__() -> list[str]:
    return sorted(__all__)
