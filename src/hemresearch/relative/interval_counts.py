"""Patients of a population-based study counted in intervals of follow-up, as cancer registries do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from ..epidemiology.little_time import warn_if_little
from ..errors import DataError, listed, warn
from ..numerics.actuarial import hazard_of_cell, survival_of_cell
from ..numerics.interval_sums import IntervalSums, add_up, cut_at_borders, reciprocal_survival
from ..options import check_times
from ..times import DAYS_PER_UNIT
from .net_rows import place_of, whole_days

if TYPE_CHECKING:
    from ..columns import Groups
    from .net_rows import NetRows

COUNTS = ("n_risk", "n_enter", "n_event", "n_censor")
PIECES = 2_000_000  # pieces of follow-up that are in memory at a time


class IntervalCounts(NamedTuple):
    """The sums of patients, those weighted by 1/S, and the mean population survival over each interval."""

    plain: IntervalSums
    weighted: IntervalSums
    survival: np.ndarray


def check_intervals(intervals: Any) -> np.ndarray:
    """The bounds of intervals that rise from 0."""
    found = "no intervals were given"
    if intervals is not None:
        bounds = check_times(intervals, argument="intervals")
        if len(bounds) > 1 and bounds[0] == 0 and (np.diff(bounds) > 0).all():
            return bounds
        found = "does not hold bounds that rise from 0"
    raise DataError(
        found,
        argument="intervals",
        expected="the bounds of the intervals in the unit of the times, from 0 on",
        remedy="intervals=[0, 1, 2, 3, 4, 5]",
    )


def days_of(bounds: np.ndarray, rows: NetRows) -> np.ndarray:
    """The bounds in days."""
    return whole_days(bounds * DAYS_PER_UNIT[rows.unit])


def count_intervals(rows: NetRows, days: np.ndarray, *, weighted: bool) -> IntervalCounts:
    """The counts of one group; without weights those of 1/S are the plain ones."""
    step = max(1, PIECES // len(days))
    parts = [
        _counts(rows.take(np.arange(first, min(first + step, len(rows.y)))), days, weighted)
        for first in range(0, len(rows.y), step)
    ]
    plain, survival = parts[0][0], parts[0][2]
    sums = parts[0][1]
    for part in parts[1:]:
        plain, sums, survival = plain + part[0], sums + part[1], survival + part[2]
    with np.errstate(invalid="ignore"):
        return IntervalCounts(plain, sums if weighted else plain, survival / plain.alive)


def _counts(rows: NetRows, days: np.ndarray, weighted: bool) -> IntervalCounts:
    rates, first_year = rows.life_table.rates, int(rows.life_table.years[0])
    p = cut_at_borders(rows.begin, rows.until, rows.y.event, days)
    group, age, year = rows.people.group, rows.age, _calendar_years(rows)
    passed = (p.begin + p.end) / 2 / rates.days_per_year
    hazard = hazard_of_cell(rates, group[p.row], age[p.row] + passed, year[p.row] + passed, first_year)
    expected, n = hazard * (p.end - p.begin), len(days) - 1
    plain = add_up(p, expected, n)
    survival = survival_of_cell(p, rates, group, age, year, days, first_year)
    if not weighted:
        return IntervalCounts(plain, plain, survival)
    weight = reciprocal_survival(p, rates, place_of(rows), days)
    return IntervalCounts(plain, add_up(p, expected, n, weight), survival)


def _calendar_years(rows: NetRows) -> np.ndarray:
    """The date as a calendar year with the share of it that has passed."""
    day = rows.people.day.astype(np.int64).astype("datetime64[D]")
    year = day.astype("datetime64[Y]")
    passed = (day - year.astype("datetime64[D]")).astype(float)
    return np.asarray(year.astype(int) + 1970 + passed / rows.life_table.days_per_year)


def with_groups(groups: Groups, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with the columns of the group in front, which has as many rows in each of them."""
    if not groups.names:
        return frame
    level = np.repeat(np.arange(len(groups)), frame.height // len(groups))
    return pl.concat([groups.levels[level], frame], how="horizontal")


def count_columns(plain: IntervalSums, bounds: np.ndarray, time: np.ndarray) -> dict[str, np.ndarray]:
    """What is counted in each interval."""
    whole = (plain.alive, plain.entered, plain.deaths, plain.withdrawn)
    return {
        "start": bounds[:-1],
        "end": bounds[1:],
        **{name: values.astype(int) for name, values in zip(COUNTS, whole, strict=True)},
        "effective": plain.effective,
        "person_time": time,
    }


def refuse_late(estimator: str, late: bool) -> None:
    """Only person-time tells of those who come under observation late."""
    if late and estimator != "hazard":
        raise DataError(
            f"{estimator!r} counts patients from time 0 on, but an entry or a period was given",
            argument="estimator",
            expected="'hazard', which takes person-time, with entry or period",
            remedy="estimator='hazard'",
        )


def warn_of_little(begin: np.ndarray, end: np.ndarray, last: float, unit: str | None) -> None:
    """Intervals that end long before follow-up does may be in another unit."""
    inside = np.maximum(np.minimum(end, last) - begin, 0.0).sum()
    warn_if_little(float(inside), float((end - begin).sum()), argument="intervals", unit=unit)


def warn_of_gaps(time: np.ndarray, bounds: np.ndarray, group: str) -> None:
    """An interval without follow-up before others that have some: survival is not known from there on."""
    gaps = np.flatnonzero((time == 0) & (np.cumsum(time[::-1])[::-1] > 0))
    if len(gaps):
        where = listed(f"({bounds[k]:g}, {bounds[k + 1]:g}]" for k in gaps)
        of = f" in {group}" if group else ""
        warn(
            f"holds nobody's follow-up{of} in {where}, so that survival is not known from there on",
            argument="intervals",
            expected="follow-up in every interval until the last",
            remedy="wider intervals, or a longer period",
        )
