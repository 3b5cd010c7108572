"""The hazard of the population for each patient: a background hazard, expected deaths, expected survival."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import Column, Columns, read_table
from ..lifetable import Extrapolate, LifeTable, population_roles, read_people, require_within
from ..numerics.population_hazard import cumulative_hazard, hazards
from ..options import TimeUnit
from ..times import DAYS_PER_UNIT
from .follow_up import read_entry, read_follow_up

if TYPE_CHECKING:
    from collections.abc import Mapping


def population_hazard(
    data: Any,
    *,
    time: Column,
    time_unit: TimeUnit | None = None,
    sex: Column,
    date: Column,
    life_table: LifeTable,
    birth: Column | None = None,
    age: Column | None = None,
    age_unit: TimeUnit | None = None,
    sexes: Mapping[Any, str] | None = None,
    entry: Column | None = None,
    extrapolate: Extrapolate | None = None,
) -> pl.DataFrame:
    """The population's hazard at the end of each one's follow-up, its sum and the survival that it leaves.

    The individual expected survival, one row for each row of `data`, in its order: columns to be put beside
    it (`data.hstack(...)`), such as the background hazard of a relative survival model. The sum of the
    cumulative hazards is the expected number of deaths of a standardised mortality ratio.

    Parameters
    ----------
    data
        Any table, one row per patient (or per episode, with `entry`).
    time, time_unit
        Follow-up from `date` on, and its unit; not needed where it is a duration (days).
    sex, date, life_table, birth, age, age_unit, sexes, extrapolate
        As of `expected_survival`.
    entry
        Start of observation, in the unit of `time`: the hazard is accumulated from there.

    Returns
    -------
    polars.DataFrame
        `hazard` at the end of follow-up, per unit of time; `cumulative_hazard` from `entry` (or 0) to it;
        `expected_survival`, exp(-cumulative_hazard).

    Raises
    ------
    DataError
        For missing values, and as `expected_survival`; for an entry at or after the time.

    Warns
    -----
    DataWarning
        Where rates were carried on by `extrapolate`.

    Examples
    --------
    >>> import hemresearch as hem
    >>> patients = hem.data.load("colrec")
    >>> expected = population_hazard(
    ...     patients, time="time", time_unit="days", sex="sex", date="diag", age="age", age_unit="days",
    ...     life_table=hem.data.life_table("slovenia"),
    ... )
    >>> round(patients["stat"].sum() / expected["cumulative_hazard"].sum(), 2)
    2.95
    """
    roles: dict[str, Columns] = {"time": time, "entry": entry}
    roles |= population_roles(life_table, sex=sex, date=date, birth=birth, age=age)
    table = read_table(data, roles)
    people = read_people(table, life_table, age_unit=age_unit, sexes=sexes)
    end, unit = read_follow_up(table, time_unit)
    assert end is not None
    begin = read_entry(table, end)
    per = DAYS_PER_UNIT[unit]
    require_within(people, life_table, begin * per, end * per, table, extrapolate)
    where = (life_table.rates, people.group, people.age, people.day)
    total = cumulative_hazard(*where, begin * per, end * per)
    return pl.DataFrame(
        {
            "hazard": hazards(*where, end * per) * per,
            "cumulative_hazard": total,
            "expected_survival": np.exp(-total),
        }
    )
