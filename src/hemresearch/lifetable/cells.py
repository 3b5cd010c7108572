"""From a tidy table of mortality to a full array of hazards: every check of a life table's numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from ..columns import Table, group_rows, read_number, read_table
from ..errors import DataError, counted, listed, warn
from ..events import SHOWN_LEVELS, printable
from ..options import check_choice

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MissingRates = Literal["raise", "previous age"]
FURTHEST = 0.2  # how far (relatively) a probability may be from the one that its rate implies
A_WAY_OUT = "missing_rates='previous age' to carry the rate of the age below on, with their number"


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Hazards per year [stratum, sex, age, year], for every single age and year."""

    hazard: np.ndarray
    ages: np.ndarray
    years: np.ndarray
    strata: pl.DataFrame


def read_cells(
    table: Table,
    sexes: Mapping[str, Any],
    bands: Sequence[str],
    last_year: int | None,
    missing_rates: MissingRates,
) -> Cells:
    """The hazards of every sex, age and year, refused where one is doubled, impossible or not there."""
    check_choice(missing_rates, MissingRates, argument="missing_rates")
    age, year = _whole(table, "age"), _whole(table, "year")
    hazard = _hazard(table)
    strata = group_rows(table, "strata")
    codes = (strata.code, _sex_of_rows(table, sexes), *_positions(age, year))
    ages, years = np.unique(age), np.unique(year)
    shape = (len(strata), len(sexes), len(ages), len(years))
    full = np.full(shape, np.nan)
    _refuse_doubled(table, np.ravel_multi_index(codes, shape))
    full[codes] = hazard
    listed_cells = np.zeros(shape, dtype=bool)
    listed_cells[codes] = True
    _refuse_gaps(listed_cells, ages, years, bands)
    full = _settled(full, missing_rates)
    last = int(years[-1]) if last_year is None else _check_last_year(last_year, years)
    every_age = np.arange(ages[0], ages[-1] + 1)
    every_year = np.arange(years[0], last + 1)
    at_age = np.searchsorted(ages, every_age, side="right") - 1
    at_year = np.searchsorted(years, every_year, side="right") - 1
    spread = np.ascontiguousarray(full[:, :, at_age][:, :, :, at_year])
    return Cells(spread, every_age, every_year, strata.levels)


def table_of(frame: Any, roles: dict[str, Any]) -> Table:
    """The columns of a life table; what is missing is left for the checks of each."""
    return read_table(frame, roles, nullable=("rate", "q", "deaths", "population"))


def _positions(age: np.ndarray, year: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.unique(age, return_inverse=True)[1], np.unique(year, return_inverse=True)[1]


def _whole(table: Table, role: str) -> np.ndarray:
    """Completed years of age, or calendar years."""
    expected = "whole numbers (of an age group or a period of several years, its first)"
    values = read_number(
        table, role, what=expected, example=f"{role}=pl.col({table.name(role)!r}).str.extract(r'(\\d+)')"
    )
    wrong = (values != np.round(values)) | (values < 0)
    if wrong.any():
        raise DataError(
            f"has {counted(int(wrong.sum()), 'value')} that are no whole numbers of years",
            argument=role,
            column=table.name(role),
            rows=table.positions(wrong),
            expected=expected,
            remedy=f"{role}=pl.col({table.name(role)!r}).floor()",
        )
    return values.astype(np.int64)


def _sex_of_rows(table: Table, sexes: Mapping[str, Any]) -> np.ndarray:
    code = sex_codes(table.series("sex"), sexes)
    unknown = code < 0
    if unknown.any():
        raise unknown_sex(table, sexes, unknown, "sexes={...} with the code of each sex in the table")
    return code


def sex_codes(values: pl.Series, sexes: Mapping[str, Any]) -> np.ndarray:
    """The position of each value among the sexes, known by their label or by their code; -1 for others."""
    known = {label: i for i, label in enumerate(sexes)}
    known |= {_plain(code): i for i, code in enumerate(sexes.values()) if code is not None}
    distinct = values.unique(maintain_order=True)
    plain = distinct.cast(pl.String) if distinct.dtype in (pl.Categorical, pl.Enum) else distinct
    found = {value: known.get(_plain(value), -1) for value in plain.to_list()}
    text = values.cast(pl.String) if values.dtype in (pl.Categorical, pl.Enum) else values
    return text.replace_strict(found, return_dtype=pl.Int64).to_numpy()


def unknown_sex(table: Table, sexes: Mapping[str, Any], unknown: np.ndarray, remedy: str) -> DataError:
    """The refusal of values that are no sex of the life table, each with how often it occurs."""
    values = table.series("sex").filter(pl.Series(unknown)).value_counts(sort=True)
    shown = [f"{value!r} ({counted(n, 'row')})" for value, n in values.iter_rows()]
    held = listed(shown) if may_show(values.to_series()) else counted(len(shown), "value")
    known = [repr(label) + ("" if code is None else f" or {code!r}") for label, code in sexes.items()]
    return DataError(
        f"holds {held}, which the life table does not know",
        argument="sex",
        column=table.name("sex"),
        rows=table.positions(unknown),
        expected="the sexes of the table: " + ", ".join(known),
        remedy=remedy,
    )


def may_show(values: pl.Series) -> bool:
    """Whether distinct values may be printed: they are few, and look unlike identifiers."""
    texts = [str(value) for value in values.to_list()]
    return len(texts) <= SHOWN_LEVELS and printable(texts) == texts


def refuse_shared_codes(sexes: Mapping[str, Any]) -> None:
    """Refuse a value that means two sexes: a code given twice, or one that is the label of another sex."""
    meant = [{label, code} - {None} for label, code in sexes.items()]
    every = [value for values in meant for value in values]
    twice = [value for value in dict.fromkeys(every) if every.count(value) > 1]
    if twice:
        raise DataError(
            f"{dict(sexes)!r} was given, where {listed(map(repr, twice))} would mean two sexes",
            argument="sexes",
            expected="a code of its own for each sex, and none that is the label of another",
            remedy=f"sexes={{{', '.join(f'{label!r}: ...' for label in sexes)}}} with the code of each",
        )


def _plain(value: Any) -> Any:
    """A value that equals nothing of another kind: True is not 1."""
    return str(value) if isinstance(value, bool) else value


def _hazard(table: Table) -> np.ndarray:
    """Death rates per year, from whichever was given; NaN where it is not known."""
    if "deaths" in table:
        return _from_counts(table)
    if "rate" not in table:
        return _from_probabilities(table)
    rate = _numbers(table, "rate", "death rates per person-year")
    _refuse(table, "rate", rate < 0, "has {} below zero", "death rates of zero or more")
    if "q" in table:
        _refuse_disagreement(table, rate)
    return rate


def _from_counts(table: Table) -> np.ndarray:
    deaths = _numbers(table, "deaths", "numbers of deaths")
    people = _numbers(table, "population", "mean populations or person-years")
    _refuse(table, "deaths", deaths < 0, "has {} below zero", "numbers of deaths")
    _refuse(table, "population", people < 0, "has {} below zero", "mean populations or person-years")
    _refuse(
        table, "deaths", (deaths > 0) & (people == 0), "has {} above zero where nobody lived",
        "deaths among people of the population",
    )  # fmt: skip
    return np.where(people > 0, deaths / np.where(people > 0, people, 1.0), np.nan)


def _from_probabilities(table: Table) -> np.ndarray:
    q = _numbers(table, "q", "probabilities of dying within a year")
    _refuse(table, "q", q < 0, "has {} below zero", "probabilities from 0 to 1")
    _refuse(table, "q", q > 1, "has {} above 1", "probabilities from 0 to 1, not per mille")
    with np.errstate(divide="ignore"):
        # a probability of 1 closes a table and is no rate
        return np.where(q < 1, -np.log1p(-np.where(q < 1, q, 0.0)), np.nan)


def _numbers(table: Table, role: str, what: str) -> np.ndarray:
    values = read_number(table, role, what=what, example=f"{role}='a numeric column'")
    _refuse(table, role, np.isinf(values), "has {} that are infinite", what)
    return values


def _refuse(table: Table, role: str, at_fault: np.ndarray, found: str, expected: str) -> None:
    if not at_fault.any():
        return
    raise DataError(
        found.format(counted(int(at_fault.sum()), "value")),
        argument=role,
        column=table.name(role),
        rows=table.positions(at_fault),
        expected=expected,
        remedy=f"another column as {role}=, once these rows have been looked at",
    )


def _refuse_disagreement(table: Table, rate: np.ndarray) -> None:
    """A rate and a probability of one cell that cannot both be right: a unit, or an order, is wrong."""
    q = _numbers(table, "q", "probabilities of dying within a year")
    implied = -np.expm1(-rate)
    with np.errstate(invalid="ignore"):
        far = (np.abs(q - implied) > FURTHEST * implied) & (q < 0.5) & (implied < 0.5)
    if far.any():
        raise DataError(
            f"and q={table.name('q')!r} disagree in {counted(int(far.sum()), 'row')} by more than "
            f"{FURTHEST:.0%}: a yearly rate implies the probability 1 - exp(-rate)",
            argument="rate",
            column=table.name("rate"),
            rows=table.positions(far),
            expected="rates per person-year beside probabilities of dying within a year",
            remedy=f"rate={table.name('rate')!r} or q={table.name('q')!r} alone, in the right unit",
        )


def _refuse_doubled(table: Table, cell: np.ndarray) -> None:
    first = np.unique(cell, return_index=True)[1]
    if len(first) == len(cell):
        return
    again = np.ones(len(cell), dtype=bool)
    again[first] = False
    raise DataError(
        f"holds {counted(int(again.sum()), 'row')} whose sex, age and year were there before",
        argument="frame",
        rows=table.positions(again),
        expected="one row for each sex, age and year (of each stratum)",
        remedy="strata=... with the columns that tell these rows apart",
    )


def _refuse_gaps(present: np.ndarray, ages: np.ndarray, years: np.ndarray, bands: Sequence[str]) -> None:
    for role, values in (("age", ages), ("year", years)):
        skipped = sorted(set(range(int(values[0]), int(values[-1]))) - set(values.tolist()))
        if skipped and role not in bands:
            raise DataError(
                f"holds no {role} {listed(skipped)} between {values[0]} and {values[-1]}",
                argument="frame",
                expected=f"every {role}, or {role}s that are the first of a band",
                remedy=f"bands=({role!r},) if a rate holds until the next {role} of the table",
            )
    absent = ~present
    if absent.any():
        s, x, a, y = (index[0] for index in np.nonzero(absent))
        raise DataError(
            f"has no row for {counted(int(absent.sum()), 'cell')} of sex, age and year, the first of them "
            f"age {ages[a]} in {years[y]} (sex {x + 1} of {present.shape[1]}"
            + (f", stratum {s + 1})" if present.shape[0] > 1 else ")"),
            argument="frame",
            expected="a row for every sex, age and year (of every stratum)",
            remedy="frame.filter(...) to the ages and years that are complete",
        )


def _settled(hazard: np.ndarray, missing_rates: MissingRates) -> np.ndarray:
    """No rate missing: refused, or that of the age below, with their number."""
    absent = np.isnan(hazard)
    n = int(absent.sum())
    if not n:
        return hazard
    first = absent[:, :, 0].any()
    if missing_rates == "raise" or first:
        where = " (some of the lowest age)" if first else ""
        raise DataError(
            f"has {counted(n, 'cell')} without a rate{where}: it is missing, nobody lived, or q is 1",
            argument="frame",
            expected="a rate in every cell; the oldest age is open and needs one as well",
            remedy="frame.filter(...) to the ages and years with rates" if first else A_WAY_OUT,
        )
    warn(
        f"has {counted(n, 'cell')} without a rate, which got that of the age below",
        argument="frame",
        expected="a rate in every cell",
        remedy="frame.filter(...) to the ages with rates; the oldest of them is open",
    )
    ages = np.where(absent, -1, np.arange(hazard.shape[2])[:, None])
    return np.take_along_axis(hazard, np.maximum.accumulate(ages, axis=2), axis=2)


def _check_last_year(last_year: Any, years: np.ndarray) -> int:
    if isinstance(last_year, int) and last_year >= years[-1]:
        return last_year
    raise DataError(
        f"{last_year!r} was given",
        argument="last_year",
        expected=f"the last calendar year of the last band, {years[-1]} or later",
        remedy=f"last_year={years[-1]}",
    )
