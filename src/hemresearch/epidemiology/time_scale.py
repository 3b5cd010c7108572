"""Time scales: what time is counted from, and at which values follow-up is cut."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..errors import DataError
from ..times import from_calendar_year

if TYPE_CHECKING:
    from ..columns import Column


@dataclass(frozen=True, slots=True, eq=False)
class TimeScale:
    """A scale such as age, calendar time or time since diagnosis, and the borders of its bands.

    Parameters
    ----------
    cuts
        Two or more borders; a band lies from one on to before the next, and is named by the border at which
        it begins. `math.inf` opens the last band. With dates, borders are in years; those of calendar time
        are calendar years (whole ones begin on 1 January) or dates.
    since
        What the scale is counted from: a column of dates (birth) where follow-up has dates, else a column of
        numbers on the scale of `time`. Without it the scale is that of `entry` and `time` themselves:
        calendar time where they are dates.
    begins_at
        The value of the scale at that moment, 0 if not given: a number or a column. So age is
        `since="diagnosis", begins_at="age_at_diagnosis"` where no birth date is known; for follow-up in
        numbers from 0 on, `begins_at` alone is enough.

    Raises
    ------
    DataError
        Borders that are no numbers (or dates), or fewer than two.

    Examples
    --------
    >>> from hemresearch.epidemiology import TimeScale
    >>> age = TimeScale([0, 60, 70, 80, float("inf")], since="birth")
    >>> period = TimeScale(range(1990, 2021, 5))
    >>> age.labels.to_list(), period.labels.to_list()
    ([0, 60, 70, 80], [1990, 1995, 2000, 2005, 2010, 2015])
    """

    cuts: Any
    since: Column | None = None
    begins_at: Column | float = 0.0

    def __post_init__(self) -> None:
        _check(self.cuts)

    @property
    def holds_dates(self) -> bool:
        """Whether the borders are dates."""
        return isinstance(_listed(self.cuts)[0], date)

    @property
    def borders(self) -> np.ndarray:
        """The borders in order: days since 1970 where they are dates, else as they are."""
        cuts = sorted(set(_listed(self.cuts)))
        if self.holds_dates:
            return np.array(cuts, dtype="datetime64[D]").astype(float)
        return np.array(cuts, dtype=float)

    @property
    def labels(self) -> pl.Series:
        """Where each band begins: whole numbers, numbers or dates."""
        if self.holds_dates:
            return pl.Series(sorted(set(_listed(self.cuts)))[:-1], dtype=pl.Date)
        starts = pl.Series(self.borders[:-1])
        whole = starts.is_finite().all() and (starts == starts.floor()).all()
        return starts.cast(pl.Int64) if whole else starts

    def days(self) -> np.ndarray:
        """The borders of calendar time in days since 1970."""
        borders = self.borders
        if self.holds_dates:
            return borders
        known = np.isfinite(borders)
        moments = from_calendar_year(pl.Series("cuts", borders[known]))
        days = borders.copy()
        days[known] = moments.to_physical().to_numpy()
        return days


def _listed(cuts: Any) -> list[Any]:
    if isinstance(cuts, np.ndarray | pl.Series):
        return list(cuts.tolist() if isinstance(cuts, np.ndarray) else cuts.to_list())
    return list(cuts)


def _check(cuts: Any) -> None:
    """Refuse what cannot be borders."""
    values = [] if isinstance(cuts, str) or not hasattr(cuts, "__iter__") else _listed(cuts)
    dates = all(type(v) is date for v in values)
    numbers = all(isinstance(v, int | float | np.number) and not isinstance(v, bool) for v in values)
    if len(set(values)) < 2 or not (dates or (numbers and not any(np.isnan(v) for v in values))):
        raise DataError(
            "no borders of bands were given"
            if not values
            else "something other than two or more different numbers (or dates) was given",
            argument="cuts",
            expected="the borders of bands: two or more numbers, or dates for calendar time",
            remedy="cuts=[0, 60, 70, 80, math.inf], or cuts=range(1990, 2021)",
        )
