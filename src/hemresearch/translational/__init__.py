"""Thousands of features of each patient, and what they have to do with the outcome.

- `screen`: a Cox model, a Fine-Gray model or a log-rank test of each feature; `q_values`.
- `associate`: rank tests, correlations and tables of each feature with a response.
- `signature`: a score of a few features, with all of its making inside a cross-validation.
- `cutpoint`: the cut of a marker that separates survival most, and what chance would do.
- `kinetics`: how fast a repeatedly measured marker falls; `log_reduction`, `response_times` and
  `marker_at_landmark`: how far it fell, when it did, and what was known of it at a landmark.
"""

from .associate import Association, associate
from .cutpoint import cutpoint
from .cutpoint_result import Cutpoint
from .kinetics import kinetics
from .kinetics_result import Kinetics
from .log_reduction import log_reduction
from .marker_at_landmark import marker_at_landmark
from .q_values import q_values
from .response_times import response_times
from .screen import screen
from .screen_result import Screen
from .signature import signature
from .signature_result import Signature

__all__ = [
    "Association",
    "Cutpoint",
    "Kinetics",
    "Screen",
    "Signature",
    "associate",
    "cutpoint",
    "kinetics",
    "log_reduction",
    "marker_at_landmark",
    "q_values",
    "response_times",
    "screen",
    "signature",
]


def __dir__() -> list[str]:
    return sorted(__all__)
