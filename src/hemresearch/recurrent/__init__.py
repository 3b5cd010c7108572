"""Recurrent events: how many have happened by a time, models of their rate, rates per person-time.

- `from_dates`: rows of follow-up for all of these, from a list of dated events and a table of patients.
- `mean_cumulative`: the mean number of events by each time, with death ending them or not.
- `mean_cumulative_test`, `mean_cumulative_difference`: groups compared, along time and at one time.
- `andersen_gill`: rate ratios, all events alike; `prentice_williams_peterson`: hazard ratios of the
  next event after equally many; `wei_lin_weissfeld`: of the times to the first, the second, ... event.
- `event_rate`: events per person-time (annualised bleeding rates); `rate_regression`: rate ratios from
  counts; `event_free_share`: patients without events.
"""

from .andersen_gill import andersen_gill
from .andersen_gill_fit import AndersenGillFit
from .event_rate import event_free_share, event_rate
from .from_dates import from_dates
from .mean_comparison import mean_cumulative_difference, mean_cumulative_test
from .mean_cumulative import mean_cumulative
from .prentice_williams_peterson import prentice_williams_peterson
from .rate_regression import rate_regression
from .wei_lin_weissfeld import wei_lin_weissfeld

__all__ = [
    "AndersenGillFit",
    "andersen_gill",
    "event_free_share",
    "event_rate",
    "from_dates",
    "mean_cumulative",
    "mean_cumulative_difference",
    "mean_cumulative_test",
    "prentice_williams_peterson",
    "rate_regression",
    "wei_lin_weissfeld",
]


def __dir__() -> list[str]:
    return sorted(__all__)
