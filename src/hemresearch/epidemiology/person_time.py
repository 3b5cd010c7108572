"""Person-time and events by bands of several time scales, without splitting the follow-up."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import Groups, as_frame, group_rows
from ..errors import DataError, counted
from ..formats import count, significant
from ..numerics.lexis import tabulate
from ..options import Missing
from ..results import Result
from ..times import DAYS_PER_YEAR
from .lexis_rows import EventCodes, LexisRows, Plan, make_plan, read_event_codes, read_lexis_rows
from .little_time import warn_if_little

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..columns import Column, Columns
    from .time_scale import TimeScale

BATCH = 1_000_000  # rows of a lazy table that are in memory at a time
MOST_CELLS = 50_000_000


@dataclass(frozen=True, slots=True, eq=False)
class PersonTime(Result):
    """Person-time and events in cells of groups and bands; a table that every function here takes as `data`.

    Attributes
    ----------
    frame
        The `by` columns, the bands, [`cause`], `n` (rows of follow-up that were in the cell), `n_event`,
        `person_time`; one row per cell that somebody was in.
    time_unit
        Of the person-time, where follow-up had dates or durations.
    n
        Rows of follow-up that were read.
    n_event
        Events in all cells.
    outside
        Person-time and events outside the borders of a time scale, that are in no cell.
    """

    frame: pl.DataFrame = field(repr=False)
    by: tuple[str, ...]
    bands: tuple[str, ...]
    time_unit: str | None
    n: int
    n_event: int
    n_dropped: int
    outside: tuple[float, int]

    def to_frame(self) -> pl.DataFrame:
        """One row per cell."""
        return self.frame

    def summary(self) -> pl.DataFrame:
        """One row: rows read and left out, events and person-time inside and outside the bands."""
        inside = self._cells()["person_time"].sum()
        return pl.DataFrame(
            {
                "n": [self.n],
                "n_dropped": [self.n_dropped],
                "n_event": [self.n_event],
                "person_time": [inside],
                "n_event_outside": [self.outside[1]],
                "person_time_outside": [self.outside[0]],
            }
        )

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        if "cause" in self.frame.columns:
            first = self.frame["cause"].head(1).to_list()
            raise DataError(
                "has a row for every cause in each cell, which would count its person-time several times",
                argument="data",
                expected="person-time of one cause",
                remedy=f"table.to_frame().filter(pl.col('cause') == {first[0] if first else '...'!r})",
            )
        return self.frame.__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        unit = f"person-{self.time_unit}" if self.time_unit else "units of person-time"
        cells = self._cells()
        dropped = f", {self.n_dropped} rows with missing values left out" if self.n_dropped else ""
        lines = [
            f"person-time of {count(self.n)} rows of follow-up{dropped}",
            f"  {counted(cells.height, 'cell')} by {', '.join([*self.by, *self.bands]) or 'nothing'}",
            f"  {significant(float(cells['person_time'].sum()))} {unit}, {_events(self.n_event)}",
        ]
        time, events = self.outside
        if time or events:
            lines.append(f"  outside the bands: {significant(time)} {unit}, {_events(events)}")
        return "\n".join(lines)

    def _cells(self) -> pl.DataFrame:
        """One row per cell, also where causes share it."""
        if "cause" not in self.frame.columns or not self.frame.height:
            return self.frame
        return self.frame.filter(pl.col("cause") == self.frame["cause"][0])


def _events(n: int) -> str:
    return f"{count(n)} event" + ("" if n == 1 else "s")


def person_time(
    data: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    causes: bool = False,
    censored: Any = "default",
    entry: Column | None = None,
    by: Columns = None,
    scales: Mapping[str, TimeScale],
    cut_at: Mapping[str, Column] | None = None,
    days_per_year: float = DAYS_PER_YEAR,
    batch: int = BATCH,
    missing: Missing = "raise",
) -> PersonTime:
    """Person-time and events by groups and by bands of any number of time scales.

    The same table as from the pieces of `split_follow_up`, in one pass that never makes them. A LazyFrame is
    read in batches, so that a folder of Parquet files may be larger than the memory: expressions are then
    evaluated in each batch on its own.

    Parameters
    ----------
    data
        Any table; `polars.scan_parquet("folder/*.parquet")` for more than fits into memory.
    time, entry, event, event_value, causes, censored, cut_at, days_per_year
        As in `split_follow_up`. Follow-up of one moment adds its event and no time.
    by
        One or several columns; separate cells for each combination that occurs.
    scales
        Names and time scales: `{"age": TimeScale(range(0, 101), since="birth")}`.
    batch
        Rows of a LazyFrame that are read at a time.
    missing
        "raise" names what is missing; "drop" leaves those rows out and counts them.

    Returns
    -------
    PersonTime
        `.to_frame()`: the `by` columns, a column for each time scale (the border where the band begins) and
        each event of `cut_at`, with `causes=True` `cause`, `n`, `n_event`, `person_time` (years where
        follow-up has dates). It is itself a table: `rate(table, ...)`. With causes each cell has a row, and
        its person-time, for every cause: take one, `table.to_frame().filter(pl.col("cause") == 1)`.

    Raises
    ------
    DataError
        As `split_follow_up`; and for more than 50 million cells.

    Warns
    -----
    DataWarning
        Where the bands hold less than 5% of the follow-up, in the wrong unit perhaps.

    References
    ----------
    Clayton D, Hills M. Statistical Models in Epidemiology. Oxford 1993, chapter 6.

    Examples
    --------
    Coronary heart disease by attained age.

    >>> import hemresearch as hem
    >>> from hemresearch.epidemiology import TimeScale
    >>> table = hem.epidemiology.person_time(
    ...     hem.data.load("diet"), time="dox", event="chd", entry="doe",
    ...     scales={"age": TimeScale([40, 50, 60, 70], since="dob")},
    ... )  # fmt: skip
    >>> table
    person-time of 337 rows of follow-up
      3 cells by age
      4507 person-years, 46 events
      outside the bands: 96.33 person-years, 0 events
    >>> hem.epidemiology.rate(table, events="n_event", person_time="person_time", by="age", per=1000)
    rate per 1000 units of person-time, events=46
      age=40: 6.615 (2.428 to 14.4)
      age=50: 8.543 (5.063 to 13.5)
      age=60: 14.73 (9.233 to 22.31)
    95% limits: exact (Garwood) of a Poisson count
    """
    plan = make_plan(
        time=time, event=event, entry=entry, scales=scales, cut_at=cut_at, by=by,
        days_per_year=days_per_year, missing=missing,
    )  # fmt: skip
    frame = as_frame(data)
    codes = read_event_codes(frame.lazy(), event, event_value, causes, censored)
    parts = [_cells(part, plan, codes) for part in _batches(frame, plan, batch)]
    return _together(parts, plan, codes)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The cells of some rows: keys, `n`, `person_time`, and the events of each cause as `event.1`, ..."""

    cells: pl.DataFrame
    n: int
    n_dropped: int
    outside: tuple[float, int]
    by: tuple[str, ...]
    time_unit: str | None


def _batches(frame: pl.DataFrame | pl.LazyFrame, plan: Plan, batch: int) -> Iterator[LexisRows]:
    """All rows at once, or those of a lazy table bit by bit."""
    if isinstance(frame, pl.DataFrame):
        yield read_lexis_rows(frame, plan)
        return
    known = frame.collect_schema().names()
    used = [name for name in known if name in plan.roots()]
    passed = 0
    for part in frame.select(used or known[:1]).collect_batches(chunk_size=batch, maintain_order=True):
        try:
            yield read_lexis_rows(part, plan, may_be_empty=True)
        except DataError as refusal:
            raise _further_down(refusal, passed) from None
        passed += part.height


def _further_down(refusal: DataError, passed: int) -> DataError:
    """A refusal of a batch, with its rows counted from the beginning of the table."""
    return DataError(
        refusal.found,
        argument=refusal.argument,
        expected=refusal.expected,
        remedy=refusal.remedy,
        column=refusal.column,
        rows=[passed + row - 1 for row in refusal.rows],
    )


def _cells(rows: LexisRows, plan: Plan, codes: EventCodes) -> Part:
    """Add up the time and events of some rows in every cell."""
    group, labels = group_rows(rows.table), plan.labels()
    size = (len(group), *(len(bands) for bands in labels))
    _refuse_too_many(size, group, plan)
    n_causes = max(len(codes.causes), 1)
    n, time, events = tabulate(
        rows.start, rows.stop, codes.of(rows.table.series("event")), group.code, rows.origin, rows.cuts,
        rows.first, rows.tolerance, len(group), n_causes,
    )  # fmt: skip
    used = np.flatnonzero(n[:-1])
    place, *bands = np.unravel_index(used, size)
    keys = group.levels[place].get_columns() if group.levels.width else []
    keys += [own.gather(band).rename(k) for k, own, band in zip(plan.names, labels, bands, strict=True)]
    counts = [pl.Series(f"event.{k + 1}", events[k, used]) for k in range(n_causes)]
    return Part(
        cells=pl.DataFrame(
            [*keys, pl.Series("n", n[used]), pl.Series("person_time", time[used] / rows.unit), *counts]
        ),
        n=len(rows.start),
        n_dropped=rows.table.n_dropped,
        outside=(float(time[-1] / rows.unit), int(events[:, -1].sum())),
        by=group.names,
        time_unit="years" if rows.dates else rows.time_unit,
    )


def _refuse_too_many(size: tuple[int, ...], group: Groups, plan: Plan) -> None:
    """Refuse a table that would not fit into memory."""
    if math.prod(size) <= MOST_CELLS:
        return
    largest = [", ".join(group.names), *plan.names][int(np.argmax(size))]
    raise DataError(
        f"{math.prod(size):,} cells were asked for, most of them by {largest!r}",
        argument="scales" if largest in plan.names else "by",
        expected=f"at most {MOST_CELLS:,} cells: groups times the bands of every scale",
        remedy="wider bands, or fewer groups",
    )


def _together(parts: list[Part], plan: Plan, codes: EventCodes) -> PersonTime:
    """The cells of all parts, each once and in order."""
    n = sum(part.n for part in parts)
    if n == 0:
        raise DataError(
            "every row has a missing value in a used column",
            argument="data",
            expected="at least one complete row",
            remedy="hem.cohort.missingness(data) to see where they are",
        )
    first = parts[0]
    keys = [*first.by, *plan.names]
    cells = first.cells
    if len(parts) > 1:
        cells = pl.concat([part.cells for part in parts]).group_by(keys).agg(pl.all().sum()).sort(keys)
    counts = [name for name in cells.columns if name.startswith("event.")]
    outside = sum(part.outside[0] for part in parts), sum(part.outside[1] for part in parts)
    inside = float(cells["person_time"].sum())
    warn_if_little(inside, inside + outside[0], argument="scales", unit=first.time_unit)
    return PersonTime(
        frame=_by_cause(cells, keys, counts, codes.causes),
        by=first.by,
        bands=tuple(plan.names),
        time_unit=first.time_unit,
        n=n,
        n_event=int(sum(cells[name].sum() for name in counts)),
        n_dropped=sum(part.n_dropped for part in parts),
        outside=outside,
    )


def _by_cause(
    cells: pl.DataFrame, keys: list[str], counts: list[str], causes: tuple[Any, ...]
) -> pl.DataFrame:
    """The events of each cell in one column: a row per cell, or one per cell and cause."""
    if not causes:
        return cells.select(*keys, "n", pl.col(counts[0]).alias("n_event"), "person_time")
    events = pl.Series("n_event", cells.select(counts).to_numpy().reshape(-1))
    cause = pl.Series("cause", causes).gather(np.tile(np.arange(len(causes)), cells.height))
    repeated = cells[np.arange(cells.height).repeat(len(causes))]
    return repeated.select(*keys, cause, "n", events, "person_time")
