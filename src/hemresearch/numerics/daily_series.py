"""Series with one value a day: gaps filled, runs of days below a threshold, recovery.

An array has a row for each patient and a column for each day; NaN is a day without a value.
"""

from __future__ import annotations

import numpy as np


def lowest_by_day(patient: np.ndarray, day: np.ndarray, value: np.ndarray, n: int, days: int) -> np.ndarray:
    """The lowest value of each of `n` patients on each of the days 0, 1, ... `days` - 1."""
    lowest = np.full((n, days), np.inf)
    np.minimum.at(lowest, (patient, day), value)
    lowest[np.isinf(lowest)] = np.nan
    return lowest


def fill_short_gaps(values: np.ndarray, last: np.ndarray, longest: int) -> np.ndarray:
    """Days without a value interpolated, where at most `longest` of them follow each other.

    Before the first value and after the last one, up to the day `last` of the patient, that value stands.
    A longer gap stays as it is.
    """
    day = np.arange(values.shape[1], dtype=np.int32)
    known = ~np.isnan(values)
    left, right = _neighbours(known)
    end = np.where(right == len(day), last[:, None] + 1, right)
    short = (
        ~known & (end - left - 1 <= longest) & (day <= last[:, None]) & ~((left < 0) & (right == len(day)))
    )
    row, at = np.nonzero(short)
    one, other = left[row, at], right[row, at]
    before = values[row, np.where(one < 0, other, one)]
    after = values[row, np.where(other == len(day), one, other)]
    filled = values.copy()
    filled[row, at] = before + (after - before) * ((at - one) / (other - one))
    return filled


def join_short_gaps(inside: np.ndarray, shorter_than: int) -> np.ndarray:
    """The days inside, and those of gaps between them that are shorter than so many days."""
    left, right = _neighbours(inside)
    between = (left >= 0) & (right < inside.shape[1])
    joined: np.ndarray = inside | (between & (right - left - 1 < shorter_than))
    return joined


def run_lengths(inside: np.ndarray) -> np.ndarray:
    """For each day inside, how many days inside end with it; 0 outside."""
    day = np.arange(inside.shape[1], dtype=np.int32)
    return day - np.maximum.accumulate(np.where(inside, -1, day), axis=1)


def first_day(inside: np.ndarray) -> np.ndarray:
    """The first day inside, -1 where there is none."""
    return np.where(inside.any(axis=1), inside.argmax(axis=1), -1)


def last_day(inside: np.ndarray) -> np.ndarray:
    """The last day inside, -1 where there is none."""
    return np.where(inside.any(axis=1), inside.shape[1] - 1 - inside[:, ::-1].argmax(axis=1), -1)


def first_recovery(above: np.ndarray, onset: np.ndarray, lasting: int) -> np.ndarray:
    """The first day after `onset` that begins so many days above in a row, -1 where none does."""
    begin = np.arange(above.shape[1]) - lasting + 1
    lasted = (run_lengths(above) >= lasting) & (begin > onset[:, None]) & (onset[:, None] >= 0)
    ended = first_day(lasted)
    return np.where(ended < 0, -1, ended - lasting + 1)


def _neighbours(inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest day inside at or before each day (-1 without one), and at or after it (their number)."""
    days = inside.shape[1]
    day = np.arange(days, dtype=np.int32)
    left = np.maximum.accumulate(np.where(inside, day, -1), axis=1)
    right = np.minimum.accumulate(np.where(inside, day, days)[:, ::-1], axis=1)[:, ::-1]
    return left, right
