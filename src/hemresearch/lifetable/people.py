"""Where each patient stands in a life table: the sex and stratum, the age in days and the calendar day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from ..columns import Column, Columns, Table, read_number
from ..errors import DataError, counted, listed, warn
from ..options import TimeUnit, check_choice
from ..times import DAYS_PER_UNIT, check_dates, whole_days
from .cells import may_show, unknown_sex

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .table import LifeTable

Extrapolate = Literal["nearest"]
OLDEST = 130  # years; an age beyond it is in another unit


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """Of each row the group of `LifeTable.rates`, the age in days and the day (since 1970) at time zero."""

    group: np.ndarray
    age: np.ndarray
    day: np.ndarray

    def take(self, index: np.ndarray) -> People:
        """The people of a mask or an index."""
        return People(self.group[index], self.age[index], self.day[index])


def population_roles(
    life_table: LifeTable, *, sex: Column, date: Column, birth: Column | None, age: Column | None
) -> dict[str, Columns]:
    """The roles that `read_people` reads; strata of the table are columns of the same names.

    Raises
    ------
    DataError
        Unless exactly one of `birth` and `age` is given, or `life_table` is no LifeTable.
    """
    from .table import LifeTable

    if not isinstance(life_table, LifeTable):
        raise DataError(
            f"a {type(life_table).__name__} was given",
            argument="life_table",
            expected="a LifeTable",
            remedy='life_table=hem.data.life_table("sweden")',
        )
    if (birth is None) == (age is None):
        raise DataError(
            "neither birth nor age was given" if birth is None else "both birth and age were given",
            argument="birth",
            expected="the date of birth, or the age at the date with its unit",
            remedy="birth='the date of birth', or age='age', age_unit='years'",
        )
    return {"sex": sex, "date": date, "birth": birth, "age": age, "population": life_table.strata.columns}


def read_people(
    table: Table,
    life_table: LifeTable,
    *,
    age_unit: TimeUnit | None = None,
    sexes: Mapping[Any, str] | None = None,
) -> People:
    """Sex, age and calendar day of each row, from the roles of `population_roles`.

    Raises
    ------
    DataError
        For sexes and strata that the life table does not have, dates that are none, an age without its unit,
        negative or impossible ages, and births after the date.
    """
    day = read_days(table, "date")
    age = _age(table, life_table, age_unit, day)
    sex = life_table.codes(table.series("sex"), sexes)
    if (sex < 0).any():
        labels = map(repr, life_table.sexes)
        values = table.series("sex").unique(maintain_order=True)
        told = map(repr, values.to_list()) if may_show(values) else ["..."]
        pairs = ", ".join(f"{value}: ..." for value in told)  # which is which is never guessed
        way_out = f"sexes={{{pairs}}} with the label of each value, {' or '.join(labels)}"
        raise unknown_sex(table, life_table.sexes, sex < 0, way_out)
    group = _stratum(table, life_table) * len(life_table.sexes) + sex
    if life_table.year_turns == "birthday":
        day = day - _days_after_new_year(day - age)
    return People(group, age, day)


def require_within(
    people: People,
    life_table: LifeTable,
    begin: np.ndarray | float,
    end: np.ndarray | float,
    table: Table,
    extrapolate: Extrapolate | None,
) -> None:
    """Refuse follow-up (days after the date) outside the table, or warn of it with `extrapolate="nearest"`.

    The oldest age is open, and nothing is outside above it.
    """
    if extrapolate is not None:
        check_choice(extrapolate, Extrapolate, argument="extrapolate")
    first = np.datetime64(f"{life_table.years[0]:04d}-01-01").astype(np.int64)
    beyond = np.datetime64(f"{life_table.years[-1] + 1:04d}-01-01").astype(np.int64)
    young = people.age + begin < life_table.ages[0] * life_table.days_per_year
    early, late = people.day + begin < first, people.day + end > beyond
    kinds = {f"younger than {life_table.ages[0]}": young, f"before {life_table.years[0]}": early}
    kinds[f"after {life_table.years[-1]}"] = late
    found = [f"{counted(int(mask.sum()), 'row')} {what}" for what, mask in kinds.items() if mask.any()]
    if not found:
        return
    outside = young | early | late
    text = f"has follow-up outside the life table {life_table.name!r}: {listed(found)}"
    expected = (
        f"ages from {life_table.ages[0]} and calendar years {life_table.years[0]}-{life_table.years[-1]}"
    )
    if extrapolate is None:
        raise DataError(
            text, argument="date", column=table.name("date"), rows=table.positions(outside),
            expected=expected,
            remedy="extrapolate='nearest' to carry the nearest rates on, or a table that reaches further",
        )  # fmt: skip
    warn(
        f"{text}, which got the nearest rates", argument="date", column=table.name("date"),
        rows=table.positions(outside), expected=expected,
        remedy="a life table that reaches further, or an earlier end of follow-up",
    )  # fmt: skip


def read_days(table: Table, role: str) -> np.ndarray:
    """Days since 1 January 1970; a time of day is left out."""
    series, name = table.series(role), table.name(role)
    check_dates(series, role, name, f"{role}=pl.col({name!r}).str.to_date()")
    return whole_days(series).to_physical().cast(pl.Float64).to_numpy()


def _age(table: Table, life_table: LifeTable, unit: TimeUnit | None, day: np.ndarray) -> np.ndarray:
    """Ages in days at the date."""
    if "birth" in table:
        age, role, found = (
            day - read_days(table, "birth"),
            "birth",
            f"is after {table.name('date')!r} in {{}}",
        )
    else:
        age, role, found = _age_given(table, life_table, unit), "age", "is below zero in {}"
    wrong = age < 0
    if not wrong.any():
        wrong = age > OLDEST * life_table.days_per_year
        found = f"gives an age above {OLDEST} years in {{}}"
    if wrong.any():
        raise DataError(
            found.format(counted(int(wrong.sum()), "row")),
            argument=role,
            column=table.name(role),
            rows=table.positions(wrong),
            expected=f"ages from 0 to {OLDEST} years at the date",
            remedy="age_unit='days' (or 'months') if the ages are in it" if role == "age" else
            f"data.filter(pl.col({table.name(role)!r}) <= pl.col({table.name('date')!r})), once looked at",
        )  # fmt: skip
    return age


def _age_given(table: Table, life_table: LifeTable, unit: TimeUnit | None) -> np.ndarray:
    age = read_number(table, "age", what="ages", example="birth='the date of birth'")
    if unit is None:
        raise DataError(
            "is given without its unit",
            argument="age_unit",
            column=table.name("age"),
            expected="the unit of the age: it is never guessed",
            remedy="age_unit='years' (or 'months', 'days')",
        )
    check_choice(unit, TimeUnit, argument="age_unit")
    # a year of age is the life table's, so that whole years are whole there
    length = life_table.days_per_year
    return age * {**DAYS_PER_UNIT, "months": length / 12, "years": length}[unit]


def _stratum(table: Table, life_table: LifeTable) -> np.ndarray:
    """The stratum of each row, by the columns that the life table is divided by."""
    if not life_table.strata.width:
        return np.zeros(table.frame.height, dtype=np.int64)
    keys = table.several("population")
    place = life_table.strata.with_row_index("place").with_columns(
        pl.col(n).cast(pl.String) for n in keys.columns
    )
    text = keys.with_columns(pl.all().cast(pl.String))
    found = text.join(place, on=keys.columns, how="left", maintain_order="left")["place"]
    unknown = found.is_null().to_numpy()
    if unknown.any():
        are = "is" if unknown.sum() == 1 else "are"
        raise DataError(
            f"{counted(int(unknown.sum()), 'row')} {are} of strata ({listed(map(repr, keys.columns))}) that "
            "the life table does not have",
            argument="life_table",
            rows=table.positions(unknown),
            expected=f"one of its strata, of which there are {life_table.strata.height} (life_table.strata)",
            remedy="data.filter(...) to the strata of the life table, or a life table that has them",
        )
    return found.cast(pl.Int64).to_numpy()


def _days_after_new_year(birth: np.ndarray) -> np.ndarray:
    """How long after 1 January each one was born."""
    year = np.floor(birth).astype(np.int64).astype("datetime64[D]").astype("datetime64[Y]")
    return birth - year.astype("datetime64[D]").astype(np.int64)
