"""The warning of bands that hold little of the follow-up, as they do in the wrong unit."""

from __future__ import annotations

from ..errors import warn
from ..formats import significant

LITTLE = 0.05  # of the time under observation: a month or a year taken for a day holds less


def warn_if_little(inside: float, total: float, *, argument: str, unit: str | None) -> None:
    """Warn where bands (`argument`) hold less than a twentieth of all time under observation."""
    if inside < LITTLE * total:
        units = unit or "the unit of the times"
        warn(
            f"holds {significant(100 * inside / total, 2)}% of the follow-up, with borders in {units}",
            argument=argument,
            expected="most of the follow-up, or a small part of it on purpose",
            remedy=f"{argument}=... with borders in {units}" + (", as the times are" if unit else ""),
        )
