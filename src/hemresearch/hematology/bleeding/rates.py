"""Annualised bleeding rates of groups of patients, of one patient, and the share without bleeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ...columns import Column, Columns, as_frame, as_list, read_table
from ...errors import DataError, counted, warn
from ...events import read_counts
from ...options import Missing, TimeUnit, check_choice, check_number
from ...outcomes import read_duration
from ...recurrent.event_rate import RateModel, RateQuantile, ShareLimits, event_free_share, event_rate
from ...results import Estimates
from ...start_stop import type_of
from ...times import DAYS_PER_UNIT, DAYS_PER_YEAR, MICROSECONDS_PER_DAY

if TYPE_CHECKING:
    from collections.abc import Iterable

KIND = "kind"
SHORT = 90.0  # days: a single bleed in them is already a rate of four a year


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class EstimatesByKind(Estimates):
    """Estimates of each kind of bleed and group, called by these in a sentence."""

    def _label(self, row: dict[str, Any]) -> str:
        names = self.frame.columns[: self.frame.columns.index("n")]
        words = (row[name] if isinstance(row[name], str) else f"{name}={row[name]}" for name in names)
        return f"{', '.join(words)} "


def bleeding_rate(
    data: Any,
    *,
    events: Mapping[str, Column],
    person_time: Column,
    unit: TimeUnit,
    id: Column | None = None,
    by: Columns = None,
    model: RateModel = "negative-binomial",
    limits: RateQuantile = "normal",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Estimates:
    """Annualised bleeding rates of groups of patients: ABR, of joint bleeds AjBR, of spontaneous ones AsBR.

    Bleeds over patient-years of all patients of a group together, of each kind of bleed: what `event_rate`
    estimates, told per year. It is not the mean of the rates of individuals, in which a patient with 3 bleeds
    in 10 days, a rate of 110 a year, counts as much as one who was followed for ten years.

    Parameters
    ----------
    data
        One row per patient, or per patient and regimen, as `bleed_counts` gives it.
    events
        For each kind of bleed its name and the column with the number of bleeds:
        `{"all": "bleeds", "joint": "joint"}`.
    person_time
        Time in which they were seen.
    unit
        Its unit: `"days"`, `"weeks"`, `"months"` (30.4375 days) or `"years"` (365.25 days).
    id
        The patient, where one has several rows, whose counts are added up within a group.
    by
        One or several columns, such as the regimen. The rates of two regimens are not independent where the
        same patients had both: `switch_ratio` compares them.
    model
        What the limits stand on, as in `event_rate`: "negative-binomial", "robust", or "poisson", whose
        limits are too narrow unless all patients bleed at the same rate.
    limits
        "normal"; or "t", which is wider where patients are few: of 10 to 20, normal limits of 95 % held the
        true rate in 90 to 93 % of simulated samples (see the notes of `event_rate`).
    conf_level
        Level of the limits.
    missing
        "raise" names what is missing; "drop" leaves those rows out and counts them.

    Returns
    -------
    Estimates
        `kind`, the `by` columns, then as `event_rate`; `person_time` is in years. `n_event` of the summary
        counts the bleeds of the first kind.

    Raises
    ------
    DataError
        As `event_rate`; and without a kind of bleed.

    Warns
    -----
    DataWarning
        As `event_rate`, for each kind.

    Examples
    --------
    >>> import polars as pl
    >>> season = pl.DataFrame(
    ...     {
    ...         "bleeds": [3, 0, 8, 2, 1, 5],
    ...         "joint": [1, 0, 6, 2, 0, 2],
    ...         "days": [365, 365, 300, 400, 365, 120],
    ...     }
    ... )
    >>> bleeding_rate(season, events={"all": "bleeds", "joint": "joint"}, person_time="days", unit="days")
    bleeding rate per patient-year, n=6, events=19
      kind=all: 4.65 (1.828 to 11.83), n 6
      kind=joint: 2.455 (0.8541 to 7.058), n 6
    95% limits: negative binomial in each group, normal on the log scale
    """
    frame = _collected(data)
    years = _years(frame, person_time, unit)
    found = _by_kind(
        events, by,
        lambda column: event_rate(
            frame, events=column, person_time=years, id=id, by=by, model=model, limits=limits,
            conf_level=conf_level, missing=missing,
        ),
    )  # fmt: skip
    return replace(found, name="bleeding rate per patient-year", time_unit="years")


def bleed_free_share(
    data: Any,
    *,
    events: Mapping[str, Column],
    person_time: Column,
    id: Column | None = None,
    by: Columns = None,
    limits: ShareLimits = "wilson",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Estimates:
    """Share of patients without a bleed (zero bleeds), of each kind of bleed.

    Comparable only where all were followed equally long; there is a warning where they were not, and
    `kaplan_meier` of the time to the first bleed answers the question then.

    Parameters
    ----------
    data, events, id, by, missing
        As in `bleeding_rate`.
    person_time
        Time in which bleeds were seen, in any unit.
    limits
        "wilson", or "exact".
    conf_level
        Level of the limits.

    Returns
    -------
    Estimates
        `kind`, the `by` columns, then as `event_free_share`.

    Raises
    ------
    DataError
        As `bleeding_rate`.

    Warns
    -----
    DataWarning
        As `event_free_share`.

    Examples
    --------
    >>> import polars as pl
    >>> season = pl.DataFrame({"bleeds": [0, 2, 0, 1], "joint": [0, 0, 0, 1], "years": 1.0})
    >>> share = bleed_free_share(season, events={"all": "bleeds", "joint": "joint"}, person_time="years")
    >>> share.to_frame().select("kind", "n", "estimate").rows()
    [('all', 4, 0.5), ('joint', 4, 0.75)]
    """
    frame = _collected(data)
    return _by_kind(
        events, by,
        lambda column: event_free_share(
            frame, events=column, person_time=person_time, id=id, by=by, limits=limits, conf_level=conf_level,
            missing=missing,
        ),
    )  # fmt: skip


def patient_bleeding_rate(
    data: Any,
    *,
    events: Column,
    person_time: Column,
    unit: TimeUnit,
    name: str = "abr",
    least: float = SHORT,
) -> Any:
    """The annualised bleeding rate of each row, as a column: to look at patients, not to be averaged.

    Bleeds times 365.25 over days, as `scores.annualised_bleeding_rate`. It is no basis for the mean of a
    group (see `bleeding_rate`), and of a short time it says little: there is a warning for rows of fewer than
    `least` days.

    Parameters
    ----------
    data, events, person_time, unit
        As in `bleeding_rate`, with one kind of bleed. Where either is missing, so is the rate.
    name
        Name of the new column.
    least
        Days below which a rate is warned of.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        The data (lazy if they were) with the rate per year.

    Raises
    ------
    DataError
        For counts that are none, person-time that is not above 0, and a name that is taken.

    Warns
    -----
    DataWarning
        For rows of fewer than `least` days.

    Examples
    --------
    >>> import polars as pl
    >>> season = pl.DataFrame({"bleeds": [3, 0], "days": [182.625, 400.0]})
    >>> patient_bleeding_rate(season, events="bleeds", person_time="days", unit="days")["abr"].to_list()
    [6.0, 0.0]
    """
    check_number(least, argument="least", at_least=0, expected="days of 0 or more", example=90.0)
    whole = _collected(data)
    refuse_taken(name, whole.columns)
    table = read_table(
        whole, {"events": events, "person_time": _years(whole, person_time, unit)}, missing="drop"
    )
    count, (years, _) = read_counts(table), read_duration(table, "person_time")
    days, column = years * DAYS_PER_YEAR, table.name("person_time")
    none = ~(days > 0)
    if none.any():
        raise DataError(
            f"leaves {counted(int(none.sum()), 'row')} without person-time",
            argument="person_time",
            column=column,
            rows=table.positions(none),
            expected="person-time above 0, or null",
            remedy="data.filter(...) to the rows with follow-up",
        )
    short = days < least
    if short.any():
        warn(
            f"is less than {least:g} days in {counted(int(short.sum()), 'row')}, in which a rate per year "
            "says more than was seen",
            argument="least",
            column=column,
            rows=table.positions(short),
            expected=f"{least:g} days or more for the rate of one patient",
            remedy="bleeding_rate(...), in which each patient counts by the time that was seen",
        )
    rate = np.full(whole.height, np.nan)
    rate[slice(None) if table.row is None else table.row] = count / years
    result = whole.with_columns(pl.Series(name, rate).fill_nan(None))
    return result.lazy() if isinstance(data, pl.LazyFrame) else result


def refuse_taken(name: Any, known: Iterable[str], argument: str = "name") -> None:
    """Refuse the name of a new column that is no name, or is taken."""
    is_name = isinstance(name, str) and bool(name)
    if is_name and name not in known:
        return
    raise DataError(
        "is in the data already" if is_name else f"{name!r} is not a name",
        argument=argument,
        column=name if is_name else None,
        expected="a new name for the column that is made",
        remedy=f"{argument}='{name}_2'" if is_name else f"{argument}='bleeds_a_year'",
    )


def _collected(data: Any) -> pl.DataFrame:
    frame = as_frame(data)
    return frame.collect() if isinstance(frame, pl.LazyFrame) else frame


def _years(frame: pl.DataFrame, person_time: Column, unit: TimeUnit) -> pl.Expr:
    """Person-time in years, under the name of its column; durations tell their unit themselves."""
    check_choice(unit, TimeUnit, argument="unit")
    column = pl.col(person_time) if isinstance(person_time, str) else person_time
    if not set(column.meta.root_names()) <= set(frame.columns):
        return column  # refused where it is read, with near names
    dtype = type_of(frame, column)
    if isinstance(dtype, pl.Duration):
        return column.dt.total_microseconds() / (MICROSECONDS_PER_DAY * DAYS_PER_YEAR)
    if not dtype.is_numeric():
        return column  # refused where it is read
    return column * (DAYS_PER_UNIT[unit] / DAYS_PER_YEAR)


def _by_kind(events: Mapping[str, Column], by: Columns, estimate: Callable[[Column], Estimates]) -> Estimates:
    """The estimates of each kind of bleed in one table."""
    if not isinstance(events, Mapping) or not events:
        raise DataError(
            "no kind of bleed was given"
            if isinstance(events, Mapping)
            else f"a {type(events).__name__} was given",
            argument="events",
            expected="for each kind of bleed its name and the column with its number",
            remedy="events={'all': 'bleeds'}",
        )
    if KIND in [c if isinstance(c, str) else c.meta.output_name() for c in as_list(by)]:
        raise DataError(
            "has the name of a column of the result",
            argument="by",
            column=KIND,
            expected="another name for a grouping column",
            remedy=f"by=pl.col({KIND!r}).alias('regimen')",
        )
    found = {str(kind): estimate(column) for kind, column in events.items()}
    frames = [e.frame.select(pl.lit(kind).alias(KIND), pl.all()) for kind, e in found.items()]
    first = replace(next(iter(found.values())), frame=pl.concat(frames, how="vertical_relaxed"))
    return EstimatesByKind(**{each.name: getattr(first, each.name) for each in fields(first)})
