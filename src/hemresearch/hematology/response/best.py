"""The best response of each patient among all assessments."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import polars as pl

from ...columns import as_frame
from ...errors import DataError, counted
from ...options import check_number
from ...times import check_dates, whole_days
from .reading import read_single
from .scales import coded, read_scale

if TYPE_CHECKING:
    from ...columns import Column, Table
    from .scales import Scale


def best_response(
    data: Any,
    *,
    id: Column,
    date: Column,
    response: Column,
    scale: str | Scale,
    until: Column | None = None,
    confirm: float | None = None,
) -> Any:
    """The best response of each patient, and when it was first seen.

    Assessments count until the first progression, that one included, and until the date of `until`. A patient
    without any that is evaluable has "NE", which is no response: in an analysis by intention to treat such
    patients stay in the denominator (`response_rate`). A patient without a row is not known here: keep one
    without date and response for everybody, as a left join of the assessments to the patients does.

    Parameters
    ----------
    data
        One row per assessment.
    id
        The patient.
    date
        Of the assessment; null only without a response.
    response
        Categories of the scale; null is "NE". `as_response` makes them from other codes.
    scale
        A name as in `scale`, or a `Scale` of your own.
    until
        Date after which assessments count no more, the same in all rows of a patient: the start of the next
        therapy, or a progression that the assessments do not tell. Assessments on that day still count.
    confirm
        Days after which a later assessment must find a response again for it to count, such as 28; 1 asks for
        any later day. The later one may be better, and none between them worse ("NE" between them is passed
        over). A response that is not confirmed counts as the next lower one that is, else as stable disease.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        One row per patient in the order of the data (lazy if they were): the column of `id`, `best_response`,
        `response_date` (of the first assessment that shows it; null of "NE") and `n_assessments`, those that
        count and are evaluable.

    Raises
    ------
    DataError
        For values that are no category, a response without a date, two different responses of a patient on
        one day, several dates of `until` for a patient, and columns without dates.

    References
    ----------
    Eisenhauer EA et al. Eur J Cancer 2009;45:228-247, section 4.4, on best overall response.

    Examples
    --------
    >>> from datetime import date
    >>> visits = pl.DataFrame(
    ...     {
    ...         "patient": ["A", "A", "A", "B", "B", "C"],
    ...         "seen": [date(2024, m, 1) for m in (1, 2, 4, 1, 3)] + [None],
    ...         "found": ["PR", "CR", "PD", "PD", "CR", None],
    ...     }
    ... )
    >>> best = best_response(visits, id="patient", date="seen", response="found", scale="lugano")
    >>> best.select("patient", "best_response", pl.col("response_date").dt.month(), "n_assessments").rows()
    [('A', 'CR', 2, 3), ('B', 'PD', 1, 1), ('C', 'NE', None, 0)]
    """
    one, frame = read_scale(scale), as_frame(data)
    if confirm is not None:
        check_number(confirm, argument="confirm", at_least=1.0, expected="days, at least 1", example=28)
    roles: dict[str, Column | None] = {"id": id, "date": date, "response": response, "until": until}
    table = read_single(frame, roles, complete=("id",))
    rows = _assessments(table, one)
    counts = _that_count(rows, one)
    shown = counts if confirm is None else _confirmed(counts, one, confirm)
    best = shown.filter(pl.col("place") == pl.col("place").min().over("id"))
    found = (
        rows.select(pl.col("id").unique(maintain_order=True))
        .join(
            best.group_by("id").agg(pl.col("place", "date").min()), on="id", how="left", maintain_order="left"
        )
        .join(counts.group_by("id").len("n"), on="id", how="left", maintain_order="left")
    )
    answer = found.select(
        pl.col("id").alias(table.name("id")),
        best_response=_level(found["place"], one),
        response_date="date",
        n_assessments=pl.col("n").fill_null(0).cast(pl.Int64),
    )
    return answer.lazy() if isinstance(frame, pl.LazyFrame) else answer


def _assessments(table: Table, one: Scale) -> pl.DataFrame:
    """Patient, day, how far from the best (null: not evaluable), and the last day that counts."""
    for role in ("date", "until"):
        if role in table:
            name = table.name(role)
            check_dates(table.series(role), role, name, f"{role}=pl.col({name!r}).str.to_date()")
    level = coded(table.series("response").alias(table.name("response")), one)
    rows = pl.DataFrame(
        {
            "id": table.series("id"),
            "date": whole_days(table.series("date")),
            "place": level.to_physical().cast(pl.Int64),
            "until": whole_days(table.series("until")) if "until" in table else None,
        }
    ).with_columns(place=pl.when(pl.col("place") < len(one.levels)).then("place"))
    _refuse_undated(rows, table)
    _refuse_contradictions(rows, table)
    if "until" in table:
        _refuse_several_ends(rows, table)
    return rows


def _that_count(rows: pl.DataFrame, one: Scale) -> pl.DataFrame:
    """The evaluable assessments of each patient until the end and the first progression, one a day."""
    worsens = [one.place(level) for level in one.progression]
    open_ended = pl.col("until").is_null() | (pl.col("date") <= pl.col("until"))
    counts = rows.filter(pl.col("place").is_not_null(), open_ended)
    first = pl.col("date").filter(pl.col("place").is_in(worsens)).min().over("id")
    before = counts.filter(first.is_null() | (pl.col("date") <= first))
    return before.select("id", "date", "place").unique().sort("id", "date")


def _confirmed(counts: pl.DataFrame, one: Scale, days: float) -> pl.DataFrame:
    """What each assessment shows by itself, no response being left, and what a later one confirms of it.

    That is the worst found from it to the first assessment that is late enough.
    """
    stable = one.place(one.stable)
    alone = counts.with_columns(pl.max_horizontal("place", pl.lit(stable, dtype=pl.Int64)))
    later = counts.select("id", "date", "place", last="date")
    span = counts.select("id", first="date", due=pl.col("date") + pl.duration(days=math.ceil(days)))
    pairs = span.sort("due").join_asof(
        later.select("id", "last").sort("last"), left_on="due", right_on="last", by="id", strategy="forward",
        check_sortedness=False,
    )  # fmt: skip
    between = pairs.drop_nulls("last").join(counts, on="id")
    worst = (
        between.filter(pl.col("date").is_between("first", "last"))
        .group_by("id", date="first")
        .agg(pl.col("place").max())
        .filter(pl.col("place") < stable)
    )
    return pl.concat([alone, worst.select(counts.columns)])


def _level(place: pl.Series, one: Scale) -> pl.Series:
    """The category at a place; not evaluable where there is none."""
    levels = pl.Series(one.enum.categories)
    return levels.gather(place.fill_null(len(one.levels)).cast(pl.UInt32)).cast(one.enum)


def _refuse_undated(rows: pl.DataFrame, table: Table) -> None:
    undated = rows["date"].is_null() & rows["place"].is_not_null()
    if undated.any():
        raise DataError(
            f"has no date in {counted(int(undated.sum()), 'row')} with a response",
            argument="date",
            column=table.name("date"),
            rows=undated.arg_true(),
            expected="a date for every response",
            remedy=f"data.filter(pl.col({table.name('date')!r}).is_not_null())",
        )


def _refuse_contradictions(rows: pl.DataFrame, table: Table) -> None:
    known = pl.col("place").is_not_null()
    several = rows.select(
        known & (pl.col("place").drop_nulls().n_unique().over("id", "date") > 1)
    ).to_series()
    if several.any():
        raise DataError(
            f"has {counted(int(several.sum()), 'row')} of patients with different responses on one day",
            argument="response",
            column=table.name("response"),
            rows=several.arg_true(),
            expected="one response of a patient on a day",
            remedy="data.filter(...) to the assessor, or the method, that counts",
        )


def _refuse_several_ends(rows: pl.DataFrame, table: Table) -> None:
    several = rows.select(pl.col("until").n_unique().over("id") > 1).to_series()
    if several.any():
        raise DataError(
            f"is not the same in {counted(int(several.sum()), 'row')} of a patient",
            argument="until",
            column=table.name("until"),
            rows=several.arg_true(),
            expected="one date, or none, in all rows of a patient",
            remedy=f"until=pl.col({table.name('until')!r}).min().over({table.name('id')!r})",
        )
