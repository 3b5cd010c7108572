"""What each score gives below, at and above each threshold, typed from the published definitions."""

from __future__ import annotations

from score_thresholds_lymphoid import LYMPHOID
from score_thresholds_myeloid import MYELOID

THRESHOLDS = {**LYMPHOID, **MYELOID}
"""By score, input (or `"score"`) and threshold: what is expected below, at and above it, and other inputs."""
