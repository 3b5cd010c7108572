"""Follow-up cut at the borders of bands on several time scales."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import as_frame
from ..errors import DataError, counted, warn
from ..numerics.lexis import OUTSIDE, split_rows
from ..options import Missing
from ..start_stop import ENTRY, refuse_overwriting
from ..times import DAYS_PER_YEAR, MICROSECONDS_PER_DAY, calendar_year
from .lexis_rows import LexisRows, Plan, make_plan, read_event_codes, read_lexis_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..columns import Column
    from .time_scale import TimeScale

Pieces = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def split_follow_up(
    data: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    causes: bool = False,
    censored: Any = "default",
    entry: Column | None = None,
    scales: Mapping[str, TimeScale],
    cut_at: Mapping[str, Column] | None = None,
    days_per_year: float = DAYS_PER_YEAR,
    missing: Missing = "raise",
) -> pl.DataFrame:
    """Rows of follow-up cut at the borders of bands on any number of time scales (Lexis expansion).

    Each piece lies in one band of every scale, and before or after each event of `cut_at`. The last piece of a
    row keeps the event; one at a border belongs to the band that ends there. For rates by band, `person_time`
    gives the table at once, without the pieces.

    Parameters
    ----------
    data
        Any table; a row is the follow-up of a person, or an interval of it.
    time, entry
        When follow-up ends and begins: dates, or numbers in one unit (from 0 on without `entry`). Follow-up of
        one moment is kept as a piece without person-time.
    event, event_value
        As in `kaplan_meier`: true/false, 1/0, or the declared value.
    causes, censored
        With `causes=True`, `event` holds labels of several events, as in `cumulative_incidence`; a piece that
        ends without one has the label for censored (null with `censored=None`).
    scales
        Names and time scales: `{"age": TimeScale(range(0, 101), since="birth")}`.
    cut_at
        Names and moments of events at which follow-up is cut, such as `{"relapsed": "relapse_date"}`: the
        column `relapsed` is true for what is after it. A missing moment means that it did not happen.
    days_per_year
        The length of a year on scales counted from a date.
    missing
        "raise" names what is missing; "drop" leaves those rows out, and a warning counts them.

    Returns
    -------
    polars.DataFrame
        All columns of `data`, row by row, where `entry` (made if it was not given) and `time` bound the piece
        (dates become moments, since a band may begin within a day), and `event` is that of the piece. For each
        scale the band as `age` (the border where it begins, null outside the borders), and the exact values
        `age_entry` and `age_exit`; the events of `cut_at`; and `person_time`, in years where follow-up has
        dates.

    Raises
    ------
    DataError
        No time scales; dates among numbers; follow-up that ends before it begins; names that are taken; and as
        `kaplan_meier`.

    Warns
    -----
    DataWarning
        With `missing="drop"`, if rows were left out.

    References
    ----------
    Clayton D, Hills M. Statistical Models in Epidemiology. Oxford 1993, chapter 6. Plummer M, Carstensen B. J
    Stat Softw 2011;38(5):1-12.

    Examples
    --------
    >>> import hemresearch as hem
    >>> from hemresearch.epidemiology import TimeScale
    >>> diet = hem.data.load("diet").select("doe", "dox", "dob", "chd").head(2)
    >>> pieces = hem.epidemiology.split_follow_up(
    ...     diet, time="dox", event="chd", entry="doe",
    ...     scales={"age": TimeScale(range(30, 71, 5), since="dob"), "year": TimeScale(range(1950, 1991, 10))},
    ... )  # fmt: skip
    >>> pieces.select("age", "year", pl.col("age_entry", "person_time").round(3), "chd").rows()
    [(35, 1970, 36.879, 3.121, False), (40, 1970, 40.0, 0.835, False), (40, 1980, 40.835, 4.165, False), (45, 1980, 45.0, 2.754, False), (60, 1970, 61.029, 3.971, False), (65, 1970, 65.0, 2.491, False), (65, 1980, 67.491, 2.508, False)]
    """  # noqa: E501
    plan = make_plan(
        time=time, event=event, entry=entry, scales=scales, cut_at=cut_at, by=None,
        days_per_year=days_per_year, missing=missing,
    )  # fmt: skip
    frame = as_frame(data).lazy().collect()
    codes = read_event_codes(frame.lazy(), event, event_value, causes, censored)
    rows = read_lexis_rows(frame, plan)
    _refuse_taken_names(frame, rows, plan, {"time": time, **({} if entry is None else {"entry": entry})})
    if rows.table.n_dropped:
        warn(
            f"left out {counted(rows.table.n_dropped, 'row')} with a missing value",
            argument="missing",
            expected="a value in every row of the columns used",
            remedy="hem.cohort.missingness(data) to see where they are",
        )
    pieces = split_rows(rows.start, rows.stop, rows.origin, rows.cuts, rows.first, rows.tolerance)
    kept = frame if rows.table.row is None else frame[rows.table.row]
    happened = codes.of(rows.table.series("event"))
    return _written(kept, rows, plan, pieces, _event(rows, pieces, happened, codes.causes, censored))


def _event(
    rows: LexisRows, pieces: Pieces, happened: np.ndarray, causes: tuple[Any, ...], censored: Any
) -> pl.Series:
    """The event of each piece: Boolean, or a label."""
    row, _, _, last, _ = pieces
    name = rows.table.name("event")
    if not causes:
        return pl.Series(name, (happened[row] > 0) & last)
    labels = rows.table.series("event").gather(row).rename(name)
    text = not labels.dtype.is_numeric()
    none = ("censored" if text else 0) if isinstance(censored, str) and censored == "default" else censored
    frame = labels.to_frame().select(pl.when(pl.Series(last)).then(pl.col(name)).otherwise(pl.lit(none)))
    return frame.to_series().rename(name)


def _written(
    frame: pl.DataFrame, rows: LexisRows, plan: Plan, pieces: Pieces, event: pl.Series
) -> pl.DataFrame:
    """The pieces with all columns of the data and those of the time scales."""
    row, start, stop, _, band = pieces
    entry = rows.table.name("entry") if "entry" in rows.table else ENTRY
    bounds = [_moment(rows, entry, start), _moment(rows, rows.table.name("time"), stop)]
    columns = [*bounds, event]
    for s, (name, labels) in enumerate(zip(plan.names, plan.labels(), strict=True)):
        inside = np.where(band[:, s] == OUTSIDE, len(labels), band[:, s])
        null = pl.Series([None], dtype=labels.dtype)
        columns.append(pl.concat([labels, null]).gather(inside).rename(name))
        if name in plan.scales:
            columns.append(_value(rows, plan.scales[name], f"{name}_entry", start, rows.origin[row, s]))
            columns.append(_value(rows, plan.scales[name], f"{name}_exit", stop, rows.origin[row, s]))
    columns.append(pl.Series("person_time", (stop - start) / rows.unit))
    return frame[row].with_columns(columns)


def _value(
    rows: LexisRows, scale: TimeScale, name: str, moments: np.ndarray, origin: np.ndarray
) -> pl.Series:
    """Where the moments are on a time scale; on the calendar in decimal years."""
    if rows.dates and scale.since is None:
        return calendar_year(_moment(rows, name, moments))
    return pl.Series(name, (moments - origin) / rows.unit)


def _moment(rows: LexisRows, name: str, values: np.ndarray) -> pl.Series:
    """Moments as a column: dates with their time of day, else numbers."""
    if not rows.dates:
        return pl.Series(name, values)
    return pl.Series(name, np.round(values * MICROSECONDS_PER_DAY).astype(np.int64)).cast(pl.Datetime("us"))


def _refuse_taken_names(frame: pl.DataFrame, rows: LexisRows, plan: Plan, given: dict[str, Column]) -> None:
    """Refuse to overwrite columns, but for those that the pieces have their own values of."""
    names = {role: name[0] for role, name in rows.table.names.items() if name}
    refuse_overwriting(frame, given, names, "in_pieces")
    made = [*plan.names, *(f"{name}_{at}" for name in plan.scales for at in ("entry", "exit")), "person_time"]
    made += [] if "entry" in names else [ENTRY]
    for name in made:
        if name in frame.columns or name in (names["time"], names.get("entry"), names["event"]):
            raise DataError(
                "is the name of a column that is made",
                argument="data",
                column=name,
                expected="data without the columns " + ", ".join(map(repr, made)),
                remedy=f"data.drop({name!r}), or another name for the time scale",
            )
