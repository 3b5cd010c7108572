"""The worst grade of each patient, when it began and how long it lasted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from ...options import check_choice
from .rows import WORST, check_window, given_back, read_grades, read_rows

if TYPE_CHECKING:
    from ...columns import Column
    from ...options import Missing


def worst_grade(
    data: Any,
    *,
    id: Column,
    grade: Column,
    day: Column | None = None,
    date: Column | None = None,
    start: Column | None = None,
    until: Column | None = None,
    window: tuple[int, int] = (0, 100),
    at_least: int = 1,
    missing: Missing = "raise",
) -> Any:
    """The worst grade of each patient, with onset, end and duration: CRS, ICANS, GVHD and others.

    Parameters
    ----------
    data
        A long table with a row for each assessment.
    id
        Patient.
    grade
        Whole numbers 0 to 5, 0 for none (as on the day on which it had resolved).
    day, date, start
        As in `cytopenia_duration`.
    until
        The last day (or date) that counts, such as that of the next therapy; null for the end of the window.
    window
        The first and the last day that count.
    at_least
        The grade from which onset and end are told: 1 for any, 3 for severe.
    missing
        `"raise"` names what is missing; `"drop"` leaves those rows out, and the worst is that of the others:
        0 where only a 0 is left.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        The id and, for each patient in the data, `worst`, `worst_day` (the first of that grade), `onset` (the
        first day of a grade of `at_least`), `end` (the last one), `duration` (from onset to end, both
        counted, whatever is between) and `resolved` (whether a lower grade was seen on a later day). The last
        four are null for who never had such a grade, and all are for who was not assessed in the window,
        which is 0 only if none is recorded for those without (`.fill_null(0)`). Lazy if the data were.

    Raises
    ------
    DataError
        For grades that are none, and as `cytopenia_duration`.

    Notes
    -----
    Without an assessment after its end the duration is a least one: it is known to have lasted so long.

    Examples
    --------
    >>> import polars as pl
    >>> crs = pl.DataFrame(
    ...     {
    ...         "patient": ["A", "A", "A", "A", "B", "C", "C"],
    ...         "day": [1, 2, 4, 6, 3, 2, 3],
    ...         "grade": [1, 3, 2, 0, 0, 1, 1],
    ...     }
    ... )
    >>> worst_grade(crs, id="patient", grade="grade", day="day").rows()
    [('A', 3, 2, 1, 4, 4, True), ('B', 0, 3, None, None, None, None), ('C', 1, 2, 2, 3, 2, False)]
    """
    check_choice(at_least, range(1, WORST + 1), argument="at_least")
    first, last = check_window(window)
    rows = read_rows(
        data, {"grade": grade}, id=id, day=day, date=date, start=start, missing=missing,
        limits={"until": until},
    )  # fmt: skip
    grades = read_grades(rows.table.series("grade"), argument="grade", name=rows.table.name("grade"))
    seen = pl.DataFrame({"code": rows.patient.code, "day": rows.day, "grade": grades})
    if "until" in rows.limits:
        limit = pl.Series(rows.limits["until"][rows.patient.code]).fill_nan(None).fill_null(last)
        seen = seen.filter(pl.col("day") <= limit)
    seen = seen.filter(pl.col("day").is_between(first, last))
    each = pl.DataFrame({"code": range(len(rows.patient))}, schema={"code": pl.Int64})
    told = each.join(_told(seen, at_least), on="code", how="left", maintain_order="left").drop("code")
    return given_back(rows.one_each(**told.to_dict()), data)


def _told(seen: pl.DataFrame, at_least: int) -> pl.DataFrame:
    """For each patient seen: the worst grade, its day, and from when to when there was one at all."""
    day, grade = pl.col("day"), pl.col("grade")
    worst = seen.group_by("code").agg(
        worst=grade.max(),
        worst_day=day.filter(grade == grade.max()).min(),
        onset=day.filter(grade >= at_least).min(),
        end=day.filter(grade >= at_least).max(),
        last=day.max(),
    )
    onset, end = pl.col("onset"), pl.col("end")
    return worst.select(
        pl.col("code").cast(pl.Int64), "worst", "worst_day", "onset", "end",
        duration=end - onset + 1, resolved=pl.col("last") > end,
    )  # fmt: skip
