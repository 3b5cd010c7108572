"""The log of a coagulation service on call, simulated."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from ...errors import DataError
from .calendar import WEEKDAYS, days_of_period
from .simulation import (
    DAYS_OF_A_YEAR,
    Simulation,
    check_amounts,
    check_count,
    check_rates,
    check_shares,
    coded,
    dates,
    drawn,
    patient_ids,
    truth_frame,
)

# Consultations at each hour of the day in proportion to the mean hour: quiet at night, busiest before noon.
HOURS = np.array(
    [
        0.30, 0.22, 0.18, 0.15, 0.15, 0.20, 0.35, 0.75, 1.60, 2.10, 2.20, 2.05,
        1.70, 1.85, 1.95, 1.80, 1.50, 1.20, 1.00, 0.85, 0.75, 0.60, 0.50, 0.40,
    ]
)  # fmt: skip
OFFICE = slice(8, 17)
REFERRERS = ("emergency", "medical ward", "surgical ward", "intensive care", "obstetrics", "primary care")
BY_DAY, BY_NIGHT = np.array([20, 25, 20, 8, 7, 20]), np.array([40, 18, 18, 14, 9, 1])
REASONS = ("bleeding", "thrombosis", "before surgery", "laboratory result", "thrombocytopenia", "pregnancy")
REASON_SHARES = np.array([0.25, 0.25, 0.20, 0.15, 0.08, 0.07])
EVENTS = ("vte", "major bleeding", "death")
# Daily hazards of the three events at each reason, over those of the arguments.
RELATIVE = np.array(
    [[0.7, 2.5, 1.6], [2.0, 1.0, 1.0], [1.0, 1.2, 0.6], [0.5, 0.4, 0.7], [2.5, 1.5, 2.5], [0.6, 0.5, 0.02]]
)
HORIZON = 30


def simulate_on_call(
    years: int = 2,
    *,
    start: date = date(2022, 1, 1),
    per_year: float = 20_000,
    weekend_ratio: float = 0.6,
    holiday_ratio: float = 0.6,
    season: float = 0.1,
    trend: float = 1.03,
    level_change: float = 0.85,
    intervention: date | None = None,
    day_variance: float = 0.0,
    repeat_share: float = 0.25,
    answer_median: float = 9.0,
    answer_ratio: float = 1.4,
    answer_spread: float = 0.8,
    vte: float = 0.0006,
    bleeding: float = 0.0012,
    death: float = 0.0015,
    seed: int = 1,
) -> Simulation:
    """Simulated consultations of a coagulation service on call, and what became of the patients in 30 days.

    Consultations of each hour are a Poisson number with a rate by hour of the day, weekend, public holiday,
    season, trend and a guideline that changes the level on one day. All of it is invented.

    Parameters
    ----------
    years
        Length of the log, in years from `start`.
    start
        Its first day.
    per_year
        Consultations per year, before `trend` and `level_change`.
    weekend_ratio, holiday_ratio
        Rate on Saturdays and Sundays, and on public holidays of Sweden, over that of other days; a holiday
        on a weekend has the rate of a holiday.
    season
        Amplitude on the log scale of a yearly wave with its top on 15 January.
    trend
        Rate after a year over that before it.
    level_change, intervention
        Rate from the day of the intervention on over that without it; by default halfway through the log.
    day_variance
        Variance of a gamma factor (mean 1) of each day, for days that vary by more than chance.
    repeat_share
        Probability that a consultation is about a patient of one of the days before.
    answer_median, answer_ratio, answer_spread
        Median minutes to an answer in office hours (8 to 17 on other days than weekends and holidays), the
        ratio out of hours, and the standard deviation of the logarithm.
    vte, bleeding, death
        Daily hazards of a first event after the first consultation, times those of its reason: constant, and
        competing with each other.
    seed
        Of the random numbers; the same seed gives the same tables.

    Returns
    -------
    Simulation
        The tables of the notes, and `truth`: "consultations per hour" (of "hour 00" to "hour 23" and of each
        weekday); "consultations per year" ("before" and "after" the intervention); "rate ratio" ("weekend",
        "holiday", "a year", "intervention", "season", its top over its bottom); "share of reasons" and "share
        of referrers"; "answer minutes, median" and "answer minutes, 90 %" ("office hours", "out of hours");
        "30-day incidence of vte", "30-day incidence of major bleeding" and "30-day incidence of death" (of
        each reason and of "all"). Rates are sums over the hours of the log, incidences closed forms of
        constant hazards.

    Raises
    ------
    DataError
        For numbers that are no rate or share, and an intervention outside the log.

    Notes
    -----
    `consultations`, a row each: `consultation_id`, in order of time; `patient_id`, invented text;
    `called_at`, day and minute, in local time of which each day has 24 hours; `call_date`; `hour`, 0 to 23;
    `weekday`; `holiday`, true on a public holiday; `referrer`; `reason`, that of the patient's first;
    `repeat`, true of a patient's second and later ones; `answer_minutes`; `after`, true from the intervention
    on.

    `patients`, a row each: `patient_id`; `birth_year`; `sex`; `index_date`, of the first consultation;
    `reason` and `referrer` of the first; `event_date` and `event`: the first of "vte", "major bleeding" and
    "death" within 30 days, else null and "none"; `last_seen`: the day of the event, day 30, or the end of the
    log. An event within the first 24 hours is dated to the day after the consultation.

    `calendar`, a row for each day, also one without a consultation: `date`, `weekday`, `holiday`, `after`.

    The volume is that of a large university hospital's service; rates, shares and hazards were chosen, so
    that the calendar can be recognised and outcomes are neither rare nor frequent.

    Examples
    --------
    >>> log = simulate_on_call(1, seed=1)
    >>> log.name
    'simulated log of a coagulation service on call, 2022-01-01 to 2022-12-31'
    >>> round(log.true("rate ratio", "intervention"), 2)
    0.85
    """
    p = _checked(dict(locals()))
    rng = np.random.default_rng(seed)
    days = days_of_period(start, p["end"]).with_columns(after=pl.col("date") >= p["intervention"])
    rate = _rates(p, days)
    rows, patients = _patients(rng, p, _consultations(rng, p, days, rate))
    tables = {
        "consultations": rows,
        "patients": patients,
        "calendar": days.select("date", "weekday", "holiday", "after"),
    }
    last = p["end"] - timedelta(days=1)
    name = f"simulated log of a coagulation service on call, {start} to {last}"
    return Simulation(name, seed, p, tables, truth_frame(_truth(p, days, rate)))


def _checked(p: dict[str, Any]) -> dict[str, Any]:
    check_count(p["years"], argument="years", example=2)
    check_count(p["seed"], argument="seed", at_least=0, example=1)
    check_rates(
        p,
        ("per_year", "weekend_ratio", "holiday_ratio", "trend", "level_change", "answer_median",
         "answer_ratio", "answer_spread", "vte", "bleeding", "death"),
    )  # fmt: skip
    check_shares(p, ("repeat_share",))
    check_amounts(p, ("season", "day_variance"))
    first, years = p["start"], p["years"]
    p["end"] = date(first.year + years, first.month, 28 if (first.month, first.day) == (2, 29) else first.day)
    p["intervention"] = p["intervention"] or first + (p["end"] - first) // 2
    if not first < p["intervention"] < p["end"]:
        raise DataError(
            "is not within the log",
            argument="intervention",
            expected=f"a day after {first} and before {p['end']}",
            remedy=f"intervention=None for {first + (p['end'] - first) // 2}, halfway",
        )
    return p


def _rates(p: dict[str, Any], days: pl.DataFrame) -> np.ndarray:
    """Expected consultations of each hour of each day; the calendar alone has a mean of `per_year`."""
    weekend = days["weekday"].is_in(["Saturday", "Sunday"]).to_numpy()
    kind = np.where(
        days["holiday"].to_numpy(), p["holiday_ratio"], np.where(weekend, p["weekend_ratio"], 1.0)
    )
    calendar = kind * np.exp(
        p["season"] * np.cos(2 * np.pi * (days["day_of_year"].to_numpy() - 15) / DAYS_OF_A_YEAR)
    )
    day = np.arange(len(days))
    changed = np.where(days["after"].to_numpy(), p["level_change"], 1.0) * p["trend"] ** (
        day / DAYS_OF_A_YEAR
    )
    per_day = p["per_year"] / DAYS_OF_A_YEAR * calendar / calendar.mean() * changed
    return np.asarray(per_day[:, None] * HOURS / HOURS.sum())


def _office(days: pl.DataFrame) -> np.ndarray:
    """Whether each hour of each day is in office hours."""
    working = ~(days["holiday"] | days["weekday"].is_in(["Saturday", "Sunday"])).to_numpy()
    hours = np.zeros(24, dtype=bool)
    hours[OFFICE] = True
    return working[:, None] & hours


def _consultations(
    rng: np.random.Generator, p: dict[str, Any], days: pl.DataFrame, rate: np.ndarray
) -> pl.DataFrame:
    """A row for each consultation, in order of time, with `patient` the row of the patient's first one."""
    v = p["day_variance"]
    busy = rng.gamma(1 / v, v, (len(days), 1)) if v > 0 else np.ones((len(days), 1))
    count = rng.poisson(rate * busy).ravel()
    hour = np.repeat(np.arange(count.size), count)
    seconds = np.sort(3600.0 * (hour + rng.random(len(hour))))
    n, office = len(hour), _office(days).ravel()[hour]
    referrer = np.where(office, drawn(rng, REFERRERS, BY_DAY, n), drawn(rng, REFERRERS, BY_NIGHT, n))
    typical = p["answer_median"] * np.where(office, 1.0, p["answer_ratio"])
    called = pl.select(
        pl.lit(p["start"]).cast(pl.Datetime("us")) + pl.duration(minutes=pl.lit(pl.Series(seconds // 60)))
    )
    facts = days.select("date", "weekday", "holiday", "after")[pl.Series(hour // 24)]
    return pl.DataFrame(
        {
            "consultation_id": np.arange(1, n + 1),
            "patient": _first_rows(rng, p, n),
            "called_at": called.to_series(),
            "call_date": facts["date"],
            "hour": hour % 24,
            "weekday": facts["weekday"],
            "holiday": facts["holiday"],
            "referrer": coded(REFERRERS, referrer),
            "reason": coded(REASONS, drawn(rng, REASONS, REASON_SHARES, n)),
            "answer_minutes": np.round(typical * np.exp(p["answer_spread"] * rng.normal(size=n)), 1),
            "after": facts["after"],
        }
    )


def _first_rows(rng: np.random.Generator, p: dict[str, Any], n: int) -> np.ndarray:
    """The row of each patient's first consultation: a repeat points some days back, as those before do."""
    back = rng.geometric(min(1.0, DAYS_OF_A_YEAR / (3 * p["per_year"])), n)
    earlier = np.arange(n) - np.where(rng.random(n) < p["repeat_share"], back, 0)
    row = np.where(earlier >= 0, earlier, np.arange(n))
    while (row[row] != row).any():
        row = row[row]
    return row


def _patients(
    rng: np.random.Generator, p: dict[str, Any], rows: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The consultations with their patients, none after a death, and what became of each in 30 days."""
    n = len(rows)
    event, day = _outcomes(rng, p, rows["reason"])
    first = rows["patient"].to_numpy()
    called = (rows["call_date"] - p["start"]).dt.total_days().to_numpy()
    dead = (event[first] == 2) & (called > called[first] + day[first])
    first = np.where(dead, np.arange(n), first)  # such a call is about somebody else
    index = np.flatnonzero(first == np.arange(n))
    position = np.zeros(n, dtype=np.int64)
    position[index] = np.arange(len(index))
    ids = patient_ids(len(index), "C")
    end = (p["end"] - p["start"]).days - 1
    seen = np.minimum(HORIZON, end - called[index])
    happened = day[index] <= seen
    patients = pl.DataFrame(
        {
            "patient_id": ids,
            "birth_year": p["start"].year - _ages(rng, rows["reason"].gather(index)),
            "sex": _sexes(rng, rows["reason"].gather(index)),
            "index_date": rows["call_date"].gather(index),
            "reason": rows["reason"].gather(index),
            "referrer": rows["referrer"].gather(index),
            "event_date": dates(p["start"], np.where(happened, called[index] + day[index], np.nan)),
            "event": coded((*EVENTS, "none"), np.where(happened, event[index], 3)),
            "last_seen": dates(p["start"], called[index] + np.minimum(day[index], seen)),
        }
    )
    log = rows.with_columns(
        patient_id=ids.gather(position[first]),
        repeat=pl.Series(first != np.arange(n)),
        reason=rows["reason"].gather(first),
    )
    order = ["consultation_id", "patient_id", "called_at", "call_date", "hour", "weekday", "holiday",
             "referrer", "reason", "repeat", "answer_minutes", "after"]  # fmt: skip
    return log.select(order), patients


def _outcomes(
    rng: np.random.Generator, p: dict[str, Any], reason: pl.Series
) -> tuple[np.ndarray, np.ndarray]:
    """The first event of each and its whole day after the consultation, as constant hazards have it."""
    hazard = _hazards(p)[reason.replace_strict(REASONS, range(len(REASONS))).to_numpy()]
    total = hazard.sum(axis=1)
    day = np.ceil(rng.exponential(1 / total))
    share = np.cumsum(hazard, axis=1) / total[:, None]
    return (rng.random(len(total))[:, None] >= share).sum(axis=1), day


def _hazards(p: dict[str, Any]) -> np.ndarray:
    """Daily hazards: a row for each reason, a column for each event."""
    return np.asarray(RELATIVE * np.array([p["vte"], p["bleeding"], p["death"]]))


def _ages(rng: np.random.Generator, reason: pl.Series) -> np.ndarray:
    pregnant = (reason == "pregnancy").to_numpy()
    return np.where(pregnant, rng.integers(19, 43, len(reason)), rng.integers(18, 95, len(reason)))


def _sexes(rng: np.random.Generator, reason: pl.Series) -> pl.Series:
    woman = (rng.random(len(reason)) < 0.48) | (reason == "pregnancy").to_numpy()
    return coded(("male", "female"), woman.astype(int))


def _truth(p: dict[str, Any], days: pl.DataFrame, rate: np.ndarray) -> dict[tuple[str, str], float]:
    after = days["after"].to_numpy()
    truth = {("consultations per hour", f"hour {h:02}"): rate[:, h].mean() for h in range(24)}
    for weekday in WEEKDAYS:
        truth["consultations per hour", weekday] = rate[(days["weekday"] == weekday).to_numpy()].mean()
    for name, own in (("before", ~after), ("after", after)):
        truth["consultations per year", name] = rate[own].sum() / own.sum() * DAYS_OF_A_YEAR
    ratios = {"weekend": p["weekend_ratio"], "holiday": p["holiday_ratio"], "a year": p["trend"],
              "intervention": p["level_change"], "season": np.exp(2 * p["season"])}  # fmt: skip
    truth |= {("rate ratio", name): ratio for name, ratio in ratios.items()}
    office = rate[_office(days)].sum() / rate.sum()
    mix = office * BY_DAY / BY_DAY.sum() + (1 - office) * BY_NIGHT / BY_NIGHT.sum()
    truth |= {("share of referrers", name): share for name, share in zip(REFERRERS, mix, strict=True)}
    truth |= {("share of reasons", name): share for name, share in zip(REASONS, REASON_SHARES, strict=True)}
    for name, median in (
        ("office hours", p["answer_median"]),
        ("out of hours", p["answer_median"] * p["answer_ratio"]),
    ):
        truth["answer minutes, median", name] = median
        truth["answer minutes, 90 %", name] = median * np.exp(1.2815515655446004 * p["answer_spread"])
    hazard = _hazards(p)
    total = hazard.sum(axis=1)
    incidence = hazard / total[:, None] * -np.expm1(-HORIZON * total)[:, None]
    for event, of_reason in zip(EVENTS, incidence.T, strict=True):
        truth |= {
            (f"30-day incidence of {event}", reason): value
            for reason, value in zip(REASONS, of_reason, strict=True)
        }
        truth[f"30-day incidence of {event}", "all"] = float(of_reason @ REASON_SHARES)
    return truth
