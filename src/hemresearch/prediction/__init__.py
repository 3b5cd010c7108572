"""How well predictions do in patients whose outcome is known, whatever made them.

Predictions are columns of the data: a model's risks at horizons, or scores.

- `predicted_risks`: the risks of a fit as columns.
- `auc`, `auc_difference`, `roc_curve`: discrimination at horizons.
- `brier_score`, `brier_difference`, `integrated_brier`: accuracy, against the null model and between models.
- `calibration`: whether as many have the event as was predicted.
- `concordance_competing`: concordance with competing events; `concordance_difference`: between models.
"""

from .auc import auc, auc_difference
from .brier import brier_difference, brier_score, integrated_brier
from .calibration import calibration
from .calibration_result import Calibration
from .concordance import concordance_competing, concordance_difference
from .performance import Comparison, Performance
from .predicted_risks import predicted_risks
from .roc_curve import RocCurve, roc_curve

__all__ = [
    "Calibration",
    "Comparison",
    "Performance",
    "RocCurve",
    "auc",
    "auc_difference",
    "brier_difference",
    "brier_score",
    "calibration",
    "concordance_competing",
    "concordance_difference",
    "integrated_brier",
    "predicted_risks",
    "roc_curve",
]


def __dir__() -> list[str]:
    return sorted(__all__)
