"""Bleeding and anticoagulation: from diaries and registers to rates, comparisons and tables.

Bleeding rates, in the order in which they are made:

- `new_bleeds`: which reported bleeds are new, and which go on from the one before
- `exposure_windows`, `exposure`: time on each regimen without what the protocol leaves out
- `bleed_counts`: bleeds of each kind in that time, per patient and regimen
- `bleeding_rate`, `bleed_free_share`: annualised rates and zero bleeds of groups; `patient_bleeding_rate`: a
  column to look at
- `switch_ratio`, `switch_difference`, `non_inferiority`: the same patients before and after a switch

Others:

- `target_joints`: joints that bleed again and again, from when until when
- `factor_activity`, `factor_activity_above`, `factor_activity_slope`: activity after gene therapy, at visits
  and along time
- `register_table`: who is in a haemophilia register
- `time_in_range`, `pooled_time_in_range`: quality of anticoagulation with a vitamin K antagonist

`hem.recurrent.from_dates` makes rows of follow-up for the mean number of bleeds and for models of their rate.
"""

from .activity_slope import factor_activity_slope
from .counts import bleed_counts
from .exposure import exposure, exposure_windows
from .factor_activity import factor_activity, factor_activity_above
from .new_bleeds import new_bleeds
from .non_inferiority import non_inferiority
from .rates import bleed_free_share, bleeding_rate, patient_bleeding_rate
from .register_table import register_table
from .switch import switch_difference, switch_ratio
from .target_joints import target_joints
from .time_in_range import pooled_time_in_range, time_in_range

__all__ = [
    "bleed_counts", "bleed_free_share", "bleeding_rate", "exposure", "exposure_windows",
    "factor_activity", "factor_activity_above", "factor_activity_slope", "new_bleeds", "non_inferiority",
    "patient_bleeding_rate", "pooled_time_in_range", "register_table", "switch_difference",
    "switch_ratio", "target_joints", "time_in_range",
]  # fmt: skip


def __dir__() -> list[str]:
    return sorted(__all__)
