"""Recurrent events: how many have happened by a time, models of their rate, rates per person-time.

- `mean_cumulative`: the mean number of events by each time, with death ending them or not.
"""

from .mean_cumulative import mean_cumulative

__all__ = ["mean_cumulative"]


def __dir__() -> list[str]:
    return sorted(__all__)
