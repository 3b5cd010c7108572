"""Recurrent events: how many have happened by a time, models of their rate, rates per person-time.

- `mean_cumulative`: the mean number of events by each time, with death ending them or not.
- `mean_cumulative_test`, `mean_cumulative_difference`: groups compared, along time and at one time.
"""

from .mean_comparison import mean_cumulative_difference, mean_cumulative_test
from .mean_cumulative import mean_cumulative

__all__ = ["mean_cumulative", "mean_cumulative_difference", "mean_cumulative_test"]


def __dir__() -> list[str]:
    return sorted(__all__)
