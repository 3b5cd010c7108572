"""Population-based studies: follow-up on several time scales, person-time, rates and proportions.

- `rate`: events per person-time, with exact and approximate limits.
"""

from .rate import rate

__all__ = ["rate"]


def __dir__() -> list[str]:
    return sorted(__all__)
