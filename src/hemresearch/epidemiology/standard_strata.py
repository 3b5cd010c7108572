"""Rates in the strata of a standard population: where each row belongs, and what its stratum weighs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import Groups, Table, as_frame, group_rows, read_number, read_table
from ..errors import DataError, counted, listed
from ..events import read_counts
from ..numerics.standardized_rate import StandardizedRate, standardized_rate
from ..options import Missing, check_choice
from ..outcomes import read_duration
from ..personal_numbers import check_groups
from .standard_populations import AGES, WEIGHTS, Standard
from .totals import Totals, in_groups, refuse_person_time

if TYPE_CHECKING:
    from ..columns import Column, Columns

WEIGHT = "weight"


@dataclass(frozen=True, slots=True, eq=False)
class StandardizedTotals:
    """The totals of every group and its rate in the standard population, which `standard` names."""

    totals: Totals
    rate: StandardizedRate
    standard: str


@dataclass(frozen=True, slots=True, eq=False)
class Strata:
    """The stratum of every row (-1 where it is outside of the standard), labels and weights of the strata."""

    code: np.ndarray
    labels: list[str]
    weight: np.ndarray

    def that_count(self) -> Strata:
        """Those with a weight above 0; rows of the others are outside of the standard."""
        counts = self.weight > 0
        place = np.append(np.where(counts, np.cumsum(counts) - 1, -1), -1)  # the last is that of -1
        labels = [label for label, one in zip(self.labels, counts, strict=True) if one]
        return Strata(place[self.code], labels, self.weight[counts])


def read_standardized(
    data: Any,
    *,
    events: Column,
    person_time: Column,
    age: Column | None,
    strata: Columns,
    standard: Any,
    ages: tuple[float, float] | None,
    by: Columns,
    missing: Missing,
) -> StandardizedTotals:
    """Read events and person-time by stratum; every stratum of every group has some person-time."""
    _refuse_both(age, strata, ages)
    roles: dict[str, Columns] = {
        "events": events, "person_time": person_time, "age": age, "strata": strata, "by": by,
    }  # fmt: skip
    table = read_table(data, roles, missing=missing)
    count, (time, unit) = read_counts(table), read_duration(table, "person_time")
    refuse_person_time(table, count, time)
    s = (_age_bands(table, standard, ages) if age is not None else _own_strata(table, standard)).that_count()
    group, used = group_rows(table), s.code >= 0
    shape = len(group), len(s.weight)
    cell = (group.code * shape[1] + s.code)[used]
    d, y = (
        np.bincount(cell, part[used], minlength=shape[0] * shape[1]).reshape(shape) for part in (count, time)
    )
    totals = Totals(
        events=d.sum(axis=1),
        person_time=y.sum(axis=1),
        group=group,
        names={role: names[0] for role, names in table.names.items() if names},
        n_dropped=table.n_dropped,
        time_unit=unit,
    )
    _refuse_empty_strata(totals, y, s, "age" if age is not None else "strata")
    name = standard if isinstance(standard, str) else "own"
    span = "" if ages is None else f", ages {ages[0]:g} to {ages[1]:g}"
    return StandardizedTotals(
        totals, standardized_rate(d, y, s.weight / s.weight.sum()), f"{name} standard{span}"
    )


def _refuse_both(age: Column | None, strata: Columns, ages: tuple[float, float] | None) -> None:
    if (age is None) == (strata is None):
        raise DataError(
            "neither age nor strata were given" if age is None else "age was given together with strata",
            argument="age",
            expected="age for a standard by age, or strata for a standard of your own by other columns",
            remedy="age='age', standard='europe 2013'",
        )
    if ages is not None and age is None:
        raise DataError(
            "a span of ages was given without age",
            argument="ages",
            expected="age, the column of ages",
            remedy="age='age', or ages=None",
        )


def _age_bands(table: Table, standard: Any, ages: tuple[float, float] | None) -> Strata:
    """Bands that begin at the ages of the standard; of these those within a span, if one was given."""
    start, weight = _standard_by_age(standard)
    age = read_number(table, "age", what="age as a number of years", example="age='age'")
    outside = ~(np.isfinite(age) & (age >= 0))
    if outside.any():
        raise DataError(
            f"has {counted(int(outside.sum()), 'age')} below 0 or infinite",
            argument="age",
            column=table.name("age"),
            rows=table.positions(outside),
            expected="ages in years, or the age at which a band begins",
            remedy=f"data.filter(pl.col({table.name('age')!r}) >= 0)",
        )
    code = np.searchsorted(start, age, side="right") - 1
    if ages is not None:
        low, high = _span(ages, start)
        code = np.where((code >= low) & (code < high), code - low, -1)
        start, weight = start[low:high], weight[low:high]
    _refuse_rows_without_weight(table, code < 0, ages)
    return Strata(code, [f"{value:g}" for value in start], weight)


def _refuse_rows_without_weight(table: Table, lost: np.ndarray, ages: tuple[float, float] | None) -> None:
    """Rows below the first band of a standard; with a span of ages they are meant to be left out."""
    if ages is not None or not lost.any():
        return
    raise DataError(
        f"has {counted(int(lost.sum()), 'row')} below the first age of the standard",
        argument="age",
        column=table.name("age"),
        rows=table.positions(lost),
        expected="a standard from the lowest age on",
        remedy="standard={0: ..., ...}, or data.filter(...) to the ages of the standard",
    )


def _span(ages: tuple[float, float], start: np.ndarray) -> tuple[int, int]:
    """Places of the first band of a span and of the one after its last."""
    borders = [*start.tolist(), np.inf]
    if len(ages) == 2 and ages[0] in borders and ages[1] in borders and ages[0] < ages[1]:
        return borders.index(ages[0]), borders.index(ages[1])
    raise DataError(
        f"{ages!r} was given",
        argument="ages",
        expected=f"two borders of the bands of the standard ({listed(f'{b:g}' for b in start)}), or infinity",
        remedy=f"ages=({start[0]:g}, {start[-1]:g})",
    )


def _standard_by_age(standard: Any) -> tuple[np.ndarray, np.ndarray]:
    """Where the bands of a standard begin, and their weights."""
    if isinstance(standard, str):
        check_choice(standard, Standard, argument="standard")
        return np.array(AGES, dtype=float), np.array(WEIGHTS[standard], dtype=float)  # type: ignore[index]
    if not isinstance(standard, Mapping) or not standard:
        raise DataError(
            f"a {type(standard).__name__} was given",
            argument="standard",
            expected="the name of a standard, or {age at which a band begins: weight}",
            remedy="standard='europe 2013', or standard={0: 60, 65: 30, 80: 10}",
        )
    bands = sorted(standard.items())
    return np.array([b for b, _ in bands], dtype=float), _checked_weights([w for _, w in bands])


def _checked_weights(values: Any) -> np.ndarray:
    weight = np.asarray(values, dtype=float)
    if np.isfinite(weight).all() and (weight >= 0).all() and weight.any():
        return weight
    raise DataError(
        "has weights that are missing, infinite or negative, or none above 0",
        argument="standard",
        expected="a number of 0 or more for every stratum",
        remedy="standard='europe 2013'",
    )


def _own_strata(table: Table, standard: Any) -> Strata:
    """Strata of several columns, with the weights of a table that has these columns too."""
    names = list(table.names["strata"])
    if isinstance(standard, str | Mapping):
        raise DataError(
            "is by age, and strata were given",
            argument="standard",
            expected=f"a table with the columns {', '.join(map(repr, names))} and {WEIGHT!r}",
            remedy="age=... for a standard by age",
        )
    given = as_frame(standard).lazy().collect()
    lacking = [name for name in [*names, WEIGHT] if name not in given.columns]
    if lacking:
        raise DataError(
            f"lacks {', '.join(map(repr, lacking))}",
            argument="standard",
            expected=f"a table with the columns {', '.join(map(repr, names))} and {WEIGHT!r}",
            remedy=f"standard.rename({{...: {lacking[0]!r}}})",
        )
    weight = _checked_weights(given[WEIGHT].cast(pl.Float64).fill_null(np.nan).to_numpy())
    keys = given.select(pl.col(name).cast(pl.String) for name in names)
    if keys.is_duplicated().any():
        raise DataError(
            f"holds {counted(int(keys.is_duplicated().sum()), 'row')} of the same strata",
            argument="standard",
            expected="one weight for each stratum",
            remedy=f"standard.group_by({names!r}).agg(pl.col({WEIGHT!r}).sum())",
        )
    rows = table.several("strata").select(pl.all().cast(pl.String))
    place = rows.join(keys.with_row_index("place"), on=names, how="left", maintain_order="left")["place"]
    _refuse_unknown_strata(table, place.is_null().to_numpy())
    check_groups(keys, "strata")
    labels = Groups(keys, np.arange(keys.height)).labels()
    return Strata(place.to_numpy().astype(int), labels, weight)


def _refuse_unknown_strata(table: Table, unknown: np.ndarray) -> None:
    if not unknown.any():
        return
    raise DataError(
        f"has {counted(int(unknown.sum()), 'row')} in strata that the standard does not have",
        argument="strata",
        column=table.name("strata"),
        rows=table.positions(unknown),
        expected="a weight for each stratum of the data (0 for those that do not count)",
        remedy="the levels of the data as they are written in the standard",
    )


def _refuse_empty_strata(t: Totals, time: np.ndarray, s: Strata, argument: str) -> None:
    """A stratum without person-time has no rate that could be weighted."""
    empty = time == 0
    if not empty.any():
        return
    lacking = listed(label for label, none in zip(s.labels, empty.any(axis=0), strict=True) if none)
    raise DataError(
        f"has no person-time in {int(empty.any(axis=0).sum())} of the {len(s.labels)} strata of the standard "
        f"({lacking}){in_groups(t.group, empty.any(axis=1))}",
        argument=argument,
        column=t.names[argument],
        expected="person-time in every stratum of the standard, in every group",
        remedy="ages=(15, 75) for a span of ages, or a standard with wider strata",
    )
