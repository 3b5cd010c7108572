"""The checks of an audit: each looks at some columns and tells which rows cannot be right."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from ..personal_numbers import find_personal_numbers, is_personal_number
from ..text_numbers import text_numbers
from .missingness import absent_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Severity = Literal["error", "warning", "note"]
TEXT = (pl.String, pl.Categorical, pl.Enum)
# What a personal number looks like before its date and check digit are looked at.
TEN_DIGITS = r"\d{6}\D?\d{4}"
SHORTEST, LONGEST = 10**6, 10**12
SURELY = 0.1  # a share of the distinct numbers that chance does not reach

ORDER = "dates out of order"
FUTURE, AFTER_CUTOFF = "date in the future", "date after the cut-off"
ANCIENT = "date too early"
AFTER_LAST = "after the last contact"
SAME_ID, SAME_ROW = "id in several rows", "same row twice"
OVERLAP, BACKWARD, NO_FOLLOW_UP = "overlapping intervals", "ends before it begins", "no follow-up"
OUTSIDE, NEGATIVE, INFINITE = "outside the limits", "negative time", "infinite value"
NOT_AN_EVENT = "event other than 0 or 1"
PERSONAL = "personal numbers"
TEXT_NUMBER, NO_NUMBER = "numbers stored as text", "no number among numbers stored as text"
MISSING, EMPTY, CONSTANT = "missing", "empty column", "constant column"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that cannot be right, or should be looked at; `rows` are 1-based."""

    check: str
    columns: tuple[str, ...]
    n: int
    rows: tuple[int, ...]
    severity: Severity


def found(
    check: str, columns: Sequence[str], at_fault: pl.Series | np.ndarray, severity: Severity = "error"
) -> Iterator[Problem]:
    """The problem of the rows of a mask (null is no fault); nothing if there is none."""
    mask = at_fault.fill_null(False).to_numpy() if isinstance(at_fault, pl.Series) else at_fault
    rows = tuple((np.flatnonzero(mask) + 1).tolist())
    if rows:
        yield Problem(check, tuple(columns), len(rows), rows, severity)


def later(first: pl.Series, second: pl.Series) -> pl.Series:
    """Where the first of two dates or times is after the second; by the day if one is a date."""
    if first.dtype != second.dtype and first.dtype.is_temporal():
        first, second = first.dt.date(), second.dt.date()
    return first > second


def dates_in_order(dates: pl.DataFrame, last: str | None) -> Iterator[Problem]:
    """Every two dates of which the later one comes first; a last contact has a check of its own."""
    names = [name for name in dates.columns if name != last]
    for first, second in combinations(names, 2):
        yield from found(ORDER, (first, second), later(dates[first], dates[second]))


def dates_after(dates: pl.DataFrame, cutoff: date | None) -> Iterator[Problem]:
    """Dates after the cut-off, or after today if there is none."""
    check, end = (FUTURE, date.today()) if cutoff is None else (AFTER_CUTOFF, cutoff)
    for series in dates.iter_columns():
        yield from found(check, (series.name,), series.dt.date() > end)


def dates_before(dates: pl.DataFrame, earliest: date) -> Iterator[Problem]:
    """Dates that no patient can have."""
    for series in dates.iter_columns():
        yield from found(ANCIENT, (series.name,), series.dt.date() < earliest)


def after_last_contact(others: pl.DataFrame, last: pl.Series) -> Iterator[Problem]:
    """What happened after the last contact: dates after its date, times after the end of follow-up."""
    for series in others.iter_columns():
        if series.name != last.name:
            yield from found(AFTER_LAST, (series.name, last.name), later(series, last))


def ids(id: pl.Series, several: bool) -> Iterator[Problem]:
    """Missing ids; and ids in several rows, unless rows are intervals of a patient."""
    yield from found(MISSING, (id.name,), absent_in(id))
    if not several:
        yield from found(SAME_ID, (id.name,), id.is_duplicated() & id.is_not_null())


def same_rows(data: pl.DataFrame) -> Iterator[Problem]:
    """Rows that are equal in every column."""
    plain = data.select(c for c, t in data.schema.items() if not t.is_nested() and t != pl.Object)
    if plain.width:
        yield from found(SAME_ROW, (), plain.is_duplicated(), "warning")


def intervals(id: pl.Series | None, start: pl.Series, stop: pl.Series) -> Iterator[Problem]:
    """Intervals that end before they begin, have no length, or overlap another one of the patient."""
    names = (start.name, stop.name)
    yield from found(BACKWARD, names, start > stop)
    yield from found(NO_FOLLOW_UP, names, start == stop, "warning")
    if id is None:
        return
    table = pl.DataFrame({"id": id, "start": start, "stop": stop}).with_row_index("row")
    table = table.drop_nulls().filter(pl.col("start") <= pl.col("stop")).sort("id", "start", "stop", "row")
    ended = pl.col("stop").cum_max().shift(1).over("id")
    rows = table.filter(pl.col("start") < ended)["row"].to_numpy()
    yield from found(OVERLAP, (id.name, *names), np.isin(np.arange(len(id)), rows))


def times(columns: pl.DataFrame) -> Iterator[Problem]:
    """Times below zero."""
    for series in columns.iter_columns():
        yield from found(NEGATIVE, (series.name,), series < 0)


def no_follow_up(time: pl.Series) -> Iterator[Problem]:
    """Follow-up that ends when it begins."""
    yield from found(NO_FOLLOW_UP, (time.name,), time == 0, "warning")


def events(event: pl.Series) -> Iterator[Problem]:
    """Values of an event that are neither 0/1 nor true/false."""
    if event.dtype == pl.Boolean:
        return
    at_fault = event.is_not_null()
    if event.dtype.is_numeric():
        at_fault &= ~event.is_in([0, 1])
    yield from found(NOT_AN_EVENT, (event.name,), at_fault, "warning")


def outside(data: pl.DataFrame, limits: Mapping[str, tuple[float | None, float | None]]) -> Iterator[Problem]:
    """Numbers below or above the limits of their column; the limits themselves are inside."""
    for name, (low, high) in limits.items():
        at_fault = np.zeros(data.height, dtype=bool)
        if low is not None:
            at_fault |= (data[name] < low).fill_null(False).to_numpy()
        if high is not None:
            at_fault |= (data[name] > high).fill_null(False).to_numpy()
        yield from found(OUTSIDE, (name,), at_fault)


def infinite(data: pl.DataFrame) -> Iterator[Problem]:
    """Infinite numbers."""
    for series in data.iter_columns():
        if series.dtype.is_float():
            yield from found(INFINITE, (series.name,), series.is_infinite())


def personal_numbers(data: pl.DataFrame) -> Iterator[Problem]:
    """Columns of text or numbers that hold personal numbers; only their rows are told."""
    for series in data.iter_columns():
        holds: Any = find_personal_numbers if series.dtype in TEXT else is_personal_number
        numbers = [value for value in _candidates(series) if holds(value)]
        if not numbers:
            continue
        sure = series.dtype in TEXT or len(numbers) > SURELY * series.n_unique()
        values = series.cast(pl.String) if series.dtype in TEXT else series
        at_fault = values.is_in(numbers)
        yield from found(PERSONAL, (series.name,), at_fault, "error" if sure else "warning")


def numbers_as_text(data: pl.DataFrame, skip: Sequence[str]) -> Iterator[Problem]:
    """Text of which most values are numbers: the rows of those that are none, if there are some."""
    for series in data.iter_columns():
        numbers = text_numbers(series) if series.dtype == pl.String and series.name not in skip else None
        if numbers is None:
            continue
        if numbers.stray.any():
            yield from found(NO_NUMBER, (series.name,), numbers.stray, "warning")
        else:
            yield Problem(TEXT_NUMBER, (series.name,), len(series) - series.null_count(), (), "warning")


def missing_values(data: pl.DataFrame, needed: Sequence[str], skip: Sequence[str]) -> Iterator[Problem]:
    """Missing values per column; a warning where an analysis needs them."""
    for series in data.iter_columns():
        absent = absent_in(series)
        if absent.all():
            yield Problem(EMPTY, (series.name,), len(series), (), "warning")
        elif series.name not in skip:
            severity: Severity = "warning" if series.name in needed else "note"
            yield from found(MISSING, (series.name,), absent, severity)


def constants(data: pl.DataFrame) -> Iterator[Problem]:
    """Columns with one value in all rows."""
    for series in data.iter_columns():
        if series.dtype.is_nested() or series.dtype == pl.Object:
            continue
        known = series.filter(pl.Series(~absent_in(series)))
        if known.len() > 1 and known.n_unique() == 1:
            yield Problem(CONSTANT, (series.name,), known.len(), (), "note")


def _candidates(series: pl.Series) -> list[Any]:
    """Distinct values that have as many digits as a personal number."""
    if series.dtype in TEXT:
        texts = series.cast(pl.String).drop_nulls().unique(maintain_order=True)
        return texts.filter(texts.str.contains(TEN_DIGITS)).to_list()
    if series.dtype.is_integer() or series.dtype.is_float():
        known = series.drop_nulls().unique(maintain_order=True)
        size = known.cast(pl.Float64)  # small integers cannot be compared with LONGEST
        return known.filter((size >= SHORTEST) & (size < LONGEST)).to_list()
    return []
