"""A consultation service on call, such as that of coagulation: how many call, when, and what became of it.

One row is one consultation, with its time stamp and whatever else is known (referrer, reason, patient).

- `volume`: consultations per hour on call, by hour, shift, weekday, month, season and columns of the data.
- `period_counts`: the days, weeks or months of a period with their numbers, those without any included, for
  `hem.epidemiology.control_chart`, `cusum` and `interrupted_time_series`.
- `volume_model`: ratios between weekdays, over the year, and along time; `calendar`: days to predict.
- `staffing`: the demand that is exceeded rarely, and who answers it; `erlang_c`: the probability of waiting.
- `add_repeats`, `repeat_consultations`: patients who are discussed again.
- `outcomes_after`: the first of several events within some days, as competing risks.

`hem.plots.draw_calendar_heat(volume(..., by=["weekday", "hour"]))` draws the week.
"""

from .calendar import calendar
from .model import volume_model
from .outcomes import outcomes_after
from .repeats import add_repeats, repeat_consultations
from .staffing import erlang_c, staffing
from .volume import period_counts, volume

__all__ = [
    "add_repeats", "calendar", "erlang_c", "outcomes_after", "period_counts", "repeat_consultations",
    "staffing", "volume", "volume_model",
]  # fmt: skip


def __dir__() -> list[str]:
    return sorted(__all__)
