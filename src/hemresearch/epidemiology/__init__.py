"""Population-based studies: follow-up on several time scales, person-time, rates and proportions.

- `rate`: events per person-time, with exact and approximate limits.
- `rate_ratio`, `rate_difference`: groups compared with a reference.
- `cumulative_risk`: the risk before an age (0-74), from rates by age.
- `proportion`: shares of persons, with seven kinds of limits.
"""

from .cumulative_risk import cumulative_risk
from .proportion import proportion
from .rate import rate
from .rate_ratio import rate_difference, rate_ratio

__all__ = ["cumulative_risk", "proportion", "rate", "rate_difference", "rate_ratio"]


def __dir__() -> list[str]:
    return sorted(__all__)
