"""The units in which blood counts, haemoglobin and albumin are taken here."""

from __future__ import annotations

from typing import Any, Literal

from ..units import QUANTITIES

BloodUnit = Literal["10^9/L", "10^3/uL", "cells/uL", "10^6/L", "g/L", "g/dL"]
COUNT, MASS = "10^9/L", "g/L"
FACTORS: dict[str, dict[str, float]] = {
    COUNT: QUANTITIES["neutrophils"],
    MASS: {unit: QUANTITIES["haemoglobin"][unit] for unit in ("g/L", "g/dL")},
}
"""By the unit of thresholds and cuts, the factors that lead to it."""
TO_BASE = FACTORS[COUNT] | FACTORS[MASS]


def in_base(value: Any, factor: float) -> Any:
    """Values times a factor; 0.001 as a division by 1000, which makes 1.4 of 1400 and no neighbour."""
    return value * factor if factor >= 1 else value / (1 / factor)
