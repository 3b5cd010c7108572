"""Daily numbers of consultations by the calendar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from ...epidemiology.interrupted_time_series import HARMONICS, season_terms
from ...epidemiology.poisson import poisson
from ...epidemiology.poisson_fit import PoissonFit
from ...epidemiology.serial import SerialVariance, check_lags, with_serial_variance
from ...errors import DataError
from ...options import Missing, check_choice
from .volume import COUNT, period_counts

if TYPE_CHECKING:
    from datetime import date

    from ...columns import Column

VolumeFamily = Literal["negative-binomial", "quasi", "poisson"]
CalendarTerm = Literal["weekday", "month", "season", "trend", "holiday"]
WEEK = 7


def volume_model(
    data: Any,
    *,
    time: Column,
    first_day: date,
    last_day: date,
    terms: Sequence[CalendarTerm] = ("weekday", "trend", "season"),
    harmonics: int = 2,
    holidays: Sequence[date] | None = None,
    on_call: pl.Expr | None = None,
    family: VolumeFamily = "negative-binomial",
    variance: SerialVariance = "newey-west",
    lags: int = WEEK,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> PoissonFit:
    """Ratios of the daily number of consultations between weekdays, over the year, and along time.

    Days without a consultation count. The number of a day has the mean d exp(x'b), d being the days on call
    (hours / 24), and exp(b) are rate ratios. Numbers of neighbouring days resemble each other, as patients
    are discussed again and weeks are busy; the variance allows for that.

    Parameters
    ----------
    data, time, first_day, last_day, holidays, on_call, missing
        As in `volume`.
    terms
        "weekday" (reference Monday), "month" (reference January), "season" as `harmonics` of the calendar
        year, "trend" per year since the first day, "holiday" (with `holidays`).
    harmonics
        Pairs of sine and cosine of "season".
    family
        "negative-binomial": mu + alpha mu^2. "quasi": variance proportional to the mean. "poisson".
    variance
        "newey-west": allows for days that resemble each other, up to `lags` apart. "model-based": not.
    lags
        Days.
    conf_level
        Level of the limits.

    Returns
    -------
    PoissonFit
        With `.to_frame(exponentiate=True)`, `.term_tests()`, `.predict(days)` (per day on call) of days that
        `calendar(..., origin=first_day)` makes.

    Raises
    ------
    DataError
        As `volume`; no terms; "month" and "season" together; holidays that were not declared; lags that
        cannot be.

    Warns
    -----
    DataWarning
        Fewer than 100 days, with Newey and West's variance; neighbouring days that correlate, with a
        model-based one; numbers that vary no more than Poisson counts; more coefficients than consultations.

    References
    ----------
    Newey WK, West KD. Econometrica 1987;55:703-708. Lawless JF. Can J Stat 1987;15:209-225.

    Examples
    --------
    >>> from datetime import date, datetime, timedelta
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> start = datetime(2024, 1, 1, 12)
    >>> days = [d for d in range(140) for _ in range(2 + d % 4 - (d % 7 > 4))]
    >>> calls = pl.DataFrame({"at": [start + timedelta(days=d) for d in days]})
    >>> fit = hem.hematology.consultations.volume_model(
    ...     calls, time="at", first_day=date(2024, 1, 1), last_day=date(2024, 5, 19), family="quasi",
    ...     terms=["weekday"],
    ... )
    >>> fit.text("weekday[Saturday]")
    'rate ratio of weekday[Saturday] 0.71 (95% CI 0.53–0.95), p=0.023'
    """
    check_choice(family, VolumeFamily, argument="family")
    check_choice(variance, SerialVariance, argument="variance")
    check_choice(harmonics, HARMONICS[1:], argument="harmonics")
    asked = _checked_terms(terms, holidays)
    days = period_counts(
        data, time=time, first_day=first_day, last_day=last_day, holidays=holidays, on_call=on_call,
        missing=missing,
    )  # fmt: skip
    check_lags(lags, "newey-west", days.height)
    named = [days[name] for name in ("weekday", "month")]
    waves = season_terms(days["date"], harmonics) if "season" in asked else []
    frame = days.drop("season").with_columns(*map(_occurring, named), *waves, pl.col("hours") / 24)
    columns = [c for c in asked if c != "season"] + [wave.name for wave in waves]
    fit = poisson(frame, columns, events=COUNT, person_time="hours", family=family, conf_level=conf_level)
    return with_serial_variance(
        replace(fit, time_unit="days"), np.arange(days.height), variance,
        lags if variance == "newey-west" else None,
    )  # fmt: skip


def _occurring(days: pl.Series) -> pl.Series:
    """Names of weekdays or months in their order, without those that the period does not have."""
    there = set(days.unique())
    kept = [name for name in days.dtype.categories if name in there]  # type: ignore[attr-defined]
    return days.cast(pl.String).cast(pl.Enum(kept))


def _checked_terms(terms: Any, holidays: Any) -> list[str]:
    asked = list(terms) if isinstance(terms, list | tuple) else [terms]
    for term in asked:
        check_choice(term, CalendarTerm, argument="terms")
    if not asked or {"month", "season"} <= set(asked):
        raise DataError(
            "are none" if not asked else "'month' and 'season' tell of the same",
            argument="terms",
            expected="one or more of the terms, the time of the year once",
            remedy="terms=['weekday', 'trend', 'season']",
        )
    if "holiday" in asked and holidays is None:
        raise DataError(
            "was not given, and terms ask for it",
            argument="holidays",
            expected="the dates of the holidays",
            remedy="holidays=[datetime.date(2024, 12, 25)]",
        )
    return asked
