"""Thousands of features of each patient, and what they have to do with the outcome.

- `screen`: a Cox model, a Fine-Gray model or a log-rank test of each feature; `q_values`.
- `associate`: rank tests, correlations and tables of each feature with a response.
- `signature`: a score of a few features, with all of its making inside a cross-validation.
"""

from .associate import Association, associate
from .q_values import q_values
from .screen import screen
from .screen_result import Screen
from .signature import signature
from .signature_result import Signature

__all__ = ["Association", "Screen", "Signature", "associate", "q_values", "screen", "signature"]


def __dir__() -> list[str]:
    return sorted(__all__)
