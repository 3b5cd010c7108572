"""How well predictions do in patients whose outcome is known, whatever made them.

Predictions are columns of the data: a model's risks at horizons, or scores.

- `predicted_risks`: the risks of a fit as columns.
- `auc`, `auc_difference`, `roc_curve`: discrimination at horizons.
- `auc_delong`, `auc_delong_difference`: the same of a binary outcome.
- `brier_score`, `brier_difference`, `integrated_brier`: accuracy, against the null model and between models.
- `calibration`: whether as many have the event as was predicted.
- `decision_curve`: net benefit of acting on it; `threshold_table`: its accuracy at thresholds.
- `reclassification`: NRI and IDI, and what to hold against them.
- `concordance_competing`: concordance with competing events; `concordance_difference`: between models.
- `compare_models`: several of these of several models in one call.
- `bootstrap_validate`, `cross_validated_risks`: how a model does in patients it has not seen.
- `validation_sample_size`, `validation_sample_size_survival`: how many patients a validation needs.
- `points_score`: a fit as points that add up to its risk; a nomogram.
- `PublishedModel`, `update_model`: a model of a paper, and its update in new patients.
- `CoxRegression`, `PenalizedCox`, `FineGrayRegression`: estimators for the pipelines of scikit-learn, whose
  `y` is made by `survival_outcome`.
- `PseudoValueRegression`, `CensoringWeightedClassification`: its regressors and classifiers under censoring.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING, Any

from .auc import auc, auc_difference
from .auc_delong import auc_delong, auc_delong_difference
from .bootstrap_validate import bootstrap_validate
from .brier import brier_difference, brier_score, integrated_brier
from .calibration import calibration
from .calibration_result import Calibration
from .compare_models import ModelComparison, compare_models
from .concordance import concordance_competing, concordance_difference
from .cross_validated_risks import cross_validated_risks
from .decision_curve import DecisionCurve, decision_curve
from .performance import Comparison, Performance
from .points_score import PointsScore, points_score
from .predicted_risks import predicted_risks
from .published_model import PublishedModel
from .reclassification import reclassification
from .roc_curve import RocCurve, roc_curve
from .threshold_table import threshold_table
from .update_model import UpdatedModel, update_model
from .validation_result import Validation
from .validation_sample_size import validation_sample_size
from .validation_sample_size_survival import validation_sample_size_survival

if TYPE_CHECKING:
    from .estimators import (
        CensoringWeightedClassification,
        CoxRegression,
        FineGrayRegression,
        PenalizedCox,
        PseudoValueRegression,
        survival_outcome,
    )

__all__ = [
    "Calibration",
    "CensoringWeightedClassification",
    "Comparison",
    "CoxRegression",
    "DecisionCurve",
    "FineGrayRegression",
    "ModelComparison",
    "PenalizedCox",
    "Performance",
    "PointsScore",
    "PseudoValueRegression",
    "PublishedModel",
    "RocCurve",
    "UpdatedModel",
    "Validation",
    "auc",
    "auc_delong",
    "auc_delong_difference",
    "auc_difference",
    "bootstrap_validate",
    "brier_difference",
    "brier_score",
    "calibration",
    "compare_models",
    "concordance_competing",
    "concordance_difference",
    "cross_validated_risks",
    "decision_curve",
    "integrated_brier",
    "points_score",
    "predicted_risks",
    "reclassification",
    "roc_curve",
    "survival_outcome",
    "threshold_table",
    "update_model",
    "validation_sample_size",
    "validation_sample_size_survival",
]


def __getattr__(name: str) -> Any:
    """The estimators are loaded when first used, since scikit-learn takes a second to import."""
    if name in __all__:
        return getattr(_import_module(f"{__name__}.estimators"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
