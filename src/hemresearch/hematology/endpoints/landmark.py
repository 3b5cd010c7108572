"""Response at a fixed time, from all assessments of each patient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from ...errors import DataError, counted, warn
from ...options import TimeUnit, check_choice, check_number, suggestion
from ...personal_numbers import holds_personal_numbers
from ...times import DAYS_PER_UNIT
from .dates import latest_day
from .first_event import check_prefix, collected, refuse_taken
from .long_table import ROW, of_patients, per_patient, read_patients, read_rows

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from ...columns import Column, Table

NotEvaluable = Literal["non-response", "null"]
MOST_SHOWN = 20  # values of a column: with more they are no categories, and perhaps identifiers


def response_at_landmark(
    data: Any,
    assessments: Any,
    *,
    id: Column,
    start: Column,
    date: Column,
    response: Column,
    responses: Any | Sequence[Any],
    at: float,
    window: tuple[float, float],
    unit: TimeUnit,
    not_evaluable: NotEvaluable,
    as_of: dt.date | None = None,
    prefix: str = "response",
) -> Any:
    """The category of response at a fixed time after the start, and whether it is a response.

    Taken from the assessment that is nearest to `at` within the window, of two as near the earlier. A
    patient without one is not evaluable, by death, loss or a missed visit alike, and by intention to treat
    has not responded: `not_evaluable` says it. The best response ever is another endpoint.

    Parameters
    ----------
    data
        One row per patient.
    assessments
        One row per assessment. Those of other people and outside the window are left out.
    id
        Column that identifies the patient in both tables.
    start
        Column of data with the date of time zero.
    date, response
        Columns of assessments: the date, and the category.
    responses
        The category, or the categories, that are a response, such as `["CR", "CRi"]`.
    at
        The fixed time after `start`.
    window
        How long before and after `at` an assessment may be, such as `(1, 1)`.
    unit
        Of `at` and `window`: `"days"`, `"weeks"`, `"months"` (30.4375 days) or `"years"` (365.25 days).
    not_evaluable
        `"non-response"` (intention to treat) or `"null"`. There is no default.
    as_of
        The data cut-off: dates after it are refused, and patients without an assessment whose window was
        still open on it are null, since they were not yet due. Without one dates after today are refused, and
        everybody is taken as due.
    prefix
        Beginning of the new names.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        The data (a LazyFrame is collected once, for the checks, and given back lazy; tables of other kinds
        become polars) with `response_category` (null without an assessment), `response_evaluable` and
        `response_event`, which is true for a response: for `epidemiology.proportion`.

    Raises
    ------
    DataError
        For an id that is twice in data, of another kind in assessments or in none of its rows, missing
        values, no `start`, two categories of one patient on one day, a category that never occurs,
        a time or window that is no number of at least 0, an unknown unit or `not_evaluable`, dates after
        `as_of`, and names that are taken.

    Warns
    -----
    DataWarning
        For those who were not yet due at `as_of`, who are counted.

    References
    ----------
    Not evaluable as no response, by intention to treat, is usual in trials and no single paper's rule.

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> patients = pl.DataFrame({"id": ["a", "b", "c"], "start": [date(2020, 1, 1)] * 3})
    >>> marrows = pl.DataFrame(
    ...     {
    ...         "id": ["a", "a", "b"],
    ...         "day": [date(2020, 2, 1), date(2020, 3, 1), date(2020, 2, 5)],
    ...         "response": ["PR", "CR", "CR"],
    ...     }
    ... )
    >>> response_at_landmark(
    ...     patients,
    ...     marrows,
    ...     id="id",
    ...     start="start",
    ...     date="day",
    ...     response="response",
    ...     responses="CR",
    ...     at=1,
    ...     window=(0.25, 0.25),
    ...     unit="months",
    ...     not_evaluable="non-response",
    ... ).select("response_category", "response_evaluable", "response_event").rows()
    [('PR', True, False), ('CR', True, True), (None, False, False)]
    """
    check_choice(not_evaluable, NotEvaluable, argument="not_evaluable")
    check_choice(unit, TimeUnit, argument="unit")
    check_prefix(prefix)
    first, middle, last = (DAYS_PER_UNIT[unit] * limit for limit in _limits(at, window))
    whole, lazy = collected(data)
    names = [f"{prefix}_category", f"{prefix}_evaluable", f"{prefix}_event"]
    refuse_taken(names, whole.columns, prefix)
    patients, started = read_patients(whole, id=id, dates={"start": start}, complete=("start",))
    rows, table = read_rows(
        assessments, argument="assessments", id=id, date=date, response=response, as_of=as_of
    )
    responded = _categories(responses, rows["response"], table.name("response"))
    joined = of_patients(patients, rows, argument="assessments", id=table.name("id"))
    _refuse_two_on_one_day(joined, table)
    days = (pl.col("date") - pl.col("start")).dt.total_days()
    near = joined.with_columns(days=days).filter(pl.col("days").is_between(first, last))
    order = near.with_columns(away=(pl.col("days") - middle).abs()).sort(ROW, "away", "days")
    category = per_patient(patients, order, pl.col("response").first()).to_series()
    evaluable = category.is_not_null()
    due = _due(patients, last, evaluable, as_of, started.name("start"))
    known = evaluable | (due & (not_evaluable == "non-response"))
    event = pl.select(pl.when(known).then(category.is_in(responded).fill_null(False))).to_series()
    result = whole.hstack([s.rename(n) for s, n in zip((category, evaluable, event), names, strict=True)])
    return result.lazy() if lazy else result


def _limits(at: Any, window: Any) -> tuple[float, float, float]:
    """The first time, the time itself and the last."""
    time = check_number(at, argument="at", expected="a time of at least 0", example=6, at_least=0.0)
    if not isinstance(window, tuple | list) or len(window) != 2:
        raise DataError(
            f"a {type(window).__name__} was given",
            argument="window",
            expected="how long before and how long after the time",
            remedy="window=(1, 1)",
        )
    before, after = (
        check_number(w, argument="window", expected="times of at least 0", example=1, at_least=0.0)
        for w in window
    )
    return time - before, time, time + after


def _categories(responses: Any, there: pl.Series, column: str) -> list[Any]:
    wanted = list(responses) if isinstance(responses, list | tuple | set | frozenset) else [responses]
    known = there.unique(maintain_order=True).to_list()
    missing = [category for category in wanted if category not in known]
    if there.len() and (missing or not wanted):
        near = suggestion(str(missing[0] if missing else ""), map(str, known))
        shown = "" if holds_personal_numbers(known) or len(known) > MOST_SHOWN else f"; {near}"
        raise DataError(
            f"never holds {missing[0]!r}" if missing else "no category was given",
            argument="responses",
            column=column,
            expected=f"categories that occur{shown}",
            remedy=f"assessments[{column!r}].unique() to see them",
        )
    return wanted


def _refuse_two_on_one_day(joined: pl.DataFrame, table: Table) -> None:
    days = joined.select(ROW, "date", "response").unique()
    twice = days.filter(days.select(ROW, "date").is_duplicated())
    if twice.height:
        rows = twice[ROW].unique().sort()
        raise DataError(
            f"holds two categories of {counted(len(rows), 'patient')} on one day",
            argument="response",
            column=table.name("response"),
            rows=rows,
            expected="one category on one day; the rows are those of data",
            remedy="assessments.group_by(id, date).agg(...) with the one that counts",
        )


def _due(
    patients: pl.DataFrame, last: float, evaluable: pl.Series, as_of: dt.date | None, name: str
) -> pl.Series:
    """Whose window was over at the cut-off; everybody's without one."""
    if as_of is None:
        return pl.Series(evaluable.is_null().not_())
    followed = patients.select((pl.lit(latest_day(as_of)[0]) - pl.col("start")).dt.total_days()).to_series()
    due = followed >= last
    early = ~due & ~evaluable
    if early.any():
        warn(
            f"is too near the data cut-off in {counted(int(early.sum()), 'row')} without an assessment: not "
            "yet due, and null",
            argument="start",
            column=name,
            rows=early.arg_true(),
            expected="that everybody was followed until the end of the window",
            remedy="data.filter(...) for those who were",
        )
    return due
