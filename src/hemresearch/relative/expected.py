"""The survival that patients would have if they died as the population of their age, sex and time does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from .. import formats
from ..columns import Column, Columns, Groups, Table, group_rows, read_table
from ..curves import Curves, curves_frame
from ..errors import DataError, listed
from ..lifetable import (
    Extrapolate,
    LifeTable,
    People,
    population_roles,
    read_days,
    read_people,
    require_within,
)
from ..numerics.pohar_perme import at_risk
from ..numerics.population_hazard import hazard_sums, survival_sums
from ..options import Missing, TimeUnit, check_choice, check_times
from ..times import DAYS_PER_UNIT
from .follow_up import read_entry, read_follow_up
from .net_rows import date_roles, whole_days, window_of, window_text

if TYPE_CHECKING:
    from collections.abc import Mapping

Method = Literal["ederer1", "ederer2", "hakulinen"]
NAMES: dict[str, str] = {"ederer1": "Ederer I", "ederer2": "Ederer II", "hakulinen": "Hakulinen"}


class ExpectedSurvival(Curves):
    """Expected survival along time, one curve per group; it follows from the life table, without limits."""

    __slots__ = ()

    def text(self, at: float | None = None, *, label: str | None = None, unit: str | None = None) -> str:
        """A sentence: the expected survival at a time, by default the last that all groups have."""
        last = min(float(part["time"][-1]) for part in self._parts())
        return super().text(last if at is None else at, label=label, unit=unit)

    def methods(self) -> str:
        """A sentence for the methods section: the method and the population."""
        return (
            f"Expected survival was computed by the method of {self.method} from the rates of {self.event}."
        )

    def _value_text(self, row: dict[str, Any], group: int) -> str:
        if row["estimate"] is None:
            return "not known (after the last follow-up)"
        return f"{formats.number(100 * row['estimate'], 1)}%"

    def __repr__(self) -> str:
        n = formats.count(float(self.totals()["n"][0]))
        dropped = f", {self.n_dropped} rows with missing values left out" if self.n_dropped else ""
        head = f"{self.method}: expected survival by the rates of {self.event}, n={n}{dropped}"
        ends = [part.tail(1).row(0, named=True) for part in self._parts()]
        labels = [
            ", ".join(f"{k}={v}" for k, v in row.items()) for row in self.groups_frame[self.by].to_dicts()
        ]
        lines = [
            f"  {label}: at {formats.significant(end['time'])}: {formats.significant(end['estimate'])}"
            for label, end in zip(labels if self.by else ["all"], ends, strict=True)
        ]
        return "\n".join([head, *lines[:6], *([f"  and {len(lines) - 6} more"] if len(lines) > 6 else [])])


def expected_survival(
    data: Any,
    *,
    time: Column | None = None,
    time_unit: TimeUnit | None = None,
    sex: Column,
    date: Column,
    life_table: LifeTable,
    birth: Column | None = None,
    age: Column | None = None,
    age_unit: TimeUnit | None = None,
    sexes: Mapping[Any, str] | None = None,
    entry: Column | None = None,
    by: Columns = None,
    period: Any = None,
    method: Method = "ederer1",
    times: Any = None,
    extrapolate: Extrapolate | None = None,
    missing: Missing = "raise",
) -> ExpectedSurvival:
    r"""Survival of a population of the patients' ages, sexes and calendar times, one curve per group.

    With each one's own expected survival :math:`S_i(t) = \exp(-\int_0^t \lambda_i)`, the population hazard
    integrated exactly over birthdays and calendar years:

    - Ederer I: :math:`n^{-1} \sum_i S_i(t)`, everybody followed for ever.
    - Ederer II: :math:`\exp(-\int \sum_i Y_i \lambda_i / \sum_i Y_i)`, the mean hazard of those at risk.
    - Hakulinen: :math:`\prod \sum_i Y_i S_i(t) / \sum_i Y_i S_i(t-)`, those who could be followed.

    Parameters
    ----------
    data
        Any table, one row per patient.
    time
        Follow-up from `date` on. For Hakulinen it is the follow-up that each one could have had (from the
        date to the closing of the study), also of those who died. Ederer I needs none where `times` are
        given; everybody is followed to the last time, where the life table must still hold.
    time_unit
        The unit of `time` and `times`; not needed where `time` is a duration (days).
    sex
        Sex, as the life table labels or codes it.
    date
        Date at which the time begins (the diagnosis).
    life_table
        The population.
    birth
        Date of birth.
    age, age_unit
        Instead: age at `date`, and its unit; a year of age is the life table's.
    sexes
        The life table's label of each value of `sex`, where they differ: `{"K": "female", "M": "male"}`.
    entry
        Delayed entry, of Ederer II: the time from which a patient is at risk.
    by
        Grouping columns.
    period
        As of `net_survival`, of Ederer II: only those at risk after the first date until the second count.
    method
        "ederer1", "ederer2" or "hakulinen". One value for each patient is `population_hazard`.
    times
        Further times at which the curve has a row, beside all of `time`; it is exact at its rows.
    extrapolate
        `"nearest"` carries the nearest rates on where follow-up leaves the life table, and warns.
    missing
        `"raise"` refuses missing values, `"drop"` leaves their rows out and counts them.

    Returns
    -------
    ExpectedSurvival
        Curves without standard errors; `n_risk` are those that the sums go over. Where a window leaves nobody
        at risk the curve is flat.

    Raises
    ------
    DataError
        For times, dates, ages and sexes that cannot be used, a missing unit, follow-up outside the life
        table, Ederer I without any time, and an unknown method; for an entry at or after the time, a group
        without follow-up in the period, and either with another method than Ederer II: Ederer I follows
        everybody from the date on for ever, and Hakulinen's potential follow-up begins there.

    Warns
    -----
    DataWarning
        Where rates were carried on by `extrapolate`.

    References
    ----------
    Ederer F, Axtell LM, Cutler SJ. Natl Cancer Inst Monogr 1961;6:101-121. Ederer F, Heise H. Instructions to
    IBM 650 programmers in processing survival computations, National Cancer Institute 1959. Hakulinen T.
    Biometrics 1982;38:933-942.

    Examples
    --------
    >>> import hemresearch as hem
    >>> patients = hem.data.load("colrec")
    >>> expected = expected_survival(
    ...     patients, time="time", time_unit="days", sex="sex", date="diag", age="age", age_unit="days",
    ...     life_table=hem.data.life_table("slovenia"), by="sex", method="ederer2",
    ... )
    >>> expected.at(1826)["estimate"].round(3).to_list()
    [0.799, 0.85]
    """
    check_method(method)
    _refuse_late(method, entry is not None or period is not None)
    roles: dict[str, Columns] = {"time": time, "entry": entry, "by": by} | date_roles(period, None)
    roles |= population_roles(life_table, sex=sex, date=date, birth=birth, age=age)
    table = read_table(data, roles, missing=missing)
    people = read_people(table, life_table, age_unit=age_unit, sexes=sexes)
    follow_up, unit = read_follow_up(table, time_unit)
    per, groups = DAYS_PER_UNIT[unit], group_rows(table)
    if entry is None and period is None:
        grid = _grid(follow_up, times, method)
        until = np.full(len(people.day), grid[-1]) if follow_up is None or method == "ederer1" else follow_up
        begin, seen = np.zeros(len(until)), np.ones(len(until), dtype=bool)
    else:
        begin, until = _window(table, follow_up, period, per)
        seen = until > begin
        _refuse_empty(groups, seen)
        grid = _grid(until[seen], times, method)
    last = np.where(seen, np.minimum(until, grid[-1]) * per, np.nan)
    require_within(people, life_table, np.where(seen, begin * per, np.nan), last, table, extrapolate)
    parts = [
        _one_curve(life_table, people.take(rows), begin[rows], until[rows], grid, per, method)
        for rows in (np.flatnonzero((groups.code == g) & seen) for g in range(len(groups)))
    ]
    told = f"{NAMES[method]}; {window_text(table, period)}" if period is not None else NAMES[method]
    return _curves(parts, groups, seen, table, life_table, told, unit)


def check_method(method: Any) -> None:
    """One of the methods that give a curve; individual values are of `population_hazard`."""
    if method == "individual":
        raise DataError(
            "'individual' gives a value for each patient and no curve",
            argument="method",
            expected="'ederer1', 'ederer2' or 'hakulinen'",
            remedy="hem.relative.population_hazard(...) with the same arguments",
        )
    check_choice(method, Method, argument="method")


def _refuse_late(method: str, late: bool) -> None:
    if late and method != "ederer2":
        raise DataError(
            f"{NAMES[method]} follows everybody from the date on, but an entry or a period was given",
            argument="method",
            expected="'ederer2', the mean hazard of those at risk, with entry or period",
            remedy="method='ederer2'",
        )


def _window(
    table: Table, follow_up: np.ndarray | None, period: Any, per: float
) -> tuple[np.ndarray, np.ndarray]:
    """From when to when each one is at risk, in the unit; follow-up that the window does not cut as it is."""
    if follow_up is None:
        raise _no_time(NAMES["ederer2"], "")
    low, high = window_of(table, period, read_days(table, "date"), 0.0)
    entry = read_entry(table, follow_up)
    begin = np.where(low > whole_days(entry * per), low / per, entry)
    return begin, np.where(high < whole_days(follow_up * per), high / per, follow_up)


def _refuse_empty(groups: Groups, seen: np.ndarray) -> None:
    size = np.bincount(groups.code[seen], minlength=len(groups))
    if not size.all():
        empty = [label for label, n in zip(groups.labels() or [""], size, strict=True) if not n]
        of = f" of {listed(map(repr, empty))}" if groups.names else ""
        raise DataError(
            f"holds no follow-up{of}",
            argument="period",
            expected="follow-up of every group",
            remedy="a longer period, or data.filter(...) to the groups that have some",
        )


def _no_time(name: str, alone: str) -> DataError:
    return DataError(
        f"no time was given, which {name} needs",
        argument="time",
        expected=f"the follow-up of each patient{', or times' if alone else ''}",
        remedy=f"time='the column of times'{alone}",
    )


def _grid(follow_up: np.ndarray | None, times: Any, method: str) -> np.ndarray:
    """The times of the rows of a curve: of the follow-up, and those that were asked for."""
    if follow_up is None and (times is None or method != "ederer1"):
        raise _no_time(NAMES[method], ", or times=[1, 5, 10]" if method == "ederer1" else "")
    wanted = np.empty(0) if times is None else check_times(times)
    grid = np.unique(wanted if follow_up is None else np.concatenate([follow_up, wanted]))
    if method != "ederer1" and follow_up is not None:  # nobody is left to have a mean hazard
        grid = grid[grid <= follow_up.max()]
    return grid


def _one_curve(
    life_table: LifeTable,
    people: People,
    begin: np.ndarray,
    until: np.ndarray,
    grid: np.ndarray,
    per: float,
    method: str,
) -> dict[str, np.ndarray]:
    """The expected survival of one group, at the times that somebody of it has reached."""
    grid, asked = np.union1d(grid, begin[begin > 0]), grid
    grid = grid[grid <= until.max()]
    where = (life_table.rates, people.group, people.age, people.day, until * per, grid * per)
    if method == "ederer2":
        n_risk, hazard = hazard_sums(*where)
        late = np.flatnonzero(begin > 0)
        if len(late):
            who = people.take(late)
            early = hazard_sums(life_table.rates, who.group, who.age, who.day, begin[late] * per, grid * per)
            n_risk, hazard = n_risk - early[0], hazard - early[1]
        steps = np.exp(-at_risk(hazard, n_risk))
    else:
        n_risk, before, after = survival_sums(*where)
        steps = after / before
    shown = np.isin(grid, asked)
    left = np.bincount(np.searchsorted(grid, until, side="right") - 1, minlength=len(grid)).astype(float)
    unknown = np.full(int(shown.sum()), np.nan)
    return {
        "time": grid[shown], "n_risk": n_risk[shown], "n_event": np.zeros(len(unknown)),
        "n_censor": left[shown], "estimate": np.cumprod(steps)[shown], "std_error": unknown,
        "conf_low": unknown, "conf_high": unknown,
    }  # fmt: skip


def _curves(
    parts: list[dict[str, np.ndarray]],
    groups: Groups,
    seen: np.ndarray,
    table: Table,
    life_table: LifeTable,
    method: str,
    unit: str,
) -> ExpectedSurvival:
    frame, starts = curves_frame(groups.levels, parts)
    n = np.bincount(groups.code[seen], minlength=len(groups))
    counts = pl.DataFrame({"n": n, "n_event": np.zeros_like(n), "n_censor": n})
    return ExpectedSurvival(
        frame=frame,
        groups_frame=pl.concat([groups.levels, counts], how="horizontal") if groups.names else counts,
        starts=starts,
        quantity="expected survival",
        by=groups.names,
        time=table.name("time") if "time" in table else "time",
        event=life_table.name,
        conf_level=0.95,
        conf_type="none",
        variance="none",
        method=method,
        n_dropped=table.n_dropped,
        time_unit=unit,
        predicted=True,
    )
