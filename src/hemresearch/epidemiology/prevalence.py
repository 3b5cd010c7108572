"""Prevalence: who lives with a disease on a date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import Groups, as_frame, group_rows
from ..errors import DataError, counted, listed
from ..formats import number, significant
from ..numerics.exact_limits import wilson_limits
from ..options import Missing, check_conf_level, check_number
from ..results import Estimates
from ..times import DAYS_PER_YEAR
from .lexis_rows import LexisRows, make_plan, read_event_codes, read_lexis_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..columns import Column, Columns
    from .lexis_rows import Plan
    from .time_scale import TimeScale

DATE, WITHIN, POPULATION = "date", "within", "population"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class NumbersOfPersons(Estimates):
    """Prevalence as numbers of persons: all of them were counted, and there is nothing to have limits."""

    def text(self, *, decimals: int = 0) -> str:
        """A sentence with every number."""
        parts = [
            f"{self._label(row)}{number(row['n'], decimals)}" for row in self.frame.iter_rows(named=True)
        ]
        return f"{self.name}: {'; '.join(parts)}"

    def methods(self) -> str:
        """A sentence for the methods section."""
        return "Prevalence was the number of persons alive with the disease on a date."

    def __repr__(self) -> str:
        return "\n".join(Estimates.__repr__(self).splitlines()[:-1])  # without the line of limits


def prevalence(
    data: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    entry: Column,
    by: Columns = None,
    at: Any,
    within: Any = None,
    scales: Mapping[str, TimeScale] | None = None,
    population: Any = None,
    per: float = 1.0,
    days_per_year: float = DAYS_PER_YEAR,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Estimates:
    """Persons alive with a disease on one or several dates, and their share of a population.

    Counted are those diagnosed on that date or before, and followed beyond it or to it without dying: whoever
    emigrated before is not. Complete prevalence counts all of them, partial (limited-duration) prevalence
    those diagnosed `within` so many years. It is complete only if the register is older than the diagnoses of
    those who live.

    Parameters
    ----------
    data
        Any table; a row is a person.
    entry, time
        The dates of diagnosis and of the end of follow-up (or numbers in one unit).
    event, event_value
        Whether the person died then, as in `kaplan_meier`.
    by
        One or several columns; separate counts for each combination that occurs.
    at
        The date, or several.
    within
        Years since diagnosis, one or several, None for complete prevalence: `[5, 10, None]`.
    scales
        Names and time scales, such as `{"age": TimeScale([0, 50, 70, math.inf], since="birth")}`: separate
        counts by the band that a person is in on the date.
    population
        The size of the population: a number, or a table with the column `population` and any of the columns
        of groups, bands and `date`. It gives proportions with Wilson's limits.
    per
        Persons that the proportion is told for: 100 000.
    days_per_year
        The length of a year since diagnosis and on scales counted from a date.
    conf_level
        Level of the limits.
    missing
        "raise" names what is missing; "drop" leaves those rows out and counts them.

    Returns
    -------
    Estimates
        The `by` columns, the bands, `date`, `within` (null: complete), `n` (persons), and with a population
        `population`, `estimate`, `conf_low`, `conf_high`.

    Raises
    ------
    DataError
        Dates and spans that are none; a population that lacks a group, has it twice, or is smaller than the
        number of persons; and as `person_time`.

    References
    ----------
    Capocaccia R, De Angelis R. Stat Med 1997;16:425-440. Gail MH, et al. Biometrics 1999;55:1137-1144.

    Examples
    --------
    Women who lived with rectal cancer at the end of 2005.

    >>> import hemresearch as hem
    >>> from datetime import date
    >>> hem.epidemiology.prevalence(
    ...     hem.data.load("sire"), time="ex_date", event=pl.col("status") > 0, entry="dg_date",
    ...     at=date(2005, 12, 31), within=[5, None],
    ... ).to_frame().rows()  # fmt: skip
    [(datetime.date(2005, 12, 31), 5.0, 1403), (datetime.date(2005, 12, 31), None, 2543)]
    """
    check_conf_level(conf_level)
    check_number(per, argument="per", above=0, expected="persons, such as 100000", example=100_000)
    spans = _spans(within)
    plan = make_plan(
        time=time, event=event, entry=entry, scales=scales or {}, cut_at=None, by=by,
        days_per_year=days_per_year, missing=missing, scales_needed=False,
    )  # fmt: skip
    frame = as_frame(data).lazy().collect()
    codes = read_event_codes(frame.lazy(), event, event_value, False, None)
    rows = read_lexis_rows(frame, plan)
    days = _days(at, rows)
    _refuse_own_names([*rows.table.names["by"], *plan.names])
    group, died = group_rows(rows.table), codes.of(rows.table.series("event")) > 0
    counts = [_alive(rows, plan, group, died, label, day, span) for label, day in days for span in spans]
    found = pl.concat(counts).sort([*group.names, *plan.names], maintain_order=True)
    if population is not None:
        found = _shares(found, population, per, conf_level)
    result = NumbersOfPersons if population is None else Estimates
    return result(
        frame=found,
        name="prevalence" if population is None else f"prevalence per {significant(per)}",
        method="numbers of persons" if population is None else "Wilson",
        conf_level=conf_level,
        n=len(rows.start),
        n_event=float(died.sum()),
        n_dropped=rows.table.n_dropped,
    )


def _refuse_own_names(names: list[str]) -> None:
    for name in {DATE, WITHIN, POPULATION} & set(names):
        raise DataError(
            "has the name of a column of the result",
            argument="by",
            column=name,
            expected="another name for groups and time scales",
            remedy=f"by=pl.col({name!r}).alias('{name}_group')",
        )


def _alive(
    rows: LexisRows, plan: Plan, group: Groups, died: np.ndarray, label: Any, day: float, span: float | None
) -> pl.DataFrame:
    """How many of each group, in each band, were alive at a date with a diagnosis not older than the span."""
    followed = (rows.stop > day) | ((rows.stop == day) & ~died)
    counted_in = (rows.start <= day) & followed
    if span is not None:
        counted_in &= day - rows.start <= span * rows.unit + rows.tolerance
    place, size = group.code.copy(), [len(group)]
    for s, labels in enumerate(plan.labels()):
        borders = rows.cuts[rows.first[s] : rows.first[s + 1]]
        band = np.searchsorted(borders, day - rows.origin[:, s] + rows.tolerance, side="right") - 1
        counted_in &= (band >= 0) & (band < len(labels))
        place = place * len(labels) + np.clip(band, 0, len(labels) - 1)
        size.append(len(labels))
    n = np.bincount(place[counted_in], minlength=int(np.prod(size)))
    where = np.unravel_index(np.arange(len(n)), size)
    keys = group.levels[where[0]].get_columns() if group.levels.width else []
    for name, labels, band in zip(plan.names, plan.labels(), where[1:], strict=True):
        keys.append(labels.gather(band).rename(name))
    told = [
        pl.Series(DATE, [label] * len(n)),
        pl.Series(WITHIN, [span] * len(n), dtype=pl.Float64),
        pl.Series("n", n),
    ]
    return pl.DataFrame([*keys, *told])


def _spans(within: Any) -> list[float | None]:
    """Years since diagnosis; None for all."""
    spans = list(within) if isinstance(within, list | tuple | np.ndarray) else [within]
    return [
        None
        if span is None
        else check_number(
            span, argument="within", above=0, expected="years since diagnosis, or None for all", example=5.0
        )
        for span in spans
    ]


def _days(at: Any, rows: LexisRows) -> list[tuple[Any, float]]:
    """The dates asked for, with the moments they are."""
    asked = list(at) if isinstance(at, list | tuple | np.ndarray | pl.Series) else [at]
    if rows.dates and asked and all(type(day) is date for day in asked):
        return [(day, float((day - date(1970, 1, 1)).days)) for day in asked]
    numbers = all(isinstance(day, int | float | np.number) and np.isfinite(day) for day in asked)
    if not rows.dates and asked and numbers:
        return [(float(day), float(day)) for day in asked]
    raise DataError(
        "something else than moments on the scale of `time` was given",
        argument="at",
        expected="a date or several" if rows.dates else "a number or several, on the scale of `time`",
        remedy="at=date(2020, 12, 31)" if rows.dates else "at=2020.0",
    )


def _shares(found: pl.DataFrame, population: Any, per: float, conf_level: float) -> pl.DataFrame:
    """Counts as shares of a population."""
    joined = found.with_columns(_sizes(found, population))
    size, n = joined[POPULATION].to_numpy().astype(float), joined["n"].to_numpy().astype(float)
    wrong = ~(size >= np.maximum(n, 1))
    if wrong.any():
        raise DataError(
            f"is smaller than the number of persons in {counted(int(wrong.sum()), 'group')}",
            argument=POPULATION,
            expected="the whole population that the persons belong to",
            remedy="the population of all ages and groups that were counted",
        )
    low, high = wilson_limits(n, size, conf_level)
    return joined.with_columns(
        estimate=pl.Series(n / size * per), conf_low=pl.Series(low * per), conf_high=pl.Series(high * per)
    )


def _sizes(found: pl.DataFrame, population: Any) -> pl.Series:
    """The population of every row."""
    if isinstance(population, int | float | np.number):
        size = check_number(population, argument=POPULATION, above=0, expected="its size", example=10_000_000)
        return pl.Series(POPULATION, [size] * found.height)
    table = as_frame(population).lazy().collect()
    shared = [name for name in found.columns if name in table.columns and name not in ("n", WITHIN)]
    if POPULATION not in table.columns or not table[POPULATION].dtype.is_numeric() or not shared:
        raise DataError(
            f"has the columns {listed(map(repr, table.columns))}",
            argument=POPULATION,
            expected="a number, or a table with 'population' and some of "
            + listed(repr(name) for name in found.columns if name not in ("n", WITHIN)),
            remedy="population=10_000_000",
        )
    sizes = table.select(
        *(pl.col(name).cast(found.schema[name], strict=False) for name in shared), POPULATION
    )
    joined = found.join(sizes, on=shared, how="left", maintain_order="left")
    if joined.height > found.height or joined[POPULATION].null_count():
        at_fault = "has a group twice" if joined.height > found.height else "lacks a group"
        raise DataError(
            f"{at_fault} of {listed(map(repr, shared))}",
            argument=POPULATION,
            expected="one row for each group, band and date",
            remedy=f"population.group_by({shared!r}).agg(pl.col('population').sum())",
        )
    return joined[POPULATION]
