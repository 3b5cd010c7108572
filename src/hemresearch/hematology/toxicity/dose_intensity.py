"""Dose intensity: how much of the planned drug was given, and how fast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from ...errors import DataError, counted, warn
from ...options import check_number
from ...outcomes import read_finite
from ...times import DAYS_PER_WEEK
from .rows import calendar_days, given_back, read_single, refuse_taken

if TYPE_CHECKING:
    import numpy as np

    from ...columns import Column, Table
    from ...options import Missing
    from .expressions import Number

RESULT = (
    "cycles", "dose", "planned_dose", "days", "planned_days", "delay_days", "dose_intensity",
    "planned_dose_intensity", "relative_dose", "relative_dose_intensity", "average_rdi",
)  # fmt: skip


def relative_dose_intensity(
    data: Any,
    *,
    id: Column,
    drug: Column,
    dose: Column,
    planned_dose: Column,
    day: Column | None = None,
    date: Column | None = None,
    cycle_days: Number,
    missing: Missing = "raise",
) -> Any:
    """Dose intensity given and planned of each drug of a patient, their ratio, and its mean over the drugs.

    Dose intensity is dose per week: DI = (sum of doses) / (weeks that the treatment took), planned DI = (sum
    of planned doses) / (planned weeks), and RDI = DI / planned DI, which is (dose / planned dose) x (planned
    time / time). Time runs from the first day of the first cycle to the end of the last one: to its first day
    and then as long as that cycle was planned for. The average RDI of a patient is the mean over the drugs.

    Parameters
    ----------
    data
        A row for each patient, drug and cycle that was planned, also for a dose that was left out: with 0,
        and the day on which the cycle began (or was to begin). Cycles that are in no row are not in the plan,
        so that a treatment stopped early is judged by what was given until then; with a row of 0 for each
        missing cycle, by all that was planned.
    id
        Patient.
    drug
        Name of the drug.
    dose, planned_dose
        In the cycle, in one unit for each drug (mg/m2, mg).
    day, date
        The first day of the cycle: days since any one day, or a date.
    cycle_days
        Planned days from this cycle to the next: a column, or one number such as 21.
    missing
        `"raise"` names what is missing; `"drop"` leaves those rows out, and with them their cycles.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        A row per patient and drug: the id, the drug, `cycles`, `dose`, `planned_dose`, `days`,
        `planned_days`, `delay_days` (their difference), `dose_intensity` and `planned_dose_intensity` (per
        week), `relative_dose` (dose over planned), `relative_dose_intensity`, and `average_rdi` of the
        patient. Ratios are not per cent. Lazy if the data were.

    Raises
    ------
    DataError
        For doses below 0, planned doses and cycles that are not above 0, two rows of a drug on one day of a
        patient, and a day that is not given in one form.

    Warns
    -----
    DataWarning
        If the drugs of a patient have different numbers of cycles: is a dose that was left out in no row?

    References
    ----------
    Hryniuk W, Bush H. J Clin Oncol 1984;2:1281-1288. Longo DL, et al. The calculation of actual or received
    dose intensity: a comparison of published methods. J Clin Oncol 1991 (of a patient's whole course, as
    here). RDI and its mean over drugs as reviewed in Blood Adv 2021;5:2426-2437, table 2.

    Examples
    --------
    >>> import polars as pl
    >>> cycles = pl.DataFrame(
    ...     {
    ...         "patient": ["A"] * 6,
    ...         "drug": ["cyclophosphamide"] * 3 + ["doxorubicin"] * 3,
    ...         "day": [0, 21, 49] * 2,
    ...         "given": [750, 750, 750, 50, 50, 25],
    ...         "planned": [750, 750, 750, 50, 50, 50],
    ...     }
    ... )
    >>> relative_dose_intensity(
    ...     cycles, id="patient", drug="drug", dose="given", planned_dose="planned", day="day", cycle_days=21
    ... ).select(
    ...     "drug", "days", "delay_days", pl.col("relative_dose_intensity", "average_rdi").round(3)
    ... ).rows()
    [('cyclophosphamide', 70.0, 7.0, 0.9, 0.825), ('doxorubicin', 70.0, 7.0, 0.75, 0.825)]
    """
    cycles, names = _read(data, id, drug, dose, planned_dose, day, date, cycle_days, missing)
    per_drug = _per_drug(cycles)
    _warn_unlike(per_drug, names["drug"])
    dose_intensity = pl.col("dose") / pl.col("days") * DAYS_PER_WEEK
    planned = pl.col("planned_dose") / pl.col("planned_days") * DAYS_PER_WEEK
    result = per_drug.with_columns(
        delay_days=pl.col("days") - pl.col("planned_days"),
        dose_intensity=dose_intensity,
        planned_dose_intensity=planned,
        relative_dose=pl.col("dose") / pl.col("planned_dose"),
        relative_dose_intensity=dose_intensity / planned,
    ).with_columns(average_rdi=pl.col("relative_dose_intensity").mean().over("id"))
    return given_back(result.rename(names), data)


def _per_drug(cycles: pl.DataFrame) -> pl.DataFrame:
    """Totals of each drug of a patient; time ends when the last cycle was planned to."""
    last = pl.col("cycle_days").sort_by("day").last()
    return (
        cycles.group_by("id", "drug")
        .agg(
            cycles=pl.len().cast(pl.Int64),
            dose=pl.col("dose").sum(),
            planned_dose=pl.col("planned_dose").sum(),
            days=pl.col("day").max() - pl.col("day").min() + last,
            planned_days=pl.col("cycle_days").sum(),
        )
        .sort("id", "drug")
    )


def _read(
    data: Any, id: Column, drug: Column, dose: Column, planned_dose: Column, day: Column | None,
    date: Column | None, cycle_days: Number, missing: Missing,
) -> tuple[pl.DataFrame, dict[str, str]]:  # fmt: skip
    """The checked rows under the names of their roles, and the user's names of patient and drug."""
    if (day is None) == (date is None):
        raise DataError(
            "the first day of the cycle was not given in one form",
            argument="day",
            expected="day (a number) or date",
            remedy="day='day', or date='first_day'",
        )
    length = _number_or_column(cycle_days)
    when: dict[str, Column | None] = {"day": day} if date is None else {"date": date}
    table = read_single(
        data,
        {"id": id, "drug": drug, "dose": dose, "planned_dose": planned_dose, **when, "cycle_days": length},
        missing,
    )
    names = {role: table.name(role) for role in ("id", "drug")}
    refuse_taken(names, RESULT)
    frame = pl.DataFrame(
        {
            **{role: table.series(role) for role in names},
            "dose": _amount(table, "dose", zero=True),
            "planned_dose": _amount(table, "planned_dose"),
            "day": _first_days(table),
            "cycle_days": _amount(table, "cycle_days"),
        }
    )
    _refuse_twice(table, frame)
    return frame, names


def _number_or_column(cycle_days: Number) -> Column:
    if isinstance(cycle_days, str | pl.Expr):
        return cycle_days
    days = check_number(
        cycle_days, argument="cycle_days", above=0, expected="planned days, or their column", example=21
    )
    return pl.lit(days).alias("cycle_days")


def _amount(table: Table, role: str, *, zero: bool = False) -> np.ndarray:
    """Numbers above 0, or from 0 on."""
    what = "numbers of 0 or more" if zero else "numbers above 0"
    values = read_finite(table, role, what)
    assert values is not None
    wrong = values < 0 if zero else values <= 0
    if wrong.any():
        raise DataError(
            f"has {counted(int(wrong.sum()), 'value')} below {'zero' if zero else 'or at zero'}",
            argument=role,
            column=table.name(role),
            rows=table.positions(wrong),
            expected=what + (" (0 for a dose that was left out)" if zero else ""),
            remedy=f"data.filter(pl.col({table.name(role)!r}) > 0), once the rows are looked at",
        )
    return values


def _first_days(table: Table) -> np.ndarray:
    if "day" in table:
        days = read_finite(table, "day", "days since any one day")
        assert days is not None
        return days
    return calendar_days(table, "date")


def _refuse_twice(table: Table, frame: pl.DataFrame) -> None:
    twice = frame.select(pl.struct("id", "drug", "day").is_duplicated()).to_series().to_numpy()
    if twice.any():
        raise DataError(
            f"has {counted(int(twice.sum()), 'row')} of one drug of a patient on one day",
            argument="drug",
            column=table.name("drug"),
            rows=table.positions(twice),
            expected="one row for each patient, drug and cycle",
            remedy="data.group_by(...).agg(...) to add up the doses of a cycle",
        )


def _warn_unlike(per_drug: pl.DataFrame, name: str) -> None:
    unlike = per_drug.group_by("id").agg(pl.col("cycles").n_unique() > 1)["cycles"].sum()
    if unlike:
        warn(
            f"has different numbers of cycles for the drugs of {counted(int(unlike), 'patient')}",
            argument="drug",
            column=name,
            expected="a row for every planned dose, with a dose of 0 for one that was left out",
            remedy="0 as the dose in rows for what was planned and not given, unless the plan itself differs",
        )
