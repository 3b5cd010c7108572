"""Thousands of features of each patient, and what they have to do with the outcome.

- `screen`: a Cox model, a Fine-Gray model or a log-rank test of each feature; `q_values`.
- `associate`: rank tests, correlations and tables of each feature with a response.
- `signature`: a score of a few features, with all of its making inside a cross-validation.
- `cutpoint`: the cut of a marker that separates survival most, and what chance would do.
"""

from .associate import Association, associate
from .cutpoint import cutpoint
from .cutpoint_result import Cutpoint
from .q_values import q_values
from .screen import screen
from .screen_result import Screen
from .signature import signature
from .signature_result import Signature

__all__ = [
    "Association",
    "Cutpoint",
    "Screen",
    "Signature",
    "associate",
    "cutpoint",
    "q_values",
    "screen",
    "signature",
]


def __dir__() -> list[str]:
    return sorted(__all__)
