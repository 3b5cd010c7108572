"""Numbers of bleeds of each kind in the time that each patient was on a regimen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ...columns import Column, Columns, read_table
from ...errors import DataError
from ...events import read_event
from ...options import check_choice
from ...recurrent.dated_events import Dated, Outside, Windows, owners, read_dated, refuse_overlaps

if TYPE_CHECKING:
    from collections.abc import Iterable

ALL, DAYS = "bleeds", "days"


def bleed_counts(
    bleeds: Any,
    windows: Any,
    *,
    id: Column,
    date: Column,
    start: Column = "start",
    stop: Column = "stop",
    by: Columns = None,
    kinds: Mapping[str, Column] | None = None,
    outside: Outside = "raise",
) -> Any:
    """Number of bleeds of each kind, and days in which they were seen, of each patient on each regimen.

    Parameters
    ----------
    bleeds
        One row per bleed, of those that count as new (`new_bleeds`). It may be empty.
    windows
        Windows of observation, as `exposure_windows` gives them.
    id
        The patient, in both tables.
    date
        Date of the bleed, in `bleeds`. It belongs to the window that starts before it and stops on it or
        later.
    start, stop
        The dates of each window.
    by
        Columns of `windows` that say which regimen it is.
    kinds
        For each kind of bleed a name and a column of `bleeds` (Boolean or 0/1) that tells which bleeds are of
        it: `{"joint": pl.col("site") == "joint"}`. All bleeds are counted in any case, as `bleeds`.
    outside
        Bleeds in no window: "raise", or "drop" with a warning that counts them.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        One row per patient and regimen, also those without a bleed: the patient, the `by` columns, `days`,
        `bleeds`, and a column for each kind. Lazy if `windows` were.

    Raises
    ------
    DataError
        For missing dates, windows that overlap, bleeds outside, identifiers of two types, kinds that are not
        true or false, and names that are taken.

    Warns
    -----
    DataWarning
        With `outside="drop"`, bleeds that were left out.

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> windows = pl.DataFrame(
    ...     {"id": [1, 2], "start": [date(2020, 1, 1)] * 2, "stop": [date(2021, 1, 1), date(2020, 7, 1)]}
    ... )
    >>> bleeds = pl.DataFrame(
    ...     {"id": [1, 1], "date": [date(2020, 2, 1), date(2020, 5, 1)], "site": ["knee", "muscle"]}
    ... )
    >>> bleed_counts(
    ...     bleeds, windows, id="id", date="date", kinds={"joint": pl.col("site") == "knee"}
    ... ).rows()
    [(1, 366, 2, 1), (2, 182, 0, 0)]
    """
    check_choice(outside, Outside, argument="outside")
    seen, happened = _read(bleeds, windows, id, date, start, stop)
    labels = _labels(seen, id, by)
    told = {ALL: np.ones(happened.frame.height, dtype=bool), **_told(happened.frame, kinds or {})}
    _refuse_taken(kinds or {}, labels.columns)
    owner, owner_of_bleed = owners(seen, happened)
    begin, end = seen.day["start"], seen.day["stop"]
    refuse_overlaps(seen, owner, "start", end, "exposure_windows(...), which unites them")
    place = Windows(owner, begin, end).hold(happened, owner_of_bleed, outside, argument="date")
    counts = labels.with_columns(pl.Series(DAYS, end - begin)).with_columns(
        pl.Series(name, np.bincount(place[(place >= 0) & is_one], minlength=len(end)))
        for name, is_one in told.items()
    )
    total = counts.group_by(labels.columns, maintain_order=True).agg(pl.all().sum())
    return total.lazy() if isinstance(windows, pl.LazyFrame) else total


def _read(
    bleeds: Any, windows: Any, id: Column, date: Column, start: Column, stop: Column
) -> tuple[Dated, Dated]:
    seen = read_dated(windows, id, {"start": start, "stop": stop})
    for role in seen.day:
        seen.refuse_no_date(role, "exposure_windows(...), which asks for the dates that are missing")
    seen.refuse(
        "stop", seen.day["stop"] <= seen.day["start"], "is not after the start in {}",
        "windows of at least a day", "windows.filter(...) to look at the dates",
    )  # fmt: skip
    happened = read_dated(bleeds, id, {"event_date": date}, may_be_empty=True)
    happened.refuse_no_date(
        "event_date", f"bleeds.drop_nulls({happened.names['event_date']!r})", argument="date"
    )
    return seen, happened


def _labels(seen: Dated, id: Column, by: Columns) -> pl.DataFrame:
    """The patient and the regimen of each window, under the user's names."""
    table = read_table(seen.frame, {"id": id, "by": by})
    frame = seen.id.alias(seen.names["id"]).to_frame()
    return frame.hstack(table.several("by").get_columns()) if "by" in table else frame


def _told(bleeds: pl.DataFrame, kinds: Mapping[str, Column]) -> dict[str, np.ndarray]:
    """Which bleeds are of each kind."""
    tables = {
        name: read_table(bleeds, {"kinds": column}, may_be_empty=True) for name, column in kinds.items()
    }
    return {name: read_event(table, role="kinds", may_declare=False) for name, table in tables.items()}


def _refuse_taken(kinds: Iterable[str], labels: list[str]) -> None:
    for name in (*kinds, *labels):
        if name in (ALL, DAYS) or (name in kinds and name in labels):
            raise DataError(
                "is the name of another column of the result",
                argument="kinds" if name in kinds else "by",
                column=name,
                expected=f"names of their own; {ALL!r} are all bleeds, {DAYS!r} the time observed",
                remedy=f"'{name} only'" if name in kinds else f"pl.col({name!r}).alias('regimen')",
            )
